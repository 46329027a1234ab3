import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Batch } from './batch.ts'
import { Line } from './line.ts'

interface Written {
  readonly batch: Batch
  /** Texts as they were handed to the output, with the number of their lines. */
  readonly writes: [string, number][]
  /** What was put off runs now. */
  turn(): void
  readonly output: { queued: number }
}
function batchOf(maxQueued = 100): Written {
  const writes: [string, number][] = []
  let due: (() => void)[] = []
  const output = {
    queued: 0,
    write: (line: string, lines = 1): void => void writes.push([`${line}\n`, lines]),
    writeBytes: (bytes: Uint8Array, lines: number): void =>
      void writes.push([Buffer.from(bytes).toString(), lines]),
  }
  return {
    batch: new Batch({ output, maxQueued, later: (run) => void due.push(run) }),
    writes,
    output,
    turn() {
      const now = due
      due = []
      for (const run of now) run()
    },
  }
}

/** The same line as bytes, and as text. */
function* bothOf(text: string): Generator<Line | string> {
  const line = new Line()
  line.utf8(text)
  yield line
  yield text
}

test('lines of a turn leave in one write', () => {
  const { batch, writes, turn } = batchOf()
  for (const line of [...bothOf('a'), 'b', '']) batch.add(line)
  assert.deepEqual(writes, [])
  turn()
  batch.add('c')
  turn()
  turn()
  assert.deepEqual(writes, [
    ['a\na\nb\n\n', 4],
    ['c\n', 1],
  ])
})
test('an alert leaves at once, behind what came before it', () => {
  const { batch, writes, turn } = batchOf()
  batch.add('event')
  batch.now('alert')
  turn()
  assert.deepEqual(writes, [['event\nalert\n', 2]])
})
test('a large batch does not wait', () => {
  const { batch, writes } = batchOf()
  for (let i = 0; i < 70; i++) batch.add('x'.repeat(1000))
  assert.equal(writes.length, 1)
})
test('a line that is longer than a batch keeps its place', () => {
  const { batch, writes, turn } = batchOf()
  batch.add('first')
  for (const line of bothOf('x'.repeat(1 << 20))) batch.add(line)
  batch.add('ä')
  turn()
  assert.deepEqual(
    writes.map(([text, lines]) => [text.slice(0, 7), text.length, lines]),
    [
      ['first\n', 6, 1],
      ['xxxxxxx', (1 << 20) + 1, 1],
      ['xxxxxxx', (1 << 20) + 1, 1],
      ['ä\n', 2, 1],
    ],
  )
})
test('an output that is far behind takes no telemetry, but alerts', () => {
  const { batch, writes, output } = batchOf(100)
  output.queued = 101
  assert.equal(batch.add('event'), false)
  batch.now('alert')
  assert.deepEqual(writes, [['alert\n', 1]])
  output.queued = 100
  assert.equal(batch.add('event'), true)
})
test('without being told, it goes out when the event loop has had its turn', async () => {
  const writes: string[] = []
  const output = {
    queued: 0,
    write: (line: string) => void writes.push(line),
    writeBytes: (bytes: Uint8Array) => void writes.push(Buffer.from(bytes).toString()),
  }
  const batch = new Batch({ output, maxQueued: 1 })
  batch.add('a')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(writes, ['a\n'])
})

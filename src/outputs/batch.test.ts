import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Batch } from './batch.ts'

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
  const output = { queued: 0, write: (line: string, lines = 1): void => void writes.push([line, lines]) }
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

test('lines of a turn leave in one write', () => {
  const { batch, writes, turn } = batchOf()
  for (const line of ['a', 'b', '']) batch.add(line)
  assert.deepEqual(writes, [])
  turn()
  batch.add('c')
  turn()
  turn()
  assert.deepEqual(writes, [
    ['a\nb\n', 3],
    ['c', 1],
  ])
})
test('an alert leaves at once, behind what came before it', () => {
  const { batch, writes, turn } = batchOf()
  batch.add('event')
  batch.now('alert')
  turn()
  assert.deepEqual(writes, [['event\nalert', 2]])
})
test('a large batch does not wait', () => {
  const { batch, writes } = batchOf()
  for (let i = 0; i < 70; i++) batch.add('x'.repeat(1000))
  assert.equal(writes.length, 1)
})
test('an output that is far behind takes no telemetry, but alerts', () => {
  const { batch, writes, output } = batchOf(100)
  output.queued = 101
  assert.equal(batch.add('event'), false)
  batch.now('alert')
  assert.deepEqual(writes, [['alert', 1]])
  output.queued = 100
  assert.equal(batch.add('event'), true)
})
test('without being told, it goes out when the event loop has had its turn', async () => {
  const writes: string[] = []
  const batch = new Batch({ output: { queued: 0, write: (line) => void writes.push(line) }, maxQueued: 1 })
  batch.add('a')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(writes, ['a'])
})

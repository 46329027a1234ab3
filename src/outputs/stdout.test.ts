import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { OutputCounters } from './output.ts'

interface Report extends OutputCounters {
  readonly closed: boolean
}

/** Writes `count` lines of 100 bytes to standard output; reports on standard error before and after the flush. */
const writer = (count: number, maxQueued: number): string => `
  import { openStdoutOutput } from ${JSON.stringify(join(import.meta.dirname, 'output.ts'))}
  let closed = false
  const out = openStdoutOutput({ maxQueued: ${maxQueued}, onClosed: () => (closed = true), onError() {} })
  const report = () => console.error(JSON.stringify({ closed, ...out.counters }))
  for (let i = 0; i < ${count}; i++) out.write(String(i).padStart(99, '.'))
  report()
  await out.flush()
  report()
`

/** The writer's output goes through a pipe to a shell script. */
function run(
  reader: string,
  count: number,
  maxQueued = 64 << 20,
): { read: string; early: Report; late: Report } {
  const args = [process.execPath, '--input-type=module-typescript', '-e', writer(count, maxQueued)]
  const { stdout, stderr } = spawnSync('sh', ['-c', `"$@" | { ${reader}; }`, 'sh', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const [early, late] = stderr
    .trim()
    .split('\n')
    .map((line): Report => JSON.parse(line))
  return { read: stdout, early: early!, late: late! }
}

suite('standard output is a pipe', () => {
  test('a reader that does not read holds nothing up, and gets every line once it does', () => {
    const { read, early, late } = run('head -c 100; sleep 0.7; cat', 3000)
    // Had it waited for the reader, everything would be written by now.
    assert.ok(early.queued > 0 && early.written < 3000, JSON.stringify(early))
    assert.equal(late.written, 3000)
    assert.equal(late.droppedFull + late.droppedError, 0)
    assert.deepEqual(
      read.trimEnd().split('\n'),
      Array.from({ length: 3000 }, (_, i) => String(i).padStart(99, '.')),
    )
  })

  test('what does not fit the queue is counted, and no line is torn', () => {
    const { read, early, late } = run('head -c 100; sleep 0.5; cat', 3000, 10_000)
    assert.ok(early.droppedFull > 0)
    assert.equal(late.written + late.droppedFull, 3000)
    const lines = read.trimEnd().split('\n')
    assert.equal(lines.length, late.written)
    assert.ok(lines.every((line) => /^\.+\d+$/.test(line) && line.length === 99))
  })

  test('a reader that has gone ends it, and what it never read is counted', () => {
    const { early, late } = run('head -c 100 >/dev/null; sleep 0.5', 3000)
    assert.equal(early.closed, false)
    assert.equal(late.closed, true)
    assert.equal(late.written + late.droppedError, 3000)
    assert.equal(late.queued, 0)
  })
})

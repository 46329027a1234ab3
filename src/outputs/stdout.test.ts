import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { suite, test } from 'node:test'

/** A process that writes `count` lines of 100 bytes to its standard output, then says what became of them, and ends. */
const writer = (count: number, maxQueued: number): string => `
  import { openStdoutOutput } from ${JSON.stringify(join(import.meta.dirname, 'output.ts'))}
  let closed = false
  const out = openStdoutOutput({ maxQueued: ${maxQueued}, onClosed: () => (closed = true), onError() {} })
  process.on('message', async () => {
    await out.flush()
    process.send({ closed, ...out.counters }, () => process.disconnect())
  })
  const started = performance.now()
  for (let i = 0; i < ${count}; i++) out.write(String(i).padStart(99, '.'))
  process.send({ closed, ms: performance.now() - started, ...out.counters })
`
const start = (count: number, maxQueued = 64 << 20) =>
  spawn(process.execPath, ['--input-type=module-typescript', '-e', writer(count, maxQueued)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })

suite('standard output is a pipe', () => {
  test('a reader that does not read holds nothing up, and gets every line once it does', async () => {
    const child = start(3000)
    const [early] = await once(child, 'message')
    assert.ok(early.ms < 1000, `${early.ms} ms`)
    assert.ok(early.queued > 0 && early.written < 3000, JSON.stringify(early))
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    child.send('flush')
    const [late] = await once(child, 'message')
    await once(child, 'close')
    assert.deepEqual(
      { ...late, queued: 0 },
      { closed: false, written: 3000, droppedFull: 0, droppedError: 0, queued: 0 },
    )
    assert.deepEqual(
      text.trimEnd().split('\n'),
      Array.from({ length: 3000 }, (_, i) => String(i).padStart(99, '.')),
    )
  })

  test('what does not fit the queue is counted', async () => {
    const child = start(3000, 10_000)
    const [counts] = await once(child, 'message')
    assert.ok(counts.droppedFull > 0)
    assert.equal(counts.written + counts.droppedFull + Math.ceil(counts.queued / 100), 3000)
    child.kill('SIGKILL')
    await once(child, 'close')
  })

  test('a reader that has gone is told to whoever asked', async () => {
    const child = start(3000)
    await once(child, 'message')
    child.stdout!.destroy()
    child.send('flush')
    const [counts] = await once(child, 'message')
    assert.equal(counts.closed, true)
    await once(child, 'close')
  })
})

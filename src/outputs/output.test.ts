import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../testing/scratch.ts'
import { FdOutput, type FdOutputOptions, openFileOutput } from './output.ts'

const folder = scratchFolder('output')

let made = 0
/** A pipe whose ends neither block nor close behind one's back. */
function pipe(): { readonly write: number; read(): string; closeRead(): void } {
  const path = join(folder, `pipe-${made++}`)
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return {
    write: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK),
    read() {
      const buffer = Buffer.alloc(1 << 20)
      let text = ''
      for (;;)
        try {
          const n = readSync(reader, buffer)
          if (n === 0) return text
          text += buffer.toString('utf8', 0, n)
        } catch {
          return text
        }
    },
    closeRead: () => closeSync(reader),
  }
}

interface Told {
  closed: number
  readonly errors: string[]
}
function outputTo(fd: number, more: Partial<FdOutputOptions> = {}): { output: FdOutput; told: Told } {
  const told: Told = { closed: 0, errors: [] }
  const output = new FdOutput({
    name: 'test',
    fd,
    owned: true,
    onClosed: () => told.closed++,
    onError: (message) => told.errors.push(message),
    ...more,
  })
  return { output, told }
}
const lines = (text: string): string[] => text.split('\n').slice(0, -1)

test('a line is written at once, with its line end', () => {
  const { write, read, closeRead } = pipe()
  const { output } = outputTo(write)
  output.write('one')
  output.write('zwei ä')
  assert.equal(read(), 'one\nzwei ä\n')
  assert.deepEqual(output.counters, { written: 2, droppedFull: 0, droppedError: 0, queued: 0 })
  output.close()
  closeRead()
})

test('what a full pipe does not take waits, what the queue does not take is counted, and the order is kept', async () => {
  const { write, read, closeRead } = pipe()
  const { output } = outputTo(write, { maxQueued: 50_000 })
  for (let i = 0; i < 1000; i++) output.write(`${i} `.padEnd(199, 'x'))
  const { written, droppedFull, queued } = output.counters
  assert.ok(written > 0 && droppedFull > 0 && queued > 0 && queued <= 50_000, JSON.stringify(output.counters))
  let text = read()
  const flushed = output.flush()
  const reading = setInterval(() => {
    text += read()
  }, 1)
  await flushed
  clearInterval(reading)
  text += read()
  const numbers = lines(text).map((line) => Number.parseInt(line, 10))
  assert.deepEqual(
    numbers,
    Array.from({ length: 1000 - droppedFull }, (_, i) => i),
  )
  assert.ok(lines(text).every((line) => line.length === 199))
  assert.deepEqual(output.counters, {
    written: 1000 - droppedFull,
    droppedFull,
    droppedError: 0,
    queued: 0,
  })
  output.close()
  closeRead()
})

test('a reader that has gone is told once, and later lines are counted', () => {
  const { write, closeRead } = pipe()
  closeRead()
  const { output, told } = outputTo(write)
  output.write('a')
  output.write('b')
  assert.deepEqual([told.closed, told.errors, output.counters.written], [1, [], 0])
  assert.equal(output.counters.droppedError, 1)
  output.close()
})

test('each run of failures is reported once', () => {
  const readOnly = openSync(join(folder, 'none'), constants.O_RDONLY | constants.O_CREAT, 0o600)
  const state = { broken: true }
  const { output, told } = outputTo(readOnly, { writeText: () => (state.broken ? 0 : 2) })
  output.write('a')
  output.write('b')
  assert.equal(told.errors.length, 1)
  assert.match(told.errors[0]!, /^Output test: EBADF/)
  state.broken = false
  output.write('c')
  state.broken = true
  output.write('d')
  assert.deepEqual([told.errors.length, output.counters.droppedError, output.counters.written], [2, 3, 1])
  output.close()
})

test('a line that is cut does not swallow the next one', async () => {
  const path = join(folder, 'full')
  const script = `
    import { openSync } from 'node:fs'
    import { FdOutput } from ${JSON.stringify(join(import.meta.dirname, 'output.ts'))}
    const fd = openSync(${JSON.stringify(path)}, 'w')
    process.on('SIGXFSZ', () => {})
    const out = new FdOutput({ name: 't', fd, owned: true, onClosed() {}, onError: (m) => console.log(m) })
    out.write('x'.repeat(1500))
    process.stdin.once('data', async () => {
      out.write('after')
      await out.flush()
      console.log(JSON.stringify(out.counters))
      process.exit(0)
    })
    console.log('cut')
  `
  // Files may have 1 KiB (two blocks of 512 bytes) until the limit is lifted from outside.
  const child = spawn(
    '/bin/sh',
    ['-c', 'ulimit -Sf 2; exec "$@"', 'sh', process.execPath, '--input-type=module-typescript', '-e', script],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  let said = ''
  const ended = new Promise((resolve) => child.once('close', resolve))
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes('cut')) resolve()
    })
  })
  assert.match(said, /^Output t: EFBIG/)
  assert.equal(statSync(path).size, 1024)
  execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited'])
  child.stdin.write('go\n')
  await ended
  assert.match(said, /"written":1,"droppedFull":0,"droppedError":1,"queued":0/)
  assert.deepEqual(lines(readFileSync(path, 'utf8')), ['x'.repeat(1024), 'after'])
})

test('a file is made for its owner only, and appended to', () => {
  const path = join(folder, 'alerts')
  const handlers = { onClosed: assert.fail, onError: assert.fail }
  for (const line of ['one', 'two']) {
    const output = openFileOutput(path, { keepAlive: true }, handlers)
    output.write(line)
    output.close()
    output.write('after the end')
    assert.equal(output.counters.droppedError, 1)
  }
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
})

test('a file that cannot be opened throws', () => {
  writeFileSync(join(folder, 'plain'), '')
  const handlers = { onClosed: assert.fail, onError: assert.fail }
  const open = (): unknown => openFileOutput(join(folder, 'plain', 'x'), { keepAlive: true }, handlers)
  assert.throws(open, { code: 'ENOTDIR' })
})

test('a pipe keeps nobody waiting', () => {
  const path = join(folder, 'named-pipe')
  execFileSync('mkfifo', [path])
  const handlers = { onClosed: assert.fail, onError: assert.fail }
  assert.throws(() => openFileOutput(path, { keepAlive: true }, handlers), /nobody reads this pipe/)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const output = openFileOutput(path, { keepAlive: false }, handlers)
  output.write('x'.repeat(1 << 20))
  assert.ok(output.queued > 0)
  closeSync(reader)
  output.close()
})

/** Lines of a file that is moved away after the first and removed after the second. */
function rotated(keepAlive: boolean): readonly (readonly string[])[] {
  const [path, old] = [join(folder, `rotated-${keepAlive}`), join(folder, `old-${keepAlive}`)]
  const output = openFileOutput(path, { keepAlive }, { onClosed: assert.fail, onError: assert.fail })
  output.write('one')
  renameSync(path, old)
  output.write('two')
  rmSync(path, { force: true })
  output.write('three')
  output.close()
  return [old, path].map((file) => (existsSync(file) ? lines(readFileSync(file, 'utf8')) : []))
}
test('a file that was moved away or removed is made anew', () =>
  assert.deepEqual(rotated(false), [['one'], ['three']]))
test('unless it is kept open', () => assert.deepEqual(rotated(true), [['one', 'two', 'three'], []]))

test('a file that cannot be made anew goes on, and is spoken of once', () => {
  const directory = join(folder, 'gone')
  mkdirSync(directory)
  const told: string[] = []
  const handlers = { onClosed: assert.fail, onError: (message: string) => told.push(message) }
  const output = openFileOutput(join(directory, 'alerts'), { keepAlive: false }, handlers)
  renameSync(directory, `${directory}-away`)
  for (const line of ['one', 'two']) output.write(line)
  output.close()
  assert.deepEqual(lines(readFileSync(join(`${directory}-away`, 'alerts'), 'utf8')), ['one', 'two'])
  assert.equal(told.length, 1)
  assert.match(told[0]!, /was moved away and cannot be made anew: ENOENT/)
})

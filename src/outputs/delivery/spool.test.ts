import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { receiveHttp } from '../../testing/http-receiver.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import type { Spool } from './delivery.ts'
import { openSpool } from './spool.ts'

const folder = scratchFolder('spool')
let made = 0
const fresh = (): string => join(folder, String(made++))
const open = (directory: string, mostBytes = 1 << 20, errors: string[] = []): Spool =>
  openSpool({ directory, mostBytes, onError: (message) => errors.push(message) })
const message = (id: number | string, text = `text of ${id}`) => ({ id: String(id), text })
const ids = (spool: Spool, most = 1000): readonly string[] => spool.peek(most).map(({ id }) => id)
const spoolFiles = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.spool'))
    .sort()

test('what was pushed and not removed is there again', () => {
  const directory = fresh()
  const first = open(directory)
  for (let i = 0; i < 5; i++) assert.equal(first.push(message(i)), true)
  assert.deepEqual(ids(first, 2), ['0', '1'])
  first.remove(2)
  // Not closed: as after a kill.
  const second = open(directory)
  assert.equal(second.waiting, 3)
  assert.deepEqual(ids(second), ['2', '3', '4'])
  second.push(message(5))
  second.remove(3)
  assert.deepEqual(ids(second), ['5'])
  second.remove(1)
  assert.deepEqual([second.waiting, second.bytes, spoolFiles(directory).length], [0, 0, 0])
  second.close()
  first.close()
})
test('nobody else may look into it', () => {
  const directory = fresh()
  mkdirSync(directory)
  chmodSync(directory, 0o755)
  const spool = open(directory)
  spool.push(message(1))
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600)
  spool.close()
  symlinkSync(directory, `${directory}-link`)
  assert.throws(() => open(`${directory}-link`), /no directory of ours/)
})
test('bounded: full is said, and there is room again before everything is gone', () => {
  const spool = open(fresh(), 1 << 16)
  let pushed = 0
  while (spool.push(message(pushed, 'x'.repeat(500)))) pushed++
  assert.ok(spool.bytes <= 1 << 16 && pushed > 100)
  for (let i = 0; i < pushed / 2; i++) {
    ids(spool, 1)
    spool.remove(1)
  }
  assert.equal(spool.push(message('more')), true)
  spool.close()
})
test('damaged lines and a torn end are passed over and counted', () => {
  const directory = fresh()
  const first = open(directory)
  for (const id of ['a', 'b', 'c']) first.push(message(id))
  first.close()
  const [file] = spoolFiles(directory)
  const path = join(directory, file!)
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace('text of b', 'text of X'))
  appendFileSync(path, 'not a record\n00000000 ["torn')
  const second = open(directory)
  second.push(message('d'))
  assert.equal(second.waiting, 5)
  assert.deepEqual(ids(second, 1), ['a'])
  second.remove(1)
  assert.deepEqual(ids(second, 9), ['c'])
  second.remove(1)
  assert.equal(second.damaged, 2)
  assert.deepEqual(ids(second), ['d'])
  second.remove(1)
  assert.equal(second.waiting, 0)
  second.close()
})
test('a file that vanished or was cut loses what was in it, no more', () => {
  const directory = fresh()
  const first = open(directory)
  for (const id of ['a', 'b']) first.push(message(id))
  first.close()
  const spool = open(directory)
  writeFileSync(join(directory, spoolFiles(directory)[0]!), '')
  spool.push(message('c'))
  assert.deepEqual(ids(spool), ['c'])
  assert.equal(spool.damaged, 2)
  spool.close()
})
test('like a list, whatever is done with it, and opened anew in between', () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), text: fc.string({ unit: 'binary', maxLength: 40 }) }),
    fc.record({ kind: fc.constant('remove' as const), count: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ kind: fc.constant('reopen' as const) }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const directory = fresh()
      const model: string[] = []
      let spool = open(directory, 1 << 12)
      for (const one of acts) {
        if (one.kind === 'reopen') {
          spool.close()
          spool = open(directory, 1 << 12)
        } else if (one.kind === 'remove') {
          const count = spool.peek(one.count).length
          spool.remove(count)
          model.splice(0, count)
        } else if (spool.push(message('', one.text))) model.push(one.text.toWellFormed())
        assert.equal(spool.waiting, model.length)
        assert.deepEqual(
          spool.peek(3).map(({ text }) => text.toWellFormed()),
          model.slice(0, spool.peek(3).length),
        )
        assert.ok(model.length === 0 || spool.peek(1).length === 1)
      }
      spool.close()
      rmSync(directory, { recursive: true })
    }),
    { numRuns: 60 },
  )
})

/** A process that gives alerts to an output with a spool, and says how many it has given. */
const GIVER = `
import { configFrom } from ${JSON.stringify(join(import.meta.dirname, '../../config/options.ts'))}
import { openOutputs } from ${JSON.stringify(join(import.meta.dirname, '../open.ts'))}
const [url, directory, from, many] = process.argv.slice(1)
const entry = { type: 'http', url, format: 'tarsier', spool: directory, retry_min_ms: 1, retry_max_ms: 20, batch: 7 }
const config = configFrom(['stdout_output.enabled=false', 'outputs=' + JSON.stringify([entry])])
const outputs = openOutputs(config, { onClosed() {}, onError() {} }, { randGuard: () => '', secrets: () => [] }, { hostname: 'h', json: true, openDatagrams() {} })
let given = Number(from)
const end = given + Number(many)
const give = () => {
  if (given === end) return process.send(given)
  outputs.write({ id: String(given++), time: 0n, hostname: 'h', rule: 'r', priority: 'Error', source: 's', tags: [], message: 'm', fields: new Map() })
  setImmediate(give)
}
give()
setInterval(() => {}, 1000)
process.on('message', async () => {
  // One flush waits no longer than a receiver may take.
  for (let i = 0; i < 20 && outputs.status()[0].waiting > 0; i++) await outputs.flush()
  outputs.close()
  process.exit(outputs.status()[0].waiting)
})
`
const run = (...args: readonly (string | number)[]) =>
  spawn(process.execPath, ['--input-type=module-typescript', '-e', GIVER, ...args.map(String)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
const word = (child: ReturnType<typeof run>): Promise<unknown> =>
  new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })

test('kill -9 while the receiver is down: after a start everything arrives', {
  timeout: 180_000,
}, async (t) => {
  const directory = fresh()
  const server = await receiveHttp()
  t.after(() => server.close())
  server.answer = 500
  const first = run(server.url, directory, 0, 500)
  t.after(() => first.kill('SIGKILL'))
  assert.equal(await word(first), 500)
  first.kill('SIGKILL')
  // A second life in which some are delivered, which ends as abruptly.
  const second = run(server.url, directory, 500, 500)
  t.after(() => second.kill('SIGKILL'))
  assert.equal(await word(second), 1000)
  server.answer = 200
  while (server.received.length < 20) await new Promise((resolve) => setTimeout(resolve, 1))
  second.kill('SIGKILL')
  const third = run(server.url, directory, 1000, 1)
  t.after(() => third.kill('SIGKILL'))
  await word(third)
  const ended = new Promise((resolve) => third.once('exit', resolve))
  third.send('end')
  assert.equal(await ended, 0)
  const came = server.received.flatMap(({ headers }) => String(headers['x-tarsier-alert-id']).split(','))
  assert.deepEqual(
    [...new Set(came)].map(Number).sort((a, b) => a - b),
    Array.from({ length: 1001 }, (_, i) => i),
  )
  // Twice came at most what was under way when it was killed.
  assert.ok(came.length - 1001 <= 7, `${came.length - 1001} came twice`)
})

/** May we mount? A file system of our own, in a namespace of our own. */
const canMount = (): boolean => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tarsier-test', '/mnt'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}
test('a full disk: said once, nothing half written, and it goes on when there is room', {
  skip: !canMount(),
}, () => {
  const code = `
import { openSpool } from ${JSON.stringify(join(import.meta.dirname, 'spool.ts'))}
import { rmSync, writeFileSync } from 'node:fs'
const errors = []
writeFileSync('/mnt/ballast', Buffer.alloc(128 << 10))
const spool = openSpool({ directory: '/mnt/spool', mostBytes: 1 << 20, onError: (message) => errors.push(message) })
let pushed = 0
while (spool.push({ id: String(pushed), text: 'x'.repeat(700) })) pushed++
spool.push({ id: '', text: 'x'.repeat(700) })
rmSync('/mnt/ballast')
const again = spool.push({ id: String(pushed), text: 'y' })
const ids = []
for (let batch = spool.peek(50); batch.length > 0; batch = spool.peek(50)) {
  ids.push(...batch.map(({ id }) => Number(id)))
  spool.remove(batch.length)
}
const right = ids.every((id, i) => id === i) && ids.length === pushed + 1
console.log(JSON.stringify({ pushed: pushed > 50, again, errors: errors.length, right, damaged: spool.damaged }))
`
  const node = [process.execPath, '--input-type=module-typescript', '-e', code]
  const script = 'mount -t tmpfs -o size=256k tarsier-test /mnt && exec "$@"'
  const printed = execFileSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...node], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(printed), { pushed: true, again: true, errors: 1, right: true, damaged: 0 })
})

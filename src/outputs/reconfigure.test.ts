/** Outputs of one configuration become those of another: no alert is lost, and what stays is not touched. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configFrom } from '../config/options.ts'
import type { Alert } from '../detect/alert.ts'
import { openDatagrams } from '../kernel/datagrams.ts'
import { type Outputs, openOutputs } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'tarsier-reconfigure-'))
const opened: Outputs<string>[] = []
const servers: Server[] = []
after(() => {
  for (const one of opened) one.close()
  for (const server of servers) server.close()
  for (const server of servers) server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

const alert = (id: string): Alert => ({
  id,
  time: 0n,
  hostname: 'box',
  rule: id,
  priority: 'Error',
  source: 'syscall',
  tags: [],
  message: `m ${id}`,
  fields: new Map(),
})

const configOf = (entries: readonly object[], more: readonly string[] = []) =>
  configFrom(['stdout_output.enabled=false', `outputs=${JSON.stringify(entries)}`, ...more])

const errors: string[] = []
function open(...entries: readonly object[]): Outputs<string> {
  const outputs = openOutputs<string>(
    configOf(entries),
    { onClosed: assert.fail, onError: (message) => errors.push(message) },
    { randGuard: () => 'rand-guard', secrets: () => [] },
    { hostname: 'box', openDatagrams },
  )
  opened.push(outputs)
  return outputs
}
const become = (outputs: Outputs<string>, ...entries: readonly object[]): void =>
  outputs.prepare(configOf(entries)).commit()

/** A receiver, with the ids that came; one that answers `status`. */
async function receive(
  status = 200,
): Promise<{ readonly url: string; readonly ids: string[]; connections: number }> {
  const ids: string[] = []
  const seen = { url: '', ids, connections: 0 }
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      if (status < 300) ids.push(...String(request.headers['x-tarsier-alert-id']).split(','))
      response.writeHead(status).end()
    })
  })
  server.on('connection', () => seen.connections++)
  servers.push(server)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  seen.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return seen
}
async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!what()) {
    assert.ok(performance.now() < end, 'it does not come')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const QUICK = { type: 'http', retry_min_ms: 1, retry_max_ms: 20 }
let made = 0
const fresh = (): string => join(folder, String(made++))

test('an output that is added takes alerts from then on', async () => {
  const outputs = open()
  outputs.write(alert('a'))
  const path = fresh()
  become(outputs, { type: 'file', path })
  outputs.write(alert('b'))
  await outputs.flush()
  assert.match(readFileSync(path, 'utf8'), /^\S+ Error m b\n$/)
})
test('one that is the same keeps its connection, its counters and what waits', async () => {
  const receiver = await receive()
  const entry = { ...QUICK, url: receiver.url }
  const outputs = open(entry)
  outputs.write(alert('a'))
  await until(() => receiver.ids.length === 1)
  become(outputs, entry, { type: 'file', path: fresh() })
  outputs.write(alert('b'))
  // The receiver knows before its answer is read.
  await until(() => outputs.status()[0]!.sent === 2)
  assert.deepEqual(receiver.ids, ['a', 'b'])
  assert.equal(receiver.connections, 1)
})
for (const spool of [false, true])
  test(`another address: what waits ${spool ? 'in the spool ' : ''}goes there`, async () => {
    const [away, here] = [await receive(503), await receive()]
    const more = spool ? { spool: fresh() } : {}
    const outputs = open({ ...QUICK, ...more, url: away.url })
    for (const id of ['a', 'b', 'c']) outputs.write(alert(id))
    await until(() => outputs.status()[0]!.failed > 0)
    become(outputs, { ...QUICK, ...more, url: here.url })
    outputs.write(alert('d'))
    await until(() => here.ids.length === 4 && outputs.status().length === 1)
    assert.deepEqual(here.ids, ['a', 'b', 'c', 'd'])
    assert.equal(outputs.failures, 0)
  })
test('a spool elsewhere, and none: what waits in the one before is delivered first', async () => {
  const [away, here] = [await receive(503), await receive()]
  const outputs = open({ ...QUICK, url: away.url, spool: fresh() })
  outputs.write(alert('a'))
  become(outputs, { ...QUICK, url: away.url, spool: fresh() })
  outputs.write(alert('b'))
  become(outputs, { ...QUICK, url: away.url })
  outputs.write(alert('c'))
  assert.equal(outputs.status()[0]!.waiting, 3)
  become(outputs, { ...QUICK, url: here.url })
  await until(() => here.ids.length === 3)
  assert.deepEqual(here.ids, ['a', 'b', 'c'])
})
test('one that is removed takes nothing more, delivers what waits, and goes', async () => {
  let status = 503
  const ids: string[] = []
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      if (status === 200) ids.push(String(request.headers['x-tarsier-alert-id']))
      response.writeHead(status).end()
    })
  })
  servers.push(server)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const outputs = open({ ...QUICK, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
  outputs.write(alert('a'))
  become(outputs)
  outputs.write(alert('b'))
  assert.equal(outputs.status()[0]!.waiting, 1)
  status = 200
  await until(() => outputs.status().length === 0)
  assert.deepEqual(ids, ['a'])
  assert.equal(outputs.failures, 0)
})
test('one that comes back while it still delivers goes on with what waits', async () => {
  const [away, here] = [await receive(503), await receive()]
  const outputs = open({ ...QUICK, url: away.url })
  outputs.write(alert('a'))
  become(outputs)
  become(outputs, { ...QUICK, url: here.url })
  await until(() => here.ids.length === 1)
  assert.equal(outputs.status().length, 1)
})
test('another type under the same name: the one before delivers what waits', async () => {
  const here = await receive()
  const outputs = open({ ...QUICK, name: 'x', url: here.url })
  outputs.write(alert('a'))
  const path = fresh()
  become(outputs, { type: 'file', name: 'x', path })
  outputs.write(alert('b'))
  await until(() => here.ids.length === 1 && outputs.status().length === 1)
  assert.match(readFileSync(path, 'utf8'), /m b/)
})
test('another type over a spool with records of the first is refused', async () => {
  const away = await receive(503)
  const spool = fresh()
  const outputs = open({ ...QUICK, name: 'x', url: away.url, spool })
  outputs.write(alert('a'))
  assert.throws(
    () => become(outputs, { type: 'otlp', name: 'x', url: away.url, spool }),
    /output x: its type changes while 1 records wait in its spool/,
  )
  assert.equal(outputs.status()[0]!.waiting, 1)
})
test('what cannot be opened changes nothing', async () => {
  const here = await receive()
  const outputs = open({ ...QUICK, url: here.url })
  const path = fresh()
  const next = [
    { type: 'file', path },
    { type: 'file', name: 'bad', path: '/nowhere/x' },
  ]
  assert.throws(() => become(outputs, ...next), { name: 'OutputError', message: /^output bad: ENOENT/ })
  outputs.write(alert('a'))
  await until(() => here.ids.length === 1)
  assert.equal(readFileSync(path, 'utf8'), '')
})
test('a change that is given up leaves nothing behind', async () => {
  const here = await receive()
  const outputs = open({ ...QUICK, url: here.url })
  outputs
    .prepare(
      configOf([
        { ...QUICK, url: 'http://127.0.0.1:1/' },
        { type: 'file', path: fresh() },
      ]),
    )
    .discard()
  outputs.write(alert('a'))
  await until(() => here.ids.length === 1)
  assert.equal(outputs.status().length, 1)
})
test('formats and files change', async () => {
  const [one, two] = [fresh(), fresh()]
  const outputs = open({ type: 'file', path: one })
  outputs.write(alert('a'))
  become(outputs, { type: 'file', path: one, format: 'tarsier' })
  outputs.write(alert('b'))
  become(outputs, { type: 'file', path: two, format: 'tarsier' })
  outputs.write(alert('c'))
  await outputs.flush()
  assert.match(readFileSync(one, 'utf8'), /^\S+ Error m a\n\{.*"m b".*\}\n$/)
  assert.match(readFileSync(two, 'utf8'), /^\{.*"m c".*\}\n$/)
})
test('a renewed certificate is taken though no name has changed', () => {
  const ca = fresh()
  const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
  writeFileSync(ca, pem('one'))
  const entry = { type: 'syslog', address: 'tls://127.0.0.1:1', ca }
  const outputs = open(entry)
  rmSync(ca)
  assert.throws(() => become(outputs, entry), /output syslog: ENOENT/)
  writeFileSync(ca, pem('two'))
  become(outputs, entry)
  assert.equal(outputs.status().length, 1)
})
test('throttling begins and ends', async () => {
  const path = fresh()
  const outputs = open({ type: 'file', path })
  const set = (alerts: number): void =>
    outputs.prepare(configOf([{ type: 'file', path }], [`throttle.alerts=${alerts}`])).commit()
  set(1)
  for (let i = 0; i < 3; i++) outputs.write(alert('a'), 'about')
  set(0)
  outputs.write(alert('a'), 'about')
  await outputs.flush()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[1]!, /suppressed 2 like this/)
  assert.equal(outputs.suppressed, 2)
})
test('receivers that never come back do not add up', () => {
  const outputs = open()
  for (let i = 0; i < 20; i++) {
    become(outputs, { ...QUICK, name: `n${i}`, url: 'http://127.0.0.1:1/' })
    outputs.write(alert(String(i)))
  }
  become(outputs)
  assert.equal(outputs.status().length, 16)
  assert.equal(outputs.failures, 4)
  assert.ok(
    errors.includes(
      'Output n0: it was removed, and its receiver did not come back: 1 records are not delivered',
    ),
  )
})

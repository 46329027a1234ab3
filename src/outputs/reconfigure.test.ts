/** Outputs of one configuration become those of another: no alert is lost, and what stays is not touched. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Alert } from '../detect/alert.ts'
import { type HttpReceiver, receiveHttp } from '../testing/http-receiver.ts'
import { alertOf, openEntries, outputsConfig, QUICK } from '../testing/outputs.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { until } from '../testing/waiting.ts'
import type { Outputs } from './open.ts'

const folder = scratchFolder('reconfigure')
const receivers: HttpReceiver[] = []
after(async () => {
  for (const receiver of receivers) await receiver.close()
})

const alert = (id: string): Alert => alertOf({ id, rule: id, message: `m ${id}` })
const become = (outputs: Outputs<string>, ...entries: readonly object[]): void =>
  outputs.prepare(outputsConfig(entries)).commit()

/** A receiver that answers `status`. */
async function receive(status = 200): Promise<HttpReceiver> {
  const receiver = await receiveHttp()
  receiver.answer = status
  receivers.push(receiver)
  return receiver
}
const HTTP = { type: 'http', ...QUICK }
let made = 0
const fresh = (): string => join(folder, String(made++))

test('an output that is added takes alerts from then on', async () => {
  const outputs = openEntries()
  outputs.write(alert('a'))
  const path = fresh()
  become(outputs, { type: 'file', path })
  outputs.write(alert('b'))
  await outputs.flush()
  assert.match(readFileSync(path, 'utf8'), /^\S+ Error m b\n$/)
})
test('one that is the same keeps its connection, its counters and what waits', async () => {
  const receiver = await receive()
  const entry = { ...HTTP, url: receiver.url }
  const outputs = openEntries(entry)
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
    const outputs = openEntries({ ...HTTP, ...more, url: away.url })
    for (const id of ['a', 'b', 'c']) outputs.write(alert(id))
    await until(() => outputs.status()[0]!.failed > 0)
    become(outputs, { ...HTTP, ...more, url: here.url })
    outputs.write(alert('d'))
    await until(() => here.ids.length === 4 && outputs.status().length === 1)
    assert.deepEqual(here.ids, ['a', 'b', 'c', 'd'])
    assert.equal(outputs.failures, 0)
  })
test('a spool elsewhere, and none: what waits in the one before is delivered first', async () => {
  const [away, here] = [await receive(503), await receive()]
  const outputs = openEntries({ ...HTTP, url: away.url, spool: fresh() })
  outputs.write(alert('a'))
  become(outputs, { ...HTTP, url: away.url, spool: fresh() })
  outputs.write(alert('b'))
  become(outputs, { ...HTTP, url: away.url })
  outputs.write(alert('c'))
  assert.equal(outputs.status()[0]!.waiting, 3)
  become(outputs, { ...HTTP, url: here.url })
  await until(() => here.ids.length === 3)
  assert.deepEqual(here.ids, ['a', 'b', 'c'])
})
test('one that is removed takes nothing more, delivers what waits, and goes', async () => {
  const away = await receive(503)
  const outputs = openEntries({ ...HTTP, url: away.url })
  outputs.write(alert('a'))
  become(outputs)
  outputs.write(alert('b'))
  assert.equal(outputs.status()[0]!.waiting, 1)
  away.answer = 200
  await until(() => outputs.status().length === 0)
  assert.deepEqual(away.ids, ['a'])
  assert.equal(outputs.failures, 0)
})
test('one that comes back while it still delivers goes on with what waits', async () => {
  const [away, here] = [await receive(503), await receive()]
  const outputs = openEntries({ ...HTTP, url: away.url })
  outputs.write(alert('a'))
  become(outputs)
  become(outputs, { ...HTTP, url: here.url })
  await until(() => here.ids.length === 1)
  assert.equal(outputs.status().length, 1)
})
test('another type under the same name: the one before delivers what waits', async () => {
  const here = await receive()
  const outputs = openEntries({ ...HTTP, name: 'x', url: here.url })
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
  const outputs = openEntries({ ...HTTP, name: 'x', url: away.url, spool })
  outputs.write(alert('a'))
  assert.throws(
    () => become(outputs, { type: 'otlp', name: 'x', url: away.url, spool }),
    /output x: its type changes while 1 records wait in its spool/,
  )
  assert.equal(outputs.status()[0]!.waiting, 1)
})
test('what cannot be opened changes nothing', async () => {
  const here = await receive()
  const outputs = openEntries({ ...HTTP, url: here.url })
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
  const outputs = openEntries({ ...HTTP, url: here.url })
  outputs
    .prepare(
      outputsConfig([
        { ...HTTP, url: 'http://127.0.0.1:1/' },
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
  const outputs = openEntries({ type: 'file', path: one })
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
  const outputs = openEntries(entry)
  rmSync(ca)
  assert.throws(() => become(outputs, entry), /output syslog: ENOENT/)
  writeFileSync(ca, pem('two'))
  become(outputs, entry)
  assert.equal(outputs.status().length, 1)
})
test('throttling begins and ends', async () => {
  const path = fresh()
  const outputs = openEntries({ type: 'file', path })
  const set = (alerts: number): void =>
    outputs.prepare(outputsConfig([{ type: 'file', path }], [`throttle.alerts=${alerts}`])).commit()
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
  const outputs = openEntries()
  for (let i = 0; i < 20; i++) {
    become(outputs, { ...HTTP, name: `n${i}`, url: 'http://127.0.0.1:1/' })
    outputs.write(alert(String(i)))
  }
  become(outputs)
  assert.equal(outputs.status().length, 16)
  assert.equal(outputs.failures, 4)
  assert.ok(
    outputs.errors.includes(
      'Output n0: it was removed, and its receiver did not come back: 1 records are not delivered',
    ),
  )
})

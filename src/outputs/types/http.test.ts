/** HTTP and HTTPS, with receivers on this machine. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { selfSigned } from '../../testing/certificates.ts'
import { receiveHttp } from '../../testing/http-receiver.ts'
import { alertOf, only, openEntries, QUICK } from '../../testing/outputs.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { listening, until } from '../../testing/waiting.ts'

const folder = scratchFolder('http')

test('http: one alert a request, with its id', async () => {
  const server = await receiveHttp()
  const outputs = openEntries({ type: 'http', url: server.url, format: 'tarsier', headers: { 'X-Key': 'k' } })
  outputs.write(alertOf())
  await outputs.flush()
  const { headers, body } = server.received[0]!
  assert.equal(headers['x-tarsier-alert-id'], 'f00d')
  assert.equal(headers['x-key'], 'k')
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(JSON.parse(body).message, 'line\nend')
  assert.equal(only(outputs).sent, 1)
  await server.close()
})
test('http: batches as lines or an array, compressed, put', async () => {
  for (const batch_as of ['lines', 'array']) {
    const server = await receiveHttp()
    const outputs = openEntries({
      type: 'http',
      url: server.url,
      format: 'falco',
      batch: 10,
      batch_as,
      gzip: true,
      method: 'put',
    })
    for (const id of ['a', 'b', 'c']) outputs.write(alertOf({ id, rule: id }))
    await outputs.flush()
    assert.deepEqual(
      server.received.map(({ headers }) => headers['x-tarsier-alert-id']),
      ['a,b,c'],
    )
    const { body } = server.received[0]!
    const found =
      batch_as === 'array'
        ? JSON.parse(body)
        : body
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
    assert.deepEqual(
      found.map(({ rule }: { rule: string }) => rule),
      ['a', 'b', 'c'],
    )
    await server.close()
  }
})
test('http: a large batch has no header that servers refuse', async () => {
  const server = await receiveHttp()
  const outputs = openEntries({ type: 'http', url: server.url, batch: 1000 })
  for (let i = 0; i < 1000; i++) outputs.write(alertOf({ id: String(i).padStart(32, '0') }))
  await outputs.flush()
  assert.deepEqual([only(outputs).sent, server.received.length], [1000, 8])
  await server.close()
})
test('http: a template', async () => {
  const server = await receiveHttp()
  const template = '{"text": {{ .output | toJson }}, "rule": {{ .rule | toJson }}}'
  const outputs = openEntries({ type: 'http', url: server.url, format: 'template', template })
  outputs.write(alertOf())
  await outputs.flush()
  assert.equal(JSON.parse(server.received[0]!.body).rule, 'A "rule"')
  assert.equal(server.received[0]!.headers['content-type'], 'application/json')
  await server.close()
})
test('http: a template that does not fit an alert does not lose it', async () => {
  const server = await receiveHttp()
  const outputs = openEntries({
    type: 'http',
    url: server.url,
    format: 'template',
    template: '{{ .nothing }}',
  })
  outputs.write(alertOf())
  await outputs.flush()
  assert.equal(JSON.parse(server.received[0]!.body).id, 'f00d')
  assert.match(outputs.errors[0]!, /Output http: .*nothing/)
  await server.close()
})
test('http: a receiver that answers 500 gets everything in the end, one that answers 400 nothing', async () => {
  const server = await receiveHttp()
  server.answer = 500
  const outputs = openEntries({ type: 'http', url: server.url, ...QUICK })
  for (const id of ['a', 'b']) outputs.write(alertOf({ id }))
  await until(() => only(outputs).failed > 3)
  assert.deepEqual([only(outputs).sent, only(outputs).waiting], [0, 2])
  server.answer = 204
  await outputs.flush()
  assert.deepEqual(
    server.received.map(({ headers }) => headers['x-tarsier-alert-id']),
    ['a', 'b'],
  )
  assert.deepEqual(outputs.errors, ['Output http: the receiver answers 500'])
  server.answer = 400
  outputs.write(alertOf())
  await outputs.flush()
  assert.equal(only(outputs).dropped.refused, 1)
  assert.equal(outputs.failures, 1)
  await server.close()
})
test('http: a receiver that hangs is given up and tried again', async () => {
  const server = await receiveHttp()
  server.answer = 'hang'
  const outputs = openEntries({ type: 'http', url: server.url, timeout_ms: 20, ...QUICK })
  outputs.write(alertOf())
  await until(() => only(outputs).failed > 1)
  assert.match(outputs.errors[0]!, /no answer within 20 ms/)
  server.answer = 200
  await outputs.flush()
  assert.equal(only(outputs).sent, 1)
  await server.close()
})
test('http: an answer without end, or none that HTTP knows, does no harm', async () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\n\r\n',
    'nonsense\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 16)}`,
  ]) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(answer)
      const more = setInterval(() => socket.write('x'.repeat(1 << 15)), 1)
      socket.on('close', () => clearInterval(more))
    })
    const port = await listening(server)
    const outputs = openEntries({ type: 'http', url: `http://127.0.0.1:${port}`, timeout_ms: 500, ...QUICK })
    outputs.write(alertOf())
    await until(() => only(outputs).sent + only(outputs).failed > 0)
    outputs.close()
    server.close()
  }
})
test('a delivery that keeps failing is given up after give_up_s', async () => {
  const outputs = openEntries({ type: 'http', url: 'http://127.0.0.1:1/', give_up_s: 1, ...QUICK })
  outputs.write(alertOf())
  await until(() => only(outputs).dropped.gave_up === 1)
  assert.equal(only(outputs).waiting, 0)
})

/** A certificate for localhost, and one nobody trusts. */
const ours = selfSigned(folder, 'ours')
const other = selfSigned(folder, 'other')

test('https: a trusted server, one that is not, and one that need not be', async () => {
  const server = await receiveHttp(ours)
  const trusting = openEntries({ type: 'http', url: server.url, ca: ours.certFile })
  trusting.write(alertOf())
  await trusting.flush()
  assert.equal(only(trusting).sent, 1)
  const doubting = openEntries({ type: 'http', url: server.url, ca: other.certFile, ...QUICK })
  doubting.write(alertOf())
  await until(() => only(doubting).failed > 1)
  assert.match(doubting.errors[0]!, /self-signed|certificate/)
  doubting.close()
  assert.equal(only(doubting).dropped.unsent, 1)
  const careless = openEntries({ type: 'http', url: server.url, insecure: true })
  careless.write(alertOf())
  await careless.flush()
  assert.equal(only(careless).sent, 1)
  await server.close()
})
test('https: authorities of a directory', async () => {
  const server = await receiveHttp(ours)
  const directory = mkdtempSync(join(folder, 'authorities-'))
  for (const [name, from] of [
    ['a.pem', other.certFile],
    ['1a2b3c4d.0', ours.certFile],
  ] as const)
    copyFileSync(from, join(directory, name))
  writeFileSync(join(directory, 'README'), 'none')
  symlinkSync('/nowhere', join(directory, 'gone.pem'))
  const outputs = openEntries({ type: 'http', url: server.url, ca: directory })
  outputs.write(alertOf())
  await outputs.flush()
  assert.equal(only(outputs).sent, 1)
  await server.close()
  const empty = mkdtempSync(join(folder, 'authorities-'))
  assert.throws(
    () => openEntries({ type: 'http', url: 'https://localhost/', ca: empty }),
    /there is no certificate in/,
  )
})
test('http: what the receiver answers is logged where that is asked for', async () => {
  const server = await receiveHttp()
  server.text = 'thank\nyou'
  const outputs = openEntries({ type: 'http', url: server.url, echo: true })
  outputs.write(alertOf())
  await outputs.flush()
  assert.deepEqual(outputs.infos, ['Output http: 200 thank\\nyou'])
  await server.close()
})
test('http: some timeouts in a row are not spoken of, anything else is', async () => {
  const server = await receiveHttp()
  server.answer = 'hang'
  const outputs = openEntries({ type: 'http', url: server.url, timeout_ms: 20, quiet_timeouts: 3, ...QUICK })
  outputs.write(alertOf())
  await until(() => only(outputs).failed === 3)
  assert.deepEqual(outputs.errors, [])
  await until(() => only(outputs).failed > 4)
  assert.deepEqual(outputs.errors, ['Output http: no answer within 20 ms'])
  server.answer = 200
  await until(() => only(outputs).sent === 1)
  server.answer = 500
  outputs.write(alertOf())
  await until(() => only(outputs).failed > 6)
  assert.equal(outputs.errors.length, 2)
  await server.close()
})
test('https: the server asks who we are', async () => {
  const server = await receiveHttp({
    cert: ours.cert,
    key: ours.key,
    ca: other.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const known = openEntries({
    type: 'http',
    url: server.url,
    ca: ours.certFile,
    cert: other.certFile,
    key: other.keyFile,
  })
  known.write(alertOf())
  await known.flush()
  assert.equal(only(known).sent, 1)
  const unknown = openEntries({ type: 'http', url: server.url, ca: ours.certFile, ...QUICK })
  unknown.write(alertOf())
  await until(() => only(unknown).failed > 0)
  assert.equal(only(unknown).sent, 0)
  unknown.close()
  await server.close()
})
test('a certificate that is not there is said at the start', () => {
  assert.throws(
    () => openEntries({ type: 'http', url: 'https://localhost/', ca: '/nowhere.pem' }),
    /output http: ENOENT.*nowhere/,
  )
})

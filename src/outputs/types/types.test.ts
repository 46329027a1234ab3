/** Every type of output, with receivers of its kind on this machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { configFrom } from '../../config/options.ts'
import type { Alert } from '../../detect/alert.ts'
import { openDatagrams } from '../../kernel/datagrams.ts'
import { receiveDatagrams } from '../../testing/datagram-receiver.ts'
import { receiveHttp } from '../../testing/http-receiver.ts'
import type { OutputStatus } from '../delivery/message.ts'
import { type Outputs, openOutputs } from '../open.ts'
import { journalDatagram } from './journald.ts'

const folder = mkdtempSync(join(tmpdir(), 'tarsier-types-'))
after(() => rmSync(folder, { recursive: true }))

const alert = (more: Partial<Alert> = {}): Alert => ({
  id: 'f00d',
  time: 1_767_323_045_000_000_006n,
  hostname: 'box',
  rule: 'A "rule"',
  priority: 'Error',
  source: 'syscall',
  tags: ['T1003', 'a'],
  message: 'line\nend',
  fields: new Map<string, string | number>([
    ['proc.name', 'sh\u001b'],
    ['n', 5],
  ]),
  ...more,
})

type Opened = Outputs<string> & { readonly errors: string[]; readonly infos: string[] }
const opened: Opened[] = []
after(() => {
  for (const one of opened) one.close()
})

/** Outputs of entries as `-o` writes them, and what they complain about. */
function open(...entries: readonly object[]): Opened {
  const errors: string[] = []
  const infos: string[] = []
  const config = configFrom(['stdout_output.enabled=false', `outputs=${JSON.stringify(entries)}`])
  const outputs = openOutputs<string>(
    config,
    {
      onClosed: assert.fail,
      onError: (message) => errors.push(message),
      onInfo: (message) => infos.push(message),
    },
    { randGuard: () => 'rand-guard', secrets: () => [] },
    { hostname: 'box', openDatagrams },
  )
  const one = Object.assign(outputs, { errors, infos })
  opened.push(one)
  return one
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!what()) {
    assert.ok(performance.now() < end, 'it does not come')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const only = (outputs: Outputs<string>): OutputStatus => outputs.status()[0]!

const QUICK = { retry_min_ms: 1, retry_max_ms: 20 }

test('http: one alert a request, with its id', async () => {
  const server = await receiveHttp()
  const outputs = open({ type: 'http', url: server.url, format: 'tarsier', headers: { 'X-Key': 'k' } })
  outputs.write(alert())
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
    const outputs = open({
      type: 'http',
      url: server.url,
      format: 'falco',
      batch: 10,
      batch_as,
      gzip: true,
      method: 'put',
    })
    for (const id of ['a', 'b', 'c']) outputs.write(alert({ id, rule: id }))
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
  const outputs = open({ type: 'http', url: server.url, batch: 1000 })
  for (let i = 0; i < 1000; i++) outputs.write(alert({ id: String(i).padStart(32, '0') }))
  await outputs.flush()
  assert.deepEqual([only(outputs).sent, server.received.length], [1000, 8])
  await server.close()
})
test('http: a template', async () => {
  const server = await receiveHttp()
  const template = '{"text": {{ .output | toJson }}, "rule": {{ .rule | toJson }}}'
  const outputs = open({ type: 'http', url: server.url, format: 'template', template })
  outputs.write(alert())
  await outputs.flush()
  assert.equal(JSON.parse(server.received[0]!.body).rule, 'A "rule"')
  assert.equal(server.received[0]!.headers['content-type'], 'application/json')
  await server.close()
})
test('http: a template that does not fit an alert does not lose it', async () => {
  const server = await receiveHttp()
  const outputs = open({ type: 'http', url: server.url, format: 'template', template: '{{ .nothing }}' })
  outputs.write(alert())
  await outputs.flush()
  assert.equal(JSON.parse(server.received[0]!.body).id, 'f00d')
  assert.match(outputs.errors[0]!, /Output http: .*nothing/)
  await server.close()
})
test('http: a receiver that answers 500 gets everything in the end, one that answers 400 nothing', async () => {
  const server = await receiveHttp()
  server.answer = 500
  const outputs = open({ type: 'http', url: server.url, ...QUICK })
  for (const id of ['a', 'b']) outputs.write(alert({ id }))
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
  outputs.write(alert())
  await outputs.flush()
  assert.equal(only(outputs).dropped.refused, 1)
  assert.equal(outputs.failures, 1)
  await server.close()
})
test('http: a receiver that hangs is given up and tried again', async () => {
  const server = await receiveHttp()
  server.answer = 'hang'
  const outputs = open({ type: 'http', url: server.url, timeout_ms: 20, ...QUICK })
  outputs.write(alert())
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
    const outputs = open({ type: 'http', url: `http://127.0.0.1:${port}`, timeout_ms: 500, ...QUICK })
    outputs.write(alert())
    await until(() => only(outputs).sent + only(outputs).failed > 0)
    outputs.close()
    server.close()
  }
})
test('a delivery that keeps failing is given up after give_up_s', async () => {
  const outputs = open({ type: 'http', url: 'http://127.0.0.1:1/', give_up_s: 1, ...QUICK })
  outputs.write(alert())
  await until(() => only(outputs).dropped.gave_up === 1)
  assert.equal(only(outputs).waiting, 0)
})

/** A certificate for localhost, and one nobody trusts. */
const tls = { ours: '', key: '', other: '', otherKey: '' }
before(() => {
  for (const [certificate, key] of [
    ['ours', 'key'],
    ['other', 'otherKey'],
  ] as const) {
    tls[certificate] = join(folder, `${certificate}.pem`)
    tls[key] = join(folder, `${key}.pem`)
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost,IP:127.0.0.1',
        '-keyout',
        tls[key],
        '-out',
        tls[certificate],
      ],
      { stdio: 'ignore' },
    )
  }
})
const serverTls = () => ({ cert: readFileSync(tls.ours), key: readFileSync(tls.key) })

test('https: a trusted server, one that is not, and one that need not be', async () => {
  const server = await receiveHttp(serverTls())
  const trusting = open({ type: 'http', url: server.url, ca: tls.ours })
  trusting.write(alert())
  await trusting.flush()
  assert.equal(only(trusting).sent, 1)
  const doubting = open({ type: 'http', url: server.url, ca: tls.other, ...QUICK })
  doubting.write(alert())
  await until(() => only(doubting).failed > 1)
  assert.match(doubting.errors[0]!, /self-signed|certificate/)
  doubting.close()
  assert.equal(only(doubting).dropped.unsent, 1)
  const careless = open({ type: 'http', url: server.url, insecure: true })
  careless.write(alert())
  await careless.flush()
  assert.equal(only(careless).sent, 1)
  await server.close()
})
test('https: authorities of a directory', async () => {
  const server = await receiveHttp(serverTls())
  const directory = mkdtempSync(join(folder, 'authorities-'))
  for (const [name, from] of [
    ['a.pem', tls.other],
    ['1a2b3c4d.0', tls.ours],
  ] as const)
    copyFileSync(from, join(directory, name))
  writeFileSync(join(directory, 'README'), 'none')
  symlinkSync('/nowhere', join(directory, 'gone.pem'))
  const outputs = open({ type: 'http', url: server.url, ca: directory })
  outputs.write(alert())
  await outputs.flush()
  assert.equal(only(outputs).sent, 1)
  await server.close()
  const empty = mkdtempSync(join(folder, 'authorities-'))
  assert.throws(
    () => open({ type: 'http', url: 'https://localhost/', ca: empty }),
    /there is no certificate in/,
  )
})
test('http: what the receiver answers is logged where that is asked for', async () => {
  const server = await receiveHttp()
  server.text = 'thank\nyou'
  const outputs = open({ type: 'http', url: server.url, echo: true })
  outputs.write(alert())
  await outputs.flush()
  assert.deepEqual(outputs.infos, ['Output http: 200 thank\\nyou'])
  await server.close()
})
test('http: some timeouts in a row are not spoken of, anything else is', async () => {
  const server = await receiveHttp()
  server.answer = 'hang'
  const outputs = open({ type: 'http', url: server.url, timeout_ms: 20, quiet_timeouts: 3, ...QUICK })
  outputs.write(alert())
  await until(() => only(outputs).failed === 3)
  assert.deepEqual(outputs.errors, [])
  await until(() => only(outputs).failed > 4)
  assert.deepEqual(outputs.errors, ['Output http: no answer within 20 ms'])
  server.answer = 200
  await until(() => only(outputs).sent === 1)
  server.answer = 500
  outputs.write(alert())
  await until(() => only(outputs).failed > 6)
  assert.equal(outputs.errors.length, 2)
  await server.close()
})
test('https: the server asks who we are', async () => {
  const server = await receiveHttp({
    ...serverTls(),
    ca: readFileSync(tls.other),
    requestCert: true,
    rejectUnauthorized: true,
  })
  const known = open({ type: 'http', url: server.url, ca: tls.ours, cert: tls.other, key: tls.otherKey })
  known.write(alert())
  await known.flush()
  assert.equal(only(known).sent, 1)
  const unknown = open({ type: 'http', url: server.url, ca: tls.ours, ...QUICK })
  unknown.write(alert())
  await until(() => only(unknown).failed > 0)
  assert.equal(only(unknown).sent, 0)
  unknown.close()
  await server.close()
})
test('a certificate that is not there is said at the start', () => {
  assert.throws(
    () => open({ type: 'http', url: 'https://localhost/', ca: '/nowhere.pem' }),
    /output http: ENOENT.*nowhere/,
  )
})

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
/** Everything that connections to a server sent. */
function collect(server: Server): { text: string; readonly sockets: Socket[] } {
  const found = { text: '', sockets: [] as Socket[] }
  server.on(
    server instanceof Object && 'setSecureContext' in server ? 'secureConnection' : 'connection',
    (socket: Socket) => {
      found.sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        found.text += bytes
      })
    },
  )
  return found
}
const SYSLOG =
  /^<11>1 2026-01-02T03:04:05\.000000Z box tarsier \d+ alert \[tarsier@32473 kind="alert" id="f00d" rule="A \\"rule\\"" tags="T1003,a"\] .*line\\nend/

test('syslog over TCP, with lengths or lines; a connection that ends is made anew', async () => {
  for (const framing of ['octets', 'lines']) {
    const server = createServer()
    const port = await listening(server)
    const found = collect(server)
    const outputs = open({ type: 'syslog', address: `tcp://127.0.0.1:${port}`, framing, ...QUICK })
    outputs.write(alert())
    await until(() => found.text.includes('end'))
    const [, length = '', rest = ''] =
      framing === 'octets' ? /^(\d+) (.*)$/s.exec(found.text)! : ['', '', found.text]
    assert.match(rest, SYSLOG)
    if (framing === 'octets') assert.equal(Number(length), Buffer.byteLength(rest))
    else assert.ok(rest.endsWith('end\n'))
    found.sockets[0]!.destroy()
    found.text = ''
    await until(() => {
      if (found.text === '') outputs.write(alert())
      return found.text !== ''
    })
    outputs.close()
    for (const socket of found.sockets) socket.destroy()
    server.close()
  }
})
test('syslog over TLS', async () => {
  const server = createTlsServer(serverTls())
  const port = await listening(server)
  const found = collect(server)
  const outputs = open({ type: 'syslog', address: `tls://localhost:${port}`, ca: tls.ours })
  outputs.write(alert())
  await until(() => found.text.includes('end'))
  const doubting = open({ type: 'syslog', address: `tls://localhost:${port}`, ca: tls.other, ...QUICK })
  doubting.write(alert())
  await until(() => only(doubting).failed > 1)
  doubting.close()
  outputs.close()
  for (const socket of found.sockets) socket.destroy()
  server.close()
})
test('syslog over TCP: a receiver that does not read', async () => {
  const server = createServer((socket) => void socket.pause().on('error', () => {}))
  const port = await listening(server)
  const outputs = open({
    type: 'syslog',
    address: `tcp://127.0.0.1:${port}`,
    timeout_ms: 50,
    queue_bytes: 65_536,
    ...QUICK,
  })
  const long = 'x'.repeat(30_000)
  await until(() => {
    outputs.write(alert({ message: long }))
    return only(outputs).failed > 0 && only(outputs).dropped.queue_full > 0
  })
  assert.ok(only(outputs).bytes <= 65_536)
  outputs.close()
  server.close()
})
test('syslog over UDP', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const found: string[] = []
  socket.on('message', (bytes) => found.push(String(bytes)))
  const outputs = open({
    type: 'syslog',
    address: `udp://127.0.0.1:${socket.address().port}`,
    facility: 'local3',
  })
  outputs.write(alert({ message: 'm'.repeat(70_000) }))
  outputs.write(alert())
  await until(() => found.length > 0)
  assert.match(found[0]!.replace('<155>', '<11>'), SYSLOG)
  assert.equal(only(outputs).dropped.refused, 1)
  outputs.close()
  socket.close()
})
test('syslog on this host: datagrams, a socket that comes back, and one that is a stream', async () => {
  const path = join(folder, 'log')
  const outputs = open({ type: 'syslog', address: path, ...QUICK })
  outputs.write(alert())
  await until(() => only(outputs).failed > 1)
  for (let round = 0; round < 2; round++) {
    const receiver = receiveDatagrams(path)
    const found: string[] = []
    await until(() => {
      if (round > 0) outputs.write(alert())
      found.push(...receiver.take().map(String))
      return found.length > 0
    })
    assert.match(found[0]!, SYSLOG)
    receiver.close()
    rmSync(path)
  }
  outputs.close()
  const server = createServer()
  const found = collect(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const streamed = open({ type: 'syslog', address: path })
  streamed.write(alert())
  await until(() => found.text.endsWith('end\n'))
  streamed.close()
  for (const socket of found.sockets) socket.destroy()
  server.close()
})
test('a local receiver that does not read fills the queue, which is bounded', async () => {
  const path = join(folder, 'full')
  const receiver = receiveDatagrams(path)
  const outputs = open({ type: 'syslog', address: path, queue_bytes: 65_536, ...QUICK })
  await until(() => {
    for (let i = 0; i < 100; i++) outputs.write(alert())
    return only(outputs).dropped.queue_full > 0
  })
  let came = 0
  await until(() => {
    came += receiver.take().length
    return only(outputs).waiting === 0
  })
  came += receiver.take().length
  assert.equal(came, only(outputs).sent)
  outputs.close()
  receiver.close()
})
test('journald: fields of its native protocol', async () => {
  const path = join(folder, 'journal')
  const receiver = receiveDatagrams(path)
  const outputs = open({ type: 'journald', address: path })
  outputs.write(alert())
  let found: readonly Buffer[] = []
  await until(() => {
    found = receiver.take()
    return found.length > 0
  })
  const lines = String(found[0]).split('\n')
  assert.match(lines[0]!, /^MESSAGE=.*: Error line\\nend$/)
  assert.deepEqual(lines.slice(1), [
    'PRIORITY=3',
    'SYSLOG_IDENTIFIER=tarsier',
    'TARSIER_KIND=alert',
    'TARSIER_ALERT_ID=f00d',
    'TARSIER_RULE=A "rule"',
    'TARSIER_SOURCE=syscall',
    'TARSIER_TAG=T1003',
    'TARSIER_TAG=a',
    '',
  ])
  outputs.close()
  receiver.close()
})
test('journald: a value with a line end has its length in front, so that it is no field', () => {
  assert.deepEqual(
    journalDatagram([
      ['A', 'x\nB=y'],
      ['C', 'é'],
    ]),
    Buffer.concat([Buffer.from('A\n'), Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('x\nB=y\nC=é\n')]),
  )
})
test('otlp: log records with severity, time and values; refused records are counted', async () => {
  const server = await receiveHttp()
  server.text = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}'
  const outputs = open({ type: 'otlp', url: `${server.url}/v1/logs`, kinds: ['alert', 'health'] })
  outputs.write(alert())
  outputs.writeLine('{"event_type":"health"}', 'health')
  outputs.writeLine('{"event_type":"gap"}', 'gap')
  await outputs.flush()
  const { resourceLogs } = JSON.parse(server.received[0]!.body)
  const [{ resource, scopeLogs }] = resourceLogs
  assert.deepEqual(resource.attributes[1], { key: 'host.name', value: { stringValue: 'box' } })
  const [record, health] = scopeLogs[0].logRecords
  assert.equal(record.timeUnixNano, '1767323045000000006')
  assert.deepEqual([record.severityNumber, record.severityText], [17, 'Error'])
  assert.deepEqual(record.attributes.at(-1), { key: 'n', value: { intValue: '5' } })
  assert.equal(health.body.stringValue, '{"event_type":"health"}')
  assert.equal(scopeLogs[0].logRecords.length, 2)
  assert.deepEqual([only(outputs).sent, only(outputs).dropped.refused], [1, 1])
  await server.close()
})
test('program: one for all, started again when it ends', async () => {
  const file = join(folder, 'program')
  const outputs = open({ type: 'program', program: `head -n 1 >> ${file}`, batch: 1, ...QUICK })
  outputs.write(alert({ rule: 'one', message: 'one' }))
  await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('one'))
  await until(() => {
    outputs.write(alert({ message: 'two' }))
    return readFileSync(file, 'utf8').includes('two')
  })
  outputs.close()
})
test('program: one for each; what it says with its exit code', async () => {
  const file = join(folder, 'each')
  const outputs = open({
    type: 'program',
    keep_alive: false,
    program: `read -r line; echo "$line" >> ${file}; case $line in *bad*) exit 3;; esac`,
  })
  for (const message of ['one', 'bad', 'two']) outputs.write(alert({ message }))
  await until(() => only(outputs).waiting === 0)
  assert.deepEqual(
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(-3)),
    ['one', 'bad', 'two'],
  )
  assert.deepEqual([only(outputs).sent, only(outputs).dropped.refused], [2, 1])
  outputs.close()
})
test('program: one that hangs is ended, with what it started', async () => {
  const file = join(folder, 'hanging')
  const outputs = open({
    type: 'program',
    keep_alive: false,
    program: `echo $$ >> ${file}; sleep 1000; true`,
    timeout_ms: 200,
    ...QUICK,
  })
  outputs.write(alert())
  await until(() => only(outputs).failed > 0)
  outputs.close()
  const [pid] = readFileSync(file, 'utf8').split('\n').map(Number)
  await until(
    () =>
      !existsSync(`/proc/${pid}/comm`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
  )
})
test('file: rotation by size keeps so many, and loses nothing', async () => {
  const path = join(folder, 'rotated')
  const outputs = open({ type: 'file', path, rotate_bytes: 400, rotate_keep: 100, format: 'tarsier' })
  for (let i = 0; i < 20; i++) outputs.write(alert({ id: String(i) }))
  await outputs.flush()
  const files = readdirSync(folder).filter((name) => name.startsWith('rotated'))
  assert.ok(files.length > 5)
  const ids = files.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number(JSON.parse(line).id)),
  )
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  )
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(only(outputs).sent, 20)
})
test('file: old ones beyond rotate_keep go', async () => {
  const path = join(folder, 'few')
  const outputs = open({ type: 'file', path, rotate_bytes: 10, rotate_keep: 2 })
  for (let i = 0; i < 9; i++) outputs.write(alert())
  await outputs.flush()
  assert.deepEqual(
    readdirSync(folder)
      .filter((name) => name.startsWith('few'))
      .sort(),
    ['few', 'few.1', 'few.2'],
  )
})
test('file: a full disk is counted, and said once', { skip: !existsSync('/dev/full') }, async () => {
  const outputs = open({ type: 'file', path: '/dev/full' })
  for (let i = 0; i < 3; i++) outputs.write(alert())
  await outputs.flush()
  assert.equal(only(outputs).dropped.error, 3)
  assert.match(outputs.errors[0]!, /ENOSPC/)
})
test('outputs choose: priority, rules, tags, kinds', async () => {
  const names = ['urgent', 'shells', 'tagged', 'gaps']
  const path = (name: string): string => join(folder, `choose-${name}`)
  const template = '{{ .rule }}'
  const outputs = open(
    ...[{ priority: 'critical' }, { rules: ['*shell*'] }, { tags: ['net', 'x'] }, { kinds: ['gap'] }].map(
      (more, i) => ({
        ...{ type: 'file', name: names[i], path: path(names[i]!), format: 'template', template },
        ...more,
      }),
    ),
  )
  outputs.write(alert({ rule: 'a shell here', tags: [] }))
  outputs.write(alert({ rule: 'b', priority: 'Emergency', tags: ['net'] }))
  outputs.writeLine('gap', 'gap')
  outputs.writeLine('health', 'health')
  await outputs.flush()
  assert.deepEqual(
    names.map((name) => readFileSync(path(name), 'utf8')),
    ['b\n', 'a shell here\n', 'b\n', 'gap\n'],
  )
  assert.equal(outputs.asksFor('gap'), true)
  assert.equal(outputs.asksFor('health'), false)
})
test('one dead output: the others lose none, and memory stays bounded', async () => {
  const server = await receiveHttp()
  const path = join(folder, 'alive')
  const outputs = open(
    { type: 'http', name: 'dead', url: 'http://127.0.0.1:1/', queue_bytes: 1 << 20 },
    { type: 'http', name: 'living', url: server.url, batch: 1000, format: 'tarsier' },
    { type: 'file', path },
  )
  const many = Number(process.env['TARSIER_ALERTS'] ?? 10_000)
  for (let i = 0; i < many; i++) {
    outputs.write(alert({ id: String(i) }))
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => outputs.status()[1]!.waiting === 0)
  const [dead, living, file] = outputs.status()
  assert.equal(dead!.waiting + dead!.dropped.queue_full, many)
  assert.ok(dead!.bytes <= 1 << 20 && dead!.dropped.queue_full > 0)
  assert.deepEqual([living!.sent, file!.sent], [many, many])
  const ids = new Set(
    server.received.flatMap(({ headers }) => String(headers['x-tarsier-alert-id']).split(',')),
  )
  assert.equal(ids.size, many)
  await server.close()
})

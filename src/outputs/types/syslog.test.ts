/** Syslog and journald, with receivers of their kind on this machine. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { selfSigned } from '../../testing/certificates.ts'
import { receiveDatagrams } from '../../testing/datagram-receiver.ts'
import { alertOf, only, openEntries, QUICK } from '../../testing/outputs.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { listening, until } from '../../testing/waiting.ts'
import { journalDatagram } from './journald.ts'

const folder = scratchFolder('syslog')
const ours = selfSigned(folder, 'ours')
const other = selfSigned(folder, 'other')

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
    const outputs = openEntries({ type: 'syslog', address: `tcp://127.0.0.1:${port}`, framing, ...QUICK })
    outputs.write(alertOf())
    await until(() => found.text.includes('end'))
    const [, length = '', rest = ''] =
      framing === 'octets' ? /^(\d+) (.*)$/s.exec(found.text)! : ['', '', found.text]
    assert.match(rest, SYSLOG)
    if (framing === 'octets') assert.equal(Number(length), Buffer.byteLength(rest))
    else assert.ok(rest.endsWith('end\n'))
    found.sockets[0]!.destroy()
    found.text = ''
    await until(() => {
      if (found.text === '') outputs.write(alertOf())
      return found.text !== ''
    })
    outputs.close()
    for (const socket of found.sockets) socket.destroy()
    server.close()
  }
})
test('syslog over TLS', async () => {
  const server = createTlsServer(ours)
  const port = await listening(server)
  const found = collect(server)
  const outputs = openEntries({ type: 'syslog', address: `tls://localhost:${port}`, ca: ours.certFile })
  outputs.write(alertOf())
  await until(() => found.text.includes('end'))
  const doubting = openEntries({
    type: 'syslog',
    address: `tls://localhost:${port}`,
    ca: other.certFile,
    ...QUICK,
  })
  doubting.write(alertOf())
  await until(() => only(doubting).failed > 1)
  doubting.close()
  outputs.close()
  for (const socket of found.sockets) socket.destroy()
  server.close()
})
test('syslog over TCP: a receiver that does not read', async () => {
  const server = createServer((socket) => void socket.pause().on('error', () => {}))
  const port = await listening(server)
  const outputs = openEntries({
    type: 'syslog',
    address: `tcp://127.0.0.1:${port}`,
    timeout_ms: 50,
    queue_bytes: 65_536,
    ...QUICK,
  })
  const long = 'x'.repeat(30_000)
  await until(() => {
    outputs.write(alertOf({ message: long }))
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
  const outputs = openEntries({
    type: 'syslog',
    address: `udp://127.0.0.1:${socket.address().port}`,
    facility: 'local3',
  })
  outputs.write(alertOf({ message: 'm'.repeat(70_000) }))
  outputs.write(alertOf())
  await until(() => found.length > 0)
  assert.match(found[0]!.replace('<155>', '<11>'), SYSLOG)
  assert.equal(only(outputs).dropped.refused, 1)
  outputs.close()
  socket.close()
})
test('syslog on this host: datagrams, a socket that comes back, and one that is a stream', async () => {
  const path = join(folder, 'log')
  const outputs = openEntries({ type: 'syslog', address: path, ...QUICK })
  outputs.write(alertOf())
  await until(() => only(outputs).failed > 1)
  for (let round = 0; round < 2; round++) {
    const receiver = receiveDatagrams(path)
    const found: string[] = []
    await until(() => {
      if (round > 0) outputs.write(alertOf())
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
  const streamed = openEntries({ type: 'syslog', address: path })
  streamed.write(alertOf())
  await until(() => found.text.endsWith('end\n'))
  streamed.close()
  for (const socket of found.sockets) socket.destroy()
  server.close()
})
test('a local receiver that does not read fills the queue, which is bounded', async () => {
  const path = join(folder, 'full')
  const receiver = receiveDatagrams(path)
  const outputs = openEntries({ type: 'syslog', address: path, queue_bytes: 65_536, ...QUICK })
  await until(() => {
    for (let i = 0; i < 100; i++) outputs.write(alertOf())
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
  const outputs = openEntries({ type: 'journald', address: path })
  outputs.write(alertOf())
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

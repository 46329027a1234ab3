/** A resolver for tests: UDP on loopback, answers A and AAAA questions (RFC 1035) from a table. */
import { createSocket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { parseIp } from '../fields/ip.ts'

export interface TestResolver {
  /** `address:port`, as settings have it. */
  readonly server: string
  /** Names that were asked for. */
  readonly asked: string[]
  close(): void
}

const A = 1
const AAAA = 28
const HEADER = 12

/** `table`: addresses by name, read at each question. A name that is not in it does not exist; `silent` answers nothing. */
export async function testResolver(
  table: Readonly<Record<string, readonly string[]>>,
  { ttl = 300, silent = false } = {},
): Promise<TestResolver> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const { name, type, end } = question(query)
    asked.push(name)
    if (!silent) socket.send(reply(query.subarray(0, end), table[name], type, ttl), peer.port, peer.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { server: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() }
}

function question(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function reply(query: Buffer, addresses: readonly string[] | undefined, type: number, ttl: number): Buffer {
  const fitting = (addresses ?? []).filter((address) => (isIPv4(address) ? A : AAAA) === type)
  const header = Buffer.from(query)
  header.writeUInt16BE(addresses === undefined ? 0x8183 : 0x8180, 2)
  header.writeUInt16BE(fitting.length, 6)
  header.writeUInt32BE(0, 8)
  const records = fitting.map((address) => {
    const data = parseIp(address)!.bytes.subarray(type === A ? 12 : 0)
    const record = Buffer.alloc(HEADER)
    // The name of the question, by its place.
    record.writeUInt16BE(0xc000 | HEADER, 0)
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttl, 6)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([header, ...records])
}

/** TCP connections, and data of packets: DNS messages and what a socket sends first. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { decodeBytes } from '../../src/decode/str.ts'
import { AF_INET, AF_INET6, DATAGRAM, inet6Bytes, inetBytes, STREAM } from './support/addresses.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { bytes, type Call, ref, zeros } from './support/raw.ts'

const FLOWS = ['net_flow_tcp_begin', 'net_flow_tcp_end']
const DNS = ['net_packet_dns_request', 'net_packet_dns_response']
const FIRST = 'net_packet_first'
const LINGER = [1, 13] as const
/** Addresses of loopback that nobody else uses. */
const own = (last: number): string => `127.${64 + (process.pid & 63)}.${(process.pid >> 6) & 255}.${last}`

const QUESTION = Buffer.from('1234010000010000000000000c6578616d706c6574657374036f726700000f0001', 'hex')
const ANSWER = Buffer.from(QUESTION)
ANSWER.writeUInt16BE(0x8183, 2)

suite('packets and flows', { skip: NEEDS_ROOT }, () => {
  let live: Live
  let port = 28000 + (process.pid % 900)
  before(() => {
    const names = [...FLOWS, ...DNS, FIRST]
    live = openLive({ events: names, syscalls: names })
  })
  after(() => live?.stop())

  const seen = (names: readonly string[], calls: readonly Call[]): readonly Seen[] => {
    const { records, results } = live.raw(calls)
    assert.deepEqual(
      calls.filter((_, i) => results[i]! < 0),
      [],
    )
    for (const record of records) assert.equal(record.partial, false)
    return records.filter(({ event }) => names.includes(event))
  }
  const pick = (record: Seen, ...names: readonly string[]): readonly unknown[] =>
    names.map((name) => record.f[name])

  for (const [label, family, ip, address] of [
    ['IPv4', AF_INET, '127.0.0.1', inetBytes],
    ['IPv6', AF_INET6, '0000:0000:0000:0000:0000:0000:0000:0001', inet6Bytes],
  ] as const)
    test(`${label}: a connection begins and ends at both ends, with the bytes of the programs`, () => {
      const p = port++
      const to = bytes(address(p))
      const all = seen(FLOWS, [
        ['socket', family, STREAM, 0],
        ['bind', ref(0), to, 28],
        ['listen', ref(0), 1],
        ['socket', family, STREAM, 0],
        ['connect', ref(3), to, 28],
        ['accept', ref(0), 0, 0],
        ['write', ref(3), 'hello', 5],
        ['recvfrom', ref(5), zeros(16), 16, 0, 0, 0],
        ['write', ref(5), 'you', 3],
        ['recvfrom', ref(3), zeros(16), 16, 0, 0, 0],
        ['close', ref(3)],
        ['recvfrom', ref(5), zeros(16), 16, 0, 0, 0],
        ['close', ref(5)],
      ])
      const client = all.filter(({ f }) => f['direction'] === 1)
      const server = all.filter(({ f }) => f['direction'] === 2)
      for (const [end, sent, received] of [
        [client, 5, 3],
        [server, 3, 5],
      ] as const) {
        assert.deepEqual(
          end.map(({ event }) => event),
          FLOWS,
        )
        assert.deepEqual(pick(end[0]!, 'duration', 'bytes_sent', 'bytes_received'), [0, 0, 0])
        assert.deepEqual(pick(end[1]!, 'bytes_sent', 'bytes_received'), [sent, received])
        assert.equal(end[1]!.f['duration'], end[1]!.time - end[0]!.time)
      }
      const lport = client[0]!.f['lport']
      for (const record of client)
        assert.deepEqual(pick(record, 'family', 'laddr', 'lport', 'raddr', 'rport'), [
          family,
          ip,
          lport,
          ip,
          p,
        ])
      for (const record of server)
        assert.deepEqual(pick(record, 'family', 'laddr', 'lport', 'raddr', 'rport'), [
          family,
          ip,
          p,
          ip,
          lport,
        ])
    })

  test('a connection that is refused or reset before it begins is no flow', () => {
    const { records, results } = live.raw([
      ['socket', AF_INET, STREAM, 0],
      ['connect', ref(0), bytes(inetBytes(port++, own(9))), 16],
    ])
    assert.ok(results[1]! < 0)
    assert.deepEqual(records, [])
  })
  test('a connection that is reset ends', () => {
    const to = bytes(inetBytes(port++))
    const all = seen(FLOWS, [
      ['socket', AF_INET, STREAM, 0],
      ['bind', ref(0), to, 16],
      ['listen', ref(0), 1],
      ['socket', AF_INET, STREAM, 0],
      ['connect', ref(3), to, 16],
      ['accept', ref(0), 0, 0],
      ['setsockopt', ref(3), ...LINGER, bytes(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)), 8],
      ['close', ref(3)],
    ])
    assert.deepEqual(all.map(({ event }) => event).sort(), [FLOWS[0], FLOWS[0], FLOWS[1], FLOWS[1]])
  })

  test('a DNS request and its answer belong to the process that asks', () => {
    const resolver = bytes(inetBytes(53, own(2)))
    const asker = bytes(inetBytes(port++, own(3)))
    const [request, response, ...more] = seen(DNS, [
      ['socket', AF_INET, DATAGRAM, 0],
      ['bind', ref(0), resolver, 16],
      ['socket', AF_INET, DATAGRAM, 0],
      ['bind', ref(2), asker, 16],
      ['sendto', ref(2), bytes(QUESTION), QUESTION.length, 0, resolver, 16],
      ['sendto', ref(0), bytes(ANSWER), ANSWER.length, 0, asker, 16],
    ])
    assert.deepEqual(more, [])
    const ends = [own(3), own(2), port - 1, 53, 17, QUESTION.length]
    const names = ['laddr', 'raddr', 'lport', 'rport', 'protocol', 'size']
    assert.deepEqual([request!.event, ...pick(request!, ...names)], [DNS[0], ...ends])
    assert.deepEqual([response!.event, ...pick(response!, ...names)], [DNS[1], ...ends])
  })
  test('DNS over TCP', () => {
    const resolver = bytes(inetBytes(53, own(4)))
    const framed = Buffer.concat([Uint8Array.of(0, QUESTION.length), QUESTION])
    const [request, ...more] = seen(DNS, [
      ['socket', AF_INET, STREAM, 0],
      ['bind', ref(0), resolver, 16],
      ['listen', ref(0), 1],
      ['socket', AF_INET, STREAM, 0],
      ['connect', ref(3), resolver, 16],
      ['write', ref(3), bytes(framed), framed.length],
      // Neither begins with a message: a length alone, and what it was the length of.
      ['write', ref(3), bytes(framed.subarray(0, 2)), 2],
      ['write', ref(3), bytes(QUESTION), QUESTION.length],
    ])
    assert.deepEqual(more, [])
    assert.deepEqual(pick(request!, 'protocol', 'size', 'payload'), [
      6,
      QUESTION.length,
      decodeBytes(QUESTION),
    ])
  })
  test('what is no question or answer is passed over', () => {
    const resolver = bytes(inetBytes(53, own(5)))
    assert.deepEqual(
      seen(DNS, [
        ['socket', AF_INET, DATAGRAM, 0],
        ['sendto', ref(0), 'short', 5, 0, resolver, 16],
        ['sendto', ref(0), bytes(ANSWER), ANSWER.length, 0, resolver, 16],
        ['sendto', ref(0), bytes(QUESTION), QUESTION.length, 0, bytes(inetBytes(5353, own(5))), 16],
      ]),
      [],
    )
  })
  test('the first data of each socket, cut to its length', () => {
    const to = bytes(inetBytes(port++, own(6)))
    const all = seen(
      [FIRST],
      [
        ['socket', AF_INET, DATAGRAM, 0],
        ['bind', ref(0), to, 16],
        ['socket', AF_INET, DATAGRAM, 0],
        ['sendto', ref(2), `first${'x'.repeat(100)}`, 105, 0, to, 16],
        ['sendto', ref(2), 'second', 6, 0, to, 16],
        ['socket', AF_INET, DATAGRAM, 0],
        ['sendto', ref(5), 'other', 5, 0, to, 16],
      ],
    )
    assert.deepEqual(
      all.map((record) => pick(record, 'size', 'payload')),
      [
        [105, `first${'x'.repeat(59)}`],
        [5, 'other'],
      ],
    )
    assert.deepEqual(
      all.map(({ cut }) => cut['payload']),
      [105, undefined],
    )
  })
})

/** Sockets that are made, and what goes through them. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNIX,
  DATAGRAM,
  inet6Bytes,
  inetBytes,
  LOOPBACK6,
  STREAM,
} from './support/addresses.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { bytes, type Call, message, ref, zeros } from './support/raw.ts'

const SENDS = ['sendto', 'sendmsg', 'sendmmsg', 'recvfrom', 'recvmsg', 'recvmmsg']
const MAKES = ['socket', 'socketpair']
const CLOEXEC = 0o2000000
const DONTWAIT = 0x40
const CONNECTED = 1
const ACCEPTED = 2
const BOUND = 8

suite('messages and new sockets', { skip: NEEDS_ROOT }, () => {
  let live: Live
  let port = 30000 + (process.pid % 900)

  before(() => {
    live = openLive({ events: [...SENDS, ...MAKES] })
  })
  after(() => live?.stop())

  /** Records of the calls, each checked for its result. */
  const seen = (names: readonly string[], ...calls: Call[]): Seen[] => {
    const { records, results } = live.raw(calls)
    const expected = calls.flatMap(([name], i) =>
      SENDS.includes(name) || MAKES.includes(name) ? [[name, results[i]]] : [],
    )
    assert.deepEqual(
      records.map((r) => [r.event, r.f['res']]),
      expected,
    )
    for (const record of records) assert.equal(record.partial, false)
    return records.filter((record) => names.includes(record.event))
  }
  const sent = (...calls: Call[]): Seen[] => seen(SENDS, ...calls)
  const FACTS = ['res', 'size', 'fd', 'laddr', 'lport', 'raddr', 'rport', 'addr_ip', 'addr_port'] as const
  const facts = (record: Seen | undefined): unknown[] => FACTS.map((name) => record?.f[name])

  for (const [label, family, loopback, of] of [
    ['IPv4', AF_INET, '127.0.0.1', inetBytes],
    ['IPv6', AF_INET6, LOOPBACK6, inet6Bytes],
  ] as const)
    test(`${label} datagrams: the address is that of the message`, () => {
      const p = port++
      const to = of(p)
      // All zeros are IPv4's address of no address only in its mapped form.
      const any = label === 'IPv4' ? '0.0.0.0' : undefined
      const room = new Uint8Array(28)
      const all = sent(
        ['socket', family, DATAGRAM, 0],
        ['bind', ref(0), bytes(to), 28],
        ['socket', family, DATAGRAM, 0],
        ['sendto', ref(2), 'hello', 5, 0, bytes(to), 28],
        ['sendmsg', ref(2), message(to, 4), 0],
        ['sendmmsg', ref(2), message(to, 1), 1, 0],
        ['recvfrom', ref(0), zeros(64), 64, 0, bytes(room), bytes(Uint8Array.of(28, 0, 0, 0))],
        ['recvmsg', ref(0), message(room, 9), 0],
        ['recvmmsg', ref(0), message(room, 9), 1, 0, 0],
      )
      const [to1, to2, to3, from1, from2, from3] = all
      const own = Number(to1!.f['lport'])
      assert.ok(own > 0)
      assert.deepEqual(facts(to1), [5, 5, 4, any, own, any, 0, loopback, p])
      assert.deepEqual(facts(to2), [7, 7, 4, any, own, any, 0, loopback, p])
      assert.deepEqual(facts(to3), [1, 4, 4, any, own, any, 0, loopback, p])
      assert.deepEqual(facts(from1), [5, 64, 3, loopback, p, any, 0, loopback, own])
      assert.deepEqual(facts(from2), [7, 12, 3, loopback, p, any, 0, loopback, own])
      assert.deepEqual(facts(from3), [1, 12, 3, loopback, p, any, 0, loopback, own])
      assert.deepEqual(
        all.map(({ f }) => [f['family'], f['type'], f['protocol'], f['socket_facts'], f['addr_family']]),
        [0, 0, 0, BOUND, BOUND, BOUND].map((bits) => [family, DATAGRAM, 17, bits, family]),
      )
    })

  test('a connected datagram socket has its peer, and a message may still name another', () => {
    const p = port++
    const other = port++
    const [plain, named] = sent(
      ['socket', AF_INET, DATAGRAM, 0],
      ['connect', ref(0), bytes(inetBytes(p)), 16],
      ['sendto', ref(0), 'x', 1, 0, 0, 0],
      ['sendto', ref(0), 'x', 1, 0, bytes(inetBytes(other, '127.0.0.2')), 16],
    )
    const own = Number(plain!.f['lport'])
    assert.deepEqual(facts(plain).slice(3), ['127.0.0.1', own, '127.0.0.1', p, undefined, 0])
    assert.deepEqual(facts(named).slice(3), ['127.0.0.1', own, '127.0.0.1', p, '127.0.0.2', other])
    assert.deepEqual([plain!.f['socket_facts'], named!.f['socket_facts']], [CONNECTED, CONNECTED])
  })

  test('a stream has the ends of its connection', () => {
    const p = port++
    const address = bytes(inetBytes(p))
    const [to, from, empty] = sent(
      ['socket', AF_INET, STREAM, 0],
      ['bind', ref(0), address, 16],
      ['listen', ref(0), 1],
      ['socket', AF_INET, STREAM, 0],
      ['connect', ref(3), address, 16],
      ['accept', ref(0), 0, 0],
      ['sendto', ref(3), 'hello', 5, 0, 0, 0],
      ['recvfrom', ref(5), zeros(16), 16, 0, 0, 0],
      ['recvfrom', ref(5), zeros(16), 16, DONTWAIT, 0, 0],
    )
    const own = Number(to!.f['lport'])
    assert.deepEqual(facts(to), [5, 5, 4, '127.0.0.1', own, '127.0.0.1', p, undefined, 0])
    assert.deepEqual(facts(from), [5, 16, 5, '127.0.0.1', p, '127.0.0.1', own, undefined, 0])
    assert.deepEqual(
      [to, from].map((record) => Number(record!.f['socket_facts']) & ~BOUND),
      [CONNECTED, CONNECTED | ACCEPTED],
    )
    assert.deepEqual([empty!.f['res'], empty!.f['rport']], [-11, own])
  })

  test('what cannot be sent', () => {
    const p = port++
    const [none, file] = sent(
      ['sendto', 88, 'x', 1, 0, bytes(inetBytes(p)), 16],
      ['pipe2', zeros(8), 0],
      ['sendto', 3, 'x', 1, 0, bytes(inetBytes(p)), 16],
    )
    for (const record of [none, file])
      assert.deepEqual(
        [record!.f['family'], record!.f['ino'], record!.f['addr_ip'], record!.f['addr_port']],
        [0, 0, '127.0.0.1', p],
      )
    assert.deepEqual([none!.f['res'], file!.f['res']], [-9, -88])
  })

  test('a datagram to a unix name', () => {
    const name = `tarsier-message-${process.pid}`
    const address = Buffer.concat([Uint8Array.of(AF_UNIX, 0, 0), Buffer.from(name)])
    const [record] = sent(
      ['socket', AF_UNIX, DATAGRAM, 0],
      ['bind', ref(0), bytes(address), address.length],
      ['socket', AF_UNIX, DATAGRAM, 0],
      ['sendto', ref(2), 'x', 1, 0, bytes(address), address.length],
    )
    assert.deepEqual(
      [record!.f['res'], record!.f['family'], record!.f['addr_path'], record!.f['unix_path']],
      [1, AF_UNIX, `@${name}`, undefined],
    )
  })

  test('new sockets, with the flags apart from the type', () => {
    const all = seen(
      MAKES,
      ['socket', AF_INET, STREAM | CLOEXEC, 0],
      ['socket', AF_PACKET, 3, 0x0300],
      ['socketpair', AF_UNIX, DATAGRAM, 0, zeros(8)],
      ['socket', 99, 1, 0],
      ['socketpair', AF_INET, STREAM, 0, zeros(8)],
    )
    const names = ['res', 'fd', 'fd2', 'domain', 'type', 'proto', 'protocol', 'flags']
    assert.deepEqual(
      all.map(({ event, f }) => [event, ...names.map((name) => f[name])]),
      [
        ['socket', 3, 3, -1, AF_INET, STREAM, 0, 6, CLOEXEC],
        ['socket', 4, 4, -1, AF_PACKET, 3, 0x0300, 0, 0],
        ['socketpair', 0, 5, 6, AF_UNIX, DATAGRAM, 0, 0, 0],
        ['socket', -97, -97, -1, 99, 1, 0, 0, 0],
        ['socketpair', -95, -95, -1, AF_INET, STREAM, 0, 0, 0],
      ],
    )
    assert.deepEqual(
      all.map(({ f }) => Number(f['ino']) > 0),
      [true, true, true, false, false],
    )
  })
})

/** connect, bind, listen, accept with the addresses the kernel's socket really has. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { bytes, type Call, ref, type Special, zeros } from './support/raw.ts'

const EVENTS = ['connect', 'bind', 'listen', 'accept', 'accept4']
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const STREAM = 1
const DATAGRAM = 2
const NONBLOCK = 0o4000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const LOOPBACK6 = '0000:0000:0000:0000:0000:0000:0000:0001'

const inet = (port: number, ip = '127.0.0.1', family = AF_INET): Special => {
  const address = new Uint8Array(16)
  new DataView(address.buffer).setUint16(0, family, true)
  new DataView(address.buffer).setUint16(2, port)
  address.set(ip.split('.').map(Number), 4)
  return bytes(address)
}
const inet6 = (port: number, last = 1): Special => {
  const address = new Uint8Array(28)
  new DataView(address.buffer).setUint16(0, AF_INET6, true)
  new DataView(address.buffer).setUint16(2, port)
  address[23] = last
  return bytes(address)
}
const unixBytes = (name: Uint8Array): Special =>
  bytes(Buffer.concat([new Uint8Array([AF_UNIX, 0]), name, new Uint8Array(1)]))

suite('sockets', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('socket')
  let live: Live
  // Ports of our own, away from the range the kernel hands out.
  let port = 20000 + (process.pid % 10000)

  before(() => {
    live = openLive({ events: EVENTS })
  })
  after(() => live?.stop())

  const events = (calls: readonly Call[]): { seen: Seen[]; results: number[] } => {
    const { records, results } = live.raw(calls)
    const expected = calls.flatMap(([name], i) => (EVENTS.includes(name) ? [[name, results[i]]] : []))
    assert.deepEqual(
      records.map((r) => [r.event, r.f['res']]),
      expected,
    )
    for (const record of records) assert.equal(record.partial, false)
    return { seen: records, results }
  }
  const names = ['fd', 'laddr', 'lport', 'raddr', 'rport', 'addr_ip', 'addr_port'] as const
  const ends = (record: Seen | undefined): unknown[] => names.map((name) => record?.f[name])

  for (const [label, family, loopback, of] of [
    ['IPv4', AF_INET, '127.0.0.1', inet],
    ['IPv6', AF_INET6, LOOPBACK6, inet6],
  ] as const)
    test(`${label}: bind, listen, connect, accept, accept4`, () => {
      const p = port++
      // The address of no address; in IPv6 it is all zeros, which a record does not carry.
      const nobody = label === 'IPv4' ? '0.0.0.0' : undefined
      const { seen } = events([
        ['socket', family, STREAM, 0],
        ['setsockopt', ref(0), SOL_SOCKET, SO_REUSEADDR, bytes(new Uint8Array([1, 0, 0, 0])), 4],
        ['bind', ref(0), of(p), 28],
        ['listen', ref(0), 7],
        ['socket', family, STREAM, 0],
        ['connect', ref(4), of(p), 28],
        ['accept', ref(0), 0, 0],
        ['socket', family, STREAM, 0],
        ['connect', ref(7), of(p), 28],
        ['accept4', ref(0), 0, 0, NONBLOCK],
      ])
      const [bind, listen, connect, accept, connect2, accept4] = seen
      for (const record of seen) {
        assert.deepEqual([record.f['family'], record.f['type'], record.f['protocol']], [family, STREAM, 6])
        assert.ok(Number(record.f['ino']) > 0)
      }
      const local = Number(connect!.f['lport'])
      const local2 = Number(connect2!.f['lport'])
      assert.ok(local > 0 && local2 > 0 && local !== local2)
      assert.deepEqual(ends(bind), [3, loopback, p, nobody, 0, loopback, p])
      assert.deepEqual([listen!.f['backlog'], ...ends(listen)], [7, 3, loopback, p, nobody, 0, undefined, 0])
      assert.deepEqual(ends(connect), [4, loopback, local, loopback, p, loopback, p])
      assert.deepEqual(ends(accept), [5, loopback, p, loopback, local, undefined, 0])
      assert.deepEqual(ends(connect2), [6, loopback, local2, loopback, p, loopback, p])
      assert.deepEqual(ends(accept4), [7, loopback, p, loopback, local2, undefined, 0])
      assert.deepEqual(
        seen.map((r) => [r.f['backlog'], r.f['flags'], r.f['addr_family']]),
        [
          [-1, 0, family],
          [7, 0, 0],
          [-1, 0, family],
          [-1, 0, 0],
          [-1, 0, family],
          [-1, NONBLOCK, 0],
        ],
      )
    })

  test('refused: the address asked for', () => {
    const p = port++
    const { seen, results } = events([
      ['socket', AF_INET, STREAM, 0],
      ['connect', ref(0), inet(p), 16],
    ])
    assert.equal(results[1], -111)
    assert.deepEqual([seen[0]!.f['addr_ip'], seen[0]!.f['addr_port']], ['127.0.0.1', p])
  })

  test('in progress: the address is in the socket', () => {
    const p = port++
    const { seen, results } = events([
      ['socket', AF_INET, STREAM, 0],
      ['bind', ref(0), inet(p), 16],
      ['listen', ref(0), 1],
      ['socket', AF_INET, STREAM | NONBLOCK, 0],
      ['connect', ref(3), inet(p), 16],
    ])
    assert.equal(results[4], -115)
    assert.deepEqual(ends(seen[2]).slice(3), ['127.0.0.1', p, '127.0.0.1', p])
  })

  test('a datagram socket', () => {
    const p = port++
    const { seen } = events([
      ['socket', AF_INET, DATAGRAM, 0],
      ['bind', ref(0), inet(p), 16],
      ['socket', AF_INET, DATAGRAM, 0],
      ['connect', ref(2), inet(p), 16],
    ])
    assert.deepEqual(
      seen.map((r) => [r.f['type'], r.f['protocol']]),
      [
        [DATAGRAM, 17],
        [DATAGRAM, 17],
      ],
    )
    assert.deepEqual(ends(seen[1]).slice(3, 5), ['127.0.0.1', p])
  })

  test('IPv4 through an IPv6 socket', () => {
    const p = port++
    const mapped = new Uint8Array(28)
    new DataView(mapped.buffer).setUint16(0, AF_INET6, true)
    new DataView(mapped.buffer).setUint16(2, p)
    mapped.set([0xff, 0xff, 127, 0, 0, 1], 18)
    const { seen } = events([
      ['socket', AF_INET, STREAM, 0],
      ['bind', ref(0), inet(p), 16],
      ['listen', ref(0), 1],
      ['socket', AF_INET6, STREAM, 0],
      ['connect', ref(3), bytes(mapped), 28],
    ])
    assert.equal(seen[2]!.f['family'], AF_INET6)
    assert.deepEqual(ends(seen[2]).slice(3), ['127.0.0.1', p, '127.0.0.1', p])
  })

  for (const [label, name, shown, length] of [
    ['path', Buffer.from(join(dir, 'sock')), join(dir, 'sock'), 2 + dir.length + 6],
    ['path without its NUL', Buffer.from(join(dir, 'nonul')), join(dir, 'nonul'), 2 + dir.length + 6],
    ['abstract', Buffer.from(`\0tarsier-test-${process.pid}`), `@tarsier-test-${process.pid}`, undefined],
    ['abstract with NULs', Buffer.from(`\0a\0b-${process.pid}`), `@a\0b-${process.pid}`, undefined],
    ['longest path', Buffer.from(join(dir, 'x').padEnd(108, 'x')), join(dir, 'x').padEnd(108, 'x'), 110],
  ] as const)
    test(`unix, ${label}`, () => {
      const size = length ?? 2 + name.length
      const { seen } = events([
        ['socket', AF_UNIX, STREAM, 0],
        ['bind', ref(0), unixBytes(name), size],
        ['listen', ref(0), 3],
        ['socket', AF_UNIX, STREAM, 0],
        ['connect', ref(3), unixBytes(name), size],
        ['accept', ref(0), 0, 0],
      ])
      assert.deepEqual(
        seen.map((r) => [r.event, r.f['fd'], r.f['family'], r.f['unix_path'], r.f['addr_path']]),
        [
          ['bind', 3, AF_UNIX, shown, shown],
          ['listen', 3, AF_UNIX, shown, undefined],
          ['connect', 4, AF_UNIX, shown, shown],
          ['accept', 5, AF_UNIX, shown, undefined],
        ],
      )
    })

  test('unix, nobody there', () => {
    const name = join(dir, 'missing')
    const { seen } = events([
      ['socket', AF_UNIX, STREAM, 0],
      ['connect', ref(0), unixBytes(Buffer.from(name)), 3 + name.length],
    ])
    assert.deepEqual(
      [seen[0]!.f['res'], seen[0]!.f['unix_path'], seen[0]!.f['addr_path']],
      [-2, undefined, name],
    )
  })

  test('calls that cannot succeed', () => {
    const { seen } = events([
      ['connect', 88, inet(1), 16],
      ['pipe2', zeros(8), 0],
      ['connect', 3, inet(1), 16],
      ['accept', 3, 0, 0],
      ['bind', 88, inet(2, '10.1.2.3'), 16],
    ])
    assert.deepEqual(
      seen.map((r) => [r.event, r.f['fd'], r.f['res'], r.f['ino'], r.f['addr_ip'], r.f['addr_port']]),
      [
        ['connect', 88, -9, 0, '127.0.0.1', 1],
        ['connect', 3, -88, 0, '127.0.0.1', 1],
        ['accept', -88, -88, 0, undefined, 0],
        ['bind', 88, -9, 0, '10.1.2.3', 2],
      ],
    )
  })
})

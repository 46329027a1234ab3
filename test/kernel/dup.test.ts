/** dup, dup2, dup3 with what the descriptors stand for. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { AF_INET, AF_INET6, AF_UNIX, inet6Bytes, inetBytes, LOOPBACK6, STREAM } from './support/addresses.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { AT_FDCWD, bytes, type Call, ref, zeros } from './support/raw.ts'

const CLOEXEC = 0o2000000
const CONNECTED = 1
const ACCEPTED = 2
const LISTENS = 4
const BOUND = 8

suite('dup', { skip: NEEDS_ROOT }, () => {
  const file = NEEDS_ROOT ? '' : join(scratchFolder('dup'), 'file')
  let live: Live
  let port = 31000 + (process.pid % 900)

  before(() => {
    writeFileSync(file, '')
    live = openLive({ events: ['dup', 'dup2', 'dup3'] })
  })
  after(() => live?.stop())

  const dups = (...calls: Call[]): Seen[] => {
    const { records } = live.raw(calls)
    for (const record of records) assert.equal(record.partial, false)
    return records
  }
  const numbers = (record: Seen): unknown[] =>
    ['res', 'oldfd', 'newfd', 'flags'].map((name) => record.f[name])

  test('a file under each call', () => {
    const seen = dups(
      ['openat', AT_FDCWD, file, 0],
      ['dup', ref(0)],
      ['dup2', ref(0), 77],
      ['dup2', ref(0), ref(0)],
      ['dup3', ref(0), 78, CLOEXEC],
    )
    assert.deepEqual(
      seen.map((record) => [record.event, ...numbers(record), record.f['path']]),
      [
        ['dup', 4, 3, -1, 0, file],
        ['dup2', 77, 3, 77, 0, file],
        ['dup2', 3, 3, 3, 0, file],
        ['dup3', 78, 3, 78, CLOEXEC, file],
      ],
    )
    for (const { f } of seen) {
      assert.equal(Number(f['i_mode']) & 0o170000, 0o100000)
      assert.deepEqual([f['family'], f['socket_facts'], f['lport']], [0, 0, 0])
    }
  })

  test('a failed call knows its arguments', () =>
    assert.deepEqual(
      dups(['dup', 88], ['dup2', 88, 1], ['dup3', 1, 1, 0], ['dup3', 1, 2, 3]).map((record) => [
        ...numbers(record),
        record.f['path'],
      ]),
      [
        [-9, 88, -1, 0, undefined],
        [-9, 88, 1, 0, undefined],
        [-22, 1, 1, 0, undefined],
        [-22, 1, 2, 3, undefined],
      ],
    ))

  test('a pipe has the name of the kernel', () => {
    const [seen] = dups(['pipe2', zeros(8), 0], ['dup2', 4, 0])
    assert.match(String(seen!.f['path']), /^pipe:\[\d+\]$/)
  })

  for (const [label, family, loopback, of] of [
    ['IPv4', AF_INET, '127.0.0.1', inetBytes],
    ['IPv6', AF_INET6, LOOPBACK6, inet6Bytes],
  ] as const)
    test(`${label}: both ends, and which of them was accepted`, () => {
      const p = port++
      const address = bytes(of(p))
      const [listening, client, server] = dups(
        ['socket', family, STREAM, 0],
        ['bind', ref(0), address, 28],
        ['listen', ref(0), 3],
        ['socket', family, STREAM, 0],
        ['connect', ref(3), address, 28],
        ['accept', ref(0), 0, 0],
        ['dup2', ref(0), 60],
        ['dup2', ref(3), 61],
        ['dup2', ref(5), 62],
      )
      const local = Number(client!.f['lport'])
      const ends = ({ f }: Seen): unknown[] =>
        ['res', 'laddr', 'lport', 'raddr', 'rport', 'socket_facts'].map((name) => f[name])
      const nobody = label === 'IPv4' ? '0.0.0.0' : undefined
      assert.deepEqual(ends(listening!), [60, loopback, p, nobody, 0, LISTENS | BOUND])
      assert.deepEqual(ends(client!), [61, loopback, local, loopback, p, CONNECTED])
      assert.deepEqual(ends(server!).slice(0, 5), [62, loopback, p, loopback, local])
      assert.equal(Number(server!.f['socket_facts']) & ~BOUND, CONNECTED | ACCEPTED)
      for (const { f } of [listening!, client!, server!]) {
        assert.deepEqual([f['family'], f['type'], f['protocol']], [family, STREAM, 6])
        assert.equal(Number(f['i_mode']) & 0o170000, 0o140000)
        assert.ok(Number(f['ino']) > 0)
      }
    })

  test('a unix socket, by its own name or that of its peer', () => {
    const name = Buffer.from(`\0\0tarsier-dup-${process.pid}`)
    name[0] = AF_UNIX
    const address = bytes(Buffer.concat([Uint8Array.of(AF_UNIX, 0), name.subarray(1)]))
    const size = 1 + name.length
    const seen = dups(
      ['socket', AF_UNIX, STREAM, 0],
      ['bind', ref(0), address, size],
      ['listen', ref(0), 3],
      ['socket', AF_UNIX, STREAM, 0],
      ['connect', ref(3), address, size],
      ['dup2', ref(0), 60],
      ['dup2', ref(3), 61],
    )
    const shown = `@tarsier-dup-${process.pid}`
    assert.deepEqual(
      seen.map(({ f }) => [f['family'], f['unix_path'], f['socket_facts']]),
      [
        [AF_UNIX, shown, 0],
        [AF_UNIX, shown, CONNECTED],
      ],
    )
  })
})

/** What io_uring does for a process is told by the same events as what syscalls do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, only, openLive, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'

const FILES = ['openat', 'openat2', 'write', 'writev', 'unlinkat', 'renameat2', 'linkat', 'symlinkat']
const HOOKS = ['magic_write', 'security_file_open']
const SOCKETS = ['socket', 'connect', 'accept4', 'sendto', 'sendmsg', 'recvfrom']
/** One of each kind: those of a kind come together. */
const PLAIN = ['mkdirat', 'statx', 'read', 'close']

suite('io_uring', { skip: NEEDS_ROOT }, () => {
  const folder = scratchFolder('uring')
  const live: Live = openLive({ events: [...FILES, ...SOCKETS], syscalls: [...HOOKS, ...PLAIN] })
  after(() => live.stop())
  test('everything is attached', () => assert.deepEqual(live.source.failures, []))

  for (const how of [[], ['sqpoll']]) {
    const mode = how[0] ?? 'by the caller'
    test(`operations carried out ${mode}`, async () => {
      const at = join(folder, mode.replaceAll(' ', '-'))
      mkdirSync(at)
      const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const { records, pid, status } = await live.follow(program('uring'), [at, String(port), ...how])
      server.close()
      assert.equal(status, 0)
      const own = records.filter((record) => record.pid === pid && record.uring)
      const seen = own.filter(({ event }) => !HOOKS.includes(event))
      const told = seen.map(words)
      const wanted = expected(at, port)
      // A shutdown wakes the receive that waits: the two end in either order.
      const last = wanted.indexOf(AT_ONCE)
      assert.deepEqual(told.slice(last, last + 2).sort(), wanted.slice(last, last + 2).sort())
      told.splice(last, 2, ...wanted.slice(last, last + 2))
      assert.deepEqual(told, wanted)
      assert.deepEqual(
        only(own, 'magic_write').map(({ f }) => [f['pathname'], f['bytes']]),
        [
          [join(at, 'made'), 'text'],
          [join(at, 'direct'), '\x7fELF and more'],
        ],
      )
      assert.deepEqual(
        only(own, 'security_file_open').map(({ f }) => [f['pathname'], f['flags']]),
        [
          [join(at, 'made'), 0o101],
          [at, 0],
          [join(at, 'made'), 0],
          [join(at, 'direct'), 0o101],
        ],
      )
      // What has no number is a file or a socket all the same.
      const [fd, socket] = [own.filter(({ f }) => f['name'] === 'direct'), only(own, 'socket').at(-1)]
      assert.deepEqual([fd[0]?.f['ino'], fd.length], [statSync(join(at, 'direct')).ino, 1])
      assert.equal(socket?.f['ino'], only(own, 'connect').at(-1)?.f['ino'])
    })
  }

  test('a ring without room for results', async () => {
    const at = join(folder, 'crowded')
    mkdirSync(at)
    const { records, pid } = await live.follow(program('uring'), [at, '1', 'crowded'])
    const opens = only(records, 'openat').filter((record) => record.pid === pid && record.uring)
    assert.deepEqual([...new Set(opens.map(({ f }) => f['name']))].sort(), readdirSync(at).sort())
    // Those whose end is told have a path, the others say that something is missing.
    for (const { f, partial } of opens) assert.equal(f['path'] === undefined, partial)
  })

  test('a write and its file', async () => {
    const at = join(folder, 'write')
    mkdirSync(at)
    const { records, pid } = await live.follow(program('uring'), [at, '1'])
    const own = records.filter((record) => record.pid === pid && record.uring)
    const [made, written] = own.filter(({ event }) => !HOOKS.includes(event))
    assert.equal(written?.event, 'write')
    assert.equal(written?.f['path'], join(at, 'made'))
    assert.deepEqual([written?.f['ino'], written?.f['dev']], [made?.f['ino'], made?.f['dev']])
  })
})

/** A record in words; the path is the kernel's where it has one. */
const words = ({ event, f, partial }: Seen): string =>
  [
    event,
    ...FIELDS.map((name) => (goesOn(event, name) ? undefined : f[name])),
    partial ? 'partial' : undefined,
  ]
    .filter((value) => value !== undefined)
    .join(' ')
const FIELDS =
  'fd res dirfd flags name path oldpath newpath target linkpath dir size addr_ip addr_port rport sockfd pathname pathname_dir len mask'.split(
    ' ',
  )
/** The port of a client of its own, which is any. */
const goesOn = (event: string, name: string): boolean =>
  name === 'rport' && (event === 'accept4' || event === 'recvfrom')

const NO_NUMBER = 2147483647
/** It and the one behind it come in either order. */
const AT_ONCE = 'shutdown 0 12'
/** What the program does (test/programs/uring.c). */
const expected = (at: string, port: number): string[] => [
  `openat 4 -100 65 made ${at}/made ${at}`,
  `write 4 4 ${at}/made 4`,
  `openat2 5 -100 0 . ${at} ${at}`,
  `openat 6 5 0 made ${at}/made ${at}`,
  `openat -2 -100 0 nowhere/file ${at}`,
  `openat 2147483647 -100 0 made ${at} partial`,
  `linkat 0 0 made second`,
  `symlinkat 0 target symbolic ${at}`,
  `renameat2 0 1 second third`,
  `unlinkat 0 -100 0 third ${at}`,
  `unlinkat -2 -100 0 third ${at}`,
  `mkdirat 0 5 folder ${at}`,
  `mkdirat -17 -100 folder ${at}`,
  `fallocate 4 0 8192`,
  `fsync 4 0`,
  `fdatasync 4 0`,
  `statx 0 -100 0 made ${at} 512`,
  `setxattr 0 0 user.name made 5`,
  `fgetxattr 4 -61 user.none 8`,
  `read 4 -9`,
  `madvise 0`,
  `close 4 0`,
  `socket 4 4 524288`,
  `connect 4 0 0 127.0.0.1 ${port} ${port}`,
  `sendto 4 4 0 4 0 ${port}`,
  `connect 8 -111 0 127.0.0.1 1 1`,
  `sendmsg 9 4 0 4 127.0.0.1 1 0`,
  `accept4 13 13 0 0`,
  `accept4 14 14 0 0`,
  `accept4 -125 -125 0 0`,
  `recvfrom 14 3 0 16 0`,
  `recvfrom 14 6 0 16 0`,
  AT_ONCE,
  `recvfrom 14 0 0 16 0`,
  `openat ${NO_NUMBER} -100 65 direct ${at}/direct ${at}`,
  `writev ${NO_NUMBER} 13 ${at}/direct 4`,
  `socket ${NO_NUMBER} ${NO_NUMBER} 0`,
  `connect ${NO_NUMBER} 0 0 127.0.0.1 ${port} ${port}`,
  `openat -22 ${NO_NUMBER} 0 partial`,
]

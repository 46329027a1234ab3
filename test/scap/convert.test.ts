/** What `tarsier capture convert` makes of a capture of ours: sysdig opens it, and it says here what the original says. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { convertCapture } from '../../src/capture/convert.ts'
import { rowsOf } from '../../src/testing/capture-play.ts'
import { recordTo } from '../../src/testing/captures.ts'
import {
  accept,
  address,
  connect,
  event,
  execve,
  exit,
  fork,
  openat,
  SHELL,
  snapshot,
} from '../../src/testing/events.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { story } from './story.ts'

const missing = spawnSync('sysdig', ['--version'], { timeout: 20_000 }).status !== 0
const TIMEOUT = 30_000
const ID = 'c'.repeat(64)
const CHILD = { pid: 200, start: 9_000_000_001, uid: 1000 }
const MS = 1_000_000

const folder = scratchFolder('convert')
const native = join(folder, 'a.cap')
const file = join(folder, 'a.scap')
const packed = join(folder, 'b.scap')

function record(): void {
  recordTo(native, (sink, feed) => {
    sink.clock({ wall: 1_767_225_600_000_000_000n, boot: 0n })
    sink.users('root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/zsh\n', 'alice:x:1000:\n')
    feed(snapshot({ by: SHELL, path: '/usr/bin/bash', argv: ['-bash', '-i'], cwd: '/srv', time: 1 * MS }))
    feed(fork({ by: SHELL, child: CHILD, time: 2 * MS }))
    feed(
      execve({
        by: CHILD,
        path: '/usr/bin/curl',
        argv: ['curl', '-s', 'x'],
        cgroup: `/docker/${ID}`,
        time: 3 * MS,
      }),
    )
    feed(openat({ by: CHILD, path: '/etc/shadow', time: 4 * MS }))
    feed(
      openat({
        by: CHILD,
        path: 'made',
        resolved: '/srv/made',
        dir: '/srv',
        flags: 0o101,
        time: 5 * MS,
      }),
    )
    feed(
      event(
        'socket',
        { by: CHILD, time: 5 * MS + 1 },
        { res: 4, fd: 4, fd2: -1, domain: 2, type: 1, protocol: 6 },
      ),
    )
    feed(connect({ by: CHILD, local: '10.0.0.2 40000', remote: '192.0.2.1 80', time: 6 * MS }))
    feed(accept({ by: CHILD, local: '10.0.0.2 22', remote: '10.0.0.9 5000', time: 7 * MS }))
    feed(event('unlink', { by: CHILD, time: 8 * MS }, { res: -2, name: 'x', dir: '/srv' }))
    feed(event('setuid', { by: CHILD, time: 9 * MS }, { res: -1, uid: 0 }))
    feed(
      event(
        'net_flow_tcp_begin',
        { by: CHILD, time: 10 * MS },
        { laddr: address('::1'), raddr: address('::1'), family: 10 },
      ),
    )
    feed(exit({ by: CHILD, code: 3, time: 11 * MS }))
  })
}

const FIELDS = [
  ...[
    'evt.rawtime',
    'evt.type',
    'evt.res',
    'proc.name',
    'proc.cmdline',
    'proc.pname',
    'proc.exepath',
    'user.name',
  ],
  ...['container.id', 'fd.name', 'fd.num', 'fd.l4proto', 'fd.is_server', 'evt.is_open_write', 'proc.vpid'],
]

suite('a capture of ours as a scap file', () => {
  before(record)

  test('it has the events that there are', async () => {
    const { written, leftOut, fault } = await convertCapture(native, file, false)
    assert.equal(fault, undefined)
    assert.equal(written, 10)
    assert.deepEqual([...leftOut], [['net_flow_tcp_begin', 1]])
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })
  test('it says what the original says', async () => {
    const [ours, theirs] = [await rowsOf(native, FIELDS), await rowsOf(file, FIELDS)]
    // There are two events of a fork, and no event for what was left out.
    const other = ({ rows }: typeof ours) =>
      rows.filter(
        ([, type]) => type !== 'net_flow_tcp_begin' && type !== 'clone' && type !== 'existing_container',
      )
    assert.deepEqual(other(theirs), other(ours))
  })
  test('packed it is the same', async () => {
    await convertCapture(native, packed, true)
    assert.equal(readFileSync(packed)[0], 0x1f)
    assert.deepEqual((await rowsOf(packed, FIELDS)).rows, (await rowsOf(file, FIELDS)).rows)
  })
  test('nothing is written over', async () =>
    await assert.rejects(convertCapture(native, file, false), { code: 'EEXIST' }))

  test('a scap file keeps its blocks', async () => {
    const [told, again] = [join(folder, 'story.scap'), join(folder, 'again.scap')]
    writeFileSync(told, story())
    await convertCapture(told, again, false)
    assert.deepEqual(readFileSync(again), readFileSync(told))
  })
  test('of one that was cut, what was before is written', async () => {
    const [cut, mended] = [join(folder, 'cut.scap'), join(folder, 'mended.scap')]
    writeFileSync(cut, story().subarray(0, -7))
    const { fault, written } = await convertCapture(cut, mended, false)
    assert.match(fault?.message ?? '', /ends within a block/)
    assert.ok(written > 90)
    assert.equal((await rowsOf(mended, ['evt.type'])).fault, undefined)
  })

  for (const [what, path] of [
    ['', file],
    [' packed', packed],
  ] as const)
    test(`sysdig opens it${what}`, { skip: missing && 'needs sysdig' }, () => {
      const format = '*%evt.type %proc.name %proc.pname %user.name %container.id %fd.name'
      const args = ['-r', path, '-p', format, 'evt.dir = < or evt.type = procexit']
      const lines = execFileSync('sysdig', args, { encoding: 'utf8', timeout: TIMEOUT }).trim().split('\n')
      assert.deepEqual(lines, [
        'clone bash <NA> alice host <NA>',
        'clone bash bash alice host <NA>',
        'execve curl bash alice cccccccccccc <NA>',
        'openat curl bash alice cccccccccccc /etc/shadow',
        'openat curl bash alice cccccccccccc /srv/made',
        'socket curl bash alice cccccccccccc ',
        'connect curl bash alice cccccccccccc 10.0.0.2:40000->192.0.2.1:80',
        'accept curl bash alice cccccccccccc 10.0.0.9:5000->10.0.0.2:22',
        'unlink curl bash alice cccccccccccc <NA>',
        'setuid curl bash alice cccccccccccc <NA>',
        'procexit curl bash alice cccccccccccc <NA>',
      ])
    })
})

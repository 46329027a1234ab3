import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EXE_FLAGS } from '../../schema/enums/index.ts'
import type { RecordInit } from '../decode/encode.ts'
import { type Actor, address, event, execve, fork, INIT, openat, SHELL, snapshot } from '../testing/events.ts'
import { createWorld, EPOCH } from '../testing/world.ts'

const CHILD: Actor = { pid: 200, start: 6_000_000_003, uid: 1000 }

/** Expected values of fields after the events. */
const check = (events: readonly RecordInit[], expected: Readonly<Record<string, unknown>>): void => {
  const world = createWorld()
  world.feed(
    snapshot({ by: INIT, path: '/sbin/init' }),
    snapshot({ by: SHELL, path: '/usr/bin/bash' }),
    ...events,
  )
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, world.plain(name)]))
  assert.deepEqual(actual, expected)
}

const AF_INET = 2
const S_IFSOCK = 0o140000
const S_IFCHR = 0o020000
/** A shell whose input is a connection, output a terminal, error closed. */
const reverseShell = execve({
  by: CHILD,
  parent: SHELL,
  path: '/usr/bin/dash',
  fields: {
    stdin_path: 'socket:[99]',
    stdin_mode: S_IFSOCK | 0o777,
    stdin_family: AF_INET,
    stdin_laddr: address('10.0.0.2'),
    stdin_lport: 40312,
    stdin_raddr: address('198.51.100.7'),
    stdin_rport: 4444,
    stdout_path: '/dev/pts/0',
    stdout_mode: S_IFCHR | 0o620,
    fdlimit: 1024,
    pgft_maj: 3,
    pgft_min: 700,
    vm_size: 2048,
    vm_rss: 512,
    vm_swap: 4,
    pidns: 9,
    vpid: 7,
    pidns_init_start_ts: 4_000_000_000,
    exe_flags: EXE_FLAGS.names['EXE_LOWER_LAYER']!,
    exe_ctime: EPOCH + 1_000_000_000n,
    cgroup_path: '/system.slice/x.service',
    cgroup_v1_path: '/v1/x',
  },
})

describe('facts of the last exec', () => {
  test('standard descriptors', () =>
    check([reverseShell], {
      'proc.stdin.type': 'ipv4',
      'proc.stdin.name': '10.0.0.2:40312->198.51.100.7:4444',
      'proc.stdout.type': 'file',
      'proc.stdout.name': '/dev/pts/0',
      'proc.stderr.type': undefined,
      'proc.stderr.name': undefined,
    }))
  test('a pipe and a unix socket', () =>
    check(
      [
        execve({
          by: CHILD,
          fields: {
            stdin_path: 'pipe:[4]',
            stdin_mode: 0o10600,
            stdout_path: 'socket:[5]',
            stdout_family: 1,
          },
        }),
      ],
      {
        'proc.stdin.type': 'pipe',
        'proc.stdin.name': 'pipe:[4]',
        'proc.stdout.type': 'unix',
        'proc.stdout.name': 'socket:[5]',
      },
    ))
  test('memory, faults, limit', () =>
    check([reverseShell], {
      'proc.vmsize': 2048,
      'proc.vmrss': 512,
      'proc.vmswap': 4,
      'thread.vmsize.b': 2048 * 1024,
      'thread.vmrss.b': 512 * 1024,
      'thread.pfmajor': 3,
      'thread.pfminor': 700,
      'proc.fdlimit': 1024,
    }))
  test('a forked child has those of its parent', () =>
    check(
      [
        reverseShell,
        fork({ by: CHILD, child: { pid: 201, start: 7_000_000_001 } }),
        openat({ by: { pid: 201, start: 7_000_000_001 }, path: '/x' }),
      ],
      {
        'proc.stdin.type': 'ipv4',
        'proc.fdlimit': 1024,
      },
    ))
  test('layer and pid namespace', () =>
    check([reverseShell], {
      'proc.is_exe_lower_layer': true,
      'proc.is_exe_upper_layer': false,
      'proc.pidns_init_start_ts': EPOCH + 4_000_000_000n,
      'proc.exe_ino.ctime_duration_pidns_start': 3_000_000_000n,
    }))
  test('the first process of a namespace is its own start', () =>
    check([execve({ by: CHILD, fields: { vpid: 1 } })], {
      'proc.pidns_init_start_ts': EPOCH + 6_000_000_003n,
    }))
  test('control groups', () =>
    check([reverseShell], {
      'thread.cgroups': 'unified=/system.slice/x.service v1=/v1/x',
      'thread.cgroup[unified]': '/system.slice/x.service',
      'thread.cgroup[v1]': '/v1/x',
      'thread.nametid': 'dash200',
    }))
})

describe('times between events', () => {
  const at = (time: number): RecordInit => openat({ by: SHELL, path: '/x', time })
  test('since the first, since the one before', () => {
    const world = createWorld()
    world.feed(at(1_000_000_000), at(2_500_000_000), at(4_000_000_000))
    const names = [
      'evt.reltime',
      'evt.reltime.s',
      'evt.reltime.ns',
      'evt.deltatime',
      'evt.deltatime.s',
      'evt.deltatime.ns',
    ]
    assert.deepEqual(names.map(world.plain), [3_000_000_000n, 3n, 0n, 1_500_000_000n, 1n, 500_000_000n])
  })
  test('the first event', () => {
    const world = createWorld()
    world.feed(at(1_000_000_000))
    assert.deepEqual(['evt.reltime', 'evt.deltatime'].map(world.plain), [0n, 0n])
  })
})

describe('what an event counts as', () => {
  test('a write', () =>
    check([event('write', { by: SHELL }, { res: 12, fd: 3, path: '/tmp/x', i_mode: 0o100644 })], {
      'evt.is_io': true,
      'evt.is_io_write': true,
      'evt.is_io_read': false,
      'evt.io_dir': 'w',
      'evt.buflen': 12,
      'evt.buflen.out': 12,
      'evt.buflen.in': undefined,
      'evt.buflen.file.out': 12,
      'evt.buflen.net': undefined,
      'evt.count.error': undefined,
    }))
  test('a write that failed', () =>
    check([event('write', { by: SHELL }, { res: -28, fd: 3, path: '/tmp/x', i_mode: 0o100644 })], {
      'evt.buflen': undefined,
      'evt.count.error': 1,
      'evt.count.error.file': 1,
      'evt.count.error.net': undefined,
    }))
  test('a failed open is an error on files', () =>
    check([openat({ by: SHELL, path: '/none', fd: -2 })], {
      'evt.count.error.file': 1,
      'evt.io_dir': undefined,
      'evt.is_wait': false,
    }))
  test('its own type', () =>
    check([openat({ by: SHELL, path: '/x' })], { 'evt.type.is[openat]': 1, 'evt.type.is[open]': 0 }))
  test('an absolute path', () =>
    check([openat({ by: SHELL, path: '/x' })], {
      'evt.abspath': '/x',
      'evt.abspath[src]': undefined,
      'evt.is_async': false,
    }))
  test('descriptor names with their container', () =>
    check([openat({ by: SHELL, path: '/etc/x', fd: 5 })], {
      'fd.uid': `${SHELL.pid}5`,
      'fd.containername': 'host:/etc/x',
      'fd.containerdirectory': 'host:/etc',
    }))
})

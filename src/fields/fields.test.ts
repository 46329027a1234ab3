import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ERRNO, EXE_FLAGS, OPEN_FLAGS } from '../../schema/enums/index.ts'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { FieldValue, RecordInit } from '../decode/encode.ts'
import {
  type Actor,
  accept,
  address,
  connect,
  event,
  execve,
  exit,
  fork,
  INIT,
  openat,
  SHELL,
  snapshot,
  socketEvent,
} from '../testing/events.ts'
import { bindField, createWorld, EPOCH, type World } from '../testing/world.ts'
import { FieldArgumentError } from './field.ts'
import { KNOWN_EVENT_NAMES, SOURCES, SYSCALL_FIELDS } from './index.ts'

const CHILD: Actor = { pid: 200, start: 6_000_000_003, uid: 1000 }

/** systemd, bash below it, and what else is fed. */
const host = (...events: readonly RecordInit[]): World => {
  const world = createWorld()
  world.feed(
    snapshot({ by: INIT, path: '/usr/lib/systemd/systemd', parent: { pid: 0, start: 0 }, comm: 'systemd' }),
    snapshot({ by: SHELL, path: '/usr/bin/bash', argv: ['-bash'], parent: INIT }),
    ...events,
  )
  return world
}
/** Expected values of fields after the events. */
const check = (events: RecordInit | readonly RecordInit[], expected: Readonly<Record<string, unknown>>) => {
  const world = host(...(Array.isArray(events) ? events : [events as RecordInit]))
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, world.plain(name)]))
  assert.deepEqual(actual, expected)
}
const { O_CREAT = 0, O_TRUNC = 0, O_CLOEXEC = 0, O_TMPFILE = 0, O_DIRECTORY = 0 } = OPEN_FLAGS.names
const O_WRONLY = 1
const O_RDWR = 2

describe('the event', () => {
  test('type, source, place', () =>
    check(openat({ path: '/x', cpu: 3 }), {
      'evt.type': 'openat',
      'syscall.type': 'openat',
      'evt.source': 'syscall',
      'evt.cpu': 3,
      'evt.num': 3,
      'evt.dir': '<',
      'evt.count': 1,
      'evt.hostname': 'testhost',
      'evt.category': 'file',
    }))
  test('time', () =>
    check(openat({ path: '/x', time: 3_723_000_000_042n }), {
      'evt.rawtime': EPOCH + 3_723_000_000_042n,
      'evt.time': '01:02:03.000000042',
      'evt.time.s': '01:02:03',
      'evt.time.iso8601': '2026-01-01T01:02:03.000000042+0000',
      'evt.datetime': '2026-01-01 01:02:03.000000042',
    }))
  test('a success', () =>
    check(openat({ path: '/x', fd: 5 }), { 'evt.res': 'SUCCESS', 'evt.rawres': 5, 'evt.failed': false }))
  test('a failure', () =>
    check(openat({ path: '/x', fd: -2 }), { 'evt.res': 'ENOENT', 'evt.rawres': -2, 'evt.failed': true }))
  test('the end of a process is no call', () =>
    check(exit(), { 'evt.res': undefined, 'syscall.type': undefined, 'evt.failed': false }))
})

describe('opens', () => {
  const flagsOf = (init: Omit<Parameters<typeof openat>[0], 'path'>): unknown[] => {
    const world = host(openat({ path: '/x', ...init }))
    return ['read', 'write', 'create', 'exec'].filter((what) => world.plain(`evt.is_open_${what}`))
  }
  const cases: readonly [string, Omit<Parameters<typeof openat>[0], 'path'>, readonly string[]][] = [
    ['reading', {}, ['read']],
    ['writing', { flags: O_WRONLY | O_TRUNC }, ['write']],
    ['both', { flags: O_RDWR }, ['read', 'write']],
    ['creat', { name: 'creat', mode: 0o600 }, ['write']],
    ['an executable', { flags: O_CREAT | O_WRONLY, mode: 0o755 }, ['write', 'exec']],
    ['a mode without O_CREAT', { mode: 0o755 }, ['read']],
    ['a new file', { flags: O_CREAT | O_WRONLY, fields: { f_mode: 0x100000 } }, ['write', 'create']],
    ['O_CREAT on an old file', { flags: O_CREAT | O_WRONLY }, ['write']],
    ['a temporary file', { flags: O_TMPFILE | O_RDWR }, ['read', 'write', 'create']],
    ['a directory is no temporary file', { flags: O_DIRECTORY }, ['read']],
  ]
  for (const [what, init, expected] of cases) test(what, () => assert.deepEqual(flagsOf(init), expected))
  test('other events open nothing', () =>
    check(exit(), { 'evt.is_open_read': false, 'evt.is_open_write': false }))
})

describe('files', () => {
  test('of an open', () =>
    check(openat({ path: '/etc/shadow', fd: 3 }), {
      'fd.num': 3,
      'fd.name': '/etc/shadow',
      'fd.directory': '/etc',
      'fd.filename': 'shadow',
      'fd.typechar': 'f',
      'fd.type': 'file',
      'fd.realpath': '/etc/shadow',
      'fd.name_differs': false,
      'fd.ino': 4711,
      'fd.dev': 0x801,
      'fd.dev.major': 8,
      'fd.dev.minor': 1,
      'fs.path.name': '/etc/shadow',
    }))
  test('of a failed open', () =>
    check(openat({ path: '../etc/shadow', dir: '/tmp', fd: -13 }), {
      'fd.num': -1,
      'fd.name': '/etc/shadow',
      'fd.nameraw': '../etc/shadow',
      'fd.typechar': 'f',
      'fd.realpath': undefined,
      'fd.ino': undefined,
      'fs.path.name': '/etc/shadow',
    }))
  test('directory and base name of both spellings', () => {
    const world = host(openat({ path: 'link', dir: '/tmp', resolved: '/etc/shadow' }))
    assert.deepEqual(world.candidates('fd.directory'), ['/tmp', '/etc'])
    assert.deepEqual(world.candidates('fd.filename'), ['link', 'shadow'])
  })
  test('a file at the root lies in /', () => check(openat({ path: '/x' }), { 'fd.directory': '/' }))

  const kinds: readonly [string, number, string][] = [
    ['/etc', 0o40755, 'd'],
    ['/dev/null', 0o20666, 'f'],
    ['pipe:[12]', 0o10600, 'p'],
    ['anon_inode:[eventpoll]', 0, 'l'],
    ['anon_inode:[eventfd]', 0, 'e'],
    ['anon_inode:[signalfd]', 0, 's'],
    ['anon_inode:inotify', 0, 'i'],
    ['anon_inode:[timerfd]', 0, 't'],
    ['anon_inode:bpf-map', 0, 'b'],
    ['anon_inode:[io_uring]', 0, 'r'],
    ['anon_inode:[pidfd]', 0, 'P'],
    ['anon_inode:[userfaultfd]', 0, 'u'],
    ['memfd:x (deleted)', 0o100777, 'm'],
    ['socket:[7]', 0o140777, 'o'],
    ['/run/log', 0o100644, 'f'],
  ]
  for (const [path, i_mode, type] of kinds)
    test(`a write to ${path} is ${type}`, () =>
      check(event('write', {}, { res: 1, fd: 1, path, i_mode }), { 'fd.typechar': type, 'fd.name': path }))
  const makers: readonly [string, Record<string, FieldValue>, string, string | undefined][] = [
    ['memfd_create', { name: 'x' }, 'm', 'memfd:x'],
    ['pipe2', { pipefd: Uint8Array.of(7, 0, 0, 0, 8, 0, 0, 0) }, 'p', undefined],
    ['pipe', { pipefd: Uint8Array.of(7, 0, 0, 0, 8, 0, 0, 0) }, 'p', undefined],
    ['eventfd', {}, 'e', 'anon_inode:[eventfd]'],
    ['eventfd2', {}, 'e', 'anon_inode:[eventfd]'],
    ['signalfd4', {}, 's', 'anon_inode:[signalfd]'],
    ['timerfd_create', {}, 't', 'anon_inode:[timerfd]'],
    ['inotify_init1', {}, 'i', 'anon_inode:inotify'],
    ['epoll_create1', {}, 'l', 'anon_inode:[eventpoll]'],
    ['pidfd_open', {}, 'P', 'anon_inode:[pidfd]'],
    ['io_uring_setup', {}, 'r', 'anon_inode:[io_uring]'],
    ['userfaultfd', {}, 'u', 'anon_inode:[userfaultfd]'],
    ['bpf', { fd: 7 }, 'b', undefined],
  ]
  for (const [name, fields, type, called] of makers) {
    test(`what ${name} makes is ${type}`, () =>
      check(event(name, {}, { res: 7, ...fields }), {
        'fd.num': 7,
        'fd.typechar': type,
        'fd.name': called,
      }))
    test(`${name} that failed made nothing`, () =>
      check(event(name, {}, { ...fields, res: -1 }), {
        'fd.num': -1,
        'fd.typechar': undefined,
        'fd.type': undefined,
      }))
  }
  test('a userfaultfd has a word of its own', () =>
    check(event('userfaultfd', {}, { res: 3 }), { 'fd.type': 'userfaultfd' }))
  test('a bpf command without a descriptor is about none', () =>
    check(event('bpf', {}, { res: 0, fd: -1 }), { 'fd.num': undefined, 'fd.type': undefined }))
  test('an exec is about no descriptor', () =>
    check(execve(), { 'fd.num': undefined, 'fd.name': undefined, 'fd.typechar': undefined }))
})

describe('sockets', () => {
  const out = { local: '10.0.0.2 40312', remote: '93.184.216.34 443' }
  test('who connects is the client', () =>
    check(connect(out), {
      'fd.name': '10.0.0.2:40312->93.184.216.34:443',
      'fd.cip': '10.0.0.2',
      'fd.sip': '93.184.216.34',
      'fd.lip': '10.0.0.2',
      'fd.rip': '93.184.216.34',
      'fd.cport': 40312,
      'fd.sport': 443,
      'fd.lport': 40312,
      'fd.rport': 443,
      'fd.snet': '93.184.216.34',
      'fd.l4proto': 'tcp',
      'fd.sockfamily': 'ip',
      'fd.typechar': '4',
      'fd.type': 'ipv4',
      'fd.connected': true,
      'fd.name_changed': true,
      'fd.is_server': false,
      'fd.directory': undefined,
    }))
  test('who accepts is the server', () =>
    check(accept({ local: '10.0.0.2 22', remote: '10.9.9.9 50000', fd: 7 }), {
      'fd.name': '10.9.9.9:50000->10.0.0.2:22',
      'fd.num': 7,
      'fd.sip': '10.0.0.2',
      'fd.rip': '10.9.9.9',
      'fd.sport': 22,
      'fd.is_server': true,
      'fd.connected': true,
    }))
  test('either end', () => {
    const world = host(connect(out))
    assert.deepEqual(world.candidates('fd.ip'), ['10.0.0.2', '93.184.216.34'])
    assert.deepEqual(world.candidates('fd.port'), [40312, 443])
    assert.deepEqual(world.candidates('fd.proto'), [40312, 443])
  })
  test('a connect under way has its addresses', () =>
    check(connect({ ...out, res: -ERRNO['EINPROGRESS']! }), {
      'fd.name': '10.0.0.2:40312->93.184.216.34:443',
      'fd.connected': true,
      'evt.res': 'EINPROGRESS',
    }))
  test('a refused connect has only what was asked for', () =>
    check(connect({ ...out, res: -ERRNO['ECONNREFUSED']! }), {
      'fd.name': '',
      'fd.connected': false,
      'fd.name_changed': false,
      'fd.sip': undefined,
      'fd.typechar': '4',
      'evt.arg.addr': '93.184.216.34:443',
      'evt.arg.tuple': 'NULL',
    }))
  test('a bound port without address', () =>
    check(socketEvent('bind', { local: '0.0.0.0 8080', passed: '0.0.0.0 8080' }), {
      'fd.name': '0.0.0.0:8080',
      'fd.sport': 8080,
      'fd.cip': undefined,
      'fd.connected': false,
    }))
  test('a listening socket has no peer, though the kernel gives an empty one', () =>
    check(socketEvent('listen', { local: '0.0.0.0 80', remote: '0.0.0.0 0' }), {
      'fd.name': '0.0.0.0:80',
      'fd.rip': undefined,
      'fd.cport': undefined,
    }))
  test('a bind to any port', () =>
    check(socketEvent('bind', { local: '127.0.0.1 40000', passed: '127.0.0.1 0' }), {
      'fd.name': '127.0.0.1:40000',
      'evt.arg.addr': '127.0.0.1:0',
    }))
  test('IPv6', () =>
    check(connect({ local: 'fe80::1 5000', remote: '2001:db8::2 53', protocol: 17 }), {
      'fd.name': 'fe80::1:5000->2001:db8::2:53',
      'fd.typechar': '6',
      'fd.l4proto': 'udp',
    }))
  test('IPv4 through an IPv6 socket', () =>
    check(connect({ ...out, fields: { family: 10 } }), { 'fd.typechar': '4', 'fd.sip': '93.184.216.34' }))
  test('a unix socket', () =>
    check(connect({ unix: '/run/docker.sock' }), {
      'fd.name': '/run/docker.sock',
      'fd.typechar': 'u',
      'fd.sockfamily': 'unix',
      'fd.l4proto': undefined,
      'fd.ip': undefined,
      'evt.arg.addr': '/run/docker.sock',
    }))
  test('a unix socket that is not there', () =>
    check(connect({ unix: '/run/none', res: -2 }), { 'fd.name': '', 'evt.arg.addr': '/run/none' }))
})

describe('processes', () => {
  const sh = execve({
    by: CHILD,
    parent: SHELL,
    path: '/usr/bin/dash',
    argv: ['sh', '-c', 'id -u'],
    env: ['HOME=/root', 'LD_PRELOAD=/tmp/x.so'],
    time: 9_000_000_003,
    fields: {
      exe_flags: EXE_FLAGS.names['EXE_WRITABLE']! | EXE_FLAGS.names['EXE_UPPER_LAYER']!,
      exe_ino: 99,
      exe_ctime: EPOCH + 1_000_000_000n,
      cap_permitted: 2 ** 0 + 2 ** 21 + 2 ** 40,
      loginuid: 1000,
      tty: 34817,
      sid: SHELL.pid,
      vpgid: 200,
    },
  })
  test('names', () =>
    check(sh, {
      'proc.name': 'dash',
      'proc.pname': 'bash',
      'proc.exe': 'sh',
      'proc.pexe': '-bash',
      'proc.exepath': '/usr/bin/dash',
      'proc.pexepath': '/usr/bin/bash',
      'proc.cmdline': 'dash -c id -u',
      'proc.pcmdline': 'bash',
      'proc.exeline': 'sh -c id -u',
      'proc.args': '-c id -u',
      'proc.args[1]': 'id -u',
      'proc.args[2]': undefined,
      'proc.nargs': 2,
    }))
  test('no arguments are an empty string, not an absent one', () =>
    check(execve({ argv: ['true'] }), { 'proc.args': '', 'proc.cmdline': 'true' }))
  test('environment', () =>
    check(sh, {
      'proc.env[LD_PRELOAD]': '/tmp/x.so',
      'proc.env[NONE]': undefined,
      'proc.env[LD_PRE]': undefined,
      'proc.env': 'HOME=/root LD_PRELOAD=/tmp/x.so',
    }))
  test('ids', () =>
    check(sh, {
      'proc.pid': 200,
      'proc.ppid': 100,
      'proc.vpid': 200,
      'proc.pvpid': 100,
      'proc.sid': 100,
      'proc.sname': 'bash',
      'proc.is_sid_leader': false,
      'proc.is_vpgid_leader': true,
      'proc.tty': 34817,
      'proc.loginshellid': 100,
      'thread.tid': 200,
      'thread.ismain': true,
    }))
  test('ancestors by distance', () =>
    check(sh, {
      'proc.aname[0]': 'dash',
      'proc.aname[1]': 'bash',
      'proc.aname[2]': 'systemd',
      'proc.aname[3]': undefined,
      'proc.apid[2]': 1,
      'proc.aexe[1]': '-bash',
      'proc.aexepath[2]': '/usr/lib/systemd/systemd',
      'proc.acmdline[1]': 'bash',
    }))
  test('any ancestor, the process itself excluded', () => {
    const world = host(sh)
    assert.deepEqual(world.candidates('proc.aname'), ['bash', 'systemd'])
    assert.equal(bindField('proc.aname').negative, 'any')
    assert.equal(bindField('proc.aname[1]').candidates, undefined)
  })
  test('image', () =>
    check(sh, {
      'proc.is_exe_writable': true,
      'proc.is_exe_upper_layer': true,
      'proc.is_exe_from_memfd': false,
      'proc.exe_ino': 99,
      'proc.exe_ino.ctime': EPOCH + 1_000_000_000n,
      'proc.exe_ino.mtime': undefined,
      'proc.exe_ino.ctime_duration_proc_start': 5_000_000_003n,
      'proc.duration': 3_000_000_000n,
      'proc.ppid.duration': 3_999_999_996n,
    }))
  test('capabilities above bit 31 too', () =>
    check(sh, {
      'thread.cap_permitted': 'CAP_CHOWN CAP_SYS_ADMIN CAP_CHECKPOINT_RESTORE',
      'thread.cap_effective': '',
    }))
  test('users', () =>
    check(sh, {
      'user.uid': 1000,
      'user.name': 'alice',
      'user.homedir': '/home/alice',
      'user.shell': '/bin/zsh',
      'user.loginuid': 1000,
      'user.loginname': 'alice',
      'group.name': 'alice',
    }))
  test('users of a container are not those of the host', () => {
    const cgroup = `/docker/${'ab'.repeat(32)}`
    check(execve({ cgroup }), {
      'user.name': undefined,
      'user.homedir': undefined,
      'container.id': 'abababababab',
    })
    check(execve({ cgroup, by: { ...SHELL, uid: 0 } }), { 'user.name': 'root' })
  })
  test('nothing is known of an unknown process but what the event says', () =>
    check(openat({ path: '/x', by: { pid: 999, start: 1, uid: 1000 } }), {
      'proc.name': undefined,
      'proc.pid': 999,
      'user.uid': 1000,
      'user.name': 'alice',
      'container.id': undefined,
      'proc.aname': undefined,
    }))
})

describe('names of files', () => {
  const paths = { path_flags: 0, res: 0 }
  const rename = event('renameat2', {}, { ...paths, oldpath: 'a', olddir: '/tmp', newpath: '/etc//b' })
  test('a rename', () =>
    check(rename, {
      'fs.path.source': '/tmp/a',
      'fs.path.sourceraw': 'a',
      'fs.path.target': '/etc/b',
      'fs.path.targetraw': '/etc//b',
      'fs.path.name': undefined,
      'fd.name': undefined,
    }))
  test('a hard link points from the new name to the old one', () =>
    check(event('link', {}, { ...paths, oldpath: '/etc/shadow', newpath: '/tmp/x' }), {
      'fs.path.source': '/tmp/x',
      'fs.path.target': '/etc/shadow',
    }))
  test('a symbolic link is relative to where it is', () =>
    check(event('symlinkat', {}, { ...paths, target: '../etc', linkpath: 'x', dir: '/tmp' }), {
      'fs.path.source': '/tmp/x',
      'fs.path.target': '/etc',
      'fs.path.targetraw': '../etc',
    }))
  test('a failed call touched nothing', () =>
    check(event('unlink', {}, { res: -13, name: '/etc/passwd' }), { 'fs.path.name': undefined }))
  test('calls that are the only ones of their family', () => {
    const mkdir = event('mkdir', {}, { ...paths, pathname: 'd', pathname_dir: '/tmp' })
    check(mkdir, { 'fs.path.name': '/tmp/d', 'fs.path.nameraw': 'd', 'evt.abspath': '/tmp/d' })
    check(event('umount2', {}, { ...paths, target: '/mnt/' }), { 'fs.path.name': '/mnt' })
    check(event('mount', {}, { ...paths, source: 'proc', target: '/a//b' }), {
      'fs.path.source': undefined,
      'fs.path.sourceraw': 'proc',
      'fs.path.target': '/a/b',
    })
  })
  test('fchmod knows the file by descriptor', () =>
    check(event('fchmod', {}, { res: 0, fd: 3, path: '/tmp/f', mode: 0o4755, i_mode: undefined }), {
      'fs.path.name': '/tmp/f',
      'fd.name': '/tmp/f',
      'fd.num': 3,
      'evt.arg.mode': 'S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID',
    }))
})

describe('arguments', () => {
  const args = (init: RecordInit): unknown => host(init).plain('evt.args')
  test('of an open', () =>
    assert.equal(
      args(
        openat({
          path: 'a',
          dir: '/tmp/x',
          resolved: '/tmp/x/a',
          flags: O_CREAT | O_WRONLY | O_CLOEXEC,
          mode: 0o666,
        }),
      ),
      'fd=3(<f>/tmp/x/a) dirfd=-100(AT_FDCWD) name=a(/tmp/x/a) flags=4102(O_CREAT|O_WRONLY|O_CLOEXEC) mode=0666 dev=801 ino=4711',
    ))
  test('of a failed open', () =>
    assert.equal(
      args(openat({ name: 'open', path: '/none', fd: -2 })),
      'fd=-2(ENOENT) name=/none flags=1(O_RDONLY) mode=0 dev=0 ino=0',
    ))
  test('of a connect', () =>
    assert.equal(
      args(connect({ local: '10.0.0.2 4000', remote: '1.2.3.4 443' })),
      'res=0 tuple=10.0.0.2:4000->1.2.3.4:443 fd=4(<4t>10.0.0.2:4000->1.2.3.4:443) addr=1.2.3.4:443',
    ))
  test('of an unlink', () =>
    assert.equal(
      args(event('unlink', {}, { res: -2, name: 'a', dir: '/tmp' })),
      'res=-2(ENOENT) path=a(/tmp/a)',
    ))
  test('argument vectors show a dot for each NUL', () => {
    const world = host(execve({ argv: ['sh', '-c', 'id'] }))
    assert.equal(world.plain('evt.arg.args'), '-c.id.')
    assert.equal(world.plain('evt.arg.exe'), 'sh')
    assert.match(String(world.plain('evt.args')), /^res=0 exe=sh args=-c\.id\. tid=100 pid=100 /)
  })
  test('by name, by position, plain', () =>
    check(openat({ path: 'a', dir: '/t', resolved: '/t/a', flags: O_RDWR, fd: 4 }), {
      'evt.arg.name': '/t/a',
      'evt.rawarg.name': 'a',
      'evt.arg.flags': 'O_RDWR',
      'evt.rawarg.flags': '3',
      'evt.arg[0]': '<f>/t/a',
      'evt.arg.path': undefined,
      'evt.arg.request': undefined,
    }))
  test('a fork says who the child is', () =>
    check(fork({ child: CHILD }), { 'evt.arg.res': '200', 'evt.arg.child_pid': '200' }))

  const wrong = [
    'evt.arg.flagz',
    'evt.arg[]',
    'proc.aname[x]',
    'proc.aname[65]',
    'proc.args[-1]',
    'proc.env[]',
  ]
  for (const field of wrong)
    test(`${field} makes no sense`, () => assert.throws(() => bindField(field), FieldArgumentError))
})

/** An argument that each field with one accepts. */
const argumentOf = (name: string): string =>
  name.startsWith('container.mount') ? '0' : name === 'thread.cgroup' ? 'unified' : 'res'

describe('the set', () => {
  test('every field has a doc, and every value of every event has the type it says', () => {
    const world = host()
    const types = new Set<string>()
    for (const type of PUBLIC_EVENT_TYPES) {
      world.feed(event(type.name, {}, { child_pid: undefined }))
      for (const def of SYSCALL_FIELDS.values()) {
        assert.match(def.doc, /\.$/, def.name)
        const arg = def.arg?.required ? argumentOf(def.name) : undefined
        const value = def.bind(arg).get(world.feed(event(type.name, {}, {})))
        if (value === undefined) continue
        types.add(def.type)
        const expected = { bool: 'boolean', time: 'bigint', duration: 'bigint' }[def.type as string]
        const text = ['string', 'path', 'ip', 'net'].includes(def.type)
        assert.equal(typeof value, expected ?? (text ? 'object' : 'number'), `${def.name} of ${type.name}`)
      }
    }
    assert.ok(types.size >= 7)
  })
  test('names are unique and sources know their events', () => {
    assert.ok(SYSCALL_FIELDS.size > 120)
    assert.ok(SOURCES.get('syscall')?.events.has('openat'))
    assert.ok(!SOURCES.get('syscall')?.events.has('process_snapshot'))
    for (const name of ['ptrace', 'sendto', 'procexit', 'container'])
      assert.ok(KNOWN_EVENT_NAMES.has(name), name)
    assert.ok(!KNOWN_EVENT_NAMES.has('ptrcae'))
  })
  test('addresses of the test vocabulary are addresses', () =>
    assert.throws(() => address('nowhere'), RangeError))
})

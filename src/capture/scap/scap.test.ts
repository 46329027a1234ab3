/** Events of scap captures, of all versions. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addressOf, pairOf, SCAP_START, scapBlock, scapEvent, text } from '../../testing/scap.ts'
import { AT_FDCWD, FRONT, openat, rows } from '../../testing/scap-shell.ts'
import { Packer } from './encode.ts'

/** One row of fields for an event of its own. */
function says(what: string, blocks: readonly Buffer[], wanted: Readonly<Record<string, string>>): void {
  test(what, async () => {
    const fields = Object.keys(wanted)
    const { rows: found, fault } = await rows(Buffer.concat([FRONT, ...blocks]), fields)
    assert.equal(fault, undefined)
    assert.deepEqual(found.at(-1), Object.values(wanted))
  })
}

suite('events of scap captures', () => {
  says('an open', [openat(0, '../x')], {
    'evt.type': 'openat',
    'evt.rawtime': String(SCAP_START),
    'proc.name': 'bash',
    'proc.pname': 'init',
    'proc.cmdline': 'bash -l',
    'fd.name': '/home/x',
    'fd.num': '3',
    'fd.ino': '7',
    'fd.dev.major': '8',
    'fd.dev.minor': '1',
    'user.name': 'alice',
    'evt.is_open_read': 'true',
  })
  says('an open that made the file', [openat(0, '/tmp/new', 3, 2 | 4 | (1 << 14))], {
    'evt.is_open_write': 'true',
    'evt.is_open_create': 'true',
  })
  says(
    'a name below a directory that was opened',
    [
      openat(0, '/var', 3, 1 | (1 << 10)),
      scapBlock('openat', { tid: 100, at: 1 }, { fd: 4, dirfd: 3, name: 'log', flags: 1, mode: 0 }),
    ],
    { 'fd.name': '/var/log' },
  )
  says(
    'a directory of a name is forgotten when it is closed',
    [
      openat(0, '/var', 3, 1 | (1 << 10)),
      scapBlock('close', { tid: 100, at: 1 }, { res: 0, fd: 3 }),
      scapBlock('openat', { tid: 100, at: 2 }, { fd: 3, dirfd: 3, name: 'log', flags: 1, mode: 0 }),
    ],
    { 'fd.name': '<NA>' },
  )
  says(
    'what was opened before a range of descriptors was closed',
    [
      openat(0, '/a', 9),
      scapBlock('close_range', { tid: 100, at: 1 }, { res: 0, first: 3, last: 0xffffffff, flags: 0 }),
      scapBlock('write', { tid: 100, at: 2 }, { res: 1, fd: 9, size: 1 }),
    ],
    { 'fd.name': '<NA>', 'fd.num': '9' },
  )
  const misnumbered = scapBlock(
    'close_range',
    { tid: 100, at: 1 },
    { res: 0, first: 3, last: 0xffffffff, flags: 0 },
  )
  misnumbered.writeUInt16LE(scapEvent('keyctl').number, 30)
  says('a range that was closed, under the number of keyctl', [openat(0, '/a', 9), misnumbered], {
    'evt.type': 'close_range',
  })
  says(
    'a write to a copy of a descriptor',
    [
      openat(0, '/tmp/log'),
      scapBlock('fcntl', { tid: 100, at: 1 }, { res: 10, fd: 3, cmd: 1 }),
      scapBlock('write', { tid: 100, at: 2 }, { res: 1, fd: 10, size: 1 }),
    ],
    { 'fd.name': '/tmp/log', 'evt.rawres': '1' },
  )
  says(
    'a write into a pipe',
    [
      scapBlock('pipe2', { tid: 100, at: 0 }, { res: 0, fd1: 3, fd2: 4, ino: 77 }),
      scapBlock('write', { tid: 100, at: 1 }, { res: 1, fd: 4, size: 1 }),
    ],
    { 'fd.name': 'pipe:[77]', 'fd.typechar': 'p' },
  )
  says(
    'chdir moves names that follow',
    [scapBlock('chdir', { tid: 100, at: 0 }, { res: 0, path: '/srv' }), openat(1, 'x')],
    { 'fd.name': '/srv/x', 'proc.cwd': '/srv/' },
  )
  says(
    'a connection',
    [
      scapBlock('socket', { tid: 100, at: 0 }, { fd: 3, domain: 2, type: 1, proto: 0 }),
      scapBlock(
        'connect',
        { tid: 100, at: 1 },
        {
          ...{
            res: 0,
            fd: 3,
            addr: addressOf('1.2.3.4:443'),
            tuple: pairOf('10.0.0.2:40000', '1.2.3.4:443'),
          },
        },
      ),
    ],
    {
      'fd.name': '10.0.0.2:40000->1.2.3.4:443',
      'fd.sip': '1.2.3.4',
      'fd.lport': '40000',
      'fd.l4proto': 'tcp',
      'fd.connected': 'true',
      'evt.arg.addr': '1.2.3.4:443',
    },
  )
  says(
    'a connection that was refused',
    [
      scapBlock('socket', { tid: 100, at: 0 }, { fd: 3, domain: 2, type: 1, proto: 0 }),
      scapBlock('connect', { tid: 100, at: 1 }, { res: -111, fd: 3, addr: addressOf('1.2.3.4:443') }),
    ],
    { 'evt.res': 'ECONNREFUSED', 'fd.name': '', 'evt.arg.addr': '1.2.3.4:443', 'fd.l4proto': 'tcp' },
  )
  says(
    'an answer on an accepted connection',
    [
      scapBlock(
        'accept4',
        { tid: 100, at: 0 },
        { fd: 5, tuple: pairOf('10.0.0.9:5000', '10.0.0.2:80'), flags: 0 },
      ),
      scapBlock('sendto', { tid: 100, at: 1 }, { res: 2, fd: 5, size: 2, data: Buffer.from('ok') }),
    ],
    { 'fd.name': '10.0.0.9:5000->10.0.0.2:80', 'fd.is_server': 'true', 'fd.l4proto': 'tcp' },
  )
  says(
    'a socket of another family of addresses',
    [
      scapBlock(
        'connect',
        { tid: 100, at: 1 },
        {
          ...{
            res: 0,
            fd: 3,
            tuple: new Packer().u8(1).u64(1).u64(2).raw(Buffer.from('/run/x.sock\0')).done(),
          },
        },
      ),
    ],
    { 'fd.name': '/run/x.sock', 'fd.type': 'unix' },
  )
  says('ptrace', [scapBlock('ptrace', { tid: 100, at: 0 }, { res: 0, request: 11, pid: 5 })], {
    'evt.arg.request': 'PTRACE_ATTACH',
    'evt.arg.pid': '5',
  })
  says(
    'a call without an event of its own',
    [scapBlock('syscall', { tid: 100, at: 0 }, { ID: 141, nativeID: 188 })],
    {
      'evt.type': 'setxattr',
    },
  )
  says(
    'another user',
    [scapBlock('setresuid', { tid: 100, at: 0 }, { res: 0, ruid: 0, euid: 0, suid: 0 }), openat(1, '/x')],
    { 'user.uid': '0' },
  )
  says(
    'a thread of a process',
    [
      scapBlock('clone', { tid: 100, at: 0 }, { res: 101, flags: 1 << 13, vtid: 100 }),
      scapBlock('openat', { tid: 101, at: 1 }, { fd: 3, dirfd: AT_FDCWD, name: 'x', flags: 1 }),
    ],
    { 'proc.pid': '100', 'thread.tid': '101', 'fd.name': '/home/alice/x' },
  )
  says(
    'a thread nobody told of',
    [scapBlock('openat', { tid: 900, at: 1 }, { fd: 3, dirfd: AT_FDCWD, name: '/x' })],
    {
      'proc.pid': '900',
      'proc.name': '<NA>',
      'fd.name': '/x',
    },
  )
  const child = {
    exe: 'sh',
    args: text('-c', 'id'),
    tid: 200,
    pid: 200,
    ptid: 100,
    comm: 'sh',
    vtid: 1,
    vpid: 1,
  }
  says(
    'a child in a container',
    [
      scapBlock('clone', { tid: 100, at: 0 }, { res: 200, vtid: 100, flags: 1 << 6 }),
      scapBlock(
        'clone',
        { tid: 200, at: 5 },
        { res: 0, ...child, cgroups: text(`cpu=/docker/${'a'.repeat(64)}`) },
      ),
    ],
    {
      'proc.name': 'sh',
      'proc.vpid': '1',
      'proc.pname': 'bash',
      'container.id': 'a'.repeat(12),
      'proc.args': '-c id',
    },
  )
  says(
    'a child that is seen before its parent knows of it',
    [
      scapBlock('clone', { tid: 200, at: 0 }, { res: 0, ...child, flags: 0 }),
      scapBlock('clone', { tid: 100, at: 5 }, { res: 200, vtid: 100, flags: 0 }),
      scapBlock('openat', { tid: 200, at: 9 }, { fd: 3, dirfd: AT_FDCWD, name: 'x', flags: 1 }),
    ],
    { 'proc.name': 'sh', 'proc.duration': '9', 'fd.name': '/home/alice/x' },
  )
  says(
    'an exec',
    [
      scapBlock(
        'execve',
        { tid: 100, at: 0 },
        {
          ...{
            res: 0,
            exe: 'python3',
            args: text('a.py'),
            tid: 100,
            pid: 100,
            ptid: 1,
            comm: 'python3',
            cwd: '/srv',
          },
          ...{
            trusted_exepath: '/usr/bin/python3.13',
            env: text('A=1'),
            flags: 3,
            loginuid: 5,
            uid: 1000,
            gid: 1000,
          },
          ...{
            cap_permitted: 1n << 40n,
            exe_ino: 99,
            exe_ino_mtime: 1_767_225_600_000_000_001n,
            filename: '/usr/bin/python3',
          },
        },
      ),
    ],
    {
      'proc.exepath': '/usr/bin/python3.13',
      'proc.cmdline': 'python3 a.py',
      'proc.env[A]': '1',
      'proc.is_exe_upper_layer': 'true',
      'proc.is_exe_writable': 'true',
      'thread.cap_permitted': 'CAP_CHECKPOINT_RESTORE',
      'proc.exe_ino': '99',
      'proc.exe_ino.mtime': '1767225600000000001',
      'user.loginuid': '5',
      'proc.cwd': '/srv/',
    },
  )
  says(
    'the end of a process',
    [scapBlock('procexit', { tid: 100, at: 0, phase: 'other' }, { status: 256 })],
    {
      'evt.type': 'procexit',
      'evt.arg.ret': '1',
      'proc.name': 'bash',
    },
  )
  says(
    'what was told by the beginning of its id',
    [
      scapBlock(
        'clone',
        { tid: 200, at: 5 },
        { res: 0, ...child, cgroups: text(`cpu=/docker/${'a'.repeat(64)}`) },
      ),
      scapBlock(
        'container',
        { tid: 0, at: 6, phase: 'other' },
        { json: JSON.stringify({ container: { id: 'a'.repeat(12), type: 0, name: 'old' } }) },
      ),
      scapBlock('openat', { tid: 200, at: 9 }, { fd: 3, dirfd: AT_FDCWD, name: '/x', flags: 1 }),
    ],
    { 'container.name': 'old' },
  )
  says(
    'what an asynchronous event told of a container',
    [
      scapBlock(
        'asyncevent',
        { tid: 0, at: 0, phase: 'other' },
        {
          plugin_id: 3,
          name: 'container',
          data: Buffer.from(JSON.stringify({ container: { full_id: 'a'.repeat(64), type: 7, name: 'new' } })),
        },
      ),
      scapBlock(
        'clone',
        { tid: 200, at: 5 },
        { res: 0, ...child, cgroups: text(`cpu=/docker/${'a'.repeat(64)}`) },
      ),
    ],
    { 'container.name': 'new' },
  )
  says(
    'what a runtime told of a container',
    [
      scapBlock(
        'container',
        { tid: 0, at: 0, phase: 'other' },
        {
          json: JSON.stringify({
            container: {
              full_id: 'a'.repeat(64),
              type: 0,
              name: 'web',
              image: 'nginx:1',
              imagerepo: 'nginx',
            },
          }),
        },
      ),
      scapBlock(
        'clone',
        { tid: 200, at: 5 },
        { res: 0, ...child, cgroups: text(`cpu=/docker/${'a'.repeat(64)}`) },
      ),
    ],
    { 'container.name': 'web', 'container.image.repository': 'nginx' },
  )
})

suite('older events', () => {
  const old = (name: string, exit: number, enter: object, values: object, count: number): Buffer =>
    Buffer.concat([
      scapBlock(name, { tid: 100, at: 0, phase: 'enter', number: exit - 1 }, enter as never),
      scapBlock(name, { tid: 100, at: 1, number: exit, count }, values as never),
    ])
  says(
    'openat whose names are in its beginning',
    [old('openat', 103, { dirfd: AT_FDCWD, name: 'a', flags: 1, mode: 0 }, { fd: 4 }, 1)],
    { 'fd.name': '/home/alice/a', 'fd.num': '4', 'evt.rawtime': String(SCAP_START + 1n) },
  )
  says('unlink', [old('unlink', 109, { path: '/a' }, { res: 0 }, 1)], { 'evt.arg.path': '/a' })
  says('write', [openat(0, '/l'), old('write', 9, { fd: 3, size: 5 }, { res: 5 }, 2)], { 'fd.name': '/l' })
  says('dup', [openat(0, '/l'), old('dup', 125, { fd: 3 }, { res: 8 }, 1)], {
    'fd.name': '/l',
    'fd.num': '8',
  })
  says(
    'execve of eight values',
    [
      old(
        'execve',
        13,
        {},
        { res: 0, exe: '/bin/ls', args: text('-a'), tid: 100, pid: 100, ptid: 1, cwd: '/' },
        8,
      ),
    ],
    { 'proc.name': 'ls', 'proc.exepath': '/bin/ls', 'proc.cmdline': 'ls -a', 'proc.cwd': '/' },
  )
  says(
    'a beginning of another call is none of this one',
    [
      scapBlock('close', { tid: 100, at: 0, phase: 'enter' }, { fd: 7 }),
      scapBlock('openat', { tid: 100, at: 1, number: 103, count: 1 }, { fd: 4 }),
    ],
    { 'evt.type': 'openat', 'fd.name': '<NA>' },
  )
})

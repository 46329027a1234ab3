/** Scap captures of all versions, whole and damaged. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { playCapture, rowsOf } from '../../testing/capture-play.ts'
import { inFolder } from '../../testing/captures.ts'
import { addressOf, pairOf, SCAP_START, scapBlock, scapEvent, scapFront, text } from '../../testing/scap.ts'
import { bindField } from '../../testing/world.ts'
import { CaptureError } from '../source.ts'
import { summariseCapture } from '../summary.ts'
import { block, eventBlock, Packer, type ProcessInit, processEntry, sectionBlock } from './encode.ts'

const SHELL: ProcessInit = {
  ...{
    tid: 100,
    pid: 100,
    ptid: 1,
    comm: 'bash',
    exe: '-bash',
    exePath: '/usr/bin/bash',
    cwd: '/home/alice',
  },
  ...{ args: ['-l'], uid: 1000, gid: 1000, vpid: 100 },
}
const INIT: ProcessInit = {
  ...{ tid: 1, pid: 1, ptid: 0, comm: 'init', exe: 'init', exePath: '/sbin/init', cwd: '/' },
}
const FRONT = scapFront({ processes: [INIT, SHELL], users: [{ uid: 1000, gid: 1000, name: 'alice' }] })
const AT_FDCWD = -100

const openat = (at: number, name: string, fd = 3, flags = 1): Buffer =>
  scapBlock('openat', { tid: 100, at }, { fd, dirfd: AT_FDCWD, name, flags, mode: 0, dev: 0x801, ino: 7 })

const FIELDS = ['evt.type', 'proc.name', 'fd.name'] as const

/** Rows of a capture of these blocks. */
const rows = (bytes: Buffer, fields: readonly string[] = FIELDS) =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    writeFileSync(file, bytes)
    return await rowsOf(file, fields)
  })

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

/** An event block in an older shape. */
function reshaped(bytes: Buffer, type: number, flags: boolean, counted: boolean): Buffer {
  const length = bytes.readUInt32LE(26)
  const event = Buffer.from(bytes.subarray(10, 10 + length))
  const cpu = bytes.subarray(8, 10)
  const shorter = counted ? event : Buffer.concat([event.subarray(0, 22), event.subarray(26)])
  shorter.writeUInt32LE(shorter.length, 16)
  return block(type, cpu, ...(flags ? [Buffer.alloc(4)] : []), shorter)
}

suite('blocks', () => {
  const one = openat(0, '/etc/passwd')
  const wanted = [['openat', 'bash', '/etc/passwd']]
  const KINDS: readonly (readonly [string, Buffer])[] = [
    ['event 2', one],
    ['event', reshaped(one, 0x204, false, false)],
    ['event of files before the first release', reshaped(one, 0x8010abcd, false, false)],
    ['event with flags', reshaped(one, 0x208, true, false)],
    ['event 2 with flags', reshaped(one, 0x217, true, true)],
    ['a kind that is not known, in front', Buffer.concat([block(0x777, Buffer.alloc(33)), one])],
  ]
  for (const [what, bytes] of KINDS)
    test(what, async () => assert.deepEqual((await rows(Buffer.concat([FRONT, bytes]))).rows, wanted))

  test('a value longer than 16 bits can say', async () => {
    const { params, number } = scapEvent('sendto')
    const values = params.map(({ name }) => (name === 'data' ? Buffer.alloc(100_000) : 3))
    const large = eventBlock({ number, time: SCAP_START, tid: 100, cpu: 1, params: values.slice(0, 4) })
    assert.equal(large.readUInt32LE(0), 0x221)
    const { rows: found } = await rows(Buffer.concat([FRONT, large]), ['evt.type', 'evt.rawres', 'evt.cpu'])
    assert.deepEqual(found, [['sendto', '3', '1']])
  })
  test('unknown blocks and events are counted', async () => {
    const none = eventBlock({ number: 0, time: 0n, tid: 1, cpu: 0, params: [] })
    none.writeUInt16LE(9999, 30)
    const { notes } = await rows(
      Buffer.concat([FRONT, block(0x777), none, scapBlock('switch', { tid: 1, at: 0, phase: 'other' }, {})]),
    )
    assert.deepEqual(notes, [
      '1 blocks of kinds that are not known here were left out',
      '1 events were left out that are none here, such as switches of the processor',
      '1 events of numbers that are not known here were left out',
    ])
  })
  for (const [what, pack] of [
    ['packed', (bytes: Buffer) => gzipSync(bytes)],
    [
      'packed in several pieces',
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 99)), gzipSync(bytes.subarray(99))]),
    ],
  ] as const)
    test(what, async () => assert.deepEqual((await rows(pack(Buffer.concat([FRONT, one])))).rows, wanted))
  test('two sections: the second begins anew', async () => {
    const second = scapFront({ processes: [{ ...SHELL, comm: 'zsh' }] })
    const { rows: found } = await rows(Buffer.concat([FRONT, one, second, openat(9, '/x')]))
    assert.deepEqual(found, [...wanted, ['openat', 'zsh', '/x']])
  })
})

/** Entries of older lists: what was added later is not there. */
function oldList(version: number): Buffer {
  const list = new Packer().u64(100).u64(100).u64(1)
  if (version >= 6) list.u64(50)
  if (version >= 8) list.u64(51)
  list.text('bash').text('-bash')
  if (version >= 7) list.text('/usr/bin/bash')
  list.text('-l\0').text('/srv/').u64(1024).u32(0).u32(1000).u32(1000)
  if (version >= 2) list.u32(1).u32(2).u32(3).u64(4).u64(5)
  if (version >= 3) list.text('A=1\0')
  if (version >= 4) list.u64(7).u64(8).text('cpu=/x\0')
  if (version >= 5) list.text('/')
  return list.done()
}

suite('lists of processes', () => {
  const TYPES = [0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214]
  const fields = ['proc.cmdline', 'fd.name', 'user.uid', 'proc.vpid', 'proc.sid', 'proc.exepath']
  for (const [i, type] of TYPES.entries())
    test(`version ${i + 1}`, async () => {
      const bytes = Buffer.concat([sectionBlock(), block(type, oldList(i + 1)), openat(0, 'x')])
      const vpid = i >= 3 ? '8' : '100'
      const sid = i >= 5 ? '50' : '0'
      const path = i >= 6 ? '/usr/bin/bash' : ''
      assert.deepEqual((await rows(bytes, fields)).rows, [['bash -l', '/srv/x', '1000', vpid, sid, path]])
    })
  test('version 9 with more than is known here, and with less', async () => {
    const entry = processEntry(SHELL)
    const longer = Buffer.concat([entry, Buffer.alloc(20)])
    longer.writeUInt32LE(longer.length, 0)
    const shorter = Buffer.from(entry.subarray(0, entry.length - 20))
    shorter.writeUInt32LE(shorter.length, 0)
    for (const list of [longer, shorter]) {
      const bytes = Buffer.concat([sectionBlock(), block(0x215, list, processEntry(INIT)), openat(0, 'x')])
      assert.deepEqual((await rows(bytes, ['proc.cmdline', 'proc.pname'])).rows, [['bash -l', 'init']])
    }
  })
})

suite('damaged captures', () => {
  const good = Buffer.concat([FRONT, openat(0, '/a'), openat(1, '/b')])
  const last = openat(1, '/b').length

  test('one that ends within an event keeps what was before', async () => {
    const { rows: found, fault } = await rows(good.subarray(0, good.length - 5))
    assert.deepEqual(found, [['openat', 'bash', '/a']])
    assert.ok(fault instanceof CaptureError)
    assert.equal(fault.offset, good.length - last)
    assert.match(fault.message, /ends within a block \(\d+ bytes left out\)/)
  })
  test('the same packed', async () => {
    const packed = gzipSync(good)
    const { fault } = await rows(packed.subarray(0, packed.length - 12))
    assert.ok(fault instanceof CaptureError)
    assert.match(fault.message, /packed bytes make no sense/)
  })
  test('a block that ends with another length than it begins with', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt32LE(1, bad.length - 4)
    const { rows: found, fault } = await rows(bad)
    assert.equal(found.length, 1)
    assert.ok(fault instanceof CaptureError)
    assert.equal(fault.offset, good.length - last)
    assert.match(fault.message, /begins with a length of \d+ bytes and ends with one of 1/)
  })
  for (const length of [0, 4, 0xffffffff])
    test(`a block of ${length} bytes`, async () => {
      const bad = Buffer.from(good)
      bad.writeUInt32LE(length, bad.length - last + 4)
      const { rows: found, fault } = await rows(bad)
      assert.equal(found.length, 1)
      assert.ok(fault instanceof CaptureError)
      assert.match(fault.message, new RegExp(`says it has ${length} bytes`))
    })
  test('values that do not fit their event are left out', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt16LE(0xffff, bad.length - last + 36)
    const { rows: found, fault, notes } = await rows(bad)
    assert.equal(fault, undefined)
    assert.equal(found.length, 1)
    assert.deepEqual(notes, ['1 events whose values make no sense were left out'])
  })
  test('a big-endian capture', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt32BE(0x1a2b3c4d, 8)
    await assert.rejects(rows(bad), /big-endian/)
  })
  test('a later version of the format', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt16LE(2, 12)
    await assert.rejects(rows(bad), /version 2; this program reads 1/)
  })
})

test('a summary', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    writeFileSync(
      file,
      Buffer.concat([FRONT, openat(5, '/a'), openat(9, '/b'), scapBlock('close', { tid: 1, at: 12 }, {})]),
    )
    const { format, facts, first, last, events, total, ending } = await summariseCapture(file)
    assert.deepEqual(
      { format, host: facts.hostname, cpus: facts.cpus, first, last, total, ending, events: [...events] },
      {
        ...{ format: 'scap', host: 'box', cpus: 2, first: SCAP_START + 5n, last: SCAP_START + 12n, total: 3 },
        ...{
          ending: 'closed',
          events: [
            ['openat', 2],
            ['close', 1],
          ],
        },
      },
    )
  }))

test('events that nobody wants are counted, and change what they change', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    const clone = { res: 200, vtid: 100, flags: 0 }
    const child = {
      exe: '-bash',
      args: text('-l'),
      tid: 200,
      pid: 200,
      ptid: 100,
      comm: 'bash',
      vtid: 200,
      vpid: 200,
    }
    const blocks = [
      scapBlock('openat', { tid: 100, at: 0 }, { fd: 3, dirfd: AT_FDCWD, name: '/var', flags: 1 }),
      scapBlock('clone', { tid: 100, at: 1 }, clone),
      scapBlock('clone', { tid: 200, at: 2 }, { res: 0, ...child, uid: 1000, gid: 1000 }),
      scapBlock('chdir', { tid: 200, at: 3 }, { res: 0, path: '/var/log/' }),
      scapBlock('unlinkat', { tid: 200, at: 4 }, { res: 0, dirfd: 3, name: 'x', flags: 0 }),
      scapBlock('rename', { tid: 200, at: 5 }, { res: 0, oldpath: 'a', newpath: 'b' }),
    ]
    writeFileSync(file, Buffer.concat([FRONT, ...blocks]))
    const found: unknown[] = []
    const fields = ['evt.num', 'proc.pname', 'proc.cwd', 'evt.arg.name', 'evt.arg.oldpath'].map(bindField)
    const { events } = await playCapture(file, {
      want: new Set(['unlinkat', 'rename']),
      observe: (ctx) => {
        if (ctx.event.family === 'fork') return
        found.push(
          fields.map(({ get }) => String((get(ctx) as { text?: string } | undefined)?.text ?? get(ctx))),
        )
      },
    })
    assert.deepEqual(found, [
      ['5', 'bash', '/var/log/', '/var/x', 'undefined'],
      ['6', 'bash', '/var/log/', 'undefined', '/var/log/a'],
    ])
    assert.deepEqual(Object.fromEntries(events), { openat: 1, clone: 2, chdir: 1, unlinkat: 1, rename: 1 })
  }))

test('memory does not grow with the file', () =>
  inFolder(async (folder) => {
    const held: number[] = []
    for (const times of [1, 10]) {
      const file = join(folder, `${times}.scap`)
      const round = Buffer.concat(
        Array.from({ length: 5000 }, (_, i) => [
          openat(i * 2, `/tmp/file-${i}`),
          scapBlock('close', { tid: 100, at: i * 2 + 1 }, { res: 0, fd: 3 }),
        ]).flat(),
      )
      writeFileSync(file, Buffer.concat([FRONT, ...Array.from({ length: times }, () => round)]))
      const { events, fault } = await playCapture(file, {})
      assert.equal(fault, undefined)
      assert.equal(events.get('openat'), 5000 * times)
      held.push(process.memoryUsage().arrayBuffers)
    }
    // The files themselves are 1.5 and 15 MB; the window is 1 MB.
    assert.ok(held[1]! - held[0]! < 40e6)
  }))

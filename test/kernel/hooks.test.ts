/** Events called after functions of the kernel: each beside its syscall, with what the kernel has. */
import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { HOOKS } from '../../schema/events/hooks/index.ts'
import { decodeBytes } from '../../src/decode/str.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { freePort } from '../../src/testing/waiting.ts'
import { credentialTests } from './support/credential-tests.ts'
import { NEEDS_ROOT, only, openLive, type Value } from './support/live.ts'
import { program } from './support/programs.ts'
import { AT_FDCWD, bytes, type Call, ref, script, vector, zeros } from './support/raw.ts'

/** They see every syscall of the machine, and every turn of a processor. */
const FLOODS = ['sys_enter', 'sys_exit', 'sched_switch']
/** They have a test of their own (rare-hooks.test.ts). */
const RARE = [
  'security_kernel_read_file',
  'security_kernel_post_read_file',
  'hidden_inodes',
  'init_namespaces',
]
const AF_UNIX = 1
const AF_INET = 2
const O_CREAT_WRONLY = 0o101
const O_APPEND = 0o2000
const O_PATH = 0o10000000
const READ_IMPLIES_EXEC = 0x400000
const PROT = { read: 1, write: 2, exec: 4 }
const PRIVATE_ANONYMOUS = 0x22
const CAP_MKNOD = 27
/** Numbers of calls, of the table that the program uses. */
const NUMBERS = {
  off: { open: 2, openat: 257, mknodat: 259 },
  always: { open: 5, openat: 295, mknodat: 297 },
}
const GETPID = 39
const S_IFIFO = 0o10000
const S_IFREG = 0o100000

const inet = (port: number): Uint8Array => {
  const address = new Uint8Array(16)
  new DataView(address.buffer).setUint16(0, AF_INET, true)
  new DataView(address.buffer).setUint16(2, port)
  address.set([127, 0, 0, 1], 4)
  return address
}
const text = decodeBytes

for (const compat of ['off', 'always'] as const) hooks(compat)

function hooks(compat: 'off' | 'always'): void {
  suite(compat === 'off' ? 'hooks' : 'hooks of 32-bit calls', {
    skip: NEEDS_ROOT || (compat === 'always' && process.arch !== 'x64' && 'only x86-64 has them'),
  }, async () => {
    const port = await freePort()
    const folder = NEEDS_ROOT ? '' : scratchFolder(`hooks-${compat}`)
    const numbers = NUMBERS[compat]
    const names = HOOKS.map(({ name }) => name).filter((name) => ![...FLOODS, ...RARE].includes(name))
    const live = openLive({ events: [], syscalls: names, compat })
    after(() => live.stop())
    const seen = new Set<string>()
    test('everything is attached', () => assert.deepEqual(live.source.failures, []))

    /** The calls make these events of one name, each with at least these fields. */
    const makes = (
      what: string,
      calls: readonly Call[],
      hook: string,
      ...expected: readonly Readonly<Record<string, Value>>[]
    ): void =>
      void test(`${hook}: ${what}`, () => {
        const { records } = live.raw(calls, { cwd: folder })
        const found = only(records, hook)
        for (const { event, partial } of records) {
          seen.add(event)
          assert.equal(partial, false)
        }
        for (const record of found) assert.equal(record.compat, compat === 'always')
        assert.deepEqual(
          found.map(({ f }, i) =>
            Object.fromEntries(Object.keys(expected[i] ?? f).map((key) => [key, f[key]])),
          ),
          expected,
        )
      })

    const at = (name: string): string => join(folder, name)
    const opened: Call = ['open', 'file', O_CREAT_WRONLY, 0o600]
    makes('open', [opened, ['open', 'nowhere/file', 0]], 'security_file_open', {
      pathname: at('file'),
      flags: O_CREAT_WRONLY,
      syscall: numbers.open,
    })
    makes('a path alone opens nothing', [opened, ['open', 'file', O_PATH]], 'security_file_open', {
      flags: O_CREAT_WRONLY,
    })
    makes(
      'openat2, with what it was given',
      [
        [
          'openat2',
          AT_FDCWD,
          'file',
          bytes(new Uint8Array(BigUint64Array.of(0o1102n, 0o600n, 0n).buffer)),
          24,
        ],
      ],
      'security_file_open',
      { pathname: at('file'), flags: 0o1102 },
    )
    makes(
      'openat through a symbolic link',
      [
        ['symlink', 'file', 'link'],
        ['openat', AT_FDCWD, 'link', 0],
      ],
      'security_file_open',
      {
        pathname: at('file'),
        flags: 0,
        syscall: numbers.openat,
      },
    )
    makes(
      'succeeded only',
      [
        ['symlink', 'x', 'link'],
        ['symlinkat', 'target', AT_FDCWD, 'second'],
      ],
      'security_inode_symlink',
      {
        linkpath: 'second',
        target: 'target',
        dir: folder,
      },
    )
    makes(
      'named pipe, but no regular file',
      [
        ['mknod', 'pipe', S_IFIFO | 0o600, 0],
        ['mknod', 'regular', S_IFREG | 0o600, 0],
        ['mknod', 'plain', 0o600, 0],
      ],
      'security_inode_mknod',
      { file_name: 'pipe', mode: S_IFIFO | 0o600 },
    )
    test('cap_capable: asked, and has it', () => {
      const { records } = live.raw([['mknodat', AT_FDCWD, 'null', 0o20600, 0x103]], { cwd: folder })
      const [made] = only(records, 'cap_capable').filter(({ f }) => f['syscall'] === numbers.mknodat)
      assert.deepEqual(made?.f, { cap: CAP_MKNOD, res: 0, syscall: numbers.mknodat })
      seen.add('cap_capable')
    })
    makes(
      'rename',
      [
        ['rename', 'pipe', 'other'],
        ['rename', 'pipe', 'other'],
      ],
      'security_inode_rename',
      {
        old_path: 'pipe',
        new_path: 'other',
        new_dir: folder,
      },
    )
    makes(
      'unlink and unlinkat, but no directory',
      [
        ['mkdir', 'd'],
        ['unlink', 'other'],
        ['unlinkat', AT_FDCWD, 'null', 0],
        ['unlinkat', AT_FDCWD, 'd', 0x200],
      ],
      'security_inode_unlink',
      { pathname: 'other' },
      { pathname: 'null' },
    )
    makes(
      'refused, too',
      [['mount', 'tarsier-none', at('nowhere'), 'tmpfs', 0xc0ed0001]],
      'security_sb_mount',
      {
        dev_name: 'tarsier-none',
        path: at('nowhere'),
        type: 'tmpfs',
        flags: 1,
        res: -2,
      },
    )
    makes(
      'position before the write',
      [opened, ['write', ref(0), 'abc', 3], ['write', ref(0), 'de', 2], ['pwrite64', ref(0), 'f', 1, 9]],
      'vfs_write',
      { pathname: at('file'), count: 3, pos: 0 },
      { count: 2, pos: 3 },
      { count: 1, pos: 9 },
      { count: 8 },
    )
    const appended: Call[] = [
      ['open', 'end', O_CREAT_WRONLY | O_APPEND, 0o600],
      ['pwrite64', ref(0), 'abc', 3, 7],
      ['pwrite64', ref(0), 'de', 2, 0],
      ['write', ref(0), 'f', 1],
      ['unlink', 'end'],
    ]
    makes(
      'what is appended goes to the end, whatever it says',
      appended,
      'vfs_write',
      { pathname: at('end'), count: 3, pos: 0 },
      { count: 2, pos: -1 },
      { count: 1, pos: 5 },
      { count: 10 },
    )
    makes('the end is not the beginning', appended, 'magic_write', { pathname: at('end'), bytes: 'abc' })
    makes('writev', [opened, ['writev', ref(0), vector('ab', 'c'), 2]], 'vfs_writev', {
      pathname: at('file'),
      vlen: 2,
      pos: 0,
    })
    makes(
      'first bytes only',
      [
        opened,
        ['write', ref(0), '\\x7fELF and much more than twenty bytes', 37],
        ['write', ref(0), 'more', 4],
        ['pwrite64', ref(0), 'again', 5, 0],
        ['writev', ref(0), vector('no'), 1],
        ['pwritev', ref(0), vector('vector'), 1, 0],
      ],
      'magic_write',
      { pathname: at('file'), bytes: '\x7fELF and much more than twenty b' },
      { bytes: 'again' },
      { bytes: 'vector' },
    )
    makes(
      'out of many buffers',
      [
        opened,
        ['pwritev', ref(0), vector('#', '!/', 'bin', '/and much more than', 'thirty-two bytes'), 5, 0],
      ],
      'magic_write',
      { bytes: '#!/bin/and much more thanthirty-' },
    )

    const pair: Call = ['socket', AF_INET, 1, 0]
    makes(
      'failed, too',
      [pair, ['socket', 99, 1, 0]],
      'security_socket_create',
      { family: AF_INET, type: 1, res: 0 + 3 },
      { family: 99, res: -97 },
    )
    makes(
      'failed, with what was asked for',
      [pair, ['connect', ref(0), bytes(inet(1)), 16], ['connect', 77, bytes(inet(1)), 16]],
      'security_socket_connect',
      { sockfd: 3, remote_addr: text(inet(1)), res: -111 },
    )
    makes(
      'an address that the kernel does not take',
      [
        pair,
        ['connect', ref(0), zeros(256), 200],
        ['bind', ref(0), zeros(256), 129],
        ['bind', ref(0), zeros(256), -1],
      ],
      'security_socket_connect',
    )
    makes(
      'to a unix socket',
      [
        ['socket', AF_UNIX, 1, 0],
        ['connect', ref(0), bytes(Buffer.from('\x01\0/nowhere\0', 'latin1')), 11],
      ],
      'security_socket_connect',
      { remote_addr: '\x01\0/nowhere\0', res: -2 },
    )
    const listening: Call[] = [pair, ['bind', ref(0), bytes(inet(port)), 16], ['listen', ref(0), 5]]
    makes('bound', listening, 'security_socket_bind', { sockfd: 3, local_addr: text(inet(port)), res: 0 })
    makes('listens', listening, 'security_socket_listen', { backlog: 5, local_addr: text(inet(port)) })
    makes(
      'nobody comes',
      [['socket', AF_INET, 0o4001, 0], ...listening.slice(1), ['accept', ref(0), 0, 0]],
      'security_socket_accept',
      { sockfd: 3, local_addr: text(inet(port)), res: -11 },
    )
    makes(
      'sockets, not files',
      [
        ...listening,
        opened,
        ['dup2', ref(3), 8],
        ['dup2', ref(0), 9],
        ['dup2', ref(0), 3],
        pair,
        ['connect', ref(7), bytes(inet(port)), 16],
        ['fcntl', ref(7), 0, 20],
      ],
      'socket_dup',
      { oldfd: 3, newfd: 9, remote_addr: undefined },
      { oldfd: 5, newfd: 20, remote_addr: text(inet(port)) },
    )

    const { read, write, exec } = PROT
    const mapped = (prot: number): Call => ['mmap', 0, 4096, prot, PRIVATE_ANONYMOUS, -1, 0]
    makes(
      'writable and executable at once',
      [mapped(read | write | exec), mapped(read | write)],
      'mem_prot_alert',
      { alert: 1, prot: 7 },
    )
    makes(
      'writable, then executable',
      [mapped(read | write), ['mprotect', ref(0), 4096, read | exec]],
      'mem_prot_alert',
      { alert: 2, prot: 5, prev_prot: 3 },
    )
    makes(
      'executable, then writable, too',
      [mapped(read | exec), ['mprotect', ref(0), 4096, 7]],
      'mem_prot_alert',
      { alert: 3, prot: 7, prev_prot: 5 },
    )
    makes(
      'no longer writable',
      [mapped(7), ['pkey_mprotect', ref(0), 4096, read | exec, -1]],
      'mem_prot_alert',
      { alert: 1 },
      { alert: 4, prot: 5, prev_prot: 7 },
    )
    makes('failed: nothing', [['mprotect', 4096, 4096, 7]], 'mem_prot_alert')
    makes('of no length: nothing', [mapped(read), ['mprotect', ref(0), 0, exec]], 'mem_prot_alert')
    makes(
      'what may be read may be executed',
      [
        ['personality', READ_IMPLIES_EXEC],
        mapped(read | write),
        ['mprotect', ref(1), 4096, write],
        ['mprotect', ref(1), 4096, read],
      ],
      'mem_prot_alert',
      { alert: 1, prot: 7 },
      { alert: 2, prot: 5, prev_prot: 2 },
    )

    makes(
      'a map',
      [
        [
          'bpf',
          0,
          bytes(new Uint8Array(Uint32Array.of(2, 4, 8, 1, 0, 0, 0, 0x6e6e6574, 0x656d61, 0, 0).buffer)),
          44,
        ],
      ],
      'security_bpf',
      { cmd: 0 },
    )
    makes(
      'a map with a name',
      [
        [
          'bpf',
          0,
          bytes(new Uint8Array(Uint32Array.of(2, 4, 8, 1, 0, 0, 0, 0x6e6e6574, 0x656d61, 0, 0).buffer)),
          44,
        ],
      ],
      'security_bpf_map',
      { map_name: 'tenname' },
    )

    credentialTests(live, seen, compat === 'always')

    test('a program, its check and its end', () => {
      mkdirSync(at('sub'))
      const { records, pid } = live.run('/bin/sh', ['-c', 'true & wait; exit 3'], { cwd: folder })
      for (const { event } of records) seen.add(event)
      const own = records.filter((record) => record.pid === pid)
      const sh = statSync('/bin/sh')
      const [program] = only(own, 'sched_process_exec')
      assert.equal(program?.f['cmdpath'], '/bin/sh')
      assert.equal(program?.f['inode'], sh.ino)
      assert.deepEqual(program?.f['argv'], ['/bin/sh', '-c', 'true & wait; exit 3'])
      assert.equal(only(own, 'security_bprm_check')[0]?.f['pathname'], program?.f['pathname'])
      const [fork] = only(own, 'sched_process_fork')
      assert.equal(fork?.f['parent_pid'], pid)
      assert.ok(
        records.some(
          (record) => record.pid === fork?.f['child_pid'] && record.event === 'sched_process_exit',
        ),
      )
      assert.deepEqual(
        only(own, 'sched_process_exit', 'do_exit')
          .map(({ event, f }) => [event, f['exit_code'] ?? f['code']])
          .sort(),
        [
          ['do_exit', 3 << 8],
          ['sched_process_exit', 3],
        ],
      )
    })

    test('each was seen', (t) => {
      const missing = names.filter((name) => !seen.has(name))
      t.diagnostic(`${names.length - missing.length} of ${names.length}, and below ${FLOODS.join(' ')}`)
      assert.deepEqual(missing, [])
    })
  })
}

suite('hooks of everything', { skip: NEEDS_ROOT }, () => {
  const live = openLive({ events: [], syscalls: FLOODS, bulk: 16 << 20 })
  after(() => live.stop())
  test('everything is attached', () => assert.deepEqual(live.source.failures, []))
  test('beginning and end of a call, and a turn of the processor', async () => {
    // Sleeping gives the processor away, which a program on an idle machine would keep to its end.
    const nap = new Uint8Array(new BigInt64Array([0n, 2_000_000n]).buffer)
    const calls = script([['getpid'], ['nanosleep', bytes(nap), 0]])
    // These hooks see all of the machine: a busy one fills the ring, and then ours are lost with theirs.
    const told = new Map<string, unknown>()
    for (let tries = 30; tries > 0 && told.size < FLOODS.length; tries--) {
      const { records, pid } = await live.follow(program('raw'), calls)
      for (const { event, f, cpu } of records.filter((record) => record.pid === pid)) {
        if (event === 'sched_switch') told.set(event, [f['prev_tid'] === pid, f['cpu'] === cpu])
        else if (f['syscall'] === GETPID) told.set(event, 'res' in f ? { ...f, res: f['res'] === pid } : f)
      }
    }
    assert.deepEqual(Object.fromEntries(told), {
      sys_enter: { syscall: GETPID },
      sys_exit: { res: true, syscall: GETPID },
      sched_switch: [true, true],
    })
  })
})

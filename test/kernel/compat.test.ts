/** Calls by the 32-bit entry points of x86-64: no tracepoint of their own, other numbers, other registers. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { HOOKS } from '../../schema/events/hooks/index.ts'
import type { CompatMode } from '../../src/sources/kernel/compat.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, only, openLive, type Seen } from './support/live.ts'
import { calls32 } from './support/programs.ts'
import { ref } from './support/raw.ts'

const EVENTS = [
  'execve',
  'open',
  'openat',
  'write',
  'truncate',
  'ftruncate',
  'pwrite64',
  'chmod',
  'unlink',
  'socket',
  'connect',
  'sendmsg',
]
const PLAIN = ['chown', 'init_module', 'personality', 'socketcall']
const HOOK_NAMES = HOOKS.map(({ name }) => name)
const CALLED = [
  'security_file_open',
  'security_inode_unlink',
  'security_socket_create',
  'security_socket_connect',
  'vfs_write',
]
/** They see every syscall of the machine, and every turn of a processor. */
const FLOODS = ['sys_enter', 'sys_exit', 'sched_switch']
const folder = scratchFolder('compat')

/** What hooks tell of the same calls: those through socketcall, too. */
const HOOKED = [
  'security_file_open 5',
  'vfs_write 0',
  'security_inode_unlink made-by-32',
  'security_socket_create 4',
  'security_socket_connect 0',
  'security_socket_connect 0',
  'security_socket_create -14',
]

const open = (compat: CompatMode): Live => openLive({ events: EVENTS, syscalls: PLAIN, compat })

/** Run the program, and let it go on when `ready`; its records from then on. */
async function runWhen(live: Live, bits: 32 | 64, name: string, ready: () => boolean): Promise<Seen[]> {
  const at = join(folder, name)
  mkdirSync(at)
  const poll = setInterval(() => {
    if (!ready()) return
    clearInterval(poll)
    writeFileSync(join(at, 'go'), '')
  }, 10)
  const { records, pid, status } = await live.follow(calls32(bits), [at])
  clearInterval(poll)
  assert.equal(status, 0)
  return records.filter((record) => record.pid === pid)
}

/** A call in words: what of it tells that numbers, registers and memory were read as those of 32 bits. */
const words = ({ event, f }: Seen): string =>
  [event, f['name'] ?? f['pathname'] ?? f['filename'] ?? f['param_values'], f['res'] ?? f['fd']]
    .concat(MORE.map((name) => f[name]))
    .filter((value) => value !== undefined)
    .join(' ')
const MORE = ['owner', 'size', 'persona', 'addr_ip', 'addr_port']

/** What the program does once it may. */
const CALLS = [
  'open made-by-32 3',
  'write 4 4',
  'openat nowhere/file -2',
  'chmod made-by-32 0',
  'chown made-by-32 0 65535',
  'chown made-by-32 0 4294967295',
  'unlink made-by-32 0',
  'socket 4',
  'connect 0 127.0.0.1 1',
  'connect 0 127.0.0.1 1',
  'socket -14',
  'sendmsg 7 7 127.0.0.1 1',
  'init_module name=value -38',
  'personality 0 4294967295',
  'execve ./not-there -2',
]

function check(records: readonly Seen[], at: string): void {
  const calls = records.filter(({ compat }) => compat)
  assert.deepEqual(calls.map(words), CALLS)
  const [open, , openat, , , , unlink] = calls
  assert.equal(open!.f['path'], `${at}/made-by-32`)
  assert.equal(openat!.f['dir'], at)
  assert.equal(unlink!.f['dir'] ?? at, at)
}

suite('32-bit calls', { skip: NEEDS_ROOT || (process.arch !== 'x64' && 'only x86-64 has them') }, () => {
  for (const [compat, bits] of [
    ['always', 32],
    ['always', 64],
    ['auto', 32],
  ] as const)
    test(`${compat}: a program of ${bits} bits`, async () => {
      const live = open(compat)
      try {
        assert.equal(live.source.compat, compat === 'always')
        const name = `${compat}-${bits}`
        check(await runWhen(live, bits, name, () => live.source.compat), join(folder, name))
        assert.deepEqual(live.source.failures, [])
      } finally {
        live.stop()
      }
    })

  test('hooks of a program of 32 bits, and the end that it asks for', async () => {
    const live = openLive({ syscalls: [...CALLED, 'exit_group'], compat: 'auto' })
    try {
      const at = join(folder, 'hooks')
      const records = await runWhen(live, 32, 'hooks', () => live.source.compat)
      const calls = records.filter(({ compat }) => compat)
      const [opened] = calls
      assert.equal(opened!.f['pathname'], `${at}/made-by-32`)
      assert.deepEqual(
        only(calls, ...CALLED).map(
          ({ event, f }) => `${event} ${f['syscall'] ?? f['pos'] ?? f['res'] ?? f['pathname']}`,
        ),
        HOOKED,
      )
      assert.deepEqual(
        only(calls, 'exit_group').map(({ f }) => f['status']),
        [0],
      )
    } finally {
      live.stop()
    }
  })

  test('everything there is, of calls by int $0x80', () => {
    const live = openLive({
      events: EVENTS,
      syscalls: HOOK_NAMES.filter((name) => !FLOODS.includes(name)),
      compat: 'always',
    })
    try {
      assert.deepEqual(live.source.failures, [])
      const { records } = live.raw(
        [
          ['open', 'high', 0o100101, 0o600],
          ['pwrite64', ref(0), 'x', 1, 7, 1],
          ['truncate', 'high', 8, 1],
          ['ftruncate', ref(0), 9, 1],
          ['unlink', 'high'],
        ],
        { cwd: folder },
      )
      assert.deepEqual(
        only(records, 'vfs_write', 'pwrite64', 'magic_write').map(({ event, f }) => [event, f['pos']]),
        [
          ['vfs_write', 2 ** 32 + 7],
          ['pwrite64', 2 ** 32 + 7],
          ['vfs_write', -1],
        ],
      )
      assert.deepEqual(
        only(records, 'truncate', 'ftruncate').map(({ f }) => f['length'] ?? f['size']),
        [2 ** 32 + 8, 2 ** 32 + 9],
      )
    } finally {
      live.stop()
    }
  })

  for (const [compat, bits, why] of [
    ['off', 32, 'nobody looks'],
    ['auto', 64, 'nothing tells that it makes such calls'],
  ] as const)
    test(`${compat}: a program of ${bits} bits is not seen, for ${why}`, async () => {
      const live = open(compat)
      try {
        const records = await runWhen(live, bits, `${compat}-${bits}`, () => true)
        assert.deepEqual(
          only(records, 'execve', 'procexit').map(({ event }) => event),
          ['execve', 'procexit'],
        )
        assert.deepEqual(records.filter(({ compat }) => compat).map(words), [])
      } finally {
        live.stop()
      }
    })
})

/**
 * Guards of events that come beside syscalls: hooks, flows, packets, cgroups. Of each, one event is delivered and another one
 * of the same kind is passed over.
 */
import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { AF_INET, DATAGRAM, inetBytes, STREAM } from './support/addresses.ts'
import {
  assertParity,
  assertSound,
  type Guarded,
  type Judged,
  openGuarded,
  ruleFile,
} from './support/guarded.ts'
import { NEEDS_ROOT } from './support/live.ts'
import { AT_FDCWD, bytes, type Call, ref, vector, zeros } from './support/raw.ts'

const CLONE_NEWUTS = 0x4000000
const CLONE_NEWIPC = 0x8000000
const GETPID = 39
const own = (last: number): string => `127.${64 + (process.pid & 63)}.${(process.pid >> 6) & 255}.${last}`
const QUESTION = '\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x01x\\x00\\x00\\x01\\x00\\x01'

const ANSWER = QUESTION.replace('\\x01\\x00', '\\x81\\x83')
const PR_SET_NAME = 15
/** An array with one element of four and eight bytes. */
const MAP = new Uint8Array(Uint32Array.of(2, 4, 8, 1, 0, 0, 0, 0, 0, 0, 0).buffer)

/** What became of the events of one type (pipes apart): `-` for those passed over, else whether a rule matches. */
const verdicts = (judged: readonly Judged[], of: string): string =>
  judged
    .filter(({ event, about }) => event === of && !about.includes('"paths":[{}]'))
    .map(({ passedOver, matched }) => (passedOver ? '-' : matched.length > 0 ? 'yes' : 'no'))
    .join(' ')

suite('guards of hooks, flows and packets', { skip: NEEDS_ROOT, timeout: 120_000 }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('guards-hooks')
  const port = 26000 + (process.pid % 900)
  const at = (name: string): string => join(dir, name)
  const written = (name: string, first = 0): Call[] => [
    ['openat', AT_FDCWD, at(name), 0o1101, 0o600],
    ['write', ref(first), 'x', 1],
    ['writev', ref(first), vector('x'), 1],
  ]
  const dialogue = (to: string): Call[] => [
    ['socket', AF_INET, STREAM, 0],
    ['bind', ref(0), bytes(inetBytes(port, to)), 16],
    ['listen', ref(0), 1],
    ['socket', AF_INET, STREAM, 0],
    ['connect', ref(3), bytes(inetBytes(port, to)), 16],
    ['write', ref(3), 'hello', 5],
    ['close', ref(3)],
    ['close', ref(0)],
  ]
  const asks = (to: string): Call[] => [
    ['socket', AF_INET, DATAGRAM, 0],
    ['sendto', ref(0), QUESTION, 19, 0, bytes(inetBytes(53, to)), 16],
  ]

  const answers = (from: string, to: number, first = 0): Call[] => [
    ['socket', AF_INET, DATAGRAM, 0],
    ['bind', ref(first), bytes(inetBytes(53, from)), 16],
    ['socket', AF_INET, DATAGRAM, 0],
    ['bind', ref(first + 2), bytes(inetBytes(to, own(4))), 16],
    ['sendto', ref(first + 2), QUESTION, 19, 0, bytes(inetBytes(53, from)), 16],
    ['sendto', ref(first), ANSWER, 19, 0, bytes(inetBytes(to, own(4))), 16],
  ]

  /** Event type, what a rule asks of it, calls of which one makes an event that it matches, and what becomes of them. */
  const cases: readonly (readonly [event: string, asks: string, calls: readonly Call[], became: string])[] = [
    ['security_file_open', `evt.arg.pathname = ${at('yes')}`, [...written('yes'), ...written('no')], 'yes -'],
    ['vfs_write', 'evt.arg.pathname endswith /yes', [...written('no'), ...written('yes', 3)], '- yes'],
    ['vfs_writev', `evt.arg.pathname startswith ${dir}/y`, written('yes'), 'yes'],
    ['magic_write', 'evt.arg.pathname endswith /yes', written('no'), '-'],
    [
      'security_inode_unlink',
      `evt.arg.pathname = ${at('yes')}`,
      [
        ['unlink', at('yes')],
        ['unlink', at('no')],
      ],
      'yes -',
    ],
    [
      'security_inode_symlink',
      'evt.arg.linkpath endswith /link',
      [
        ['symlink', 'x', at('link')],
        ['symlink', 'x', at('other')],
      ],
      'yes -',
    ],
    [
      'security_inode_mknod',
      'evt.arg.file_name endswith /pipe',
      [
        ['mknod', at('pipe'), 0o10600, 0],
        ['mknod', at('tube'), 0o10600, 0],
      ],
      'yes -',
    ],
    [
      'security_inode_rename',
      `evt.arg.new_path = ${at('new')}`,
      [
        ['rename', at('pipe'), at('new')],
        ['rename', at('tube'), at('old')],
      ],
      'yes -',
    ],
    [
      'security_sb_mount',
      'evt.arg.flags contains MS_REMOUNT and evt.failed = true',
      [
        ['mount', 'none', at('missing'), 'nosuch', 0, 0],
        ['mount', 'none', at('missing'), 'nosuch', 32, 0],
      ],
      '- yes',
    ],
    [
      'security_socket_create',
      'evt.arg.family = AF_UNIX',
      [
        ['socket', 2, 1, 0],
        ['socket', 1, 1, 0],
      ],
      '- yes',
    ],
    [
      'security_socket_listen',
      'evt.arg.backlog = 7',
      [
        ['socket', 1, 1, 0],
        ['listen', ref(0), 7],
        ['listen', ref(0), 8],
      ],
      'yes -',
    ],
    ['security_socket_connect', 'evt.failed = true', dialogue(own(1)), '-'],
    ['security_socket_bind', 'proc.exepath endswith /raw', dialogue(own(1)), 'yes'],
    [
      'security_socket_accept',
      'evt.failed = true',
      [
        ['socket', AF_INET, STREAM | 0o4000, 0],
        ['bind', ref(0), bytes(inetBytes(port, own(3))), 16],
        ['listen', ref(0), 1],
        ['accept', ref(0), 0, 0],
        ['socket', AF_INET, STREAM, 0],
        ['connect', ref(4), bytes(inetBytes(port, own(3))), 16],
        ['accept', ref(0), 0, 0],
      ],
      'yes -',
    ],
    ['socket_dup', 'proc.name = another', [...dialogue(own(1)).slice(0, 1), ['dup', ref(0)]], '-'],
    [
      'mem_prot_alert',
      'evt.arg.len = 8192',
      [
        ['mmap', 0, 4096, 7, 0x22, -1, 0],
        ['mmap', 0, 8192, 7, 0x22, -1, 0],
      ],
      '- yes',
    ],
    [
      'security_bpf',
      'evt.arg.cmd = BPF_PROG_LOAD',
      [
        ['bpf', 0, zeros(16), 0],
        ['bpf', 5, zeros(16), 0],
      ],
      '- yes',
    ],
    [
      'security_bpf_map',
      'proc.name = mapper',
      [
        ['bpf', 0, bytes(MAP), 44],
        ['prctl', PR_SET_NAME, 'mapper'],
        ['bpf', 0, bytes(MAP), 44],
      ],
      '- yes',
    ],
    [
      'security_bprm_check',
      `evt.arg.pathname = ${realpathSync('/bin/true')}`,
      [
        ['execve', at('nothing'), zeros(8), zeros(8)],
        ['execve', '/bin/true', zeros(8), zeros(8)],
      ],
      '- yes',
    ],
    ['sys_enter', `evt.rawarg.syscall = ${GETPID}`, [['getpid']], 'yes'],
    ['sys_exit', `evt.rawarg.syscall = ${GETPID}`, [['getpid']], 'yes'],
    ['do_exit', 'evt.rawarg.code != 0', [['getpid']], '-'],
    ['sched_process_exit', 'evt.rawarg.exit_code = 0', [['getpid']], 'yes'],
    [
      'commit_creds',
      'evt.arg.changed contains GIDS',
      [
        ['setresuid', -1, -1, 1],
        ['setresgid', -1, -1, 1],
      ],
      '- yes',
    ],
    ['switch_task_ns', 'evt.rawarg.new_uts != 0', [['unshare', CLONE_NEWUTS]], 'yes'],
    ['switch_task_ns', '', [['unshare', CLONE_NEWIPC]], '-'],
    ['net_flow_tcp_begin', `fd.sip = ${own(2)} and evt.arg.direction = outbound`, dialogue(own(2)), 'yes -'],
    ['net_flow_tcp_end', `fd.sport = ${port} and fd.sip = ${own(2)}`, dialogue(own(1)), '-'],
    ['net_packet_first', `fd.snet = ${own(0)}/32`, dialogue(own(2)), '-'],
    [
      'net_packet_dns_response',
      `fd.ip = ${own(2)}`,
      [...answers(own(1), port), ...answers(own(2), port + 1, 6)],
      '- yes',
    ],
    ['net_packet_dns_request', `fd.sip = ${own(2)}`, [...asks(own(1)), ...asks(own(2))], '- yes'],
  ]

  let guarded: Guarded
  before(() => {
    const rules = cases.filter(([, asked]) => asked !== '')
    guarded = openGuarded(
      ruleFile(
        Object.fromEntries(
          rules.map(([event, asked]) => [
            event,
            `evt.type = ${event}${asked === '' ? '' : ` and (${asked})`}`,
          ]),
        ),
      ),
    )
  })
  after(() => guarded?.stop())

  test('everything is attached', () => {
    assert.deepEqual([guarded.source.failures, guarded.source.guardFailure], [[], undefined])
    mkdirSync(at('folder'))
    for (const name of ['yes', 'no']) writeFileSync(at(name), '')
    writeFileSync(at('nothing'), 'no program', { mode: 0o755 })
  })

  for (const [event, asked, calls, became] of cases)
    test(`${event}: ${asked || 'another'}`, () => {
      const { judged } = guarded.raw(calls)
      assertSound(judged)
      assertParity(judged)
      const all = verdicts(judged, event)
      // Every call of the program is one of these: only some are.
      if (event.startsWith('sys_')) assert.match(all, /^(- )+yes( -)*$/)
      // The program writes its results as well.
      else assert.ok(` ${all} `.includes(` ${became} `), `${all} instead of ${became}`)
    })
})

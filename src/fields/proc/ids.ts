/** Numbers of a process: ids in the initial and its own pid namespace, groups, sessions, terminal. */
import type { ProcessInfo } from '../context.ts'
import { ancestorsOf, field, processField, type SyscallField } from '../syscall-field.ts'
import { exeOf } from './names.ts'

/** The nearest process, from `process` upward, for which `is` holds. */
const nearest = (process: ProcessInfo, is: (candidate: ProcessInfo) => boolean): ProcessInfo | undefined =>
  is(process) ? process : ancestorsOf(process).find(is)

const sessionLeader = (process: ProcessInfo): ProcessInfo | undefined =>
  nearest(process, (candidate) => candidate.pid === process.sid)
const groupLeader = (process: ProcessInfo): ProcessInfo | undefined =>
  nearest(process, (candidate) => candidate.pid === process.pgid)
/** The leader by number in the process's own pid namespace. */
const groupLeaderInside = (process: ProcessInfo): ProcessInfo | undefined =>
  nearest(process, (candidate) => candidate.vpid === process.vpgid && candidate.pidns === process.pidns)

/** Shells, by the name their process has. */
const SHELLS: ReadonlySet<string> = new Set([
  'ash',
  'bash',
  'csh',
  'dash',
  'elvish',
  'fish',
  'ksh',
  'ksh93',
  'mksh',
  'nu',
  'oksh',
  'pwsh',
  'rbash',
  'sh',
  'tcsh',
  'yash',
  'zsh',
])

const topShell = (process: ProcessInfo): ProcessInfo | undefined =>
  [process, ...ancestorsOf(process)].findLast((candidate) => SHELLS.has(candidate.comm.text))

type LeaderOf = (process: ProcessInfo) => ProcessInfo | undefined

/** Name, exe and path of a leader: three fields that differ in nothing but the leader. */
const leaderFields = (prefix: string, what: string, leader: LeaderOf, nameField: string): SyscallField[] => [
  processField({
    name: nameField,
    type: 'string',
    doc: `proc.name of the ${what}; absent when it is neither the process nor one of its ancestors.`,
    of: (process) => leader(process)?.comm,
  }),
  processField({
    name: `${prefix}.exe`,
    type: 'string',
    cost: 'derived',
    doc: `proc.exe of the ${what}.`,
    of: (process) => {
      const found = leader(process)
      return found && exeOf(found)
    },
  }),
  processField({
    name: `${prefix}.exepath`,
    type: 'path',
    doc: `proc.exepath of the ${what}.`,
    of: (process) => leader(process)?.exePath,
  }),
]

export const idFields: readonly SyscallField[] = [
  field({
    name: 'proc.pid',
    type: 'int',
    cost: 'free',
    doc: 'Process id in the initial pid namespace.',
    get: (ctx) => ctx.event.pid,
  }),
  processField({
    name: 'proc.ppid',
    type: 'int',
    doc: 'Process id of the parent as the kernel gave it at fork or exec; an orphan keeps it.',
    of: (process) => process.ppid,
  }),
  processField({
    name: 'proc.vpid',
    type: 'int',
    doc: 'Process id in its own pid namespace; 1 for the first process of a container.',
    of: (process) => process.vpid,
  }),
  processField({
    name: 'proc.pvpid',
    type: 'int',
    doc: 'proc.vpid of the parent.',
    of: (process) => process.parent?.vpid,
  }),
  processField({
    name: 'proc.pgid',
    type: 'int',
    doc: 'Process group in the initial pid namespace, as of the last exec.',
    of: (process) => process.pgid,
  }),
  processField({
    name: 'proc.vpgid',
    type: 'int',
    doc: 'Process group in its own pid namespace, as of the last exec.',
    of: (process) => process.vpgid,
  }),
  processField({
    name: 'proc.sid',
    type: 'int',
    doc: 'Session in the initial pid namespace, as of the last exec.',
    of: (process) => process.sid,
  }),
  ...leaderFields('proc.sid', 'session leader', sessionLeader, 'proc.sname'),
  ...leaderFields('proc.pgid', 'leader of the process group', groupLeader, 'proc.pgid.name'),
  ...leaderFields('proc.vpgid', 'leader of the process group', groupLeaderInside, 'proc.vpgid.name'),
  processField({
    name: 'proc.is_sid_leader',
    type: 'bool',
    doc: 'The process leads its session.',
    of: (process) => process.pid === process.sid,
  }),
  processField({
    name: 'proc.is_pgid_leader',
    type: 'bool',
    doc: 'The process leads its process group.',
    of: (process) => process.pid === process.pgid,
  }),
  processField({
    name: 'proc.is_vpgid_leader',
    type: 'bool',
    doc: 'The process leads its process group, judged by the numbers of its own pid namespace.',
    of: (process) => process.vpid === process.vpgid,
  }),
  processField({
    name: 'proc.tty',
    type: 'uint',
    doc: 'Device number of the controlling terminal; 0 without one.',
    of: (process) => process.tty,
  }),
  processField({
    name: 'proc.loginshellid',
    type: 'int',
    doc: 'Process id of the topmost shell among the process and its ancestors, told by name; absent without one.',
    of: (process) => topShell(process)?.pid,
  }),
]

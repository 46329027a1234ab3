/**
 * The events `tarsier trace` knows: all of our own, and those that Tracee makes of the same facts under another name
 * (`sched_process_exec` of a successful execve).
 */

import { FILE_TYPES, S_IFMT } from '../../schema/enums/index.ts'
import { DEFAULT_SET, setsOf } from '../../schema/event-sets.ts'
import { type EventType, layoutOf, PUBLIC_EVENT_TYPES, type Slot } from '../../schema/index.ts'
import { SYSCALLS } from '../../schema/plain.ts'
import { eventNameOf, SYSCALL_ALIASES } from '../../schema/syscall-aliases.ts'
import type { SyscallContext } from '../fields/context.ts'
import { rawResult } from '../fields/evt/result.ts'
import { argumentsOf, ofSlot, storageType, type TraceArgument } from './arguments.ts'
import { traceeId } from './tracee-ids.ts'

export interface TraceEvent {
  readonly name: string
  /** Tracee's: of a syscall that of x86-64, or 2000 and that of i386 where only 32-bit programs have it. */
  readonly id: number
  readonly doc: string
  readonly sets: readonly string[]
  readonly isSyscall: boolean
  /** Family of the events of ours it comes from. */
  readonly family: string
  /** Events of ours it comes from. */
  readonly sources: readonly string[]
  /** Only those that worked: the process table is told of these whoever asks. */
  readonly succeeded: boolean
  readonly args: readonly TraceArgument[]
}

const NUMBERS: ReadonlyMap<string, number | undefined> = new Map(SYSCALLS.map(({ name, x64 }) => [name, x64]))

const ofType = (type: EventType): TraceEvent => ({
  name: type.name,
  id: NUMBERS.get(type.name) ?? (NUMBERS.has(type.name) ? type.id : traceeId(type.name, type.id)),
  doc: type.doc,
  sets: setsOf(type),
  isSyscall: NUMBERS.has(type.name),
  family: type.family.name,
  sources: [type.name],
  succeeded: false,
  args: argumentsOf(type),
})

const EXECS: readonly string[] = ['execve', 'execveat']
const FORKS: readonly string[] = ['clone', 'fork', 'vfork', 'clone3']
const INIT = 1
/** The parent of all threads of the kernel. */
const KTHREADD = 2

/** Thread in the pid namespace of its process, 0 when not known: with the same number outside have all threads. */
export const threadInside = ({ event, process }: SyscallContext): number =>
  event.tid === event.pid ? (process?.vpid ?? 0) : process?.vpid === event.pid ? event.tid : 0

/** Whose child it is says it, where that is known: 1 or 0. */
function ofKernelThread({ process }: SyscallContext): number | undefined {
  if (process?.ppid === INIT || process?.ppid === KTHREADD) return Number(process.ppid === KTHREADD)
  const above = process?.parent?.ppid
  return above ? Number(above === KTHREADD) : undefined
}

const slotsOf = (event: string): ReadonlyMap<string, Slot> => {
  const { family } = PUBLIC_EVENT_TYPES.find(({ name }) => name === event)!
  return new Map(layoutOf(family).slots.map((slot) => [slot.name, slot]))
}
const EXEC = slotsOf('execve')
const FORK = slotsOf('clone')

const made = (
  name: string,
  type: string,
  doc: string,
  value: (ctx: SyscallContext) => ReturnType<TraceArgument['value']>,
): TraceArgument => ({ name, type, doc, value })
const taken = (
  slots: ReadonlyMap<string, Slot>,
  field: string,
  name: string,
  type = storageType(slots.get(field)!),
): TraceArgument => ofSlot(slots.get(field)!, name, type)

const STREAM_TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries(FILE_TYPES).map(([name, type]) => [type, name]),
)

/** What Tracee tells of process life beside the calls. Ids are its own, behind those of syscalls. */
const DERIVED: readonly TraceEvent[] = [
  {
    name: 'sched_process_fork',
    id: traceeId('sched_process_fork', 0),
    doc: 'A process was created. Threads are not reported.',
    sets: [],
    isSyscall: false,
    family: 'fork',
    sources: FORKS,
    succeeded: true,
    args: [
      made('parent_tid', 'int', 'thread that forked, initial namespace', ({ event }) => event.tid),
      made('parent_ns_tid', 'int', 'the same in its own pid namespace; 0 when not known', threadInside),
      made('parent_pid', 'int', 'process that forked, initial namespace', ({ event }) => event.pid),
      made('parent_ns_pid', 'int', 'the same in its own pid namespace', ({ process }) => process?.vpid),
      taken(FORK, 'child_pid', 'child_tid', 'int'),
      taken(FORK, 'child_vpid', 'child_ns_tid', 'int'),
      taken(FORK, 'child_pid', 'child_pid', 'int'),
      taken(FORK, 'child_vpid', 'child_ns_pid', 'int'),
      taken(FORK, 'child_start', 'start_time'),
    ],
  },
  {
    name: 'sched_process_exec',
    id: traceeId('sched_process_exec', 0),
    doc: 'A process replaced its program image.',
    sets: ['default', 'proc'],
    isSyscall: false,
    family: 'exec',
    sources: EXECS,
    succeeded: true,
    args: [
      taken(EXEC, 'filename', 'cmdpath'),
      taken(EXEC, 'exe_path', 'pathname'),
      taken(EXEC, 'argv', 'argv'),
      taken(EXEC, 'env', 'env'),
      taken(EXEC, 'exe_dev', 'dev'),
      taken(EXEC, 'exe_ino', 'inode'),
      made('invoked_from_kernel', 'int', '1 when a thread of the kernel started it', ofKernelThread),
      taken(EXEC, 'exe_ctime', 'ctime'),
      {
        ...made(
          'stdin_type',
          'umode_t',
          'what standard input is',
          ({ event }) => event.number('stdin_mode')! & S_IFMT,
        ),
        words: ({ event }) => STREAM_TYPES.get(event.number('stdin_mode')! & S_IFMT),
      },
    ],
  },
  {
    name: 'sched_process_exit',
    id: traceeId('sched_process_exit', 0),
    doc: 'A process ended: its last thread went.',
    sets: ['default', 'proc', 'proc_life'],
    isSyscall: false,
    family: 'exit',
    sources: ['procexit'],
    succeeded: false,
    args: [
      taken(slotsOf('procexit'), 'status', 'exit_code', 'long'),
      made('process_group_exit', 'bool', 'the last thread of the process', () => true),
    ],
  },
]

const DERIVED_NAMES: ReadonlySet<string> = new Set(DERIVED.map(({ name }) => name))
const OWN: readonly TraceEvent[] = PUBLIC_EVENT_TYPES.filter(({ name }) => !DERIVED_NAMES.has(name)).map(
  ofType,
)

/** All of them, by name. One derived of others goes before an event of ours, because those others come anyway. */
export const TRACE_EVENTS: ReadonlyMap<string, TraceEvent> = new Map(
  [...DERIVED, ...OWN].map((event) => [event.name, event]),
)

/** The event with a name, or with another name of the same call. */
export const findTraceEvent = (name: string): TraceEvent | undefined =>
  TRACE_EVENTS.get(name) ?? TRACE_EVENTS.get(eventNameOf(name))

/** Names of Tracee's default set that this version does not produce. */
export const MISSING_DEFAULTS: readonly string[] = [...DEFAULT_SET].filter((name) => !TRACE_EVENTS.has(name))

/** Every name an event may be asked for by. */
export const EVENT_NAMES: readonly string[] = [
  ...TRACE_EVENTS.keys(),
  ...[...SYSCALL_ALIASES.values()].flat().filter((name) => !TRACE_EVENTS.has(name)),
]

/** Result of the call; 0 for what is none. */
export const resultOf = (ctx: SyscallContext): number => rawResult(ctx) ?? 0

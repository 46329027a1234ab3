/** Which hooks the plain syscalls need that somebody asks for. */
import { type EventType, PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import { CALL_PLACES } from '../../../schema/multiplexed.ts'
import { PLAIN_PROGRAMS, SYSCALLS } from '../../../schema/plain.ts'
import { A_TRACEPOINT } from '../../kernel/missing-syscalls.ts'
import { PROGRAM_SPECS, type ProgramSpec } from '../../kernel/objects.ts'

/** Object file of the table-driven programs. */
export const PLAIN_OBJECT = 'generic/syscall'

/**
 * Numbers of 32-bit calls that somebody looks at when they end and when they begin, and which of them, or of those that go
 * through socketcall and ipc, are plain events.
 */
export interface CompatCalls {
  readonly exit: readonly number[]
  readonly plainExit: readonly number[]
  readonly entry: readonly number[]
  readonly plainEntry: readonly number[]
}
export const NO_COMPAT: CompatCalls = { exit: [], plainExit: [], entry: [], plainEntry: [] }

/** Numbers of syscalls by the way they come. */
export interface WantedCalls {
  readonly native: readonly number[]
  readonly compat: CompatCalls
}

export interface SyscallPlan {
  readonly programs: readonly ProgramSpec[]
  /** What the program at the global exit lets through. */
  readonly wanted: WantedCalls
  /** Calls left out because this kernel does not have them. */
  readonly missing: readonly string[]
}

/** Does this kernel have a tracepoint, such as `syscalls/sys_exit_openat`? */
export type HasTracepoint = (name: string) => boolean

/** With more of them the global exit costs everybody less than their tracepoints together take to attach. */
const MANY = 48

/** A set of events this large comes from an exclusion (`evt.type != open`): nobody asks for its plain syscalls. */
const BROAD = 200

const BY_NAME: ReadonlySet<string> = new Set(
  PUBLIC_EVENT_TYPES.filter(({ family }) => family.record !== undefined || family.byName === true).map(
    ({ name }) => name,
  ),
)

const PLAIN: ReadonlyMap<string, EventType> = new Map(
  PUBLIC_EVENT_TYPES.filter(({ family }) => family.record !== undefined).map((type) => [type.name, type]),
)

/** Events that are attached by name among those that rules name; what rules for every event want is not asked for by name. */
export function askedSyscalls(sets: Iterable<ReadonlySet<string> | '*'>): ReadonlySet<string> {
  const asked = new Set<string>()
  for (const set of sets) {
    if (set === '*' || set.size > BROAD) continue
    for (const name of set) if (BY_NAME.has(name)) asked.add(name)
  }
  return asked
}

/** Events that are attached by name among event types that are all meant. */
export const namedAmong = (events: Iterable<string>): readonly string[] =>
  [...events].filter((name) => BY_NAME.has(name))

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
const spec = ({ name }: { readonly name: string }): ProgramSpec =>
  PROGRAM_SPECS.find((candidate) => candidate.name === name)!

/** The programs at the exit of all syscalls, and at their entry. */
export const ALL_SYSCALLS: ProgramSpec = spec(PLAIN_PROGRAMS.all)
export const ALL_ENTRIES: ProgramSpec = spec(PLAIN_PROGRAMS.entries)

/** What to do about syscalls that this kernel does not have: nothing, or look at the exit of all syscalls for who tries. */
export type MissingMode = 'ignore' | 'watch'

/**
 * Tracepoints where there are some. A kernel that makes them makes them for every call that it has (src/kernel/missing-syscalls.ts),
 * so what has none ends with ENOSYS whoever calls it: who wants to see that pays for the global exit, as does who asks for
 * many calls, or has a kernel that makes none at all.
 */
export function planSyscalls(
  asked: ReadonlySet<string>,
  hasTracepoint: HasTracepoint,
  ofMissing: MissingMode,
): SyscallPlan {
  const entries: string[] = []
  const exits: string[] = []
  const native: number[] = []
  const missing: string[] = []
  const calls = SYSCALLS.filter(({ name }) => asked.has(name) && PLAIN.has(name))
  const many = calls.length > MANY
  for (const call of calls) {
    const { hook, programs } = PLAIN.get(call.name)!
    if (hook === undefined) continue
    const atEntry = programs[0]?.name === PLAIN_PROGRAMS.enter.name
    if (!many || atEntry) {
      if (hasTracepoint(hook)) {
        ;(atEntry ? entries : exits).push(hook)
        continue
      }
      if (ofMissing === 'ignore' && hasTracepoint(A_TRACEPOINT)) {
        missing.push(call.name)
        continue
      }
    }
    const number = call[architecture]
    if (number !== undefined && !atEntry) native.push(number)
  }
  const programs = [
    ...(exits.length > 0 ? [{ ...spec(PLAIN_PROGRAMS.exit), hooks: exits }] : []),
    ...(entries.length > 0 ? [{ ...spec(PLAIN_PROGRAMS.enter), hooks: entries }] : []),
    ...(native.length > 0 ? [spec(PLAIN_PROGRAMS.all)] : []),
  ]
  return { programs, wanted: { native, compat: NO_COMPAT }, missing }
}

/** Words of struct wanted_calls (bpf/programs/generic/syscall.bpf.c), which has five sets of numbers and places. */
const SET_WORDS = CALL_PLACES / 32
export const WANTED_WORDS = 5 * SET_WORDS

/** The bits of that struct, in its order. */
export function wantedBits({ native, compat }: WantedCalls): Uint32Array {
  const bits = new Uint32Array(WANTED_WORDS)
  const sets = [native, compat.exit, compat.plainExit, compat.entry, compat.plainEntry]
  for (const [i, numbers] of sets.entries())
    for (const number of numbers) bits[i * SET_WORDS + (number >> 5)]! |= 1 << (number & 31)
  return bits
}

/** Which programs a set of rules needs: nothing is attached that nobody asks for. */
import { EVENT_TYPES, FAMILIES, type FamilyDecl, type ProgramDecl } from '../../../schema/index.ts'
import { A_TRACEPOINT } from '../../kernel/missing-syscalls.ts'
import { PROGRAM_SPECS, type ProgramSpec } from '../../kernel/objects.ts'
import {
  type HasTracepoint,
  type MissingMode,
  PLAIN_OBJECT,
  planSyscalls,
  type WantedCalls,
} from './syscall-plan.ts'

/** Programs to load from one object file. */
export interface ObjectPlan {
  readonly object: string
  /** Feeds the process table: attached first, before the snapshot. */
  readonly state: boolean
  readonly programs: readonly ProgramSpec[]
  /** Syscalls that its program at the global exit lets through. */
  readonly wanted?: WantedCalls
}

const PLAIN_TYPES = EVENT_TYPES.filter(({ family }) => family.record !== undefined)

/** The program that takes the snapshot of what runs already; it is run, not attached. */
export const SNAPSHOT_PROGRAM: ProgramSpec = PROGRAM_SPECS.find(({ name }) => name === 'dump_task')!

/**
 * Objects and programs for the event types that rules can match, the process table's own included. `*` is every event with
 * a program of its own; plain syscalls, packets and flows are attached where they are asked for by name (`syscalls`).
 */
export function planPrograms(
  events: ReadonlySet<string> | '*',
  syscalls: ReadonlySet<string> = new Set(),
  hasTracepoint: HasTracepoint = () => true,
  ofMissing: MissingMode = 'watch',
): ObjectPlan[] {
  const plain = planSyscalls(syscalls, hasTracepoint, ofMissing)
  const own = [...planOwn(events, syscalls, hasTracepoint), ...planUring(syscalls)]
  if (plain.programs.length === 0) return own
  return [...own, { object: PLAIN_OBJECT, state: false, programs: plain.programs, wanted: plain.wanted }]
}

/** Programs for plain syscalls that io_uring carries out, in an object of their own. */
function planUring(syscalls: ReadonlySet<string>): ObjectPlan[] {
  const programs = PLAIN_TYPES.filter(({ name }) => syscalls.has(name)).flatMap((type) => type.programs)
  const names = new Set(programs.filter(({ object }) => object !== undefined).map(({ name }) => name))
  const specs = PROGRAM_SPECS.filter(({ name }) => names.has(name))
  return specs.length === 0 ? [] : [{ object: specs[0]!.object, state: false, programs: specs }]
}

/**
 * Is this program for the process table? Those at calls tell only of what failed. They would cost every syscall of the
 * machine the kernel's way through tracepoints, for who asks for nothing that needs it.
 */
const feedsState = ({ section }: ProgramDecl): boolean => !section.startsWith('tp/syscalls/')

/**
 * Is this a program at a call that the kernel does not have? Events called after functions of the kernel may come from
 * several calls, and of some a kernel has none.
 */
const atMissingCall = ({ section }: ProgramDecl, hasTracepoint: HasTracepoint): boolean => {
  const hook = section.slice('tp/'.length)
  return section.startsWith('tp/syscalls/') && hasTracepoint(A_TRACEPOINT) && !hasTracepoint(hook)
}

/** Of these events, those of which no program has a place in this kernel. */
export const withoutHooks = (names: ReadonlySet<string>, hasTracepoint: HasTracepoint): readonly string[] =>
  EVENT_TYPES.filter(
    ({ name, family, programs }) =>
      family.byName === true &&
      names.has(name) &&
      programs.length > 0 &&
      programs.every((program) => atMissingCall(program, hasTracepoint)),
  ).map(({ name }) => name)

function planOwn(
  events: ReadonlySet<string> | '*',
  named: ReadonlySet<string>,
  hasTracepoint: HasTracepoint,
): ObjectPlan[] {
  const asked = (family: FamilyDecl, name: string): boolean =>
    family.byName === true ? named.has(name) : events === '*' || events.has(name)
  const wanted = (family: FamilyDecl): readonly ProgramDecl[] =>
    family.events
      .flatMap(({ name, internal, programs }) =>
        !internal && asked(family, name) ? programs : family.state ? programs.filter(feedsState) : [],
      )
      .filter((program) => family.byName !== true || !atMissingCall(program, hasTracepoint))
  const plans = new Map<string, { state: boolean; names: Set<string> }>()
  for (const family of FAMILIES.filter(({ record }) => record === undefined))
    for (const { name, object = family.object } of wanted(family)) {
      const plan = plans.get(object) ?? { state: false, names: new Set<string>() }
      plan.names.add(name)
      plans.set(object, { ...plan, state: plan.state || family.state === true })
    }
  return [...plans]
    .map(([object, { state, names }]) => ({
      object,
      state,
      programs: PROGRAM_SPECS.filter((spec) => names.has(spec.name)),
    }))
    .sort((a, b) => Number(b.state) - Number(a.state))
}

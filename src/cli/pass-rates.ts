/** How much guards let pass on this machine, measured for some seconds. */
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { KEYS } from '../config/keys.ts'
import { Interner } from '../decode/interner.ts'
import type { SyscallContext } from '../fields/context.ts'
import { guardSet } from '../guards/install.ts'
import { createLiveness } from '../guards/live.ts'
import type { GuardPlan } from '../guards/plan.ts'
import { GUARDED_EVENTS } from '../guards/shapes.ts'
import { byProgram, type ProgramCounts } from '../health/ledger.ts'
import { takeHostLock } from '../kernel/host-lock.ts'
import { loadLibbpf } from '../kernel/libbpf.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { KernelSource } from '../sources/kernel/source.ts'
import { UserError } from './command.ts'
import { objectsDirectory } from './package-root.ts'

type Rule = CompiledRule<SyscallContext>

export interface PassRates {
  readonly seconds: number
  /** Calls of each guarded event type that somebody names, as far as it has a program of its own. */
  readonly events: readonly { readonly event: string; readonly seen: number; readonly guarded: number }[]
  /** Events that were let pass for a rule. */
  readonly rules: ReadonlyMap<Rule, number>
  /** Calls of these event types; undefined where one shares its program with others. */
  offered(events: readonly string[]): number | undefined
}

/** Throws UserError where programs cannot be attached, or an agent is at work. */
export async function watchPassRates(plan: GuardPlan, seconds: number): Promise<PassRates> {
  if (process.getuid?.() !== 0) throw new UserError('--live attaches programs to the kernel and needs root')
  const lock = takeHostLock(KEYS['agent.lock_file'].default)
  if ('heldBy' in lock)
    throw new UserError(`an agent runs on this host (pid ${lock.heldBy}): its health records have its counts`)
  try {
    return await watch(plan, seconds)
  } finally {
    lock.release()
  }
}

async function watch(plan: GuardPlan, seconds: number): Promise<PassRates> {
  const liveness = createLiveness()
  const passed = new Map<Rule, number>()
  const wanted = new Set([...plan.rules.keys()].flatMap(({ events }) => (events === '*' ? [] : [...events])))
  const source = new KernelSource({
    lib: loadLibbpf(),
    interner: new Interner(),
    directory: objectsDirectory(),
    events: wanted,
    ringBytes: {
      critical: KEYS['kernel.ring_bytes.critical'].default,
      bulk: KEYS['kernel.ring_bytes.bulk'].default,
    },
    env: false,
    guards: guardSet({
      tables: plan.tables,
      auditEvery: 0,
      begins: (generation) => liveness.add(generation, plan),
    }),
  })
  let failure: unknown
  source.start({
    event(event) {
      const admits = liveness.of(event)
      if (admits === undefined) return
      for (const rule of plan.rules.keys())
        if ((rule.events === '*' || rule.events.has(event.name)) && admits(rule))
          passed.set(rule, (passed.get(rule) ?? 0) + 1)
    },
    gap: () => {},
    clock: () => {},
    users: () => {},
    error: (error) => {
      failure = error
    },
  })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  source.stop()
  if (failure !== undefined) throw failure
  const rules = new Map([...plan.rules.keys()].map((rule) => [rule, passed.get(rule) ?? 0]))
  return ratesOf(seconds, rules, source.ledger())
}

/** The program whose counters are those of one event alone. */
const PROGRAMS: ReadonlyMap<string, string> = new Map(
  PUBLIC_EVENT_TYPES.filter(({ family }) => family.record === undefined).flatMap(({ name, programs }) =>
    programs[0] === undefined ? [] : [[name, programs[0].name]],
  ),
)

/** Calls between two readings of the counters, as far as these events and rules go. */
export function ratesOf(
  seconds: number,
  rules: ReadonlyMap<Rule, number>,
  after: readonly ProgramCounts[],
  before: readonly ProgramCounts[] = [],
): PassRates {
  const [now, then] = [byProgram(after), byProgram(before)]
  const wanted = new Set([...rules.keys()].flatMap(({ events }) => (events === '*' ? [] : [...events])))
  const events = [...GUARDED_EVENTS.keys()]
    .filter((name) => wanted.has(name))
    .flatMap((event) => {
      const program = PROGRAMS.get(event)
      if (program === undefined) return []
      const count = (of: 'seen' | 'guarded'): number =>
        (now.get(program)?.[of] ?? 0) - (then.get(program)?.[of] ?? 0)
      return [{ event, seen: count('seen'), guarded: count('guarded') }]
    })
  const seen = new Map(events.map((counts) => [counts.event, counts.seen]))
  return {
    seconds,
    events,
    rules,
    offered: (names) =>
      names.every((name) => PROGRAMS.has(name) || !GUARDED_EVENTS.has(name))
        ? names.reduce((sum, name) => sum + (seen.get(name) ?? 0), 0)
        : undefined,
  }
}

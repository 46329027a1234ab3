/** What the kernel decides of rules and what is left to user space, in data: for `tarsier rules explain`. */
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { printTest } from '../rules/print-expr.ts'
import { argumentAt } from './arguments.ts'
import { isAlways } from './branches.ts'
import { whyAlwaysSent } from './calls.ts'
import type { Limit } from './limits.ts'
import type { NumberDimension } from './numbers.ts'
import { classBits, countShapes, type GuardPlan } from './plan.ts'
import { GUARDED_EVENTS, type GuardedEvent } from './shapes.ts'
import { createWeakener, type Verdict } from './weaken.ts'

type Rule = CompiledRule<SyscallContext>

export interface ExplainedTest {
  readonly test: string
  /** What the kernel does with it, by event type. */
  readonly verdicts: ReadonlyMap<string, Verdict>
}

export interface ExplainedEvent {
  readonly event: string
  /** False: its program has no guard, every event is sent. */
  readonly guarded: boolean
  /** Why it has none. */
  readonly why?: string
  /** Shapes of the event that the rule may match; of these, how many pass whatever else the event has; and all there are. */
  readonly shapes: number
  readonly open: number
  readonly of: number
  /** Guard classes that an event must have one of. */
  readonly classes: readonly number[]
  /** Where there is less room in the kernel than the rule and others ask for. */
  readonly limits: readonly string[]
}

export interface Explanation {
  readonly rule: Rule
  readonly events: readonly ExplainedEvent[]
  readonly tests: readonly ExplainedTest[]
}

export function explainRule(plan: GuardPlan, rule: Rule): Explanation {
  const weaken = createWeakener<SyscallContext>({ users: plan.users })
  const tests = new Map<string, Map<string, Verdict>>()
  for (const event of GUARDED_EVENTS.values()) {
    if (rule.events !== '*' && !rule.events.has(event.name)) continue
    weaken(rule.condition, event, (test, negated, verdict) => {
      const text = `${negated ? 'not ' : ''}${printTest(test)}`
      const verdicts = tests.get(text) ?? new Map<string, Verdict>()
      tests.set(text, verdicts.set(event.name, verdict))
    })
  }
  return {
    rule,
    events: [...(rule.events === '*' ? GUARDED_EVENTS.keys() : rule.events)]
      .sort()
      .map((name) => explainEvent(plan, rule, name)),
    tests: [...tests].map(([test, verdicts]) => ({ test, verdicts })),
  }
}

function explainEvent(plan: GuardPlan, rule: Rule, name: string): ExplainedEvent {
  const event = GUARDED_EVENTS.get(name)
  if (event === undefined) {
    const why = whyAlwaysSent(name)
    return {
      event: name,
      guarded: false,
      ...(why && { why }),
      shapes: 0,
      open: 0,
      of: 0,
      classes: [],
      limits: [],
    }
  }
  const byShape = plan.rules.get(rule)?.needs.get(name) ?? []
  const bits = classBits(plan, rule, name)
  return {
    event: name,
    guarded: true,
    shapes: countShapes(byShape),
    open: countShapes(byShape.filter(({ branches }) => isAlways(branches))),
    of: event.shapes.length,
    classes: plan.tables.classes.branches.flatMap((_, i) => (((bits >> BigInt(i)) & 1n) === 1n ? [i] : [])),
    limits: [
      ...plan.tables.limits
        .filter((limit) => (limit.event ?? name) === name && (limit.classes & bits) !== 0n)
        .map(limitText),
      ...(loses(rule, event)
        ? [
            'the condition has more alternatives than are told apart: some are taken together, which lets more pass',
          ]
        : []),
    ],
  }
}

/** Are there more alternatives in a condition than are told apart? */
function loses({ condition }: Rule, event: GuardedEvent): boolean {
  let lost = false
  createWeakener<SyscallContext>({
    lost() {
      lost = true
    },
  })(condition, event)
  return lost
}

/** What is looked up in words. */
const DIMENSION_WORDS: Readonly<Record<Exclude<Limit['dimension'], NumberDimension>, string>> = {
  classes: 'bits',
  dirs: 'directories',
  components: 'components of directories',
  bases: 'last components',
  tails: 'endings',
  raws: 'texts',
  comms: 'names of processes',
  uids: 'users',
  containers: 'containers',
  ttys: 'terminals',
  loginuids: 'users of login sessions',
  images: 'paths of executables',
  exes: 'names of executables',
  ancestors: 'names of ancestors',
  ports: 'ports',
  nets: 'networks',
}

/** For people. */
export function limitText({ dimension, event, wanted, room, of }: Limit): string {
  if (dimension === 'classes')
    return `rules ask for ${wanted} ${of}, and there are bits for ${room}: similar ones share a bit, which lets more pass`
  const what =
    dimension in DIMENSION_WORDS
      ? DIMENSION_WORDS[dimension as keyof typeof DIMENSION_WORDS]
      : `evt.arg.${argumentAt(event, dimension as NumberDimension)}`
  return `${what}: rules ask for ${wanted} ${of}, and there is room for ${room}: who asks for the most is not asked here`
}

/** How a rule that takes an event type without asking more could ask more. */
export function hintFor(event: GuardedEvent): string {
  const process = event.nobody
    ? 'an argument (evt.arg.NAME)'
    : 'a process (proc.name, proc.exepath, user.uid, container.id)'
  const { paths } = event
  if (Object.keys(paths).length === 0 && event.ends !== true && !event.name.startsWith('socket'))
    return `name arguments (evt.arg.NAME), evt.failed or ${process}`
  if (event.name.startsWith('socket'))
    return `name an address family (evt.arg.domain contains AF_PACKET) or ${process}`
  if (event.ends === true) return `name a port or address (fd.sport, fd.sip, fd.snet) or ${process}`
  return `name files, directories or endings (fd.name, fd.directory, endswith) or ${process}`
}

/** Tests of a rule that the kernel cannot ask of an event type, with the reason. */
export const leftToUserSpace = (
  { tests }: Explanation,
  event: string,
): readonly { readonly test: string; readonly reason: Verdict }[] =>
  tests.flatMap(({ test, verdicts }) => {
    const verdict = verdicts.get(event)
    return verdict === undefined || IN_KERNEL.has(verdict) ? [] : [{ test, reason: verdict }]
  })

/** Verdicts of tests that the kernel decides or asks for. */
export const IN_KERNEL: ReadonlySet<Verdict> = new Set(['shape', 'path', 'process', 'argument', 'socket'])

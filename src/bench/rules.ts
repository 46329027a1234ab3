/**
 * `tarsier bench rules`: what judging costs. Events made beforehand go through decoder and process table with and without
 * an engine, by turns; the difference is what the rules cost, the decoding of what they ask for included. Beside it, what
 * walking every condition's tree costs.
 */
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { createEngine } from '../detect/engine.ts'
import { holds } from '../detect/reference.ts'
import { containerOf } from '../enrich/container.ts'
import type { SyscallContext } from '../fields/context.ts'
import { createClock } from '../state/clock.ts'
import { createLookup } from '../state/lookup.ts'
import { createProcessTable } from '../state/process-table.ts'
import { createUserDatabase } from '../state/users.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { describeMachine } from './machine.ts'
import type { Goal, Report } from './report.ts'
import { generateRuleSet, loadRuleSet, type Rule, type RuleSet } from './rule-sets.ts'
import { createMix, type Mix } from './rules-mix.ts'
import { median, quantile } from './statistics.ts'

const SIZES = [100, 1000, 5000] as const
/** Shares of events with a string that was never seen. */
const SHARES = [0, 0.05, 0.5] as const
/** ns an event of the user's rules, and how much more ten times the generated rules may cost, at GOAL_SHARE. */
const GOALS = { ownRules: 150, tenfold: 1.5 } as const
const GOAL_SHARE = 0.05

export const rulesBench: Bench = {
  name: 'rules',
  summary: 'what judging an event costs, by number of rules and share of strings never seen before',
  takesRules: true,
  run: runRules,
}

/** How much is measured; the tests take less. */
interface Effort {
  readonly events: number
  /** Rounds before it counts: what has come but once in a while is compiled by then as well. */
  readonly warmup: number
  readonly rounds: number
  /** Passes over the events in a round, on either side: as many as it takes to make garbage that is collected. */
  readonly passes: number
  /** Comparisons of a rule with an event in one run of the reference. */
  readonly walks: number
  /** Longest time for the rounds of one set of rules and share, ms, a third of it for the warm-up; three rounds are measured in any case. */
  readonly budget: number
}
const FULL: Effort = { events: 6000, warmup: 60, rounds: 201, passes: 4, walks: 40_000, budget: 6000 }
const QUICK: Effort = { events: 300, warmup: 2, rounds: 2, passes: 1, walks: 2_000, budget: 100 }
const LEAST_ROUNDS = 3
/** The share of the rounds that count: those that took least, as nobody else needed the machine. */
const CALM = 0.25

/** What was measured of one set of rules at one share of fresh strings; ns an event. */
export interface RulesResult {
  readonly rules: string
  readonly count: number
  readonly fresh: number
  /** Decoder and process table, without rules. */
  readonly baseNs: number
  /** What the engine adds. */
  readonly engineNs: number
  /** The same of all rounds, also of those that do not count because the machine was slow: first quartile, median, third. */
  readonly allNs: readonly [number, number, number]
  readonly referenceNs: number
  /** Findings of one pass over the events, by the engine. */
  readonly findings: number
  readonly predicates: number
}

function runRules({ quick, progress, rules: paths = [] }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const effort = quick ? QUICK : FULL
  const sets = [
    ...(paths.length === 0 ? [] : [loadRuleSet('own rules', paths)]),
    ...(quick ? [20, 200] : SIZES).map(generateRuleSet),
  ]
  const results: RulesResult[] = []
  for (const set of sets)
    for (const share of SHARES) {
      const result = measure(set, share, effort)
      progress(
        `${set.name}, ${share * 100} % fresh: ${result.engineNs.toFixed(0)} ns an event over ${result.baseNs.toFixed(0)}`,
      )
      results.push(result)
    }
  return Promise.resolve(report(machine, sets, results, effort))
}

/** Events with state of their own: what one pass leaves behind, no other sees. */
export class Host {
  readonly #mix: Mix
  readonly #view: EventView
  readonly #table: ReturnType<typeof createProcessTable>
  readonly #context: { -readonly [K in keyof SyscallContext]: SyscallContext[K] }

  constructor(mix: Mix) {
    const interner = new Interner()
    this.#mix = mix
    this.#view = new EventView(interner)
    this.#view.map(mix.memory)
    this.#table = createProcessTable({ interner, containerOf })
    const users = createUserDatabase()
    users.setPasswd('root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n')
    const clock = createClock({ wall: 1_767_225_600_000_000_000n, boot: 0n })
    const lookup = createLookup({ users, clock, interner, hostname: 'bench' })
    this.#context = {
      event: this.#view,
      process: undefined,
      lookup,
      num: 0,
      firstTime: 0,
      previousTime: 0,
      memo: new Map(),
    }
    mix.freshen()
    this.pass(() => {}, 0, mix.warmup)
  }

  /** Decode and apply the events from `from` to `to`, and let `judge` have each. */
  pass(
    judge: (ctx: SyscallContext) => void,
    from = this.#mix.warmup,
    to: number = this.#mix.offsets.length,
  ): void {
    const { offsets, lengths } = this.#mix
    const context = this.#context
    for (let i = from; i < to; i++) {
      this.#view.seek(offsets[i]!, lengths[i]!)
      if (context.memo.size > 0) context.memo.clear()
      context.process = this.#table.apply(this.#view)
      context.num++
      judge(context)
    }
  }

  /** ns of processor time an event of `passes` passes, each with strings of its own. */
  time(judge: (ctx: SyscallContext) => void, passes: number, events?: number): number {
    const { warmup, offsets } = this.#mix
    const end = events === undefined ? offsets.length : Math.min(warmup + events, offsets.length)
    let micros = 0
    for (let i = 0; i < passes; i++) {
      this.#mix.freshen()
      const start = process.cpuUsage()
      this.pass(judge, warmup, end)
      const { user, system } = process.cpuUsage(start)
      micros += user + system
    }
    return (micros * 1000) / passes / (end - warmup)
  }
}

function measure({ name, rules }: RuleSet, fresh: number, effort: Effort): RulesResult {
  const { events, rounds, passes, walks, budget } = effort
  const mix = createMix(events, fresh)
  const engine = createEngine(rules, { matching: 'all', timeOf: ({ event }) => event.time })
  let findings = 0
  const found = (): void => {
    findings++
  }
  const judge = (ctx: SyscallContext): void => engine.run(ctx.event.name, ctx, found)
  const nothing = (): void => {}
  const hosts = { base: new Host(mix), engine: new Host(mix) }
  const base: number[] = []
  const added: number[] = []
  const round = (number: number): void => {
    findings = 0
    const order = number % 2 === 0
    const first = order ? hosts.base.time(nothing, passes) : hosts.engine.time(judge, passes)
    const second = order ? hosts.engine.time(judge, passes) : hosts.base.time(nothing, passes)
    base.push(order ? first : second)
    added.push(order ? second - first : first - second)
  }
  const start = performance.now()
  repeat(effort.warmup, start + budget / 3, round)
  base.length = 0
  added.length = 0
  // What the warm-up left behind is not to be cleared away in the first rounds; what the rounds leave behind is.
  globalThis.gc?.()
  repeat(rounds, start + budget, round)
  // By both sides together: by one of them, luck on that side would be told as cost of the other.
  const totals = base.map((ns, i) => 2 * ns + added[i]!)
  const calm = quantile(totals, CALM)
  const counts = (_: number, i: number): boolean => totals[i]! <= calm
  return {
    rules: name,
    count: rules.length,
    fresh,
    baseNs: median(base.filter(counts)),
    engineNs: median(added.filter(counts)),
    allNs: [quantile(added, 0.25), median(added), quantile(added, 0.75)],
    referenceNs: timeReference(mix, rules, Math.ceil(walks / Math.max(rules.length, 1))),
    findings: findings / passes,
    predicates: engine.statistics.predicates,
  }
}

/** ns an event when every condition of the event's type is walked as it stands, over the first events. */
function timeReference(mix: Mix, rules: readonly Rule[], events: number): number {
  const byEvent = new Map<string, readonly Rule[]>()
  const rulesOf = (event: string): readonly Rule[] => {
    let own = byEvent.get(event)
    if (own === undefined) {
      own = rules.filter((rule) => rule.events === '*' || rule.events.has(event))
      byEvent.set(event, own)
    }
    return own
  }
  const judge = (ctx: SyscallContext): void => {
    for (const rule of rulesOf(ctx.event.name)) holds(rule.condition, ctx)
  }
  const host = new Host(mix)
  return Math.max(host.time(judge, 1, events) - host.time(() => {}, 1, events), 0)
}

/** Up to `rounds` times until `end`, but some in any case. */
function repeat(rounds: number, end: number, round: (number: number) => void): void {
  for (let i = 0; i < rounds && (i < LEAST_ROUNDS || performance.now() < end); i++) round(i)
}

const percent = (share: number): string => `${share * 100} %`

/** Event types of the mix with their shares, most frequent first. */
function composition(events: number): string {
  const { types } = createMix(events, GOAL_SHARE)
  const counts = new Map<string, number>()
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${type} ${percent(Math.round((count / types.length) * 1000) / 1000)}`)
    .join(', ')
}

function report(
  machine: Report['machine'],
  sets: readonly RuleSet[],
  results: readonly RulesResult[],
  effort: Effort,
): Report {
  const skipped = sets.reduce((sum, set) => sum + set.skipped, 0)
  return {
    bench: 'rules',
    title: 'Rules: time to judge an event',
    time: new Date().toISOString(),
    machine,
    method: [
      `${effort.events} events of a developer machine with servers, made up and encoded as the kernel writes them: ${composition(effort.events)}.`,
      `Processor time of the whole process, compiler and garbage collector included, of up to ${effort.rounds} rounds of ${effort.passes} passes with and without rules by turns, after ${effort.warmup} that do not count. Of the rounds, the ${percent(CALM)} count that took least with both sides together: there the machine was least busy with something else. Medians of those; beside them first quartile, median and third quartile of all rounds.`,
      'Rules: what judging adds to decoding and the process table in the same round, the decoding of what rules ask for included. A fresh string is one that no pass before had.',
      'Tree walk: every condition of the event type evaluated as written, over a part of the events.',
      ...(skipped === 0
        ? []
        : [`${skipped} of the own rules need fields or events that are missing here and are left out.`]),
    ],
    tables: [
      {
        title: 'ns an event',
        columns: [
          ...['rules', 'fresh strings', 'decode and state', 'rules', 'in all rounds'],
          ...['tree walk', 'tree walk / rules'],
        ],
        rows: results.map((r) => [
          r.rules === `${r.count} rules` ? r.rules : `${r.rules} (${r.count})`,
          percent(r.fresh),
          r.baseNs.toFixed(0),
          r.engineNs.toFixed(0),
          r.allNs.map((ns) => ns.toFixed(0)).join(' / '),
          r.referenceNs.toFixed(0),
          (r.referenceNs / Math.max(r.engineNs, 1)).toFixed(0),
        ]),
      },
    ],
    goals: goalsOf(sets, results),
    results: { effort, skipped, runs: results },
  }
}

function goalsOf(sets: readonly RuleSet[], results: readonly RulesResult[]): Goal[] {
  const at = (set: RuleSet): number =>
    results.find(({ rules, fresh }) => rules === set.name && fresh === GOAL_SHARE)!.engineNs
  const generated = sets.slice(-SIZES.length).filter(({ name }) => name !== 'own rules')
  const own = sets.find(({ name }) => name === 'own rules')
  const goals: Goal[] = []
  for (const less of generated)
    for (const more of generated)
      if (more.rules.length === less.rules.length * 10)
        goals.push({
          what: `${more.name} against ${less.name}, ${percent(GOAL_SHARE)} fresh`,
          limit: GOALS.tenfold,
          value: at(more) / at(less),
          kind: 'most',
          unit: ' times',
        })
  if (own !== undefined)
    goals.push({
      what: `own rules, ${percent(GOAL_SHARE)} fresh`,
      limit: GOALS.ownRules,
      value: at(own),
      kind: 'most',
      unit: ' ns an event',
    })
  return goals
}

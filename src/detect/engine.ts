/**
 * Judging events: rules by the event types they can match, conditions as trees of predicates that are evaluated at most
 * once for an event. Conditions have no effects, so terms are tried cheapest first.
 */
import type { CompiledRule, EventSet, Expr, Operand, Test } from '../rules/ir.ts'
import { Bag } from './bag.ts'
import { forEvent, Selection } from './narrow.ts'
import { PredicateTable } from './predicates.ts'
import { ThresholdCounter, type ThresholdStatistics } from './threshold.ts'

export interface Engine<C> {
  /** Event types that some rule can match. */
  readonly events: EventSet
  /**
   * Call `found` for each rule that matches, in the order the rules were loaded; with `first` for one at most. Then for
   * the rules with a threshold that is reached now, whatever matched before: they speak of a series, not of this event.
   * Rules that are not admitted are passed over as if they were not loaded.
   */
  run(eventName: string, ctx: C, found: Found<C>, admits?: Admits<C>): void
  /** Call `found` for each rule that matches, whatever matched before. Nothing is counted: to ask is not to judge. */
  ask(eventName: string, ctx: C, found: (rule: CompiledRule<C>) => void): void
  readonly statistics: EngineStatistics
}

/** `count` is what the finding of a rule with a threshold stands for; 0 for other rules. */
export type Found<C> = (rule: CompiledRule<C>, count: number) => void

export type Admits<C> = (rule: CompiledRule<C>) => boolean

export interface EngineStatistics {
  /** Comparisons after equal ones were shared, operands they read, and how many threw so far. */
  readonly predicates: number
  readonly operands: number
  readonly errors: number
  /** Times that what was known of strings was forgotten, because there were too many different answers. */
  readonly resets: number
  /** By rule, of those with a threshold. */
  readonly thresholds: ReadonlyMap<string, ThresholdStatistics>
}

export interface EngineOptions<C> {
  /** Report every rule that matches an event, or only the first. */
  readonly matching: 'all' | 'first'
  /** Time of an event in ns; rules with a threshold need it. */
  readonly timeOf?: (ctx: C) => number
}

type Condition<C> = (ctx: C) => boolean

interface Judged<C> {
  readonly rule: CompiledRule<C>
  /** Place in the order of loading. */
  readonly place: number
  readonly condition: Condition<C>
  /** Of a rule with a threshold. */
  readonly counter: ThresholdCounter<C> | undefined
}

/** Throws RangeError when a rule has a threshold and nobody tells the time. */
export function createEngine<C>(
  rules: readonly CompiledRule<C>[],
  { matching, timeOf }: EngineOptions<C>,
): Engine<C> {
  if (timeOf === undefined) refuseThresholds(rules)
  const table = new PredicateTable<C>()
  const counters = new Map(
    rules.flatMap((rule) => (rule.threshold ? [[rule, new ThresholdCounter(rule.threshold)] as const] : [])),
  )
  const select = (eventName?: string): Selection<C, Judged<C>> => {
    const able = rules.map((rule, place) => ({ rule, place }))
    const entries = able
      .filter(({ rule: { events } }) => events === '*' || (eventName !== undefined && events.has(eventName)))
      .map(({ rule, place }) => {
        // As it is for this event type; undefined is one that no rule names.
        const condition = eventName === undefined ? rule.condition : forEvent(rule.condition, eventName)
        const judged = { rule, place, condition: compile(condition, table), counter: counters.get(rule) }
        return { condition, item: judged }
      })
    return new Selection(entries, table)
  }
  const everywhere = select()
  const names = new Set(rules.flatMap(({ events }) => (events === '*' ? [] : [...events])))
  const index = new Map([...names].map((name) => [name, select(name)]))
  table.start()
  let latest = ''
  let selection = everywhere
  const candidates = new Bag<Judged<C>>()
  const matched = new Bag<Judged<C>>()
  const match = (eventName: string, ctx: C, admits: Admits<C> | undefined): void => {
    matched.clear()
    // The one place where the rules that may match an event are chosen: what is collected here is tried, nothing else.
    if (eventName !== latest) {
      latest = eventName
      selection = index.get(eventName) ?? everywhere
    }
    if (selection.isEmpty) return
    table.nextEvent()
    candidates.clear()
    selection.collect(ctx, candidates)
    for (let i = 0; i < candidates.size; i++) {
      const judged = candidates.items[i]!
      if ((admits === undefined || admits(judged.rule)) && judged.condition(ctx)) matched.add(judged)
    }
  }
  return {
    events: rules.some(({ events }) => events === '*') ? '*' : names,
    run(eventName, ctx, found, admits) {
      match(eventName, ctx, admits)
      if (matched.size > 0)
        tell(matched.sorted(byPlace), matching, found, (counter) => counter.add(ctx, timeOf!(ctx)))
      table.tidy()
    },
    ask(eventName, ctx, found) {
      match(eventName, ctx, undefined)
      for (const { rule } of matched.sorted(byPlace)) found(rule)
      table.tidy()
    },
    get statistics() {
      return {
        predicates: table.size,
        operands: table.groups,
        errors: table.errors,
        resets: table.resets,
        thresholds: new Map([...counters].map(([rule, counter]) => [rule.name, counter.statistics])),
      }
    },
  }
}

const byPlace = <C>(a: Judged<C>, b: Judged<C>): number => a.place - b.place

/** In the order of loading: rules without a threshold, then those whose number is reached. */
function tell<C>(
  matched: readonly Judged<C>[],
  matching: EngineOptions<C>['matching'],
  found: Found<C>,
  count: (counter: ThresholdCounter<C>) => number,
): void {
  for (const { rule, counter } of matched)
    if (counter === undefined) {
      found(rule, 0)
      if (matching === 'first') break
    }
  for (const { rule, counter } of matched) {
    const number = counter === undefined ? 0 : count(counter)
    if (number > 0) found(rule, number)
  }
}

function refuseThresholds<C>(rules: readonly CompiledRule<C>[]): void {
  const rule = rules.find(({ threshold }) => threshold !== undefined)
  if (rule !== undefined)
    throw new RangeError(`rule '${rule.name}' has a threshold, and the engine was given no time`)
}

function compile<C>(expr: Expr<C>, table: PredicateTable<C>): Condition<C> {
  switch (expr.kind) {
    case 'const': {
      const { value } = expr
      return () => value
    }
    case 'not': {
      const inner = compile(expr.item, table)
      return (ctx) => !inner(ctx)
    }
    case 'and':
    case 'or':
      return compileGroup(expr.items, expr.kind === 'and', table)
    case 'test':
      return table.of(expr).holds
    default:
      return expr satisfies never
  }
}

/** `and` stops at the first false term, `or` at the first true one. */
function compileGroup<C>(
  items: readonly Expr<C>[],
  conjunction: boolean,
  table: PredicateTable<C>,
): Condition<C> {
  const terms = items
    .map((item) => ({ cost: costOf(item), run: compile(item, table) }))
    .sort((a, b) => a.cost - b.cost)
    .map(({ run }) => run)
  return (ctx) => {
    for (let i = 0; i < terms.length; i++) if (terms[i]!(ctx) !== conjunction) return !conjunction
    return conjunction
  }
}

const FIELD_COST = { free: 1, state: 3, derived: 8 } as const
/** What a rule excludes rules out little, so it is asked last, when what it looks for is there. */
const EXCEPTION_COST = 100

/** A guess at what an expression costs, only good for ordering. */
function costOf<C>(expr: Expr<C>): number {
  switch (expr.kind) {
    case 'const':
      return 0
    case 'not':
      return costOf(expr.item) + EXCEPTION_COST
    case 'and':
    case 'or':
      return expr.items.reduce((sum, item) => sum + costOf(item), 1)
    case 'test':
      return testCost(expr)
    default:
      return expr satisfies never
  }
}

const testCost = <C>({ left, right }: Test<C>): number =>
  operandCost(left) + (Array.isArray(right) ? 0 : operandCost(right as Operand<C>))

const operandCost = <C>(operand: Operand<C>): number =>
  operand.kind === 'field' ? FIELD_COST[operand.def.cost] : 20

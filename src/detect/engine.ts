/**
 * Judging events: rules by the event types they can match, conditions as trees of predicates that are evaluated at most
 * once for an event. Conditions have no effects, so terms are tried cheapest first.
 */
import type { CompiledRule, EventSet, Expr, Operand, Test } from '../rules/ir.ts'
import { forEvent, Narrower } from './narrow.ts'
import { PredicateTable } from './predicates.ts'
import { ThresholdCounter, type ThresholdStatistics } from './threshold.ts'

export interface Engine<C> {
  /** Event types that some rule can match. */
  readonly events: EventSet
  /**
   * Call `found` for each rule that matches, in the order the rules were loaded; with `first` for one at most. Then for
   * the rules with a threshold that is reached now, whatever matched before: they speak of a series, not of this event.
   */
  run(eventName: string, ctx: C, found: Found<C>): void
  readonly statistics: EngineStatistics
}

/** `count` is what the finding of a rule with a threshold stands for; 0 for other rules. */
export type Found<C> = (rule: CompiledRule<C>, count: number) => void

export interface EngineStatistics {
  /** Comparisons after equal ones were shared, operands they read, and how many threw so far. */
  readonly predicates: number
  readonly operands: number
  readonly errors: number
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
  readonly condition: Condition<C>
  /** Of a rule with a threshold. */
  readonly counter: ThresholdCounter<C> | undefined
}

/** Rules that one event type can match. */
interface Candidates<C> {
  readonly plain: Narrower<C, Judged<C>>
  readonly counting: readonly Judged<C>[]
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
  const candidates = (eventName?: string): Candidates<C> => {
    const able = rules.filter(
      ({ events }) => events === '*' || (eventName !== undefined && events.has(eventName)),
    )
    return candidatesOf(able, eventName, table, counters)
  }
  const everywhere = candidates()
  const names = new Set(rules.flatMap(({ events }) => (events === '*' ? [] : [...events])))
  const index = new Map([...names].map((name) => [name, candidates(name)]))
  table.seal()
  const all = matching === 'all'
  return {
    events: rules.some(({ events }) => events === '*') ? '*' : names,
    run(eventName, ctx, found) {
      const { plain, counting } = index.get(eventName) ?? everywhere
      table.nextEvent()
      for (const { rule, condition } of plain.select(ctx))
        if (condition(ctx)) {
          found(rule, 0)
          if (!all) break
        }
      for (const { rule, condition, counter } of counting) {
        const count = condition(ctx) ? counter!.add(ctx, timeOf!(ctx)) : 0
        if (count > 0) found(rule, count)
      }
    },
    get statistics() {
      return {
        predicates: table.size,
        operands: table.groups,
        errors: table.errors,
        thresholds: new Map([...counters].map(([rule, counter]) => [rule.name, counter.statistics])),
      }
    },
  }
}

function refuseThresholds<C>(rules: readonly CompiledRule<C>[]): void {
  const rule = rules.find(({ threshold }) => threshold !== undefined)
  if (rule !== undefined)
    throw new RangeError(`rule '${rule.name}' has a threshold, and the engine was given no time`)
}

/** Rules in load order, their conditions as they are for this event type (undefined: one that no rule names). */
function candidatesOf<C>(
  rules: readonly CompiledRule<C>[],
  eventName: string | undefined,
  table: PredicateTable<C>,
  counters: ReadonlyMap<CompiledRule<C>, ThresholdCounter<C>>,
): Candidates<C> {
  const entries = rules.map((rule) => {
    const condition = eventName === undefined ? rule.condition : forEvent(rule.condition, eventName)
    return { condition, item: { rule, condition: compile(condition, table), counter: counters.get(rule) } }
  })
  return {
    plain: new Narrower(
      entries.filter(({ item }) => item.counter === undefined),
      table,
    ),
    counting: entries.flatMap(({ item }) => (item.counter === undefined ? [] : [item])),
  }
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
    case 'test': {
      const id = table.add(expr)
      return (ctx) => table.holds(id, ctx)
    }
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

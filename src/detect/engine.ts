/**
 * Judging events: rules by the event types they can match, conditions as trees of predicates that are evaluated at most
 * once for an event. Conditions have no effects, so terms are tried cheapest first.
 */
import type { CompiledRule, EventSet, Expr, Operand, Test } from '../rules/ir.ts'
import { PredicateTable } from './predicates.ts'

export interface Engine<C> {
  /** Event types that some rule can match. */
  readonly events: EventSet
  /** Call `found` for each rule that matches, in the order the rules were loaded; with `first` for one at most. */
  run(eventName: string, ctx: C, found: (rule: CompiledRule<C>) => void): void
  /** Comparisons after equal ones were shared, operands they read, and how many threw so far. */
  readonly statistics: { readonly predicates: number; readonly operands: number; readonly errors: number }
}

export interface EngineOptions {
  /** Report every rule that matches an event, or only the first. */
  readonly matching: 'all' | 'first'
}

type Condition<C> = (ctx: C) => boolean

interface Judged<C> {
  readonly rule: CompiledRule<C>
  readonly condition: Condition<C>
}

export function createEngine<C>(rules: readonly CompiledRule<C>[], { matching }: EngineOptions): Engine<C> {
  const table = new PredicateTable<C>()
  const judged = rules.map((rule) => ({ rule, condition: compile(rule.condition, table) }))
  table.seal()
  const everywhere = judged.filter(({ rule }) => rule.events === '*')
  const index = indexByEvent(judged)
  const all = matching === 'all'
  return {
    events: everywhere.length > 0 ? '*' : new Set(index.keys()),
    run(eventName, ctx, found) {
      const candidates = index.get(eventName) ?? everywhere
      if (candidates.length === 0) return
      table.nextEvent()
      for (const { rule, condition } of candidates)
        if (condition(ctx)) {
          found(rule)
          if (!all) return
        }
    },
    get statistics() {
      return { predicates: table.size, operands: table.groups, errors: table.errors }
    },
  }
}

/** Rules of each event type that is named somewhere, those that name none included, in load order. */
function indexByEvent<C>(judged: readonly Judged<C>[]): Map<string, Judged<C>[]> {
  const index = new Map<string, Judged<C>[]>()
  for (const { rule } of judged)
    if (rule.events !== '*') for (const event of rule.events) if (!index.has(event)) index.set(event, [])
  for (const entry of judged)
    for (const [event, list] of index)
      if (entry.rule.events === '*' || entry.rule.events.has(event)) list.push(entry)
  return index
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

/**
 * Judging while an answer is on its way. A rule that asks for the image of a container nobody has told of yet can neither
 * be called matching nor not matching: an exception (`not container.image.repository in (...)`) would let everything
 * through, a demand (`container.privileged = true`) nothing. So its condition is weakened to what is known, everything
 * else taken as possible, and a rule that may match is undecided until the answer comes.
 */
import type { Enrichment } from '../fields/field.ts'
import { enrichmentsOf, testNeeds } from '../rules/fields-used.ts'
import type { CompiledRule, Expr } from '../rules/ir.ts'
import { type Admits, createEngine, type Engine } from './engine.ts'

/** Whose answers are missing, as bits. */
export const MISSING: Readonly<Record<Enrichment, number>> = { containers: 1, names: 2 }

/** What can be judged of an event now, and what has to wait. */
export interface Split<C> {
  readonly now: Admits<C>
  /** `decided`: a rule without a threshold was found to match now. */
  later(decided: boolean): Admits<C>
}

export class Undecided<C> {
  readonly #rules: readonly CompiledRule<C>[]
  readonly #places: ReadonlyMap<CompiledRule<C>, number>
  readonly #needs: ReadonlyMap<CompiledRule<C>, number>
  readonly #first: boolean
  /** Made when it is first needed: on most hosts that is never. */
  readonly #engines = new Map<
    number,
    { readonly engine: Engine<C>; readonly original: Map<CompiledRule<C>, CompiledRule<C>> }
  >()

  constructor(rules: readonly CompiledRule<C>[], matching: 'all' | 'first') {
    this.#rules = rules
    this.#first = matching === 'first'
    this.#places = new Map(rules.map((rule, place) => [rule, place]))
    this.#needs = new Map(rules.map((rule) => [rule, bitsOf(rule)]))
  }

  /** Does the rule read what somebody outside has to be asked for? `missing` are bits of MISSING. */
  reads(rule: CompiledRule<C>, missing: number): boolean {
    return ((this.#needs.get(rule) ?? 0) & missing) !== 0
  }

  /** Undefined when all can be judged now, because no rule that needs what is missing can match. */
  split(eventName: string, ctx: C, missing: number): Split<C> | undefined {
    const { engine, original } = this.#engineFor(missing)
    const undecided = new Set<CompiledRule<C>>()
    engine.run(eventName, ctx, (rule) => undecided.add(original.get(rule)!))
    if (undecided.size === 0) return undefined
    if (!this.#first)
      return { now: (rule) => !undecided.has(rule), later: () => (rule) => undecided.has(rule) }
    // The first rule that matches is reported: those behind an undecided one have to wait with it.
    let stop = Number.POSITIVE_INFINITY
    for (const rule of undecided)
      if (rule.threshold === undefined) stop = Math.min(stop, this.#places.get(rule)!)
    const isBefore = (rule: CompiledRule<C>): boolean => this.#places.get(rule)! < stop
    return {
      now: (rule) => (rule.threshold === undefined ? isBefore(rule) : !undecided.has(rule)),
      later: (decided) => (rule) =>
        rule.threshold === undefined ? !decided && !isBefore(rule) : undecided.has(rule),
    }
  }

  #engineFor(missing: number): {
    readonly engine: Engine<C>
    readonly original: Map<CompiledRule<C>, CompiledRule<C>>
  } {
    let known = this.#engines.get(missing)
    if (known === undefined) {
      const original = new Map<CompiledRule<C>, CompiledRule<C>>()
      for (const rule of this.#rules)
        if (this.reads(rule, missing)) {
          const { threshold: _, ...plain } = rule
          original.set({ ...plain, condition: possible(rule.condition, missing, false) }, rule)
        }
      known = { engine: createEngine([...original.keys()], { matching: 'all' }), original }
      this.#engines.set(missing, known)
    }
    return known
  }
}

const bitsOf = <C>(rule: CompiledRule<C>): number =>
  [...enrichmentsOf(rule)].reduce((bits, one) => bits | MISSING[one], 0)

const TRUE = { kind: 'const', value: true } as const

/** True whenever the condition may be, whatever the missing values are. Negations are pushed down to the tests. */
export function possible<C>(expr: Expr<C>, missing: number, negated: boolean): Expr<C> {
  switch (expr.kind) {
    case 'const':
      return { kind: 'const', value: expr.value !== negated }
    case 'not':
      return possible(expr.item, missing, !negated)
    case 'and':
    case 'or':
      return {
        kind: (expr.kind === 'and') !== negated ? 'and' : 'or',
        items: expr.items.map((item) => possible(item, missing, negated)),
      }
    case 'test':
      if (testNeeds(expr, (one) => (MISSING[one] & missing) !== 0)) return TRUE
      return negated ? { kind: 'not', item: expr } : expr
    default:
      return expr satisfies never
  }
}

/**
 * Few rules have anything to say about a given event: of all that look at opens, hardly one names this path. So each
 * condition is weakened to what follows from one operand alone, everything else taken as true, and which rules are left
 * is remembered on the interned string: a path that was seen before costs one look-up, however many rules there are.
 *
 * This is sound because a weakened condition is true whenever the condition is; it only decides what need not be tried.
 */
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import type { Expr, FieldRef, Literal, Test } from '../rules/ir.ts'
import { literalTest } from '../rules/operators/index.ts'
import { operandKey, type PredicateTable, type SEVERAL } from './predicates.ts'

export interface Entry<C, T> {
  readonly condition: Expr<C>
  readonly item: T
}

type TextTest<C> = Test<C> & { readonly left: FieldRef<C>; readonly right: readonly Literal[] }
/** A weakened condition: is it true of this text (undefined: the field is absent)? */
type OfText = (text: Str | undefined) => boolean
/** Makes the test of a present value. */
type TestOf<C> = (test: TextTest<C>) => (value: Value) => boolean

const evaluated = <C>({ left, op, modifier, right }: TextTest<C>): ((value: Value) => boolean) =>
  literalTest(op, modifier, right, left.def.type)

/** The same condition with `evt.type` decided: rules are judged by event type, so it is known. */
export function forEvent<C>(expr: Expr<C>, eventName: string): Expr<C> {
  const name = new Str(eventName)
  return rewrite(expr, false, (test, negated) => {
    if (!isTextTest(test) || test.left.def.name !== 'evt.type')
      return negated ? { kind: 'not', item: test } : test
    return constant(evaluated(test)(name) !== negated)
  })
}

/** What remains of a condition when all tests that are not kept are taken as true. */
export const weaken = <C>(expr: Expr<C>, keep: (test: TextTest<C>) => boolean): Expr<C> =>
  rewrite(expr, false, (test, negated) => {
    if (!isTextTest(test) || !keep(test)) return constant(true)
    return negated ? { kind: 'not', item: test } : test
  })

const constant = (value: boolean): { readonly kind: 'const'; readonly value: boolean } => ({
  kind: 'const',
  value,
})

/** Negations pushed down to the tests, each test replaced by what `leaf` says, constants folded. */
function rewrite<C>(
  expr: Expr<C>,
  negated: boolean,
  leaf: (test: Test<C>, negated: boolean) => Expr<C>,
): Expr<C> {
  switch (expr.kind) {
    case 'const':
      return constant(expr.value !== negated)
    case 'not':
      return rewrite(expr.item, !negated, leaf)
    case 'test':
      return leaf(expr, negated)
    case 'and':
    case 'or': {
      const conjunction = (expr.kind === 'and') !== negated
      const items = expr.items
        .map((item) => rewrite(item, negated, leaf))
        .filter((item) => item.kind !== 'const' || item.value !== conjunction)
      if (items.some((item) => item.kind === 'const')) return constant(!conjunction)
      if (items.length === 0) return constant(conjunction)
      return items.length === 1 ? items[0]! : { kind: conjunction ? 'and' : 'or', items }
    }
    default:
      return expr satisfies never
  }
}

/** A test of one textual field with fixed values: it can be decided from the text. */
function isTextTest<C>(test: Test<C>): test is TextTest<C> {
  const { left, right } = test
  return left.kind === 'field' && !left.def.list && isText(left) && Array.isArray(right)
}
const isText = <C>({ def }: FieldRef<C>): boolean => def.type === 'string' || def.type === 'path'

function ofText<C>(expr: Expr<C>, testOf: TestOf<C>): OfText {
  switch (expr.kind) {
    case 'const':
      return () => expr.value
    case 'not': {
      const inner = ofText(expr.item, testOf)
      return (text) => !inner(text)
    }
    case 'and': {
      const items = expr.items.map((item) => ofText(item, testOf))
      return (text) => items.every((item) => item(text))
    }
    case 'or': {
      const items = expr.items.map((item) => ofText(item, testOf))
      return (text) => items.some((item) => item(text))
    }
    case 'test': {
      const test = testOf(expr as TextTest<C>)
      return (text) => text !== undefined && test(text)
    }
    default:
      return expr satisfies never
  }
}

/** Picks, among conditions judged together, those that can hold for the current event. */
export class Narrower<C, T> {
  readonly #items: readonly T[]
  readonly #table: PredicateTable<C>
  /** Reads the operand that tells most, undefined when none tells anything. */
  readonly #read: ((ctx: C) => Value | undefined | typeof SEVERAL) | undefined
  readonly #tests: readonly OfText[] = []
  readonly #slot: number = 0
  /** Selections made so far; strings remember the index of theirs. Equal ones are one. */
  readonly #selections: (readonly T[])[] = []
  readonly #known = new Map<string, number>()
  #ofAbsent: readonly T[] | undefined

  constructor(entries: readonly Entry<C, T>[], table: PredicateTable<C>) {
    this.#items = entries.map(({ item }) => item)
    this.#table = table
    const pivot = choosePivot(entries)
    if (pivot === undefined) return
    const key = operandKey(pivot)
    this.#read = table.single(pivot)
    this.#slot = table.newSlot()
    const testOf: TestOf<C> = (test) => (test.op === 'exists' ? () => true : table.ofValue(test))
    this.#tests = entries.map(({ condition }) =>
      ofText(
        weaken(condition, ({ left }) => operandKey(left) === key),
        testOf,
      ),
    )
  }

  /** In the order of the entries. */
  select(ctx: C): readonly T[] {
    if (this.#read === undefined) return this.#items
    const value = this.#read(ctx)
    if (value === undefined) {
      this.#ofAbsent ??= this.#selections[this.#selectionOf(undefined)]!
      return this.#ofAbsent
    }
    if (!(value instanceof Str)) return this.#items
    const marks = this.#table.marksOf(value)
    let mark = marks[this.#slot]
    if (mark === undefined) {
      mark = Uint32Array.of(this.#selectionOf(value))
      marks[this.#slot] = mark
    }
    return this.#selections[mark[0]!]!
  }

  #selectionOf(text: Str | undefined): number {
    const chosen = this.#tests.map((test) => this.#mayHold(test, text))
    const key = chosen.map(Number).join('')
    let index = this.#known.get(key)
    if (index === undefined) {
      index = this.#selections.length
      this.#known.set(key, index)
      this.#selections.push(this.#items.filter((_, i) => chosen[i]))
    }
    return index
  }

  /** A test that throws decides nothing. */
  #mayHold(test: OfText, text: Str | undefined): boolean {
    try {
      return test(text)
    } catch {
      return true
    }
  }
}

/** The field whose tests alone can rule out the most conditions. */
function choosePivot<C, T>(entries: readonly Entry<C, T>[]): FieldRef<C> | undefined {
  const fields = new Map<string, FieldRef<C>>()
  for (const { condition } of entries)
    weaken(condition, ({ left }) => {
      fields.set(operandKey(left), left)
      return true
    })
  let best: { field: FieldRef<C>; count: number } | undefined
  for (const [key, field] of fields) {
    const restricted = entries.filter(
      ({ condition }) => weaken(condition, ({ left }) => operandKey(left) === key).kind !== 'const',
    )
    if (restricted.length > (best?.count ?? 0)) best = { field, count: restricted.length }
  }
  return best?.field
}

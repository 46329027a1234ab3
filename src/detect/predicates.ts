/**
 * Predicates: every distinct comparison (operand, operator, values) exists once, whatever number of rules uses it, and is
 * a bit of its operand. A string is asked for all bits of an operand together (see matchers.ts), once: the answer hangs on
 * the interned string, so a list of any length costs one bit test. What no matcher decides (regular expressions, the
 * harder globs, comparisons of two operands) is tried when a rule needs it, over text once for each string.
 */
import { KnownPaths } from '../decode/known-paths.ts'
import { Str } from '../decode/str.ts'
import type { Value, ValueType } from '../fields/field.ts'
import type { Literal, Operand, Operator, Test } from '../rules/ir.ts'
import {
  listTest,
  literalTest,
  operandType,
  type ValueTest,
  valueListTest,
  valueTest,
} from '../rules/operators/index.ts'
import type { Pattern } from '../rules/operators/many.ts'
import { exactPatterns, neededPatterns } from '../rules/operators/patterns.ts'
import type { Answer } from './answers.ts'
import { markOf, setMark } from './marks.ts'
import type { BitRule } from './matchers.ts'
import { Group, type Judging } from './operands.ts'

export interface Predicate<C> {
  readonly group: Group<C>
  /** Does it hold for the current event? What throws is counted and false. */
  readonly holds: (ctx: C) => boolean
  /** What an answer of the group says of it; undefined when the answer does not decide it. */
  readonly decide: ((answer: Answer) => boolean) | undefined
  /** Bits of the group that are all true whenever it holds. */
  readonly needs: readonly number[]
}

/** Answers kept before all are forgotten: hostile strings must not fill memory. */
const ANSWERS_MAX = 65536
const OWNERS_MAX = 32768

/** The predicates of one set of rules. A new set has a new table, and strings forget what the old one found. */
export class PredicateTable<C> {
  readonly #judging: Judging = { event: 0, errors: 0, era: {}, answers: 0 }
  readonly #groups = new Map<string, Group<C>>()
  readonly #predicates = new Map<string, Predicate<C>>()
  readonly #ofTest = new Map<Test<C>, Predicate<C>>()
  /** What is left of rules for events that look alike, by numbers of those who keep it. */
  readonly knownPaths = new KnownPaths<object>()
  #owners = 0
  /** Times that all answers were forgotten. */
  resets = 0

  get size(): number {
    return this.#predicates.size
  }
  get groups(): number {
    return this.#groups.size
  }
  get errors(): number {
    return this.#judging.errors
  }
  /** Number of the current event. */
  get event(): number {
    return this.#judging.event
  }
  /** Changes when answers known so far are void. */
  get era(): object {
    return this.#judging.era
  }

  /** The predicate of a test, shared by equal tests. New ones before `start`. */
  of(test: Test<C>): Predicate<C> {
    const known = this.#ofTest.get(test)
    if (known !== undefined) return known
    const key = `${operandKey(test.left)} ${test.op} ${test.modifier ?? ''} ${rightKey(test.right)}`
    let predicate = this.#predicates.get(key)
    if (predicate === undefined) {
      predicate = this.#make(test)
      this.#predicates.set(key, predicate)
    }
    this.#ofTest.set(test, predicate)
    return predicate
  }

  /** A number for one who keeps what is left in `knownPaths`; undefined when there are none any more. */
  owner(): number | undefined {
    return this.#owners < OWNERS_MAX ? this.#owners++ : undefined
  }

  /** To be called when all predicates are in. */
  start(): void {
    for (const group of this.#groups.values()) group.start()
  }

  /** A new event: nothing is known about it. */
  nextEvent(): void {
    this.#judging.event++
  }

  /** Forget all answers when there are too many. Not while an event is judged. */
  tidy(): void {
    if (this.#judging.answers <= ANSWERS_MAX) return
    this.#judging.era = {}
    this.#judging.answers = 0
    this.resets++
    this.knownPaths.clear()
    this.start()
  }

  #make(test: Test<C>): Predicate<C> {
    const group = this.#groupOf(test.left)
    const literals = isLiterals(test.right) ? test.right : undefined
    if (literals === undefined)
      return this.#alone(
        group,
        this.#compareOperands(group, this.#groupOf(test.right as Operand<C>), test.op),
      )
    if (test.op === 'exists') {
      if (group.matcher === undefined || group.severalReadings)
        return this.#alone(group, (ctx) => group.value(ctx) !== undefined)
      return {
        group,
        holds: (ctx) => group.answer(ctx).present,
        decide: ({ present }) => present,
        needs: [],
      }
    }
    const { type } = operandType(test.left)
    if (group.matcher === undefined) {
      const holds = listTest(test.op, literals, type)
      return this.#alone(group, (ctx) => {
        const value = group.value(ctx)
        return value !== undefined && holds(asList(value))
      })
    }
    return isText(type) ? this.#ofText(group, test, literals) : this.#ofNumbers(group, test, literals)
  }

  /** A predicate that is evaluated by itself, once for an event. */
  #alone(group: Group<C>, evaluate: (ctx: C) => boolean, needs: readonly number[] = []): Predicate<C> {
    const judging = this.#judging
    let event = -1
    let result = false
    const holds = (ctx: C): boolean => {
      if (event === judging.event) return result
      event = judging.event
      result = false
      try {
        result = evaluate(ctx)
      } catch {
        judging.errors++
      }
      return result
    }
    return { group, holds, decide: undefined, needs }
  }

  #ofText(group: Group<C>, { op, modifier, left }: Test<C>, literals: readonly Literal[]): Predicate<C> {
    const patterns = exactPatterns(op, modifier, literals)
    const key = `${op === '!=' ? '=' : op} ${modifier ?? ''} ${rightKey(literals)}`
    if (patterns !== undefined)
      return ofBit(
        group,
        group.bit(key, () => bitOf({ patterns })),
        op,
      )
    const needs = neededPatterns(op, modifier, literals).map((patterns) =>
      group.bit(`needs ${keyOf(patterns)}`, () => bitOf({ patterns })),
    )
    const test = literalTest(op, modifier, literals, operandType(left).type)
    const evaluate = quantified(group, this.#remembered(group, test), isNegative(op))
    if (needs.length === 0) return this.#alone(group, evaluate)
    return this.#alone(group, (ctx) => group.answer(ctx).all(needs) && evaluate(ctx), needs)
  }

  #ofNumbers(group: Group<C>, { op, modifier, left }: Test<C>, literals: readonly Literal[]): Predicate<C> {
    const { type } = operandType(left)
    if (modifier !== undefined)
      return this.#alone(group, quantified(group, literalTest(op, modifier, literals, type), isNegative(op)))
    const positive = op === '!=' ? '=' : op
    const test = literalTest(positive, undefined, literals, type)
    const rule = (): BitRule => {
      if (!isOrder(positive)) return bitOf({ test, equals: literals.map(({ value }) => value as Value) })
      const { text } = literals[0]!
      return bitOf({ test, limits: [type === 'time' || type === 'duration' ? BigInt(text) : Number(text)] })
    }
    return ofBit(group, group.bit(`${positive} ${rightKey(literals)}`, rule), op)
  }

  #compareOperands(left: Group<C>, right: Group<C>, op: Operator): (ctx: C) => boolean {
    if (left.list || right.list) {
      const holds = valueListTest(op)
      return (ctx) => {
        const a = left.value(ctx)
        const b = right.value(ctx)
        return a !== undefined && b !== undefined && holds(asList(a), asList(b))
      }
    }
    const holds = valueTest(op, operandType(left.operand).type)
    return (ctx) => {
      const b = right.value(ctx) as Value | undefined
      if (b === undefined) return false
      return quantified(left, (a) => holds(a, b), isNegative(op))(ctx)
    }
  }

  /**
   * A test of text whose answers hang on the string: two bits for each such predicate of the group, "asked" and "holds".
   * Bits are filled when they are first asked for, so a string that is seen once costs no more than it must.
   */
  #remembered(group: Group<C>, test: ValueTest): ValueTest {
    const judging = this.#judging
    const place = group.singles++
    const word = place >> 4
    const asked = 1 << ((place & 15) * 2)
    const holds = asked << 1
    // The group's own mark is its answer.
    const key = group.remembered
    return (value) => {
      if (!(value instanceof Str)) return test(value)
      let marks = markOf(value, key, judging.era) as Uint32Array | undefined
      if (marks === undefined) {
        marks = new Uint32Array((group.singles + 15) >> 4)
        setMark(value, key, judging.era, marks)
      }
      const known = marks[word]!
      if ((known & asked) !== 0) return (known & holds) !== 0
      const result = test(value)
      marks[word] = known | asked | (result ? holds : 0)
      return result
    }
  }

  #groupOf(operand: Operand<C>): Group<C> {
    const key = operandKey(operand)
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = new Group(operand, this.#judging)
      this.#groups.set(key, group)
    }
    return group
  }
}

const never = (): boolean => false
const bitOf = (rule: Partial<BitRule>): BitRule => ({
  patterns: [],
  test: never,
  equals: [],
  limits: [],
  ...rule,
})

const keyOf = (patterns: readonly Pattern[]): string =>
  patterns.map(({ kind, text }) => `${kind}${JSON.stringify(text)}`).join(' ')

/** The predicate of a bit; `!=` is the bit of `=` the other way round. */
function ofBit<C>(group: Group<C>, bit: number, op: Operator): Predicate<C> {
  if (!isNegative(op))
    return {
      group,
      holds: (ctx) => group.answer(ctx).some(bit),
      decide: (answer) => answer.some(bit),
      needs: [bit],
    }
  const decide =
    group.negative === 'all'
      ? (answer: Answer) => answer.present && !answer.some(bit)
      : (answer: Answer) => answer.present && !answer.every(bit)
  return { group, holds: (ctx) => decide(group.answer(ctx)), decide, needs: [] }
}

/** A test over every reading of a value: some for a positive operator, all (or some, see `negative`) for a negative one. */
function quantified<C>(group: Group<C>, test: ValueTest, negative: boolean): (ctx: C) => boolean {
  const all = negative && group.negative === 'all'
  return (ctx) => {
    const readings = group.readings(ctx)
    if (readings === undefined) {
      const value = group.value(ctx)
      return value !== undefined && test(value as Value)
    }
    for (const reading of readings) if (test(reading) !== all) return !all
    return all && readings.length > 0
  }
}

const isText = (type: ValueType): boolean => type === 'string' || type === 'path' || type === 'buffer'
const isNegative = (op: Operator): boolean => op === '!='
const isOrder = (op: Operator): boolean => op === '<' || op === '<=' || op === '>' || op === '>='
const asList = (value: Value | readonly Value[]): readonly Value[] =>
  Array.isArray(value) ? value : [value as Value]
const isLiterals = <C>(right: readonly Literal[] | Operand<C>): right is readonly Literal[] =>
  Array.isArray(right)
/** Equal for operands that always have the same value. */
export function operandKey<C>(operand: Operand<C>): string {
  const arg = operand.arg === undefined ? '' : `[${JSON.stringify(operand.arg)}]`
  if (operand.kind === 'field') return `${operand.def.name}${arg}`
  return `${operand.name}(${operand.args.map(argumentKey).join(',')})${arg}`
}

function argumentKey<C>(arg: unknown): string {
  if (Array.isArray(arg)) return `(${arg.map(argumentKey).join(',')})`
  const node = arg as Operand<C> | Literal
  // A number and its text are different arguments of a transformer.
  return 'kind' in node ? operandKey(node) : `${typeof node.value}:${JSON.stringify(node.text)}`
}

const rightKey = <C>(right: readonly Literal[] | Operand<C>): string =>
  isLiterals(right) ? `(${right.map(argumentKey).join(',')})` : `val(${operandKey(right)})`

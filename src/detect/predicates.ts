/**
 * Predicates: every distinct comparison (operand, operator, values) exists once, whatever number of rules uses it, and is
 * evaluated at most once for an event. Over text it is evaluated once for each distinct string: the answers hang on the
 * interned string as bits, so a list of any length costs one bit test.
 */
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import type { FieldRef, Literal, Operand, Operator, Test } from '../rules/ir.ts'
import {
  listTest,
  literalTest,
  operandType,
  operandValue,
  valueListTest,
  valueTest,
} from '../rules/operators/index.ts'

/** Stands for an operand with several readings. */
export const SEVERAL: unique symbol = Symbol('several')

type Test1 = (value: Value) => boolean
type Values = Value | readonly Value[] | undefined

/** What the predicates of one operand have in common: its values, read at most once for an event. */
class Group<C> {
  readonly operand: Operand<C>
  readonly index: number
  readonly list: boolean
  /** Predicates of this group with a bit, so far. */
  bits = 0
  #epoch = -1
  #value: Values
  #candidates: readonly Value[] | undefined
  #candidatesEpoch = -1

  constructor(operand: Operand<C>, index: number) {
    this.operand = operand
    this.index = index
    this.list = operandType(operand).list
  }

  value(ctx: C, epoch: number): Values {
    if (this.#epoch !== epoch) {
      // Noted first: an extractor that throws is not asked again for this event.
      this.#epoch = epoch
      this.#value = undefined
      this.#value =
        this.operand.kind === 'field'
          ? this.operand.extractor.get(ctx)
          : operandValue(this.operand, (field: FieldRef<C>) => field.extractor.get(ctx))
    }
    return this.#value
  }

  /** All readings of a field that has several; undefined for the others. */
  candidates(ctx: C, epoch: number): readonly Value[] | undefined {
    if (this.operand.kind !== 'field' || this.operand.extractor.candidates === undefined) return undefined
    if (this.#candidatesEpoch !== epoch) {
      this.#candidatesEpoch = epoch
      this.#candidates = []
      this.#candidates = this.operand.extractor.candidates(ctx)
    }
    return this.#candidates
  }

  /** What a negative operator asks of several readings. */
  get negative(): 'all' | 'any' {
    return this.operand.kind === 'field' ? (this.operand.extractor.negative ?? 'all') : 'all'
  }
}

type Evaluate<C> = (ctx: C, epoch: number) => boolean

/** The predicates of one set of rules. A new set has a new table, and strings forget what the old one found. */
export class PredicateTable<C> {
  /** Predicates that threw; they count as false for that event. */
  errors = 0
  readonly #groups = new Map<string, Group<C>>()
  readonly #ids = new Map<string, number>()
  readonly #ofValue = new Map<string, Test1>()
  readonly #evaluate: Evaluate<C>[] = []
  /** By predicate: event it was last evaluated for, and what came out. */
  #epochs = new Float64Array(0)
  #results = new Uint8Array(0)
  #epoch = 0
  #slots = 0

  get size(): number {
    return this.#evaluate.length
  }
  get groups(): number {
    return this.#groups.size
  }

  /** Number of the predicate for a test; equal tests share one. */
  add(test: Test<C>): number {
    const key = this.#keyOf(test)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#evaluate.length
    this.#ids.set(key, id)
    this.#evaluate.push(this.#compile(test))
    return id
  }

  /** What a test of fixed values says of one present value, remembered on strings like the predicate itself. */
  ofValue(test: Test<C>): (value: Value) => boolean {
    const key = this.#keyOf(test)
    this.add(test)
    return this.#ofValue.get(key)!
  }

  /**
   * Reader of an operand that gives its one reading for the current event: undefined when it is absent, SEVERAL when there
   * are more or it cannot be read.
   */
  single(operand: Operand<C>): (ctx: C) => Value | undefined | typeof SEVERAL {
    const group = this.#groupOf(operand)
    return (ctx) => {
      try {
        const candidates = group.candidates(ctx, this.#epoch)
        if (candidates === undefined) return group.value(ctx, this.#epoch) as Value | undefined
        return candidates.length > 1 ? SEVERAL : candidates[0]
      } catch {
        this.errors++
        return SEVERAL
      }
    }
  }

  /** A place in the marks of strings that nobody else uses. */
  newSlot(): number {
    return this.#slots++
  }

  /** Marks of a string, emptied when they belong to another table. */
  marksOf(str: Str): (Uint32Array | undefined)[] {
    if (str.marksOf !== this) {
      str.marksOf = this
      str.marks = []
    }
    return str.marks
  }

  /** To be called when all predicates are in. */
  seal(): void {
    this.#epochs = new Float64Array(this.#evaluate.length).fill(-1)
    this.#results = new Uint8Array(this.#evaluate.length)
  }

  /** A new event: nothing is known about it. */
  nextEvent(): void {
    this.#epoch++
  }

  /** Does a predicate hold for the current event? */
  holds(id: number, ctx: C): boolean {
    if (this.#epochs[id] === this.#epoch) return this.#results[id] === 1
    let result = false
    try {
      result = this.#evaluate[id]!(ctx, this.#epoch)
    } catch {
      this.errors++
    }
    this.#epochs[id] = this.#epoch
    this.#results[id] = result ? 1 : 0
    return result
  }

  #keyOf(test: Test<C>): string {
    return `${operandKey(test.left)} ${test.op} ${test.modifier ?? ''} ${rightKey(test.right)}`
  }

  #compile(test: Test<C>): Evaluate<C> {
    const group = this.#groupOf(test.left)
    if (!isLiterals(test.right)) return this.#compareOperands(group, this.#groupOf(test.right), test.op)
    if (test.op === 'exists') return (ctx, epoch) => isPresent(group.value(ctx, epoch))
    const { type } = operandType(test.left)
    if (group.list) {
      const holds = listTest(test.op, test.right, type)
      return (ctx, epoch) => {
        const value = group.value(ctx, epoch)
        return value !== undefined && holds(Array.isArray(value) ? value : [value as Value])
      }
    }
    const plain = literalTest(test.op, test.modifier, test.right, type)
    const one = type === 'string' || type === 'path' ? this.#remembered(group, plain) : plain
    this.#ofValue.set(this.#keyOf(test), one)
    return quantified(group, one, isNegative(test.op))
  }

  #compareOperands(left: Group<C>, right: Group<C>, op: Operator): Evaluate<C> {
    if (left.list || right.list) {
      const holds = valueListTest(op)
      return (ctx, epoch) => {
        const a = left.value(ctx, epoch)
        const b = right.value(ctx, epoch)
        return a !== undefined && b !== undefined && holds(asList(a), asList(b))
      }
    }
    const holds = valueTest(op, operandType(left.operand).type)
    return (ctx, epoch) => {
      const b = right.value(ctx, epoch) as Value | undefined
      if (b === undefined) return false
      return quantified(left, (a) => holds(a, b), isNegative(op))(ctx, epoch)
    }
  }

  /**
   * A test of text whose answers hang on the string: two bits for each predicate of the group, "asked" and "holds".
   * Bits are filled when they are first asked for, so a string that is seen once costs no more than it must.
   */
  #remembered(group: Group<C>, test: Test1): Test1 {
    const bit = group.bits++
    const word = bit >> 4
    const asked = 1 << ((bit & 15) * 2)
    const holds = asked << 1
    return (value) => {
      if (!(value instanceof Str)) return test(value)
      const all = this.marksOf(value)
      let marks = all[group.index]
      if (marks === undefined) {
        marks = new Uint32Array((group.bits + 15) >> 4)
        all[group.index] = marks
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
      group = new Group(operand, this.newSlot())
      this.#groups.set(key, group)
    }
    return group
  }
}

/** A test over every reading of a value: some for a positive operator, all (or some, see `negative`) for a negative one. */
function quantified<C>(group: Group<C>, test: Test1, negative: boolean): Evaluate<C> {
  const all = negative && group.negative === 'all'
  return (ctx, epoch) => {
    const candidates = group.candidates(ctx, epoch)
    if (candidates === undefined) {
      const value = group.value(ctx, epoch)
      return value !== undefined && test(value as Value)
    }
    for (const candidate of candidates) if (test(candidate) !== all) return !all
    return all && candidates.length > 0
  }
}

export const isNegative = (op: Operator): boolean => op === '!='
const isPresent = (value: Values): boolean => value !== undefined
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

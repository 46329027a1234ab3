/** From a value to what all predicates of its operand say of it, by kinds of values. */
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import { Ip } from '../fields/ip.ts'
import type { ValueTest } from '../rules/operators/index.ts'
import { ManyPatterns, type Pattern } from '../rules/operators/many.ts'
import { type Answer, AnswerSet, type Load } from './answers.ts'

/** A predicate to be matched: as patterns (text), or as a test with the values at which its result may change. */
export interface BitRule {
  readonly patterns: readonly Pattern[]
  readonly test: ValueTest
  /** Values it is about; only numbers and booleans. */
  readonly equals: readonly Value[]
  /** Values on either side of which it may differ. */
  readonly limits: readonly (number | bigint)[]
}

export interface Matcher {
  add(rule: BitRule, bit: number): void
  /** To be called after the last `add`; also to forget all answers. `size`: number of bits; `load` counts what is kept. */
  start(size: number, load: Load): void
  /** Throws TypeError for a value of another kind. */
  answer(value: Value): Answer
  readonly answers: AnswerSet
}

/** Values of a kind that seldom repeats are not remembered beyond this number. */
const REMEMBERED_MAX = 4096

export class TextMatcher implements Matcher {
  answers = new AnswerSet(0, { answers: 0 })
  readonly #patterns = new ManyPatterns()
  readonly #found: number[] = []
  #complete = false

  add({ patterns }: BitRule, bit: number): void {
    for (const pattern of patterns) this.#patterns.add(pattern, bit)
  }
  start(size: number, load: Load): void {
    if (!this.#complete) this.#patterns.complete()
    this.#complete = true
    this.answers = new AnswerSet(size, load)
  }
  answer(value: Value): Answer {
    if (!(value instanceof Str)) throw new TypeError('not text')
    const found = this.#found
    found.length = 0
    this.#patterns.match(value.text, found)
    return this.answers.of(found)
  }
}

/** Numbers and booleans: what counts is which of the named values it is and between which limits it lies. */
export class NumberMatcher implements Matcher {
  answers = new AnswerSet(0, { answers: 0 })
  readonly #tests: { readonly test: ValueTest; readonly bit: number }[] = []
  /** Named values, numbered from 1. */
  readonly #named = new Map<Value, number>()
  #limits: (number | bigint)[] = []
  /** By limits passed and named value. */
  #cells = new Map<number, Answer>()
  /** Of booleans, which have no limits. */
  #yes: Answer | undefined
  #no: Answer | undefined

  add({ test, equals, limits }: BitRule, bit: number): void {
    this.#tests.push({ test, bit })
    for (const value of equals) if (!this.#named.has(value)) this.#named.set(value, this.#named.size + 1)
    this.#limits.push(...limits)
  }
  start(size: number, load: Load): void {
    this.#limits = [...new Set(this.#limits)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    this.#cells = new Map()
    this.#yes = undefined
    this.#no = undefined
    this.answers = new AnswerSet(size, load)
  }
  answer(value: Value): Answer {
    if (value === true) {
      this.#yes ??= this.#try(true)
      return this.#yes
    }
    if (value === false) {
      this.#no ??= this.#try(false)
      return this.#no
    }
    const named = this.#named.get(value) ?? 0
    const cell =
      this.#limits.length === 0
        ? named
        : this.#place(value as number | bigint) * (this.#named.size + 1) + named
    let answer = this.#cells.get(cell)
    if (answer === undefined) {
      answer = this.#try(value)
      this.#cells.set(cell, answer)
    }
    return answer
  }

  #try(value: Value): Answer {
    return this.answers.of(trueBits(this.#tests, value))
  }

  /** 2n between limits, one more on a limit. */
  #place(value: number | bigint): number {
    const limits = this.#limits
    let low = 0
    let high = limits.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (limits[middle]! < value) low = middle + 1
      else high = middle
    }
    // biome-ignore lint/suspicious/noDoubleEquals: a limit may be a number where the value is a bigint
    return 2 * low + (low < limits.length && limits[low] == value ? 1 : 0)
  }
}

/** Addresses: each is tried once while it is remembered. */
export class AddressMatcher implements Matcher {
  answers = new AnswerSet(0, { answers: 0 })
  readonly #tests: { readonly test: ValueTest; readonly bit: number }[] = []
  #v4 = new Map<number, Answer>()
  #v6 = new Map<string, Answer>()

  add({ test }: BitRule, bit: number): void {
    this.#tests.push({ test, bit })
  }
  start(size: number, load: Load): void {
    this.#v4 = new Map()
    this.#v6 = new Map()
    this.answers = new AnswerSet(size, load)
  }
  answer(value: Value): Answer {
    if (!(value instanceof Ip)) throw new TypeError('not an address')
    if (value.version === 6) return this.#remembered(this.#v6, value.text, value)
    const { bytes } = value
    const number = (bytes[12]! << 24) | (bytes[13]! << 16) | (bytes[14]! << 8) | bytes[15]!
    return this.#remembered(this.#v4, number, value)
  }

  #remembered<K>(known: Map<K, Answer>, key: K, value: Ip): Answer {
    let answer = known.get(key)
    if (answer === undefined) {
      if (known.size >= REMEMBERED_MAX) known.clear()
      answer = this.answers.of(trueBits(this.#tests, value))
      known.set(key, answer)
    }
    return answer
  }
}

const trueBits = (
  tests: readonly { readonly test: ValueTest; readonly bit: number }[],
  value: Value,
): readonly number[] => tests.filter(({ test }) => test(value)).map(({ bit }) => bit)

/** What the predicates of one operand have in common: its values and its answer, read at most once for an event. */
import { Str } from '../decode/str.ts'
import type { Extractor, Origin, Value } from '../fields/field.ts'
import type { FieldRef, Operand } from '../rules/ir.ts'
import { operandType, operandValue } from '../rules/operators/index.ts'
import type { Pattern } from '../rules/operators/many.ts'
import type { Answer, Load } from './answers.ts'
import { markOf, setMark } from './marks.ts'
import { AddressMatcher, type BitRule, type Matcher, NumberMatcher, TextMatcher } from './matchers.ts'
import type { Part } from './sieve.ts'

export type Values = Value | readonly Value[] | undefined

/** What everything that judges an event shares. */
export interface Judging extends Load {
  /** Number of the current event. */
  event: number
  /** Readings and comparisons that threw; for that event they are absent or false. */
  errors: number
  /** What marks on strings belong to: exchanged when answers are forgotten. */
  era: object
}

export class Group<C> {
  readonly operand: Operand<C>
  readonly list: boolean
  /** What finds the answer; undefined when values of this operand have none. */
  readonly matcher: Matcher | undefined
  readonly #judging: Judging
  /** Of a field, what reads it: extractors have many shapes, and looking things up on them is slow. */
  readonly #get: Extractor<C>['get'] | undefined
  readonly #candidates: Extractor<C>['candidates']
  /** What its value follows from, of a field that has such a thing. */
  readonly origin: Origin<C> | undefined
  /** Whose marks answers on the origin are, by its cases. */
  readonly #cases: readonly object[]
  /** Of a transformer of one text: what reads that. */
  readonly #source: Extractor<C>['get'] | undefined
  /** Which part of the origin's text values are. */
  readonly part: Part | undefined
  readonly #bits = new Map<string, number>()
  /** By bit: of these patterns one holds when it is true. */
  readonly patterns: (readonly Pattern[])[] = []
  /** Predicates tried one by one, and whose marks their results are. */
  singles = 0
  readonly remembered: object = {}
  #valueOf = -1
  #value: Values
  #readingsOf = -1
  #readings: readonly Value[] | undefined
  #answerOf = -1
  #answer: Answer | undefined

  constructor(operand: Operand<C>, judging: Judging) {
    this.operand = operand
    this.list = operandType(operand).list
    this.matcher = this.list ? undefined : matcherOf(operand)
    this.#judging = judging
    const extractor = operand.kind === 'field' ? operand.extractor : undefined
    this.#get = extractor?.get
    this.#candidates = extractor?.candidates
    this.origin = this.list ? undefined : extractor?.origin
    this.part = extractor?.part
    this.#cases = Array.from({ length: this.origin?.cases ?? 0 }, () => ({}))
    this.#source = operand.kind === 'field' ? undefined : sourceOf(operand)?.extractor.get
  }

  /** The bit of a predicate, added when `key` is new. Before `start`. */
  bit(key: string, rule: () => BitRule): number {
    let bit = this.#bits.get(key)
    if (bit === undefined) {
      bit = this.#bits.size
      this.#bits.set(key, bit)
      const made = rule()
      this.patterns[bit] = made.patterns
      this.matcher!.add(made, bit)
    }
    return bit
  }

  /** To be called when all predicates are in; forgets all answers. */
  start(): void {
    this.matcher?.start(this.#bits.size, this.#judging)
    this.#answerOf = -1
  }

  /** Throws what the field throws, the first time it is asked for an event. */
  value(ctx: C): Values {
    if (this.#valueOf !== this.#judging.event) {
      // Noted first: an extractor that throws is not asked again for this event.
      this.#valueOf = this.#judging.event
      this.#value = undefined
      this.#value =
        this.#get === undefined
          ? operandValue(this.operand, (field: FieldRef<C>) => field.extractor.get(ctx))
          : this.#get(ctx)
    }
    return this.#value
  }

  /** All readings of a field that has several; undefined for the others. */
  readings(ctx: C): readonly Value[] | undefined {
    if (this.#candidates === undefined) return undefined
    if (this.#readingsOf !== this.#judging.event) {
      this.#readingsOf = this.#judging.event
      this.#readings = []
      this.#readings = this.#candidates(ctx)
    }
    return this.#readings
  }

  get severalReadings(): boolean {
    return this.#candidates !== undefined
  }

  /** What a negative operator asks of several readings. */
  get negative(): 'all' | 'any' {
    return this.operand.kind === 'field' ? (this.operand.extractor.negative ?? 'all') : 'all'
  }

  /**
   * The answer for the current event; absent, and counted, when the operand cannot be read. Needs a matcher. `once`: who
   * asks remembers it, it need not be remembered here as well.
   */
  answer(ctx: C, once = false): Answer {
    if (this.#answerOf === this.#judging.event) return this.#answer!
    this.#answerOf = this.#judging.event
    this.#answer = this.matcher!.answers.absent
    try {
      this.#answer = once ? this.#read(ctx, true) : this.#recall(ctx)
    } catch {
      this.#judging.errors++
    }
    return this.#answer
  }

  /** From the origin, where there is one. */
  #recall(ctx: C): Answer {
    const { origin } = this
    const holder = origin === undefined || origin.shares ? undefined : origin.of(ctx)
    if (origin === undefined || holder === undefined) return this.#read(ctx, false)
    const by = this.#cases[origin.caseOf(ctx)]!
    const known = markOf(holder, by, this.#judging.era)
    if (known !== undefined) return known as Answer
    const answer = this.#read(ctx, false)
    setMark(holder, by, this.#judging.era, answer)
    return answer
  }

  #read(ctx: C, once: boolean): Answer {
    if (this.#candidates !== undefined) return this.#join(this.readings(ctx)!, once)
    if (this.#source !== undefined) return this.#readTransform(ctx, this.#source)
    const value = (this.#get === undefined ? this.value(ctx) : this.#get(ctx)) as Value | undefined
    return value === undefined ? this.matcher!.answers.absent : this.#ofValue(value, once)
  }

  #readTransform(ctx: C, source: Extractor<C>['get']): Answer {
    const { answers } = this.matcher!
    const text = source(ctx) as Str | undefined
    if (text === undefined) return answers.absent
    // What becomes of a text is always the same, so the answer is remembered where it comes from.
    const known = markOf(text, this, this.#judging.era)
    if (known !== undefined) return known as Answer
    const made = operandValue(this.operand, () => text) as Value | undefined
    const answer = made === undefined ? answers.absent : this.matcher!.answer(made)
    setMark(text, this, this.#judging.era, answer)
    return answer
  }

  #join(values: readonly Value[], once: boolean): Answer {
    const { answers } = this.matcher!
    let answer = answers.absent
    for (let i = 0; i < values.length; i++) answer = answers.both(answer, this.#ofValue(values[i]!, once))
    return answer
  }

  #ofValue(value: Value, once: boolean): Answer {
    if (once || !(value instanceof Str)) return this.matcher!.answer(value)
    const known = markOf(value, this, this.#judging.era)
    if (known !== undefined) return known as Answer
    const answer = this.matcher!.answer(value)
    setMark(value, this, this.#judging.era, answer)
    return answer
  }
}

function matcherOf<C>(operand: Operand<C>): Matcher {
  const { type } = operandType(operand)
  switch (type) {
    case 'string':
    case 'path':
    case 'buffer':
      return new TextMatcher()
    case 'ip':
    case 'net':
      return new AddressMatcher()
    case 'int':
    case 'uint':
    case 'double':
    case 'port':
    case 'time':
    case 'duration':
    case 'bool':
      return new NumberMatcher()
    default:
      return type satisfies never
  }
}

/** Transformers whose value follows from one text. */
const OF_ONE_TEXT: ReadonlySet<string> = new Set(['tolower', 'toupper', 'basename', 'b64', 'len'])

function sourceOf<C>(operand: Operand<C>): FieldRef<C> | undefined {
  if (operand.kind === 'field') {
    const { type, list } = operandType(operand)
    return !list && (type === 'string' || type === 'path') ? operand : undefined
  }
  const [inner, ...others] = operand.args
  if (!OF_ONE_TEXT.has(operand.name) || others.length > 0 || inner === undefined) return undefined
  return Array.isArray(inner) || !('kind' in inner) ? undefined : sourceOf(inner as Operand<C>)
}

/**
 * What the predicates of one operand say of a value, all at once: a set of bits. Equal sets are one object, so whatever is
 * worked out for a set of answers is worked out once, however many values have it.
 */

/** True bits of some value, or of several readings of one. */
export class Answer {
  /** Dense among the answers of its set. */
  readonly id: number
  /** The operand has a value. */
  readonly present: boolean
  /** Bits true of some reading, ascending. */
  readonly bits: readonly number[]
  readonly #some: Uint32Array
  readonly #every: Uint32Array
  /** What `both` made of this and another answer. */
  readonly joined = new Map<Answer, Answer>()

  constructor(id: number, present: boolean, some: readonly number[], every: readonly number[], size: number) {
    this.id = id
    this.present = present
    this.bits = some
    this.#some = vector(some, size)
    this.#every = every === some ? this.#some : vector(every, size)
  }

  /** Is a bit true of some reading? */
  some(bit: number): boolean {
    return (this.#some[bit >> 5]! & (1 << (bit & 31))) !== 0
  }
  /** Is each of these bits true of some reading? */
  all(bits: readonly number[]): boolean {
    for (let i = 0; i < bits.length; i++) if (!this.some(bits[i]!)) return false
    return true
  }
  /** Is a bit true of every reading? False when the operand is absent. */
  every(bit: number): boolean {
    return (this.#every[bit >> 5]! & (1 << (bit & 31))) !== 0
  }
}

function vector(bits: readonly number[], size: number): Uint32Array {
  const words = new Uint32Array((size + 31) >> 5)
  for (const bit of bits) words[bit >> 5]! |= 1 << (bit & 31)
  return words
}

const NO_BITS: readonly number[] = []

/** Counts what is kept, so that somebody can put an end to it. */
export interface Load {
  /** Answers of all operands, and how they were joined. */
  answers: number
}

/** The answers of one operand. */
export class AnswerSet {
  readonly absent: Answer
  /** Of a value no predicate is true of: most values are like that. */
  readonly none: Answer
  readonly #size: number
  readonly #known = new Map<string, Answer>()
  #count = 2
  readonly #load: Load

  /** `size`: number of bits. */
  constructor(size: number, load: Load) {
    this.#size = size
    this.#load = load
    this.absent = new Answer(0, false, NO_BITS, NO_BITS, size)
    this.none = new Answer(1, true, NO_BITS, NO_BITS, size)
  }

  /** The answer with these bits, in any order, repetitions allowed. */
  of(found: readonly number[]): Answer {
    if (found.length === 0) return this.none
    const bits = found.length === 1 ? found.slice() : [...new Set(found)].sort((a, b) => a - b)
    return this.#intern(bits, bits)
  }

  /** The answer of an operand with the readings of two. */
  both(a: Answer, b: Answer): Answer {
    if (a === b || !b.present) return a
    if (!a.present) return b
    let joined = a.joined.get(b)
    if (joined === undefined) {
      const some = [...new Set([...a.bits, ...b.bits])].sort((x, y) => x - y)
      const every = some.filter((bit) => a.every(bit) && b.every(bit))
      joined = this.#intern(some, every.length === some.length ? some : every)
      a.joined.set(b, joined)
      this.#load.answers++
    }
    return joined
  }

  #intern(some: readonly number[], every: readonly number[]): Answer {
    const key = some === every ? some.join(',') : `${some.join(',')}|${every.join(',')}`
    let answer = this.#known.get(key)
    if (answer === undefined) {
      answer = new Answer(this.#count++, true, some, every, this.#size)
      this.#known.set(key, answer)
      this.#load.answers++
    }
    return answer
  }
}

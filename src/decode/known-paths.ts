/**
 * What was found out about the path of a record holds for all records with the same texts and the same bits in the numbers
 * that decide. They are told by their bytes where they lie: nothing is decoded, made or looked up besides.
 */
import type { Slot } from '../../schema/index.ts'

/** Offsets in records of a type. */
export interface PathFeatures {
  /** Of two spellings of a path, which are often the same; the same offset twice where there is but one. */
  readonly path: number
  readonly name: number
  /** Of a directory; where records have none, -1. */
  readonly dir: number
  /** Of numbers, and which of their bits count: no bit twice. Not as objects, which would have to be gone to for every record. */
  readonly a: number
  readonly aMask: number
  readonly b: number
  readonly bMask: number
  readonly c: number
  readonly cMask: number
}
interface Bits {
  readonly offset: number
  readonly mask: number
}

/** How records tell that they have no path, or no name. */
const NO_PATH = 1 << 30
const NO_NAME = 1 << 29

/** Throws RangeError when a bit would mean two things. */
export function pathFeatures(
  texts: Readonly<Record<'path' | 'name' | 'dir', Pick<Slot, 'offset'> | undefined>>,
  numbers: readonly Bits[],
): PathFeatures | undefined {
  const path = texts.path ?? texts.name
  if (path === undefined) return undefined
  const name = texts.name ?? path
  const [a = NOTHING, b = NOTHING, c = NOTHING, ...others] = numbers
  const seen = [NO_PATH | NO_NAME, a.mask, b.mask, c.mask]
  if (others.length > 0 || seen.some((mask, i) => seen.some((other, k) => k > i && (mask & other) !== 0)))
    throw new RangeError('bits of numbers overlap')
  return {
    ...{ path: path.offset, name: name.offset, dir: texts.dir?.offset ?? -1 },
    ...{ a: a.offset, aMask: a.mask, b: b.offset, bMask: b.mask, c: c.offset, cMask: c.mask },
  }
}
const NOTHING: Bits = { offset: 0, mask: 0 }

/** Entries that can be found at a time, and the words for all of them: a megabyte. Longer texts are not remembered. */
const ROWS = 4096
const ROW_SHIFT = 20
const WORDS = 1 << 18
const LONGEST = 240
/** Before the texts: whose it is, the numbers, the lengths, and which finding it is, with ONCE added. */
const HEAD = 4
/** Both spellings are one, which is there once then. */
const ONCE = 1 << 30

/**
 * Memory of fixed size. What comes for the first time is only noted: most of it never comes again. What comes again is
 * put behind what is there, so that the little that is asked for all the time lies close together; when there is no room
 * left, everything is forgotten. Every byte is compared, so hostile names cost time, never truth.
 */
export class KnownPaths<T extends object> {
  /** By row: where the entry is, 0 for none. */
  readonly #index = new Int32Array(ROWS)
  /** By row: the hash that was noted there last. */
  readonly #noted = new Int32Array(ROWS)
  readonly #entries = new Int32Array(WORDS)
  readonly #found: T[] = []
  /** Words used; none of them is at 0. */
  #used = 1
  /** What was looked for last and not found: the head of its entry, its hash, and where its texts begin, in words. */
  #words: Int32Array = new Int32Array(0)
  #owner = 0
  #bits = 0
  #lengths = 0
  #hash = 0
  #path = 0
  #name = 0
  #dir = 0

  /**
   * What `owner` kept for a record like the one at byte `base` of `words`, a multiple of 8; undefined when nothing, null when
   * it cannot be kept. `owner`: a number for whoever asks, another one for each type of record.
   */
  find(owner: number, words: Int32Array, base: number, features: PathFeatures): T | null | undefined {
    let bits =
      (words[(base + features.a) >> 2]! & features.aMask) |
      (words[(base + features.b) >> 2]! & features.bMask) |
      (words[(base + features.c) >> 2]! & features.cMask)
    let path = words[(base + features.path) >> 2]!
    let name = words[(base + features.name) >> 2]!
    const dir = features.dir < 0 ? 0 : words[(base + features.dir) >> 2]!
    if ((path & 0xffff) === 0) {
      if ((name & 0xffff) === 0) return null
      bits |= NO_PATH
      path = name
    } else if ((name & 0xffff) === 0) {
      bits |= NO_NAME
      name = path
    }
    const length = path >>> 16
    if (length > LONGEST || name >>> 16 > LONGEST || dir >>> 16 > LONGEST) return null
    const lengths = length | ((name >>> 16) << 8) | (((dir & 0xffff) === 0 ? 0 : (dir >>> 16) + 1) << 16)
    const from = (base + (path & 0xffff)) >> 2
    const mixed = hashOf(words, from, length) ^ Math.imul(bits ^ owner, 0xc2b2ae35) ^ lengths
    // Any bit may tell records apart; the row is the highest.
    const hash = Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1)
    const at = this.#index[hash >>> ROW_SHIFT]!
    const second = (base + (name & 0xffff)) >> 2
    const third = (base + (dir & 0xffff)) >> 2
    if (at !== 0 && this.#isHead(at, owner, bits, lengths)) {
      const number = this.#entries[at + HEAD - 1]!
      if (
        (number & ONCE) === 0
          ? this.#haveAll(at + HEAD, words, lengths, from, second, third)
          : this.#haveBoth(at + HEAD, words, length, from, second)
      )
        return this.#found[number & ~ONCE]
    }
    this.#words = words
    this.#owner = owner
    this.#bits = bits
    this.#lengths = lengths
    this.#hash = hash
    this.#path = from
    this.#name = second
    this.#dir = third
    return undefined
  }

  /** Keep something for the record that was looked for last, if it came before and is short. It must be where it was. */
  keep(found: T): void {
    const row = this.#hash >>> ROW_SHIFT
    if (this.#noted[row] !== this.#hash) {
      this.#noted[row] = this.#hash
      return
    }
    if (this.#used + HEAD + 3 * wordsOf(LONGEST) > WORDS) this.clear()
    this.#index[row] = this.#used
    this.#put(this.#found.push(found) - 1)
  }

  /** Forget everything. */
  clear(): void {
    this.#index.fill(0)
    this.#found.length = 0
    this.#used = 1
  }

  #isHead(at: number, owner: number, bits: number, lengths: number): boolean {
    const entries = this.#entries
    return ((entries[at]! ^ owner) | (entries[at + 1]! ^ bits) | (entries[at + 2]! ^ lengths)) === 0
  }

  /** One text in two places. All of it is compared: where texts differ is hard to foresee, and a wrong guess costs more. */
  #haveBoth(at: number, words: Int32Array, length: number, path: number, name: number): boolean {
    const entries = this.#entries
    const whole = length >> 2
    let differ = 0
    for (let i = 0; i < whole; i++) {
      const word = entries[at + i]!
      differ |= (word ^ words[path + i]!) | (word ^ words[name + i]!)
    }
    const last = entries[at + whole]!
    return (differ | (((last ^ words[path + whole]!) | (last ^ words[name + whole]!)) & maskOf(length))) === 0
  }

  /** Texts that are not the same, one after the other. */
  #haveAll(at: number, words: Int32Array, lengths: number, path: number, name: number, dir: number): boolean {
    const first = lengths & 0xff
    const second = (lengths >> 8) & 0xff
    const next = at + wordsOf(first)
    return (
      this.#has(at, words, path, first) &&
      this.#has(next, words, name, second) &&
      this.#has(next + wordsOf(second), words, dir, (lengths >> 16) - 1)
    )
  }

  #has(at: number, words: Int32Array, from: number, length: number): boolean {
    const entries = this.#entries
    const whole = length >> 2
    for (let i = 0; i < whole; i++) if (entries[at + i] !== words[from + i]) return false
    return length <= 0 || (length & 3) === 0 || entries[at + whole] === lastOf(words, from + whole, length)
  }

  /** What was looked for last goes behind the others. */
  #put(number: number): void {
    const at = this.#used
    const entries = this.#entries
    const lengths = this.#lengths
    const path = lengths & 0xff
    const name = (lengths >> 8) & 0xff
    const dir = (lengths >> 16) - 1
    entries[at] = this.#owner
    entries[at + 1] = this.#bits
    entries[at + 2] = lengths
    const second = this.#copy(at + HEAD, this.#path, path)
    const once = dir < 0 && name === path && this.#has(at + HEAD, this.#words, this.#name, name)
    entries[at + 3] = once ? number | ONCE : number
    this.#used = once ? second : this.#copy(this.#copy(second, this.#name, name), this.#dir, dir)
  }

  /** Returns where the next text goes. */
  #copy(at: number, from: number, length: number): number {
    if (length <= 0) return at
    const whole = length >> 2
    for (let i = 0; i < whole; i++) this.#entries[at + i] = this.#words[from + i]!
    if ((length & 3) === 0) return at + whole
    this.#entries[at + whole] = lastOf(this.#words, from + whole, length)
    return at + whole + 1
  }
}

/** Of the end and the middle: names differ there. Everything else is compared. */
function hashOf(words: Int32Array, from: number, length: number): number {
  const end = from + (length >> 2)
  const last = Math.imul(lastOf(words, end, length), 0x165667b1)
  if (length < 12) {
    const first = length < 4 ? 0 : Math.imul(words[from]!, 0x9e3779b1)
    return last ^ first ^ (length < 8 ? 0 : Math.imul(words[from + 1]!, 0x85ebca6b))
  }
  return (
    last ^
    Math.imul(words[end - 1]!, 0x9e3779b1) ^
    Math.imul(words[end - 2]!, 0x85ebca6b) ^
    Math.imul(words[end - 3]!, 0x7feb352d) ^
    Math.imul(words[(from + end) >> 1]!, 0x846ca68b)
  )
}

/** Words of a text; of one that is not there, -1, none. */
const wordsOf = (length: number): number => (length + 3) >> 2

/** The 1 to 3 bytes of a last word, 0 when there are none. What follows them in memory may be anything. */
const lastOf = (words: Int32Array, at: number, length: number): number => words[at]! & maskOf(length)
const maskOf = (length: number): number => (1 << ((length & 3) << 3)) - 1

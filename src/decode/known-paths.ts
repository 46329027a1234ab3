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
  /** Of numbers, and which of their bits count: no bit twice. */
  readonly a: Bits
  readonly b: Bits
  readonly c: Bits
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
  return { path: path.offset, name: name.offset, dir: texts.dir?.offset ?? -1, a, b, c }
}
const NOTHING: Bits = { offset: 0, mask: 0 }

/** Paths that are remembered, and words for each: what is longer is not. A megabyte altogether. */
const ROWS = 4096
const ROW_SHIFT = 20
const WIDTH = 64
/** Before the texts: whose it is, the numbers, the lengths, and whether both spellings are one, which is there once then. */
const HEAD = 4
/** Bytes of a text for which there is room then: 240. */
const LONGEST = (WIDTH - HEAD) * 4

/**
 * A table of fixed size. What comes for the first time is only noted: most of it never comes again and would push out
 * others. Every byte is compared, so hostile names cost time, never truth.
 */
export class KnownPaths<T extends object> {
  readonly #rows = new Int32Array(ROWS * WIDTH)
  readonly #found: (T | undefined)[] = new Array<T | undefined>(ROWS).fill(undefined)
  /** By row: the hash that was noted there last. */
  readonly #noted = new Int32Array(ROWS)
  /** What was looked for last: the head of its row, its hash, and where its texts begin, in words. */
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
    const { a, b, c } = features
    let bits =
      (words[(base + a.offset) >> 2]! & a.mask) |
      (words[(base + b.offset) >> 2]! & b.mask) |
      (words[(base + c.offset) >> 2]! & c.mask)
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
    this.#words = words
    this.#owner = owner
    this.#bits = bits
    this.#lengths = lengths
    this.#hash = hash
    this.#path = from
    this.#name = (base + (name & 0xffff)) >> 2
    this.#dir = (base + (dir & 0xffff)) >> 2
    const row = hash >>> ROW_SHIFT
    const found = this.#found[row]
    return found !== undefined && this.#isAt(row * WIDTH) ? found : undefined
  }

  /** Keep something for the record that was looked for last, if it came before and is short. It must be where it was. */
  keep(found: T): void {
    const row = this.#hash >>> ROW_SHIFT
    if (this.#noted[row] !== this.#hash) {
      this.#noted[row] = this.#hash
      return
    }
    this.#found[row] = this.#put(row * WIDTH) ? found : undefined
  }

  /** Forget everything. */
  clear(): void {
    this.#found.fill(undefined)
  }

  #isAt(row: number): boolean {
    const rows = this.#rows
    const lengths = this.#lengths
    if (rows[row] !== this.#owner || rows[row + 1] !== this.#bits || rows[row + 2] !== lengths) return false
    if (rows[row + 3] === 0) return this.#haveAll(row + HEAD)
    const words = this.#words
    const path = this.#path
    const name = this.#name
    const at = row + HEAD
    const length = lengths & 0xff
    const whole = length >> 2
    for (let i = 0; i < whole; i++) {
      const word = rows[at + i]
      if (word !== words[path + i] || word !== words[name + i]) return false
    }
    if ((length & 3) === 0) return true
    const last = rows[at + whole]
    return last === lastOf(words, path + whole, length) && last === lastOf(words, name + whole, length)
  }

  /** Texts that are not the same, one after the other. */
  #haveAll(row: number): boolean {
    const lengths = this.#lengths
    const path = lengths & 0xff
    const name = (lengths >> 8) & 0xff
    const second = row + wordsOf(path)
    const third = second + wordsOf(name)
    return (
      this.#has(row, this.#path, path) &&
      this.#has(second, this.#name, name) &&
      this.#has(third, this.#dir, (lengths >> 16) - 1)
    )
  }

  #has(row: number, from: number, length: number): boolean {
    const rows = this.#rows
    const words = this.#words
    const whole = length >> 2
    for (let i = 0; i < whole; i++) if (rows[row + i] !== words[from + i]) return false
    return length <= 0 || (length & 3) === 0 || rows[row + whole] === lastOf(words, from + whole, length)
  }

  /** False when there is no room. */
  #put(row: number): boolean {
    const rows = this.#rows
    const lengths = this.#lengths
    const path = lengths & 0xff
    const name = (lengths >> 8) & 0xff
    const dir = (lengths >> 16) - 1
    rows[row] = this.#owner
    rows[row + 1] = this.#bits
    rows[row + 2] = lengths
    const second = this.#copy(row + HEAD, this.#path, path)
    const same = dir < 0 && name === path && this.#has(row + HEAD, this.#name, name)
    rows[row + 3] = same ? 1 : 0
    if (same) return true
    if (second + wordsOf(name) + wordsOf(dir) > row + WIDTH) return false
    this.#copy(this.#copy(second, this.#name, name), this.#dir, dir)
    return true
  }

  /** Returns where the next text goes. */
  #copy(row: number, from: number, length: number): number {
    if (length <= 0) return row
    const whole = length >> 2
    for (let i = 0; i < whole; i++) this.#rows[row + i] = this.#words[from + i]!
    if ((length & 3) === 0) return row + whole
    this.#rows[row + whole] = lastOf(this.#words, from + whole, length)
    return row + whole + 1
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
const lastOf = (words: Int32Array, at: number, length: number): number =>
  words[at]! & ((1 << ((length & 3) << 3)) - 1)

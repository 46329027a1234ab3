/** From bytes to strings: the same bytes are the same `Str` while they are remembered, which they are once they come again. */
import { decodeWide, encodeText, Str } from './str.ts'

/** Memory with strings in it, seen as bytes and as words. */
export interface Memory {
  readonly bytes: Buffer
  readonly words: Int32Array
}

interface Entry {
  readonly str: Str
  readonly hash: number
  /** Bytes of the string. */
  readonly length: number
  /** The same in words, the last filled up with zeros. A plain array: typed ones are large and slow to make. */
  readonly words: readonly number[]
  /** Used since the clock hand last passed. */
  used: boolean
}

const EMPTY = new Str('')
/** Slots looked at for a string. */
const PROBES = 8
/** Longer strings have a smaller table of their own, so that memory stays bounded whatever lengths there are. */
const SHORT_MAX = 256
const LONG_SHARE = 16
/** Set in a word when one of its bytes is not ASCII. */
const WIDE = 0x80808080 | 0

/**
 * Bounded tables from bytes to `Str`: open addressing on a word hash with exact compare, clock eviction.
 * Eviction only costs a later lookup: a `Str` already handed out stays valid. What comes for the first time is only noted:
 * many names never come again, and would push out others and live longer than the events they are in.
 */
export class Interner {
  readonly #short: Table
  readonly #long: Table

  /** `capacity`: entries, rounded up to a power of two; and a sixteenth as many longer than 256 bytes. */
  constructor(capacity = 65536) {
    this.#short = new Table(capacity)
    this.#long = new Table(capacity / LONG_SHARE)
  }

  /** Strings thrown out to make room, since the start. */
  get evictions(): number {
    return this.#short.evictions + this.#long.evictions
  }

  /** The string of `length` bytes at `offset`, a multiple of 4. */
  get(memory: Memory, offset: number, length: number): Str {
    if (length === 0) return EMPTY
    return this.#tableOf(length).get(memory, offset, length, false)
  }

  #tableOf(length: number): Table {
    return length <= SHORT_MAX ? this.#short : this.#long
  }

  /** The `Str` of a text that did not come from a record; remembered at once. */
  intern(text: string): Str {
    const bytes = encodeText(text)
    const padded = new ArrayBuffer((bytes.length + 3) & ~3)
    const memory = { bytes: Buffer.from(padded), words: new Int32Array(padded) }
    memory.bytes.set(bytes)
    return bytes.length === 0 ? EMPTY : this.#tableOf(bytes.length).get(memory, 0, bytes.length, true)
  }
}

class Table {
  readonly #mask: number
  readonly #slots: (Entry | undefined)[]
  /** By the low bits of a hash: high bits of the last one that was noted there, 0 for none. */
  readonly #noted: Uint16Array
  evictions = 0

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(capacity, 16)))
    this.#mask = size - 1
    this.#slots = new Array<Entry | undefined>(size)
    this.#noted = new Uint16Array(size)
  }

  /** `keep`: also when it is seen for the first time. */
  get(memory: Memory, offset: number, length: number, keep: boolean): Str {
    const hash = hashOf(memory, offset, length)
    for (let i = 0; i < PROBES; i++) {
      const at = (hash + i) & this.#mask
      const entry = this.#slots[at]
      if (entry === undefined) {
        if (!keep && !this.#note(hash)) return new Str(decode(memory, offset, length))
        return this.#put(at, hash, memory, offset, length)
      }
      if (entry.hash === hash && entry.length === length && isSame(entry.words, memory, offset, length)) {
        entry.used = true
        return entry.str
      }
    }
    if (!keep && !this.#note(hash)) return new Str(decode(memory, offset, length))
    return this.#put(this.#makeRoom(hash), hash, memory, offset, length)
  }

  /** Was it noted before? Now it is. */
  #note(hash: number): boolean {
    const at = hash & this.#mask
    const tag = (hash >>> 16) | 1
    if (this.#noted[at] === tag) return true
    this.#noted[at] = tag
    return false
  }

  /** The run of slots is full: the first that was not used since the last time we came by goes. */
  #makeRoom(hash: number): number {
    this.evictions++
    for (let i = 0; i < PROBES; i++) {
      const at = (hash + i) & this.#mask
      const entry = this.#slots[at]!
      if (!entry.used) return at
      entry.used = false
    }
    return hash & this.#mask
  }

  #put(at: number, hash: number, memory: Memory, offset: number, length: number): Str {
    const str = new Str(decode(memory, offset, length))
    this.#slots[at] = { str, hash, length, words: wordsOf(memory, offset, length), used: true }
    return str
  }
}

function decode(memory: Memory, offset: number, length: number): string {
  const { bytes, words } = memory
  const end = offset + length
  let all = (length & 3) === 0 ? 0 : lastWord(memory, offset, length)
  for (let i = offset >> 2; i < end >> 2; i++) all |= words[i]!
  return (all & WIDE) === 0 ? bytes.toString('latin1', offset, end) : decodeWide(bytes.subarray(offset, end))
}

/** A 32-bit signed hash: small integers in the engine. */
function hashOf(memory: Memory, offset: number, length: number): number {
  const { words } = memory
  const end = (offset >> 2) + (length >> 2)
  let hash = length
  for (let i = offset >> 2; i < end; i++) hash = Math.imul(hash ^ words[i]!, 0x9e3779b1) ^ (hash >>> 15)
  if (length & 3) hash = Math.imul(hash ^ lastWord(memory, offset, length), 0x85ebca6b) ^ (hash >>> 15)
  // What the last bytes changed are high bits; the place in the table is low ones.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

function wordsOf(memory: Memory, offset: number, length: number): readonly number[] {
  const words = new Array<number>((length + 3) >> 2)
  const first = offset >> 2
  const whole = length >> 2
  for (let i = 0; i < whole; i++) words[i] = memory.words[first + i]!
  if (length & 3) words[whole] = lastWord(memory, offset, length)
  return words
}

function isSame(kept: readonly number[], memory: Memory, offset: number, length: number): boolean {
  const { words } = memory
  const first = offset >> 2
  const whole = length >> 2
  for (let i = 0; i < whole; i++) if (kept[i] !== words[first + i]) return false
  return (length & 3) === 0 || kept[whole] === lastWord(memory, offset, length)
}

/** Are `length` bytes the same at two offsets, multiples of 4? */
export function sameBytes(memory: Memory, a: number, b: number, length: number): boolean {
  const { words } = memory
  const whole = length >> 2
  for (let i = 0; i < whole; i++) if (words[(a >> 2) + i] !== words[(b >> 2) + i]) return false
  return (length & 3) === 0 || lastWord(memory, a, length) === lastWord(memory, b, length)
}

/** The 1 to 3 bytes after the last whole word, little-endian. What follows them in memory may be anything. */
const lastWord = ({ words }: Memory, offset: number, length: number): number =>
  words[(offset + length) >> 2]! & ((1 << ((length & 3) << 3)) - 1)

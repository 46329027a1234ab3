/**
 * Most texts have nothing that any rule looks for. A sieve tells so from their bytes, where they lie in the record: nothing
 * is decoded, looked up or remembered. It may let through what does not match, never the other way round.
 *
 * What a text must begin or end with is sought in tries, which most texts leave after a few bytes; what may stand anywhere
 * by looking at every few bytes only (Wu and Manber, 1994). Letters of either case are one.
 */
import { encodeText } from '../decode/str.ts'
import type { Place } from '../fields/field.ts'
import { isGlob } from '../rules/operators/glob.ts'
import type { Pattern } from '../rules/operators/many.ts'

/** Which part of a path a pattern is about: all of it, what is before its last slash, what follows that. */
export type Part = 'whole' | 'directory' | 'base'

/** Steps of a trie, which is to stay in the processor's cache: 128 KB. Where needles need more, only so much of each is sought. */
const STEPS_MAX = 1 << 16
const LENGTHS = [255, 24, 16, 12, 8, 6] as const

/** What every text has for which a pattern holds: bytes at its beginning, at its end, or anywhere. */
interface Needle {
  readonly where: 'begin' | 'end' | 'anywhere'
  readonly bytes: readonly number[]
  /** Of those at the beginning: nothing follows. */
  readonly whole: boolean
}

/** Bytes as classes, 1 to 255; 0 for those in no needle. */
type Classes = Uint8Array

export class Sieve {
  readonly #begin: Trie
  readonly #end: Trie
  readonly #anywhere: Windows | undefined

  private constructor(begin: Trie, end: Trie, anywhere: Windows | undefined) {
    this.#begin = begin
    this.#end = end
    this.#anywhere = anywhere
  }

  /** A sieve for patterns of parts of absolute, clean paths; undefined where it would let too much through. */
  static of(patterns: readonly { readonly part: Part; readonly pattern: Pattern }[]): Sieve | undefined {
    const needles = patterns.map(({ part, pattern }) => needleOf(part, pattern))
    if (!needles.every((one) => one !== undefined)) return undefined
    const classes = classesOf(needles)
    const at = (place: Needle['where']): readonly Needle[] => needles.filter(({ where }) => where === place)
    const begin = trieOf(at('begin'), classes)
    const end = trieOf(
      at('end').map(({ bytes }) => ({ bytes: bytes.toReversed(), whole: false })),
      classes,
    )
    if (begin === undefined || end === undefined) return undefined
    return new Sieve(
      begin,
      end,
      at('anywhere').length === 0 ? undefined : new Windows(at('anywhere'), classes),
    )
  }

  /** May some pattern hold for the text? */
  passes(at: Place): boolean {
    return this.#begin.begins(at) || this.#end.ends(at) || this.#anywhere?.occurs(at) === true
  }
}

/** What every text has for which a pattern holds of its part; undefined when that is nothing. */
function needleOf(part: Part, { kind, text }: Pattern): Needle | undefined {
  if (!text.isWellFormed()) return undefined
  switch (kind) {
    case 'equal':
      if (part === 'base') return needle('end', `/${text}`)
      return part === 'whole' ? needle('begin', text, true) : needle('begin', text)
    case 'prefix':
      return part === 'base' ? needle('anywhere', `/${text}`) : needle('begin', text)
    case 'suffix':
      return needle(part === 'directory' ? 'anywhere' : 'end', text)
    case 'substring':
    case 'folded':
      return needle('anywhere', text)
    case 'below':
      return part === 'base' ? undefined : needle('begin', plainStart(text))
    default:
      return kind satisfies never
  }
}

/** Undefined where all absolute paths have it, or nearly all. */
function needle(where: Needle['where'], text: string, whole = false): Needle | undefined {
  const least = where === 'anywhere' ? 2 : 1
  const bytes = [...encodeText(text)].map(lower)
  return bytes.length < least || (text === '/' && !whole) ? undefined : { where, bytes, whole }
}

/** Components before the first with a glob, as a clean path. */
function plainStart(path: string): string {
  const parts = path.split('/').filter((one) => one !== '')
  const glob = parts.findIndex(isGlob)
  return (path.startsWith('/') ? '/' : '') + parts.slice(0, glob < 0 ? undefined : glob).join('/')
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)

function classesOf(needles: readonly Needle[]): Classes {
  const classes = new Uint8Array(256)
  let count = 0
  for (const { bytes } of needles) for (const byte of bytes) if (classes[byte] === 0) classes[byte] = ++count
  for (let byte = 0; byte < 256; byte++) classes[byte] = classes[lower(byte)]!
  return classes
}

const ROOT = 1
type Word = Pick<Needle, 'bytes' | 'whole'>

/** Undefined when there are too many words. */
function trieOf(words: readonly Word[], classes: Classes): Trie | undefined {
  for (const length of LENGTHS) {
    const cut = words.map((word) =>
      word.bytes.length <= length ? word : { bytes: word.bytes.slice(0, length), whole: false },
    )
    const nodes = nodesOf(cut, classes)
    if (nodes !== undefined) return new Trie(nodes, classes)
  }
  return undefined
}

interface Nodes {
  /** By state: where classes lead. */
  readonly edges: readonly ReadonlyMap<number, number>[]
  /** By state: 1 when a word ends there, 2 when one ends there that must be the whole text. */
  readonly final: readonly number[]
}

/** Undefined when there are too many. */
function nodesOf(words: readonly Word[], classes: Classes): Nodes | undefined {
  const most = STEPS_MAX / widthOf(classes)
  const edges: Map<number, number>[] = [new Map(), new Map()]
  const final = [0, 0]
  for (const { bytes, whole } of words) {
    let state = ROOT
    for (const byte of bytes) {
      let next = edges[state]!.get(classes[byte]!)
      if (next === undefined) {
        next = edges.push(new Map()) - 1
        final.push(0)
        edges[state]!.set(classes[byte]!, next)
      }
      state = next
    }
    final[state]! |= whole ? 2 : 1
    if (edges.length > most) return undefined
  }
  return { edges, final }
}

const widthOf = (classes: Classes): number => 1 + classes.reduce((most, one) => Math.max(most, one))

/** Steps by state and class; 0 is the state from which nothing is found any more. */
class Trie {
  readonly #classes: Classes
  readonly #width: number
  readonly #next: Uint16Array
  readonly #final: Uint8Array

  constructor({ edges, final }: Nodes, classes: Classes) {
    this.#classes = classes
    this.#width = widthOf(classes)
    this.#final = Uint8Array.from(final)
    this.#next = new Uint16Array(edges.length * this.#width)
    for (const [state, own] of edges.entries())
      for (const [code, next] of own) this.#next[state * this.#width + code] = next
  }

  begins({ bytes, start, end }: Place): boolean {
    const next = this.#next
    const classes = this.#classes
    const width = this.#width
    let state = ROOT
    for (let i = start; i < end; i++) {
      state = next[state * width + classes[bytes[i]!]!]!
      if (state === 0) return false
      if ((this.#final[state]! & 1) !== 0) return true
    }
    return this.#final[state] !== 0
  }

  ends({ bytes, start, end }: Place): boolean {
    const next = this.#next
    const classes = this.#classes
    const width = this.#width
    let state = ROOT
    for (let i = end - 1; i >= start; i--) {
      state = next[state * width + classes[bytes[i]!]!]!
      if (state === 0) return false
      if (this.#final[state] !== 0) return true
    }
    return false
  }
}

/**
 * Needles of at least two bytes, anywhere: of all the same number of bytes is sought. The last two bytes of a window tell
 * how far the next one can be.
 */
class Windows {
  readonly #classes: Classes
  readonly #length: number
  readonly #width: number
  /** By the classes of two bytes: how far to go on; 0 where a needle may end. */
  readonly #skip: Uint8Array
  /** By the classes of a window's last two bytes: what it may be, in classes. */
  readonly #needles = new Map<number, Uint8Array[]>()

  constructor(needles: readonly Needle[], classes: Classes) {
    const length = Math.min(...needles.map(({ bytes }) => bytes.length))
    this.#classes = classes
    this.#length = length
    this.#width = widthOf(classes)
    this.#skip = new Uint8Array(this.#width * this.#width).fill(length - 1)
    for (const { bytes } of needles) {
      const one = Uint8Array.from(bytes.slice(0, length), (byte) => classes[byte]!)
      for (let i = 1; i < length; i++) {
        const at = one[i - 1]! * this.#width + one[i]!
        this.#skip[at] = Math.min(this.#skip[at]!, length - 1 - i)
      }
      const last = one[length - 2]! * this.#width + one[length - 1]!
      const same = this.#needles.get(last)
      if (same === undefined) this.#needles.set(last, [one])
      else same.push(one)
    }
  }

  occurs({ bytes, start, end }: Place): boolean {
    const classes = this.#classes
    const skip = this.#skip
    const width = this.#width
    for (let i = start + this.#length - 1; i < end; ) {
      const last = classes[bytes[i - 1]!]! * width + classes[bytes[i]!]!
      const step = skip[last]!
      if (step > 0) i += step
      else if (this.#isAt(bytes, i + 1 - this.#length, last)) return true
      else i++
    }
    return false
  }

  #isAt(bytes: Uint8Array, from: number, last: number): boolean {
    for (const one of this.#needles.get(last)!) {
      let i = 0
      while (i < one.length && this.#classes[bytes[from + i]!] === one[i]) i++
      if (i === one.length) return true
    }
    return false
  }
}

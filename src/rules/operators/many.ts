/**
 * Many patterns against one text at once: what a text costs depends on its length, hardly on the number of patterns. Hash
 * for equality, tries for beginnings, ends and paths, Aho-Corasick for what may stand anywhere.
 */
import { PathTrie } from './pmatch.ts'
import { asciiLower, foldCode } from './text.ts'

/** `folded`: a substring, ASCII letters of either case being equal. `below`: a path or one above, as `pmatch` has it. */
export type PatternKind = 'equal' | 'prefix' | 'suffix' | 'substring' | 'folded' | 'below'

export interface Pattern {
  readonly kind: PatternKind
  readonly text: string
}

/** Numbers of patterns by text. */
export class ManyPatterns {
  readonly #equal = new Map<string, number[]>()
  /** Lengths of those, 255 standing for all above: by that most texts are told apart without being hashed. */
  readonly #lengths = new Uint8Array(256)
  readonly #prefix = new Trie()
  readonly #suffix = new Trie()
  readonly #substring = new Trie()
  readonly #folded = new Trie()
  readonly #below = new PathTrie()

  /** Several patterns may have one number. Throws RangeError for a `below` with too many components. */
  add({ kind, text }: Pattern, id: number): void {
    switch (kind) {
      case 'equal': {
        const ids = this.#equal.get(text)
        if (ids === undefined) this.#equal.set(text, [id])
        else ids.push(id)
        this.#lengths[Math.min(text.length, 255)] = 1
        return
      }
      case 'prefix':
        this.#prefix.add(text, id)
        return
      case 'suffix':
        this.#suffix.add(reversed(text), id)
        return
      case 'substring':
        this.#substring.add(text, id)
        return
      case 'folded':
        this.#folded.add(asciiLower(text), id)
        return
      case 'below':
        this.#below.add(text, id)
        return
      default:
        kind satisfies never
    }
  }

  /** To be called after the last `add`. */
  complete(): void {
    this.#substring.link()
    this.#folded.link()
    this.#below.complete()
  }

  /** Add the numbers of the patterns that hold for the text to `found`; one may be added more than once. */
  match(text: string, found: number[]): void {
    const equal = this.#lengths[Math.min(text.length, 255)] === 0 ? undefined : this.#equal.get(text)
    if (equal !== undefined) for (const id of equal) found.push(id)
    this.#prefix.walk(text, false, found)
    this.#suffix.walk(text, true, found)
    this.#substring.search(text, false, found)
    this.#folded.search(text, true, found)
    this.#below.match(text, found)
  }
}

const reversed = (text: string): string => {
  let result = ''
  for (let i = text.length - 1; i >= 0; i--) result += text[i]
  return result
}

const NONE = -1

/**
 * A trie over UTF-16 code units in flat memory: edges in one hash table of (state, code unit). With failure links it finds
 * its words anywhere in a text (Aho and Corasick, 1975).
 */
class Trie {
  #from = new Int32Array(16).fill(NONE)
  #code = new Uint16Array(16)
  #to = new Int32Array(16)
  /** By state: where it hangs, and by which code unit. State 0 is the root. */
  readonly #parent: number[] = [NONE]
  readonly #by: number[] = [0]
  /** By state: numbers of the words that end there. */
  readonly #ids: (number[] | undefined)[] = [undefined]
  /** By state: the longest other state that its text ends in, and the nearest of those where a word ends. */
  #fail = new Int32Array(1)
  #report = new Int32Array(1)
  /** By code unit below 128: a word begins with it. Of those above, one may. */
  readonly #starts = new Uint8Array(128)
  /** By state: the search that has reported it. */
  #reported = new Int32Array(1)
  #searches = 0
  /** Some text was added. */
  #used = false

  add(text: string, id: number): void {
    let state = 0
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      const next = this.#step(state, code)
      state = next === NONE ? this.#grow(state, code) : next
    }
    const ids = this.#ids[state]
    if (ids === undefined) this.#ids[state] = [id]
    else if (ids.at(-1) !== id) ids.push(id)
    this.#used = true
  }

  /** Words the text begins with, or ends with when it is read backwards. */
  walk(text: string, backwards: boolean, found: number[]): void {
    if (!this.#used) return
    const { length } = text
    let state = 0
    for (let i = 0; ; i++) {
      const ids = this.#ids[state]
      if (ids !== undefined) for (const id of ids) found.push(id)
      if (i >= length) return
      state = this.#step(state, text.charCodeAt(backwards ? length - 1 - i : i))
      if (state === NONE) return
    }
  }

  /** Words that stand anywhere in the text; after `link`. */
  search(text: string, fold: boolean, found: number[]): void {
    if (!this.#used) return
    this.#searches++
    let state = 0
    this.#tell(0, found)
    for (let i = 0; i < text.length; i++) {
      const raw = text.charCodeAt(i)
      const code = fold ? foldCode(raw) : raw
      if (state === 0 && code < 128 && this.#starts[code] === 0) continue
      let next = this.#step(state, code)
      while (next === NONE && state !== 0) {
        state = this.#fail[state]!
        next = this.#step(state, code)
      }
      if (next === NONE) continue
      state = next
      this.#tell(state, found)
    }
  }

  /** Words that end in a state, unless this search has told them: then it has told all that follow as well. */
  #tell(start: number, found: number[]): void {
    for (let state = start; state !== NONE && this.#reported[state] !== this.#searches; ) {
      this.#reported[state] = this.#searches
      const ids = this.#ids[state]
      if (ids !== undefined) for (const id of ids) found.push(id)
      state = this.#report[state]!
    }
  }

  /** Failure links, shorter states first. */
  link(): void {
    const count = this.#parent.length
    this.#fail = new Int32Array(count)
    this.#report = new Int32Array(count).fill(NONE)
    this.#reported = new Int32Array(count)
    for (const state of this.#byDepth()) {
      if (state === 0) continue
      const parent = this.#parent[state]!
      const fail = parent === 0 ? 0 : this.#follow(this.#fail[parent]!, this.#by[state]!)
      this.#fail[state] = fail
      this.#report[state] = this.#ids[fail] === undefined ? this.#report[fail]! : fail
    }
  }

  #follow(from: number, code: number): number {
    let state = from
    for (;;) {
      const next = this.#step(state, code)
      if (next !== NONE) return next
      if (state === 0) return 0
      state = this.#fail[state]!
    }
  }

  #byDepth(): readonly number[] {
    const depth: number[] = []
    // A state is younger than the one it hangs on.
    for (const [state, parent] of this.#parent.entries())
      depth[state] = parent === NONE ? 0 : depth[parent]! + 1
    return depth.map((_, state) => state).sort((a, b) => depth[a]! - depth[b]!)
  }

  #step(state: number, code: number): number {
    const mask = this.#from.length - 1
    let at = hash(state, code) & mask
    for (;;) {
      const from = this.#from[at]!
      if (from === NONE) return NONE
      if (from === state && this.#code[at] === code) return this.#to[at]!
      at = (at + 1) & mask
    }
  }

  #grow(parent: number, code: number): number {
    const state = this.#parent.length
    this.#parent.push(parent)
    this.#by.push(code)
    this.#ids.push(undefined)
    if (parent === 0 && code < 128) this.#starts[code] = 1
    if (state * 2 > this.#from.length) this.#rehash(this.#from.length * 4)
    this.#put(parent, code, state)
    return state
  }

  #rehash(size: number): void {
    this.#from = new Int32Array(size).fill(NONE)
    this.#code = new Uint16Array(size)
    this.#to = new Int32Array(size)
    for (let state = 1; state < this.#parent.length - 1; state++)
      this.#put(this.#parent[state]!, this.#by[state]!, state)
  }

  #put(from: number, code: number, to: number): void {
    const mask = this.#from.length - 1
    let at = hash(from, code) & mask
    while (this.#from[at] !== NONE) at = (at + 1) & mask
    this.#from[at] = from
    this.#code[at] = code
    this.#to[at] = to
  }
}

function hash(state: number, code: number): number {
  const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

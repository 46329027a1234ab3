/** Texts that repeat a lot, found by the text itself: that costs less than what an interner does for bytes. */
import { Str } from './str.ts'

/** Texts remembered before all are forgotten. */
const RECENT_MAX = 4096

/** As with an interner, what comes for the first time is only noted: many command lines never come again. */
export class RecentTexts {
  readonly #make: (text: string) => Str
  readonly #lengthMax: number
  readonly #known = new Map<string, Str>()
  /** By the low bits of a hash: the one that was noted there last. */
  readonly #noted = new Int32Array(RECENT_MAX)

  /** `make` makes what is remembered. `lengthMax`: longer texts are not, they are made each time. */
  constructor(make: (text: string) => Str, lengthMax: number) {
    this.#make = make
    this.#lengthMax = lengthMax
  }

  get(text: string): Str {
    if (text.length > this.#lengthMax) return this.#make(text)
    let str = this.#known.get(text)
    if (str === undefined) {
      if (!this.#note(text)) return new Str(text)
      str = this.#make(text)
      if (this.#known.size >= RECENT_MAX) this.#known.clear()
      this.#known.set(text, str)
    }
    return str
  }

  /** Was it noted before? Now it is. Two texts may have one hash: then one is remembered too early. */
  #note(text: string): boolean {
    let hash = text.length + 1
    for (let i = 0; i < text.length; i++)
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1) ^ (hash >>> 15)
    const at = (hash ^ (hash >>> 16)) & (RECENT_MAX - 1)
    if (this.#noted[at] === hash) return true
    this.#noted[at] = hash
    return false
  }
}

/** Texts that repeat a lot, found by the text itself: that costs less than what an interner does for bytes. */
import type { Str } from './str.ts'

/** Texts remembered before all are forgotten. */
const RECENT_MAX = 4096

export class RecentTexts {
  readonly #make: (text: string) => Str
  readonly #lengthMax: number
  readonly #known = new Map<string, Str>()

  /** `lengthMax`: longer texts are not remembered, only made. */
  constructor(make: (text: string) => Str, lengthMax: number) {
    this.#make = make
    this.#lengthMax = lengthMax
  }

  get(text: string): Str {
    if (text.length > this.#lengthMax) return this.#make(text)
    let str = this.#known.get(text)
    if (str === undefined) {
      str = this.#make(text)
      if (this.#known.size >= RECENT_MAX) this.#known.clear()
      this.#known.set(text, str)
    }
    return str
  }
}

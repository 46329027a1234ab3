/**
 * The limit on telemetry: so many records in each second of event time, the rest counted and announced. It stands behind
 * the rules and never sees an alert, so a flood cannot hide anything that a rule would find.
 */

/** Records kept back within one window. Times are CLOCK_MONOTONIC ns of the first and last. */
export interface Suppressed {
  readonly count: number
  readonly byType: ReadonlyMap<string, number>
  readonly from: number
  readonly to: number
}

const WINDOW_NS = 1_000_000_000

export class RateLimiter {
  readonly #max: number
  readonly #announce: (suppressed: Suppressed) => void
  #window = -1
  #admitted = 0
  #byType = new Map<string, number>()
  #count = 0
  #from = 0
  #to = 0
  /** Records kept back since the start. */
  total = 0

  /** `max`: records in a second, 0 for no limit. `announce` is told once for each window that kept something back. */
  constructor(max: number, announce: (suppressed: Suppressed) => void) {
    this.#max = max
    this.#announce = announce
  }

  /** May this record go out? */
  admit(time: number, type: string): boolean {
    if (this.#max === 0) return true
    this.advance(time)
    if (this.#admitted < this.#max) {
      this.#admitted++
      return true
    }
    if (this.#count++ === 0) this.#from = time
    this.#to = time
    this.total++
    this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1)
    return false
  }

  /** Event time has come this far: a window that is over is announced. Older times belong to the present window. */
  advance(time: number): void {
    const window = Math.floor(time / WINDOW_NS)
    if (window <= this.#window) return
    this.flush()
    this.#window = window
    this.#admitted = 0
  }

  /** Announce what was kept back so far. */
  flush(): void {
    if (this.#count === 0) return
    const suppressed = { count: this.#count, byType: this.#byType, from: this.#from, to: this.#to }
    this.#count = 0
    this.#byType = new Map()
    this.#announce(suppressed)
  }
}

/** Throttling as a configuration asks for it, from one configuration to the next. */
import type { Config } from '../config/keys.ts'
import type { Alert } from '../detect/alert.ts'
import type { OutputClock } from './clock.ts'
import { Throttle } from './throttle.ts'

/** How often is looked for intervals that are over, ms. */
const LOOK_MS = 250
/** By then all events of a time have come, ns: what ends by the clock would have ended by them. */
const GRACE_NS = 2_000_000_000

export class Throttling {
  readonly #clock: OutputClock
  readonly #announce: (alert: Alert) => void
  #throttle: Throttle | undefined
  #timer: NodeJS.Timeout | undefined
  #signature = ''
  /** By throttles before this one. */
  #suppressed = 0

  constructor(clock: OutputClock, announce: (alert: Alert) => void) {
    this.#clock = clock
    this.#announce = announce
  }

  get suppressed(): number {
    return this.#suppressed + (this.#throttle?.suppressed ?? 0)
  }

  admits(alert: Alert): boolean {
    return this.#throttle === undefined || this.#throttle.admits(alert)
  }

  advance(time: number): void {
    this.#throttle?.advance(time)
  }

  flush(): void {
    this.#throttle?.flush()
  }

  /** Other settings: what is held back by those before is told. */
  become(config: Config): void {
    const { 'throttle.alerts': alerts, 'throttle.interval': seconds, 'throttle.by': by } = config
    const signature = JSON.stringify([alerts, seconds, by])
    if (signature === this.#signature) return
    this.#signature = signature
    this.close()
    this.flush()
    this.#suppressed = this.suppressed
    this.#throttle =
      alerts === 0
        ? undefined
        : new Throttle({ alerts, intervalMs: seconds * 1000, by, announce: this.#announce })
    const { monotonic } = this.#clock
    if (this.#throttle === undefined || monotonic === undefined) return
    this.#timer = setInterval(() => this.#throttle?.expire(monotonic() - GRACE_NS), LOOK_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

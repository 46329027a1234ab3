/** One alert for the same deed of the same process in a while, and one with the count when there were more. */
import type { Finding } from './finding.ts'

const WINDOW_MS = 10_000
const MAX = 1024

interface Open {
  readonly until: number
  /** The newest one that was held back. */
  last: Finding | undefined
  count: number
}

export class Repeats {
  readonly #report: (finding: Finding, repeats: number) => void
  readonly #open = new Map<string, Open>()

  constructor(report: (finding: Finding, repeats: number) => void) {
    this.#report = report
  }

  /** Tell, or hold back what is told already. `now` in ms. */
  tell(finding: Finding, now: number): void {
    const key = keyOf(finding)
    const open = this.#open.get(key)
    if (open !== undefined && now < open.until) {
      open.count++
      open.last = finding
      return
    }
    if (open !== undefined) this.#close(key, open)
    // Beyond the bound nothing is held back: rather too many alerts than none.
    if (this.#open.size < MAX) this.#open.set(key, { until: now + WINDOW_MS, last: undefined, count: 0 })
    this.#report(finding, 0)
  }

  /** Tell what was held back and is over; everything with `all`. */
  flush(now: number, all = false): void {
    for (const [key, open] of this.#open) if (all || now >= open.until) this.#close(key, open)
  }

  #close(key: string, open: Open): void {
    this.#open.delete(key)
    if (open.last !== undefined) this.#report(open.last, open.count)
  }
}

/** Same rule, same process, same first fact: the request, the signal, the command, the file. */
const keyOf = ({ rule, priority, culprit, facts }: Finding): string =>
  [rule, priority, culprit?.pid, culprit?.start, facts[0]?.[1]].join('\0')

/** What the kernel side dropped meanwhile: the causes of a gap, as far as the counters tell. */
import type { ProgramCounts } from '../../health/ledger.ts'

/** Where records of a gap were dropped, as far as the counters tell. */
export interface LossCause {
  readonly program: string
  readonly reason: string
  readonly count: number
}

export class DropCounts {
  readonly #before = new Map<string, number>()

  /** Drops in this ledger that were not in the last one, by program and reason. */
  since(ledger: readonly ProgramCounts[]): LossCause[] {
    const sums = new Map<string, LossCause>()
    for (const { program, dropped } of ledger)
      for (const [reason, count] of Object.entries(dropped)) {
        const key = `${program} ${reason}`
        sums.set(key, { program, reason, count: (sums.get(key)?.count ?? 0) + count })
      }
    const causes: LossCause[] = []
    for (const [key, cause] of sums) {
      const fresh = cause.count - (this.#before.get(key) ?? 0)
      this.#before.set(key, cause.count)
      if (fresh > 0) causes.push({ ...cause, count: fresh })
    }
    return causes
  }
}

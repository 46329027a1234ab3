/**
 * The loss equation, per program and CPU: seen = guarded + throttled + dropped + submitted, and
 * submitted = delivered + lost by the reader.
 */
import { COUNTER_WORDS, DROP_REASONS, type DropReason, PROGRAM_COUNTERS } from '../../schema/index.ts'

const WORD: ReadonlyMap<string, number> = new Map(PROGRAM_COUNTERS.map((name, i) => [name as string, i]))

/** Counters of a program on a CPU, or summed over several. */
export interface Counts {
  readonly seen: number
  /** Dropped on purpose before the record was built: guards, and the agent's own activity. */
  readonly guarded: number
  readonly throttled: number
  readonly submitted: number
  readonly dropped: Readonly<Record<DropReason, number>>
  /** Reads that failed inside records that were sent all the same. */
  readonly helperErrors: number
  /** Records that the reader handed on. */
  readonly delivered: number
}

export interface ProgramCounts extends Counts {
  readonly program: string
  readonly cpu: number
}

export interface LedgerOptions {
  /** Program names by index. */
  readonly programs: readonly string[]
  readonly cpus: number
  /** The kernel's counters: row program * cpus + cpu, COUNTER_WORDS words each. */
  readonly kernel: BigUint64Array
  /** Records handed on, same rows. */
  readonly delivered: Float64Array
}

/** Counters of every program and CPU that has seen anything. */
export function readLedger({ programs, cpus, kernel, delivered }: LedgerOptions): ProgramCounts[] {
  const rows: ProgramCounts[] = []
  for (const [index, program] of programs.entries())
    for (let cpu = 0; cpu < cpus; cpu++) {
      const row = index * cpus + cpu
      const word = (name: string): number => Number(kernel[row * COUNTER_WORDS + WORD.get(name)!]!)
      const seen = word('seen')
      if (seen === 0 && delivered[row] === 0) continue
      rows.push({
        program,
        cpu,
        seen,
        guarded: word('guarded'),
        throttled: word('throttled'),
        submitted: word('submitted'),
        dropped: Object.fromEntries(
          DROP_REASONS.map((reason) => [reason, word(`dropped_${reason}`)]),
        ) as Record<DropReason, number>,
        helperErrors: word('helper_errors'),
        delivered: delivered[row]!,
      })
    }
  return rows
}

export const droppedTotal = (counts: Counts): number =>
  DROP_REASONS.reduce((sum, reason) => sum + counts.dropped[reason], 0)

/** What does not add up in a row, 0 when all is accounted for. Only meaningful when nothing is on its way. */
export const imbalance = (counts: Counts): number =>
  counts.seen - counts.guarded - counts.throttled - droppedTotal(counts) - counts.submitted

/** Sum over CPUs, by program. */
export function byProgram(rows: readonly ProgramCounts[]): Map<string, Counts> {
  const sums = new Map<string, Counts>()
  for (const row of rows) {
    const sum = sums.get(row.program)
    sums.set(row.program, sum === undefined ? row : add(sum, row))
  }
  return sums
}

const add = (a: Counts, b: Counts): Counts => ({
  seen: a.seen + b.seen,
  guarded: a.guarded + b.guarded,
  throttled: a.throttled + b.throttled,
  submitted: a.submitted + b.submitted,
  dropped: Object.fromEntries(
    DROP_REASONS.map((reason) => [reason, a.dropped[reason] + b.dropped[reason]]),
  ) as Record<DropReason, number>,
  helperErrors: a.helperErrors + b.helperErrors,
  delivered: a.delivered + b.delivered,
})

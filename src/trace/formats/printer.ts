/** What a way of showing events is. All functions are pure but for what they remember to be quick. */
import type { SyscallContext } from '../../fields/context.ts'
import type { Gap } from '../../sources/kernel/reader.ts'
import type { ThrottleNotice } from '../../sources/kernel/throttle.ts'
import type { TraceRecord } from '../record.ts'

/** What a trace amounted to. */
export interface TraceStats {
  readonly events: number
  readonly errors: number
  /** Events the kernel could not deliver, and those the output had no room for. */
  readonly lost: number
  readonly refused: number
}

/** Events that are missing. */
export interface Loss extends Pick<Gap, 'ring' | 'cpu' | 'lost' | 'from' | 'to'> {
  /** How many by program and reason, as far as it is known. */
  readonly by: ReadonlyMap<string, number>
}

/** Each function gives a line without its line feed, or nothing. */
export interface Printer {
  readonly begin?: () => string | undefined
  readonly event: (record: TraceRecord) => string | undefined
  /** A line for an event of ours, under whatever names it was asked for; then `event` is not called. */
  readonly own?: (ctx: SyscallContext) => string
  /** Without it the loss is told on standard error. */
  readonly loss?: (loss: Loss, timestamp: bigint) => string
  /** A cgroup sends more than it may, or no more; without it that is told on standard error. */
  readonly throttle?: (notice: ThrottleNotice, timestamp: bigint) => string
  readonly end?: (stats: TraceStats, timestamp: bigint) => string
}

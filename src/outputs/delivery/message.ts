/** What is delivered, by whom, and what can go wrong. */
import type { RecordKind } from '../../config/output-entries.ts'
import type { Alert } from '../../detect/alert.ts'

/** Something to tell: an alert with its line, or the line of another record. */
export interface Entry {
  readonly kind: RecordKind
  /** Of alerts, secrets masked. */
  readonly alert?: Alert
  /** In the format of the output. */
  readonly line: string
}

/** An entry made ready for one output. It outlives the process in a spool, so it is text alone. */
export interface Message {
  /** That of the alert; empty for other records. Who gets a message twice knows it by this. */
  readonly id: string
  readonly text: string
}

/** A way to a receiver. One delivery at a time. */
export interface Transport {
  /**
   * Hand over a batch. Resolves with how many of it the receiver will not have, ever; throws for what may work later, when
   * all of it is tried again. `signal` ends a delivery that takes too long: connections are to be given up then.
   */
  send(batch: readonly Message[], signal: AbortSignal): Promise<Taken>
  /** Most characters of ids in a batch; any number where it is left out. */
  readonly idCharacters?: number
  close(): void
}

export interface Taken {
  /** Messages the receiver refused for good, and why. */
  readonly refused: number
  readonly reason?: string
}

/** The receiver took all of it. */
export const TAKEN: Taken = { refused: 0 }

/** Why messages are not delivered. */
const DROP_REASONS = ['queue_full', 'refused', 'gave_up', 'unsent', 'damaged', 'error'] as const
export type DropReason = (typeof DROP_REASONS)[number]

/** What an output did so far, and what waits. */
export interface OutputStatus {
  readonly name: string
  readonly type: string
  /** Records delivered. */
  readonly sent: number
  /** Deliveries that failed, and records that were in them: those are tried again. */
  readonly failed: number
  readonly retried: number
  readonly dropped: Readonly<Record<DropReason, number>>
  /** Records waiting, and bytes of memory and spool they take. */
  readonly waiting: number
  readonly bytes: number
  /** How many of those waiting are on disk. */
  readonly spooled: number
}

/** Counters of drops at the beginning. */
export const noDrops = (): Record<DropReason, number> => ({
  queue_full: 0,
  refused: 0,
  gave_up: 0,
  unsent: 0,
  damaged: 0,
  error: 0,
})

/** Messages that an output gave up, for whatever reason. */
export const droppedBy = ({ dropped }: Pick<OutputStatus, 'dropped'>): number =>
  Object.values(dropped).reduce((sum, n) => sum + n, 0)

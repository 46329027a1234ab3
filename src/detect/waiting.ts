/**
 * Events whose judgement waits for an answer, in their order. Bounded by number and bytes: beyond that the oldest is judged
 * as it stands, which is counted.
 */
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import type { Admits } from './engine.ts'

export interface WaitingEvent {
  /** Over a copy of the record, with the process as it was. */
  readonly ctx: SyscallContext
  /** Rules that are still to be judged. */
  readonly admits: Admits<SyscallContext>
  readonly bytes: number
}

/** Counts since the start. */
export interface WaitingCounts {
  /** Events that waited, and those that wait now. */
  readonly waited: number
  readonly waiting: number
  /** Judged without the answer they waited for: it took too long, or there was no room. */
  readonly late: number
  readonly displaced: number
}

export interface WaitingLimits {
  readonly events: number
  readonly bytes: number
}

const WAITING_LIMITS: WaitingLimits = { events: 4096, bytes: 8 << 20 }

export class WaitingRoom {
  readonly #limits: WaitingLimits
  #events: WaitingEvent[] = []
  #bytes = 0
  readonly #counts = { waited: 0, late: 0, displaced: 0 }

  constructor(limits: WaitingLimits = WAITING_LIMITS) {
    this.#limits = limits
  }

  get counts(): WaitingCounts {
    return { ...this.#counts, waiting: this.#events.length }
  }

  /** Keep an event for later. Returns those that have to go for it. */
  add(event: WaitingEvent): readonly WaitingEvent[] {
    this.#counts.waited++
    this.#events.push(event)
    this.#bytes += event.bytes
    const gone: WaitingEvent[] = []
    while (this.#events.length > this.#limits.events || this.#bytes > this.#limits.bytes) {
      const oldest = this.#events.shift()!
      this.#bytes -= oldest.bytes
      gone.push(oldest)
    }
    this.#counts.displaced += gone.length
    return gone
  }

  /** Take out those that need not wait any more, oldest first. `isLate` tells those whose answer did not come in time. */
  take(
    waits: (ctx: SyscallContext) => boolean,
    isLate: (ctx: SyscallContext) => boolean,
  ): readonly WaitingEvent[] {
    const free = this.#events.filter(({ ctx }) => !waits(ctx))
    if (free.length === 0) return free
    this.#events = this.#events.filter(({ ctx }) => waits(ctx))
    for (const { ctx, bytes } of free) {
      if (isLate(ctx)) this.#counts.late++
      this.#bytes -= bytes
    }
    return free
  }
}

/** A context of its own for an event that waits: the one of the pipeline moves on. */
export function keptContext(ctx: SyscallContext, process: ProcessInfo | undefined): SyscallContext {
  return { ...ctx, event: ctx.event.detached(), process, memo: new Map() }
}

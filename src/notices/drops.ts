/** `syscall_event_drops`: what follows when more events of a second were lost than is bearable. */
import type { AlertValue } from '../detect/alert.ts'
import { type DropCounters, dropNames, since } from './counters.ts'

export const DROP_RULE = 'Falco internal: syscall event drop'

export interface DropOptions {
  /** Share of the events of a second that may be lost, 0 to 1. */
  readonly threshold: number
  /** Notices per second in the long run, and at once. */
  readonly rate: number
  readonly maxBurst: number
  /** Act as if an event was lost each second. */
  readonly simulate: boolean
}

/** Something is to be said about the last second. */
export interface DropNotice {
  readonly message: string
  /** Texts, as Falco has them. */
  readonly fields: ReadonlyMap<string, AlertValue>
}

export interface DropWatch {
  /** Counters since the start, asked for once a second; `now` in seconds. Undefined when there is nothing to say. */
  check(counters: DropCounters, now: number): DropNotice | undefined
}

/** What is to be said is held back by a bucket of tokens; the losses themselves are counted elsewhere in any case. */
export function createDropWatch({ threshold, rate, maxBurst, simulate }: DropOptions): DropWatch {
  let before: DropCounters | undefined
  let tokens = maxBurst
  let last: number | undefined
  const claim = (now: number): boolean => {
    tokens = Math.min(maxBurst, tokens + rate * (now - (last ?? now)))
    last = now
    if (tokens < 1) return false
    tokens--
    return true
  }
  return {
    check(counters, now) {
      const real = since(counters, before)
      before = counters
      const delta = simulate ? { ...real, drops: real.drops + 1 } : real
      if (delta.drops <= 0) return undefined
      const most = simulate ? 0 : threshold * delta.events
      if (delta.drops <= most || !claim(now)) return undefined
      return notice(delta)
    },
  }
}

const notice = (delta: DropCounters): DropNotice => ({
  message: `${DROP_RULE}. ${delta.drops} system calls dropped in last second.`,
  fields: new Map<string, AlertValue>(
    Object.entries({ ebpf_enabled: 1, n_evts: delta.events, ...dropNames(delta) }).map(([key, value]) => [
      key,
      String(value),
    ]),
  ),
})

/**
 * Times of the kernel's clocks in one another's terms. Offsets are measured by a source and arrive like events do: no
 * stage reads a clock, so a replay yields the same times as the live run.
 */

/** What to add to a CLOCK_MONOTONIC time, in ns. */
export interface ClockOffsets {
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC. */
  readonly wall: bigint
  /** CLOCK_BOOTTIME minus CLOCK_MONOTONIC: the time spent suspended. */
  readonly boot: bigint
}

export interface Clock {
  /** Ns since the epoch. */
  wallClock(monotonicNs: bigint): bigint
  /** CLOCK_BOOTTIME ns. */
  bootTime(monotonicNs: bigint): bigint
  /** From now on convert with these. */
  set(offsets: ClockOffsets): void
}

export function createClock(initial: ClockOffsets): Clock {
  let offsets = initial
  return {
    wallClock: (ns) => ns + offsets.wall,
    bootTime: (ns) => ns + offsets.boot,
    set(next) {
      offsets = next
    },
  }
}

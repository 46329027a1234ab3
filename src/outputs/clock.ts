/** What time it is for outputs: that of the machine, or that of the events of a replay. */
export interface OutputClock {
  /** Ns since the epoch. */
  readonly wall: () => bigint
  /**
   * CLOCK_MONOTONIC in ns, for intervals that end where no event comes any more. Undefined where time passes by events alone:
   * the same events give the same lines then.
   */
  readonly monotonic: (() => number) | undefined
}

/** The machine's: ns since the epoch, and CLOCK_MONOTONIC ns. */
export const LIVE_CLOCK: OutputClock = {
  wall: () => BigInt(Date.now()) * 1_000_000n,
  monotonic: () => Number(process.hrtime.bigint()),
}

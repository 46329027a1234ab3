/**
 * How long events take from stage to stage. One event in a thousand is timed, so that the clock costs nothing; what is
 * kept is a histogram, so that memory is bounded and quantiles are right to within a few percent.
 */

/** In the order of an event's way: in the ring until it was taken, then state, rules, records and alerts. */
export const STAGES = ['ring', 'state', 'detect', 'output'] as const
export type Stage = (typeof STAGES)[number]

/** Times of one stage since the last report, µs. */
export interface StageTimes {
  readonly samples: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Every so many events one is timed; odd, so that it does not beat with the events' own rhythm. */
const EVERY = 1021
/** Buckets for each doubling: a bucket is at most 9 percent wide. */
const PER_DOUBLING = 8
const BUCKETS = 40 * PER_DOUBLING

export class StageTimer {
  readonly #now: () => number
  readonly #every: number
  readonly #histograms = new Map<Stage, Histogram>(STAGES.map((stage) => [stage, new Histogram()]))
  #left = 1
  #timing = false
  #last = 0

  /** `now` gives CLOCK_MONOTONIC in ns. */
  constructor(now: () => number, every = EVERY) {
    this.#now = now
    this.#every = every
  }

  /** An event begins its way; `time` is when it happened. */
  start(time: number): void {
    this.#timing = --this.#left === 0
    if (!this.#timing) return
    this.#left = this.#every
    this.#last = this.#now()
    this.#histograms.get('ring')!.add(this.#last - time)
  }

  /** The stage is done with the event. */
  mark(stage: Stage): void {
    if (!this.#timing) return
    const now = this.#now()
    this.#histograms.get(stage)!.add(now - this.#last)
    this.#last = now
  }

  /** Times since the last call. */
  take(): Record<Stage, StageTimes> {
    return Object.fromEntries(STAGES.map((stage) => [stage, this.#histograms.get(stage)!.take()])) as Record<
      Stage,
      StageTimes
    >
  }
}

class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #samples = 0
  #max = 0

  add(ns: number): void {
    const time = Math.max(ns, 1)
    const bucket = Math.min(Math.floor(Math.log2(time) * PER_DOUBLING), BUCKETS - 1)
    this.#counts[bucket]!++
    this.#samples++
    if (time > this.#max) this.#max = time
  }

  take(): StageTimes {
    const times = {
      samples: this.#samples,
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
      max: microseconds(this.#max),
    }
    this.#counts.fill(0)
    this.#samples = 0
    this.#max = 0
    return times
  }

  /** Upper bound of the bucket the quantile falls into, never more than the maximum. */
  #quantile(q: number): number {
    let left = Math.ceil(this.#samples * q)
    for (let i = 0; i < BUCKETS && left > 0; i++) {
      left -= this.#counts[i]!
      if (left <= 0) return microseconds(Math.min(2 ** ((i + 1) / PER_DOUBLING), this.#max))
    }
    return 0
  }
}

const microseconds = (ns: number): number => Math.round(ns / 10) / 100

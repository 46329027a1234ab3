/** Numbers about repeated measurements. */

export interface Summary {
  readonly best: number
  readonly median: number
  readonly worst: number
  /** Middle half of the values, as a share of the median: how noisy the run was. */
  readonly spread: number
  readonly rounds: number
}

/** The value below which the share `q` (0 to 1) of the values lies, interpolated; NaN without values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  return low + (high - low) * (position - Math.floor(position))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Smaller is better. */
export function summarise(values: readonly number[]): Summary {
  const middle = median(values)
  return {
    best: Math.min(...values),
    median: middle,
    worst: Math.max(...values),
    spread: (quantile(values, 0.75) - quantile(values, 0.25)) / middle,
    rounds: values.length,
  }
}

/**
 * How much dearer one thing is than another that was measured right beside it: the median of the ratios of the rounds,
 * so that what disturbs a whole round disturbs both sides alike.
 */
export function pairedRatio(values: readonly number[], reference: readonly number[]): number {
  return median(values.map((value, round) => value / reference[round]!))
}

/** Every element once, starting at another one each round: nobody is always first. */
export const rotate = <T>(items: readonly T[], round: number): T[] =>
  items.map((_, i) => items[(i + round) % items.length]!)

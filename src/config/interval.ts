/** Times between two snapshots, as Prometheus writes durations. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
}
/** The least that makes sense, as in Falco. */
const LEAST_MS = 100
/** The most a timer takes: 24.8 days. */
const MOST_MS = 2 ** 31 - 1

/** Milliseconds of `15m` or `1h30m`; a number without a unit has ms. Undefined for anything else and for less than 100 ms. */
export function parseInterval(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return bounded(Number(text))
  if (!/^(?:\d{1,9}(?:ms|[smhdwy]))+$/.test(text)) return undefined
  let ms = 0
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) ms += Number(digits) * UNITS[unit!]!
  return bounded(ms)
}

const bounded = (ms: number): number | undefined => (ms < LEAST_MS ? undefined : Math.min(ms, MOST_MS))

/** Durations as rules and options write them. */

const UNITS = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const

/** Longest duration: a day. */
const MAX_NS = 24 * UNITS.h

/** How a duration must look, for hints. */
export const DURATION_HINT = 'write a whole number with its unit, from 1ms to 24h: 500ms, 10s, 5m, 1h'

/** Nanoseconds of `500ms`, `10s`, `5m`, `1h`; undefined for anything else, 0 and more than a day included. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const ns = Number(digits) * UNITS[unit as keyof typeof UNITS]
  return ns > 0 && ns <= MAX_NS ? ns : undefined
}

/** The shortest way to write a duration that `parseDuration` accepts. */
export function durationText(ns: number): string {
  const unit = (['h', 'm', 's', 'ms'] as const).find((name) => ns % UNITS[name] === 0) ?? 'ms'
  return `${ns / UNITS[unit]}${unit}`
}

/** Times of alerts as text, with nanoseconds. */

const pad = (value: number | bigint, width: number): string => String(value).padStart(width, '0')
const NS = 1_000_000_000n

/** RFC 3339 in UTC: `2026-01-02T03:04:05.000000006Z`. */
export function isoTime(ns: bigint): string {
  const seconds = new Date(Number((ns / NS) * 1000n)).toISOString().slice(0, 19)
  return `${seconds}.${pad(ns % NS, 9)}Z`
}

/** Local time of day: `03:04:05.000000006`. */
export function localTime(ns: bigint): string {
  const date = new Date(Number((ns / NS) * 1000n))
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(ns % NS, 9)}`
}

/**
 * Falco's two shapes of an alert, for tools that read Falco: a line of text, and JSON with alphabetical keys, typed values
 * and exact 64-bit integers (Falco 0.44).
 */
import type { Alert, AlertValue } from '../../detect/alert.ts'
import { jsonEscaped, visibleBytes } from '../escape.ts'
import { type Json, toJson } from './json.ts'
import { isoTime, localTime } from './time.ts'

export interface FalcoOptions {
  /** Times in text as ISO 8601 in UTC instead of local time of day. */
  readonly iso8601: boolean
  readonly includeOutput: boolean
  readonly includeMessage: boolean
  readonly includeFields: boolean
  readonly includeTags: boolean
}

/** `03:04:05.000000006: Warning ...` or `2026-01-02T03:04:05.000000006+0000: Warning ...`. */
function prefix(alert: Alert, iso8601: boolean): string {
  const time = iso8601 ? `${isoTime(alert.time).slice(0, -1)}+0000` : localTime(alert.time)
  return `${time}: ${alert.priority} `
}

/** One line, escaped like a JSON string as Falco does. */
export const falcoText = (alert: Alert, { iso8601 }: FalcoOptions): string =>
  jsonEscaped(visibleBytes(prefix(alert, iso8601) + alert.message))

/** One object on a line. */
export function falcoJson(alert: Alert, options: FalcoOptions): string {
  const object: Record<string, Json> = { hostname: alert.hostname }
  if (options.includeMessage) object['message'] = visibleBytes(alert.message)
  if (options.includeOutput) object['output'] = visibleBytes(prefix(alert, options.iso8601) + alert.message)
  if (options.includeFields) object['output_fields'] = outputFields(alert, options.iso8601)
  object['priority'] = alert.priority
  object['rule'] = alert.rule
  object['source'] = alert.source
  if (options.includeTags) object['tags'] = alert.tags
  object['time'] = isoTime(alert.time)
  return toJson(object)
}

/** Times that Falco prints as text and gives as ns in the values. */
const TIME_KEYS: ReadonlySet<string> = new Set([
  'evt.time',
  'evt.time.s',
  'evt.time.iso8601',
  'evt.datetime',
  'evt.datetime.s',
])

/** Values of the message and the time of its prefix, sorted by name. */
function outputFields(alert: Alert, iso8601: boolean): Record<string, Json> {
  const fields = new Map<string, Json>([[iso8601 ? 'evt.time.iso8601' : 'evt.time', alert.time]])
  for (const [key, value] of alert.fields) fields.set(key, TIME_KEYS.has(key) ? alert.time : visible(value))
  return Object.fromEntries([...fields].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Bytes that are not UTF-8 are shown as `\xNN`. */
export function visible(value: AlertValue): Json {
  if (typeof value === 'string') return visibleBytes(value)
  return Array.isArray(value) ? value.map(visible) : (value as Json)
}

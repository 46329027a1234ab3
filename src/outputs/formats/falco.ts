/**
 * Falco's two shapes of an alert, for tools that read Falco: a line of text, and JSON with alphabetical keys, typed values
 * and exact 64-bit integers (Falco 0.44). Both are UTF-8: bytes that are not become U+FFFD.
 */
import type { Alert, AlertValue } from '../../detect/alert.ts'
import { jsonEscaped } from '../escape.ts'
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

/** What the agent says about itself has no rule of the user's behind it, and a shape of its own. */
const isInternal = (alert: Alert): boolean => alert.source === 'internal'

/** One line, escaped like a JSON string as Falco does. Values of internal alerts follow the message. */
export function falcoText(alert: Alert, { iso8601 }: FalcoOptions): string {
  const values =
    isInternal(alert) && alert.fields.size > 0
      ? ` (${sorted(alert.fields)
          .map(([key, value]) => `${key}=${plainText(value)}`)
          .join(' ')})`
      : ''
  return jsonEscaped(prefix(alert, iso8601) + alert.message + values)
}

/** One object on a line. */
export function falcoJson(alert: Alert, options: FalcoOptions): string {
  const object: Record<string, Json> = { hostname: alert.hostname }
  if (isInternal(alert)) {
    object['output'] = alert.message
    object['output_fields'] = Object.fromEntries(sorted(alert.fields))
  } else {
    if (options.includeMessage) object['message'] = alert.message
    if (options.includeOutput) object['output'] = prefix(alert, options.iso8601) + alert.message
    if (options.includeFields) object['output_fields'] = outputFields(alert, options.iso8601)
  }
  object['priority'] = alert.priority
  object['rule'] = alert.rule
  object['source'] = alert.source
  if (options.includeTags && !(isInternal(alert) && alert.tags.length === 0)) object['tags'] = alert.tags
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
  const fields = new Map<string, AlertValue>([[iso8601 ? 'evt.time.iso8601' : 'evt.time', alert.time]])
  for (const [key, value] of alert.fields) fields.set(key, TIME_KEYS.has(key) ? alert.time : value)
  return Object.fromEntries(sorted(fields))
}

const sorted = (fields: ReadonlyMap<string, AlertValue>): [string, AlertValue][] =>
  [...fields].sort(([a], [b]) => (a < b ? -1 : 1))

const plainText = (value: AlertValue): string =>
  value === null ? '<NA>' : Array.isArray(value) ? `(${value.map(plainText).join(',')})` : String(value)

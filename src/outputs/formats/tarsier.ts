/** Our own JSON of an alert: versioned, with its id, lossless. */
import { encodeText, isLossy } from '../../decode/str.ts'
import type { Alert, AlertValue } from '../../detect/alert.ts'
import { visibleBytes } from '../escape.ts'
import { type Json, toJson } from './json.ts'
import { isoTime } from './time.ts'

/** Bytes that are not UTF-8 are shown as `\xNN`; integers that a double cannot hold exactly are decimal strings. */
function shown(value: AlertValue): Json {
  if (typeof value === 'string') return visibleBytes(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? value : String(value)
  return Array.isArray(value) ? value.map(shown) : (value as Json)
}

/** The exact bytes of a text, or of each text of a list; undefined when there is nothing that `shown` does not show. */
function exactBytes(value: AlertValue): Json | undefined {
  if (typeof value === 'string') return isLossy(value) ? base64(value) : undefined
  if (!Array.isArray(value) || !value.some((item) => typeof item === 'string' && isLossy(item)))
    return undefined
  return value.map((item: AlertValue) => (typeof item === 'string' ? base64(item) : null))
}

const base64 = (text: string): string => Buffer.from(encodeText(text)).toString('base64')

/** A value under its name, with its bytes beside it in `<name>_b64` where they were not UTF-8. */
export const withBytes = (name: string, value: AlertValue): Record<string, Json> => {
  const bytes = exactBytes(value)
  return bytes === undefined ? { [name]: shown(value) } : { [name]: shown(value), [`${name}_b64`]: bytes }
}

/** One object on a line. */
export function tarsierJson(alert: Alert): string {
  const fields: Record<string, Json> = {}
  for (const [key, value] of alert.fields) Object.assign(fields, withBytes(key, value))
  return toJson({
    v: 1,
    kind: 'alert',
    id: alert.id,
    time: isoTime(alert.time),
    host: alert.hostname,
    rule: alert.rule,
    priority: alert.priority,
    source: alert.source,
    tags: alert.tags,
    ...withBytes('message', alert.message),
    fields,
  })
}

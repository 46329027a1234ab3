/** Our own JSON of an alert: versioned, with its id, lossless. */
import { encodeText, isLossy } from '../../decode/str.ts'
import type { Alert } from '../../detect/alert.ts'
import { visibleBytes } from '../escape.ts'
import { visible } from './falco.ts'
import { type Json, toJson } from './json.ts'
import { isoTime } from './time.ts'

/** Integers that a double cannot hold exactly are decimal strings. */
const exact = (value: Json): Json =>
  typeof value === 'bigint' && value > 9007199254740991n ? String(value) : value

/** One object on a line; a value whose bytes were not UTF-8 has them in `<name>_b64`. */
export function tarsierJson(alert: Alert): string {
  const fields: Record<string, Json> = {}
  for (const [key, value] of alert.fields) {
    fields[key] = exact(visible(value))
    if (typeof value === 'string' && isLossy(value))
      fields[`${key}_b64`] = Buffer.from(encodeText(value)).toString('base64')
  }
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
    message: visibleBytes(alert.message),
    fields,
  })
}

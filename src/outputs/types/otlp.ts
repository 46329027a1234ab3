/** Logs of OpenTelemetry: OTLP over HTTP in JSON, one log record for each record. */
import { release } from 'node:os'
import type { EntryOf } from '../../config/output-entries.ts'
import type { AlertValue } from '../../detect/alert.ts'
import type { Entry, Taken, Transport } from '../delivery/message.ts'
import { TAKEN } from '../delivery/message.ts'
import { visibleBytes } from '../escape.ts'
import { type Json, toJson } from '../formats/json.ts'
import { createPoster, verdict } from './http-post.ts'
import { otlpSeverity } from './severity.ts'

const text = (value: string): Json => ({ stringValue: visibleBytes(value) })

/** OTLP/JSON writes 64-bit integers as text. */
function anyValue(value: AlertValue): Json {
  if (value === null) return {}
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'bigint':
      return { intValue: String(value) }
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
    case 'boolean':
      return { boolValue: value }
    default:
      return { arrayValue: { values: value.map(anyValue) } }
  }
}

const attribute = (key: string, value: AlertValue): Json => ({ key, value: anyValue(value) })

/** The log record of an entry as JSON. `now`: ns since the epoch, for records without a time of their own. */
export function logRecord({ kind, alert, line }: Entry, now: bigint): string {
  if (alert === undefined)
    return toJson({
      timeUnixNano: String(now),
      observedTimeUnixNano: String(now),
      severityNumber: otlpSeverity('Informational'),
      severityText: 'Informational',
      body: text(line),
      attributes: [attribute('tarsier.kind', kind)],
    })
  return toJson({
    timeUnixNano: String(alert.time),
    observedTimeUnixNano: String(now),
    severityNumber: otlpSeverity(alert.priority),
    severityText: alert.priority,
    body: text(line),
    attributes: [
      attribute('tarsier.kind', kind),
      attribute('tarsier.alert.id', alert.id),
      attribute('tarsier.rule', alert.rule),
      attribute('tarsier.source', alert.source),
      attribute('tarsier.tags', alert.tags),
      ...[...alert.fields].map(([key, value]) => attribute(key, value)),
    ],
  })
}

/** Throws when a certificate cannot be read. */
export function otlpTransport(entry: EntryOf<'otlp'>, hostname: string): Transport {
  const poster = createPoster({
    url: entry.url,
    method: 'POST',
    headers: { 'User-Agent': 'tarsier', ...entry.headers },
    gzip: entry.gzip,
    keepAlive: true,
    tls: entry,
  })
  const resource = toJson({
    attributes: [
      attribute('service.name', 'tarsier'),
      attribute('host.name', hostname),
      attribute('os.type', 'linux'),
      attribute('os.version', release()),
    ],
  })
  return {
    async send(batch, signal) {
      const records = batch.map((message) => message.text).join(',')
      const body = `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{"scope":{"name":"tarsier"},"logRecords":[${records}]}]}]}`
      const { status, text: answer } = await poster.post(body, { 'Content-Type': 'application/json' }, signal)
      switch (verdict(status)) {
        case 'taken':
          return partialSuccess(answer, batch.length)
        case 'refused':
          return { refused: batch.length, reason: `the collector answers ${status}` }
        case 'later':
          throw new Error(`the collector answers ${status}`)
      }
    },
    close: () => poster.close(),
  }
}

/** A collector may take a request and refuse some of its records. */
function partialSuccess(answer: string, most: number): Taken {
  try {
    const { partialSuccess: partial } = JSON.parse(answer) as {
      partialSuccess?: { rejectedLogRecords?: unknown }
    }
    const refused = Math.min(Math.max(Math.trunc(Number(partial?.rejectedLogRecords ?? 0)) || 0, 0), most)
    return refused === 0 ? TAKEN : { refused, reason: 'the collector rejects some records of a request' }
  } catch {
    return TAKEN
  }
}

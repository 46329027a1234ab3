/** An entry of `outputs` opened: each type with its way to the receiver, and how its records look there. */

import { join } from 'node:path'
import type { DeliverySettings, EntryOf, OutputEntry } from '../config/output-entries.ts'
import { syslogAddress } from '../config/output-entries.ts'
import { LIVE_CLOCK, type OutputClock } from './clock.ts'
import { Delivery } from './delivery/delivery.ts'
import type { Entry, Transport } from './delivery/message.ts'
import { openSpool } from './delivery/spool.ts'
import type { Formatter } from './formatting.ts'
import { type Handlers, openFileOutput } from './output.ts'
import { createSelection } from './selection.ts'
import { deliverySink, lineSink, type Sink } from './sink.ts'
import { httpTransport } from './types/http.ts'
import { journaldTransport, journalFields } from './types/journald.ts'
import { logRecord, otlpTransport } from './types/otlp.ts'
import { programTransport } from './types/program.ts'
import { type OpenDatagrams, syslogMessage, syslogTransport } from './types/syslog.ts'

/** What outputs need of the machine. */
export interface Surroundings {
  readonly hostname: string
  /** Are lines of alerts in the format of the configuration JSON? */
  readonly json: boolean
  readonly openDatagrams: OpenDatagrams
  /** By default that of the machine. */
  readonly clock?: OutputClock
}

/** Where an entry goes, and the text of its records there. */
interface Way {
  readonly transport: Transport
  readonly render: (entry: Entry) => string
  /** Receivers that take one record at a time. */
  readonly single?: boolean
}

/** Throws for what cannot be read or opened. */
export function openEntry<About>(
  entry: OutputEntry,
  format: Formatter<About>,
  handlers: Handlers,
  surroundings: Surroundings,
): Sink<About> {
  const selection = createSelection(entry)
  if (entry.type === 'file') {
    const output = openFileOutput(
      entry.path,
      { keepAlive: false, rotation: rotationOf(entry) },
      {
        ...handlers,
        maxQueued: entry.queue_bytes,
      },
    )
    const maxQueued = entry.queue_bytes / 2
    return lineSink(output, { name: entry.name, selection, format, type: 'file', maxQueued })
  }
  const { transport, render, single = false } = wayOf(entry, surroundings, handlers)
  const delivery = new Delivery({
    name: entry.name,
    type: entry.type,
    transport,
    ...timesOf(entry, single),
    queueBytes: entry.queue_bytes,
    ...spoolOf(entry, handlers),
    onError: handlers.onError,
    quietTimeouts: 'quiet_timeouts' in entry ? entry.quiet_timeouts : 0,
  })
  return deliverySink(delivery, { selection, format, render })
}

/** Falco's keys have none. */
const spoolOf = (
  { name, spool, spool_bytes }: DeliverySettings & { readonly name: string },
  { onError }: Handlers,
) =>
  spool === ''
    ? {}
    : {
        spool: openSpool({
          directory: join(spool, name),
          mostBytes: spool_bytes,
          onError: (message) => onError(`Output ${name}: ${message}; what does not fit waits in memory`),
        }),
      }

const timesOf = (settings: DeliverySettings, single: boolean) => ({
  batch: single ? 1 : settings.batch,
  timeoutMs: settings.timeout_ms,
  retryMinMs: settings.retry_min_ms,
  retryMaxMs: settings.retry_max_ms,
  giveUpMs: settings.give_up_s * 1000,
})

const rotationOf = ({ rotate_bytes, rotate_s, rotate_keep }: EntryOf<'file'>) => ({
  bytes: rotate_bytes,
  seconds: rotate_s,
  keep: rotate_keep,
})

const plainLine = ({ line }: Entry): string => line

function wayOf(
  entry: Exclude<OutputEntry, { readonly type: 'file' }>,
  { hostname, json, openDatagrams, clock: { wall: now } = LIVE_CLOCK }: Surroundings,
  { onInfo }: Handlers,
): Way {
  switch (entry.type) {
    case 'syslog':
      return {
        transport: syslogTransport(entry, openDatagrams),
        render: (one) => syslogMessage(one, { facility: entry.facility, host: hostname, now: now() }),
        single: !['tcp', 'tls'].includes(syslogAddress(entry.address)!.by),
      }
    case 'program':
      return { transport: programTransport(entry), render: plainLine, single: !entry.keep_alive }
    case 'http':
      return { transport: httpTransport(entry, isJson(entry, json), onInfo), render: plainLine }
    case 'journald':
      return { transport: journaldTransport(entry, openDatagrams), render: journalFields, single: true }
    case 'otlp':
      return { transport: otlpTransport(entry, hostname), render: (one) => logRecord(one, now()) }
    default:
      return entry satisfies never
  }
}

const isJson = ({ format, template }: EntryOf<'http'>, json: boolean): boolean => {
  if (format === 'auto') return json
  return format === 'template' ? /^\s*[{[]/.test(template) : format !== 'falco-text'
}

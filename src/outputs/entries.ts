/** An entry of `outputs` opened: each type with its way to the receiver, and how its records look there. */

import { join } from 'node:path'
import type { DeliverySettings, EntryOf, OutputEntry } from '../config/output-entries.ts'
import { syslogAddress } from '../config/output-entries.ts'
import { LIVE_CLOCK, type OutputClock } from './clock.ts'
import { Delivery, type Spool } from './delivery/delivery.ts'
import type { Entry, Transport } from './delivery/message.ts'
import { openSpool } from './delivery/spool.ts'
import type { Formatter } from './formatting.ts'
import { type Handlers, openFileOutput } from './output.ts'
import { createSelection } from './selection.ts'
import { deliverySink, lineSink, type Prepared, type Sink } from './sink.ts'
import { httpTransport } from './types/http.ts'
import { journaldTransport, journalFields } from './types/journald.ts'
import { logRecord, otlpTransport } from './types/otlp.ts'
import { programTransport } from './types/program.ts'
import { type OpenDatagrams, syslogMessage, syslogTransport } from './types/syslog.ts'

/** What outputs need of the machine. */
export interface Surroundings {
  readonly hostname: string
  readonly openDatagrams: OpenDatagrams
  /** By default that of the machine. */
  readonly clock?: OutputClock
}

/** What follows from the configuration. */
export interface Shape {
  /** Are lines of alerts in the format of the configuration JSON? */
  readonly json: boolean
}

/** Where an entry goes, and the text of its records there. */
interface Way {
  readonly transport: Transport
  readonly render: (entry: Entry) => string
  /** Receivers that take one record at a time. */
  readonly single?: boolean
}

/** Throws for what cannot be read or opened. `before`: an output of that name, which is taken over where that works. */
export function openEntry<About>(
  entry: OutputEntry,
  format: Formatter<About>,
  handlers: Handlers,
  surroundings: Surroundings & Shape,
  before: Sink<About> | undefined,
): Prepared<About> {
  const chosen = { selection: createSelection(entry), format }
  if (entry.type === 'file') return fileEntry(entry, chosen, handlers, before)
  const { transport, render, single = false } = wayOf(entry, surroundings, handlers)
  const old = before?.delivery?.type === entry.type ? before.delivery : undefined
  try {
    if (old === undefined && before !== undefined) refuseSharedSpool(entry, before)
    const settings = {
      transport,
      ...timesOf(entry, single),
      queueBytes: entry.queue_bytes,
      ...spoolOf(entry, handlers, old),
      quietTimeouts: 'quiet_timeouts' in entry ? entry.quiet_timeouts : 0,
    }
    const { name, type } = entry
    const delivery = old ?? new Delivery({ name, type, ...settings, onError: handlers.onError })
    return {
      sink: deliverySink(delivery, { ...chosen, render }),
      takesOver: old !== undefined,
      commit: () => old?.become(settings),
      discard() {
        if (old === undefined) return delivery.close()
        transport.close()
        if (settings.spool !== old.spool) settings.spool?.close()
      },
    }
  } catch (error) {
    transport.close()
    throw error
  }
}

function fileEntry<About>(
  entry: EntryOf<'file'>,
  chosen: Pick<Sink<About>, 'selection' | 'format'>,
  handlers: Handlers,
  before: Sink<About> | undefined,
): Prepared<About> {
  const { path, name, queue_bytes: maxQueued } = entry
  const rotation = rotationOf(entry)
  const place = JSON.stringify([path, rotation, maxQueued])
  if (before?.place === place)
    return { sink: before.retold(chosen), takesOver: true, commit() {}, discard() {} }
  const output = openFileOutput(path, { keepAlive: false, rotation }, { ...handlers, maxQueued })
  const sink = lineSink(output, { name, ...chosen, type: 'file', maxQueued: maxQueued / 2, place })
  return { sink, takesOver: false, commit() {}, discard: () => sink.close() }
}

/** What waits was made for receivers of another kind. */
function refuseSharedSpool<About>(
  entry: DeliverySettings & { readonly name: string },
  before: Sink<About>,
): void {
  const { spool } = before.delivery ?? {}
  if (spool !== undefined && spool.waiting > 0 && spool.directory === spoolDirectory(entry))
    throw new Error(
      `its type changes while ${spool.waiting} records wait in its spool; give it another name until they are delivered`,
    )
}

const spoolDirectory = ({ spool, name }: DeliverySettings & { readonly name: string }): string =>
  join(spool, name)

/** Falco's keys have none. The one in use is not opened twice. */
function spoolOf(
  entry: DeliverySettings & { readonly name: string },
  { onError }: Handlers,
  before: Delivery | undefined,
): { readonly spool?: Spool; readonly spoolBytes: number } {
  const { name, spool, spool_bytes: spoolBytes } = entry
  if (spool === '') return { spoolBytes }
  const directory = spoolDirectory(entry)
  if (before?.spool?.directory === directory) return { spool: before.spool, spoolBytes }
  return {
    spoolBytes,
    spool: openSpool({
      directory,
      mostBytes: spoolBytes,
      onError: (message) => onError(`Output ${name}: ${message}; what does not fit waits in memory`),
    }),
  }
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
  { hostname, json, openDatagrams, clock: { wall: now } = LIVE_CLOCK }: Surroundings & Shape,
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

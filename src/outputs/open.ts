/** The outputs of a configuration: standard output and a file, what Falco's keys ask for, and the list `outputs`. */
import type { Config } from '../config/keys.ts'
import { type OutputEntry, RECORD_KINDS, type RecordKind } from '../config/output-entries.ts'
import type { Alert } from '../detect/alert.ts'
import { LIVE_CLOCK, type OutputClock } from './clock.ts'
import { droppedBy, type OutputStatus } from './delivery/message.ts'
import { openEntry, type Surroundings } from './entries.ts'
import { falcoEntries } from './falco-entries.ts'
import {
  type Formats,
  type Formatter,
  formatName,
  formatterOf,
  hasTelemetry,
  templateFormatter,
} from './formatting.ts'
import { maskAlert } from './masking.ts'
import { type Handlers, openFileOutput, openStdoutOutput } from './output.ts'
import { createSelection } from './selection.ts'
import { lineSink, type Sink } from './sink.ts'
import { Throttle } from './throttle.ts'

export { type Formats, formatName, hasTelemetry } from './formatting.ts'

export interface Outputs<About> {
  /** An alert, at once; `about` is what a format needs to know beside it. */
  write(alert: Alert, about?: About): void
  /** A record that is no alert, ready to be written, at once. */
  writeLine(line: string, kind: Exclude<RecordKind, 'alert'>): void
  /** A record of telemetry: it goes out with others of its kind. False when an output had no room for it. */
  record(line: string): boolean
  /** An event of this time comes, CLOCK_MONOTONIC ns; undefined where nobody has to know. */
  readonly advance: ((time: number) => void) | undefined
  /** Does an output of the list ask for records of this kind? */
  asksFor(kind: RecordKind): boolean
  /** Alerts taken so far. */
  readonly alerts: number
  /** Alerts held back by throttling so far. */
  readonly suppressed: number
  /** Lines lost so far. */
  readonly failures: number
  status(): readonly OutputStatus[]
  flush(): Promise<void>
  /** Open files anew, also those that stay open whatever becomes of their name. */
  reopen(): void
  close(): void
}

/** Bytes of an output's queue that telemetry leaves to alerts. */
const RESERVED = 16 << 20
const MAX_QUEUED = 64 << 20

/** An output cannot be opened: which, and why. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** Are there records of health and losses on standard output and in the file, beside the alerts? */
export const hasRecords = (config: Config): boolean =>
  hasTelemetry(config) || formatName(config) === 'rand-guard'

/** Open what the configuration names. Throws OutputError when that is not possible; nothing stays open then. */
export function openOutputs<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
  surroundings: Surroundings,
): Outputs<About> {
  const sinks: Sink<About>[] = []
  const { clock = LIVE_CLOCK } = surroundings
  try {
    openPlain(config, handlers, formats, sinks)
    for (const entry of [...falcoEntries(config), ...config.outputs])
      sinks.push(
        opened(entry.name, 'look at its keys: docs/outputs.md', () =>
          openEntry(entry, formatOf(entry, config, formats, handlers, clock), handlers, surroundings),
        ),
      )
  } catch (error) {
    for (const sink of sinks) sink.close()
    throw error
  }
  return outputsOf(config, formats, sinks, clock)
}

function opened<T>(name: string, hint: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw new OutputError(`output ${name}: ${(error as Error).message}`, hint)
  }
}

/** Standard output and the file of `file_output`: alerts, telemetry, and what belongs to it. */
function openPlain<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
  sinks: Sink<About>[],
): void {
  const queue = { maxQueued: MAX_QUEUED, ...handlers }
  const chosen = {
    selection: createSelection({
      kinds: hasRecords(config) ? RECORD_KINDS : ['alert', 'event'],
      priority: 'debug',
      rules: [],
      tags: [],
    }),
    format: formatterOf(formatName(config), config, formats),
    // Without drop_when_full telemetry may fill the queue as far as alerts still find room.
    maxQueued: config['limits.drop_when_full'] ? RESERVED : MAX_QUEUED - RESERVED,
  }
  if (config['stdout_output.enabled'])
    sinks.push(lineSink(openStdoutOutput(queue), { ...chosen, type: 'stdout' }))
  if (!config['file_output.enabled']) return
  const file = config['file_output.filename']
  const output = opened(
    `'${file}'`,
    'name a file in a folder that exists: -o file_output.filename=FILE',
    () => openFileOutput(file, { keepAlive: config['file_output.keep_alive'] }, queue),
  )
  sinks.push(lineSink(output, { ...chosen, type: 'file' }))
}

function formatOf<About>(
  { name, format, template }: OutputEntry,
  config: Config,
  formats: Formats<About>,
  { onError }: Handlers,
  clock: OutputClock,
): Formatter<About> {
  switch (format) {
    case 'template':
      return templateFormatter(template, (message) => onError(`Output ${name}: ${message}`), clock.wall)
    case 'falco-text':
    case 'falco':
    case 'tarsier':
    case 'rand-guard':
      return formatterOf(format, config, formats)
    default:
      return formatterOf(formatName(config), config, formats)
  }
}

/** How often is looked for intervals that are over, ms. */
const LOOK_MS = 250
/** By then all events of a time have come, ns: what ends by the clock would have ended by them. */
const GRACE_NS = 2_000_000_000

function startThrottling(config: Config, { monotonic }: OutputClock, announce: (alert: Alert) => void) {
  if (config['throttle.alerts'] === 0) return undefined
  const throttle = new Throttle({
    alerts: config['throttle.alerts'],
    intervalMs: config['throttle.interval'] * 1000,
    by: config['throttle.by'],
    announce,
  })
  const timer = monotonic && setInterval(() => throttle.expire(monotonic() - GRACE_NS), LOOK_MS)
  timer?.unref()
  return { throttle, timer }
}

function outputsOf<About>(
  config: Config,
  { secrets }: Formats<About>,
  sinks: readonly Sink<About>[],
  clock: OutputClock,
): Outputs<About> {
  const mask = config['output.mask_secrets']
  const masked = (alert: Alert, about: About | undefined): Alert =>
    mask ? maskAlert(alert, about === undefined ? [] : secrets(about)) : alert
  const asked = new Set(config.outputs.flatMap(({ kinds }) => kinds))
  let alerts = 0
  const send = (alert: Alert, about: About | undefined): void => {
    alerts++
    for (const sink of sinks)
      if (sink.selection.takes(alert)) sink.now({ kind: 'alert', alert, line: sink.format(alert, about) })
  }
  const throttling = startThrottling(config, clock, (alert) => send(alert, undefined))
  return {
    write(alert, about) {
      const shown = masked(alert, about)
      // What the agent says about itself is never held back.
      if (about === undefined || throttling?.throttle.admits(shown) !== false) send(shown, about)
    },
    writeLine(line, kind) {
      for (const sink of sinks) if (sink.selection.kinds.has(kind)) sink.now({ kind, line })
    },
    record(line) {
      let taken = true
      for (const sink of sinks)
        if (sink.selection.kinds.has('event') && !sink.add(line, 'event')) taken = false
      return taken
    },
    advance: throttling && ((time) => throttling.throttle.advance(time)),
    asksFor: (kind) => asked.has(kind),
    get alerts() {
      return alerts
    },
    get suppressed() {
      return throttling?.throttle.suppressed ?? 0
    },
    get failures() {
      return sinks.reduce((sum, sink) => sum + droppedBy(sink.status()), 0)
    },
    status: () => sinks.map((sink) => sink.status()),
    async flush() {
      throttling?.throttle.flush()
      await Promise.all(sinks.map((sink) => sink.flush()))
    },
    reopen() {
      for (const sink of sinks) sink.reopen()
    },
    close() {
      clearInterval(throttling?.timer)
      for (const sink of sinks) sink.close()
    },
  }
}

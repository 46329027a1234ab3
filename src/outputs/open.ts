/** The outputs of a configuration, and the format alerts have there. */
import type { Config } from '../config/keys.ts'
import type { Alert } from '../detect/alert.ts'
import { Batch } from './batch.ts'
import { type FalcoOptions, falcoJson, falcoText } from './formats/falco.ts'
import { tarsierJson } from './formats/tarsier.ts'
import { maskAlert } from './masking.ts'
import { type Handlers, type Output, openFileOutput, openStdoutOutput } from './output.ts'

export interface Outputs<About> {
  /** An alert, at once; `about` is what a format needs to know beside it. */
  write(alert: Alert, about?: About): void
  /** A record that is no alert, ready to be written, at once. */
  writeLine(line: string): void
  /** A record of telemetry: it goes out with others of its kind. False when an output had no room for it. */
  record(line: string): boolean
  /** Alerts taken so far. */
  readonly alerts: number
  /** Lines lost so far. */
  readonly failures: number
  flush(): Promise<void>
  close(): void
  readonly all: readonly Output[]
}

/** Bytes of an output's queue that telemetry leaves to alerts. */
const RESERVED = 16 << 20
const MAX_QUEUED = 64 << 20

/** Formats that other stages bring along. */
export interface Formats<About> {
  readonly randGuard: (alert: Alert, about: About | undefined) => string
  /** Values that must not go out, of the processes of an alert. */
  readonly secrets: (about: About) => readonly string[]
}

/** Open what the configuration names. Throws when a file cannot be opened. */
export function openOutputs<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
): Outputs<About> {
  const format = formatOf(config, formats)
  const all: Output[] = []
  const queue = { maxQueued: MAX_QUEUED, ...handlers }
  if (config['stdout_output.enabled']) all.push(openStdoutOutput(queue))
  if (config['file_output.enabled'])
    all.push(
      openFileOutput(config['file_output.filename'], { keepAlive: config['file_output.keep_alive'] }, queue),
    )
  // Without drop_when_full telemetry may fill the queue as far as alerts still find room.
  const maxQueued = config['limits.drop_when_full'] ? RESERVED : MAX_QUEUED - RESERVED
  const batches = all.map((output) => new Batch({ output, maxQueued }))
  let refused = 0
  let alerts = 0
  const now = (line: string): void => {
    for (const batch of batches) batch.now(line)
  }
  return {
    all,
    write(alert, about) {
      alerts++
      now(format(alert, about))
    },
    writeLine: now,
    record(line) {
      let taken = true
      for (const batch of batches)
        if (!batch.add(line)) {
          refused++
          taken = false
        }
      return taken
    },
    get alerts() {
      return alerts
    },
    get failures() {
      return all.reduce((sum, { counters }) => sum + counters.droppedFull + counters.droppedError, refused)
    },
    async flush() {
      for (const batch of batches) batch.flush()
      await Promise.all(all.map((output) => output.flush()))
    },
    close() {
      for (const output of all) output.close()
    },
  }
}

/** Are there records beside alerts? */
export const hasTelemetry = (config: Config): boolean =>
  config['telemetry.process'] || config['telemetry.file'] || config['telemetry.network']

/** The format alerts have, `auto` resolved. */
export function formatName(config: Config): 'falco-text' | 'falco' | 'tarsier' | 'rand-guard' {
  const name = config['output.format']
  switch (name) {
    case 'falco-text':
    case 'falco':
    case 'tarsier':
    case 'rand-guard':
      return name
    default:
      return hasTelemetry(config) ? 'rand-guard' : config.json_output ? 'falco' : 'falco-text'
  }
}

function formatOf<About>(
  config: Config,
  { randGuard, secrets }: Formats<About>,
): (alert: Alert, about: About | undefined) => string {
  const format = plainFormat(config)
  const mask = config['output.mask_secrets']
  if (formatName(config) === 'rand-guard')
    return (alert, about) =>
      randGuard(mask ? maskAlert(alert, about === undefined ? [] : secrets(about)) : alert, about)
  return mask ? (alert, about) => format(maskAlert(alert, about === undefined ? [] : secrets(about))) : format
}

function plainFormat(config: Config): (alert: Alert) => string {
  const options: FalcoOptions = {
    iso8601: config.time_format_iso_8601,
    includeOutput: config.json_include_output_property,
    includeMessage: config.json_include_message_property,
    includeFields: config.json_include_output_fields_property,
    includeTags: config.json_include_tags_property,
  }
  switch (formatName(config)) {
    case 'tarsier':
      return tarsierJson
    case 'falco':
      return (alert) => falcoJson(alert, options)
    default:
      return (alert) => falcoText(alert, options)
  }
}

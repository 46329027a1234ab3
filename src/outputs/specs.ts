/** What a configuration asks for: standard output and a file, what Falco's keys name, and the list `outputs`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../config/keys.ts'
import { type OutputEntry, RECORD_KINDS } from '../config/output-entries.ts'
import { LIVE_CLOCK, type OutputClock } from './clock.ts'
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
import { type Handlers, type Output, openFileOutput, openStdoutOutput } from './output.ts'
import { createSelection } from './selection.ts'
import { lineSink, type Prepared, type Sink } from './sink.ts'
import { authorities } from './types/authorities.ts'

/** An output to be. */
export interface Spec<About> {
  /** What makes it the same output in another configuration. */
  readonly key: string
  readonly type: string
  /** In messages. */
  readonly name: string
  readonly hint: string
  /** Everything that matters of it: of equal signatures one stands for the other. */
  readonly signature: string
  /** `before`: what has that key now; it may be taken over. Throws for what cannot be read or opened. */
  open(before: Sink<About> | undefined): Prepared<About>
}

/** An output at work. */
export interface Placed<About> {
  readonly spec: Spec<About>
  readonly sink: Sink<About>
}

/** Bytes of an output's queue that telemetry leaves to alerts. */
const RESERVED = 16 << 20
const MAX_QUEUED = 64 << 20

/** In the order lines are written. */
export function specsOf<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
  surroundings: Surroundings,
): readonly Spec<About>[] {
  const json = formatName(config) !== 'falco-text'
  const shape = shapeOf(config)
  const clock = surroundings.clock ?? LIVE_CLOCK
  return [
    ...plainSpecs(config, handlers, formats, shape),
    ...[...falcoEntries(config), ...config.outputs].map((entry) => ({
      key: `entry ${entry.name}`,
      type: entry.type,
      name: entry.name,
      hint: 'look at its keys: docs/outputs.md',
      signature: JSON.stringify([entry, shape, certificatesOf(entry)]),
      open: (before: Sink<About> | undefined) =>
        openEntry(
          entry,
          formatOf(entry, config, formats, handlers, clock),
          handlers,
          { ...surroundings, json },
          before,
        ),
    })),
  ]
}

/** What formats read of a configuration. */
const shapeOf = (config: Config): string =>
  JSON.stringify([
    formatName(config),
    config['output.mask_secrets'],
    config.time_format_iso_8601,
    config.json_include_output_property,
    config.json_include_message_property,
    config.json_include_output_fields_property,
    config.json_include_tags_property,
  ])

/** What the files hold that an entry shows and trusts: the same name may lead to a renewed one. */
const certificatesOf = (entry: OutputEntry): readonly string[] =>
  'ca' in entry
    ? [
        digestOf(entry.ca, authorities),
        digestOf(entry.cert, readFileSync),
        digestOf('key' in entry ? entry.key : '', readFileSync),
      ]
    : []

function digestOf(file: string, read: (file: string) => Buffer | readonly string[]): string {
  if (file === '') return ''
  try {
    return createHash('sha256').update(read(file).toString()).digest('hex')
  } catch (error) {
    return (error as Error).message
  }
}

/** Standard output and the file of `file_output`: alerts, telemetry, and what belongs to it. */
function plainSpecs<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
  shape: string,
): readonly Spec<About>[] {
  const queue = { maxQueued: MAX_QUEUED, ...handlers }
  const kinds =
    hasTelemetry(config) || formatName(config) === 'rand-guard' ? RECORD_KINDS : (['alert', 'event'] as const)
  const chosen = {
    selection: createSelection({ kinds, priority: 'debug', rules: [], tags: [] }),
    format: formatterOf(formatName(config), config, formats),
  }
  // Without drop_when_full telemetry may fill the queue as far as alerts still find room.
  const maxQueued = config['limits.drop_when_full'] ? RESERVED : MAX_QUEUED - RESERVED
  const spec = (type: 'stdout' | 'file', place: string, hint: string, open: () => Output): Spec<About> => ({
    key: `${type} ${place}`,
    type,
    name: type === 'file' ? `'${config['file_output.filename']}'` : type,
    hint,
    signature: JSON.stringify([shape, kinds]),
    open(before) {
      const sink = before?.retold(chosen) ?? lineSink(open(), { ...chosen, type, maxQueued })
      return {
        sink,
        takesOver: before !== undefined,
        commit() {},
        discard() {
          if (before === undefined) sink.close()
        },
      }
    },
  })
  const specs: Spec<About>[] = []
  if (config['stdout_output.enabled']) specs.push(spec('stdout', '', '', () => openStdoutOutput(queue)))
  if (!config['file_output.enabled']) return specs
  const { 'file_output.filename': file, 'file_output.keep_alive': keepAlive } = config
  const hint = 'name a file in a folder that exists: -o file_output.filename=FILE'
  return [
    ...specs,
    spec('file', JSON.stringify([file, keepAlive]), hint, () => openFileOutput(file, { keepAlive }, queue)),
  ]
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

/** The shapes of alerts by name, as a configuration has them. */
import type { Config } from '../config/keys.ts'
import type { Alert } from '../detect/alert.ts'
import { type FalcoOptions, falcoJson, falcoText } from './formats/falco.ts'
import { tarsierJson } from './formats/tarsier.ts'
import { isoTime } from './formats/time.ts'
import { compileTemplate, openMap, type Value } from './template/index.ts'

export type FormatName = 'falco-text' | 'falco' | 'tarsier' | 'rand-guard'

/** Formats that other stages bring along. */
export interface Formats<About> {
  readonly randGuard: (alert: Alert, about: About | undefined, options: { readonly mask: boolean }) => string
  /** Values that must not go out, of the processes of an alert. */
  readonly secrets: (about: About) => readonly string[]
}

/** Makes the line of an alert whose secrets are masked. */
export type Formatter<About> = (alert: Alert, about: About | undefined) => string

/** Are there records beside alerts? */
export const hasTelemetry = (config: Config): boolean =>
  config['telemetry.process'] || config['telemetry.file'] || config['telemetry.network']

/** The format alerts have, `auto` resolved. */
export function formatName(config: Config): FormatName {
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

/** The shape of that name, with what the configuration says of it. */
export function formatterOf<About>(
  name: FormatName,
  config: Config,
  { randGuard }: Formats<About>,
): Formatter<About> {
  const options: FalcoOptions = {
    iso8601: config.time_format_iso_8601,
    includeOutput: config.json_include_output_property,
    includeMessage: config.json_include_message_property,
    includeFields: config.json_include_output_fields_property,
    includeTags: config.json_include_tags_property,
  }
  switch (name) {
    case 'rand-guard': {
      const mask = config['output.mask_secrets']
      return (alert, about) => randGuard(alert, about, { mask })
    }
    case 'tarsier':
      return tarsierJson
    case 'falco':
      return (alert) => falcoJson(alert, options)
    case 'falco-text':
      return (alert) => falcoText(alert, options)
    default:
      return name satisfies never
  }
}

/**
 * Alerts through a Go template. Throws TemplateError for one that is none; an alert it cannot be executed for is written as
 * our JSON instead, and `onError` told. `now`: ns since the epoch.
 */
export function templateFormatter<About>(
  source: string,
  onError: (message: string) => void,
  now: () => bigint,
): Formatter<About> {
  const run = compileTemplate(source, () => new Date(Number(now() / 1_000_000n)))
  let failing = false
  return (alert) => {
    try {
      const text = run(templateData(alert))
      failing = false
      return text
    } catch (error) {
      if (!failing) onError(`${(error as Error).message}; the alert is written as JSON instead`)
      failing = true
      return tarsierJson(alert)
    }
  }
}

/** What a template sees as `.`: our names, and those that templates for Falco's and Tracee's findings read. */
function templateData(alert: Alert): Value {
  const fields = openMap(Object.fromEntries(alert.fields as ReadonlyMap<string, Value>))
  return {
    id: alert.id,
    time: isoTime(alert.time),
    host: alert.hostname,
    hostname: alert.hostname,
    rule: alert.rule,
    priority: alert.priority,
    source: alert.source,
    tags: alert.tags,
    message: alert.message,
    output: alert.message,
    fields,
    output_fields: fields,
    Data: fields,
    SigMetadata: {
      ID: alert.rule,
      Version: '',
      Name: alert.rule,
      Description: alert.message,
      Tags: alert.tags,
      Properties: openMap({ Severity: alert.priority }),
    },
  }
}

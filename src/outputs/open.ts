/** The outputs of a configuration, and the format alerts have there. */
import type { Config } from '../config/keys.ts'
import type { Alert } from '../detect/alert.ts'
import { type FalcoOptions, falcoJson, falcoText } from './formats/falco.ts'
import { tarsierJson } from './formats/tarsier.ts'
import { type Handlers, type Output, openFileOutput, openStdoutOutput } from './output.ts'

export interface Outputs {
  write(alert: Alert): void
  flush(): Promise<void>
  close(): void
  readonly all: readonly Output[]
}

/** Open what the configuration names. Throws when a file cannot be opened. */
export function openOutputs(config: Config, handlers: Handlers): Outputs {
  const format = formatOf(config)
  const all: Output[] = []
  if (config['stdout_output.enabled']) all.push(openStdoutOutput(handlers))
  if (config['file_output.enabled']) all.push(openFileOutput(config['file_output.filename'], handlers))
  return {
    all,
    write(alert) {
      const line = format(alert)
      for (const output of all) output.write(line)
    },
    async flush() {
      await Promise.all(all.map((output) => output.flush()))
    },
    close() {
      for (const output of all) output.close()
    },
  }
}

function formatOf(config: Config): (alert: Alert) => string {
  const options: FalcoOptions = {
    iso8601: config.time_format_iso_8601,
    includeOutput: config.json_include_output_property,
    includeMessage: config.json_include_message_property,
    includeFields: config.json_include_output_fields_property,
    includeTags: config.json_include_tags_property,
  }
  const name =
    config['output.format'] === 'auto'
      ? config.json_output
        ? 'falco'
        : 'falco-text'
      : config['output.format']
  switch (name) {
    case 'tarsier':
      return tarsierJson
    case 'falco':
      return (alert) => falcoJson(alert, options)
    default:
      return (alert) => falcoText(alert, options)
  }
}

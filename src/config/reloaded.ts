/** Which settings a running agent takes over when its configuration is read again. */
import { isDeepStrictEqual } from 'node:util'
import type { Config, KeyName } from './keys.ts'

/** Keys, and beginnings of keys that end in a dot. */
const TAKEN_OVER: readonly string[] = [
  'rules_files',
  'rules',
  'priority',
  'builtin_rules',
  'append_output',
  'outputs',
  'stdout_output.',
  'file_output.',
  'syslog_output.',
  'program_output.',
  'http_output.',
  'output.',
  'json_output',
  'json_include_output_property',
  'json_include_message_property',
  'json_include_output_fields_property',
  'json_include_tags_property',
  'time_format_iso_8601',
  'throttle.',
  'webserver.',
  'log_level',
  'watch_config_files',
]

const isTakenOver = (key: KeyName): boolean =>
  TAKEN_OVER.some((one) => (one.endsWith('.') ? key.startsWith(one) : key === one))

/** Names of settings that differ and take a restart. */
export const takeRestart = (before: Config, after: Config): readonly string[] => [
  ...(Object.keys(after) as KeyName[]).filter(
    (key) => !isTakenOver(key) && !isDeepStrictEqual(before[key], after[key]),
  ),
  // Whether losses are records or alerts is decided at the start.
  ...(asksForGaps(after) && !asksForGaps(before) ? ['outputs (kind gap)'] : []),
]

const asksForGaps = ({ outputs }: Config): boolean => outputs.some(({ kinds }) => kinds.includes('gap'))

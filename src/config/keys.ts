/** Configuration keys: what each means, its unit, bounds and default. One table; parsing, help and docs read it. */
import { PRIORITIES } from '../rules/ir.ts'

interface KeyBase<T> {
  readonly doc: string
  readonly default: T
}
export type KeyDecl =
  | (KeyBase<boolean> & { readonly type: 'bool' })
  | (KeyBase<number> & {
      readonly type: 'bytes'
      readonly min: number
      readonly max: number
    })
  | (KeyBase<string> & { readonly type: 'text' })
  | (KeyBase<string> & { readonly type: 'choice'; readonly values: readonly string[] })

const bool = (value: boolean, doc: string): KeyDecl & { type: 'bool' } => ({
  type: 'bool',
  default: value,
  doc,
})
const text = (value: string, doc: string): KeyDecl & { type: 'text' } => ({
  type: 'text',
  default: value,
  doc,
})
const choice = <const V extends string>(
  values: readonly V[],
  value: V,
  doc: string,
): KeyDecl & { type: 'choice'; values: readonly V[] } => ({ type: 'choice', values, default: value, doc })
const bytes = (value: number, min: number, max: number, doc: string): KeyDecl & { type: 'bytes' } => ({
  type: 'bytes',
  default: value,
  min,
  max,
  doc,
})

/** Most bytes of a ring: it is mapped twice in a row, and the whole must be less than 2 GiB. */
const RING_MAX = 1 << 29

/** Falco's keys have Falco's names; ours have a dot and their stage in front. */
export const KEYS = {
  json_output: bool(false, 'alerts as JSON, one object per line'),
  json_include_output_property: bool(true, 'JSON: the whole line as `output`'),
  json_include_message_property: bool(false, 'JSON: the message without time and priority as `message`'),
  json_include_output_fields_property: bool(true, 'JSON: the values of the message as `output_fields`'),
  json_include_tags_property: bool(true, 'JSON: the tags of the rule as `tags`'),
  time_format_iso_8601: bool(false, 'times in text as ISO 8601 in UTC instead of local time of day'),
  priority: choice(
    PRIORITIES.map((p) => p.toLowerCase()),
    'debug',
    'least severe priority of the rules to load',
  ),
  rule_matching: choice(
    ['first', 'all'],
    'first',
    'report the first rule that matches an event, or all of them',
  ),
  'stdout_output.enabled': bool(true, 'alerts to standard output'),
  'file_output.enabled': bool(false, 'alerts to a file'),
  'file_output.filename': text('', 'file for alerts, appended to, mode 0600'),
  'output.format': choice(
    ['auto', 'falco-text', 'falco', 'tarsier'],
    'auto',
    'shape of alerts; auto is falco with json_output, else falco-text',
  ),
  'kernel.ring_bytes.critical': bytes(
    1 << 20,
    4096,
    RING_MAX,
    'ring for process events in bytes, a power of two; it counts twice in resident memory',
  ),
  'kernel.ring_bytes.bulk': bytes(
    4 << 20,
    4096,
    RING_MAX,
    'ring for file and network events in bytes, a power of two; it counts twice in resident memory',
  ),
  'kernel.env': choice(
    ['auto', 'on', 'off'],
    'auto',
    'capture environments at exec; auto does so when a rule reads one',
  ),
  'agent.lock_file': text('/run/tarsier/agent.lock', 'held while the agent runs: one agent per host'),
} as const satisfies Record<string, KeyDecl>

export type KeyName = keyof typeof KEYS
type ValueOf<D extends KeyDecl> = D['type'] extends 'bool'
  ? boolean
  : D['type'] extends 'bytes'
    ? number
    : string
export type Config = { readonly [K in KeyName]: ValueOf<(typeof KEYS)[K]> }

/** A setting that cannot be taken: names key, value and what would do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/**
 * Defaults with `KEY=VALUE` overrides. Throws ConfigError for an unknown key, a value of the wrong kind, and settings that
 * do not go together. `suggest` words a hint for an unknown key.
 */
export function configFrom(
  overrides: readonly string[],
  suggest: (word: string, known: readonly string[]) => string | undefined,
): Config {
  const config: Record<string, boolean | number | string> = {}
  for (const [key, decl] of Object.entries(KEYS)) config[key] = decl.default
  for (const override of overrides) {
    const equals = override.indexOf('=')
    if (equals < 0) throw new ConfigError(`-o takes KEY=VALUE, not '${override}'`)
    const key = override.slice(0, equals).trim()
    const decl: KeyDecl | undefined = Object.hasOwn(KEYS, key) ? KEYS[key as KeyName] : undefined
    if (decl === undefined) {
      throw new ConfigError(`unknown configuration key '${key}'`, suggest(key, Object.keys(KEYS)))
    }
    config[key] = parseValue(key, decl, override.slice(equals + 1).trim())
  }
  checkTogether(config as Config)
  return config as Config
}

function checkTogether(config: Config): void {
  if (config['file_output.enabled'] && config['file_output.filename'] === '')
    throw new ConfigError(
      'file_output.enabled is true, but file_output.filename is empty',
      'name the file: -o file_output.filename=FILE',
    )
  if (config['agent.lock_file'] === '') throw new ConfigError('agent.lock_file must name a file')
}

function parseValue(key: string, decl: KeyDecl, value: string): boolean | number | string {
  switch (decl.type) {
    case 'bool':
      if (value === 'true' || value === 'false') return value === 'true'
      throw new ConfigError(`${key} takes true or false, not '${value}'`)
    case 'text':
      return value
    case 'choice':
      if (decl.values.includes(value.toLowerCase())) return value.toLowerCase()
      throw new ConfigError(`${key} takes one of ${decl.values.join(', ')}, not '${value}'`)
    case 'bytes':
      return parseBytes(key, decl, value)
    default:
      return decl satisfies never
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** A ring size: a power of two between the bounds; `4m` is 4 MiB. */
function parseBytes(key: string, decl: KeyDecl & { type: 'bytes' }, value: string): number {
  const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(value)
  const number = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!
  const bounds = `a power of two from ${decl.min} to ${decl.max} bytes, such as ${decl.default}`
  if (!(number >= decl.min && number <= decl.max))
    throw new ConfigError(`${key} takes ${bounds}, not '${value}'`)
  if (!Number.isInteger(Math.log2(number))) {
    const above = 2 ** Math.ceil(Math.log2(number))
    throw new ConfigError(`${key} takes ${bounds}, not '${value}'`, `the next power of two is ${above}`)
  }
  return number
}

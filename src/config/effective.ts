/** The configuration in force: settings from several places laid over the defaults, each value with its origin. */
import type { Span } from '../rules/diagnostics.ts'
import type { KeyDecl, KeyValue } from './key-types.ts'
import { type Config, ConfigError, isKeyName, KEYS, type KeyName } from './keys.ts'
import { parseValue, untyped } from './values.ts'

/** Where a value comes from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly span: Span }
  | { readonly from: 'option'; readonly text: string }
  | { readonly from: 'environment'; readonly name: string }
  /** What a configuration of this format takes where it says nothing. */
  | { readonly from: 'format'; readonly name: string; readonly span: Span }
  /** Follows from another key. */
  | { readonly from: 'key'; readonly key: KeyName }

export interface Setting {
  readonly key: KeyName
  readonly value: KeyValue
  readonly origin: Origin
}

export interface Effective {
  readonly config: Config
  readonly origins: ReadonlyMap<KeyName, Origin>
}

/** Words a hint for a name nobody knows. */
export type Suggest = (word: string, known: readonly string[]) => string | undefined

/** Two settings that do not go together: `key` is the one to change, `because` the one that asks for it. */
export class ConflictError extends ConfigError {
  readonly key: KeyName
  readonly because: KeyName | undefined
  constructor(key: KeyName, because: KeyName | undefined, message: string, hint?: string) {
    super(message, hint)
    this.key = key
    this.because = because
  }
}

/** Later settings win. Throws ConflictError for values that do not go together. */
export function effective(settings: readonly Setting[]): Effective {
  const config = new Map<KeyName, KeyValue>()
  const origins = new Map<KeyName, Origin>()
  const set = ({ key, value, origin }: Setting): void => {
    config.set(key, value)
    origins.set(key, origin)
  }
  for (const [key, decl] of Object.entries<KeyDecl>(KEYS))
    set({ key: key as KeyName, value: decl.default, origin: { from: 'default' } })
  settings.forEach(set)
  const values = Object.fromEntries(config) as unknown as Config
  for (const setting of derived(values, origins)) set(setting)
  const complete = Object.fromEntries(config) as unknown as Config
  checkTogether(complete)
  return { config: complete, origins }
}

/** `output.type = file` is the short way to say three of Falco's keys; what was said in so many words stays. */
function derived(config: Config, origins: ReadonlyMap<KeyName, Origin>): readonly Setting[] {
  if (config['output.type'] !== 'file') return []
  const origin: Origin = { from: 'key', key: 'output.type' }
  const all: readonly Setting[] = [
    { key: 'stdout_output.enabled', value: false, origin },
    { key: 'file_output.enabled', value: true, origin },
    { key: 'file_output.filename', value: config['output.path'], origin },
  ]
  return all.filter(({ key }) => origins.get(key)?.from === 'default')
}

function checkTogether(config: Config): void {
  if (config['output.type'] === 'file' && config['output.path'] === '')
    throw new ConflictError(
      'output.path',
      'output.type',
      "output.type is 'file', but output.path is empty",
      'name the file: output.path',
    )
  if (config['file_output.enabled'] && config['file_output.filename'] === '')
    throw new ConflictError(
      'file_output.filename',
      'file_output.enabled',
      'file_output.enabled is true, but file_output.filename is empty',
      'name the file: -o file_output.filename=FILE',
    )
  if (config['agent.lock_file'] === '')
    throw new ConflictError('agent.lock_file', undefined, 'agent.lock_file must name a file')
}

/** One `KEY=VALUE` of the command line. Throws ConfigError. */
export function optionSetting(option: string, suggest: Suggest): Setting {
  const equals = option.indexOf('=')
  if (equals < 0) throw new ConfigError(`-o takes KEY=VALUE, not '${option}'`)
  const key = option.slice(0, equals).trim()
  if (!isKeyName(key))
    throw new ConfigError(`unknown configuration key '${key}'`, suggest(key, Object.keys(KEYS)))
  const value = parseValue(key, KEYS[key], untyped(option.slice(equals + 1).trim()))
  return { key, value, origin: { from: 'option', text: option } }
}

/**
 * Defaults with `KEY=VALUE` overrides. Throws ConfigError for an unknown key, a value of the wrong kind, and settings that
 * do not go together. `suggest` words a hint for an unknown key.
 */
export const configFrom = (overrides: readonly string[], suggest: Suggest): Config =>
  effective(overrides.map((override) => optionSetting(override, suggest))).config

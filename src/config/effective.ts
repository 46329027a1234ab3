/** The configuration in force: settings from several places laid over the defaults, each value with its origin. */
import type { Span } from '../rules/diagnostics.ts'
import { parseInterval } from './interval.ts'
import type { KeyDecl, KeyValue } from './key-types.ts'
import { type Config, ConfigError, KEYS, type KeyName } from './keys.ts'
import type { Written } from './values.ts'

/** Where a value comes from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly span: Span }
  | { readonly from: 'option'; readonly text: string }
  | { readonly from: 'environment'; readonly name: string }
  /** What a configuration of this format takes where it says nothing. */
  | { readonly from: 'format'; readonly name: string; readonly span: Span }
  /** The usual files of Falco, with `--falco`. */
  | { readonly from: 'falco' }
  /** Follows from another key. */
  | { readonly from: 'key'; readonly key: KeyName }

export interface Setting {
  readonly key: KeyName
  readonly value: KeyValue
  readonly origin: Origin
  /** Of a structure: what was written, for options that change a part of it. */
  readonly written?: Written
}

export interface Effective {
  readonly config: Config
  readonly origins: ReadonlyMap<KeyName, Origin>
}

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

/** What follows from short ways of saying it; what was said in so many words stays. */
const derived = (config: Config, origins: ReadonlyMap<KeyName, Origin>): readonly Setting[] =>
  [...fromOutputType(config), ...fromPreset(config)].filter(({ key }) => origins.get(key)?.from === 'default')

function fromOutputType(config: Config): readonly Setting[] {
  if (config['output.type'] !== 'file') return []
  const origin: Origin = { from: 'key', key: 'output.type' }
  return [
    { key: 'stdout_output.enabled', value: false, origin },
    { key: 'file_output.enabled', value: true, origin },
    { key: 'file_output.filename', value: config['output.path'], origin },
  ]
}

/** Falco's sizes of a buffer: 1 MiB for preset 1, and twice as much with each step. */
function fromPreset(config: Config): readonly Setting[] {
  const key =
    config['engine.kind'] === 'kmod' ? 'engine.kmod.buf_size_preset' : 'engine.modern_ebpf.buf_size_preset'
  const preset = config[key]
  if (preset === 0) return []
  return [{ key: 'kernel.ring_bytes.bulk', value: 2 ** (19 + preset), origin: { from: 'key', key } }]
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
  for (const [group, key] of [
    ['program_output', 'program_output.program'],
    ['http_output', 'http_output.url'],
  ] as const)
    if (config[`${group}.enabled`] && config[key] === '')
      throw new ConflictError(key, `${group}.enabled`, `${group}.enabled is true, but ${key} is empty`)
  if (
    config['http_output.enabled'] &&
    !/^https?:$/.test(URL.parse(config['http_output.url'])?.protocol ?? '')
  )
    throw new ConflictError(
      'http_output.url',
      'http_output.enabled',
      `http_output.url takes an http:// or https:// address, not '${config['http_output.url'].slice(0, 100)}'`,
    )
  if (parseInterval(config['metrics.interval']) === undefined)
    throw new ConflictError(
      'metrics.interval',
      undefined,
      `metrics.interval takes a time from 100ms, not '${config['metrics.interval'].slice(0, 100)}'`,
      'write it as 30s, 15m or 1h',
    )
  if (config['agent.lock_file'] === '')
    throw new ConflictError('agent.lock_file', undefined, 'agent.lock_file must name a file')
}

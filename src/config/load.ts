/**
 * The configuration of a run: defaults, then the file, then the environment, then `-o`, the later the stronger. What is
 * wrong in a file is reported with its place.
 */
import { dirname, extname, join, resolve } from 'node:path'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { Diagnostic, Span } from '../rules/diagnostics.ts'
import type { RuleMeta } from '../rules/ir.ts'
import { readInput } from '../rules/load.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import { ConflictError, type Effective, effective, optionSetting, type Setting } from './effective.ts'
import type { ConfigFormat, FileSettings } from './file-settings.ts'
import { ConfigError, KEYS, type KeyName } from './keys.ts'
import { parseLogFilter } from './log-filter.ts'
import { originText } from './show.ts'
import { readTomlConfig } from './toml.ts'
import { parseValue, untyped } from './values.ts'
import { readYamlConfig } from './yaml.ts'

export interface LoadConfigOptions {
  /** Configuration file; without it EDR_CONFIG names one, or there is none. */
  readonly file?: string | undefined
  /** Language of the file where its name does not say. */
  readonly format?: 'toml' | 'yaml' | undefined
  /** `KEY=VALUE`, in the order given. */
  readonly overrides: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface LoadedConfig extends Effective {
  /** The file that was read. */
  readonly file: SourceFile | undefined
  /** `rand-guard` when the file has rand-guard's tables; undefined without a file. */
  readonly format: ConfigFormat | undefined
  /** The file holds `[[rules]]` or `[[detections.*]]`: it is to be loaded as a rule file, too. */
  readonly hasRules: boolean
  /** Types of rules the file switches on with `[events]`; undefined means all. */
  readonly ruleTypes: readonly RuleMeta['ruleType'][] | undefined
  /** The directory `rules.d` beside the file, as a path; it need not be there. */
  readonly rulesDirectory: string | undefined
  readonly warnings: readonly Diagnostic[]
}

/** The file cannot be taken. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError'
  readonly diagnostics: readonly Diagnostic[]
  /** Undefined when it could not be read. */
  readonly file: SourceFile | undefined
  constructor(diagnostics: readonly Diagnostic[], file: SourceFile | undefined) {
    super(diagnostics.map(({ message }) => message).join('; '))
    this.diagnostics = diagnostics
    this.file = file
  }
}

/**
 * Load a configuration. Throws ConfigFileError for what is wrong in the file, ConfigError for an option or a variable of
 * the environment.
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  const { env } = options
  const name = options.file ?? (env['EDR_CONFIG'] || undefined)
  const file = name === undefined ? undefined : readFile(name)
  const read = file === undefined ? undefined : readSettings(file, options.format)
  if (read !== undefined && read.errors.length > 0) throw new ConfigFileError(read.errors, file)
  const settings = [
    ...(read?.settings ?? []).map((setting) => relativeToFile(setting, file)),
    ...fromEnvironment(env),
    ...options.overrides.map((override) => optionSetting(override, didYouMean)),
  ]
  const all = combined(settings, file)
  return {
    ...all,
    file,
    format: read?.format,
    hasRules: read?.hasRules ?? false,
    ruleTypes: read?.ruleTypes,
    rulesDirectory: file === undefined ? undefined : join(dirname(file.name), 'rules.d'),
    warnings: [...(read?.warnings ?? []), ...notYet(all)],
  }
}

/** Asked for, and not there yet: said rather than passed over. */
function notYet({ config, origins }: Effective): readonly Diagnostic[] {
  return (['telemetry.collect_dns', 'telemetry.collect_payload'] as const).flatMap((key) => {
    if (!config[key]) return []
    const origin = origins.get(key)!
    const span =
      origin.from === 'file' ? origin.span : { file: originText(origin), line: 1, column: 1, from: 0, to: 0 }
    const message = `${key} is true, but nothing collects that yet`
    return [{ severity: 'warning', code: 'CONFIG_NO_EFFECT', message, span, context: [] }]
  })
}

/** The language by the name's ending: `.toml`, else YAML. */
function readSettings(file: SourceFile, format: 'toml' | 'yaml' | undefined): FileSettings {
  const language = format ?? (extname(file.name) === '.toml' ? 'toml' : 'yaml')
  const read = language === 'toml' ? readTomlConfig(file) : readYamlConfig(file)
  const twice = duplicates(read.settings)
  return twice.length === 0 ? read : { ...read, errors: [...read.errors, ...twice] }
}

/** A key may be written in several ways, but only one of them may be used. */
function duplicates(settings: readonly Setting[]): readonly Diagnostic[] {
  const first = new Map<KeyName, Span>()
  const found: Diagnostic[] = []
  for (const { key, origin } of settings) {
    if (origin.from !== 'file') continue
    const known = first.get(key)
    if (known === undefined) first.set(key, origin.span)
    else
      found.push(
        problem(`${key} is set twice`, origin.span, `the first time at ${known.line}:${known.column}`),
      )
  }
  return found
}

const problem = (
  message: string,
  span: Span,
  hint?: string,
  code: 'CONFIG_ERR_READ' | 'CONFIG_ERR_PARSE' | 'CONFIG_ERR_VALIDATE' = 'CONFIG_ERR_VALIDATE',
): Diagnostic => ({
  severity: 'error',
  code,
  message,
  span,
  context: [],
  ...(hint === undefined ? {} : { hint }),
})

/** Rule files are named from where the configuration is. */
function relativeToFile(setting: Setting, file: SourceFile | undefined): Setting {
  if (setting.key !== 'rules_files' || file === undefined) return setting
  const from = dirname(file.name)
  return { ...setting, value: (setting.value as readonly string[]).map((path) => resolve(from, path)) }
}

/** Variables of the environment that set keys. Those that are empty count as absent. */
export const VARIABLES = {
  EDR_CONFIG: 'configuration file, when none is named with -c',
  EDR_EBPF_OBJECT: 'kernel.objects: directory of the compiled BPF objects, or one file in it',
  RUST_LOG: 'log_level, in the words of tracing; directives for other programs are passed over',
} as const

function fromEnvironment(env: LoadConfigOptions['env']): readonly Setting[] {
  const settings: Setting[] = []
  const objects = env['EDR_EBPF_OBJECT']
  if (objects)
    settings.push({
      key: 'kernel.objects',
      value: parseValue('EDR_EBPF_OBJECT', KEYS['kernel.objects'], untyped(objects)),
      origin: { from: 'environment', name: 'EDR_EBPF_OBJECT' },
    })
  const log = env['RUST_LOG']
  if (log) {
    const filter = parseLogFilter(log)
    if ('problem' in filter)
      throw new ConfigError(
        `RUST_LOG takes levels and directives, not '${log.slice(0, 100)}': ${filter.problem}`,
        'levels are trace, debug, info, warn, error, off',
      )
    settings.push({
      key: 'log_level',
      value: filter.level,
      origin: { from: 'environment', name: 'RUST_LOG' },
    })
  }
  return settings
}

/** What does not go together is reported in the file when that is where it comes from. */
function combined(settings: readonly Setting[], file: SourceFile | undefined): Effective {
  try {
    return effective(settings)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    const related = [error.key, ...(error.because === undefined ? [] : [error.because])]
    for (const key of related) {
      const origin = settings.findLast((setting) => setting.key === key)?.origin
      if (origin?.from === 'file')
        throw new ConfigFileError([problem(error.message, origin.span, error.hint)], file)
    }
    throw error
  }
}

function readFile(path: string): SourceFile {
  const read = readInput(path)
  if (!('code' in read)) return read
  const code = read.code === 'LOAD_ERR_FILE_READ' ? 'CONFIG_ERR_READ' : 'CONFIG_ERR_PARSE'
  throw new ConfigFileError([problem(read.message, read.span, undefined, code)], undefined)
}

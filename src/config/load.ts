/**
 * The configuration of a run: defaults, then the file, then the environment, then `-o`, the later the stronger. What is
 * wrong in a file is reported with its place.
 */
import { dirname, extname, join, resolve } from 'node:path'
import type { Diagnostic, Span } from '../rules/diagnostics.ts'
import type { RuleMeta } from '../rules/ir.ts'
import { readInput } from '../rules/load.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import { ConflictError, type Effective, effective, type Setting } from './effective.ts'
import { usualFiles } from './falco/usual-files.ts'
import type { ConfigFormat, FileSettings } from './file-settings.ts'
import { ConfigError, KEYS, type KeyName } from './keys.ts'
import { parseLogFilter } from './log-filter.ts'
import { readOptions } from './options.ts'
import { readTomlConfig } from './toml.ts'
import { parseValue, untyped } from './values.ts'
import { readYamlConfig } from './yaml.ts'

export interface LoadConfigOptions {
  /** Configuration file; without it EDR_CONFIG names one, or there is none. */
  readonly file?: string | undefined
  /** Language of the file where its name does not say. */
  readonly format?: 'toml' | 'yaml' | undefined
  /** Directory of Falco's files: its falco.yaml where `file` is left out, and its usual rules where that names none. */
  readonly falco?: string | undefined
  /** `KEY=VALUE`, in the order given. */
  readonly overrides: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface LoadedConfig extends Effective {
  /** The file that was read. */
  readonly file: SourceFile | undefined
  /** That file and those it includes. */
  readonly files: readonly SourceFile[]
  /** `rand-guard` when the file has rand-guard's tables, `falco` when it has Falco's keys; undefined without a file. */
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
  /** What could be read. */
  readonly files: readonly SourceFile[]
  constructor(diagnostics: readonly Diagnostic[], files: readonly SourceFile[]) {
    super(diagnostics.map(({ message }) => message).join('; '))
    this.diagnostics = diagnostics
    this.files = files
  }
}

/**
 * Load a configuration. Throws ConfigFileError for what is wrong in the file, ConfigError for an option or a variable of
 * the environment.
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  const { env } = options
  const usual = options.falco === undefined ? undefined : usualFiles(options.falco)
  const name = options.file ?? (usual === undefined ? env['EDR_CONFIG'] || undefined : usual.configuration)
  const file = name === undefined ? undefined : readFile(name)
  const read = file === undefined ? undefined : readSettings(file, options)
  const files = file === undefined ? [] : [file, ...(read?.included ?? [])]
  if (read !== undefined && read.errors.length > 0) throw new ConfigFileError(read.errors, files)
  const { settings, warnings } = readOptions(options.overrides, [
    ...(usual === undefined ? [] : [usual.rules]),
    ...(read?.settings ?? []).map((setting) => relativeToFile(setting, file)),
    ...fromEnvironment(env),
  ])
  const all = combined(settings, files)
  return {
    ...all,
    file,
    files,
    format: read?.format,
    hasRules: read?.hasRules ?? false,
    ruleTypes: read?.ruleTypes,
    rulesDirectory: file === undefined ? undefined : join(dirname(file.name), 'rules.d'),
    warnings: [...(read?.warnings ?? []), ...warnings],
  }
}

/** The language by the name's ending: `.toml`, else YAML. */
function readSettings(file: SourceFile, { format, env }: LoadConfigOptions): FileSettings {
  const language = format ?? (extname(file.name) === '.toml' ? 'toml' : 'yaml')
  const read = language === 'toml' ? readTomlConfig(file) : readYamlConfig(file, { env })
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
function combined(settings: readonly Setting[], files: readonly SourceFile[]): Effective {
  try {
    return effective(settings)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    const related = [error.key, ...(error.because === undefined ? [] : [error.because])]
    for (const key of related) {
      const origin = settings.findLast((setting) => setting.key === key)?.origin
      if (origin?.from === 'file')
        throw new ConfigFileError([problem(error.message, origin.span, error.hint)], files)
    }
    throw error
  }
}

function readFile(path: string): SourceFile {
  const read = readInput(path)
  if (!('code' in read)) return read
  const code = read.code === 'LOAD_ERR_FILE_READ' ? 'CONFIG_ERR_READ' : 'CONFIG_ERR_PARSE'
  throw new ConfigFileError([problem(read.message, read.span, undefined, code)], [])
}

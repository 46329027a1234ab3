/** `tarsier config`: validate a configuration, and show what is in force. */

import type { Command } from 'commander'
import { ConfigFileError, type LoadedConfig, loadConfig, VARIABLES } from '../../config/load.ts'
import { configurationReference } from '../../config/reference.ts'
import { originText, shownJson, shownKeys, valueText } from '../../config/show.ts'
import { counted } from '../../health/words.ts'
import { jsonLine } from '../../outputs/escape.ts'
import type { Diagnostic } from '../../rules/diagnostics.ts'
import type { LoadResult } from '../../rules/load.ts'
import type { SourceFile } from '../../rules/passes/mapped-text.ts'
import { renderDiagnostic, visible } from '../../rules/render-diagnostics.ts'
import { type CliCommand, EXIT, type ExitCode, type GlobalOptions, type Io, UsageError } from '../command.ts'
import { idleSelections, loadConfigured } from '../configured-rules.ts'
import { shippedRules } from '../package-root.ts'
import { formatTable } from '../table.ts'
import { asUsage } from '../usage.ts'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** `-c`, `--config-format` and `-o`, as `run` and `config show` have them. */
export function declareConfigOptions(command: Command): void {
  command
    .option(
      '-c, --config <file>',
      'configuration: .toml is rand-guard and our keys, else YAML: a falco.yaml or our keys',
    )
    .option('--config-format <format>', 'toml or yaml, whatever the name of the file')
    .option('-o, --option <key=value>', 'set a configuration key (repeatable)', collect, [])
}

type Options = Readonly<Record<string, unknown>>

/** The configuration that options and environment name. Throws ConfigFileError, and UsageError for options. */
function configOf(options: Options, env: Io['env'], file?: string): LoadedConfig {
  const format = options['configFormat'] as string | undefined
  if (format !== undefined && format !== 'toml' && format !== 'yaml')
    throw new UsageError(`--config-format takes toml or yaml, not '${format}'`)
  return asUsage(() =>
    loadConfig({
      file: file ?? (options['config'] as string | undefined),
      falco: options['falco'] as string | undefined,
      format,
      overrides: (options['option'] as readonly string[] | undefined) ?? [],
      env,
    }),
  )
}

export const configCommand: CliCommand = {
  name: 'config',
  declare(command: Command): void {
    const check = command
      .command('check')
      .description('validate a configuration with the rules it names; exit code 1 when it is not valid')
      .argument('<file>', 'configuration, TOML or YAML')
    check.option('--config-format <format>', 'toml or yaml, whatever the name of the file')
    const show = command.command('show').description('every key with its value and where that comes from')
    declareConfigOptions(show)
    command.command('reference').description('every key and table as Markdown')
  },
  async run([action, file], options, io) {
    if (action === 'check') return check(file!, options, io)
    if (action === 'show') return show(options, io)
    io.stdout.write(configurationReference())
    return EXIT.ok
  },
}

/** What is wrong with a file, its configuration first and then the rules. */
interface Verdict {
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  readonly sources: ReadonlyMap<string, SourceFile>
  readonly rules: number
}

function judge(file: string, options: Options, env: Io['env']): Verdict {
  let loaded: LoadedConfig
  try {
    // The file alone: variables that set keys would hide what it says.
    const others = Object.entries(env).filter(([name]) => !Object.hasOwn(VARIABLES, name))
    loaded = configOf(options, Object.fromEntries(others), file)
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error
    const sources = new Map(error.files.map((one) => [one.name, one]))
    return { errors: error.diagnostics, warnings: [], sources, rules: 0 }
  }
  const shipped = shippedRules()
  const result = loadConfigured(loaded, [])
  const ours = result.files.filter(({ name }) => !name.startsWith(`${shipped.rules}/`))
  return {
    errors: result.files.flatMap(({ errors }) => errors),
    warnings: [
      ...loaded.warnings,
      ...idleEntries(loaded, result),
      ...ours.flatMap(({ warnings }) => warnings),
    ],
    sources: new Map([...loaded.files.map((one) => [one.name, one] as const), ...result.sources]),
    rules: result.rules.length,
  }
}

/** Entries of `rules` that name no rule. */
function idleEntries(loaded: LoadedConfig, result: LoadResult): readonly Diagnostic[] {
  const origin = loaded.origins.get('rules')
  if (origin?.from !== 'file' || result.files.some(({ successful }) => !successful)) return []
  return idleSelections(loaded, result).map((message) => ({
    severity: 'warning',
    code: 'CONFIG_NO_EFFECT',
    message,
    span: origin.span,
    context: [],
  }))
}

function check(file: string, options: Options & GlobalOptions, io: Io): ExitCode {
  const { errors, warnings, sources, rules } = judge(file, options, io.env)
  const ok = errors.length === 0
  if (options.json) {
    const plain = ({ code, message, span, hint }: Diagnostic): object => ({
      code,
      message,
      file: span.file,
      line: span.line,
      column: span.column,
      hint,
    })
    io.stdout.write(
      `${jsonLine({ file, ok, rules, errors: errors.map(plain), warnings: warnings.map(plain) })}\n`,
    )
  } else {
    const verdict = !ok
      ? 'Invalid'
      : warnings.length > 0
        ? 'Ok, with warnings'
        : `Ok, ${counted(rules, 'rule')}`
    const lines = [...errors, ...warnings].map((problem) => renderDiagnostic(problem, sources))
    io.stdout.write(`${[`${visible(file)}: ${verdict}`, ...lines].join('\n')}\n`)
  }
  return ok ? EXIT.ok : EXIT.failure
}

function show(options: Options & GlobalOptions, io: Io): ExitCode {
  const loaded = readOrReport(options, io)
  if (loaded === undefined) return EXIT.failure
  const keys = shownKeys(loaded)
  if (options.json) io.stdout.write(`${jsonLine(shownJson(keys))}\n`)
  else
    io.stdout.write(
      formatTable(
        ['key', 'value', 'from'],
        keys.map(({ key, value, origin }) => [key, valueText(value), originText(origin)]),
      ),
    )
  return EXIT.ok
}

/** The configuration; undefined when its file is not valid, which has been said on standard error then. */
export function readOrReport(options: Options, io: Io): LoadedConfig | undefined {
  try {
    return configOf(options, io.env)
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error
    const sources = new Map(error.files.map((one) => [one.name, one]))
    for (const diagnostic of error.diagnostics) io.stderr.write(`${renderDiagnostic(diagnostic, sources)}\n`)
    return undefined
  }
}

/** `tarsier rules check` and `tarsier rules list`: what is in rule files, without running them. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { ruleEnvironment } from '../../config/rule-inputs.ts'
import { SOURCES } from '../../fields/index.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { type LoadEnv, type LoadResult, loadRules } from '../../rules/load.ts'
import { falcoLoadResults, renderFileResult, visible } from '../../rules/render-diagnostics.ts'
import { type CliCommand, EXIT, type ExitCode, type GlobalOptions, type Io, UserError } from '../command.ts'
import { shippedRules as shippedDirectories } from '../package-root.ts'

/** `sources` other than the program's own are for tests. */
export const createRulesCommand = (sources: LoadEnv['sources'] = SOURCES): CliCommand => ({
  name: 'rules',
  declare(command) {
    declareCheck(command)
    declareList(command)
  },
  async run([action, ...files], options, io) {
    const env: LoadEnv = { sources, ...ruleEnvironment(undefined, shippedDirectories()) }
    if (action === 'check') return check(loadRules(files, env), options, io)
    return list(loadRules(files.length > 0 ? files : [shippedRules()], env), options, io)
  },
})

export const rulesCommand: CliCommand = createRulesCommand()

function declareCheck(command: Command): void {
  command
    .command('check')
    .description('validate rule files in the given order, as the agent would load them')
    .argument('<files...>', 'rule files or directories with them')
    .addHelpText(
      'after',
      "\nExit code 1 when a file is invalid. --json prints the shape of Falco's validation.",
    )
}

function declareList(command: Command): void {
  command
    .command('list')
    .description('the rules in files, or those that come with the program')
    .argument('[files...]', 'rule files or directories with them')
}

function check(result: LoadResult, options: GlobalOptions, io: Io): ExitCode {
  if (result.files.length === 0)
    throw new UserError('there are no rule files there', 'their names end in .yaml, .yml or .toml')
  if (options.json) io.stdout.write(`${JSON.stringify(falcoLoadResults(result))}\n`)
  else for (const file of result.files) io.stdout.write(renderFileResult(file, result.sources))
  return result.files.every(({ successful }) => successful) ? EXIT.ok : EXIT.failure
}

function list(result: LoadResult, options: GlobalOptions, io: Io): ExitCode {
  const failed = result.files.filter(({ successful }) => !successful)
  for (const file of failed) io.stderr.write(renderFileResult(file, result.sources))
  if (failed.length > 0) return EXIT.failure
  const rules = [
    ...result.rules.map((rule) => ({ rule, enabled: true })),
    ...result.disabled.map((rule) => ({ rule, enabled: false })),
  ]
  if (options.json) io.stdout.write(`${JSON.stringify(rules.map(toJson))}\n`)
  else io.stdout.write(table(rules))
  return EXIT.ok
}

interface Row {
  readonly rule: CompiledRule
  readonly enabled: boolean
}

const eventNames = ({ events }: CompiledRule): readonly string[] | '*' =>
  events === '*' ? '*' : [...events].sort()

const toJson = ({ rule, enabled }: Row): object => ({
  name: rule.name,
  priority: rule.priority,
  source: rule.source,
  tags: rule.tags,
  events: eventNames(rule),
  enabled,
  file: rule.span.file,
  line: rule.span.line,
})

/** Columns as wide as their longest cell; the last, which may hold hundreds of events, runs free. */
function table(rows: readonly Row[]): string {
  const cells = rows.map(({ rule, enabled }) => {
    const events = eventNames(rule)
    const names = events === '*' ? '*' : events.join(',')
    return [
      rule.name + (enabled ? '' : ' (off)'),
      rule.priority,
      rule.source,
      rule.tags.join(','),
      names,
    ].map(visible)
  })
  const lines = [['NAME', 'PRIORITY', 'SOURCE', 'TAGS', 'EVENTS'], ...cells]
  const widths = [0, 1, 2, 3].map((i) => lines.reduce((most, line) => Math.max(most, line[i]!.length), 0))
  return lines.map((line) => `${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`).join('')
}

/** The directory `rules/default/` of the checkout or the installed package, above this file in `src/` or in `dist/`. */
function shippedRules(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'rules', 'default')
  throw new UserError(
    'the rules that come with the program were not found',
    'name rule files: tarsier rules list FILE',
  )
}

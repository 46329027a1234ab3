/** `tarsier run`: the agent. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import {
  type Agent,
  AgentError,
  type AgentFiles,
  type AgentOptions,
  type Observer,
  type Summary,
  startAgent,
} from '../../agent.ts'
import { type Config, KEYS, type KeyDecl } from '../../config/keys.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { isSwitchedOn, ruleEnvironment, ruleInputs } from '../../config/rule-inputs.ts'
import { valueText } from '../../config/show.ts'
import type { SyscallContext } from '../../fields/context.ts'
import { SOURCES } from '../../fields/index.ts'
import { releaseStartMemory } from '../../kernel/resident.ts'
import { type CompiledRule, PRIORITIES } from '../../rules/ir.ts'
import { type LoadResult, loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import type { GlobalOptions, Io } from '../command.ts'
import { type CliCommand, EXIT, UserError } from '../command.ts'
import { hardenProcess } from '../hardening.ts'
import { type Logger, loggerFor } from '../logger.ts'
import { objectsDirectory, packageRoot, shippedRules } from '../package-root.ts'
import { formatTable } from '../table.ts'
import { declareConfigOptions, readOrReport } from './config.ts'

/** After this time the compilers of the start have done their work. */
const SETTLED_MS = 1000

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const runCommand: CliCommand = {
  name: 'run',
  declare(command: Command): void {
    declareConfigOptions(command)
    command
      .option(
        '-r, --rules <path>',
        'rule file or directory instead of the configured and shipped ones (repeatable)',
        collect,
        [],
      )
      .addHelpText('after', () => `\nConfiguration keys:\n${keyTable()}`)
  },
  async run(_args, options, io) {
    hardenProcess()
    const loaded = readOrReport(options, io)
    if (loaded === undefined) throw new UserError('the configuration is not valid')
    const { config } = loaded
    const asked = options.logLevel !== undefined || options.quiet || options.verbose
    const log = loggerFor(asked ? options : { ...options, logLevel: config.log_level }, io)
    for (const { message, span } of loaded.warnings) log.warning(`${span.file}:${span.line}: ${message}`)
    if (config['agent.id'] !== '') log.info(`agent ${config['agent.id']}, mode ${config['agent.mode']}`)
    const rules = readRules(options['rules'] as readonly string[], loaded, options, io)
    const files = filesOf(loaded, options['rules'] as readonly string[])
    return runAgent(config, rules, files, options, log, io)
  },
}

const keyTable = (): string =>
  formatTable(
    ['key', 'default', 'meaning'],
    Object.entries<KeyDecl>(KEYS).map(([key, decl]) => [key, valueText(decl.default), decl.doc]),
  )

function readRules(
  given: readonly string[],
  loaded: LoadedConfig,
  options: GlobalOptions,
  io: Io,
): readonly CompiledRule<SyscallContext>[] {
  const minimumPriority = PRIORITIES.find((priority) => priority.toLowerCase() === loaded.config.priority)!
  const shipped = shippedRules()
  const inputs = ruleInputs(loaded, given, shipped)
  const result: LoadResult = loadRules(inputs, {
    sources: SOURCES,
    minimumPriority,
    ...ruleEnvironment(loaded.file?.name, shipped),
  })
  if (result.files.length === 0)
    throw new UserError(
      `there are no rule files in ${inputs.map((input) => (typeof input === 'string' ? input : input.path)).join(', ')}`,
      'their names end in .yaml, .yml or .toml',
    )
  for (const file of result.files) {
    const shown = options.verbose ? file : { ...file, warnings: [] }
    if (file.errors.length > 0 || shown.warnings.length > 0)
      io.stderr.write(renderFileResult(shown, result.sources))
  }
  if (result.files.some(({ successful }) => !successful)) throw new UserError('the rules are not valid')
  const rules = result.rules.filter(
    (rule) => rule.source === 'syscall' && isSwitchedOn(rule, loaded),
  ) as readonly CompiledRule<SyscallContext>[]
  if (rules.length === 0 && !hasTelemetry(loaded.config))
    throw new UserError(
      'no rule is switched on',
      'name rule files with -r, or lower the priority with -o priority=debug',
    )
  return rules
}

/** What the agent looks after on disk, beside its BPF objects. */
const filesOf = (loaded: LoadedConfig, given: readonly string[]): AgentFiles => ({
  root: packageRoot(),
  rules: ruleInputs(loaded, given, shippedRules()).flatMap((input) =>
    typeof input === 'string' ? [input] : [],
  ),
  configuration: loaded.file === undefined ? [] : [loaded.file.name],
})

/** Run an agent until it is told to stop; the summary goes to stderr. `observer` is for commands that report more than alerts. */
export async function runAgent(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  files: AgentFiles,
  options: GlobalOptions,
  log: Logger,
  io: Io,
  observer?: Observer,
): Promise<0 | 1> {
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => stopped.resolve()
  // Before anything is attached: a signal during the start must not leave programs behind.
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  let tampered = false
  const onTampering = (): void => {
    tampered = true
    stop()
  }
  const agent = start(
    config,
    rules,
    { files, onTampering, onClosed: stop, ...(observer && { observer }) },
    log,
    io,
  )
  for (const line of agent.degraded) log.warning(line)
  log.info(
    `ready: ${rules.length} rules, ${agent.programs.length} programs attached, ${agent.processes} processes known`,
  )
  log.debug(`programs: ${agent.programs.join(' ')}`)
  const settled = setTimeout(releaseStartMemory, SETTLED_MS)
  await stopped.promise
  clearTimeout(settled)
  const summary = await agent.stop()
  if (!options.quiet) io.stderr.write(renderSummary(summary))
  return tampered ? EXIT.failure : EXIT.ok
}

function start(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  more: Pick<AgentOptions, 'files' | 'observer' | 'onTampering' | 'onClosed'>,
  log: Logger,
  io: Io,
): Agent {
  try {
    return startAgent({
      config,
      rules,
      objects: objectsOf(config),
      env: io.env,
      log: (level, message) => log.log(level, message),
      ...more,
    })
  } catch (error) {
    if (error instanceof AgentError) throw new UserError(error.message, error.hint)
    throw error
  }
}

const hasTelemetry = (config: Config): boolean =>
  config['telemetry.process'] || config['telemetry.file'] || config['telemetry.network']

/** The configured directory of BPF objects, or that of the configured object. */
function objectsOf(config: Config): string {
  const given = config['kernel.objects']
  if (given === '') return objectsDirectory()
  const found = statSync(given, { throwIfNoEntry: false })
  if (found === undefined)
    throw new UserError(
      `kernel.objects is '${given}', which does not exist`,
      'leave it empty for the shipped ones',
    )
  return found.isDirectory() ? given : dirname(given)
}

/** Events by type, drops by reason, alerts by rule. */
export function renderSummary(summary: Summary): string {
  const section = (title: string, rows: ReadonlyMap<string, number>, none: string): string => {
    const sorted = [...rows].sort((a, b) => b[1] - a[1])
    const lines = sorted.map(([name, count]) => `  ${String(count).padStart(10)}  ${name}`)
    return [title, ...(lines.length > 0 ? lines : [`  ${none}`])].join('\n')
  }
  const guarded = [...summary.programs.values()].reduce((sum, { guarded: n }) => sum + n, 0)
  return [
    section('events', summary.events, 'none'),
    section('drops', summary.drops, 'none'),
    section('alerts', summary.alerts, 'none'),
    ...(summary.withheld.size === 0
      ? []
      : [section('matches shortly after an alert of their threshold', summary.withheld, 'none')]),
    `lost ${summary.lost}, late ${summary.late}, passed over in the kernel ${guarded}, errors ${summary.errors}`,
    '',
  ].join('\n')
}

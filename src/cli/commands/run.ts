/** `tarsier run`: the agent. */
import type { Command } from 'commander'
import { type Agent, AgentError, type Summary, startAgent } from '../../agent.ts'
import { configFrom } from '../../config/effective.ts'
import { type Config, ConfigError, KEYS, type KeyDecl } from '../../config/keys.ts'
import type { SyscallContext } from '../../fields/context.ts'
import { SOURCES } from '../../fields/index.ts'
import { releaseStartMemory } from '../../kernel/resident.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import { type CompiledRule, PRIORITIES } from '../../rules/ir.ts'
import { type LoadResult, loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import type { GlobalOptions, Io } from '../command.ts'
import { type CliCommand, EXIT, UsageError, UserError } from '../command.ts'
import { hardenProcess } from '../hardening.ts'
import { type Logger, loggerFor } from '../logger.ts'
import { objectsDirectory, rulesDirectory } from '../package-root.ts'
import { formatTable } from '../table.ts'

/** After this time the compilers of the start have done their work. */
const SETTLED_MS = 1000

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const runCommand: CliCommand = {
  name: 'run',
  declare(command: Command): void {
    command
      .option(
        '-r, --rules <path>',
        'rule file or directory instead of the shipped rules (repeatable)',
        collect,
        [],
      )
      .option('-o, --option <key=value>', 'set a configuration key (repeatable)', collect, [])
      .addHelpText('after', () => `\nConfiguration keys:\n${keyTable()}`)
  },
  async run(_args, options, io) {
    hardenProcess()
    const log = loggerFor(options, io)
    const config = readConfig(options['option'] as readonly string[])
    const rules = readRules(options['rules'] as readonly string[], config, options, io)
    return runAgent(config, rules, options, log, io)
  },
}

const keyTable = (): string =>
  formatTable(
    ['key', 'default', 'meaning'],
    Object.entries<KeyDecl>(KEYS).map(([key, decl]) => [key, String(decl.default), decl.doc]),
  )

function readConfig(overrides: readonly string[]): Config {
  try {
    return configFrom(overrides, didYouMean)
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, error.hint)
    throw error
  }
}

function readRules(
  given: readonly string[],
  config: Config,
  options: GlobalOptions,
  io: Io,
): readonly CompiledRule<SyscallContext>[] {
  const minimumPriority = PRIORITIES.find((priority) => priority.toLowerCase() === config.priority)!
  const result: LoadResult = loadRules(given.length > 0 ? given : [rulesDirectory()], {
    sources: SOURCES,
    minimumPriority,
  })
  if (result.files.length === 0)
    throw new UserError(
      `there are no rule files in ${given.length > 0 ? given.join(', ') : rulesDirectory()}`,
      'their names end in .yaml or .yml',
    )
  for (const file of result.files) {
    const shown = options.verbose ? file : { ...file, warnings: [] }
    if (file.errors.length > 0 || shown.warnings.length > 0)
      io.stderr.write(renderFileResult(shown, result.sources))
  }
  if (result.files.some(({ successful }) => !successful)) throw new UserError('the rules are not valid')
  const rules = result.rules.filter(
    (rule) => rule.source === 'syscall',
  ) as readonly CompiledRule<SyscallContext>[]
  if (rules.length === 0)
    throw new UserError(
      'no rule is switched on',
      'name rule files with -r, or lower the priority with -o priority=debug',
    )
  return rules
}

async function runAgent(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  options: GlobalOptions,
  log: Logger,
  io: Io,
): Promise<0 | 1> {
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => stopped.resolve()
  // Before anything is attached: a signal during the start must not leave programs behind.
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const agent = start(config, rules, log, io, stop)
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
  return EXIT.ok
}

function start(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  log: Logger,
  io: Io,
  stop: () => void,
): Agent {
  try {
    return startAgent({
      config,
      rules,
      objects: objectsDirectory(),
      env: io.env,
      log: (level, message) => log.log(level, message),
      onClosed: stop,
    })
  } catch (error) {
    if (error instanceof AgentError) throw new UserError(error.message, error.hint)
    throw error
  }
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
    `lost ${summary.lost}, late ${summary.late}, own activity passed over ${guarded}, errors ${summary.errors}`,
    '',
  ].join('\n')
}

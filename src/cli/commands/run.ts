/** `tarsier run`: the agent. */

import { closeSync, constants, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { type Agent, type Summary, startAgent } from '../../agent.ts'
import type { AgentFiles, AgentOptions, Observer } from '../../agent-options.ts'
import type { Recorder } from '../../capture/native/recorder.ts'
import { warningLines } from '../../config/falco/read-key.ts'
import type { Config } from '../../config/keys.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { takeRestart } from '../../config/reloaded.ts'
import type { SyscallContext } from '../../fields/context.ts'
import { counted } from '../../health/words.ts'
import { keepResident } from '../../kernel/resident.ts'
import { serviceManager } from '../../kernel/service.ts'
import { droppedBy } from '../../outputs/delivery/message.ts'
import type { MakeCaptures } from '../../recording.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { capturesOf, declareRotation, type MakeRecorder, recorderOf } from '../captures.ts'
import type { GlobalOptions, Io } from '../command.ts'
import { type CliCommand, EXIT, UserError } from '../command.ts'
import { idleSelections, loadOrReport, rulePaths, rulesToJudge } from '../configured-rules.ts'
import { serveControl } from '../control.ts'
import { printListing } from '../falco/listings.ts'
import { declareFalcoOptions, type FalcoOptions, falcoOptions } from '../falco/options.ts'
import { hardenProcess } from '../hardening.ts'
import { type Logger, levelOf, loggerFor } from '../logger.ts'
import { objectsDirectory, packageRoot, programVersion } from '../package-root.ts'
import { createReloader, type Reloader, type Rereader } from '../reloading.ts'
import { declareConfigOptions, readOrReport } from './config.ts'

/** After this time the compilers of the start have done their work, on a busy machine too, and large files are hashed. */
const SETTLED_MS = 3000

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const runCommand: CliCommand = {
  name: 'run',
  declare(command: Command): void {
    declareConfigOptions(command)
    command.option(
      '-r, --rules <path>',
      'rule file or directory instead of the configured and shipped ones (repeatable)',
      collect,
      [],
    )
    command.option('--record <file>', "record what the rules are given into a capture, for 'tarsier replay'")
    declareRotation(command)
    declareFalcoOptions(command)
    command.addHelpText(
      'after',
      "\nConfiguration keys: 'tarsier config show' has all with their values, 'tarsier config reference' their meaning.\n" +
        'Who comes from Falco: docs/coming-from-falco.md.',
    )
  },
  async run(_args, options, io) {
    hardenProcess()
    const falco = falcoOptions(options)
    const listed = await printListing(falco, options, io)
    if (listed !== undefined) return listed
    const loaded = readOrReport({ ...options, ...configuredBy(falco, options) }, io)
    if (loaded === undefined) throw new UserError('the configuration is not valid')
    const { config } = loaded
    const json = options.json || config.json_output
    if (falco.validate.length > 0)
      return (await import('../falco/reports.ts')).validateFiles(falco.validate, loaded, json, io)
    const log = logOf(config, options, io)
    for (const line of [...falco.notices, ...warningLines(loaded.warnings)]) log.warning(line)
    const given = options['rules'] as readonly string[]
    const result = loadOrReport(loaded, given, options, io)
    for (const line of idleSelections(loaded, result)) log.warning(line)
    const { describe } = falco
    if (describe !== undefined || falco.support) {
      const { describeRules, printSupport } = await import('../falco/reports.ts')
      if (describe === undefined) return printSupport(loaded, result, process.argv, io)
      return describeRules(result, describe === 'all' ? undefined : describe.rule, json, io)
    }
    const rules = rulesToJudge(result, loaded, falco.isOn)
    if (config['agent.id'] !== '') log.info(`agent ${config['agent.id']}, mode ${config['agent.mode']}`)
    if (falco.dryRun) {
      log.info(`dry run: ${counted(rules.length, 'rule')} would be judged; nothing was attached`)
      return EXIT.ok
    }
    checkEngine(config)
    const read: Rereader['read'] = (io, watched) => {
      const again = readOrReport({ ...options, ...configuredBy(falco, options) }, io)
      if (again === undefined) throw new UserError('the configuration is not valid')
      watched(watchedPaths(again, given))
      const restart = takeRestart(config, again.config)
      return {
        config: again.config,
        rules: rulesToJudge(loadOrReport(again, given, options, io), again, falco.isOn),
        files: filesOf(again, given),
        notices: restart.length > 0 ? [`these settings take a restart: ${restart.join(', ')}`] : [],
        logLevel: asksForLevel(options)
          ? undefined
          : levelOf({ ...options, logLevel: again.config.log_level }),
      }
    }
    const record = options['record'] as string | undefined
    return runAgent(config, rules, filesOf(loaded, given), options, log, io, {
      ...falco,
      reread: { watched: watchedPaths(loaded, given), read },
      captures: await capturesOf(config, io.env),
      ...(record === undefined ? {} : { recorder: await recorderOf(record, '', options, io.env) }),
    })
  },
}

/** What Falco's options say of the configuration. */
const configuredBy = (falco: FalcoOptions, options: Readonly<Record<string, unknown>>): object => ({
  falco: falco.directory,
  option: [...falco.overrides, ...(options['option'] as readonly string[])],
})

function logOf(config: Config, options: GlobalOptions, io: Io): Logger {
  return loggerFor(asksForLevel(options) ? options : { ...options, logLevel: config.log_level }, io)
}

const asksForLevel = (options: GlobalOptions): boolean =>
  options.logLevel !== undefined || options.quiet || options.verbose

/** Engines of Falco that have no events of the kernel. */
function checkEngine(config: Config): void {
  const kind = config['engine.kind']
  if (kind === 'replay')
    throw new UserError(
      'engine.kind is replay, and run is live',
      "'tarsier replay FILE' replays a capture, -o engine.kind=modern_ebpf runs live",
    )
  if (kind === 'nodriver')
    throw new UserError(
      'engine.kind is nodriver: there is no source of events left to run',
      '--dry-run checks configuration and rules, -o engine.kind=modern_ebpf runs live',
    )
}

/** What the agent looks after on disk, beside its BPF objects. */
const filesOf = (loaded: LoadedConfig, given: readonly string[]): AgentFiles => ({
  root: packageRoot(),
  rules: rulePaths(loaded, given).filter((path) => path !== loaded.file?.name),
  configuration: loaded.files.map(({ name }) => name),
})

/** What a configuration was read from, and where more of it may come. */
function watchedPaths(loaded: LoadedConfig, given: readonly string[]): readonly string[] {
  const [main, ...included] = loaded.files.map(({ name }) => name)
  const directories = included.map(dirname).filter((folder) => main !== undefined && folder !== dirname(main))
  const rules =
    loaded.format === 'falco' || loaded.rulesDirectory === undefined ? [] : [loaded.rulesDirectory]
  const { rules: named, configuration } = filesOf(loaded, given)
  return [...new Set([...configuration, ...directories, ...named, ...(given.length > 0 ? [] : rules)])]
}

/** How a run ends and shows itself beyond what is configured. */
export interface RunOptions {
  /** For commands that report more than alerts. */
  readonly observer?: Observer
  /** Stop after so many seconds; 0 is never. */
  readonly seconds?: number
  /** Without it nothing is read again. */
  readonly reread?: Rereader
  /** Holds the process id while the agent is at work. */
  readonly pidFile?: string | undefined
  /** Records what the pipeline is told. Where an observer has the outputs to itself, that is what the command is for. */
  readonly recorder?: MakeRecorder
  /** Captures that rules begin. */
  readonly captures?: MakeCaptures | undefined
}

/** Run an agent until it is told to stop; the summary goes to stderr. */
export async function runAgent(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  files: AgentFiles,
  options: GlobalOptions,
  log: Logger,
  io: Io,
  { observer, seconds = 0, pidFile, reread, recorder: makeRecorder, captures }: RunOptions = {},
): Promise<0 | 1> {
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => stopped.resolve()
  // Before anything is attached: a signal during the start must not leave programs behind.
  // For good: a second one must not cut short what the first began.
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  let failed = false
  const fail = (): void => {
    failed = true
    stop()
  }
  // A signal during the start finds nothing to reload yet.
  let reloader: Reloader | undefined
  const onHangup = (): void => void reloader?.reload('SIGHUP')
  process.on('SIGHUP', onHangup)
  const recorder = makeRecorder?.((error) => {
    log.error(`recording ended: ${error.message}`)
    if (observer?.ownsOutput === true) fail()
  })
  const more = { ...(observer && { observer }), ...(recorder && { recorder }), ...(captures && { captures }) }
  const agent = start(
    config,
    rules,
    { files, onTampering: fail, onDrops: fail, onClosed: stop, ...more },
    log,
    io,
  )
  for (const line of agent.degraded) log.warning(line)
  reloader = createReloader({ agent, config, reread, log, io })
  const control = serveControl({ config, agent, reloader, log })
  const reopen = (): void => agent.reopen()
  process.on('SIGUSR2', reopen)
  if (pidFile !== undefined) writePid(pidFile, log)
  log.info(
    `ready: ${counted(rules.length, 'rule')}, ${counted(agent.programs.length, 'program')} attached, ${agent.processes} processes known`,
  )
  log.debug(`programs: ${agent.programs.join(' ')}`)
  const service = serviceManager(io.env)
  service?.ready(`${counted(rules.length, 'rule')}, ${counted(agent.programs.length, 'program')} attached`)
  let release = (): void => {}
  const settled = setTimeout(() => {
    release = keepResident()
  }, SETTLED_MS)
  const ended = seconds === 0 ? undefined : setTimeout(stop, seconds * 1000)
  await stopped.promise
  clearTimeout(settled)
  release()
  clearTimeout(ended)
  service?.stopping()
  process.off('SIGHUP', onHangup)
  control?.close()
  reloader.close()
  const summary = await agent.stop()
  process.off('SIGUSR2', reopen)
  if (recorder !== undefined) log.info(recordedText(recorder.counts))
  if (pidFile !== undefined) rmSync(pidFile, { force: true })
  if (!options.quiet) io.stderr.write(renderSummary(summary))
  return failed ? EXIT.failure : EXIT.ok
}

const recordedText = ({ items, bytes, files, lost }: Recorder['counts']): string =>
  `recorded ${items} items in ${bytes} bytes and ${files} ${files === 1 ? 'file' : 'files'}${lost > 0 ? `, ${lost} not written` : ''}`

/** Not being able to is said, and no reason to stop watching. A link somebody put there is not followed. */
function writePid(file: string, log: Logger): void {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
  try {
    const fd = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
    writeFileSync(fd, `${process.pid}\n`)
    closeSync(fd)
  } catch (error) {
    log.warning(`cannot write the process id: ${(error as Error).message}`)
  }
}

function start(
  config: Config,
  rules: readonly CompiledRule<SyscallContext>[],
  more: Pick<
    AgentOptions,
    'files' | 'observer' | 'recorder' | 'captures' | 'onTampering' | 'onDrops' | 'onClosed'
  >,
  log: Logger,
  io: Io,
): Agent {
  return startAgent({
    config,
    rules,
    objects: objectsOf(config),
    env: io.env,
    version: programVersion(),
    log: (level, message) => log.log(level, message),
    ...more,
  })
}

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

/** Each output that has lost or kept something, or has somebody to deliver to. */
function outputSection({ outputs }: Summary): readonly string[] {
  const rows = outputs
    .filter((status) => !PLAIN.has(status.type) || droppedBy(status) > 0)
    .map(({ name, sent, failed, waiting, dropped }) => {
      const lost = Object.entries(dropped).filter(([, n]) => n > 0)
      const parts = [
        ...(failed > 0 ? [`${counted(failed, 'delivery', 'deliveries')} failed`] : []),
        ...(waiting > 0 ? [`${waiting} wait`] : []),
        ...lost.map(([reason, n]) => `${n} lost: ${reason.replace('_', ' ')}`),
      ]
      return `  ${String(sent).padStart(10)}  ${[name, ...parts].join(', ')}`
    })
  return rows.length === 0 ? [] : ['outputs: records delivered', ...rows]
}
const PLAIN: ReadonlySet<string> = new Set(['stdout', 'file'])

/** Events by type, drops by reason, alerts by rule. */
export function renderSummary(summary: Summary): string {
  const section = (title: string, rows: ReadonlyMap<string, number>, none: string): string => {
    const sorted = [...rows].sort((a, b) => b[1] - a[1])
    const lines = sorted.map(([name, count]) => `  ${String(count).padStart(10)}  ${name}`)
    return [title, ...(lines.length > 0 ? lines : [`  ${none}`])].join('\n')
  }
  const programs = [...summary.programs.values()]
  const guarded = programs.reduce((sum, { guarded: n }) => sum + n, 0)
  const throttled = programs.reduce((sum, { throttled: n }) => sum + n, 0)
  return [
    section('events', summary.events, 'none'),
    section('drops', summary.drops, 'none'),
    section('alerts', summary.alerts, 'none'),
    ...(summary.withheld.size === 0
      ? []
      : [section('matches shortly after an alert of their threshold', summary.withheld, 'none')]),
    ...(Object.keys(summary.asked).length === 0
      ? []
      : [section('asked of others', new Map(Object.entries(summary.asked)), 'none')]),
    ...outputSection(summary),
    ...(Object.keys(summary.captures).length === 0
      ? []
      : [section('captures that rules began', new Map(Object.entries(summary.captures)), 'none')]),
    ...(summary.suppressed > 0 ? [`alerts held back by throttling: ${summary.suppressed}`] : []),
    ...(throttled > 0 ? [`events held back by kernel.throttle: ${throttled}`] : []),
    `lost ${summary.lost}, late ${summary.late}, passed over in the kernel ${guarded}, errors ${summary.errors}`,
    '',
  ].join('\n')
}

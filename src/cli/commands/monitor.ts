/** `tarsier monitor`: the file monitor. */
import { type Command, Option } from 'commander'
import type { Config } from '../../config/keys.ts'
import { configFrom } from '../../config/options.ts'
import type { SyscallContext } from '../../fields/context.ts'
import { SOURCES } from '../../fields/index.ts'
import { createObserver } from '../../monitor/observer.ts'
import { DEFAULT_QUOTA, DEFAULT_WINDOW, type MonitorOptions, readOptions } from '../../monitor/options.ts'
import { monitorRules } from '../../monitor/rules.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import type { CliCommand } from '../command.ts'
import { hardenProcess } from '../hardening.ts'
import { lineWriter, loggerFor } from '../logger.ts'
import { packageRoot } from '../package-root.ts'
import { asUsage } from '../usage.ts'
import { runAgent } from './run.ts'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const HELP = `
Each opened file is a line of JSON on stdout:
  timestamp   seconds with microseconds (--time)
  path        as the kernel resolved it, or the kernel's name of what has none: pipe:[4711]
  comm        name of the process
  pid, tgid   thread and process id, as the kernel calls them
  mode        the kernel's f_mode of the open file; f_mode is the same
  flags       how it was opened, by name; open_flags is the number
  call        the system call
A process that writes to one file more often than the quota within the window is told about once for each window: as
  WARN "PATH" is suspiciously active
on stderr, and as an alert record on stdout. Writes to pipes, sockets and terminals do not count. What the monitor does
itself is not reported. Bytes that are not UTF-8 are shown as \\xNN, with the exact bytes in path_b64.

A PATH, also of --ignore and --quota-for, stands for itself and everything below it, by whole components.

Examples:
  tarsier monitor >/dev/null                  warnings only
  tarsier monitor -q                          opened files and alert records only
  tarsier monitor /etc --ignore /etc/mtab     one tree, without a file of it
  tarsier monitor --rate 20/s --quota-for /var/log=1000`

export const monitorCommand: CliCommand = {
  name: 'monitor',
  declare(command: Command): void {
    command
      .argument('[paths...]', 'report only what lies below these')
      .option('--ignore <path>', 'leave out a file or directory (repeatable)', collect, [])
      .option('--quota <n>', `writes within the window that are still ordinary (default: ${DEFAULT_QUOTA})`)
      .option(
        '--window <duration>',
        `length of the sliding window: 500ms, 10s, 5m (default: ${DEFAULT_WINDOW})`,
      )
      .option('--rate <n/time>', 'quota and window in one: 20/s, 600/m, 50/500ms')
      .option(
        '--quota-for <path=n>',
        'another quota below a path; the longest path decides (repeatable)',
        collect,
        [],
      )
      .option('--no-writes', 'do not look at writes at all: no warnings, no cost for writers')
      .addOption(
        new Option('--time <clock>', 'clock of the timestamps').choices(['wall', 'boot']).default('wall'),
      )
      .option(
        '-o, --option <key=value>',
        "set a configuration key of 'tarsier run' (repeatable)",
        collect,
        [],
      )
      .addHelpText('after', HELP)
  },
  async run(args, options, io) {
    hardenProcess()
    const monitor = monitorOptions(args, options)
    const config = readConfig(options['option'] as readonly string[])
    const log = loggerFor(options, io)
    const write = lineWriter(io.stderr)
    const observer = createObserver(monitor, (line) => {
      if (log.enabled('warning')) write(`${line}\n`)
    })
    const files = { root: packageRoot(), rules: [], configuration: [] }
    return runAgent(config, compileRules(monitor), files, options, log, io, { observer })
  },
}

function monitorOptions(args: readonly string[], options: Readonly<Record<string, unknown>>): MonitorOptions {
  return readOptions({
    paths: args,
    ignore: options['ignore'] as readonly string[],
    quota: options['quota'] as string | undefined,
    window: options['window'] as string | undefined,
    rate: options['rate'] as string | undefined,
    quotaFor: options['quotaFor'] as readonly string[],
    writes: options['writes'] !== false,
    time: options['time'] as 'wall' | 'boot',
  })
}

/** Alerts are records of our own shape, unless another is asked for. */
const readConfig = (overrides: readonly string[]): Config =>
  asUsage(() => configFrom(['output.format=tarsier', ...overrides]))

/** The monitor's rules through the loader of rule files; what it refuses is a fault of ours. */
function compileRules(options: MonitorOptions): readonly CompiledRule<SyscallContext>[] {
  const text = monitorRules(options)
  const { rules, files, sources } = loadRules([{ path: 'monitor', text }], { sources: SOURCES })
  const bad = files.find(({ successful }) => !successful)
  if (bad !== undefined)
    throw new Error(`the rules of the monitor are not valid: ${renderFileResult(bad, sources)}`)
  return rules as readonly CompiledRule<SyscallContext>[]
}

/** The command line: which commands there are, global options, messages and exit codes. */
import type { Writable } from 'node:stream'
import { Command, CommanderError, Help, Option } from 'commander'
import { reasonOf } from '../rules/file-error.ts'
import {
  type CliCommand,
  EXIT,
  type ExitCode,
  type GlobalOptions,
  type Io,
  UsageError,
  UserError,
} from './command.ts'
import { escapeControls, LOG_LEVELS, wantsColor } from './logger.ts'
import { programVersion } from './package-root.ts'
import { standardOutput } from './standard-output.ts'

/** A command as `--help` lists it; its module is loaded only when it is chosen. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<CliCommand>
}

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'run the agent: live events, rules, alerts',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  {
    name: 'ctl',
    summary: 'ask a running agent how it is, and tell it to reload, rotate, log more',
    load: async () => (await import('./commands/ctl.ts')).ctlCommand,
  },
  {
    name: 'trace',
    summary: 'live events as a table or JSON, without rules',
    load: async () => (await import('./commands/trace.ts')).traceCommand,
  },
  {
    name: 'record',
    summary: 'live events into a capture, to be replayed',
    load: async () => (await import('./commands/record.ts')).recordCommand,
  },
  {
    name: 'replay',
    summary: 'a capture through rules and outputs',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'capture',
    summary: 'what is in a capture',
    load: async () => (await import('./commands/capture.ts')).captureCommand,
  },
  {
    name: 'monitor',
    summary: 'the file monitor: every opened file, and files that are written suspiciously often',
    load: async () => (await import('./commands/monitor.ts')).monitorCommand,
  },
  {
    name: 'rules',
    summary: 'validate, list, describe, find and test rules',
    load: async () => (await import('./commands/rules.ts')).rulesCommand,
  },
  {
    name: 'config',
    summary: 'validate a configuration, and show the one in force',
    load: async () => (await import('./commands/config.ts')).configCommand,
  },
  {
    name: 'condition',
    summary: 'check and normalise conditions from stdin, one per line',
    load: async () => (await import('./commands/condition.ts')).conditionCommand,
  },
  {
    name: 'events',
    summary: 'the events rules can use',
    load: async () => (await import('./commands/events.ts')).eventsCommand,
  },
  {
    name: 'fields',
    summary: 'the fields rules can use',
    load: async () => (await import('./commands/fields.ts')).fieldsCommand,
  },
  {
    name: 'throughput',
    summary: 'measure telemetry under a flood of writes, and compare runs',
    load: async () => (await import('./commands/throughput.ts')).throughputCommand,
  },
  {
    name: 'demo',
    summary: 'harmless actions for a running agent to report',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'doctor',
    summary: 'what this kernel offers, and what is used instead of what is missing',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    name: 'health',
    summary: 'what health records say, in words',
    load: async () => (await import('./commands/health.ts')).healthCommand,
  },
  {
    name: 'bench',
    summary: 'measure on this machine, as ratios in one run',
    load: async () => (await import('./commands/bench.ts')).benchCommand,
  },
]

/**
 * Runs one command line (without program name) and answers with the exit code. Errors the user can mend become one
 * message on stderr; a stack trace is printed only with TARSIER_DEBUG.
 */
export async function main(
  argv: readonly string[],
  io: Io,
  commands: readonly CommandEntry[] = COMMANDS,
): Promise<ExitCode> {
  try {
    let code: ExitCode = EXIT.ok
    const program = createProgram(commands, io, (result) => {
      code = result
    })
    await program.parseAsync(helpWordFirst(argv, commands), { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) io.stderr.write(hintLine(await misuseHint(error, argv)))
    return report(error, io, colorIn(argv))
  }
}

/** What to do instead, where a command line has what is at home elsewhere. */
const EXCESS_HINTS: Readonly<Record<string, string>> = {
  condition: 'conditions are read from standard input, one a line',
  run: 'files of rules are given with -r',
}

/** Of tracee-ebpf, where `trace` has none. */
const TRACEE_OPTIONS: ReadonlySet<string> = new Set([
  ...['-c', '--capture', '-a', '--cache', '-b', '--perf-buffer-size', '--blob-perf-buffer-size', '--debug'],
  ...['--install-path', '--metrics', '--metrics-addr'],
])

async function misuseHint(
  { code, message }: CommanderError,
  argv: readonly string[],
): Promise<string | undefined> {
  if (code === 'commander.excessArguments') return EXCESS_HINTS[/for '([^']+)'/.exec(message)?.[1] ?? '']
  if (code !== 'commander.unknownOption') return undefined
  const option = /'([^']+)'/.exec(message)?.[1] ?? ''
  const isLetter = /^-\w$/.test(option)
  if (argv[0] === 'trace')
    return TRACEE_OPTIONS.has(option)
      ? 'docs/coming-from-tracee.md says what became of options that Tracee had'
      : undefined
  if (argv[0] === 'run')
    return isLetter ? 'docs/coming-from-falco.md says what became of options that Falco had' : undefined
  const { isFalcoOption } = await import('./falco/options.ts')
  return argv[0]?.startsWith('-') && (isLetter || isFalcoOption(option))
    ? "options of 'falco' are those of 'tarsier run'"
    : undefined
}

const hintLine = (hint: string | undefined): string =>
  hint === undefined ? '' : `  hint: ${escapeControls(hint)}\n`

/** What `--color` says, also where the command line as a whole makes no sense. */
function colorIn(argv: readonly string[]): GlobalOptions['color'] {
  const at = argv.findLastIndex((word) => /^--color(=|$)/.test(word))
  const value = argv[at]?.split('=')[1] ?? argv[at + 1]
  return at >= 0 && (value === 'always' || value === 'never') ? value : 'auto'
}

function createProgram(commands: readonly CommandEntry[], io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('tarsier')
    .description('Watches a Linux machine from inside the kernel and judges what it sees with rules.')
    .version(`tarsier ${programVersion()}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .configureHelp({ optionDescription: describeOption })
    .addHelpText('after', "\n'tarsier COMMAND --help' tells about a command.")
  addGlobalOptions(program)
  for (const { name, summary } of commands) program.command(name).summary(summary).description(summary)
  program.hook('preSubcommand', async (_program, chosen) => {
    const entry = commands.find(({ name }) => name === chosen.name())
    if (entry !== undefined) equip(program, chosen, await entry.load(), io, done)
  })
  return program
}

/** That nothing is the default of a list goes without saying. */
function describeOption(option: Option): string {
  const { defaultValue } = option
  const empty = Array.isArray(defaultValue) && defaultValue.length === 0
  return new Help().optionDescription(empty ? Object.create(option, { defaultValue: {} }) : option)
}

/** Gives a chosen command its own options and what happens when it, or one of its subcommands, is called. */
function equip(
  program: Command,
  chosen: Command,
  command: CliCommand,
  io: Io,
  done: (code: ExitCode) => void,
): void {
  command.declare(chosen)
  const leaves = chosen.commands.length > 0 ? chosen.commands : [chosen]
  for (const leaf of leaves) {
    addGlobalOptions(leaf)
    const before = leaf === chosen ? [] : [leaf.name()]
    leaf.action(async () => {
      const given = { ...program.opts(), ...chosen.opts(), ...leaf.opts() }
      done(await command.run([...before, ...leaf.args], { ...given, ...globalOptions(given) }, io))
    })
  }
}

/** Global options stand before or after the command. Without defaults here, so that either place can set them. */
function addGlobalOptions(command: Command): void {
  const options = [
    new Option('--json', 'machine-readable output'),
    new Option('--color <when>', 'colours in the output (default: auto)').choices([
      'auto',
      'always',
      'never',
    ]),
    new Option('-q, --quiet', 'only errors on stderr'),
    new Option('-v, --verbose', 'more on stderr'),
    new Option('--log-level <level>', 'messages on stderr (default: info)').choices(LOG_LEVELS),
  ]
  for (const option of options) {
    const taken = command.options.some(
      ({ short, long }) => long === option.long || (short && short === option.short),
    )
    if (!taken) command.addOption(option.helpGroup('Global options:'))
  }
}

function globalOptions(given: Readonly<Record<string, unknown>>): GlobalOptions {
  return {
    json: given['json'] === true,
    color: (given['color'] as GlobalOptions['color'] | undefined) ?? 'auto',
    quiet: given['quiet'] === true,
    verbose: given['verbose'] === true,
    logLevel: given['logLevel'] as string | undefined,
  }
}

/** `help NAME` is `NAME --help`, and `help` alone the general help. */
function helpWordFirst(argv: readonly string[], commands: readonly CommandEntry[]): string[] {
  if (argv[0] !== 'help') return [...argv]
  const known = argv[1] === undefined || commands.some(({ name }) => name === argv[1])
  return known ? [...argv.slice(1), '--help'] : argv.slice(1)
}

/** Tells the user about an error and chooses the exit code. */
function report(error: unknown, io: Io, color: GlobalOptions['color']): ExitCode {
  // Commander has printed its message already, and throws for --help and --version too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const red = wantsColor(color, io.stderr, io.env) ? ['\u001b[31m', '\u001b[0m'] : ['', '']
  const tell = (message: string): void => {
    io.stderr.write(`${red[0]}error${red[1]}: ${escapeControls(message)}\n`)
  }
  const debug = io.env['TARSIER_DEBUG'] !== undefined
  if (error instanceof UserError) {
    tell(error.message)
    io.stderr.write(hintLine(error.hint))
    if (debug) io.stderr.write(`${error.stack}\n`)
    return error instanceof UsageError ? EXIT.usage : EXIT.failure
  }
  if (debug) tell((error as Error)?.stack ?? String(error))
  else {
    tell(`internal error: ${error instanceof Error ? error.message : String(error)}`)
    io.stderr.write('  hint: this is a fault in Tarsier; TARSIER_DEBUG=1 prints where it happened\n')
  }
  return EXIT.failure
}

/** Runs this process's own command line. A reader that goes away ends it quietly. */
async function runProcess(): Promise<void> {
  const stdout = standardOutput()
  const argv = process.argv.slice(2)
  const io: Io = { stdin: process.stdin, stdout, stderr: process.stderr, env: process.env }
  const fail = (error: unknown): ExitCode => report(error, io, colorIn(argv))
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(
      error.code === 'EPIPE' ? EXIT.ok : fail(new UserError(`cannot write output: ${reasonOf(error)}`)),
    )
  })
  process.stderr.on('error', () => {})
  process.on('uncaughtException', (error) => process.exit(fail(error)))
  const code = await main(argv, io)
  await Promise.all([stdout, process.stderr].map(written))
  // Errors of writing are told after the tasks that are due now.
  setImmediate(() => process.exit(code))
}

/** What was written to a pipe may still be on its way when a command ends: an exit would cut it off. */
const written = (stream: Writable): Promise<void> | undefined =>
  stream.writableLength === 0
    ? undefined
    : new Promise((resolve) => {
        stream.write('', () => resolve())
      })

if (import.meta.main) await runProcess()

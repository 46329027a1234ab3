/** `tarsier trace`: what happens on the machine, live, without rules. Also in the words of Tracee v0.7. */
import { closeSync, readFileSync, writeSync } from 'node:fs'
import type { Command } from 'commander'
import type { Config } from '../../config/keys.ts'
import { configFrom } from '../../config/options.ts'
import { hostRoot } from '../../kernel/host.ts'
import { printable } from '../../outputs/escape.ts'
import { openToAppend } from '../../outputs/output.ts'
import { TemplateError } from '../../outputs/template/index.ts'
import { reasonOf } from '../../rules/file-error.ts'
import { compileFilter, type TraceFilter } from '../../trace/compile.ts'
import { ExecHashes } from '../../trace/exec-hash.ts'
import { FilterError, parseExpression } from '../../trace/expression.ts'
import { eventTemplate } from '../../trace/formats/go-template.ts'
import { type OutputChoice, parseOutput } from '../../trace/output-expression.ts'
import type { TraceRecord } from '../../trace/record.ts'
import { createTracer, type Tracer } from '../../trace/tracer.ts'
import { type CliCommand, EXIT, type Io, UsageError, UserError } from '../command.ts'
import { hardenProcess } from '../hardening.ts'
import { type Logger, loggerFor } from '../logger.ts'
import { packageRoot } from '../package-root.ts'
import { asUsage } from '../usage.ts'
import { runAgent } from './run.ts'
import { OUTPUT_HELP, TRACE_HELP } from './trace-help.ts'
import { traceeList, traceeListJson } from './tracee-list.ts'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const traceCommand: CliCommand = {
  name: 'trace',
  declare(command: Command): void {
    command
      .argument('[expr...]', 'filter expressions; without one the set default is traced')
      .option('-t, --trace <expr>', 'a filter expression, as Tracee has it (repeatable; help)', collect, [])
      .option(
        '-o, --output <expr>',
        'how to show events and where to, or KEY=VALUE of the configuration (repeatable; help)',
        collect,
        [],
      )
      .option('--replay <file>', 'the events of a capture instead of those of now; root is not needed')
      .option('--format <format>', 'format of that file: auto, tarsier, scap, tracee', 'auto')
      .option('-l, --list', 'list all events with their sets and arguments, as Tracee does')
      .addHelpText('after', `\n${TRACE_HELP}\n\n${OUTPUT_HELP}`)
  },
  async run(args, options, io) {
    const expressions = [...(options['trace'] as readonly string[]), ...args]
    const outputs = options['output'] as readonly string[]
    if (options['list'] === true) return print(io, options.json ? traceeListJson() : traceeList())
    if (expressions.includes('help')) return print(io, `${TRACE_HELP}\n`)
    if (outputs.includes('help')) return print(io, `${OUTPUT_HELP}\n`)
    const replayed = options['replay'] as string | undefined
    if (replayed === undefined) hardenProcess()
    const [settings, shapes] = partition(outputs)
    const filter = readable(() => compileFilter(expressions.map(parseExpression)))
    const output = readable(() => parseOutput(shapes, options.json ? 'tarsier' : 'table'))
    const config = readConfig(settings, output)
    const log = loggerFor(options, io)
    if (replayed !== undefined) {
      const observer = tracerOf(filter, replayable(output), config, log, io)
      const { playCapture } = await import('../playing.ts')
      return playCapture({ file: replayed, config, options, log, io }, () => ({ rules: [], observer }))
    }
    const observer = tracerOf(filter, output, config, log, io)
    const files = { root: packageRoot(), rules: [], configuration: [] }
    return runAgent(config, [], files, options, log, io, { observer })
  },
}

/** What is asked of this machine says nothing about another; events of a capture are in order. */
function replayable(output: OutputChoice): OutputChoice {
  if (output.options.has('exec-hash'))
    throw new UsageError('exec-hash reads the files of this machine, and a capture tells of what was')
  return { ...output, options: new Set([...output.options].filter((name) => name !== 'sort-events')) }
}

function print(io: Io, text: string): 0 {
  io.stdout.write(text)
  return EXIT.ok
}

/** Settings of the configuration, and what Tracee's `--output` takes. */
function partition(outputs: readonly string[]): readonly [readonly string[], readonly string[]] {
  const isSetting = (text: string): boolean => /^(?!gotemplate=)[a-z_][\w.]*=/.test(text)
  return [outputs.filter(isSetting), outputs.filter((text) => !isSetting(text))]
}

/** What is wrong with an expression is shown in it. */
export function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const { expression, from, to, message, hint } = error
    const width = (text: string): number => printable(text).length
    const caret =
      ' '.repeat(width(expression.slice(0, from))) +
      '^'.repeat(Math.max(width(expression.slice(from, to)), 1))
    throw new UsageError(`${printable(message)}\n${printable(expression)}\n${caret}`, hint && printable(hint))
  }
}

/** The agent watches neither over itself nor for rules: only what is asked for is attached. */
function readConfig(settings: readonly string[], { outFile }: OutputChoice): Config {
  const file =
    outFile === undefined
      ? []
      : ['stdout_output.enabled=false', 'file_output.enabled=true', `file_output.filename=${outFile}`]
  return asUsage(() => configFrom(['integrity.enabled=false', ...file, ...settings]))
}

function tracerOf(filter: TraceFilter, output: OutputChoice, config: Config, log: Logger, io: Io): Tracer {
  const { errFile } = output
  if (errFile !== undefined) createFile(errFile)
  return createTracer({
    filter,
    output,
    mask: config['output.mask_secrets'],
    warn:
      errFile === undefined
        ? (message) => log.warning(message)
        : (message) => appendTo(errFile, message, log),
    ...(typeof output.format === 'object' ? { template: templateIn(output.format.template) } : {}),
    ...(output.options.has('exec-hash')
      ? { hashes: new ExecHashes({ proc: `${hostRoot(io.env)}/proc` }) }
      : {}),
  })
}

function templateIn(file: string): (record: TraceRecord) => string {
  try {
    return eventTemplate(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof TemplateError) throw new UserError(`${file}:${error.message}`, error.hint)
    throw new UserError(`cannot read the template ${file}: ${reasonOf(error)}`)
  }
}

/** A file for messages that cannot be written is told now, not when there is something to tell. */
function createFile(file: string): void {
  try {
    closeSync(openToAppend(file))
  } catch (error) {
    throw new UserError(
      `cannot open err-file '${file}': ${reasonOf(error)}`,
      'name a file in a folder that exists',
    )
  }
}

function appendTo(file: string, message: string, log: Logger): void {
  try {
    const fd = openToAppend(file)
    try {
      writeSync(fd, `${printable(message)}\n`)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    log.warning(`${message} (and cannot write to ${file}: ${(error as Error).message})`)
  }
}

/** `tarsier record`: what happens on the machine, into a capture. */
import type { Command } from 'commander'
import { PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import type { Observer } from '../../agent-options.ts'
import type { Config } from '../../config/keys.ts'
import { configFrom } from '../../config/options.ts'
import type { SyscallContext } from '../../fields/context.ts'
import { SOURCES } from '../../fields/index.ts'
import { readsEnvironment } from '../../rules/fields-used.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import { compileFilter } from '../../trace/compile.ts'
import { parseExpression } from '../../trace/expression.ts'
import { declareRotation, recorderOf } from '../captures.ts'
import { type CliCommand, UsageError } from '../command.ts'
import { hardenProcess } from '../hardening.ts'
import { type Logger, loggerFor } from '../logger.ts'
import { packageRoot } from '../package-root.ts'
import { asUsage } from '../usage.ts'
import { runAgent } from './run.ts'
import { readable } from './trace.ts'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const HELP = `
Without EXPR and -f every event that rules can see is recorded, apart from those that are only attached by name ('tarsier
events'). EXPR are names of events, with a final * for any ending, or filter expressions of 'tarsier trace':

  tarsier record /var/tmp/all.cap
  tarsier record /var/tmp/files.cap 'open*' unlinkat renameat2
  tarsier record /var/tmp/root.cap set=default uid=0
  tarsier record /var/tmp/etc.cap -f 'evt.type in (open, openat) and fd.name startswith /etc'

The kernel sends at least what this names, and the life of processes always. The capture has the processes, users and clocks
of the start, and what container runtimes answered; environments only with -o kernel.env=on. It is made with mode 0600 and
never over another file. 'tarsier replay FILE' plays it, 'tarsier capture info FILE' says what is in it.`

export const recordCommand: CliCommand = {
  name: 'record',
  declare(command: Command): void {
    command
      .argument('<file>', 'capture to make')
      .argument('[expr...]', 'events to record')
      .option('-f, --filter <condition>', "record what a condition of Falco's rule language names")
      .option('-M, --seconds <n>', 'stop after so many seconds')
      .option(
        '-o, --option <key=value>',
        "set a configuration key of 'tarsier run' (repeatable)",
        collect,
        [],
      )
    declareRotation(command)
    command.addHelpText('after', HELP)
  },
  async run([file, ...expressions], options, io) {
    hardenProcess()
    const condition = options['filter'] as string | undefined
    if (condition !== undefined && expressions.length > 0)
      throw new UsageError('either expressions or -f say what is recorded, not both')
    const wanted = condition === undefined ? wantedBy(expressions) : wantedOf(condition)
    const config = readConfig(options['option'] as readonly string[])
    const log = loggerFor(options, io)
    const observer = observerOf(wanted, log)
    const files = { root: packageRoot(), rules: [], configuration: [] }
    const recorder = await recorderOf(file!, condition ?? expressions.join(' '), options, io.env)
    const seconds = secondsOf(options['seconds'])
    return runAgent(config, [], files, options, log, io, { observer, recorder, seconds })
  },
}

/** What the kernel has to send. */
interface Wanted {
  readonly events: ReadonlySet<string>
  readonly rules: readonly CompiledRule<SyscallContext>[] | undefined
  /** Environments are asked for. */
  readonly env: boolean
  begin(bootTimeNs: number): void
}

const EVERYTHING: ReadonlySet<string> = new Set(
  PUBLIC_EVENT_TYPES.filter(({ family }) => family.byName !== true).map(({ name }) => name),
)

/** Names of events are expressions without `event=`. */
function wantedBy(expressions: readonly string[]): Wanted {
  if (expressions.length === 0) return { events: EVERYTHING, rules: undefined, env: false, begin: () => {} }
  const isName = (text: string): boolean => /^[\w*,]+$/.test(text) && !/^(?:container|follow)$/.test(text)
  const clauses = expressions.map((text) => (isName(text) ? `event=${text}` : text))
  const filter = readable(() => compileFilter(clauses.map(parseExpression)))
  return {
    events: new Set(filter.events.flatMap(({ sources }) => sources)),
    rules: filter.rules,
    env: filter.env,
    begin: (ns) => filter.begin(ns),
  }
}

/** The condition as a rule of its own. */
function wantedOf(condition: string): Wanted {
  const text = JSON.stringify([
    { rule: 'record', desc: 'What is recorded.', condition, output: 'recorded', priority: 'DEBUG' },
  ])
  const { rules, files, sources } = loadRules([{ path: 'filter', text }], { sources: SOURCES })
  const bad = files.find(({ successful }) => !successful)
  if (bad !== undefined) throw new UsageError(`the condition is not valid\n${renderFileResult(bad, sources)}`)
  const compiled = rules as readonly CompiledRule<SyscallContext>[]
  const [rule] = compiled
  const events = rule === undefined || rule.events === '*' ? EVERYTHING : rule.events
  return { events, rules: compiled, env: compiled.some(readsEnvironment), begin: () => {} }
}

function secondsOf(value: unknown): number {
  if (value === undefined) return 0
  if (/^\d{1,6}$/.test(value as string)) return Number(value)
  throw new UsageError(`--seconds takes a whole number of seconds, not '${value}'`)
}

/** Alerts, of which there are none, and lines go nowhere. */
const readConfig = (settings: readonly string[]): Config =>
  asUsage(() => configFrom(['integrity.enabled=false', 'stdout_output.enabled=false', ...settings]))

const observerOf = ({ events, rules, env, begin }: Wanted, log: Logger): Observer => ({
  events,
  paths: [],
  ...(rules === undefined ? {} : { rules }),
  env,
  ownsOutput: true,
  begin: ({ now }) => begin(Number(now.boot)),
  line: () => undefined,
  gap: ({ lost, ring, cpu }) =>
    log.warning(`${lost} events lost before they could be recorded (${ring} ring, CPU ${cpu})`),
  alert: () => {},
})

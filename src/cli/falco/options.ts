/** Options of `falco` that `tarsier run` takes, in their own group of its help. What each means here: docs/coming-from-falco.md. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { FALCO_DIRECTORY } from '../../config/falco/usual-files.ts'
import { SOURCES } from '../../fields/index.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import { UsageError } from '../command.ts'

const GROUP = "Falco's options:"

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** The longest a timer can wait. */
const MAX_SECONDS = 2 ** 31 / 1000 - 1

function seconds(value: string): number {
  if (/^\d{1,9}$/.test(value) && Number(value) <= MAX_SECONDS) return Number(value)
  throw new InvalidArgumentError(`It takes whole seconds, at most ${Math.floor(MAX_SECONDS)}.`)
}

const FORMATS = ['text', 'markdown', 'json'] as const
export type ListFormat = (typeof FORMATS)[number]

const OPTIONS: readonly Option[] = [
  new Option(
    '--falco',
    `read ${FALCO_DIRECTORY}: its falco.yaml without -c, and the usual rules where it names none`,
  ),
  new Option('--dry-run', 'do everything but attach to the kernel'),
  new Option('-M, --seconds <n>', 'stop after so many seconds; 0 is never').argParser(seconds),
  new Option('-P, --pidfile <file>', 'write the process id there, and remove it at the end'),
  new Option('--enable-source <source>', 'judge rules of this source alone (repeatable)').argParser(collect),
  new Option('--disable-source <source>', 'do not judge rules of this source (repeatable)').argParser(
    collect,
  ),
  new Option('-V, --validate <file>', 'validate rule files or directories and stop (repeatable)').argParser(
    collect,
  ),
  new Option('-L', 'describe the rules and stop; with json_output macros and lists, too'),
  new Option('-l <rule>', 'describe one rule and stop'),
  new Option('--list [source]', 'list the fields and stop'),
  new Option('--list-events', 'list the events and stop'),
  new Option('-N', 'with --list: names only'),
  new Option('--format <format>', 'of --list and --list-events').choices(FORMATS),
  new Option('--support', 'print version, configuration and rules as JSON, as they are, and stop'),
  new Option('--config-schema', 'print a JSON schema of the configuration and stop'),
  new Option('--rule-schema', 'print a JSON schema of rule files and stop'),
  new Option('--list-plugins', 'list the plugins: there are none, sources are built in'),
  new Option('--plugin-info <name>', 'about a plugin: there are none').hideHelp(),
  new Option('-i', 'list the events that are ignored: there are none').hideHelp(),
  new Option('--page-size', 'print the size of a page of memory and stop').hideHelp(),
  new Option('--markdown', 'deprecated: --format markdown').hideHelp(),
  new Option('-p, --print <format>', 'deprecated: append_output').hideHelp(),
  new Option('-U, --unbuffered', 'every alert is written at once anyway').hideHelp(),
]

/** Is it the long name of one? */
export const isFalcoOption = (name: string): boolean => OPTIONS.some(({ long }) => long === name)

export function declareFalcoOptions(command: Command): void {
  for (const option of OPTIONS) command.addOption(option.helpGroup(GROUP))
}

export interface FalcoOptions {
  /** Directory of Falco's files, with `--falco`. */
  readonly directory: string | undefined
  readonly dryRun: boolean
  /** 0 for no end. */
  readonly seconds: number
  readonly pidFile: string | undefined
  readonly isOn: (source: string) => boolean
  readonly validate: readonly string[]
  /** Rules to describe: all, or one by its name. */
  readonly describe: 'all' | { readonly rule: string } | undefined
  /** Fields to list: of all sources, or of one. */
  readonly fields: 'all' | { readonly source: string } | undefined
  readonly namesOnly: boolean
  readonly format: ListFormat
  readonly listEvents: boolean
  readonly ignored: boolean
  readonly listPlugins: boolean
  readonly pluginInfo: string | undefined
  readonly pageSize: boolean
  readonly configSchema: boolean
  readonly ruleSchema: boolean
  readonly support: boolean
  /** Settings that stand for deprecated options, and what to say about those. */
  readonly overrides: readonly string[]
  readonly notices: readonly string[]
}

type Given = Readonly<Record<string, unknown>>

export function falcoOptions(given: Given): FalcoOptions {
  const text = (name: string): string | undefined => given[name] as string | undefined
  const is = (name: string): boolean => given[name] === true
  const list = given['list'] as string | true | undefined
  const rule = text('l')
  const print = text('print')
  const how = is('N') ? '-N' : text('format') !== undefined ? '--format' : undefined
  if (how !== undefined && list === undefined && !is('listEvents'))
    throw new UsageError(`${how} is about a list, and none is asked for`, 'add --list or --list-events')
  return {
    directory: is('falco') ? FALCO_DIRECTORY : undefined,
    dryRun: is('dryRun'),
    seconds: (given['seconds'] as number | undefined) ?? 0,
    pidFile: text('pidfile'),
    isOn: sourceFilter(
      (given['enableSource'] as readonly string[] | undefined) ?? [],
      (given['disableSource'] as readonly string[] | undefined) ?? [],
    ),
    validate: (given['validate'] as readonly string[] | undefined) ?? [],
    describe: rule !== undefined ? { rule } : is('L') ? 'all' : undefined,
    fields: list === undefined ? undefined : list === true ? 'all' : { source: list },
    namesOnly: is('N'),
    format: (text('format') as ListFormat | undefined) ?? (is('markdown') ? 'markdown' : 'text'),
    listEvents: is('listEvents'),
    ignored: is('i'),
    listPlugins: is('listPlugins'),
    pluginInfo: text('pluginInfo'),
    pageSize: is('pageSize'),
    configSchema: is('configSchema'),
    ruleSchema: is('ruleSchema'),
    support: is('support'),
    overrides: print === undefined ? [] : [printSetting(print)],
    notices: print === undefined ? [] : ['-p is deprecated: append_output says the same'],
  }
}

/** `-pc` and `-pk` ask for the fields of containers, anything else is a format. */
const printSetting = (format: string): string =>
  ['c', 'container', 'k', 'kubernetes'].includes(format)
    ? 'append_output[].suggested_output=true'
    : `append_output[].extra_output=${format}`

/** Which sources are on. Throws UsageError for names nobody has, both options together, and none left. */
function sourceFilter(enabled: readonly string[], disabled: readonly string[]): (source: string) => boolean {
  const known = [...SOURCES.keys()]
  const unknown = [...enabled, ...disabled].find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UsageError(
      `unknown event source '${unknown}'`,
      didYouMean(unknown, known) ?? `there is ${known.join(', ')}`,
    )
  if (enabled.length > 0 && disabled.length > 0)
    throw new UsageError('--enable-source and --disable-source do not go together', 'give one of them')
  const isOn = (source: string): boolean =>
    enabled.length > 0 ? enabled.includes(source) : !disabled.includes(source)
  if (!known.some(isOn)) throw new UsageError('all event sources are disabled', 'leave one enabled')
  return isOn
}

/** What `--output` says, in the words of Tracee v0.7: how events are shown, with what, and where to. */
import { didYouMean } from '../rules/condition/suggest.ts'
import { FilterError } from './expression.ts'

/** `tarsier` is our own JSON. */
const FORMATS = ['table', 'table-verbose', 'json', 'tarsier', 'none'] as const
export type FormatName = (typeof FORMATS)[number] | { readonly template: string }

const OPTIONS = [
  'parse-arguments',
  'exec-env',
  'exec-hash',
  'relative-time',
  'sort-events',
  'detect-syscall',
] as const
export type OutputOption = (typeof OPTIONS)[number]
/** Another name of one. */
const ALIASES: ReadonlyMap<string, OutputOption> = new Map([['sort', 'sort-events']])

export interface OutputChoice {
  readonly format: FormatName
  readonly options: ReadonlySet<OutputOption>
  /** Files for events and messages; undefined for standard output and error. */
  readonly outFile: string | undefined
  readonly errFile: string | undefined
}

/** Why something of Tracee is not here. */
const UNSERVED: ReadonlyMap<string, string> = new Map([
  ['gob', 'gob is an encoding of Go programs; json has the same content'],
  ['stack-addresses', 'stacks are not recorded'],
  ['cache-events', 'events wait in the rings of the kernel, see kernel.ring_bytes.bulk'],
])

/** Put together what several expressions say; a later format replaces an earlier one. Throws FilterError. */
export function parseOutput(expressions: readonly string[], fallback: FormatName = 'table'): OutputChoice {
  let format = fallback
  let outFile: string | undefined
  let errFile: string | undefined
  const given = new Map<OutputOption, At>()
  for (const expression of expressions) {
    const [, kind, value] = /^([a-z-]+):(.*)$/s.exec(expression) ?? []
    const at = { expression, from: expression.length - (value ?? expression).length }
    if (kind === 'option') for (const word of (value ?? '').split(',')) given.set(optionOf(word, at), at)
    else if (kind === 'out-file') outFile = pathOf(value!, at)
    else if (kind === 'err-file') errFile = pathOf(value!, at)
    else if (kind === 'format' || kind === undefined) format = formatOf(value ?? expression, at)
    else throw refuse({ expression, from: 0 }, `invalid output value: ${expression}`, KINDS)
  }
  if (format === 'tarsier') refuseForOurs(given)
  const options = new Set(given.keys())
  if (format === 'table') options.add('parse-arguments')
  return { format, options, outFile, errFile }
}

interface At {
  readonly expression: string
  readonly from: number
}

const refuse = ({ expression, from }: At, message: string, hint: string): FilterError =>
  new FilterError(expression, message, { from, to: expression.length }, hint)

/** Records of our own JSON are those of telemetry, whoever asks for them. */
function refuseForOurs(given: ReadonlyMap<OutputOption, At>): void {
  for (const [option, hint] of [
    ['relative-time', 'our own JSON has mono_ns beside the time; table, json and templates take it'],
    ['exec-hash', 'our own JSON has no place for it; table, json and templates take it'],
  ] as const) {
    const at = given.get(option)
    if (at !== undefined) throw refuse(at, `invalid output option: ${option}`, hint)
  }
}

const KINDS = 'format:NAME, option:NAME, out-file:FILE or err-file:FILE'

function formatOf(word: string, at: At): FormatName {
  const template = /^gotemplate=(.*)$/s.exec(word)?.[1]
  if (template !== undefined) return { template: pathOf(template, at) }
  const found = FORMATS.find((name) => name === word)
  if (found !== undefined) return found
  throw refuse(
    at,
    `unrecognized output format: ${word}`,
    UNSERVED.get(word) ??
      optionHint(word) ??
      didYouMean(word, FORMATS) ??
      `formats: ${FORMATS.join(', ')}, gotemplate=FILE; also option:NAME, out-file:FILE, err-file:FILE`,
  )
}

const known = (word: string): OutputOption | undefined =>
  OPTIONS.find((name) => name === word) ?? ALIASES.get(word)

const optionHint = (word: string): string | undefined =>
  known(word) === undefined ? undefined : `an option: option:${word}`

function optionOf(word: string, at: At): OutputOption {
  const found = known(word)
  if (found !== undefined) return found
  throw refuse(
    at,
    `invalid output option: ${word}`,
    UNSERVED.get(word) ?? didYouMean(word, OPTIONS) ?? `options: ${OPTIONS.join(', ')}`,
  )
}

function pathOf(text: string, at: At): string {
  if (text === '') throw refuse(at, 'a file is missing', 'as in out-file:/var/log/trace.json')
  return text
}

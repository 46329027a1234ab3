/** For tests: a small source, and one-line ways to load rule files. */
import type { FieldDef } from '../../../fields/field.ts'
import { FieldArgumentError } from '../../../fields/field.ts'
import type { Diagnostic } from '../../diagnostics.ts'
import type { EventSet } from '../../ir.ts'
import { type LoadEnv, type LoadResult, loadRules } from '../../load.ts'

const field = (name: string, more: Partial<FieldDef> = {}): [string, FieldDef] => [
  name,
  { name, type: 'string', doc: name, cost: 'free', bind: () => ({ get: () => undefined }), ...more },
]

const FIELDS: ReadonlyMap<string, FieldDef> = new Map([
  field('proc.name'),
  field('proc.cmdline'),
  field('proc.exe'),
  field('proc.aname', { arg: { form: 'index', required: false, doc: 'which ancestor' } }),
  field('fd.name', { type: 'path' }),
  field('fd.num', { type: 'int' }),
  field('evt.type'),
  field('evt.num', { type: 'uint' }),
  field('evt.dir'),
  field('evt.around', { filterOnly: true }),
  field('evt.latency', { type: 'duration', deprecated: 'events have no begin' }),
  field('evt.arg', {
    arg: { form: 'key', required: true, doc: 'name of the argument' },
    bind(arg) {
      if (arg !== 'path' && arg !== 'fd') throw new FieldArgumentError(`no event has an argument '${arg}'`)
      return { get: () => undefined }
    },
  }),
])

const JSON_FIELDS: ReadonlyMap<string, FieldDef> = new Map([field('ka.verb')])

export const TEST_SOURCES: LoadEnv['sources'] = new Map([
  [
    'syscall',
    {
      fields: FIELDS,
      events: new Set(['open', 'openat', 'execve', 'connect']),
      knownEvents: new Set(['open', 'openat', 'execve', 'connect', 'ptrace', 'mount']),
    },
  ],
  ['k8s_audit', { fields: JSON_FIELDS, events: new Set(['pluginevent']) }],
])

/** A complete rule; keys given replace or extend the usual ones. */
export function rule(name: string, keys: Readonly<Record<string, string>> = {}): string {
  const all = { desc: 'd', condition: 'evt.type=open', output: 'o', priority: 'INFO', ...keys }
  return `- rule: ${name}\n${Object.entries(all)
    .map(([key, value]) => `  ${key}: ${value}\n`)
    .join('')}`
}
export const macro = (name: string, condition: string): string =>
  `- macro: ${name}\n  condition: ${condition}\n`
export const list = (name: string, items: string): string => `- list: ${name}\n  items: [${items}]\n`

/** Load texts as files `0.yaml`, `1.yaml`, ... */
export const load = (texts: readonly string[], env: Partial<LoadEnv> = {}): LoadResult =>
  loadRules(
    texts.map((text, i) => ({ path: `${i}.yaml`, text })),
    { sources: TEST_SOURCES, ...env },
  )

/** The problems found: `file:line:column CODE message`. */
export const problems = (result: LoadResult): readonly string[] =>
  result.files.flatMap(({ errors, warnings }) => [...errors, ...warnings].map(shortly))
const shortly = ({ span, code, message }: Diagnostic): string =>
  `${span.file[0]}:${span.line}:${span.column} ${code} ${message}`

export const eventsOf = (events: EventSet): string => (events === '*' ? '*' : [...events].sort().join(','))

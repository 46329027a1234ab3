/** Configuration in TOML: rand-guard's tables, our keys, or both in one file. */
import { didYouMean } from '../rules/condition/suggest.ts'
import type { Span } from '../rules/diagnostics.ts'
import type { RuleMeta } from '../rules/ir.ts'
import { RULE_TABLES } from '../rules/languages/toml/index.ts'
import { byPlace, collectProblems, type Problems, rootTable } from '../rules/languages/toml/table-reader.ts'
import type { TomlEntry, TomlNode, TomlTable } from '../rules/languages/toml/toml-file.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import type { Setting } from './effective.ts'
import type { FileSettings } from './file-settings.ts'
import type { KeyValue } from './key-types.ts'
import { isKeyName, KEYS, type KeyName } from './keys.ts'
import { parseLogFilter } from './log-filter.ts'
import { IMPLIED, OWN_TABLES, TABLES, type TableKey } from './rand-guard-tables.ts'
import { type Placed, settingAt } from './setting-at.ts'

/** Read a configuration. Never throws for what is in the file: problems are in the result. */
export function readTomlConfig(file: SourceFile): FileSettings {
  const problems = collectProblems({ error: 'CONFIG_ERR_VALIDATE', warning: 'CONFIG_NO_EFFECT' })
  const settings: Setting[] = []
  const root = rootTable(file, 'CONFIG_ERR_PARSE', problems)
  if (root === undefined) return { ...NOTHING, ...problems }
  const isRandGuard = OWN_TABLES.some((name) => root.entries.get(name)?.value.kind === 'table')
  if (isRandGuard) settings.push(...impliedBy(root))
  for (const [name, entry] of root.entries) {
    if (RULE_TABLES.includes(name)) continue
    const table = Object.hasOwn(TABLES, name) ? TABLES[name] : undefined
    if (table === undefined) readKeys(name, entry, settings, problems)
    else readTable(name, table, entry, isRandGuard, settings, problems)
  }
  if (isRandGuard) checkWhole(root, problems)
  return {
    format: isRandGuard ? 'rand-guard' : 'toml',
    settings,
    ruleTypes: isRandGuard ? ruleTypesOf(settings) : undefined,
    hasRules: RULE_TABLES.some((name) => root.entries.has(name)),
    included: [],
    errors: problems.errors.sort(byPlace),
    warnings: problems.warnings.sort(byPlace),
  }
}

const NOTHING: Omit<FileSettings, 'errors' | 'warnings'> = {
  format: 'toml',
  settings: [],
  ruleTypes: undefined,
  hasRules: false,
  included: [],
}

const impliedBy = (root: TomlTable): readonly Setting[] =>
  Object.entries(IMPLIED).map(([key, value]) => ({
    key: key as KeyName,
    value,
    origin: { from: 'format', name: 'rand-guard', span: root.span },
  }))

/** Our keys, as tables or dotted: `[kernel]` with `env`, `[kernel.ring_bytes]`, `json_output`. */
function readKeys(name: string, { key, value }: TomlEntry, settings: Setting[], problems: Problems): void {
  if (value.kind !== 'table') {
    readKey(name, key, value, settings, problems)
    return
  }
  const prefix = `${name}.`
  const known = Object.keys(KEYS).some((one) => one.startsWith(prefix))
  // Names below an unknown one say nothing more.
  if (known) for (const [inner, entry] of value.entries) readKeys(prefix + inner, entry, settings, problems)
  else unknown(name, 'table', key, [...Object.keys(TABLES), ...RULE_TABLES, ...groupsOfKeys()], problems)
}

const groupsOfKeys = (): readonly string[] => [
  ...new Set(Object.keys(KEYS).flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : []))),
]

function readKey(name: string, key: Span, value: TomlNode, settings: Setting[], problems: Problems): void {
  if (!isKeyName(name)) {
    unknown(name, 'key', key, Object.keys(KEYS), problems)
    return
  }
  const setting = settingAt({ name, decl: KEYS[name], key: name }, written(value), problems)
  if (setting !== undefined) settings.push(setting)
}

function unknown(
  name: string,
  what: 'key' | 'table',
  span: Span,
  known: readonly string[],
  problems: Problems,
): void {
  problems.error(
    `unknown configuration ${what} '${name.slice(0, 100)}'`,
    span,
    didYouMean(name, known) ?? "'tarsier config show' lists every key",
  )
}

/** One table of rand-guard; keys of ours that lie in it are taken as well, like `agent.lock_file`. */
function readTable(
  name: string,
  table: Readonly<Record<string, TableKey>>,
  { key, value }: TomlEntry,
  isRandGuard: boolean,
  settings: Setting[],
  problems: Problems,
): void {
  if (value.kind !== 'table') {
    problems.error(`'${name}' must be a table`, key, `write [${name}]`)
    return
  }
  for (const [inner, entry] of value.entries) {
    const full = `${name}.${inner}`
    const known = Object.hasOwn(table, inner) ? table[inner] : undefined
    if (known !== undefined) readTableKey(full, known, entry.value, settings, problems)
    else if (isKeyName(full)) readKey(full, entry.key, entry.value, settings, problems)
    else unknownInTable(name, inner, table, entry.key, problems)
  }
  if (!isRandGuard) return
  for (const [inner, { required }] of Object.entries(table))
    if (required && !value.entries.has(inner))
      problems.error(`table [${name}] has no '${inner}'`, value.span, `add ${inner} = ...`)
}

function unknownInTable(
  name: string,
  inner: string,
  table: Readonly<Record<string, TableKey>>,
  span: Span,
  problems: Problems,
): void {
  const ours = Object.keys(KEYS).flatMap((key) =>
    key.startsWith(`${name}.`) ? [key.slice(name.length + 1)] : [],
  )
  const known = [...new Set([...Object.keys(table), ...ours])]
  problems.error(
    `unknown key '${inner.slice(0, 100)}' in table [${name}]`,
    span,
    didYouMean(inner, known) ?? `its keys are ${known.join(', ')}`,
  )
}

function readTableKey(
  name: string,
  { decl, key, convert }: TableKey,
  value: TomlNode,
  settings: Setting[],
  problems: Problems,
): void {
  // A filter in the words of tracing is more than a level.
  const given = name === 'agent.log_level' ? logLevel(value, problems) : written(value)
  if (given === undefined) return
  const setting = settingAt({ name, decl, key: key ?? 'agent.id' }, given, problems)
  if (setting === undefined || key === undefined) return
  settings.push(convert === undefined ? setting : { ...setting, value: convert(setting.value) })
}

function logLevel(value: TomlNode, problems: Problems): Placed | undefined {
  if (value.kind !== 'text') return written(value)
  const filter = parseLogFilter(value.text)
  if ('level' in filter) return { ...written(value), written: { kind: 'text', text: filter.level } }
  problems.error(
    `agent.log_level takes a level or directives, not '${value.text.slice(0, 100)}': ${filter.problem}`,
    value.span,
    'levels are trace, debug, info, warn, error, off',
  )
  return undefined
}

function written(node: TomlNode): Placed {
  if (node.kind === 'list') {
    const items = node.items.map(written)
    return { written: { kind: 'list', items: items.map((item) => item.written) }, span: node.span, items }
  }
  if (node.kind === 'table') {
    const entries = [...node.entries].map(([name, { value }]) => [name, written(value).written] as const)
    return { written: { kind: 'map', entries }, span: node.span, items: [] }
  }
  return { written: { kind: node.kind, text: node.text }, span: node.span, items: [] }
}

/** What rand-guard asks of a configuration as a whole. */
function checkWhole(root: TomlTable, problems: Problems): void {
  for (const name of Object.keys(TABLES))
    if (!root.entries.has(name))
      problems.error(
        `table [${name}] is missing`,
        root.span,
        'a rand-guard configuration has all of its tables',
      )
  const at = (table: string, key: string): TomlNode | undefined => {
    const found = root.entries.get(table)?.value
    return found?.kind === 'table' ? found.entries.get(key)?.value : undefined
  }
  const truth = (node: TomlNode | undefined): boolean | undefined =>
    node?.kind === 'bool' ? node.text === 'true' : undefined
  const enabled = at('ebpf', 'enabled')
  if (truth(enabled) === false)
    problems.error('ebpf.enabled is false: there is nothing to run without', enabled!.span, 'set it to true')
  const process = at('events', 'process')
  if (truth(process) === false)
    problems.error(
      'events.process is false, but process events are always needed',
      process!.span,
      'set it to true',
    )
  for (const family of ['process', 'file', 'network']) {
    const event = at('events', family)
    const section = at(family, 'enabled')
    const [a, b] = [truth(event), truth(section)]
    if (a === undefined || b === undefined || a === b) continue
    problems.error(
      `events.${family} is ${a}, but ${family}.enabled is ${b}`,
      event!.span,
      `set both to the same; the other one is at line ${section!.span.line}`,
    )
  }
  const path = at('output', 'path')
  const type = at('output', 'type')
  if (path?.kind === 'text' && path.text !== '' && type?.kind === 'text' && type.text === 'stdout')
    problems.warn(
      `output.path is '${path.text.slice(0, 100)}', but output.type is 'stdout'`,
      path.span,
      'set output.type to file',
    )
}

function ruleTypesOf(settings: readonly Setting[]): readonly RuleMeta['ruleType'][] {
  const on = (key: KeyName): KeyValue | undefined =>
    settings.findLast((setting) => setting.key === key)?.value
  return (['process', 'file', 'network'] as const).filter((type) => on(`telemetry.${type}`) === true)
}

/** `[[rules]]` and `[[detections.*]]` as written, checked key by key. */
import type { Span } from '../../diagnostics.ts'
import type { RuleMeta } from '../../ir.ts'
import {
  DIRECTION_NAMES,
  type Direction,
  OPERATION_WORDS,
  type Operation,
  operationsOf,
} from './operations.ts'
import { onlyKeys, type Problems, TableReader } from './table-reader.ts'
import type { TomlNode, TomlTable } from './toml-file.ts'

/** What a definition looks at; lists are alternatives, and all lists that are not empty must hold. */
export interface Definition {
  readonly meta: RuleMeta
  readonly enabled: boolean
  readonly desc: string
  readonly tags: readonly string[]
  readonly parentNames: readonly string[]
  readonly processNames: readonly string[]
  readonly paths: readonly string[]
  readonly patterns: readonly string[]
  /** What a pattern that is no `*.ext` is: the whole path or name, or a piece of the path. */
  readonly patternMode: 'whole' | 'piece'
  readonly operations: readonly Operation[]
  readonly directions: readonly Direction[]
  readonly ports: readonly number[]
  readonly span: Span
}

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
const TYPES = ['process', 'file', 'network'] as const
const MATCH_KEYS = [
  'parent_names',
  'process_names',
  'paths',
  'patterns',
  'operations',
  'direction',
  'ports',
] as const
type MatchKey = (typeof MATCH_KEYS)[number]

const RULE_KEYS = ['id', 'name', 'enabled', 'type', 'severity', 'action', 'desc', 'tags', ...MATCH_KEYS]

/** Ids that begin so belong to the rules that are shipped. */
const RESERVED_PREFIX = 'BUILTIN-'

/** Longest name the kernel keeps of a process, in bytes (TASK_COMM_LEN in include/linux/sched.h, less the final NUL). */
const COMM_BYTES = 15

/** The tables of a list of tables. */
export function tablesOf(node: TomlNode | undefined, what: string, problems: Problems): readonly TomlTable[] {
  if (node === undefined) return []
  if (node.kind !== 'list') {
    problems.error(`'${what}' must be a list of tables`, node.span, `write [[${what}]]`)
    return []
  }
  return node.items.flatMap((item) => {
    if (item.kind === 'table') return [item]
    problems.error(`'${what}' must be a list of tables`, item.span, `write [[${what}]]`)
    return []
  })
}

/** One `[[rules]]` table. Match fields are checked when the rule is enabled, names and ids always. */
export function readRule(table: TomlTable, shipped: boolean, problems: Problems): Definition {
  const before = problems.errors.length
  onlyKeys(table, RULE_KEYS, 'a rule', problems)
  const reader = new TableReader(table, 'the rule', problems)
  const id = reader.text('id')
  if (!shipped && id.toUpperCase().startsWith(RESERVED_PREFIX))
    problems.error(`id '${id}' begins with ${RESERVED_PREFIX}, which is reserved`, reader.spanOf('id'))
  const definition: Definition = {
    meta: {
      id,
      name: reader.text('name'),
      severity: reader.choice('severity', SEVERITIES),
      action: reader.choice('action', ['alert']),
      ruleType: reader.choice('type', TYPES),
    },
    enabled: reader.bool('enabled'),
    desc: table.entries.has('desc') ? reader.text('desc') : '',
    tags: reader.texts('tags'),
    parentNames: reader.texts('parent_names'),
    processNames: reader.texts('process_names'),
    paths: reader.paths('paths'),
    patterns: reader.texts('patterns'),
    patternMode: 'whole',
    operations: operationsOf(reader.texts('operations', OPERATION_WORDS)),
    directions: table.entries.has('direction') ? [reader.choice('direction', DIRECTION_NAMES)] : [],
    ports: reader.ports('ports'),
    span: table.span,
  }
  warnAboutNames(definition, reader, problems)
  // What is wrong already would only be said once more.
  if (definition.enabled && problems.errors.length === before) checkMatch(definition, reader, problems)
  return definition
}

/** Which match fields a type of rule needs, and which it may have beside. */
const NEEDS: Readonly<
  Record<
    (typeof TYPES)[number],
    {
      readonly oneOf: readonly MatchKey[]
      readonly all: readonly MatchKey[]
      readonly also: readonly MatchKey[]
    }
  >
> = {
  process: { oneOf: ['process_names', 'parent_names'], all: [], also: [] },
  file: { oneOf: ['paths', 'patterns'], all: ['operations'], also: [] },
  network: { oneOf: [], all: ['direction', 'ports'], also: ['process_names'] },
}

function checkMatch({ meta, span }: Definition, reader: TableReader, problems: Problems): void {
  const { oneOf, all, also } = NEEDS[meta.ruleType]
  const present = MATCH_KEYS.filter((key) => !isEmpty(reader.entry(key)?.value))
  if (oneOf.length > 0 && !oneOf.some((key) => present.includes(key)))
    problems.error(`${meta.ruleType} rule '${meta.id}' needs ${oneOf.join(' or ')}`, span)
  for (const key of all)
    if (!present.includes(key)) problems.error(`${meta.ruleType} rule '${meta.id}' needs ${key}`, span)
  for (const key of present)
    if (![...oneOf, ...all, ...also].includes(key))
      problems.error(
        `${meta.ruleType} rule '${meta.id}' cannot have ${key}`,
        reader.entry(key)!.key,
        `match fields of a ${meta.ruleType} rule are ${[...oneOf, ...all, ...also].join(', ')}`,
      )
}

const isEmpty = (node: TomlNode | undefined): boolean =>
  node === undefined || (node.kind === 'list' && node.items.length === 0)

function warnAboutNames(definition: Definition, reader: TableReader, problems: Problems): void {
  const keys = { process_names: definition.processNames, parent_names: definition.parentNames }
  for (const [key, names] of Object.entries(keys))
    for (const name of names)
      if (Buffer.byteLength(name) > COMM_BYTES)
        problems.warn(
          `name '${name}' is longer than the ${COMM_BYTES} bytes the kernel keeps`,
          reader.spanOf(key),
          `it is compared as '${commOf(name)}'`,
        )
}

/** A name as the kernel would keep it: cut at 15 bytes, without half a character. */
export function commOf(name: string): string {
  let kept = name
  while (Buffer.byteLength(kept) > COMM_BYTES) kept = kept.slice(0, -1)
  return kept
}

const DETECTION = { severity: 'medium', action: 'alert' } as const

/** One `[[detections.persistence]]` table. */
export function readPersistence(table: TomlTable, problems: Problems): Definition {
  const what = 'the persistence detection'
  onlyKeys(table, ['name', 'paths', 'patterns', 'operations', 'action'], what, problems)
  const reader = new TableReader(table, what, problems)
  refuseActions(reader, problems)
  const name = reader.text('name')
  for (const key of ['paths', 'operations'])
    if (!table.entries.has(key)) problems.error(`${what} '${name}' has no '${key}'`, table.span)
  const definition: Definition = {
    ...nothing(table),
    meta: { ...DETECTION, name, ruleType: 'file', detectionType: name },
    paths: reader.paths('paths'),
    patterns: reader.texts('patterns'),
    patternMode: 'piece',
    operations: operationsOf(reader.texts('operations', OPERATION_WORDS)),
  }
  if (isEmpty(reader.entry('paths')?.value) && isEmpty(reader.entry('patterns')?.value))
    problems.warn(`${what} '${name}' has neither paths nor patterns and never matches`, table.span)
  warnAboutEmpty(['operations'], reader, problems)
  return definition
}

/** A list without elements is no wish for all: nothing is in it. */
function warnAboutEmpty(keys: readonly string[], reader: TableReader, problems: Problems): void {
  for (const key of keys) {
    const entry = reader.entry(key)
    if (entry !== undefined && isEmpty(entry.value))
      problems.warn(`'${key}' is empty: this detection never matches`, entry.value.span)
  }
}

/** What looks like persistence is mostly administration: nothing may follow from it but a record. */
function refuseActions(reader: TableReader, problems: Problems): void {
  const action = reader.entry('action')?.value
  if (action === undefined || (action.kind === 'text' && action.text === 'alert')) return
  problems.error(
    `'action' of the persistence detection takes only 'alert', not ${action.kind === 'text' ? `'${action.text}'` : 'this'}`,
    action.span,
    'package managers and administrators change the same files; nothing is stopped on such a finding',
  )
}

/** One `[[detections.network]]` table. */
export function readNetwork(table: TomlTable, problems: Problems): Definition {
  const what = 'the network detection'
  onlyKeys(table, ['name', 'directions', 'ports', 'process_names', 'action'], what, problems)
  const reader = new TableReader(table, what, problems)
  if (table.entries.has('action')) reader.choice('action', ['alert'])
  const name = reader.text('name')
  for (const key of ['directions', 'ports'])
    if (!table.entries.has(key)) problems.error(`${what} '${name}' has no '${key}'`, table.span)
  const definition: Definition = {
    ...nothing(table),
    meta: { ...DETECTION, name, ruleType: 'network', detectionType: name },
    directions: reader.texts('directions', DIRECTION_NAMES) as readonly Direction[],
    ports: reader.ports('ports'),
    processNames: reader.texts('process_names'),
  }
  warnAboutNames(definition, reader, problems)
  warnAboutEmpty(['directions', 'ports'], reader, problems)
  return definition
}

const nothing = (table: TomlTable): Omit<Definition, 'meta'> => ({
  enabled: true,
  desc: '',
  tags: [],
  parentNames: [],
  processNames: [],
  paths: [],
  patterns: [],
  patternMode: 'whole',
  operations: [],
  directions: [],
  ports: [],
  span: table.span,
})

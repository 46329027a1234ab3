/** rand-guard's rules: `[[rules]]`, `[[detections.persistence]]` and `[[detections.network]]` in TOML. */
import { didYouMean } from '../../condition/suggest.ts'
import { describeCompiled } from '../../describe-compiled.ts'
import { NOTHING_DESCRIBED } from '../../description.ts'
import type { Span } from '../../diagnostics.ts'
import { PRIORITIES } from '../../ir.ts'
import type { SourceFile } from '../../passes/mapped-text.ts'
import type { FileProblems, LoadEnv, LoadedRule, RuleLanguage, RuleSession } from '../language.ts'
import { buildRule } from './build.ts'
import { type Definition, readNetwork, readPersistence, readRule, tablesOf } from './definitions.ts'
import { byPlace, collectProblems, onlyKeys, type Problems, rootTable } from './table-reader.ts'
import type { TomlTable } from './toml-file.ts'

export const toml: RuleLanguage = {
  name: 'toml',
  extensions: ['.toml'],
  hints: false,
  open: (env) => openSession(env),
}

/** Tables of rules; everything else in a configuration is no business of this language. */
export const RULE_TABLES: readonly string[] = ['rules', 'detections']

/** Tables of a rand-guard configuration, which have no effect in a file of rules. */
const CONFIG_TABLES: readonly string[] = [
  'agent',
  'ebpf',
  'events',
  'process',
  'file',
  'network',
  'output',
  'performance',
]

function openSession(env: LoadEnv): RuleSession {
  const ids = new Map<string, Span>()
  const names = new Set<string>()
  const rules: LoadedRule[] = []
  const least = PRIORITIES.indexOf(env.minimumPriority ?? 'Debug')
  return {
    add(file: SourceFile): FileProblems {
      const problems = collectProblems({ error: 'LOAD_ERR_TOML_VALIDATE', warning: 'LOAD_NO_EFFECT' })
      const root = rootTable(file, 'LOAD_ERR_TOML_PARSE', problems)
      if (root === undefined) return problems
      const role = env.roleOf?.(file.name)
      if (role !== 'config') checkTables(root, problems)
      const definitions = definitionsOf(root, role === 'shipped', problems)
      for (const definition of definitions) checkId(definition, ids, problems)
      problems.errors.sort(byPlace)
      problems.warnings.sort(byPlace)
      if (problems.errors.length > 0) return problems
      for (const definition of definitions) {
        const rule = buildRule(definition, uniqueName(definition, names), env)
        if (PRIORITIES.indexOf(rule.priority) <= least) rules.push({ rule, enabled: definition.enabled })
      }
      return problems
    },
    finish: () => ({ rules, errors: [] }),
    describe: () => ({ ...NOTHING_DESCRIBED, rules: rules.map(describeCompiled) }),
  }
}

/** A file of rules holds rules; a table of the configuration is pointed out, anything else is a mistake. */
function checkTables(root: TomlTable, problems: Problems): void {
  for (const [name, { key }] of root.entries) {
    if (RULE_TABLES.includes(name)) continue
    if (CONFIG_TABLES.includes(name))
      problems.warn(`table '${name}' is configuration and has no effect here`, key, 'it is read with -c')
    else
      problems.error(
        `unknown table '${name}' in a file of rules`,
        key,
        didYouMean(name, RULE_TABLES) ?? 'its tables are [[rules]] and [[detections.*]]',
      )
  }
}

function definitionsOf(root: TomlTable, shipped: boolean, problems: Problems): readonly Definition[] {
  const rules = tablesOf(root.entries.get('rules')?.value, 'rules', problems)
  const detections = root.entries.get('detections')?.value
  if (detections === undefined) return rules.map((table) => readRule(table, shipped, problems))
  if (detections.kind !== 'table') {
    problems.error("'detections' must be a table", detections.span, 'write [[detections.persistence]]')
    return []
  }
  onlyKeys(detections, ['persistence', 'network'], "'detections'", problems)
  const kind = (name: string): readonly TomlTable[] =>
    tablesOf(detections.entries.get(name)?.value, `detections.${name}`, problems)
  return [
    ...kind('persistence').map((table) => readPersistence(table, problems)),
    ...kind('network').map((table) => readNetwork(table, problems)),
    ...rules.map((table) => readRule(table, shipped, problems)),
  ]
}

/** Two rules with one id could not be told apart in alerts; that one of them is switched off is no excuse. */
function checkId({ meta, span }: Definition, ids: Map<string, Span>, problems: Problems): void {
  if (meta.id === undefined || meta.id === '') return
  const first = ids.get(meta.id)
  if (first === undefined) ids.set(meta.id, span)
  else
    problems.error(
      `id '${meta.id}' is taken by another rule`,
      span,
      `the other one is at ${first.file}:${first.line}:${first.column}`,
    )
}

/** Rules may share a name, alerts need one that tells them apart. */
function uniqueName({ meta }: Definition, names: Set<string>): string {
  const full = meta.id === undefined ? `${meta.name} (detection)` : `${meta.name} (${meta.id})`
  let name = names.has(meta.name) ? full : meta.name
  for (let number = 2; names.has(name); number++) name = `${full} ${number}`
  names.add(name)
  return name
}

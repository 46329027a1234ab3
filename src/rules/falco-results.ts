/** What Falco prints about rule files: the result of validation and the listing of what is loaded, as text and as JSON. */
import type { ConditionParts, Description, PluginDescription, RuleDescription } from './description.ts'
import type { Diagnostic, ErrorCode, WarningCode } from './diagnostics.ts'
import type { FileResult, LoadResult } from './load.ts'
import type { SourceFile } from './passes/mapped-text.ts'
import { snippet, visible } from './render-diagnostics.ts'

type Sources = ReadonlyMap<string, SourceFile>

/** Falco's short text for each code; codes of our own have short texts like them. */
const DESCRIPTIONS: Readonly<Record<ErrorCode | WarningCode, string>> = {
  LOAD_ERR_FILE_READ: 'File read error',
  LOAD_ERR_YAML_PARSE: 'YAML parse error',
  LOAD_ERR_YAML_VALIDATE: 'Error validating internal structure of YAML file',
  LOAD_ERR_COMPILE_CONDITION: 'Error compiling condition',
  LOAD_ERR_COMPILE_OUTPUT: 'Error compiling output',
  LOAD_ERR_VALIDATE: 'Error validating rule/macro/list/exception objects',
  LOAD_ERR_EXTENSION: 'Error in extension item',
  LOAD_ERR_TOML_PARSE: 'TOML parse error',
  LOAD_ERR_TOML_VALIDATE: 'Error validating rules in TOML',
  CONFIG_ERR_READ: 'Configuration file read error',
  CONFIG_ERR_PARSE: 'Configuration parse error',
  CONFIG_ERR_VALIDATE: 'Error validating configuration',
  LOAD_UNKNOWN_SOURCE: 'Unknown event source',
  LOAD_UNSAFE_NA_CHECK: 'Unsafe <NA> comparison in condition',
  LOAD_NO_EVTTYPE: 'Condition has no event-type restriction',
  LOAD_UNKNOWN_FILTER: 'Unknown field or event-type in condition or output',
  LOAD_UNUSED_MACRO: 'Unused macro',
  LOAD_UNUSED_LIST: 'Unused list',
  LOAD_UNKNOWN_ITEM: 'Unknown rules file item',
  LOAD_DEPRECATED_ITEM: 'Used deprecated item',
  LOAD_WARNING_EXTENSION: 'Warning in extension item',
  LOAD_APPEND_NO_VALUES: 'Overriding/appending with no values',
  LOAD_EXCEPTION_NAME_NOT_UNIQUE: 'Multiple exceptions defined with the same name',
  LOAD_INVALID_MACRO_NAME: 'Invalid macro name',
  LOAD_INVALID_LIST_NAME: 'Invalid list name',
  LOAD_COMPILE_CONDITION: 'Warning in rule condition',
  LOAD_UNKNOWN_KEY: 'Unknown key in rules file item',
  LOAD_NO_EFFECT: 'Part of a rules file that has no effect',
  HINT_NEVER_TRUE: 'Rule that can never match',
  HINT_ALWAYS_TRUE: 'Condition that is always true',
  HINT_SHADOWED_RULE: 'Rule hidden by an earlier one',
  HINT_EVENT_TYPE: 'Event type that restricts nothing',
  HINT_ABSENT_VALUE: 'Comparison with a value that can be absent',
  HINT_UNQUOTED_ITEM: 'List item without quotes of its own',
  CONFIG_NO_EFFECT: 'Configuration that has no effect',
  CONFIG_NOT_SERVED: 'Configuration that is not served',
}

/**
 * The value of `falco -V --json`: `{falco_load_results: [...]}`. As there, lines, columns and offsets of positions count
 * from 0, and offsets count bytes.
 */
export function falcoLoadResults(result: Pick<LoadResult, 'files' | 'sources'>): {
  readonly falco_load_results: readonly object[]
} {
  return {
    falco_load_results: result.files.map((file) => ({
      name: file.name,
      successful: file.successful,
      schema_valid: file.schema.length === 0,
      schema_warnings: file.schema,
      errors: file.errors.map((error) => falcoProblem(error, result.sources)),
      warnings: file.warnings.map((warning) => falcoProblem(warning, result.sources)),
    })),
  }
}

const messageOf = (problem: Diagnostic): string =>
  problem.hint === undefined ? problem.message : `${problem.message} (${problem.hint})`

/** Falco's names for what lies in these, where the chain goes one level deeper. */
const INNERMOST: ReadonlyMap<string, string> = new Map([
  ['rule condition', 'condition expression'],
  ['macro condition', 'condition expression'],
  ['rule output', 'rule output expression'],
])

/** The chain of places, outermost first; it ends with the exact place. */
function chainOf({ context, span }: Diagnostic): Diagnostic['context'] {
  const last = context.at(-1)
  if (last === undefined) return [{ itemType: 'rules content', itemName: '', span }]
  const inner = INNERMOST.get(last.itemType)
  return inner === undefined
    ? [...context.slice(0, -1), { ...last, span }]
    : [...context, { itemType: inner, itemName: '', span }]
}

function falcoProblem(problem: Diagnostic, sources: Sources): object {
  const locations = chainOf(problem).map(({ itemType, itemName, span }) => ({
    item_type: itemType,
    item_name: itemName,
    position: {
      name: span.file,
      line: span.line - 1,
      column: span.column - 1,
      offset: Buffer.byteLength(sources.get(span.file)?.text.slice(0, span.from) ?? ''),
    },
  }))
  return {
    code: problem.code,
    codedesc: DESCRIPTIONS[problem.code],
    message: messageOf(problem),
    context: { locations, snippet: snippet(problem.span, sources.get(problem.span.file)).join('\n') },
  }
}

/** The text of `falco -V`: the verdict on each file, and each problem with its chain of places. Ends with a line break. */
export const falcoResultText = (result: Pick<LoadResult, 'files' | 'sources'>): string =>
  result.files.map((file) => fileText(file, result.sources)).join('')

function fileText(file: FileResult, sources: Sources): string {
  const verdict = !file.successful ? 'Invalid' : file.warnings.length > 0 ? 'Ok, with warnings' : 'Ok'
  const section = (name: string, problems: readonly Diagnostic[]): readonly string[] =>
    problems.length === 0
      ? []
      : [`${problems.length} ${name}:`, ...problems.flatMap((problem) => problemText(problem, sources))]
  const lines = [
    `${visible(file.name)}: ${verdict}`,
    ...section('Errors', file.errors),
    ...section('Warnings', file.warnings),
  ]
  return `${lines.join('\n')}\n`
}

function problemText(problem: Diagnostic, sources: Sources): readonly string[] {
  const places = chainOf(problem).map(({ itemType, itemName, span }, depth) => {
    const name = itemName === '' ? '' : ` '${visible(itemName)}'`
    const place = `${visible(span.file)}:${span.line - 1}:${span.column - 1}`
    return `${'    '.repeat(depth)}In ${itemType}${name}: (${place})`
  })
  const lines = snippet(problem.span, sources.get(problem.span.file))
  return [
    ...places,
    ...(lines.length === 0 ? [] : ['------', ...lines, '------']),
    `${problem.code} (${DESCRIPTIONS[problem.code]}): ${visible(messageOf(problem))}`,
  ]
}

/** Classes of fields that a plugin brings, by the beginning of their names. */
const PLUGIN_FIELDS: readonly (readonly [string, string])[] = [
  ['container.', 'container'],
  ['k8s.', 'container'],
  ['ka.', 'k8saudit'],
  ['ct.', 'cloudtrail'],
  ['okta.', 'okta'],
  ['json.', 'json'],
  ['jevt.', 'json'],
]

const pluginsOf = (fields: readonly string[]): readonly string[] =>
  [
    ...new Set(
      PLUGIN_FIELDS.filter(([start]) => fields.some((field) => field.startsWith(start))).map(
        ([, name]) => name,
      ),
    ),
  ].sort()

/** What `-L` and `-l RULE` are asked about: all that is described, or the rule of this name. */
const wanted = ({ rules }: Description, name: string | undefined): readonly RuleDescription[] =>
  name === undefined ? rules : rules.filter((rule) => rule.name === name)

/** `allEvents`: what `*` stands for, by source. */
export type AllEvents = (source: string) => Iterable<string>

/**
 * The JSON of `falco -L` (without a name: rules, macros and lists) and `falco -l RULE`; undefined when there is no such
 * rule.
 */
export function falcoDescription(
  description: Description,
  allEvents: AllEvents,
  name?: string,
): object | undefined {
  const rules = wanted(description, name).map((rule) => falcoRule(rule, allEvents))
  if (name !== undefined) return rules.length === 0 ? undefined : { rules }
  return {
    ...(description.engineVersion === undefined
      ? {}
      : { required_engine_version: description.engineVersion }),
    required_plugin_versions: description.plugins.map(falcoPlugin),
    rules,
    macros: description.macros.map(({ name: macro, condition, used, parts }) => ({
      info: { name: macro, condition },
      details: { used, ...details(parts, parts.fields), events: eventsOf(parts, allEvents('syscall')) },
    })),
    lists: description.lists.map(({ name: list, items, compiled, lists, used }) => ({
      info: { name: list, items },
      details: { used, lists, items_compiled: compiled, plugins: [] },
    })),
  }
}

const falcoPlugin = ({ name, version, alternatives }: PluginDescription): object => ({
  name,
  version,
  ...(alternatives.length === 0 ? {} : { alternatives }),
})

function falcoRule(rule: RuleDescription, allEvents: AllEvents): object {
  const { name, condition, desc, output, enabled, source, priority, tags, exceptions, parts } = rule
  return {
    info: { name, condition, description: desc, output, enabled, source, priority, tags },
    details: {
      ...details(parts, [...parts.fields, ...rule.outputFields]),
      output_fields: rule.outputFields,
      exception_names: exceptions.map((exception) => exception.name),
      exception_operators: unique(exceptions.flatMap(({ operators }) => operators)),
      exception_fields: unique(exceptions.flatMap(({ fields }) => fields)),
      events: eventsOf(parts, allEvents(source)),
      output_compiled: output,
    },
  }
}

const details = (parts: ConditionParts, fields: readonly string[]): object => ({
  macros: parts.macros,
  lists: parts.lists,
  condition_operators: parts.operators,
  condition_fields: parts.fields,
  condition_compiled: parts.compiled,
  plugins: pluginsOf(fields),
})

const eventsOf = ({ events }: ConditionParts, all: Iterable<string>): readonly string[] =>
  [...(events === '*' ? all : events)].sort()

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort()

/** Columns: the name, then the description wrapped to the width of a terminal. */
const NAME_WIDTH = 50
const LINE_WIDTH = 100

/** The table of `falco -L` and `falco -l RULE`; undefined when there is no such rule. Ends with a line break. */
export function falcoDescriptionText(description: Description, name?: string): string | undefined {
  const rules = wanted(description, name)
  if (name !== undefined && rules.length === 0) return undefined
  const head = [row('Rule', 'Description'), row('----', '-----------')]
  const lines = rules.flatMap((rule) => {
    const [first = '', ...rest] = wrapped(visible(rule.desc.trim().replace(/\s+/g, ' ')))
    return [row(visible(rule.name), first), ...rest.map((line) => row('', line))]
  })
  return `${[...head, ...lines].join('\n')}\n`
}

const row = (left: string, right: string): string => `${left.padEnd(NAME_WIDTH)} ${right}`.trimEnd()

function wrapped(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > LINE_WIDTH - NAME_WIDTH - 1) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

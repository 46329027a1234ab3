/** `append_output` put into rules: more text behind their output, more values in their alerts. */
import { STATIC_PREFIX } from '../fields/static.ts'
import { ConditionError } from '../rules/condition/error.ts'
import type { Span } from '../rules/diagnostics.ts'
import type { ExtraField as CompiledField, CompiledRule, FieldRef, FormatPart } from '../rules/ir.ts'
import { compileFormat } from '../rules/languages/falco/format.ts'
import type { SourceEnv } from '../rules/languages/language.ts'
import { ConfigError } from './keys.ts'
import type { AppendOutput, ExtraField } from './output-shape.ts'

/** Fields that Falco suggests for the output of any rule. */
const SUGGESTED: readonly string[] = [
  'container.id',
  'container.name',
  'container.image.repository',
  'container.image.tag',
  'k8s.pod.name',
  'k8s.ns.name',
]

const KEY = 'append_output'

type Rule = CompiledRule<never>
type Sources = ReadonlyMap<string, SourceEnv>

/** What one entry adds to the rules of one source. */
interface Addition {
  readonly format: readonly FormatPart[]
  readonly fields: readonly CompiledField[]
}

/**
 * The rules with what the entries that match them add, in the order of the entries. Throws ConfigError for a format or
 * field that the source of such a rule does not have.
 */
export function appendOutput<R extends Rule>(
  rules: readonly R[],
  entries: readonly AppendOutput[],
  sources: Sources,
): readonly R[] {
  if (entries.length === 0) return rules
  const compiled = entries.map((entry, i) => {
    const bySource = new Map<string, Addition>()
    return {
      entry,
      additionFor(source: string): Addition {
        const known = bySource.get(source)
        if (known !== undefined) return known
        const addition = compileEntry(entry, `${KEY}[${i}]`, source, sources.get(source)!)
        bySource.set(source, addition)
        return addition
      },
    }
  })
  return rules.map((rule) => {
    const additions = compiled
      .filter(({ entry }) => matches(entry, rule))
      .map(({ additionFor }) => additionFor(rule.source))
    return additions.length === 0 ? rule : withAdditions(rule, additions)
  })
}

const matches = ({ match }: AppendOutput, rule: Rule): boolean =>
  (match.source === undefined || match.source === rule.source) &&
  (match.rule === undefined || match.rule === rule.name) &&
  (match.tags ?? []).every((tag) => rule.tags.includes(tag))

const withAdditions = <R extends Rule>(rule: R, additions: readonly Addition[]): R => ({
  ...rule,
  format: [...rule.format, ...additions.flatMap(({ format }) => format)],
  extraFields: [...(rule.extraFields ?? []), ...additions.flatMap(({ fields }) => fields)],
})

function compileEntry(entry: AppendOutput, path: string, source: string, env: SourceEnv): Addition {
  const format: FormatPart[] = []
  if (entry.suggestedOutput) {
    const text = suggested(env)
    if (text !== '') format.push(...formatOf(` ${text}`, `${path}.suggested_output`, source, env))
  }
  if (entry.extraOutput !== undefined)
    format.push(...formatOf(` ${entry.extraOutput}`, `${path}.extra_output`, source, env))
  const fields = entry.extraFields.map((field, i) =>
    extraField(field, `${path}.extra_fields[${i}]`, source, env),
  )
  return { format, fields }
}

/** `container_id=%container.id ...`: the suggested fields that the source has, and all fixed ones. */
function suggested({ fields }: SourceEnv): string {
  const fixed = [...fields.keys()].filter((name) => name.startsWith(STATIC_PREFIX))
  return [...SUGGESTED.filter((name) => fields.has(name)), ...fixed]
    .map((name) => `${name.replaceAll('.', '_')}=%${name}`)
    .join(' ')
}

function formatOf(text: string, path: string, source: string, { fields }: SourceEnv): readonly FormatPart[] {
  const spanOf = (from: number, to: number): Span => ({ file: path, line: 1, column: from + 1, from, to })
  try {
    return compileFormat(text, { fields, source, spanOf }).parts
  } catch (error) {
    if (error instanceof ConditionError) throw new ConfigError(`${path}: ${error.message}`, error.hint)
    throw error
  }
}

function extraField(field: ExtraField, path: string, source: string, env: SourceEnv): CompiledField {
  if ('name' in field)
    return { key: field.name, format: formatOf(field.format, `${path}.${field.name}`, source, env) }
  const parts = formatOf(`%${field.field}`, path, source, env)
  const [part] = parts
  if (
    parts.length !== 1 ||
    part?.kind !== 'value' ||
    part.operand.kind !== 'field' ||
    part.width !== undefined
  )
    throw new ConfigError(
      `${path}: '${field.field}' is not a field`,
      'a text with fields needs a name: NAME: FORMAT',
    )
  return { key: field.field, format: part.operand as FieldRef }
}

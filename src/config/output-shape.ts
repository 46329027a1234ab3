/** Keys of Falco that add to what alerts say: `append_output` and `static_fields`. */
import { yamlBoolean } from '../rules/yaml-boolean.ts'
import { type Structure, StructureError } from './key-types.ts'

/** Something to add to the alerts of some rules. What is left out of `match` does not restrict. */
export interface AppendOutput {
  readonly match: {
    readonly source?: string
    readonly rule?: string
    /** The rule has all of them. */
    readonly tags?: readonly string[]
  }
  /** An output format put behind that of the rule. */
  readonly extraOutput?: string
  /** Values for `output_fields` alone: a field under its own name, or a format under a name of its own. */
  readonly extraFields: readonly ExtraField[]
  /** Put the fields behind the output that make sense for every rule, such as those of the container. */
  readonly suggestedOutput: boolean
}

export type ExtraField = { readonly field: string } | { readonly name: string; readonly format: string }

export type Parts = { readonly [key: string]: Structure }

const isMap = (value: Structure): value is Parts => typeof value === 'object' && !Array.isArray(value)

export function mapAt(value: Structure, path: string, keys: readonly string[]): Parts {
  if (!isMap(value)) throw new StructureError(path, `a map of ${keys.join(', ')} is expected`)
  const unknown = Object.keys(value).find((key) => !keys.includes(key))
  if (unknown !== undefined)
    throw new StructureError(path, `unknown key '${unknown.slice(0, 100)}'; there are ${keys.join(', ')}`)
  return value
}

export function textAt(value: Structure, path: string): string {
  if (typeof value !== 'string') throw new StructureError(path, 'a text is expected')
  return value
}

export function listAt(value: Structure, path: string): readonly Structure[] {
  if (!Array.isArray(value)) throw new StructureError(path, 'a list is expected')
  return value as readonly Structure[]
}

function boolAt(value: Structure, path: string): boolean {
  const truth = typeof value === 'string' ? yamlBoolean(value) : undefined
  if (truth === undefined) throw new StructureError(path, 'true or false is expected')
  return truth
}

/** Nothing at all stands for no entry. */
export function readAppendOutput(value: Structure): readonly AppendOutput[] {
  if (value === '') return []
  return listAt(value, '').map((entry, i) => readEntry(entry, `[${i}]`))
}

const ENTRY_KEYS = ['match', 'extra_output', 'extra_fields', 'suggested_output']

function readEntry(value: Structure, path: string): AppendOutput {
  const entry = mapAt(value, path, ENTRY_KEYS)
  const { match, extra_output, extra_fields, suggested_output } = entry
  return {
    match: match === undefined ? {} : readMatch(match, `${path}.match`),
    ...(extra_output === undefined ? {} : { extraOutput: textAt(extra_output, `${path}.extra_output`) }),
    extraFields: extra_fields === undefined ? [] : readExtraFields(extra_fields, `${path}.extra_fields`),
    suggestedOutput: suggested_output !== undefined && boolAt(suggested_output, `${path}.suggested_output`),
  }
}

function readMatch(value: Structure, path: string): AppendOutput['match'] {
  const { source, rule, tags } = mapAt(value, path, ['source', 'tags', 'rule'])
  return {
    ...(source === undefined ? {} : { source: textAt(source, `${path}.source`) }),
    ...(rule === undefined ? {} : { rule: textAt(rule, `${path}.rule`) }),
    ...(tags === undefined
      ? {}
      : { tags: listAt(tags, `${path}.tags`).map((tag, i) => textAt(tag, `${path}.tags[${i}]`)) }),
  }
}

const readExtraFields = (value: Structure, path: string): readonly ExtraField[] =>
  listAt(value, path).flatMap((item, i): readonly ExtraField[] => {
    const at = `${path}[${i}]`
    if (typeof item === 'string') return [{ field: item }]
    if (!isMap(item)) throw new StructureError(at, 'the name of a field, or NAME: FORMAT is expected')
    return Object.entries(item).map(([name, format]) => ({ name, format: textAt(format, `${at}.${name}`) }))
  })

/** Values that rules see as `static.NAME`. */
export function readStaticFields(value: Structure): Readonly<Record<string, string>> {
  if (value === '') return {}
  if (!isMap(value)) throw new StructureError('', 'a map of names to values is expected')
  for (const [name, text] of Object.entries(value)) {
    if (!/^[A-Za-z0-9_]+$/.test(name))
      throw new StructureError(`.${name.slice(0, 100)}`, 'a name has letters, digits and underscores only')
    textAt(text, `.${name}`)
  }
  return value as Readonly<Record<string, string>>
}

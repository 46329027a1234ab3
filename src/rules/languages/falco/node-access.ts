/** Reading values out of YAML nodes, with errors that name the key and say what was found. */
import { type MappedText, mappedText } from '../../passes/mapped-text.ts'
import { yamlBoolean } from '../../yaml-boolean.ts'
import type { Entry } from './items.ts'
import { type Context, RuleError, type Warn, within } from './report.ts'
import type { MapNode, Node } from './yaml-file.ts'

/** The keys of one YAML map, with the place for errors about it. */
export interface Keys {
  readonly node: MapNode
  readonly context: Context
  readonly values: ReadonlyMap<string, Node>
}

/** Keys by name. Of a key given twice the first counts, as in Falco; the others are warned about. */
export function keysOf(node: MapNode, context: Context, warn: Warn): Keys {
  const values = new Map<string, Node>()
  for (const { key, value } of node.entries) {
    const name = key.kind === 'scalar' ? key.text : `(${key.kind})`
    if (!values.has(name)) values.set(name, value)
    else warn('LOAD_UNKNOWN_KEY', `key '${name}' is given twice, only the first counts`, key.span, context)
  }
  return { node, context, values }
}

export const fail = (message: string, node: Node, context: Context, hint?: string): never => {
  throw new RuleError('LOAD_ERR_YAML_VALIDATE', message, node.span, context, hint)
}

/** The text of a key that must be there and must not be empty. */
export function requiredText(keys: Keys, key: string): MappedText {
  const node = keys.values.get(key)
  if (!node) return fail(`key '${key}' is missing`, keys.node, keys.context)
  const context = valueContext(keys, key, node)
  const text = scalarOf(node, `'${key}'`, context)
  if (text.text === '') return fail(`'${key}' must not be empty`, node, context)
  return text
}

export const optionalText = (keys: Keys, key: string): MappedText | undefined => {
  const node = keys.values.get(key)
  return node && scalarOf(node, `'${key}'`, valueContext(keys, key, node))
}

function scalarOf(node: Node, what: string, context: Context): MappedText {
  if (node.kind !== 'scalar') return fail(`${what} must be text, not ${aKind(node)}`, node, context)
  return node.isNull ? mappedText('', () => node.span) : node.mapped
}

/** The elements of a key that must be a sequence; null counts as not written. */
export function sequenceOf(keys: Keys, key: string): readonly Node[] | undefined {
  const node = keys.values.get(key)
  if (!node || (node.kind === 'scalar' && node.isNull)) return undefined
  return node.kind === 'seq'
    ? node.items
    : fail(`'${key}' must be a list, not ${aKind(node)}`, node, valueContext(keys, key, node))
}

/** A list of scalars; `null` and `~` without quotes are nothing in YAML, not words. */
export function textsOf(keys: Keys, key: string): readonly MappedText[] | undefined {
  const what = `an element of '${key}'`
  return sequenceOf(keys, key)?.map((item) => {
    if (item.kind !== 'scalar')
      return fail(`${what} must be text, not ${aKind(item)}`, item, valueContext(keys, key, item))
    if (!item.isNull) return item.mapped
    const context = valueContext(keys, key, item)
    if (item.text === '') return fail(`${what} is empty`, item, context)
    return fail(
      `${what} is '${item.text}', which is nothing in YAML`,
      item,
      context,
      `write "${item.text}" with quotes if the word is meant`,
    )
  })
}

export function booleanOf(keys: Keys, key: string): boolean | undefined {
  const node = keys.values.get(key)
  if (!node) return undefined
  const context = valueContext(keys, key, node)
  const { text } = scalarOf(node, `'${key}'`, context)
  return yamlBoolean(text) ?? fail(`'${key}' must be true or false, not '${text}'`, node, context)
}

/** A whole number from 0 to 2^32 - 1. */
export function countOf(keys: Keys, key: string): number | undefined {
  const node = keys.values.get(key)
  if (!node) return undefined
  const context = valueContext(keys, key, node)
  const { text } = scalarOf(node, `'${key}'`, context)
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text)
  return fail(`'${key}' must be a whole number, not '${text}'`, node, context)
}

/** A scalar or lists of them, `depth` lists deep at most. */
export function entryOf(node: Node, what: string, context: Context, depth: number): Entry {
  if (node.kind === 'seq' && depth > 0)
    return node.items.map((item) => entryOf(item, what, context, depth - 1))
  if (node.kind !== 'scalar') return fail(`${what} must not be ${aKind(node)} here`, node, context)
  return node.mapped
}

export function nodeMap(node: Node, what: string, context: Context): MapNode {
  return node.kind === 'map' ? node : fail(`${what} must be a map of keys, not ${aKind(node)}`, node, context)
}

const aKind = (node: Node): string =>
  node.kind === 'seq' ? 'a list' : node.kind === 'map' ? 'a map' : node.text === '' ? 'empty' : 'text'

/** For errors about what a key is given. */
const valueContext = (keys: Keys, key: string, node: Node): Context => inside(keys, 'value for', key, node)

export const inside = (keys: Keys, itemType: string, itemName: string, node: Node): Context =>
  within(keys.context, itemType, itemName, node.span)

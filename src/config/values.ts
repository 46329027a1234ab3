/** Values of configuration keys from what was written: checked against kind, bounds and allowed words. */

import { didYouMean } from '../rules/condition/suggest.ts'
import type { Node } from '../rules/languages/falco/yaml-file.ts'
import { yamlBoolean } from '../rules/yaml-boolean.ts'
import {
  type BytesKey,
  ConfigError,
  type IntKey,
  type KeyDecl,
  type KeyValue,
  type ListKey,
  type NumberKey,
  type Structure,
  StructureError,
  type StructureKey,
} from './key-types.ts'

/**
 * A value as written. Text of `-o`, the environment and YAML is `untyped`: `true` may be a text or a truth. TOML says
 * what it means, and `"true"` is not `true`.
 */
export type Written =
  | { readonly kind: 'untyped' | 'text' | 'bool' | 'number' | 'other'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Written[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: string, value: Written])[] }

export const untyped = (text: string): Written => ({ kind: 'untyped', text })

/** Most elements of a list, and characters of a text. */
const LIST_MAX = 4096
const TEXT_MAX = 65_536

/** The value of a key. Throws ConfigError that names key, value and what would do. */
export function parseValue(key: string, decl: KeyDecl, written: Written): KeyValue {
  if (decl.type === 'list') return parseList(key, decl, written)
  if (decl.type === 'structure') return parseStructure(key, decl, written)
  const wanted = `${key} takes ${wantedBy(decl)}, not ${shown(written)}`
  if (
    written.kind === 'list' ||
    written.kind === 'map' ||
    written.kind === 'other' ||
    !fits(decl, written.kind)
  )
    throw new ConfigError(wanted, quoteHint(decl, written))
  const { text } = written
  if (text.length > TEXT_MAX) throw new ConfigError(`${key} is longer than ${TEXT_MAX} characters`)
  switch (decl.type) {
    case 'bool': {
      const value = yamlBoolean(text)
      if (value === undefined) throw new ConfigError(wanted)
      return value
    }
    case 'text':
      if (text.includes('\0')) throw new ConfigError(`${key} contains a NUL character`)
      return text
    case 'choice': {
      const word = text.toLowerCase()
      const value = decl.also !== undefined && Object.hasOwn(decl.also, word) ? decl.also[word]! : word
      if (decl.values.includes(value)) return value
      throw new ConfigError(wanted, didYouMean(value, decl.values))
    }
    case 'bytes':
      return parseBytes(key, decl, text)
    case 'int':
      return parseInteger(key, decl, text)
    case 'number':
      return parseNumber(key, decl, text)
    default:
      return decl satisfies never
  }
}

/** May a value written like this be of this kind? */
function fits(
  decl: Exclude<KeyDecl, ListKey | StructureKey>,
  kind: 'untyped' | 'text' | 'bool' | 'number',
): boolean {
  if (kind === 'untyped') return true
  if (decl.type === 'bool') return kind === 'bool'
  if (decl.type === 'int' || decl.type === 'number') return kind === 'number'
  // A size may be a number, or text with a unit.
  if (decl.type === 'bytes') return kind === 'number' || kind === 'text'
  return kind === 'text'
}

function quoteHint(decl: KeyDecl, written: Written): string | undefined {
  if (written.kind === 'list') return 'write one value, without brackets'
  if (written.kind === 'map') return 'write one value'
  if (written.kind === 'text' && (decl.type === 'bool' || decl.type === 'int' || decl.type === 'number'))
    return 'write it without quotes'
  if (written.kind !== 'text' && (decl.type === 'text' || decl.type === 'choice')) return 'write it in quotes'
  return undefined
}

/** The value in quotes, shortened. */
function shown(written: Written): string {
  if (written.kind === 'list') return `a list of ${written.items.length}`
  if (written.kind === 'map') return 'a map'
  const { text } = written
  return `'${text.length > 100 ? `${text.slice(0, 100)}…` : text}'`
}

/** What a key takes, in words. */
function wantedBy(decl: KeyDecl): string {
  switch (decl.type) {
    case 'bool':
      return 'true or false'
    case 'text':
      return 'text'
    case 'choice':
      return `one of ${decl.values.join(', ')}`
    case 'bytes':
      return `a power of two from ${decl.min} to ${decl.max} bytes, such as ${decl.default}`
    case 'int':
      return `a whole number from ${decl.min} to ${decl.max} (${decl.unit})`
    case 'number':
      return `a number from ${decl.min} to ${decl.max}`
    case 'structure':
      return decl.wanted
    case 'list':
      if (decl.called !== undefined) return `a list of ${decl.called}`
      if (decl.values !== undefined) return `a list of ${decl.values.join(', ')}`
      return decl.paths ? 'a list of absolute paths' : 'a list of texts'
    default:
      return decl satisfies never
  }
}

/** Elements of a list: of `-o` and the environment they are separated by commas. */
function parseList(key: string, decl: ListKey, written: Written): readonly string[] {
  const items = itemsOf(written)
  if (items === undefined)
    throw new ConfigError(`${key} takes ${wantedBy(decl)}, not ${shown(written)}`, 'write it in brackets')
  if (items.length > LIST_MAX) throw new ConfigError(`${key} has more than ${LIST_MAX} elements`)
  return items.map((item) => {
    checkItem(key, decl, item)
    return 'text' in item ? item.text : ''
  })
}

function itemsOf(written: Written): readonly Written[] | undefined {
  if (written.kind === 'list') return written.items
  if (written.kind !== 'untyped') return undefined
  const text = written.text.trim()
  if (text === '' || text === '[]') return []
  return text.split(',').map((item) => untyped(item.trim()))
}

/** One element of a list. Throws ConfigError; TOML and YAML call it to place the error at the element. */
export function checkItem(key: string, decl: ListKey, item: Written): void {
  const bad = (hint?: string): ConfigError =>
    new ConfigError(`${key} takes ${wantedBy(decl)}, not ${shown(item)}`, hint)
  if (item.kind !== 'text' && item.kind !== 'untyped') throw bad('its elements are texts')
  const { text } = item
  if (text === '') throw new ConfigError(`${key} has an empty element`)
  if (text.length > TEXT_MAX || text.includes('\0'))
    throw new ConfigError(`an element of ${key} is longer than ${TEXT_MAX} characters or contains NUL`)
  if (decl.values !== undefined && !decl.values.includes(text)) throw bad(didYouMean(text, decl.values))
  if (decl.paths && !text.startsWith('/')) throw bad('a path that does not begin with / would match nothing')
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** A ring size: a power of two between the bounds; `4m` is 4 MiB. */
function parseBytes(key: string, decl: BytesKey, value: string): number {
  const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(value)
  const number = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!
  const wanted = `${key} takes ${wantedBy(decl)}, not '${value}'`
  if (!(number >= decl.min && number <= decl.max)) throw new ConfigError(wanted)
  if (!Number.isInteger(Math.log2(number))) {
    const above = 2 ** Math.ceil(Math.log2(number))
    throw new ConfigError(wanted, `the next power of two is ${above}`)
  }
  return number
}

function parseInteger(key: string, decl: IntKey, value: string): number {
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= decl.min && number <= decl.max) return number
  throw new ConfigError(`${key} takes ${wantedBy(decl)}, not '${value.slice(0, 100)}'`)
}

function parseNumber(key: string, decl: NumberKey, value: string): number {
  const number = /^[-+]?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})$/.test(value) ? Number(value) : Number.NaN
  if (number >= decl.min && number <= decl.max) return number
  throw new ConfigError(`${key} takes ${wantedBy(decl)}, not '${value.slice(0, 100)}'`)
}

/** A value with parts. */
function parseStructure(key: string, decl: StructureKey, written: Written): object {
  try {
    return decl.read(structureOf(written))
  } catch (error) {
    if (error instanceof StructureError) throw new ConfigError(`${key}${error.path}: ${error.message}`)
    throw error
  }
}

/** A YAML value as written. */
export function writtenYaml(node: Node): Written {
  if (node.kind === 'seq') return { kind: 'list', items: node.items.map(writtenYaml) }
  if (node.kind === 'map')
    return {
      kind: 'map',
      entries: node.entries.map(({ key, value }) => [
        key.kind === 'scalar' ? key.text : '',
        writtenYaml(value),
      ]),
    }
  return untyped(node.isNull ? '' : node.text)
}

/** What was written, without its kinds. */
export const structureOf = (written: Written): Structure => {
  if (written.kind === 'list') return written.items.map(structureOf)
  if (written.kind === 'map')
    return Object.fromEntries(written.entries.map(([key, value]) => [key, structureOf(value)]))
  return written.text
}

/** And back: every scalar is untyped. */
export const writtenOf = (structure: Structure): Written => {
  if (typeof structure === 'string') return untyped(structure)
  if (isList(structure)) return { kind: 'list', items: structure.map(writtenOf) }
  return { kind: 'map', entries: Object.entries(structure).map(([key, value]) => [key, writtenOf(value)]) }
}

const isList = (structure: Structure): structure is readonly Structure[] => Array.isArray(structure)

/**
 * Falco judges the shape of rule files a second time, by a JSON schema, without consequence: its validation prints
 * whether it fits. What the schema says is declared here; `threshold` is a key of our own.
 */
import { PRIORITIES } from '../../ir.ts'
import type { MapNode, Node } from './yaml-file.ts'

/** What a value must be: a scalar, one of some words, a list, or a map with these keys. */
export type Shape =
  | { readonly kind: 'any' | 'text' | 'boolean' | 'integer' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'list'; readonly of: Shape }
  | {
      readonly kind: 'map'
      readonly keys: Keys
      readonly required?: readonly string[]
      readonly least?: number
    }
type Keys = Readonly<Record<string, Shape>>

const TEXT: Shape = { kind: 'text' }
const BOOLEAN: Shape = { kind: 'boolean' }
const ANY: Shape = { kind: 'any' }
const PLUGIN: Keys = { name: TEXT, version: TEXT }
const OPERATION: Shape = { kind: 'word', words: ['append', 'replace'] }
const OVERRIDDEN = [
  'items',
  'desc',
  'condition',
  'output',
  'priority',
  'enabled',
  'exceptions',
  'capture',
  'capture_duration',
  'tags',
  'warn_evttypes',
  'skip-if-unknown-filter',
  'threshold',
]

/** One map of keys serves items of every kind. */
export const ITEM: Shape = {
  kind: 'map',
  keys: {
    required_engine_version: TEXT,
    required_plugin_versions: {
      kind: 'list',
      of: {
        kind: 'map',
        keys: {
          ...PLUGIN,
          alternatives: { kind: 'list', of: { kind: 'map', keys: PLUGIN, required: ['name', 'version'] } },
        },
        required: ['name', 'version'],
      },
    },
    macro: TEXT,
    condition: TEXT,
    list: TEXT,
    items: { kind: 'list', of: TEXT },
    rule: TEXT,
    desc: TEXT,
    enabled: BOOLEAN,
    output: TEXT,
    append: BOOLEAN,
    priority: { kind: 'word', words: [...PRIORITIES.map((name) => name.toUpperCase()), 'INFO'] },
    capture: BOOLEAN,
    capture_duration: { kind: 'integer' },
    source: TEXT,
    exceptions: {
      kind: 'list',
      of: { kind: 'map', keys: { name: TEXT, fields: ANY, comps: ANY, values: ANY }, required: ['name'] },
    },
    override: {
      kind: 'map',
      keys: Object.fromEntries(OVERRIDDEN.map((name) => [name, OPERATION])),
      least: 1,
    },
    tags: { kind: 'list', of: TEXT },
    warn_evttypes: BOOLEAN,
    'skip-if-unknown-filter': BOOLEAN,
    threshold: ANY,
  },
}

/** A hostile file could raise millions. */
const MAX_PROBLEMS = 100

/** Add to `into` what of a document does not fit: `/0/priority: ...`, by the path to it. */
export function checkSchema(document: Node, into: string[]): void {
  check(document, { kind: 'list', of: ITEM }, '', into)
}

function check(node: Node, shape: Shape, path: string, into: string[]): void {
  if (into.length >= MAX_PROBLEMS || shape.kind === 'any') return
  const problem = (what: string): void => void into.push(`${path || '/'}: ${what}`)
  if (shape.kind === 'list') {
    if (node.kind !== 'seq') problem('must be a list')
    else for (const [i, item] of node.items.entries()) checkItem(item, shape.of, `${path}/${i}`, into)
  } else if (shape.kind === 'map') {
    if (node.kind !== 'map') problem('must be a map')
    else checkMap(node, shape, path, into)
  } else if (node.kind !== 'scalar') problem('must be a scalar')
  else if (shape.kind === 'word' && !shape.words.includes(node.text))
    problem(`must be one of ${shape.words.join(', ')}`)
  else if (shape.kind === 'boolean' && !/^(?:true|false)$/i.test(node.text)) problem('must be true or false')
  else if (shape.kind === 'integer' && !/^[+-]?\d+$/.test(node.text)) problem('must be a whole number')
}

/** Items that are empty are skipped, as they are in loading. */
function checkItem(item: Node, shape: Shape, path: string, into: string[]): void {
  if (!(item.kind === 'scalar' && item.isNull)) check(item, shape, path, into)
}

function checkMap(node: MapNode, shape: Shape & { kind: 'map' }, path: string, into: string[]): void {
  const seen = new Set<string>()
  for (const { key, value } of node.entries) {
    const name = key.kind === 'scalar' ? key.text : ''
    seen.add(name)
    const inner = Object.hasOwn(shape.keys, name) ? shape.keys[name] : undefined
    if (inner) check(value, inner, `${path}/${name}`, into)
    else into.push(`${path || '/'}: no such key '${name.slice(0, 100)}'`)
  }
  for (const name of shape.required ?? [])
    if (!seen.has(name)) into.push(`${path || '/'}: key '${name}' is missing`)
  if (node.entries.length < (shape.least ?? 0)) into.push(`${path || '/'}: must not be empty`)
}

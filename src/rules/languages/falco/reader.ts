/** YAML nodes to items: shapes and keys are checked here, names are looked up later. */
import { didYouMean } from '../../condition/suggest.ts'
import { DocumentError } from '../../diagnostics.ts'
import { type MappedText, type SourceFile, spanOf } from '../../passes/mapped-text.ts'
import { appendOf, checkKeys, readOverrides, warnUnquoted } from './item-parts.ts'
import type { Item, Named, PluginRequirement } from './items.ts'
import { fail, inside, type Keys, keysOf, nodeMap, requiredText, sequenceOf, textsOf } from './node-access.ts'
import { readRule } from './read-rule.ts'
import { type Context, RuleError, type Warn, within } from './report.ts'
import { checkSchema } from './schema.ts'
import { parseVersion, type Version } from './version.ts'
import { type Node, readYaml } from './yaml-file.ts'

/**
 * Items in the order of the file. Where the file differs from Falco's schema is added to `schema`.
 * Throws RuleError at the first thing that is wrong.
 */
export function* readItems(file: SourceFile, warn: Warn, schema: string[] = []): Generator<Item> {
  const content = within([], 'rules content', '', spanOf(file, 0, 0))
  const documents = readYaml(file)
  for (;;) {
    const document = nextDocument(documents, content)
    if (!document) return
    if (document.kind === 'scalar' && document.isNull) continue
    checkSchema(document, schema)
    if (document.kind !== 'seq')
      return fail(
        `a rules file must be a list of items, not ${document.kind === 'map' ? 'a map' : 'text'}`,
        document,
        content,
        "write '- rule: ...', '- macro: ...' or '- list: ...' at the start of a line",
      )
    for (const node of document.items) {
      if (node.kind === 'scalar' && node.isNull) continue
      const item = readItem(node, content, warn)
      if (item) yield item
    }
  }
}

function nextDocument(documents: Generator<Node>, context: Context): Node | undefined {
  try {
    return documents.next().value || undefined
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new RuleError('LOAD_ERR_YAML_PARSE', error.message, error.span, context, error.hint)
  }
}

const ITEM_KINDS = ['required_engine_version', 'required_plugin_versions', 'list', 'macro', 'rule'] as const

function readItem(node: Node, content: Context, warn: Warn): Item | undefined {
  const outer = within(content, 'rules content item', '', node.span)
  const map = nodeMap(node, 'an item of a rules file', outer)
  const names = map.entries.map(({ key }) => (key.kind === 'scalar' ? key.text : ''))
  const kind = ITEM_KINDS.find((name) => names.includes(name))
  if (kind === undefined) {
    const first = names[0] ?? ''
    warn(
      'LOAD_UNKNOWN_ITEM',
      `unknown item '${first}', ignored`,
      map.entries[0]?.key.span ?? node.span,
      outer,
      () => didYouMean(first, ITEM_KINDS) ?? `items are ${ITEM_KINDS.join(', ')}`,
    )
    return undefined
  }
  switch (kind) {
    case 'required_engine_version':
      return readEngine(keysOf(map, within(content, kind, '', node.span), warn), warn)
    case 'required_plugin_versions':
      return readPlugins(keysOf(map, within(content, 'required plugin versions', '', node.span), warn), warn)
    case 'list':
      return readList(named(keysOf(map, content, warn), 'list'), warn)
    case 'macro':
      return readMacro(named(keysOf(map, content, warn), 'macro'), warn)
    case 'rule':
      return readRule(named(keysOf(map, content, warn), 'rule'), warn)
    default:
      return kind satisfies never
  }
}

/** The same keys with the item's name in the context. */
function named(keys: Keys, kind: string): Keys {
  const name = requiredText(keys, kind)
  return { ...keys, context: within(keys.context, kind, name.text, keys.node.span) }
}

function readEngine(keys: Keys, warn: Warn): Item {
  checkKeys(keys, ['required_engine_version'], warn)
  const node = keys.values.get('required_engine_version')!
  const { text } = requiredText(keys, 'required_engine_version')
  // A bare number is the old spelling: N is 0.N.0.
  const version = /^\d{1,9}$/.test(text) ? { major: 0, minor: Number(text), patch: 0 } : parseVersion(text)
  if (!version)
    return fail(
      `'${text}' is not a version`,
      node,
      keys.context,
      'write a number such as 26 or a version such as 0.57.0',
    )
  return { kind: 'engine', version, span: node.span, context: keys.context }
}

function readPlugins(keys: Keys, warn: Warn): Item {
  checkKeys(keys, ['required_plugin_versions'], warn)
  const nodes = sequenceOf(keys, 'required_plugin_versions')
  if (!nodes) return fail("'required_plugin_versions' must be a list", keys.node, keys.context)
  const requirements = nodes.map((node) => readRequirement(node, keys, warn))
  return { kind: 'plugins', requirements, span: keys.node.span, context: keys.context }
}

function readRequirement(node: Node, outer: Keys, warn: Warn): PluginRequirement {
  const context = inside(outer, 'required plugin versions entry', '', node)
  const keys = keysOf(nodeMap(node, 'a required plugin', context), context, warn)
  checkKeys(keys, ['name', 'version', 'alternatives'], warn)
  const alternatives = [readPluginVersion(keys)]
  for (const alternative of sequenceOf(keys, 'alternatives') ?? []) {
    const inner = within(context, 'required plugin versions alternative', '', alternative.span)
    const entry = keysOf(nodeMap(alternative, 'an alternative', inner), inner, warn)
    checkKeys(entry, ['name', 'version'], warn)
    const plugin = readPluginVersion(entry)
    if (alternatives.some(({ name }) => name === plugin.name))
      throw new RuleError(
        'LOAD_ERR_VALIDATE',
        `plugin '${plugin.name}' is named twice in one requirement`,
        alternative.span,
        inner,
      )
    alternatives.push(plugin)
  }
  return { alternatives, span: node.span, context }
}

function readPluginVersion(keys: Keys): { readonly name: string; readonly version: Version } {
  const name = requiredText(keys, 'name').text
  const { text } = requiredText(keys, 'version')
  const version = parseVersion(text)
  return version
    ? { name, version }
    : fail(`'${text}' is not a version`, keys.values.get('version')!, keys.context, 'write it as 0.4.0')
}

/** What the names of lists and macros must look like for conditions to find them. */
const NAMES = {
  list: {
    pattern: /^[^()"'\s=,]+$/,
    code: 'LOAD_INVALID_LIST_NAME',
    hint: 'leave out blanks, quotes, parentheses, commas and equal signs',
  },
  macro: {
    pattern: /^[a-zA-Z]+[a-zA-Z0-9_]*$/,
    code: 'LOAD_INVALID_MACRO_NAME',
    hint: 'use a letter, then letters, digits and underscores',
  },
} as const

function nameOf(keys: Keys, kind: keyof typeof NAMES, warn: Warn): Named {
  const name = requiredText(keys, kind).text
  const { span } = keys.values.get(kind)!
  const { pattern, code, hint } = NAMES[kind]
  if (!pattern.test(name))
    warn(code, `${kind} name '${name}' cannot be used in a condition`, span, keys.context, hint)
  return { name, span, context: keys.context }
}

function readList(keys: Keys, warn: Warn): Item {
  checkKeys(keys, ['list', 'items', 'append', 'override'], warn)
  const name = nameOf(keys, 'list', warn)
  const items = textsOf(keys, 'items')
  if (!items) return fail("key 'items' is missing", keys.node, keys.context)
  for (const item of items) warnUnquoted(item, keys.context, warn)
  return { kind: 'list', mode: modeOf(keys, 'items', warn), ...name, items }
}

function readMacro(keys: Keys, warn: Warn): Item {
  checkKeys(keys, ['macro', 'condition', 'append', 'override'], warn)
  const name = nameOf(keys, 'macro', warn)
  const condition: MappedText = requiredText(keys, 'condition')
  return { kind: 'macro', mode: modeOf(keys, 'condition', warn), ...name, condition }
}

/** `append: true` or `override: {key: append | replace}` of a list or a macro. */
function modeOf(keys: Keys, key: string, warn: Warn): 'define' | 'append' | 'replace' {
  const append = appendOf(keys, warn)
  const overrides = readOverrides(keys, [key], [key])
  if (!overrides) return append ? 'append' : 'define'
  if (append) return fail("'append: true' and 'override' exclude each other", keys.node, keys.context)
  return overrides.append.has(key) ? 'append' : overrides.replace.has(key) ? 'replace' : 'define'
}

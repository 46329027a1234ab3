/** Configuration in YAML: our keys, nested or dotted. */
import { didYouMean } from '../rules/condition/suggest.ts'
import { type MapNode, type Node, readYaml, YamlError } from '../rules/languages/falco/yaml-file.ts'
import { collectProblems, type Problems } from '../rules/languages/toml/table-reader.ts'
import { type SourceFile, spanOf } from '../rules/passes/mapped-text.ts'
import type { Setting } from './effective.ts'
import type { FileSettings } from './file-settings.ts'
import { isKeyName, KEYS } from './keys.ts'
import { type Placed, settingAt } from './setting-at.ts'

/** Characters of one file: it names some dozen keys. */
const MAX_SIZE = 1 << 20

/** Read a configuration. Never throws for what is in the file: problems are in the result. */
export function readYamlConfig(file: SourceFile): FileSettings {
  const problems = collectProblems({ error: 'CONFIG_ERR_VALIDATE', warning: 'CONFIG_NO_EFFECT' })
  const settings: Setting[] = []
  for (const root of documents(file, problems)) {
    if (root.kind === 'map') readMap(root, '', settings, problems)
    else if (root.kind !== 'scalar' || !root.isNull)
      problems.error('a configuration is a map of keys', root.span, 'write KEY: VALUE')
  }
  const { errors, warnings } = problems
  return { format: 'yaml', settings, ruleTypes: undefined, hasRules: false, errors, warnings }
}

function documents(file: SourceFile, problems: Problems): readonly Node[] {
  try {
    if (file.text.length > MAX_SIZE)
      throw new YamlError(`the file is larger than ${MAX_SIZE >> 10} KiB`, spanOf(file, 0, 0))
    const nodes = [...readYaml(file)]
    if (nodes.length > 1)
      throw new YamlError('a configuration is one document', nodes[1]!.span, "leave out the line '---'")
    return nodes
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    const { message, span, hint } = error
    const more = hint === undefined ? {} : { hint }
    problems.errors.push({ severity: 'error', code: 'CONFIG_ERR_PARSE', message, span, context: [], ...more })
    return []
  }
}

function readMap(map: MapNode, prefix: string, settings: Setting[], problems: Problems): void {
  for (const { key, value } of map.entries) {
    if (key.kind !== 'scalar') {
      problems.error('a key must be text', key.span)
      continue
    }
    const name = prefix + key.text
    if (isKeyName(name)) {
      const setting = settingAt({ name, decl: KEYS[name], key: name }, placed(value), problems)
      if (setting !== undefined) settings.push(setting)
    } else if (value.kind === 'map' && isGroup(name)) readMap(value, `${name}.`, settings, problems)
    else if (isGroup(name))
      problems.error(`'${name}' is a group of keys`, value.span, `write them below it: ${keysBelow(name)}`)
    else unknownKey(name.slice(0, 100), key, problems)
  }
}

const isGroup = (name: string): boolean => Object.keys(KEYS).some((key) => key.startsWith(`${name}.`))

const keysBelow = (name: string): string =>
  Object.keys(KEYS)
    .filter((key) => key.startsWith(`${name}.`))
    .join(', ')

function unknownKey(name: string, key: Node, problems: Problems): void {
  problems.error(
    `unknown configuration key '${name}'`,
    key.span,
    didYouMean(name, Object.keys(KEYS)) ?? "'tarsier config show' lists every key",
  )
}

function placed(node: Node): Placed {
  if (node.kind === 'seq') {
    const items = node.items.map(placed)
    return { written: { kind: 'list', items: items.map((item) => item.written) }, span: node.span, items }
  }
  if (node.kind === 'map') return { written: { kind: 'other', text: 'a map' }, span: node.span, items: [] }
  return { written: { kind: 'untyped', text: node.text }, span: node.span, items: [] }
}

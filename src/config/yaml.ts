/** Configuration in YAML: our keys, nested or dotted, and those of a falco.yaml. */
import { didYouMean } from '../rules/condition/suggest.ts'
import { DocumentError, documentFault, type Span } from '../rules/diagnostics.ts'
import { type MapNode, type Node, readYaml } from '../rules/languages/falco/yaml-file.ts'
import { collectProblems, type Problems } from '../rules/languages/toml/table-reader.ts'
import { type SourceFile, spanOf } from '../rules/passes/mapped-text.ts'
import type { Setting } from './effective.ts'
import { withConfigFiles } from './falco/config-files.ts'
import { ALIASES, FALCO_KEYS, type FalcoKey, isFalcoKey } from './falco/keys.ts'
import { falcoKey, readFalcoKey } from './falco/read-key.ts'
import { substituteNode } from './falco/substitute.ts'
import type { FileSettings } from './file-settings.ts'
import type { KeyDecl } from './key-types.ts'
import { isKeyName, KEYS, type KeyName } from './keys.ts'
import { type Placed, settingAt } from './setting-at.ts'
import { writtenYaml } from './values.ts'

/** Characters of one file: it names some dozen keys. */
const MAX_SIZE = 1 << 20

/** What a file of YAML may ask for beyond itself. */
export interface Outside {
  /** For `${NAME}` in the values of a falco.yaml. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Read a configuration: a falco.yaml when one of Falco's keys is in it, then with variables of the environment and the
 * files it includes; our keys may stand there, too. Never throws for what is in the file: problems are in the result.
 */
export function readYamlConfig(file: SourceFile, { env }: Outside = { env: {} }): FileSettings {
  const problems = collectProblems({ error: 'CONFIG_ERR_VALIDATE', warning: 'CONFIG_NO_EFFECT' })
  const settings: Setting[] = []
  const included: SourceFile[] = []
  const readFalco = (one: SourceFile): MapNode | undefined => {
    const root = rootOf(one, problems)
    return root && (substituteNode(root, env) as MapNode)
  }
  const root = rootOf(file, problems)
  const isFalco = root?.entries.some(({ key }) => key.kind === 'scalar' && isFalcoKey(key.text)) === true
  if (root !== undefined) {
    const whole = isFalco
      ? withConfigFiles(substituteNode(root, env) as MapNode, file.name, readFalco, problems, included)
      : root
    readKeys(whole, '', { settings, problems, emptyIsAbsent: isFalco })
  }
  const { errors, warnings } = problems
  return {
    format: isFalco ? 'falco' : 'yaml',
    settings,
    ruleTypes: undefined,
    hasRules: false,
    included,
    errors,
    warnings,
  }
}

/** The map of keys; undefined when the file has none, which is an error unless it is empty. */
function rootOf(file: SourceFile, problems: Problems): MapNode | undefined {
  const [root] = documents(file, problems)
  if (root?.kind === 'map') return root
  if (root !== undefined && (root.kind !== 'scalar' || !root.isNull))
    problems.error('a configuration is a map of keys', root.span, 'write KEY: VALUE')
  return undefined
}

function documents(file: SourceFile, problems: Problems): readonly Node[] {
  try {
    if (file.text.length > MAX_SIZE)
      throw new DocumentError(`the file is larger than ${MAX_SIZE >> 10} KiB`, spanOf(file, 0, 0))
    const nodes = [...readYaml(file)]
    if (nodes.length > 1)
      throw new DocumentError('a configuration is one document', nodes[1]!.span, "leave out the line '---'")
    return nodes
  } catch (error) {
    problems.errors.push(documentFault(error, 'CONFIG_ERR_PARSE'))
    return []
  }
}

/** Where what is read goes. */
export interface Into {
  readonly settings: Setting[]
  readonly problems: Problems
  /** A value that is empty stands for no value at all, as in Falco. */
  readonly emptyIsAbsent: boolean
}

/** The keys of a map; `prefix` is what its own name adds to theirs. */
function readKeys(map: MapNode, prefix: string, into: Into): void {
  for (const { key, value } of map.entries)
    if (key.kind === 'scalar') readKey(prefix + key.text, key.span, value, into)
    else into.problems.error('a key must be text', key.span)
}

/** One key or group of keys by its whole name. */
export function readKey(name: string, at: Span, value: Node, into: Into): void {
  const key = keyNamed(name)
  // `outputs` is a list of ours, and was a group of Falco's.
  if (key !== undefined && !(value.kind === 'map' && isGroup(name))) {
    if (!isAbsent(name, declOf(key), value, into)) take(name, key, placed(value), into)
  } else if (!isGroup(name)) unknownKey(name.slice(0, 100), at, into.problems)
  else if (value.kind === 'map') readKeys(value, `${name}.`, into)
  else if (!(into.emptyIsAbsent && value.kind === 'scalar' && value.isNull))
    into.problems.error(
      `'${name}' is a group of keys`,
      value.span,
      `write them below it: ${keysBelow(name).join(', ')}`,
    )
}

/** A key of ours by its name or an older one of Falco, or one of Falco alone. */
export type NamedKey = { readonly ours: KeyName } | { readonly falco: FalcoKey }

export function keyNamed(name: string): NamedKey | undefined {
  const ours = isKeyName(name) ? name : Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined
  if (ours !== undefined) return { ours }
  const falco = falcoKey(name)
  return falco && { falco }
}

export const declOf = (key: NamedKey): KeyDecl => ('ours' in key ? KEYS[key.ours] : key.falco.decl)

/** The value of a key into its setting, or what is wrong with it into the problems. */
export function take(name: string, key: NamedKey, value: Placed, { settings, problems }: Into): void {
  const setting =
    'ours' in key
      ? settingAt({ name, decl: KEYS[key.ours], key: key.ours }, value, problems)
      : readFalcoKey(name, key.falco, value, problems)
  if (setting !== undefined) settings.push(setting)
}

/** Texts, lists and structures may be empty; anything else may only be left out. */
function isAbsent(name: string, { type }: KeyDecl, value: Node, { emptyIsAbsent, problems }: Into): boolean {
  if (!emptyIsAbsent || value.kind !== 'scalar' || value.text !== '') return false
  if (type === 'text' || type === 'list' || type === 'structure') return value.isNull && type === 'text'
  if (!value.isNull) problems.warn(`${name} is empty, which leaves it at its default`, value.span)
  return true
}

const NAMES: readonly string[] = [...Object.keys(KEYS), ...Object.keys(FALCO_KEYS)]

const isGroup = (name: string): boolean => NAMES.some((key) => key.startsWith(`${name}.`))

const keysBelow = (name: string): readonly string[] => NAMES.filter((key) => key.startsWith(`${name}.`))

function unknownKey(name: string, at: Span, problems: Problems): void {
  problems.error(
    `unknown configuration key '${name}'`,
    at,
    didYouMean(name, NAMES) ?? "'tarsier config show' lists every key",
  )
}

/** A value with the places of its parts. */
function placed(node: Node): Placed {
  if (node.kind === 'seq') {
    const items = node.items.map(placed)
    return { written: { kind: 'list', items: items.map((item) => item.written) }, span: node.span, items }
  }
  return {
    written: node.kind === 'map' ? writtenYaml(node) : { kind: 'untyped', text: node.text },
    span: node.span,
    items: [],
  }
}

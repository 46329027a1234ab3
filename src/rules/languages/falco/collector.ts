/**
 * Items in the order of the files become definitions: later ones append to, replace or redefine earlier ones.
 * Positions follow Falco: a redefinition keeps the place of the first one, and `visibility` (the last change) decides
 * which macros and lists a macro or list may use.
 */

import { didYouMean } from '../../condition/suggest.ts'
import type { Priority } from '../../ir.ts'
import type { MappedText } from '../../passes/mapped-text.ts'
import { appendException, defineException, type ExceptionRules, type RuleException } from './exceptions.ts'
import type { ExceptionItem, Item, Named, PluginRequirement, RuleParts } from './items.ts'
import { RuleError, type Warn } from './report.ts'
import type { ThresholdItem } from './threshold.ts'
import { ENGINE_VERSION, isCompatible, type Version, versionText } from './version.ts'

interface Definition extends Named {
  /** Position of the first definition. */
  readonly index: number
  /** Position of the last change. */
  readonly visibility: number
}
export interface ListDefinition extends Definition {
  /** What was defined, then what was appended. */
  readonly items: readonly (readonly MappedText[])[]
}
export interface MacroDefinition extends Definition {
  /** Parts to be joined with a blank. */
  readonly condition: readonly MappedText[]
}
export interface RuleDefinition extends Named {
  readonly source: string
  /** Parts to be joined with a blank; `output` likewise. */
  readonly condition: readonly MappedText[]
  readonly output: readonly MappedText[]
  readonly desc: string
  readonly priority: Priority
  readonly tags: ReadonlySet<string>
  readonly enabled: boolean
  readonly capture: boolean
  /** ms */
  readonly captureDuration: number
  readonly warnEvttypes: boolean
  readonly skipIfUnknownFilter: boolean
  readonly exceptions: readonly RuleException[]
  readonly threshold: ThresholdItem | undefined
}

/** Everything defined so far, in order of first definition. */
export interface Collection {
  readonly lists: readonly ListDefinition[]
  readonly macros: readonly MacroDefinition[]
  readonly rules: readonly RuleDefinition[]
  readonly requirements: readonly PluginRequirement[]
  /** The newest engine version asked for. */
  readonly engine: Version | undefined
}

/** What one definition may grow to by appending; keeps the work for a hostile file linear. */
const LIMITS = { changes: 2000, exceptions: 1000, tags: 1000 } as const

export interface Collector {
  /** Take in one item. Throws RuleError. */
  add(item: Item, warn: Warn): void
  collection(): Collection
}

/** `sources`: what exceptions are checked against. A rule of a source that is not there is kept, not checked. */
export function createCollector(sources: ReadonlyMap<string, ExceptionRules>): Collector {
  // A Map keeps a key where it was first set, which is the order wanted.
  const lists = new Map<string, ListDefinition>()
  const macros = new Map<string, MacroDefinition>()
  const rules = new Map<string, RuleDefinition>()
  const requirements: PluginRequirement[] = []
  const changes = new Map<unknown, number>()
  let position = 0
  let engine: Version | undefined

  const placed = (old: Definition | undefined): { readonly index: number; readonly visibility: number } => {
    const visibility = position++
    return { index: old?.index ?? visibility, visibility }
  }
  const countChange = (item: Named & { readonly kind: string }): void => {
    const key = `${item.kind} ${item.name}`
    const count = (changes.get(key) ?? 0) + 1
    changes.set(key, count)
    if (count > LIMITS.changes) fail(`'${item.name}' is changed more than ${LIMITS.changes} times`, item)
  }

  const addList = (item: Item & { kind: 'list' }): void => {
    const old = item.mode === 'define' ? lists.get(item.name) : existing(lists, item, 'list')
    if (old && item.mode === 'append')
      lists.set(item.name, { ...old, ...placed(old), items: [...old.items, item.items] })
    else lists.set(item.name, { ...named(item), ...placed(old), items: [item.items] })
  }
  const addMacro = (item: Item & { kind: 'macro' }): void => {
    const old = item.mode === 'define' ? macros.get(item.name) : existing(macros, item, 'macro')
    if (old && item.mode === 'append')
      macros.set(item.name, { ...old, ...placed(old), condition: [...old.condition, item.condition] })
    else macros.set(item.name, { ...named(item), ...placed(old), condition: [item.condition] })
  }
  const addRule = (item: Item & { kind: 'rule' }, warn: Warn): void => {
    const old = rules.get(item.name)
    const source = item.sourceSpan ? item.source : (old?.source ?? item.source)
    if (old && old.source !== source)
      fail(`rule '${item.name}' is redefined with source '${source}', it had '${old.source}'`, {
        ...item,
        span: item.sourceSpan ?? item.span,
      })
    if (!sources.has(source)) warnUnknownSource(source, item, [...sources.keys()], warn)
    rules.set(item.name, define(item, source, sources.get(source)))
  }
  const overrideRule = (item: Item & { kind: 'rule-override' }, warn: Warn): void => {
    const old = existing(rules, item, 'rule')
    const known = sources.get(old.source)
    rules.set(item.name, replaceParts(appendParts(old, item, known, warn), item.replace, known))
  }

  return {
    add(item, warn) {
      if ('name' in item) countChange(item)
      switch (item.kind) {
        case 'engine':
          requireEngine(item)
          if (engine === undefined || isCompatible(item.version, engine)) engine = item.version
          return
        case 'plugins':
          for (const requirement of item.requirements) requirements.push(requirement)
          return
        case 'list':
          return addList(item)
        case 'macro':
          return addMacro(item)
        case 'rule':
          return addRule(item, warn)
        case 'rule-override':
          return overrideRule(item, warn)
        case 'rule-enabled':
          rules.set(item.name, { ...existing(rules, item, 'rule'), enabled: item.enabled })
          return
        default:
          item satisfies never
      }
    },
    collection: () => ({
      lists: [...lists.values()],
      macros: [...macros.values()],
      rules: [...rules.values()],
      requirements: [...requirements],
      engine,
    }),
  }
}

const fail = (message: string, at: Named, hint?: string): never => {
  throw new RuleError('LOAD_ERR_VALIDATE', message, at.span, at.context, hint)
}

const named = ({ name, span, context }: Named): Named => ({ name, span, context })

function existing<D>(definitions: ReadonlyMap<string, D>, item: Named, kind: string): D {
  return (
    definitions.get(item.name) ??
    fail(
      `${kind} '${item.name}' is not defined yet, so there is nothing to append to or to replace`,
      item,
      didYouMean(item.name, definitions.keys()),
    )
  )
}

function requireEngine(item: Item & { kind: 'engine' }): void {
  if (isCompatible(ENGINE_VERSION, item.version)) return
  throw new RuleError(
    'LOAD_ERR_VALIDATE',
    `the file needs engine version ${versionText(item.version)}, this one is ${versionText(ENGINE_VERSION)}`,
    item.span,
    item.context,
  )
}

function warnUnknownSource(source: string, item: Named, known: readonly string[], warn: Warn): void {
  warn(
    'LOAD_UNKNOWN_SOURCE',
    `unknown source '${source}', rule '${item.name}' is skipped`,
    item.span,
    item.context,
    didYouMean(source, known) ?? `sources are ${known.join(', ')}`,
  )
}

function define(
  item: Item & { kind: 'rule' },
  source: string,
  known: ExceptionRules | undefined,
): RuleDefinition {
  const { parts } = item
  return {
    ...named(item),
    source,
    desc: parts.desc,
    priority: parts.priority,
    condition: [parts.condition],
    output: [parts.output],
    tags: tagSet(item, parts.tags ?? []),
    enabled: parts.enabled ?? true,
    capture: parts.capture ?? false,
    captureDuration: parts.captureDuration ?? 0,
    warnEvttypes: parts.warnEvttypes ?? true,
    skipIfUnknownFilter: parts.skipIfUnknownFilter ?? false,
    exceptions: limited(item, parts.exceptions ?? []).map((exception) => defineException(exception, known)),
    threshold: parts.threshold,
  }
}

/** Appends come before replacements. */
function appendParts(
  old: RuleDefinition,
  item: Item & { kind: 'rule-override' },
  known: ExceptionRules | undefined,
  warn: Warn,
): RuleDefinition {
  const { condition, output, desc, tags, exceptions } = item.append
  return {
    ...old,
    ...(condition ? { condition: [...old.condition, condition] } : {}),
    ...(output ? { output: [...old.output, output] } : {}),
    ...(desc === undefined ? {} : { desc: `${old.desc} ${desc}` }),
    ...(tags ? { tags: tagSet(old, [...old.tags, ...tags]) } : {}),
    ...(exceptions
      ? { exceptions: limited(old, appendExceptions(old.exceptions, exceptions, known, warn)) }
      : {}),
  }
}

function replaceParts(
  old: RuleDefinition,
  parts: RuleParts,
  known: ExceptionRules | undefined,
): RuleDefinition {
  const { condition, output, tags, exceptions, ...rest } = parts
  return {
    ...old,
    ...rest,
    ...(condition ? { condition: [condition] } : {}),
    ...(output ? { output: [output] } : {}),
    ...(tags ? { tags: tagSet(old, tags) } : {}),
    ...(exceptions
      ? { exceptions: limited(old, exceptions).map((exception) => defineException(exception, known)) }
      : {}),
  }
}

function tagSet(rule: Named, tags: readonly string[]): ReadonlySet<string> {
  if (tags.length > LIMITS.tags) return fail(`rule '${rule.name}' has more than ${LIMITS.tags} tags`, rule)
  return new Set(tags)
}

function limited<T>(rule: Named, exceptions: readonly T[]): readonly T[] {
  if (exceptions.length <= LIMITS.exceptions) return exceptions
  return fail(`rule '${rule.name}' has more than ${LIMITS.exceptions} exceptions`, rule)
}

function appendExceptions(
  old: readonly RuleException[],
  items: readonly ExceptionItem[],
  rules: ExceptionRules | undefined,
  warn: Warn,
): readonly RuleException[] {
  const result = [...old]
  for (const item of items) {
    if (item.values.length === 0)
      warn(
        'LOAD_APPEND_NO_VALUES',
        `exception '${item.name}' is appended without values, which changes nothing`,
        item.span,
        item.context,
      )
    const at = result.findIndex(({ name }) => name === item.name)
    if (at >= 0) result[at] = appendException(result[at], item, rules)
    else result.push(appendException(undefined, item, rules))
  }
  return result
}

/** One `rule` item: a definition, an append, an override, or the old switch that only sets `enabled`. */
import { type MappedText, mappedText } from '../../passes/mapped-text.ts'
import { appendOf, checkKeys, priorityOf, readOverrides, warnUnquoted } from './item-parts.ts'
import {
  type Entry,
  type ExceptionItem,
  type Item,
  isListEntry,
  type Named,
  type RuleParts,
} from './items.ts'
import {
  booleanOf,
  countOf,
  entryOf,
  fail,
  type Keys,
  keysOf,
  nodeMap,
  optionalText,
  requiredText,
  sequenceOf,
  textsOf,
} from './node-access.ts'
import { type Context, RuleError, type Warn, within } from './report.ts'
import { readThreshold } from './threshold.ts'
import type { Node } from './yaml-file.ts'

const REQUIRED = ['condition', 'output', 'desc', 'priority'] as const
const APPENDABLE = ['condition', 'output', 'desc', 'tags', 'exceptions'] as const
const REPLACEABLE = [
  ...APPENDABLE,
  'priority',
  'capture',
  'capture_duration',
  'enabled',
  'warn_evttypes',
  'skip-if-unknown-filter',
  'threshold',
] as const
const RULE_KEYS = ['rule', ...REPLACEABLE, 'source', 'override', 'append'] as const

export function readRule(keys: Keys, warn: Warn): Item {
  checkKeys(keys, RULE_KEYS, warn)
  const base: Named = {
    name: requiredText(keys, 'rule').text,
    span: keys.values.get('rule')!.span,
    context: keys.context,
  }
  const append = appendOf(keys, warn)
  if (keys.values.has('override')) {
    if (append) return fail("'append: true' and 'override' exclude each other", keys.node, keys.context)
    return readOverriding(keys, base, warn)
  }
  if (append) return readAppend(keys, base, warn)
  if (keys.values.has('enabled') && !REQUIRED.some((key) => keys.values.has(key))) {
    const enabled = booleanOf(keys, 'enabled') ?? true
    const hint = "add 'override: {enabled: replace}'"
    warn(
      'LOAD_DEPRECATED_ITEM',
      "switching a rule with 'enabled' alone is deprecated",
      base.span,
      base.context,
      hint,
    )
    return { kind: 'rule-enabled', enabled, ...base }
  }
  return readDefinition(keys, base, warn)
}

function readDefinition(keys: Keys, base: Named, warn: Warn): Item {
  const missing = REQUIRED.filter((key) => !keys.values.has(key))
  if (missing.length > 0)
    return fail(
      `rule '${base.name}' has no ${missing.map((key) => `'${key}'`).join(', ')}`,
      keys.node,
      keys.context,
      "to change an earlier rule of this name, add 'override' with the keys to change",
    )
  const source = optionalText(keys, 'source')
  return {
    kind: 'rule',
    ...base,
    source: source?.text || 'syscall',
    sourceSpan: source?.text ? keys.values.get('source')!.span : undefined,
    parts: {
      ...readParts(keys, () => true, warn),
      condition: requiredText(keys, 'condition'),
      output: trimmed(requiredText(keys, 'output')),
      desc: requiredText(keys, 'desc').text,
      priority: priorityOf(keys),
    },
  }
}

/** `append: true`: only condition and exceptions are used. */
function readAppend(keys: Keys, base: Named, warn: Warn): Item {
  const used = new Set(['condition', 'exceptions'])
  const append = readParts(keys, (key) => used.has(key), warn)
  if (!append.condition && !append.exceptions)
    throw new RuleError(
      'LOAD_ERR_VALIDATE',
      `nothing to append to rule '${base.name}': neither 'condition' nor 'exceptions' is given`,
      base.span,
      base.context,
    )
  return { kind: 'rule-override', ...base, append, replace: {} }
}

function readOverriding(keys: Keys, base: Named, warn: Warn): Item {
  const { append, replace } = readOverrides(keys, APPENDABLE, REPLACEABLE)!
  for (const { key } of keys.node.entries) {
    const name = key.kind === 'scalar' ? key.text : ''
    if (name === 'rule' || name === 'override' || name === 'append' || append.has(name) || replace.has(name))
      continue
    return fail(`key '${name}' is given, but 'override' does not name it`, key, keys.context)
  }
  return {
    kind: 'rule-override',
    ...base,
    append: readParts(keys, (key) => append.has(key), warn),
    replace: readParts(keys, (key) => replace.has(key), warn),
  }
}

/** The parts that are written and wanted. */
function readParts(keys: Keys, wanted: (key: string) => boolean, warn: Warn): RuleParts {
  const has = (key: string): boolean => wanted(key) && keys.values.has(key)
  const flag = <K extends string>(key: string, as: K) =>
    (has(key) ? { [as]: booleanOf(keys, key) } : {}) as { [P in K]?: boolean }
  return {
    ...(has('condition') ? { condition: requiredText(keys, 'condition') } : {}),
    ...(has('output') ? { output: trimmed(requiredText(keys, 'output')) } : {}),
    ...(has('desc') ? { desc: requiredText(keys, 'desc').text } : {}),
    ...(has('priority') ? { priority: priorityOf(keys) } : {}),
    ...(has('tags') ? { tags: (textsOf(keys, 'tags') ?? []).map(({ text }) => text) } : {}),
    ...flag('enabled', 'enabled'),
    ...flag('capture', 'capture'),
    ...(has('capture_duration') ? { captureDuration: countOf(keys, 'capture_duration')! } : {}),
    ...flag('warn_evttypes', 'warnEvttypes'),
    ...flag('skip-if-unknown-filter', 'skipIfUnknownFilter'),
    ...(has('threshold') ? { threshold: readThreshold(keys, warn) } : {}),
    ...(has('exceptions') ? { exceptions: readExceptions(keys, warn) } : {}),
  }
}

function readExceptions(keys: Keys, warn: Warn): readonly ExceptionItem[] {
  const names = new Set<string>()
  return (sequenceOf(keys, 'exceptions') ?? []).map((node) => {
    const item = readException(node, keys, warn)
    if (names.has(item.name))
      warn(
        'LOAD_EXCEPTION_NAME_NOT_UNIQUE',
        `exception '${item.name}' is defined twice in one rule`,
        item.span,
        item.context,
      )
    names.add(item.name)
    return item
  })
}

/** Depth of values: a row holds cells, a cell may be a list. */
const VALUE_DEPTH = 2

function readException(node: Node, rule: Keys, warn: Warn): ExceptionItem {
  const outer = within(rule.context, 'exceptions', '', node.span)
  const keys = keysOf(nodeMap(node, 'an exception', outer), outer, warn)
  const name = requiredText(keys, 'name').text
  const context = within(outer, 'exception', name, node.span)
  const inner: Keys = { ...keys, context }
  checkKeys(inner, ['name', 'fields', 'comps', 'values'], warn)
  const entry = (key: string): Entry | undefined => {
    const value = keys.values.get(key)
    return value && !(value.kind === 'scalar' && value.isNull)
      ? entryOf(value, `'${key}'`, within(context, `exception ${key}`, '', value.span), 1)
      : undefined
  }
  const fields = entry('fields')
  const comps = entry('comps')
  return {
    name,
    span: keys.values.get('name')!.span,
    context,
    ...(fields === undefined ? {} : { fields }),
    ...(comps === undefined ? {} : { comps }),
    values: (sequenceOf(inner, 'values') ?? []).map((value) => {
      const place = within(context, 'exception values', '', value.span)
      const read = entryOf(value, 'an exception value', place, VALUE_DEPTH)
      warnUnquotedEntry(read, place, warn)
      return read
    }),
  }
}

/** A value that begins with a parenthesis is a list that brings its own. */
function warnUnquotedEntry(entry: Entry, context: Context, warn: Warn): void {
  if (isListEntry(entry)) for (const one of entry) warnUnquotedEntry(one, context, warn)
  else if (!entry.text.startsWith('(')) warnUnquoted(entry, context, warn)
}

/** Without blanks at either end, offsets kept. */
function trimmed(text: MappedText): MappedText {
  const start = text.text.length - text.text.trimStart().length
  const result = text.text.trim()
  if (result.length === text.text.length) return text
  const piece = text.pieces[0]!
  return mappedText(result, (from, to) => piece.locate(from + start, to + start))
}

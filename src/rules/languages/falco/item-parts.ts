/** What several kinds of item have in common: unknown keys, `append`, `override`, priorities. */
import { didYouMean } from '../../condition/suggest.ts'
import { PRIORITIES, type Priority } from '../../ir.ts'
import { locate, type MappedText } from '../../passes/mapped-text.ts'
import { booleanOf, fail, inside, type Keys, nodeMap, requiredText } from './node-access.ts'
import type { Context, Warn } from './report.ts'

/** Warn about keys that mean nothing here. */
export function checkKeys(keys: Keys, known: readonly string[], warn: Warn): void {
  for (const { key } of keys.node.entries) {
    const name = key.kind === 'scalar' ? key.text : `(${key.kind})`
    if (known.includes(name)) continue
    warn(
      'LOAD_UNKNOWN_KEY',
      `unknown key '${name}', ignored`,
      key.span,
      keys.context,
      () => didYouMean(name, known) ?? `keys are ${known.join(', ')}`,
    )
  }
}

export function appendOf(keys: Keys, warn: Warn): boolean {
  const node = keys.values.get('append')
  const append = booleanOf(keys, 'append') ?? false
  if (node && append)
    warn(
      'LOAD_DEPRECATED_ITEM',
      "'append' is deprecated",
      node.span,
      keys.context,
      "write 'override' with the keys to append to",
    )
  return append
}

export interface Overrides {
  readonly append: ReadonlySet<string>
  readonly replace: ReadonlySet<string>
}

/** The `override` map, checked against what may be appended to and replaced; undefined when there is none. */
export function readOverrides(
  keys: Keys,
  appendable: readonly string[],
  replaceable: readonly string[],
): Overrides | undefined {
  const node = keys.values.get('override')
  if (!node) return undefined
  const context = inside(keys, 'overrides', '', node)
  const append = new Set<string>()
  const replace = new Set<string>()
  for (const { key, value } of nodeMap(node, "'override'", context).entries) {
    const name = key.kind === 'scalar' ? key.text : fail('a key of an override must be text', key, context)
    const operation = value.kind === 'scalar' ? value.text : ''
    if (operation !== 'append' && operation !== 'replace')
      return fail(
        `unknown override '${operation}' of '${name}'`,
        value,
        context,
        "it is 'append' or 'replace'",
      )
    const allowed = operation === 'append' ? appendable : replaceable
    if (!allowed.includes(name))
      return fail(
        `'${name}' cannot be overridden with '${operation}'`,
        key,
        context,
        `'${operation}' is for ${allowed.join(', ')}`,
      )
    if (!keys.values.has(name))
      return fail(`'override' names '${name}', but the item has no key '${name}'`, key, context)
    ;(operation === 'append' ? append : replace).add(name)
  }
  return { append, replace }
}

/** A priority by name, in any case; INFO is short for INFORMATIONAL. */
export function priorityOf(keys: Keys): Priority {
  const { text } = requiredText(keys, 'priority')
  const wanted = text.toLowerCase() === 'info' ? 'informational' : text.toLowerCase()
  const priority = PRIORITIES.find((name) => name.toLowerCase() === wanted)
  if (priority) return priority
  const node = keys.values.get('priority')!
  const close = didYouMean(
    wanted.toUpperCase(),
    PRIORITIES.map((name) => name.toUpperCase()),
  )
  return fail(
    `invalid priority '${text}'`,
    node,
    inside(keys, 'rule priority', text, node),
    close ?? `priorities are ${PRIORITIES.join(', ')}`,
  )
}

/**
 * Values are put into conditions as they are written. What ends a bare word there (a comma makes two values of one) needs
 * quotes that are part of the value.
 */
export function warnUnquoted(value: MappedText, context: Context, warn: Warn): void {
  const { text } = value
  const special = /[()"'=,]/.exec(text)?.[0]
  if (special === undefined || isQuoted(text)) return
  // Values with a blank are quoted as a whole.
  if (/[ \t\r\n]/.test(text) && special !== '"' && !/^["']/.test(text)) return
  warn(
    'HINT_UNQUOTED_ITEM',
    `'${text.slice(0, 80)}' has a ${special} and no quotes of its own: a condition does not take it as one value`,
    locate(value, 0, text.length),
    context,
    text.includes('"') ? undefined : `write '"${text.slice(0, 80)}"', the inner quotes are part of the value`,
  )
}

const isQuoted = (text: string): boolean =>
  text.length > 1 && (text[0] === '"' || text[0] === "'") && text.at(-1) === text[0]

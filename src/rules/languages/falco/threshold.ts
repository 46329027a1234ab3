/**
 * `threshold`, a key of ours on a rule: report a series of matches instead of each.
 *
 *     threshold: {count: 100, window: 10s, by: [proc.pid, fd.name]}
 *     threshold: {distinct: fd.name, at_least: 50, window: 1m, by: [proc.pid]}
 */
import { ConditionError } from '../../condition/error.ts'
import { compileOperand, type OperandEnv } from '../../condition/operands.ts'
import { parseOperandPrefix } from '../../condition/parser.ts'
import { didYouMean } from '../../condition/suggest.ts'
import { DURATION_HINT, parseDuration } from '../../duration.ts'
import type { FieldRef, Threshold } from '../../ir.ts'
import { locate, type MappedText } from '../../passes/mapped-text.ts'
import type { Place } from './items.ts'
import { fail, inside, type Keys, keysOf, nodeMap, requiredText, textsOf } from './node-access.ts'
import { RuleError, type Warn } from './report.ts'

/** Largest numbers that can be asked for: what the memory of a threshold is made for (detect/threshold.ts). */
const MOST = { count: 1_000_000, at_least: 10_000 } as const
/** Most fields of a key. */
const MOST_FIELDS = 8

/** A threshold as written, its fields not looked up yet. */
export interface ThresholdItem extends Place {
  readonly distinct: MappedText | undefined
  readonly atLeast: number
  readonly windowNs: number
  readonly by: readonly MappedText[]
}

const KEYS = ['count', 'distinct', 'at_least', 'window', 'by'] as const

/** The `threshold` of a rule, checked as far as it goes without its source's fields. Throws RuleError. */
export function readThreshold(rule: Keys, warn: Warn): ThresholdItem {
  const node = rule.values.get('threshold')!
  const context = inside(rule, 'rule threshold', '', node)
  const keys = keysOf(nodeMap(node, "'threshold'", context), context, warn)
  for (const { key } of keys.node.entries) {
    const name = key.kind === 'scalar' ? key.text : `(${key.kind})`
    if (!KEYS.some((known) => known === name))
      fail(
        `'threshold' has no key '${name}'`,
        key,
        context,
        didYouMean(name, KEYS) ?? `keys are ${KEYS.join(', ')}`,
      )
  }
  const distinct = keys.values.has('distinct')
  if (distinct === keys.values.has('count'))
    fail(
      distinct ? "'count' and 'distinct' exclude each other" : "'threshold' needs 'count' or 'distinct'",
      node,
      context,
      "write 'count: 100' to count matches, or 'distinct: FIELD' with 'at_least: 50' to count values",
    )
  if (!distinct && keys.values.has('at_least'))
    fail(
      "'at_least' goes with 'distinct'; 'count' says itself how many",
      keys.values.get('at_least')!,
      context,
    )
  return {
    distinct: distinct ? requiredText(keys, 'distinct') : undefined,
    atLeast: readNumber(keys, distinct ? 'at_least' : 'count'),
    windowNs: readWindow(keys),
    by: readBy(keys),
    span: node.span,
    context,
  }
}

function readNumber(keys: Keys, key: keyof typeof MOST): number {
  const { text } = requiredText(keys, key)
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= 1 && value <= MOST[key]) return value
  return fail(
    `'${key}' must be a whole number from 1 to ${MOST[key]}, not '${text}'`,
    keys.values.get(key)!,
    keys.context,
  )
}

function readWindow(keys: Keys): number {
  const { text } = requiredText(keys, 'window')
  const node = keys.values.get('window')!
  return (
    parseDuration(text) ??
    fail(`'window' must be a duration, not '${text}'`, node, keys.context, DURATION_HINT)
  )
}

function readBy(keys: Keys): readonly MappedText[] {
  const by = textsOf(keys, 'by') ?? []
  if (by.length > MOST_FIELDS)
    fail(`'by' names ${by.length} fields, ${MOST_FIELDS} are the most`, keys.values.get('by')!, keys.context)
  const seen = new Set<string>()
  for (const { text, pieces } of by) {
    if (seen.has(text))
      throw new RuleError(
        'LOAD_ERR_YAML_VALIDATE',
        `'by' names '${text}' twice`,
        pieces[0]!.locate(0, text.length),
        keys.context,
      )
    seen.add(text)
  }
  return by
}

/** Look up the fields. Throws RuleError at the place of the one that is wrong. */
export function compileThreshold(
  { distinct, atLeast, windowNs, by, context }: ThresholdItem,
  env: Pick<OperandEnv<unknown>, 'fields' | 'source'>,
): Threshold {
  const bind = (text: MappedText): FieldRef => {
    try {
      return bindField(text, env)
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error
      const span = locate(text, error.from, error.to)
      throw new RuleError('LOAD_ERR_VALIDATE', error.message, span, context, error.hint, error.reason)
    }
  }
  return { distinct: distinct && bind(distinct), atLeast, windowNs, by: by.map(bind) }
}

function bindField(text: MappedText, env: Pick<OperandEnv<unknown>, 'fields' | 'source'>): FieldRef {
  const found = parseOperandPrefix(text.text, 0)
  if (found?.node.kind !== 'field' || found.node.to !== text.text.length)
    throw new ConditionError(
      'unknown-field',
      `'${text.text}' is not a field`,
      { from: 0, to: text.text.length },
      "write a field as in a condition, such as 'proc.pid'",
    )
  return compileOperand(found.node, { ...env, spanOf: (from, to) => locate(text, from, to) }) as FieldRef
}

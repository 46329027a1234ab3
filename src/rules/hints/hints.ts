/**
 * Hints about rules that load and yet cannot mean what they say: warnings with codes of our own (`HINT_*`). They are
 * given only where they are certainly true.
 */
import { EVENT_TYPE_FIELDS } from '../condition/operands.ts'
import type { Diagnostic, Span, WarningCode } from '../diagnostics.ts'
import type { CompiledRule, Expr, Literal, Test } from '../ir.ts'
import { printExpr, printIrOperand, printTest } from '../print-expr.ts'
import { Assumptions, type Budget, type Known } from './assume.ts'

/** Comparisons to look at for all rules together: beyond it hints are missing, nothing else. */
const BUDGET = 2_000_000

export interface HintOptions {
  /** Only the first matching rule is reported, so that a rule can be hidden by an earlier one. */
  readonly matching: 'first' | 'all'
  /** Event types that a source produces. */
  readonly eventsOf: (source: string) => ReadonlySet<string>
}

/** `rules`: those that are switched on, in the order they are judged. */
export function hintsFor(
  rules: readonly CompiledRule[],
  { matching, eventsOf }: HintOptions,
): readonly Diagnostic[] {
  const budget: Budget = { left: BUDGET }
  const assumptions = new Assumptions(budget)
  const hints: Diagnostic[] = []
  const judged: Judged[] = []
  for (const rule of rules) {
    hints.push(...absentValueHints(rule, eventsOf(rule.source)))
    const known = assumptions.assume(rule.condition)
    if (known === undefined) {
      hints.push(neverTrue(rule, assumptions.culprit))
      continue
    }
    const always = assumptions.assume(rule.condition, true) === undefined
    hints.push(...(always ? [alwaysTrue(rule)] : eventTypeHints(rule)))
    const one: Judged = {
      rule,
      known,
      fields: fieldsOf(rule.condition),
      parts: partsOf(rule.condition),
      always,
    }
    const hider = matching === 'first' ? findHider(one, judged, assumptions, budget) : undefined
    if (hider !== undefined) hints.push(shadowed(rule, hider))
    else if (rule.threshold === undefined) judged.push(one)
  }
  return hints
}

interface Judged {
  readonly rule: CompiledRule
  /** What is known of an event that the rule matches. */
  readonly known: Known
  readonly fields: ReadonlySet<string>
  /** What must be true, by its text. */
  readonly parts: ReadonlyMap<string, Part>
  readonly always: boolean
}

interface Part {
  readonly expr: Expr
  readonly fields: ReadonlySet<string>
}

/** An earlier rule that matches whatever this one matches. */
function findHider(
  one: Judged,
  earlier: readonly Judged[],
  assumptions: Assumptions,
  budget: Budget,
): CompiledRule | undefined {
  const { rule, fields } = one
  // Rules with a threshold count whatever else matched.
  if (rule.threshold !== undefined || budget.left < earlier.length) return undefined
  budget.left -= earlier.length
  return earlier.find(
    (other) =>
      other.rule.source === rule.source &&
      coversEvents(other.rule, rule) &&
      (other.always || sharesFields(other, fields)) &&
      follows(other, one, assumptions),
  )?.rule
}

function coversEvents({ events: outer }: CompiledRule, { events: inner }: CompiledRule): boolean {
  if (outer === '*') return true
  if (inner === '*' || inner.size > outer.size) return false
  for (const event of inner) if (!outer.has(event)) return false
  return true
}

/** A rule that asks for something the other never looks at does not follow from it. */
const sharesFields = ({ parts }: Judged, fields: ReadonlySet<string>): boolean =>
  [...parts.values()].every((part) => {
    for (const field of part.fields) if (fields.has(field)) return true
    return false
  })

/** Each part of the one stands in the other as well, or cannot be false there. */
const follows = (
  { parts, always }: Judged,
  { known, parts: given }: Judged,
  assumptions: Assumptions,
): boolean =>
  always ||
  [...parts].every(
    ([text, { expr }]) => given.has(text) || assumptions.assume(expr, true, known) === undefined,
  )

function partsOf(expr: Expr, into = new Map<string, Part>()): ReadonlyMap<string, Part> {
  if (expr.kind === 'and') for (const item of expr.items) partsOf(item, into)
  else into.set(printExpr(expr), { expr, fields: fieldsOf(expr) })
  return into
}

function fieldsOf(expr: Expr): ReadonlySet<string> {
  const fields = new Set<string>()
  visitTests(expr, ({ left }) => fields.add(printIrOperand(left)))
  return fields
}

function visitTests(expr: Expr, see: (test: Test, negated: boolean) => void, negated = false): void {
  if (expr.kind === 'test') see(expr, negated)
  else if (expr.kind === 'not') visitTests(expr.item, see, !negated)
  else if (expr.kind !== 'const') for (const item of expr.items) visitTests(item, see, negated)
}

/** Conditions may hold thousands of values; a message shows the beginning. */
const shown = (test: Test): string => {
  const text = printTest(test)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

const hint = (
  code: WarningCode,
  rule: CompiledRule,
  message: string,
  advice: string,
  span: Span = rule.span,
): Diagnostic => ({
  severity: 'warning',
  code,
  message,
  span,
  context: [
    { itemType: 'rules content', itemName: '', span: { ...rule.span, line: 1, column: 1, from: 0, to: 0 } },
    { itemType: 'rule', itemName: rule.name, span: rule.span },
  ],
  hint: advice,
})

const neverTrue = (rule: CompiledRule, culprit: Test | undefined): Diagnostic =>
  hint(
    'HINT_NEVER_TRUE',
    rule,
    `rule '${rule.name}' can never match` +
      (culprit === undefined ? '' : `: '${shown(culprit)}' cannot hold together with the rest`),
    "check 'and' and 'or', or switch the rule off with 'enabled: false'",
    culprit?.span,
  )

const alwaysTrue = (rule: CompiledRule): Diagnostic =>
  hint(
    'HINT_ALWAYS_TRUE',
    rule,
    `rule '${rule.name}' matches every event`,
    'its condition is true whatever the values are',
  )

const shadowed = (rule: CompiledRule, hider: CompiledRule): Diagnostic =>
  hint(
    'HINT_SHADOWED_RULE',
    rule,
    `rule '${rule.name}' is never reported: whatever it matches, rule '${hider.name}' ` +
      `(${hider.span.file}:${hider.span.line}) matches first`,
    "put the narrower rule first, or set 'rule_matching: all'",
  )

/** The types are named somewhere, and yet the rule has to look at every event. */
function eventTypeHints(rule: CompiledRule): readonly Diagnostic[] {
  if (rule.events !== '*') return []
  let found: Test | undefined
  visitTests(rule.condition, (test) => {
    if (test.left.kind === 'field' && EVENT_TYPE_FIELDS.has(test.left.def.name)) found ??= test
  })
  if (found === undefined) return []
  const message = `'${shown(found)}' restricts nothing: rule '${rule.name}' can match every event type`
  return [
    hint(
      'HINT_EVENT_TYPE',
      rule,
      message,
      "'and' binds closer than 'or': parentheses around the alternatives may be missing",
      found.span,
    ),
  ]
}

/** Comparisons that an absent value, or any value, makes something else of than it looks. */
function absentValueHints(rule: CompiledRule, produced: ReadonlySet<string>): readonly Diagnostic[] {
  const hints: Diagnostic[] = []
  const see = (expr: Expr, negated = false): void => {
    if (expr.kind === 'not') {
      if (expr.item.kind === 'test' && expr.item.op === '!=') hints.push(doubleNegative(rule, expr.item))
      see(expr.item, !negated)
    } else if (expr.kind === 'and' || expr.kind === 'or') {
      if (expr.kind === 'or') hints.push(...differsFromBoth(rule, expr.items))
      for (const item of expr.items) see(item, negated)
    } else if (expr.kind === 'test') {
      hints.push(...notAbsentText(rule, expr))
      if (!negated) hints.push(...alwaysAbsent(rule, expr, produced))
    }
  }
  see(rule.condition)
  return hints
}

const doubleNegative = (rule: CompiledRule, test: Test): Diagnostic =>
  hint(
    'HINT_ABSENT_VALUE',
    rule,
    `'not ${shown(test)}' is also true where '${printIrOperand(test.left)}' is absent`,
    `'${shown({ ...test, op: '=' })}' is true only where it is present`,
    test.span,
  )

/** `x != a or x != b`: one of the two is always true. */
function differsFromBoth(rule: CompiledRule, items: readonly Expr[]): readonly Diagnostic[] {
  const first = new Map<string, Test>()
  for (const item of items) {
    if (item.kind !== 'test' || item.op !== '!=' || !Array.isArray(item.right)) continue
    if (item.left.kind !== 'field' || item.left.extractor.candidates !== undefined) continue
    const key = printIrOperand(item.left)
    const other = first.get(key)
    if (other === undefined) first.set(key, item)
    else if (printTest(other) !== printTest(item))
      return [
        hint(
          'HINT_ALWAYS_TRUE',
          rule,
          `'${shown(other)} or ${shown(item)}' is true of every value`,
          `write 'not ${key} in (...)', or 'and' instead of 'or'`,
          item.span,
        ),
      ]
  }
  return []
}

/** `<NA>` is how an absent value is printed, not what it is. */
function notAbsentText(rule: CompiledRule, test: Test): readonly Diagnostic[] {
  const { left, op, right } = test
  if (left.kind !== 'field' || (op !== '=' && op !== '!=') || !Array.isArray(right)) return []
  const { name } = left.def
  // For these there is Falco's own warning.
  if ((right[0] as Literal | undefined)?.value !== '<NA>' || /^(?:ka|jevt)\./.test(name)) return []
  return [
    hint(
      'HINT_ABSENT_VALUE',
      rule,
      `'${shown(test)}' compares with the text '<NA>', which an absent value is not`,
      `write '${op === '=' ? 'not ' : ''}${name} exists'`,
      test.span,
    ),
  ]
}

/** None of the events that the rule can match carries the field. Unknown where some of them are not produced yet. */
function alwaysAbsent(rule: CompiledRule, test: Test, produced: ReadonlySet<string>): readonly Diagnostic[] {
  const { left } = test
  const { events } = rule
  const carriers = left.kind === 'field' ? (left.extractor.events ?? left.def.events) : undefined
  if (left.kind !== 'field' || carriers === undefined || events === '*' || events.size === 0) return []
  for (const event of events) if (!produced.has(event) || carriers.includes(event)) return []
  return [
    hint(
      'HINT_ABSENT_VALUE',
      rule,
      `'${printIrOperand(left)}' is absent in every event that rule '${rule.name}' can match: ` +
        `'${shown(test)}' is never true`,
      `events that have it: ${carriers.slice(0, 8).join(', ')}`,
      test.span,
    ),
  ]
}

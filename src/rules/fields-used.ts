/** Which fields a compiled rule reads. */
import type { Enrichment } from '../fields/field.ts'
import type { CompiledRule, Expr, FieldRef, FormatPart, Literal, Operand, Test } from './ir.ts'

/** Call `see` for every field in the condition, the output and the threshold of a rule. */
function visitFields<C>(rule: CompiledRule<C>, see: (field: FieldRef<C>) => void): void {
  visitTests(rule.condition, (test) => visitTest(test, see))
  visitFormat(rule.format, see)
  for (const { format } of rule.extraFields ?? [])
    if ('kind' in format) see(format)
    else visitFormat(format, see)
  const { distinct, by = [] } = rule.threshold ?? {}
  for (const field of distinct === undefined ? by : [distinct, ...by]) see(field)
}

function visitFormat<C>(format: readonly FormatPart<C>[], see: (field: FieldRef<C>) => void): void {
  for (const part of format) if (part.kind === 'value') visitOperand(part.operand, see)
}

/** Both sides of a comparison. */
function visitTest<C>({ left, right }: Test<C>, see: (field: FieldRef<C>) => void): void {
  visitOperand(left, see)
  if (!isLiterals(right)) visitOperand(right, see)
}

const isLiterals = <C>(right: readonly Literal[] | Operand<C>): right is readonly Literal[] =>
  Array.isArray(right)

function visitOperand<C>(operand: Operand<C>, see: (field: FieldRef<C>) => void): void {
  if (operand.kind === 'field') {
    see(operand)
    return
  }
  for (const arg of operand.args) {
    const items = Array.isArray(arg) ? arg : [arg]
    for (const item of items) if ('kind' in item) visitOperand(item as Operand<C>, see)
  }
}

const reads =
  (...names: readonly string[]) =>
  <C>(rule: CompiledRule<C>): boolean => {
    let found = false
    visitFields(rule, ({ def }) => {
      if (names.includes(def.name)) found = true
    })
    return found
  }

/** Does the rule look at the environment of a process? */
export const readsEnvironment = reads('proc.env', 'proc.aenv')

/** Does the rule compare names of users? */
export const readsUserNames = reads('user.name', 'user.loginname')

/** Does the rule look at what the standard descriptors of a process are open on? */
export const readsStreams = reads(
  ...['stdin', 'stdout', 'stderr'].flatMap((name) => [`proc.${name}.type`, `proc.${name}.name`]),
)

/** Who has to be asked before the rule can be judged and its alert printed. */
export function enrichmentsOf<C>(rule: CompiledRule<C>): ReadonlySet<Enrichment> {
  const needs = new Set<Enrichment>()
  visitFields(rule, ({ def }) => {
    if (def.needs !== undefined) needs.add(def.needs)
  })
  return needs
}

/** Call `see` for every comparison of a condition. */
function visitTests<C>(expr: Expr<C>, see: (test: Test<C>) => void): void {
  switch (expr.kind) {
    case 'and':
    case 'or':
      for (const item of expr.items) visitTests(item, see)
      return
    case 'not':
      visitTests(expr.item, see)
      return
    case 'test':
      see(expr)
      return
    case 'const':
      return
    default:
      expr satisfies never
  }
}

/** Does a test read a field that somebody outside has to be asked for? */
export function testNeeds<C>(test: Test<C>, needs: (enrichment: Enrichment) => boolean): boolean {
  let found = false
  visitTest(test, ({ def }) => {
    if (def.needs !== undefined && needs(def.needs)) found = true
  })
  return found
}

const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*\.?[A-Za-z0-9_-])*\.?$/

/** Names that rules compare addresses with as a whole: those must be resolved. */
export function hostNamesIn<C>(rules: readonly CompiledRule<C>[]): readonly string[] {
  const names = new Set<string>()
  for (const { condition } of rules)
    visitTests(condition, ({ left, op, right }) => {
      const whole = op === '=' || op === '!=' || op === 'in'
      if (left.kind !== 'field' || left.def.needs !== 'names' || !whole || !isLiterals(right)) return
      for (const { text } of right) if (text.length <= 253 && HOST_NAME.test(text)) names.add(text)
    })
  return [...names]
}

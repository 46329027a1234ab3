/** Which fields a compiled rule reads. */
import type { CompiledRule, Expr, FieldRef, Literal, Operand } from './ir.ts'

/** Call `see` for every field in the condition, the output and the threshold of a rule. */
export function visitFields<C>(rule: CompiledRule<C>, see: (field: FieldRef<C>) => void): void {
  visitExpr(rule.condition, see)
  for (const part of rule.format) if (part.kind === 'value') visitOperand(part.operand, see)
  const { distinct, by = [] } = rule.threshold ?? {}
  for (const field of distinct === undefined ? by : [distinct, ...by]) see(field)
}

function visitExpr<C>(expr: Expr<C>, see: (field: FieldRef<C>) => void): void {
  switch (expr.kind) {
    case 'and':
    case 'or':
      for (const item of expr.items) visitExpr(item, see)
      return
    case 'not':
      visitExpr(expr.item, see)
      return
    case 'const':
      return
    case 'test':
      visitOperand(expr.left, see)
      if (!isLiterals(expr.right)) visitOperand(expr.right, see)
      return
    default:
      expr satisfies never
  }
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

const ENVIRONMENT = new Set(['proc.env', 'proc.aenv'])

/** Does the rule look at the environment of a process? */
export function readsEnvironment<C>(rule: CompiledRule<C>): boolean {
  let reads = false
  visitFields(rule, ({ def }) => {
    if (ENVIRONMENT.has(def.name)) reads = true
  })
  return reads
}

/**
 * What a condition means, as plainly as possible: a walk over the tree, every comparison evaluated anew. The engine must
 * agree with it; property tests see to that.
 */
import type { Value } from '../fields/field.ts'
import type { Expr, Literal, Operand, Test } from '../rules/ir.ts'
import {
  listTest,
  literalTest,
  operandType,
  operandValue,
  valueListTest,
  valueTest,
} from '../rules/operators/index.ts'

/** Does the condition hold? */
export function holds<C>(expr: Expr<C>, ctx: C): boolean {
  switch (expr.kind) {
    case 'const':
      return expr.value
    case 'not':
      return !holds(expr.item, ctx)
    case 'and':
      return expr.items.every((item) => holds(item, ctx))
    case 'or':
      return expr.items.some((item) => holds(item, ctx))
    case 'test':
      return testHolds(expr, ctx)
    default:
      return expr satisfies never
  }
}

const read = <C>(operand: Operand<C>, ctx: C): Value | readonly Value[] | undefined =>
  operandValue(operand, (field) => field.extractor.get(ctx))

function testHolds<C>(test: Test<C>, ctx: C): boolean {
  const value = read(test.left, ctx)
  const { type, list } = operandType(test.left)
  if (test.op === 'exists') return value !== undefined
  let one: (left: Value) => boolean
  if (Array.isArray(test.right)) {
    const literals = test.right as readonly Literal[]
    if (list) return value !== undefined && listTest(test.op, literals, type)(value as readonly Value[])
    one = literalTest(test.op, test.modifier, literals, type)
  } else {
    const right = read(test.right as Operand<C>, ctx)
    if (right === undefined) return false
    if (list || Array.isArray(right)) {
      const asList = (v: Value | readonly Value[]): readonly Value[] => (Array.isArray(v) ? v : [v as Value])
      return value !== undefined && valueListTest(test.op)(asList(value), asList(right))
    }
    one = (left) => valueTest(test.op, type)(left, right as Value)
  }
  if (test.left.kind !== 'field' || test.left.extractor.candidates === undefined)
    return value !== undefined && one(value as Value)
  const candidates = test.left.extractor.candidates(ctx)
  if (test.op === '!=' && (test.left.extractor.negative ?? 'all') === 'all')
    return candidates.length > 0 && candidates.every(one)
  return candidates.some(one)
}

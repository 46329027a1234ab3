/** An expression of the IR as canonical text, for rules of languages that have no text of that kind. */
import { quoteText } from './condition/quoting.ts'
import type { Expr, Literal, Operand, Test } from './ir.ts'

/** Text that parses back to a condition of the same meaning. Events of the code's own making print as `evt.num`. */
export function printExpr<C>(expr: Expr<C>): string {
  switch (expr.kind) {
    case 'const':
      return expr.value ? 'evt.num > 0' : 'evt.num = 0'
    case 'not':
      return `not ${expr.item.kind === 'not' ? `(${printExpr(expr.item)})` : printExpr(expr.item)}`
    case 'and':
    case 'or':
      if (expr.items.length === 1) return printExpr(expr.items[0]!)
      return `(${expr.items.map(printExpr).join(` ${expr.kind} `)})`
    case 'test':
      return printTest(expr)
    default:
      return expr satisfies never
  }
}

const NUMERIC: ReadonlySet<string> = new Set(['<', '<=', '>', '>='])
const LISTS: ReadonlySet<string> = new Set(['in', 'intersects', 'pmatch'])

/** One comparison; equal text means an equal comparison. */
export function printTest<C>({ left, op, modifier, right }: Test<C>): string {
  const start = `${printIrOperand(left)} ${op}`
  if (op === 'exists') return start
  if (!Array.isArray(right)) {
    const operand = right as Operand<C>
    const text = printIrOperand(operand)
    return `${start} ${operand.kind === 'field' ? `val(${text})` : text}`
  }
  const texts = (right as readonly Literal[]).map(({ text }) => (NUMERIC.has(op) ? text : printText(text)))
  if (modifier !== undefined) return `${start} ${modifier} (${texts.join(', ')})`
  return LISTS.has(op) ? `${start} (${texts.join(', ')})` : `${start} ${texts[0] ?? ''}`
}

const printText = (text: string): string =>
  /^[^()"'=,\\\x00-\x20\x7f]+$/.test(text) && text.isWellFormed() && !/^(?:oneof|anyof|allof)$/.test(text)
    ? text
    : quoteText(text)

export function printIrOperand<C>(operand: Operand<C>): string {
  const { arg } = operand
  const suffix =
    arg === undefined
      ? ''
      : `[${/^[^[\]"'\\\x00-\x20\x7f]+$/.test(arg) && arg.isWellFormed() ? arg : quoteText(arg)}]`
  if (operand.kind === 'field') return operand.def.name + suffix
  const item = (value: Operand<C> | Literal): string =>
    'kind' in value
      ? printIrOperand(value)
      : typeof value.value === 'string'
        ? quoteText(value.text)
        : value.text
  const args = operand.args.map((value) =>
    Array.isArray(value)
      ? `(${(value as readonly (Operand<C> | Literal)[]).map(item).join(', ')})`
      : item(value as Operand<C> | Literal),
  )
  return `${operand.name}(${args.join(', ')})${suffix}`
}

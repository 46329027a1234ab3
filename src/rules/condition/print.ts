/** The canonical text of a condition: operators spaced, every `and`/`or` group in parentheses, quotes where needed. */
import type { Ast, CheckNode, OperandNode, RightNode, TransformArgNode, ValueNode } from './ast.ts'
import { quoteText } from './quoting.ts'

/** Text that parses to the same tree. Macros stay names. */
export function printCondition(ast: Ast): string {
  switch (ast.kind) {
    case 'and':
    case 'or': {
      let text = ''
      for (const item of ast.items) text += (text === '' ? '(' : ` ${ast.kind} `) + printCondition(item)
      return `${text})`
    }
    case 'not':
      return `not ${ast.item.kind === 'not' ? `(${printCondition(ast.item)})` : printCondition(ast.item)}`
    case 'macro':
      return ast.name
    case 'check':
      return printCheck(ast)
    default:
      return ast satisfies never
  }
}

const LIST_OPERATORS: ReadonlySet<string> = new Set(['in', 'intersects', 'pmatch'])

function printCheck(check: CheckNode): string {
  const left = `${printOperand(check.left)} ${check.op}`
  if (!check.right) return left
  // After these a lone word is the name of a list, which must not have quotes.
  if (check.right.kind === 'value' && LIST_OPERATORS.has(check.op) && check.modifier === undefined)
    return `${left} ${check.right.text}`
  return `${left} ${check.modifier ? `${check.modifier} ` : ''}${printRight(check.right)}`
}

function printRight(right: RightNode): string {
  if (right.kind === 'value') return printValue(right)
  if (right.kind === 'list') return `(${right.items.map(printValue).join(', ')})`
  return right.kind === 'field' ? `val(${printOperand(right)})` : printOperand(right)
}

/** A field with its argument, or a transformer call. */
export function printOperand(node: OperandNode): string {
  const arg = node.arg === undefined ? '' : `[${printArgument(node.arg)}]`
  return node.kind === 'field'
    ? node.name + arg
    : `${node.name}(${node.args.map(printTransformArg).join(', ')})${arg}`
}

function printTransformArg(arg: TransformArgNode): string {
  if (arg.kind === 'list') return `(${arg.items.map(printTransformArg).join(', ')})`
  if (arg.kind !== 'value') return printOperand(arg)
  return arg.form === 'number' ? arg.text : quoteText(arg.text)
}

const printArgument = (arg: string): string =>
  /^[^[\]"'\\\x00-\x20\x7f]+$/.test(arg) && arg.isWellFormed() ? arg : quoteText(arg)

const MODIFIER = /^(?:oneof|anyof|allof)$/

function printValue(value: ValueNode): string {
  const { text } = value
  if (value.form === 'number') return text
  const plain = /^[^()"'=,\\\x00-\x20\x7f]+$/.test(text) && text.isWellFormed() && !MODIFIER.test(text)
  return plain ? text : quoteText(text)
}

/**
 * The untyped tree of a condition, as written: names are not resolved, values are text. Nodes are immutable; `from` and
 * `to` are UTF-16 offsets into the parsed text. In an expanded tree, nodes of a macro carry the offsets of the place
 * where the macro is used, and `macro` names it.
 */
import type { ListModifier } from '../ir.ts'

export interface At {
  readonly from: number
  readonly to: number
  /** The macro, used at this place, that the node comes from. */
  readonly macro?: string
}

/** Operators as written: `==` is kept for printing. */
export const SPELLINGS = [
  'exists',
  '<=',
  '<',
  '>=',
  '>',
  '==',
  '=',
  '!=',
  'glob',
  'iglob',
  'contains',
  'icontains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  'regex',
  'intersects',
  'in',
  'pmatch',
] as const
export type Spelling = (typeof SPELLINGS)[number]

export const TRANSFORMERS = [
  'tolower',
  'toupper',
  'b64',
  'basename',
  'len',
  'join',
  'concat',
  'getopt',
] as const
export type TransformerName = (typeof TRANSFORMERS)[number]

export interface ValueNode extends At {
  readonly kind: 'value'
  /** Unescaped; bytes that are not UTF-8 as in `decode/str.ts`. */
  readonly text: string
  /** A `number` follows a numeric operator or stands in a transformer; it is never quoted. */
  readonly form: 'text' | 'number'
}

export interface FieldNode extends At {
  readonly kind: 'field'
  readonly name: string
  /** Between brackets, unescaped. */
  readonly arg: string | undefined
}

export interface TransformNode extends At {
  readonly kind: 'transform'
  readonly name: TransformerName
  readonly args: readonly TransformArgNode[]
  readonly arg: string | undefined
}

export type OperandNode = FieldNode | TransformNode

export interface OperandListNode extends At {
  readonly kind: 'list'
  readonly items: readonly (OperandNode | ValueNode)[]
}

export type TransformArgNode = OperandNode | ValueNode | OperandListNode

export interface ListNode extends At {
  readonly kind: 'list'
  readonly items: readonly ValueNode[]
}

/** A field on the right stands in `val()`. */
export type RightNode = ValueNode | ListNode | OperandNode

export interface CheckNode extends At {
  readonly kind: 'check'
  readonly left: OperandNode
  readonly op: Spelling
  readonly opAt: At
  readonly modifier: ListModifier | undefined
  /** Undefined for `exists` only. */
  readonly right: RightNode | undefined
}

export interface GroupNode extends At {
  readonly kind: 'and' | 'or'
  /** At least two. */
  readonly items: readonly Ast[]
}

export interface NotNode extends At {
  readonly kind: 'not'
  readonly item: Ast
}

export interface MacroNode extends At {
  readonly kind: 'macro'
  readonly name: string
}

export type Ast = GroupNode | NotNode | MacroNode | CheckNode

/** Call `see` for every operand (fields and transformers, also nested ones) in order of appearance. */
export function visitOperands(ast: Ast, see: (node: OperandNode) => void): void {
  switch (ast.kind) {
    case 'and':
    case 'or':
      for (const item of ast.items) visitOperands(item, see)
      return
    case 'not':
      visitOperands(ast.item, see)
      return
    case 'macro':
      return
    case 'check':
      visitOperand(ast.left, see)
      if (ast.right) visitOperand(ast.right, see)
      return
    default:
      ast satisfies never
  }
}

function visitOperand(node: RightNode | TransformArgNode, see: (node: OperandNode) => void): void {
  if (node.kind === 'value') return
  if (node.kind !== 'list') see(node)
  const inner = node.kind === 'list' ? node.items : node.kind === 'transform' ? node.args : []
  for (const item of inner) visitOperand(item, see)
}

/** Names of the macros a tree refers to directly. */
export function macrosOf(ast: Ast, into = new Set<string>()): Set<string> {
  if (ast.kind === 'macro') into.add(ast.name)
  else if (ast.kind === 'not') macrosOf(ast.item, into)
  else if (ast.kind !== 'check') for (const item of ast.items) macrosOf(item, into)
  return into
}

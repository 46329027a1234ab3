/** From the untyped tree to the IR: fields bound, operators checked against types, literals parsed. */
import { Str } from '../../decode/str.ts'
import type { FieldDef, FieldSet } from '../../fields/field.ts'
import type { Span, WarningCode } from '../diagnostics.ts'
import type { Expr, Literal, Operand, Operator, Test } from '../ir.ts'
import { literalTest } from '../operators/index.ts'
import { simplerThanRegex } from '../operators/regex.ts'
import {
  type Ast,
  type At,
  type CheckNode,
  type FieldNode,
  type OperandNode,
  TRANSFORMERS,
  type ValueNode,
} from './ast.ts'
import { ConditionError } from './error.ts'
import { parseLiteral } from './literals.ts'
import { comparisonProblem, compileOperand, EVENT_TYPE_FIELDS, type OperandEnv, typeOf } from './operands.ts'
import { printOperand } from './print.ts'
import { didYouMean } from './suggest.ts'
import { comparable, isText, type OperatorType, operatorsOf } from './types.ts'

export interface CompileEnv<C> {
  readonly fields: FieldSet<C>
  /** Name of the source, for messages. */
  readonly source: string
  /** Names that `evt.type` may be compared with. */
  readonly eventNames: ReadonlySet<string>
  /** Those of them that events really have; absent means all. The others are warned about. */
  readonly producedEvents?: ReadonlySet<string>
  /** Other names of events, with the name that events have. */
  readonly eventAliases?: ReadonlyMap<string, string>
  /** The place of a piece of the parsed text. */
  readonly spanOf: (from: number, to: number) => Span
}

export interface ConditionWarning extends At {
  readonly code: WarningCode
  readonly message: string
  readonly hint?: string
}

/** The expression of a tree whose macros are expanded. Throws ConditionError for the first thing that is wrong. */
export function compileCondition<C>(
  ast: Ast,
  env: CompileEnv<C>,
): { expr: Expr<C>; warnings: readonly ConditionWarning[] } {
  const compiler = new Compiler(env)
  const expr = compiler.expr(ast)
  return { expr, warnings: compiler.warnings }
}

class Compiler<C> {
  readonly #env: CompileEnv<C>
  readonly #operands: OperandEnv<C>
  readonly #deprecated = new Set<string>()
  readonly #neverProduced = new Set<string>()
  readonly warnings: ConditionWarning[] = []

  constructor(env: CompileEnv<C>) {
    this.#env = env
    this.#operands = {
      fields: env.fields,
      source: env.source,
      spanOf: env.spanOf,
      onField: (def, node) => this.#noteDeprecated(def, node),
    }
  }

  expr(ast: Ast): Expr<C> {
    switch (ast.kind) {
      case 'and':
      case 'or': {
        const items: Expr<C>[] = []
        for (const item of ast.items) items.push(this.expr(item))
        return { kind: ast.kind, items }
      }
      case 'not':
        return { kind: 'not', item: this.expr(ast.item) }
      case 'macro':
        throw new ConditionError('macro', `Undefined macro '${ast.name}' used in filter.`, ast)
      case 'check':
        return ast.left.kind === 'field' && ast.left.name === 'evt.dir'
          ? this.#direction(ast)
          : this.#test(ast)
      default:
        return ast satisfies never
    }
  }

  #test(check: CheckNode): Test<C> {
    const left = inOrder(compileOperand(check.left, this.#operands), check.op)
    const { type, list } = typeOf(left)
    const op = checkOperator(check, type, list)
    const right = check.right
    const span = this.#env.spanOf(check.from, check.to)
    const base = { kind: 'test', left, op, modifier: check.modifier, span } as const
    if (right === undefined) return { ...base, right: [] }
    if (right.kind === 'field' || right.kind === 'transform')
      return { ...base, right: this.#rightOperand(check, right, op, type, list) }
    const nodes = right.kind === 'list' ? right.items : [right]
    const literals: Literal[] = []
    for (const node of nodes) {
      literals.push(parseLiteral(node, op, type))
      if (isText(type)) this.#warnAboutText(check, op, node)
    }
    if (!isEventType(left)) return { ...base, right: literals }
    this.#checkEventNames(op, nodes)
    this.#warnAboutEvents(check, op, nodes)
    return { ...base, right: literals.map((literal) => this.#canonicalEvent(op, literal)) }
  }

  #rightOperand(
    check: CheckNode,
    node: OperandNode,
    op: Operator,
    type: OperatorType,
    list: boolean,
  ): Operand<C> {
    const operand = compileOperand(node, this.#operands)
    const fail = (message: string, hint?: string): never => {
      throw new ConditionError('type', message, node, hint)
    }
    const eventField = [check.left, node].find((n) => n.kind === 'field' && EVENT_TYPE_FIELDS.has(n.name))
    if (eventField) fail(`field '${printOperand(eventField)}' compares with names of event types only`)
    for (const side of [check.left, node]) {
      const problem = comparisonProblem(side)
      if (problem !== undefined) throw new ConditionError('type', problem, side)
    }
    if (op === 'pmatch' || op === 'regex' || op === 'bcontains' || op === 'bstartswith')
      fail(`operator '${op}' takes literals only`)
    const other = typeOf(operand)
    if (other.list !== list || !comparable(type, other.type))
      fail(
        `'${printOperand(node)}' of type '${typeName(other.type, other.list)}' cannot be compared with ` +
          `'${printOperand(check.left)}' of type '${typeName(type, list)}'`,
      )
    return operand
  }

  #checkEventNames(op: Operator, nodes: readonly ValueNode[]): void {
    if (!NAME_OPERATORS.has(op)) return
    for (const node of nodes)
      if (!this.#env.eventNames.has(node.text)) {
        const hint = didYouMean(node.text, this.#env.eventNames)
        throw new ConditionError('unknown-event', `unknown event type ${node.text}`, node, hint)
      }
  }

  #canonicalEvent(op: Operator, literal: Literal): Literal {
    const value = NAME_OPERATORS.has(op) ? this.#env.eventAliases?.get(literal.text) : undefined
    return value === undefined ? literal : { ...literal, value }
  }

  /** A rule about what nobody reports is a good rule that has to wait. Once for each name of a condition. */
  #warnAboutEvents(check: CheckNode, op: Operator, nodes: readonly ValueNode[]): void {
    const produced = this.#env.producedEvents
    if (produced === undefined || !NAME_OPERATORS.has(op)) return
    const names = nodes
      .map((node) => node.text)
      .filter(
        (name) => !produced.has(this.#env.eventAliases?.get(name) ?? name) && !this.#neverProduced.has(name),
      )
    if (names.length === 0) return
    for (const name of names) this.#neverProduced.add(name)
    this.#warn(
      'LOAD_COMPILE_CONDITION',
      `no event of type ${names.map((name) => `'${name}'`).join(', ')} is produced by source '${this.#env.source}' yet`,
      check,
      "'tarsier events' lists those that are",
    )
  }

  /** Events are seen when calls return, so that the direction is always `<`. Older rules still ask for it. */
  #direction(check: CheckNode): Expr<C> {
    const at = check.left
    if (check.left.kind === 'field' && check.left.arg !== undefined)
      throw new ConditionError('type', `field 'evt.dir' takes no argument`, at)
    const op = checkOperator(check, 'string', false)
    const { right } = check
    if (right?.kind === 'field' || right?.kind === 'transform')
      throw new ConditionError('type', `field 'evt.dir' compares with '<' and '>' only`, at)
    this.#deprecate('evt.dir', at, `field 'evt.dir' is deprecated: it is always '<'`)
    const nodes = right === undefined ? [] : right.kind === 'list' ? right.items : [right]
    const literals = nodes.map((node) => parseLiteral(node, op, 'string'))
    return { kind: 'const', value: literalTest(op, check.modifier, literals, 'string')(new Str('<')) }
  }

  #noteDeprecated(def: FieldDef<C>, node: FieldNode): void {
    if (def.deprecated !== undefined)
      this.#deprecate(def.name, node, `field '${def.name}' is deprecated: ${def.deprecated}`)
  }

  /** Once for each field of a condition. */
  #deprecate(name: string, at: At, message: string): void {
    if (this.#deprecated.has(name)) return
    this.#deprecated.add(name)
    this.#warn('LOAD_DEPRECATED_ITEM', message, at)
  }

  #warnAboutText(check: CheckNode, op: Operator, node: ValueNode): void {
    const { text } = node
    const name = check.left.kind === 'field' ? check.left.name : ''
    if (text === '<NA>' && /^(?:ka|jevt)\./.test(name) && NA_OPERATORS.has(op))
      this.#warn(
        'LOAD_UNSAFE_NA_CHECK',
        `'${name}' is compared with the text '<NA>'`,
        node,
        `write '${name} exists'`,
      )
    if (op === 'regex') {
      const simpler = simplerThanRegex(text)
      if (simpler)
        this.#warn(
          'LOAD_COMPILE_CONDITION',
          `regular expression '${text}' does the work of a simpler operator`,
          node,
          `write '${simpler.op} ${simpler.text}'`,
        )
      return
    }
    const what = this.#looksLike(text)
    if (what)
      this.#warn(
        'LOAD_COMPILE_CONDITION',
        `'${text}' looks like a ${what} and is compared as plain text`,
        node,
        what === 'field'
          ? `write 'val(${text})' to compare with the field`
          : 'write it without quotes to call it',
      )
  }

  #looksLike(text: string): 'field' | 'transformer' | undefined {
    if (text.length > 256) return undefined
    const name = /^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+(?=\[|$)/.exec(text)?.[0]
    if (name !== undefined && this.#env.fields.has(name)) return 'field'
    const call = /^([a-z0-9]+)\(.*\)$/.exec(text)?.[1]
    return call === 'val' || TRANSFORMERS.some((transformer) => transformer === call)
      ? 'transformer'
      : undefined
  }

  #warn(code: WarningCode, message: string, at: At, hint?: string): void {
    this.warnings.push({ code, message, from: at.from, to: at.to, ...(hint === undefined ? {} : { hint }) })
  }
}

/** Operators whose values are whole names of event types. */
const NAME_OPERATORS: ReadonlySet<Operator> = new Set<Operator>(['=', '!=', 'in', 'intersects'])

const NA_OPERATORS: ReadonlySet<Operator> = new Set<Operator>(['=', '!=', 'in', 'intersects', 'pmatch'])

const isEventType = <C>(operand: Operand<C>): boolean =>
  operand.kind === 'field' && EVENT_TYPE_FIELDS.has(operand.def.name)

const typeName = (type: OperatorType, list: boolean): string => (list ? `list of ${type}` : type)

/** The operator as the IR spells it. Throws ConditionError when the type does not have it. */
const ORDERS: ReadonlySet<string> = new Set(['<', '<=', '>', '>='])

/** A field whose numbers are kept as text is a number where it is more or less than another. */
function inOrder<C>(left: Operand<C>, op: string): Operand<C> {
  if (left.kind !== 'field' || left.def.inOrder === undefined || !ORDERS.has(op)) return left
  const def = left.def.inOrder
  return { ...left, def, extractor: def.bind(left.arg) }
}

function checkOperator(check: CheckNode, type: OperatorType, list: boolean): Operator {
  const op: Operator = check.op === '==' ? '=' : check.op
  const allowed = operatorsOf(type, list)
  const at = check.opAt
  const left = printOperand(check.left)
  if (!allowed.includes(op))
    throw new ConditionError(
      'type',
      `operator '${check.op}' does not apply to '${left}' of type '${typeName(type, list)}'`,
      at,
      `its operators are ${allowed.join(', ')}`,
    )
  if (check.modifier !== undefined && !isText(type))
    throw new ConditionError(
      'type',
      `'${check.modifier}' does not apply to '${left}' of type '${typeName(type, list)}'`,
      at,
      'oneof, anyof and allof go with string operators',
    )
  return op
}

/** Fields and transformer calls: names resolved, arguments bound, types checked. */
import { FieldArgumentError, type FieldDef, type FieldSet } from '../../fields/field.ts'
import { unservedReason } from '../../fields/unserved.ts'
import type { Span } from '../diagnostics.ts'
import type { FieldRef, Literal, Operand, Transform } from '../ir.ts'
import { operandType } from '../operators/transformers.ts'
import type { FieldNode, OperandNode, TransformArgNode, TransformNode, ValueNode } from './ast.ts'
import { ConditionError } from './error.ts'
import { printOperand } from './print.ts'
import { didYouMean } from './suggest.ts'
import { isText, type OperatorType, operatorTypeOf } from './types.ts'

export interface OperandEnv<C> {
  readonly fields: FieldSet<C>
  /** Name of the source, for messages. */
  readonly source: string
  /** The place of a piece of the parsed text. */
  readonly spanOf: (from: number, to: number) => Span
  /** Called for every field that is bound. */
  readonly onField?: (def: FieldDef<C>, node: FieldNode) => void
}

/** Fields whose values are event types: the compiler must see what they are compared with. */
export const EVENT_TYPE_FIELDS: ReadonlySet<string> = new Set(['evt.type', 'syscall.type'])

/**
 * Fields that stand for several values at once (either end of a connection, any ancestor): compared with another field or
 * transformed they would mean too many things, so Falco refuses that, with an index too.
 */
const SEVERAL_VALUES: ReadonlySet<string> = new Set([
  ...[
    'evt.around',
    'evt.rawarg',
    'fd.ip',
    'fd.port',
    'fd.proto',
    'fd.net',
    'fd.cnet',
    'fd.snet',
    'fd.lnet',
    'fd.rnet',
  ],
  ...['fd.cip.name', 'fd.sip.name', 'fd.lip.name', 'fd.rip.name'],
  ...['proc.aname', 'proc.apid', 'proc.aexe', 'proc.aexepath', 'proc.acmdline', 'proc.aenv'],
])

/** Why an operand cannot be compared with another one; undefined when it can. */
export const comparisonProblem = (node: OperandNode): string | undefined =>
  node.kind === 'field' && (SEVERAL_VALUES.has(node.name) || node.name === 'fd.types')
    ? `field '${node.name}' compares with literals only`
    : undefined

/** Bind a field or transformer call. Throws ConditionError. */
export function compileOperand<C>(node: OperandNode, env: OperandEnv<C>): Operand<C> {
  return node.kind === 'field' ? compileField(node, env) : compileTransform(node, env)
}

/** The type that decides an operand's operators. */
export function typeOf<C>(operand: Operand<C>): { type: OperatorType; list: boolean } {
  if (operand.kind === 'field') return { type: operatorTypeOf(operand.def), list: operand.def.list === true }
  return operandType(operand)
}

function compileField<C>(node: FieldNode, env: OperandEnv<C>): FieldRef<C> {
  const found = resolveField(node, env)
  if (!found) throw unknownField(node, env)
  const { def, arg } = found
  checkArgument(node, def, arg)
  env.onField?.(def, node)
  try {
    return { kind: 'field', def, arg, extractor: def.bind(arg), span: env.spanOf(node.from, node.to) }
  } catch (error) {
    if (error instanceof FieldArgumentError) throw new ConditionError('type', error.message, node)
    throw error
  }
}

/** The definition by its full name, else with the last parts of the name as argument: `evt.arg.path`. */
function resolveField<C>(
  node: FieldNode,
  env: OperandEnv<C>,
): { def: FieldDef<C>; arg: string | undefined } | undefined {
  const def = env.fields.get(node.name)
  if (def) return { def, arg: node.arg }
  if (node.arg !== undefined) return undefined
  for (let dot = node.name.lastIndexOf('.'); dot > 0; dot = node.name.lastIndexOf('.', dot - 1)) {
    const prefix = env.fields.get(node.name.slice(0, dot))
    if (prefix?.arg?.form === 'key') return { def: prefix, arg: node.name.slice(dot + 1) }
  }
  return undefined
}

function unknownField<C>(node: FieldNode, env: OperandEnv<C>): ConditionError {
  const reason = unservedReason(node.name, env.source)
  if (reason !== undefined)
    return new ConditionError(
      'unknown-field',
      `field '${node.name}' of Falco is not served by source '${env.source}': ${reason}`,
      node,
    )
  const message = `unknown field '${node.name}' for source '${env.source}'`
  return new ConditionError('unknown-field', message, node, didYouMean(node.name, env.fields.keys()))
}

function checkArgument<C>(node: FieldNode, def: FieldDef<C>, arg: string | undefined): void {
  const fail = (message: string, hint?: string): never => {
    throw new ConditionError('type', message, node, hint)
  }
  if (!def.arg) {
    if (arg !== undefined) fail(`field '${def.name}' takes no argument`)
    return
  }
  if (arg === undefined) {
    if (def.arg.required) fail(`field '${def.name}' needs an argument`, `${def.name}[...]: ${def.arg.doc}`)
    return
  }
  if (def.arg.form === 'index' && !/^[0-9]{1,9}$/.test(arg))
    fail(`argument '${arg}' of field '${def.name}' is not an index`, `${def.name}[0]: ${def.arg.doc}`)
}

function compileTransform<C>(node: TransformNode, env: OperandEnv<C>): Transform<C> {
  const args: Transform<C>['args'][number][] = []
  for (const arg of node.args) args.push(compileArg(arg, env))
  const transform: Transform<C> = {
    kind: 'transform',
    name: node.name,
    args,
    arg: node.arg,
    span: env.spanOf(node.from, node.to),
  }
  checkTransform(node, transform)
  return transform
}

function compileArg<C>(node: TransformArgNode, env: OperandEnv<C>): Transform<C>['args'][number] {
  return node.kind === 'list' ? node.items.map((item) => compileItem(item, env)) : compileItem(node, env)
}

function compileItem<C>(node: OperandNode | ValueNode, env: OperandEnv<C>): Operand<C> | Literal {
  if (node.kind === 'value') return { text: node.text, value: node.text }
  if (node.kind === 'field' && (EVENT_TYPE_FIELDS.has(node.name) || SEVERAL_VALUES.has(node.name)))
    throw new ConditionError('type', `field '${node.name}' cannot be transformed`, node)
  return compileOperand(node, env)
}

type Shape = 'text' | 'texts' | 'other'

/** Text, a list of text, or something else. */
function shapeOf<C>(arg: Transform<C>['args'][number]): Shape {
  if (Array.isArray(arg))
    return (arg as readonly (Operand<C> | Literal)[]).every((item) => shapeOf(item) === 'text')
      ? 'texts'
      : 'other'
  if (!('kind' in arg)) return 'text'
  const { type, list } = typeOf(arg as Operand<C>)
  return !isText(type) ? 'other' : list ? 'texts' : 'text'
}

function checkTransform<C>(node: TransformNode, transform: Transform<C>): void {
  const shapes = transform.args.map(shapeOf)
  const fail = (message: string): never => {
    throw new ConditionError('type', `transformer '${node.name}' ${message}`, node)
  }
  if (node.arg !== undefined && node.name !== 'getopt') fail('takes no argument in brackets')
  switch (node.name) {
    case 'tolower':
    case 'toupper':
    case 'basename':
    case 'b64':
      if (shapes.length !== 1 || shapes[0] === 'other' || node.args[0]?.kind === 'list')
        fail(`takes one string or list of strings, not ${shown(node)}`)
      return
    case 'len': {
      const operand = transform.args[0]
      const isListOperand = operand && 'kind' in operand && typeOf(operand).list
      if (shapes.length !== 1 || (shapes[0] === 'other' && !isListOperand))
        fail(`takes one string or list, not ${shown(node)}`)
      return
    }
    case 'join':
      if (shapes.length !== 2 || shapes[0] !== 'text' || shapes[1] !== 'texts')
        fail(`takes a separator and a list of strings, not ${shown(node)}`)
      return
    case 'concat':
      if (shapes.length < 2 || shapes.some((shape) => shape !== 'text'))
        fail(`takes two or more strings, not ${shown(node)}`)
      return
    case 'getopt':
      if (shapes.length !== 2 || shapes[0] !== 'texts' || node.args[1]?.kind !== 'value')
        fail(`takes a list of strings and the text of the options, not ${shown(node)}`)
      if (node.arg !== undefined && node.arg.length !== 1)
        fail(`selects one option character, not '${node.arg}'`)
      return
    default:
      node.name satisfies never
  }
}

const shown = (node: TransformNode): string => {
  const text = printOperand(node)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

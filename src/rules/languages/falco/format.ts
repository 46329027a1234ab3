/**
 * Output formats: `%field`, `%field[arg]` and `%transformer(...)`, each with an optional width (`%10proc.name` pads or
 * cuts to 10 bytes). There is no escape for a percent sign. Of what follows it the longest valid expression is taken, and
 * the rest is text.
 */
import type { FieldNode, OperandNode } from '../../condition/ast.ts'
import type { ConditionWarning } from '../../condition/compile.ts'
import { ConditionError } from '../../condition/error.ts'
import { compileOperand, type OperandEnv } from '../../condition/operands.ts'
import { parseOperandPrefix } from '../../condition/parser.ts'
import type { FormatPart, Operand } from '../../ir.ts'

/** Widest a value may be padded to, in bytes. */
const MAX_WIDTH = 4096
/** Longest a format may be, in characters; the longest of the official rules has 535. */
const MAX_FORMAT = 1 << 16

/** A summary of the container in older files; today's name its fields one by one. */
const CONTAINER_INFO = { name: 'container.info', format: '%container.name (id=%container.id)' } as const

type FormatEnv<C> = Pick<OperandEnv<C>, 'fields' | 'source' | 'spanOf'>

export interface CompiledFormat<C> {
  readonly parts: readonly FormatPart<C>[]
  readonly warnings: readonly ConditionWarning[]
}

/** Compile a format. Throws ConditionError with offsets into `text`. */
export function compileFormat<C>(text: string, env: FormatEnv<C>): CompiledFormat<C> {
  if (text.length > MAX_FORMAT)
    throw new ConditionError('value', `the output has more than ${MAX_FORMAT} characters`, {
      from: 0,
      to: text.length,
    })
  const parts: FormatPart<C>[] = []
  const warnings: ConditionWarning[] = []
  // "Print even when values are missing", which is always done.
  let at = text.startsWith('*') ? 1 : 0
  for (;;) {
    const percent = text.indexOf('%', at)
    const plain = text.slice(at, percent < 0 ? text.length : percent)
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    if (percent < 0) return { parts, warnings }
    const { from, width } = widthAt(text, percent)
    const summary = containerInfoAt(text, from, env)
    if (summary !== undefined) {
      parts.push(...summary.parts)
      warnings.push(summary.warning)
      at = summary.end
      continue
    }
    const { operand, end } = operandAt(text, percent, from, env, warnings)
    parts.push({ kind: 'value', key: text.slice(from, end), operand, width })
    at = end
  }
}

/** Where the expression starts, behind the digits of a width. */
function widthAt(
  text: string,
  percent: number,
): { readonly from: number; readonly width: number | undefined } {
  let from = percent + 1
  while (isDigit(text.charCodeAt(from))) from++
  const digits = text.slice(percent + 1, from)
  if (from === text.length)
    throw new ConditionError(
      'syntax',
      `output ends with '%${digits}', a field name is missing`,
      { from: percent, to: from },
      'a plain percent sign cannot be written',
    )
  const width = Number(digits)
  // No digits, or a width of 0: as wide as the value is.
  if (width === 0) return { from, width: undefined }
  if (width <= MAX_WIDTH) return { from, width }
  throw new ConditionError('value', `width ${digits} is more than ${MAX_WIDTH}`, { from: percent, to: from })
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** `%container.info` prints what it always did: name and id. Sources without containers print nothing for it. */
function containerInfoAt<C>(text: string, from: number, env: FormatEnv<C>) {
  const { name, format } = CONTAINER_INFO
  const end = from + name.length
  if (!text.startsWith(name, from) || /[\w[]/.test(text[end] ?? '') || env.fields.has(name)) return undefined
  const inner = { ...env, spanOf: () => env.spanOf(from - 1, end) }
  const known = env.fields.has('container.name') && env.fields.has('container.id')
  const warning: ConditionWarning = {
    code: 'LOAD_DEPRECATED_ITEM',
    message: `'%${name}' is deprecated; it prints ${known ? `'${format}'` : 'nothing'}`,
    from: from - 1,
    to: end,
    hint: 'name the fields wanted, such as %container.id and %container.name',
  }
  return { parts: known ? compileFormat(format, inner).parts : [], warning, end }
}

/** The expression at `from`. */
function operandAt<C>(
  text: string,
  percent: number,
  from: number,
  env: FormatEnv<C>,
  warnings: ConditionWarning[],
): { readonly operand: Operand<C>; readonly end: number } {
  const found = parseOperandPrefix(text, from)
  if (!found) throw notAnExpression(text, percent, from)
  let first: ConditionError | undefined
  for (let node: OperandNode | undefined = found.node; node; node = shorter(node)) {
    const notes: ConditionWarning[] = []
    try {
      const operand = compileOperand(node, {
        ...env,
        onField: (def, field) => notes.push(...notesOn(def, field)),
      })
      warnings.push(...notes)
      return { operand, end: node.to }
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error
      first ??= error
    }
  }
  throw first
}

/** A field without the last part of its name: in `%fd.name.` or `%fd.name.txt` the rest is text. */
function shorter(node: OperandNode): FieldNode | undefined {
  if (node.kind !== 'field' || node.arg !== undefined) return undefined
  const dot = node.name.lastIndexOf('.')
  const name = node.name.slice(0, dot)
  return name.includes('.') ? { ...node, name, to: node.from + dot } : undefined
}

function notesOn(
  def: { readonly name: string; readonly filterOnly?: boolean; readonly deprecated?: string },
  node: FieldNode,
): readonly ConditionWarning[] {
  if (def.filterOnly) throw new ConditionError('type', `field '${def.name}' cannot be printed`, node)
  if (def.deprecated === undefined) return []
  const message = `field '${def.name}' is deprecated: ${def.deprecated}`
  return [{ code: 'LOAD_DEPRECATED_ITEM', message, from: node.from, to: node.to }]
}

function notAnExpression(text: string, percent: number, from: number): ConditionError {
  const word = /^[^\s%]*/.exec(text.slice(from, from + 60))![0]
  const end = from + word.length
  return new ConditionError(
    'unknown-field',
    `'${text.slice(percent, end)}' is not a field`,
    { from: percent, to: end },
    word === ''
      ? 'a plain percent sign cannot be written'
      : "fields have a dot in their name, as '%proc.name'",
  )
}

/**
 * Transformers: functions over field values. Absent in, absent out. What they compute is new text, made when a rule asks
 * for it; the engine decides what to remember.
 */
import { decodeBytes, encodeText, Str } from '../../decode/str.ts'
import type { Value, ValueType } from '../../fields/field.ts'
import type { FieldRef, Literal, Operand, Transform } from '../ir.ts'
import { getopt } from './getopt.ts'
import { asciiLower, asciiUpper } from './text.ts'

export interface OperandType {
  readonly type: ValueType
  /** The value is a list of `type`. */
  readonly list: boolean
}

/** Type of what an operand yields. The transform has been checked by the compiler. */
export function operandType<C>(operand: Operand<C>): OperandType {
  if (operand.kind === 'field') return { type: operand.def.type, list: operand.def.list === true }
  switch (operand.name) {
    case 'len':
      return { type: 'uint', list: false }
    case 'getopt':
      return { type: 'string', list: operand.arg === undefined }
    case 'tolower':
    case 'toupper':
    case 'basename':
    case 'b64': {
      const inner = operand.args[0]!
      return { type: 'string', list: 'kind' in inner && operandType(inner).list }
    }
    default:
      return { type: 'string', list: false }
  }
}

export type OperandReader<C> = (operand: Operand<C>) => Value | readonly Value[] | undefined

/** Value of an operand; `readField` gives the values of fields. */
export function operandValue<C>(
  operand: Operand<C>,
  readField: (field: FieldRef<C>) => Value | readonly Value[] | undefined,
): Value | readonly Value[] | undefined {
  if (operand.kind === 'field') return readField(operand)
  return applyTransform(operand, (inner) => operandValue(inner, readField))
}

/**
 * Value of a transformer call. `read` gives the values of its arguments, nested calls included.
 * Undefined when an argument is absent or the transformer does not apply to it (base64 that is none).
 */
export function applyTransform<C>(
  transform: Transform<C>,
  read: OperandReader<C>,
): Value | readonly Value[] | undefined {
  const { name, args } = transform
  switch (name) {
    case 'tolower':
      return eachText(first(args, read), (str) => new Str(asciiLower(str.text)))
    case 'toupper':
      return eachText(first(args, read), (str) => new Str(asciiUpper(str.text)))
    case 'basename':
      return eachText(first(args, read), (str) => str.base)
    case 'b64':
      return eachText(first(args, read), (str) => decodeBase64(str.text))
    case 'len':
      return lengthOf(first(args, read))
    case 'concat':
      return joinTexts(
        '',
        args.map((arg) => argValue(arg, read)),
      )
    case 'join':
      return join(args, read)
    case 'getopt':
      return options(transform, read)
    default:
      throw new RangeError(`unknown transformer '${name}'`)
  }
}

type Arg<C> = Transform<C>['args'][number]

function first<C>(args: readonly Arg<C>[], read: OperandReader<C>): Value | readonly Value[] | undefined {
  return args[0] === undefined ? undefined : argValue(args[0], read)
}

function argValue<C>(arg: Arg<C>, read: OperandReader<C>): Value | readonly Value[] | undefined {
  if (isListArg(arg)) {
    const values: Value[] = []
    for (const item of arg) {
      const value = argValue(item, read)
      if (value === undefined || isList(value)) return undefined
      values.push(value)
    }
    return values
  }
  return 'kind' in arg ? read(arg) : new Str(arg.text)
}

const isListArg = <C>(arg: Arg<C>): arg is readonly (Operand<C> | Literal)[] => Array.isArray(arg)
const isList = (value: Value | readonly Value[] | undefined): value is readonly Value[] =>
  Array.isArray(value)

function eachText(
  value: Value | readonly Value[] | undefined,
  make: (str: Str) => Str | undefined,
): Value | readonly Value[] | undefined {
  if (!isList(value)) return value instanceof Str ? make(value) : undefined
  const made: Value[] = []
  for (const item of value) {
    const one = item instanceof Str ? make(item) : undefined
    if (one === undefined) return undefined
    made.push(one)
  }
  return made
}

/** RFC 4648 base64, padded or not. */
function decodeBase64(text: string): Str | undefined {
  const body = text.replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9+/]*$/.test(body) || body.length % 4 === 1) return undefined
  if (body.length !== text.length && text.length % 4 !== 0) return undefined
  return new Str(decodeBytes(Buffer.from(body, 'base64')))
}

/** Bytes of a string, elements of a list. */
function lengthOf(value: Value | readonly Value[] | undefined): number | undefined {
  if (isList(value)) return value.length
  return value instanceof Str ? encodeText(value.text).length : undefined
}

function join<C>(args: readonly Arg<C>[], read: OperandReader<C>): Str | undefined {
  const separator = first(args, read)
  const list = args[1] === undefined ? undefined : argValue(args[1], read)
  if (!(separator instanceof Str) || list === undefined) return undefined
  return joinTexts(separator.text, isList(list) ? list : [list])
}

/** Bytes at the seams may form characters: text with broken ones is joined as bytes. */
function joinTexts(
  separator: string,
  values: readonly (Value | readonly Value[] | undefined)[],
): Str | undefined {
  const texts: string[] = []
  for (const value of values) {
    if (!(value instanceof Str)) return undefined
    texts.push(value.text)
  }
  const text = texts.join(separator)
  return new Str(text.isWellFormed() ? text : decodeBytes(encodeText(text)))
}

function options<C>(transform: Transform<C>, read: OperandReader<C>): Value | readonly Value[] | undefined {
  const { args, arg } = transform
  const list = first(args, read)
  const spec = args[1] === undefined ? undefined : argValue(args[1], read)
  if (!isList(list) || !(spec instanceof Str)) return undefined
  const words: string[] = []
  for (const value of list) {
    if (!(value instanceof Str)) return undefined
    words.push(value.text)
  }
  const found = getopt(words, spec.text)
  if (arg === undefined) return found.flatMap(({ option, value }) => [new Str(option), new Str(value)])
  const last = found.findLast(({ option }) => option === arg)
  return last && new Str(last.value)
}

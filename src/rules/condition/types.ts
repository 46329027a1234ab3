/** Which operators apply to which types. */
import type { FieldDef, ValueType } from '../../fields/field.ts'
import type { Operator } from '../ir.ts'

/** The type that decides which operators a value has. */
export type OperatorType = ValueType

export const operatorTypeOf = (def: Pick<FieldDef, 'type'>): OperatorType => def.type

const MEMBERSHIP: readonly Operator[] = ['in', 'intersects', 'exists']
const EQUALITY: readonly Operator[] = ['=', '!=', ...MEMBERSHIP]
const ORDER: readonly Operator[] = ['=', '!=', '<', '<=', '>', '>=', ...MEMBERSHIP]
const TEXT: readonly Operator[] = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'contains',
  'icontains',
  'startswith',
  'endswith',
  'glob',
  'iglob',
  'regex',
  'pmatch',
  ...MEMBERSHIP,
]
const BUFFER: readonly Operator[] = [
  '=',
  '!=',
  'contains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  ...MEMBERSHIP,
]

/** Operators of a type, in the order of the documentation. */
export function operatorsOf(type: OperatorType, list: boolean): readonly Operator[] {
  if (list) return MEMBERSHIP
  switch (type) {
    case 'string':
    case 'path':
      return TEXT
    case 'buffer':
      return BUFFER
    case 'int':
    case 'uint':
    case 'double':
    case 'port':
    case 'time':
    case 'duration':
      return ORDER
    case 'bool':
    case 'ip':
    case 'net':
      return EQUALITY
    default:
      return type satisfies never
  }
}

export const isText = (type: OperatorType): boolean =>
  type === 'string' || type === 'path' || type === 'buffer'

/** May values of the two types be compared with each other? Widths of numbers and kinds of text do not matter. */
export function comparable(a: OperatorType, b: OperatorType): boolean {
  const family = (type: OperatorType): string =>
    isText(type) ? 'text' : type === 'int' || type === 'uint' || type === 'port' ? 'integer' : type
  return family(a) === family(b)
}

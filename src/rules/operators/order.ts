/** `<`, `<=`, `>`, `>=` against a literal. */
import type { Str } from '../../decode/str.ts'
import type { Value, ValueType } from '../../fields/field.ts'
import { compareText } from './text.ts'

type Order = '<' | '<=' | '>' | '>='

/** Strings compare by their bytes, everything else as numbers. `text`: the literal. */
export function orderTest(op: Order, text: string, type: ValueType): (value: Value) => boolean {
  switch (type) {
    case 'string':
    case 'path':
      return bySign(op, (value) => compareText((value as Str).text, text))
    case 'time':
    case 'duration':
      return numberTest(op, BigInt(text))
    case 'int':
    case 'uint':
    case 'double':
    case 'port':
      return numberTest(op, Number(text))
    case 'buffer':
    case 'bool':
    case 'ip':
    case 'net':
      throw new RangeError(`operator '${op}' does not apply to type '${type}'`)
    default:
      return type satisfies never
  }
}

function numberTest(op: Order, limit: number | bigint): (value: Value) => boolean {
  switch (op) {
    case '<':
      return (value) => (value as number | bigint) < limit
    case '<=':
      return (value) => (value as number | bigint) <= limit
    case '>':
      return (value) => (value as number | bigint) > limit
    case '>=':
      return (value) => (value as number | bigint) >= limit
    default:
      return op satisfies never
  }
}

function bySign(op: Order, compare: (value: Value) => number): (value: Value) => boolean {
  switch (op) {
    case '<':
      return (value) => compare(value) < 0
    case '<=':
      return (value) => compare(value) <= 0
    case '>':
      return (value) => compare(value) > 0
    case '>=':
      return (value) => compare(value) >= 0
    default:
      return op satisfies never
  }
}

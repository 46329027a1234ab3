/**
 * Operators as pure tests of values. A test is built once for each comparison and called for each value: it allocates
 * nothing. Absent values never get here (every operator is false for them, see detect/).
 */
import { Str } from '../../decode/str.ts'
import type { Value, ValueType } from '../../fields/field.ts'
import { Ip, type IpNet, netContains } from '../../fields/ip.ts'
import type { ListModifier, Literal, Operator } from '../ir.ts'
import { bytesTest } from './bytes.ts'
import { globTest } from './glob.ts'
import { orderTest } from './order.ts'
import { pathPrefixTest } from './pmatch.ts'
import { regexTest } from './regex.ts'
import { compareText, containsFolded } from './text.ts'

export { applyTransform, operandType, operandValue } from './transformers.ts'

export type ValueTest = (value: Value) => boolean
export type ListTest = (values: readonly Value[]) => boolean
/** A test of a string's text. */
export type TextTest = (text: string) => boolean

const always = (): boolean => true
const never = (): boolean => false

/**
 * The test `value OP literals` for one present value of a field of `type`. With a modifier the operator is tried with
 * each literal: `oneof` exactly one holds, `anyof` at least one, `allof` all; an empty list is false.
 * Throws RangeError for a combination that the compiler rejects.
 */
export function literalTest(
  op: Operator,
  modifier: ListModifier | undefined,
  literals: readonly Literal[],
  type: ValueType,
): ValueTest {
  if (op === 'exists') return always
  if (modifier !== undefined && literals.length === 0) return never
  // "Any of these equals" is what `in` looks up without going through the list.
  if (modifier === 'anyof' && op === '=') return oneTest('in', literals, type)
  if (modifier !== undefined)
    return modified(
      modifier,
      literals.map((literal) => oneTest(op, [literal], type)),
    )
  return oneTest(op, literals, type)
}

function modified(modifier: ListModifier, tests: readonly ValueTest[]): ValueTest {
  switch (modifier) {
    case 'anyof':
      return (value) => {
        for (const test of tests) if (test(value)) return true
        return false
      }
    case 'allof':
      return (value) => {
        for (const test of tests) if (!test(value)) return false
        return true
      }
    case 'oneof':
      return (value) => {
        let count = 0
        for (const test of tests) if (test(value) && ++count > 1) return false
        return count === 1
      }
    default:
      return modifier satisfies never
  }
}

function oneTest(op: Operator, literals: readonly Literal[], type: ValueType): ValueTest {
  if (op === '!=') return not(oneTest('=', literals, type))
  if (op === '=' || op === 'in' || op === 'intersects') return memberTest(literals, type)
  if (op === '<' || op === '<=' || op === '>' || op === '>=') return orderTest(op, only(op, literals), type)
  if (type !== 'string' && type !== 'path' && type !== 'buffer') throw impossible(op, type)
  const test = textTest(op, literals)
  return (value) => test((value as Str).text)
}

const not =
  (test: ValueTest): ValueTest =>
  (value) =>
    !test(value)

/** Is the value one of the literals? */
function memberTest(literals: readonly Literal[], type: ValueType): ValueTest {
  switch (type) {
    case 'string':
    case 'path':
    case 'buffer': {
      if (literals.length === 1) {
        const text = String(literals[0]!.value)
        return (value) => (value as Str).text === text
      }
      const texts = new Set(literals.map((literal) => String(literal.value)))
      return (value) => texts.has((value as Str).text)
    }
    case 'ip':
    case 'net':
      return addressTest(literals)
    case 'int':
    case 'uint':
    case 'double':
    case 'port':
    case 'time':
    case 'duration':
    case 'bool': {
      if (literals.length === 1) {
        const only = literals[0]!.value
        return (value) => value === only
      }
      const set = new Set<unknown>(literals.map((literal) => literal.value))
      return (value) => set.has(value)
    }
    default:
      return type satisfies never
  }
}

/** An address equals an address, or lies in a network; the other IP version is always different. */
function addressTest(literals: readonly Literal[]): ValueTest {
  const addresses: Ip[] = []
  const nets: IpNet[] = []
  for (const { value } of literals) {
    if (value instanceof Ip) addresses.push(value)
    else if (typeof value === 'object' && 'bits' in value) nets.push(value)
    else throw new RangeError(`'${String(value)}' is neither an address nor a network`)
  }
  return (value) => {
    for (const address of addresses) if (address.equals(value as Ip)) return true
    for (const net of nets) if (netContains(net, value as Ip)) return true
    return false
  }
}

function textTest(op: Operator, literals: readonly Literal[]): TextTest {
  const text = op === 'pmatch' ? '' : only(op, literals)
  switch (op) {
    case 'contains':
      return (value) => value.includes(text)
    case 'icontains':
      return containsFolded(text)
    case 'startswith':
      return (value) => value.startsWith(text)
    case 'endswith':
      return (value) => value.endsWith(text)
    case 'glob':
      return globTest(text, false)
    case 'iglob':
      return globTest(text, true)
    case 'regex':
      return regexTest(text)
    case 'bcontains':
    case 'bstartswith':
      return bytesTest(op, text)
    case 'pmatch':
      return pathPrefixTest(literals.map((literal) => String(literal.value)))
    default:
      throw impossible(op, 'string')
  }
}

const only = (op: Operator, literals: readonly Literal[]): string => {
  if (literals.length !== 1) throw new RangeError(`operator '${op}' takes one value, not ${literals.length}`)
  const { value } = literals[0]!
  return typeof value === 'object' ? value.text : String(value)
}

const impossible = (op: Operator, type: ValueType): RangeError =>
  new RangeError(`operator '${op}' does not apply to type '${type}'`)

/**
 * The test of a list-valued field: `in` = every value is one of the literals, `intersects` = some value is. An empty
 * list of values is in every set and intersects none. Throws RangeError for any other operator but `exists`.
 */
export function listTest(op: Operator, literals: readonly Literal[], type: ValueType): ListTest {
  if (op === 'exists') return always
  if (op !== 'in' && op !== 'intersects') throw new RangeError(`operator '${op}' does not apply to lists`)
  const member = memberTest(literals, type)
  if (op === 'in')
    return (values) => {
      for (const value of values) if (!member(value)) return false
      return true
    }
  return (values) => {
    for (const value of values) if (member(value)) return true
    return false
  }
}

/** The test `left OP right` for two present values of one type (`val()` on the right-hand side). */
export function valueTest(op: Operator, type: ValueType): (left: Value, right: Value) => boolean {
  switch (op) {
    case '=':
    case 'in':
    case 'intersects':
      return sameValue
    case '!=':
      return (left, right) => !sameValue(left, right)
    case '<':
      return (left, right) => order(left, right) < 0
    case '<=':
      return (left, right) => order(left, right) <= 0
    case '>':
      return (left, right) => order(left, right) > 0
    case '>=':
      return (left, right) => order(left, right) >= 0
    case 'contains':
      return (left, right) => (left as Str).text.includes((right as Str).text)
    case 'icontains':
      return (left, right) => containsFolded((right as Str).text)((left as Str).text)
    case 'startswith':
      return (left, right) => (left as Str).text.startsWith((right as Str).text)
    case 'endswith':
      return (left, right) => (left as Str).text.endsWith((right as Str).text)
    case 'glob':
    case 'iglob':
      return (left, right) => globTest((right as Str).text, op === 'iglob')((left as Str).text)
    case 'bcontains':
    case 'bstartswith':
    case 'regex':
    case 'pmatch':
    case 'exists':
      throw impossible(op, type)
    default:
      return op satisfies never
  }
}

/** The test of two list-valued operands: `in` = every left value is among the right ones, `intersects` = some is. */
export function valueListTest(op: Operator): (left: readonly Value[], right: readonly Value[]) => boolean {
  if (op !== 'in' && op !== 'intersects') throw new RangeError(`operator '${op}' does not apply to lists`)
  return (left, right) => {
    for (const value of left) {
      let found = false
      for (const other of right)
        if (sameValue(value, other)) {
          found = true
          break
        }
      if (found !== (op === 'in')) return found
    }
    return op === 'in'
  }
}

function sameValue(left: Value, right: Value): boolean {
  if (left instanceof Str) return right instanceof Str && left.text === right.text
  if (left instanceof Ip) return right instanceof Ip && left.equals(right)
  // Fields of one kind may give a number or a bigint.
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same value here
  return left == right
}

function order(left: Value, right: Value): number {
  if (left instanceof Str && right instanceof Str) return compareText(left.text, right.text)
  return left < right ? -1 : left > right ? 1 : 0
}

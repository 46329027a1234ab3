/** What is known of a field from the shape of an event, and what that decides. */
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import type { Literal, Operator, Test } from '../rules/ir.ts'
import { literalTest } from '../rules/operators/index.ts'

/**
 * A field has one of a few values, a whole number of a range, any but some, a text that contains some words and others
 * not (undefined: perhaps), a number in octal that has none of some bits, or is not there.
 */
export type Fact =
  | { readonly oneOf: readonly (string | number | boolean)[] }
  | { readonly from: number; readonly to: number }
  | { readonly noneOf: readonly string[] }
  | { readonly words: Readonly<Record<string, boolean | undefined>> }
  | { readonly octalWithout: number }
  | 'absent'

/** Facts by field, with the argument in brackets where there is one. */
export type Facts = Readonly<Record<string, Fact>>

export type LiteralTest<C> = Test<C> & { readonly right: readonly Literal[] }

/** Does the test hold of every value the field may have, of none, or does it depend (undefined)? */
export function decide<C>(test: LiteralTest<C>, fact: Fact): boolean | undefined {
  if (fact === 'absent') return false
  const { left, op, modifier, right } = test
  if (op === 'exists') return true
  if (left.kind !== 'field') return undefined
  if ('oneOf' in fact) {
    const holds = literalTest(op, modifier, right, left.def.type)
    const results = new Set(
      fact.oneOf.map((value) => holds(typeof value === 'string' ? new Str(value) : value)),
    )
    return results.size === 1 ? results.has(true) : undefined
  }
  if ('words' in fact) return op === 'contains' ? contained(modifier, right, fact.words) : undefined
  if (modifier !== undefined) return undefined
  if ('octalWithout' in fact) return octal(op, right, fact.octalWithout)
  if ('noneOf' in fact) return excluded(op, right, fact.noneOf)
  return inRange(op, right, fact)
}

function excluded(op: Operator, literals: readonly Literal[], texts: readonly string[]): boolean | undefined {
  if (!literals.every(({ value }) => texts.includes(value as string))) return undefined
  return op === '=' || op === 'in' ? false : op === '!=' ? true : undefined
}

/** False where every literal tells digits, as a glob of a fixed length does, and some digit always has one of the bits. */
function octal(op: Operator, literals: readonly Literal[], bits: number): boolean | undefined {
  if (op !== '=' && op !== 'in' && op !== 'glob') return undefined
  const mayBe = literals.some(({ value }) => typeof value !== 'string' || mayLack(value, bits))
  return mayBe ? undefined : false
}

function mayLack(pattern: string, bits: number): boolean {
  const digits = pattern.match(/\[[0-7](?:-[0-7])?\]|[0-7?]/g) ?? []
  if (digits.join('') !== pattern) return true
  return digits.toReversed().every((digit, place) => {
    const ends = digit === '?' ? [0, 7] : digit.match(/[0-7]/g)!.map(Number)
    const last = ends.at(-1)!
    for (let value = ends[0]!; value <= last; value++) if (((value << (3 * place)) & bits) === 0) return true
    return false
  })
}

function contained(
  modifier: Test['modifier'],
  literals: readonly Literal[],
  words: Readonly<Record<string, boolean | undefined>>,
): boolean | undefined {
  if (literals.length === 0 || modifier === 'oneof') return undefined
  const found = literals.map(({ value }) => words[value as string])
  // Without a modifier there is one literal.
  const decisive = modifier !== 'allof'
  if (found.includes(decisive)) return decisive
  return found.every((each) => each === !decisive) ? !decisive : undefined
}

function inRange(
  op: Operator,
  literals: readonly Literal[],
  { from, to }: { readonly from: number; readonly to: number },
): boolean | undefined {
  const values = literals.map(({ value }) => value as Value)
  if (!values.every((value) => typeof value === 'number' || typeof value === 'bigint')) return undefined
  const numbers = values.map(Number)
  const [first = Number.NaN] = numbers
  switch (op) {
    case '=':
    case 'in':
      if (numbers.every((n) => n < from || n > to)) return false
      return from === to ? true : undefined
    case '!=':
      if (first < from || first > to) return true
      return from === to ? false : undefined
    case '<':
      return bound(to < first, from >= first)
    case '<=':
      return bound(to <= first, from > first)
    case '>':
      return bound(from > first, to <= first)
    case '>=':
      return bound(from >= first, to < first)
    default:
      return undefined
  }
}

const bound = (always: boolean, never: boolean): boolean | undefined =>
  always ? true : never ? false : undefined

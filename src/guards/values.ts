/** Comparisons of whole numbers as sets of values, written out as far as that is short. */
import { except, type Items, only } from './branches.ts'
import type { LiteralTest } from './facts.ts'

/** Most values a range is written out to. */
const MOST_VALUES = 1024

const between = (least: number, end: number): string[] =>
  Array.from({ length: Math.max(0, end - least) }, (_, i) => String(least + i))

/** Values that `test` (or its negation) leaves of the numbers from `least` on; undefined when it cannot be told or is all of them. */
export function valuesOf<C>(
  { op, modifier, right }: LiteralTest<C>,
  negated: boolean,
  least = 0,
): Items | undefined {
  const numbers = right.map(({ value }) => Number(value))
  if (modifier !== undefined || !numbers.every(Number.isSafeInteger)) return undefined
  const [first = 0] = numbers
  const below = (end: number, not: boolean): Items | undefined =>
    end > MOST_VALUES ? undefined : some(between(least, end), not)
  switch (op) {
    case '=':
    case 'in':
    case 'intersects':
      return some(numbers.map(String), negated)
    case '!=':
      return some(numbers.map(String), !negated)
    case '<':
      return below(first, negated)
    case '<=':
      return below(first + 1, negated)
    case '>':
      return below(first + 1, !negated)
    case '>=':
      return below(first, !negated)
    default:
      return undefined
  }
}

/** Is it a comparison with more numbers than are written out? */
export const isWide = <C>({ op, right }: LiteralTest<C>): boolean =>
  /^[<>]=?$/.test(op) && right.some(({ value }) => Number(value) > MOST_VALUES)

function some(values: readonly string[], negated: boolean): Items | undefined {
  if (!negated) return only(...values)
  return values.length === 0 ? undefined : except(...values)
}

/** Which event types a condition can be true for: what a rule is indexed by and what the kernel side must collect. */

import { Str } from '../../decode/str.ts'
import type { EventSet, Expr, Operator, Test } from '../ir.ts'
import { literalTest } from '../operators/index.ts'
import { EVENT_TYPE_FIELDS } from './operands.ts'

/**
 * Only `evt.type`, `syscall.type` and constant parts (`evt.num` counts from 1) restrict; every other check can be true
 * for any event. Negation is pushed to the checks by De Morgan.
 */
export function inferEvents<C>(expr: Expr<C>, allEvents: ReadonlySet<string>): EventSet {
  return infer(expr, false, allEvents)
}

const NONE: EventSet = new Set<string>()

function infer<C>(expr: Expr<C>, negated: boolean, all: ReadonlySet<string>): EventSet {
  switch (expr.kind) {
    case 'const':
      return expr.value === negated ? NONE : '*'
    case 'not':
      return infer(expr.item, !negated, all)
    case 'and':
    case 'or': {
      const sets: EventSet[] = []
      for (const item of expr.items) sets.push(infer(item, negated, all))
      return (expr.kind === 'and') === negated ? union(sets, all) : intersection(sets)
    }
    case 'test':
      return inferTest(expr, negated, all)
    default:
      return expr satisfies never
  }
}

function inferTest<C>(test: Test<C>, negated: boolean, all: ReadonlySet<string>): EventSet {
  if (test.left.kind !== 'field') return '*'
  const { name } = test.left.def
  if (name === 'evt.num') {
    const value = foldNumber(test)
    return value === undefined || value !== negated ? '*' : NONE
  }
  if (!EVENT_TYPE_FIELDS.has(name)) return '*'
  const set = namedEvents(test, all)
  return set === '*' || !negated ? set : complement(set, all)
}

/** Events a check of the event type is true for; `*` for operators that do not name types. */
function namedEvents<C>({ op, modifier, right }: Test<C>, all: ReadonlySet<string>): EventSet {
  if (!Array.isArray(right) || (op !== '=' && op !== '!=' && op !== 'in' && op !== 'intersects')) return '*'
  if (modifier !== undefined) {
    const holds = literalTest(op, modifier, right, 'string')
    return new Set([...all].filter((event) => holds(new Str(event))))
  }
  const named = new Set<string>(right.map((literal) => String(literal.value)))
  return op === '!=' ? complement(named, all) : named
}

/** Value of a check of `evt.num` that is the same for every number from 1 on. */
function foldNumber<C>({ op, right }: Test<C>): boolean | undefined {
  if (!Array.isArray(right)) return undefined
  const numbers = right.map((literal) => Number(literal.value))
  if (op === 'in' || op === 'intersects') return numbers.every((number) => number < 1) ? false : undefined
  const number = numbers[0]
  if (number === undefined) return op === 'exists' ? true : undefined
  return foldComparison(op, number)
}

function foldComparison(op: Operator, number: number): boolean | undefined {
  if (op === '=') return number < 1 ? false : undefined
  if (op === '!=') return number < 1 ? true : undefined
  if (op === '<') return number <= 1 ? false : undefined
  if (op === '<=') return number < 1 ? false : undefined
  if (op === '>') return number < 1 ? true : undefined
  if (op === '>=') return number <= 1 ? true : undefined
  return undefined
}

function complement(set: ReadonlySet<string>, all: ReadonlySet<string>): EventSet {
  return set.size === 0 ? '*' : new Set([...all].filter((event) => !set.has(event)))
}

function union(sets: readonly EventSet[], all: ReadonlySet<string>): EventSet {
  const result = new Set<string>()
  for (const set of sets) {
    if (set === '*') return '*'
    for (const event of set) result.add(event)
  }
  return result.size >= all.size && all.size > 0 && [...all].every((event) => result.has(event))
    ? '*'
    : result
}

function intersection(sets: readonly EventSet[]): EventSet {
  const restricted = sets.filter((set) => set !== '*')
  const [first, ...others] = restricted
  if (first === undefined) return '*'
  return new Set([...first].filter((event) => others.every((set) => set.has(event))))
}

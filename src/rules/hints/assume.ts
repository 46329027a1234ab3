/**
 * Can a condition be true at all, given others that are? A sound and incomplete answer: "no" is certain, "yes" may be
 * wrong. Facts are kept for each operand: the comparisons known to hold, those known not to, and the values that are
 * left where there are finitely many. `or` is followed branch by branch; of the branches that survive only a single one
 * adds to what is known.
 */
import { Str } from '../../decode/str.ts'
import type { Expr, Literal, Operand, Operator, Test } from '../ir.ts'
import { literalTest, operandType, type ValueTest } from '../operators/index.ts'
import { printIrOperand, printTest } from '../print-expr.ts'

/** What is known of one operand. Immutable. */
interface Facts {
  readonly holds: readonly Fact[]
  readonly fails: readonly Fact[]
  /** Values it can still have; undefined means any. Only of operands that have one value. */
  readonly values: readonly Literal['value'][] | undefined
}

/** What is assumed to be true, by operand. */
export type Known = ReadonlyMap<string, Facts>

/** Comparisons that may still be looked at: hostile rules must not make the hints slow. */
export interface Budget {
  left: number
}

interface Fact {
  readonly text: string
  readonly test: Test
  readonly key: string
  readonly op: Operator
  /** The operand has one value, or none. */
  readonly single: boolean
  /** Values named by `=` and `in`, or by `!=`. */
  readonly members: readonly Literal['value'][] | undefined
  /** The comparison as a function, made when it is needed; undefined where it is no function of one value. */
  readonly judge: (() => ValueTest) | undefined
}

/** Looks into expressions, and remembers what each comparison says. */
export class Assumptions {
  readonly #facts = new Map<Test, Fact>()
  readonly #budget: Budget
  /** The comparison that ruled out the last expression. */
  culprit: Test | undefined

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** What is known when `expr` is true (`negated`: false) besides `known`; undefined when it cannot be. */
  assume(expr: Expr, negated = false, known: Known = new Map()): Known | undefined {
    if (--this.#budget.left < 0) return known
    switch (expr.kind) {
      case 'const':
        return expr.value === negated ? undefined : known
      case 'not':
        return this.assume(expr.item, !negated, known)
      case 'test':
        return this.#test(this.#factOf(expr), !negated, known)
      case 'and':
      case 'or':
        return (expr.kind === 'and') === negated
          ? this.#any(expr.items, negated, known)
          : this.#all(expr.items, negated, known)
      default:
        return expr satisfies never
    }
  }

  /** Single comparisons first: they leave fewer alternatives. */
  #all(items: readonly Expr[], negated: boolean, known: Known): Known | undefined {
    const [simple, others] = [items.filter(isSimple), items.filter((item) => !isSimple(item))]
    let all: Known | undefined = known
    for (const item of [...simple, ...others]) {
      all = this.assume(item, negated, all)
      if (all === undefined) return undefined
    }
    return all
  }

  #any(items: readonly Expr[], negated: boolean, known: Known): Known | undefined {
    let only: Known | undefined
    let count = 0
    for (const item of items) {
      const branch = this.assume(item, negated, known)
      if (branch === undefined) continue
      only = branch
      if (++count > 1) return known
    }
    return only
  }

  #test(fact: Fact, holds: boolean, known: Known): Known | undefined {
    const old = known.get(fact.key) ?? NOTHING
    this.#budget.left -= old.holds.length + old.fails.length
    const added = holds ? withTrue(old, fact) : withFalse(old, fact)
    if (added === undefined) {
      this.culprit = fact.test
      return undefined
    }
    return added === old ? known : new Map(known).set(fact.key, added)
  }

  #factOf(test: Test): Fact {
    let fact = this.#facts.get(test)
    if (fact === undefined) {
      fact = factOf(test)
      this.#facts.set(test, fact)
    }
    return fact
  }
}

const NOTHING: Facts = { holds: [], fails: [], values: undefined }

const isSimple = (expr: Expr): boolean => expr.kind === 'test' || (expr.kind === 'not' && isSimple(expr.item))

const MEMBERSHIP: ReadonlySet<Operator> = new Set<Operator>(['=', '!=', 'in'])

function factOf(test: Test): Fact {
  const { left, op, modifier, right, span } = test
  const { type, list } = operandType(left)
  const literals = Array.isArray(right) ? (right as readonly Literal[]) : undefined
  const { length = 0 } = literals ?? []
  const plain = !list && literals !== undefined && length <= MAX_LITERALS && type !== 'ip' && type !== 'net'
  // Where a field has several readings, what `!=` means depends on the field: nothing is concluded from it.
  const single = !list && hasOneValue(left)
  const isClear = plain && (single || op !== '!=')
  let made: ValueTest | undefined
  const judge = (): ValueTest => {
    made ??= literalTest(op, modifier, literals!, type)
    return made
  }
  return {
    text: length <= MAX_LITERALS ? printTest(test) : `${span.file}:${span.from} ${length}`,
    test,
    key: printIrOperand(left),
    op,
    single,
    members:
      isClear && modifier === undefined && MEMBERSHIP.has(op)
        ? literals.map(({ value }) => value)
        : undefined,
    judge: isClear ? judge : undefined,
  }
}

/** Longer lists are not looked into. */
const MAX_LITERALS = 1000

const hasOneValue = (operand: Operand): boolean =>
  operand.kind === 'field' && operand.extractor.candidates === undefined && operand.def.list !== true

const asValue = (value: Literal['value']) => (typeof value === 'string' ? new Str(value) : value)
const passes = (fact: Fact, value: Literal['value']): boolean =>
  fact.judge === undefined || fact.judge()(asValue(value) as Parameters<ValueTest>[0])

/** A comparison that holds: the operand is present. */
function withTrue(old: Facts, fact: Fact): Facts | undefined {
  if (old.fails.some((other) => implies(fact, other))) return undefined
  if (old.holds.some(({ text }) => text === fact.text)) return old
  const holds = [...old.holds, fact]
  return narrowed({ ...old, holds })
}

/** A comparison that does not hold: it is false, or the operand is absent. */
function withFalse(old: Facts, fact: Fact): Facts | undefined {
  if (old.holds.some((other) => implies(other, fact))) return undefined
  if (old.fails.some(({ text }) => text === fact.text)) return old
  const fails = [...old.fails, fact]
  return narrowed({ ...old, fails })
}

/** The values that are left to an operand that is present and has one value; undefined when there is none. */
function narrowed(facts: Facts): Facts | undefined {
  const { holds, fails } = facts
  if (holds.length === 0 || !holds[0]!.single) return facts
  const finite =
    facts.values ??
    holds.find(({ op, members }) => members !== undefined && op !== '!=')?.members ??
    fails.find(({ op, members }) => members !== undefined && op === '!=')?.members
  if (finite === undefined) return facts
  const values = finite.filter(
    (value) =>
      holds.every((fact) => passes(fact, value)) &&
      fails.every((fact) => fact.judge === undefined || !passes(fact, value)),
  )
  return values.length === 0 ? undefined : { ...facts, values }
}

/** Whenever `a` holds, so does `b`; both are about the same operand. */
function implies(a: Fact, b: Fact): boolean {
  // Of several readings there may be one to compare and none to print.
  if (a.text === b.text || (b.op === 'exists' && a.single)) return true
  if (b.judge === undefined || a.judge === undefined) return false
  if (a.members !== undefined && a.op !== '!=')
    return a.members.length > 0 && a.members.every((value) => passes(b, value))
  const [from, to] = [onlyText(a), onlyText(b)]
  if (from === undefined || to === undefined) return false
  if (b.op === 'contains') return PIECES.has(a.op) && from.includes(to)
  if (a.op !== b.op) return false
  return a.op === 'startswith' ? from.startsWith(to) : a.op === 'endswith' && from.endsWith(to)
}

const PIECES: ReadonlySet<Operator> = new Set<Operator>(['startswith', 'endswith', 'contains'])

function onlyText({ test: { modifier, right } }: Fact): string | undefined {
  if (modifier !== undefined || !Array.isArray(right) || right.length !== 1) return undefined
  const { value } = right[0] as Literal
  return typeof value === 'string' ? value : undefined
}

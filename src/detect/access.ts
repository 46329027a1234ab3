/** Under which comparison a rule is filed: one that must be true for it to match, is seldom true, and is cheap to ask. */
import type { Expr, Operand } from '../rules/ir.ts'
import { operandType } from '../rules/operators/index.ts'
import type { Group } from './operands.ts'
import type { PredicateTable } from './predicates.ts'

export interface Key<C> {
  readonly group: Group<C>
  readonly bit: number
}

/** Comparisons of which at least one is true whenever a condition is. */
interface Access<C> {
  readonly keys: readonly Key<C>[]
  /** How often such a comparison may be true: 1 seldom, more is worse. */
  readonly weight: number
}

/** A comparison that more conditions need than this tells them apart badly. */
const POPULAR = 16

/** Chooses for conditions that are judged together. */
export class Chooser<C> {
  readonly #table: PredicateTable<C>
  /** Operands that may not be chosen. */
  readonly #asked: ReadonlySet<Group<C>>
  /** Conditions that could be filed under a comparison, and under an operand. */
  readonly #byKey = new Map<Group<C>, Map<number, number>>()
  readonly #byGroup = new Map<Group<C>, number>()

  constructor(conditions: readonly Expr<C>[], table: PredicateTable<C>, asked: ReadonlySet<Group<C>>) {
    this.#table = table
    this.#asked = asked
    for (const condition of conditions) this.#count(condition, false, new Set())
  }

  /** Undefined when the condition may hold whatever comparisons say. */
  choose(condition: Expr<C>): readonly Key<C>[] | undefined {
    return this.#access(condition, false)?.keys
  }

  #access(expr: Expr<C>, negated: boolean): Access<C> | undefined {
    switch (expr.kind) {
      case 'const':
        return expr.value === negated ? { keys: [], weight: 0 } : undefined
      case 'not':
        return this.#access(expr.item, !negated)
      case 'test': {
        const weight = weightOf(expr.op, expr.left)
        return this.#best(this.#keysOf(expr, negated).map((key) => ({ keys: [key], weight })))
      }
      case 'and':
      case 'or': {
        const parts = expr.items.map((item) => this.#access(item, negated))
        if ((expr.kind === 'and') !== negated) {
          return this.#best(parts.filter((part) => part !== undefined))
        }
        if (parts.includes(undefined)) return undefined
        const all = parts as readonly Access<C>[]
        return {
          keys: all.flatMap(({ keys }) => keys),
          weight: Math.max(0, ...all.map(({ weight }) => weight)),
        }
      }
      default:
        return expr satisfies never
    }
  }

  /** Comparisons of which each is true whenever the test is. */
  #keysOf(test: Expr<C> & { readonly kind: 'test' }, negated: boolean): readonly Key<C>[] {
    if (negated) return []
    const { group, needs } = this.#table.of(test)
    return this.#asked.has(group) ? [] : needs.map((bit) => ({ group, bit }))
  }

  #best(all: readonly Access<C>[]): Access<C> | undefined {
    const [first, ...others] = all
    return first && others.reduce((best, access) => (this.#better(access, best) ? access : best), first)
  }

  #count(expr: Expr<C>, negated: boolean, seen: Set<Group<C>>): void {
    switch (expr.kind) {
      case 'const':
        return
      case 'not':
        this.#count(expr.item, !negated, seen)
        return
      case 'and':
      case 'or':
        for (const item of expr.items) this.#count(item, negated, seen)
        return
      case 'test':
        for (const { group, bit } of this.#keysOf(expr, negated)) {
          const byBit = this.#byKey.get(group) ?? new Map<number, number>()
          this.#byKey.set(group, byBit)
          byBit.set(bit, (byBit.get(bit) ?? 0) + 1)
          if (!seen.has(group)) this.#byGroup.set(group, (this.#byGroup.get(group) ?? 0) + 1)
          seen.add(group)
        }
        return
      default:
        expr satisfies never
    }
  }

  /**
   * What is seldom true first; then what tells conditions apart; then one operand rather than several, and the one that
   * most are filed under: every operand has to be read for each event; then what fewest others need.
   */
  #better(a: Access<C>, b: Access<C>): boolean {
    const rank = (access: Access<C>): readonly number[] => {
      const { keys, weight } = access
      const groups = new Set(keys.map(({ group }) => group))
      const popularity = Math.max(0, ...keys.map(({ group, bit }) => this.#byKey.get(group)?.get(bit) ?? 0))
      const company = Math.min(...[...groups].map((group) => this.#byGroup.get(group) ?? 0))
      return [popularity > POPULAR ? weight + 2 : weight, groups.size, -company, popularity]
    }
    const [first, second] = [rank(a), rank(b)]
    for (const [i, value] of first.entries()) if (value !== second[i]) return value < second[i]!
    return false
  }
}

/** A guess: paths tell most, other text less, one of a few values little, flags and limits least. */
function weightOf<C>(op: string, operand: Operand<C>): number {
  const { type } = operandType(operand)
  if (type === 'bool' || op.startsWith('<') || op.startsWith('>')) return 6
  if (operand.kind === 'field' && operand.def.values !== undefined) return 5
  if (type === 'path') return 1
  return type === 'string' ? 2 : 3
}

/**
 * Few rules have anything to say about a given event: of all that look at opens, hardly one names this path. So each rule
 * is filed under a comparison that must be true for it to match (one of several, where its condition has `or`): bits of
 * operands, see predicates.ts. For an event, only the operands that rules are filed under are read; the rules filed under
 * the bits of their answers are left, and which these are is remembered with the answer. What an event costs then hardly
 * depends on the number of rules.
 *
 * This is sound because nothing is assumed of what is not filed: a rule without such a comparison is tried for each event,
 * and of a rule that is left only those parts that the answer decides are looked at before its turn comes.
 */
import { Str } from '../decode/str.ts'
import type { Origin, Place } from '../fields/field.ts'
import type { Expr, Test } from '../rules/ir.ts'
import { literalTest } from '../rules/operators/index.ts'
import { Chooser } from './access.ts'
import type { Answer } from './answers.ts'
import type { Bag } from './bag.ts'
import { markOf, setMark } from './marks.ts'
import type { Group } from './operands.ts'
import type { PredicateTable } from './predicates.ts'
import { Sieve } from './sieve.ts'

/** The same condition with `evt.type` decided: rules are judged by event type, so it is known. */
export function forEvent<C>(expr: Expr<C>, eventName: string): Expr<C> {
  const name = new Str(eventName)
  return fold(expr, (test) => {
    const { left, op, modifier, right } = test
    if (left.kind !== 'field' || left.def.name !== 'evt.type' || !Array.isArray(right)) return test
    return { kind: 'const', value: literalTest(op, modifier, right, left.def.type)(name) }
  })
}

/** Tests replaced by what `leaf` says, constants folded. */
function fold<C>(expr: Expr<C>, leaf: (test: Test<C>) => Expr<C>): Expr<C> {
  switch (expr.kind) {
    case 'const':
      return expr
    case 'test':
      return leaf(expr)
    case 'not': {
      const item = fold(expr.item, leaf)
      return item.kind === 'const' ? { kind: 'const', value: !item.value } : { kind: 'not', item }
    }
    case 'and':
    case 'or': {
      const conjunction = expr.kind === 'and'
      const items = expr.items
        .map((item) => fold(item, leaf))
        .filter((item) => item.kind !== 'const' || item.value !== conjunction)
      const constant = items.find((item) => item.kind === 'const')
      if (constant !== undefined) return constant
      if (items.length === 0) return { kind: 'const', value: conjunction }
      return items.length === 1 ? items[0]! : { kind: expr.kind, items }
    }
    default:
      return expr satisfies never
  }
}

/** A condition and what to hand out when it may hold. */
export interface Entry<C, T> {
  readonly condition: Expr<C>
  readonly item: T
}

/** An operand that entries are filed under. */
interface Drawer<C, T> {
  readonly group: Group<C>
  readonly byBit: ReadonlyMap<number, readonly Filed<C, T>[]>
  /** By answer: what it leaves. Of the answers of `era`. */
  left: (Left<C, T> | undefined)[]
  era: object
}

/** Drawers of operands with one origin: what is left by all of them together is remembered there. */
interface Cabinet<C, T> {
  readonly origin: Origin<C>
  readonly drawers: Drawer<C, T>[]
  /** Whose marks they are, by cases of the origin. */
  readonly cases: readonly object[]
  /** What its text must pass to leave anything; absent where there is no such thing. */
  sieve: Sieve | undefined
  /** Its number among those who keep what is left of records that look alike; undefined when it does not. */
  owner: number | undefined
}

interface Filed<C, T> extends Entry<C, T> {
  /** Number of the event it was handed out for: it may be filed under several operands. */
  event: number
}

/** A short list, and selections of their own where many are left. */
interface Left<C, T> {
  readonly entries: readonly Filed<C, T>[]
  readonly selections: readonly Selection<C, T>[]
}

const NONE: never[] = []

/** More entries than this are filed again, under operands not asked yet. */
const SHORT = 6

/** Picks, among conditions judged together, those that can hold for the current event. */
export class Selection<C, T> {
  readonly #table: PredicateTable<C>
  /** What most things leave; one for all of them. */
  readonly #nothing: Left<C, T> = { entries: [], selections: [] }
  readonly #asked: ReadonlySet<Group<C>>
  /** Drawers of operands without an origin, and the others. */
  readonly #drawers: Drawer<C, T>[] = []
  readonly #cabinets: Cabinet<C, T>[] = []
  /** Entries filed nowhere. */
  readonly #always: readonly Filed<C, T>[]
  /** Where the text of the event at hand lies. */
  readonly #text: Place = { bytes: new Uint8Array(0), start: 0, end: 0 }

  /** `asked`: operands whose answer is known to leave all of these. All predicates must be in the table. */
  constructor(
    entries: readonly Entry<C, T>[],
    table: PredicateTable<C>,
    asked: ReadonlySet<Group<C>> = new Set(),
  ) {
    this.#table = table
    this.#asked = asked
    const filed = entries.map((entry): Filed<C, T> => ({ ...entry, event: -1 }))
    const chooser = new Chooser(
      filed.map(({ condition }) => condition),
      table,
      asked,
    )
    const always: Filed<C, T>[] = []
    const drawers = new Map<Group<C>, Map<number, Filed<C, T>[]>>()
    for (const entry of filed) {
      const keys = chooser.choose(entry.condition)
      if (keys === undefined) always.push(entry)
      else for (const { group, bit } of keys) file(drawers, group, bit, entry)
    }
    this.#always = always
    for (const [group, byBit] of drawers) this.#place({ group, byBit, left: [], era: table.era })
    // What is left of an answer has passed.
    if (asked.size > 0) return
    for (const cabinet of this.#cabinets) {
      cabinet.sieve = sieveOf(cabinet)
      if (cabinet.origin.recall !== undefined) cabinet.owner = table.owner()
    }
  }

  #place(drawer: Drawer<C, T>): void {
    const { origin } = drawer.group
    const cabinet = this.#cabinets.find((one) => one.origin === origin)
    if (origin === undefined) this.#drawers.push(drawer)
    else if (cabinet !== undefined) cabinet.drawers.push(drawer)
    else {
      const cases = Array.from({ length: origin.cases }, () => ({}))
      this.#cabinets.push({ origin, drawers: [drawer], cases, sieve: undefined, owner: undefined })
    }
  }

  /** Nothing is ever left: no rule is about such events. */
  get isEmpty(): boolean {
    return this.#always.length === 0 && this.#cabinets.length === 0 && this.#drawers.length === 0
  }

  /** Add what can hold to `out`, each once, in any order. */
  collect(ctx: C, out: Bag<T>): void {
    if (this.#always.length > 0) this.#handOut(this.#always, out)
    for (let i = 0; i < this.#cabinets.length; i++) {
      const left = this.#search(this.#cabinets[i]!, ctx)
      if (left !== this.#nothing) this.#take(left, ctx, out)
    }
    for (let i = 0; i < this.#drawers.length; i++) {
      const drawer = this.#drawers[i]!
      const left = this.#open(drawer, drawer.group.answer(ctx))
      if (left !== this.#nothing) this.#take(left, ctx, out)
    }
  }

  /** What all drawers of a cabinet leave; as for a record that looked the same, if there was one. */
  #search(cabinet: Cabinet<C, T>, ctx: C): Left<C, T> {
    const { origin, owner } = cabinet
    if (owner === undefined) return this.#find(cabinet, ctx)
    const { knownPaths } = this.#table
    const known = origin.recall!(ctx, knownPaths, owner)
    if (known !== undefined && known !== null) return known as Left<C, T>
    const left = this.#find(cabinet, ctx)
    if (known === undefined) knownPaths.keep(left)
    return left
  }

  #find(cabinet: Cabinet<C, T>, ctx: C): Left<C, T> {
    const { origin, cases, sieve } = cabinet
    if (sieve !== undefined && origin.text!(ctx, this.#text) && !sieve.passes(this.#text))
      return this.#nothing
    const { era } = this.#table
    const holder = origin.of(ctx)
    if (holder === undefined) return this.#joined(this.#openAll(cabinet, ctx, false))
    const by = cases[origin.caseOf(ctx)]!
    const known = markOf(holder, by, era)
    if (known !== undefined) return known as Left<C, T>
    const once = origin.shares !== true
    const left = this.#narrowed(this.#openAll(cabinet, ctx, once), origin, ctx, once)
    setMark(holder, by, era, left)
    return left
  }

  /** What each drawer leaves, if anything. `once`: values have not been seen before, and who asks remembers what is left. */
  #openAll({ drawers }: Cabinet<C, T>, ctx: C, once: boolean): readonly Left<C, T>[] {
    let all: Left<C, T>[] = NONE
    for (let i = 0; i < drawers.length; i++) {
      const left = this.#open(drawers[i]!, drawers[i]!.group.answer(ctx, once))
      if (left !== this.#nothing) all = [...all, left]
    }
    return all
  }

  /** For this event only: conditions are tried as they are, which need not look at everything. */
  #joined(all: readonly Left<C, T>[]): Left<C, T> {
    if (all.length < 2) return all[0] ?? this.#nothing
    return {
      entries: all.flatMap(({ entries }) => entries),
      selections: all.flatMap(({ selections }) => selections),
    }
  }

  /** For all events like it: whatever else is asked about the same thing is answered as well. */
  #narrowed(all: readonly Left<C, T>[], origin: Origin<C>, ctx: C, once: boolean): Left<C, T> {
    if (all.length === 0) return this.#nothing
    const answerOf = (group: Group<C>): Answer | undefined =>
      group.origin === origin ? group.answer(ctx, once) : undefined
    const entries = [...new Set(all.flatMap((left) => left.entries))].filter(({ condition }) =>
      mayHold(condition, false, this.#table, answerOf),
    )
    const selections = all.flatMap((left) => left.selections)
    return entries.length === 0 && selections.length === 0 ? this.#nothing : { entries, selections }
  }

  #open(drawer: Drawer<C, T>, answer: Answer): Left<C, T> {
    const { era } = this.#table
    if (drawer.era !== era) {
      drawer.era = era
      drawer.left = []
    }
    let left = drawer.left[answer.id]
    if (left === undefined) {
      left = this.#leave(drawer, answer)
      drawer.left[answer.id] = left
    }
    return left
  }

  #take({ entries, selections }: Left<C, T>, ctx: C, out: Bag<T>): void {
    for (let i = 0; i < selections.length; i++) selections[i]!.collect(ctx, out)
    if (entries.length > 0) this.#handOut(entries, out)
  }

  #handOut(entries: readonly Filed<C, T>[], out: Bag<T>): void {
    const { event } = this.#table
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.event === event) continue
      entry.event = event
      out.add(entry.item)
    }
  }

  /** What an answer leaves of a drawer. */
  #leave({ group, byBit }: Drawer<C, T>, answer: Answer): Left<C, T> {
    const left = new Set<Filed<C, T>>()
    const answerOf = (other: Group<C>): Answer | undefined => (other === group ? answer : undefined)
    for (const bit of answer.bits)
      for (const entry of byBit.get(bit) ?? [])
        if (mayHold(entry.condition, false, this.#table, answerOf)) left.add(entry)
    if (left.size === 0) return this.#nothing
    const entries = [...left]
    if (entries.length <= SHORT) return { entries, selections: [] }
    const asked = new Set([...this.#asked, group])
    return { entries: [], selections: [new Selection(entries, this.#table, asked)] }
  }
}

/** What passes has one of the patterns that some entry is filed under. */
function sieveOf<C, T>({ origin, drawers }: Cabinet<C, T>): Sieve | undefined {
  if (origin.text === undefined || drawers.some(({ group }) => group.part === undefined)) return undefined
  return Sieve.of(
    drawers.flatMap(({ group, byBit }) =>
      [...byBit.keys()].flatMap((bit) =>
        group.patterns[bit]!.map((pattern) => ({ part: group.part!, pattern })),
      ),
    ),
  )
}

function file<C, T>(
  drawers: Map<Group<C>, Map<number, Filed<C, T>[]>>,
  group: Group<C>,
  bit: number,
  entry: Filed<C, T>,
): void {
  const byBit = drawers.get(group) ?? new Map<number, Filed<C, T>[]>()
  drawers.set(group, byBit)
  const entries = byBit.get(bit)
  if (entries === undefined) byBit.set(bit, [entry])
  else entries.push(entry)
}

/** Can the condition hold, given the answers of some operands? Whatever they do not decide counts as true. */
function mayHold<C>(
  expr: Expr<C>,
  negated: boolean,
  table: PredicateTable<C>,
  answerOf: (group: Group<C>) => Answer | undefined,
): boolean {
  switch (expr.kind) {
    case 'const':
      return expr.value !== negated
    case 'not':
      return mayHold(expr.item, !negated, table, answerOf)
    case 'and':
    case 'or': {
      const all = (expr.kind === 'and') !== negated
      // Not `every` and `some`: this is done for each event with something new.
      for (let i = 0; i < expr.items.length; i++)
        if (mayHold(expr.items[i]!, negated, table, answerOf) !== all) return !all
      return all
    }
    case 'test': {
      const { group, decide } = table.of(expr)
      const answer = decide === undefined ? undefined : answerOf(group)
      return answer === undefined || decide!(answer) !== negated
    }
    default:
      return expr satisfies never
  }
}

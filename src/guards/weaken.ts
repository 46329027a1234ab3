/** A condition weakened to what the kernel can ask of one event type: by shape, then by paths. */
import { operandKey } from '../detect/predicates.ts'
import type { Expr, Literal, Operand, Test } from '../rules/ir.ts'
import { argumentName, argumentTest } from './arguments.ts'
import { ALWAYS, and, type Branches, isAlways, type Lost, NEVER, or } from './branches.ts'
import { decide, type Fact, type Facts, type LiteralTest } from './facts.ts'
import { isLong, type PathPart, pathTest } from './paths.ts'
import { processTest, type UserNames } from './process.ts'
import type { GuardedEvent } from './shapes.ts'
import { isSocketTest, socketTest } from './sockets.ts'
import { isWide } from './values.ts'

/** What becomes of a test: decided by the shape, asked of paths, the process, an argument or a socket, or left to user space with the reason. */
export type Verdict = 'shape' | 'path' | 'process' | 'argument' | 'socket' | Reason
export type Reason =
  | 'compares two fields'
  | 'transforms a value'
  | 'negated: either spelling of a path may decide'
  | 'operator tells nothing of directory, name or ending'
  | 'longer than what is looked up: 36 bytes of a name, 252 of a directory'
  | 'more than 1024 numbers'
  | 'negated, or an operator that is not looked up'
  | 'the process is not known where it happens'
  | 'field is not known to the kernel'

/** Verdicts that say more than that some shapes decide it, too. */
const ASKED: ReadonlySet<Verdict> = new Set([
  'path',
  'process',
  'argument',
  'socket',
  'more than 1024 numbers',
])

/** Shapes that a condition treats alike, and the branches of an event with one of them; shapes that never match are not there. */
export interface ShapeGroup {
  readonly shapes: readonly number[]
  readonly branches: Branches
}
export type ByShape = readonly ShapeGroup[]

/** Shapes with the same facts about the fields that a condition reads, and those facts. */
interface Alike {
  readonly shapes: number[]
  readonly facts: Facts
}

/** Told of each test as it stands in the condition. */
export type Note<C> = (test: Test<C>, negated: boolean, verdict: Verdict) => void

/** Weakens conditions, and remembers what shapes tell of fields: one for all rules of a plan. */
export type Weakener<C> = (condition: Expr<C>, event: GuardedEvent, note?: Note<C>) => ByShape

export interface WeakenerOptions {
  readonly users?: UserNames
  readonly lost?: Lost
}

export function createWeakener<C>({ users = [], lost }: WeakenerOptions = {}): Weakener<C> {
  const facts = new Map<GuardedEvent, ReadonlyMap<number, Facts>>()
  const groups = new Map<string, readonly Alike[]>()
  const shared = new Map<string, readonly Alike[]>()
  const factsOf = (event: GuardedEvent): ReadonlyMap<number, Facts> => {
    const known = facts.get(event) ?? new Map(event.shapes.map((shape) => [shape, event.facts(shape)]))
    facts.set(event, known)
    return known
  }
  // Thousands of rules read the same few fields: which shapes these tell apart is asked once. Like events have the same list.
  const groupsOf = (event: GuardedEvent, fields: readonly string[]): readonly Alike[] => {
    const key = `${event.name} ${fields.join()}`
    const known = groups.get(key)
    if (known !== undefined) return known
    const { list, text } = alike(factsOf(event), fields)
    const same = shared.get(text) ?? list
    shared.set(text, same)
    groups.set(key, same)
    return same
  }
  const conditions = new Map<Expr<C>, Known<C>>()
  return (condition, event, note) => {
    const known = conditions.get(condition) ?? knownOf(condition)
    conditions.set(condition, known)
    const { byGroups, fields, deciders } = known
    const list = groupsOf(event, fields)
    if (note !== undefined) return weaken(condition, event, list, known, { users, note })
    const results = byGroups.get(list) ?? new Map<string, ByShape>()
    byGroups.set(list, results)
    const asked = deciders.map(({ test }) => askedOf(test, event)).join()
    const result = results.get(asked) ?? weaken(condition, event, list, known, { users, lost })
    results.set(asked, result)
    return result
  }
}

/** Shapes with the same facts about the fields that a condition reads, and a text that is the same for equal lists. */
function alike(
  facts: ReadonlyMap<number, Facts>,
  fields: readonly string[],
): { readonly list: readonly Alike[]; readonly text: string } {
  const found = new Map<string, Alike>()
  for (const [shape, of] of facts) {
    const key = JSON.stringify(fields.map((field) => of[field] ?? null))
    const group = found.get(key)
    if (group === undefined) found.set(key, { shapes: [shape], facts: of })
    else group.shapes.push(shape)
  }
  const text = [...found].map(([key, { shapes }]) => `${shapes.join()} ${fields.join()} ${key}`).join('\n')
  return { list: [...found.values()], text }
}

interface Decider<C> {
  readonly test: LiteralTest<C>
  readonly decide: (facts: Facts) => boolean | undefined
}

/** What is known of a condition. */
interface Known<C> {
  readonly deciders: readonly Decider<C>[]
  /** Fields that its tests read. */
  readonly fields: readonly string[]
  /** What it needs, by what is decided of its tests and what an event has for the others: like events share it. */
  readonly branches: Map<string, Branches>
  readonly byGroups: Map<readonly Alike[], Map<string, ByShape>>
}

function knownOf<C>(condition: Expr<C>): Known<C> {
  const deciders = literalTests(condition).map(deciderOf)
  const fields = [...new Set(deciders.map(({ test }) => keyOf(test.left)))].sort()
  return { deciders, fields, branches: new Map(), byGroups: new Map() }
}

/** What a condition needs of the paths of an event, for each shape that can match at all. */
function weaken<C>(
  condition: Expr<C>,
  event: GuardedEvent,
  groups: readonly Alike[],
  { deciders, branches: known }: Known<C>,
  {
    users,
    note,
    lost,
  }: { readonly users: UserNames; readonly note?: Note<C>; readonly lost?: Lost | undefined },
): ByShape {
  const result: ShapeGroup[] = []
  const byShape = new Set<Test<C>>()
  for (const { shapes, facts: of } of groups) {
    const decided = new Map(deciders.map(({ test, decide }) => [test as Test<C>, decide(of)]))
    // Shapes that decide the same tests the same way need the same paths.
    const key = [...decided]
      .map(([test, value]) => (value === undefined ? askedOf(test, event) : Number(value)))
      .join()
    let branches = known.get(key)
    if (branches === undefined) {
      branches = fold(
        condition,
        false,
        (test, negated) => leaf(test, negated, decided.get(test), event, users),
        lost,
      )
      known.set(key, branches)
    }
    if (note !== undefined) for (const [test, value] of decided) if (value !== undefined) byShape.add(test)
    if (branches.length > 0) result.push({ shapes, branches })
  }
  if (note !== undefined)
    fold(condition, false, (test, negated) => {
      const verdict = verdictOf(test, negated, event, users)
      note(test, negated, byShape.has(test) && !ASKED.has(verdict) ? 'shape' : verdict)
      return ALWAYS
    })
  return result
}

/** Decides a test by the facts of a shape; facts that shapes share are looked at once. */
function deciderOf<C>(test: LiteralTest<C>): Decider<C> {
  const key = keyOf(test.left)
  const known = new Map<Fact, boolean | undefined>()
  return {
    test,
    decide(facts) {
      const fact = test.left.kind === 'field' ? facts[key] : undefined
      if (fact === undefined) return undefined
      if (!known.has(fact)) known.set(fact, decide(test, fact))
      return known.get(fact)
    },
  }
}

/** `fd.name`, `evt.arg[flags]`. */
const keyOf = <C>(left: Operand<C>): string =>
  left.arg === undefined
    ? operandKey(left)
    : `${left.kind === 'field' ? left.def.name : left.name}[${left.arg}]`

/** Part of a path of the event that an operand is; undefined when it is none. */
function partOf<C>(left: Operand<C>, { paths }: GuardedEvent): PathPart | undefined {
  if (left.kind === 'field') return paths[keyOf(left)]
  const [argument] = left.args
  if (left.name !== 'basename' || argument === undefined || !('kind' in argument)) return undefined
  return argument.kind === 'field' && paths[keyOf(argument)] === 'path' ? 'name' : undefined
}

/** What an event has to ask a test of. */
const askedOf = <C>(test: Test<C>, event: GuardedEvent): string =>
  partOf(test.left, event) ??
  (argumentName(test) !== undefined
    ? event.name
    : `${event.ends ? 'end' : 'other'}${event.nobody ? ' of nobody' : ''}`)

const isLiteral = <C>(test: Test<C>): test is LiteralTest<C> => Array.isArray(test.right)

/** Tests with fixed values. */
function literalTests<C>(expr: Expr<C>): readonly LiteralTest<C>[] {
  switch (expr.kind) {
    case 'const':
      return []
    case 'not':
      return literalTests(expr.item)
    case 'and':
    case 'or':
      return expr.items.flatMap((item) => literalTests(item))
    case 'test':
      return isLiteral(expr) ? [expr] : []
    default:
      return expr satisfies never
  }
}

type Leaf<C> = (test: Test<C>, negated: boolean) => Branches

/** Negations go down to the tests. */
function fold<C>(expr: Expr<C>, negated: boolean, of: Leaf<C>, lost?: Lost): Branches {
  switch (expr.kind) {
    case 'const':
      return expr.value !== negated ? ALWAYS : NEVER
    case 'not':
      return fold(expr.item, !negated, of, lost)
    case 'test':
      return of(expr, negated)
    case 'and':
    case 'or': {
      const items = expr.items.map((item) => fold(item, negated, of, lost))
      return (expr.kind === 'and') !== negated
        ? items.reduce((a, b) => and(a, b, lost), ALWAYS)
        : or(items, lost)
    }
    default:
      return expr satisfies never
  }
}

function leaf<C>(
  test: Test<C>,
  negated: boolean,
  decided: boolean | undefined,
  event: GuardedEvent,
  users: UserNames,
): Branches {
  if (decided !== undefined) return decided !== negated ? ALWAYS : NEVER
  if (!isLiteral(test)) return ALWAYS
  const part = partOf(test.left, event)
  if (part === undefined)
    return (
      ofProcess(test, negated, event, users) ??
      argumentTest(test, negated, event.name) ??
      (event.ends ? socketTest(test, negated) : undefined) ??
      ALWAYS
    )
  if (negated) return ALWAYS
  const { op, modifier, right } = test
  const of = ({ value }: Literal): Branches =>
    typeof value === 'string' ? pathTest(part, op, value) : ALWAYS
  if (op === 'exists') return ALWAYS
  // Of several values at least one has to fit, and an empty list fits nothing.
  return modifier === 'allof' && right.length > 0 ? of(right[0]!) : or(right.map(of))
}

/** What a test of the process leaves; undefined for a test of something else. */
function ofProcess<C>(
  test: LiteralTest<C>,
  negated: boolean,
  { nobody }: GuardedEvent,
  users: UserNames,
): Branches | undefined {
  const branches = processTest(test, negated, users)
  return branches && nobody ? ALWAYS : branches
}

function verdictOf<C>(test: Test<C>, negated: boolean, event: GuardedEvent, users: UserNames): Verdict {
  if (!isLiteral(test)) return 'compares two fields'
  const branches = leaf(test, negated, undefined, event, users)
  const isPath = partOf(test.left, event) !== undefined
  const isProcess = processTest(test, negated, users) !== undefined
  const isNumber = argumentTest(test, negated, event.name) !== undefined
  if (!isAlways(branches)) return isPath ? 'path' : isProcess ? 'process' : isNumber ? 'argument' : 'socket'
  if (isPath)
    return negated
      ? 'negated: either spelling of a path may decide'
      : isLong(test)
        ? 'longer than what is looked up: 36 bytes of a name, 252 of a directory'
        : 'operator tells nothing of directory, name or ending'
  if (isProcess && event.nobody) return 'the process is not known where it happens'
  if (test.left.kind !== 'field') return 'transforms a value'
  if ((isProcess || event.ends) && isWide(test)) return 'more than 1024 numbers'
  const known = isProcess || isNumber || (event.ends && isSocketTest(test.left.def.name))
  return known ? 'negated, or an operator that is not looked up' : 'field is not known to the kernel'
}

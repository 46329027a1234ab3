/** Tests of a process as branches: its name, user, container, terminal, path and name of its image, and the names of those it descends from. */
import { GUARD_DIR, GUARD_NAME } from '../../schema/guard.ts'
import { encodeText, Str } from '../decode/str.ts'
import type { Operator, Transform } from '../rules/ir.ts'
import { literalTest } from '../rules/operators/index.ts'
import { ALWAYS, and, type Branches, type Dimension, except, type Items, only, or } from './branches.ts'
import { decide, type Fact, type LiteralTest } from './facts.ts'
import { valuesOf } from './values.ts'

/** Longest name of a process. */
const COMM_MAX = 15

const CONTAINER_CLASSES: Readonly<Record<string, Fact>> = {
  host: { oneOf: ['host'] },
  container: { noneOf: ['host'] },
}
const TTY_CLASSES: Readonly<Record<string, Fact>> = {
  none: { oneOf: [0] },
  some: { from: 1, to: 2 ** 32 },
}

type ProcessTest = <C>(test: LiteralTest<C>, negated: boolean, users: UserNames) => Items | undefined

/**
 * Names of users by number: those in force, and those that may still be or be soon. An empty list: nothing is known of names.
 * What a name stands for changes only after the guards were told, so what follows for all of these holds of every event.
 */
export type UserNames = readonly ReadonlyMap<number, string>[]

/** Users up to which a test of names is written out. */
const MOST_USERS = 1024
const ROOT = 0

/** By field, with `[]` where it has an argument: what a test of it leaves; undefined when that is everything. */
const TESTS: Readonly<Record<string, { readonly dimension: Dimension; readonly of: ProcessTest }>> = {
  'proc.name': { dimension: 'comms', of: (test, negated) => names(test, negated) },
  'user.uid': { dimension: 'uids', of: (test, negated) => valuesOf(test, negated) },
  // In a container none but root has a name.
  'user.name': { dimension: 'uids', of: (test, negated, users) => named(test, negated, users, [ROOT]) },
  'user.loginuid': { dimension: 'loginuids', of: (test, negated) => valuesOf(test, negated, -1) },
  'user.loginname': { dimension: 'loginuids', of: (test, negated, users) => named(test, negated, users) },
  'container.id': { dimension: 'containers', of: classes(CONTAINER_CLASSES) },
  'container.full_id': { dimension: 'containers', of: classes(CONTAINER_CLASSES) },
  'proc.tty': { dimension: 'ttys', of: classes(TTY_CLASSES) },
  'proc.pname': { dimension: 'ancestors', of: ancestors },
  'proc.aname': { dimension: 'ancestors', of: ancestors },
  'proc.aname[]': { dimension: 'ancestors', of: ancestors },
}

/** Undefined for a test of something else. */
export function processTest<C>(
  test: LiteralTest<C>,
  negated: boolean,
  users: UserNames = [],
): Branches | undefined {
  const { left } = test
  if (left.kind !== 'field') return isBaseOfImage(left) ? baseTest(test, negated) : undefined
  if (left.def.name === 'proc.exepath') return imageTest(test, negated)
  const known = TESTS[left.arg === undefined ? left.def.name : `${left.def.name}[]`]
  if (known === undefined) return undefined
  const items = known.of(test, negated, users)
  return items === undefined ? ALWAYS : [{ [known.dimension]: items }]
}

/**
 * Users whose name passes. A user without a name passes a negation, so only those are excluded that have one: all that do, or
 * `always`, which have it wherever they are.
 */
function named<C>(
  test: LiteralTest<C>,
  negated: boolean,
  users: UserNames,
  always?: readonly number[],
): Items | undefined {
  const { left, op, modifier, right } = test
  if (users.length === 0 || left.kind !== 'field') return undefined
  const holds = op === 'exists' ? () => true : literalTest(op, modifier, right, left.def.type)
  const passing = users.map(
    (names) => new Set([...names].flatMap(([uid, name]) => (holds(new Str(name)) ? [uid] : []))),
  )
  const all = passing.reduce((a, b) => (negated ? a.intersection(b) : a.union(b)))
  const of = always === undefined || !negated ? [...all] : always.filter((uid) => all.has(uid))
  return of.length > MOST_USERS ? undefined : allowed(of.map(String), negated)
}

/** Texts that are compared as a whole; undefined when the test is something else. */
const equal = <C>({ op, modifier, right }: LiteralTest<C>): readonly string[] | undefined =>
  modifier === undefined && (op === '=' || op === '!=' || op === 'in' || op === 'intersects')
    ? right.map(({ value }) => String(value))
    : undefined

const isNegative = (op: Operator, negated: boolean): boolean => (op === '!=') !== negated

function names<C>(test: LiteralTest<C>, negated: boolean): Items | undefined {
  const texts = equal(test)
  // What is longer is no name.
  const of = texts?.filter((text) => encodeText(text).length <= COMM_MAX)
  return of && allowed(of, isNegative(test.op, negated))
}

/** All but nothing is everything. */
const allowed = (of: Iterable<string>, negative: boolean): Items | undefined => {
  const items = { except: negative, of: new Set(of) }
  return negative && items.of.size === 0 ? undefined : items
}

/** A field of which the kernel only knows of what kind its value is: the kinds that may pass. */
function classes(facts: Readonly<Record<string, Fact>>): ProcessTest {
  return (test, negated) => {
    const passing = Object.keys(facts).filter((name) => decide(test, facts[name]!) !== negated)
    return passing.length === Object.keys(facts).length ? undefined : only(...passing)
  }
}

/** Any name on the line of descent, which is more than was asked for: nothing follows from a negation. */
function ancestors<C>(test: LiteralTest<C>, negated: boolean): Items | undefined {
  return isNegative(test.op, negated) ? undefined : names(test, false)
}

/** The path of the executable, by its beginning and by its last component. */
function imageTest<C>(test: LiteralTest<C>, negated: boolean): Branches {
  const beginning = images(test, negated)
  return and(beginning === undefined ? ALWAYS : [{ images: beginning }], endings(test, negated))
}

/** What follows from an ending for the last component. Only `/name` says all of it. */
function endings<C>({ op, modifier, right }: LiteralTest<C>, negated: boolean): Branches {
  if ((op !== 'endswith' && op !== 'glob') || modifier === 'oneof') return ALWAYS
  const texts = right.map(({ value }) => String(value))
  const names = texts.map((text) => nameBehind(op === 'glob' ? text.replace(/^.*[*?[\]\\]/s, '') : text))
  if (negated) {
    const exact = op === 'endswith' && modifier !== 'allof'
    const told = texts.flatMap((text, i) =>
      names[i] !== undefined && text === `/${names[i]}` ? [names[i]] : [],
    )
    return exact && told.length > 0 ? [{ exes: except(...told) }] : ALWAYS
  }
  const each = names.map((name): Branches => (name === undefined ? ALWAYS : [{ exes: only(name) }]))
  return modifier === 'allof' && each.length > 0 ? each[0]! : or(each)
}

/** The name behind the last slash, where it can be asked for. */
function nameBehind(text: string): string | undefined {
  const slash = text.lastIndexOf('/')
  const name = text.slice(slash + 1)
  return slash >= 0 && isAskable(name) ? name : undefined
}
const isAskable = (name: string): boolean =>
  name !== '' && !name.endsWith(')') && encodeText(name).length <= GUARD_NAME

function isBaseOfImage<C>({ name, args }: Transform<C>): boolean {
  const [argument] = args
  if (name !== 'basename' || argument === undefined || !('kind' in argument)) return false
  return argument.kind === 'field' && argument.def.name === 'proc.exepath'
}

/** `basename(proc.exepath)`. */
function baseTest<C>(test: LiteralTest<C>, negated: boolean): Branches {
  const texts = equal(test)
  if (texts === undefined) return ALWAYS
  if (isNegative(test.op, negated)) {
    const told = texts.filter(isAskable)
    return told.length === 0 ? ALWAYS : [{ exes: except(...told) }]
  }
  return texts.every(isAskable) ? [{ exes: only(...texts) }] : ALWAYS
}

/** Beginnings of the executable's path. */
function images<C>(test: LiteralTest<C>, negated: boolean): Items | undefined {
  const { op, modifier, right } = test
  const texts = right.map(({ value }) => String(value))
  const negative = isNegative(op, negated)
  const prefixes =
    modifier === undefined || modifier === 'anyof' ? beginnings(op, texts, negative) : undefined
  if (prefixes === undefined) return undefined
  const fits = (text: string): boolean => encodeText(text).length <= GUARD_DIR
  // Allowed are longer ones by their beginning; forbidden ones cannot be told.
  if (negative) return allowed(prefixes.filter(fits), true)
  return prefixes.every((text) => text !== '' && fits(text)) ? allowed(prefixes, false) : undefined
}

const PLAIN = /^[^*?[\\]*$/

function beginnings(op: Operator, texts: readonly string[], exact: boolean): readonly string[] | undefined {
  switch (op) {
    case '=':
    case '!=':
    case 'in':
    case 'intersects':
      return texts.map((text) => `${text}\0`)
    case 'startswith':
      return texts
    case 'pmatch':
      return texts.every((text) => PLAIN.test(text) && /^\/.*[^/]$/.test(text))
        ? texts.flatMap((text) => [`${text}\0`, `${text}/`])
        : undefined
    case 'glob':
      return exact ? undefined : texts.map((text) => text.replace(/[*?[\\].*$/s, ''))
    default:
      return undefined
  }
}

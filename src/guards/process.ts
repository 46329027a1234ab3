/** Tests of a process as branches: its name, user, container, terminal, image, and the names of those it descends from. */
import { GUARD_DIR } from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import type { Operator } from '../rules/ir.ts'
import { ALWAYS, type Branches, type Dimension, type Items, only } from './branches.ts'
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

type ProcessTest = <C>(test: LiteralTest<C>, negated: boolean) => Items | undefined

/** By field, with `[]` where it has an argument: what a test of it leaves; undefined when that is everything. */
const TESTS: Readonly<Record<string, { readonly dimension: Dimension; readonly of: ProcessTest }>> = {
  'proc.name': { dimension: 'comms', of: (test, negated) => names(test, negated) },
  'user.uid': { dimension: 'uids', of: (test, negated) => valuesOf(test, negated) },
  'container.id': { dimension: 'containers', of: classes(CONTAINER_CLASSES) },
  'container.full_id': { dimension: 'containers', of: classes(CONTAINER_CLASSES) },
  'proc.tty': { dimension: 'ttys', of: classes(TTY_CLASSES) },
  'proc.exepath': { dimension: 'images', of: images },
  'proc.pname': { dimension: 'ancestors', of: ancestors },
  'proc.aname': { dimension: 'ancestors', of: ancestors },
  'proc.aname[]': { dimension: 'ancestors', of: ancestors },
}

/** Undefined for a test of something else. */
export function processTest<C>(test: LiteralTest<C>, negated: boolean): Branches | undefined {
  const { left } = test
  if (left.kind !== 'field') return undefined
  const known = TESTS[left.arg === undefined ? left.def.name : `${left.def.name}[]`]
  if (known === undefined) return undefined
  const items = known.of(test, negated)
  return items === undefined ? ALWAYS : [{ [known.dimension]: items }]
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

/**
 * Tests of numbers that an event has among its arguments: a request, a signal, a family, flags. What such a test leaves are
 * tests of bits, each `MASK:VALUE` in hexadecimal: those under the mask are the value.
 */
import { ARGUMENT_FIELDS, GUARD_ARGUMENTS } from '../../schema/guard.ts'
import { type NameTable, PUBLIC_EVENT_TYPES, type Slot } from '../../schema/index.ts'
import { ARGUMENTS } from '../fields/evt/arguments.ts'
import type { Operator } from '../rules/ir.ts'
import { ALWAYS, type Branches, type Dimension, type Items, NEVER } from './branches.ts'
import type { LiteralTest } from './facts.ts'

/** A number that rules know under the name of an argument. */
export interface GuardArgument {
  /** Which of the numbers that the kernel side looks at. */
  readonly at: number
  readonly bits: number
  readonly signed: boolean
  /** Base that rules read it in. */
  readonly base: 10 | 16
  readonly names: NameTable | undefined
  /** It has a name that only the machine knows, as a user has. */
  readonly isNamedElsewhere: boolean
}

/** Where a field of a record is among the numbers of the event; undefined when it is none of them. */
function placeOf(family: string, { name, decl }: Slot): number | undefined {
  const place = /^arg([0-5])$/.exec(decl.at ?? '')?.[1]
  if (place !== undefined) return Number(place)
  const fields: readonly string[] =
    (ARGUMENT_FIELDS as Readonly<Record<string, readonly string[]>>)[family] ?? []
  return fields.includes(name) ? fields.indexOf(name) : undefined
}

const FORMATS: ReadonlySet<string> = new Set(['number', 'flags', 'enum'])
const NAMED_ELSEWHERE: ReadonlySet<string> = new Set(['uid', 'loginuid', 'gid'])

/** By event, then by the name that rules use. */
const NUMBERS: ReadonlyMap<string, ReadonlyMap<string, GuardArgument>> = new Map(
  PUBLIC_EVENT_TYPES.map(({ name: event, family }) => {
    const numbers = (ARGUMENTS.get(event) ?? []).flatMap(
      ({ name, slot, plain }): [string, GuardArgument][] => {
        const at = slot && placeOf(family.name, slot)
        if (slot === undefined || at === undefined || !FORMATS.has(slot.decl.format) || plain === 'o')
          return []
        const { storage, names } = slot.decl
        return [
          [
            name,
            {
              at,
              bits: slot.size * 8,
              signed: storage === 's32' || storage === 's64',
              base: plain === 'x' ? 16 : 10,
              names: plain === undefined ? names : undefined,
              isNamedElsewhere: plain === undefined && NAMED_ELSEWHERE.has(slot.name),
            },
          ],
        ]
      },
    )
    return [event, new Map(numbers)]
  }),
)

/** Name of the argument that is looked up as a number of the event, in which of its places; its place where it has none. */
export function argumentAt(event: string | undefined, dimension: string): string {
  const of = event === undefined ? undefined : NUMBERS.get(event)
  return [...(of ?? [])].find(([, { at }]) => `arg${at}` === dimension)?.[0] ?? dimension
}

/** The slots of those numbers in a record of the event, by their place. */
export const numberSlots: (event: string) => readonly (Slot | undefined)[] = (event) => SLOTS.get(event) ?? []
const SLOTS: ReadonlyMap<string, readonly (Slot | undefined)[]> = new Map(
  PUBLIC_EVENT_TYPES.map(({ name: event, family }) => {
    const slots = new Array<Slot | undefined>(GUARD_ARGUMENTS).fill(undefined)
    for (const { slot } of ARGUMENTS.get(event) ?? []) {
      const at = slot && placeOf(family.name, slot)
      if (at !== undefined) slots[at] = slot
    }
    return [event, slots]
  }),
)

/** The name of the argument that an operand such as `evt.arg.request` is; undefined for anything else, and for a position. */
export function argumentName<C>({ left }: Pick<LiteralTest<C>, 'left'>): string | undefined {
  if (left.kind !== 'field' || left.arg === undefined || /^\d/.test(left.arg)) return undefined
  return left.def.name === 'evt.arg' || left.def.name === 'evt.rawarg' ? left.arg : undefined
}

/** Undefined for a test of something else. */
export function argumentTest<C>(test: LiteralTest<C>, negated: boolean, event: string): Branches | undefined {
  const name = argumentName(test)
  if (name === undefined || test.left.kind !== 'field') return undefined
  // What an event does not have makes every test false.
  const hasIt = ARGUMENTS.get(event)?.some((argument) => argument.name === name) === true
  if (!hasIt) return negated ? ALWAYS : NEVER
  const number = NUMBERS.get(event)?.get(name)
  if (number === undefined) return undefined
  const isRaw = test.left.def.name === 'evt.rawarg'
  const items = itemsOf(
    isRaw ? { ...number, names: undefined, isNamedElsewhere: false } : number,
    test,
    negated,
  )
  if (items === undefined) return ALWAYS
  const dimension = `arg${number.at}` as Dimension
  return !items.except && items.of.size === 0 ? NEVER : [{ [dimension]: items }]
}

/** What a value that fits one literal has: one of these tests holds; `exact` when it fits whenever one does. */
interface Meaning {
  readonly tests: readonly string[]
  readonly exact: boolean
}
const NOTHING: Meaning = { tests: [], exact: true }

function itemsOf<C>(
  number: GuardArgument,
  { op, modifier, right }: LiteralTest<C>,
  negated: boolean,
): Items | undefined {
  const negative = (op === '!=') !== negated
  if (number.isNamedElsewhere || modifier === 'oneof') return undefined
  const literals = right.map(({ value }) =>
    typeof value === 'string' ? meaningOf(number, op, value) : undefined,
  )
  if (modifier === 'allof')
    return negative || literals.length === 0 ? undefined : allowed([literals[0]], false)
  return allowed(literals, negative)
}

function allowed(literals: readonly (Meaning | undefined)[], negative: boolean): Items | undefined {
  const known = literals.filter((meaning) => meaning !== undefined)
  if (known.length < literals.length || (negative && known.some(({ exact }) => !exact))) return undefined
  const of = new Set(known.flatMap(({ tests }) => tests))
  // All but nothing is everything.
  return negative && of.size === 0 ? undefined : { except: negative, of }
}

function meaningOf(number: GuardArgument, op: Operator, text: string): Meaning | undefined {
  switch (op) {
    case '=':
    case '!=':
    case 'in':
    case 'intersects':
      return equal(number, text)
    case 'contains':
    case 'startswith':
    case 'endswith':
      return partOfName(number, op, text)
    default:
      return undefined
  }
}

/** A number passes when its bits under the mask are the value. */
export interface BitTest {
  readonly mask: bigint
  readonly value: bigint
}

/** As an item of a branch: `MASK:VALUE` in hexadecimal. */
const bitTest = (mask: bigint, value: bigint): string => `${mask.toString(16)}:${value.toString(16)}`

/** What such an item says. */
export function bitTestOf(item: string): BitTest {
  const [mask, value] = item.split(':').map((text) => BigInt(`0x${text}`)) as [bigint, bigint]
  return { mask, value }
}

const isValue = ({ bits }: GuardArgument, value: bigint): string =>
  bitTest((1n << BigInt(bits)) - 1n, BigInt.asUintN(bits, value))

function equal(number: GuardArgument, text: string): Meaning | undefined {
  const { names } = number
  const value = numberFrom(number, text)
  if (names?.kind === 'flags') return value === undefined ? sameFlags(names, text) : undefined
  if (names === undefined)
    return value === undefined ? NOTHING : { tests: [isValue(number, value)], exact: true }
  const named = shownNames(names).get(text)
  if (named !== undefined) return { tests: [isValue(number, BigInt(named))], exact: true }
  // A number is shown where it has no name.
  const hasName = value !== undefined && Object.values(names.names).includes(Number(value))
  return value === undefined || hasName ? NOTHING : { tests: [isValue(number, value)], exact: true }
}

/** What a text is the way to write; undefined when it is none. */
function numberFrom({ bits, signed, base }: GuardArgument, text: string): bigint | undefined {
  if (!(base === 16 ? /^(?:0|[1-9A-F][0-9A-F]*)$/ : /^(?:0|-?[1-9][0-9]*)$/).test(text)) return undefined
  const value = BigInt(base === 16 ? `0x${text}` : text)
  // In hexadecimal a negative number has a sign of its own.
  if (base === 16 && signed && value >= 1n << BigInt(bits - 1)) return undefined
  return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value ? value : undefined
}

/** Names of an enumeration that are shown: of equal values the last has it. */
const shownNames = ({ names }: NameTable): ReadonlyMap<string, number> => {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]))
  return new Map([...byValue].map(([value, name]) => [name, value]))
}

/** All bits of the names that are joined: others may be there that have none. */
function sameFlags(table: NameTable, text: string): Meaning | undefined {
  let mask = 0n
  let value = 0n
  for (const name of text.split('|')) {
    const one = flagTest(table, name)
    if (one === undefined) return undefined
    mask |= one.mask
    value |= one.value
  }
  return { tests: [bitTest(mask, value)], exact: false }
}

/** The bits that are there whenever a name of flags is shown. Undefined for one that says nothing of bits. */
function flagTest({ names, group }: NameTable, name: string): BitTest | undefined {
  const choice = group?.names[name]
  if (group !== undefined && choice !== undefined) return { mask: BigInt(group.mask), value: BigInt(choice) }
  const bits = names[name]
  return bits === undefined || bits <= 0 ? undefined : { mask: BigInt(bits), value: BigInt(bits) }
}

type Part = 'contains' | 'startswith' | 'endswith'
const HOLDS: Readonly<Record<Part, (name: string, part: string) => boolean>> = {
  contains: (name, part) => name.includes(part),
  startswith: (name, part) => name.startsWith(part),
  endswith: (name, part) => name.endsWith(part),
}

/** A piece of a name; what has no name is digits. */
function partOfName(number: GuardArgument, op: Part, text: string): Meaning | undefined {
  const { names } = number
  if (names === undefined || !/[A-Za-z_]/.test(text)) return undefined
  if (names.kind === 'enum') {
    const values = [...shownNames(names)].filter(([name]) => HOLDS[op](name, text)).map(([, value]) => value)
    return { tests: values.map((value) => isValue(number, BigInt(value))), exact: true }
  }
  return op === 'contains' && !text.includes('|') ? someFlags(names, text) : undefined
}

function someFlags(table: NameTable, text: string): Meaning | undefined {
  const all = [...Object.keys(table.group?.names ?? {}), ...Object.keys(table.names)]
  const fitting = all.filter((name) => name.includes(text))
  const tests: BitTest[] = []
  for (const name of fitting) {
    const test = flagTest(table, name)
    if (test === undefined) return undefined
    tests.push(test)
  }
  // A name hides those whose bits it has among others, and what has bit 31 is not shown: then the test says more than the text.
  const others = Object.entries(table.names).filter(([name]) => !fitting.includes(name))
  const exact = tests.every(
    ({ mask, value }) =>
      mask !== value || (value < 1n << 31n && others.every(([, bits]) => (BigInt(bits) & value) !== value)),
  )
  return { tests: tests.map(({ mask, value }) => bitTest(mask, value)), exact }
}

/** Tests of the numbers among an event's arguments, as the kernel side has them. */
import { GUARD_TESTS, NUMBER_DIMENSIONS } from '../../schema/guard.ts'
import { type BitTest, bitTestOf } from './arguments.ts'
import type { Branch } from './branches.ts'
import type { Classes } from './classes.ts'
import { EVERY_CLASS, type Limit, type Mask, MOST_ARGUMENTS, MOST_ENTRIES } from './limits.ts'

export type NumberDimension = (typeof NUMBER_DIMENSIONS)[number]

/** Classes that ask for what a test holds of, and those that exclude it. */
export interface Held {
  readonly asking: Mask
  readonly excluding: Mask
}

/** A test of the bits of a number. */
type NumberTest = Held & BitTest

/** What one number of an event is asked for. */
export interface NumberTests {
  /** Classes that do not ask, or exclude only. */
  readonly open: Mask
  /** Bits of the number that are looked up as a whole; 0: none. */
  readonly mask: bigint
  readonly values: ReadonlyMap<bigint, Held>
  /** Tests that are tried one after the other. */
  readonly tests: readonly NumberTest[]
}

/** By event type, then by dimension; what is not there is not asked for. */
export type Numbers = ReadonlyMap<string, ReadonlyMap<NumberDimension, NumberTests>>

/** So many tests of the same bits are looked up rather than tried. */
const FEW = 4

const bit = (index: number): Mask => 1n << BigInt(index)

/** Tests for the classes that each event type may have, and where there is no room for them. */
export function numbersOf(
  { branches }: Classes,
  shapes: ReadonlyMap<string, ReadonlyMap<number, Mask>>,
): { readonly numbers: Numbers; readonly limits: readonly Limit[] } {
  const numbers = new Map<string, Map<NumberDimension, NumberTests>>()
  const limits: Limit[] = []
  const used = { arguments: 0, values: 0 }
  for (const [event, masks] of shapes) {
    const possible = [...masks.values()].reduce((sum, mask) => sum | mask, 0n)
    for (const dimension of NUMBER_DIMENSIONS) {
      const asked = askedOf(branches, possible, dimension)
      if (asked.size === 0) continue
      const everybody = [...asked.keys()].reduce((sum, i) => sum | bit(i), 0n)
      if (used.arguments === MOST_ARGUMENTS) {
        const about = {
          wanted: MOST_ARGUMENTS + 1,
          room: MOST_ARGUMENTS,
          of: 'arguments of events with tests',
        }
        limits.push({ dimension, event, classes: everybody, ...about })
        continue
      }
      const { tests, limit } = testsOf(asked, MOST_ENTRIES - used.values)
      if (limit !== undefined) limits.push({ dimension, event, ...limit })
      used.arguments++
      used.values += tests.values.size
      numbers.set(event, (numbers.get(event) ?? new Map()).set(dimension, tests))
    }
  }
  return { numbers, limits }
}

type Asked = ReadonlyMap<number, NonNullable<Branch[NumberDimension]>>

const askedOf = (branches: readonly Branch[], possible: Mask, dimension: NumberDimension): Asked =>
  new Map(
    branches.flatMap((branch, i) => {
      const items = branch[dimension]
      return items === undefined || (possible & bit(i)) === 0n ? [] : [[i, items] as const]
    }),
  )

/**
 * Classes share tests. Those that would need more than there is room for do not ask: who needs few comes first, so that as
 * many as possible do.
 */
function testsOf(
  asked: Asked,
  room: number,
): { readonly tests: NumberTests; readonly limit: Omit<Limit, 'dimension'> | undefined } {
  const items = new Map(
    [...asked.values()].flatMap(({ of }) => [...of]).map((item) => [item, bitTestOf(item)]),
  )
  const mask = commonMask([...items.values()])
  const isValue = (item: string): boolean => items.get(item)!.mask === mask
  const kept = { values: new Set<string>(), tests: new Set<string>() }
  let left = 0n
  for (const [i, { of }] of [...asked].sort(([, a], [, b]) => a.of.size - b.of.size)) {
    const values = kept.values.union(new Set([...of].filter(isValue)))
    const tests = kept.tests.union(new Set([...of].filter((item) => !isValue(item))))
    if (values.size > room || tests.size > GUARD_TESTS) left |= bit(i)
    else Object.assign(kept, { values, tests })
  }
  const isLeft = (i: number): boolean => (left & bit(i)) !== 0n
  const held = (item: string): Held => {
    const who = (except: boolean): Mask =>
      [...asked].reduce(
        (sum, [i, of]) => (of.except === except && of.of.has(item) && !isLeft(i) ? sum | bit(i) : sum),
        0n,
      )
    return { asking: who(false), excluding: who(true) }
  }
  const asking = [...asked].reduce((sum, [i, { except }]) => (except || isLeft(i) ? sum : sum | bit(i)), 0n)
  const tests: NumberTests = {
    open: ~asking & EVERY_CLASS,
    mask,
    values: new Map([...kept.values].map((item) => [items.get(item)!.value, held(item)])),
    tests: [...kept.tests].map((item) => ({ ...items.get(item)!, ...held(item) })),
  }
  const tried = items.size - [...items.keys()].filter(isValue).length
  const about =
    tried > GUARD_TESTS
      ? { wanted: tried, room: GUARD_TESTS, of: 'different tests of bits' }
      : { wanted: items.size - tried, room, of: 'different values' }
  return { tests, limit: left === 0n ? undefined : { classes: left, ...about } }
}

/** The bits that most tests look at, if they are many. */
function commonMask(tests: readonly BitTest[]): bigint {
  const groups = [...Map.groupBy(tests, ({ mask }) => mask)].sort(([, a], [, b]) => b.length - a.length)
  const [mask, members] = groups[0]!
  return members.length > FEW ? mask : 0n
}

const NOTHING: Held = { asking: 0n, excluding: 0n }

/** Classes that a number leaves. */
export function leftBy({ open, mask, values, tests }: NumberTests, number: bigint): Mask {
  const looked = mask === 0n ? NOTHING : (values.get(number & mask) ?? NOTHING)
  const holding = [looked, ...tests.filter((test) => (number & test.mask) === test.value)]
  const sum = (of: keyof Held): Mask => holding.reduce((all, held) => all | held[of], 0n)
  return (open & ~sum('excluding')) | sum('asking')
}

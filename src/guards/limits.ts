/** Where tables end: what the kernel does not ask although a consumer does, because there is no more room for it. */
import {
  GUARD_ARGUMENT_ENTRIES,
  GUARD_ENTRIES,
  GUARD_NAME_ENTRIES,
  GUARD_NUMBER_ENTRIES,
  GUARD_WORDS,
} from '../../schema/guard.ts'
import type { Dimension } from './branches.ts'

/** A set of classes, bit by bit. */
export type Mask = bigint
export const EVERY_CLASS: Mask = (1n << BigInt(GUARD_WORDS * 64)) - 1n

/** A table, or a part of one, that has no room for what some classes ask. */
export interface Limit {
  /** What is not asked for, or less than it was. */
  readonly dimension: Dimension | 'classes'
  /** The event type it is about, where it is about one. */
  readonly event?: string
  /** Whose question it was. */
  readonly classes: Mask
  /** How much there is, and how much there is room for. */
  readonly wanted: number
  readonly room: number
  /** What is counted. */
  readonly of: string
}

/** Half of a table: the other half is for the generation before or after. */
export const MOST_ENTRIES = GUARD_ENTRIES / 2
/** Arguments of events that have tests. */
export const MOST_ARGUMENTS = GUARD_ARGUMENT_ENTRIES / 2
/** Items that are beginnings are compared with each other: few of them, or the dimension is not asked for. */
export const MOST_BEGINNINGS = 1024

/** Dimensions whose values are names to the kernel: they share a table. */
export const NAME_DIMENSIONS: readonly Dimension[] = ['components', 'bases', 'exes', 'comms', 'ancestors']
const NUMBERS: readonly Dimension[] = ['uids', 'loginuids', 'ports', 'tails']
const share = (entries: number, of: readonly Dimension[]): number => Math.floor(entries / 2 / of.length)

/** Values of a dimension up to which every class may ask for as many as it likes. Some dimensions share a table. */
export function roomOf(dimension: Dimension): number {
  if (NAME_DIMENSIONS.includes(dimension)) return share(GUARD_NAME_ENTRIES - 64, NAME_DIMENSIONS)
  if (NUMBERS.includes(dimension)) return share(GUARD_NUMBER_ENTRIES - 64, NUMBERS)
  return MOST_ENTRIES / 2
}

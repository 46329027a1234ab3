/** Where tables end: what the kernel does not ask although a consumer does, because there is no more room for it. */
import {
  GUARD_ARGUMENT_ENTRIES,
  GUARD_ENTRIES,
  GUARD_NAME_ENTRIES,
  GUARD_NUMBER_ENTRIES,
} from '../../schema/guard.ts'
import type { Dimension } from './branches.ts'

/** A set of classes, bit by bit. */
export type Mask = bigint

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

const NAMES = { components: true, bases: true, exes: true, comms: true, ancestors: true }
const NUMBERS = { uids: true, loginuids: true, ports: true, tails: true }
const share = (entries: number, of: object): number => Math.floor(entries / 2 / Object.keys(of).length)

/** Values of a dimension up to which every class may ask for as many as it likes. Some dimensions share a table. */
export function roomOf(dimension: Dimension): number {
  if (dimension in NAMES) return share(GUARD_NAME_ENTRIES - 64, NAMES)
  if (dimension in NUMBERS) return share(GUARD_NUMBER_ENTRIES - 64, NUMBERS)
  return MOST_ENTRIES / 2
}

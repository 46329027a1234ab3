/** The layout of records as plain data: what `schema/abi.json` holds, so that no change of it goes unnoticed. */

import { HEADER, PROGRAM_COUNTERS, RECORD_FLAGS } from './header.ts'
import { EVENT_TYPES, FAMILIES } from './index.ts'
import { HEADER_SIZE, HEADER_SLOTS, layoutOf } from './layout.ts'

export interface Abi {
  readonly header: { readonly size: number; readonly slots: Readonly<Record<string, string>> }
  readonly record_flags: Readonly<Record<string, number>>
  /** Counters of a program: position in its row. */
  readonly counters: Readonly<Record<string, number>>
  /** Wire id of each event. */
  readonly events: Readonly<Record<string, number>>
  readonly families: Readonly<
    Record<string, { readonly size: number; readonly slots: Readonly<Record<string, string>> }>
  >
}

/** A slot is written as `storage at offset`; arrays as `storage[count]`. */
export function describeAbi(): Abi {
  const records = new Set(FAMILIES.map((family) => family.record ?? family))
  const families = [...records].map((family) => {
    const { size, slots } = layoutOf(family)
    const lines = slots.map(({ name, decl, offset }) => [name, `${decl.storage} at ${offset}`])
    return [family.name, { size, slots: Object.fromEntries(lines) }] as const
  })
  const header = HEADER.map(({ name, storage, count }) => [
    name,
    `${storage}${count === undefined ? '' : `[${count}]`} at ${HEADER_SLOTS.get(name)!.offset}`,
  ])
  return {
    header: { size: HEADER_SIZE, slots: Object.fromEntries(header) },
    record_flags: RECORD_FLAGS,
    counters: Object.fromEntries(PROGRAM_COUNTERS.map((name, i) => [name, i])),
    events: Object.fromEntries(EVENT_TYPES.map(({ name, id }) => [name, id])),
    families: Object.fromEntries(families),
  }
}

/** The text of abi.json. */
export const abiText = (): string => `${JSON.stringify(describeAbi(), null, 2)}\n`

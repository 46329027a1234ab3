/** Offsets and sizes that follow from the declarations, and the numbering of programs. */
import type { FamilyDecl, FieldDecl, ProgramDecl, Storage } from './dsl.ts'
import { HEADER } from './header.ts'

/** Bytes of a value in the fixed part of a record. */
export const STORAGE_BYTES: Readonly<Record<Storage, number>> = {
  u16: 2,
  u32: 4,
  s32: 4,
  u64: 8,
  s64: 8,
  ip: 16,
  str: 8,
  strv: 8,
  bytes: 8,
}
/** Alignment of a stored field: its size, but 4 for `struct vl` and 8 for 16 address bytes. */
const alignment = (storage: Storage): number => {
  if (storage === 'ip') return 8
  return storage === 'str' || storage === 'strv' || storage === 'bytes' ? 4 : STORAGE_BYTES[storage]
}
/** Offset and length of a vector count words of 8 bytes; how much of the last word is meant, its total says. */
export const unitOf = (storage: string): 1 | 8 => (storage === 'strv' ? 8 : 1)
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

export interface Slot {
  readonly name: string
  readonly offset: number
  readonly size: number
  /** Bytes that a variable value's offset and length count: 8 for vectors, which may be long, 1 for all others. */
  readonly unit: 1 | 8
  /** That of the declaration: read of every event, so it lies here as well. */
  readonly storage: Storage
  readonly decl: FieldDecl
}

/** What a field is called as an argument of an event of its family; undefined where that event does not have it. */
export const argumentName = ({ name, decl }: Slot, event: string): string | undefined =>
  decl.argumentOf === undefined ? name : decl.argumentOf[event]

export type HeaderSlot = Pick<Slot, 'name' | 'offset' | 'size' | 'storage'>

/** Byte offsets of the header's fields. */
export const HEADER_SLOTS: ReadonlyMap<string, HeaderSlot> = (() => {
  const slots = new Map<string, HeaderSlot>()
  let offset = 0
  for (const field of HEADER) {
    const unit = STORAGE_BYTES[field.storage]
    offset = roundUp(offset, unit)
    const size = unit * (field.count ?? 1)
    slots.set(field.name, { name: field.name, offset, size, storage: field.storage })
    offset += size
  }
  return slots
})()

/** Bytes of the header: 104. */
export const HEADER_SIZE: number = roundUp(
  Math.max(...[...HEADER_SLOTS.values()].map((slot) => slot.offset + slot.size)),
  8,
)

/** Is the value kept in the variable part, behind a `struct vl { u16 off; u16 len; u32 total; }`? */
export const isVariable = (storage: Storage): boolean =>
  storage === 'str' || storage === 'strv' || storage === 'bytes'

export interface Layout {
  readonly slots: readonly Slot[]
  /** Bytes of the fixed part, header included; variable values follow it, each 8-aligned. */
  readonly size: number
}

const layouts = new Map<FamilyDecl, Layout>()

/** Fixed part of a family's record: fields in declaration order with natural alignment, like the C struct. */
export function layoutOf(family: FamilyDecl): Layout {
  const known = layouts.get(family)
  if (known) return known
  const layout = family.record === undefined ? ownLayout(family) : sharedLayout(family, family.record)
  layouts.set(family, layout)
  return layout
}

const slotAt = (name: string, offset: number, decl: FieldDecl): Slot => {
  const { storage } = decl
  return { name, offset, size: STORAGE_BYTES[storage], unit: unitOf(storage), storage, decl }
}

function ownLayout(family: FamilyDecl): Layout {
  let offset = HEADER_SIZE
  const slots: Slot[] = []
  for (const [name, decl] of Object.entries(family.fields)) {
    offset = roundUp(offset, alignment(decl.storage))
    slots.push(slotAt(name, offset, decl))
    offset += STORAGE_BYTES[decl.storage]
  }
  return { slots, size: roundUp(offset, 8) }
}

/** Fields that name slots of a common record, perhaps with less of their bytes: little-endian, so the low ones. */
function sharedLayout(family: FamilyDecl, record: FamilyDecl): Layout {
  const { slots, size } = layoutOf(record)
  const places = new Map(slots.map((slot) => [slot.name, slot.offset]))
  const own = Object.entries(family.fields).map(([name, decl]) => {
    const offset = places.get(decl.at ?? name)
    if (offset === undefined) throw new RangeError(`${record.name} has no slot '${decl.at ?? name}'`)
    return slotAt(name, offset, decl)
  })
  return { slots: own, size }
}

/** Programs of all families in order; the position is the index stamped into records and counters. */
export function programsOf(families: readonly FamilyDecl[]): readonly (ProgramDecl & { object: string })[] {
  const programs = new Map<string, ProgramDecl & { object: string }>()
  for (const family of families)
    for (const event of family.events)
      for (const program of event.programs) programs.set(program.name, { object: family.object, ...program })
  return [...programs.values()]
}

/**
 * The layout of records as a capture carries it, and how records of another layout are read: each field goes to where the
 * schema at hand has it, by name. What is not known here is left out; what was not known there is absent or 0.
 */
import {
  EVENT_TYPES,
  FAMILIES,
  HEADER_SIZE,
  HEADER_SLOTS,
  isVariable,
  layoutOf,
  RECORD_FLAGS,
  type Slot,
  STORAGE_BYTES,
  type Storage,
  unitOf,
} from '../../../schema/index.ts'
import { writeReference } from '../../decode/encode.ts'

/** `[offset, bytes]`. */
type Place = readonly [number, number]

export interface Layouts {
  readonly header: { readonly size: number; readonly slots: Readonly<Record<string, Place>> }
  /** Wire id and family by name of the event. */
  readonly events: Readonly<Record<string, readonly [number, string]>>
  readonly families: Readonly<
    Record<
      string,
      { readonly size: number; readonly slots: Readonly<Record<string, readonly [number, Storage]>> }
    >
  >
}

/** Layouts of the schema this program is made with. */
export const ownLayouts = (): Layouts => ({
  header: {
    size: HEADER_SIZE,
    slots: Object.fromEntries([...HEADER_SLOTS].map(([name, { offset, size }]) => [name, [offset, size]])),
  },
  events: Object.fromEntries(EVENT_TYPES.map(({ name, id, family }) => [name, [id, family.name]])),
  families: Object.fromEntries(
    FAMILIES.map((family) => {
      const { size, slots } = layoutOf(family)
      const places = slots.map(({ name, offset, decl }) => [name, [offset, decl.storage]])
      return [family.name, { size, slots: Object.fromEntries(places) }]
    }),
  ),
})

/** Bytes of a value in the fixed part; undefined for a storage this version does not know. */
const BYTES: Readonly<Record<string, number | undefined>> = STORAGE_BYTES
/** Largest fixed part of any record. */
const MAX_FIXED = 8192

const isPlace = (
  place: unknown,
  bytes: number | undefined,
  end: number,
): place is readonly [number, unknown] =>
  Array.isArray(place) &&
  Number.isInteger(place[0]) &&
  bytes !== undefined &&
  place[0] >= 0 &&
  place[0] + bytes <= end &&
  place[0] % Math.min(bytes === 16 ? 8 : bytes, 4) === 0

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Is this what a capture may say about layouts? Then offsets lie within the records. */
export function isLayouts(value: unknown): value is Layouts {
  if (!isObject(value)) return false
  const { header, events, families } = value
  if (!isObject(header) || !isObject(header['slots']) || !isObject(events) || !isObject(families))
    return false
  const size = header['size'] as number
  const fits = (n: unknown): n is number =>
    Number.isInteger(n) && (n as number) >= 40 && (n as number) <= MAX_FIXED
  if (!fits(size)) return false
  const inHeader = Object.values(header['slots']).every(
    (place) =>
      Array.isArray(place) && Number.isInteger(place[1]) && place[1] > 0 && isPlace(place, place[1], size),
  )
  const ids = Object.values(events).every(
    (event) => Array.isArray(event) && Number.isInteger(event[0]) && typeof event[1] === 'string',
  )
  return (
    inHeader &&
    ids &&
    Object.values(families).every((family) => {
      if (!isObject(family) || !isObject(family['slots']) || !fits(family['size'])) return false
      const end = family['size']
      return Object.values(family['slots']).every(
        (place) => Array.isArray(place) && isPlace(place, BYTES[String(place[1])], end),
      )
    })
  )
}

/** Where the offset of each variable value stands, in 16-bit words from the record's start, and what it counts; by wire id. */
const VARIABLE: readonly (Uint16Array | undefined)[] = (() => {
  const places: (Uint16Array | undefined)[] = []
  for (const { id, family } of EVENT_TYPES)
    places[id] = new Uint16Array(
      layoutOf(family).slots.flatMap(({ offset, unit, decl }) =>
        isVariable(decl.storage) ? [offset >> 1, unit] : [],
      ),
    )
  return places
})()

/**
 * Do the variable values of a record lie within it? Live this is the kernel's word; a file may say anything. `base`: byte
 * offset of the record, a multiple of 8.
 */
export function holdsTogether(words: Uint16Array, base: number, id: number, size: number): boolean {
  const places = VARIABLE[id]
  if (places === undefined) return false
  for (let i = 0; i < places.length; i += 2) {
    const at = (base >> 1) + places[i]!
    const unit = places[i + 1]!
    const offset = words[at]! * unit
    if (offset !== 0 && (offset < HEADER_SIZE || offset + words[at + 1]! * unit > size)) return false
  }
  return true
}

/** How one event of another schema becomes one of ours. */
interface Plan {
  readonly id: number
  readonly size: number
  readonly theirSize: number
  readonly fixed: readonly {
    readonly from: number
    readonly to: number
    readonly bytes: number
    readonly signed: boolean
    readonly wide: number
  }[]
  readonly variable: readonly { readonly from: number; readonly unit: number; readonly slot: Slot }[]
}

const SIGNED: ReadonlySet<string> = new Set(['s32', 's64'])
const isText = (storage: string): boolean => storage === 'str' || storage === 'strv' || storage === 'bytes'

/** Same kind of value, and ours has room for it. */
const agrees = (theirs: string, ours: string): boolean =>
  theirs === ours ||
  (isText(theirs) && isText(ours)) ||
  (/^[us]\d/.test(theirs) && /^[us]\d/.test(ours) && BYTES[theirs]! <= BYTES[ours]!)

function planOf(theirs: Layouts, name: string): Plan | undefined {
  const [, familyName] = theirs.events[name]!
  const family = theirs.families[familyName]
  const type = EVENT_TYPES.find((candidate) => candidate.name === name)
  if (type === undefined || family === undefined) return undefined
  const { slots, size } = layoutOf(type.family)
  const fixed = [...HEADER_SLOTS].flatMap(([slot, { offset, size: bytes }]) => {
    const place = theirs.header.slots[slot]
    if (place === undefined) return []
    return [{ from: place[0], to: offset, bytes: Math.min(bytes, place[1]), signed: false, wide: bytes }]
  })
  const known = slots.flatMap((slot: Slot) => {
    const place = Object.hasOwn(family.slots, slot.name) ? family.slots[slot.name] : undefined
    return place === undefined || !agrees(place[1], slot.decl.storage) ? [] : [{ slot, place }]
  })
  return {
    id: type.id,
    size,
    theirSize: family.size,
    fixed: [
      ...fixed,
      ...known
        .filter(({ slot }) => !isVariable(slot.decl.storage))
        .map(({ slot, place: [from, storage] }) => ({
          ...{ from, to: slot.offset, bytes: BYTES[storage]! },
          ...{ signed: SIGNED.has(storage), wide: slot.size },
        })),
    ],
    variable: known
      .filter(({ slot }) => isVariable(slot.decl.storage))
      .map(({ slot, place: [from, storage] }) => ({ from, unit: unitOf(storage), slot })),
  }
}

/** Makes records of ours of those of another schema; nothing of one that is not known here, or is none. */
export type Translate = (record: Uint8Array) => Uint8Array<ArrayBuffer> | undefined

/** For records of a file with this schema: fields are found by name, and those that it does not have stay 0 or absent. */
export function createTranslator(theirs: Layouts): Translate {
  const plans = new Map<number, Plan>()
  for (const [name, [id]] of Object.entries(theirs.events)) {
    const plan = planOf(theirs, name)
    if (plan !== undefined) plans.set(id, plan)
  }
  const idAt = theirs.header.slots['id']?.[0] ?? 0
  return (record) => {
    const from = new DataView(record.buffer, record.byteOffset, record.byteLength)
    if (record.length < idAt + 2) return undefined
    const plan = plans.get(from.getUint16(idAt, true))
    return plan === undefined || record.length < plan.theirSize ? undefined : translated(record, from, plan)
  }
}

function translated(record: Uint8Array, from: DataView, plan: Plan): Uint8Array<ArrayBuffer> | undefined {
  const texts: { slot: Slot; offset: number; length: number; total: number; at: number }[] = []
  let size = plan.size
  for (const { from: at, unit, slot } of plan.variable) {
    const offset = from.getUint16(at, true) * unit
    const total = from.getUint32(at + 4, true)
    const stored = from.getUint16(at + 2, true) * unit
    const length = unit === 1 ? stored : Math.min(stored, total)
    if (offset === 0) continue
    if (offset + length > record.length || size > 0xffff * slot.unit) return undefined
    texts.push({ slot, offset, length, total, at: size })
    size += (length + 7) & ~7
  }
  const made = new Uint8Array(size)
  const view = new DataView(made.buffer)
  for (const { from: at, to, bytes, signed, wide } of plan.fixed) {
    made.set(record.subarray(at, at + bytes), to)
    if (signed && bytes < wide && (record[at + bytes - 1]! & 0x80) !== 0)
      made.fill(0xff, to + bytes, to + wide)
  }
  for (const { slot, offset, length, total, at } of texts) {
    writeReference(view, slot, { offset: at, kept: length, total })
    made.set(record.subarray(offset, offset + length), at)
  }
  view.setUint16(HEADER_SLOTS.get('id')!.offset, plan.id, true)
  view.setUint16(HEADER_SLOTS.get('header_size')!.offset, HEADER_SIZE, true)
  view.setUint32(HEADER_SLOTS.get('size')!.offset, size, true)
  return made
}

const FLAGS_AT = HEADER_SLOTS.get('flags')!.offset >> 1

/** Replay judges everything that was recorded: what was only sent to check the guards is an event like any other. */
export const forgetAudit = (words: Uint16Array, base: number): void => {
  words[(base >> 1) + FLAGS_AT] = words[(base >> 1) + FLAGS_AT]! & ~RECORD_FLAGS.AUDIT
}

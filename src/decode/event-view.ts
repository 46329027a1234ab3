/**
 * A record as the rest of the program sees it: a window over ring memory that decodes what is asked for.
 *
 * There is one view for each reader. It is valid until the next record: whoever wants to keep a value copies it.
 */
import {
  EVENT_TYPES,
  type EventType,
  FAMILIES,
  type FamilyDecl,
  HEADER_SLOTS,
  isVariable,
  layoutOf,
  type Ring,
  type Slot,
} from '../../schema/index.ts'
import { type Interner, type Memory, sameBytes } from './interner.ts'
import type { KnownPaths, PathFeatures } from './known-paths.ts'
import type { Str } from './str.ts'

const at = (name: string): number => HEADER_SLOTS.get(name)!.offset
/** Where the fields of a record's header lie, in units of their own size; of 64-bit ones the lower half, in words. */
export const HEADER_AT = {
  id: at('id') >> 1,
  headerSize: at('header_size') >> 1,
  size: at('size') >> 2,
  flags: at('flags') >> 1,
  prog: at('prog') >> 1,
  cpu: at('cpu') >> 2,
  time: at('time') >> 2,
  seq: at('seq') >> 2,
  tgid: at('tgid') >> 2,
  tid: at('tid') >> 2,
  start: at('start') >> 2,
  uid: at('uid') >> 2,
  cgroup: at('cgroup') >> 2,
  cgroupV1: at('cgroup_v1') >> 2,
  generation: at('generation') >> 2,
  live: at('live') >> 2,
} as const

/** What is known of an event type without looking at a record, put together once: `seek` is called for every record. */
interface Shape {
  readonly type: EventType
  /** Of the type among EVENT_TYPES: wire ids have gaps, and there are many lists by type. */
  readonly place: number
  readonly name: string
  readonly family: string
  /** Bytes of the fixed part. */
  readonly size: number
  readonly slots: ReadonlyMap<string, Slot>
}

const SLOTS: ReadonlyMap<FamilyDecl, ReadonlyMap<string, Slot>> = new Map(
  FAMILIES.map((family) => [family, new Map(layoutOf(family).slots.map((slot) => [slot.name, slot]))]),
)

/** The slot of a field in a family, undefined when the family has no such field. */
export const slotOf = (family: FamilyDecl, name: string): Slot | undefined => SLOTS.get(family)?.get(name)

const shapeOf = (type: EventType, place: number): Shape => ({
  type,
  place,
  name: type.name,
  family: type.family.name,
  size: layoutOf(type.family).size,
  slots: SLOTS.get(type.family)!,
})

/** By wire id; dense, so that an unknown id is a lookup like any other. */
const SHAPES: readonly (Shape | undefined)[] = (() => {
  const shapes = new Array<Shape | undefined>(Math.max(...EVENT_TYPES.map((type) => type.id)) + 1).fill(
    undefined,
  )
  for (const [place, type] of EVENT_TYPES.entries()) shapes[type.id] = shapeOf(type, place)
  return shapes
})()

/** Where a field lies, by type of the event: for what is read of every event, where a look-up by name would cost more. */
export type Places = readonly (Slot | undefined)[]

/** One list for each name, made when it is first asked for: a list is as long as there are types, and a name serves many. */
const PLACES = new Map<string, Places>()

/** Where a number lies, likewise: a field of the record or of its header. */
export type NumberPlaces = readonly (NumberSlot | undefined)[]
export type NumberSlot = Pick<Slot, 'name' | 'offset' | 'storage'>

/** The same for a field of the header, which every record has. */
export const headerPlaces = (name: string): NumberPlaces => EVENT_TYPES.map(() => HEADER_SLOTS.get(name)!)

/** What is so for each type, to be looked up with `slotAt`. */
export const byEventType = <T>(get: (type: EventType) => T): readonly T[] => EVENT_TYPES.map(get)

/** The same of a type without a record. */
export const forType = <T>(places: readonly T[], type: EventType): T | undefined =>
  places[SHAPES[type.id]?.place ?? -1]

export function placesOf(name: string): Places {
  const known = PLACES.get(name) ?? EVENT_TYPES.map(({ family }) => SLOTS.get(family)!.get(name))
  PLACES.set(name, known)
  return known
}

const HIGH = 4294967296

export class EventView {
  readonly source = 'syscall'
  /** Type of the current record. */
  type: EventType = EVENT_TYPES[0]!
  /** Name of that type, and of its family. */
  name = EVENT_TYPES[0]!.name
  family = EVENT_TYPES[0]!.family.name
  /** Ring the current record came from. */
  ring: Ring = 'critical'
  readonly #interner: Interner
  /** Fields of the current record's family. */
  #slots: ReadonlyMap<string, Slot> = SLOTS.get(EVENT_TYPES[0]!.family)!
  /** Place of its type among EVENT_TYPES. */
  #place = 0
  #u8 = Buffer.alloc(0)
  #u16 = new Uint16Array(0)
  #u32 = new Uint32Array(0)
  #i32 = new Int32Array(0)
  #memory: Memory = { bytes: this.#u8, words: this.#i32 }
  /** Byte offset of the record; always a multiple of 8. */
  #base = 0
  /** What was put together from the current record last, and under which name; fields keep it here. */
  memoKey: string | undefined
  memo: object | undefined
  /** What kind of file the current record is about, kept likewise. */
  kindMemo: string | undefined

  constructor(interner: Interner) {
    this.#interner = interner
  }

  /** Look at another memory area. `buffer` must start 8-aligned and have a length that is a multiple of 8. */
  map(buffer: ArrayBuffer, byteOffset = 0, byteLength = buffer.byteLength - byteOffset): void {
    this.#u8 = Buffer.from(buffer, byteOffset, byteLength)
    this.#u16 = new Uint16Array(buffer, byteOffset, byteLength >> 1)
    this.#u32 = new Uint32Array(buffer, byteOffset, byteLength >> 2)
    this.#i32 = new Int32Array(buffer, byteOffset, byteLength >> 2)
    this.#memory = { bytes: this.#u8, words: this.#i32 }
  }

  /**
   * Move to the record of `length` bytes at byte `offset`. Returns undefined, or why it is not a record we can read:
   * nothing is thrown, the caller counts it.
   */
  seek(offset: number, length: number): 'short' | 'bad_size' | 'unknown_event' | undefined {
    this.#base = offset
    this.memoKey = undefined
    this.kindMemo = undefined
    if (length < 40) return 'short'
    const id = this.#u16[(offset >> 1) + HEADER_AT.id]!
    const shape = id < SHAPES.length ? SHAPES[id] : undefined
    if (shape === undefined) return 'unknown_event'
    this.#place = shape.place
    this.type = shape.type
    this.name = shape.name
    this.family = shape.family
    this.#slots = shape.slots
    const size = this.#u32[(offset >> 2) + HEADER_AT.size]!
    if (size > length || size < shape.size) return 'bad_size'
    return undefined
  }

  /** A view of its own over a copy of the current record, valid for as long as it is kept. */
  detached(): EventView {
    const size = (this.recordSize + 7) & ~7
    const copy = new Uint8Array(size)
    copy.set(this.#u8.subarray(this.#base, this.#base + size))
    const view = new EventView(this.#interner)
    view.map(copy.buffer)
    view.seek(0, size)
    view.ring = this.ring
    return view
  }

  /** Copy the current record to byte `at` of `target`, which has room for it. */
  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#u8.subarray(this.#base, this.#base + this.recordSize), at)
  }

  /** Bytes of the current record. */
  get recordSize(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.size]!
  }

  /** RECORD_FLAGS bits. */
  get flags(): number {
    return this.#u16[(this.#base >> 1) + HEADER_AT.flags]!
  }
  /** Index of the producing program. */
  get prog(): number {
    return this.#u16[(this.#base >> 1) + HEADER_AT.prog]!
  }
  get cpu(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.cpu]!
  }
  /** CLOCK_MONOTONIC in ns, rounded to 53 bits (exact for 104 days of uptime): for ordering. */
  get time(): number {
    return this.#u64((this.#base >> 2) + HEADER_AT.time)
  }
  /** CLOCK_MONOTONIC in ns, exact: for output. */
  get timeNs(): bigint {
    return this.#big((this.#base >> 2) + HEADER_AT.time)
  }
  /** Sequence number within (ring, CPU), from 0. */
  get seq(): number {
    return this.#u64((this.#base >> 2) + HEADER_AT.seq)
  }
  /** Process id, initial pid namespace. */
  get pid(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.tgid]!
  }
  /** Thread id, initial pid namespace. */
  get tid(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.tid]!
  }
  /** Start of the process, CLOCK_BOOTTIME ns, rounded to 53 bits; with the pid it identifies the process. */
  get start(): number {
    return this.#u64((this.#base >> 2) + HEADER_AT.start)
  }
  /** Effective user id, initial user namespace. */
  get uid(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.uid]!
  }
  /** Generation of the guard tables that let the event pass, 0 without guards. */
  get generation(): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.generation]!
  }
  /** Bits of guard classes that the event may belong to: 32 of them, from class 32 * `word` on. */
  live(word: number): number {
    return this.#u32[(this.#base >> 2) + HEADER_AT.live + word]!
  }
  get cgroup(): number {
    return this.#u64((this.#base >> 2) + HEADER_AT.cgroup)
  }
  get cgroupV1(): number {
    return this.#u64((this.#base >> 2) + HEADER_AT.cgroupV1)
  }

  /** Does the current record's family have this field? */
  has(name: string): boolean {
    return this.#slots.has(name)
  }

  /** A numeric field; undefined when this event has none of that name. 64-bit values are rounded to 53 bits. */
  number(name: string): number | undefined {
    const slot = this.#slots.get(name)
    return slot && this.numberAt(slot)
  }

  numberAt(slot: NumberSlot): number {
    const offset = this.#base + slot.offset
    switch (slot.storage) {
      case 'u16':
        return this.#u16[offset >> 1]!
      case 's32':
        return this.#i32[offset >> 2]!
      case 'u32':
        return this.#u32[offset >> 2]!
      case 'u64':
        return this.#u64(offset >> 2)
      case 's64':
        return this.#i32[(offset >> 2) + 1]! * HIGH + this.#u32[offset >> 2]!
      default:
        throw new TypeError(`Field ${slot.name} is not a number`)
    }
  }

  /** A 64-bit field with all its bits. */
  bigint(name: string): bigint | undefined {
    const slot = this.#slots.get(name)
    if (!slot) return undefined
    return this.bigintAt(slot)
  }

  bigintAt(slot: NumberSlot): bigint {
    const value = this.#big((this.#base + slot.offset) >> 2)
    return slot.storage === 's64' ? BigInt.asIntN(64, value) : value
  }

  /** A text field, interned; undefined when the event has none of that name or the record does not carry it. */
  string(name: string): Str | undefined {
    const slot = this.#slots.get(name)
    return slot && this.stringAt(slot)
  }

  stringAt(slot: Slot): Str | undefined {
    const off = this.#startOf(slot)
    if (off === 0) return undefined
    return this.#interner.get(this.#memory, this.#base + off, this.#lengthOf(slot))
  }

  /** The slot of a field in the current record; or whatever else is kept by type. */
  slotAt<T>(places: readonly T[]): T | undefined {
    return places[this.#place]
  }

  /** A text field that is often the same as another one, whose string is known: then nothing is looked up. */
  stringLike(slot: Slot, other: Slot | undefined, known: Str | undefined): Str | undefined {
    return other !== undefined && known !== undefined && this.same(slot, other) ? known : this.stringAt(slot)
  }

  /** Find the bytes of a text field in memory; false when the record does not carry it, or it is empty. */
  locate(slot: Slot, at: { bytes: Uint8Array; start: number; end: number }): boolean {
    const off = this.#startOf(slot)
    const length = this.#lengthOf(slot)
    if (off === 0 || length === 0) return false
    at.bytes = this.#u8
    at.start = this.#base + off
    at.end = at.start + length
    return true
  }

  /** Does the record carry two texts, and are they the same? */
  same(a: Slot, b: Slot): boolean {
    const length = this.#lengthOf(a)
    const from = this.#startOf(a)
    const to = this.#startOf(b)
    if (from === 0 || to === 0 || length !== this.#lengthOf(b)) return false
    return sameBytes(this.#memory, this.#base + from, this.#base + to, length)
  }

  /** What `owner`, a number below 32,768, kept for a record of this type that says the same of a path. */
  recall<T extends object>(
    features: PathFeatures,
    known: KnownPaths<T>,
    owner: number,
  ): T | null | undefined {
    return known.find((owner << 16) | this.#place, this.#i32, this.#base, features)
  }

  /** Bytes of a variable field in the record; 0 when there is none. */
  sizeOf(name: string): number {
    const slot = this.#slots.get(name)
    if (!slot || !isVariable(slot.storage)) return 0
    return this.#startOf(slot) === 0 ? 0 : this.#lengthOf(slot)
  }

  /** Raw bytes of a variable field, a copy. */
  bytes(name: string): Uint8Array | undefined {
    const slot = this.#slots.get(name)
    if (!slot || !isVariable(slot.storage)) return undefined
    const off = this.#startOf(slot)
    if (off === 0) return undefined
    return this.#copy(this.#base + off, this.#lengthOf(slot))
  }

  /**
   * Bytes the value had before it was cut, or undefined when it is complete. When the kernel does not tell the real
   * length this is one more than what was kept: "at least".
   */
  cutFrom(name: string): number | undefined {
    const slot = this.#slots.get(name)
    return slot && this.cutAt(slot)
  }

  /** The same of a field that is known. */
  cutAt(slot: Slot): number | undefined {
    if (!isVariable(slot.storage)) return undefined
    const total = this.#u32[(this.#base + slot.offset + 4) >> 2]!
    return total > this.#lengthOf(slot) ? total : undefined
  }

  /** 16 address bytes, a copy; undefined when all are zero. */
  ip(name: string): Uint8Array | undefined {
    const slot = this.#slots.get(name)
    if (slot?.storage !== 'ip') return undefined
    const from = this.#base + slot.offset
    const word = from >> 2
    if ((this.#u32[word]! | this.#u32[word + 1]! | this.#u32[word + 2]! | this.#u32[word + 3]!) === 0)
      return undefined
    return this.#copy(from, 16)
  }

  /** Where a variable value begins in the record, 0 when it is absent; and how many bytes of it there are. */
  #startOf(slot: Slot): number {
    return this.#u16[(this.#base + slot.offset) >> 1]! * slot.unit
  }
  #lengthOf(slot: Slot): number {
    const kept = this.#u16[(this.#base + slot.offset + 2) >> 1]!
    return slot.unit === 1
      ? kept
      : Math.min(kept * slot.unit, this.#u32[(this.#base + slot.offset + 4) >> 2]!)
  }
  #copy(from: number, length: number): Uint8Array {
    return new Uint8Array(this.#u8.subarray(from, from + length))
  }
  #u64(word: number): number {
    return this.#u32[word + 1]! * HIGH + this.#u32[word]!
  }
  #big(word: number): bigint {
    return (BigInt(this.#u32[word + 1]!) << 32n) | BigInt(this.#u32[word]!)
  }
}

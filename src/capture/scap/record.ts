/**
 * Makes records in the layout of the kernel side, one after the other in the same memory: what a capture tells goes through
 * the same decoder as what comes live.
 */
import {
  EVENT_TYPES,
  type EventType,
  HEADER_SIZE,
  layoutOf,
  RECORD_FLAGS,
  type Slot,
} from '../../../schema/index.ts'
import { HEADER_AT } from '../../decode/event-view.ts'

/** Longest record: offsets have 16 bits, and those of vectors count words of 8 bytes. */
const MEMORY = 1 << 19
const OFFSET_MAX = 0xffff
const WIDE = 4294967296
/** Shorter text is copied byte by byte: a call costs more. */
const COPY_MIN = 48

/** An event as it is put together: where its fields go. */
export interface Shape {
  readonly type: EventType
  readonly name: string
  readonly id: number
  readonly size: number
  readonly slots: ReadonlyMap<string, Slot>
}

const SHAPES: ReadonlyMap<string, Shape> = new Map(
  EVENT_TYPES.map((type) => {
    const { size, slots } = layoutOf(type.family)
    const byName = new Map(slots.map((slot) => [slot.name, slot]))
    return [type.name, { type, name: type.name, id: type.id, size, slots: byName }]
  }),
)

/** Undefined for what no event is called. */
export const shapeOf = (name: string): Shape | undefined => SHAPES.get(name)

/** Offset of a field in an event that has it. */
export function offsetIn(shape: Shape, name: string): number {
  const slot = shape.slots.get(name)
  if (slot === undefined) throw new RangeError(`event ${shape.name} has no field ${name}`)
  return slot.offset
}

/** Whose event it is, and when. */
export interface Author {
  readonly pid: number
  readonly tid: number
  readonly uid: number
  /** Start of the process in two halves. */
  readonly startLow: number
  readonly startHigh: number
}

export class RecordBuilder {
  readonly bytes: Buffer<ArrayBuffer> = Buffer.from(new ArrayBuffer(MEMORY))
  readonly #u16: Uint16Array = new Uint16Array(this.bytes.buffer)
  readonly #u32: Uint32Array = new Uint32Array(this.bytes.buffer)
  /** Bytes so far. */
  size = 0
  #timeLow = 0
  #timeHigh = 0
  #cpu = 0

  constructor() {
    this.#u16[HEADER_AT.headerSize] = HEADER_SIZE
    this.#u32.fill(0xffffffff, HEADER_AT.live, HEADER_SIZE >> 2)
  }

  /** CLOCK_MONOTONIC ns and CPU of the records that follow. */
  at(time: number, cpu: number): void {
    this.#timeHigh = Math.floor(time / WIDE)
    this.#timeLow = time - this.#timeHigh * WIDE
    this.#cpu = cpu
  }

  begin(shape: Shape, author: Author): void {
    const u32 = this.#u32
    u32.fill(0, HEADER_SIZE >> 2, shape.size >> 2)
    this.#u16[HEADER_AT.id] = shape.id
    this.#u16[HEADER_AT.flags] = 0
    u32[HEADER_AT.cpu] = this.#cpu
    u32[HEADER_AT.time] = this.#timeLow
    u32[HEADER_AT.time + 1] = this.#timeHigh
    u32[HEADER_AT.tgid] = author.pid
    u32[HEADER_AT.tid] = author.tid
    u32[HEADER_AT.start] = author.startLow
    u32[HEADER_AT.start + 1] = author.startHigh
    u32[HEADER_AT.uid] = author.uid
    this.size = shape.size
  }

  /** Something of it is not known. */
  partial(): void {
    this.#u16[HEADER_AT.flags] = RECORD_FLAGS.PARTIAL
  }

  end(): number {
    this.#u32[HEADER_AT.size] = this.size
    return this.size
  }

  u16(offset: number, value: number): void {
    this.#u16[offset >> 1] = value
  }

  u32(offset: number, value: number): void {
    this.#u32[offset >> 2] = value
  }

  /** A 64-bit number, signed or not. */
  u64(offset: number, value: number): void {
    if (value >= 0 && value < WIDE) {
      // The other half is 0 already.
      this.#u32[offset >> 2] = value
      return
    }
    const high = Math.floor(value / WIDE)
    this.#u32[offset >> 2] = value - high * WIDE
    this.#u32[(offset >> 2) + 1] = high
  }

  /** The same from its halves. */
  halves(offset: number, low: number, high: number): void {
    this.#u32[offset >> 2] = low
    this.#u32[(offset >> 2) + 1] = high
  }

  /** 16 bytes of an address. */
  address(offset: number, address: Uint8Array | undefined): void {
    if (address !== undefined) this.bytes.set(address, offset)
  }

  /** Text of one character a byte. */
  text(slot: Slot, text: string): void {
    const kept = this.#reserve(slot, text.length)
    if (kept > 0) this.bytes.write(text, this.size, kept, 'latin1')
    this.size += (kept + 7) & ~7
  }

  /** Bytes of other memory. */
  span(slot: Slot, from: Buffer, start: number, length: number): void {
    const kept = this.#reserve(slot, length)
    const { bytes, size } = this
    if (kept < COPY_MIN) for (let i = 0; i < kept; i++) bytes[size + i] = from[start + i]!
    else from.copy(bytes, size, start, start + kept)
    this.size += (kept + 7) & ~7
  }

  /** Note where a text begins, how much of it is kept and how long it is; how much that is. */
  #reserve({ offset, unit, decl }: Slot, length: number): number {
    const max = decl.max ?? length
    const kept = length < max ? length : max
    if (this.size + kept > OFFSET_MAX * unit) {
      this.partial()
      return 0
    }
    const word = offset >> 1
    this.#u16[word] = this.size / unit
    this.#u16[word + 1] = Math.ceil(kept / unit)
    this.#u32[(offset + 4) >> 2] = length
    return kept
  }
}

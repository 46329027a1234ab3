/** Items of one block of a capture, gathered in memory. */
import type { EventView } from '../../decode/event-view.ts'
import { encodeFact, FACT_KIND, type Fact, ITEM_BYTES, RECORD } from './items.ts'

/** Where items of a block go. */
export interface ItemSink {
  fact(fact: Fact): void
  /** A record in memory of its own. */
  bytes(record: Uint8Array): void
}

/** Bytes of items after which a block is written. */
export const BLOCK_BYTES = 512 << 10
/** Longest fact; with a block's other items it fits into what a reader takes. */
const FACT_MAX = 8 << 20

/** Items of one block. */
export class Block {
  bytes: Uint8Array<ArrayBuffer>
  used = 0
  items = 0
  lost = 0
  first = 0
  last = 0
  readonly counts: Map<number, number> = new Map()

  /** `room`: bytes it begins with; it grows. */
  constructor(room: number = BLOCK_BYTES) {
    this.bytes = new Uint8Array(room)
  }

  /** The record of a view. */
  record(view: EventView): void {
    const at = this.add(RECORD, view.ring === 'critical' ? 0 : 1, view.recordSize)
    view.copyTo(this.bytes, at)
    this.note(view.type.id, view.type.internal === true ? 0 : view.time)
  }

  /** Room for `length` more bytes; where they begin. */
  add(kind: number, ring: number, length: number): number {
    const need = this.used + ITEM_BYTES + ((length + 7) & ~7)
    if (need > this.bytes.length) {
      const larger = new Uint8Array(Math.max(need, this.bytes.length * 2))
      larger.set(this.bytes.subarray(0, this.used))
      this.bytes = larger
    }
    const at = this.used
    this.bytes[at] = length & 0xff
    this.bytes[at + 1] = (length >>> 8) & 0xff
    this.bytes[at + 2] = (length >>> 16) & 0xff
    this.bytes[at + 3] = length >>> 24
    this.bytes[at + 4] = kind
    this.bytes[at + 5] = ring
    this.bytes[at + 6] = 0
    this.bytes[at + 7] = 0
    // What was there before must not show in the padding.
    this.bytes.fill(0, at + ITEM_BYTES + length, need)
    this.used = need
    this.items++
    return at + ITEM_BYTES
  }

  /** False when it is longer than any item may be. */
  fact(fact: Fact): boolean {
    const bytes = encodeFact(fact)
    if (bytes.length > FACT_MAX) return false
    this.put(FACT_KIND, bytes)
    if (fact.of === 'gap') this.lost += Math.min(fact.gap.lost, 0xffffffff - this.lost)
    return true
  }

  put(kind: number, bytes: Uint8Array): void {
    // What `bytes` of the block is afterwards, it need not be before.
    const at = this.add(kind, 0, bytes.length)
    this.bytes.set(bytes, at)
  }

  /** A record was added; `time` is 0 for what is no event. */
  note(id: number, time: number): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1)
    if (time === 0) return
    if (this.first === 0 || time < this.first) this.first = time
    if (time > this.last) this.last = time
  }

  clear(): void {
    this.used = 0
    this.items = 0
    this.lost = 0
    this.first = 0
    this.last = 0
    this.counts.clear()
    if (this.bytes.length > 4 * BLOCK_BYTES) this.bytes = new Uint8Array(BLOCK_BYTES)
  }
}

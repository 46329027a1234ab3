/**
 * Consumer side of a BPF ring buffer, over our own mapping of it: no copy, no call for a record.
 *
 * Protocol (Documentation/bpf/ringbuf.rst of the kernel): page 0 holds the consumer position, page 1 the producer
 * position, then the data area twice in a row, so that a record never wraps: of the second one as much is mapped as a record may need. A record is an 8-byte header
 * (u32 length with bit 31 = being written, bit 30 = discarded; u32 page offset) and its bytes, 8-aligned.
 */
import { mapMemory, pageSize } from './libc.ts'

const BUSY = 0x80000000
const DISCARDED = 0x40000000
const LENGTH = 0x3fffffff
const HEADER = 8
/** No record is longer: the places in it are numbers of 16 bits, in units of 8 bytes (bpf/include/record.h). */
const RECORD_MAX = 8 << 16
/** Values of a lower half. */
const HALF = 0x100000000

export class Ring {
  readonly fd: number
  /** Bytes of the data area, a power of two. */
  readonly size: number
  /** The data area and the beginning of it once more; positions from `peek` point into it. */
  readonly data: ArrayBuffer
  /** Where the data area starts in `data`. */
  readonly dataOffset: number
  /** Positions are 64-bit words. Their lower halves, which cost no BigInt, tell what they are from where we are. */
  readonly #consumer: BigInt64Array
  readonly #consumerLow: Int32Array
  readonly #producerLow: Int32Array
  readonly #headers: Int32Array
  readonly #mask: number
  /** Our position, ahead of the published one during a batch. */
  #position: number
  /** Producer position when `refresh` was last called. */
  #limit: number
  #published: number
  /** Length of the record that `peek` found. */
  length = 0

  /** `size` must be the map's max_entries. */
  constructor(fd: number, size: number) {
    const page = pageSize()
    this.fd = fd
    this.size = size
    this.#mask = size - 1
    const consumer = mapMemory(fd, page, 0, true)
    this.#consumer = new BigInt64Array(consumer, 0, 1)
    this.#consumerLow = new Int32Array(consumer, 0, 1)
    // Every page that is mapped counts as resident.
    this.data = mapMemory(fd, page + size + Math.min(size, RECORD_MAX), page, false)
    this.dataOffset = page
    this.#producerLow = new Int32Array(this.data, 0, 1)
    this.#headers = new Int32Array(this.data, page)
    this.#position = Number(Atomics.load(this.#consumer, 0))
    this.#published = this.#position
    this.#limit = this.#position
  }

  /** Look how far the kernel has got: records up to there belong to the batch. Returns the bytes waiting. */
  refresh(): number {
    const waiting = this.backlog
    this.#limit = this.#position + waiting
    return waiting
  }

  /**
   * Offset of the next record in the data area (add `dataOffset` for `data`), its length in `length`; -1 when the batch
   * is used up or the record is still being written.
   */
  peek(): number {
    while (this.#position < this.#limit) {
      const at = this.#position & this.#mask
      const word = Atomics.load(this.#headers, at >> 2)
      if (word & BUSY) return -1
      this.length = word & LENGTH
      if ((word & DISCARDED) === 0) return at + HEADER
      this.#step()
    }
    return -1
  }

  /** Go past the record that `peek` found. */
  pop(): void {
    this.#step()
    // A long batch gives room back as it goes, or the producer would see a full ring.
    if (this.#position - this.#published > this.size >> 3) this.release()
  }

  /** Tell the kernel how far we have read. Call it at the end of a batch, then `refresh` again before going to sleep. */
  release(): void {
    const position = this.#position
    if (position === this.#published) return
    if (Math.floor(position / HALF) === Math.floor(this.#published / HALF))
      Atomics.store(this.#consumerLow, 0, position | 0)
    else Atomics.store(this.#consumer, 0, BigInt(position))
    this.#published = position
  }

  /** Bytes waiting right now. */
  get backlog(): number {
    return (Atomics.load(this.#producerLow, 0) - (this.#position >>> 0)) >>> 0
  }

  #step(): void {
    this.#position += (this.length + HEADER + 7) & ~7
  }
}

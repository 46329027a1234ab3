/**
 * Writes captures: gathers items into blocks, and begins a new file when the old one is full. Never throws once it is open:
 * what cannot be written ends the recording, which is told once and counted.
 */
import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import type { EventView } from '../../decode/event-view.ts'
import type { CaptureFacts } from '../source.ts'
import {
  encodeFrame,
  encodeIndex,
  encodeTrailer,
  FORMAT_VERSION,
  type FrameInit,
  type FrameKind,
  MAX_PLACES,
  type Place,
  SIGNATURE,
  SIGNATURE_BYTES,
} from './format.ts'
import { encodeFact, FACT_KIND, type Fact, ITEM_BYTES, RECORD } from './items.ts'
import { ownLayouts } from './layouts.ts'

export interface WriterOptions {
  readonly file: string
  readonly facts: CaptureFacts
  /** Begin a new file after so many bytes, or ns of CLOCK_MONOTONIC; 0 never. */
  readonly rotateBytes: number
  readonly rotateNs: number
  /** Files kept, 0 for all. */
  readonly keep: number
  /** Puts down what a reader must know who begins here. */
  readonly state: (into: ItemSink) => void
  /** Recording ended for this reason. */
  readonly failed: (error: Error) => void
}

/** Where items of a block go. */
export interface ItemSink {
  fact(fact: Fact): void
  /** A record in memory of its own. */
  bytes(record: Uint8Array): void
}

export interface WriterCounts {
  /** Records and other items taken. */
  readonly items: number
  /** Bytes written, of all files. */
  readonly bytes: number
  readonly files: number
  /** Items that were not written. */
  readonly lost: number
}

/** Bytes of items after which a block is written. */
const BLOCK_BYTES = 512 << 10
/** Bytes of a file after which a reader finds a place to begin. */
const STATE_EVERY = 16 << 20
/** Longest fact; with a block's other items it fits into what a reader takes. */
const FACT_MAX = 8 << 20

/** Items of one block. */
class Block {
  bytes = new Uint8Array(BLOCK_BYTES)
  used = 0
  items = 0
  lost = 0
  first = 0
  last = 0
  readonly counts = new Map<number, number>()

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

export class CaptureWriter {
  readonly #options: WriterOptions
  readonly #block = new Block()
  #fd: number
  #files: string[]
  #number = 0
  #offset = 0
  #sinceState = 0
  #places: Place[] = []
  #wall = 0n
  /** Time of the first record of the file, and of the last one, ns. */
  #began = 0
  #items = 0
  #bytes = 0
  #lost = 0
  #dead = false

  /** Throws where the file cannot be made; one that is there already stays as it is. */
  constructor(options: WriterOptions) {
    this.#options = options
    this.#fd = create(options.file)
    this.#files = [options.file]
    try {
      this.#begin()
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  get counts(): WriterCounts {
    return { items: this.#items, bytes: this.#bytes, files: this.#number + 1, lost: this.#lost }
  }

  /** The record of the view. */
  record(view: EventView): void {
    if (this.#dead) {
      this.#lost++
      return
    }
    const size = view.recordSize
    const at = this.#block.add(RECORD, view.ring === 'critical' ? 0 : 1, size)
    view.copyTo(this.#block.bytes, at)
    const { time } = view
    const isEvent = view.type.internal !== true
    this.#block.note(view.type.id, isEvent ? time : 0)
    this.#items++
    if (this.#began === 0 && isEvent) this.#began = time
    if (this.#block.used >= BLOCK_BYTES) this.flush()
    const { rotateNs } = this.#options
    if (rotateNs > 0 && isEvent && time - this.#began >= rotateNs) this.rotate()
  }

  fact(fact: Fact): void {
    if (this.#dead) {
      this.#lost++
      return
    }
    if (fact.of === 'clock') this.#wall = fact.wall
    if (this.#block.fact(fact)) this.#items++
    else this.#lost++
    if (this.#block.used >= BLOCK_BYTES) this.flush()
  }

  /** Write what has been gathered, so that readers see it. */
  flush(): void {
    if (this.#dead || this.#block.items === 0) return
    this.#guarded(() => this.#writeBlock('items', this.#block))
    if (this.#dead) return
    const { rotateBytes } = this.#options
    if (rotateBytes > 0 && this.#offset >= rotateBytes) this.rotate()
    else if (this.#sinceState >= STATE_EVERY) this.#guarded(() => this.#writeState())
  }

  /** End this file and begin the next one. */
  rotate(): void {
    if (this.#dead) return
    this.#guarded(() => {
      if (this.#block.items > 0) this.#writeBlock('items', this.#block)
      this.#finishFile()
      this.#number++
      const name = `${this.#options.file}.${this.#number}`
      this.#fd = create(name)
      this.#files.push(name)
      this.#begin()
      this.#writeState()
      const { keep } = this.#options
      while (keep > 0 && this.#files.length > keep) rmSync(this.#files.shift()!, { force: true })
    })
  }

  close(): void {
    if (this.#dead) return
    this.flush()
    this.#guarded(() => {
      fsyncSync(this.#fd)
      this.#finishFile()
    })
    this.#dead = true
  }

  #begin(): void {
    this.#offset = 0
    this.#places = []
    this.#began = 0
    this.#sinceState = 0
    const signature = Buffer.alloc(SIGNATURE_BYTES)
    SIGNATURE.copy(signature)
    signature.writeUInt32LE(FORMAT_VERSION, 8)
    this.#write(signature)
    const { created, ...facts } = this.#options.facts
    const text = JSON.stringify({ ...facts, created: String(created), layouts: ownLayouts() })
    this.#writeFrame(this.#init('facts', 1), Buffer.from(text), new Map())
  }

  #init(kind: FrameKind, items: number): FrameInit {
    return { kind, items, first: 0n, last: 0n, wall: this.#wall, lost: 0 }
  }

  /** In several frames, where it is long. */
  #writeState(): void {
    const block = new Block()
    const last = this.#places.at(-1)?.last ?? 0n
    const write = (): void => {
      const payload = block.bytes.subarray(0, block.used)
      this.#writeFrame({ ...this.#init('state', block.items), first: last, last }, payload, new Map())
      block.clear()
    }
    const writeLong = (): void => {
      if (block.used >= BLOCK_BYTES) write()
    }
    this.#options.state({
      fact(fact) {
        block.fact(fact)
        writeLong()
      },
      bytes(record) {
        block.put(RECORD, record)
        writeLong()
      },
    })
    if (block.items > 0) write()
    this.#sinceState = 0
  }

  #writeBlock(kind: FrameKind, block: Block): void {
    const init = { kind, items: block.items, first: BigInt(block.first), last: BigInt(block.last) }
    this.#sinceState += block.used
    this.#writeFrame(
      { ...init, wall: this.#wall, lost: block.lost },
      block.bytes.subarray(0, block.used),
      block.counts,
    )
    block.clear()
  }

  #finishFile(): void {
    const at = this.#offset
    // One that has not all of them is none: a reader looks at the heads of the frames then.
    const places = this.#places.length < MAX_PLACES ? this.#places : []
    this.#writeFrame(this.#init('index', places.length), encodeIndex(places), new Map())
    this.#write(encodeTrailer(at))
    const fd = this.#fd
    this.#fd = -1
    closeSync(fd)
  }

  #writeFrame(init: FrameInit, payload: Uint8Array, counts: ReadonlyMap<number, number>): void {
    const frame = encodeFrame(init, payload, counts)
    if (init.kind !== 'index' && this.#places.length < MAX_PLACES)
      this.#places.push({ offset: this.#offset, kind: init.kind, last: init.last, wall: init.wall })
    this.#write(frame)
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    this.#offset += bytes.length
    this.#bytes += bytes.length
  }

  /** Trouble with the disk must not reach the agent. What is on it stays readable. */
  #guarded(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#dead = true
      this.#lost += this.#block.items
      if (this.#fd >= 0) closeSync(this.#fd)
      this.#options.failed(error as Error)
    }
  }
}

/** A file that nobody else reads; never one that is there already, nor through a link. */
const create = (file: string): number => {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  return openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

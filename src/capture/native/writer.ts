/**
 * Writes captures: gathers items into blocks, and begins a new file when the old one is full. Never throws once it is open:
 * what cannot be written ends the recording, which is told once and counted.
 */
import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import type { EventView } from '../../decode/event-view.ts'
import type { CaptureFacts } from '../source.ts'
import { BLOCK_BYTES, Block, type ItemSink } from './block.ts'
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
import { type Fact, RECORD } from './items.ts'
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
  /** False: the end does not wait for the disk. */
  readonly sync?: boolean
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

/** Bytes of a file after which a reader finds a place to begin. */
const STATE_EVERY = 16 << 20
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
      rmSync(options.file, { force: true })
      throw error
    }
  }

  /** What a reader must know who begins here, and what came before what is taken from now on; nothing else was taken yet. */
  startWith(past: readonly Block[]): void {
    this.#guarded(() => {
      this.#writeState()
      for (const block of past) {
        if (block.items === 0) continue
        this.#items += block.items
        this.#writeBlock('items', block)
      }
    })
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
    const { time } = view
    const isEvent = view.type.internal !== true
    this.#block.record(view)
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
    this.#block.clear()
    const { rotateBytes } = this.#options
    if (rotateBytes > 0 && this.#offset >= rotateBytes) this.rotate()
    else if (this.#sinceState >= STATE_EVERY) this.#guarded(() => this.#writeState())
  }

  /** End this file and begin the next one. */
  rotate(): void {
    if (this.#dead) return
    this.#guarded(() => {
      if (this.#block.items > 0) this.#writeBlock('items', this.#block)
      this.#block.clear()
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
      if (this.#options.sync !== false) fsyncSync(this.#fd)
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

/**
 * The bytes of a file, packed with gzip or not, as a window that moves over them. It holds what one piece of reading takes,
 * however long the file is; a block that is longer makes it grow, up to a limit and only as its bytes arrive.
 */
import { closeSync, readSync } from 'node:fs'
import { createGunzip, type Gunzip } from 'node:zlib'
import { openFile } from '../file.ts'
import { CaptureError } from '../source.ts'

/** Bytes held at first. */
const INITIAL = 1 << 20
/** Longest block there can be: a list of processes is one. */
export const MAX_BLOCK: number = 128 << 20
/** Packed bytes handed to the unpacker at a time: what comes of them is held in memory. */
const PACKED = 32768

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

export class Window {
  /** Bytes from `start` to `end` are of the file. */
  bytes: Buffer<ArrayBuffer> = Buffer.from(new ArrayBuffer(INITIAL))
  view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer)
  start = 0
  end = 0
  /** Nothing comes behind `end`. */
  over = false
  /** Why the file could not be read on; what was read before stays. */
  fault: CaptureError | undefined
  readonly #fd: number
  readonly #size: number
  /** Bytes of the file taken so far. */
  #taken = 0
  /** Place of the byte at 0 in the unpacked file. */
  #base = 0
  readonly #unpacker: Unpacker | undefined

  /** Throws CaptureError for what is no file, and what the system says where it cannot be opened. */
  constructor(file: string) {
    const { fd, size } = openFile(file)
    this.#fd = fd
    this.#size = size
    try {
      const head = Buffer.alloc(2)
      readSync(fd, head, 0, 2, 0)
      this.#unpacker = isGzip(head) ? new Unpacker() : undefined
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  get progress(): { readonly done: number; readonly total: number } {
    return { done: Math.min(this.#taken, this.#size), total: this.#size }
  }
  get packed(): boolean {
    return this.#unpacker !== undefined
  }
  get size(): number {
    return this.#size
  }
  /** Byte of the unpacked file at a place of the window. */
  offsetOf(at: number): number {
    return this.#base + at
  }

  /** Have `least` bytes at `start`, or all that are left, and as many more as there is room for. */
  async fill(least: number): Promise<void> {
    this.#makeRoom(Math.min(least, MAX_BLOCK))
    while (!this.over && this.end - this.start < least) {
      if (this.#unpacker === undefined) this.#read()
      else await this.#unpack(this.#unpacker)
      if (this.end - this.start < least && !this.over && this.end === this.bytes.length) {
        if (this.bytes.length >= 2 * MAX_BLOCK) return
        this.#grow(this.bytes.length * 2)
      }
    }
  }

  close(): void {
    closeSync(this.#fd)
    this.#unpacker?.close()
  }

  /** What was read goes to the front. */
  #makeRoom(least: number): void {
    if (this.start > 0 && (this.bytes.length - this.start < least || this.start > this.bytes.length / 2)) {
      this.bytes.copyWithin(0, this.start, this.end)
      this.#base += this.start
      this.end -= this.start
      this.start = 0
    }
  }

  #grow(to: number): void {
    const bytes = Buffer.from(new ArrayBuffer(to))
    this.bytes.copy(bytes, 0, this.start, this.end)
    this.#base += this.start
    this.end -= this.start
    this.start = 0
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  #read(): void {
    const n = readSync(this.#fd, this.bytes, this.end, this.bytes.length - this.end, this.#taken)
    this.#taken += n
    this.end += n
    // A file may grow while it is read: its end is where it was when it was opened.
    this.over = n === 0 || this.#taken >= this.#size
  }

  async #unpack(unpacker: Unpacker): Promise<void> {
    const packed = Buffer.alloc(PACKED)
    const n = readSync(this.#fd, packed, 0, PACKED, this.#taken)
    this.#taken += n
    const { chunks, error } = await unpacker.next(packed.subarray(0, n))
    for (const chunk of chunks) {
      if (this.end + chunk.length > this.bytes.length)
        this.#grow(Math.max(this.bytes.length * 2, this.end - this.start + chunk.length))
      chunk.copy(this.bytes, this.end)
      this.end += chunk.length
    }
    this.over = n === 0 || error !== undefined
    if (error !== undefined)
      this.fault = new CaptureError(
        `the packed bytes make no sense from about here (${error.message}): the file was cut or damaged`,
        this.#taken,
        'what was before it has been read',
      )
  }
}

/** Unpacks piece by piece, no faster than it is asked to. */
class Unpacker {
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: 1 << 16 })
  #chunks: Buffer[] = []
  #error: Error | undefined
  #ended = false
  #wake: () => void = () => {}

  constructor() {
    this.#gunzip.on('data', (chunk: Buffer) => void this.#chunks.push(chunk))
    this.#gunzip.on('error', (error: Error) => {
      this.#error = error
      this.#wake()
    })
    this.#gunzip.on('end', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** What comes of the next packed bytes; of none, that there are no more. */
  async next(
    packed: Buffer,
  ): Promise<{ readonly chunks: readonly Buffer[]; readonly error: Error | undefined }> {
    if (this.#error === undefined && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (packed.length === 0) this.#gunzip.end()
        else this.#gunzip.write(packed, () => resolve())
      })
    const chunks = this.#chunks
    this.#chunks = []
    return { chunks, error: this.#error }
  }

  close(): void {
    this.#gunzip.destroy()
  }
}

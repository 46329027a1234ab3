/** The frames of our captures: heads are read and checked, payloads stay packed until somebody asks. */
import { closeSync, readSync } from 'node:fs'
import { openFile } from '../file.ts'
import { CaptureError, type Ending } from '../source.ts'
import {
  bodyBytes,
  decodeHeader,
  decodeIndex,
  decodePayload,
  decodeTrailer,
  FORMAT_VERSION,
  FRAME_BYTES,
  type FrameHeader,
  type Place,
  SIGNATURE,
  SIGNATURE_BYTES,
  TRAILER_BYTES,
} from './format.ts'

/** A frame of a file, its payload still packed. */
export interface Frame {
  readonly header: FrameHeader
  readonly offset: number
}

/** The frames of a file, one after the other. */
export class FrameReader {
  readonly #fd: number
  readonly #size: number
  #next = SIGNATURE_BYTES
  ending: Ending | undefined

  /** Throws CaptureError for what is no capture, and what the system says where it cannot be opened. */
  constructor(file: string) {
    const { fd, size } = openFile(file)
    this.#fd = fd
    this.#size = size
    try {
      this.#checkSignature()
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  get size(): number {
    return this.#size
  }
  /** Where the next frame begins. */
  get offset(): number {
    return this.#next
  }

  /** The next frame; undefined at the end, and `ending` says which. */
  next(): Frame | undefined {
    if (this.ending !== undefined) return undefined
    const offset = this.#next
    const head = this.read(offset, FRAME_BYTES)
    if (head.length === 0) return this.#end('open')
    // A machine that went down leaves zeros where data was to come.
    if (head.length < FRAME_BYTES || head.every((byte) => byte === 0)) return this.#end('torn')
    const header = decodeHeader(head, offset)
    const end = offset + FRAME_BYTES + bodyBytes(header)
    if (end > this.#size) return this.#end('torn')
    this.#next = end
    if (header.kind === 'index') return this.#end('closed')
    return { header, offset }
  }

  /** Go to a frame that is known. */
  moveTo(offset: number): void {
    this.#next = offset
    this.ending = undefined
  }

  /** What the index says; undefined where there is none, or none that makes sense. */
  index(): readonly Place[] | undefined {
    const at = decodeTrailer(this.read(this.#size - TRAILER_BYTES, TRAILER_BYTES))
    const head = at === undefined || at < SIGNATURE_BYTES ? Buffer.alloc(0) : this.read(at, FRAME_BYTES)
    if (at === undefined || head.length < FRAME_BYTES) return undefined
    try {
      const header = decodeHeader(head, at)
      if (header.kind !== 'index' || at + FRAME_BYTES + bodyBytes(header) > this.#size) return undefined
      return decodeIndex(decodePayload(header, this.body({ header, offset: at }), at), at)
    } catch (error) {
      if (error instanceof CaptureError) return undefined
      throw error
    }
  }

  /** The same from the heads of the frames that follow, as far as they are sound; the rest is told when reading comes there. */
  *places(): Generator<Place> {
    try {
      for (let frame = this.next(); frame !== undefined; frame = this.next()) {
        const { kind, last, wall } = frame.header
        yield { kind, last, wall, offset: frame.offset }
      }
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error
    }
  }

  /** Counts and payload of a frame. */
  body({ header, offset }: Frame): Buffer {
    return this.read(offset + FRAME_BYTES, bodyBytes(header))
  }

  /** What is there, at most. */
  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.min(length, Math.max(this.#size - offset, 0)))
    let done = 0
    while (done < bytes.length) {
      const n = readSync(this.#fd, bytes, done, bytes.length - done, offset + done)
      if (n === 0) break
      done += n
    }
    return bytes.subarray(0, done)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #end(how: Ending): undefined {
    this.ending = how
  }

  #checkSignature(): void {
    const bytes = this.read(0, SIGNATURE_BYTES)
    if (bytes.length < SIGNATURE_BYTES || !bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE))
      throw new CaptureError('this is no capture of Tarsier', 0, "'tarsier record FILE' makes one")
    const version = bytes.readUInt32LE(8)
    if (version !== FORMAT_VERSION)
      throw new CaptureError(`the format has version ${version}; this program reads ${FORMAT_VERSION}`, 8)
  }
}

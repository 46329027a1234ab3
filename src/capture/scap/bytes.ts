/** Reads values one after the other, and no further than the block they are in. */
import { CaptureError } from '../source.ts'

/** Little-endian values from `at` on. What does not fit before `end` throws CaptureError, with its byte of the file. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #view: DataView
  /** Byte of the file at 0. */
  readonly #offset: number
  at: number
  end: number

  /** `offset`: byte of the file at place 0, for errors. */
  constructor(bytes: Buffer, at: number, end: number, offset: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#offset = offset
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  fault(message: string): CaptureError {
    return new CaptureError(message, this.#offset + this.at)
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }
  /** The same where 53 bits are enough. */
  number(): number {
    const at = this.#take(8)
    return this.#view.getInt32(at + 4, true) * 4294967296 + this.#view.getUint32(at, true)
  }
  /** Text of the length that stands in front of it: one character a byte. */
  text(): string {
    const length = this.u16()
    const at = this.#take(length)
    return this.#bytes.toString('latin1', at, at + length)
  }
  /** The same, as bytes of its own. */
  blob(length: number): Buffer {
    const at = this.#take(length)
    return Buffer.from(this.#bytes.subarray(at, at + length))
  }

  /** Make an entry of what follows: `length` bytes. */
  within(length: number): ByteReader {
    const at = this.#take(length)
    return new ByteReader(this.#bytes, at, at + length, this.#offset)
  }

  #take(length: number): number {
    const at = this.at
    if (length > this.end - at)
      throw this.fault(`a value of ${length} bytes does not fit into the ${this.end - at} that are left`)
    this.at = at + length
    return at
  }
}

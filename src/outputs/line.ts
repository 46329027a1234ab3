/**
 * A line in the making, in UTF-8: what files and pipes take, so that no text has to be made of it on the way.
 *
 * There is one for each stream of lines, begun anew for each of them. Whoever wants to keep a line copies it.
 */

/** Pieces up to this long are copied byte by byte: a call of the engine's takes as long as this. */
const SHORT = 12
const ZERO = 0x30
const MINUS = 0x2d
const QUOTE = 0x22
const BILLION = 1_000_000_000
/** Bytes that a character may take. */
const WIDEST = 3
const FIRST_SIZE = 4096
/** A copy is a whole number of these long; what is too much is written over by what comes next. */
export const COPY_STEP = 64

/** The quick way to write a text of bytes: `write` with an encoding looks that up first, which takes as long again. */
interface Bytes extends Buffer {
  latin1Write(text: string, at: number): number
}

export class Line {
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE) as Bytes
  /** By steps, the beginning of the bytes that is so long: to make a view anew costs more than to copy it. */
  #views: Buffer[] = []
  #length = 0
  #text: string | undefined

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** The same as text. */
  get text(): string {
    this.#text ??= this.#bytes.toString('utf8', 0, this.#length)
    return this.#text
  }

  /** The same as a text each of whose characters is a byte. */
  get binary(): string {
    return this.#bytes.toString('latin1', 0, this.#length)
  }

  /** Copy it to `at`, where there is room for `COPY_STEP` bytes more than its length. */
  copyTo(target: Buffer, at: number): void {
    const steps = Math.ceil(this.#length / COPY_STEP)
    let view = this.#views[steps]
    if (view === undefined) {
      view = this.#bytes.subarray(0, steps * COPY_STEP)
      this.#views[steps] = view
    }
    target.set(view, at)
  }

  /** Begin anew. */
  begin(): void {
    this.#length = 0
    this.#text = undefined
  }

  /** Bytes as they are. */
  raw(piece: Buffer): void {
    const size = piece.length
    const at = this.#claim(size)
    const bytes = this.#bytes
    if (size > SHORT) bytes.set(piece, at)
    else for (let i = 0; i < size; i++) bytes[at + i] = piece[i]!
  }

  /** A text each of whose characters is a byte. */
  bytesOf(text: string): void {
    const at = this.#claim(text.length)
    this.#bytes.latin1Write(text, at)
  }

  /** A short text of ASCII characters. */
  ascii(text: string): void {
    const at = this.#claim(text.length)
    const bytes = this.#bytes
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  }

  /** Any text; what is no character becomes U+FFFD. */
  utf8(text: string): void {
    const at = this.#claim(text.length * WIDEST)
    this.#length = at + this.#bytes.write(text, at)
  }

  /** A text each of whose characters is a byte, between quotes. */
  quoted(text: string): void {
    const size = text.length
    const at = this.#claim(size + 2)
    const bytes = this.#bytes
    bytes[at] = QUOTE
    bytes.latin1Write(text, at + 1)
    bytes[at + size + 1] = QUOTE
  }

  /** A whole number in decimal digits. */
  int(value: number): void {
    if (value < 0) {
      this.#bytes[this.#claim(1)] = MINUS
      this.int(-value)
    } else if (value < BILLION) this.digits(value, widthOf(value))
    else if (value > Number.MAX_SAFE_INTEGER) this.ascii(String(value))
    else {
      const high = Math.floor(value / BILLION)
      this.int(high)
      this.digits(value - high * BILLION, 9)
    }
  }

  /** An integer below 10^9 with this many digits. */
  digits(value: number, width: number): void {
    const at = this.#claim(width)
    const bytes = this.#bytes
    let left = value | 0
    for (let i = at + width - 1; i >= at; i--) {
      const rest = (left / 10) | 0
      bytes[i] = ZERO + left - rest * 10
      left = rest
    }
  }

  /** What was written since `start`, each item behind a comma, becomes a list or an object. */
  enclose(start: number, open: string, close: string): void {
    if (this.#length === start) this.ascii(open)
    else this.#bytes[start] = open.charCodeAt(0)
    this.ascii(close)
  }

  /** Room for so many bytes more; gives where they begin. */
  #claim(size: number): number {
    const at = this.#length
    const end = at + size
    if (end > this.#bytes.length) this.#grow(end)
    this.#length = end
    return at
  }

  #grow(size: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.ceil(size / FIRST_SIZE) * 2 * FIRST_SIZE) as Bytes
    this.#bytes.copy(bytes, 0, 0, this.#length)
    this.#bytes = bytes
    this.#views = []
  }
}

function widthOf(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3
  if (value < 1e6) return value < 1e4 ? 4 : value < 1e5 ? 5 : 6
  return value < 1e7 ? 7 : value < 1e8 ? 8 : 9
}

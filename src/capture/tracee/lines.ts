/** Lines of a file, one after the other, in bounded memory whatever the file holds. */
import { isUtf8 } from 'node:buffer'
import { closeSync, readSync } from 'node:fs'
import { openFile } from '../file.ts'

/** Longest line: arguments and environment of an exec fit many times. */
const LINE_MAX: number = 4 << 20
const CHUNK = 256 << 10

/** A line with its number, or why it is none. */
export interface Line {
  readonly number: number
  readonly text: string
  readonly fault?: string
}

export class LineReader {
  readonly #fd: number
  readonly size: number
  /** Bytes read so far. */
  done = 0
  #number = 0
  #chunk = Buffer.alloc(CHUNK)
  #at = 0
  #end = 0
  /** Pieces of a line that does not end in this chunk. */
  #parts: Buffer[] = []
  #length = 0

  /** Throws CaptureError for what is no regular file, and what the system says where it cannot be opened. */
  constructor(file: string) {
    const { fd, size } = openFile(file)
    this.#fd = fd
    this.size = size
  }

  /** The next line that is not blank; undefined at the end. `torn` is set when the file ends within it. */
  next(): Line | undefined {
    for (;;) {
      const found = this.#chunk.subarray(0, this.#end).indexOf(10, this.#at)
      if (found >= 0) {
        this.#keep(found)
        this.#at = found + 1
        const line = this.#take()
        if (line !== undefined) return line
        continue
      }
      this.#keep(this.#end)
      if (!this.#fill()) {
        this.torn ||= this.#length > 0
        return this.#take()
      }
    }
  }
  /** The last line has no end. */
  torn = false

  close(): void {
    closeSync(this.#fd)
  }

  /** What is there of the line up to `end`; of one that is too long only how long it is. */
  #keep(end: number): void {
    const part = this.#chunk.subarray(this.#at, end)
    this.#length += part.length
    if (this.#length > LINE_MAX) this.#parts = []
    else if (part.length > 0) this.#parts.push(Buffer.from(part))
    this.#at = end
  }

  #fill(): boolean {
    this.#at = 0
    this.#end = readSync(this.#fd, this.#chunk, 0, CHUNK, null)
    this.done += this.#end
    return this.#end > 0
  }

  #take(): Line | undefined {
    const [length, parts] = [this.#length, this.#parts]
    this.#length = 0
    this.#parts = []
    if (length === 0) {
      // A blank line is a line, too; the end is none.
      if (this.#end > 0) this.#number++
      return undefined
    }
    const number = ++this.#number
    if (length > LINE_MAX) return { number, text: '', fault: `it is longer than ${LINE_MAX} bytes` }
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    if (!isUtf8(bytes)) return { number, text: '', fault: 'it is not UTF-8' }
    return { number, text: bytes.toString() }
  }
}

/** Where messages wait: in memory here, on disk in spool.ts. */
import type { Message } from './message.ts'

/** First in, first out; what was looked at stays until it is removed. */
export interface Store {
  /** False when there is no room. */
  push(message: Message): boolean
  /** The oldest, at most so many; none when empty. */
  peek(most: number): readonly Message[]
  /** Forget the oldest so many. */
  remove(count: number): void
  readonly waiting: number
  readonly bytes: number
}

/** What a message takes beside its text, roughly. */
const OVERHEAD = 96
const sizeOf = ({ id, text }: Message): number => text.length + id.length + OVERHEAD

/** Bounded by bytes: one for each character, which is what texts without characters beyond Latin-1 take. */
export class MemoryQueue implements Store {
  #most: number
  #messages: Message[] = []
  /** Messages before this one are gone; they leave the list now and then, all at once. */
  #head = 0
  #bytes = 0

  constructor(mostBytes: number) {
    this.#most = mostBytes
  }

  /** Other bounds from now on; what is there stays. */
  resize(mostBytes: number): void {
    this.#most = mostBytes
  }

  get waiting(): number {
    return this.#messages.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  push(message: Message): boolean {
    const size = sizeOf(message)
    if (this.#bytes + size > this.#most) return false
    this.#messages.push(message)
    this.#bytes += size
    return true
  }

  peek(most: number): readonly Message[] {
    return this.#messages.slice(this.#head, this.#head + most)
  }

  remove(count: number): void {
    const end = Math.min(this.#head + count, this.#messages.length)
    for (; this.#head < end; this.#head++) this.#bytes -= sizeOf(this.#messages[this.#head]!)
    if (this.#head < 1024 && this.#head < this.#messages.length) return
    this.#messages = this.#messages.slice(this.#head)
    this.#head = 0
  }
}

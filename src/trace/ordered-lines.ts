/**
 * Lines on their way out that have to wait: for the hash of an executable, or for events that happened before and come
 * later. Bounded in number and time; nothing is dropped here.
 */

export interface OrderedLinesOptions {
  /** Takes lines in their final order. */
  readonly write: (line: string) => void
  /** How long lines are held to be sorted by time, ms; 0 keeps the order in which they come. */
  readonly sortMs: number
}

interface Entry {
  /** CLOCK_MONOTONIC ns of the event. */
  readonly time: number
  /** ms, when it came. */
  readonly came: number
  /** Undefined while it waits for an answer. */
  line: string | undefined
}

const MOST = 65536
const TICK_MS = 20

export class OrderedLines {
  readonly #options: OrderedLinesOptions
  /** By time where that is asked for, else as they came. */
  #queue: Entry[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: OrderedLinesOptions) {
    this.#options = options
  }

  /** A line, or the promise of one: whoever gives it keeps it within a bounded time. */
  push(time: number, line: string | Promise<string>): void {
    const came = performance.now()
    const entry: Entry = { time, came, line: typeof line === 'string' ? line : undefined }
    if (typeof line !== 'string')
      void line.then((text) => {
        entry.line = text
        this.#send(performance.now())
      })
    this.#insert(entry)
    this.#send(came)
  }

  /** Everything, answered or not, as soon as it can be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#head < this.#queue.length) {
      this.#send(Number.POSITIVE_INFINITY)
      if (this.#head < this.#queue.length) await new Promise((done) => setTimeout(done, 1))
    }
  }

  #insert(entry: Entry): void {
    let at = this.#queue.length
    if (this.#options.sortMs > 0) while (at > this.#head && this.#queue[at - 1]!.time > entry.time) at--
    if (at === this.#queue.length) this.#queue.push(entry)
    else this.#queue.splice(at, 0, entry)
  }

  /** Lines at the front that are complete and have waited long enough. */
  #send(now: number): void {
    const { write, sortMs } = this.#options
    const queue = this.#queue
    while (this.#head < queue.length) {
      const { line, came } = queue[this.#head]!
      const crowded = queue.length - this.#head > MOST
      if (line === undefined || (came + sortMs > now && !crowded)) break
      this.#head++
      write(line)
    }
    if (this.#head === queue.length) {
      this.#queue = []
      this.#head = 0
    } else {
      if (this.#head > MOST) {
        this.#queue = queue.slice(this.#head)
        this.#head = 0
      }
      if (sortMs > 0) this.#timer ??= setTimeout(() => this.#due(), TICK_MS)
    }
  }

  #due(): void {
    this.#timer = undefined
    this.#send(performance.now())
  }
}

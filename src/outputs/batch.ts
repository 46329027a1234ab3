/**
 * Telemetry goes out in batches, alerts at once. Lines of a batch and the alert that follows them leave in one write, so
 * that an alert never overtakes the event it is about.
 */
import { COPY_STEP, type Line } from './line.ts'
import type { Output } from './output.ts'

export interface BatchOptions {
  readonly output: Pick<Output, 'write' | 'writeBytes' | 'queued'>
  /**
   * Most bytes waiting in the output beyond which no more telemetry is taken. Less than the output's own limit: what is
   * left is for alerts, so a flood of telemetry cannot crowd them out.
   */
  readonly maxQueued: number
  /** Runs a function after the events at hand are handled; by default when libuv has had its turn. */
  readonly later?: (run: () => void) => void
}

/** Bytes of a batch: beyond this it is written without waiting for more. */
const BATCH_MAX = 1 << 16
/** Bytes that a character may take. */
const WIDEST = 3
const LINE_FEED = 10

export class Batch {
  readonly #options: Required<BatchOptions>
  /** Lines are encoded as they come: a batch of texts would be long-lived garbage. */
  readonly #bytes = Buffer.allocUnsafeSlow(BATCH_MAX * 2)
  #used = 0
  #lines = 0
  #waiting = false
  readonly #due = (): void => {
    this.#waiting = false
    this.flush()
  }

  constructor(options: BatchOptions) {
    this.#options = { later: (run) => void setImmediate(run), ...options }
  }

  /** Take a line of telemetry, without its line feed; false when there is no room for it. */
  add(line: Line | string): boolean {
    if (this.#options.output.queued > this.#options.maxQueued) return false
    if (typeof line === 'string') this.#append(line)
    else if (this.#makeRoom(line.length + COPY_STEP)) {
      line.copyTo(this.#bytes, this.#used)
      this.#end(line.length)
    } else this.#options.output.write(line.text)
    if (this.#used >= BATCH_MAX) this.flush()
    else if (!this.#waiting) {
      this.#waiting = true
      this.#options.later(this.#due)
    }
    return true
  }

  /** Write a line now, after those that wait. */
  now(line: string): void {
    // By itself it need not be encoded here.
    if (this.#lines === 0) this.#options.output.write(line)
    else {
      this.#append(line)
      this.flush()
    }
  }

  flush(): void {
    if (this.#lines === 0) return
    const bytes = this.#bytes.subarray(0, this.#used)
    const lines = this.#lines
    this.#used = 0
    this.#lines = 0
    this.#options.output.writeBytes(bytes, lines)
  }

  #append(line: string): void {
    if (this.#makeRoom(line.length * WIDEST + 1)) this.#end(this.#bytes.write(line, this.#used, 'utf8'))
    else this.#options.output.write(line)
  }

  /** Is there room for so many bytes, now that what waits has left if need be? */
  #makeRoom(size: number): boolean {
    if (this.#used + size > this.#bytes.length) this.flush()
    return size <= this.#bytes.length
  }

  /** A line of so many bytes was put behind the others. */
  #end(size: number): void {
    this.#used += size
    this.#bytes[this.#used++] = LINE_FEED
    this.#lines++
  }
}

/** Beginnings of calls, until their exits come: one for each thread. */
import { noParams, type Params } from './event.ts'

const MAX = 1 << 16
/** Room for the values of most calls. */
const ROOM = 256

interface Beginning {
  /** Of the event; -1 when its exit has come. */
  number: number
  readonly params: Params
}

export class Beginnings {
  readonly #byThread = new Map<number, Beginning>()

  clear(): void {
    this.#byThread.clear()
  }

  /** Values from byte `from` to `end` of the memory of `params`, copied: that moves on. */
  keep(number: number, tid: number, params: Params, from: number, end: number): void {
    const size = end - from
    let kept = this.#byThread.get(tid)
    if (kept === undefined || kept.params.bytes.length < size) {
      if (kept === undefined && this.#byThread.size >= MAX)
        this.#byThread.delete(this.#byThread.keys().next().value!)
      const room = Math.max(ROOM, 2 ** Math.ceil(Math.log2(size)))
      kept = { number, params: noParams(Buffer.from(new ArrayBuffer(room))) }
      this.#byThread.set(tid, kept)
    }
    const { bytes, at, lengths } = kept.params
    params.bytes.copy(bytes, 0, from, end)
    for (let i = 0; i < params.count; i++) {
      at[i] = params.at[i]! - from
      lengths[i] = params.lengths[i]!
    }
    kept.params.count = params.count
    kept.number = number
  }

  /** What the thread's call began with, once; undefined when it was not event `number`. */
  take(number: number, tid: number): Params | undefined {
    if (this.#byThread.size === 0) return undefined
    const kept = this.#byThread.get(tid)
    if (kept === undefined || kept.number !== number) return undefined
    kept.number = -1
    return kept.params
  }
}

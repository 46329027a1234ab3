/**
 * Who touched what lately: events that are no finding by themselves and explain one that comes a moment later, such as the
 * writer of a file whose hash is found changed.
 */
import type { Culprit } from './finding.ts'

/** Longest time between a deed and its discovery, ns of the monotonic clock. */
const KEEP_NS = 15e9
const MAX = 1024

interface Deed {
  readonly culprit: Culprit
  readonly time: number
}

export class Suspects {
  /** In order of time: a new deed moves its key to the end. */
  readonly #deeds = new Map<string, Deed>()

  /** Somebody touched a thing: `file:/path`, `map:12`. `time` is CLOCK_MONOTONIC ns. */
  note(thing: string, culprit: Culprit, time: number): void {
    this.#deeds.delete(thing)
    this.#deeds.set(thing, { culprit, time })
    if (this.#deeds.size <= MAX) return
    for (const oldest of this.#deeds.keys()) {
      this.#deeds.delete(oldest)
      break
    }
  }

  /** Who touched this last, unless that is long ago. */
  of(thing: string, now: number): Culprit | undefined {
    const deed = this.#deeds.get(thing)
    return deed === undefined || now - deed.time > KEEP_NS ? undefined : deed.culprit
  }
}

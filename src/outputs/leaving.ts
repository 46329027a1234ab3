/** Outputs that a configuration names no more: they take nothing, deliver what waits, and go. */
import { setTimeout as sleep } from 'node:timers/promises'
import { droppedBy } from './delivery/message.ts'
import type { Placed } from './specs.ts'

/** How often is looked whether they are done, ms. */
const LOOK_MS = 200
/** Receivers that stay away must not add up, reload by reload: beyond this the one that left first is given up. */
const LEAVING_MAX = 16

export class Leaving<About> {
  readonly #onError: (message: string) => void
  readonly #placed = new Set<Placed<About>>()
  #lost = 0

  constructor(onError: (message: string) => void) {
    this.#onError = onError
  }

  get sinks(): readonly Placed<About>['sink'][] {
    return [...this.#placed].map(({ sink }) => sink)
  }

  /** Lines lost by those that are gone. */
  get lost(): number {
    return this.#lost
  }

  find(key: string, type: string): Placed<About> | undefined {
    return [...this.#placed].find(({ spec }) => spec.key === key && spec.type === type)
  }

  /** It is at work again. */
  forget(placed: Placed<About> | undefined): void {
    if (placed !== undefined) this.#placed.delete(placed)
  }

  add(placed: Placed<About>): void {
    const [oldest] = this.#placed
    if (oldest !== undefined && this.#placed.size >= LEAVING_MAX) this.#giveUp(oldest)
    this.#placed.add(placed)
    if (isDone(placed)) this.#end(placed)
    else void this.#waitFor(placed)
  }

  close(): void {
    this.#placed.clear()
  }

  async #waitFor(placed: Placed<About>): Promise<void> {
    while (this.#placed.has(placed)) {
      if (isDone(placed)) return this.#end(placed)
      await sleep(LOOK_MS, undefined, { ref: false })
    }
  }

  #giveUp(placed: Placed<About>): void {
    this.#onError(
      `Output ${placed.spec.name}: it was removed, and its receiver did not come back: ${placed.sink.status().waiting} records are not delivered`,
    )
    this.#end(placed)
  }

  #end(placed: Placed<About>): void {
    this.#placed.delete(placed)
    placed.sink.close()
    this.#lost += droppedBy(placed.sink.status())
  }
}

/** Of files and standard output, what waits is told in bytes alone. */
const isDone = <About>({ sink }: Placed<About>): boolean => {
  const { waiting, bytes } = sink.status()
  return waiting === 0 && (sink.delivery !== undefined || bytes === 0)
}

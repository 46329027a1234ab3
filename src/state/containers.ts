/**
 * What is known of containers, by full id, kept by applying events: a container is seen, its runtime answers, or does not
 * know it, or takes too long. Bounded: beyond the limit the one that was heard of longest ago is forgotten.
 */
import type { ContainerAnswer, ContainerFacts } from '../decode/answers.ts'

/**
 * Where the question about a container stands: nobody has answered yet, the time findings wait for it is over, a runtime
 * has told, or none knows it.
 */
export type ContainerStatus = 'asked' | 'late' | 'known' | 'unknown'

interface Entry {
  status: ContainerStatus
  facts: ContainerFacts | undefined
}

export const MAX_CONTAINERS = 4096

export class ContainerTable {
  readonly #entries = new Map<string, Entry>()
  readonly #max: number

  constructor(max = MAX_CONTAINERS) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** Undefined for a container that nobody asked about. */
  status(fullId: string): ContainerStatus | undefined {
    return this.#entries.get(fullId)?.status
  }

  facts(fullId: string): ContainerFacts | undefined {
    return this.#entries.get(fullId)?.facts
  }

  /** Somebody is being asked about it. */
  asked(fullId: string): void {
    this.#set(fullId, { status: 'asked', facts: undefined })
  }

  /** A runtime that stops answering does not undo what it told before. */
  answer(answer: ContainerAnswer): void {
    const known = this.#entries.get(answer.fullId)
    if (answer.status === 'known') this.#set(answer.fullId, { status: 'known', facts: answer.facts })
    else if (known === undefined) this.#set(answer.fullId, { status: answer.status, facts: undefined })
    else if (known.status !== 'known') known.status = answer.status
  }

  #set(fullId: string, entry: Entry): void {
    // Again at the end of the queue.
    this.#entries.delete(fullId)
    this.#entries.set(fullId, entry)
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value!)
  }
}

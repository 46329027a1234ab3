/**
 * What is known of containers, by full id, kept by applying events: a container is seen, its runtime answers, or does not
 * know it, or takes too long. Bounded in number and in what was told: beyond that the one that was heard of longest ago is
 * forgotten.
 */
import type { ContainerAnswer, ContainerFacts } from '../decode/answers.ts'

/**
 * Where the question about a container stands: nobody has answered yet, the time findings wait for it is over, a runtime
 * has told, or none knows it.
 */
export type ContainerStatus = 'asked' | 'late' | 'known' | 'unknown'

interface Entry {
  status: ContainerStatus
  readonly facts: ContainerFacts | undefined
  /** Characters of the facts. */
  readonly size: number
}

export interface ContainerLimits {
  readonly containers: number
  /** Characters of all facts together. */
  readonly text: number
}

const CONTAINER_LIMITS: ContainerLimits = { containers: 4096, text: 16 << 20 }

export class ContainerTable {
  readonly #entries = new Map<string, Entry>()
  readonly #limits: ContainerLimits
  #text = 0

  constructor(limits: ContainerLimits = CONTAINER_LIMITS) {
    this.#limits = limits
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
    this.#set(fullId, 'asked')
  }

  /** A runtime that stops answering does not undo what it told before. */
  answer(answer: ContainerAnswer): void {
    const known = this.#entries.get(answer.fullId)
    if (answer.status === 'known') this.#set(answer.fullId, 'known', answer.facts)
    else if (known === undefined) this.#set(answer.fullId, answer.status)
    else if (known.status !== 'known') known.status = answer.status
  }

  #set(fullId: string, status: ContainerStatus, facts?: ContainerFacts): void {
    // Again at the end of the queue.
    this.#forget(fullId)
    const size = sizeOf(facts)
    this.#entries.set(fullId, { status, facts, size })
    this.#text += size
    while (this.#entries.size > this.#limits.containers || this.#text > this.#limits.text)
      this.#forget(this.#entries.keys().next().value!)
  }

  #forget(fullId: string): void {
    this.#text -= this.#entries.get(fullId)?.size ?? 0
    this.#entries.delete(fullId)
  }
}

/** Characters of all texts in a value. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  const parts = value instanceof Map ? [...value.keys(), ...value.values()] : Object.values(value)
  return parts.reduce<number>((sum, part) => sum + sizeOf(part), 0)
}

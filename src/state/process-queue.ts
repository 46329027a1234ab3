/** A first-in first-out queue of processes, linked through the records: adding and taking out cost the same always. */
import type { ProcessRecord } from './process-record.ts'

export class ProcessQueue {
  size = 0
  #head: ProcessRecord | undefined
  #tail: ProcessRecord | undefined

  /** Longest in the queue. */
  get first(): ProcessRecord | undefined {
    return this.#head
  }

  /** From the longest in the queue on; the queue must not change meanwhile. */
  *all(): Generator<ProcessRecord> {
    for (let at = this.#head; at !== undefined; at = at.next) yield at
  }

  add(record: ProcessRecord): void {
    record.previous = this.#tail
    record.next = undefined
    if (this.#tail === undefined) this.#head = record
    else this.#tail.next = record
    this.#tail = record
    this.size++
  }

  remove(record: ProcessRecord): void {
    if (record.previous === undefined) this.#head = record.next
    else record.previous.next = record.next
    if (record.next === undefined) this.#tail = record.previous
    else record.next.previous = record.previous
    record.previous = undefined
    record.next = undefined
    this.size--
  }
}

/** What a reader has to know who begins in the middle: the last word on users, clocks, containers, names and moved processes. */
import type { ProcessInfo } from '../../fields/context.ts'
import { ProcessRecord } from '../../state/process-record.ts'
import type { ItemSink } from './block.ts'
import { snapshotOf } from './checkpoint.ts'
import type { Fact } from './items.ts'

/** Answers of a kind that are kept. */
const KEPT = 4096

export class KnownFacts {
  readonly #latest = new Map<'clock' | 'users' | 'names-settled', Fact>()
  readonly #asked = new Map<string, Fact>()
  readonly #containers = new Map<string, Fact>()
  readonly #names = new Map<string, Fact>()
  readonly #moved = new Map<number, Fact>()

  /** The last word of its kind stays. */
  keep(fact: Fact): void {
    switch (fact.of) {
      case 'clock':
      case 'users':
      case 'names-settled':
        this.#latest.set(fact.of, fact)
        return
      case 'asked':
        remember(this.#asked, fact.fullId, fact)
        return
      case 'container': {
        const { answer } = fact
        this.#asked.delete(answer.fullId)
        // What was told is not undone by a runtime that does not answer any more.
        const known = this.#containers.get(answer.fullId)
        const isKnown = known?.of === 'container' && known.answer.status === 'known'
        if (answer.status === 'known' || !isKnown) remember(this.#containers, answer.fullId, fact)
        return
      }
      case 'name':
        remember(this.#names, fact.answer.name, fact)
        return
      case 'cgroup':
        remember(this.#moved, fact.answer.pid, fact)
        return
      case 'gap':
      case 'throttle':
      case 'resume':
      case 'mounts':
      case 'files':
        return
      default:
        fact satisfies never
    }
  }

  /** Tell it, and of these processes, in the order a reader needs. */
  tell(into: ItemSink, living: Iterable<ProcessInfo>): void {
    const maps = [this.#latest, this.#asked, this.#containers, this.#names]
    for (const facts of maps) for (const fact of facts.values()) into.fact(fact)
    for (const process of living) if (process instanceof ProcessRecord) into.bytes(snapshotOf(process))
    for (const fact of this.#moved.values()) into.fact(fact)
  }
}

/** The newest stay. */
function remember<K>(facts: Map<K, Fact>, key: K, fact: Fact): void {
  facts.delete(key)
  facts.set(key, fact)
  if (facts.size > KEPT) facts.delete(facts.keys().next().value!)
}

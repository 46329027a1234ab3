/** Counts, for a while, for which rules the guards let events pass. Costs an event nothing while nobody counts. */
import type { EventView } from './decode/event-view.ts'
import type { Admits } from './detect/engine.ts'
import type { SyscallContext } from './fields/context.ts'
import type { ProgramCounts } from './health/ledger.ts'
import type { Rule } from './judging.ts'
import type { KernelSource } from './sources/kernel/source.ts'

export interface Passed {
  /** Events that were let pass for a rule. */
  readonly rules: ReadonlyMap<Rule, number>
  /** Counters of the kernel side at the beginning and at the end. */
  readonly before: readonly ProgramCounts[]
  readonly after: readonly ProgramCounts[]
}

export class PassCounter {
  readonly #admits: (event: EventView) => Admits<SyscallContext> | undefined
  #passed: Map<Rule, number> | undefined

  /** `admits`: rules that may match an event, by what the guard found. */
  constructor(admits: (event: EventView) => Admits<SyscallContext> | undefined) {
    this.#admits = admits
  }

  /** Is a count under way? There is one at a time. */
  get isCounting(): boolean {
    return this.#passed !== undefined
  }

  see(event: EventView): void {
    if (this.#passed === undefined) return
    const admits = this.#admits(event)
    if (admits === undefined) return
    for (const [rule, count] of this.#passed)
      if ((rule.events === '*' || rule.events.has(event.name)) && admits(rule))
        this.#passed.set(rule, count + 1)
  }

  /** Of these rules, for so long. */
  async count(
    rules: readonly Rule[],
    ms: number,
    source: Pick<KernelSource, 'drain' | 'ledger'>,
  ): Promise<Passed> {
    const passed = new Map(rules.map((rule) => [rule, 0]))
    // What the kernel has counted must have come, or the two sides are not about the same events.
    const settled = (): readonly ProgramCounts[] => {
      source.drain()
      return source.ledger()
    }
    const before = settled()
    this.#passed = passed
    await new Promise((resolve) => setTimeout(resolve, ms).unref())
    const after = settled()
    this.#passed = undefined
    return { rules: passed, before, after }
  }
}

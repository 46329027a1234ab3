/**
 * Stands between the sources and the pipeline, and records what passes, in order. It keeps what a reader has to know who
 * begins in the middle: the last word on users, clocks, containers, names and moved processes.
 */
import type { CgroupAnswer, ContainerAnswer, NameAnswer } from '../../decode/answers.ts'
import type { ProcessInfo } from '../../fields/context.ts'
import type { LossCause } from '../../sources/kernel/drops.ts'
import type { Gap } from '../../sources/kernel/reader.ts'
import { ProcessRecord } from '../../state/process-record.ts'
import type { Before, CaptureFacts, PipelineSink } from '../source.ts'
import { snapshotOf } from './checkpoint.ts'
import type { Fact } from './items.ts'
import { CaptureWriter, type ItemSink, type WriterCounts } from './writer.ts'

export interface RecorderOptions {
  readonly file: string
  readonly rotateBytes: number
  readonly rotateNs: number
  readonly keep: number
  /** Who records; `names` is known when recording begins. */
  readonly facts: Omit<CaptureFacts, 'names'>
  /** Recording ended for this reason. */
  readonly failed: (error: Error) => void
  /** Longest time before a reader sees what happened, ms. */
  readonly flushMs?: number
}

/** State of the pipeline that no answer tells. */
export interface RecordedState {
  readonly living: () => Iterable<ProcessInfo>
  readonly before: () => Before
}

/** Answers of a kind that are kept for readers who begin in the middle. */
const KEPT = 4096

export class Recorder {
  readonly #options: RecorderOptions
  #writer: CaptureWriter | undefined
  #timer: NodeJS.Timeout | undefined
  #living: () => Iterable<ProcessInfo> = () => []
  readonly #latest = new Map<'clock' | 'users' | 'names-settled', Fact>()
  readonly #asked = new Map<string, Fact>()
  readonly #containers = new Map<string, Fact>()
  readonly #names = new Map<string, Fact>()
  readonly #moved = new Map<number, Fact>()
  #before: () => Before = () => ({ events: 0, first: 0, last: 0 })

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  get counts(): WriterCounts {
    return this.#writer?.counts ?? { items: 0, bytes: 0, files: 0, lost: 0 }
  }

  /**
   * Make the file. `names`: resolvers are asked; `state`: what those are told who begin in the middle. Throws when it cannot
   * be made.
   */
  open(names: boolean, state: RecordedState): void {
    const { file, rotateBytes, rotateNs, keep, facts, failed, flushMs = 1000 } = this.#options
    this.#living = state.living
    this.#before = state.before
    this.#writer = new CaptureWriter({
      ...{ file, rotateBytes, rotateNs, keep, failed },
      facts: { ...facts, names },
      state: (into) => this.#tellState(into),
    })
    this.#timer = setInterval(() => this.flush(), flushMs)
    this.#timer.unref()
  }

  /** A sink that records, before or after it has told `to`, in the order a replay needs. */
  tee(to: PipelineSink): PipelineSink {
    const fact = (one: Fact): void => this.#fact(one)
    return {
      event: (view) => {
        // Afterwards: what is asked while an event is handled stands before it.
        to.event(view)
        this.#writer?.record(view)
      },
      gap: (gap: Gap, causes: readonly LossCause[]) => {
        fact({ of: 'gap', gap, causes })
        to.gap(gap, causes)
      },
      throttle: (notice) => {
        fact({ of: 'throttle', notice })
        to.throttle?.(notice)
      },
      clock: ({ wall, boot }) => {
        const { wall: before, boot: bootBefore } = (this.#latest.get('clock') ?? {}) as Partial<
          Extract<Fact, { of: 'clock' }>
        >
        if (wall !== before || boot !== bootBefore) fact({ of: 'clock', wall, boot })
        to.clock({ wall, boot })
      },
      users: (passwd, group) => {
        fact({ of: 'users', passwd, group })
        to.users(passwd, group)
      },
      cgroup: (answer: CgroupAnswer) => {
        fact({ of: 'cgroup', answer })
        to.cgroup(answer)
      },
      container: (answer: ContainerAnswer) => {
        fact({ of: 'container', answer })
        to.container(answer)
      },
      name: (answer: NameAnswer) => {
        fact({ of: 'name', answer })
        to.name(answer)
      },
      namesSettled: () => {
        fact({ of: 'names-settled' })
        to.namesSettled()
      },
      error: (error) => to.error(error),
    }
  }

  /** A container was asked about while an event is handled; `taken`: there was somebody to ask. */
  asked(fullId: string, taken: boolean): void {
    this.#fact({ of: 'asked', fullId, taken })
  }

  /** Write what has been gathered, so that readers see it. */
  flush(): void {
    this.#writer?.flush()
  }

  /** Go on in another file. */
  rotate(): void {
    this.#writer?.rotate()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#writer?.close()
  }

  #fact(fact: Fact): void {
    this.#keep(fact)
    this.#writer?.fact(fact)
  }

  #keep(fact: Fact): void {
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
        return
      default:
        fact satisfies never
    }
  }

  #tellState(into: ItemSink): void {
    const maps = [this.#latest, this.#asked, this.#containers, this.#names]
    for (const facts of maps) for (const fact of facts.values()) into.fact(fact)
    for (const process of this.#living())
      if (process instanceof ProcessRecord) into.bytes(snapshotOf(process))
    for (const fact of this.#moved.values()) into.fact(fact)
    into.fact({ of: 'resume', ...this.#before() })
  }
}

/** The newest stay. */
function remember<K>(facts: Map<K, Fact>, key: K, fact: Fact): void {
  facts.delete(key)
  facts.set(key, fact)
  if (facts.size > KEPT) facts.delete(facts.keys().next().value!)
}

/**
 * Stands between the sources and the pipeline, and records what passes, in order, with what a reader has to know who begins
 * in the middle.
 */
import type { ProcessInfo } from '../../fields/context.ts'
import type { Inventory } from '../../sources/kernel/inventory.ts'
import type { Before, CaptureFacts, PipelineSink } from '../source.ts'
import type { ItemSink } from './block.ts'
import type { Fact } from './items.ts'
import { KnownFacts } from './known.ts'
import { teeInto } from './tee.ts'
import { CaptureWriter, type WriterCounts } from './writer.ts'

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
  /** Process id of the agent as events have it, where that is another one than it sees itself. */
  readonly agent?: number
}

export class Recorder {
  readonly #options: RecorderOptions
  #writer: CaptureWriter | undefined
  #timer: NodeJS.Timeout | undefined
  #living: () => Iterable<ProcessInfo> = () => []
  readonly #known = new KnownFacts()
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
      facts: { ...facts, names, agent: state.agent ?? facts.agent },
      state: (into) => this.#tellState(into),
    })
    this.#timer = setInterval(() => this.flush(), flushMs)
    this.#timer.unref()
  }

  /** A sink that records what `to` is told, in the order a replay needs. */
  tee(to: PipelineSink): PipelineSink {
    return teeInto({ record: (view) => this.#writer?.record(view), fact: (one) => this.#fact(one) }, to)
  }

  /** A container was asked about while an event is handled; `taken`: there was somebody to ask. */
  asked(fullId: string, taken: boolean): void {
    this.#fact({ of: 'asked', fullId, taken })
  }

  /** What there was when the recording began, for whoever looks into the capture. */
  inventory({ mounts, files, leftOut }: Inventory): void {
    this.#fact({ of: 'mounts', text: mounts })
    this.#fact({ of: 'files', processes: files, leftOut })
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
    this.#known.keep(fact)
    this.#writer?.fact(fact)
  }

  #tellState(into: ItemSink): void {
    this.#known.tell(into, this.#living())
    into.fact({ of: 'resume', ...this.#before() })
  }
}

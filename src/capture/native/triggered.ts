/**
 * Captures that a rule begins: from a match on until its time is over, with a little of what was before. A match while one
 * is written prolongs it. Nothing here throws or waits; what cannot be written is told and counted.
 */
import type { EventView } from '../../decode/event-view.ts'
import type { CaptureFacts, PipelineSink } from '../source.ts'
import type { Fact } from './items.ts'
import { Past, type PastOptions } from './past.ts'
import type { RecordedState } from './recorder.ts'
import { captureName, Retention, type RetentionOptions } from './retention.ts'
import { teeInto } from './tee.ts'
import { CaptureWriter } from './writer.ts'

export interface TriggeredOptions extends RetentionOptions {
  /** How long a capture goes on after a match that does not say so itself, ns. */
  readonly durationNs: number
  /** Size of a file at which it ends, 0 for any. */
  readonly maxBytes: number
  readonly past: Omit<PastOptions, 'before'>
  /** Who records; when, and whether names are known, is added. */
  readonly facts: Omit<CaptureFacts, 'names' | 'created' | 'expression'>
  readonly log: (level: 'info' | 'warning', message: string) => void
}

export interface TriggeredCounts {
  readonly files: number
  /** Matches that found a capture being written. */
  readonly prolonged: number
  /** Files that ended because of their size. */
  readonly full: number
  readonly bytes: number
  /** Items that left the memory of the past early, for lack of room. */
  readonly forgotten: number
  /** Files that could not be made, and those that could not be written to their end. */
  readonly failed: number
  /** Items that were to be written and were not. */
  readonly lost: number
}

/** What a match says about its capture. */
export interface Match {
  readonly rule: string
  /** Ns since the epoch, and number of the event. */
  readonly time: bigint
  readonly num: number
  /** How long to go on, ns; undefined for the usual time. */
  readonly durationNs: number | undefined
}

/** A capture that is written, or that is full before its time is over. */
interface Current {
  readonly file: string
  readonly writer: CaptureWriter
  /** The past is still to be written. */
  begun: boolean
  /** Not to be written to any more. */
  over: boolean
  /** CLOCK_MONOTONIC ns. */
  deadline: number
}

const FLUSH_MS = 1000
/** By then all events of a time have come, ns. */
const GRACE_NS = 2_000_000_000
/** After a failure nothing is tried for so long, ns of event time. */
const PAUSE_NS = 1_000_000_000

export class TriggeredCapture {
  readonly #options: TriggeredOptions
  readonly #retention: Retention
  #past: Past | undefined
  #names = false
  #agent: number
  #current: Current | undefined
  #timer: NodeJS.Timeout | undefined
  /** Latest time of an event, CLOCK_MONOTONIC ns. */
  #now = 0
  #notBefore = 0
  #ended = { bytes: 0, lost: 0 }
  #counts = { files: 0, prolonged: 0, full: 0, failed: 0 }

  /** Throws where the folder of its files cannot be read. */
  constructor(options: TriggeredOptions) {
    this.#options = options
    this.#agent = options.facts.agent
    this.#retention = new Retention(options)
  }

  get counts(): TriggeredCounts {
    const { bytes = 0, lost = 0 } = this.#current?.writer.counts ?? {}
    return {
      ...this.#counts,
      bytes: this.#ended.bytes + bytes,
      forgotten: this.#past?.evicted ?? 0,
      lost: this.#ended.lost + lost,
    }
  }

  /** Begin to remember. `names`: resolvers are asked; `clock`: CLOCK_MONOTONIC now, ns. */
  open(
    names: boolean,
    { before, agent = this.#agent }: Pick<RecordedState, 'before' | 'agent'>,
    clock: () => number,
  ): void {
    this.#names = names
    this.#agent = agent
    this.#past = new Past({ ...this.#options.past, before })
    this.#timer = setInterval(() => this.#housekeeping(clock() - GRACE_NS), FLUSH_MS)
    this.#timer.unref()
  }

  /** A sink that remembers what `to` is told. */
  tee(to: PipelineSink): PipelineSink {
    const inner = teeInto({ record: (view) => this.#record(view), fact: (fact) => this.#fact(fact) }, to)
    return {
      ...inner,
      event: (view) => {
        if (view.type.internal !== true && view.time > this.#now) this.#now = view.time
        this.#past?.advance(view)
        inner.event(view)
      },
    }
  }

  asked(fullId: string, taken: boolean): void {
    this.#fact({ of: 'asked', fullId, taken })
  }

  /** A rule matched: the file that has it, undefined when none can be made. */
  match({ rule, time, num, durationNs = this.#options.durationNs }: Match): string | undefined {
    const deadline = this.#now + durationNs
    this.#endAt(this.#now)
    const current = this.#current
    if (current !== undefined) {
      this.#counts.prolonged++
      // One that is full ends when it would have, so that nobody fills the disk by matching often.
      if (!current.over) current.deadline = Math.max(current.deadline, deadline)
      return current.file
    }
    if (this.#now < this.#notBefore || this.#past === undefined) return undefined
    return this.#begin(captureName(this.#options.prefix, time, num), { rule, time, deadline })
  }

  /** The end of everything. */
  close(): void {
    clearInterval(this.#timer)
    this.#end()
    this.#notBefore = Number.POSITIVE_INFINITY
  }

  #begin(
    file: string,
    { rule, time, deadline }: { readonly rule: string; readonly time: bigint; readonly deadline: number },
  ): string | undefined {
    const { facts, log } = this.#options
    try {
      const writer = new CaptureWriter({
        ...{ file, rotateBytes: 0, rotateNs: 0, keep: 0, sync: false },
        facts: {
          ...facts,
          agent: this.#agent,
          names: this.#names,
          created: time,
          expression: `from a match of '${rule}' on`,
        },
        state: (into) => this.#past?.tellState(into),
        failed: (error) => this.#failed(file, error),
      })
      this.#current = { file, writer, begun: false, over: false, deadline }
      this.#counts.files++
      this.#retention.add(file)
      log('info', `rule '${rule}' begins the capture ${file}`)
      return file
    } catch (error) {
      this.#failed(file, error as Error)
      return undefined
    }
  }

  #record(view: EventView): void {
    const current = this.#writing(view.time)
    this.#past?.record(view)
    if (current === undefined) return
    current.writer.record(view)
    this.#measure(current)
  }

  #fact(fact: Fact): void {
    const current = this.#writing(this.#now)
    this.#past?.fact(fact)
    current?.writer.fact(fact)
  }

  /** The capture that takes what comes at this time, with its past before it. */
  #writing(time: number): Current | undefined {
    const current = this.#current
    if (current === undefined) return undefined
    if (!current.begun && this.#past !== undefined) {
      current.begun = true
      current.writer.startWith(this.#past.blocks)
    }
    this.#endAt(time)
    return this.#current?.over === false ? this.#current : undefined
  }

  /** A file that is large enough ends; its time goes on. */
  #measure(current: Current): void {
    const { maxBytes } = this.#options
    const { bytes } = current.writer.counts
    if (current.over || maxBytes === 0 || bytes < maxBytes) return
    current.over = true
    current.writer.close()
    this.#counts.full++
    this.#options.log('warning', `the capture ${current.file} is as large as capture.max_file_size_mb allows`)
  }

  #endAt(time: number): void {
    if (this.#current !== undefined && time > this.#current.deadline) this.#end()
  }

  #end(): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    if (!current.begun && this.#past !== undefined) current.writer.startWith(this.#past.blocks)
    current.writer.close()
    const { bytes, lost } = current.writer.counts
    this.#ended = { bytes: this.#ended.bytes + bytes, lost: this.#ended.lost + lost }
    this.#retention.grown(bytes)
  }

  /** Readers see what happened within a second; where no event comes, a capture ends by the clock. */
  #housekeeping(clock: number): void {
    this.#endAt(clock)
    const current = this.#writing(0)
    if (current === undefined) return
    current.writer.flush()
    this.#measure(current)
    this.#retention.grown(current.writer.counts.bytes)
  }

  #failed(file: string, error: Error): void {
    this.#counts.failed++
    this.#notBefore = this.#now + PAUSE_NS
    this.#options.log('warning', `cannot write the capture ${file}: ${error.message}`)
  }
}

/**
 * Replay: a capture through the same pipeline, rules and outputs as live events. What comes out depends on the capture,
 * the rules and the configuration alone: no clock is read, nothing is dropped because a reader is slow.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observer } from './agent-options.ts'
import { judgingOptions, type Outputs, type OutputsInit, openAll } from './agent-outputs.ts'
import type { Before, Capture, CaptureSink } from './capture/source.ts'
import type { Config } from './config/keys.ts'
import type { CgroupAnswer, ContainerAnswer, NameAnswer } from './decode/answers.ts'
import type { EventView } from './decode/event-view.ts'
import type { Interner } from './decode/interner.ts'
import { createEngine } from './detect/engine.ts'
import type { SyscallContext } from './fields/context.ts'
import type { OutputClock } from './outputs/clock.ts'
import type { OutputStatus } from './outputs/delivery/message.ts'
import { Pipeline, type PipelineCounts } from './pipeline.ts'
import type { PipelineOptions } from './pipeline-options.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { LossCause } from './sources/kernel/drops.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { ThrottleNotice } from './sources/kernel/throttle.ts'
import { planTelemetry } from './telemetry/open.ts'

export interface ReplayOptions extends Omit<OutputsInit, 'hostname'> {
  readonly capture: Capture
  readonly interner: Interner
  readonly rules: readonly CompiledRule<SyscallContext>[]
  readonly config: Config
  /** Sees events beside the rules, and what is lost. */
  readonly observer?: ReplayObserver
  /** Events outside are only taken note of: ns since the epoch, `to` included. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  /** Told after each piece of the capture. */
  readonly progress?: (events: number) => void
  /** Asked after each piece: end here? */
  readonly stopped?: () => boolean
}

/** What a command does that shows more than alerts. `begin` is told of the first event's time; alerts go to it alone. */
export type ReplayObserver = Pick<Observer, 'begin' | 'line' | 'gap' | 'throttle' | 'alert' | 'end'>

export interface ReplaySummary extends PipelineCounts {
  /** Events of the capture, those outside the time asked for among them. */
  readonly played: number
  readonly processes: number
  readonly outputs: readonly OutputStatus[]
}

/** Bytes an output may have waiting before the next piece is read. */
const BACKLOG = 1 << 20
const WAIT_MS = 2
const SECOND = 1e9
const TAKEN_MAX = 4096

/**
 * Play the capture to its end. Throws UserError for outputs that cannot be opened, and CaptureError when what was read
 * before the fault has been delivered.
 */
export async function replay(options: ReplayOptions): Promise<ReplaySummary> {
  const { capture, from, progress, stopped = () => false } = options
  let now = (): bigint => capture.facts.created
  const clock: OutputClock = { wall: () => now(), monotonic: undefined }
  const outputs = openAll({ ...options, hostname: capture.facts.hostname, clock })
  try {
    const player = new Player(options, outputs)
    now = () => player.now
    let fault: unknown
    try {
      if (from !== undefined) capture.seek(from)
      capture.want?.(player.wanted)
      for (;;) {
        await capture.ready?.()
        if (player.over || stopped() || !capture.play(player)) break
        progress?.(player.played)
        await settled(outputs, stopped)
      }
    } catch (error) {
      fault = error
    }
    const { pipeline } = player
    pipeline.finish()
    pipeline.telemetry?.flush()
    await player.end()
    await settled(outputs, stopped, 0)
    await outputs.flush()
    if (fault !== undefined) throw fault
    return {
      ...pipeline.counts,
      played: player.played,
      processes: pipeline.table.size,
      outputs: outputs.status(),
    }
  } finally {
    outputs.close()
  }
}

/** Wait until outputs have no more than `bytes` waiting: a slow reader slows the replay down, and loses nothing. */
async function settled(outputs: Outputs, stopped: () => boolean, bytes = BACKLOG): Promise<void> {
  // Batches of records are written when the loop has had its turn.
  await new Promise((done) => setImmediate(done))
  while (behind(outputs, bytes) && !stopped()) await sleep(WAIT_MS)
}

/** What is delivered elsewhere has a queue, retries and counts of its own. */
const behind = (outputs: Outputs, most: number): boolean =>
  outputs.status().some(({ type, bytes }) => (type === 'stdout' || type === 'file') && bytes > most)

/** A pipeline that hears what a capture says, as far as it is of the time asked for. */
class Player implements CaptureSink {
  readonly pipeline: Pipeline
  /** Nothing of interest comes any more. */
  over = false
  /** Events so far. */
  played = 0
  /** Events that are looked at; undefined for all. */
  readonly wanted: ReadonlySet<string> | undefined
  readonly #from: bigint | undefined
  readonly #to: bigint | undefined
  /** The same as CLOCK_MONOTONIC ns. */
  #first = 0
  #last = Number.POSITIVE_INFINITY
  /** Containers that were asked about when the capture was made, until the event that led to it comes. */
  readonly #taken = new Set<string>()

  /** Of the event that is played, ns since the epoch. */
  get now(): bigint {
    return this.pipeline.lookup.wallClock(BigInt(this.#time))
  }
  #time = 0

  constructor(
    { capture: { facts }, interner, rules, config, log, from, to, observer }: ReplayOptions,
    outputs: Outputs,
  ) {
    this.#outputs = outputs
    this.#observer = observer
    this.#from = from
    this.#to = to
    const identity = { hostname: facts.hostname, hostId: facts.hostId, bootId: facts.bootId }
    const matching = config.rule_matching === 'all' ? 'all' : 'first'
    const engine = createEngine(rules, { matching, timeOf: ({ event }) => event.time })
    const self = facts.agent === 0 ? undefined : facts.agent
    const telemetry = planTelemetry({ config, host: identity.hostname, self, sink: outputs })
    // Outside the time asked for, events count for the state alone: then each is needed, as by an observer.
    const isWhole = from === undefined && to === undefined && observer === undefined
    this.wanted =
      isWhole && engine.events !== '*' ? new Set([...engine.events, ...telemetry.events]) : undefined
    this.pipeline = new Pipeline({
      ...judgingOptions({ config, interner, identity, telemetry, outputs, log }),
      engine,
      ...(facts.derived === true ? { derived: true } : {}),
      ...(observer && this.#observed(observer)),
      alert(alert, about) {
        if (observer !== undefined) observer.alert(alert)
        else if (about === undefined || config['agent.mode'] !== 'monitor') outputs.write(alert, about)
      },
      enrichment: {
        rules,
        matching,
        askContainer: ({ fullId }) => this.#taken.delete(fullId),
        names: facts.names,
      },
    })
  }

  /** No more comes: the observer writes what it still has. */
  async end(): Promise<void> {
    const observer = this.#observer
    if (observer === undefined) return
    this.#begin(observer)
    await observer.end?.({ errors: this.pipeline.counts.errors, monotonic: BigInt(this.#time) })
  }

  /** What a pipeline tells an observer. */
  #observed(observer: ReplayObserver): Pick<PipelineOptions, 'observe' | 'gap' | 'throttle'> {
    return {
      observe: (ctx) => {
        this.#begin(observer)
        const line = observer.line(ctx)
        if (line !== undefined) this.#outputs.writeLine(line, 'event')
      },
      gap: (gap, causes, lookup) => {
        this.#begin(observer)
        observer.gap?.(gap, causes, lookup)
      },
      throttle: (notice, lookup) => {
        this.#begin(observer)
        observer.throttle?.(notice, lookup)
      },
    }
  }

  /** It begins with what it hears of first. */
  #begin(observer: ReplayObserver): void {
    if (this.#begun) return
    this.#begun = true
    const { lookup } = this.pipeline
    const monotonic = BigInt(this.#time)
    observer.begin?.({
      write: (line) => this.#outputs.record(line),
      lookup,
      now: { monotonic, boot: monotonic + this.#boot },
    })
  }
  #begun = false
  #boot = 0n
  readonly #outputs: Outputs
  readonly #observer: ReplayObserver | undefined

  event(view: EventView): void {
    if (view.type.internal !== true) this.played++
    const { time } = view
    if (view.type.internal !== true) this.#time = time
    if (time >= this.#first && time <= this.#last) this.pipeline.event(view)
    else {
      this.pipeline.skip(view)
      // Records that came late are late by less.
      if (time > this.#last + SECOND) this.over = true
    }
  }

  gap(gap: Gap, causes: readonly LossCause[]): void {
    if (gap.to >= this.#first && gap.from <= this.#last) this.pipeline.gap(gap, causes)
  }

  throttle(notice: ThrottleNotice): void {
    if (notice.to >= this.#first && notice.from <= this.#last) this.pipeline.throttle(notice)
  }

  clock(offsets: { readonly wall: bigint; readonly boot: bigint }): void {
    this.#boot = offsets.boot
    if (this.#from !== undefined) this.#first = Number(this.#from - offsets.wall)
    if (this.#to !== undefined) this.#last = Number(this.#to - offsets.wall)
    this.pipeline.clock(offsets)
  }

  asked(fullId: string, taken: boolean): void {
    if (!taken) return
    this.#taken.add(fullId)
    if (this.#taken.size > TAKEN_MAX) this.#taken.delete(this.#taken.keys().next().value!)
  }

  users(passwd: string, group: string): void {
    this.pipeline.users(passwd, group)
  }
  cgroup(answer: CgroupAnswer): void {
    this.pipeline.cgroup(answer)
  }
  container(answer: ContainerAnswer): void {
    this.pipeline.container(answer)
  }
  name(answer: NameAnswer): void {
    this.pipeline.name(answer)
  }
  namesSettled(): void {
    this.pipeline.namesSettled()
  }
  passed(events: number, last: number): void {
    this.played += events
    this.#time = last
    this.pipeline.pass(events, last)
  }
  counted(name: string, events: number): void {
    this.pipeline.count(name, events)
  }
  resume(before: Before): void {
    this.played = before.events
    this.pipeline.resume(before)
  }
  error(error: unknown): void {
    this.pipeline.error(error)
  }
}

/** What a pipeline is put together of, and whom it tells. */
import type { CgroupQuestion, ContainerRef } from './decode/answers.ts'
import type { EventView } from './decode/event-view.ts'
import type { Interner } from './decode/interner.ts'
import type { Alert, AlertIdentity, Printing } from './detect/alert.ts'
import type { Admits, Engine } from './detect/engine.ts'
import type { Lookup, SyscallContext } from './fields/context.ts'
import type { StageTimer } from './health/stage-timer.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { LossCause } from './sources/kernel/drops.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { ThrottleNotice } from './sources/kernel/throttle.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

type Rule = CompiledRule<SyscallContext>

export interface PipelineOptions {
  readonly interner: Interner
  readonly engine: Engine<SyscallContext>
  /** Who we are in alerts: host name, host id, boot id. */
  readonly identity: AlertIdentity
  /**
   * A finding that fired, ready to be delivered, with the event it is about while that lasts; a loss has none. Must not
   * throw and not keep the caller waiting.
   */
  readonly alert: (alert: Alert, about?: { readonly rule: Rule; readonly ctx: SyscallContext }) => void
  /** Events as records. */
  readonly telemetry?: (lookup: Lookup) => Telemetry
  /** Events lost before they came; by default an alert of its own. */
  readonly gap?: (gap: Gap, causes: readonly LossCause[], lookup: Lookup) => void
  /** Events of a cgroup begin to be held back, or are no more; by default an alert of its own. */
  readonly throttle?: (notice: ThrottleNotice, lookup: Lookup) => void
  /** Times some events on their way through the stages. */
  readonly timer?: StageTimer
  /** Calls `found` for each rule that matches and counts nothing; without it rules want no event that the guard passed over. */
  readonly ask?: (ctx: SyscallContext, found: (rule: Rule) => void) => void
  /** Told whenever it is learned whether a cgroup is a container's. */
  readonly learned?: (cgroup: number, cgroupV1: number, container: ContainerRef | undefined) => void
  /** Rules that may match an event, by what the guard found; undefined when it did not judge it. */
  readonly admits?: (event: EventView) => Admits<SyscallContext> | undefined
  /** Sees every event that rules could see, before they are judged. The context is valid until it returns. */
  readonly observe?: (ctx: SyscallContext) => void
  /** Told the time of each event that rules could see, before it is judged: CLOCK_MONOTONIC ns. */
  readonly advance?: (time: number) => void
  /** A rule matched: the file of the capture that has what follows, undefined when there is none. */
  readonly capture?: (rule: Rule, ctx: SyscallContext) => string | undefined
  /** Trouble inside a stage: reported, counted, survived. */
  readonly error: (error: unknown) => void
  /** Give Falco's values where they are wrong or narrower than the truth (docs/compat-falco.md). */
  readonly asFalco?: boolean
  /** How values of alerts are printed. */
  readonly printing?: Printing
  /** Events say themselves when containers begin and end: none is derived of others. */
  readonly derived?: boolean
  /** Most processes in the table. */
  readonly maxProcesses?: number
  /** Asked for the cgroup of a process that was moved; answers come through `cgroup`. */
  readonly askCgroup?: (question: CgroupQuestion) => boolean
  /** Who is asked for what no event tells; without it nobody is. */
  readonly enrichment?: EnrichmentOptions
}

export interface EnrichmentOptions {
  /** Rules the engine judges by, and how. */
  readonly rules: readonly Rule[]
  readonly matching: 'all' | 'first'
  /** Ask about a container; false when there is nobody to ask. Answers come through `container`. */
  readonly askContainer?: (container: ContainerRef) => boolean
  /** Addresses of names will come through `name` and `namesSettled`. */
  readonly names: boolean
}

/** The parts of a pipeline that follow from the rules. */
export type Judging = Pick<PipelineOptions, 'engine' | 'ask' | 'enrichment'>

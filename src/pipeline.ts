/**
 * The life of one event after the ring, on one page: apply to state, judge, tell. All state hangs on one pipeline object;
 * nothing here reads a clock, /proc or the network, so a replay through the same page gives the same alerts.
 *
 *     source -> decode (EventView) -> state (process table) -> detect (engine) -> telemetry, alerts -> outputs
 */
import type { EventView } from './decode/event-view.ts'
import type { Interner } from './decode/str.ts'
import type { Alert } from './detect/alert.ts'
import { type AlertIdentity, createAlert, gapAlert } from './detect/alert.ts'
import type { Engine } from './detect/engine.ts'
import { containerIdOf } from './enrich/container.ts'
import type { Lookup, ProcessInfo, SyscallContext } from './fields/context.ts'
import { THRESHOLD_COUNT } from './fields/threshold/threshold.ts'
import type { StageTimer } from './health/stage-timer.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { LossCause, SourceSink } from './sources/kernel/source.ts'
import { type Clock, createClock } from './state/clock.ts'
import { createLookup } from './state/lookup.ts'
import { createProcessTable, type ProcessTable } from './state/process-table.ts'
import { createUserDatabase, type UserDatabase } from './state/users.ts'
import type { Finding } from './telemetry/columns.ts'
import { isDetection } from './telemetry/rule-facts.ts'
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
  /** Times some events on their way through the stages. */
  readonly timer?: StageTimer
  /** Sees every event that rules could see, before they are judged. The context is valid until it returns. */
  readonly observe?: (ctx: SyscallContext) => void
  /** Trouble inside a stage: reported, counted, survived. */
  readonly error: (error: unknown) => void
  /** Most processes in the table. */
  readonly maxProcesses?: number
}

/** What came through since the start. */
export interface PipelineCounts {
  /** Events that rules could see, by name. */
  readonly events: ReadonlyMap<string, number>
  /** Alerts by rule. */
  readonly alerts: ReadonlyMap<string, number>
  /** Events the kernel side had numbered and that never came. */
  readonly lost: number
  readonly errors: number
}

/** The context is one object, refilled for each event: fields see it as readonly. */
type Refilled = { -readonly [K in keyof SyscallContext]: SyscallContext[K] }

export class Pipeline implements SourceSink {
  readonly table: ProcessTable
  readonly #options: PipelineOptions
  readonly #users: UserDatabase = createUserDatabase()
  readonly #clock: Clock = createClock({ wall: 0n, boot: 0n })
  readonly #lookup: Lookup
  readonly #memo = new Map<string, unknown>()
  readonly #events = new Map<string, number>()
  readonly #alerts = new Map<string, number>()
  readonly #found: (rule: Rule, count: number) => void
  readonly #findings: Finding[] = []
  /** Undefined when nobody wants records. */
  readonly telemetry: Telemetry | undefined
  #context: Refilled | undefined
  #num = 0
  #lost = 0
  #errors = 0

  constructor(options: PipelineOptions) {
    this.#options = options
    const { interner, identity } = options
    this.table = createProcessTable({
      interner,
      containerIdOf,
      ...(options.maxProcesses === undefined ? {} : { max: options.maxProcesses }),
    })
    this.#lookup = createLookup({
      users: this.#users,
      clock: this.#clock,
      interner,
      hostname: identity.hostname,
    })
    // Bound once: the engine calls it from the hot path.
    this.#found = (rule, count) => this.#fire(rule, count)
    this.telemetry = options.telemetry?.(this.#lookup)
  }

  /** One record, in order. */
  event(view: EventView): void {
    const { timer, observe, engine } = this.#options
    try {
      timer?.start(view.time)
      const process = this.table.apply(view)
      if (view.type.internal) return
      this.#count(view.name)
      const context = this.#fill(view, process)
      timer?.mark('state')
      try {
        observe?.(context)
        engine.run(view.name, context, this.#found)
        timer?.mark('detect')
      } finally {
        this.#tell(context)
        timer?.mark('output')
      }
    } catch (error) {
      this.error(error)
    }
  }

  /** The event's record first, then the alerts about it. A detection marks the record, and is an alert where there is none. */
  #tell(context: SyscallContext): void {
    const findings = this.#findings
    const reported = this.#report(context)
    for (const { rule, alert } of findings)
      if (!(reported && isDetection(rule))) this.#options.alert(alert, { rule, ctx: context })
    findings.length = 0
  }

  /** A record that cannot be made must not cost an alert. */
  #report(context: SyscallContext): boolean {
    try {
      return this.telemetry?.event(context, this.#findings) ?? false
    } catch (error) {
      this.error(error)
      return false
    }
  }

  gap(gap: Gap, causes: readonly LossCause[]): void {
    this.#lost += gap.lost
    const { identity, alert } = this.#options
    if (this.#options.gap !== undefined) {
      this.#options.gap(gap, causes, this.#lookup)
      return
    }
    alert(gapAlert(identity, gap, causes, (ns) => this.#clock.wallClock(ns)))
  }

  clock(offsets: { readonly wall: bigint; readonly boot: bigint }): void {
    this.#clock.set(offsets)
  }

  users(passwd: string, group: string): void {
    this.#users.setPasswd(passwd)
    this.#users.setGroup(group)
  }

  error(error: unknown): void {
    this.#errors++
    this.#options.error(error)
  }

  get counts(): PipelineCounts {
    return { events: this.#events, alerts: this.#alerts, lost: this.#lost, errors: this.#errors }
  }

  get lookup(): Lookup {
    return this.#lookup
  }

  #fill(event: EventView, process: ProcessInfo | undefined): SyscallContext {
    if (this.#memo.size > 0) this.#memo.clear()
    this.#num++
    if (this.#context === undefined)
      this.#context = { event, process, lookup: this.#lookup, num: this.#num, memo: this.#memo }
    else {
      this.#context.event = event
      this.#context.process = process
      this.#context.num = this.#num
    }
    return this.#context
  }

  #fire(rule: Rule, count: number): void {
    this.#alerts.set(rule.name, (this.#alerts.get(rule.name) ?? 0) + 1)
    if (rule.threshold !== undefined) this.#memo.set(THRESHOLD_COUNT, count)
    this.#findings.push({ rule, alert: createAlert(rule, this.#context!, this.#options.identity) })
  }

  #count(name: string): void {
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1)
  }
}

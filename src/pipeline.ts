/**
 * The life of one event after the ring, on one page: apply to state, judge, tell. All state hangs on one pipeline object;
 * nothing here reads a clock, /proc or the network, so a replay through the same page gives the same alerts.
 *
 *     source -> decode (EventView) -> state (process table) -> detect (engine) -> alert -> outputs
 */
import type { EventView } from './decode/event-view.ts'
import type { Interner } from './decode/str.ts'
import type { Alert } from './detect/alert.ts'
import { type AlertIdentity, createAlert, gapAlert } from './detect/alert.ts'
import type { Engine } from './detect/engine.ts'
import { containerIdOf } from './enrich/container.ts'
import type { Lookup, ProcessInfo, SyscallContext } from './fields/context.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { LossCause, SourceSink } from './sources/kernel/source.ts'
import { type Clock, createClock } from './state/clock.ts'
import { createLookup } from './state/lookup.ts'
import { createProcessTable, type ProcessTable } from './state/process-table.ts'
import { createUserDatabase, type UserDatabase } from './state/users.ts'

export interface PipelineOptions {
  readonly interner: Interner
  readonly engine: Engine<SyscallContext>
  /** Who we are in alerts: host name, host id, boot id. */
  readonly identity: AlertIdentity
  /** A finding that fired, ready to be delivered. Must not throw and not keep the caller waiting. */
  readonly alert: (alert: Alert) => void
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
  readonly #found: (rule: CompiledRule<SyscallContext>) => void
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
    this.#found = (rule) => this.#fire(rule)
  }

  /** One record, in order. */
  event(view: EventView): void {
    let process: ProcessInfo | undefined
    try {
      process = this.table.apply(view)
      if (view.type.internal) return
      this.#count(view.name)
      const context = this.#fill(view, process)
      this.#options.engine.run(view.name, context, this.#found)
    } catch (error) {
      this.error(error)
    }
  }

  gap(gap: Gap, causes: readonly LossCause[]): void {
    this.#lost += gap.lost
    const { identity, alert } = this.#options
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

  #fire(rule: CompiledRule<SyscallContext>): void {
    this.#alerts.set(rule.name, (this.#alerts.get(rule.name) ?? 0) + 1)
    this.#options.alert(createAlert(rule, this.#context!, this.#options.identity))
  }

  #count(name: string): void {
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1)
  }
}

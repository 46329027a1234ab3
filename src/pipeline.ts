/**
 * The life of one event after the ring, on one page: apply to state, judge, tell. All state hangs on one pipeline object;
 * nothing here reads a clock, /proc or the network, so a replay through the same page gives the same alerts.
 *
 *     source -> decode (EventView) -> state (process table) -> detect (engine) -> telemetry, alerts -> outputs
 */

import { cgroup } from '../schema/events/cgroup.ts'
import { RECORD_FLAGS } from '../schema/index.ts'
import type { CgroupAnswer, ContainerAnswer, ContainerRef, NameAnswer } from './decode/answers.ts'
import { EventView } from './decode/event-view.ts'
import type { Alert } from './detect/alert.ts'
import { CAPTURE_FILE, createAlert, gapAlert, guardAlert, throttleAlert } from './detect/alert.ts'
import type { Admits, Engine } from './detect/engine.ts'
import { Judge } from './detect/judge.ts'
import { MISSING } from './detect/undecided.ts'
import type { WaitingCounts } from './detect/waiting.ts'
import { containerOf } from './enrich/container.ts'
import { containerAsFalco } from './enrich/falco-container.ts'
import { firstStarted } from './fields/container/container.ts'
import type { Lookup, ProcessInfo, SyscallContext } from './fields/context.ts'
import { THRESHOLD_COUNT } from './fields/threshold/threshold.ts'
import type { EnrichmentOptions, Judging, PipelineOptions } from './pipeline-options.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { LossCause } from './sources/kernel/drops.ts'
import type { SourceSink } from './sources/kernel/options.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { ThrottleNotice } from './sources/kernel/throttle.ts'
import { type Clock, createClock } from './state/clock.ts'
import { ContainerLife } from './state/container-life.ts'
import { ContainerTable } from './state/containers.ts'
import { createLookup } from './state/lookup.ts'
import { NameTable } from './state/names.ts'
import { createProcessTable, type ProcessTable } from './state/process-table.ts'
import { createUserDatabase, type UserDatabase } from './state/users.ts'
import type { Finding } from './telemetry/column.ts'
import { isDetection } from './telemetry/rule-facts.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

type Rule = CompiledRule<SyscallContext>

/** What came through since the start. */
export interface PipelineCounts {
  /** Events that rules could see, by name. */
  readonly events: ReadonlyMap<string, number>
  /** Alerts by rule. */
  readonly alerts: ReadonlyMap<string, number>
  /** Events the kernel side had numbered and that never came. */
  readonly lost: number
  readonly errors: number
  /** Events passed over in the kernel that were looked at all the same and wanted by nobody; and by somebody. */
  readonly audited: number
  readonly violations: number
}

/** Value of an alert whose rule read what no runtime had told yet. */
export const CONTAINER_PENDING = 'container_pending'

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
  readonly #containers = new ContainerTable()
  readonly #life: ContainerLife
  readonly #names: NameTable
  /** Undefined when nothing has to be asked for: then every event is judged at once. */
  #judge: Judge | undefined
  /** Judges of earlier rules, for the events that still wait for answers. */
  #retired: readonly Judge[] = []
  #judging: Judging
  #namesOpen: boolean
  #context: Refilled | undefined
  #num = 0
  /** CLOCK_MONOTONIC ns of the first event, 0 while that is to come. */
  #firstTime = 0
  /** CLOCK_MONOTONIC ns of the event before. */
  #lastTime = 0
  #lost = 0
  #errors = 0

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#judging = options
    const { interner, identity } = options
    // A container that begins or ends is told by a name that is one: Falco has no such events.
    this.#life = new ContainerLife({ containerOf })
    this.table = createProcessTable({
      interner,
      containerOf: options.asFalco ? containerAsFalco : containerOf,
      ...(options.askCgroup === undefined ? {} : { askCgroup: options.askCgroup }),
      ...(options.learned === undefined ? {} : { learned: options.learned }),
      ...(options.maxProcesses === undefined ? {} : { max: options.maxProcesses }),
    })
    this.#names = new NameTable(interner)
    this.#lookup = createLookup({
      users: this.#users,
      clock: this.#clock,
      interner,
      hostname: identity.hostname,
      asFalco: options.asFalco ?? false,
      containers: this.#containers,
      names: this.#names,
    })
    // Bound once: the engine calls it from the hot path.
    this.#found = (rule, count) => this.#fire(rule, count)
    this.telemetry = options.telemetry?.(this.#lookup)
    this.#namesOpen = options.enrichment?.names === true
    this.#judge = options.enrichment && this.#createJudge(options.engine, options.enrichment)
  }

  /** One record, in order. */
  event(view: EventView): void {
    const { timer } = this.#options
    try {
      timer?.start(view.time)
      const process = this.table.apply(view)
      if (process?.container !== undefined) this.#meet(process.container)
      if (view.type.internal !== true) this.#consider(view, process)
      if (this.#options.derived !== true && (view.type.internal === true || view.type.family === cgroup))
        this.#derive(view, process)
    } catch (error) {
      this.error(error)
    }
  }

  /** The same for the state alone: nobody judges it, nobody hears of it. */
  skip(view: EventView): void {
    this.#silent = true
    this.event(view)
    this.#silent = false
  }
  #silent = false

  /** What was so far, of events that rules can see. */
  get before(): { readonly events: number; readonly first: number; readonly last: number } {
    return { events: this.#num, first: this.#context?.firstTime ?? this.#firstTime, last: this.#lastTime }
  }

  /** So many events were before the next one, the first and the last at these times (CLOCK_MONOTONIC ns). */
  resume({
    events,
    first,
    last,
  }: {
    readonly events: number
    readonly first: number
    readonly last: number
  }): void {
    this.#num = events
    this.#firstTime = first
    this.#lastTime = last
  }

  /** Events that rules could see and none wants: so many, the last at this time (CLOCK_MONOTONIC ns). */
  pass(events: number, last: number): void {
    this.#num += events
    this.#lastTime = last
    if (this.#firstTime === 0 && this.#context === undefined) this.#firstTime = last
  }

  /** So many events of this name came through without being looked at. */
  count(name: string, events: number): void {
    this.#events.set(name, (this.#events.get(name) ?? 0) + events)
  }

  /** What the guard passed over is judged by all rules, should it come to that. */
  #admits(view: EventView): Admits<SyscallContext> | undefined {
    return (view.flags & RECORD_FLAGS.AUDIT) === 0 ? this.#options.admits?.(view) : undefined
  }

  /** An event that rules can see. */
  #consider(view: EventView, process: ProcessInfo | undefined): void {
    const { timer, observe } = this.#options
    const context = this.#fill(view, process)
    if (this.#silent) return
    this.#options.advance?.(view.time)
    const isAudit = (view.flags & RECORD_FLAGS.AUDIT) !== 0
    // An exec that nobody wants has come for the process table, and counts like the others.
    if (isAudit && !this.#isWanted(context) && view.type.family.state !== true) return
    this.count(view.name, 1)
    timer?.mark('state')
    try {
      observe?.(context)
      if (this.#judge === undefined)
        this.#judging.engine.run(view.name, context, this.#found, this.#admits(view))
      else this.#judge.judge(context)
      timer?.mark('detect')
    } finally {
      this.#tell(context)
      timer?.mark('output')
    }
  }

  /** What the event means for a container is an event of its own, right behind it. */
  #derive(view: EventView, process: ProcessInfo | undefined): void {
    const record = this.#life.derive(view, {
      container: process?.container,
      now: () => this.#clock.wallClock(view.timeNs),
      firstStart: () =>
        firstStarted({
          event: view,
          process,
          lookup: this.#lookup,
          num: 0,
          firstTime: view.time,
          previousTime: view.time,
          memo: new Map(),
        }),
    })
    if (record === undefined) return
    const derived = new EventView(this.#options.interner)
    derived.map(record.buffer as ArrayBuffer)
    derived.seek(0, record.length)
    derived.ring = view.ring
    this.#consider(derived, process)
  }

  /**
   * An event that the guard passed over, sent to see that nobody wants it. Should somebody want it, that is told, and the
   * event goes its way.
   */
  #isWanted(context: SyscallContext): boolean {
    const { event, process } = context
    const by: string[] = []
    // Of a process that was lost sight of the kernel knew more than rules do here: theirs is no match.
    if (process !== undefined) this.#judging.ask?.(context, (rule) => void by.push(`rule '${rule.name}'`))
    if (this.telemetry?.wants(context) === true) by.push('telemetry')
    if (by.length === 0) {
      this.#audited++
      return false
    }
    this.#violations++
    const { identity, alert } = this.#options
    const { name, ring, cpu, seq } = event
    alert(guardAlert(identity, { name, ring, cpu, seq }, by, this.#clock.wallClock(event.timeNs)))
    return true
  }
  #audited = 0
  #violations = 0

  /** The event's record first, then the alerts about it. A detection marks the record, and is an alert where there is none. */
  #tell(context: SyscallContext): void {
    const findings = this.#findings
    const reported = this.#report(context)
    for (const { rule, alert } of findings)
      if (!(reported && isDetection(rule))) this.#options.alert(alert, { rule, ctx: context })
    // To set the length of a list is dear, even when it stays the same.
    if (findings.length > 0) findings.length = 0
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

  throttle(notice: ThrottleNotice): void {
    const { identity, alert, throttle } = this.#options
    if (throttle !== undefined) throttle(notice, this.#lookup)
    else alert(throttleAlert(identity, notice, (ns) => this.#clock.wallClock(ns)))
  }

  clock(offsets: { readonly wall: bigint; readonly boot: bigint }): void {
    this.#clock.set(offsets)
  }

  users(passwd: string, group: string): void {
    this.#users.setPasswd(passwd)
    this.#users.setGroup(group)
  }

  /** Where a process that was moved is now. */
  cgroup(answer: CgroupAnswer): void {
    this.table.moved(answer)
  }

  /** What became of the question about a container. */
  container(answer: ContainerAnswer): void {
    this.#containers.answer(answer)
    this.#settle()
  }

  /** Addresses of a name. */
  name(answer: NameAnswer): void {
    this.#names.answer(answer)
  }

  /** Every name has been answered for once, or nobody waits for it any more. */
  namesSettled(): void {
    this.#namesOpen = false
    this.#settle()
  }

  /**
   * Judge by other rules from the next event on. Processes, containers, names and counts stay; events that wait for answers
   * are judged by the rules they came under, and what rules with a threshold have counted is forgotten.
   */
  judgeBy(judging: Judging): void {
    this.#judging = judging
    if (this.#judge !== undefined && this.#judge.counts.waiting > 0)
      this.#retired = [...this.#retired, this.#judge]
    this.#namesOpen = judging.enrichment?.names === true
    this.#judge = judging.enrichment && this.#createJudge(judging.engine, judging.enrichment)
  }

  /** The end: what waits for an answer is judged without it. */
  finish(): void {
    this.#eachJudge((judge) => judge.flush())
  }

  /** Events that wait or waited for answers; undefined when nothing has to be asked for. */
  get waiting(): WaitingCounts | undefined {
    return this.#judge?.counts
  }

  #settle(): void {
    this.#eachJudge((judge) => judge.settle())
    if (this.#retired.length > 0) this.#retired = this.#retired.filter(({ counts }) => counts.waiting > 0)
  }

  #eachJudge(what: (judge: Judge) => void): void {
    for (const judge of [...this.#retired, this.#judge])
      try {
        if (judge !== undefined) what(judge)
      } catch (error) {
        this.error(error)
      }
  }

  /** A container we hear of for the first time is asked about, whatever the event. */
  #meet(container: ContainerRef): void {
    const ask = this.#judging.enrichment?.askContainer
    const { fullId } = container
    if (ask === undefined || this.#containers.status(fullId) !== undefined) return
    if (ask(container)) this.#containers.asked(fullId)
    else this.#containers.answer({ status: 'unknown', fullId })
  }

  #createJudge(engine: Engine<SyscallContext>, { rules, matching }: EnrichmentOptions): Judge {
    const status = ({ process }: SyscallContext): string | undefined =>
      process?.container && this.#containers.status(process.container.fullId)
    return new Judge({
      engine,
      rules,
      matching,
      missing: (ctx) =>
        (this.#namesOpen ? MISSING.names : 0) | (status(ctx) === 'asked' ? MISSING.containers : 0),
      isLate: (ctx) => status(ctx) === 'late',
      admits: ({ event }) => this.#admits(event),
      freeze: (process) => this.table.freeze(process),
      found: (rule, count, ctx, unanswered) => {
        this.#findings.push({ rule, alert: this.#alertOf(rule, count, ctx, unanswered) })
      },
      foundLater: (rule, count, ctx, unanswered) => {
        this.#options.alert(this.#alertOf(rule, count, ctx, unanswered), { rule, ctx })
      },
    })
  }

  error(error: unknown): void {
    this.#errors++
    this.#options.error(error)
  }

  get counts(): PipelineCounts {
    return {
      events: this.#events,
      alerts: this.#alerts,
      lost: this.#lost,
      errors: this.#errors,
      audited: this.#audited,
      violations: this.#violations,
    }
  }

  get lookup(): Lookup {
    return this.#lookup
  }

  #fill(event: EventView, process: ProcessInfo | undefined): SyscallContext {
    if (this.#memo.size > 0) this.#memo.clear()
    this.#num++
    if (this.#context === undefined)
      this.#context = {
        event,
        process,
        lookup: this.#lookup,
        num: this.#num,
        firstTime: this.#firstTime || event.time,
        previousTime: this.#lastTime || event.time,
        memo: this.#memo,
      }
    else {
      this.#context.event = event
      this.#context.process = process
      this.#context.num = this.#num
      this.#context.previousTime = this.#lastTime
    }
    this.#lastTime = event.time
    return this.#context
  }

  #fire(rule: Rule, count: number): void {
    this.#findings.push({ rule, alert: this.#alertOf(rule, count, this.#context!, false) })
  }

  /** `unanswered`: the rule read what no runtime has told yet, and the alert says so. */
  #alertOf(rule: Rule, count: number, ctx: SyscallContext, unanswered: boolean): Alert {
    this.#alerts.set(rule.name, (this.#alerts.get(rule.name) ?? 0) + 1)
    if (rule.threshold !== undefined) ctx.memo.set(THRESHOLD_COUNT, count)
    const alert = createAlert(rule, ctx, this.#options.identity, this.#options.printing)
    const capture = this.#options.capture?.(rule, ctx)
    if (!unanswered && capture === undefined) return alert
    const fields = new Map(alert.fields)
    if (unanswered) fields.set(CONTAINER_PENDING, true)
    if (capture !== undefined) fields.set(CAPTURE_FILE, capture)
    return { ...alert, fields }
  }
}

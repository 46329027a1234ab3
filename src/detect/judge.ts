/**
 * Judges events by the engine, and lets those wait whose judgement hangs on an answer that is on its way. An event that
 * waits holds up no other: a copy of its record and its process as it was are kept, and its rules are judged when the
 * answer is there, or when it is late.
 */
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import type { CompiledRule } from '../rules/ir.ts'
import type { Admits, Engine, Found } from './engine.ts'
import { MISSING, Undecided } from './undecided.ts'
import {
  keptContext,
  type WaitingCounts,
  type WaitingEvent,
  type WaitingLimits,
  WaitingRoom,
} from './waiting.ts'

type Rule = CompiledRule<SyscallContext>

export interface JudgeOptions {
  readonly engine: Engine<SyscallContext>
  readonly rules: readonly Rule[]
  readonly matching: 'all' | 'first'
  /** Bits of MISSING: whose answers about this event are on their way. */
  readonly missing: (ctx: SyscallContext) => number
  /** The runtime of the process's container did not answer in time. */
  readonly isLate: (ctx: SyscallContext) => boolean
  /** A process as it is now. */
  readonly freeze: (process: ProcessInfo) => ProcessInfo
  /** A rule matched. `unanswered`: it read what no runtime has told yet. */
  readonly found: (rule: Rule, count: number, ctx: SyscallContext, unanswered: boolean) => void
  /** The same for an event that waited, whose turn is over. */
  readonly foundLater: JudgeOptions['found']
  /** Rules that may match an event at all, as far as that is known. */
  readonly admits?: (ctx: SyscallContext) => Admits<SyscallContext> | undefined
  readonly limits?: WaitingLimits
}

export class Judge {
  readonly #options: JudgeOptions
  readonly #undecided: Undecided<SyscallContext>
  readonly #waiting: WaitingRoom

  /** Bound once: the engine calls it from the hot path, about the event that is judged now. */
  readonly #found: Found<SyscallContext>
  #current: SyscallContext | undefined

  constructor(options: JudgeOptions) {
    this.#options = options
    this.#found = (rule, count) => options.found(rule, count, this.#current!, false)
    this.#undecided = new Undecided(options.rules, options.matching)
    this.#waiting = new WaitingRoom(options.limits)
  }

  get counts(): WaitingCounts {
    return this.#waiting.counts
  }

  judge(ctx: SyscallContext): void {
    const { engine, missing, isLate } = this.#options
    const bits = missing(ctx)
    if (bits === 0 && !isLate(ctx)) {
      this.#current = ctx
      engine.run(ctx.event.name, ctx, this.#found, this.#options.admits?.(ctx))
    } else this.#judgePartly(ctx, bits)
  }

  #judgePartly(ctx: SyscallContext, bits: number): void {
    const { engine, isLate, found } = this.#options
    const split = bits === 0 ? undefined : this.#undecided.split(ctx.event.name, ctx, bits)
    const late = split === undefined && isLate(ctx)
    let decided = false
    const see = (rule: Rule, count: number): void => {
      if (rule.threshold === undefined) decided = true
      found(rule, count, ctx, late && this.#undecided.reads(rule, MISSING.containers))
    }
    engine.run(ctx.event.name, ctx, see, split?.now)
    if (split === undefined) return
    const { process } = ctx
    const kept = keptContext(ctx, process && this.#options.freeze(process))
    this.#resume(
      this.#waiting.add({ ctx: kept, admits: split.later(decided), bytes: ctx.event.recordSize }),
      true,
    )
  }

  /** Some answer came, or is late: judge what need not wait any more. */
  settle(): void {
    const { missing, isLate } = this.#options
    if (this.#waiting.counts.waiting > 0)
      this.#resume(
        this.#waiting.take((ctx) => missing(ctx) !== 0, isLate),
        false,
      )
  }

  /** The end: nothing more will come. */
  flush(): void {
    this.#resume(
      this.#waiting.take(
        () => false,
        () => true,
      ),
      true,
    )
  }

  #resume(events: readonly WaitingEvent[], unanswered: boolean): void {
    const { engine, isLate, foundLater } = this.#options
    for (const { ctx, admits } of events) {
      const late = unanswered || isLate(ctx)
      const see = (rule: Rule, count: number): void =>
        foundLater(rule, count, ctx, late && this.#undecided.reads(rule, MISSING.containers))
      engine.run(ctx.event.name, ctx, see, admits)
    }
  }
}

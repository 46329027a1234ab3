/** What follows from a set of rules: how events are judged, what the kernel is asked for, what it may pass over. */
import type { Observer } from './agent-options.ts'
import type { Config } from './config/keys.ts'
import { createEngine, type Engine } from './detect/engine.ts'
import type { Enrichers } from './enrichment.ts'
import type { SyscallContext } from './fields/context.ts'
import type { Guarding } from './guarding.ts'
import type { GuardSet } from './kernel/guard-maps.ts'
import { SystemError } from './kernel/libc.ts'
import type { Pipeline } from './pipeline.ts'
import type { EnrichmentOptions, Judging } from './pipeline-options.ts'
import { type Recorders, recorded } from './recording.ts'
import { readsEnvironment, readsStreams } from './rules/fields-used.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { Wanted } from './sources/kernel/options.ts'
import type { KernelSource } from './sources/kernel/source.ts'
import { askedSyscalls, namedAmong } from './sources/kernel/syscall-plan.ts'
import type { TelemetryPlan } from './telemetry/open.ts'
import { UserError } from './user-error.ts'

export type Rule = CompiledRule<SyscallContext>

/** Whom the kernel's events are for beside the rules. */
export interface Consumers {
  readonly config: Config
  readonly telemetry: TelemetryPlan
  readonly observer: Observer | undefined
  readonly guarding: Guarding
  /** Events are recorded, with all they have. */
  readonly recording: boolean
}

export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly engine: Engine<SyscallContext>
  readonly wanted: Wanted
  /** Undefined when the configuration wants none. */
  readonly guards: GuardSet | undefined
  judging(enrichment: EnrichmentOptions | undefined): Judging
}

export function ruleSet(
  rules: readonly Rule[],
  { config, telemetry, observer, guarding, recording }: Consumers,
): RuleSet {
  const engine = createEngine(rules, {
    matching: config.rule_matching === 'all' ? 'all' : 'first',
    timeOf,
  })
  const prebuffer = prebufferOf(config)
  const observed = observer?.rules ?? []
  const all = [...rules, ...observed]
  const asked = askedSyscalls([...rules.map(({ events }) => events), telemetry.events])
  /** Made when it is first asked: most observers have no rules. */
  let observers: Engine<SyscallContext> | undefined
  return {
    rules,
    engine,
    wanted: {
      events: union(
        engine.events,
        new Set([...telemetry.events.difference(telemetry.done), ...(observer?.events ?? []), ...prebuffer]),
      ),
      done: new Set([...telemetry.done, ...(observer?.done ?? [])]),
      syscalls: new Set([...asked, ...namedAmong(new Set([...(observer?.events ?? []), ...prebuffer]))]),
      compatOnly: (observer?.compatOnly ?? new Set<string>()).difference(new Set([...asked, ...prebuffer])),
      env:
        config['kernel.env'] === 'on' ||
        (config['kernel.env'] === 'auto' &&
          (telemetry.env || observer?.env === true || rules.some(readsEnvironment))),
      streams: recording || all.some(readsStreams),
    },
    guards: guarding.guardsOf(all),
    judging: (enrichment) => ({
      engine,
      ask(ctx, found) {
        const { name } = ctx.event
        engine.ask(name, ctx, found)
        if (observed.length === 0) return
        observers ??= createEngine(observed, { matching: 'all', timeOf })
        observers.ask(name, ctx, found)
      },
      ...(enrichment && { enrichment }),
    }),
  }
}

/** The rules in force. */
export interface InForce {
  readonly current: RuleSet
  /**
   * Judge by other rules from the next event on. Throws UserError when that takes a new start, or the kernel does not take
   * their guards; everything is as before then.
   */
  exchange(rules: readonly Rule[]): void
}

/** What other rules are told to. */
export interface Judges {
  readonly consumers: Consumers
  readonly source: KernelSource
  readonly pipeline: Pipeline
  readonly enrichers: Enrichers
  readonly recorders: Recorders
}

export function inForce(
  first: RuleSet,
  { consumers, source, pipeline, enrichers, recorders }: Judges,
): InForce {
  let current = first
  return {
    get current() {
      return current
    },
    exchange(rules) {
      const next = ruleSet(rules, consumers)
      const refused = source.want(next.wanted)
      if (refused.length > 0)
        throw new UserError(
          `rules about ${refused.join(', ')} take a new start: the agent sees only those that are aimed at itself`,
          'restart the agent',
        )
      const asked = enrichers.reopen(rules)
      pipeline.judgeBy(next.judging(recorded(asked.options, recorders)))
      asked.begin()
      try {
        // Last, so that no event is passed over that the new rules want.
        if (next.guards) source.setGuards(next.guards)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        pipeline.judgeBy(current.judging(recorded(enrichers.reopen(current.rules).options, recorders)))
        throw new UserError(`the kernel does not take the guards of these rules: ${error.message}`)
      }
      current = next
    },
  }
}

/** What windows of thresholds are counted in. */
const timeOf = ({ event }: SyscallContext): number => event.time

/** Events that captures want from before a match. */
export const prebufferOf = (config: Config): readonly string[] =>
  config['capture.enabled'] ? config['capture.prebuffer'] : []

const union = (events: ReadonlySet<string> | '*', more: ReadonlySet<string>): ReadonlySet<string> | '*' =>
  events === '*' ? events : new Set([...events, ...more])

/** What follows from a set of rules: how events are judged, what the kernel is asked for, what it may pass over. */
import type { Observer } from './agent.ts'
import type { Config } from './config/keys.ts'
import { createEngine, type Engine } from './detect/engine.ts'
import type { SyscallContext } from './fields/context.ts'
import type { Guarding } from './guarding.ts'
import type { GuardSet } from './kernel/guard-maps.ts'
import type { EnrichmentOptions, Judging } from './pipeline.ts'
import { readsEnvironment } from './rules/fields-used.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { Wanted } from './sources/kernel/options.ts'
import { askedSyscalls, namedAmong } from './sources/kernel/syscall-plan.ts'
import type { TelemetryPlan } from './telemetry/open.ts'

export type Rule = CompiledRule<SyscallContext>

/** Whom the kernel's events are for beside the rules. */
export interface Consumers {
  readonly config: Config
  readonly telemetry: TelemetryPlan
  readonly observer: Observer | undefined
  readonly guarding: Guarding
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
  { config, telemetry, observer, guarding }: Consumers,
): RuleSet {
  const engine = createEngine(rules, {
    matching: config.rule_matching === 'all' ? 'all' : 'first',
    timeOf: ({ event }) => event.time,
  })
  const prebuffer = prebufferOf(config)
  const all = [...rules, ...(observer?.rules ?? [])]
  return {
    rules,
    engine,
    wanted: {
      events: union(engine.events, new Set([...telemetry.events, ...(observer?.events ?? []), ...prebuffer])),
      syscalls: new Set([
        ...askedSyscalls([...rules.map(({ events }) => events), telemetry.events]),
        ...namedAmong(new Set([...(observer?.events ?? []), ...prebuffer])),
      ]),
      env:
        config['kernel.env'] === 'on' ||
        (config['kernel.env'] === 'auto' &&
          (telemetry.env || observer?.env === true || rules.some(readsEnvironment))),
    },
    guards: guarding.guardsOf(all),
    judging: (enrichment) => ({
      engine,
      auditor: () => createEngine(all.map(withoutThreshold), { matching: 'all' }),
      ...(enrichment && { enrichment }),
    }),
  }
}

/** Events that captures want from before a match. */
export const prebufferOf = (config: Config): readonly string[] =>
  config['capture.enabled'] ? config['capture.prebuffer'] : []

const union = (events: ReadonlySet<string> | '*', more: ReadonlySet<string>): ReadonlySet<string> | '*' =>
  events === '*' ? events : new Set([...events, ...more])

/** A rule that says of each event whether it matches. */
function withoutThreshold(rule: Rule): Rule {
  const { threshold: _, ...rest } = rule
  return rest
}

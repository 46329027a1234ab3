/** The guards of an agent: who wants events, the tables for the kernel, and what its bits say of rules. */
import { existsSync, realpathSync } from 'node:fs'
import type { Observer } from './agent-options.ts'
import type { Config } from './config/keys.ts'
import type { EventView } from './decode/event-view.ts'
import type { Admits } from './detect/engine.ts'
import type { ProcessInfo, SyscallContext } from './fields/context.ts'
import type { StreamInterest } from './guards/consumers.ts'
import { guardSet } from './guards/install.ts'
import { createLiveness } from './guards/live.ts'
import { type GuardPlan, planGuards } from './guards/plan.ts'
import type { UserNames } from './guards/process.ts'
import { FILE_EVENTS } from './integrity/observer.ts'
import type { GuardSet } from './kernel/guard-maps.ts'
import { readsUserNames } from './rules/fields-used.ts'
import type { CompiledRule } from './rules/ir.ts'
import { namesIn } from './state/users.ts'
import type { TelemetryPlan } from './telemetry/open.ts'

type Rule = CompiledRule<SyscallContext>

export interface GuardingOptions {
  readonly config: Config
  /** Asked for each set of rules. */
  readonly streams: () => readonly StreamInterest[]
  /** Processes that live, as events told. */
  readonly processes: () => Iterable<ProcessInfo>
  /** Text of the passwd file. */
  readonly passwd: string
}

export interface Guarding {
  /** Tables for these rules, those of an observer among them; undefined when the configuration wants none. */
  guardsOf(rules: readonly Rule[]): GuardSet | undefined
  /** What tables for these rules would say; undefined when the configuration wants none. */
  planOf(rules: readonly Rule[]): GuardPlan | undefined
  /**
   * Users have other names from now on: tables for the rules in use that hold for the names before and now, undefined when those
   * in use do.
   */
  meetUsers(passwd: string): GuardSet | undefined
  /** Rules that may match an event, by what the guard found. */
  admits(event: EventView): Admits<SyscallContext> | undefined
}

export function createGuarding({ config, streams, processes, passwd }: GuardingOptions): Guarding {
  const liveness = createLiveness()
  let users: UserNames = [namesIn(passwd)]
  let inUse: readonly Rule[] = []
  const planOf = (rules: readonly Rule[]): GuardPlan | undefined =>
    config['kernel.guards'] ? planGuards({ rules, streams: streams(), users }) : undefined
  const guardsOf = (rules: readonly Rule[]): GuardSet | undefined => {
    const plan = planOf(rules)
    if (plan === undefined) return undefined
    return guardSet({
      tables: plan.tables,
      auditEvery: config['kernel.guard_audit'],
      begins(generation) {
        inUse = rules
        liveness.add(generation, plan)
      },
      processes,
    })
  }
  return {
    planOf,
    guardsOf,
    meetUsers(passwd) {
      const names = namesIn(passwd)
      if (isSame(names, users[0]!)) return undefined
      // Guards that the kernel did not take leave names as they were: so those before are kept.
      users = [names, ...users].slice(0, MOST_NAMES)
      return inUse.some(readsUserNames) ? guardsOf(inUse) : undefined
    },
    admits: (event) => liveness.of(event),
  }
}

/** Passwd files whose names are kept in mind. */
const MOST_NAMES = 8

const isSame = (a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): boolean =>
  a.size === b.size && [...a].every(([uid, name]) => b.get(uid) === name)

export interface Streams {
  readonly telemetry: Pick<TelemetryPlan, 'events' | 'watched'>
  readonly observer: Observer | undefined
  /** Process id of the agent. */
  readonly self: number
  /** Events to have from before a match. */
  readonly prebuffer?: readonly string[]
  /** What the agent is made of on disk, where it watches over that. */
  readonly roots?: readonly { readonly path: string }[]
}

/** Streams of events beside the alerts: the kernel must not pass over what they report. */
export function streamsOf({
  telemetry,
  observer,
  self,
  prebuffer = [],
  roots,
}: Streams): readonly StreamInterest[] {
  const { events, watched } = telemetry
  return [
    { name: 'telemetry', events, ...watched },
    // What an observer with rules of its own wants, these say.
    ...(observer !== undefined && observer.rules === undefined
      ? [{ name: 'observer', events: observer.events, paths: observer.paths, patterns: [] }]
      : []),
    ...(prebuffer.length === 0 ? [] : [prebufferStream(prebuffer)]),
    ...(roots === undefined
      ? []
      : [
          tampering(
            self,
            roots.map(({ path }) => path),
          ),
        ]),
  ]
}

/** Events that are wanted from before a match: every one of them, since nobody knows who will match. */
export const prebufferStream = (names: readonly string[]): StreamInterest => ({
  name: 'capture.prebuffer',
  events: new Set(names),
  paths: [],
  patterns: [],
})

/** What tells who changed the agent's files, and who writes to its memory. */
const tampering = (self: number, roots: readonly string[]): StreamInterest => ({
  name: 'integrity',
  events: new Set(FILE_EVENTS),
  paths: [
    ...new Set([`/proc/${self}`, ...roots, ...roots.filter(existsSync).map((path) => realpathSync(path))]),
  ],
  patterns: [],
  changes: true,
})

/** The guard of a set of consumers: tables for the kernel, and what they amount to. */
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { isAlways } from './branches.ts'
import type { Consumer } from './classes.ts'
import { ruleConsumer, type StreamInterest, streamConsumer } from './consumers.ts'
import type { Mask } from './limits.ts'
import type { UserNames } from './process.ts'
import { GUARDED_EVENTS } from './shapes.ts'
import { type Tables, tablesOf } from './tables.ts'
import { type ByShape, createWeakener } from './weaken.ts'

/** Everybody who wants events. */
export interface GuardRequest {
  readonly rules: readonly CompiledRule<SyscallContext>[]
  readonly streams: readonly StreamInterest[]
  /** Without them names of users are not asked for. */
  readonly users?: UserNames
}

/** A consumer that takes an event type without asking for paths. */
export interface WideOpen {
  readonly event: string
  readonly consumer: Consumer
  /** Shapes it takes whole, of all there are. */
  readonly shapes: number
  readonly of: number
}

export interface GuardPlan {
  readonly rules: ReadonlyMap<CompiledRule<SyscallContext>, Consumer>
  readonly consumers: readonly Consumer[]
  readonly tables: Tables
  readonly wideOpen: readonly WideOpen[]
  readonly users: UserNames
}

/** Classes of which an event must have one to match a rule. */
export function classBits(
  { rules, tables }: GuardPlan,
  rule: CompiledRule<SyscallContext>,
  event: string,
): Mask {
  let mask = 0n
  for (const { branches } of rules.get(rule)?.needs.get(event) ?? [])
    for (const branch of branches) mask |= 1n << BigInt(tables.classes.classOf(branch))
  return mask
}

export function planGuards({ rules, streams, users = [] }: GuardRequest): GuardPlan {
  const weaken = createWeakener<SyscallContext>({ users })
  const ofRules = new Map(rules.map((rule) => [rule, ruleConsumer(rule, weaken)]))
  const consumers = [...ofRules.values(), ...streams.map(streamConsumer)]
  return {
    rules: ofRules,
    consumers,
    tables: tablesOf(consumers),
    wideOpen: consumers.flatMap(wideOpen),
    users,
  }
}

/** How many shapes groups have. */
export const countShapes = (groups: ByShape): number =>
  groups.reduce((sum, { shapes }) => sum + shapes.length, 0)

const wideOpen = (consumer: Consumer): readonly WideOpen[] =>
  [...consumer.needs].flatMap(([event, byShape]) => {
    const shapes = countShapes(byShape.filter(({ branches }) => isAlways(branches)))
    const of = GUARDED_EVENTS.get(event)!.shapes.length
    return shapes === 0 ? [] : [{ event, consumer, shapes, of }]
  })

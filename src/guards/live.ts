/** Rules that an event can still match, by the bits it came with: the others need not be tried. */
import { GUARD_WORDS } from '../../schema/guard.ts'
import type { EventView } from '../decode/event-view.ts'
import type { Admits } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { classBits, type GuardPlan } from './plan.ts'

type Rule = CompiledRule<SyscallContext>

const HALVES = 2 * GUARD_WORDS

/** Bits of each rule for one event type. */
type ByRule = ReadonlyMap<Rule, Uint32Array>

export interface Liveness {
  /** Events of this generation were judged by these guards. */
  add(generation: number, plan: GuardPlan): void
  /** Which rules the current event may match; undefined when it was not judged by guards that are known. */
  of(event: EventView): Admits<SyscallContext> | undefined
}

/** Generations kept: events of the one before are under way while a new one begins. */
const KEPT = 4

export function createLiveness(): Liveness {
  const generations = new Map<number, ReadonlyMap<string, ByRule>>()
  let current: EventView | undefined
  let rules: ByRule | undefined
  // One function for all events: nothing is made for each of them.
  const admits: Admits<SyscallContext> = (rule) => {
    const bits = rules!.get(rule)
    if (bits === undefined) return true
    for (let i = 0; i < HALVES; i++) if ((bits[i]! & current!.live(i)) !== 0) return true
    return false
  }
  return {
    add(generation, plan) {
      generations.set(generation, bitsOf(plan))
      for (const old of generations.keys()) if (generations.size > KEPT) generations.delete(old)
    },
    of(event) {
      rules = generations.get(event.generation)?.get(event.name)
      current = event
      return rules === undefined ? undefined : admits
    },
  }
}

function bitsOf(plan: GuardPlan): ReadonlyMap<string, ByRule> {
  const result = new Map<string, Map<Rule, Uint32Array>>()
  for (const [rule, { needs }] of plan.rules)
    for (const event of needs.keys()) {
      const mask = classBits(plan, rule, event)
      const bits = new Uint32Array(HALVES).map((_, i) => Number((mask >> BigInt(32 * i)) & 0xffff_ffffn))
      const byRule = result.get(event) ?? new Map<Rule, Uint32Array>()
      result.set(event, byRule.set(rule, bits))
    }
  return result
}

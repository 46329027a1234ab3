/** What an event of a capture means beyond the values that are copied. */
import type { Call } from './call.ts'
import type { Plan } from './plan.ts'
import type { Shape } from './record.ts'

export interface Handler {
  /** What it changes about processes and descriptors: done whether anybody wants the event or not, before it is told. */
  readonly state?: (call: Call) => void
  /** The same, done when it was told. */
  readonly after?: (call: Call) => void
  /** What more its record gets. */
  readonly fill?: (call: Call) => void
  /** Is there an event of ours in it? */
  readonly isTold?: (call: Call) => boolean
}

/** Made once for each number: places are looked up then. */
export type MakeHandler = (plan: Plan, shape: Shape) => Handler
export type MakeState = (plan: Plan) => Handler

/** Must the event be looked at even if nobody wants it? */
export const changesState = ({ state, after }: Handler): boolean => state !== undefined || after !== undefined

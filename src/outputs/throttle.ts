/**
 * Holds back alerts that repeat. Of a rule, and of each group within it by the values of some fields, so many alerts go out
 * in an interval; what follows is counted, and told by an alert of its own when the interval is over. Nothing that is
 * critical is held back. Intervals are of the time of events, so the same events are throttled the same in a replay.
 */
import { createHash } from 'node:crypto'
import type { Alert, AlertValue } from '../detect/alert.ts'
import { PRIORITIES } from '../rules/ir.ts'

export interface ThrottleOptions {
  /** Alerts of a group that go out in an interval. */
  readonly alerts: number
  readonly intervalMs: number
  /** Fields whose values make groups within a rule; what an alert does not have does not tell it from others. */
  readonly by: readonly string[]
  /** Tells of what was held back. */
  readonly announce: (alert: Alert) => void
}

interface Group {
  /** CLOCK_MONOTONIC ns. */
  readonly until: number
  readonly values: readonly (readonly [field: string, value: AlertValue])[]
  passed: number
  held: number
  /** The latest that was held back. */
  last: Alert
}

/** Groups remembered; beyond, the oldest is told of early. */
const GROUPS_MAX = 10_000
/** Up to this priority nothing is held back. */
const CRITICAL = PRIORITIES.indexOf('Critical')
/** Value of the announcement: how many alerts it stands for. */
export const SUPPRESSED = 'tarsier.suppressed'

export class Throttle {
  readonly #options: ThrottleOptions
  readonly #groups = new Map<string, Group>()
  #suppressed = 0
  /** Latest time of an event, and the end of the interval that ends first: CLOCK_MONOTONIC ns. */
  #now = 0
  #due = Number.POSITIVE_INFINITY

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /** Alerts held back so far. */
  get suppressed(): number {
    return this.#suppressed
  }

  /** May it go out? */
  admits(alert: Alert): boolean {
    if (PRIORITIES.indexOf(alert.priority) <= CRITICAL) return true
    const values = this.#valuesOf(alert)
    const key = keyOf(alert.rule, values)
    const group = this.#groups.get(key)
    if (group === undefined) {
      this.#begin(key, alert, values)
      return true
    }
    if (group.passed < this.#options.alerts) {
      group.passed++
      return true
    }
    group.held++
    group.last = alert
    this.#suppressed++
    return false
  }

  /** An event of this time comes, CLOCK_MONOTONIC ns: intervals that are over by then end before it. */
  advance(time: number): void {
    if (time <= this.#now) return
    this.#now = time
    if (time >= this.#due) this.expire(time)
  }

  /** Tell of the groups whose interval was over at this time, CLOCK_MONOTONIC ns. */
  expire(time: number): void {
    // Groups began in the order they stand in, and last equally long.
    for (const [key, group] of this.#groups) {
      if (group.until > time) {
        this.#due = group.until
        return
      }
      this.#end(key, group)
    }
    this.#due = Number.POSITIVE_INFINITY
  }

  /** Tell of all. */
  flush(): void {
    for (const [key, group] of this.#groups) this.#end(key, group)
  }

  #valuesOf({ fields }: Alert): Group['values'] {
    return this.#options.by.flatMap((field) => {
      const value = fields.get(field)
      return value === undefined ? [] : [[field, value] as const]
    })
  }

  #begin(key: string, alert: Alert, values: Group['values']): void {
    if (this.#groups.size >= GROUPS_MAX) {
      const [oldest] = this.#groups
      if (oldest !== undefined) this.#end(...oldest)
    }
    const until = this.#now + this.#options.intervalMs * 1e6
    this.#due = Math.min(this.#due, until)
    this.#groups.set(key, { until, values, passed: 1, held: 0, last: alert })
  }

  #end(key: string, group: Group): void {
    this.#groups.delete(key)
    if (group.held > 0) this.#options.announce(announcement(group, this.#options.intervalMs))
  }
}

const keyOf = (rule: string, values: Group['values']): string =>
  values.length === 0
    ? rule
    : JSON.stringify([rule, values], (_, value) => (typeof value === 'bigint' ? `${value}n` : value))

/** An alert of the same rule and priority, so that it reaches who would have had the others. */
function announcement({ held, values, last }: Group, intervalMs: number): Alert {
  const { time, hostname, rule, priority, source, tags } = last
  const of = values.map(([field, value]) => `${field}=${value === null ? '<NA>' : String(value)}`).join(' ')
  return {
    get id() {
      return createHash('sha256').update(`suppressed\0${held}\0${last.id}`).digest('hex').slice(0, 32)
    },
    time,
    hostname,
    rule,
    priority,
    source,
    tags,
    message: `suppressed ${held} like this within ${intervalMs / 1000} s${of === '' ? '' : ` (${of})`}: ${last.message}`,
    fields: new Map<string, AlertValue>([[SUPPRESSED, held], ...values]),
  }
}

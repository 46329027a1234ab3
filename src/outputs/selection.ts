/** Which records an output is given. */
import type { CommonSettings, RecordKind } from '../config/output-entries.ts'
import type { Alert } from '../detect/alert.ts'
import { PRIORITIES } from '../rules/ir.ts'
import { fitsWildcard } from '../rules/passes/wildcard.ts'

export interface Selection {
  readonly kinds: ReadonlySet<RecordKind>
  takes(alert: Alert): boolean
}

type Wanted = Pick<CommonSettings, 'kinds' | 'priority' | 'rules' | 'tags'>

/** Asked of each record: its kind, and of an alert priority, rule and tags. Names of rules may have wildcards. */
export function createSelection({ kinds, priority, rules, tags }: Wanted): Selection {
  const least = PRIORITIES.findIndex((one) => one.toLowerCase() === priority)
  const wantsAlerts = kinds.includes('alert')
  // Rules are few, and each is asked about over and over.
  const known = new Map<string, boolean>()
  const isNamed = (rule: string): boolean => {
    if (rules.length === 0) return true
    let named = known.get(rule)
    if (named === undefined) {
      named = rules.some((pattern) => fitsWildcard(rule, pattern))
      if (known.size < KNOWN_MAX) known.set(rule, named)
    }
    return named
  }
  return {
    kinds: new Set(kinds as readonly RecordKind[]),
    takes: (alert) =>
      wantsAlerts &&
      PRIORITIES.indexOf(alert.priority) <= least &&
      (tags.length === 0 || alert.tags.some((tag) => tags.includes(tag))) &&
      isNamed(alert.rule),
  }
}

const KNOWN_MAX = 65_536

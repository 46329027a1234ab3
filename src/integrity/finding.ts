/** What is found when somebody tampers with the agent, and how it becomes an alert. */
import { createHash } from 'node:crypto'
import type { EventView } from '../decode/event-view.ts'
import { type Alert, type AlertIdentity, type AlertValue, alertId } from '../detect/alert.ts'
import type { ProcessInfo } from '../fields/context.ts'

/** Rules of the findings. Each stands for one way to tamper. */
export const INTEGRITY_RULES = {
  traced: 'Tarsier integrity: agent traced',
  memory: 'Tarsier integrity: agent memory accessed',
  descriptor: 'Tarsier integrity: agent descriptor taken',
  signalled: 'Tarsier integrity: agent signalled',
  bpf: 'Tarsier integrity: BPF object tampered with',
  link: 'Tarsier integrity: BPF link gone',
  object: 'Tarsier integrity: BPF object changed',
  control: 'Tarsier integrity: control word changed',
  file: 'Tarsier integrity: file changed',
} as const
export type IntegrityRule = keyof typeof INTEGRITY_RULES

/** Who did it, copied: the process may be gone when the finding is told. */
export interface Culprit {
  readonly pid: number
  /** Start of the process, CLOCK_BOOTTIME ns. */
  readonly start: number
  readonly uid: number
  readonly name: string
  readonly exe: string
  readonly commandLine: string
  readonly parent: string
}

export interface Finding {
  readonly rule: IntegrityRule
  /** Alert: it has worked. Critical: it was tried, or it worked and was put right. */
  readonly priority: 'Alert' | 'Critical'
  /** What happened, in the order it is told. */
  readonly facts: readonly (readonly [name: string, value: AlertValue])[]
  readonly culprit: Culprit | undefined
  /** Ns since the epoch. */
  readonly time: bigint
  /** The event that showed it, undefined when it was found by looking. */
  readonly position?: { readonly ring: EventView['ring']; readonly cpu: number; readonly seq: number }
}

/** The process an event is of, as far as the process table knows it. */
export function culpritOf(event: EventView, process: ProcessInfo | undefined): Culprit {
  return {
    pid: event.pid,
    start: event.start,
    uid: event.uid,
    name: process?.comm.text ?? '',
    exe: process?.exePath.text ?? '',
    commandLine: process?.argv.join(' ') ?? '',
    parent: process?.parent?.comm.text ?? '',
  }
}

const who = (culprit: Culprit): (readonly [string, AlertValue])[] => [
  ['proc.name', culprit.name],
  ['proc.pid', culprit.pid],
  ['proc.exepath', culprit.exe],
  ['proc.cmdline', culprit.commandLine],
  ['proc.pname', culprit.parent],
  ['user.uid', culprit.uid],
]

/** The alert of a finding: source `internal`, so that every output and format carries it. */
export function integrityAlert(identity: AlertIdentity, finding: Finding, repeats: number): Alert {
  const rule = INTEGRITY_RULES[finding.rule]
  const facts = [
    ...finding.facts,
    ...(finding.culprit === undefined ? [['culprit', 'unknown'] as const] : who(finding.culprit)),
    ...(repeats > 0 ? [['repeats', repeats] as const] : []),
  ]
  const said = facts.map(([name, value]) => `${name}=${value}`).join(' ')
  return {
    id:
      finding.position === undefined
        ? foundId(identity, rule, finding.time, said)
        : alertId(identity, finding.position, rule),
    time: finding.time,
    hostname: identity.hostname,
    rule,
    priority: finding.priority,
    source: 'internal',
    tags: ['integrity'],
    message: rule,
    fields: new Map(facts),
  }
}

/** What was found by looking has no place in the stream of events: time and words make its id. */
function foundId(identity: AlertIdentity, rule: string, time: bigint, said: string): string {
  const text = [identity.hostId, identity.bootId, rule, time, said].join('\0')
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

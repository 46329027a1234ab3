/** What an agent says of itself, for people. */

import type { AgentStatus } from '../agent.ts'
import { counted, grouped } from '../health/words.ts'
import { droppedBy, type OutputStatus } from '../outputs/delivery/message.ts'
import { formatTable } from './table.ts'

/** How the rules were read again so far. */
export interface ReloadStatus {
  readonly done: number
  readonly failed: number
  /** The latest: when, as ISO 8601, what asked for it, and what is wrong where it changed nothing. */
  readonly last?: {
    readonly time: string
    readonly by: string
    readonly ok: boolean
    readonly error?: string
  }
}

/** Answer to `tarsier ctl status`. */
export interface ControlStatus extends AgentStatus {
  readonly log_level: string
  readonly reloads: ReloadStatus
}

const n = grouped

export function statusText(status: ControlStatus): string {
  const { guards, outputs, degraded } = status
  const rows: readonly (readonly string[])[] = [
    [
      'agent',
      `${status.version}, pid ${status.pid}, up ${durationText(status.uptime_s)}, log level ${status.log_level}`,
    ],
    ['rules', `${counted(status.rules, 'rule')}, ${counted(status.programs, 'program')} attached`],
    ...reloadRows(status.reloads),
    [
      'events',
      `${n(status.events)} of ${n(guards.seen)} seen in the kernel; ${n(guards.passed_over)} passed over there`,
    ],
    [
      'alerts',
      `${n(status.alerts)}${status.suppressed > 0 ? `, ${n(status.suppressed)} more held back` : ''}`,
    ],
    ...capturesRow(status.captures),
    ['lost', lossText(status)],
    ['guards', guardsText(guards)],
    ['processes', `${n(status.processes)} remembered`],
    ['cost', `${status.cpu_s.toFixed(1)} s of processor time${memoryText(status.resident_kb)}`],
    ...degraded.map((line) => ['degraded', line]),
  ]
  return [formatTable(['', ''], rows).replace(/^\s*\n/, ''), outputsText(outputs)].join('\n')
}

const memoryText = (kb: number | undefined): string =>
  kb === undefined ? '' : `, ${n(Math.round(kb / 1024))} MB resident`

const capturesRow = (captures: AgentStatus['captures']): readonly (readonly string[])[] => {
  const counts = Object.entries(captures).map(([what, count]) => `${n(count)} ${what}`)
  return counts.length === 0 ? [] : [['captures', counts.join(', ')]]
}

const reloadRows = ({ done, failed, last }: ReloadStatus): readonly (readonly string[])[] => {
  if (last === undefined) return []
  const outcome = last.ok ? 'taken over' : `refused: ${last.error}`
  return [
    ['reloads', `${n(done)} taken over, ${n(failed)} refused`],
    ['', `the latest, by ${last.by} at ${last.time}, was ${outcome}`],
  ]
}

const guardsText = ({ generation, audited, violations }: AgentStatus['guards']): string =>
  generation === 0
    ? 'none'
    : `generation ${n(generation)}, ${n(audited)} events judged all the same, ${n(violations)} of them wanted`

/** Each loss with its stage and reason; none is said in so many words. */
function lossText({ losses, guards }: AgentStatus): string {
  const { kernel, reader } = losses
  const found = [
    ...named('kernel', { missed: losses.missed, ...kernel, throttled: guards.throttled }),
    ...named('reader', reader),
    ...named('stream', { 'never came': losses.lost }),
    ...named('stages', { errors: losses.errors }),
    ...named('telemetry', { limited: losses.limited }),
    ...named('outputs', { lines: losses.outputs }),
  ]
  return found.length === 0 ? 'nothing' : found.join(', ')
}

const named = (stage: string, counts: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${n(count)} ${stage}: ${reason.replaceAll('_', ' ')}`)

const outputsText = (outputs: readonly OutputStatus[]): string =>
  formatTable(
    ['output', 'type', 'sent', 'waiting', 'on disk', 'bytes', 'failed', 'lost'],
    outputs.map((one) => [
      one.name,
      one.type,
      n(one.sent),
      n(one.waiting),
      n(one.spooled),
      n(one.bytes),
      n(one.failed),
      lostText(one),
    ]),
  )

const lostText = (status: OutputStatus): string => {
  if (droppedBy(status) === 0) return '0'
  const reasons = Object.entries(status.dropped).filter(([, count]) => count > 0)
  return reasons.map(([reason, count]) => `${n(count)} ${reason.replaceAll('_', ' ')}`).join(', ')
}

/** `1 d 2 h 3 min 4 s`, without what is 0 in front. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds)
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first < 0 ? 3 : first)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

/** The health record from what the stages count. */
import { byProgram, type ProgramCounts } from './ledger.ts'
import type { OwnUsage } from './measure.ts'
import type { Health } from './record.ts'
import type { Stage, StageTimes } from './stage-timer.ts'

/** What the stages say, at one moment. */
export interface HealthParts {
  readonly ledger: readonly ProgramCounts[]
  /** Records the reader could not use, by reason; `late` beside them. */
  readonly readerLosses: Readonly<Record<string, number>>
  readonly missed: number
  readonly ringFill: number
  readonly lost: number
  /** Events passed over in the kernel and judged all the same: wanted by nobody; by somebody. */
  readonly audited: number
  readonly violations: number
  readonly errors: number
  readonly alerts: number
  readonly suppressed?: number
  readonly outputFailures: number
  readonly telemetry:
    | { readonly written: number; readonly filtered: number; readonly limited: number }
    | undefined
  readonly processes: number
  readonly evicted: number
  readonly unknownProcess: number
  /** Counts of what was asked of others; absent where nothing is. */
  readonly enrichment?: Readonly<Record<string, number>>
  readonly captures?: Readonly<Record<string, number>>
  readonly outputs?: readonly OutputCounts[]
  readonly usage: OwnUsage
  readonly times: Readonly<Record<Stage, StageTimes>>
  /** s since the start, and since the record before. */
  readonly uptime: number
  readonly elapsed: number
  /** Processor time of the agent at the record before, s. */
  readonly cpuBefore: number
}

/** What one output says. */
export interface OutputCounts {
  readonly name: string
  readonly sent: number
  readonly waiting: number
  readonly dropped: Readonly<Record<string, number>>
}

export function collectHealth(parts: HealthParts): Health {
  const { ledger, readerLosses, telemetry, usage, elapsed } = parts
  const sum = (of: (row: ProgramCounts) => number): number => ledger.reduce((n, row) => n + of(row), 0)
  const { late = 0, unknown_event: unknownKind = 0, ...unreadable } = readerLosses
  const invalid = Object.values(unreadable).reduce((n, m) => n + m, 0)
  return {
    raw_events_read: sum(({ delivered }) => delivered) + unknownKind + invalid,
    normalized_events_output: telemetry?.written ?? 0,
    alerts_output: parts.alerts,
    alerts_suppressed: parts.suppressed ?? 0,
    userspace_filtered: telemetry?.filtered ?? 0,
    userspace_rate_limited: telemetry?.limited ?? 0,
    userspace_invalid_schema: invalid,
    userspace_unsupported_kind: unknownKind,
    userspace_output_failures: parts.outputFailures,
    ...outputCounts(parts.outputs ?? []),
    process_table_size: parts.processes,
    pending_exec_source_size: 0,
    process_records_evicted: parts.evicted,
    pending_sources_evicted: 0,
    uptime_secs: Math.floor(parts.uptime),
    rss_kb: usage.rss,
    pss_kb: usage.pss,
    cpu_percent: elapsed > 0 ? rounded(((usage.cpu - parts.cpuBefore) / elapsed) * 100) : 0,
    cpu_seconds: rounded(usage.cpu),
    kernel_seen: sum(({ seen }) => seen),
    kernel_guarded: sum(({ guarded }) => guarded),
    kernel_guarded_by_program: guardedByProgram(ledger),
    kernel_throttled: sum(({ throttled }) => throttled),
    guard_audited: parts.audited,
    guard_violations: parts.violations,
    kernel_submitted: sum(({ submitted }) => submitted),
    kernel_drops: dropsByReason(ledger),
    kernel_missed: parts.missed,
    kernel_helper_errors: sum(({ helperErrors }) => helperErrors),
    events_lost: parts.lost,
    late_events: late,
    enrichment: parts.enrichment ?? {},
    captures: parts.captures ?? {},
    unknown_process: parts.unknownProcess,
    ring_fill_percent: rounded(parts.ringFill * 100),
    latency_us: parts.times,
    errors: parts.errors,
  }
}

const outputCounts = (
  outputs: readonly OutputCounts[],
): Pick<Health, 'output_sent' | 'output_waiting' | 'output_drops'> => ({
  output_sent: Object.fromEntries(outputs.map(({ name, sent }) => [name, sent])),
  output_waiting: Object.fromEntries(outputs.map(({ name, waiting }) => [name, waiting])),
  output_drops: Object.fromEntries(
    outputs.flatMap(({ name, dropped }) =>
      Object.entries(dropped)
        .filter(([, n]) => n > 0)
        .map(([reason, n]) => [`${name}/${reason}`, n]),
    ),
  ),
})

const rounded = (value: number): number => Math.round(value * 100) / 100

function guardedByProgram(ledger: readonly ProgramCounts[]): Record<string, number> {
  const programs = [...byProgram(ledger)].filter(([, { guarded }]) => guarded > 0)
  return Object.fromEntries(programs.map(([name, { guarded }]) => [name, guarded]))
}

function dropsByReason(ledger: readonly ProgramCounts[]): Record<string, number> {
  const drops: Record<string, number> = {}
  for (const counts of byProgram(ledger).values())
    for (const [reason, n] of Object.entries(counts.dropped)) drops[reason] = (drops[reason] ?? 0) + n
  return drops
}

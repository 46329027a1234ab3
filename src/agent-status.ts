/** What an agent did so far, in figures: for `tarsier ctl status`, and at the end. */
import { captureCounts, type Reported } from './agent-reports.ts'
import type { Engine } from './detect/engine.ts'
import type { SyscallContext } from './fields/context.ts'
import { byProgram, droppedTotal } from './health/ledger.ts'
import { CLOCK, clock } from './kernel/libc.ts'
import { readUsage } from './notices/usage.ts'
import type { OutputStatus } from './outputs/delivery/message.ts'
import type { Pipeline, PipelineCounts } from './pipeline.ts'
import type { KernelSource } from './sources/kernel/source.ts'

/** What a run amounted to. */
export interface Summary extends PipelineCounts {
  readonly programs: ReadonlyMap<
    string,
    {
      readonly seen: number
      readonly dropped: number
      readonly guarded: number
      readonly throttled: number
    }
  >
  /** Losses by reason, the kernel side's and the reader's. */
  readonly drops: ReadonlyMap<string, number>
  /** Events that came out of order, judged all the same. */
  readonly late: number
  readonly processes: number
  /** Matches that no alert stands for, because the one of their key was too recent; by rule with a threshold. */
  readonly withheld: ReadonlyMap<string, number>
  /** What was asked of container runtimes and resolvers, and what became of it. */
  readonly asked: Readonly<Record<string, number>>
  readonly outputs: readonly OutputStatus[]
  /** Alerts held back by throttling. */
  readonly suppressed: number
  /** Of captures that rules began; nothing where there is nothing to tell. */
  readonly captures: Readonly<Record<string, number>>
}

export function summarise(
  pipeline: Pipeline,
  source: KernelSource,
  engine: Engine<SyscallContext>,
): Omit<Summary, 'asked' | 'outputs' | 'suppressed' | 'captures'> {
  const drops = new Map<string, number>()
  const count = (reason: string, n: number): void => {
    if (n > 0) drops.set(reason, (drops.get(reason) ?? 0) + n)
  }
  const rows = source.ledger()
  for (const row of rows) for (const [reason, n] of Object.entries(row.dropped)) count(`kernel: ${reason}`, n)
  const { late = 0, ...unread } = source.readerLosses
  for (const [reason, n] of Object.entries(unread)) count(`reader: ${reason}`, n)
  const withheld = new Map<string, number>()
  for (const [rule, { evicted, withheld: n }] of engine.statistics.thresholds) {
    count(`threshold of '${rule}': key given up`, evicted)
    if (n > 0) withheld.set(rule, n)
  }
  const programs = new Map(
    [...byProgram(rows)].map(([name, counts]) => [
      name,
      {
        seen: counts.seen,
        dropped: droppedTotal(counts),
        guarded: counts.guarded,
        throttled: counts.throttled,
      },
    ]),
  )
  return { ...pipeline.counts, programs, drops, late, processes: pipeline.table.size, withheld }
}

/** The agent at this moment. Counts are since its start. */
export interface AgentStatus {
  readonly pid: number
  readonly version: string
  readonly uptime_s: number
  readonly rules: number
  readonly programs: number
  /** What did not work, each with its consequence in words. */
  readonly degraded: readonly string[]
  /** Delivered to the rules. */
  readonly events: number
  readonly alerts: number
  /** Alerts held back by throttling. */
  readonly suppressed: number
  /** Of captures that rules began; nothing where there is nothing to tell. */
  readonly captures: Readonly<Record<string, number>>
  readonly processes: number
  /** What was lost, by stage; all 0 is as it should be. */
  readonly losses: {
    /** Calls that programs never saw. */
    readonly missed: number
    /** In the kernel, by reason. */
    readonly kernel: Readonly<Record<string, number>>
    /** Records that could not be read, by reason. */
    readonly reader: Readonly<Record<string, number>>
    /** Numbers that never came. */
    readonly lost: number
    /** Events that a stage could not handle. */
    readonly errors: number
    /** Telemetry kept back by its limit. */
    readonly limited: number
    readonly outputs: number
  }
  readonly guards: {
    /** Set of tables in use; 0 for none. */
    readonly generation: number
    readonly seen: number
    readonly passed_over: number
    readonly throttled: number
    readonly audited: number
    readonly violations: number
  }
  readonly outputs: readonly OutputStatus[]
  readonly cpu_s: number
  readonly resident_kb: number | undefined
}

/** `from`: CLOCK_MONOTONIC of the start, ns. */
export function statusOf(
  { pipeline, source, outputs, captures }: Reported,
  facts: Pick<AgentStatus, 'version' | 'rules' | 'degraded'> & { readonly from: bigint },
): AgentStatus {
  const { counts, table, telemetry } = pipeline
  const ledger = source.ledger()
  const kernel: Record<string, number> = {}
  for (const { dropped } of ledger)
    for (const [reason, n] of Object.entries(dropped)) kernel[reason] = (kernel[reason] ?? 0) + n
  const { late: _, ...reader } = source.readerLosses
  const sum = (of: (row: (typeof ledger)[number]) => number): number =>
    ledger.reduce((total, row) => total + of(row), 0)
  const { cpu, rss } = readUsage()
  return {
    pid: process.pid,
    version: facts.version,
    uptime_s: Number((clock(CLOCK.monotonic) - facts.from) / 1_000_000n) / 1000,
    rules: facts.rules,
    programs: source.programs.length,
    degraded: facts.degraded,
    events: total(counts.events),
    alerts: outputs.alerts,
    suppressed: outputs.suppressed,
    captures: captureCounts(captures),
    processes: table.size,
    losses: {
      missed: total(source.recursionMisses()),
      kernel,
      reader,
      lost: counts.lost,
      errors: counts.errors,
      limited: telemetry?.counts.limited ?? 0,
      outputs: outputs.failures,
    },
    guards: {
      generation: source.guardGeneration,
      seen: sum(({ seen }) => seen),
      passed_over: sum(({ guarded }) => guarded),
      throttled: sum(({ throttled }) => throttled),
      audited: counts.audited,
      violations: counts.violations,
    },
    outputs: outputs.status(),
    cpu_s: cpu,
    resident_kb: rss,
  }
}

const total = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, n) => sum + n, 0)

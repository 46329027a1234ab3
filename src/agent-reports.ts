/** What a running agent tells about itself: health records, the sample that metrics are made of, losses as records. */
import { availableParallelism, release } from 'node:os'
import type { TriggeredCapture } from './capture/native/triggered.ts'
import type { Config } from './config/keys.ts'
import { type Alert, type AlertIdentity, absenceAlert, absenceText } from './detect/alert.ts'
import type { Enrichers } from './enrichment.ts'
import { type Reporter, startReporter } from './health/reporter.ts'
import type { StageTimer } from './health/stage-timer.ts'
import type { LastSign } from './kernel/host-lock.ts'
import { CLOCK, clock } from './kernel/libc.ts'
import { byCpu, dropCounters } from './notices/counters.ts'
import type { Sample } from './notices/metrics.ts'
import { readUsage } from './notices/usage.ts'
import { hasRecords, type Outputs as OutputsOf } from './outputs/open.ts'
import type { Pipeline } from './pipeline.ts'
import type { PipelineOptions } from './pipeline-options.ts'
import type { KernelSource } from './sources/kernel/source.ts'
import type { Subject } from './telemetry/alert-record.ts'
import { absenceLine, gapLine, throttleLine } from './telemetry/gap.ts'
import { healthLine } from './telemetry/health-line.ts'

type Outputs = OutputsOf<Subject>

/** What is reported on, and where to. */
export interface Reported {
  readonly config: Config
  readonly identity: AlertIdentity
  readonly pipeline: Pipeline
  readonly source: KernelSource
  readonly enrichers: Enrichers
  readonly outputs: Outputs
  readonly timer: StageTimer
  readonly captures: TriggeredCapture | undefined
  /** When rules were read again, CLOCK_MONOTONIC ns; 0 for never. */
  readonly loaded: () => bigint
  /** How often rules were read again, and refused. */
  readonly reloads: { readonly done: number; readonly refused: number; readonly lastOk: boolean }
  /** Alerts by what the agent says itself, which no rule counts. */
  readonly own: ReadonlyMap<string, number>
}

/** What came of captures that rules begin, as far as there is anything. */
export const captureCounts = (captures: TriggeredCapture | undefined): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries({ ...captures?.counts }).filter(([, count]) => count > 0))

/** Health records, to the same outputs as everything else. */
export function reportHealth({
  config,
  identity,
  pipeline,
  source,
  enrichers,
  outputs,
  timer,
  captures,
}: Reported): Reporter {
  return startReporter({
    intervalMs: config['health.interval'] * 1000,
    timer,
    now: () => Number(clock(CLOCK.monotonic)) / 1e9,
    parts() {
      const { counters, size } = pipeline.table
      const { lost, errors, audited, violations } = pipeline.counts
      // A quiet system has to be told when a second is over, too.
      pipeline.telemetry?.advance(Number(clock(CLOCK.monotonic)))
      return {
        ledger: source.ledger(),
        readerLosses: source.readerLosses,
        missed: [...source.recursionMisses().values()].reduce((sum, n) => sum + n, 0),
        ringFill: source.takeFullest(),
        lost,
        audited,
        violations,
        errors,
        alerts: outputs.alerts,
        suppressed: outputs.suppressed,
        outputFailures: outputs.failures,
        telemetry: pipeline.telemetry?.counts,
        processes: size,
        evicted: counters.evicted + counters.evictedExited,
        unknownProcess: counters.unknownProcess,
        enrichment: enrichers.counts,
        captures: captureCounts(captures),
        outputs: outputs.status(),
      }
    },
    write(health) {
      const mono = clock(CLOCK.monotonic)
      const place = { mono, wall: pipeline.lookup.wallClock(mono), host: identity.hostname }
      outputs.writeLine(healthLine(health, place), 'health')
    },
  })
}

/** Everything that is counted, for Falco's metrics. */
export function sampler(
  { pipeline, source, outputs, identity, loaded, own }: Reported,
  version: string,
): () => Sample {
  const wallClock = (): bigint => pipeline.lookup.wallClock(clock(CLOCK.monotonic))
  const startTime = wallClock()
  const bootTime = startTime - clock(CLOCK.boottime)
  return () => {
    const { events, alerts } = pipeline.counts
    const ledger = source.ledger()
    return {
      time: wallClock(),
      clock: Number(clock(CLOCK.monotonic)) / 1e9,
      startTime,
      reloadTime: loaded() === 0n ? startTime : pipeline.lookup.wallClock(loaded()),
      bootTime,
      version,
      hostname: identity.hostname,
      kernelRelease: release(),
      cpus: availableParallelism(),
      events: [...events.values()].reduce((sum, n) => sum + n, 0),
      outputDrops: outputs.failures,
      rules: new Map([...alerts, ...own]),
      usage: readUsage(),
      processes: pipeline.table.size,
      unknownProcesses: pipeline.table.counters.unknownProcess,
      kernel: dropCounters(ledger),
      perCpu: byCpu(ledger),
    }
  }
}

/** Beginnings and ends of what is held back, as gaps with a reason of their own. */
export const throttleWriter =
  (outputs: Outputs, host: string): NonNullable<PipelineOptions['throttle']> =>
  (notice, lookup) =>
    outputs.writeLine(throttleLine(notice, host, lookup), 'gap')

/** The time without an agent that ends now: a record to those who ask for gaps, an alert where alerts go alone. Returns words. */
export function reportAbsence(
  { config, identity, pipeline, outputs }: Reported,
  { pid, at }: LastSign,
  alert: (alert: Alert) => void,
): string {
  const absence = { from: at, to: Number(clock(CLOCK.monotonic)), pid }
  const { lookup } = pipeline
  outputs.writeLine(absenceLine(absence, identity.hostname, lookup), 'gap')
  if (!hasRecords(config)) alert(absenceAlert(identity, absence, (ns) => lookup.wallClock(ns)))
  return absenceText(absence)
}

/** Losses as records of their own kind. */
export const gapWriter =
  (outputs: Outputs, host: string): NonNullable<PipelineOptions['gap']> =>
  ({ ring, cpu, lost, from, to }, causes, lookup) => {
    const by = new Map(causes.map(({ program, reason, count }) => [`${program}/${reason}`, count]))
    outputs.writeLine(gapLine({ reason: 'lost', count: lost, from, to, ring, cpu, by }, host, lookup), 'gap')
  }

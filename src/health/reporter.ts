/** Makes a health record now and then, and one at the end. */
import { collectHealth, type HealthParts } from './collect.ts'
import { ownUsage } from './measure.ts'
import type { Health } from './record.ts'
import type { StageTimer } from './stage-timer.ts'

export interface ReporterOptions {
  readonly intervalMs: number
  readonly timer: StageTimer
  /** What the stages say now. */
  readonly parts: () => Omit<HealthParts, 'usage' | 'times' | 'uptime' | 'elapsed' | 'cpuBefore'>
  readonly write: (health: Health) => void
  /** CLOCK_MONOTONIC in s. */
  readonly now: () => number
}

export interface Reporter {
  /** A record now. */
  report(): void
  stop(): void
}

export function startReporter({ intervalMs, timer, parts, write, now }: ReporterOptions): Reporter {
  const start = now()
  let last = start
  let cpuBefore = ownUsage().cpu
  const report = (): void => {
    const usage = ownUsage()
    const time = now()
    write(
      collectHealth({
        ...parts(),
        usage,
        times: timer.take(),
        uptime: time - start,
        elapsed: time - last,
        cpuBefore,
      }),
    )
    last = time
    cpuBefore = usage.cpu
  }
  const interval = setInterval(report, intervalMs)
  return { report, stop: () => clearInterval(interval) }
}

/** `metrics`: a snapshot of the counters under Falco's names. What Tarsier has no counter for is left out. */
import type { AlertValue } from '../detect/alert.ts'
import type { DropCounters } from './counters.ts'
import { dropNames } from './counters.ts'

export const METRICS_RULE = 'Falco internal: metrics snapshot'
export const METRICS_MESSAGE = 'Falco metrics snapshot'

/** What the host and the agent use; undefined where it cannot be read. Memory in KB of 1,024 bytes. */
export interface Usage {
  /** Processor time of the agent, s. */
  readonly cpu: number
  readonly rss: number | undefined
  readonly pss: number | undefined
  readonly vsz: number | undefined
  /** Of the container that the agent runs in. */
  readonly containerMemory: number | undefined
  /** Processor time of the host in ticks: busy, and all. */
  readonly hostBusy: number | undefined
  readonly hostTotal: number | undefined
  readonly hostMemory: number | undefined
  readonly hostRunning: number | undefined
  readonly hostFiles: number | undefined
}

/** Everything that is counted, at one moment. */
export interface Sample {
  /** Ns since the epoch, and s of a clock that nobody sets. */
  readonly time: bigint
  readonly clock: number
  /** Ns since the epoch. */
  readonly startTime: bigint
  /** When the rules in force were loaded. */
  readonly reloadTime: bigint
  readonly bootTime: bigint
  readonly version: string
  readonly hostname: string
  readonly kernelRelease: string
  readonly cpus: number
  /** Events that rules could see, and lines that outputs lost. */
  readonly events: number
  readonly outputDrops: number
  /** Alerts by rule. */
  readonly rules: ReadonlyMap<string, number>
  readonly usage: Usage
  readonly processes: number
  readonly unknownProcesses: number
  readonly kernel: DropCounters
  /** Events sent and lost by CPU. */
  readonly perCpu: readonly { readonly cpu: number; readonly events: number; readonly drops: number }[]
}

export interface MetricsOptions {
  readonly rules: boolean
  readonly resources: boolean
  readonly state: boolean
  readonly kernel: boolean
  readonly perCpu: boolean
  readonly megabytes: boolean
  readonly empty: boolean
}

type Value = AlertValue | undefined
type Entries = readonly (readonly [key: string, value: Value])[]

/** Values of a snapshot. Rates and shares are those since the snapshot before. */
export function metricFields(
  now: Sample,
  before: Sample | undefined,
  options: MetricsOptions,
): ReadonlyMap<string, AlertValue> {
  const counters: Entries = [
    ...(options.rules ? ruleEntries(now) : []),
    ...(options.resources ? usageEntries(now, before, options.megabytes) : []),
    ...(options.state ? stateEntries(now) : []),
    ...(options.kernel || options.perCpu ? kernelEntries(now, before) : []),
    ...(options.perCpu ? cpuEntries(now) : []),
  ]
  const kept = counters.filter(([, value]) => options.empty || value !== 0)
  return new Map(
    [...baseEntries(now, before), ...kept].filter(
      (entry): entry is [string, AlertValue] => entry[1] !== undefined,
    ),
  )
}

const oneDecimal = (value: number): number => Math.round(value * 10) / 10

/** Per second since the sample before. */
function rate(now: Sample, before: Sample | undefined, of: (sample: Sample) => number): number {
  if (before === undefined || now.clock <= before.clock) return 0
  return oneDecimal((of(now) - of(before)) / (now.clock - before.clock))
}

const baseEntries = (now: Sample, before: Sample | undefined): Entries => [
  ['evt.hostname', now.hostname],
  ['evt.source', 'syscall'],
  ['evt.time', now.time],
  ['falco.duration_sec', Number((now.time - now.startTime) / 1_000_000_000n)],
  ['falco.evts_rate_sec', rate(now, before, ({ events }) => events)],
  ['falco.host_boot_ts', now.bootTime],
  ['falco.host_num_cpus', now.cpus],
  ['falco.kernel_release', now.kernelRelease],
  ['falco.num_evts', now.events],
  ['falco.num_evts_prev', before?.events ?? 0],
  ['falco.outputs_queue_num_drops', now.outputDrops],
  ['falco.reload_ts', now.reloadTime],
  ['falco.start_ts', now.startTime],
  ['falco.version', now.version],
  ['scap.engine_name', 'tarsier'],
]

/** A rule's name in a key: what is no letter or digit becomes an underscore, as in Falco. */
export const ruleKey = (name: string): string =>
  `falco.rules.${name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '')}`

const ruleEntries = ({ rules }: Sample): Entries => [
  ['falco.rules.matches_total', [...rules.values()].reduce((sum, n) => sum + n, 0)],
  ...[...rules].map(([name, count]) => [ruleKey(name), count] as const),
]

function usageEntries(now: Sample, before: Sample | undefined, megabytes: boolean): Entries {
  const { usage } = now
  const unit = megabytes ? 'mb' : 'kb'
  const memory = (kb: number | undefined): Value =>
    kb === undefined ? undefined : megabytes ? oneDecimal(kb / 1024) : kb
  return [
    ['falco.cpu_usage_perc', rate(now, before, (sample) => sample.usage.cpu * 100)],
    [`falco.memory_rss_${unit}`, memory(usage.rss)],
    [`falco.memory_pss_${unit}`, memory(usage.pss)],
    [`falco.memory_vsz_${unit}`, memory(usage.vsz)],
    [`falco.container_memory_used_${unit}`, memory(usage.containerMemory)],
    ['falco.host_cpu_usage_perc', hostCpu(usage, before?.usage)],
    [`falco.host_memory_used_${unit}`, memory(usage.hostMemory)],
    ['falco.host_procs_running', usage.hostRunning],
    ['falco.host_open_fds', usage.hostFiles],
  ]
}

function hostCpu(now: Usage, before: Usage | undefined): number | undefined {
  if (now.hostBusy === undefined || now.hostTotal === undefined) return undefined
  const total = now.hostTotal - (before?.hostTotal ?? 0)
  return total <= 0 ? 0 : oneDecimal(((now.hostBusy - (before?.hostBusy ?? 0)) / total) * 100)
}

const stateEntries = (now: Sample): Entries => [
  ['falco.n_threads', now.processes],
  ['falco.n_failed_thread_lookups', now.unknownProcesses],
]

function kernelEntries(now: Sample, before: Sample | undefined): Entries {
  const events = now.kernel.events - (before?.kernel.events ?? 0)
  const drops = now.kernel.drops - (before?.kernel.drops ?? 0)
  return [
    ['scap.n_evts', now.kernel.events],
    ['scap.n_evts_prev', before?.kernel.events ?? 0],
    ['scap.evts_rate_sec', rate(now, before, ({ kernel }) => kernel.events)],
    ['scap.evts_drop_rate_sec', rate(now, before, ({ kernel }) => kernel.drops)],
    ['scap.n_drops_perc', events <= 0 ? 0 : oneDecimal((drops / events) * 100)],
    ['scap.n_drops_prev', before?.kernel.drops ?? 0],
    ...Object.entries(dropNames(now.kernel)).map(([name, value]) => [`scap.${name}`, value] as const),
  ]
}

const cpuEntries = ({ perCpu }: Sample): Entries =>
  perCpu.flatMap(({ cpu, events, drops }) => [
    [`scap.n_evts_cpu_${cpu}`, events] as const,
    [`scap.n_drops_cpu_${cpu}`, drops] as const,
  ])

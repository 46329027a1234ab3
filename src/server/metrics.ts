/**
 * What `/metrics` shows: our own names (OpenTelemetry's conventions in Prometheus' spelling), and beside them those under
 * which Falco and Tracee publish the same, so that dashboards and alert rules for them go on working.
 */
import { basename } from 'node:path'
import { byProgram, type Counts, type ProgramCounts } from '../health/ledger.ts'
import type { Sample } from '../notices/metrics.ts'
import type { OutputStatus } from '../outputs/delivery/message.ts'
import { PRIORITIES, type Priority } from '../rules/ir.ts'
import { expose, type Labels, type Metric } from './exposition.ts'

/** A rule as far as metrics name it. */
export interface RuleFacts {
  readonly name: string
  readonly priority: Priority
  readonly source: string
  readonly tags: readonly string[]
}

/** A file that was loaded, with the SHA-256 of its content in hexadecimal. */
export interface FileDigest {
  readonly file: string
  readonly sha256: string
}

export interface Snapshot {
  readonly sample: Sample
  readonly ledger: readonly ProgramCounts[]
  /** Delivered events by type. */
  readonly events: ReadonlyMap<string, number>
  /** Records the kernel numbered that never came. */
  readonly lost: number
  /** Events a stage could not handle. */
  readonly errors: number
  readonly violations: number
  readonly outputs: readonly OutputStatus[]
  /** Alerts that throttling held back. */
  readonly suppressed: number
  /** What came of captures that rules began. */
  readonly captures: Readonly<Record<string, number>>
  /** Number of the guards in use; 0 for none. */
  readonly guardGeneration: number
  readonly reloads: { readonly done: number; readonly refused: number; readonly lastOk: boolean }
  readonly rules: readonly RuleFacts[]
  readonly ruleFiles: readonly FileDigest[]
  readonly configFiles: readonly FileDigest[]
}

const counter = (name: string, help: string, samples: Metric['samples']): Metric => ({
  name,
  help,
  type: 'counter',
  samples,
})
const gauge = (name: string, help: string, value: number | undefined, labels: Labels = {}): Metric => ({
  name,
  help,
  type: 'gauge',
  samples: value === undefined ? [] : [{ labels, value }],
})
const one = (value: number): Metric['samples'] => [{ value }]
const by = (label: string, counts: ReadonlyMap<string, number>): Metric['samples'] =>
  [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }))
const seconds = (ns: bigint): number => Number(ns / 1_000_000n) / 1000
const bytes = (kb: number | undefined): number | undefined => (kb === undefined ? undefined : kb * 1024)

/** The page. */
export const metricsPage = (snapshot: Snapshot): string =>
  expose([...ownMetrics(snapshot), ...falcoMetrics(snapshot), ...traceeMetrics(snapshot)])

function ownMetrics({
  sample,
  ledger,
  events,
  lost,
  errors,
  violations,
  outputs,
  suppressed,
  captures,
  guardGeneration,
  reloads,
  rules,
}: Snapshot): readonly Metric[] {
  const { usage } = sample
  const facts = new Map(rules.map((rule) => [rule.name, rule]))
  return [
    gauge('tarsier_build_info', 'Version of the agent; always 1.', 1, { version: sample.version }),
    counter('tarsier_events_total', 'Events delivered from the kernel, by type.', by('type', events)),
    ...kernelMetrics(ledger),
    counter('tarsier_events_lost_total', 'Records the kernel numbered that never came.', one(lost)),
    counter('tarsier_errors_total', 'Events that a stage could not handle.', one(errors)),
    counter(
      'tarsier_guard_violations_total',
      'Events that the kernel would have passed over although a rule wants them: an error in Tarsier.',
      one(violations),
    ),
    gauge('tarsier_guard_generation', 'Number of the guards in use; 0 for none.', guardGeneration),
    gauge('tarsier_rules', 'Rules that are loaded.', rules.length),
    gauge(
      'tarsier_reload_timestamp_seconds',
      'When the rules in force were loaded, seconds since the epoch.',
      seconds(sample.reloadTime),
    ),
    counter('tarsier_reloads_total', 'Reloads of rules and configuration, by outcome.', [
      { labels: { outcome: 'taken_over' }, value: reloads.done },
      { labels: { outcome: 'refused' }, value: reloads.refused },
    ]),
    gauge(
      'tarsier_last_reload_successful',
      'Whether the latest reload was taken over; 1 before the first.',
      reloads.lastOk ? 1 : 0,
    ),
    counter(
      'tarsier_alerts_total',
      'Alerts, by rule.',
      // From 0 on: of a series that begins with 1, Prometheus sees no increase.
      [...new Map([...rules.map(({ name }) => [name, 0] as const), ...sample.rules])].map(
        ([rule, value]) => ({
          labels: {
            rule,
            priority: facts.get(rule)?.priority ?? '',
            source: facts.get(rule)?.source ?? 'internal',
          },
          value,
        }),
      ),
    ),
    counter('tarsier_alerts_suppressed_total', 'Alerts held back by throttling.', one(suppressed)),
    counter(
      'tarsier_captures_total',
      'Captures that rules began: files, matches that prolonged one, files that got too large or failed, bytes, items lost.',
      by('what', new Map(Object.entries(captures))),
    ),
    counter(
      'tarsier_output_failures_total',
      'Lines lost to a full queue or a write error.',
      one(sample.outputDrops),
    ),
    ...outputMetrics(outputs),
    gauge('tarsier_processes', 'Processes remembered, ended ones included.', sample.processes),
    counter(
      'tarsier_unknown_processes_total',
      'Events of processes the table does not know.',
      one(sample.unknownProcesses),
    ),
    counter('process_cpu_seconds_total', 'Processor time of the agent.', one(usage.cpu)),
    gauge('process_resident_memory_bytes', 'Resident memory; the rings count twice in it.', bytes(usage.rss)),
    gauge('process_virtual_memory_bytes', 'Address space.', bytes(usage.vsz)),
    gauge(
      'process_start_time_seconds',
      'Start of the agent, seconds since the epoch.',
      seconds(sample.startTime),
    ),
  ]
}

function outputMetrics(outputs: readonly OutputStatus[]): readonly Metric[] {
  const of = (value: (status: OutputStatus) => number): Metric['samples'] =>
    outputs.map((status) => ({ labels: { output: status.name, type: status.type }, value: value(status) }))
  const waiting = (name: string, help: string, value: (status: OutputStatus) => number): Metric => ({
    ...{ name, help, type: 'gauge' as const },
    samples: of(value),
  })
  return [
    counter(
      'tarsier_output_sent_total',
      'Records delivered, by output.',
      of(({ sent }) => sent),
    ),
    counter(
      'tarsier_output_failed_deliveries_total',
      'Deliveries that failed.',
      of(({ failed }) => failed),
    ),
    counter(
      'tarsier_output_retried_total',
      'Records whose delivery was tried again.',
      of(({ retried }) => retried),
    ),
    counter(
      'tarsier_output_dropped_total',
      'Records lost, by output and reason.',
      outputs.flatMap(({ name, type, dropped }) =>
        Object.entries(dropped).map(([reason, value]) => ({ labels: { output: name, type, reason }, value })),
      ),
    ),
    waiting('tarsier_output_waiting', 'Records that wait to be delivered.', (status) => status.waiting),
    waiting('tarsier_output_spooled', 'How many of those are on disk.', ({ spooled }) => spooled),
    waiting('tarsier_output_waiting_bytes', 'What they take in memory and on disk.', ({ bytes: n }) => n),
  ]
}

/** The loss equation: seen = guarded + throttled + dropped + submitted. */
function kernelMetrics(ledger: readonly ProgramCounts[]): readonly Metric[] {
  const programs = [...byProgram(ledger)].filter(([, { seen }]) => seen > 0)
  const of = (name: string, help: string, value: (counts: Counts) => number): Metric =>
    counter(
      name,
      help,
      programs.map(([program, counts]) => ({ labels: { program }, value: value(counts) })),
    )
  return [
    of('tarsier_kernel_seen_total', 'Events a program saw in the kernel.', ({ seen }) => seen),
    of(
      'tarsier_kernel_guarded_total',
      'Events passed over in the kernel: nobody wants them.',
      ({ guarded }) => guarded,
    ),
    of('tarsier_kernel_throttled_total', 'Events held back by throttling.', ({ throttled }) => throttled),
    of('tarsier_kernel_submitted_total', 'Records put into the rings.', ({ submitted }) => submitted),
    counter(
      'tarsier_kernel_dropped_total',
      'Events lost in the kernel, by reason.',
      programs.flatMap(([program, { dropped }]) =>
        Object.entries(dropped).map(([reason, value]) => ({ labels: { program, reason }, value })),
      ),
    ),
  ]
}

const FALCO = 'falcosecurity_'

/** As Falco 0.44 names them. What Tarsier has no counter for is left out. */
function falcoMetrics({ sample, rules, ruleFiles, configFiles }: Snapshot): readonly Metric[] {
  const { kernel, usage } = sample
  const total = (name: string, help: string, value: number, labels: Labels = {}): Metric =>
    counter(`${FALCO}${name}_total`, help, [{ labels, value }])
  const set = (name: string, help: string, value: number | undefined, labels: Labels = {}): Metric =>
    gauge(`${FALCO}${name}`, help, value, labels)
  const digests = (name: string, help: string, files: readonly FileDigest[]): Metric => ({
    name: `${FALCO}${name}`,
    help,
    type: 'gauge',
    samples: files.map(({ file, sha256 }) => ({ labels: { file_name: basename(file), sha256 }, value: 1 })),
  })
  return [
    set('falco_version_info', 'Version of the agent.', 1, { version: sample.version }),
    set('falco_kernel_release_info', 'Release of the kernel.', 1, { kernel_release: sample.kernelRelease }),
    set('evt_hostname_info', 'Name of the host.', 1, { hostname: sample.hostname }),
    set('scap_engine_name_info', 'Where events come from.', 1, {
      engine_name: 'tarsier',
      evt_source: 'syscall',
    }),
    digests('falco_sha256_rules_files_info', 'Rule files that are loaded.', ruleFiles),
    digests('falco_sha256_config_files_info', 'Configuration files that are loaded.', configFiles),
    set('falco_start_timestamp_nanoseconds', 'Start of the agent.', Number(sample.startTime)),
    set('falco_reload_timestamp_nanoseconds', 'Last load of the rules.', Number(sample.reloadTime)),
    set('falco_host_boot_timestamp_nanoseconds', 'Start of the host.', Number(sample.bootTime)),
    total('falco_duration_seconds', 'Time since the start.', seconds(sample.time - sample.startTime)),
    total('falco_host_num_cpus', 'Processors of the host.', sample.cpus),
    total('falco_outputs_queue_num_drops', 'Lines that outputs lost.', sample.outputDrops),
    falcoRules(sample, rules),
    set(
      'falco_cpu_usage_ratio',
      'Processor time of the agent, of one processor since the start.',
      cpuShare(sample),
    ),
    set(
      'falco_host_cpu_usage_ratio',
      'Share of the time in which the host was busy since its start.',
      hostShare(sample),
    ),
    set('falco_memory_rss_bytes', 'Resident memory.', bytes(usage.rss)),
    set('falco_memory_vsz_bytes', 'Address space.', bytes(usage.vsz)),
    set(
      'falco_memory_pss_bytes',
      'Resident memory with shared pages divided among their users.',
      bytes(usage.pss),
    ),
    set(
      'falco_container_memory_used_bytes',
      'Memory in use by the container of the agent.',
      bytes(usage.containerMemory),
    ),
    set('falco_host_memory_used_bytes', 'Memory in use on the host.', bytes(usage.hostMemory)),
    total('falco_host_procs_running', 'Running processes of the host.', usage.hostRunning ?? 0),
    total('falco_host_open_fds', 'Open files of the host.', usage.hostFiles ?? 0),
    total('scap_n_evts', 'Events of the kernel side, lost ones included.', kernel.events),
    total('scap_n_drops', 'Events lost in the kernel.', kernel.drops),
    counter(
      `${FALCO}scap_n_drops_buffer_total`,
      'Events lost for lack of room in a ring.',
      Object.entries(kernel.buffer).map(([drop, value]) => ({ labels: { drop, dir: 'exit' }, value })),
    ),
    total(
      'scap_n_drops_scratch_map',
      'Events lost for lack of memory to build their record in.',
      kernel.scratch,
    ),
    counter(
      `${FALCO}scap_n_evts_cpu_total`,
      'Events by processor.',
      sample.perCpu.map(({ cpu, events: value }) => ({ labels: { cpu: String(cpu) }, value })),
    ),
    counter(
      `${FALCO}scap_n_drops_cpu_total`,
      'Losses by processor.',
      sample.perCpu.map(({ cpu, drops: value }) => ({ labels: { cpu: String(cpu) }, value })),
    ),
    set('scap_n_threads_total', 'Processes in the table.', sample.processes),
  ]
}

const cpuShare = ({ usage, time, startTime }: Sample): number | undefined =>
  time > startTime ? usage.cpu / seconds(time - startTime) : undefined
const hostShare = ({ usage: { hostBusy, hostTotal } }: Sample): number | undefined =>
  hostBusy === undefined || !hostTotal ? undefined : hostBusy / hostTotal

/** Label names take letters, digits and underscores. */
const tagLabel = (tag: string): string => `tag_${tag.replace(/[^A-Za-z0-9_]/g, '_')}`

const falcoRules = (sample: Sample, rules: readonly RuleFacts[]): Metric =>
  counter(
    `${FALCO}falco_rules_matches_total`,
    'Alerts by rule.',
    rules.map(({ name, priority, source, tags }) => ({
      labels: {
        rule_name: name,
        priority: String(PRIORITIES.indexOf(priority)),
        source,
        ...Object.fromEntries(tags.map((tag) => [tagLabel(tag), 'true'])),
      },
      value: sample.rules.get(name) ?? 0,
    })),
  )

/** As Tracee names them: until 0.7 with `ebpf` in front, later without. */
const traceeMetrics = ({ events, lost, errors, ledger, sample, rules }: Snapshot): readonly Metric[] => [
  ...['tracee_ebpf', 'tracee'].flatMap((prefix) => [
    counter(`${prefix}_events_total`, 'Events delivered from the kernel.', one(sum(events.values()))),
    counter(
      `${prefix}_events_filtered`,
      'Events passed over in the kernel.',
      one(sum(ledger.map(({ guarded }) => guarded))),
    ),
    counter(`${prefix}_lostevents_total`, 'Events that were lost.', one(lost)),
    counter(`${prefix}_errors_total`, 'Events that a stage could not handle.', one(errors)),
  ]),
  counter('tracee_rules_events_total', 'Events that rules could see.', one(sum(events.values()))),
  gauge('tracee_rules_signatures_total', 'Rules that are loaded.', rules.length),
  counter('tracee_rules_detections_total', 'Alerts.', one(sum(sample.rules.values()))),
]

const sum = (values: Iterable<number>): number => {
  let all = 0
  for (const value of values) all += value
  return all
}

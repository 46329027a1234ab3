/**
 * `tarsier throughput`: how much telemetry the agent takes in, puts out and loses while one program writes as fast as it
 * can. The agent's own health records are the witness.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Health } from '../health/record.ts'
import { UserError } from '../user-error.ts'
import { AgentProcess } from './agent-process.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Report } from './report.ts'

export interface ThroughputOptions {
  readonly root: string
  /** How long the agent runs, s. */
  readonly durationSecs: number
  /** How long the program writes, s; less than the agent runs. */
  readonly generatorSecs: number
  /** Version of the agent. */
  readonly build: string
  readonly progress: (text: string) => void
}

/** What is stored, and compared with another run. */
export interface Throughput {
  readonly raw_per_second: number
  readonly emitted_per_second: number
  readonly dropped_per_second: number
  readonly lost_in_kernel_per_second: number
  readonly cpu_seconds_per_million: number
  readonly max_rss_kb: number
  readonly process_table_size: number
  /** Health records seen. */
  readonly records: number
}

/** The surroundings: runs that differ here are not alike. */
export interface Surroundings {
  readonly kernel: string
  readonly cpu: string
  readonly cpus: number
  readonly node: string
  readonly build: string
  readonly file_system: string
  readonly hooks: string
  readonly load: number
}

const HOOKS = 'write'
/** No rules: what is measured is telemetry. */
const NO_RULES = '- list: nothing\n  items: []\n'

/** Run it. Throws UserError when the agent does not start or wrote no health record. */
export async function runThroughput(options: ThroughputOptions): Promise<Report> {
  const { root, durationSecs, generatorSecs, progress } = options
  const machine = describeMachine()
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-throughput-'))
  // A gigabyte of records is not worth keeping: whoever reads them lets only health records through.
  const reader = spawn('grep', ['--line-buffered', '"event_type":"health"'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let records = ''
  reader.stdout.setEncoding('utf8').on('data', (text: string) => {
    records += text
  })
  try {
    const agent = await AgentProcess.start({
      root,
      rules: NO_RULES,
      options: [
        'telemetry.file=true',
        `telemetry.hooks.file=${HOOKS}`,
        `telemetry.watch_paths=${folder}/watched`,
        'output.format=rand-guard',
        'limits.max_events_per_second=0',
        'health.interval=1',
      ],
      stdout: reader.stdin,
    })
    progress(`writing for ${generatorSecs} s, watching for ${durationSecs} s`)
    await generate(join(folder, 'watched'), generatorSecs)
    await new Promise((resolve) => setTimeout(resolve, Math.max(durationSecs - generatorSecs, 0) * 1000))
    await agent.stop()
    reader.stdin.end()
    await once(reader, 'close')
    const surroundings = surroundingsOf(machine, folder, options.build)
    return report(machine, surroundings, measure(healthRecords(records), generatorSecs))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A shell that writes one byte at a time into a file of the folder. */
async function generate(folder: string, seconds: number): Promise<void> {
  const script = 'mkdir -p "$0" && exec > "$0/bytes" && while :; do printf x; done'
  const child = spawn('timeout', [String(seconds), 'sh', '-c', script, folder], { stdio: 'ignore' })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
}

/** The health records among the lines. */
export function healthRecords(text: string): Health[] {
  const lines = text.split('\n').filter((line) => line.includes('"event_type":"health"'))
  return lines.map((line) => JSON.parse(line) as Health)
}

/** Rates over the time that was written in. Throws UserError without a health record. */
export function measure(records: readonly Health[], seconds: number): Throughput {
  const last = records.at(-1)
  if (last === undefined)
    throw new UserError('the agent wrote no health record', 'let it run longer than health.interval')
  const dropped =
    last.userspace_filtered +
    last.userspace_rate_limited +
    last.userspace_invalid_schema +
    last.userspace_unsupported_kind +
    last.userspace_output_failures
  return {
    raw_per_second: last.raw_events_read / seconds,
    emitted_per_second: last.normalized_events_output / seconds,
    dropped_per_second: dropped / seconds,
    lost_in_kernel_per_second: last.events_lost / seconds,
    cpu_seconds_per_million: (last.cpu_seconds / Math.max(last.raw_events_read, 1)) * 1e6,
    max_rss_kb: Math.max(...records.map(({ rss_kb }) => rss_kb ?? 0)),
    process_table_size: last.process_table_size,
    records: records.length,
  }
}

const surroundingsOf = (machine: Machine, folder: string, build: string): Surroundings => ({
  kernel: machine.kernel,
  cpu: machine.cpu,
  cpus: machine.cpus,
  node: machine.node,
  build,
  // The magic number of statfs(2): 0xef53 ext4, 0x1021994 tmpfs, 0x9123683e btrfs, 0x58465342 xfs.
  file_system: `0x${statfsSync(folder).type.toString(16)}`,
  hooks: HOOKS,
  load: machine.load,
})

const LABELS: Readonly<Record<keyof Throughput, string>> = {
  raw_per_second: 'events read a second',
  emitted_per_second: 'records written a second',
  dropped_per_second: 'dropped a second by filters, limits, faults and outputs',
  lost_in_kernel_per_second: 'lost a second before they were read',
  cpu_seconds_per_million: 'CPU seconds for a million events',
  max_rss_kb: 'most resident memory, KiB',
  process_table_size: 'processes remembered at the end',
  records: 'health records',
}

function report(machine: Machine, surroundings: Surroundings, throughput: Throughput): Report {
  const rows = Object.entries(LABELS).map(([key, label]) => [
    label,
    shown(throughput[key as keyof Throughput]),
  ])
  return {
    bench: `throughput-${Math.floor(Date.now() / 1000)}`,
    title: 'Throughput of telemetry',
    time: new Date().toISOString(),
    machine,
    method: [
      'A shell writes one byte at a time into one watched directory; the agent reports each write and nothing else.',
      "Rates are those of the agent's last health record over the time that was written in.",
    ],
    tables: [
      { title: 'Rates', columns: ['what', 'figure'], rows },
      {
        title: 'Surroundings',
        columns: ['what', 'value'],
        rows: Object.entries(surroundings).map(([key, value]) => [key, String(value)]),
      },
    ],
    goals: [],
    results: { throughput, surroundings },
  }
}

const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))

/** What two runs stored, as read from their JSON files. */
export interface Stored {
  readonly throughput: Throughput
  readonly surroundings: Surroundings
}

/** Load averages further apart than this make runs unlike. */
const LOAD_APART = 1

/** Ratios of a run to an earlier one, and what makes the two unlike. */
export function compare(now: Stored, before: Stored): { ratios: string[][]; warnings: string[] } {
  const warnings = Object.entries(now.surroundings).flatMap(([key, value]) => {
    const other = before.surroundings[key as keyof Surroundings]
    const unlike = key === 'load' ? Math.abs(Number(value) - Number(other)) > LOAD_APART : value !== other
    return unlike ? [`the runs are unlike: ${key} is ${value}, was ${other}`] : []
  })
  const ratios = Object.entries(LABELS).map(([key, label]) => {
    const a = now.throughput[key as keyof Throughput]
    const b = before.throughput[key as keyof Throughput]
    return [label, shown(b), shown(a), b === 0 ? '' : (a / b).toFixed(2)]
  })
  return { ratios, warnings }
}

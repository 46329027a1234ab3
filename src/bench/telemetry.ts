/**
 * `tarsier bench telemetry`: NDJSON records a second to a file on one core, through everything an event goes through in
 * user space: decode, state, rules, filter, limit, format, write. Records are made beforehand, as the kernel would.
 */
import { closeSync, constants, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeRecord, type RecordInit } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { createEngine } from '../detect/engine.ts'
import { writeText } from '../kernel/libc.ts'
import { Batch } from '../outputs/batch.ts'
import { FdOutput } from '../outputs/output.ts'
import { Pipeline } from '../pipeline.ts'
import { PathFilter } from '../telemetry/filter.ts'
import { nativeLines } from '../telemetry/native.ts'
import { eventsOfHooks } from '../telemetry/open.ts'
import { columnLines, createTelemetry, type LineMaker, type LineOptions } from '../telemetry/telemetry.ts'
import { connect, event, execve, exit, fork, openat } from '../testing/events.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { describeMachine } from './machine.ts'
import type { Report } from './report.ts'
import { median } from './statistics.ts'

const GOALS = { perSecond: 300_000, cpuPerMillion: 2 } as const
/** Processes that work in turn, and files of each. */
const ACTORS = 200
const FILES = 50
const ROUNDS = 7

export const telemetryBench: Bench = {
  name: 'telemetry',
  summary: 'telemetry records a second to a file on one core, and what a million costs',
  run: runTelemetry,
}

/** A mixed workload: mostly opens and writes, some deletions, connections and short processes. */
function workload(): RecordInit[] {
  const records: RecordInit[] = []
  let time = 1e12
  const tick = (): number => (time += 1000)
  const shell = { pid: 90, start: 5e9 + 1, uid: 0 }
  records.push(execve({ by: shell, path: '/usr/bin/bash', argv: ['-bash'], time: tick() }))
  for (let i = 0; i < ACTORS; i++) {
    const by = { pid: 1000 + i, start: 6e9 + i, uid: 1000 }
    const path = `/usr/lib/app-${i % 20}/bin/worker`
    records.push(
      fork({ by: shell, child: by, time: tick() }),
      execve({
        by,
        path,
        argv: ['worker', '--config', `/etc/app/${i}.conf`, '--verbose'],
        parent: shell,
        cwd: '/srv',
        time: tick(),
      }),
    )
    for (let k = 0; k < FILES; k++) {
      const name = `/srv/data/${i % 20}/file-${k}.dat`
      records.push(
        openat({ by, path: name, flags: 0o1102, mode: 0o644, time: tick() }),
        event('write', { by, time: tick() }, { res: 512, fd: 3, size: 512, pos: -1, fd_in: -1, path: name }),
        event('write', { by, time: tick() }, { res: 64, fd: 3, size: 64, pos: -1, fd_in: -1, path: name }),
      )
      if (k % 10 === 0)
        records.push(
          connect({ by, local: `10.0.0.1 ${20000 + i}`, remote: `10.0.${i % 200}.7 443`, time: tick() }),
          event('unlinkat', { by, time: tick() }, { res: 0, dirfd: -100, flags: 0, name }),
        )
    }
    records.push(exit({ by, time: tick() }))
  }
  return records
}

interface Encoded {
  readonly memory: ArrayBuffer
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
}

function encodeAll(inits: readonly RecordInit[]): Encoded {
  const records = inits.map(encodeRecord)
  const memory = new ArrayBuffer(records.reduce((sum, { length }) => sum + length, 0))
  const bytes = new Uint8Array(memory)
  const offsets = new Uint32Array(records.length)
  const lengths = new Uint32Array(records.length)
  let at = 0
  for (const [i, record] of records.entries()) {
    bytes.set(record, at)
    offsets[i] = at
    lengths[i] = record.length
    at += record.length
  }
  return { memory, offsets, lengths }
}

interface Run {
  readonly perSecond: number
  readonly cpuPerMillion: number
  readonly bytesPerRecord: number
}

/** Events once round, from ring memory to file. */
async function measure(
  encoded: Encoded,
  makeLines: (options: LineOptions) => LineMaker,
  times: number,
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-telemetry-'))
  const file = join(folder, 'records')
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600)
    const output = new FdOutput({
      name: file,
      fd,
      owned: false,
      onClosed() {},
      onError(message) {
        throw new Error(message)
      },
      writeText,
    })
    const batch = new Batch({ output, maxQueued: 16 << 20 })
    const { pipeline, errors } = pipelineTo(batch, makeLines)
    const view = new EventView(pipeline.interner)
    view.map(encoded.memory)
    const cpu = process.cpuUsage()
    const start = performance.now()
    for (let i = 0; i < times; i++) {
      runOnce(view, encoded, pipeline.pipeline)
      // The reader hands the loop back as often.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await output.flush()
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const { written } = output.counters
    if (errors.length > 0) throw errors[0]
    const bytes = statSync(file).size
    closeSync(fd)
    return {
      perSecond: written / seconds,
      cpuPerMillion: (user + system) / written,
      bytesPerRecord: bytes / written,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function pipelineTo(
  batch: Batch,
  makeLines: (options: LineOptions) => LineMaker,
): {
  readonly pipeline: { readonly pipeline: Pipeline; readonly interner: Interner }
  readonly errors: Error[]
} {
  const errors: Error[] = []
  const interner = new Interner()
  const events = eventsOfHooks([
    'execve',
    'fork',
    'exit',
    'openat',
    'write',
    'rename',
    'unlink',
    'connect',
    'listen',
  ])
  const pipeline = new Pipeline({
    interner,
    engine: createEngine([], { matching: 'all', timeOf: ({ event: { time } }) => time }),
    identity: { hostname: 'bench', hostId: 'bench', bootId: 'bench' },
    alert: () => {},
    error: (error) => errors.push(error as Error),
    telemetry: (lookup) =>
      createTelemetry({
        events,
        filter: new PathFilter({
          watchPaths: ['/srv', '/etc'],
          watchPatterns: ['*.service'],
          excludePaths: ['/srv/cache', '/proc', '/sys'],
        }),
        maxPerSecond: 0,
        lines: makeLines({
          lookup,
          host: 'bench',
          mask: true,
          alertRecords: true,
          without: new Set(['env']),
        }),
        write: (line) => batch.add(line),
        suppressed: () => {},
        alertRecords: true,
        self: undefined,
      }),
  })
  return { pipeline: { pipeline, interner }, errors }
}

function runOnce(view: EventView, { offsets, lengths }: Encoded, pipeline: Pipeline): void {
  for (let i = 0; i < offsets.length; i++) {
    view.seek(offsets[i]!, lengths[i]!)
    pipeline.event(view)
  }
}

const FORMATS = [
  { name: 'rand-guard', lines: columnLines },
  { name: 'tarsier', lines: nativeLines },
] as const

async function runTelemetry({ quick, progress }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const encoded = encodeAll(workload())
  const rounds = quick ? 2 : ROUNDS
  const times = quick ? 2 : 10
  const runs: { format: string; runs: Run[] }[] = []
  for (const { name, lines } of FORMATS) {
    const all: Run[] = []
    // The first round warms up the compiler and does not count.
    for (let i = 0; i <= rounds; i++) {
      const run = await measure(encoded, lines, times)
      if (i > 0) all.push(run)
      progress(
        `${name}: ${Math.round(run.perSecond)} records/s, ${run.cpuPerMillion.toFixed(2)} CPU s per million`,
      )
    }
    runs.push({ format: name, runs: all })
  }
  const of = (format: string, pick: (run: Run) => number): number =>
    median(runs.find((one) => one.format === format)!.runs.map(pick))
  return {
    bench: 'telemetry',
    title: 'Telemetry to a file',
    time: new Date().toISOString(),
    machine,
    method: [
      `${encoded.offsets.length} records, made as the kernel writes them, ${times} times over, in ${rounds} rounds; medians.`,
      'One thread: decode, process table, filter, format, write to a file in the folder for temporary files.',
    ],
    tables: [
      {
        title: 'Records',
        columns: ['format', 'records/s', 'CPU s per million', 'bytes a record'],
        rows: runs.map(({ format }) => [
          format,
          String(Math.round(of(format, (run) => run.perSecond))),
          of(format, (run) => run.cpuPerMillion).toFixed(2),
          String(Math.round(of(format, (run) => run.bytesPerRecord))),
        ]),
      },
    ],
    goals: [
      {
        what: 'records to a file on one core',
        limit: GOALS.perSecond,
        value: of('rand-guard', (run) => run.perSecond),
        kind: 'least',
        unit: '/s',
      },
      {
        what: 'processor time of a million records',
        limit: GOALS.cpuPerMillion,
        value: of('rand-guard', (run) => run.cpuPerMillion),
        kind: 'most',
        unit: ' s',
      },
    ],
    results: { runs },
  }
}

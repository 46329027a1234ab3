/**
 * `tarsier bench latency`: from the kernel's timestamp of an event to the alert's line on the pipe, near idle. The alert
 * carries the kernel's time; a small C program at the other end of the pipe notes when the line arrives.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { UserError } from '../user-error.ts'
import { AgentProcess } from './agent-process.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { buildProgram } from './compile.ts'
import { describeMachine } from './machine.ts'
import type { Report } from './report.ts'
import { quantile } from './statistics.ts'

const GOALS = { median: 0.5, p95: 2 } as const
/** Between two events; not a multiple of any timer of ours. */
const PAUSE_MS = 97

export const latencyBench: Bench = {
  name: 'latency',
  summary: "from an event's kernel timestamp to the alert's line on the pipe, near idle",
  run: runLatency,
}

async function runLatency({ quick, root, progress }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const count = quick ? 10 : 200
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-latency-'))
  const marked = join(folder, 'marked')
  writeFileSync(marked, '')
  const latencies: number[] = []
  // Stamping the arrival is left to a small C program: a Node process would add its own wake-up.
  const stamper = spawn(await buildProgram({ root, name: 'line-clock', libraries: [] }), {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  createInterface({ input: stamper.stdout }).on('line', (line) => {
    const match = /^(\d+) .*"evt\.time":(\d+)/.exec(line)
    if (match !== null) latencies.push(Number(BigInt(match[1]!) - BigInt(match[2]!)) / 1e6)
  })
  const agent = await AgentProcess.start({
    root,
    rules: ruleFor(marked),
    options: ['json_output=true'],
    stdout: stamper.stdin,
  })
  try {
    for (let i = 0; i < count; i++) {
      await pause(PAUSE_MS)
      closeSync(openSync(marked, 'r'))
      if (i % 50 === 49) progress(`${i + 1} of ${count}`)
    }
    await pause(500)
  } finally {
    await agent.stop()
    stamper.stdin.end()
    rmSync(folder, { recursive: true, force: true })
  }
  if (latencies.length !== count) throw new UserError(`${latencies.length} alerts came for ${count} events`)
  return report(machine, latencies)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const ruleFor = (file: string): string => `- rule: Bench latency
  desc: Opens of one file.
  condition: evt.type = openat and fd.name = ${file}
  output: opened %fd.name
  priority: DEBUG
`

function report(machine: Report['machine'], latencies: readonly number[]): Report {
  const at = (q: number): number => quantile(latencies, q)
  const results = {
    alerts: latencies.length,
    min: at(0),
    median: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  }
  return {
    bench: 'latency',
    title: 'Alert latency near idle',
    time: new Date().toISOString(),
    machine,
    method: [
      'One open every 97 ms matches a rule; from the kernel timestamp in the alert to the arrival of its line on the pipe.',
      'The reader of the pipe is a C program blocked in read(2); its wake-up is included.',
    ],
    tables: [
      {
        title: 'Milliseconds',
        columns: Object.keys(results),
        rows: [Object.values(results).map((v, i) => (i === 0 ? String(v) : v.toFixed(3)))],
      },
    ],
    goals: [
      { what: 'median', limit: GOALS.median, value: results.median, kind: 'most', unit: ' ms' },
      { what: '95th percentile', limit: GOALS.p95, value: results.p95, kind: 'most', unit: ' ms' },
    ],
    results,
  }
}

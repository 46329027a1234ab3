/**
 * `tarsier bench overhead`: what the agent costs the programs it watches. Each loop runs without the agent (twice, which
 * shows the noise) and with it, in every round; the ratio is taken within the round.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { AgentProcess } from './agent-process.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { buildProgram } from './compile.ts'
import { describeMachine } from './machine.ts'
import type { Report, ReportTable } from './report.ts'
import { median, pairedRatio, quantile } from './statistics.ts'
import { readSummary, total } from './summary.ts'

const run = promisify(execFile)

/** Loops of test/bench/workload.c, with the turns that take about 0.2 s here. */
const LOOPS = [
  { name: 'getppid', count: 2_000_000, what: 'a syscall nobody asked for' },
  { name: 'open', count: 200_000, what: 'open, read, close' },
  { name: 'write', count: 1_000_000, what: 'write of one byte' },
  { name: 'fork', count: 400, what: 'fork, exec, wait' },
  { name: 'connect', count: 15_000, what: 'connect, accept, close' },
] as const
type LoopName = (typeof LOOPS)[number]['name']

/** A rule that can match any event and never does: everything is attached and delivered. */
const EVERYTHING = `- rule: Bench every event
  desc: Matches nothing; makes the agent attach everything it has.
  condition: fd.name = /nowhere/bench and proc.name exists
  output: never
  priority: DEBUG
  warn_evttypes: false
`

/** Ways to run the agent that are compared with running none. */
const SETUPS = [
  { name: 'shipped', what: 'shipped rules', command: 'run', rules: undefined },
  { name: 'everything', what: 'all events', command: 'run', rules: EVERYTHING },
  { name: 'monitor', what: 'file monitor', command: 'monitor', rules: undefined },
] as const
type Setup = (typeof SETUPS)[number]
type SetupName = Setup['name']

interface Sample {
  /** ns for a turn. */
  readonly wall: number
  readonly cpu: number
}

interface Round {
  readonly off: Record<LoopName, Sample>
  readonly again: Record<LoopName, Sample>
  readonly on: Record<SetupName, Record<LoopName, Sample>>
}

interface AgentUse {
  readonly cpuShare: number
  readonly peakKb: number
  readonly events: number
  readonly dropped: number
}

export const overheadBench: Bench = {
  name: 'overhead',
  summary: 'what the agent costs getppid, open, write, fork and connect loops, with and without it in turns',
  run: runOverhead,
}

async function runOverhead({ quick, root, progress }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const workload = await buildProgram({ root, name: 'workload', libraries: [] })
  const rounds: Round[] = []
  const uses: Record<SetupName, AgentUse[]> = { shipped: [], everything: [], monitor: [] }
  const count = quick ? 2 : 15
  for (let i = 0; i < count; i++) {
    progress(`round ${i + 1} of ${count}`)
    const loops = (): Promise<Record<LoopName, Sample>> => runLoops(workload, quick ? 20 : 1)
    const off = await loops()
    const again = await loops()
    const on: Partial<Record<SetupName, Record<LoopName, Sample>>> = {}
    for (const setup of SETUPS) {
      const { samples, use } = await withAgent(root, setup, loops)
      on[setup.name] = samples
      uses[setup.name].push(use)
    }
    rounds.push({ off, again, on: on as Round['on'] })
  }
  return report(machine, rounds, uses)
}

async function withAgent(
  root: string,
  { command, rules }: Setup,
  loops: () => Promise<Record<LoopName, Sample>>,
): Promise<{ samples: Record<LoopName, Sample>; use: AgentUse }> {
  const agent = await AgentProcess.start({ root, command, ...(rules === undefined ? {} : { rules }) })
  const cpuBefore = agent.cpuMs
  const from = performance.now()
  const samples = await loops()
  const wall = performance.now() - from
  const cpu = agent.cpuMs - cpuBefore
  const peakKb = agent.memoryKb.peak
  const log = await agent.stop()
  const { events, drops } = readSummary(log)
  return { samples, use: { cpuShare: cpu / wall, peakKb, events: total(events), dropped: total(drops) } }
}

async function runLoops(workload: string, divisor: number): Promise<Record<LoopName, Sample>> {
  const samples: Partial<Record<LoopName, Sample>> = {}
  for (const { name, count } of LOOPS) {
    const turns = Math.ceil(count / divisor)
    const { stdout } = await run(workload, [name, String(turns)])
    const [wall = Number.NaN, cpu = Number.NaN] = stdout.trim().split(' ').map(Number)
    samples[name] = { wall: wall / turns, cpu: cpu / turns }
  }
  return samples as Record<LoopName, Sample>
}

function report(
  machine: Report['machine'],
  rounds: readonly Round[],
  uses: Record<SetupName, AgentUse[]>,
): Report {
  const tables: ReportTable[] = []
  const results: Record<string, unknown> = { rounds: rounds.length, agent: uses }
  for (const kind of ['wall', 'cpu'] as const) {
    const rows = LOOPS.map(({ name, what }) => {
      const off = rounds.map((round) => round.off[name][kind])
      const again = rounds.map((round) => round.again[name][kind])
      const ratios = SETUPS.map((setup) =>
        rounds.map((round) => round.on[setup.name][name][kind] / round.off[name][kind]),
      )
      results[`${name}.${kind}`] = {
        off_ns: median(off),
        off_off: pairedRatio(again, off),
        ...Object.fromEntries(SETUPS.map((setup, i) => [setup.name, median(ratios[i]!)])),
      }
      const range = (values: readonly number[]): string =>
        `${median(values).toFixed(2)} (${quantile(values, 0.25).toFixed(2)}..${quantile(values, 0.75).toFixed(2)})`
      return [
        name,
        what,
        median(off).toFixed(0),
        range(again.map((v, i) => v / off[i]!)),
        ...ratios.map(range),
      ]
    })
    tables.push({
      title: `${kind === 'wall' ? 'Wall' : 'CPU'} time, ratio to the same round without the agent: median (middle half)`,
      columns: ['loop', 'one turn is', 'ns without', 'off/off', ...SETUPS.map((setup) => setup.what)],
      rows,
    })
  }
  tables.push({
    title: 'The agent meanwhile (medians)',
    columns: ['rules', 'share of a core', 'peak memory MB', 'events', 'dropped'],
    rows: SETUPS.map(({ name, what }) => {
      const of = (key: keyof AgentUse): number => median(uses[name].map((use) => use[key]))
      return [
        what,
        of('cpuShare').toFixed(2),
        (of('peakKb') / 1024).toFixed(1),
        of('events').toFixed(0),
        of('dropped').toFixed(0),
      ]
    }),
  })
  return {
    bench: 'overhead',
    title: 'What the agent costs what it watches',
    time: new Date().toISOString(),
    machine,
    method: [
      `${rounds.length} rounds; in each every loop runs twice without the agent and once with each set of rules.`,
      'A ratio is that of one round; off/off is what noise alone does.',
      '"all events" attaches every program and delivers every event to user space.',
    ],
    tables,
    goals: [],
    results,
  }
}

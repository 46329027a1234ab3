/**
 * `tarsier bench overhead`: what the agent costs the programs it watches. Each loop runs without the agent (twice, which
 * shows the noise) and with it, in every round; the ratio is taken within the round.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SystemError } from '../kernel/libc.ts'
import { AgentProcess } from './agent-process.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { buildProgram } from './compile.ts'
import { describeMachine } from './machine.ts'
import { programCosts } from './program-costs.ts'
import type { Goal, Report, ReportTable } from './report.ts'
import { type GrowthSample, growthGoal, growthTable, measureGrowth } from './rule-growth.ts'
import { median, pairedRatio, quantile } from './statistics.ts'
import { readSummary, total } from './summary.ts'
import { type TracingProgram, tracersWarning, tracingPrograms } from './tracers.ts'

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

/** A way to run the agent that is compared with running none. */
interface Setup {
  readonly name: string
  readonly what: string
  readonly command: 'run' | 'monitor' | 'trace'
  /** Text of a rule file. */
  readonly rules?: string
  readonly args?: readonly string[]
}

/** Traces of what seldom happens: what they cost others is told in ns. */
const RARE: readonly Setup[] = [
  {
    name: 'rare_syscall',
    what: 'trace of a rare syscall',
    command: 'trace',
    args: ['-o', 'none', 'event=swapon'],
  },
  {
    name: 'no_syscall',
    what: 'trace of an event of no syscall',
    command: 'trace',
    args: ['-o', 'none', 'event=cgroup_mkdir'],
  },
]
const UNRELATED_NS = 15

/** `files`: rule files of the user, which stand first. */
const setupsFor = (files: readonly string[]): readonly Setup[] => [
  ...(files.length === 0
    ? []
    : [
        {
          name: 'given',
          what: 'rules given',
          command: 'run',
          args: files.flatMap((file) => ['-r', file]),
        } as const,
      ]),
  { name: 'shipped', what: 'shipped rules', command: 'run' },
  { name: 'everything', what: 'all events', command: 'run', rules: EVERYTHING },
  { name: 'monitor', what: 'file monitor', command: 'monitor' },
  {
    name: 'syscalls',
    what: 'trace of every syscall',
    command: 'trace',
    args: ['-o', 'none', 'set=syscalls'],
  },
  ...RARE,
]

/** Wall time with the agent to that without, at most (rules given or shipped). */
const GOALS: Partial<Record<LoopName, number>> = { open: 1.2, fork: 1.05 }
/** How long one producer floods the agent. */
const FLOOD_MS = { quick: 500, full: 60_000 } as const

interface Sample {
  /** ns for a turn. */
  readonly wall: number
  readonly cpu: number
}

interface Round {
  readonly off: Record<LoopName, Sample>
  readonly again: Record<LoopName, Sample>
  readonly on: Readonly<Record<string, Record<LoopName, Sample>>>
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
  takesRules: true,
  run: runOverhead,
}

async function runOverhead({ quick, root, progress, rules = [] }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const others = tracingPrograms() ?? []
  const warnings = tracersWarning(others)
  for (const warning of warnings) progress(`warning: ${warning}`)
  const workload = await buildProgram({ root, name: 'workload', libraries: [] })
  const rounds: Round[] = []
  const setups = setupsFor(rules)
  const uses = new Map<Setup, AgentUse[]>(setups.map((setup) => [setup, []]))
  const count = quick ? 2 : 7
  for (let i = 0; i < count; i++) {
    progress(`round ${i + 1} of ${count}`)
    const loops = (): Promise<Record<LoopName, Sample>> => runLoops(workload, quick ? 20 : 1)
    const off = await loops()
    const again = await loops()
    const on: Record<string, Record<LoopName, Sample>> = {}
    for (const setup of setups) {
      const { samples, use } = await withAgent(root, setup, loops)
      on[setup.name] = samples
      uses.get(setup)!.push(use)
    }
    rounds.push({ off, again, on })
  }
  progress('what each program costs')
  const costs = new Map<Setup, readonly Cost[]>()
  for (const setup of setups)
    if (!RARE.includes(setup)) costs.set(setup, await costsOf(root, setup, workload))
  progress('few rules and many')
  const growth = await growthIn(root, workload, quick)
  progress('one producer at full speed')
  const turn = median(rounds.map(({ off }) => off.open.wall))
  const turns = Math.ceil((FLOOD_MS[quick ? 'quick' : 'full'] * 1e6) / turn)
  const flood = await withAgent(root, setups[0]!, async () => {
    const { stdout } = await run(workload, ['open', String(turns)])
    return Number(stdout.split(' ')[0]) / turns
  })
  return report({
    machine,
    others,
    warnings,
    setups,
    rounds,
    uses,
    costs,
    growth,
    flood: { ...flood, turns },
  })
}

/** What a program of the agent costs within a loop. */
interface Cost {
  readonly loop: LoopName
  readonly program: string
  readonly runsATurn: number
  /** ns a run. */
  readonly ns: number
}

/** Turns for which programs are measured: a part of those of a round. */
const COST_PART = 20
const COST_ROUNDS = 5

/** The least that programs took of several short runs; those that run in every other turn at least. */
async function costsOf(
  root: string,
  { command, rules, args = [] }: Setup,
  workload: string,
): Promise<readonly Cost[]> {
  const agent = await AgentProcess.start({ root, command, args, ...(rules === undefined ? {} : { rules }) })
  const least = new Map<string, Cost>()
  try {
    for (let round = 0; round < COST_ROUNDS; round++)
      for (const { name: loop, count } of LOOPS) {
        const turns = Math.ceil(count / COST_PART)
        const found = await programCosts(agent.pid, () => run(workload, [loop, String(turns)]))
        for (const [program, { ns, runs }] of found) {
          const cost = { loop, program, runsATurn: runs / turns, ns: ns / runs }
          const known = least.get(`${loop} ${program}`)
          if (cost.runsATurn >= 0.5 && !(known !== undefined && known.ns <= cost.ns))
            least.set(`${loop} ${program}`, cost)
        }
      }
  } catch (error) {
    // A kernel that does not measure programs.
    if (!(error instanceof SystemError)) throw error
  } finally {
    await agent.stop()
  }
  return [...least.values()].sort((a, b) => (a.loop < b.loop ? -1 : a.loop > b.loop ? 1 : b.ns - a.ns))
}

async function growthIn(root: string, workload: string, quick: boolean): Promise<readonly GrowthSample[]> {
  try {
    return await measureGrowth({ root, quick, loop: () => run(workload, ['open', '10000']) })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return []
  }
}

async function withAgent<T>(
  root: string,
  { command, rules, args = [] }: Setup,
  loops: () => Promise<T>,
): Promise<{ samples: T; use: AgentUse }> {
  const agent = await AgentProcess.start({ root, command, args, ...(rules === undefined ? {} : { rules }) })
  await agent.settle()
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

interface Measured {
  readonly machine: Report['machine']
  /** Programs of others that traced along. */
  readonly others: readonly TracingProgram[]
  readonly warnings: readonly string[]
  readonly setups: readonly Setup[]
  readonly rounds: readonly Round[]
  readonly uses: ReadonlyMap<Setup, readonly AgentUse[]>
  readonly costs: ReadonlyMap<Setup, readonly Cost[]>
  /** Empty where the kernel does not measure programs. */
  readonly growth: readonly GrowthSample[]
  /** One producer with the first setup: ns for a turn. */
  readonly flood: { readonly samples: number; readonly use: AgentUse; readonly turns: number }
}

function report({ machine, others, warnings, setups, rounds, uses, costs, growth, flood }: Measured): Report {
  const tables: ReportTable[] = []
  const agent = Object.fromEntries([...uses].map(([{ name }, list]) => [name, list]))
  const programs = Object.fromEntries([...costs].map(([{ name }, list]) => [name, list]))
  const results: Record<string, unknown> = { rounds: rounds.length, others, agent, programs, growth, flood }
  for (const kind of ['wall', 'cpu'] as const) {
    const rows = LOOPS.map(({ name, what }) => {
      const off = rounds.map((round) => round.off[name][kind])
      const again = rounds.map((round) => round.again[name][kind])
      const ratios = setups.map((setup) =>
        rounds.map((round) => round.on[setup.name]![name][kind] / round.off[name][kind]),
      )
      results[`${name}.${kind}`] = {
        off_ns: median(off),
        off_off: pairedRatio(again, off),
        ...Object.fromEntries(setups.map((setup, i) => [setup.name, median(ratios[i]!)])),
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
      columns: ['loop', 'one turn is', 'ns without', 'off/off', ...setups.map((setup) => setup.what)],
      rows,
    })
  }
  tables.push({
    title: 'The agent meanwhile (medians)',
    columns: ['rules', 'share of a core', 'peak memory MB', 'events', 'dropped'],
    rows: setups.map((setup) => {
      const of = (key: keyof AgentUse): number => median(uses.get(setup)!.map((use) => use[key]))
      return [
        setup.what,
        of('cpuShare').toFixed(2),
        (of('peakKb') / 1024).toFixed(1),
        of('events').toFixed(0),
        of('dropped').toFixed(0),
      ]
    }),
  })
  tables.push({
    title:
      'Programs in the kernel: the least of several short runs, as the kernel measures it (with a look at the clock)',
    columns: ['rules', 'loop', 'program', 'runs a turn', 'ns a run'],
    rows: [...costs].flatMap(([{ what }, list]) =>
      list.map(({ loop, program, runsATurn, ns }) => [
        what,
        loop,
        program,
        runsATurn.toFixed(1),
        ns.toFixed(0),
      ]),
    ),
  })
  if (growth.length > 0) tables.push(growthTable(growth))
  const seconds = (flood.samples * flood.turns) / 1e9
  tables.push({
    title: `One producer at full speed for ${seconds.toFixed(1)} s (${setups[0]!.what})`,
    columns: ['opens', 'opens/s', 'delivered', 'dropped', 'share of a core'],
    rows: [
      [
        String(flood.turns),
        (flood.turns / seconds).toFixed(0),
        String(flood.use.events),
        String(flood.use.dropped),
        flood.use.cpuShare.toFixed(2),
      ],
    ],
  })
  return {
    bench: 'overhead',
    title: 'What the agent costs what it watches',
    time: new Date().toISOString(),
    machine,
    warnings,
    method: [
      `${rounds.length} rounds; in each every loop runs twice without the agent and once with each set of rules.`,
      'A ratio is that of one round; off/off is what noise alone does.',
      '"all events" attaches every program of its own and delivers every event to user space; "trace of every syscall" has the rest.',
    ],
    tables,
    goals: [...goalsOf(setups[0]!, rounds, flood.use), ...(growth.length > 0 ? [growthGoal(growth)] : [])],
    results,
  }
}

function goalsOf({ name, what }: Setup, rounds: readonly Round[], flood: AgentUse): readonly Goal[] {
  const ratios = Object.entries(GOALS).map(([loop, limit]): Goal => {
    const key = loop as LoopName
    const value = median(rounds.map(({ off, on }) => on[name]![key].wall / off[key].wall))
    return { what: `${loop}, ${what}`, limit, value, kind: 'most', unit: '' }
  })
  return [
    ...ratios,
    ...RARE.map(({ name, what }): Goal => {
      const more = rounds.map(({ off, on }) => on[name]!.getppid.cpu - off.getppid.cpu)
      return {
        what: `getppid, ${what}`,
        limit: UNRELATED_NS,
        value: median(more),
        kind: 'most',
        unit: 'ns more',
      }
    }),
    { what: 'dropped of one producer', limit: 0, value: flood.dropped, kind: 'most', unit: '' },
  ]
}

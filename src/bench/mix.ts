/**
 * `tarsier bench mix`: a developer's machine with and without the agent, guards on and off: what they keep from user space,
 * whether they change what is found, and what everything costs.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EVENT_TYPES } from '../../schema/index.ts'
import { GUARD_RULE } from '../detect/alert.ts'
import { AgentProcess } from './agent-process.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { describeMachine } from './machine.ts'
import { MIX_SIZES, MIX_STEPS, MixWorkload } from './mix-workload.ts'
import type { Goal, Report, ReportTable } from './report.ts'
import { median } from './statistics.ts'
import { type AgentSummary, readSummary, total } from './summary.ts'
import { tracersWarning, tracingPrograms } from './tracers.ts'

/** rand-guard's example of what to watch, as records of files. */
const WATCH_LIST = `telemetry:
  file: true
  process: false
  watch_paths: [/etc, /usr/bin, /bin]
  watch_patterns: ["*.service"]
  exclude_paths: [/var/log, /tmp, /proc, /sys]
output: { format: rand-guard }
`

interface Setup {
  readonly name: string
  readonly guards: boolean
  readonly args: readonly string[]
}

interface AgentUse {
  readonly summary: AgentSummary
  /** What it said about the workload's own programs: rules or record types, with how often. */
  readonly found: string
  readonly cpuShare: number
  readonly peakKb: number
}

interface Round {
  /** ms by step. */
  readonly off: readonly number[]
  readonly again: readonly number[]
  readonly on: ReadonlyMap<Setup, { readonly times: readonly number[]; readonly use: AgentUse }>
}

export const mixBench: Bench = {
  name: 'mix',
  summary: 'a compile, npm, git, grep, tar and find with and without the agent and its kernel guards',
  takesRules: true,
  run: runMix,
}

async function runMix({ quick, root, progress, rules = [] }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const others = tracingPrograms() ?? []
  for (const warning of tracersWarning(others)) progress(`warning: ${warning}`)
  const workload = new MixWorkload()
  // The agent looks after its configuration, which is not where people work.
  const settings = mkdtempSync(join(tmpdir(), 'tarsier-mix-settings-'))
  try {
    await workload.prepare(MIX_SIZES[quick ? 'quick' : 'full'])
    const config = join(settings, 'watch.yaml')
    writeFileSync(config, WATCH_LIST)
    const setups = setupsOf(rules, config)
    const rounds: Round[] = []
    const count = quick ? 1 : 5
    await runSteps(workload)
    for (let i = 0; i < count; i++) {
      progress(`round ${i + 1} of ${count}`)
      const off = await runSteps(workload)
      const again = await runSteps(workload)
      const on: [Setup, { times: readonly number[]; use: AgentUse }][] = []
      for (const setup of setups) on.push([setup, await withAgent(root, workload, setup)])
      rounds.push({ off, again, on: new Map(on) })
    }
    const { results, ...rest } = report(machine, setups, rounds)
    return { ...rest, warnings: tracersWarning(others), results: { others, ...results } }
  } finally {
    workload.close()
    rmSync(settings, { recursive: true })
  }
}

function setupsOf(rules: readonly string[], config: string): readonly Setup[] {
  const ruleArgs = rules.flatMap((file) => ['-r', file])
  const judged = rules.length === 0 ? 'shipped rules' : 'rules given'
  return [
    { name: judged, guards: true, args: ruleArgs },
    { name: `${judged}, no guards`, guards: false, args: ruleArgs },
    { name: 'watch list', guards: true, args: ['-c', config] },
    { name: 'watch list, no guards', guards: false, args: ['-c', config] },
  ]
}

async function runSteps(workload: MixWorkload): Promise<readonly number[]> {
  const times: number[] = []
  for (const step of MIX_STEPS) times.push(await workload.step(step))
  return times
}

async function withAgent(root: string, workload: MixWorkload, { guards, args }: Setup) {
  const file = join(workload.folder, 'agent.out')
  const stdout = openSync(file, 'w')
  try {
    const agent = await AgentProcess.start({
      root,
      options: [`kernel.guards=${guards}`, 'json_output=true'],
      args,
      stdout,
    })
    await agent.settle()
    const cpu = agent.cpuMs
    const from = performance.now()
    const times = await runSteps(workload)
    const cpuShare = (agent.cpuMs - cpu) / (performance.now() - from)
    const peakKb = agent.memoryKb.peak
    const summary = readSummary(await agent.stop())
    return { times, use: { summary, cpuShare, peakKb, found: foundIn(file, workload.folder) } }
  } finally {
    closeSync(stdout)
  }
}

/** Alerts and records about programs of the workload, which are known by its folder. */
function foundIn(file: string, folder: string): string {
  const counts = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes(folder)) continue
    const { rule, event_type: type } = JSON.parse(line) as Record<string, string | undefined>
    const name = rule ?? type ?? 'other'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

/** Events that the process table lives on: they are always delivered. */
const STATE: ReadonlySet<string> = new Set(
  EVENT_TYPES.filter(({ family }) => family.state === true).map(({ name }) => name),
)

/** Events that guards may pass over, and the share of them that they did. */
function candidatesOf({ events, drops, guarded }: AgentSummary): { all: number; share: number } {
  const delivered = [...events].reduce((sum, [name, count]) => (STATE.has(name) ? sum : sum + count), 0)
  const all = delivered + guarded + total(drops)
  return { all, share: all === 0 ? 0 : guarded / all }
}

function report(machine: Report['machine'], setups: readonly Setup[], rounds: readonly Round[]): Report {
  const uses = (setup: Setup): readonly AgentUse[] => rounds.map(({ on }) => on.get(setup)!.use)
  const of = (setup: Setup, value: (use: AgentUse) => number): number => median(uses(setup).map(value))
  const found = (setup: Setup): string => [...new Set(uses(setup).map((use) => use.found))].join(' | ')
  const rows = setups.map((setup) => [
    setup.name,
    of(setup, ({ summary }) => candidatesOf(summary).all).toFixed(0),
    (100 * of(setup, ({ summary }) => candidatesOf(summary).share)).toFixed(1),
    of(setup, ({ summary }) => total(summary.drops) + summary.lost).toFixed(0),
    of(setup, violationsOf).toFixed(0),
    (100 * of(setup, ({ cpuShare }) => cpuShare)).toFixed(1),
    (of(setup, ({ peakKb }) => peakKb) / 1024).toFixed(1),
    found(setup),
  ])
  return {
    bench: 'mix',
    title: 'A developer machine at work, with and without the agent',
    time: new Date().toISOString(),
    machine,
    method: [
      `${rounds.length} rounds; in each the steps run twice without the agent and once with each setup. A ratio is that of one round; off/off is what noise alone does.`,
      'Candidates are the events that guards may pass over: all but those that the process table lives on.',
      'The agent is measured from 5 s after its start on: processor time, and the peak of resident memory. The rings count in it, and the beginning of each twice.',
      'Found: alerts and records about programs of the workload, by rule or type; guards must not change them.',
    ],
    tables: [
      timesTable(setups, rounds),
      {
        title: 'The agent meanwhile (medians)',
        columns: [
          'setup',
          'candidates',
          'passed over %',
          'lost',
          'violations',
          'CPU % of a core',
          'peak MB',
          'found',
        ],
        rows,
      },
    ],
    goals: goalsOf(setups, of, found),
    results: {
      rounds: rounds.map(({ off, again, on }) => ({
        off,
        again,
        on: [...on].map(([{ name }, { times, use }]) => ({
          name,
          times,
          found: use.found,
          cpu_share: use.cpuShare,
          peak_kb: use.peakKb,
          ...candidatesOf(use.summary),
          violations: violationsOf(use),
          events: Object.fromEntries(use.summary.events),
        })),
      })),
    },
  }
}

const violationsOf = ({ summary }: AgentUse): number => summary.alerts.get(GUARD_RULE) ?? 0

function timesTable(setups: readonly Setup[], rounds: readonly Round[]): ReportTable {
  const sum = (times: readonly number[]): number => times.reduce((a, b) => a + b, 0)
  const row = (name: string, what: string, at: (times: readonly number[]) => number): readonly string[] => [
    name,
    what,
    median(rounds.map(({ off }) => at(off))).toFixed(0),
    median(rounds.map(({ off, again }) => at(again) / at(off))).toFixed(2),
    ...setups.map((setup) =>
      median(
        rounds.map(({ off, again, on }) => at(on.get(setup)!.times) / ((at(off) + at(again)) / 2)),
      ).toFixed(2),
    ),
  ]
  return {
    title: 'Wall time, ratio to the same round without the agent (medians)',
    columns: ['step', 'what', 'ms without', 'off/off', ...setups.map(({ name }) => name)],
    rows: [
      ...MIX_STEPS.map(({ name, what }, i) => row(name, what, (times) => times[i]!)),
      row('all', 'the steps together', sum),
    ],
  }
}

function goalsOf(
  setups: readonly Setup[],
  of: (setup: Setup, value: (use: AgentUse) => number) => number,
  found: (setup: Setup) => string,
): readonly Goal[] {
  return setups
    .filter(({ guards }) => guards)
    .flatMap((setup): Goal[] => {
      const other = setups[setups.indexOf(setup) + 1]!
      const share = 100 * of(setup, ({ summary }) => candidatesOf(summary).share)
      const same = found(setup) === found(other) && !found(setup).includes('|')
      return [
        {
          what: `${setup.name}: passed over in the kernel`,
          limit: 95,
          value: share,
          kind: 'least',
          unit: ' %',
        },
        {
          what: `${setup.name}: guard violations`,
          limit: 0,
          value: of(setup, violationsOf),
          kind: 'most',
          unit: '',
        },
        {
          what: `${setup.name}: differences in what is found`,
          limit: 0,
          value: same ? 0 : 1,
          kind: 'most',
          unit: '',
        },
        {
          what: `${setup.name}: CPU of the agent`,
          limit: 3,
          value: 100 * of(setup, ({ cpuShare }) => cpuShare),
          kind: 'most',
          unit: ' % of a core',
        },
        {
          what: `${setup.name}: peak of resident memory`,
          limit: 90,
          value: of(setup, ({ peakKb }) => peakKb) / 1024,
          kind: 'most',
          unit: ' MB',
        },
      ]
    })
}

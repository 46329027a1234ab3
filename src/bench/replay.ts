/**
 * `tarsier bench replay`: events a second of a capture through decoder, state, fields and rules, on one thread, and whether
 * memory stays flat as captures grow. The capture is made from the events of `bench rules`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Recorder } from '../capture/native/recorder.ts'
import { openCapture } from '../capture/open.ts'
import type { PipelineSink } from '../capture/source.ts'
import { configFrom } from '../config/options.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { replay } from '../replay.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { describeMachine } from './machine.ts'
import type { Report } from './report.ts'
import { generateRuleSet, loadRuleSet, type RuleSet } from './rule-sets.ts'
import { createMix } from './rules-mix.ts'

export const replayBench: Bench = {
  name: 'replay',
  summary: 'events a second of a capture through state and rules, and memory as captures grow',
  takesRules: true,
  run: runReplay,
}

/** Events of the mix; how often they stand in the small capture; how much larger the large one is. */
interface Effort {
  readonly events: number
  readonly passes: number
  readonly growth: number
}
const FULL: Effort = { events: 6000, passes: 60, growth: 4 }
const QUICK: Effort = { events: 300, passes: 2, growth: 3 }
/** Share of events with a string that was never seen before. */
const FRESH = 0.05
/** MiB that memory may grow with the capture. */
const FLAT_MIB = 64

interface Run {
  readonly rules: string
  readonly events: number
  readonly bytes: number
  readonly perSecond: number
  readonly nsCpu: number
  readonly alerts: number
  /** Resident after the run. */
  readonly rssMib: number
}

async function runReplay({ quick, progress, rules: paths = [] }: BenchOptions): Promise<Report> {
  const machine = describeMachine()
  const effort = quick ? QUICK : FULL
  const sets: readonly RuleSet[] = [
    { name: 'one simple rule', rules: generateRuleSet(1).rules, skipped: 0 },
    ...(paths.length === 0 ? [] : [loadRuleSet('own rules', paths)]),
    generateRuleSet(quick ? 20 : 100),
  ]
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-bench-'))
  const runs: Run[] = []
  try {
    for (const passes of [effort.passes, effort.passes * effort.growth]) {
      const file = join(folder, `${passes}.cap`)
      makeCapture(file, effort.events, passes)
      for (const set of sets) {
        const run = await measure(file, set)
        progress(`${run.events} events, ${set.name}: ${Math.round(run.perSecond)} events a second`)
        runs.push(run)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return report(machine, runs, effort)
}

/** The mix again and again, each time with strings of its own. */
function makeCapture(file: string, events: number, passes: number): void {
  const mix = createMix(events, FRESH)
  const recorder = new Recorder({
    ...{ file, rotateBytes: 0, rotateNs: 0, keep: 0 },
    failed(error) {
      throw error
    },
    facts: {
      ...{
        hostname: 'bench',
        hostId: 'bench',
        bootId: 'bench',
        kernel: '',
        machine: '',
        cpus: 1,
        created: 0n,
      },
      ...{ writer: 'bench', agent: 0, expression: '' },
    },
  })
  recorder.open(false, { living: () => [], before: () => ({ events: 0, first: 0, last: 0 }) })
  const sink = recorder.tee(NOBODY)
  sink.clock({ wall: 1_767_225_600_000_000_000n, boot: 0n })
  const view = new EventView(new Interner())
  view.map(mix.memory)
  for (let pass = 0; pass < passes; pass++) {
    mix.freshen()
    for (let i = pass === 0 ? 0 : mix.warmup; i < mix.offsets.length; i++)
      if (view.seek(mix.offsets[i]!, mix.lengths[i]!) === undefined) sink.event(view)
  }
  recorder.close()
}

const nothing = (): void => {}
const NOBODY: PipelineSink = {
  ...{ event: nothing, gap: nothing, clock: nothing, users: nothing, cgroup: nothing, container: nothing },
  ...{ name: nothing, namesSettled: nothing, error: nothing },
}

async function measure(file: string, { name, rules }: RuleSet): Promise<Run> {
  const interner = new Interner()
  const capture = await openCapture(file, interner)
  const cpu = process.cpuUsage()
  const start = performance.now()
  const { played, alerts } = await replay({
    ...{ capture, interner, rules, log: nothing, onClosed: nothing },
    config: configFrom(['stdout_output.enabled=false', 'rule_matching=all']),
  })
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  capture.close()
  return {
    rules: name,
    events: played,
    bytes: statSync(file).size,
    perSecond: played / seconds,
    nsCpu: ((user + system) * 1000) / played,
    alerts: [...alerts.values()].reduce((sum, n) => sum + n, 0),
    rssMib: process.memoryUsage().rss / 2 ** 20,
  }
}

function report(machine: Report['machine'], runs: readonly Run[], effort: Effort): Report {
  const [small, large] = [runs.slice(0, runs.length / 2), runs.slice(runs.length / 2)]
  return {
    bench: 'replay',
    title: 'Replay: events a second',
    time: new Date().toISOString(),
    machine,
    method: [
      `A capture of the events of 'bench rules' (${effort.events} of them, again and again, ${FRESH * 100} % with strings never seen before), read, unpacked, checked, applied to the process table and judged on one thread; alerts are made and go nowhere.`,
      'CPU is that of the whole process, collection of garbage included. Memory is what is resident after the run.',
    ],
    tables: [
      {
        title: 'replay',
        columns: [
          'rules',
          'events',
          'bytes an event',
          'events/s',
          'ns CPU an event',
          'alerts',
          'resident MiB',
        ],
        rows: runs.map((run) => [
          run.rules,
          String(run.events),
          (run.bytes / run.events).toFixed(1),
          Math.round(run.perSecond).toLocaleString('en'),
          run.nsCpu.toFixed(0),
          String(run.alerts),
          run.rssMib.toFixed(0),
        ]),
      },
    ],
    goals: [
      {
        what: `memory of a capture ${effort.growth} times as long`,
        limit: FLAT_MIB,
        value:
          Math.max(...large.map(({ rssMib }) => rssMib)) - Math.max(...small.map(({ rssMib }) => rssMib)),
        kind: 'most',
        unit: ' MiB more',
      },
    ],
    results: { effort, runs },
  }
}

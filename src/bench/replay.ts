/**
 * `tarsier bench replay`: events a second of a capture through decoder, state, fields and rules, on one thread, and whether
 * memory stays flat as captures grow. Captures are made: of ours from the events of `bench rules`, and scap files.
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
import { writeScapMix } from './scap-mix.ts'

export const replayBench: Bench = {
  name: 'replay',
  summary: 'events a second of a capture through state and rules, and memory as captures grow',
  takesRules: true,
  takesCapture: true,
  run: runReplay,
}

/**
 * Events of the mix; how often they stand in the small capture of ours; how much larger the large one is. Events of the small
 * scap file, and how much larger its large one is.
 */
interface Effort {
  readonly events: number
  readonly passes: number
  readonly growth: number
  readonly scapEvents: number
  readonly scapGrowth: number
}
const FULL: Effort = { events: 6000, passes: 60, growth: 4, scapEvents: 200_000, scapGrowth: 10 }
const QUICK: Effort = { events: 300, passes: 2, growth: 3, scapEvents: 6000, scapGrowth: 3 }
/** What Falco replayed in a second with its stable rules on a machine like ours; a goal where those are given. */
const PEER_PER_SECOND = 1.24
/** Share of events with a string that was never seen before. */
const FRESH = 0.05
/** MiB that memory may grow with the capture. */
const FLAT_MIB = 64

interface Run {
  /** Format of the capture. */
  readonly format: string
  readonly rules: string
  readonly events: number
  readonly bytes: number
  readonly perSecond: number
  readonly nsCpu: number
  readonly alerts: number
  /** Resident after the run. */
  readonly rssMib: number
  /** Most that was ever resident until then. */
  readonly peakMib: number
}

/** A capture to measure. */
interface Subject {
  readonly format: string
  readonly make: (file: string) => void
}

async function runReplay(options: BenchOptions): Promise<Report> {
  const { quick, rules: paths = [], capture } = options
  const machine = describeMachine()
  const effort = quick ? QUICK : FULL
  const own = paths.length === 0 ? [] : [loadRuleSet(OWN_RULES, paths)]
  const simple: RuleSet = { name: 'one simple rule', rules: generateRuleSet(1).rules, skipped: 0 }
  const sets: readonly RuleSet[] = [simple, ...own, generateRuleSet(quick ? 20 : 100)]
  if (capture !== undefined) return report(machine, await runsOf([], [simple, ...own], options), effort)
  // Scap files first: the peak of memory is that of all that was before.
  const { events, passes, growth, scapEvents, scapGrowth } = effort
  const scap = [scapEvents, scapEvents * scapGrowth].map(
    (least): Subject => ({ format: 'scap', make: (file) => void writeScapMix(file, least) }),
  )
  const native = [passes, passes * growth].map(
    (times): Subject => ({ format: 'tarsier', make: (file) => makeCapture(file, events, times) }),
  )
  const runs = [...(await runsOf(scap, [simple, ...own], options)), ...(await runsOf(native, sets, options))]
  return report(machine, runs, effort)
}

const OWN_RULES = 'own rules'

/** Measure each capture with each set of rules; without subjects, the capture that the user named. */
async function runsOf(
  subjects: readonly Subject[],
  sets: readonly RuleSet[],
  { progress, capture }: BenchOptions,
): Promise<readonly Run[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-bench-'))
  const runs: Run[] = []
  const measureAll = async (file: string): Promise<void> => {
    for (const set of sets) {
      const run = await measure(file, set)
      progress(
        `${run.events} events of ${run.format}, ${set.name}: ${Math.round(run.perSecond)} events a second`,
      )
      runs.push(run)
    }
  }
  try {
    if (capture !== undefined) await measureAll(capture)
    for (const { make } of subjects) {
      const file = join(folder, 'capture')
      make(file)
      await measureAll(file)
      rmSync(file)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return runs
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
    format: capture.format,
    rules: name,
    events: played,
    bytes: statSync(file).size,
    perSecond: played / seconds,
    nsCpu: ((user + system) * 1000) / played,
    alerts: [...alerts.values()].reduce((sum, n) => sum + n, 0),
    rssMib: process.memoryUsage().rss / 2 ** 20,
    peakMib: process.resourceUsage().maxRSS / 1024,
  }
}

function report(machine: Report['machine'], runs: readonly Run[], effort: Effort): Report {
  return {
    bench: 'replay',
    title: 'Replay: events a second',
    time: new Date().toISOString(),
    machine,
    method: [
      `tarsier: a capture of the events of 'bench rules' (${effort.events} of them, again and again, ${FRESH * 100} % with strings never seen before), read, unpacked, checked, applied to the process table and judged on one thread; alerts are made and go nowhere.`,
      'scap: a file of opens, reads and closes of a compiler, a search and a loop, of programs that are started and of connections, one event for a call as Falco writes them, not packed; the same way. What no rule wants is counted and changes what it changes.',
      'CPU is that of the whole process, collection of garbage included. Memory is what is resident after the run, and the most until then.',
    ],
    tables: [
      {
        title: 'replay',
        columns: [
          'capture',
          'rules',
          'events',
          'bytes an event',
          'events/s',
          'ns CPU an event',
          'alerts',
          'resident MiB',
          'peak MiB',
        ],
        rows: runs.map((run) => [
          run.format,
          run.rules,
          String(run.events),
          (run.bytes / run.events).toFixed(1),
          Math.round(run.perSecond).toLocaleString('en'),
          run.nsCpu.toFixed(0),
          String(run.alerts),
          run.rssMib.toFixed(0),
          run.peakMib.toFixed(0),
        ]),
      },
    ],
    goals: [
      ...flatness(runs, 'scap', effort.scapGrowth),
      ...flatness(runs, 'tarsier', effort.growth),
      ...speed(runs),
    ],
    results: { effort, runs },
  }
}

/** Does memory stay as it is while the capture grows? */
function flatness(all: readonly Run[], format: string, growth: number): Report['goals'] {
  const runs = all.filter((run) => run.format === format)
  const sizes = runs.map(({ events }) => events)
  const most = (size: number): number =>
    Math.max(...runs.filter(({ events }) => events === size).map(({ rssMib }) => rssMib))
  const [small, large] = [Math.min(...sizes), Math.max(...sizes)]
  if (runs.length === 0 || small === large) return []
  return [
    {
      what: `memory of a ${format} capture ${growth} times as long`,
      limit: FLAT_MIB,
      value: most(large) - most(small),
      kind: 'most',
      unit: ' MiB more',
    },
  ]
}

/** With rules of one's own: the mark of the peer was measured with its stable rules. */
function speed(runs: readonly Run[]): Report['goals'] {
  const own = runs.filter(({ format, rules }) => format === 'scap' && rules === OWN_RULES)
  if (own.length === 0) return []
  const best = Math.max(...own.map(({ perSecond }) => perSecond))
  return [
    {
      what: 'scap with own rules',
      limit: PEER_PER_SECOND,
      value: best / 1e6,
      kind: 'least',
      unit: ' million events/s',
    },
  ]
}

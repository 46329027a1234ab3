/**
 * What the number of rules does to an open that none of them wants, in the kernel: of a file opened over and over, and of
 * files that are opened for the first time; and how many opens are let through to user space.
 */
import { closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { AgentProcess } from './agent-process.ts'
import { programCosts } from './program-costs.ts'
import type { Goal, ReportTable } from './report.ts'
import { generateRules } from './rule-sets.ts'
import { readSummary } from './summary.ts'

export const RULE_COUNTS = { few: 100, many: 5000 } as const
const LIMIT = 1.2

export interface GrowthSample {
  readonly rules: number
  /** ns of the program at openat's exit, the least of several runs: of a file seen before, of files not seen before. */
  readonly again: number
  readonly first: number
  /** Share of the latter, and of what else the machine opened meanwhile, that went on to user space. */
  readonly letThrough: number
}

export interface GrowthOptions {
  readonly root: string
  /** Opens one file that no rule wants, many times. */
  readonly loop: () => Promise<unknown>
  readonly quick: boolean
}

/** Folders of which files are opened. */
const FOLDERS = ['/etc', '/usr/lib', '/usr/share']
const FILES = { quick: 500, full: 4000 } as const
const ROUNDS = { quick: 1, full: 3 } as const
const RUNS = 5

/** With few rules and with many, in turns. */
export async function measureGrowth(options: GrowthOptions): Promise<readonly GrowthSample[]> {
  const size = options.quick ? 'quick' : 'full'
  const files = FOLDERS.flatMap((folder) => [...filesBelow(folder, FILES[size] / FOLDERS.length)])
  const counts = Object.values(RULE_COUNTS)
  const least = new Map(counts.map((rules) => [rules, Number.POSITIVE_INFINITY]))
  for (let round = 0; round < ROUNDS[size]; round++)
    for (const rules of counts) least.set(rules, Math.min(least.get(rules)!, await againCost(options, rules)))
  const samples: GrowthSample[] = []
  for (const rules of counts)
    samples.push({ rules, again: least.get(rules)!, ...(await firstCost(options.root, rules, files)) })
  return samples
}

async function againCost({ root, loop }: GrowthOptions, rules: number): Promise<number> {
  const agent = await AgentProcess.start({ root, rules: generateRules(rules) })
  let least = Number.POSITIVE_INFINITY
  try {
    for (let run = 0; run < RUNS; run++) least = Math.min(least, await openCost(agent.pid, loop))
  } finally {
    await agent.stop()
  }
  return least
}

/** An agent of its own: what it counts are these opens, and what else the machine opens meanwhile. */
async function firstCost(
  root: string,
  rules: number,
  files: readonly string[],
): Promise<Pick<GrowthSample, 'first' | 'letThrough'>> {
  const agent = await AgentProcess.start({ root, rules: generateRules(rules) })
  let first: number
  let log: string
  try {
    first = await openCost(agent.pid, async () => openAll(files))
  } finally {
    log = await agent.stop()
  }
  const { events, guarded } = readSummary(log)
  const delivered = events.get('openat') ?? 0
  return { first, letThrough: delivered / Math.max(1, delivered + guarded) }
}

async function openCost(pid: number, body: () => Promise<unknown>): Promise<number> {
  const { ns, runs } = (await programCosts(pid, body)).get('exit_openat') ?? { ns: Number.NaN, runs: 0 }
  return ns / runs
}

function openAll(files: readonly string[]): void {
  for (const file of files)
    try {
      closeSync(openSync(file, 'r'))
    } catch {
      // Gone, or not for us: an open all the same.
    }
}

/** Files below a folder, at most `max`, links not followed. */
function* filesBelow(folder: string, max: number): Generator<string> {
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined && max > 0; at = folders.pop()) {
    const entries = readdirSync(at, { withFileTypes: true })
    for (const entry of entries.slice(0, max)) {
      const path = join(at, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && max-- > 0) yield path
    }
  }
}

export function growthTable(samples: readonly GrowthSample[]): ReportTable {
  return {
    title: 'Made-up rules: the program at the exit of openat, ns a run (the least of several)',
    columns: ['rules', 'a file over and over', 'files for the first time', 'of these let through %'],
    rows: samples.map(({ rules, again, first, letThrough }) => [
      String(rules),
      again.toFixed(0),
      first.toFixed(0),
      (100 * letThrough).toFixed(1),
    ]),
  }
}

export function growthGoal(samples: readonly GrowthSample[]): Goal {
  const of = (count: number): number => samples.find(({ rules }) => rules === count)?.again ?? Number.NaN
  return {
    what: `open, ${RULE_COUNTS.many} rules to ${RULE_COUNTS.few}, in the kernel`,
    limit: LIMIT,
    value: of(RULE_COUNTS.many) / of(RULE_COUNTS.few),
    kind: 'most',
    unit: '',
  }
}

/** What a measurement found, and its three spellings: a page for the terminal, Markdown, JSON. */
import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Machine, machineText } from './machine.ts'

export interface ReportTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A limit we set ourselves. */
export interface Goal {
  readonly what: string
  readonly limit: number
  readonly value: number
  /** `most`: the value may be at most the limit; `least`: at least. */
  readonly kind: 'most' | 'least'
  readonly unit: string
}

export interface Report {
  /** Name of the measurement: `tarsier bench NAME`. */
  readonly bench: string
  readonly title: string
  /** RFC 3339, UTC. */
  readonly time: string
  readonly machine: Machine
  /** What makes the numbers doubtful, in sentences. */
  readonly warnings?: readonly string[]
  /** How it was measured, in sentences. */
  readonly method: readonly string[]
  readonly tables: readonly ReportTable[]
  readonly goals: readonly Goal[]
  /** All numbers, for programs. */
  readonly results: Readonly<Record<string, unknown>>
}

export const isMet = ({ kind, value, limit }: Goal): boolean =>
  kind === 'most' ? value <= limit : value >= limit

const goalText = (goal: Goal): string =>
  `${goal.what}: ${goal.value.toFixed(2)}${goal.unit}, goal at ${goal.kind} ${goal.limit}${goal.unit}: ${isMet(goal) ? 'met' : 'MISSED'}`

/** JSON of a report, in one line. */
export const reportJson = (report: Report): string => {
  const goals = report.goals.map((goal) => ({ ...goal, met: isMet(goal) }))
  const { tables: _, ...rest } = report
  return JSON.stringify({ ...rest, goals })
}

/** For the terminal: `table` draws one. */
export function reportText(
  report: Report,
  table: (columns: readonly string[], rows: readonly (readonly string[])[]) => string,
): string {
  const parts = [`${report.title}\n${machineText(report.machine)}\n`]
  for (const warning of report.warnings ?? []) parts.push(`WARNING: ${warning}\n`)
  for (const { title, columns, rows } of report.tables) parts.push(`${title}\n${table(columns, rows)}`)
  parts.push(`${report.goals.map(goalText).join('\n')}\n`)
  return parts.join('\n')
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
const markdownRow = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

export function reportMarkdown(report: Report): string {
  const lines = [`# ${report.title}`, '', `${report.time}. ${machineText(report.machine)}.`, '']
  for (const warning of report.warnings ?? []) lines.push(`**Warning**: ${warning}`, '')
  for (const sentence of report.method) lines.push(`- ${sentence}`)
  for (const { title, columns, rows } of report.tables)
    lines.push(
      '',
      `## ${title}`,
      '',
      markdownRow(columns),
      markdownRow(columns.map(() => '---')),
      ...rows.map(markdownRow),
    )
  lines.push('', '## Goals', '', ...report.goals.map((goal) => `- ${goalText(goal)}`), '')
  return lines.join('\n')
}

/**
 * Write `NAME.md` and `NAME.json` into a folder, made if need be; returns their names. What root writes into somebody
 * else's folder belongs to that folder's owner.
 *
 * @throws the error of node:fs when it cannot be written.
 */
export function writeReport(report: Report, folder: string): string[] {
  makeFolder(folder)
  const files = [
    [join(folder, `${report.bench}.md`), reportMarkdown(report)],
    [join(folder, `${report.bench}.json`), `${reportJson(report)}\n`],
  ] as const
  for (const [file, text] of files) {
    writeFileSync(file, text)
    ownAs(dirname(file), file)
  }
  return files.map(([file]) => file)
}

/**
 * mkdir -p; new folders belong to whoever owns the one they are made in. Step by step, because Node's recursive mkdir
 * never ends where a file system refuses with ENOENT, as /proc does.
 *
 * @throws the error of node:fs when it cannot be made.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory())
      throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR', path: folder })
    return
  }
  makeFolder(dirname(folder))
  mkdirSync(folder)
  ownAs(dirname(folder), folder)
}

/** Give a file the owner of another. */
export function ownAs(model: string, file: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(model)
  chownSync(file, uid, gid)
}

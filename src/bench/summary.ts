/** The summary an agent writes when it ends (renderSummary of the command `run`), read back. */

export interface AgentSummary {
  /** Delivered events by type. */
  readonly events: ReadonlyMap<string, number>
  readonly drops: ReadonlyMap<string, number>
  readonly alerts: ReadonlyMap<string, number>
  /** Events passed over in the kernel. */
  readonly guarded: number
  readonly lost: number
}

/** Read what is there; a log without a summary has nothing. */
export function readSummary(log: string): AgentSummary {
  const lines = log.split('\n')
  const last = lines.findLast((line) => /^lost \d+, /.test(line)) ?? ''
  const number = (before: string): number => Number(new RegExp(`${before} (\\d+)`).exec(last)?.[1] ?? 0)
  return {
    events: section(lines, 'events'),
    drops: section(lines, 'drops'),
    alerts: section(lines, 'alerts'),
    guarded: number('passed over in the kernel'),
    lost: number('^lost'),
  }
}

function section(lines: readonly string[], title: string): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  const from = lines.lastIndexOf(title) + 1
  for (let i = from; i > 0 && i < lines.length; i++) {
    const row = /^ {2}\s*(\d+) {2}(.+)$/.exec(lines[i]!)
    if (row === null) break
    rows.set(row[2]!, Number(row[1]))
  }
  return rows
}

export const total = (rows: ReadonlyMap<string, number>): number =>
  [...rows.values()].reduce((sum, count) => sum + count, 0)

/** `bin/tarsier monitor`, started like the agent of the other tests. */
import { closeSync, openSync } from 'node:fs'
import { type Running, type Start, startAgent } from './agent.ts'

export const startMonitor = (args: readonly string[] = [], more: Partial<Start> = {}): Promise<Running> =>
  startAgent({ command: 'monitor', args, ...more })

export type Json = Readonly<Record<string, unknown>>

/** Records of a kind among whole lines. Throws when a line is no JSON. */
export const recordsOf = (lines: readonly string[], kind: 'open' | 'alert'): Json[] =>
  lines.map((line) => JSON.parse(line) as Json).filter((record) => record['kind'] === kind)

/** Open a file that is not opened otherwise, and wait until the monitor has told of it: all before it has been told, too. */
export async function settle(monitor: Running, file: string): Promise<void> {
  closeSync(openSync(file, 'a'))
  const came = await monitor.until(() => monitor.lines.some((line) => line.includes(file)), 5000)
  if (!came) throw new Error(`the monitor does not tell of ${file}; stderr: ${monitor.stderr}`)
}

/** The file monitor beside the pipeline: a line for each open, and a warning for each alert about a file. */
import type { Alert } from '../detect/alert.ts'
import type { SyscallContext } from '../fields/context.ts'
import { jsonString, visibleBytes } from '../outputs/escape.ts'
import { OPENS, openLines } from './open-line.ts'
import type { MonitorOptions } from './options.ts'
import { SUSPICIOUS } from './rules.ts'

export interface MonitorObserver {
  readonly events: ReadonlySet<string>
  /** Files whose opens have a line, with all below them; every file when empty. */
  readonly paths: readonly string[]
  line(ctx: SyscallContext): string | undefined
  alert(alert: Alert): void
}

/** `warn` gets the line about a file, without its line feed. */
export function createObserver(options: MonitorOptions, warn: (line: string) => void): MonitorObserver {
  const line = openLines(options)
  return {
    events: OPENS,
    paths: options.paths,
    line: (ctx) => (OPENS.has(ctx.event.name) ? line(ctx) : undefined),
    alert({ rule, fields }) {
      const path = fields.get('fd.name')
      if (rule.startsWith(SUSPICIOUS) && typeof path === 'string') warn(warningLine(path))
    },
  }
}

/** `WARN "/path" is suspiciously active`, the path escaped like a JSON string. */
export const warningLine = (path: string): string =>
  `WARN ${jsonString(visibleBytes(path))} is suspiciously active`

/** What the operating system says about the agent itself. */
import { readFileSync } from 'node:fs'

export interface OwnUsage {
  /** KiB, null where it cannot be read. */
  readonly rss: number | null
  readonly pss: number | null
  /** Processor time, s. */
  readonly cpu: number
}

export const ownUsage = (): OwnUsage => {
  const { user, system } = process.cpuUsage()
  return {
    rss: kilobytes('/proc/self/status', /^VmRSS:\s+(\d+) kB/m),
    pss: kilobytes('/proc/self/smaps_rollup', /^Pss:\s+(\d+) kB/m),
    cpu: (user + system) / 1e6,
  }
}

/** A process without dumpable memory may not read all of its own files in /proc. */
function kilobytes(file: string, line: RegExp): number | null {
  try {
    const found = line.exec(readFileSync(file, 'utf8'))?.[1]
    return found === undefined ? null : Number(found)
  } catch {
    return null
  }
}

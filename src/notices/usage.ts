/** What host and agent use, from /proc. */
import { readFileSync } from 'node:fs'
import { ownUsage } from '../health/measure.ts'
import type { Usage } from './metrics.ts'

/** Where Falco reads the memory of its container. */
const CONTAINER_MEMORY = '/sys/fs/cgroup/memory/memory.usage_in_bytes'

/** `env` may name another file for the memory of the agent's container. */
export function readUsage(env: Readonly<Record<string, string | undefined>> = process.env): Usage {
  const container = number(read(env['FALCO_CGROUP_MEM_PATH'] || CONTAINER_MEMORY), /^(\d+)$/m)
  const { rss, pss, cpu } = ownUsage()
  const ticks = /^cpu +(.+)$/m.exec(read('/proc/stat'))?.[1]?.split(/\s+/).map(Number)
  // user nice system idle iowait irq softirq steal; guests are part of user.
  const total = ticks?.slice(0, 8).reduce((sum, n) => sum + n, 0)
  const memory = read('/proc/meminfo')
  const [all, available] = [number(memory, /^MemTotal:\s+(\d+)/m), number(memory, /^MemAvailable:\s+(\d+)/m)]
  return {
    cpu,
    rss: rss ?? undefined,
    pss: pss ?? undefined,
    vsz: number(read('/proc/self/status'), /^VmSize:\s+(\d+)/m),
    containerMemory: container === undefined ? undefined : Math.round(container / 1024),
    hostTotal: total,
    hostBusy: total === undefined ? undefined : total - (ticks?.[3] ?? 0) - (ticks?.[4] ?? 0),
    hostMemory: all === undefined || available === undefined ? undefined : all - available,
    hostRunning: number(read('/proc/stat'), /^procs_running (\d+)/m),
    hostFiles: number(read('/proc/sys/fs/file-nr'), /^(\d+)/),
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function number(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

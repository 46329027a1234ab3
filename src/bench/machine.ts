/** The machine a measurement was made on: without it a number means nothing. */
import { cpus, loadavg, release, totalmem } from 'node:os'
import { readOptional } from '../kernel/machine.ts'

export interface Machine {
  readonly cpu: string
  readonly cpus: number
  readonly memoryGb: number
  readonly kernel: string
  readonly arch: string
  readonly system: string
  readonly node: string
  readonly v8: string
  /** BPF just-in-time compiler: /proc/sys/net/core/bpf_jit_enable, `?` where it cannot be read. */
  readonly bpfJit: string
  /** Load average of the last minute when the measurement began. */
  readonly load: number
}

export function describeMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() || 'unknown processor',
    cpus: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    arch: process.arch,
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(readOptional('/etc/os-release') ?? '')?.[1] ?? 'Linux',
    node: process.versions.node,
    v8: process.versions.v8,
    bpfJit: readOptional('/proc/sys/net/core/bpf_jit_enable')?.trim() ?? '?',
    load: Math.round(loadavg()[0]! * 100) / 100,
  }
}

/** One line for people. */
export const machineText = (m: Machine): string =>
  `${m.cpu}, ${m.cpus} CPUs, ${m.memoryGb} GB; ${m.system}, Linux ${m.kernel} ${m.arch}, BPF JIT ${m.bpfJit}; ` +
  `Node ${m.node} (V8 ${m.v8}); load ${m.load} at the start`

/** What this kernel offers: found out by trying, not by version numbers. */
import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { capabilityUse, missingCapabilities } from './capabilities.ts'
import { type Libbpf, LibbpfMissingError, loadLibbpf } from './libbpf.ts'
import { closeFd, openDetachedMount, SystemError } from './libc.ts'
import { openTracefs, readOptional, TracefsError, V1_CONTROLLERS, v1ControllerBits } from './machine.ts'
import { missingSyscalls, NATIVE_SYSCALLS } from './missing-syscalls.ts'

export type Verdict = 'ok' | 'degraded' | 'missing' | 'unknown'

/** One line of the table. */
export interface Finding {
  readonly area: 'kernel' | 'privileges' | 'cgroups' | 'syscalls' | 'programs'
  readonly name: string
  readonly verdict: Verdict
  /** What was found. */
  readonly detail: string
  /** What Tarsier does without it, or how to mend it; only when the verdict is not ok. */
  readonly instead?: string
}

/** Run all probes. Never throws: what cannot be found out is `unknown` with the reason. `objects`: folder of compiled objects. */
export function probeMachine(objects: string): Finding[] {
  return [
    ...kernelFindings(),
    ...privilegeFindings(),
    ...cgroupFindings(),
    syscallFinding(),
    ...programFindings(objects),
  ]
}

function kernelFindings(): Finding[] {
  const area = 'kernel'
  const btf = readSize('/sys/kernel/btf/vmlinux')
  const jit = readOptional('/proc/sys/net/core/bpf_jit_enable')?.trim()
  const lockdown = lockdownMode()
  return [
    { area, name: 'release', verdict: 'ok', detail: `${release()} (${process.arch})` },
    btf === undefined
      ? {
          area,
          name: 'BTF',
          verdict: 'missing',
          detail: '/sys/kernel/btf/vmlinux is not there',
          instead: 'nothing can be loaded; use a kernel built with CONFIG_DEBUG_INFO_BTF=y',
        }
      : { area, name: 'BTF', verdict: 'ok', detail: `/sys/kernel/btf/vmlinux, ${btf} bytes` },
    jitFinding(jit),
    lockdown,
    tracefsFinding(),
    compatFinding(),
    libraryFinding(),
  ]
}

/** The file is there where the kernel runs 32-bit programs (CONFIG_COMPAT, arch/x86/entry/vdso/vdso32-setup.c). */
function compatFinding(): Finding {
  const base = { area: 'kernel', name: '32-bit calls' } as const
  if (process.arch !== 'x64')
    return { ...base, verdict: 'unknown', detail: 'looked at on x86-64 only', instead: 'they are not seen' }
  if (!existsSync('/proc/sys/abi/vsyscall32'))
    return { ...base, verdict: 'ok', detail: 'this kernel has no entry points for 32-bit programs' }
  return {
    ...base,
    verdict: 'degraded',
    detail: 'no tracepoint of their own: seen at the exit of all syscalls',
    instead:
      'syscalls.compat = auto looks from the first 32-bit program on; until then, int $0x80 in a 64-bit program is not seen',
  }
}

function jitFinding(value: string | undefined): Finding {
  const base = { area: 'kernel', name: 'BPF JIT' } as const
  const harden = readOptional('/proc/sys/net/core/bpf_jit_harden')?.trim() ?? '?'
  if (value === undefined)
    return { ...base, verdict: 'unknown', detail: 'net.core.bpf_jit_enable cannot be read' }
  if (value === '0')
    return {
      ...base,
      verdict: 'degraded',
      detail: 'net.core.bpf_jit_enable = 0',
      instead: 'programs are interpreted, several times slower; sysctl net.core.bpf_jit_enable=1',
    }
  return { ...base, verdict: 'ok', detail: `net.core.bpf_jit_enable = ${value}, bpf_jit_harden = ${harden}` }
}

/** A file of securityfs, through a mount of our own where it is not mounted. */
function readSecurityfs(file: string): string | undefined {
  const mounted = readOptional(`/sys/kernel/security/${file}`)
  if (mounted !== undefined) return mounted
  try {
    const fd = openDetachedMount('securityfs')
    try {
      return readOptional(`/proc/self/fd/${fd}/${file}`)
    } finally {
      closeFd(fd)
    }
  } catch {
    return undefined
  }
}

/** /sys/kernel/security/lockdown shows the mode in brackets; without securityfs nothing can be said. */
function lockdownMode(): Finding {
  const base = { area: 'kernel', name: 'lockdown' } as const
  const mode = /\[(\w+)\]/.exec(readSecurityfs('lockdown') ?? '')?.[1]
  if (mode === undefined) return { ...base, verdict: 'unknown', detail: 'securityfs cannot be read' }
  if (mode === 'confidentiality')
    return {
      ...base,
      verdict: 'missing',
      detail: mode,
      instead: 'programs may not read kernel memory; boot without lockdown=confidentiality',
    }
  return { ...base, verdict: 'ok', detail: mode }
}

function tracefsFinding(): Finding {
  const base = { area: 'kernel', name: 'tracefs' } as const
  try {
    const tracefs = openTracefs()
    const id = tracefs.tracepointId('syscalls/sys_exit_openat')
    tracefs.close()
    if (id !== undefined) return { ...base, verdict: 'ok', detail: tracefs.place }
    return {
      ...base,
      verdict: 'degraded',
      detail: 'no syscall tracepoints',
      instead: 'only process events; use a kernel built with CONFIG_FTRACE_SYSCALLS=y',
    }
  } catch (error) {
    return {
      ...base,
      verdict: 'missing',
      detail: (error as Error).message,
      instead:
        error instanceof TracefsError && error.needs === 'CAP_DAC_READ_SEARCH'
          ? 'nothing can be attached; run with CAP_DAC_READ_SEARCH'
          : 'nothing can be attached; mount tracefs at /sys/kernel/tracing or run with CAP_SYS_ADMIN',
    }
  }
}

function libraryFinding(): Finding {
  const base = { area: 'kernel', name: 'libbpf' } as const
  try {
    return { ...base, verdict: 'ok', detail: `libbpf.so.1, version ${loadLibbpf().version}` }
  } catch (error) {
    return {
      ...base,
      verdict: 'missing',
      detail: (error as Error).message,
      instead: 'apt-get install libbpf1',
    }
  }
}

function privilegeFindings(): Finding[] {
  const area = 'privileges'
  const { held, unheld } = capabilityUse()
  const missing = missingCapabilities()
  const rows: Finding[] = [
    ...held.map(({ name, what }) => ({ area, name, verdict: 'ok', detail: what }) as const),
    ...unheld.map(({ name, what, needless, without }): Finding => {
      if (needless !== undefined)
        return { area, name, verdict: 'ok', detail: `not held, and not needed: ${needless}` }
      const verdict = missing.includes(name) ? 'missing' : 'degraded'
      return { area, name, verdict, detail: `not held: ${what}`, instead: without }
    }),
  ]
  const limit = /Max locked memory\s+(\S+)/.exec(readOptional('/proc/self/limits') ?? '')?.[1] ?? 'unknown'
  rows.push({
    area,
    name: 'RLIMIT_MEMLOCK',
    verdict: 'ok',
    detail: `${limit}${limit === 'unlimited' ? '' : ' bytes'}; BPF maps count for the memory cgroup since Linux 5.11`,
  })
  return rows
}

function cgroupFindings(): Finding[] {
  const mounts = (readOptional('/proc/mounts') ?? '').split('\n').map((line) => line.split(' '))
  const of = (type: string): string[] =>
    mounts.filter((mount) => mount[2] === type).map((mount) => mount[1] ?? '')
  const bits = v1ControllerBits()
  const v1 = V1_CONTROLLERS.filter((_, i) => (bits >> i) & 1)
  const v2 = of('cgroup2')
  const kind = bits === 0 ? 'v2 only' : v2.length > 0 ? 'hybrid: v1 controllers and v2' : 'v1 only'
  return [
    { area: 'cgroups', name: 'layout', verdict: 'ok', detail: kind },
    {
      area: 'cgroups',
      name: 'v2 mounts',
      verdict: v2.length > 0 ? 'ok' : 'degraded',
      detail: v2.join(', ') || 'none',
      ...(v2.length > 0 ? {} : { instead: 'container ids come from v1 cgroups' }),
    },
    { area: 'cgroups', name: 'v1 controllers', verdict: 'ok', detail: v1.join(', ') || 'none' },
  ]
}

/** Calls that rules may name and this kernel does not have. */
function syscallFinding(): Finding {
  const base = { area: 'syscalls', name: 'of this kernel' } as const
  try {
    const tracefs = openTracefs()
    const missing = missingSyscalls(tracefs, NATIVE_SYSCALLS)
    tracefs.close()
    if (missing === undefined) return { ...base, verdict: 'unknown', detail: 'no syscall tracepoints' }
    const have = `${NATIVE_SYSCALLS.length - missing.length} of ${NATIVE_SYSCALLS.length}`
    if (missing.length === 0) return { ...base, verdict: 'ok', detail: have }
    return {
      ...base,
      verdict: 'degraded',
      detail: `${have}; not ${[...missing].sort().join(', ')}`,
      instead: 'attempts are seen at the exit of all syscalls, failing with ENOSYS',
    }
  } catch (error) {
    return { ...base, verdict: 'unknown', detail: (error as Error).message }
  }
}

/** Probe program, what it is for, what takes its place. */
const PROGRAMS: readonly (readonly [program: string, name: string, instead: string | undefined])[] = [
  ['tracepoint', 'tracepoint/syscalls', 'no file or network events'],
  ['raw_tracepoint', 'raw_tracepoint', 'nothing that is in use now'],
  ['btf_tracepoint', 'tp_btf', 'no process events: the agent cannot run'],
  ['iterator', 'iter/task', 'the process table is read from /proc'],
  ['sleepable_iterator', 'iter.s/task', 'the process table is read from /proc'],
  ['kprobe', 'kprobe', 'not needed'],
  ['fentry', 'fentry (trampoline)', 'syscall tracepoints, which cost every other syscall about 10 ns'],
  ['lsm', 'lsm (trampoline)', 'syscall tracepoints: detection works, denial does not'],
  ['cgroup_connect4', 'cgroup/connect4', 'nothing that is in use now'],
]

function programFindings(objects: string): Finding[] {
  const area = 'programs'
  let lib: Libbpf
  try {
    lib = loadLibbpf()
  } catch (error) {
    if (!(error instanceof LibbpfMissingError)) throw error
    return [{ area, name: 'all', verdict: 'unknown', detail: 'libbpf is not there' }]
  }
  return PROGRAMS.map(([program, name, instead]) => {
    const reason = tryProgram(lib, join(objects, 'probe/probe.bpf.o'), program)
    if (program === 'kprobe' && reason === undefined && !hasKprobes())
      return {
        area,
        name,
        verdict: 'degraded',
        detail: 'loads, but this kernel has no kprobes',
        instead: instead!,
      }
    if (reason === undefined) return { area, name, verdict: 'ok', detail: 'loads' }
    return { area, name, verdict: 'degraded', detail: reason, ...(instead === undefined ? {} : { instead }) }
  })
}

/** The perf event source that programs of type kprobe attach through (CONFIG_KPROBE_EVENTS). */
const hasKprobes = (): boolean => existsSync('/sys/bus/event_source/devices/kprobe')

/** Load one program of an object and nothing else; the reason when the kernel refuses. */
function tryProgram(lib: Libbpf, file: string, program: string): string | undefined {
  try {
    const object = lib.openObject(file)
    try {
      const log = new Uint8Array(1 << 16)
      for (const { name, pointer } of lib.programs(object)) {
        lib.setAutoload(pointer, name === program)
        lib.setLogBuffer(pointer, log)
      }
      lib.loadObject(object)
      return undefined
    } finally {
      lib.closeObject(object)
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return `refused with ${error.code}`
  }
}

function readSize(file: string): number | undefined {
  try {
    return readFileSync(file).length
  } catch {
    return undefined
  }
}

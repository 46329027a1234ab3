/** Capabilities that the agent makes use of: what for, on which machines, and what becomes of it without. */
import { getPriority, release } from 'node:os'
import { CAPABILITIES } from '../../schema/enums/index.ts'
import { effectiveCapabilities } from './libc.ts'
import { mountedCgroupRoot, mountedTracefs } from './machine.ts'

export type Capability = (typeof CAPABILITIES)[number]

/** One that is not held. */
export interface Unheld {
  readonly name: Capability
  readonly what: string
  /** Why that does no harm here; undefined when it does. */
  readonly needless: string | undefined
  /** What is missing then, or serves instead. */
  readonly without: string
}

interface Needed {
  readonly name: Capability
  readonly what: string
  readonly without: string
  /** Why a machine does not ask for it. */
  readonly needless?: (machine: Machine) => string | undefined
}

/** What decides about needs. */
interface Machine {
  /** Is the kernel at least of this version? */
  readonly since: (major: number, minor: number) => boolean
  readonly held: (name: Capability) => boolean
}

const OLD = 'this kernel asks for CAP_SYS_ADMIN instead'
const ADMIN = 'CAP_SYS_ADMIN serves as well'
const before58 = ({ since }: Machine): string | undefined => (since(5, 8) ? undefined : OLD)

const NEEDED: readonly Needed[] = [
  { name: 'CAP_BPF', what: 'load programs', without: ADMIN, needless: before58 },
  {
    name: 'CAP_PERFMON',
    what: 'attach to tracepoints and read kernel memory',
    without: ADMIN,
    needless: before58,
  },
  {
    name: 'CAP_DAC_READ_SEARCH',
    what: 'read tracefs, which is for root alone, and files of others',
    without: 'tracefs and rule files must be readable',
  },
  {
    name: 'CAP_SYS_ADMIN',
    what: 'reach tracefs and cgroup v2 where they are not mounted',
    without: 'mount tracefs at /sys/kernel/tracing, cgroup v2 at /sys/fs/cgroup',
    needless: ({ since }) =>
      since(5, 8) && mountedTracefs() !== undefined && mountedCgroupRoot('') !== undefined
        ? 'tracefs and cgroup v2 are mounted'
        : undefined,
  },
  {
    name: 'CAP_NET_ADMIN',
    what: 'attach programs that look at packets',
    without: 'no net_packet events',
    needless: ({ since, held }) =>
      since(6, 9) && held('CAP_SYS_ADMIN') ? 'CAP_SYS_ADMIN serves on this kernel' : undefined,
  },
  {
    name: 'CAP_SYS_PTRACE',
    what: 'read /proc of running processes of others',
    without:
      'where the kernel has no iterators, programs and arguments of processes older than the agent are missing; trace has no hashes of programs in containers',
  },
  {
    name: 'CAP_SYS_RESOURCE',
    what: 'raise the limit of locked memory',
    without: 'RLIMIT_MEMLOCK must be unlimited',
    needless: ({ since }) => (since(5, 11) ? 'maps count for the memory cgroup since Linux 5.11' : undefined),
  },
  {
    name: 'CAP_SYS_NICE',
    what: 'raise the priority of the agent (agent.nice)',
    without: 'in a fork bomb the rings are read too late; Nice= of the service manager does it as well',
    needless: () => (getPriority() < 0 ? `the priority is ${getPriority()} already` : undefined),
  },
]

/** Held ones with what they are for, and the others. */
export function capabilityUse(held = effectiveCapabilities()): {
  readonly held: readonly Pick<Unheld, 'name' | 'what'>[]
  readonly unheld: readonly Unheld[]
} {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  const has = (name: Capability): boolean => ((held >> BigInt(CAPABILITIES.indexOf(name))) & 1n) === 1n
  const machine = { held: has, since: (a: number, b: number) => major > a || (major === a && minor >= b) }
  return {
    held: NEEDED.filter(({ name }) => has(name)),
    unheld: NEEDED.filter(({ name }) => !has(name)).map(({ name, what, without, needless }) => ({
      name,
      what,
      without,
      needless: needless?.(machine),
    })),
  }
}

/** Both, or CAP_SYS_ADMIN. */
const VITAL_CAPABILITIES: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON']

/** Capabilities without which nothing can be loaded; empty when the set is sufficient. */
export function missingCapabilities(held = effectiveCapabilities()): Capability[] {
  const { unheld } = capabilityUse(held)
  if (!unheld.some(({ name }) => name === 'CAP_SYS_ADMIN')) return []
  return VITAL_CAPABILITIES.filter((vital) => unheld.some(({ name }) => name === vital))
}

/** Facts about this machine that the loader and `doctor` need, each read once from the kernel's own files. */
import { existsSync, openSync, readFileSync } from 'node:fs'
import { closeFd, openDetachedMount, SystemError } from './libc.ts'

/** Number of possible CPUs: highest index in /sys/devices/system/cpu/possible plus one. */
export function possibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',')
  return Math.max(...ranges.map((range) => Number(range.split('-').at(-1)))) + 1
}

/** Controllers the kernel side may look at, in the order of their bits (bpf/include/task.h). */
export const V1_CONTROLLERS = ['memory', 'pids', 'cpu', 'devices', 'freezer', 'cpuset'] as const

/**
 * Bit mask of the V1_CONTROLLERS that sit in a v1 hierarchy: /proc/cgroups gives hierarchy 0 to controllers of the v2
 * one and to those not in use.
 */
export function v1ControllerBits(procCgroups = readOptional('/proc/cgroups') ?? ''): number {
  let bits = 0
  for (const line of procCgroups.split('\n')) {
    const [name, hierarchy] = line.split('\t')
    const bit = V1_CONTROLLERS.indexOf(name as (typeof V1_CONTROLLERS)[number])
    if (bit >= 0 && Number(hierarchy) > 0) bits |= 1 << bit
  }
  return bits
}

export function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Ids of tracepoints, from tracefs. */
export interface Tracefs {
  /** How it is reached, for `doctor`. */
  readonly place: string
  /** Folder of it, while it is open. */
  readonly path: string
  /** Id of a tracepoint such as `syscalls/sys_exit_openat`; undefined when this kernel has none of that name. */
  tracepointId(name: string): number | undefined
  close(): void
}

const MOUNTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']

/**
 * tracefs where it is mounted, else through a mount of our own that no other process sees: nothing on the machine
 * changes. Throws SystemError when neither works.
 */
export function openTracefs(): Tracefs {
  const mounted = MOUNTS.find((dir) => existsSync(`${dir}/events`))
  const fd = mounted === undefined ? openDetachedMount('tracefs') : -1
  const base = mounted ?? `/proc/self/fd/${fd}`
  return {
    place: mounted ?? 'a private mount',
    path: base,
    tracepointId(name) {
      const id = readOptional(`${base}/events/${name}/id`)
      return id === undefined ? undefined : Number(id)
    },
    close() {
      if (fd >= 0) closeFd(fd)
    },
  }
}

const EXDEV = 18

/**
 * Descriptor of the root of cgroup v2. A mount of our own that no other process sees; in a cgroup namespace of our own that
 * begins at our own cgroup, so it must be what the host has mounted below `hostRoot`. Throws SystemError, EXDEV when neither is
 * the root.
 */
export function openCgroupRoot(hostRoot: string): number {
  const detached = openDetachedMount('cgroup2')
  // Every cgroup but the root has a type (cgroups(7)).
  if (!existsSync(`/proc/self/fd/${detached}/cgroup.type`)) return detached
  closeFd(detached)
  const root = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
    .map((folder) => hostRoot + folder)
    .find((folder) => existsSync(`${folder}/cgroup.controllers`) && !existsSync(`${folder}/cgroup.type`))
  if (root === undefined) throw new SystemError('root of cgroup v2', EXDEV)
  return openSync(root, 'r')
}

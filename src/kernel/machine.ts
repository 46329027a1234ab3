/** Facts about this machine that the loader and `doctor` need, each read once from the kernel's own files. */
import { openSync, readFileSync, statSync } from 'node:fs'
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

/** Is there a file of this name? Not existsSync: access(2) leaves out capabilities of those who are not root. */
export const isThere = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
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

/** Where tracefs is mounted and we may look into it. */
export const mountedTracefs = (): string | undefined => MOUNTS.find((dir) => isThere(`${dir}/events`))

/** tracefs cannot be reached, and which capability it takes. */
export class TracefsError extends Error {
  override readonly name = 'TracefsError'
  readonly needs: 'CAP_DAC_READ_SEARCH' | 'CAP_SYS_ADMIN'
  constructor(reason: SystemError) {
    const closed = MOUNTS.find((dir) => isMountOf('tracefs', dir))
    super(
      closed === undefined
        ? `tracefs is not mounted, and the agent may not mount one of its own (${reason.message})`
        : `tracefs at ${closed} is for root alone`,
    )
    this.needs = closed === undefined ? 'CAP_SYS_ADMIN' : 'CAP_DAC_READ_SEARCH'
  }
}

const isMountOf = (type: string, path: string): boolean =>
  (readOptional('/proc/self/mounts') ?? '').split('\n').some((line) => {
    const [, place, kind] = line.split(' ')
    return place === path && kind === type
  })

/**
 * tracefs where it is mounted, else through a mount of our own that no other process sees: nothing on the machine
 * changes. Throws TracefsError when neither works.
 */
export function openTracefs(): Tracefs {
  const mounted = mountedTracefs()
  const fd = mounted === undefined ? openOwnTracefs() : -1
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

function openOwnTracefs(): number {
  try {
    return openDetachedMount('tracefs')
  } catch (error) {
    throw error instanceof SystemError ? new TracefsError(error) : error
  }
}

/** Where the root of cgroup v2 is mounted; another one than the root has a type (cgroups(7)). */
export const mountedCgroupRoot = (hostRoot: string): string | undefined =>
  ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
    .map((folder) => hostRoot + folder)
    .find((folder) => isThere(`${folder}/cgroup.controllers`) && !isThere(`${folder}/cgroup.type`))

const EXDEV = 18

/**
 * Descriptor of the root of cgroup v2: what is mounted, else a mount of our own that no other process sees. In a cgroup
 * namespace of our own that begins at our own cgroup. Throws SystemError, EXDEV when there is no way to the root.
 */
export function openCgroupRoot(hostRoot: string): number {
  const mounted = mountedCgroupRoot(hostRoot)
  if (mounted !== undefined) return openSync(mounted, 'r')
  const detached = openDetachedMount('cgroup2')
  if (!isThere(`/proc/self/fd/${detached}/cgroup.type`)) return detached
  closeFd(detached)
  throw new SystemError('root of cgroup v2', EXDEV)
}

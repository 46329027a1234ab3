/**
 * This process as the kernel counts. In a container with a pid namespace of its own, `process.pid` is a number that only its
 * neighbours know it by; records and BPF programs have that of the initial namespace.
 */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Libbpf } from './libbpf.ts'
import { SystemError } from './libc.ts'

export interface OwnIds {
  /** Numbers in the initial pid namespace. */
  readonly pid: number
  readonly parent: number
  /** The folder below a /proc that has these numbers; undefined when there is none. */
  readonly folder: string | undefined
  /** Do processes of the host have numbers here, and can an iterator see them? */
  readonly sharesHostPids: boolean
}

/** Of the initial pid namespace (PROC_PID_INIT_INO in linux/proc_ns.h). */
const INITIAL = 'pid:[4026531836]'

/**
 * Asks the kernel by running two BPF programs once, where the namespace is not the initial one. `objects`: folder of the
 * compiled objects; `hostRoot`: where the files of the host begin. Before Linux 5.10 a namespace of one's own cannot be seen
 * through: the numbers are those inside then.
 */
export function ownIds(lib: Libbpf, objects: string, hostRoot: string): OwnIds {
  const inside = { pid: process.pid, parent: process.ppid }
  if (readlinkSync('/proc/self/ns/pid') === INITIAL)
    return { ...inside, folder: '/proc/self', sharesHostPids: true }
  const { pid, parent } = askKernel(lib, join(objects, 'probe/self.bpf.o')) ?? inside
  const folder = `${hostRoot}/proc/${pid}`
  return {
    pid,
    parent,
    folder: hostRoot !== '' && existsSync(folder) ? folder : undefined,
    sharesHostPids: false,
  }
}

/** Threads, by their numbers in the initial namespace; where no /proc has these, the first thread alone. */
export const ownThreads = ({ pid, folder }: OwnIds): ReadonlySet<number> =>
  new Set(folder === undefined ? [pid] : readdirSync(`${folder}/task`).map(Number))

function askKernel(lib: Libbpf, file: string): { readonly pid: number; readonly parent: number } | undefined {
  let object: ReturnType<Libbpf['openObject']> | undefined
  try {
    object = lib.openObject(file)
    lib.loadObject(object)
    const answers = new Map(
      lib.programs(object).map(({ name, pointer }) => [name, lib.runOnce(pointer)] as const),
    )
    return { pid: answers.get('own_pid')!, parent: answers.get('own_parent')! }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return undefined
  } finally {
    if (object !== undefined) lib.closeObject(object)
  }
}

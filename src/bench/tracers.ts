/**
 * Other programs that trace the machine. Whoever has one at a syscall makes the kernel take every call the slow way: measured
 * beside it, ours looks cheaper than it is.
 */
import { type Libbpf, loadLibbpf } from '../kernel/libbpf.ts'
import { closeFd, SystemError } from '../kernel/libc.ts'
import { printable } from '../outputs/escape.ts'

/** Of enum bpf_prog_type (include/uapi/linux/bpf.h): those that look on where the kernel works. Not LSM, as systemd has one. */
const TRACING: Readonly<Record<number, string>> = {
  2: 'kprobe',
  5: 'tracepoint',
  17: 'raw tracepoint',
  24: 'writable raw tracepoint',
  26: 'tracing',
}
/** struct bpf_prog_info (include/uapi/linux/bpf.h): the type comes first; the kernel cuts the name to 15 bytes. */
const INFO = { nameFrom: 64, size: 80 } as const
const NAMED = 4
/** Iterators of the kernel's own (kernel/bpf/preload), which run when somebody reads them. */
const PRELOADED: ReadonlySet<string> = new Set(['dump_bpf_map', 'dump_bpf_prog'])

export interface TracingProgram {
  readonly id: number
  readonly kind: string
  /** As whoever loaded it called it: any bytes. */
  readonly name: string
}

/** Tracing programs that are loaded now; undefined where the kernel does not say. */
export function tracingPrograms(lib: Libbpf = loadLibbpf()): readonly TracingProgram[] | undefined {
  try {
    return lib.programIds().flatMap((id) => describe(lib, id) ?? [])
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return undefined
  }
}

function describe(lib: Libbpf, id: number): TracingProgram | undefined {
  let fd: number
  try {
    fd = lib.programById(id)
  } catch (error) {
    // Unloaded meanwhile.
    if (error instanceof SystemError && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const info = Buffer.from(lib.objectInfo(fd, new Uint8Array(INFO.size)))
    const kind = TRACING[info.readUInt32LE(0)]
    const name = info.toString('latin1', INFO.nameFrom).replace(/\0.*$/s, '')
    return kind === undefined || PRELOADED.has(name) ? undefined : { id, kind, name }
  } finally {
    closeFd(fd)
  }
}

/** What a report says of them; empty when there are none. */
export function tracersWarning(programs: readonly TracingProgram[]): readonly string[] {
  if (programs.length === 0) return []
  const names = [...new Set(programs.map(({ name, kind }) => printable(name) || kind))]
  const more = names.length > NAMED ? ', ...' : ''
  const one = programs.length === 1
  return [
    `${programs.length} tracing BPF program${one ? ' was' : 's were'} loaded when the measurement began (${names.slice(0, NAMED).join(', ')}${more}), such as those of another agent. What ${one ? 'it costs is' : 'they cost is'} in the times without the agent, which then looks cheaper than it is: measure again without ${one ? 'it' : 'them'}.`,
  ]
}

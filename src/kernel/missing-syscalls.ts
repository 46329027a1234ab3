/** Syscalls that this kernel does not have. */
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { SYSCALLS } from '../../schema/plain.ts'
import { openTracefs, type Tracefs } from './machine.ts'

/** A kernel with syscall tracepoints has those of this call. */
export const A_TRACEPOINT = 'syscalls/sys_exit_openat'

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'

/** Calls of this architecture, by name: what the table names as the tracepoint, without `sys_exit_`. */
const NATIVE: ReadonlyMap<string, string> = new Map(
  SYSCALLS.filter((call) => call[architecture] !== undefined).map(({ name, tracepoint }) => [
    name,
    tracepoint,
  ]),
)

/** Names of the events that are native syscalls, whether this kernel has them or not. */
export const NATIVE_SYSCALLS: readonly string[] = PUBLIC_EVENT_TYPES.map(({ name }) => name).filter((name) =>
  NATIVE.has(name),
)

/**
 * Those of `names` that are syscalls of this architecture but not of this kernel: it makes tracepoints for every call that
 * it has (CONFIG_FTRACE_SYSCALLS). Undefined when it makes none at all.
 */
export function missingSyscalls(tracefs: Tracefs, names: Iterable<string>): readonly string[] | undefined {
  if (tracefs.tracepointId(A_TRACEPOINT) === undefined) return undefined
  return [...names].filter((name) => {
    const call = NATIVE.get(name)
    return (
      call !== undefined &&
      ['exit', 'enter'].every((side) => tracefs.tracepointId(`syscalls/sys_${side}_${call}`) === undefined)
    )
  })
}

/** The same on this machine; undefined where nothing can be said, as without the right to look. */
export function missingHere(names: Iterable<string>): readonly string[] | undefined {
  try {
    const tracefs = openTracefs()
    try {
      return missingSyscalls(tracefs, names)
    } finally {
      tracefs.close()
    }
  } catch {
    return undefined
  }
}

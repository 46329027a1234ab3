/**
 * Names that calls are given, kept when they begin and compared when they end (bpf/include/given.h): a program at the
 * beginning of every call with names that somebody looks at.
 */
import { namesOf, PLAIN_PROGRAMS, SYSCALLS } from '../../../schema/plain.ts'
import { PROGRAM_SPECS, type ProgramSpec } from '../../kernel/objects.ts'
import type { ObjectPlan } from './plan.ts'
import { type HasTracepoint, PLAIN_OBJECT } from './syscall-plan.ts'

/** The program at the beginning of calls with names. */
export const KEEP_NAMES: ProgramSpec = PROGRAM_SPECS.find(({ name }) => name === PLAIN_PROGRAMS.names.name)!
const AT_EXIT = /^(?:tp\/)?syscalls\/sys_exit_(\w+)$/
const NATIVE = process.arch === 'arm64' ? 'arm64' : 'x64'

/** The program where calls begin that have names and that these plans look at when they end; undefined for none. */
export function planGiven(
  plans: readonly ObjectPlan[],
  hasTracepoint: HasTracepoint,
): ObjectPlan | undefined {
  const exits = plans.flatMap(({ programs }) => programs.flatMap(({ section, hooks }) => hooks ?? [section]))
  const seen = new Set(exits.map((hook) => AT_EXIT.exec(hook)?.[1]))
  const numbers = new Set(plans.flatMap(({ wanted }) => wanted?.native ?? []))
  const hooks = SYSCALLS.filter(
    (call) => namesOf(call).length > 0 && (seen.has(call.tracepoint) || numbers.has(call[NATIVE] ?? -1)),
  )
    .map(({ tracepoint }) => `syscalls/sys_enter_${tracepoint}`)
    .filter(hasTracepoint)
  if (hooks.length === 0) return undefined
  return { object: PLAIN_OBJECT, state: false, programs: [{ ...KEEP_NAMES, hooks }] }
}

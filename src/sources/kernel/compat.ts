/**
 * Syscalls of 32-bit programs on x86-64. They come by no tracepoint of their own, only by the exit of all syscalls: a program
 * there hands each call to the build of its own program for such calls, or reports it as a plain one.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { SOCKET_CALLS } from '../../../schema/enums/index.ts'
import { compatExec } from '../../../schema/events/compat-exec.ts'
import { FAMILIES } from '../../../schema/index.ts'
import { SYSCALLS } from '../../../schema/plain.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import {
  COMPAT,
  type LoadedProgram,
  type Loader,
  PROGRAM_SPECS,
  type ProgramSpec,
} from '../../kernel/objects.ts'

/** When 32-bit calls are looked at: never, from the first 32-bit program on, from the start. */
export type CompatMode = 'off' | 'auto' | 'always'

/** Tells that a 32-bit program begins. */
export const COMPAT_EXEC: ProgramSpec = PROGRAM_SPECS.find(({ object }) => object === compatExec.object)!
export const COMPAT_EXEC_ID = compatExec.events[0]!.id

const I386: ReadonlyMap<string, readonly number[]> = new Map(SYSCALLS.map(({ name, i386 }) => [name, i386]))
const EXIT = 'tp/syscalls/sys_exit_'

/** Calls that have an entry of their own in the table of programs when they are made through socketcall (syscall.bpf.c). */
const CALLS = 512
const SOCKETCALLS: ReadonlyMap<string, number> = new Map(
  Object.entries(SOCKET_CALLS.names).map(([name, number]) => [name.slice(4).toLowerCase(), CALLS + number]),
)

export interface CompatObject {
  readonly object: string
  readonly programs: readonly ProgramSpec[]
}

export interface CompatPlan {
  readonly objects: readonly CompatObject[]
  /** Places in the table by program: 32-bit numbers, from 512 on calls through socketcall. */
  readonly numbers: ReadonlyMap<string, readonly number[]>
  /** Numbers of plain syscalls. */
  readonly plain: readonly number[]
}

/** What the events that somebody wants need: programs of their own for those that have one, a bit for the plain ones. */
export function planCompat(events: ReadonlySet<string> | '*', syscalls: ReadonlySet<string>): CompatPlan {
  const numbers = new Map<string, readonly number[]>()
  const objects = new Map<string, ProgramSpec[]>()
  for (const family of FAMILIES) {
    if (family.record !== undefined) continue
    for (const event of family.events) {
      const multiplexed = SOCKETCALLS.get(event.name)
      const i386 = [...(I386.get(event.name) ?? []), ...(multiplexed === undefined ? [] : [multiplexed])]
      if (i386.length === 0 || !(events === '*' || events.has(event.name) || family.state)) continue
      for (const program of event.programs.filter(({ section }) => section.startsWith(EXIT))) {
        numbers.set(program.name, i386)
        const spec = PROGRAM_SPECS.find(({ name }) => name === program.name)!
        objects.set(family.object, [...(objects.get(family.object) ?? []), spec])
      }
    }
  }
  return {
    objects: [...objects].map(([object, programs]) => ({ object, programs })),
    numbers,
    plain: [...syscalls].flatMap((name) => I386.get(name) ?? []),
  }
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** Load the programs and enter them in the table of the program at the exit. Returns the calls that have one. */
export function enterCompat(lib: Libbpf, loader: Loader, plan: CompatPlan): number[] {
  const table = loader.mapFd('compat_programs')
  const served: number[] = []
  const enter = ({ spec, pointer }: LoadedProgram): void => {
    for (const number of plan.numbers.get(spec.name) ?? []) {
      lib.mapUpdate(table, word(number), word(lib.programFd(pointer)))
      if (number < CALLS) served.push(number)
    }
  }
  for (const { object, programs } of plan.objects)
    if (loader.hasCompat(object)) for (const program of loader.load(object, programs, COMPAT)) enter(program)
  return served
}

const ELF_CLASS = 4
const ELFCLASS32 = 1

/** Does a 32-bit program run already? Looks at the executables of all processes. */
export function hasCompatProcess(proc = '/proc'): boolean {
  const head = Buffer.alloc(5)
  return readdirSync(proc).some((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const fd = openSync(`${proc}/${name}/exe`, 'r')
      try {
        return (
          readSync(fd, head, 0, 5, 0) === 5 &&
          head.toString('latin1', 1, 4) === 'ELF' &&
          head[ELF_CLASS] === ELFCLASS32
        )
      } finally {
        closeSync(fd)
      }
    } catch {
      // A kernel thread, or gone.
      return false
    }
  })
}

/**
 * Syscalls of 32-bit programs on x86-64. They come by no tracepoint of their own, only by the exit of all syscalls: a program
 * there hands each call to the build of its own program for such calls, or reports it as a plain one.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { compatExec } from '../../../schema/events/compat-exec.ts'
import { FAMILIES, type FamilyDecl } from '../../../schema/index.ts'
import { CALL_PLACES, calledNumber } from '../../../schema/multiplexed.ts'
import { PLAIN_PROGRAMS, SYSCALLS, type Syscall, seenAtEntry } from '../../../schema/plain.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import {
  COMPAT,
  type LoadedProgram,
  type Loader,
  PROGRAM_SPECS,
  type ProgramSpec,
} from '../../kernel/objects.ts'
import { type CompatCalls, PLAIN_OBJECT } from './syscall-plan.ts'

/** When 32-bit calls are looked at: never, from the first 32-bit program on, from the start. */
export type CompatMode = 'off' | 'auto' | 'always'

/** Tells that a 32-bit program begins. */
export const COMPAT_EXEC: ProgramSpec = PROGRAM_SPECS.find(({ object }) => object === compatExec.object)!
export const COMPAT_EXEC_ID = compatExec.events[0]!.id

/** A row of the table of programs (syscall.bpf.c): 32-bit numbers, behind them calls through socketcall and ipc. */
const ROW = CALL_PLACES
/** The first row is for the programs of the calls' own events, those that follow for hooks. */
const EXIT_HOOKS = 1
const HOOK_ROWS = 3
const ENTRY_HOOKS = EXIT_HOOKS + HOOK_ROWS

const placesOfCall = ({ i386, multiplexed }: Syscall): readonly number[] => [...i386, ...multiplexed]
const I386: ReadonlyMap<string, readonly number[]> = new Map(
  SYSCALLS.map((call) => [call.tracepoint, placesOfCall(call)]),
)
/** Behind all rows: the steps that 32-bit calls take, in this order. */
const STEPS = ROW * (ENTRY_HOOKS + HOOK_ROWS)
const STEP_PROGRAMS = [
  PLAIN_PROGRAMS.compatExit,
  PLAIN_PROGRAMS.compatPlainExit,
  PLAIN_PROGRAMS.compatPlainEntry,
].map(({ name }) => PROGRAM_SPECS.find((spec) => spec.name === name)!)

const AT_CALL = /^tp\/syscalls\/sys_(enter|exit)_(\w+)$/

export interface CompatObject {
  readonly object: string
  readonly programs: readonly ProgramSpec[]
}

/** Where a program stands in the table. */
export interface CompatPlace {
  /** It looks when the call begins, not when it ends. */
  readonly entry: boolean
  /** It is one of perhaps several beside the program of the call's own event. */
  readonly hook: boolean
  /** 32-bit numbers, and places of calls through socketcall. */
  readonly numbers: readonly number[]
}

export interface CompatPlan {
  readonly objects: readonly CompatObject[]
  /** By program. */
  readonly places: ReadonlyMap<string, CompatPlace>
  /** Numbers and places of plain syscalls that are seen when they end, and of those that do not return. */
  readonly plainExit: readonly number[]
  readonly plainEntry: readonly number[]
  /** Is the exit of all syscalls needed, and their entry? */
  readonly atExit: boolean
  readonly atEntry: boolean
}

/** The 32-bit calls of a program that is built for such calls, too. */
function placeOf(family: FamilyDecl, section: string): CompatPlace | undefined {
  const [, when, call] = AT_CALL.exec(section) ?? []
  if (call === undefined) return undefined
  const numbers = I386.get(call) ?? []
  return numbers.length === 0 ? undefined : { entry: when === 'enter', hook: family.byName === true, numbers }
}

/** What the events that somebody wants need: programs of their own for those that have one, a bit for the plain ones. */
export function planCompat(events: ReadonlySet<string> | '*', syscalls: ReadonlySet<string>): CompatPlan {
  const places = new Map<string, CompatPlace>()
  const objects = new Map<string, ProgramSpec[]>()
  const isWanted = (family: FamilyDecl, name: string): boolean =>
    family.byName === true ? syscalls.has(name) : events === '*' || events.has(name)
  for (const family of FAMILIES.filter(({ record }) => record === undefined))
    for (const { programs } of family.events.filter(({ name }) => isWanted(family, name)))
      for (const { name, section } of programs) {
        const place = placeOf(family, section)
        if (place === undefined) continue
        places.set(name, place)
        const spec = PROGRAM_SPECS.find((candidate) => candidate.name === name)!
        objects.set(spec.object, [...(objects.get(spec.object) ?? []), spec])
      }
  const plain = SYSCALLS.filter(({ name }) => syscalls.has(name))
  const plainExit = plain.filter((call) => !seenAtEntry(call)).flatMap(placesOfCall)
  const plainEntry = plain.filter(seenAtEntry).flatMap(({ i386 }) => i386)
  const all = [...places.values()]
  return {
    objects: [...objects].map(([object, programs]) => ({ object, programs })),
    places,
    plainExit,
    plainEntry,
    atExit: plainExit.length > 0 || all.some(({ entry }) => !entry),
    atEntry: plainEntry.length > 0 || all.some(({ entry }) => entry),
  }
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** Load the programs and enter them in the table of those at the exit and entry. Returns the calls that are looked at. */
export function enterCompat(lib: Libbpf, loader: Loader, plan: CompatPlan): CompatCalls {
  const table = loader.mapFd('compat_programs')
  const taken = new Set<number>()
  const served = { exit: plan.plainExit.map(calledNumber), entry: [...plan.plainEntry] }
  const enter = ({ spec, fd }: LoadedProgram): void => {
    const { entry, hook, numbers } = plan.places.get(spec.name)!
    for (const number of numbers) {
      let place = (hook ? (entry ? ENTRY_HOOKS : EXIT_HOOKS) : 0) * ROW + number
      while (taken.has(place)) place += ROW
      taken.add(place)
      lib.mapUpdate(table, word(place), word(fd))
      served[entry ? 'entry' : 'exit'].push(calledNumber(number))
    }
  }
  const needed = [plan.atExit, plan.plainExit.length > 0, plan.plainEntry.length > 0]
  for (const { spec, fd } of loader.load(
    PLAIN_OBJECT,
    STEP_PROGRAMS.filter((_, i) => needed[i]),
  ))
    lib.mapUpdate(table, word(STEPS + STEP_PROGRAMS.indexOf(spec)), word(fd))
  for (const { object, programs } of plan.objects)
    if (loader.hasCompat(object)) for (const program of loader.load(object, programs, COMPAT)) enter(program)
  return { ...served, plainExit: plan.plainExit, plainEntry: plan.plainEntry }
}

/** Most hooks of one call, when it begins or ends, that the table has room for. */
export const MOST_HOOKS: number = HOOK_ROWS

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

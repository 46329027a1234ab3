/** Structures that calls are given, with their members in the kernel's names and order. */
import {
  CLONE_FLAGS,
  ERRNO,
  FILE_TYPES,
  OPEN_FLAGS,
  RESOLVE_FLAGS,
  S_IFMT,
  SIGNALS,
} from '../../schema/enums/index.ts'
import { type NameTable, RECORD_FLAGS } from '../../schema/index.ts'
import type { SyscallContext } from '../fields/context.ts'
import { flagNamer } from '../fields/evt/argument-text.ts'
import type { TraceArgument } from './arguments.ts'

type Event = SyscallContext['event']
type Made = Pick<TraceArgument, 'value' | 'words' | 'doc'>

/**
 * Names of the bits of a word, and those without a name as a number. A word of which no bit has a name has none either,
 * unless it has one for that.
 */
export function flagWords(table: NameTable): (value: number) => string | undefined {
  const names = flagNamer(table)
  const parts = [...Object.values(table.names), table.group?.mask ?? 0]
  const low = parts.reduce((sum, bit) => sum | (bit % 2 ** 32), 0)
  const high = parts.reduce((sum, bit) => sum | Math.floor(bit / 2 ** 32), 0)
  return (value) => {
    if (value === 0 && table.none !== undefined) return table.none
    const rest = ((value & ~low) >>> 0) + ((Math.floor(value / 2 ** 32) & ~high) >>> 0) * 2 ** 32
    const known = names(value)
    if (rest === 0) return known
    return known === undefined ? undefined : `${known}|0x${rest.toString(16)}`
  }
}

/** Type and permission bits of a mode; those of somebody who has all three together. */
export const MODE_NAMES: NameTable = {
  kind: 'flags',
  group: { mask: S_IFMT, names: FILE_TYPES },
  names: {
    S_ISUID: 0o4000,
    S_ISGID: 0o2000,
    S_ISVTX: 0o1000,
    S_IRWXU: 0o700,
    S_IRUSR: 0o400,
    S_IWUSR: 0o200,
    S_IXUSR: 0o100,
    S_IRWXG: 0o70,
    S_IRGRP: 0o40,
    S_IWGRP: 0o20,
    S_IXGRP: 0o10,
    S_IRWXO: 0o7,
    S_IROTH: 0o4,
    S_IWOTH: 0o2,
    S_IXOTH: 0o1,
  },
}
export const modeNames: (mode: number) => string | undefined = flagWords(MODE_NAMES)

const cloneFlags = flagWords(CLONE_FLAGS)
const openFlags = flagWords(OPEN_FLAGS)
const resolveFlags = flagWords(RESOLVE_FLAGS)
const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SIGNALS.names).map(([name, value]) => [value, name]),
)

const word = (event: Event, name: string): number | bigint => {
  const value = event.number(name) ?? 0
  return Number.isSafeInteger(value) ? value : (event.bigint(name) ?? 0n)
}
const hex = (value: number | bigint): string => `0x${value.toString(16)}`
const octal = (value: number): string => (value === 0 ? '0' : `0${value.toString(8)}`)

const isPartial = (event: Event): boolean => (event.flags & RECORD_FLAGS.PARTIAL) !== 0

/** A signal by its name; 0 is none. */
const signal = (value: number): string => (value === 0 ? '0' : (SIGNAL_NAMES.get(value) ?? String(value)))
const withSignal = (flags: number, signalName: string): string =>
  [cloneFlags(flags) ?? (flags === 0 ? '' : hex(flags)), signalName].filter((part) => part !== '').join('|')

/** Members of struct clone_args, each with the size that a structure has that holds it. */
const MEMBERS: readonly (readonly [name: string, size: number])[] = [
  ['flags', 64],
  ['pidfd', 64],
  ['child_tid', 64],
  ['parent_tid', 64],
  ['exit_signal', 64],
  ['stack', 64],
  ['stack_size', 64],
  ['tls', 64],
  ['set_tid', 80],
  ['set_tid_size', 80],
  ['cgroup', 88],
]
const PLAIN_MEMBERS: ReadonlySet<string> = new Set(['stack_size', 'set_tid_size', 'cgroup'])

/** Names of the members that a call was given; none where the kernel did not look, or nothing could be read. */
const membersOf = (event: Event): readonly string[] =>
  isPartial(event)
    ? []
    : MEMBERS.filter(([, size]) => (event.number('size') ?? 0) >= size).map(([name]) => name)

function memberWords(event: Event, name: string): string {
  const value = word(event, name)
  if (name === 'flags') return cloneFlags(Number(value)) ?? hex(value)
  if (name === 'exit_signal') return signal(Number(value))
  return PLAIN_MEMBERS.has(name) ? String(value) : hex(value)
}

function mapOf<T>(
  names: readonly string[],
  value: (name: string) => T,
): Readonly<Record<string, T>> | undefined {
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, value(name)]))
}

/** Arguments of clone and clone3, by family and name. The signal lies in the lowest byte of what clone is given. */
export const CLONE_ARGUMENTS: Readonly<Record<string, Made>> = {
  'fork.flags': {
    doc: 'what is shared, and the signal that tells of the end',
    value: ({ event }) => {
      const [flags, exitSignal] = [word(event, 'flags'), event.number('exit_signal') ?? 0]
      return typeof flags === 'bigint' ? flags | BigInt(exitSignal) : flags + exitSignal
    },
    words: ({ event }) => {
      const exitSignal = event.number('exit_signal') ?? 0
      return withSignal(Number(word(event, 'flags')), exitSignal === 0 ? '' : signal(exitSignal)) || '0'
    },
  },
  'fork.cl_args': {
    doc: 'what is asked for: members as far as the size goes',
    value: ({ event }) => mapOf(membersOf(event), (name) => word(event, name)) ?? word(event, 'cl_args'),
    words: ({ event }) =>
      mapOf(membersOf(event), (name) => memberWords(event, name)) ?? hex(word(event, 'cl_args')),
  },
}

/** What Tracee says of an alert about memory. */
export const MEMORY_ALERTS: Readonly<Record<number, string>> = {
  1: 'Mmaped region with W+E permissions!',
  2: 'Protection changed to Executable!',
  3: 'Protection changed from E to W+E!',
  4: 'Protection changed from W+E to E!',
}
export const MEMORY_ALERT: Readonly<Record<string, Made>> = {
  'mem_prot_alert.alert': {
    doc: 'what happened',
    value: ({ event }) => event.number('alert'),
    words: ({ event }) => MEMORY_ALERTS[event.number('alert') ?? 0],
  },
}

const HOW_LEAST = 24
const EFAULT = ERRNO['EFAULT']!

/** Is there a structure? Not where the call was given too short a one, or an address where nothing is. */
const hasHow = (event: Event): boolean => {
  const given = ['flags', 'mode', 'resolve'].some((name) => event.number(name) !== 0)
  if (given || (event.flags & RECORD_FLAGS.IO_URING) !== 0) return true
  return (event.number('how_size') ?? 0) >= HOW_LEAST && event.number('fd') !== -EFAULT
}

/** What openat2 is given beside the path. */
export const OPEN_HOW: Readonly<Record<string, Made>> = {
  'open.how': {
    doc: 'how to open: flags, mode and restrictions',
    value: ({ event }) =>
      hasHow(event) ? mapOf(['flags', 'mode', 'resolve'], (name) => event.number(name) ?? 0) : undefined,
    words: ({ event }) => {
      if (!hasHow(event)) return undefined
      const [flags, mode, resolve] = ['flags', 'mode', 'resolve'].map((name) => event.number(name) ?? 0)
      return {
        flags: openFlags(flags!) ?? hex(flags!),
        mode: octal(mode!),
        resolve: resolve === 0 ? '0' : (resolveFlags(resolve!) ?? hex(resolve!)),
      }
    },
  },
  'open.size': {
    doc: 'size of that in bytes, as far as 32 bits go',
    // io_uring does not keep it.
    value: ({ event }) =>
      (event.flags & RECORD_FLAGS.IO_URING) === 0 ? event.number('how_size') : undefined,
  },
}

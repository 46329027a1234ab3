/**
 * The plain syscalls: those that need no more than their line in syscalls.ts. All share one record and one object file;
 * a family of its own with the same name (events/) takes a call out of here.
 */
import {
  atUring,
  defineFamily,
  type EventDecl,
  type FamilyDecl,
  type FieldDecl,
  type ProgramDecl,
  path,
  result,
  u32,
  u64,
} from './dsl.ts'
import { PATH_FLAGS } from './enums/index.ts'
import { MULTIPLEXERS, multiplexedPlaces } from './multiplexed.ts'
import { type ArgumentType, argumentField, argumentType } from './syscall-types.ts'
import { SYSCALL_TABLE } from './syscalls.ts'

const ARGUMENTS_MAX = 6

export interface Syscall {
  readonly name: string
  /** Name of its tracepoints, without `sys_enter_` and `sys_exit_`. */
  readonly tracepoint: string
  readonly x64: number | undefined
  /** Entry points of 32-bit programs on x86-64. */
  readonly i386: readonly number[]
  /** Of those, which arguments come in two registers, counted from 0. */
  readonly wide: ReadonlyMap<number, readonly number[]>
  /** Places of the call behind those of all numbers, where 32-bit programs also make it through socketcall or ipc. */
  readonly multiplexed: readonly number[]
  readonly arm64: number | undefined
  /** `word` is the name of the type in the table. */
  readonly arguments: readonly { readonly name: string; readonly word: string; readonly type: ArgumentType }[]
  readonly sets: readonly string[]
  readonly doc: string
}

/** Calls that never return to where they came from: they are seen when they begin. */
const SEEN_AT_ENTRY: ReadonlySet<string> = new Set(['exit', 'exit_group', 'rt_sigreturn', 'sigreturn'])
export const seenAtEntry = ({ name }: Pick<Syscall, 'name'>): boolean => SEEN_AT_ENTRY.has(name)

/** Calls that change credentials: no flood of others pushes them out. */
const OF_CREDENTIALS: ReadonlySet<string> = new Set([
  ...['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setfsuid', 'setfsgid'],
  ...['setgroups', 'capset'],
])
export const isCritical = ({ name }: Pick<Syscall, 'name'>): boolean => OF_CREDENTIALS.has(name)

/** The target of a symbolic link is text to the call, and what the call is for. */
const GIVES_TEXT: ReadonlySet<string> = new Set(['symlink', 'symlinkat'])

/** Which arguments of a call, counted from 0, are names of files that can be compared when it ends; at most two. */
export const namesOf = ({ name, arguments: args }: Pick<Syscall, 'name' | 'arguments'>): readonly number[] =>
  args
    .map(({ type: { copy } }, i) => ({ copy, i }))
    .filter(({ copy }) => copy === 'path' || copy === 'new_cwd' || (copy === 'text' && GIVES_TEXT.has(name)))
    .map(({ i }) => i)
    .slice(0, 2)

const LINE =
  /^(\w+)(?:\/(\w+))? (\d+|-) (\d+(?:w\d+)?(?:,\d+(?:w\d+)?)?|-) (\d+|-) ((?:\w+(?::\w+)? )*)-- (.+)$/
const number = (text: string): number | undefined => (text === '-' ? undefined : Number(text))

function parseLine(line: string, sets: readonly string[]): Syscall {
  const match = LINE.exec(line)
  if (match === null) throw new SyntaxError(`syscalls.ts: not a line of the table: ${line}`)
  const [, name, tracepoint, x64, i386, arm64, args, doc] = match as unknown as readonly string[]
  const entries = i386 === '-' ? [] : i386!.split(',').map((entry) => entry.split('w'))
  return {
    name: name!,
    tracepoint: tracepoint ?? name!,
    x64: number(x64!),
    i386: entries.map(([entry]) => Number(entry)),
    wide: new Map(entries.map(([entry, places = '']) => [Number(entry), [...places].map(Number)])),
    multiplexed: multiplexedPlaces(name!),
    arm64: number(arm64!),
    arguments: args!
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => {
        const [argument, type = argument] = word.split(':')
        return { name: argument!, word: type!, type: argumentType(type!) }
      }),
    sets: ['syscalls', ...sets],
    doc: doc!,
  }
}

function parseTable(table: string): readonly Syscall[] {
  const calls: Syscall[] = []
  let sets: readonly string[] = []
  for (const line of table.split('\n'))
    if (line.startsWith('@')) sets = line.slice(1).trim().split(' ')
    else if (line !== '') calls.push(parseLine(line, sets))
  return calls
}

/** Every syscall, rich ones too. */
export const SYSCALLS: readonly Syscall[] = parseTable(SYSCALL_TABLE)

const paths = (n: number): string => `dir${n}`

/** The record of plain syscalls: registers as they were, and what pointers among them point to. */
const SYSCALL_RECORD: FamilyDecl = defineFamily({
  name: 'syscall',
  object: 'generic/syscall',
  doc: 'A syscall with its arguments',
  ring: 'bulk',
  sets: [],
  events: [],
  fields: {
    res: result('what the call returned, or a negative errno'),
    ...Object.fromEntries(each((i) => [`arg${i}`, u64(`argument ${i}`)])),
    ...Object.fromEntries(each((i) => [`copy${i}`, path(`what argument ${i} points to`)])),
    ...Object.fromEntries([0, 1].map((i) => [paths(i), path('directory a relative path starts from')])),
    path_flags: u32('how the paths came about', { format: 'flags', names: PATH_FLAGS, hidden: true }),
  },
  limits: 'Only what its calls name of it is used.',
})

function each<T>(make: (i: number) => T): readonly T[] {
  return Array.from({ length: ARGUMENTS_MAX }, (_, i) => make(i))
}

export const PLAIN_PROGRAMS = {
  exit: { name: 'exit_syscall', section: 'tp' },
  enter: { name: 'enter_syscall', section: 'tp' },
  all: { name: 'all_syscalls', section: 'raw_tp/sys_exit' },
  entries: { name: 'all_entries', section: 'raw_tp/sys_enter' },
  names: { name: 'keep_names', section: 'tp' },
  compatExit: { name: 'compat_exit', section: 'raw_tp/sys_exit' },
  compatPlainExit: { name: 'compat_plain_exit', section: 'raw_tp/sys_exit' },
  compatPlainEntry: { name: 'compat_plain_entry', section: 'raw_tp/sys_enter' },
} as const satisfies Readonly<Record<string, ProgramDecl>>

const URING = 'generic/uring'
/** Programs for calls that io_uring can carry out, too: those of a kind come together. */
const BY_URING: ReadonlyMap<string, readonly ProgramDecl[]> = new Map(
  Object.entries({
    call: `fsync fdatasync sync_file_range fallocate fadvise64 madvise epoll_ctl splice tee shutdown mkdirat fsetxattr setxattr
      fgetxattr getxattr waitid pipe2`,
    stat: 'statx',
    close: 'close',
    read: 'read readv',
  }).flatMap(([kind, calls]) => calls.split(/\s+/).map((name) => [name, atUring(kind, URING)] as const)),
)
const uringLimits = ({ name, arguments: args }: Syscall): string =>
  BY_URING.has(name) && args.some(({ type }) => type.max !== undefined || type.format === 'address')
    ? ' Of what io_uring does, pointers are 0 where the kernel kept what they pointed to, and the directory of a relative path is that at its end.'
    : ''

/** Wire ids: x86-64 numbers from 1000, those that only i386 has from 2000. */
const idOf = ({ x64, i386 }: Syscall): number => (x64 === undefined ? 2000 + i386[0]! : 1000 + x64)

const hookOf = (call: Syscall): string =>
  `syscalls/sys_${seenAtEntry(call) ? 'enter' : 'exit'}_${call.tracepoint}`

const eventOf = (call: Syscall): EventDecl => ({
  name: call.name,
  id: idOf(call),
  doc: `${call.name}(2): ${call.doc}.`,
  ...(call.x64 === undefined ? {} : { hook: hookOf(call) }),
  programs: seenAtEntry(call)
    ? [PLAIN_PROGRAMS.enter, PLAIN_PROGRAMS.entries, PLAIN_PROGRAMS.compatPlainEntry]
    : [
        ...[
          PLAIN_PROGRAMS.exit,
          PLAIN_PROGRAMS.all,
          PLAIN_PROGRAMS.compatExit,
          PLAIN_PROGRAMS.compatPlainExit,
        ],
        ...(BY_URING.get(call.name) ?? []),
        ...(namesOf(call).length > 0 ? [PLAIN_PROGRAMS.names] : []),
      ],
})

function fieldsOf(call: Syscall): Readonly<Record<string, FieldDecl>> {
  const fields: Record<string, FieldDecl> = seenAtEntry(call)
    ? {}
    : { res: { ...SYSCALL_RECORD.fields['res']!, at: 'res' } }
  let seen = 0
  for (const [i, { name, type }] of call.arguments.entries()) {
    const variable = type.max !== undefined
    const base = type.format === 'path' ? `${name}_dir` : undefined
    fields[name] = argumentField(type, variable ? `copy${i}` : `arg${i}`, base)
    if (base !== undefined)
      fields[base] = { ...SYSCALL_RECORD.fields['dir0']!, at: paths(seen++), hidden: true }
  }
  if (seen > 0) fields['path_flags'] = { ...SYSCALL_RECORD.fields['path_flags']!, at: 'path_flags' }
  return fields
}

/** What is not seen of the arguments. */
function limitsOfArguments({ arguments: args }: Syscall): string {
  const read = args.some(({ type }) => type.max !== undefined)
  const left = args.some(({ type }) => type.format === 'address')
  return [
    read
      ? 'Memory that arguments point to is read when the call returns, so another thread may have changed it by then.'
      : '',
    left ? 'What addresses point to is not copied.' : '',
  ]
    .filter((text) => text !== '')
    .join(' ')
}
const NO_LIMITS = 'Nothing is left out.'

/** Where a call through it is told as that call. */
const throughIt = ({ name }: Syscall): string =>
  MULTIPLEXERS.has(name) ? ' A call through it that is asked for is an event of that name instead.' : ''

const limitsOf = (call: Syscall): string => {
  if (call.x64 === undefined)
    return seenAtEntry(call)
      ? 'Only 32-bit programs on x86-64 have this call. Seen when it begins: it does not return.'
      : `Only 32-bit programs on x86-64 have this call.${throughIt(call)} ${limitsOfArguments(call)}`.trimEnd()
  return seenAtEntry(call)
    ? 'Seen when it begins: it does not return.'
    : (limitsOfArguments(call) + uringLimits(call)).trimStart() || NO_LIMITS
}

const familyOf = (call: Syscall): FamilyDecl => ({
  ...SYSCALL_RECORD,
  record: SYSCALL_RECORD,
  ring: isCritical(call) ? 'critical' : SYSCALL_RECORD.ring,
  sets: call.sets,
  events: [eventOf(call)],
  fields: fieldsOf(call),
  limits: limitsOf(call),
})

/** Families of the syscalls that no other family reports. */
export function plainFamilies(rich: readonly FamilyDecl[]): readonly FamilyDecl[] {
  const taken = new Set(rich.flatMap(({ events }) => events.map(({ name }) => name)))
  return SYSCALLS.filter(({ name }) => !taken.has(name)).map(familyOf)
}

/** Arguments of each event under the names that rules use: `evt.args`, `evt.arg.NAME`, `evt.rawarg.NAME`. */

import { PRCTL_OPTIONS } from '../../../schema/enums/index.ts'
import {
  argumentName,
  type EventType,
  type FieldDecl,
  isVariable,
  layoutOf,
  PUBLIC_EVENT_TYPES,
  type Slot,
} from '../../../schema/index.ts'
import { slotOf } from '../../decode/event-view.ts'
import type { Str } from '../../decode/str.ts'
import type { ProcessInfo, SyscallContext } from '../context.ts'
import { passedAddress, socketTuple, tupleText } from '../fd/descriptor.ts'
import { type Extractor, FieldArgumentError } from '../field.ts'
import { pathOf, pathOfFields } from '../paths.ts'
import { namespaceTime } from '../proc/image.ts'
import { field, type SyscallField } from '../syscall-field.ts'
import { cgroupsText } from '../thread/thread.ts'
import { splitVector } from '../vector.ts'
import { type ArgText, numberText } from './argument-text.ts'
import { FALCO_ARGUMENT_LISTS, FALCO_NAMES, type PlainNumber } from './falco-arguments.ts'
import { FALCO_ARGUMENTS } from './known-names.ts'
import { structureText } from './structure-text.ts'

/** One argument of one event. */
export interface Argument {
  readonly name: string
  /** Words for its type, for documentation. */
  readonly type: string
  readonly doc: string
  readonly text: (ctx: SyscallContext) => ArgText | undefined
  /** Of a number: where it is in the record of its family, and how Falco writes it where it gives it no name. */
  readonly slot?: Slot
  readonly plain?: PlainNumber | undefined
  /** Of a path: field with the directory that a relative one starts from. */
  readonly base?: string
  /** Place among Falco's arguments of the event, where Falco has it. */
  readonly position?: number
}

/** Directory that a relative path argument starts from, by the argument's field. */
const DIRECTORY_OF: Readonly<Record<string, string>> = {
  oldpath: 'olddir',
  newpath: 'newdir',
  name: 'dir',
  filename: 'dir',
  linkpath: 'dir',
}

/** Names that Falco gives the arguments of single events where those of the family differ. */
const EVENT_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  unlink: { name: 'path' },
  rmdir: { name: 'path' },
  socketpair: { fd: 'fd1' },
  linkat: { olddirfd: 'olddir', newdirfd: 'newdir' },
}

/** Fields of a family that an event of it has no argument for. */
const NOT_OF: Readonly<Record<string, readonly string[]>> = {
  open: ['dirfd', 'resolve'],
  creat: ['dirfd', 'flags', 'resolve'],
  openat: ['resolve'],
  execve: ['dirfd', 'argv'],
  execveat: ['argv'],
  rename: ['olddirfd', 'newdirfd', 'flags'],
  renameat: ['flags'],
  link: ['olddirfd', 'newdirfd', 'flags'],
  symlink: ['linkdirfd'],
  unlink: ['dirfd', 'flags'],
  rmdir: ['dirfd', 'flags'],
  chmod: ['dirfd', 'fd', 'flags'],
  fchmod: ['dirfd', 'flags', 'filename'],
  fchmodat: ['fd', 'flags'],
  fchmodat2: ['fd'],
  connect: ['backlog', 'flags'],
  bind: ['backlog', 'flags'],
  listen: ['flags'],
  accept: ['backlog', 'flags'],
  accept4: ['backlog'],
  socket: ['res', 'fd2'],
  socketpair: ['flags'],
  dup: ['newfd', 'flags'],
  dup2: ['flags'],
  write: ['pos', 'fd_in'],
  writev: ['pos', 'fd_in'],
  pwrite64: ['fd_in'],
  ftruncate: ['pos', 'fd_in'],
  copy_file_range: ['pos'],
}

/** Order in which Falco shows what an open and a write are about: the descriptor first. */
const FIRST: Readonly<Record<string, readonly string[]>> = {
  open: ['fd', 'dirfd', 'name', 'flags', 'mode', 'resolve', 'dev', 'ino'],
  write: ['res', 'fd', 'size'],
  message: ['res', 'fd', 'size'],
  ptrace: ['res', 'request', 'pid', 'addr', 'data'],
  chmod: ['res', 'dirfd', 'fd', 'filename', 'mode', 'flags'],
}

/** A path that is no object of the event (a current directory, the text of a link) has no other spelling. */
function pathText(type: EventType, name: string, dir: string | undefined): Argument['text'] {
  const hasPath = (name === 'name' || name === 'filename') && slotOf(type.family, 'path') !== undefined
  const fields = dir === undefined ? undefined : pathOfFields(name, dir, hasPath ? 'path' : undefined)
  return (ctx) => {
    const given = ctx.event.string(name)
    if (given === undefined) return undefined
    if (fields === undefined) return { raw: given.text }
    const { accessed } = pathOf(ctx, fields)
    return { raw: given.text, resolved: accessed?.text === given.text ? undefined : accessed?.text }
  }
}

/** Text of a vector: each element ends with a dot, as Falco shows the NUL. */
const vectorText = (items: readonly string[]): string => items.map((item) => `${item}.`).join('')

const typeText = ({ storage, format }: FieldDecl): string =>
  storage === 'strv' ? 'strings' : format === 'number' ? storage : format

function fromSlot(type: EventType, slot: Slot): Argument {
  const { decl, name } = slot
  const shown =
    EVENT_NAMES[type.name]?.[name] ??
    FALCO_NAMES.get(type.name)?.get(name) ??
    decl.falco ??
    argumentName(slot, type.name) ??
    name
  const about = { name: shown, type: typeText(decl), doc: decl.doc }
  if (decl.storage === 'strv')
    return {
      ...about,
      text: (ctx) => {
        const bytes = ctx.event.bytes(name)
        return bytes && { raw: vectorText(splitVector(bytes)) }
      },
    }
  if (decl.storage === 'bytes')
    return {
      ...about,
      text: (ctx) => {
        const bytes = ctx.event.bytes(name)
        const text = bytes && structureText(decl.format, bytes)
        return text === undefined ? undefined : { raw: text }
      },
    }
  if (isVariable(decl.storage)) {
    const dir = decl.format === 'path' ? (decl.base ?? DIRECTORY_OF[name]) : undefined
    return { ...about, ...(dir !== undefined && { base: dir }), text: pathText(type, name, dir) }
  }
  const falco = FALCO_ARGUMENT_LISTS.get(type.name)?.get(shown)
  return { ...about, slot, plain: falco?.plain, text: numberText(slot, type.family.name, falco) }
}

const TUPLE: Argument = {
  name: 'tuple',
  type: 'text',
  doc: 'both ends of the connection, `client:port->server:port`; NULL when there is none',
  text: (ctx) => {
    const ends = socketTuple(ctx)
    return { raw: ends === undefined ? (ctx.event.string('unix_path')?.text ?? 'NULL') : tupleText(ends) }
  },
}

/** The caller of a call, whose record does not repeat what the header and the process table say. */
const CALLER_IDS: readonly Argument[] = [
  {
    name: 'tid',
    type: 'u32',
    doc: 'thread id, initial namespace',
    text: (ctx) => ({ raw: String(ctx.event.tid) }),
  },
  {
    name: 'pid',
    type: 'u32',
    doc: 'process id, initial namespace',
    text: (ctx) => ({ raw: String(ctx.event.pid) }),
  },
]

const ofProcess = (
  name: string,
  type: string,
  doc: string,
  of: (process: ProcessInfo, ctx: SyscallContext) => string | undefined,
): Argument => ({
  name,
  type,
  doc: `${doc}; of the caller`,
  text(ctx) {
    const raw = ctx.process && of(ctx.process, ctx)
    return raw === undefined ? undefined : { raw }
  },
})

const CGROUPS = ofProcess('cgroups', 'text', 'control groups as of the last exec', cgroupsText)

const { PR_SET_NAME, PR_GET_NAME, PR_GET_CHILD_SUBREAPER } = PRCTL_OPTIONS.names as Record<string, number>

/** 0 where it points to a name, as Falco has it; where it points to the answer, that is not known. */
function numberOfPrctl({ event }: SyscallContext): ArgText | undefined {
  const option = event.number('option')
  if (option === PR_GET_CHILD_SUBREAPER) return undefined
  const isName = option === PR_SET_NAME || option === PR_GET_NAME
  return { raw: isName ? '0' : String(event.bigint('arg2')) }
}

/** Arguments that Falco has and the record holds in other words; they follow the result. */
const EXTRA: Readonly<Record<string, readonly Argument[]>> = {
  exec: [
    {
      name: 'exe',
      type: 'text',
      doc: 'argv[0]',
      text: (ctx) => {
        const argv = ctx.event.bytes('argv')
        return argv && { raw: splitVector(argv)[0] ?? '' }
      },
    },
    {
      name: 'args',
      type: 'strings',
      doc: 'arguments after argv[0]',
      text: (ctx) => {
        const argv = ctx.event.bytes('argv')
        return argv && { raw: vectorText(splitVector(argv).slice(1)) }
      },
    },
    ...CALLER_IDS,
    CGROUPS,
  ],
  fork: [
    ofProcess('exe', 'text', 'argv[0]', ({ argv }) => argv[0] ?? ''),
    ofProcess('args', 'strings', 'arguments after argv[0]', ({ argv }) => vectorText(argv.slice(1))),
    ...CALLER_IDS,
    ofProcess('ptid', 'u32', 'process id of the parent', ({ ppid }) => String(ppid)),
    ofProcess('cwd', 'path', 'current directory as of the last exec', ({ cwd }) => cwd.text),
    ofProcess('uid', 'u32', 'real user id', ({ uid }) => String(uid)),
    ofProcess('gid', 'u32', 'real group id', ({ gid }) => String(gid)),
    ofProcess('vpid', 'u32', 'process id in its own pid namespace', ({ vpid }) => String(vpid)),
    ofProcess('vtid', 'u32', 'thread id in its own pid namespace, of main threads', ({ vpid }, { event }) =>
      event.tid === event.pid ? String(vpid) : undefined,
    ),
    ofProcess('fdlimit', 'u64', 'most descriptors it may have open, as of the last exec', ({ image }) =>
      image === undefined ? undefined : String(image.fdLimit),
    ),
    CGROUPS,
    ofProcess(
      'pidns_init_start_ts',
      'time',
      'start of the pid namespace, ns since the epoch',
      (process, ctx) => namespaceTime(process, ctx)?.toString(),
    ),
  ],
  socket: [
    TUPLE,
    {
      name: 'addr',
      type: 'text',
      doc: 'address and port, or unix name, that the caller passed',
      text: (ctx) => {
        const address = passedAddress(ctx)
        return address === undefined ? undefined : { raw: address }
      },
    },
  ],
  message: [TUPLE],
}

/** The same of syscalls that are the only one of their family. */
const EXTRA_OF_CALLS: Readonly<Record<string, readonly Argument[]>> = {
  prctl: [{ name: 'arg2_int', type: 'u64', doc: 'arg2, where it is a number', text: numberOfPrctl }],
}

function argumentsOf(type: EventType): readonly Argument[] {
  const without = NOT_OF[type.name] ?? []
  const slots = layoutOf(type.family).slots.filter(
    (slot) =>
      slot.decl.hidden !== true &&
      !without.includes(slot.name) &&
      argumentName(slot, type.name) !== undefined,
  )
  const order = FIRST[type.family.name] ?? ['res']
  const rank = (slot: Slot): number => {
    const at = order.indexOf(slot.name)
    return at < 0 ? order.length : at
  }
  const own = slots.toSorted((a, b) => rank(a) - rank(b)).map((slot) => fromSlot(type, slot))
  const extra = EXTRA[type.family.name] ?? EXTRA_OF_CALLS[type.name] ?? []
  const after = own[0]?.name === 'res' ? 1 : 0
  return inFalcoOrder(type.name, [...own.slice(0, after), ...extra, ...own.slice(after)])
}

/** What Falco has comes first, as it has it; the rest keeps its order. */
function inFalcoOrder(event: string, list: readonly Argument[]): readonly Argument[] {
  const known = FALCO_ARGUMENT_LISTS.get(event)
  if (known === undefined) return list
  return list
    .map((argument) => {
      const position = known.get(argument.name)?.position
      return position === undefined ? argument : { ...argument, position }
    })
    .sort((a, b) => (a.position ?? Number.MAX_SAFE_INTEGER) - (b.position ?? Number.MAX_SAFE_INTEGER))
}

/** Is the argument part of `evt.args`? Falco's are, and all of events that Falco does not have. */
const isShown = (event: string, { position }: Argument): boolean =>
  position !== undefined || !FALCO_ARGUMENT_LISTS.has(event)

/** Arguments of every event that rules see, in the order they are shown. */
export const ARGUMENTS: ReadonlyMap<string, readonly Argument[]> = new Map(
  PUBLIC_EVENT_TYPES.map((type) => [type.name, argumentsOf(type)]),
)

const OWN_NAMES: ReadonlySet<string> = new Set([...ARGUMENTS.values()].flat().map((arg) => arg.name))

const show = (name: string, { raw, resolved }: ArgText): string =>
  resolved === undefined ? `${name}=${raw}` : `${name}=${raw}(${resolved})`

/** `name=raw(resolved) ...` for every argument the event has. */
function argsText(ctx: SyscallContext): string {
  const parts: string[] = []
  for (const argument of ARGUMENTS.get(ctx.event.name) ?? []) {
    const text = isShown(ctx.event.name, argument) ? argument.text(ctx) : undefined
    if (text !== undefined) parts.push(show(argument.name, text))
  }
  return parts.join(' ')
}

/** Positions are Falco's, also where an argument before is missing here. */
const atPosition = (event: string, list: readonly Argument[], at: number): Argument | undefined =>
  FALCO_ARGUMENT_LISTS.has(event) ? list.find(({ position }) => position === at) : list[at]

/** The argument each event has under a name or at a position. */
function byEvent(which: string | number): ReadonlyMap<string, Argument> {
  const found = new Map<string, Argument>()
  for (const [event, list] of ARGUMENTS) {
    const argument =
      typeof which === 'number' ? atPosition(event, list, which) : list.find((arg) => arg.name === which)
    if (argument !== undefined) found.set(event, argument)
  }
  return found
}

/** Name or position, checked; throws FieldArgumentError for a name that no event has here. */
function parseWhich(fieldName: string, arg: string | undefined): string | number {
  if (arg === undefined || arg === '')
    throw new FieldArgumentError(`${fieldName} needs the name of an argument, as in ${fieldName}.flags`)
  if (/^\d{1,3}$/.test(arg)) return Number(arg)
  if (OWN_NAMES.has(arg)) return arg
  const events = [...FALCO_ARGUMENT_LISTS].filter(([, list]) => list.has(arg)).map(([event]) => event)
  const of = events.length === 0 ? 'of Falco' : `that Falco has of ${events.join(', ')}`
  const what = FALCO_ARGUMENTS.has(arg)
    ? `argument '${arg}' ${of} is not served`
    : `no event has an argument '${arg}'`
  throw new FieldArgumentError(`${fieldName}.${arg}: ${what}; see 'tarsier events show NAME'`)
}

const bound = (fieldName: string, pick: (text: ArgText) => string) => {
  return (arg: string | undefined): Extractor<SyscallContext> => {
    const found = byEvent(parseWhich(fieldName, arg))
    return {
      events: [...found.keys()],
      get: (ctx): Str | undefined => {
        const text = found.get(ctx.event.name)?.text(ctx)
        return text === undefined ? undefined : ctx.lookup.intern(pick(text))
      },
    }
  }
}

/** Base in which the text of a number is. */
const BASES: Readonly<Record<PlainNumber, number>> = { n: 10, x: 16, o: 8 }

const NUMBER = /^-?[\da-f]+$/i

/** An argument as a number; absent where it is none. */
function bindNumber(arg: string | undefined): Extractor<SyscallContext> {
  const found = byEvent(parseWhich('evt.rawarg', arg))
  return {
    events: [...found.keys()],
    get(ctx): number | undefined {
      const argument = found.get(ctx.event.name)
      const raw = argument?.text(ctx)?.raw
      if (argument === undefined || raw === undefined || !NUMBER.test(raw)) return undefined
      const number = Number.parseInt(raw, BASES[argument.plain ?? 'n'])
      return Number.isNaN(number) ? undefined : number
    },
  }
}

const wholeText = (ctx: SyscallContext): Str => ctx.lookup.intern(argsText(ctx))

export const argumentFields: readonly SyscallField[] = [
  field({
    name: 'evt.args',
    type: 'string',
    cost: 'derived',
    doc: 'All arguments: `name=value`, with what the value stands for in parentheses where that says more.',
    examples: ['fd=3(<f>/etc/hosts) dirfd=-100(AT_FDCWD) name=/etc/hosts flags=0(O_RDONLY) mode=0'],
    get: wholeText,
  }),
  field({
    name: 'evt.info',
    type: 'string',
    cost: 'derived',
    doc: 'The same as evt.args.',
    get: wholeText,
  }),
  {
    name: 'evt.arg',
    type: 'string',
    cost: 'derived',
    arg: { form: 'key', required: true, doc: 'name of an argument, or its position from 0' },
    doc: 'One argument as text: what it stands for (flag names joined by `|`, an absolute path, `<f>/path` for a descriptor), else the plain value.',
    examples: ['evt.arg.flags', 'evt.arg[0]'],
    bind: bound('evt.arg', ({ raw, resolved }) => resolved ?? raw),
  },
  {
    name: 'evt.rawarg',
    type: 'string',
    cost: 'derived',
    arg: { form: 'key', required: true, doc: 'name of an argument, or its position from 0' },
    doc: 'One argument as text, as it was passed: numbers decimal, modes octal, devices and capabilities hexadecimal. `<` and its like compare the numbers.',
    examples: ['evt.rawarg.res'],
    bind: bound('evt.rawarg', ({ raw }) => raw),
    inOrder: {
      name: 'evt.rawarg.number',
      type: 'int',
      cost: 'derived',
      doc: 'One argument as a number.',
      bind: bindNumber,
    },
  },
]

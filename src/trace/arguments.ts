/** Arguments of events as Tracee shows them: its names, C types and values. */
import {
  ADDRESS_FAMILIES,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SOCK_FLAGS,
  SOCK_TYPES,
} from '../../schema/enums/index.ts'
import { argumentName, type EventType, layoutOf, RECORD_FLAGS, type Slot } from '../../schema/index.ts'
import { SYSCALLS, type Syscall } from '../../schema/plain.ts'
import { decodeBytes } from '../decode/str.ts'
import type { SyscallContext } from '../fields/context.ts'
import { credentialsOf } from '../fields/credentials.ts'
import { flagNamer } from '../fields/evt/argument-text.ts'
import { structureText } from '../fields/evt/structure-text.ts'
import { Ip, mappedIp } from '../fields/ip.ts'
import { type PathFields, pathOfFields } from '../fields/paths.ts'
import { splitVector } from '../fields/vector.ts'
import { CLONE_ARGUMENTS, flagWords, MEMORY_ALERT, modeNames, OPEN_HOW } from './structures.ts'
import { hookType, traceeName, traceeType } from './tracee-types.ts'

/** A value as JSON can have it. */
export type ArgumentValue =
  | number
  | bigint
  | boolean
  | string
  | readonly string[]
  | readonly number[]
  | { readonly [key: string]: string | number | bigint }

export interface TraceArgument {
  readonly name: string
  /** C type. */
  readonly type: string
  readonly doc: string
  /** As it was passed; undefined when the record does not have it. */
  readonly value: (ctx: SyscallContext) => ArgumentValue | undefined
  /** In words, where there are some for it: names of flags, hexadecimal addresses. Of a structure those of its members. */
  readonly words?: (ctx: SyscallContext) => string | Readonly<Record<string, string>> | undefined
  /** The same as Tracee has them, where that differs. */
  readonly traceeWords?: TraceArgument['words']
  /** It is a path: what its other spellings are made of. */
  readonly path?: PathFields
  /** The field it is, where it is one. */
  readonly slot?: Slot
  /** Texts in it may hold secrets. */
  readonly secrets?: 'arguments' | 'environment'
}

/** Fields that hold the arguments of events with a record of their own, where they are called otherwise; `` for none. */
const FIELD_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  exec: { pathname: 'filename', envp: 'env', flags: 'at_flags' },
  open: { pathname: 'name' },
  write: { count: 'size', iovcnt: 'size', length: 'size', len: 'size', offset: 'pos', fd_out: 'fd' },
  truncate: { path: 'name' },
  unlink: { pathname: 'name' },
  symlink: { newdirfd: 'linkdirfd' },
  chmod: { pathname: 'filename' },
  socket: { sockfd: 'fd' },
  socket_new: { protocol: 'proto' },
  message: { sockfd: 'fd', len: 'size' },
  pidfd: { pidfd: 'pid_fd', targetfd: 'target_fd' },
}

/** Of the call, where others of its family have another field: `fd` of accept is the new socket. */
const FIELD_OF_CALL: Readonly<Record<string, string>> = {
  'accept.sockfd': 'listen_fd',
  'accept4.sockfd': 'listen_fd',
}

/** What records of io_uring do not have. */
const NOT_BY_URING: ReadonlySet<string> = new Set(['message.flags', 'message.addrlen', 'socket.addrlen'])

/** Directory fields of relative paths in records of their own. */
const DIRECTORY_OF: Readonly<Record<string, string>> = { oldpath: 'olddir', newpath: 'newdir', target: '' }

type Value = TraceArgument['value']

/** Arguments that are put together from several fields. */
const MADE: Readonly<Record<string, Pick<TraceArgument, 'value' | 'words' | 'doc'>>> = {
  ...CLONE_ARGUMENTS,
  ...OPEN_HOW,
  ...MEMORY_ALERT,
  'socket.addr': {
    doc: 'address the caller passed; of accept the one of the peer, which came back',
    value: (ctx) => (TAKES.has(ctx.event.type.name) ? peerMap(ctx) : addressMap(ctx)),
  },
  'message.dest_addr': { doc: 'address the caller passed', value: (ctx) => addressMap(ctx) },
  'message.src_addr': { doc: 'address that came back', value: (ctx) => addressMap(ctx) },
  'write.length': { doc: 'new length in bytes', value: ({ event }) => exactly(event.bigint('size')) },
  'socket_new.type': {
    doc: 'socket type, and flags in the same word',
    value: ({ event }) => event.number('type')! | event.number('flags')!,
    words: ({ event }) => {
      const type = SOCKET_TYPE_NAMES.get(event.number('type')!)
      const flags = event.number('flags')! === 0 ? undefined : socketFlags(event.number('flags')!)
      return type === undefined || flags === undefined ? type : `${type}|${flags}`
    },
  },
  'magic_write.bytes': {
    doc: 'first bytes, at most 32, in base64',
    value: ({ event }) => {
      const bytes = event.bytes('bytes')
      return bytes && Buffer.from(bytes).toString('base64')
    },
  },
  'socket_new.sv': {
    doc: 'the two descriptors',
    value: ({ event }) => [event.number('fd')!, event.number('fd2')!],
  },
}
/** A signed number. */
const exactly = (word: bigint | undefined): number | bigint | undefined => {
  if (word === undefined) return undefined
  const value = BigInt.asIntN(64, word)
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
const SOCKET_TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SOCK_TYPES.names).map(([name, value]) => [value, name]),
)
const socketFlags = flagNamer(SOCK_FLAGS)

const CALLS: ReadonlyMap<string, Syscall> = new Map(SYSCALLS.map((call) => [call.name, call]))

/** Arguments of an event, in the order of the call; those a record does not have are left out. */
export function argumentsOf(type: EventType): readonly TraceArgument[] {
  const slots = new Map(
    layoutOf(type.family).slots.flatMap((slot) => {
      const name = argumentName(slot, type.name)
      return name === undefined ? [] : [[name, slot]]
    }),
  )
  const call = CALLS.get(type.name)
  if (call === undefined)
    return [...slots.values()]
      .filter(({ decl, name }) => decl.hidden !== true && name !== 'res')
      .map((slot) => ({
        ...ofSlot(slot, slot.name, hookType(type.name, slot.name) ?? storageType(slot)),
        ...modeWords(type.name, slot),
        ...MADE[`${type.name}.${slot.name}`],
      }))
  const family = type.family.name
  return call.arguments.flatMap(({ name, word }) => {
    const shown = traceeName(call.name, name)
    const cType = traceeType(call.name, name, word)
    const made = MADE[`${family}.${name}`]
    if (made !== undefined) return { name: shown, type: cType, ...made }
    const slot = slots.get(
      type.family.record === undefined
        ? (FIELD_OF_CALL[`${call.name}.${name}`] ?? FIELD_OF[family]?.[name] ?? name)
        : name,
    )
    if (slot === undefined) return []
    const argument = { ...ofSlot(slot, shown, cType), ...modeWords(call.name, slot) }
    if (call.name === 'execveat' && slot.name === 'filename') return fromDescriptor(argument)
    return NOT_BY_URING.has(`${family}.${slot.name}`) ? notByUring(argument) : argument
  })
}

/** Events of which Tracee puts modes into words. */
const NAMES_MODES: ReadonlySet<string> = new Set([
  ...['mknod', 'mknodat', 'chmod', 'fchmod', 'fchmodat', 'security_inode_mknod'],
])
const modeWords = (event: string, { name, decl }: Slot): Pick<TraceArgument, 'traceeWords'> =>
  decl.format === 'mode'
    ? { traceeWords: (ctx) => (NAMES_MODES.has(event) ? modeNames(ctx.event.number(name) ?? 0) : undefined) }
    : {}

const DEV_FD = '/dev/fd/'
/** The kernel makes a name of the descriptor and the path that an execveat was given, and keeps that. */
const fromDescriptor = (argument: TraceArgument): TraceArgument => ({
  ...argument,
  value(ctx) {
    const value = argument.value(ctx)
    const [fd, result] = [ctx.event.number('dirfd') ?? -1, ctx.event.number('res')]
    if (typeof value !== 'string' || fd < 0 || result !== 0 || !value.startsWith(`${DEV_FD}${fd}`))
      return value
    return value.slice(DEV_FD.length + String(fd).length + 1)
  },
})

const notByUring = (argument: TraceArgument): TraceArgument => ({
  ...argument,
  value: (ctx) => ((ctx.event.flags & RECORD_FLAGS.IO_URING) === 0 ? argument.value(ctx) : undefined),
})

/** One argument from one field of the record. */
export function ofSlot(slot: Slot, name: string, type: string): TraceArgument {
  const { decl } = slot
  const about = { name, type, doc: decl.doc, slot, value: readerOf(slot), ...wordsOf(slot) }
  if (decl.storage === 'strv') return { ...about, secrets: slot.name === 'env' ? 'environment' : 'arguments' }
  if (decl.format !== 'path') return about
  const dir = decl.base ?? DIRECTORY_OF[slot.name] ?? 'dir'
  return dir === '' ? about : { ...about, path: pathOfFields(slot.name, dir, pathBeside(slot.name)) }
}

/** The field with the path as the kernel resolved it, beside a given name. */
const pathBeside = (field: string): string | undefined =>
  field === 'name' || field === 'filename' ? 'path' : undefined

function readerOf({ name, decl, size }: Slot): Value {
  switch (decl.storage) {
    case 'str':
      return ({ event }) => event.string(name)?.text
    case 'strv':
      return ({ event }) => {
        const bytes = event.bytes(name)
        return bytes && splitVector(bytes)
      }
    case 'bytes':
      return ({ event }) => {
        const bytes = event.bytes(name)
        return bytes && structureOf(decl.format, bytes)
      }
    case 'ip':
      return ({ event }) => {
        const bytes = event.ip(name)
        return bytes && new Ip(bytes).text
      }
    case 'u16':
    case 'u32':
    case 's32':
    case 'u64':
    case 's64':
      return ({ event }) => {
        const number = event.number(name)
        if (number === undefined || size < 8 || Number.isSafeInteger(number)) return number
        return event.bigint(name)
      }
    default:
      return decl.storage satisfies never
  }
}

function structureOf(format: Slot['decl']['format'], bytes: Uint8Array): ArgumentValue | undefined {
  if (format === 'sockaddr') return sockaddrMap(bytes)
  if (format === 'creds') return credentialsOf(bytes)
  if (format !== 'pair' || bytes.length < 8) return structureText(format, bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return [view.getInt32(0, true), view.getInt32(4, true)]
}

/** Words for the value of a field; nothing where numbers are as good. */
function wordsOf(slot: Slot | undefined): Pick<TraceArgument, 'words'> {
  if (slot === undefined) return {}
  const { name, decl } = slot
  const of = (words: (value: number) => string | undefined): Pick<TraceArgument, 'words'> => ({
    words: ({ event }) => {
      const value = event.number(name)
      return value === undefined ? undefined : words(value)
    },
  })
  switch (decl.format) {
    case 'flags':
      return of(flagWords(decl.names!))
    case 'enum': {
      const names = new Map(Object.entries(decl.names!.names).map(([text, value]) => [value, text]))
      return of((value) => names.get(value))
    }
    case 'mode':
      return of((value) => (value === 0 ? '0' : `0${value.toString(8)}`))
    case 'address':
      return { words: ({ event }) => `0x${(event.bigint(name) ?? 0n).toString(16)}` }
    default:
      return {}
  }
}

/** C type of a field that belongs to no syscall. */
export function storageType({ decl }: Slot): string {
  if (decl.format === 'dev') return 'dev_t'
  if (decl.format === 'mode') return 'mode_t'
  switch (decl.storage) {
    case 'u16':
      return 'u16'
    case 'u32':
      return 'u32'
    case 's32':
      return 'int'
    case 'u64':
      return 'unsigned long'
    case 's64':
      return 'long'
    case 'str':
    case 'ip':
      return 'const char*'
    case 'strv':
      return 'const char**'
    case 'bytes':
      return 'bytes'
    default:
      return decl.storage satisfies never
  }
}

const FAMILY_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ADDRESS_FAMILIES.names).map(([name, value]) => [value, name]),
)
const familyName = (family: number): string => FAMILY_NAMES.get(family) ?? String(family)

/** The address a caller passed, from the fields that describe it; undefined without one. */
function addressMap({ event }: SyscallContext): ArgumentValue | undefined {
  const family = event.number('addr_family') ?? 0
  if (family === 0) return undefined
  const sa_family = familyName(family)
  if (family === AF_UNIX) return { sa_family, sun_path: event.string('addr_path')?.text ?? '' }
  const port = String(event.number('addr_port') ?? 0)
  const address = new Ip(event.ip('addr_ip') ?? new Uint8Array(16)).text
  if (family === AF_INET) return { sa_family, sin_port: port, sin_addr: address }
  if (family === AF_INET6) {
    const [flow, scope] = ['addr_flow', 'addr_scope'].map((name) => String(event.number(name) ?? 0))
    return { sa_family, sin6_port: port, sin6_flowinfo: flow!, sin6_addr: address, sin6_scopeid: scope! }
  }
  return { sa_family }
}

/** Calls that take a connection. */
const TAKES: ReadonlySet<string> = new Set(['accept', 'accept4'])

/** The address of the peer, from the kernel's socket: where the call worked and its caller wanted one. */
function peerMap({ event }: SyscallContext): ArgumentValue | undefined {
  if (event.number('res')! < 0 || event.number('addrlen_at') === 0) return undefined
  const family = event.number('family') ?? 0
  const sa_family = familyName(family)
  const port = String(event.number('rport') ?? 0)
  const address = new Ip(event.ip('raddr') ?? new Uint8Array(16)).text
  if (family === AF_INET) return { sa_family, sin_port: port, sin_addr: address }
  if (family === AF_INET6) return { sa_family, sin6_port: port, sin6_addr: address }
  return { sa_family }
}

/** struct sockaddr as Tracee has it: text by member. */
function sockaddrMap(bytes: Uint8Array): ArgumentValue | undefined {
  if (bytes.length < 2) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const family = view.getUint16(0, true)
  const sa_family = familyName(family)
  if (family === AF_UNIX) return { sa_family, sun_path: unixPath(bytes.subarray(2)) }
  if (family === AF_INET && bytes.length >= 8)
    return { sa_family, sin_port: String(view.getUint16(2)), sin_addr: mappedIp(bytes.subarray(4, 8)).text }
  if (family === AF_INET6 && bytes.length >= 24)
    return {
      sa_family,
      sin6_port: String(view.getUint16(2)),
      sin6_flowinfo: String(view.getUint32(4)),
      sin6_addr: new Ip(bytes.slice(8, 24)).text,
      ...(bytes.length < 28 ? {} : { sin6_scopeid: String(view.getUint32(24, true)) }),
    }
  return { sa_family }
}

/** An abstract name starts with `@`. */
function unixPath(path: Uint8Array): string {
  if (path[0] === 0 && path.length > 1) return `@${decodeBytes(path.subarray(1))}`
  const end = path.indexOf(0)
  return decodeBytes(end < 0 ? path : path.subarray(0, end))
}

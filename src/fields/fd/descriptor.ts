/** The descriptor an event is about: what it is, under which name, which ends it connects. */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  ERRNO,
  FAMILIES,
  FILE_TYPES,
  FLOW_DIRECTIONS,
  OPEN_FLAGS,
  S_IFMT,
  SOCK_TYPES,
  SOCKET_FACTS,
} from '../../../schema/enums/index.ts'
import { placesOf } from '../../decode/event-view.ts'
import type { KnownPaths } from '../../decode/known-paths.ts'
import type { Str } from '../../decode/str.ts'
import type { Endpoint, SyscallContext } from '../context.ts'
import type { Place } from '../field.ts'
import { Ip, isLoopback, LOOPBACK } from '../ip.ts'
import {
  featuresOf,
  type PathFields,
  type PathValue,
  pathOf,
  pathOfFields,
  plainPath,
  spellingsOf,
} from '../paths.ts'
import { once } from '../syscall-field.ts'
import { madeName, madeNumber, madeType } from './made.ts'
import type { FdTypeChar } from './types.ts'

const OPEN_PATH = pathOfFields('name', 'dir', 'path')
const OBJECT_PATH = pathOfFields(undefined, undefined, 'path')

/** Families of events whose records describe a socket; a dup may be about one. */
export const SOCKET_EVENTS = ['socket', 'socket_new', 'message', 'flow', 'packet', 'dup'] as const

/** Is the event about a socket? */
export function isSocket(ctx: SyscallContext): boolean {
  switch (ctx.event.family) {
    case 'socket':
    case 'message':
    case 'flow':
    case 'packet':
      return true
    case 'socket_new':
      return ctx.event.number('res')! >= 0
    case 'dup':
      return (ctx.event.number('i_mode')! & S_IFMT) === FILE_TYPES.S_IFSOCK
    default:
      return false
  }
}

/** Address family of the event's socket. */
export const socketFamily = (ctx: SyscallContext): number | undefined =>
  ctx.event.number(ctx.event.family === 'socket_new' ? 'domain' : 'family')

/** SOCKET_FACTS bits; undefined for calls that make the socket what it is. */
const factsOf = (ctx: SyscallContext): number | undefined => ctx.event.number('socket_facts')
const { SOCKET_CONNECTED, SOCKET_ACCEPTED, SOCKET_LISTENS, SOCKET_BOUND } = SOCKET_FACTS.names

/** Path fields of the file behind the descriptor; undefined when the event has no such file. */
function fileFields(ctx: SyscallContext): PathFields | undefined {
  const { family, name } = ctx.event
  const isOther = family === 'dup' && (ctx.event.number('i_mode') === 0 || isSocket(ctx))
  return isOther ? undefined : fileFieldsOf(family, name)
}

/** The same by type of event; a dup may be about something else. */
function fileFieldsOf(family: string, name: string): PathFields | undefined {
  switch (family) {
    case 'open':
      return OPEN_PATH
    case 'write':
    case 'dup':
      return OBJECT_PATH
    case 'chmod':
      return name === 'fchmod' ? OBJECT_PATH : undefined
    default:
      return undefined
  }
}

/** Record field with the number of the descriptor. */
function numberField(ctx: SyscallContext): 'fd' | 'res' | undefined {
  const family = ctx.event.family
  if (family === 'dup') return 'res'
  // They are about a socket, whichever descriptors it has.
  if (family === 'flow' || family === 'packet') return undefined
  return family === 'socket_new' || isSocket(ctx) || fileFields(ctx) !== undefined ? 'fd' : undefined
}

const isOpen = (ctx: SyscallContext): boolean => ctx.event.family === 'open'

/** Number of the descriptor: -1 when the call that should have made it failed, undefined when there is none. */
export function fdNumber(ctx: SyscallContext): number | undefined {
  const name = numberField(ctx)
  if (name === undefined) return madeNumber(ctx)
  const fd = ctx.event.number(name)!
  return fd < 0 ? -1 : fd
}

/** How the kernel calls objects without a path, by the beginning of that name. */
const KERNEL_NAMES: readonly (readonly [string, FdTypeChar])[] = [
  ['pipe:', 'p'],
  ['anon_inode:[eventpoll]', 'l'],
  ['anon_inode:[eventfd]', 'e'],
  ['anon_inode:[signalfd]', 's'],
  ['anon_inode:[timerfd]', 't'],
  ['anon_inode:inotify', 'i'],
  ['anon_inode:[inotify]', 'i'],
  ['anon_inode:bpf', 'b'],
  ['anon_inode:[bpf', 'b'],
  ['anon_inode:[io_uring]', 'r'],
  ['anon_inode:[pidfd]', 'P'],
  ['pidfd:', 'P'],
  ['anon_inode:[userfaultfd]', 'U'],
  ['anon_inode:', 'o'],
  ['socket:', 'o'],
  ['memfd:', 'm'],
  ['/memfd:', 'm'],
]

const SLASH = 0x2f

/** What a path and an inode type say about a file; undefined mode bits (0) leave it to be a file. */
export const kindOfFile = (path: string | undefined, mode: number): FdTypeChar =>
  kindOfName(path) ?? kindOfMode(mode)

function kindOfName(path: string | undefined): FdTypeChar | undefined {
  // Nearly all names are absolute paths, and of those only memory files have one that tells.
  if (path !== undefined && (path.charCodeAt(0) !== SLASH || path.startsWith('/memfd:')))
    for (const [start, type] of KERNEL_NAMES) if (path.startsWith(start)) return type
  return undefined
}

function kindOfMode(mode: number): FdTypeChar {
  switch (mode & S_IFMT) {
    case FILE_TYPES.S_IFDIR:
      return 'd'
    case FILE_TYPES.S_IFIFO:
      return 'p'
    case FILE_TYPES.S_IFSOCK:
      return 'u'
    default:
      return 'f'
  }
}

/** Of a path that does not tell. */
const NO_KIND = ''
const MODE_PLACES = placesOf('i_mode')

function fileType(ctx: SyscallContext, fields: PathFields): FdTypeChar {
  const { event } = ctx
  const modeSlot = event.slotAt(MODE_PLACES)
  const mode = modeSlot === undefined ? 0 : event.numberAt(modeSlot)
  const path = pathOf(ctx, fields)
  path.kind ??= kindOfName(path.resolved?.text) ?? NO_KIND
  if ((mode & S_IFMT) === FILE_TYPES.S_IFREG && path.kind === NO_KIND) return 'f'
  const kind = path.kind === NO_KIND ? kindOfMode(mode) : (path.kind as FdTypeChar)
  // A failed open has no inode: what was asked for decides.
  const asked = kind === 'f' && (mode & S_IFMT) === 0 && isOpen(ctx) && !isTemporary(ctx)
  return asked && (event.number('flags')! & OPEN_FLAGS.names['O_DIRECTORY']!) !== 0 ? 'd' : kind
}

const isTemporary = (ctx: SyscallContext): boolean => {
  const bits = OPEN_FLAGS.names['O_TMPFILE']!
  return (ctx.event.number('flags')! & bits) === bits
}

function socketType(ctx: SyscallContext): FdTypeChar {
  switch (socketFamily(ctx) || ctx.event.number('addr_family')) {
    case AF_UNIX:
      return 'u'
    case AF_INET:
      return '4'
    case AF_INET6: {
      // An IPv6 socket that talks IPv4 shows mapped addresses.
      const ends = tuple(ctx)
      return ends?.client?.ip.version === 4 || ends?.server?.ip.version === 4 ? '4' : '6'
    }
    case FAMILIES.names['AF_NETLINK']:
      return 'n'
    default:
      return 'o'
  }
}

/** Letter of what it is; undefined when the event is about no descriptor. */
export function typeChar(ctx: SyscallContext): FdTypeChar | undefined {
  const { kindMemo } = ctx.event
  if (kindMemo !== undefined) return kindMemo as FdTypeChar
  const fields = fileFields(ctx)
  if (fields !== undefined) {
    const kind = fileType(ctx, fields)
    ctx.event.kindMemo = kind
    return kind
  }
  return isSocket(ctx) ? once(ctx, 'fd.typechar', () => socketType(ctx)) : madeType(ctx)
}

/** Both ends of an inet socket, by role and by place. */
export interface Tuple {
  readonly client: Endpoint | undefined
  readonly server: Endpoint | undefined
  readonly local: Endpoint | undefined
  readonly remote: Endpoint | undefined
  /** We are the server: the socket was bound, listens, or was accepted. */
  readonly isServer: boolean
}

/** Events after which their socket has a peer. */
const CONNECTED: ReadonlySet<string> = new Set([
  'connect',
  'accept',
  'accept4',
  'net_flow_tcp_begin',
  'net_packet_dns_request',
  'net_packet_dns_response',
  'net_packet_first',
])

const IN_PROGRESS = -ERRNO['EINPROGRESS']!

/**
 * Did the call establish or start what it is for? A connect that is under way has its addresses. A socket that was there
 * before is what it is, whatever became of the call.
 */
const socketWorked = (ctx: SyscallContext): boolean => {
  if (factsOf(ctx) !== undefined) return socketFamily(ctx) !== 0
  const res = ctx.event.number('res') ?? 0
  return res >= 0 || res === IN_PROGRESS
}

/** Ends of the event's inet socket; undefined for other events, other families, and after a failure. */
export const tuple = (ctx: SyscallContext): Tuple | undefined =>
  once(ctx, 'fd.tuple', () => {
    const ends = socketTuple(ctx)
    return ends && fromLoopback(ends)
  })

/** The same as the socket itself has it: one that was never bound to an address has none, wherever it sends. */
export const socketTuple = (ctx: SyscallContext): Tuple | undefined =>
  once(ctx, 'fd.socket_tuple', () => (isSocket(ctx) && socketWorked(ctx) ? makeTuple(ctx) : undefined))

/** What goes to loopback comes from there. */
function fromLoopback(ends: Tuple): Tuple {
  const { local, remote, isServer } = ends
  if (local === undefined || remote === undefined || !isUnspecified(local.ip) || !isLoopback(remote.ip))
    return ends
  return byRole({ ip: LOOPBACK[remote.ip.version], port: local.port }, remote, isServer)
}

function makeTuple(ctx: SyscallContext): Tuple | undefined {
  const family = socketFamily(ctx)!
  // What is new has no ends yet.
  if ((family !== AF_INET && family !== AF_INET6) || ctx.event.family === 'socket_new') return undefined
  const local = ifSet(endpoint(ctx, 'laddr', 'lport', family))
  const remote = ifSet(
    messageAddress(ctx)
      ? endpoint(ctx, 'addr_ip', 'addr_port', family)
      : endpoint(ctx, 'raddr', 'rport', family),
  )
  return byRole(local, remote, serves(ctx, local, remote))
}

const byRole = (local: Endpoint | undefined, remote: Endpoint | undefined, isServer: boolean): Tuple =>
  isServer
    ? { client: remote, server: local, local, remote, isServer }
    : { client: local, server: remote, local, remote, isServer }

/** Does a message have an address of its own? Streams ignore what they are given. */
function messageAddress(ctx: SyscallContext): boolean {
  const { event } = ctx
  if (event.family !== 'message' || event.number('type') === SOCK_TYPES.names['SOCK_STREAM']) return false
  return event.number('addr_family') === AF_INET || event.number('addr_family') === AF_INET6
}

/**
 * Are we the server? For a connection that depends on how it came about. A datagram socket has no beginning: it serves
 * when its program chose the port and that is the lower one.
 */
function serves(ctx: SyscallContext, local: Endpoint | undefined, remote: Endpoint | undefined): boolean {
  const facts = factsOf(ctx)
  if (facts === undefined) {
    const direction = ctx.event.number('direction')
    if (direction !== undefined) return direction === FLOW_DIRECTIONS.names['inbound']
    return ctx.event.name !== 'connect' && ctx.event.family !== 'packet'
  }
  if ((facts & (SOCKET_ACCEPTED! | SOCKET_LISTENS!)) !== 0) return true
  if ((facts & SOCKET_BOUND!) === 0 || local === undefined) return false
  if (remote === undefined) return true
  return ctx.event.number('type') === SOCK_TYPES.names['SOCK_DGRAM'] && local.port < remote.port
}

/** Has the socket a peer, or a connection to one under way? */
export function isConnected(ctx: SyscallContext): boolean {
  const facts = factsOf(ctx)
  if (facts !== undefined) return (facts & SOCKET_CONNECTED!) !== 0
  if (!socketWorked(ctx)) return false
  const { name } = ctx.event
  return CONNECTED.has(name)
}

/** Did this event give the socket its name, or go to another address than the socket's own? */
export function getsName(ctx: SyscallContext): boolean {
  if (factsOf(ctx) === undefined)
    return socketWorked(ctx) && ctx.event.name !== 'listen' && ctx.event.family === 'socket'
  if (!messageAddress(ctx)) return false
  const own = ifSet(endpoint(ctx, 'raddr', 'rport', socketFamily(ctx)!))
  const remote = tuple(ctx)?.remote
  return remote !== undefined && (own === undefined || own.port !== remote.port || !own.ip.equals(remote.ip))
}

function endpoint(ctx: SyscallContext, addr: string, port: string, family: number): Endpoint {
  return { ip: new Ip(ctx.event.ip(addr) ?? unspecified(family)), port: ctx.event.number(port)! }
}

/** The address of a socket that takes any, or has none. */
export function isUnspecified({ bytes, version }: Ip): boolean {
  for (let i = version === 4 ? 12 : 0; i < 16; i++) if (bytes[i] !== 0) return false
  return true
}

/** An end without address and port is none; a port on the unspecified address is one. */
const ifSet = (end: Endpoint): Endpoint | undefined =>
  end.port === 0 && isUnspecified(end.ip) ? undefined : end

function unspecified(family: number): Uint8Array {
  const bytes = new Uint8Array(16)
  if (family === AF_INET) bytes.fill(0xff, 10, 12)
  return bytes
}

const endText = (end: Endpoint): string => `${end.ip.text}:${end.port}`

/** `client:port->server:port`, or the one end there is. */
export function tupleText({ client, server }: Tuple): string {
  if (client === undefined) return server === undefined ? '' : endText(server)
  return server === undefined ? endText(client) : `${endText(client)}->${endText(server)}`
}

/** What the caller passed to connect or bind: `address:port` or the unix name; undefined when nothing. */
export function passedAddress(ctx: SyscallContext): string | undefined {
  if (!isSocket(ctx) || !ctx.event.has('addr_family')) return undefined
  const family = ctx.event.number('addr_family')!
  if (family === AF_UNIX) return ctx.event.string('addr_path')?.text
  if (family !== AF_INET && family !== AF_INET6) return undefined
  return endText(endpoint(ctx, 'addr_ip', 'addr_port', family))
}

/** Which name of a unix socket to show: that of the socket, or where the message went. */
const OWN_FIRST = ['unix_path', 'addr_path'] as const
const PEER_FIRST = ['addr_path', 'unix_path'] as const

/** Name of a socket: its tuple or unix path; empty when it has none or the call failed, as Falco has it. */
function socketName(ctx: SyscallContext): Str | undefined {
  if (!socketWorked(ctx)) return ctx.lookup.intern('')
  const ends = tuple(ctx)
  if (ends !== undefined) return ctx.lookup.intern(tupleText(ends))
  const [first, second] = ctx.event.family === 'message' ? PEER_FIRST : OWN_FIRST
  return ctx.event.string(first) ?? ctx.event.string(second) ?? ctx.lookup.intern('')
}

/** Name to print: the accessed path, the connection, the unix path. */
export function fdName(ctx: SyscallContext): Str | undefined {
  if (isSocket(ctx)) return once(ctx, 'fd.name', () => socketName(ctx))
  const fields = fileFields(ctx)
  return fields === undefined ? madeName(ctx) : pathOf(ctx, fields).accessed
}

/** Names that comparisons look at: both spellings of a path. */
export function fdNames(ctx: SyscallContext): readonly Str[] {
  const fields = fileFields(ctx)
  if (fields !== undefined) return spellingsOf(ctx, pathOf(ctx, fields))
  const name = fdName(ctx)
  return name === undefined ? [] : [name]
}

/** The path of a file: its names are the same while this is. */
export function fdPath(ctx: SyscallContext): PathValue | undefined {
  const fields = fileFields(ctx)
  return fields && pathOf(ctx, fields)
}

/** Where that path lies, when it is the only name of the file. */
export function fdPlainPath(ctx: SyscallContext, at: Place): boolean {
  const fields = fileFields(ctx)
  return fields !== undefined && plainPath(ctx.event, fields, at)
}

/** What names of files follow from, and whether they are files or directories: of dup that is more. */
const FEATURES = featuresOf(
  ({ name, family }) => (family.name === 'dup' ? undefined : fileFieldsOf(family.name, name)),
  { i_mode: S_IFMT },
)

/** What was kept for an event about a file with the same names, of the same kind. */
export function fdRecall<T extends object>(
  { event }: SyscallContext,
  known: KnownPaths<T>,
  owner: number,
): T | null | undefined {
  const features = event.slotAt(FEATURES)
  return features === undefined ? null : event.recall(features, known, owner)
}

/** The name as the caller gave it. */
export function fdRawName(ctx: SyscallContext): Str | undefined {
  const fields = fileFields(ctx)
  return fields === undefined ? fdName(ctx) : pathOf(ctx, fields).given
}

/** The kernel's spelling of the path. */
export const fdRealPath = (ctx: SyscallContext): Str | undefined => fdPath(ctx)?.resolved

/** Is the descriptor a file or directory, so that its name is a path? */
export const isFile = (ctx: SyscallContext): boolean => {
  const type = typeChar(ctx)
  return type === 'f' || type === 'd'
}

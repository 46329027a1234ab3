/** The descriptor an event is about: what it is, under which name, which ends it connects. */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  ERRNO,
  FAMILIES,
  FILE_TYPES,
  OPEN_FLAGS,
  S_IFMT,
} from '../../../schema/enums/index.ts'
import type { Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import { Ip } from '../ip.ts'
import { type PathFields, pathOf } from '../paths.ts'
import { once } from '../syscall-field.ts'

/** Falco's letters for kinds of descriptors, with its words for them. */
export const FD_TYPES = {
  f: 'file',
  d: 'directory',
  '4': 'ipv4',
  '6': 'ipv6',
  u: 'unix',
  p: 'pipe',
  e: 'event',
  s: 'signalfd',
  l: 'eventpoll',
  i: 'inotify',
  t: 'timerfd',
  n: 'netlink',
  b: 'bpf',
  r: 'io_uring',
  m: 'memfd',
  P: 'pidfd',
  o: 'other',
} as const
export type FdTypeChar = keyof typeof FD_TYPES

const OPEN_PATH: PathFields = { name: 'name', dir: 'dir', path: 'path' }
const OBJECT_PATH: PathFields = { name: undefined, dir: undefined, path: 'path' }

const isSocket = (ctx: SyscallContext): boolean => ctx.event.type.family.name === 'socket'

/** Path fields of the file behind the descriptor; undefined when the event has no such file. */
function fileFields(ctx: SyscallContext): PathFields | undefined {
  switch (ctx.event.type.family.name) {
    case 'open':
      return OPEN_PATH
    case 'write':
      return OBJECT_PATH
    case 'chmod':
      return ctx.event.name === 'fchmod' ? OBJECT_PATH : undefined
    default:
      return undefined
  }
}

export const isOpen = (ctx: SyscallContext): boolean => ctx.event.type.family.name === 'open'

/** Number of the descriptor: -1 when the call that should have made it failed, undefined when there is none. */
export function fdNumber(ctx: SyscallContext): number | undefined {
  if (!isSocket(ctx) && fileFields(ctx) === undefined) return undefined
  const fd = ctx.event.number('fd')!
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
  ['anon_inode:', 'o'],
  ['socket:', 'o'],
  ['memfd:', 'm'],
  ['/memfd:', 'm'],
]

function fileType(ctx: SyscallContext, fields: PathFields): FdTypeChar {
  const { event } = ctx
  const path = pathOf(ctx, fields).resolved?.text
  // Nearly all names are absolute paths, and of those only memory files have one that tells.
  if (path !== undefined && (!path.startsWith('/') || path.startsWith('/memfd:')))
    for (const [start, type] of KERNEL_NAMES) if (path.startsWith(start)) return type
  const directory = OPEN_FLAGS.names['O_DIRECTORY']!
  switch ((event.number('i_mode') ?? 0) & S_IFMT) {
    case FILE_TYPES.S_IFDIR:
      return 'd'
    case FILE_TYPES.S_IFIFO:
      return 'p'
    case FILE_TYPES.S_IFSOCK:
      return 'u'
    case 0:
      // A failed open has no inode: what was asked for decides.
      return isOpen(ctx) && (event.number('flags')! & directory) !== 0 && !isTemporary(ctx) ? 'd' : 'f'
    default:
      return 'f'
  }
}

const isTemporary = (ctx: SyscallContext): boolean => {
  const bits = OPEN_FLAGS.names['O_TMPFILE']!
  return (ctx.event.number('flags')! & bits) === bits
}

function socketType(ctx: SyscallContext): FdTypeChar {
  switch (ctx.event.number('family') || ctx.event.number('addr_family')) {
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

/** Falco's letter; undefined when the event is about no descriptor. */
export const typeChar = (ctx: SyscallContext): FdTypeChar | undefined =>
  once(ctx, 'fd.typechar', () => {
    if (isSocket(ctx)) return socketType(ctx)
    const fields = fileFields(ctx)
    return fields && fileType(ctx, fields)
  })

/** One end of a connection. */
export interface Endpoint {
  readonly ip: Ip
  readonly port: number
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

const IN_PROGRESS = -ERRNO['EINPROGRESS']!

/** Did the call establish or start what it is for? A connect that is under way has its addresses. */
export const socketWorked = (ctx: SyscallContext): boolean => {
  const res = ctx.event.number('res')!
  return res >= 0 || res === IN_PROGRESS
}

/** Ends of the event's inet socket; undefined for other events, other families, and after a failure. */
export const tuple = (ctx: SyscallContext): Tuple | undefined =>
  once(ctx, 'fd.tuple', () => (isSocket(ctx) && socketWorked(ctx) ? makeTuple(ctx) : undefined))

function makeTuple(ctx: SyscallContext): Tuple | undefined {
  const { event } = ctx
  const family = event.number('family')!
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const local = ifSet(endpoint(ctx, 'laddr', 'lport', family))
  const remote = ifSet(endpoint(ctx, 'raddr', 'rport', family))
  if (event.name === 'connect') return { client: local, server: remote, local, remote, isServer: false }
  return { client: remote, server: local, local, remote, isServer: true }
}

function endpoint(ctx: SyscallContext, addr: string, port: string, family: number): Endpoint {
  return { ip: new Ip(ctx.event.ip(addr) ?? unspecified(family)), port: ctx.event.number(port)! }
}

/** An end without address and port is none; a port on the unspecified address is one. */
const ifSet = (end: Endpoint): Endpoint | undefined =>
  end.port === 0 && /^(?:0\.0\.0\.0|::)$/.test(end.ip.text) ? undefined : end

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
  if (!isSocket(ctx)) return undefined
  const family = ctx.event.number('addr_family')!
  if (family === AF_UNIX) return ctx.event.string('addr_path')?.text
  if (family !== AF_INET && family !== AF_INET6) return undefined
  return endText(endpoint(ctx, 'addr_ip', 'addr_port', family))
}

/** Name of a socket: its tuple or unix path; empty when the call failed, as Falco has it. */
function socketName(ctx: SyscallContext): Str | undefined {
  if (!socketWorked(ctx)) return ctx.lookup.intern('')
  const ends = tuple(ctx)
  if (ends !== undefined) return ctx.lookup.intern(tupleText(ends))
  return ctx.event.string('unix_path') ?? ctx.event.string('addr_path')
}

/** Name to print: the accessed path, the connection, the unix path. */
export function fdName(ctx: SyscallContext): Str | undefined {
  if (isSocket(ctx)) return once(ctx, 'fd.name', () => socketName(ctx))
  const fields = fileFields(ctx)
  return fields && pathOf(ctx, fields).accessed
}

/** Names that comparisons look at: both spellings of a path. */
export function fdNames(ctx: SyscallContext): readonly Str[] {
  const fields = fileFields(ctx)
  if (fields !== undefined) return pathOf(ctx, fields).all
  const name = fdName(ctx)
  return name === undefined ? [] : [name]
}

/** The name as the caller gave it. */
export function fdRawName(ctx: SyscallContext): Str | undefined {
  const fields = fileFields(ctx)
  if (fields === undefined) return fdName(ctx)
  return fields.name === undefined ? pathOf(ctx, fields).resolved : ctx.event.string(fields.name)
}

/** The kernel's spelling of the path. */
export function fdRealPath(ctx: SyscallContext): Str | undefined {
  const fields = fileFields(ctx)
  return fields && pathOf(ctx, fields).resolved
}

/** Is the descriptor a file or directory, so that its name is a path? */
export const isFile = (ctx: SyscallContext): boolean => {
  const type = typeChar(ctx)
  return type === 'f' || type === 'd'
}

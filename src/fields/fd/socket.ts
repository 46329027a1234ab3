/** Sockets: addresses and ports by role (client, server) and by place (local, remote). */
import { AF_INET, AF_INET6, AF_UNIX, IP_PROTOCOLS, SOCK_TYPES } from '../../../schema/enums/index.ts'
import type { Endpoint, SyscallContext } from '../context.ts'
import type { ValueType } from '../field.ts'
import { type Ip, isLoopback } from '../ip.ts'
import { eventsOf, field, only, type SyscallField } from '../syscall-field.ts'
import {
  getsName,
  isConnected,
  isSocket,
  isUnspecified,
  SOCKET_EVENTS,
  socketFamily,
  tuple,
} from './descriptor.ts'

export type Role = 'client' | 'server' | 'local' | 'remote'

export const ROLES: readonly { readonly letter: string; readonly role: Role; readonly words: string }[] = [
  { letter: 'c', role: 'client', words: 'the client' },
  { letter: 's', role: 'server', words: 'the server' },
  { letter: 'l', role: 'local', words: 'this side' },
  { letter: 'r', role: 'remote', words: 'the other side' },
]

/** Client and server end, as far as known. */
function ends(ctx: SyscallContext): readonly Endpoint[] {
  const pair = tuple(ctx)
  if (pair === undefined) return []
  const { client, server } = pair
  if (client === undefined) return server === undefined ? [] : [server]
  return server === undefined ? [client] : [client, server]
}

/** A datagram socket that takes messages for any address tells nothing about that end. */
function addresses(ctx: SyscallContext): readonly Ip[] {
  const all = ends(ctx).map((end) => end.ip)
  return all.length < 2 ? all : all.filter((ip) => !isUnspecified(ip))
}
const ports = (ctx: SyscallContext): readonly number[] => ends(ctx).map((end) => end.port)
const server = (ctx: SyscallContext): Endpoint | undefined => ends(ctx).at(-1)

const addressField = (name: string, type: ValueType, role: Role, words: string): SyscallField =>
  field({
    name,
    type,
    cost: 'free',
    ...(type === 'net' ? { filterOnly: true } : {}),
    doc: `Address of ${words}${type === 'net' ? ', to compare with networks' : ''}; absent when the call failed.`,
    examples: [type === 'net' ? '10.0.0.0/8' : '10.0.0.2'],
    get: (ctx) => tuple(ctx)?.[role]?.ip,
  })

const OTHER_SIDE: Readonly<Partial<Record<Role, Role>>> = { local: 'remote', remote: 'local' }

/** Falco takes the other side for its own where the host has connected to anything but itself. */
function portOf(ctx: SyscallContext, role: Role): number | undefined {
  const ends = tuple(ctx)
  const far = ends?.remote
  const swapped =
    ctx.lookup.asFalco && ctx.event.name === 'connect' && far !== undefined && !isLoopback(far.ip)
  return ends?.[(swapped && OTHER_SIDE[role]) || role]?.port
}

const portField = (name: string, role: Role, words: string): SyscallField =>
  field({
    name,
    type: 'port',
    cost: 'free',
    doc: `Port of ${words}; absent when the call failed.`,
    get: (ctx) => portOf(ctx, role),
  })

/** Transport of a socket: by its protocol, or by its type where the protocol is the family's default. */
export function transport(ctx: SyscallContext): string | undefined {
  if (!isInet(ctx)) return undefined
  switch (ctx.event.number('protocol')) {
    case IP_PROTOCOLS.names['IPPROTO_TCP']:
      return 'tcp'
    case IP_PROTOCOLS.names['IPPROTO_UDP']:
      return 'udp'
    case IP_PROTOCOLS.names['IPPROTO_ICMP']:
    case IP_PROTOCOLS.names['IPPROTO_ICMPV6']:
      return 'icmp'
    case IP_PROTOCOLS.names['IPPROTO_RAW']:
      return 'raw'
  }
  switch (ctx.event.number('type')) {
    case SOCK_TYPES.names['SOCK_STREAM']:
      return 'tcp'
    case SOCK_TYPES.names['SOCK_DGRAM']:
      return 'udp'
    case SOCK_TYPES.names['SOCK_RAW']:
      return 'raw'
    default:
      return undefined
  }
}

const isInet = (ctx: SyscallContext): boolean => {
  if (!isSocket(ctx)) return false
  const number = socketFamily(ctx)
  return number === AF_INET || number === AF_INET6
}

const l4proto = (ctx: SyscallContext) => {
  const name = transport(ctx)
  return name === undefined ? undefined : ctx.lookup.intern(name)
}

/** Name of the address families as fd.sockfamily has it. */
function familyWord(ctx: SyscallContext): string | undefined {
  if (!isSocket(ctx)) return undefined
  return socketFamily(ctx) === AF_UNIX ? 'unix' : isInet(ctx) ? 'ip' : undefined
}

export const socketFields: readonly SyscallField[] = only(eventsOf(...SOCKET_EVENTS), [
  field({
    name: 'fd.ip',
    type: 'ip',
    cost: 'free',
    filterOnly: true,
    doc: 'Address of either end: a comparison is true when it holds for one of them, `!=` when it holds for both.',
    get: (ctx) => server(ctx)?.ip,
    candidates: addresses,
  }),
  field({
    name: 'fd.net',
    type: 'net',
    cost: 'free',
    filterOnly: true,
    doc: 'Address of either end, to compare with networks.',
    examples: ['10.0.0.0/8'],
    get: (ctx) => server(ctx)?.ip,
    candidates: addresses,
  }),
  field({
    name: 'fd.port',
    type: 'port',
    cost: 'free',
    filterOnly: true,
    doc: 'Port of either end.',
    get: (ctx) => server(ctx)?.port,
    candidates: ports,
  }),
  field({
    name: 'fd.proto',
    type: 'port',
    cost: 'free',
    filterOnly: true,
    doc: 'Port of either end, as the service it is registered for; the same as fd.port. The transport is fd.l4proto.',
    examples: ['https'],
    get: (ctx) => server(ctx)?.port,
    candidates: ports,
  }),
  ...ROLES.flatMap(({ letter, role, words }) => [
    addressField(`fd.${letter}ip`, 'ip', role, words),
    addressField(`fd.${letter}net`, 'net', role, words),
    portField(`fd.${letter}port`, role, words),
  ]),
  field({
    name: 'fd.l4proto',
    type: 'string',
    cost: 'free',
    doc: 'Transport protocol of an IP socket.',
    values: ['tcp', 'udp', 'icmp', 'raw'],
    get: l4proto,
  }),
  field({
    name: 'fd.sockfamily',
    type: 'string',
    cost: 'free',
    doc: '`ip` or `unix`; absent for what is neither.',
    values: ['ip', 'unix'],
    get: (ctx) => {
      const name = familyWord(ctx)
      return name === undefined ? undefined : ctx.lookup.intern(name)
    },
  }),
  field({
    name: 'fd.connected',
    type: 'bool',
    cost: 'free',
    doc: 'The socket has a peer: connected, accepted, or a connection is under way. False after a failure.',
    get: (ctx) => (isSocket(ctx) ? isConnected(ctx) : undefined),
  }),
  field({
    name: 'fd.name_changed',
    type: 'bool',
    cost: 'free',
    doc: 'This event gave the socket the name it has: it was connected, bound or accepted; or a message had another address than the socket.',
    get: (ctx) => (isSocket(ctx) ? getsName(ctx) : undefined),
  }),
  field({
    name: 'fd.is_server',
    type: 'bool',
    cost: 'free',
    doc: "This process is the server of the socket: it was bound, listens, or was accepted. A datagram socket serves when its program chose the port and that is lower than the peer's.",
    get: (ctx) => (isSocket(ctx) ? isServer(ctx) : undefined),
  }),
])

/** Of a call that failed, the call itself tells. */
const isServer = (ctx: SyscallContext): boolean =>
  tuple(ctx)?.isServer ?? (ctx.event.family === 'socket' && ctx.event.name !== 'connect')

/** Sockets: addresses and ports by role (client, server) and by place (local, remote). */
import { AF_INET, AF_INET6, AF_UNIX, IP_PROTOCOLS, SOCK_TYPES } from '../../../schema/enums/index.ts'
import type { SyscallContext } from '../context.ts'
import type { ValueType } from '../field.ts'
import type { Ip } from '../ip.ts'
import { eventsOf, field, only, type SyscallField } from '../syscall-field.ts'
import { type Endpoint, socketWorked, tuple } from './descriptor.ts'

type Role = 'client' | 'server' | 'local' | 'remote'

const ROLES: readonly { readonly letter: string; readonly role: Role; readonly words: string }[] = [
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

const addresses = (ctx: SyscallContext): readonly Ip[] => ends(ctx).map((end) => end.ip)
const ports = (ctx: SyscallContext): readonly number[] => ends(ctx).map((end) => end.port)
/** What the fields about either end print: the server's. */
const server = (ctx: SyscallContext): Endpoint | undefined => ends(ctx).at(-1)

const addressField = (name: string, type: ValueType, role: Role, words: string): SyscallField =>
  field({
    name,
    type,
    cost: 'free',
    doc: `Address of ${words}${type === 'net' ? ', to compare with networks' : ''}; absent when the call failed.`,
    examples: [type === 'net' ? '10.0.0.0/8' : '10.0.0.2'],
    get: (ctx) => tuple(ctx)?.[role]?.ip,
  })

const portField = (name: string, role: Role, words: string): SyscallField =>
  field({
    name,
    type: 'port',
    cost: 'free',
    doc: `Port of ${words}; absent when the call failed.`,
    get: (ctx) => tuple(ctx)?.[role]?.port,
  })

/** Transport of a socket: by its protocol, or by its type where the protocol is the family's default. */
function transport(ctx: SyscallContext): string | undefined {
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

const family = (ctx: SyscallContext): number | undefined => ctx.event.number('family')
const isSocketEvent = (ctx: SyscallContext): boolean => ctx.event.type.family.name === 'socket'
const isInet = (ctx: SyscallContext): boolean => {
  if (!isSocketEvent(ctx)) return false
  const number = family(ctx)
  return number === AF_INET || number === AF_INET6
}

const l4proto = (ctx: SyscallContext) => {
  const name = transport(ctx)
  return name === undefined ? undefined : ctx.lookup.intern(name)
}

/** Name of the address families as fd.sockfamily has it. */
function socketFamily(ctx: SyscallContext): string | undefined {
  if (!isSocketEvent(ctx)) return undefined
  return family(ctx) === AF_UNIX ? 'unix' : isInet(ctx) ? 'ip' : undefined
}

export const socketFields: readonly SyscallField[] = only(eventsOf('socket'), [
  field({
    name: 'fd.ip',
    type: 'ip',
    cost: 'free',
    doc: "Address of either end: a comparison is true when it holds for one of them, `!=` when it holds for both. Prints the server's.",
    get: (ctx) => server(ctx)?.ip,
    candidates: addresses,
  }),
  field({
    name: 'fd.net',
    type: 'net',
    cost: 'free',
    doc: 'Address of either end, to compare with networks.',
    examples: ['10.0.0.0/8'],
    get: (ctx) => server(ctx)?.ip,
    candidates: addresses,
  }),
  field({
    name: 'fd.port',
    type: 'port',
    cost: 'free',
    doc: 'Port of either end.',
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
    name: 'fd.proto',
    type: 'string',
    cost: 'free',
    doc: 'Transport protocol of an IP socket; the same as fd.l4proto.',
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
      const name = socketFamily(ctx)
      return name === undefined ? undefined : ctx.lookup.intern(name)
    },
  }),
  field({
    name: 'fd.connected',
    type: 'bool',
    cost: 'free',
    doc: 'The socket has a peer: connected, accepted, or a connection is under way. False after a failure.',
    get: (ctx) => (isSocketEvent(ctx) ? isConnected(ctx) : undefined),
  }),
  field({
    name: 'fd.name_changed',
    type: 'bool',
    cost: 'free',
    doc: 'This event gave the socket the name it has: it was connected, bound or accepted.',
    get: (ctx) => (isSocketEvent(ctx) ? getsName(ctx) : undefined),
  }),
  field({
    name: 'fd.is_server',
    type: 'bool',
    cost: 'free',
    doc: 'This process is the server of the socket: it was bound, listens, or was accepted.',
    get: (ctx) => (isSocketEvent(ctx) ? ctx.event.name !== 'connect' : undefined),
  }),
])

/** A socket that only starts to listen keeps its name. */
const getsName = (ctx: SyscallContext): boolean => socketWorked(ctx) && ctx.event.name !== 'listen'

const isConnected = (ctx: SyscallContext): boolean => {
  if (!socketWorked(ctx)) return false
  const { name } = ctx.event
  return name === 'connect' || name === 'accept' || name === 'accept4'
}

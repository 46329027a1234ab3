/** Sockets of a capture: addresses in 16 bytes, ends by place, and what is known of how they came about. */
import { AF_INET, AF_INET6, IP_PROTOCOLS, SOCK_TYPES, SOCKET_FACTS } from '../../../schema/enums/index.ts'
import { FD_KINDS, TRANSPORTS } from './format.ts'
import type { ListedFd } from './lists.ts'

const { SOCKET_CONNECTED = 0, SOCKET_LISTENS = 0, SOCKET_BOUND = 0 } = SOCKET_FACTS.names
const { SOCK_STREAM = 0, SOCK_DGRAM = 0, SOCK_RAW = 0 } = SOCK_TYPES.names

export interface Socket {
  family: number
  type: number
  protocol: number
  /** SOCKET_FACTS */
  facts: number
  local: Uint8Array | undefined
  localPort: number
  remote: Uint8Array | undefined
  remotePort: number
  /** Name of a unix socket. */
  path: string
}

/** A socket that is connected to nothing yet, in numbers of the kernel (AF_*, SOCK_*, IPPROTO_*). */
export const socketOf = (family: number, type: number, protocol: number): Socket => ({
  family,
  type,
  protocol,
  facts: 0,
  local: undefined,
  localPort: 0,
  remote: undefined,
  remotePort: 0,
  path: '',
})

/** An address in 16 bytes: IPv4 as ::ffff:a.b.c.d. */
export function inSixteen(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes
  const all = new Uint8Array(16)
  all.fill(0xff, 10, 12)
  all.set(bytes, 12)
  return all
}

const isAny = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

const TYPES: Readonly<Record<number, readonly [type: number, protocol: number]>> = {
  [TRANSPORTS.tcp]: [SOCK_STREAM, IP_PROTOCOLS.names['IPPROTO_TCP']!],
  [TRANSPORTS.udp]: [SOCK_DGRAM, IP_PROTOCOLS.names['IPPROTO_UDP']!],
  [TRANSPORTS.icmp]: [SOCK_RAW, IP_PROTOCOLS.names['IPPROTO_ICMP']!],
  [TRANSPORTS.raw]: [SOCK_RAW, IP_PROTOCOLS.names['IPPROTO_RAW']!],
}

/** The socket of a descriptor in a list; undefined for what is none. */
export function socketOfList(listed: ListedFd): Socket | undefined {
  const { kind, source, target, transport, name } = listed
  if (kind === FD_KINDS.unix) return { ...socketOf(1, SOCK_STREAM, 0), path: name }
  if (source === undefined) return undefined
  const [type, protocol] = TYPES[transport] ?? [0, 0]
  const socket = socketOf(source.length === 4 ? AF_INET : AF_INET6, type, protocol)
  socket.local = inSixteen(source)
  socket.localPort = listed.sourcePort
  if (target === undefined) socket.facts = SOCKET_LISTENS | SOCKET_BOUND
  else if (!isAny(target) || listed.targetPort !== 0) {
    socket.remote = inSixteen(target)
    socket.remotePort = listed.targetPort
    socket.facts = SOCKET_CONNECTED
  }
  return socket
}

/** Events about sockets, and what their records say of them. */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  ERRNO,
  IP_PROTOCOLS,
  SOCK_FLAGS,
  SOCK_TYPES,
  SOCKET_FACTS,
} from '../../../schema/enums/index.ts'
import type { Slot } from '../../../schema/index.ts'
import { Ip } from '../../fields/ip.ts'
import type { Call } from './call.ts'
import { FD_KINDS } from './format.ts'
import type { MakeHandler } from './handler.ts'
import type { Source } from './plan.ts'
import { type Fd, fdOf } from './processes.ts'
import { offsetIn, type Shape } from './record.ts'
import { inSixteen, type Socket, socketOf } from './socket.ts'

const { SOCKET_CONNECTED = 0, SOCKET_ACCEPTED = 0, SOCKET_LISTENS = 0, SOCKET_BOUND = 0 } = SOCKET_FACTS.names
const { SOCK_STREAM = 0, SOCK_DGRAM = 0 } = SOCK_TYPES.names
const { IPPROTO_TCP = 0, IPPROTO_UDP = 0 } = IP_PROTOCOLS.names
const NETLINK = 16
const IN_PROGRESS = -ERRNO['EINPROGRESS']!
const TYPE_FLAGS = Object.values(SOCK_FLAGS.names).reduce((all, bit) => all | bit, 0)

const KIND_OF: Readonly<Record<number, number>> = {
  [AF_INET]: FD_KINDS.ipv4,
  [AF_INET6]: FD_KINDS.ipv6,
  [AF_UNIX]: FD_KINDS.unix,
  [NETLINK]: FD_KINDS.netlink,
}

const fdOfSocket = (socket: Socket): Fd => ({
  ...fdOf(KIND_OF[socket.family] ?? FD_KINDS.unsupported, ''),
  socket,
})

/** Ends of a connection as captures have them: who sends first. */
interface Ends {
  readonly family: number
  readonly source: Uint8Array | undefined
  readonly sourcePort: number
  readonly target: Uint8Array | undefined
  readonly targetPort: number
  readonly path: string
}

const NO_ENDS = { source: undefined, sourcePort: 0, target: undefined, targetPort: 0, path: '' }
const textAt = (bytes: Buffer, at: number): string => {
  const end = bytes.indexOf(0, at)
  const text = bytes.toString('latin1', at, end < 0 ? bytes.length : end)
  // An abstract name begins with a NUL.
  return text === '' && bytes.length > at + 1
    ? `@${bytes.toString('latin1', at + 1).replace(/\0+$/, '')}`
    : text
}

/** A pair of addresses; undefined for none, or one that makes no sense. */
function endsOf(bytes: Buffer | undefined): Ends | undefined {
  if (bytes === undefined || bytes.length < 1) return undefined
  const family = bytes[0]!
  if (family === AF_UNIX)
    return bytes.length < 17 ? undefined : { ...NO_ENDS, family, path: textAt(bytes, 17) }
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0
  if (size === 0 || bytes.length < 1 + 2 * (size + 2)) return undefined
  const second = 1 + size + 2
  return {
    family,
    source: inSixteen(Uint8Array.from(bytes.subarray(1, 1 + size))),
    sourcePort: bytes.readUInt16LE(1 + size),
    target: inSixteen(Uint8Array.from(bytes.subarray(second, second + size))),
    targetPort: bytes.readUInt16LE(second + size),
    path: '',
  }
}

/** One address, as the end a call is about. */
function addressOf(bytes: Buffer | undefined): Ends | undefined {
  if (bytes === undefined || bytes.length < 1) return undefined
  const family = bytes[0]!
  if (family === AF_UNIX) return { ...NO_ENDS, family, path: textAt(bytes, 1) }
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0
  if (size === 0 || bytes.length < 1 + size + 2) return undefined
  const source = inSixteen(Uint8Array.from(bytes.subarray(1, 1 + size)))
  return { ...NO_ENDS, family, source, sourcePort: bytes.readUInt16LE(1 + size) }
}

/** Places of the facts about a socket in a record. */
export interface SocketSlots {
  readonly family: number
  readonly type: number
  readonly protocol: number
  readonly facts: number | undefined
  readonly laddr: number
  readonly raddr: number
  readonly lport: number
  readonly rport: number
  readonly path: Slot
}

/** Where records of this shape have what is known of a socket. */
export const socketSlots = (shape: Shape): SocketSlots => ({
  family: offsetIn(shape, 'family'),
  type: offsetIn(shape, 'type'),
  protocol: offsetIn(shape, 'protocol'),
  facts: shape.slots.get('socket_facts')?.offset,
  laddr: offsetIn(shape, 'laddr'),
  raddr: offsetIn(shape, 'raddr'),
  lport: offsetIn(shape, 'lport'),
  rport: offsetIn(shape, 'rport'),
  path: shape.slots.get('unix_path')!,
})

/** Write what is known of a socket into the record that is being made. */
export function putSocket({ record }: Call, at: SocketSlots, socket: Socket): void {
  record.u16(at.family, socket.family)
  record.u16(at.type, socket.type)
  record.u16(at.protocol, protocolOf(socket))
  if (at.facts !== undefined) record.u32(at.facts, socket.facts)
  record.address(at.laddr, socket.local)
  record.address(at.raddr, socket.remote)
  record.u16(at.lport, socket.localPort)
  record.u16(at.rport, socket.remotePort)
  if (socket.path !== '') record.text(at.path, socket.path)
}

/** 0 is the usual one of the type. */
function protocolOf({ protocol, type, family }: Socket): number {
  if (protocol !== 0 || (family !== AF_INET && family !== AF_INET6)) return protocol
  return type === SOCK_STREAM ? IPPROTO_TCP : type === SOCK_DGRAM ? IPPROTO_UDP : 0
}

/** `client:port->server:port`, or the name of a unix socket. */
export function textOfSocket({ local, localPort, remote, remotePort, facts, path }: Socket): string {
  const end = (ip: Uint8Array | undefined, port: number): string =>
    ip === undefined ? '' : `${new Ip(ip).text}:${port}`
  const [here, there] = [end(local, localPort), end(remote, remotePort)]
  if (there === '' || here === '') return there || here || path
  return (facts & SOCKET_ACCEPTED) === 0 ? `${here}->${there}` : `${there}->${here}`
}

/** The socket of a descriptor; of one nobody made in this capture, what its first use tells. */
function socketAt(call: Call, fd: number, family: number): Socket {
  const known = call.fd(fd)?.socket
  if (known !== undefined) return known
  const socket = socketOf(family, family === AF_UNIX ? SOCK_STREAM : 0, 0)
  if (fd >= 0) call.processes.open(call.process, fd, fdOfSocket(socket))
  return socket
}

/** socket and socketpair. */
export const makesSocket: MakeHandler = (plan, shape) => {
  const isPair = plan.event.name === 'socketpair'
  const names = isPair ? ['fd1', 'fd2', 'res'] : ['fd', 'fd', 'fd']
  const [fd, fd2, res] = names.map(plan.source) as [Source, Source, Source]
  const [domain, type, proto] = ['domain', 'type', 'proto'].map(plan.source) as [Source, Source, Source]
  const make = (call: Call): Fd =>
    fdOfSocket(socketOf(call.number(domain, 0), call.number(type, 0) & ~TYPE_FLAGS, call.number(proto, 0)))
  const protocol = offsetIn(shape, 'protocol')
  return {
    state(call) {
      if (call.number(res, -1) < 0) return
      call.processes.open(call.process, call.number(fd, -1), make(call))
      if (isPair) call.processes.open(call.process, call.number(fd2, -1), make(call))
    },
    fill(call) {
      const { record } = call
      record.u64(offsetIn(shape, 'res'), call.number(res, -1))
      if (!isPair) record.u32(offsetIn(shape, 'fd2'), -1)
      const kind = call.number(type, 0)
      record.u32(offsetIn(shape, 'type'), kind & ~TYPE_FLAGS)
      record.u32(offsetIn(shape, 'flags'), kind & TYPE_FLAGS)
      const socket = socketOf(call.number(domain, 0), kind & ~TYPE_FLAGS, call.number(proto, 0))
      record.u16(protocol, protocolOf(socket))
    },
  }
}

/** Where the address that a call was given goes. */
function addressPutter(shape: Shape): (call: Call, ends: Ends | undefined) => void {
  const [ip, port, family] = ['addr_ip', 'addr_port', 'addr_family'].map((name) => offsetIn(shape, name)) as [
    number,
    number,
    number,
  ]
  const path = shape.slots.get('addr_path')!
  return ({ record }, ends) => {
    if (ends === undefined) return
    record.u16(family, ends.family)
    record.address(ip, ends.source)
    record.u16(port, ends.sourcePort)
    if (ends.path !== '') record.text(path, ends.path)
  }
}

/** connect, bind and listen: the socket is another one afterwards. */
export const changesSocket: MakeHandler = (plan, shape) => {
  const [res, fd, tuple, addr] = ['res', 'fd', 'tuple', 'addr'].map(plan.source) as [
    Source,
    Source,
    Source,
    Source,
  ]
  const at = socketSlots(shape)
  const put = addressPutter(shape)
  const worked = (call: Call): boolean => {
    const result = call.number(res, -1)
    return result >= 0 || (plan.event.name === 'connect' && result === IN_PROGRESS)
  }
  const apply: Readonly<Record<string, (call: Call, socket: Socket) => void>> = {
    connect: (call, socket) => connected(socket, endsOf(call.bytes(tuple)), addressOf(call.bytes(addr))),
    bind: (call, socket) => bound(socket, addressOf(call.bytes(addr))),
    listen: (_call, socket) => {
      socket.facts |= SOCKET_LISTENS
    },
  }
  const change = apply[plan.event.name]!
  return {
    state(call) {
      if (!worked(call)) return
      const family = (endsOf(call.bytes(tuple)) ?? addressOf(call.bytes(addr)))?.family ?? 0
      const socket = socketAt(call, call.number(fd, -1), family)
      if (family !== 0) socket.family = family
      change(call, socket)
    },
    fill(call) {
      const socket = call.fd(call.number(fd, -1))?.socket
      if (socket !== undefined && worked(call)) putSocket(call, at, socket)
      else if (socket !== undefined) {
        call.record.u16(at.family, socket.family)
        call.record.u16(at.type, socket.type)
        call.record.u16(at.protocol, protocolOf(socket))
      }
      if (plan.event.name !== 'listen') put(call, addressOf(call.bytes(addr)))
      if (plan.event.name !== 'listen') call.record.u32(offsetIn(shape, 'backlog'), -1)
    },
  }
}

function connected(socket: Socket, ends: Ends | undefined, given: Ends | undefined): void {
  socket.facts |= SOCKET_CONNECTED
  if (ends === undefined) {
    socket.remote = given?.source
    socket.remotePort = given?.sourcePort ?? 0
    socket.path = given?.path ?? socket.path
    return
  }
  socket.local = ends.source
  socket.localPort = ends.sourcePort
  socket.remote = ends.target
  socket.remotePort = ends.targetPort
  if (ends.path !== '') socket.path = ends.path
}

function bound(socket: Socket, given: Ends | undefined): void {
  socket.facts |= SOCKET_BOUND
  if (given === undefined) return
  socket.local = given.source
  socket.localPort = given.sourcePort
  if (given.path !== '') socket.path = given.path
}

/** accept and accept4: a new descriptor with both ends. */
export const accepts: MakeHandler = (plan, shape) => {
  const [fd, tuple] = [plan.source('fd'), plan.source('tuple')]
  const at = socketSlots(shape)
  return {
    state(call) {
      const number = call.number(fd, -1)
      if (number < 0) return
      const ends = endsOf(call.bytes(tuple))
      const socket = socketOf(ends?.family ?? 0, SOCK_STREAM, 0)
      socket.facts = SOCKET_CONNECTED | SOCKET_ACCEPTED
      socket.local = ends?.target
      socket.localPort = ends?.targetPort ?? 0
      socket.remote = ends?.source
      socket.remotePort = ends?.sourcePort ?? 0
      socket.path = ends?.path ?? ''
      call.processes.open(call.process, number, fdOfSocket(socket))
    },
    fill(call) {
      const number = call.number(fd, -1)
      call.record.u64(offsetIn(shape, 'res'), number)
      call.record.u32(offsetIn(shape, 'backlog'), -1)
      const socket = number < 0 ? undefined : call.fd(number)?.socket
      if (socket !== undefined) putSocket(call, at, socket)
    },
  }
}

/** sendto, recvmsg and their like; `sends`: the source of the pair is this side. */
export const moves =
  (sends: boolean): MakeHandler =>
  (plan, shape) => {
    const [fd, tuple] = [plan.source('fd'), plan.source('tuple')]
    const at = socketSlots(shape)
    const put = addressPutter(shape)
    return {
      fill(call) {
        const ends = endsOf(call.bytes(tuple))
        const socket = call.fd(call.number(fd, -1))?.socket ?? socketOf(ends?.family ?? 0, 0, 0)
        putSocket(call, at, ends === undefined ? socket : withEnds(socket, ends, sends))
        if (ends === undefined || (socket.facts & SOCKET_CONNECTED) !== 0) return
        const [source, sourcePort] = sends ? [ends.target, ends.targetPort] : [ends.source, ends.sourcePort]
        put(call, { ...ends, source, sourcePort })
      },
    }
  }

/** The socket with the ends that this message tells of, as far as it has none itself. */
function withEnds(socket: Socket, ends: Ends, sends: boolean): Socket {
  const family = socket.family || ends.family
  const type = socket.type || SOCK_DGRAM
  if (socket.local !== undefined) return { ...socket, family, type }
  const [local, localPort] = sends ? [ends.source, ends.sourcePort] : [ends.target, ends.targetPort]
  return { ...socket, family, type, local, localPort, path: socket.path || ends.path }
}

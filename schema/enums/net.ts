import type { NameTable } from '../dsl.ts'

/** Address families (include/linux/socket.h). */
export const FAMILIES: NameTable = {
  kind: 'enum',
  names: {
    AF_UNSPEC: 0,
    AF_UNIX: 1,
    AF_INET: 2,
    AF_INET6: 10,
    AF_NETLINK: 16,
    AF_PACKET: 17,
    AF_ALG: 38,
    AF_VSOCK: 40,
    AF_XDP: 44,
  },
}
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10

/** Socket types (include/linux/net.h). */
export const SOCK_TYPES: NameTable = {
  kind: 'enum',
  names: { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_RAW: 3, SOCK_RDM: 4, SOCK_SEQPACKET: 5, SOCK_PACKET: 10 },
}

/** IP protocols that fields name (include/uapi/linux/in.h). */
export const IP_PROTOCOLS: NameTable = {
  kind: 'enum',
  names: {
    IPPROTO_IP: 0,
    IPPROTO_ICMP: 1,
    IPPROTO_TCP: 6,
    IPPROTO_UDP: 17,
    IPPROTO_ICMPV6: 58,
    IPPROTO_RAW: 255,
  },
}

/** Which end of a connection asked for it. */
export const FLOW_DIRECTIONS: NameTable = { kind: 'enum', names: { outbound: 1, inbound: 2 } }

/** accept4(2) flags. */
export const SOCK_FLAGS: NameTable = {
  kind: 'flags',
  names: { SOCK_NONBLOCK: 0o4000, SOCK_CLOEXEC: 0o2000000 },
}

/** Bits of `socket_facts`: what a socket is to its peer. */
export const SOCKET_FACTS: NameTable = {
  kind: 'flags',
  names: {
    /** It has a peer, or a connection to one is under way. */
    SOCKET_CONNECTED: 1,
    /** A TCP socket that came from accept. */
    SOCKET_ACCEPTED: 2,
    /** It listens. */
    SOCKET_LISTENS: 4,
    /** The program chose its port with bind. */
    SOCKET_BOUND: 8,
  },
}

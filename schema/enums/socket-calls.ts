/** Flags and choices of calls on sockets. Source: include/linux/socket.h, include/linux/net.h. */
import type { NameTable } from '../dsl.ts'

/** socket(2) types, with their flags. */
export const SOCKET_TYPES: NameTable = {
  kind: 'flags',
  group: {
    mask: 0xf,
    names: {
      SOCK_STREAM: 1,
      SOCK_DGRAM: 2,
      SOCK_RAW: 3,
      SOCK_RDM: 4,
      SOCK_SEQPACKET: 5,
      SOCK_DCCP: 6,
      SOCK_PACKET: 10,
    },
  },
  names: { SOCK_NONBLOCK: 0x800, SOCK_CLOEXEC: 0x80000 },
}

/** All address families. */
export const ADDRESS_FAMILIES: NameTable = {
  kind: 'enum',
  names: {
    AF_UNSPEC: 0,
    AF_UNIX: 1,
    AF_INET: 2,
    AF_AX25: 3,
    AF_IPX: 4,
    AF_APPLETALK: 5,
    AF_NETROM: 6,
    AF_BRIDGE: 7,
    AF_ATMPVC: 8,
    AF_X25: 9,
    AF_INET6: 10,
    AF_ROSE: 11,
    AF_DECnet: 12,
    AF_NETBEUI: 13,
    AF_SECURITY: 14,
    AF_KEY: 15,
    AF_NETLINK: 16,
    AF_PACKET: 17,
    AF_ASH: 18,
    AF_ECONET: 19,
    AF_ATMSVC: 20,
    AF_RDS: 21,
    AF_SNA: 22,
    AF_IRDA: 23,
    AF_PPPOX: 24,
    AF_WANPIPE: 25,
    AF_LLC: 26,
    AF_IB: 27,
    AF_MPLS: 28,
    AF_CAN: 29,
    AF_TIPC: 30,
    AF_BLUETOOTH: 31,
    AF_IUCV: 32,
    AF_RXRPC: 33,
    AF_ISDN: 34,
    AF_PHONET: 35,
    AF_IEEE802154: 36,
    AF_CAIF: 37,
    AF_ALG: 38,
    AF_NFC: 39,
    AF_VSOCK: 40,
    AF_KCM: 41,
    AF_QIPCRTR: 42,
    AF_SMC: 43,
    AF_XDP: 44,
    AF_MCTP: 45,
  },
}

/** shutdown(2) directions. */
export const SHUTDOWN_HOW: NameTable = {
  kind: 'enum',
  names: { SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2 },
}

/** Levels of socket options. */
export const SOCKET_LEVELS: NameTable = {
  kind: 'enum',
  names: {
    SOL_IP: 0,
    SOL_SOCKET: 1,
    SOL_TCP: 6,
    SOL_UDP: 17,
    SOL_IPV6: 41,
    SOL_ICMPV6: 58,
    SOL_RAW: 255,
    SOL_PACKET: 263,
    SOL_NETLINK: 270,
    SOL_ALG: 279,
    SOL_TLS: 282,
    SOL_XDP: 283,
    SOL_MPTCP: 284,
    SOL_VSOCK: 287,
  },
}

/** send(2) and recv(2) flags. */
export const MSG_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    MSG_OOB: 1,
    MSG_PEEK: 2,
    MSG_DONTROUTE: 4,
    MSG_CTRUNC: 8,
    MSG_PROXY: 0x10,
    MSG_TRUNC: 0x20,
    MSG_DONTWAIT: 0x40,
    MSG_EOR: 0x80,
    MSG_WAITALL: 0x100,
    MSG_FIN: 0x200,
    MSG_SYN: 0x400,
    MSG_CONFIRM: 0x800,
    MSG_RST: 0x1000,
    MSG_ERRQUEUE: 0x2000,
    MSG_NOSIGNAL: 0x4000,
    MSG_MORE: 0x8000,
    MSG_WAITFORONE: 0x10000,
    MSG_BATCH: 0x40000,
    MSG_ZEROCOPY: 0x4000000,
    MSG_FASTOPEN: 0x20000000,
    MSG_CMSG_CLOEXEC: 0x40000000,
  },
}

/** Calls behind socketcall(2), the one socket call of i386. */
export const SOCKET_CALLS: NameTable = {
  kind: 'enum',
  names: {
    SYS_SOCKET: 1,
    SYS_BIND: 2,
    SYS_CONNECT: 3,
    SYS_LISTEN: 4,
    SYS_ACCEPT: 5,
    SYS_GETSOCKNAME: 6,
    SYS_GETPEERNAME: 7,
    SYS_SOCKETPAIR: 8,
    SYS_SEND: 9,
    SYS_RECV: 10,
    SYS_SENDTO: 11,
    SYS_RECVFROM: 12,
    SYS_SHUTDOWN: 13,
    SYS_SETSOCKOPT: 14,
    SYS_GETSOCKOPT: 15,
    SYS_SENDMSG: 16,
    SYS_RECVMSG: 17,
    SYS_ACCEPT4: 18,
    SYS_RECVMMSG: 19,
    SYS_SENDMMSG: 20,
  },
}

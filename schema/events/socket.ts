import {
  address,
  atUring,
  defineFamily,
  fd,
  flags,
  ip,
  oneOf,
  path,
  port,
  result,
  s32,
  syscallEvent,
  u32,
  u64,
} from '../dsl.ts'
import { FAMILIES, IP_PROTOCOLS, SOCK_FLAGS, SOCK_TYPES } from '../enums/index.ts'

const URING = atUring('socket', 'net/uring')

/**
 * A socket was connected, named, opened for connections, or took one.
 *
 * Addresses come from the kernel's socket when the call returns; `addr*` is what the caller passed, which is all there
 * is when the call failed.
 */
export const socket = defineFamily({
  name: 'socket',
  object: 'net/socket',
  doc: 'A socket was connected, bound, opened for connections, or accepted one',
  ring: 'bulk',
  sets: ['net', 'default'],
  events: [
    syscallEvent('connect', 50, 'connect(2).', URING),
    syscallEvent('bind', 51, 'bind(2).', URING),
    syscallEvent('listen', 52, 'listen(2).', URING),
    syscallEvent('accept', 53, 'accept(2); the descriptor and addresses are those of the new socket.'),
    syscallEvent('accept4', 54, 'accept4(2): accept with flags.', URING),
  ],
  fields: {
    res: result('0, the new descriptor for accept, or a negative errno'),
    ino: u64('inode number of the socket', { hidden: true }),
    laddr: ip('local address of the socket', { hidden: true }),
    raddr: ip('remote address of the socket', { hidden: true }),
    addr_ip: ip('address the caller passed', { hidden: true }),
    addrlen_at: address('where the length of the address lies', {
      argumentOf: { accept: 'addrlen', accept4: 'addrlen' },
    }),
    fd: fd('the socket; for accept the new one, or a negative errno'),
    listen_fd: fd('the socket that was listened on (accept); -1 otherwise'),
    addrlen: s32('bytes of the address passed; 0 through io_uring', {
      argumentOf: { connect: 'addrlen', bind: 'addrlen' },
    }),
    addr_flow: u32('flow of an IPv6 address passed', { hidden: true }),
    addr_scope: u32('scope of an IPv6 address passed', { hidden: true }),
    backlog: s32('queue length asked for (listen); -1 otherwise'),
    flags: flags('accept4 flags', SOCK_FLAGS),
    lport: port('local port of the socket', { hidden: true }),
    rport: port('remote port of the socket', { hidden: true }),
    addr_port: port('port the caller passed', { hidden: true }),
    family: oneOf('address family of the socket', FAMILIES, 'u16'),
    type: oneOf('socket type', SOCK_TYPES, 'u16'),
    protocol: oneOf('protocol of the socket', IP_PROTOCOLS, 'u16', { falco: 'proto' }),
    addr_family: oneOf('address family the caller passed; 0 without an address', FAMILIES, 'u16', {
      hidden: true,
    }),
    unix_path: path('unix: name of this socket, or of the peer for connect', { hidden: true, max: 128 }),
    addr_path: path('unix: name the caller passed', { hidden: true, max: 128 }),
  },
  limits:
    'UDP without connect, connections that sendto opens (MSG_FASTOPEN) and DNS are not seen; nor is, through io_uring, the address that a bind failed with. An accept of io_uring that goes on is an event for each connection and one for its end. An abstract unix name starts with `@`.',
})

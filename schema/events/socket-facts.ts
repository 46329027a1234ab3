import { flags, ip, oneOf, path, port, u16, u32, u64 } from '../dsl.ts'
import { FAMILIES, SOCKET_FACTS } from '../enums/index.ts'

/**
 * The socket behind a descriptor as the kernel has it when the call returns: fields of every record about one, filled by
 * ADD_SOCKET of bpf/include/socket.h. All zeros where the descriptor is no socket.
 */
export const socketFacts = {
  ino: u64('inode number of the socket', { hidden: true }),
  laddr: ip('local address of the socket', { hidden: true }),
  raddr: ip('remote address of the socket', { hidden: true }),
  lport: port('local port of the socket', { hidden: true }),
  rport: port('remote port of the socket', { hidden: true }),
  family: oneOf('address family of the socket', FAMILIES, 'u16', { hidden: true }),
  type: u16('type of the socket', { hidden: true }),
  protocol: u16('protocol of the socket', { hidden: true }),
  socket_facts: flags('what the socket is to its peer', SOCKET_FACTS, { hidden: true }),
  unix_path: path('unix: name of this socket, or of its peer', { hidden: true, max: 128 }),
}

/** The address a call passed or got back. */
export const passedAddress = {
  addr_ip: ip('address passed', { hidden: true }),
  addr_flow: u32('flow of an IPv6 address passed', { hidden: true }),
  addr_scope: u32('scope of an IPv6 address passed', { hidden: true }),
  addr_port: port('port passed', { hidden: true }),
  addr_family: oneOf('address family passed; 0 without an address', FAMILIES, 'u16', { hidden: true }),
  addr_path: path('unix: name passed', { hidden: true, max: 128 }),
}

import { atUring, defineFamily, fd, flags, oneOf, result, syscallEvent, u16, u32, u64 } from '../dsl.ts'
import { FAMILIES, SOCK_FLAGS, SOCK_TYPES } from '../enums/index.ts'

const URING = atUring('socket', 'net/uring')

/** A socket was made, or the attempt failed. */
export const socketNew = defineFamily({
  name: 'socket_new',
  object: 'net/socket_new',
  doc: 'A socket was made',
  ring: 'bulk',
  sets: ['net'],
  events: [
    syscallEvent('socket', 55, 'socket(2).', URING),
    syscallEvent('socketpair', 56, 'socketpair(2): two sockets connected to each other.'),
  ],
  fields: {
    res: result('0, or a negative errno; for socket the same as the descriptor'),
    ino: u64('inode number of the socket', { hidden: true }),
    fd: fd('new descriptor, or a negative errno'),
    fd2: fd('the second descriptor of socketpair; -1 otherwise'),
    domain: oneOf('address family', FAMILIES),
    type: oneOf('socket type without flags', SOCK_TYPES),
    proto: u32('protocol as asked for; 0 is the usual one of the family'),
    protocol: u16('protocol the socket has', { hidden: true }),
    flags: flags('flags in the type argument', SOCK_FLAGS),
  },
  limits:
    'Sockets of accept are events of accept. Of a socket that io_uring makes for a table of its own the number is 2147483647.',
})

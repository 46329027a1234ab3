/** Datagram sockets of this host (AF_UNIX), which Node has none of. */
import koffi from 'koffi'
import { closeFd, SystemError } from './libc.ts'

const libc = koffi.load(null)
const raw = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  connect: libc.func('int connect(int fd, const void *address, uint length)'),
  send: libc.func('int64 send(int fd, const void *bytes, size_t length, int flags)'),
}

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
/** Bytes of a path in `sockaddr_un`, its NUL included. */
const PATH_MAX = 108

export interface DatagramSocket {
  /** Never waits. Throws SystemError: EAGAIN when the receiver's queue is full, EMSGSIZE when it is too long. */
  send(bytes: Uint8Array): void
  close(): void
}

/**
 * struct sockaddr_un of a path, or of an abstract name that begins with `@`; undefined for what is neither or too long
 * (unix(7)).
 */
export function socketAddress(name: string | undefined): Uint8Array | undefined {
  if (name === undefined || !/^[/@]./.test(name)) return undefined
  const path = Buffer.from(name)
  if (path.length >= PATH_MAX) return undefined
  if (name.startsWith('@')) path[0] = 0
  return Buffer.concat([Buffer.from([AF_UNIX, 0]), path])
}

/** Throws SystemError: ENOENT and ECONNREFUSED when nobody listens there, EPROTOTYPE when it is a stream socket. */
export function openDatagrams(path: string): DatagramSocket {
  const address = socketAddress(path)
  if (address === undefined) throw new SystemError('connect', 36)
  const fd = raw.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new SystemError('socket', koffi.errno())
  if (raw.connect(fd, address, address.length) < 0) {
    const error = new SystemError('connect', koffi.errno())
    closeFd(fd)
    throw error
  }
  return {
    send(bytes) {
      const sent = Number(raw.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL))
      if (sent < 0) throw new SystemError('send', koffi.errno())
    },
    close: () => closeFd(fd),
  }
}

/** Who is on the other side of a socket of this host. */
import koffi from 'koffi'
import { SystemError } from './libc.ts'

const libc = koffi.load(null)
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12

export interface Peer {
  readonly pid: number
  readonly uid: number
}

/** The process that connected, as it was then (SO_PEERCRED of unix(7)). Throws SystemError. */
export function peerOf(fd: number): Peer {
  const value = new Uint32Array(UCRED_BYTES / 4)
  const length = new Uint32Array([UCRED_BYTES])
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) < 0)
    throw new SystemError('getsockopt', koffi.errno())
  return { pid: value[0]!, uid: value[1]! }
}

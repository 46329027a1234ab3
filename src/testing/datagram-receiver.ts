/** A datagram socket of this host that receives, for tests: Node has none. */
import koffi from 'koffi'

const libc = koffi.load(null)
const raw = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint length)'),
  recv: libc.func('int64 recv(int fd, void *bytes, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
}

export interface DatagramReceiver {
  /** What has come since the last call. */
  take(): readonly Buffer[]
  close(): void
}

export function receiveDatagrams(path: string): DatagramReceiver {
  const fd = raw.socket(1, 2 | 0o4000 | 0o2000000, 0)
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(`${path}\0`)])
  if (fd < 0 || raw.bind(fd, address, address.length) < 0) throw new Error(`cannot bind ${path}`)
  const buffer = Buffer.alloc(1 << 18)
  return {
    take() {
      const found: Buffer[] = []
      for (;;) {
        const n = Number(raw.recv(fd, buffer, buffer.length, 0))
        if (n < 0) return found
        found.push(Buffer.from(buffer.subarray(0, n)))
      }
    },
    close: () => raw.close(fd),
  }
}

/** Messages to the service manager: sd_notify(3), a datagram to the socket that NOTIFY_SOCKET names. */
import koffi from 'koffi'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000
/** sun_path of struct sockaddr_un, with the family in front. */
const PATH_MAX = 108

export interface ServiceManager {
  /** Everything is at work. */
  ready(status: string): void
  /** The end has begun. */
  stopping(): void
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * The service manager that started us, if one did and wants to hear from us. With WATCHDOG_USEC it is told that we live,
 * twice in each such time, as long as the event loop turns. Errors are nobody's business: a manager that does not listen
 * does not want to know.
 */
export function serviceManager(env: Env): ServiceManager | undefined {
  const address = socketAddress(env['NOTIFY_SOCKET'])
  if (address === undefined) return undefined
  const send = openNotifier(address)
  let watchdog: NodeJS.Timeout | undefined
  return {
    ready(status) {
      send(`READY=1\nSTATUS=${status.replace(/\n/g, ' ')}`)
      const period = watchdogMs(env)
      if (period !== undefined) watchdog = setInterval(() => send('WATCHDOG=1'), period / 2).unref()
    },
    stopping() {
      clearInterval(watchdog)
      // The end may take longer than the watchdog's patience.
      send(`STOPPING=1\nWATCHDOG_USEC=${STOP_USEC}`)
    },
  }
}

const STOP_USEC = 60_000_000

/** Milliseconds within which the manager wants to hear from us; undefined when it does not, or asks another process. */
export function watchdogMs(env: Env): number | undefined {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env
  if (usec === undefined || !/^[1-9]\d{0,14}$/.test(usec)) return undefined
  return pid === undefined || Number(pid) === process.pid ? Number(usec) / 1000 : undefined
}

/** struct sockaddr_un of a path, or of an abstract name that begins with `@`; undefined for what is neither. */
export function socketAddress(name: string | undefined): Uint8Array | undefined {
  if (name === undefined || !/^[/@]./.test(name)) return undefined
  const path = Buffer.from(name)
  if (path.length >= PATH_MAX) return undefined
  if (name.startsWith('@')) path[0] = 0
  const address = new Uint8Array(2 + path.length)
  new DataView(address.buffer).setUint16(0, AF_UNIX, true)
  address.set(path, 2)
  return address
}

function openNotifier(address: Uint8Array): (text: string) => void {
  const libc = koffi.load(null)
  const socket = libc.func('int socket(int domain, int type, int protocol)')
  const sendto = libc.func(
    'int64 sendto(int fd, const void *data, size_t size, int flags, const void *address, uint length)',
  )
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number
  return (text) => {
    const bytes = Buffer.from(text)
    if (fd >= 0) sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length)
  }
}

/** Messages to the service manager: sd_notify(3), a datagram to the socket that NOTIFY_SOCKET names. */
import { openDatagrams, socketAddress } from './datagrams.ts'
import { SystemError } from './libc.ts'

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
  const name = env['NOTIFY_SOCKET']
  if (name === undefined || socketAddress(name) === undefined) return undefined
  const send = notifier(name)
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

/** A socket for each message, as sd_notify(3) has it: the manager may have made its own anew since the last one. */
function notifier(name: string): (text: string) => void {
  return (text) => {
    try {
      const socket = openDatagrams(name)
      try {
        socket.send(Buffer.from(text))
      } finally {
        socket.close()
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }
}

/** A connection that bytes are written to, made when there is something to write and made anew when it broke. */
import { createConnection, type Socket } from 'node:net'
import type { TlsSettings } from '../../config/output-entries.ts'
import { tlsOptions } from './http-post.ts'

export type StreamTarget =
  | { readonly by: 'unix'; readonly path: string }
  | { readonly by: 'tcp' | 'tls'; readonly host: string; readonly port: number }

export interface Stream {
  /** Resolves when the kernel has taken the bytes; rejects when it did not, or `signal` came first. */
  write(bytes: Buffer, signal: AbortSignal): Promise<void>
  close(): void
}

/** Throws when a certificate cannot be read. */
export function createStream(target: StreamTarget, tls: TlsSettings): Stream {
  const secure = target.by === 'tls' ? tlsOptions(tls) : {}
  let socket: Socket | undefined
  const forget = (one: Socket): void => {
    one.destroy()
    if (socket === one) socket = undefined
  }
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const one =
        target.by === 'unix'
          ? createConnection(target.path)
          : target.by === 'tcp'
            ? createConnection(target.port, target.host)
            : process.getBuiltinModule('node:tls').connect({
                ...secure,
                host: target.host,
                port: target.port,
                servername: serverName(target.host),
              })
      socket = one
      // Nobody is meant to talk to us: what comes is thrown away, and the end of it is the end.
      one.resume()
      one.on('error', (error) => {
        forget(one)
        reject(error)
      })
      one.on('close', () => {
        forget(one)
        reject(new Error('the receiver closed the connection'))
      })
      one.once(target.by === 'tls' ? 'secureConnect' : 'connect', () => resolve(one))
    })
  return {
    async write(bytes, signal) {
      const giveUp = (): void => {
        if (socket !== undefined) forget(socket)
      }
      signal.addEventListener('abort', giveUp)
      try {
        const one = socket ?? (await open())
        await written(one, bytes)
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
    },
    close() {
      socket?.end()
      socket?.unref()
    },
  }
}

const written = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the receiver closed the connection'))
    socket.once('close', closed)
    socket.write(bytes, (error) => {
      socket.off('close', closed)
      if (error) reject(error)
      else resolve()
    })
  })

/** An address is no server name. */
const serverName = (host: string): string => (/^[\d.]+$|:/.test(host) ? '' : host)

/**
 * The HTTP server for machines that look after the agent: `/metrics`, `/healthz`, `/versions`. It answers GET and HEAD, takes
 * no body, and cannot be kept busy: few connections, short timeouts.
 *
 * Node's HTTP is loaded with the first server: an import would cost every start 60 ms and 4 MB, for the client in it.
 */
import { readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { CONTENT_TYPE } from './exposition.ts'

export interface WebOptions {
  /** An address of this host; `::` and `0.0.0.0` are all of them. */
  readonly address: string
  /** 0 lets the kernel choose. */
  readonly port: number
  /** Path that answers whether the agent lives. */
  readonly healthPath: string
  /** A PEM file with certificate and key; without it there is no TLS. */
  readonly certificate?: string
  /** The page of metrics; without it there is none. */
  readonly metrics?: () => string
  /** Versions of the parts, for `/versions`. */
  readonly versions: Readonly<Record<string, string>>
  readonly log: (level: 'info' | 'error', message: string) => void
}

export interface WebServer {
  /** Where it listens, once it does: `http://127.0.0.1:8765`. */
  readonly url: string | undefined
  /** Show this certificate to those who connect from now on; for a server with TLS. */
  renew(certificate: Buffer): void
  close(): void
}

/** Longest time a client may take for its request, ms. */
const REQUEST_MS = 5000
const MAX_CONNECTIONS = 32
const MAX_HEADER_BYTES = 8192

/**
 * Begin to listen. What goes wrong (a port that is taken, a certificate that cannot be read) is logged: the agent works on
 * without it.
 */
export function startWebServer(options: WebOptions): WebServer {
  const { address, port, certificate, log } = options
  const limits = {
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    keepAliveTimeout: REQUEST_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const listener = answer(options)
  let server: Server
  try {
    server =
      certificate === undefined
        ? process.getBuiltinModule('node:http').createServer(limits, listener)
        : tlsServer(certificate, limits, listener)
  } catch (error) {
    log('error', `webserver: cannot use the certificate '${certificate}': ${(error as Error).message}`)
    return { url: undefined, renew() {}, close() {} }
  }
  server.maxConnections = MAX_CONNECTIONS
  // Nobody has to wait for the end of the agent because of an open connection.
  server.unref()
  server.on('connection', (socket) => socket.unref())
  const scheme = certificate === undefined ? 'http' : 'https'
  const urlOf = (): string | undefined => {
    const bound = server.address() as AddressInfo | null
    if (bound === null) return undefined
    return `${scheme}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  }
  server.on('error', (error: NodeJS.ErrnoException) =>
    log('error', `webserver: cannot listen on ${address} port ${port}: ${error.code ?? error.message}`),
  )
  server.listen(port, address, () => log('info', `webserver: listens on ${urlOf()}`))
  return {
    get url() {
      return urlOf()
    },
    renew(pem) {
      ;(server as HttpsServer).setSecureContext({ cert: pem, key: pem })
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Certificate and key of a PEM file. Throws when they are not there, or do not belong together. */
export function certificateOf(file: string): Buffer {
  const pem = readFileSync(file)
  process.getBuiltinModule('node:tls').createSecureContext({ cert: pem, key: pem })
  return pem
}

function tlsServer(file: string, limits: object, listener: RequestListener): Server {
  const pem = readFileSync(file)
  return process.getBuiltinModule('node:https').createServer({ ...limits, cert: pem, key: pem }, listener)
}

const answer = ({ healthPath, metrics, versions, log }: WebOptions): RequestListener => {
  const pages = new Map<string, () => { readonly type: string; readonly text: string }>([
    [healthPath, () => ({ type: 'application/json', text: '{"status": "ok"}' })],
    ['/versions', () => ({ type: 'application/json', text: JSON.stringify(versions) })],
    ...(metrics === undefined
      ? []
      : [['/metrics', () => ({ type: CONTENT_TYPE, text: metrics() })] as const]),
  ])
  return (request, response) => {
    // Whatever a client sends beyond its request is thrown away.
    request.resume()
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
      })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
    const page = pages.get((request.url ?? '').split('?')[0]!)
    if (page === undefined) return send(404, 'text/plain', 'not found\n')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(405, 'text/plain', 'method not allowed\n')
    try {
      const { type, text } = page()
      send(200, type, text)
    } catch (error) {
      log('error', `webserver: ${(error as Error).message}`)
      send(500, 'text/plain', 'internal error\n')
    }
  }
}

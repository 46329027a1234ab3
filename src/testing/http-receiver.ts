/** An HTTP server on loopback that notes what it is sent, for tests of outputs. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly path: string
}

export interface HttpReceiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** Ids of the alerts among them, in order. */
  readonly ids: readonly string[]
  /** Connections so far. */
  readonly connections: number
  /** Status of the answers from now on; `hang` never answers. */
  answer: number | 'hang'
  /** Body of the answers. */
  text: string
  close(): Promise<void>
}

/** `tls`: certificate and key of the server, and whom it trusts. */
export async function receiveHttp(tls?: ServerOptions, port = 0): Promise<HttpReceiver> {
  const server = tls === undefined ? createServer() : createTlsServer(tls)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  let connections = 0
  server.on('connection', () => connections++)
  const bound = (server.address() as AddressInfo).port
  const receiver: HttpReceiver = {
    url: tls === undefined ? `http://127.0.0.1:${bound}/in` : `https://localhost:${bound}/in`,
    port: bound,
    received: [],
    get ids() {
      return this.received.flatMap(({ headers }) => String(headers['x-tarsier-alert-id']).split(','))
    },
    get connections() {
      return connections
    },
    answer: 200,
    text: '',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  server.on('request', async (request, response) => {
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
    } catch {
      return
    }
    const bytes = Buffer.concat(parts)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    if (receiver.answer === 'hang') return
    if (receiver.answer < 300)
      receiver.received.push({ headers: request.headers, body: body.toString(), path: request.url ?? '' })
    response.writeHead(receiver.answer).end(receiver.text)
  })
  return receiver
}

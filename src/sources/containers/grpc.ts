/** Unary gRPC calls over a Unix socket (grpc/grpc, doc/PROTOCOL-HTTP2.md): all that asking a container runtime takes. */
import { connect as connectSocket } from 'node:net'
import { LIMITS, RuntimeError } from './runtime.ts'

/** Status codes we tell apart (grpc/grpc, doc/statuscodes.md). */
export const GRPC = { ok: 0, invalidArgument: 3, notFound: 5, unimplemented: 12 } as const

/** A call ended with another status than OK. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface GrpcClient {
  /** Send a message and get one. Rejects with GrpcError or RuntimeError. */
  call(method: string, message: Uint8Array): Promise<Uint8Array>
  close(): void
}

/** Bytes before a message: one that says whether it is compressed, four of length. */
const PREFIX = 5

/** Opens a connection. When the signal is given it ends, and calls under way with it. */
export async function openGrpc(socket: string, signal: AbortSignal): Promise<GrpcClient> {
  const { connect } = await import('node:http2')
  const session = connect('http://localhost', {
    createConnection: () => connectSocket(socket),
    settings: { enablePush: false },
  })
  let failure: Error | undefined
  session.on('error', (error: Error) => {
    failure ??= error
  })
  const abort = (): void => session.destroy(new RuntimeError('no answer in time'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return {
    call(method, message) {
      return new Promise((resolve, reject) => {
        if (session.destroyed) {
          reject(failure ?? new RuntimeError('the connection is closed'))
          return
        }
        const stream = session.request({
          ':method': 'POST',
          ':path': method,
          'content-type': 'application/grpc',
          te: 'trailers',
        })
        collect(stream, resolve, reject, () => failure)
        stream.end(framed(message))
      })
    },
    close() {
      signal.removeEventListener('abort', abort)
      session.destroy()
    },
  }
}

type Stream = import('node:http2').ClientHttp2Stream
type Headers = Readonly<Record<string, unknown>>

function collect(
  stream: Stream,
  resolve: (message: Uint8Array) => void,
  reject: (error: Error) => void,
  failure: () => Error | undefined,
): void {
  const chunks: Buffer[] = []
  let size = 0
  let end: Headers = {}
  stream.on('response', (headers) => {
    if (headers[':status'] !== 200)
      stream.destroy(new RuntimeError(`the answer has status ${headers[':status']}`))
    // A call that fails at once has its status here and no message.
    else if (headers['grpc-status'] !== undefined) end = headers
  })
  stream.on('trailers', (headers) => {
    end = headers
  })
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > LIMITS.response + PREFIX)
      stream.destroy(new RuntimeError(`the answer is longer than ${LIMITS.response} bytes`))
    else chunks.push(chunk)
  })
  stream.on('error', reject)
  stream.on('close', () => {
    try {
      resolve(unframed(Buffer.concat(chunks), end))
    } catch (error) {
      reject(failure() ?? (error as Error))
    }
  })
}

function framed(message: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function unframed(bytes: Buffer, end: Headers): Uint8Array {
  const status = end['grpc-status']
  if (status === undefined) throw new RuntimeError('the answer has no status: the connection ended')
  if (status !== '0')
    throw new GrpcError(Number(status), String(end['grpc-message'] ?? '').slice(0, LIMITS.text))
  if (bytes.length < PREFIX || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - PREFIX)
    throw new RuntimeError('the answer is not one uncompressed message')
  return bytes.subarray(PREFIX)
}

/**
 * HTTP requests as deliveries make them: bounded in time and size, whatever the other side answers. Node's HTTP is loaded with
 * the first of them: an import would cost every start 60 ms and 4 MB.
 */
import { readFileSync } from 'node:fs'
import type { Agent, IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import type { TlsSettings } from '../../config/output-entries.ts'
import { authorities } from './authorities.ts'

export interface PostOptions {
  readonly url: string
  readonly method: 'POST' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly gzip: boolean
  readonly keepAlive: boolean
  readonly tls: TlsSettings
}

export interface Answer {
  readonly status: number
  /** The beginning of the body. */
  readonly text: string
}

export interface Poster {
  /** Throws when there was no answer. */
  post(body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer>
  close(): void
}

/** What is read of an answer; the connection is given up beyond. */
const ANSWER_MAX = 1 << 16

const compress = (body: string): Promise<Buffer> =>
  promisify<string, Buffer>(process.getBuiltinModule('node:zlib').gzip)(body)

/** Node's options for a connection. Throws when a file cannot be read. */
export const tlsOptions = ({ ca, cert, key, insecure }: TlsSettings) => ({
  ...(ca === '' ? {} : { ca: [...authorities(ca)] }),
  ...(cert === '' ? {} : { cert: readFileSync(cert), key: readFileSync(key) }),
  rejectUnauthorized: !insecure,
  minVersion: 'TLSv1.2' as const,
})

const http = () => process.getBuiltinModule('node:http')
const https = () => process.getBuiltinModule('node:https')

/** Connections to one address, used again where `keepAlive` says so. Throws where a certificate or key cannot be read. */
export function createPoster(options: PostOptions): Poster {
  const url = new URL(options.url)
  const secure = url.protocol === 'https:'
  const settings = { keepAlive: options.keepAlive, maxSockets: 1 }
  const agent = secure
    ? new (https().Agent)({ ...settings, ...tlsOptions(options.tls) })
    : new (http().Agent)(settings)
  return {
    async post(body, headers, signal) {
      const bytes = options.gzip ? await compress(body) : Buffer.from(body)
      return exchange(
        { url, secure, agent, bytes, signal, method: options.method },
        {
          ...headers,
          ...options.headers,
          ...(options.gzip ? { 'Content-Encoding': 'gzip' } : {}),
          'Content-Length': String(bytes.length),
        },
      )
    },
    close: () => agent.destroy(),
  }
}

interface Exchange {
  readonly url: URL
  readonly secure: boolean
  readonly agent: Agent
  readonly bytes: Buffer
  readonly signal: AbortSignal
  readonly method: string
}

function exchange(
  { url, secure, agent, bytes, signal, method }: Exchange,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = secure ? https().request : http().request
    const request = send(url, { method, agent, headers, signal }, (response) => {
      bodyOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
    })
    request.on('error', reject)
    request.end(bytes)
  })
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response) {
    parts.push(part as Buffer)
    length += (part as Buffer).length
    if (length > ANSWER_MAX) break
  }
  return Buffer.concat(parts).subarray(0, ANSWER_MAX).toString()
}

/** Did the receiver take it, will it never, or may it later? */
export function verdict(status: number): 'taken' | 'refused' | 'later' {
  if (status >= 200 && status < 300) return 'taken'
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'later' : 'refused'
}

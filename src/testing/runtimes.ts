/** Container runtimes for tests: small servers on Unix sockets that speak the real protocols. */
import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { bytesField, Message, numberField } from '../sources/containers/protobuf.ts'

export interface FakeRuntime {
  readonly socket: string
  /** Paths or methods that were asked for, with the id. */
  readonly asked: string[]
  close(): Promise<void>
}

/** A Docker daemon that knows these paths (`/containers/ID/json`, `/images/ID/json`); all else is 404. */
export async function fakeDocker(
  socket: string,
  answers: Readonly<Record<string, object | string>>,
  { podman = false, delayMs = 0 } = {},
): Promise<FakeRuntime> {
  const asked: string[] = []
  const server = createHttp((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const answer = answers[path]
    setTimeout(() => {
      response.writeHead(answer === undefined ? 404 : 200, {
        'content-type': 'application/json',
        ...(podman ? { 'libpod-api-version': '5.0.0' } : {}),
      })
      if (answer === undefined) response.end('{"message":"no such container"}')
      else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    }, delayMs)
  })
  return listening(server, socket, asked)
}

/** What a container of a fake CRI runtime is like. */
export interface CriContainer {
  readonly name: string
  readonly image: string
  readonly imageRef?: string
  /** What the kubelet asked for. */
  readonly asked?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly mounts?: readonly {
    readonly host: string
    readonly container: string
    readonly readonly?: boolean
  }[]
  readonly startedAt?: bigint
  readonly sandbox?: string
  readonly privileged?: boolean
}

export interface CriSandbox {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly ip?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly hostNetwork?: boolean
}

const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)
const map = (field: number, entries: Readonly<Record<string, string>> = {}): Uint8Array =>
  message(
    ...Object.entries(entries).map(([k, v]) =>
      bytesField(field, message(bytesField(1, k), bytesField(2, v))),
    ),
  )

const containerStatus = (id: string, container: CriContainer): Uint8Array =>
  message(
    bytesField(
      1,
      message(
        bytesField(1, id),
        bytesField(2, bytesField(1, container.name)),
        numberField(5, container.startedAt ?? 0n),
        bytesField(8, bytesField(1, container.image)),
        bytesField(9, container.imageRef ?? ''),
        map(12, container.labels),
        ...(container.mounts ?? []).map((mount) =>
          bytesField(
            14,
            message(
              bytesField(1, mount.container),
              bytesField(2, mount.host),
              numberField(3, mount.readonly ? 1 : 0),
            ),
          ),
        ),
      ),
    ),
    map(2, {
      info: JSON.stringify({
        sandboxID: container.sandbox ?? '',
        config: {
          image: { image: container.asked },
          linux: { security_context: container.privileged ? { privileged: true } : {} },
        },
      }),
    }),
  )

const sandboxStatus = (id: string, sandbox: CriSandbox): Uint8Array =>
  message(
    bytesField(
      1,
      message(
        bytesField(1, id),
        bytesField(
          2,
          message(bytesField(1, sandbox.name), bytesField(2, sandbox.uid), bytesField(3, sandbox.namespace)),
        ),
        bytesField(5, bytesField(1, sandbox.ip ?? '')),
        bytesField(6, bytesField(1, bytesField(2, numberField(1, sandbox.hostNetwork ? 2 : 0)))),
        map(7, sandbox.labels),
      ),
    ),
    map(2, { info: JSON.stringify({ cniResult: { Interfaces: { eth0: {} } } }) }),
  )

/** A CRI runtime; it speaks one version of the interface. */
export async function fakeCri(
  socket: string,
  {
    containers = {},
    sandboxes = {},
    runtime = 'containerd',
    version = 'v1',
  }: {
    readonly containers?: Readonly<Record<string, CriContainer>>
    readonly sandboxes?: Readonly<Record<string, CriSandbox>>
    readonly runtime?: string
    readonly version?: 'v1' | 'v1alpha2'
  },
): Promise<FakeRuntime> {
  const asked: string[] = []
  const server = createHttp2()
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const [service, method] = String(headers[':path']).split('/').slice(1)
      const id = new Message(Buffer.concat(chunks).subarray(5)).text(1) ?? ''
      asked.push(`${method} ${id}`)
      if (service !== `runtime.${version}.RuntimeService`) answer(stream, 12)
      else if (method === 'Version') answer(stream, 0, bytesField(2, runtime))
      else if (method === 'ContainerStatus' && containers[id])
        answer(stream, 0, containerStatus(id, containers[id]))
      else if (method === 'PodSandboxStatus' && sandboxes[id])
        answer(stream, 0, sandboxStatus(id, sandboxes[id]))
      else answer(stream, 5)
    })
  })
  return listening(server, socket, asked)
}

/** As gRPC servers do it: a status with a message in trailers, one without in the headers alone. */
function answer(stream: ServerHttp2Stream, status: number, body?: Uint8Array): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc' }
  if (body === undefined) {
    stream.respond({ ...headers, 'grpc-status': String(status), 'grpc-message': 'no' }, { endStream: true })
    return
  }
  stream.respond(headers, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(body.length, 1)
  stream.end(Buffer.concat([prefix, body]))
}

async function listening(
  server: Server | Http2Server,
  socket: string,
  asked: string[],
): Promise<FakeRuntime> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  return {
    socket,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

/**
 * The agent's side of the control socket. Nobody but its owner and root may connect: the socket has mode 0600, and the
 * kernel says who the other side is. Whoever connects gets one request of bounded size within bounded time, and an answer
 * that is thrown away when it is not taken, so no client can keep the agent busy or waiting.
 */
import { lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { dirname } from 'node:path'
import { type Peer, peerOf } from '../kernel/peer.ts'
import {
  type Answer,
  PATH_BYTES_MAX,
  parseRequest,
  REQUEST_BYTES_MAX,
  type Request,
  RequestError,
} from './protocol.ts'

export interface ControlOptions {
  readonly path: string
  /** Must not take long before it waits. What it throws is answered as an error, and logged. `pid`: who asks, where known. */
  readonly answer: (request: Request, pid: number | undefined) => Answer | Promise<Answer>
  readonly log: (level: 'debug' | 'warning', message: string) => void
}

export interface ControlServer {
  /** Does it listen? It begins to shortly after the start. */
  readonly listening: boolean
  /** Nobody can connect any more, and the socket is gone. */
  close(): void
}

/** Connections at a time; more are closed at once. */
const CONNECTIONS_MAX = 8
/** How long a client may take for its request, and for taking the answer, ms. */
const REQUEST_MS = 2000
const ANSWER_MS = 5000

const net = () => process.getBuiltinModule('node:net')

/** Begin to listen. What goes wrong is logged: the agent works on without the socket. */
export function startControl(options: ControlOptions): ControlServer {
  const { path, log } = options
  const refusal = placeFault(path)
  if (refusal !== undefined) {
    log('warning', `control socket '${path}': ${refusal}; 'tarsier ctl' cannot reach this agent`)
    return { listening: false, close() {} }
  }
  const sockets = new Set<Socket>()
  const server = net().createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    converse(socket, options)
  })
  server.maxConnections = CONNECTIONS_MAX
  server.unref()
  listen(server, options, true)
  return {
    get listening() {
      return server.listening
    },
    close() {
      // libuv removes the socket's name with it.
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Why nobody should listen there; undefined when all is well. Makes the folder, for us alone, where it is missing. */
function placeFault(path: string): string | undefined {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    return `the path is longer than the ${PATH_BYTES_MAX} bytes that a socket's may have`
  const folder = dirname(path)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') return message
  }
  try {
    const { uid, mode } = statSync(folder)
    // Who may write there could put a socket of his own in the place of ours.
    if (uid !== 0 && uid !== process.geteuid!()) return `its folder belongs to user ${uid}`
    if ((mode & 0o022) !== 0) return 'others may write to its folder'
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

function listen(server: Server, options: ControlOptions, first: boolean): void {
  const { path, log } = options
  const failed = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EADDRINUSE' && first) takeOver(server, options)
    else log('warning', `control socket '${path}': ${error.message}; 'tarsier ctl' cannot reach this agent`)
  }
  server.once('error', failed)
  // The socket is made at once, and must never be open to others, not for a moment.
  const umask = process.umask(0o177)
  try {
    server.listen({ path }, () => {
      server.off('error', failed)
      server.on('error', (error) => log('warning', `control socket: ${error.message}`))
      log('debug', `control socket: listens on ${path}`)
    })
  } finally {
    process.umask(umask)
  }
}

/** Something has that name. A socket nobody listens on was left by an agent that was killed: it goes. */
function takeOver(server: Server, options: ControlOptions): void {
  const { path, log } = options
  const complain = (what: string): void =>
    log('warning', `control socket '${path}': ${what}; 'tarsier ctl' cannot reach this agent`)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) {
    complain('something that is no socket has that name')
    return
  }
  const probe = net().connect({ path })
  probe.unref()
  probe.on('connect', () => {
    probe.destroy()
    complain('another process listens there')
  })
  probe.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    try {
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw new Error(message)
      if (code === 'ECONNREFUSED') unlinkSync(path)
      listen(server, options, false)
    } catch (error) {
      complain((error as Error).message)
    }
  })
}

/** One request, one answer. */
function converse(socket: Socket, options: ControlOptions): void {
  socket.on('error', () => {})
  socket.unref()
  const peer = peerOfSocket(socket)
  if (!isOwner(peer, options.log)) {
    socket.destroy()
    return
  }
  let late = setTimeout(() => socket.destroy(), REQUEST_MS)
  socket.on('close', () => clearTimeout(late))
  const chunks: Buffer[] = []
  let size = 0
  const take = (chunk: Buffer): void => {
    const end = chunk.indexOf(10)
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end))
    size += chunks.at(-1)!.length
    const tooLong = size >= REQUEST_BYTES_MAX
    if (end < 0 && !tooLong) return
    // Whatever else comes is thrown away.
    socket.off('data', take)
    socket.resume()
    clearTimeout(late)
    void answered(tooLong ? undefined : Buffer.concat(chunks).toString(), peer?.pid, options).then(
      (answer) => {
        if (socket.destroyed) return
        late = setTimeout(() => socket.destroy(), ANSWER_MS)
        socket.end(`${JSON.stringify(answer)}\n`)
      },
    )
  }
  socket.on('data', take)
}

/** Root, and whoever the agent runs as. */
function isOwner(peer: Peer | undefined, log: ControlOptions['log']): boolean {
  if (peer === undefined || peer.uid === 0 || peer.uid === process.geteuid!()) return true
  log('warning', `control socket: user ${peer.uid} (pid ${peer.pid}) is not allowed to ask`)
  return false
}

/** Undefined where Node does not say which descriptor it is: then the mode of the socket alone keeps others out. */
function peerOfSocket(socket: Socket): Peer | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd === undefined || handle.fd < 0 ? undefined : peerOf(handle.fd)
}

async function answered(
  line: string | undefined,
  pid: number | undefined,
  { answer, log }: ControlOptions,
): Promise<Answer> {
  try {
    if (line === undefined) throw new RequestError(`a request has less than ${REQUEST_BYTES_MAX} bytes`)
    const request = parseRequest(line)
    log('debug', `control socket: ${request.command}`)
    return await answer(request, pid)
  } catch (error) {
    const { message } = error as Error
    if (error instanceof RequestError) return { ok: false, error: message }
    log('warning', `control socket: ${message}`)
    return { ok: false, error: `internal error: ${message}` }
  }
}

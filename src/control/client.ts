/** The side of the control socket that asks. */
import { createConnection } from 'node:net'
import { UserError } from '../user-error.ts'
import { ANSWER_BYTES_MAX, type Answer, PATH_BYTES_MAX, type Request } from './protocol.ts'

/** Ask the agent that listens there. Throws UserError. */
export async function ask(path: string, request: Request, timeoutMs: number): Promise<Answer> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new UserError(`'${path}' is longer than the path of a socket may be (${PATH_BYTES_MAX} bytes)`)
  return answerOf(await exchange(path, `${JSON.stringify(request)}\n`, timeoutMs))
}

function exchange(path: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const socket = createConnection({ path })
    const give = (error: UserError): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(
      () => give(new UserError(`the agent did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    socket.on('connect', () => socket.write(line))
    socket.on('error', (error) => give(failure(path, error)))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > ANSWER_BYTES_MAX) give(new UserError('the answer of the agent does not end'))
    })
    socket.on('end', () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString())
    })
  })
}

function failure(path: string, { code, message }: NodeJS.ErrnoException): UserError {
  switch (code) {
    case 'ENOENT':
      return new UserError(
        `no agent runs here: there is no control socket '${path}'`,
        'start one, or name its socket with --socket, or its configuration with -c',
      )
    case 'ECONNREFUSED':
      return new UserError(
        `no agent runs here: nobody listens on '${path}'`,
        'the agent that made it was killed; start it anew',
      )
    case 'EACCES':
    case 'EPERM':
      return new UserError(
        `the control socket '${path}' is not yours`,
        'only root and the user that the agent runs as may ask it',
      )
    case 'EPIPE':
    case 'ECONNRESET':
      return closed()
    default:
      return new UserError(`cannot ask the agent at '${path}': ${message}`)
  }
}

const closed = (): UserError =>
  new UserError(
    'the agent closed the connection without an answer',
    'too many ask it at the same time, it is about to end, or it knows you are not its owner: its log says',
  )

function answerOf(text: string): Answer {
  if (text === '') throw closed()
  try {
    return JSON.parse(text) as Answer
  } catch {
    throw new UserError('the answer is not whole: the agent ended meanwhile')
  }
}

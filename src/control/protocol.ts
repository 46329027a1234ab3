/**
 * What is said over the control socket: the client sends one line of JSON, the agent answers with one and closes. Both sides
 * are bounded in size and time.
 */

/** Levels of the agent's log, from the most talkative to the quietest. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Longest time that `explain` may count for, s. */
export const EXPLAIN_SECONDS_MAX = 60

export type Request =
  | { readonly command: 'status' | 'reload' | 'rotate' }
  | { readonly command: 'loglevel'; readonly level: LogLevel }
  | {
      readonly command: 'explain'
      /** One rule by its name; every rule when left out. */
      readonly rule?: string
      /** How long to count what the guards let pass; 0 for not at all. */
      readonly seconds: number
      readonly json: boolean
    }

/** What an agent can be asked, by the word that asks. */
export const COMMANDS = ['status', 'reload', 'rotate', 'loglevel', 'explain'] as const

export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false
      readonly error: string
      readonly hint?: string
      /** Lines that say more, such as what is wrong in which rule file. */
      readonly details?: string
    }

/** A request, its line feed included, and an answer, in bytes. */
export const REQUEST_BYTES_MAX = 4096
export const ANSWER_BYTES_MAX = 64 << 20
/** What an address of a socket has room for (unix(7)), without the NUL. */
export const PATH_BYTES_MAX = 107

/** The line is no request: says why. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
}

const KEYS: Readonly<Record<Request['command'], readonly string[]>> = {
  status: [],
  reload: [],
  rotate: [],
  loglevel: ['level'],
  explain: ['rule', 'seconds', 'json'],
}

/** A request from its line. Throws RequestError. */
export function parseRequest(line: string): Request {
  const { command, ...rest } = objectOf(line)
  const known = COMMANDS.find((one) => one === command)
  if (known === undefined) throw new RequestError(`no such command; there are ${COMMANDS.join(', ')}`)
  const foreign = Object.keys(rest).find((key) => !KEYS[known].includes(key))
  if (foreign !== undefined) throw new RequestError(`'${known}' takes no '${foreign.slice(0, 40)}'`)
  switch (known) {
    case 'status':
    case 'reload':
    case 'rotate':
      return { command: known }
    case 'loglevel':
      return { command: known, level: levelOf(rest['level']) }
    case 'explain':
      return { command: known, ...explainOf(rest) }
    default:
      return known satisfies never
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new RequestError('a request is one line of JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RequestError('a request is an object of JSON')
  return value as Readonly<Record<string, unknown>>
}

function levelOf(value: unknown): LogLevel {
  const level = LOG_LEVELS.find((one) => one === value)
  if (level === undefined) throw new RequestError(`no such level; there are ${LOG_LEVELS.join(', ')}`)
  return level
}

function explainOf({ rule, seconds = 0, json = false }: Readonly<Record<string, unknown>>) {
  if (rule !== undefined && typeof rule !== 'string') throw new RequestError('rule is the name of a rule')
  if (typeof json !== 'boolean') throw new RequestError('json is true or false')
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= EXPLAIN_SECONDS_MAX))
    throw new RequestError(`seconds is a number from 0 to ${EXPLAIN_SECONDS_MAX}`)
  return { ...(rule === undefined ? {} : { rule }), seconds, json }
}

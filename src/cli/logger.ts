/** Messages for people, on stderr: one line each, with a level, written at once. */
import { writeSync } from 'node:fs'
import { LOG_LEVELS, type LogLevel } from '../control/protocol.ts'
import type { GlobalOptions, Io } from './command.ts'
import { UsageError } from './command.ts'

export { LOG_LEVELS, type LogLevel }

export interface Logger {
  /** What is written from now on; a running agent can be told to change it. */
  level: LogLevel
  /** Whether a message of this level would be written: ask before building a dear one. */
  enabled(level: LogLevel): boolean
  log(level: LogLevel, message: string): void
  trace(message: string): void
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
}

const COLORS: Readonly<Record<LogLevel, string>> = {
  trace: '\u001b[2m',
  debug: '\u001b[2m',
  info: '\u001b[36m',
  warning: '\u001b[33m',
  error: '\u001b[31m',
}
const RESET = '\u001b[0m'

export interface LoggerOptions {
  readonly level: LogLevel
  readonly color: boolean
  /** Receives one line with its line feed. */
  readonly write: (line: string) => void
  /** Milliseconds since 1970, to put the time before each line; left out, lines have no time. */
  readonly now?: () => number
}

export function createLogger({ level: initial, color, write, now }: LoggerOptions): Logger {
  const prefix = (level: LogLevel): string => (color ? `${COLORS[level]}${level}${RESET}: ` : `${level}: `)
  const logger: Logger = {
    level: initial,
    enabled: (level) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(logger.level),
    log(level, message) {
      if (!logger.enabled(level)) return
      const time = now === undefined ? '' : `${new Date(now()).toISOString()} `
      write(`${time}${prefix(level)}${escapeControls(message)}\n`)
    },
    trace: (message) => logger.log('trace', message),
    debug: (message) => logger.log('debug', message),
    info: (message) => logger.log('info', message),
    warning: (message) => logger.log('warning', message),
    error: (message) => logger.log('error', message),
  }
  return logger
}

/** The logger of a command: level and colour as the user asked for, lines to the command's stderr. */
export function loggerFor(options: GlobalOptions, io: Io, now?: () => number): Logger {
  return createLogger({
    level: levelOf(options),
    color: wantsColor(options.color, io.stderr, io.env),
    write: lineWriter(io.stderr),
    ...(now === undefined ? {} : { now }),
  })
}

/** `--log-level` wins over `-v` (debug) and `-q` (errors only). Throws a UsageError for an unknown level. */
export function levelOf(options: Pick<GlobalOptions, 'quiet' | 'verbose' | 'logLevel'>): LogLevel {
  if (options.logLevel !== undefined) {
    const level = LOG_LEVELS.find((known) => known === options.logLevel)
    if (level === undefined)
      throw new UsageError(`unknown log level '${options.logLevel}'`, `levels: ${LOG_LEVELS.join(', ')}`)
    return level
  }
  if (options.quiet) return 'error'
  return options.verbose ? 'debug' : 'info'
}

/**
 * Whether to write colours to a stream: `--color` first, then NO_COLOR (no-color.org: present and not empty) and
 * FORCE_COLOR (not empty, not 0), then whether a terminal reads it.
 */
export function wantsColor(
  color: GlobalOptions['color'],
  stream: NodeJS.WritableStream,
  env: Io['env'],
): boolean {
  if (color !== 'auto') return color === 'always'
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0'
  return (stream as { isTTY?: boolean }).isTTY === true && env['TERM'] !== 'dumb'
}

/**
 * Control characters (C0 but line feed and tab, DEL, C1) and those that change the direction of text, as `\uXXXX`:
 * messages carry text from events and files, which must not steer a terminal. Later lines of a message are indented, so
 * that no text can pass for a message of its own.
 */
export function escapeControls(message: string): string {
  return message
    .replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('\n', '\n  ')
}

const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Writes lines to a stream. To this process's own stderr they are written with a blocking call, so that the last words
 * before an exit are not lost; a reader that is gone or does not read is no reason to stop.
 */
export function lineWriter(stream: NodeJS.WritableStream): (line: string) => void {
  if (stream !== process.stderr) return (line) => void stream.write(line)
  return (line) => {
    let bytes = Buffer.from(line)
    for (let tries = 0; bytes.length > 0 && tries < STDERR_TRIES; tries++) {
      try {
        bytes = bytes.subarray(writeSync(process.stderr.fd, bytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      }
    }
  }
}

const STDERR_TRIES = 100

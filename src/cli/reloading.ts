/** Configuration and rules read again while the agent runs: what asks for it hears what became of it. */

import { Writable } from 'node:stream'
import type { Agent } from '../agent.ts'
import type { Renewal } from '../agent-options.ts'
import type { Config } from '../config/keys.ts'
import { FileWatch, type Look } from '../config/watch.ts'
import { counted } from '../health/words.ts'
import { type Io, UserError } from './command.ts'
import type { Logger, LogLevel } from './logger.ts'
import type { ReloadStatus } from './status-text.ts'

/** What a run is made of, read again. */
export interface Reread extends Renewal {
  /** To be told once it is in force. */
  readonly notices: readonly string[]
  /** The configuration's, where no option says otherwise. */
  readonly logLevel: LogLevel | undefined
}

export interface Rereader {
  /** Files and directories that what was read first came from. */
  readonly watched: readonly string[]
  /**
   * Throws UserError when it is not valid; what is wrong where goes to standard error. `watched` is told where things are read
   * from as soon as that is known: a file that is missing may come.
   */
  read(io: Io, watched: (paths: readonly string[]) => void): Reread
}

export type Outcome =
  | { readonly ok: true; readonly rules: number }
  | {
      readonly ok: false
      readonly error: string
      readonly hint?: string
      /** What is wrong in which file, as on standard error. */
      readonly details?: string
    }

export interface Reloader {
  /** `by`: what asks for it, as the log names it. What is not valid changes nothing. */
  reload(by: string): Outcome
  readonly status: ReloadStatus
  close(): void
}

export interface ReloaderInit {
  readonly agent: Agent
  /** The agent was started with. */
  readonly config: Config
  /** Left out where there is nothing to read again. */
  readonly reread: Rereader | undefined
  readonly log: Logger
  readonly io: Io
}

const ENDINGS = ['.yaml', '.yml', '.toml']

export function createReloader({ agent, config, reread, log, io }: ReloaderInit): Reloader {
  let done = 0
  let failed = 0
  let last: ReloadStatus['last']
  let level = config.log_level
  let watching: FileWatch | undefined
  let paths = reread?.watched ?? []
  /** Watch the files, as far as the configuration wants that. `seen`: what they were like before they were read. */
  const watch = (wanted: boolean, seen?: Look): void => {
    if (!wanted) {
      watching?.close()
      watching = undefined
    } else if (watching === undefined) {
      const changed = (changes: readonly string[]): void => void reload(`change of ${named(changes)}`)
      watching = new FileWatch({ paths, endings: ENDINGS, changed })
    } else watching.follow(paths, seen ?? watching.look())
  }
  const take = (read: Reread): void => {
    agent.reload(read)
    if (read.logLevel !== undefined && read.config.log_level !== level) log.level = read.logLevel
    level = read.config.log_level
  }
  const attempt = (by: string): Outcome => {
    if (reread === undefined) {
      log.warning(`${by}: there are no rules to read again`)
      return { ok: false, error: 'there are no rules to read again' }
    }
    const said = collector(io)
    const seen = watching?.look()
    try {
      const read = reread.read(said.io, (found) => {
        paths = found
      })
      take(read)
      watch(read.config.watch_config_files, seen)
      for (const line of read.notices) log.warning(line)
      log.info(`${by}: reloaded, ${counted(read.rules.length, 'rule')}`)
      return { ok: true, rules: read.rules.length }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const { message, hint } = error
      if (seen !== undefined) watching?.follow(paths, seen)
      log.error(`${by}: ${message}; the rules in force stay`)
      const details = said.text()
      return {
        ...{ ok: false, error: message },
        ...(hint === undefined ? {} : { hint }),
        ...(details === '' ? {} : { details }),
      }
    }
  }
  const reload = (by: string): Outcome => {
    const outcome = attempt(by)
    if (outcome.ok) done++
    else {
      failed++
      agent.noteRefusal()
    }
    const time = new Date().toISOString()
    last = { time, by, ok: outcome.ok, ...(outcome.ok ? {} : { error: outcome.error }) }
    return outcome
  }
  if (reread !== undefined) watch(config.watch_config_files)
  return {
    reload,
    get status() {
      return { done, failed, ...(last && { last }) }
    },
    close: () => watching?.close(),
  }
}

const named = ([first, ...more]: readonly string[]): string =>
  more.length === 0 ? String(first) : `${first} and ${more.length} more`

/** Standard error that remembers what was written to it. */
function collector(io: Io): { readonly io: Io; text(): string } {
  let text = ''
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      io.stderr.write(chunk)
      done()
    },
  })
  return { io: { ...io, stderr }, text: () => text }
}

/** Rules read again while the agent runs: what asks for it hears what became of it. */
import { Writable } from 'node:stream'
import { type Agent, AgentError, type AgentOptions } from '../agent.ts'
import { type Io, UserError } from './command.ts'
import type { Logger } from './logger.ts'
import type { ReloadStatus } from './status-text.ts'

/** Reads again what a run is made of. Throws UserError when that is not valid; what is wrong where goes to standard error. */
export type Reread = (io: Io) => AgentOptions['rules']

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
}

/** Without `reread` there is nothing to read again. */
export function createReloader(agent: Agent, reread: Reread | undefined, log: Logger, io: Io): Reloader {
  let done = 0
  let failed = 0
  let last: ReloadStatus['last']
  const attempt = (by: string): Outcome => {
    if (reread === undefined) {
      log.warning(`${by}: there are no rules to read again`)
      return { ok: false, error: 'there are no rules to read again' }
    }
    const said = collector(io)
    try {
      const rules = reread(said.io)
      agent.reload(rules)
      log.info(`${by}: reloaded, ${rules.length} rules`)
      return { ok: true, rules: rules.length }
    } catch (error) {
      if (!(error instanceof UserError || error instanceof AgentError)) throw error
      const { message, hint } = error
      log.error(`${by}: ${message}; the rules in force stay`)
      const details = said.text()
      return {
        ...{ ok: false, error: message },
        ...(hint === undefined ? {} : { hint }),
        ...(details === '' ? {} : { details }),
      }
    }
  }
  return {
    reload(by) {
      const outcome = attempt(by)
      if (outcome.ok) done++
      else failed++
      const time = new Date().toISOString()
      last = { time, by, ok: outcome.ok, ...(outcome.ok ? {} : { error: outcome.error }) }
      return outcome
    },
    get status() {
      return { done, failed, ...(last && { last }) }
    },
  }
}

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

/** What the agent answers on its control socket. */
import { dirname, join } from 'node:path'
import type { Agent } from '../agent.ts'
import type { Config } from '../config/keys.ts'
import type { Answer, Request } from '../control/protocol.ts'
import { type ControlServer, startControl } from '../control/server.ts'
import type { Rule } from '../judging.ts'
import { UserError } from './command.ts'
import type { Logger } from './logger.ts'
import type { PassRates } from './pass-rates.ts'
import type { Reloader } from './reloading.ts'
import type { ControlStatus } from './status-text.ts'

/** Where the socket of a configuration is. */
export const controlPath = (config: Config): string =>
  config['control.socket'] || join(dirname(config['agent.lock_file']), 'control.sock')

export interface Controlled {
  readonly config: Config
  readonly agent: Agent
  readonly reloader: Reloader
  readonly log: Logger
}

/** Listen where the configuration says; undefined when it says nowhere. */
export function serveControl(controlled: Controlled): ControlServer | undefined {
  const { config, log } = controlled
  if (!config['control.enabled']) return undefined
  return startControl({
    path: controlPath(config),
    answer: (request, pid) =>
      answer(request, pid === undefined ? 'tarsier ctl' : `tarsier ctl (pid ${pid})`, controlled),
    log: (level, message) => log.log(level, message),
  })
}

/** `by`: who asks, as the log names it. */
async function answer(request: Request, by: string, { agent, reloader, log }: Controlled): Promise<Answer> {
  switch (request.command) {
    case 'status': {
      const status: ControlStatus = { ...agent.status(), log_level: log.level, reloads: reloader.status }
      return { ok: true, result: status }
    }
    case 'reload': {
      const outcome = reloader.reload(by)
      return outcome.ok ? { ok: true, result: { rules: outcome.rules } } : outcome
    }
    case 'rotate': {
      agent.reopen()
      log.info(`files of outputs are opened anew, by ${by}`)
      return { ok: true, result: {} }
    }
    case 'loglevel': {
      const before = log.level
      log.level = request.level
      log.info(`log level ${request.level}, by ${by}`)
      return { ok: true, result: { before, now: request.level } }
    }
    case 'explain':
      return explain(request, agent)
    default:
      return request satisfies never
  }
}

async function explain(
  { rule: name, seconds, json }: Extract<Request, { command: 'explain' }>,
  agent: Agent,
): Promise<Answer> {
  // The agent does without these until somebody asks.
  const { explanationJson, explanationText, ruleNamed } = await import('./explained.ts')
  const { explainRule } = await import('../guards/explain.ts')
  const { rules } = agent
  let chosen = rules
  try {
    if (name !== undefined) chosen = [ruleNamed(rules, name)]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { ok: false, error: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
  }
  const plan = agent.plan()
  if (plan === undefined)
    return { ok: false, error: 'there are no guards: kernel.guards is false, so every event is sent' }
  const rates = await ratesFor(agent, rules, seconds)
  if (rates === 'busy') return { ok: false, error: 'somebody counts already', hint: 'try again in a while' }
  const explained = chosen.map((rule) => explainRule(plan, rule))
  const result = json
    ? explanationJson(plan, explained, rates)
    : explanationText(plan, explained, rates, name === undefined)
  return { ok: true, result }
}

async function ratesFor(
  agent: Agent,
  rules: readonly Rule[],
  seconds: number,
): Promise<PassRates | undefined | 'busy'> {
  if (seconds === 0) return undefined
  const { ratesOf } = await import('./pass-rates.ts')
  const passed = await agent.countPassed(rules, seconds * 1000)
  return passed === undefined ? 'busy' : ratesOf(seconds, passed.rules, passed.after, passed.before)
}

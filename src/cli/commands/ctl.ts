/** `tarsier ctl`: what a running agent is asked and told. */

import type { Command } from 'commander'
import { ask } from '../../control/client.ts'
import { type COMMANDS, EXPLAIN_SECONDS_MAX, LOG_LEVELS, type Request } from '../../control/protocol.ts'
import { counted } from '../../health/words.ts'
import { jsonLine } from '../../outputs/escape.ts'
import { visible } from '../../rules/render-diagnostics.ts'
import { type CliCommand, EXIT, type ExitCode, type Io, UsageError, UserError } from '../command.ts'
import { controlPath } from '../control.ts'
import { type ControlStatus, statusText } from '../status-text.ts'
import { declareConfigOptions, readOrReport } from './config.ts'

/** Reading rules takes a busy machine some time, and `explain` what it is told to. */
const ANSWER_MS = 30_000

const HELP = `
The agent listens on a Unix socket that only root and the user it runs as may open: control.socket of its configuration,
control.sock beside agent.lock_file where that says nothing. Exit code 1: no agent runs, or it refused.`

export const ctlCommand: CliCommand = {
  name: 'ctl',
  declare(command: Command): void {
    const of = (name: (typeof COMMANDS)[number], description: string): Command => {
      const leaf = command.command(name).description(description)
      leaf.option('--socket <path>', "the agent's control socket, instead of that of the configuration")
      declareConfigOptions(leaf)
      return leaf.addHelpText('after', HELP)
    }
    of('status', 'what it did since its start: events, losses by stage, outputs')
    of('reload', 'read configuration and rules again; what is not valid changes nothing and is said')
    of('rotate', 'open the files of outputs anew, after they were moved away')
    of('loglevel', 'log from this level on').argument('<level>', LOG_LEVELS.join(', '))
    of('explain', 'what the kernel decides of the rules in force, and how much passed for them')
      .argument('[rule]', 'name of a rule; all when left out')
      .option('--seconds <n>', `how long to count, 0 to ${EXPLAIN_SECONDS_MAX}`, '2')
  },
  async run([action, argument], options, io) {
    const request = requestOf(action as (typeof COMMANDS)[number], argument, options)
    const path = socketOf(options, io)
    const wait = ANSWER_MS + (request.command === 'explain' ? request.seconds * 1000 : 0)
    const answer = await ask(path, request, wait)
    if (!answer.ok) {
      if (options.json) io.stdout.write(`${jsonLine(answer)}\n`)
      else if (answer.details !== undefined) io.stderr.write(answer.details)
      throw new UserError(refusal(request, answer.error), answer.hint)
    }
    show(request, answer.result, options.json, io)
    return EXIT.ok satisfies ExitCode
  },
}

function socketOf(options: Readonly<Record<string, unknown>>, io: Io): string {
  const given = options['socket'] as string | undefined
  if (given !== undefined) return given
  const loaded = readOrReport(options, io)
  if (loaded === undefined) throw new UserError('the configuration is not valid')
  return controlPath(loaded.config)
}

function requestOf(
  command: (typeof COMMANDS)[number],
  argument: string | undefined,
  options: Readonly<Record<string, unknown>>,
): Request {
  switch (command) {
    case 'status':
    case 'reload':
    case 'rotate':
      return { command }
    case 'loglevel': {
      const level = LOG_LEVELS.find((one) => one === argument)
      if (level === undefined)
        throw new UsageError(`unknown log level '${argument}'`, `levels: ${LOG_LEVELS.join(', ')}`)
      return { command, level }
    }
    case 'explain': {
      const seconds = Number(options['seconds'])
      if (!(seconds >= 0 && seconds <= EXPLAIN_SECONDS_MAX))
        throw new UsageError(
          `--seconds ${String(options['seconds'])} is not a number from 0 to ${EXPLAIN_SECONDS_MAX}`,
        )
      const rule = argument === undefined ? {} : { rule: argument }
      return { command, ...rule, seconds, json: options['json'] === true }
    }
    default:
      return command satisfies never
  }
}

const refusal = ({ command }: Request, error: string): string =>
  command === 'reload' ? `not reloaded: ${error}; the rules in force stay` : error

function show({ command }: Request, result: unknown, json: boolean, io: Io): void {
  if (json) {
    io.stdout.write(`${jsonLine(result)}\n`)
    return
  }
  switch (command) {
    case 'status':
      io.stdout.write(statusText(result as ControlStatus))
      return
    case 'reload':
      io.stdout.write(`reloaded, ${counted((result as { readonly rules: number }).rules, 'rule')}\n`)
      return
    case 'rotate':
      io.stdout.write('the files of outputs are opened anew\n')
      return
    case 'loglevel': {
      const { before, now } = result as { readonly before: string; readonly now: string }
      io.stdout.write(`log level ${visible(now)}, before ${visible(before)}\n`)
      return
    }
    case 'explain':
      io.stdout.write(result as string)
      return
    default:
      command satisfies never
  }
}

/** `tarsier rules explain`: what the kernel decides of a rule, what is left to user space and why, and how much passes. */

import type { SyscallContext } from '../../fields/context.ts'
import { prebufferStream } from '../../guarding.ts'
import { explainRule } from '../../guards/explain.ts'
import { planGuards } from '../../guards/plan.ts'
import { prebufferOf } from '../../judging.ts'
import { jsonLine } from '../../outputs/escape.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import type { LoadEnv, LoadResult } from '../../rules/load.ts'
import { passwdOf } from '../../sources/kernel/user-files.ts'
import { namesIn } from '../../state/users.ts'
import { EXIT, type Io, UsageError, UserError } from '../command.ts'
import { loadOrReport } from '../configured-rules.ts'
import { explanationJson, explanationText, prebufferText, ruleNamed } from '../explained.ts'
import { watchPassRates } from '../pass-rates.ts'
import { declareConfigOptions, readOrReport } from './config.ts'
import { declareRulesOption, loadOrRefuse, type RulesAction, ruleFiles } from './rules-action.ts'

type Rule = CompiledRule<SyscallContext>

const MOST_SECONDS = 3600

export const explainAction: RulesAction = {
  name: 'explain',
  declare(command) {
    declareConfigOptions(command)
    declareRulesOption(
      command
        .description('what the kernel decides of a rule, what is left to user space and why')
        .argument('[name]', 'name of the rule')
        .option('--all', 'every rule')
        .option('--live <seconds>', 'watch this machine for so long, and say how much the guards let pass'),
    )
  },
  async run([name], options, io, env) {
    if ((name === undefined) === (options['all'] !== true))
      throw new UsageError('rules explain needs the name of a rule, or --all')
    const { rules: loaded, prebuffer } = rulesOf(options, io, env)
    const rules = loaded.filter(({ source }) => source === 'syscall') as readonly Rule[]
    const streams = prebuffer.length === 0 ? [] : [prebufferStream(prebuffer)]
    const plan = planGuards({ rules, streams, users: [namesIn(passwdOf(''))] })
    const chosen = name === undefined ? rules : [ruleNamed(rules, name)]
    const live = options['live']
    const rates = live === undefined ? undefined : await watchPassRates(plan, secondsOf(live))
    const explained = chosen.map((rule) => explainRule(plan, rule))
    const all = name === undefined
    if (options.json)
      io.stdout.write(
        `${jsonLine({ ...explanationJson(plan, explained, rates), ...(prebuffer.length === 0 ? {} : { prebuffer }) })}\n`,
      )
    else io.stdout.write(explanationText(plan, explained, rates, all) + prebufferText(prebuffer))
    return EXIT.ok
  },
}

/** The rules of a configuration and the events it opens the guards for, where one is named; else what `-r` names. */
function rulesOf(
  options: Parameters<RulesAction['run']>[1],
  io: Io,
  env: LoadEnv,
): { readonly rules: LoadResult['rules']; readonly prebuffer: readonly string[] } {
  const { config, option = [] } = options as { readonly config?: string; readonly option?: readonly string[] }
  if (config === undefined && option.length === 0)
    return { rules: loadOrRefuse(ruleFiles(options), env, io).rules, prebuffer: [] }
  const loaded = readOrReport(options, io)
  if (loaded === undefined) throw new UserError('the configuration is not valid')
  const given = (options['rules'] as readonly string[] | undefined) ?? []
  return { rules: loadOrReport(loaded, given, options, io).rules, prebuffer: prebufferOf(loaded.config) }
}

function secondsOf(text: unknown): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= MOST_SECONDS) return seconds
  throw new UsageError(`--live ${String(text)} is not a number of seconds from 1 to ${MOST_SECONDS}`)
}

/** `tarsier rules explain`: what the kernel decides of a rule, what is left to user space and why, and how much passes. */
import type { SyscallContext } from '../../fields/context.ts'
import { explainRule } from '../../guards/explain.ts'
import { planGuards } from '../../guards/plan.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { EXIT, UsageError } from '../command.ts'
import { explanationJson, explanationText, ruleNamed } from '../explained.ts'
import { watchPassRates } from '../pass-rates.ts'
import { declareRulesOption, loadOrRefuse, type RulesAction, ruleFiles } from './rules-action.ts'

type Rule = CompiledRule<SyscallContext>

const MOST_SECONDS = 3600

export const explainAction: RulesAction = {
  name: 'explain',
  declare(command) {
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
    const rules = loadOrRefuse(ruleFiles(options), env, io).rules.filter(
      ({ source }) => source === 'syscall',
    ) as readonly Rule[]
    const plan = planGuards({ rules, streams: [] })
    const chosen = name === undefined ? rules : [ruleNamed(rules, name)]
    const live = options['live']
    const rates = live === undefined ? undefined : await watchPassRates(plan, secondsOf(live))
    const explained = chosen.map((rule) => explainRule(plan, rule))
    if (options.json) io.stdout.write(`${JSON.stringify(explanationJson(plan, explained, rates))}\n`)
    else io.stdout.write(explanationText(plan, explained, rates, name === undefined))
    return EXIT.ok
  },
}

function secondsOf(text: unknown): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= MOST_SECONDS) return seconds
  throw new UsageError(`--live ${String(text)} is not a number of seconds from 1 to ${MOST_SECONDS}`)
}

/** `tarsier rules describe`: one rule in full, as written and as compiled. */

import { missingHere } from '../../kernel/missing-syscalls.ts'
import { jsonLine } from '../../outputs/escape.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import type { RuleDescription } from '../../rules/description.ts'
import { falcoDescription } from '../../rules/falco-results.ts'
import { visible } from '../../rules/render-diagnostics.ts'
import { EXIT, UserError } from '../command.ts'
import { wrap } from '../table.ts'
import { declareRulesOption, loadOrRefuse, type RulesAction, ruleFiles } from './rules-action.ts'

export const describeAction: RulesAction = {
  name: 'describe',
  declare(command) {
    declareRulesOption(
      command
        .description('a rule in full: what is written, what the compiler made of it')
        .argument(
          '[name]',
          'name of the rule; without one --json describes everything, macros and lists too',
        ),
    )
  },
  async run([name], options, io, env) {
    const description = loadOrRefuse(ruleFiles(options), env, io).describe()
    const { rules } = description
    const exact = rules.find((rule) => rule.name.toLowerCase() === name?.toLowerCase())
    if (name !== undefined && exact === undefined)
      throw new UserError(
        `there is no rule '${name}'`,
        didYouMean(
          name,
          rules.map((rule) => rule.name),
        ) ?? "'tarsier rules list' names those there are",
      )
    if (options.json) {
      const all = (source: string): Iterable<string> => env.sources.get(source)?.events ?? []
      io.stdout.write(`${jsonLine(falcoDescription(description, all, exact?.name))}\n`)
    } else
      for (const [i, rule] of (exact ? [exact] : rules).entries())
        io.stdout.write((i > 0 ? '\n' : '') + describeText(rule))
    return EXIT.ok
  },
}

const WIDTH = 110
const LABEL = 12

/** Syscalls of the rule that this kernel does not have: of them it sees failed attempts at most. */
function notHere(events: RuleDescription['parts']['events']): string {
  const missing = events === '*' ? [] : (missingHere(events) ?? [])
  return missing.length === 0
    ? ''
    : `this kernel has no ${[...missing].sort().join(', ')}; attempts fail with ENOSYS`
}

function describeText(rule: RuleDescription): string {
  const { parts } = rule
  const rows: readonly (readonly [string, string])[] = [
    ['rule', rule.name + (rule.enabled ? '' : ' (off)')],
    ['priority', rule.priority],
    ['source', rule.source],
    ['tags', rule.tags.join(', ')],
    ['defined', `${rule.file}:${rule.line}`],
    ['about', rule.desc],
    ['condition', rule.condition],
    ...rule.exceptions.map(
      ({ name, fields, operators }) =>
        [
          'exception',
          `${name}: ${fields.map((field, i) => `${field} ${operators[i] ?? ''}`).join(', ')}`,
        ] as const,
    ),
    ['output', rule.output],
    ['macros', parts.macros.join(', ')],
    ['lists', parts.lists.join(', ')],
    ['fields', parts.fields.join(', ')],
    ['events', parts.events === '*' ? 'every event' : [...parts.events].sort().join(', ')],
    ['not here', notHere(parts.events)],
    ['compiled', parts.compiled],
  ]
  return rows
    .filter(([, text]) => text !== '')
    .map(([label, text]) => {
      const lines = wrap(visible(text.trim().replace(/\s+/g, ' ')), WIDTH - LABEL)
      return `${label.padEnd(LABEL)}${lines.join(`\n${' '.repeat(LABEL)}`)}\n`
    })
    .join('')
}

/** `tarsier rules find`: which rule an alert comes from, by its words. */

import { jsonLine } from '../../outputs/escape.ts'
import { type Found, findRules } from '../../rules/find.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { EXIT, type Io, UsageError } from '../command.ts'
import { formatTable } from '../table.ts'
import { linesOf } from './lines.ts'
import { declareRulesOption, loadOrRefuse, type RulesAction, ruleFiles } from './rules-action.ts'

const DEFAULT_LIMIT = 5

export const findAction: RulesAction = {
  name: 'find',
  declare(command) {
    declareRulesOption(
      command
        .description('find the rule behind an alert by the words of the alert')
        .argument(
          '[text...]',
          'the alert or some words of it; without any, alerts are read from stdin, one a line',
        )
        .option('-n, --limit <count>', 'rules to name for each alert', String(DEFAULT_LIMIT))
        .addHelpText('after', '\nExit code 1 when nothing is found for an alert.'),
    )
  },
  async run(args, options, io, env) {
    const result = loadOrRefuse(ruleFiles(options), env, io)
    const rules = [...result.rules, ...result.disabled]
    const limit = limitOf(options['limit'])
    let missed = false
    for await (const text of args.length > 0 ? [args.join(' ')] : queriesOf(io)) {
      const found = findRules(text, rules).slice(0, limit)
      missed ||= found.length === 0
      if (options.json) io.stdout.write(`${jsonLine({ text, rules: found.map(toJson) })}\n`)
      else if (found.length === 0) io.stderr.write('no rule has these words\n')
      else io.stdout.write(formatTable(['RULE', 'PRIORITY', 'MATCH', 'DEFINED'], found.map(toRow)))
    }
    return missed ? EXIT.failure : EXIT.ok
  },
}

function limitOf(value: unknown): number {
  const limit = Number(value ?? DEFAULT_LIMIT)
  if (Number.isInteger(limit) && limit > 0) return limit
  throw new UsageError(`--limit takes a positive number, not '${String(value)}'`)
}

async function* queriesOf(io: Io): AsyncGenerator<string> {
  for await (const line of linesOf(io.stdin)) if (line.trim() !== '') yield line
}

const placeOf = ({ span }: CompiledRule): string => `${span.file}:${span.line}`

const toRow = ({ rule, match, score }: Found): readonly string[] => [
  rule.name,
  rule.priority,
  match === 'words'
    ? `some words (${Math.round(score * 100)} %)`
    : match === 'name'
      ? 'its name'
      : 'its output',
  placeOf(rule),
]

const toJson = ({ rule, match, score }: Found): object => ({
  name: rule.name,
  priority: rule.priority,
  source: rule.source,
  match,
  score: Number(score.toFixed(3)),
  file: rule.span.file,
  line: rule.span.line,
})

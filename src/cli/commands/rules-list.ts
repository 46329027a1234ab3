/** `tarsier rules list`: the rules in files, one a line. */
import { jsonLine } from '../../outputs/escape.ts'
import type { CompiledRule } from '../../rules/ir.ts'
import { visible } from '../../rules/render-diagnostics.ts'
import { EXIT } from '../command.ts'
import { rulesDirectory } from '../package-root.ts'
import { loadOrRefuse, type RulesAction } from './rules-action.ts'

export const listAction: RulesAction = {
  name: 'list',
  declare(command) {
    command
      .description('the rules in files, or those that come with the program')
      .argument('[files...]', 'rule files or directories with them')
  },
  async run(files, options, io, env) {
    const result = loadOrRefuse(files.length > 0 ? files : [rulesDirectory()], env, io)
    const rows: readonly Row[] = [
      ...result.rules.map((rule) => ({ rule, enabled: true })),
      ...result.disabled.map((rule) => ({ rule, enabled: false })),
    ]
    io.stdout.write(options.json ? `${jsonLine(rows.map(toJson))}\n` : table(rows))
    return EXIT.ok
  },
}

interface Row {
  readonly rule: CompiledRule
  readonly enabled: boolean
}

const eventNames = ({ events }: CompiledRule): readonly string[] | '*' =>
  events === '*' ? '*' : [...events].sort()

const toJson = ({ rule, enabled }: Row): object => ({
  name: rule.name,
  priority: rule.priority,
  source: rule.source,
  tags: rule.tags,
  events: eventNames(rule),
  enabled,
  file: rule.span.file,
  line: rule.span.line,
})

/** Columns as wide as their longest cell; the last, which may hold hundreds of events, runs free. */
function table(rows: readonly Row[]): string {
  const cells = rows.map(({ rule, enabled }) => {
    const events = eventNames(rule)
    const names = events === '*' ? '*' : events.join(',')
    return [
      rule.name + (enabled ? '' : ' (off)'),
      rule.priority,
      rule.source,
      rule.tags.join(','),
      names,
    ].map(visible)
  })
  const lines = [['NAME', 'PRIORITY', 'SOURCE', 'TAGS', 'EVENTS'], ...cells]
  const widths = [0, 1, 2, 3].map((i) => lines.reduce((most, line) => Math.max(most, line[i]!.length), 0))
  return lines.map((line) => `${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`).join('')
}

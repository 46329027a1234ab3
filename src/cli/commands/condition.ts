/** `tarsier condition`: judge conditions, one a line, and print what the compiler understood. */

import type { Command } from 'commander'
import { SOURCES } from '../../fields/index.ts'
import { jsonLine } from '../../outputs/escape.ts'
import { type Ast, visitOperands } from '../../rules/condition/ast.ts'
import { compileCondition } from '../../rules/condition/compile.ts'
import { ConditionError } from '../../rules/condition/error.ts'
import { inferEvents } from '../../rules/condition/events.ts'
import { expandMacros } from '../../rules/condition/expand.ts'
import { parseCondition } from '../../rules/condition/parser.ts'
import { printCondition } from '../../rules/condition/print.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import type { LoadEnv, SourceEnv } from '../../rules/load.ts'
import { sourceFile, spanOf } from '../../rules/passes/mapped-text.ts'
import { brief } from '../../rules/render-diagnostics.ts'
import { type CliCommand, EXIT, type ExitCode, type Io, UsageError } from '../command.ts'
import { linesOf } from './lines.ts'

/** `sources` other than the program's own are for tests. */
export const createConditionCommand = (sources: LoadEnv['sources'] = SOURCES): CliCommand => ({
  name: 'condition',
  declare,
  async run(_args, options, io) {
    const name = typeof options['source'] === 'string' ? options['source'] : 'syscall'
    const known = [...sources.keys()]
    const source = sources.get(name)
    if (!source)
      throw new UsageError(
        `unknown source '${name}'`,
        didYouMean(name, known) ?? `sources are ${known.join(', ')}`,
      )
    const judge =
      options['syntax'] === true
        ? judgeSyntax
        : (ast: Ast, text: string) => judgeFully(ast, text, name, source)
    return judgeLines(io, judge)
  },
})

export const conditionCommand: CliCommand = createConditionCommand()

function declare(command: Command): void {
  command
    .description('check conditions from standard input, one a line; one JSON object a line out')
    .option('--source <name>', 'source whose fields and events are known', 'syscall')
    .option('--syntax', 'check the grammar only')
    .addHelpText(
      'after',
      '\nA line that starts with a double quote is a JSON string. Exit code 1 when a condition is not ok.',
    )
}

type Judge = (ast: Ast, text: string) => object

async function judgeLines(io: Io, judge: Judge): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  for await (const line of linesOf(io.stdin)) {
    const answer = judgeLine(line, judge)
    if (!answer.ok) code = EXIT.failure
    io.stdout.write(`${jsonLine(answer)}\n`)
  }
  return code
}

function judgeLine(line: string, judge: Judge): { readonly ok: boolean } {
  let text = line
  if (line.startsWith('"')) {
    try {
      text = JSON.parse(line) as string
    } catch {
      return {
        ok: false,
        ...{ error: 'the line starts with a double quote but is not a JSON string', line: 1, column: 1 },
      }
    }
  }
  try {
    return { ok: true, ...judge(parseCondition(text), text) }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    const { line: row, column } = spanOf(sourceFile('', text), error.from, error.to)
    const message = error.hint === undefined ? error.message : `${error.message} (${error.hint})`
    return { ok: false, ...{ error: brief(message), line: row, column } }
  }
}

const judgeSyntax: Judge = (ast, text) => ({ canonical: printCondition(ast), fields: fieldsOf(ast, text) })

function judgeFully(ast: Ast, text: string, name: string, source: SourceEnv): object {
  const file = sourceFile('', text)
  const { expr } = compileCondition(
    // Nothing defines macros here: a name on its own is an error, with a place.
    expandMacros(ast, () => undefined),
    {
      fields: source.fields,
      source: name,
      eventNames: source.knownEvents ?? source.events,
      ...(source.eventAliases ? { eventAliases: source.eventAliases } : {}),
      spanOf: (from, to) => spanOf(file, from, to),
    },
  )
  const events = inferEvents(expr, source.events)
  return {
    canonical: printCondition(ast),
    events: events === '*' ? '*' : [...events].sort(),
    fields: fieldsOf(ast, text),
  }
}

/** Sorted, each as it was written. */
function fieldsOf(ast: Ast, text: string): readonly string[] {
  const fields = new Set<string>()
  visitOperands(ast, (node) => {
    if (node.kind !== 'field') return
    const written = text.slice(node.from, node.to)
    // The place of a field on the right includes the `val(...)` around it.
    fields.add(/^val\((.*)\)$/s.exec(written)?.[1]?.trim() ?? written)
  })
  return [...fields].sort()
}

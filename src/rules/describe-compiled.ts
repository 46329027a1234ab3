/** The description of a rule that has no condition as text: what the compiler made of it. */
import type { RuleDescription } from './description.ts'
import type { CompiledRule, Expr, Operand } from './ir.ts'
import type { LoadedRule } from './languages/language.ts'
import { printExpr, printIrOperand } from './print-expr.ts'

export function describeCompiled(loaded: LoadedRule): RuleDescription {
  const { rule } = loaded
  const compiled = printExpr(rule.condition)
  const found: Found = { operators: new Set(), fields: new Set() }
  collect(rule.condition, found)
  return {
    ...describeHead(loaded),
    condition: compiled,
    output: printFormat(rule),
    exceptions: [],
    parts: {
      macros: [],
      lists: [],
      operators: [...found.operators].sort(),
      fields: [...found.fields].sort(),
      events: rule.events,
      compiled,
    },
  }
}

/** What does not depend on the language of a rule. */
export const describeHead = ({
  rule,
  enabled,
}: LoadedRule): Omit<RuleDescription, 'condition' | 'output' | 'exceptions' | 'parts'> => ({
  name: rule.name,
  source: rule.source,
  desc: rule.desc,
  priority: rule.priority,
  tags: rule.tags,
  enabled,
  file: rule.span.file,
  line: rule.span.line,
  outputFields: outputFields(rule),
})

/** What a format prints, sorted. */
const outputFields = ({ format }: CompiledRule): readonly string[] =>
  [...new Set(format.flatMap((part) => (part.kind === 'value' ? [part.key] : [])))].sort()

/** A format as it would be written. */
const printFormat = ({ format }: CompiledRule): string =>
  format.map((part) => (part.kind === 'text' ? part.text : `%${part.width ?? ''}${part.key}`)).join('')

interface Found {
  readonly operators: Set<string>
  readonly fields: Set<string>
}

function collect<C>(expr: Expr<C>, into: Found): void {
  if (expr.kind === 'not') collect(expr.item, into)
  else if (expr.kind === 'and' || expr.kind === 'or') for (const item of expr.items) collect(item, into)
  if (expr.kind !== 'test') return
  into.operators.add(expr.modifier === undefined ? expr.op : `${expr.op} ${expr.modifier}`)
  addFields(expr.left, into.fields)
  if (!Array.isArray(expr.right)) addFields(expr.right as Operand<C>, into.fields)
}

function addFields<C>(operand: Operand<C>, into: Set<string>): void {
  if (operand.kind === 'field') {
    into.add(printIrOperand(operand))
    return
  }
  for (const arg of operand.args.flat()) if ('kind' in arg) addFields(arg as Operand<C>, into)
}

/**
 * Exceptions of a rule: what they may say, and the condition text they become. With one field the values are a flat
 * list, `not (field in (v1, v2))`; with several, rows: `not ((f1 = v11 and f2 = v12) or (...))`.
 */

import type { FieldSet } from '../../../fields/field.ts'
import { SPELLINGS } from '../../condition/ast.ts'
import { ConditionError } from '../../condition/error.ts'
import { compileOperand } from '../../condition/operands.ts'
import { parseOperandPrefix } from '../../condition/parser.ts'
import { didYouMean } from '../../condition/suggest.ts'
import type { Span } from '../../diagnostics.ts'
import { gluedText, joinText, locate, type MappedText } from '../../passes/mapped-text.ts'
import type { LoadEnv } from '../language.ts'
import { type Entry, type ExceptionItem, isListEntry, type Named } from './items.ts'
import { RuleError } from './report.ts'

/** A complete exception. With one field `fields` and `comps` have one element and `values` are no rows. */
export interface RuleException extends Named {
  readonly single: boolean
  readonly fields: readonly MappedText[]
  readonly comps: readonly string[]
  readonly values: readonly Entry[]
}

/** What a source says about the fields of exceptions. */
export interface ExceptionRules {
  /** Why the text cannot stand on the left of a comparison; undefined when it can. */
  fieldProblem(text: string): { readonly message: string; readonly hint: string | undefined } | undefined
}

/** For every source: a field must exist there, with an argument that makes sense. */
export function exceptionRules(env: LoadEnv): ReadonlyMap<string, ExceptionRules> {
  const rulesOf = (source: string, fields: FieldSet): ExceptionRules => ({
    fieldProblem(text) {
      const found = parseOperandPrefix(text, 0)
      if (!found || found.end !== text.length)
        return { message: `'${text}' is not a field`, hint: didYouMean(text, fields.keys()) }
      try {
        compileOperand(found.node, { fields, source, spanOf: () => NOWHERE })
        return undefined
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error
        return { message: error.message, hint: error.hint }
      }
    },
  })
  return new Map([...env.sources].map(([name, { fields }]) => [name, rulesOf(name, fields)]))
}

const NOWHERE: Span = { file: '', line: 1, column: 1, from: 0, to: 0 }

const LIST_COMPS = new Set(['in', 'intersects', 'pmatch'])
const MODIFIED = /^([a-z]+)[ \t]+(oneof|anyof|allof)$/
const STRING_OPERATORS = new Set(
  SPELLINGS.filter((name) => /^[a-z]+$/.test(name) && !LIST_COMPS.has(name) && name !== 'exists'),
)

const takesList = (comp: string): boolean => LIST_COMPS.has(comp) || isModified(comp)
const isModified = (comp: string): boolean => STRING_OPERATORS.has(MODIFIED.exec(comp)?.[1] as never)

const fail = (message: string, at: Named, span: Span, hint?: string): never => {
  throw new RuleError('LOAD_ERR_VALIDATE', message, span, at.context, hint)
}

/** Check an exception as written. Without `rules` (unknown source) fields are not looked up. Throws RuleError. */
export function defineException(item: ExceptionItem, rules: ExceptionRules | undefined): RuleException {
  if (item.fields === undefined) return fail(`exception '${item.name}' has no 'fields'`, item, item.span)
  const single = !isListEntry(item.fields)
  const fields = isListEntry(item.fields)
    ? item.fields.map((entry) => scalar(entry, 'a field', item))
    : [item.fields]
  if (fields.length === 0) return fail(`exception '${item.name}' has an empty 'fields'`, item, item.span)
  const comps = compsOf(item, single, fields.length)
  for (const field of fields) {
    const problem = rules?.fieldProblem(field.text)
    if (problem) fail(problem.message, item, whole(field), problem.hint)
  }
  const { name, span, context, values } = item
  return withValues({ name, span, context, single, fields, comps, values: [] }, values, item)
}

/** Add to an earlier exception, or a new one when there is none. Throws RuleError. */
export function appendException(
  old: RuleException | undefined,
  item: ExceptionItem,
  rules: ExceptionRules | undefined,
): RuleException {
  if (!old) {
    if (item.values.length > 0 && item.fields !== undefined) return defineException(item, rules)
    return fail(
      `the appended exception '${item.name}' is new, so it needs 'fields' and 'values'`,
      item,
      item.span,
    )
  }
  const extra = item.fields !== undefined ? 'fields' : item.comps !== undefined ? 'comps' : undefined
  if (extra)
    return fail(
      `exception '${item.name}' exists already: only 'values' can be appended, not '${extra}'`,
      item,
      item.span,
    )
  return withValues(old, item.values, item)
}

function compsOf(item: ExceptionItem, single: boolean, count: number): readonly string[] {
  if (item.comps === undefined) return single ? ['in'] : new Array<string>(count).fill('=')
  if (single) {
    const comp = scalar(item.comps, "'comps' of a single field", item)
    return takesList(comp.text) ? [comp.text] : badComp(comp, item, [...LIST_COMPS])
  }
  if (!isListEntry(item.comps)) return fail("'comps' must be a list, as 'fields' is", item, whole(item.comps))
  if (item.comps.length !== count)
    return fail(
      `exception '${item.name}' has ${count} fields but ${item.comps.length} comps`,
      item,
      item.comps[0] ? entrySpan(item.comps[0], item) : item.span,
    )
  return item.comps.map((entry) => {
    const comp = scalar(entry, 'an element of comps', item)
    return (SPELLINGS as readonly string[]).includes(comp.text) || isModified(comp.text)
      ? comp.text
      : badComp(comp, item, SPELLINGS)[0]!
  })
}

const badComp = (comp: MappedText, item: Named, known: readonly string[]): readonly string[] =>
  fail(
    `'${comp.text}' is not a comparison operator for this exception`,
    item,
    whole(comp),
    didYouMean(comp.text, known) ??
      `operators are ${known.join(', ')}, or a string operator with oneof, anyof or allof`,
  )

function withValues(old: RuleException, values: readonly Entry[], item: ExceptionItem): RuleException {
  for (const value of values) {
    if (old.single) scalar(value, 'a value of a single field', item)
    else if (!isListEntry(value))
      fail('a value must be a list with one element for each field', item, whole(value))
    else if (value.length !== old.fields.length)
      fail(
        `a value has ${value.length} elements, the exception has ${old.fields.length} fields`,
        item,
        value[0] ? entrySpan(value[0], item) : item.span,
      )
  }
  return { ...old, values: old.values.length === 0 ? values : [...old.values, ...values] }
}

function scalar(entry: Entry, what: string, item: Named): MappedText {
  return isListEntry(entry) ? fail(`${what} must not be a list`, item, entrySpan(entry, item)) : entry
}

const whole = (text: MappedText): Span => locate(text, 0, text.text.length)
const entrySpan = (entry: Entry, item: Named): Span => {
  let first: Entry | undefined = entry
  while (first !== undefined && isListEntry(first)) first = first[0]
  return first ? whole(first) : item.span
}

/** `(condition) and not E1 and not E2 ...`; exceptions without values add nothing. */
export function withExceptions(condition: MappedText, exceptions: readonly RuleException[]): MappedText {
  const filled = exceptions.filter(({ values }) => values.length > 0)
  if (filled.length === 0) return condition
  const span = whole(condition)
  const parts: MappedText[] = [gluedText('(', span), condition, gluedText(')', span)]
  for (const exception of filled) {
    const writer = new Writer(exception, parts)
    writer.glue(' and not ')
    if (exception.single) writer.single()
    else writer.rows()
  }
  return joinText(parts)
}

/** Writes one exception piece by piece; what is not taken from the file is reported at the exception's name. */
class Writer {
  readonly #exception: RuleException
  readonly #parts: MappedText[]

  constructor(exception: RuleException, parts: MappedText[]) {
    this.#exception = exception
    this.#parts = parts
  }

  glue(text: string): void {
    this.#parts.push(gluedText(text, this.#exception.span))
  }

  single(): void {
    const { fields, comps, values } = this.#exception
    this.#parts.push(fields[0]!)
    this.glue(` ${comps[0]} `)
    this.#list(values)
  }

  rows(): void {
    const { fields, comps, values } = this.#exception
    let lead = '(('
    for (const row of values as readonly (readonly Entry[])[]) {
      for (const [i, cell] of row.entries()) {
        this.glue(lead)
        this.#parts.push(fields[i]!)
        this.glue(` ${comps[i]} `)
        this.#cell(cell, comps[i]!)
        lead = ' and '
      }
      lead = ') or ('
    }
    this.glue('))')
  }

  #cell(cell: Entry, comp: string): void {
    if (isListEntry(cell)) this.#list(cell)
    else if (!takesList(comp)) this.#value(cell)
    // A scalar may be the name of a list.
    else if (cell.text.startsWith('(')) this.#parts.push(cell)
    else this.#list([cell])
  }

  #list(values: readonly Entry[]): void {
    let lead = '('
    for (const value of values) {
      this.glue(lead)
      if (isListEntry(value)) this.#list(value)
      else this.#value(value)
      lead = ', '
    }
    this.glue(lead === '(' ? '()' : ')')
  }

  /** In double quotes when it is empty or holds a blank, unless it brings its own. */
  #value(value: MappedText): void {
    const bare = value.text !== '' && (!value.text.includes(' ') || /^["']/.test(value.text))
    if (!bare) this.glue('"')
    this.#parts.push(value)
    if (!bare) this.glue('"')
  }
}

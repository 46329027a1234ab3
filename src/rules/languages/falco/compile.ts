/**
 * Definitions to rules: lists are replaced in the text, macros in the tree, exceptions appended, then the condition and
 * the output are bound to the fields of the rule's source.
 */
import { type Ast, type At, type CheckNode, macrosOf } from '../../condition/ast.ts'
import { compileCondition } from '../../condition/compile.ts'
import { ConditionError } from '../../condition/error.ts'
import { inferEvents } from '../../condition/events.ts'
import { expandLists, expandMacros } from '../../condition/expand.ts'
import { parseCondition } from '../../condition/parser.ts'
import type { ErrorCode, Span } from '../../diagnostics.ts'
import { type CompiledRule, PRIORITIES } from '../../ir.ts'
import { regexSteps } from '../../operators/regex.ts'
import { gluedText, joinText, type Locate, locate, type MappedText } from '../../passes/mapped-text.ts'
import type { LoadEnv, LoadedRule } from '../language.ts'
import type { Collection, MacroDefinition, RuleDefinition } from './collector.ts'
import { withExceptions } from './exceptions.ts'
import { compileFormat } from './format.ts'
import { type ListTable, listsFor, listTable } from './lists.ts'
import { type Context, RuleError, type Warn, within } from './report.ts'
import { compileThreshold } from './threshold.ts'

/** Rules that can match more event types than this without naming any are warned about, as in Falco. */
const MANY_EVENTS = 100

/** Compile everything collected so far. Throws RuleError at the first thing that is wrong. */
export function compileCollection(collection: Collection, env: LoadEnv, warn: Warn): readonly LoadedRule[] {
  const scope = openScope(collection, env, warn)
  const rules: LoadedRule[] = []
  const least = PRIORITIES.indexOf(env.minimumPriority ?? 'Debug')
  for (const definition of collection.rules) {
    if (PRIORITIES.indexOf(definition.priority) > least || !env.sources.has(definition.source)) continue
    const rule = compileUnlessUnknown(definition, scope)
    if (rule) rules.push({ rule, enabled: definition.enabled })
  }
  warnUnused(collection, scope.used, warn)
  return rules
}

/** Lists and macros of a collection, ready to be put into conditions. Throws RuleError. */
export function openScope(collection: Collection, env: LoadEnv, warn: Warn): Scope {
  const used: Used = { lists: new Set(), macros: new Set(), text: 0, checks: 0, values: 0, steps: 0 }
  const lists = listTable(collection.lists, used.lists)
  return { env, lists, macros: compileMacros(collection.macros, lists, used), used, warn }
}

/** What the conditions of one compilation have used up to now. */
export interface Used {
  readonly lists: Set<string>
  readonly macros: Set<string>
  /** Characters of all conditions with their lists. */
  text: number
  /** Of all conditions with their macros. */
  checks: number
  values: number
  /** Of their regular expressions. */
  steps: number
}

/** What all conditions together may grow to: one long list may stand in any number of them. */
const LIMITS = { text: 64 << 20, checks: 500_000, values: 2_000_000, steps: 1_000_000 } as const

function spend(used: Used, what: keyof typeof LIMITS, amount: number, ast: At): void {
  used[what] += amount
  if (used[what] > LIMITS[what])
    throw new ConditionError(
      'value',
      `all conditions together grow beyond ${LIMITS[what]} ${NOUNS[what]}`,
      ast,
    )
}

const NOUNS = {
  text: 'characters by their lists',
  checks: 'checks by their macros',
  values: 'values by their lists and macros',
  steps: 'steps of regular expressions',
} as const

export interface Scope {
  readonly env: LoadEnv
  readonly lists: ListTable
  readonly macros: ReadonlyMap<string, CompiledMacro>
  readonly used: Used
  readonly warn: Warn
}

/** A condition's tree, and the way from its offsets back to the files. */
export interface Parsed {
  readonly ast: Ast
  readonly at: Locate
}

function parseText(text: MappedText, lists: ListTable, used: Used, context: Context): Parsed {
  let at: Locate = (from, to) => locate(text, from, to)
  return reporting(
    context,
    (from, to) => at(from, to),
    () => {
      const expanded = expandLists(text.text, listsFor(text.text, lists))
      for (const name of expanded.used) used.lists.add(name)
      spend(used, 'text', expanded.text.length, { from: 0, to: 0 })
      at = (from, to) => {
        const original = expanded.toOriginal(from, to)
        return locate(text, original.from, original.to)
      }
      const ast = withListHint(
        () => parseCondition(expanded.text),
        (from, to) => {
          const original = expanded.toOriginal(from, to)
          return text.text.slice(original.from, original.to)
        },
        lists,
      )
      for (const name of macrosOf(ast)) used.macros.add(name)
      return { ast, at }
    },
  )
}

/** An error in the items of a list is shown at the name of the list, where there is nothing wrong to be seen. */
function withListHint<T>(work: () => T, written: (from: number, to: number) => string, lists: ListTable): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    const name = written(error.from, error.to)
    if (!lists.has(name)) throw error
    const hint = `the items of list '${name}' are put in here`
    throw new ConditionError(error.reason, error.message, error, error.hint ? `${error.hint}; ${hint}` : hint)
  }
}

/** Turns what is thrown about a condition into an error with a place in a file. */
function reporting<T>(
  context: Context,
  at: Locate,
  work: () => T,
  code: ErrorCode = 'LOAD_ERR_COMPILE_CONDITION',
): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    // Falco counts macros that are missing or circular among the errors of names, not of conditions.
    const kind = error.reason === 'macro' ? 'LOAD_ERR_VALIDATE' : code
    throw new RuleError(kind, error.message, at(error.from, error.to), context, error.hint, error.reason)
  }
}

/** A macro as written, with its tree once the macros it may see are put in. */
export interface CompiledMacro extends Parsed {
  readonly context: Context
  readonly expanded: Ast
}

function compileMacros(
  definitions: readonly MacroDefinition[],
  lists: ListTable,
  used: Used,
): ReadonlyMap<string, CompiledMacro> {
  const parsed = new Map<string, Parsed & { readonly macro: MacroDefinition; readonly context: Context }>()
  for (const macro of definitions) {
    const text = joined(macro.condition)
    const context = within(macro.context, 'macro condition', '', spanOfText(text))
    parsed.set(macro.name, { ...parseText(text, lists, used, context), macro, context })
  }
  const compiled = new Map<string, CompiledMacro>()
  for (const [name, { ast, at, macro, context }] of parsed) {
    // A macro sees the macros that stand before its last change.
    const visible = (inner: string): Ast | undefined => {
      const found = parsed.get(inner)
      return found && found.macro.index < macro.visibility ? found.ast : undefined
    }
    const expanded = reporting(context, at, () => {
      const tree = withOrderHint(() => expandMacros(ast, visible, parsed.keys()), parsed)
      spendTree(used, tree, ast)
      return tree
    })
    compiled.set(name, { ast, at, context, expanded })
  }
  return compiled
}

/** A macro that is there and yet cannot be seen is not misspelt. */
function withOrderHint<T>(work: () => T, macros: ReadonlyMap<string, unknown>): T {
  try {
    return work()
  } catch (error) {
    const name = error instanceof ConditionError && /^Undefined macro '(\w+)'/.exec(error.message)?.[1]
    if (!name || !macros.has(name)) throw error
    const hint = `macro '${name}' is defined further down; a macro sees only those above it`
    throw new ConditionError(error.reason, error.message, error, hint)
  }
}

/** With `skip-if-unknown-filter` a rule that needs a field or event this program does not know is dropped. */
function compileUnlessUnknown(definition: RuleDefinition, scope: Scope): CompiledRule | undefined {
  try {
    return compileRule(definition, scope)
  } catch (error) {
    if (!(error instanceof RuleError) || !definition.skipIfUnknownFilter) throw error
    if (error.reason !== 'unknown-field' && error.reason !== 'unknown-event') throw error
    const { message, span, context, hint } = error.diagnostic
    scope.warn('LOAD_UNKNOWN_FILTER', `${message}, rule '${definition.name}' is skipped`, span, context, hint)
    return undefined
  }
}

function compileRule(definition: RuleDefinition, scope: Scope): CompiledRule {
  const source = scope.env.sources.get(definition.source)!
  const parsed = parseRule(definition, scope)
  const { at, text, context } = parsed
  const { expr, warnings } = reporting(context, at, () =>
    compileAst(definition.source, parsed, context, scope),
  )
  for (const warning of warnings)
    scope.warn(warning.code, warning.message, at(warning.from, warning.to), context, warning.hint)
  const events = reporting(context, at, () => inferEvents(expr, source.events))
  const many = events === '*' || events.size > MANY_EVENTS
  if (definition.source === 'syscall' && definition.warnEvttypes && many)
    scope.warn(
      'LOAD_NO_EVTTYPE',
      `rule '${definition.name}' can match every event type, which costs time for each event`,
      spanOfText(text),
      context,
      "restrict it with 'evt.type in (...)', or set 'warn_evttypes: false'",
    )
  return {
    name: definition.name,
    source: definition.source,
    desc: definition.desc,
    priority: definition.priority,
    tags: [...definition.tags].sort(),
    condition: expr,
    events,
    format: compileOutput(definition, scope),
    ...(definition.threshold
      ? {
          threshold: compileThreshold(definition.threshold, {
            fields: source.fields,
            source: definition.source,
          }),
        }
      : {}),
    ...(definition.capture ? { capture: { durationNs: definition.captureDuration * 1e6 || undefined } } : {}),
    span: definition.span,
  }
}

/** The tree of a rule's condition with its exceptions; macros are names in it. Throws RuleError. */
export function parseRule(
  definition: RuleDefinition,
  scope: Scope,
): Parsed & { readonly text: MappedText; readonly context: Context } {
  const text = withExceptions(joined(definition.condition), definition.exceptions)
  const context = within(definition.context, 'rule condition', '', spanOfText(text))
  return { ...parseText(text, scope.lists, scope.used, context), text, context }
}

/** A tree without macros, for a source. Throws ConditionError. */
export function compileTree(name: string, tree: Ast, spanOf: Locate, { env }: Scope) {
  const { fields, events, knownEvents = events, eventAliases = new Map() } = env.sources.get(name)!
  return compileCondition(tree, {
    fields,
    source: name,
    eventNames: knownEvents,
    producedEvents: events,
    eventAliases,
    spanOf,
  })
}

function compileAst(name: string, { ast, at }: Parsed, context: Context, scope: Scope) {
  const compile = (tree: Ast, spanOf: Locate) => compileTree(name, tree, spanOf, scope)
  try {
    const lookup = (macro: string): Ast | undefined => scope.macros.get(macro)?.expanded
    const tree = expandMacros(ast, lookup, scope.macros.keys())
    spendTree(scope.used, tree, ast)
    spend(scope.used, 'steps', sumOf(tree, stepsOf), ast)
    return compile(tree, at)
  } catch (error) {
    if (!(error instanceof ConditionError) || error.reason === 'macro') throw error
    reportInMacro(ast, error, context)
    throw error
  }

  /** What is wrong inside a macro is reported there, not where the macro is used. */
  function reportInMacro(tree: Ast, error: ConditionError, outer: Context): void {
    const macro = scope.macros.get(macroAt(tree, error.from, error.to) ?? '')
    if (!macro) return
    const chain = [...outer, ...macro.context.slice(1)]
    reporting(chain, macro.at, () => {
      try {
        compile(macro.expanded, macro.at)
      } catch (inner) {
        if (inner instanceof ConditionError) reportInMacro(macro.ast, inner, chain)
        throw inner
      }
    })
  }
}

/** The sum of a figure over the checks of a tree. */
function sumOf(ast: Ast, figure: (check: CheckNode) => number): number {
  if (ast.kind === 'macro') return 0
  if (ast.kind === 'not') return sumOf(ast.item, figure)
  if (ast.kind === 'check') return figure(ast)
  let sum = 0
  for (const item of ast.items) sum += sumOf(item, figure)
  return sum
}

function spendTree(used: Used, tree: Ast, at: At): void {
  const values = ({ right }: CheckNode): number => (right?.kind === 'list' ? right.items.length : 1)
  spend(
    used,
    'checks',
    sumOf(tree, () => 1),
    at,
  )
  spend(used, 'values', sumOf(tree, values), at)
}

/** Preparing a regular expression costs time and memory for each of its steps. */
const stepsOf = ({ op, right }: CheckNode): number =>
  op === 'regex' && right?.kind === 'value' ? regexSteps(right.text) : 0

/** The macro used at exactly this place. */
function macroAt(ast: Ast, from: number, to: number): string | undefined {
  if (ast.kind === 'macro') return ast.from === from && ast.to === to ? ast.name : undefined
  if (ast.kind === 'not') return macroAt(ast.item, from, to)
  if (ast.kind === 'check') return undefined
  for (const item of ast.items) {
    const name = macroAt(item, from, to)
    if (name !== undefined) return name
  }
  return undefined
}

function compileOutput(definition: RuleDefinition, scope: Scope): CompiledRule['format'] {
  const text = joined(definition.output)
  const context = within(definition.context, 'rule output', '', spanOfText(text))
  const at: Locate = (from, to) => locate(text, from, to)
  const { fields } = scope.env.sources.get(definition.source)!
  return reporting(
    context,
    at,
    () => {
      const { parts, warnings } = compileFormat(text.text, { fields, source: definition.source, spanOf: at })
      for (const { code, message, from, to, hint } of warnings)
        scope.warn(code, message, at(from, to), context, hint)
      return parts
    },
    'LOAD_ERR_COMPILE_OUTPUT',
  )
}

function warnUnused(collection: Collection, used: Used, warn: Warn): void {
  for (const { name, span, context } of collection.lists)
    if (!used.lists.has(name)) warn('LOAD_UNUSED_LIST', `list '${name}' is not used`, span, context)
  for (const { name, span, context } of collection.macros)
    if (!used.macros.has(name)) warn('LOAD_UNUSED_MACRO', `macro '${name}' is not used`, span, context)
}

/** Appended parts become one text, with a blank between them. */
export function joined(parts: readonly MappedText[]): MappedText {
  const first = parts[0]!
  return parts.length === 1
    ? first
    : joinText(parts.flatMap((part, i) => (i === 0 ? [part] : [gluedText(' ', spanOfText(part)), part])))
}

const spanOfText = (text: MappedText): Span => locate(text, 0, text.text.length)

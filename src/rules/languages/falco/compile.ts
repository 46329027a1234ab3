/**
 * Definitions to rules: lists are replaced in the text, macros in the tree, exceptions appended, then the condition and
 * the output are bound to the fields of the rule's source.
 */
import { type Ast, macrosOf } from '../../condition/ast.ts'
import { compileCondition } from '../../condition/compile.ts'
import { ConditionError } from '../../condition/error.ts'
import { inferEvents } from '../../condition/events.ts'
import { expandLists, expandMacros, type NamedList } from '../../condition/expand.ts'
import { parseCondition } from '../../condition/parser.ts'
import type { ErrorCode, Span } from '../../diagnostics.ts'
import { type CompiledRule, PRIORITIES } from '../../ir.ts'
import { gluedText, joinText, type Locate, locate, type MappedText } from '../../passes/mapped-text.ts'
import type { LoadEnv, LoadedRule } from '../language.ts'
import type { Collection, ListDefinition, MacroDefinition, RuleDefinition } from './collector.ts'
import { withExceptions } from './exceptions.ts'
import { compileFormat } from './format.ts'
import { type Context, RuleError, type Warn, within } from './report.ts'

/** Rules that can match more event types than this without naming any are warned about, as in Falco. */
const MANY_EVENTS = 100

/** Compile everything collected so far. Throws RuleError at the first thing that is wrong. */
export function compileCollection(collection: Collection, env: LoadEnv, warn: Warn): readonly LoadedRule[] {
  const used = { lists: new Set<string>(), macros: new Set<string>() }
  const lists = resolveLists(collection.lists, used.lists)
  const macros = compileMacros(collection.macros, lists, used)
  const rules: LoadedRule[] = []
  const least = PRIORITIES.indexOf(env.minimumPriority ?? 'Debug')
  for (const definition of collection.rules) {
    if (PRIORITIES.indexOf(definition.priority) > least || !env.sources.has(definition.source)) continue
    const rule = compileUnlessUnknown(definition, { env, lists, macros, used, warn })
    if (rule) rules.push({ rule, enabled: definition.enabled })
  }
  warnUnused(collection, used, warn)
  return rules
}

interface Used {
  readonly lists: Set<string>
  readonly macros: Set<string>
}

interface Scope {
  readonly env: LoadEnv
  readonly lists: readonly NamedList[]
  /** Expanded. */
  readonly macros: ReadonlyMap<string, Ast>
  readonly used: Used
  readonly warn: Warn
}

/** An item that names an earlier list stands for the items of that list as they were written: one level, no more. */
function resolveLists(lists: readonly ListDefinition[], used: Set<string>): readonly NamedList[] {
  const byName = new Map(lists.map((list) => [list.name, list]))
  return lists.map((list) => ({
    name: list.name,
    items: list.items.flatMap(({ text }) => {
      const inner = byName.get(text)
      if (!inner || inner.index >= list.visibility) return [text]
      used.add(text)
      return inner.items.map((item) => item.text)
    }),
  }))
}

/** A condition's tree, and the way from its offsets back to the files. */
interface Parsed {
  readonly ast: Ast
  readonly at: Locate
}

function parseText(text: MappedText, lists: readonly NamedList[], used: Used, context: Context): Parsed {
  let at: Locate = (from, to) => locate(text, from, to)
  return reporting(
    context,
    (from, to) => at(from, to),
    () => {
      const expanded = expandLists(text.text, lists)
      for (const name of expanded.used) used.lists.add(name)
      at = (from, to) => {
        const original = expanded.toOriginal(from, to)
        return locate(text, original.from, original.to)
      }
      const ast = parseCondition(expanded.text)
      for (const name of macrosOf(ast)) used.macros.add(name)
      return { ast, at }
    },
  )
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

function compileMacros(
  definitions: readonly MacroDefinition[],
  lists: readonly NamedList[],
  used: Used,
): ReadonlyMap<string, Ast> {
  const parsed = new Map<string, Parsed & { readonly macro: MacroDefinition; readonly context: Context }>()
  for (const macro of definitions) {
    const text = joined(macro.condition)
    const context = within(macro.context, 'macro condition', '', spanOfText(text))
    parsed.set(macro.name, { ...parseText(text, lists, used, context), macro, context })
  }
  const expanded = new Map<string, Ast>()
  for (const [name, { ast, at, macro, context }] of parsed) {
    // A macro sees the macros that stand before its last change.
    const visible = (inner: string): Ast | undefined => {
      const found = parsed.get(inner)
      return found && found.macro.index < macro.visibility ? found.ast : undefined
    }
    expanded.set(
      name,
      reporting(context, at, () => expandMacros(ast, visible, parsed.keys())),
    )
  }
  return expanded
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
  const text = withExceptions(joined(definition.condition), definition.exceptions)
  const context = within(definition.context, 'rule condition', '', spanOfText(text))
  const { ast, at } = parseText(text, scope.lists, scope.used, context)
  const { expr, warnings } = reporting(context, at, () => {
    const expanded = expandMacros(ast, (name) => scope.macros.get(name), scope.macros.keys())
    return compileCondition(expanded, {
      fields: source.fields,
      source: definition.source,
      eventNames: source.events,
      spanOf: at,
    })
  })
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
    span: definition.span,
  }
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
function joined(parts: readonly MappedText[]): MappedText {
  const first = parts[0]!
  return parts.length === 1
    ? first
    : joinText(parts.flatMap((part, i) => (i === 0 ? [part] : [gluedText(' ', spanOfText(part)), part])))
}

const spanOfText = (text: MappedText): Span => locate(text, 0, text.text.length)

/** What a collection of definitions says, rule by rule, macro by macro, list by list. */
import { type Ast, macrosOf, type OperandNode, visitOperands } from '../../condition/ast.ts'
import { ConditionError } from '../../condition/error.ts'
import { inferEvents } from '../../condition/events.ts'
import { expandMacros } from '../../condition/expand.ts'
import { printCondition, printOperand } from '../../condition/print.ts'
import { describeHead } from '../../describe-compiled.ts'
import type {
  ConditionParts,
  Description,
  ListDescription,
  MacroDescription,
  RuleDescription,
} from '../../description.ts'
import type { EventSet } from '../../ir.ts'
import type { LoadEnv, LoadedRule } from '../language.ts'
import type { Collection, ListDefinition, RuleDefinition } from './collector.ts'
import { type CompiledMacro, compileTree, joined, openScope, parseRule, type Scope } from './compile.ts'
import type { RuleException } from './exceptions.ts'
import { wordsOf } from './lists.ts'
import { versionText } from './version.ts'

/** `rules` are what the collection compiled to: definitions without a rule (another source, a low priority) are left out. */
export function describeCollection(
  collection: Collection,
  env: LoadEnv,
  rules: readonly LoadedRule[],
): Description {
  const scope = openScope(collection, env, () => {})
  const compiled = new Map(rules.map((loaded) => [loaded.rule.name, loaded]))
  const described = collection.rules.flatMap((definition) => {
    const loaded = compiled.get(definition.name)
    return loaded ? [describeRule(definition, loaded, scope)] : []
  })
  return {
    engineVersion: collection.engine && versionText(collection.engine),
    plugins: collection.requirements.map(({ alternatives: [first, ...others] }) => ({
      ...pluginText(first!),
      alternatives: others.map(pluginText),
    })),
    rules: described,
    macros: collection.macros.map((macro) => describeMacro(macro.name, joined(macro.condition).text, scope)),
    lists: collection.lists.map((list) => describeList(list, scope)),
  }
}

const pluginText = ({ name, version }: { name: string; version: Parameters<typeof versionText>[0] }) => ({
  name,
  version: versionText(version),
})

function describeRule(definition: RuleDefinition, loaded: LoadedRule, scope: Scope): RuleDescription {
  const { ast, text } = parseRule(definition, scope)
  const expanded = expandMacros(ast, (name) => scope.macros.get(name)?.expanded)
  return {
    ...describeHead(loaded),
    condition: joined(definition.condition).text,
    output: joined(definition.output).text,
    exceptions: definition.exceptions.map(describeException),
    parts: partsOf(text.text, ast, expanded, loaded.rule.events, scope),
  }
}

const describeException = ({ name, fields, comps }: RuleException) => ({
  name,
  fields: fields.map(({ text }) => text),
  operators: comps,
})

function describeMacro(name: string, text: string, scope: Scope): MacroDescription {
  const macro = scope.macros.get(name)!
  return {
    name,
    condition: text,
    used: scope.used.macros.has(name),
    parts: partsOf(text, macro.ast, macro.expanded, eventsOfMacro(macro, scope), scope),
  }
}

/** A macro has no source: that of the first whose fields it has. Unused ones may have none. */
function eventsOfMacro({ expanded, at }: CompiledMacro, scope: Scope): EventSet {
  for (const [name, { events }] of scope.env.sources) {
    try {
      return inferEvents(compileTree(name, expanded, at, scope).expr, events)
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error
    }
  }
  return '*'
}

function partsOf(text: string, ast: Ast, expanded: Ast, events: EventSet, scope: Scope): ConditionParts {
  const fields = new Set<string>()
  visitOperands(expanded, (node: OperandNode) => {
    if (node.kind === 'field') fields.add(printOperand(node))
  })
  return {
    macros: sorted(macrosOf(ast)),
    lists: sorted(wordsOf(text).filter((word) => scope.lists.has(word))),
    operators: sorted(operatorsIn(expanded)),
    fields: sorted(fields),
    events,
    compiled: printCondition(expanded),
  }
}

function operatorsIn(ast: Ast, into = new Set<string>()): Set<string> {
  if (ast.kind === 'check') into.add(ast.modifier === undefined ? ast.op : `${ast.op} ${ast.modifier}`)
  else if (ast.kind === 'not') operatorsIn(ast.item, into)
  else if (ast.kind !== 'macro') for (const item of ast.items) operatorsIn(item, into)
  return into
}

function describeList(list: ListDefinition, scope: Scope): ListDescription {
  const items = list.items.flat().map(({ text }) => text)
  return {
    name: list.name,
    items,
    compiled: scope.lists.get(list.name)?.items ?? items,
    lists: sorted(items.filter((item) => scope.lists.has(item))),
    used: scope.used.lists.has(list.name),
  }
}

const sorted = (texts: Iterable<string>): readonly string[] => [...new Set(texts)].sort()

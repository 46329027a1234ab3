/** Files of cases judged: what holds, what does not, which rules have no case, and new expectations for old ones. */
import type { SyscallContext } from '../fields/context.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { CompiledRule } from '../rules/ir.ts'
import type { Node } from '../rules/languages/falco/yaml-file.ts'
import { fitsWildcard } from '../rules/passes/wildcard.ts'
import { play } from './rule-case-play.ts'
import { CaseError } from './rule-case-values.ts'
import type { Case, RuleCases } from './rule-cases.ts'

export interface CaseResult {
  readonly rule: string
  readonly one: Case
  /** What the rule printed; undefined when it did not fire. */
  readonly message: string | undefined
  readonly priority: string
  /** What is wrong, undefined when the case holds. */
  readonly problem: string | undefined
}

/** Judge every case. Throws CaseError where a document names a rule that is not loaded. */
export function judgeCases(
  documents: readonly RuleCases[],
  rules: readonly CompiledRule[],
): readonly CaseResult[] {
  const byName = new Map(rules.map((rule) => [rule.name, rule]))
  return documents.flatMap(({ rule: name, span, cases }) => {
    const rule = byName.get(name)
    if (rule === undefined)
      throw new CaseError(`there is no rule '${name}'`, span, didYouMean(name, byName.keys()))
    if (rule.source !== 'syscall')
      throw new CaseError(`rule '${name}' is of source '${rule.source}'; cases are of source 'syscall'`, span)
    return cases.map((one) => judge(rule as CompiledRule<SyscallContext>, one))
  })
}

function judge(rule: CompiledRule<SyscallContext>, one: Case): CaseResult {
  const { name, priority } = rule
  const message = play([rule], one).get(name)
  return { rule: name, one, message, priority, problem: problemOf(one.expect, message, priority) }
}

function problemOf(
  expect: Case['expect'],
  message: string | undefined,
  priority: string,
): string | undefined {
  if (expect === undefined)
    return message === undefined ? undefined : `expected no alert, but it fired: ${message}`
  if (message === undefined) return 'expected an alert, but it did not fire'
  if (expect.priority !== undefined && expect.priority !== priority)
    return `expected priority ${expect.priority}, but it is ${priority}`
  if (expect.output !== undefined && !fitsWildcard(message, expect.output))
    return `expected output ${expect.output}\n   but it printed ${message}`
  return undefined
}

/** How well a rule is covered: cases in which it fires, and near misses in which it must not. */
export interface Coverage {
  readonly rule: string
  readonly fires: number
  readonly silent: number
}

/** For every rule that cases can be written for, in the given order. */
export function coverageOf(
  rules: readonly CompiledRule[],
  documents: readonly RuleCases[],
): readonly Coverage[] {
  return rules
    .filter(({ source }) => source === 'syscall')
    .map(({ name }) => {
      const cases = documents.filter(({ rule }) => rule === name).flatMap((document) => document.cases)
      const silent = cases.filter(({ expect }) => expect === undefined).length
      return { rule: name, fires: cases.length - silent, silent }
    })
}

/**
 * The text of a file with the expectations of these cases as they are now. Only the values change: comments and layout
 * stay as they were written. Throws CaseError where cases that share an expectation by an alias part ways.
 */
export function withExpectations(text: string, results: readonly CaseResult[]): string {
  const edits = new Map<number, Edit>()
  for (const edit of results.filter(({ problem }) => problem !== undefined).flatMap(editsOf)) {
    const { from, to } = edit.node.span
    const other = [...edits.values()].find(({ node: { span } }) => span.from < to && from < span.to)
    if (other !== undefined && (other.node !== edit.node || other.text !== edit.text))
      throw new CaseError('an alias makes this the expectation of cases that differ', edit.node.span)
    edits.set(from, edit)
  }
  return [...edits.values()].sort((a, b) => b.node.span.from - a.node.span.from).reduce(replace, text)
}

/** A value and what is to be written in its place. */
interface Edit {
  readonly node: Node
  readonly text: string
}

function editsOf({ one, message, priority }: CaseResult): readonly Edit[] {
  const { expectNode, expect } = one
  const whole = (text: string): readonly Edit[] => [{ node: expectNode, text }]
  if (message === undefined) return whole('none')
  const output = quoted(message)
  if (expect === undefined || expectNode.kind !== 'map')
    return whole(`{ priority: ${priority}, output: ${output} }`)
  return [
    ...valueEdits(expectNode, 'priority', priority, expect.priority !== priority),
    ...valueEdits(expectNode, 'output', output, !fitsWildcard(message, expect.output ?? '*')),
  ]
}

function valueEdits(
  map: Node & { kind: 'map' },
  name: string,
  text: string,
  differs: boolean,
): readonly Edit[] {
  const value = map.entries.find(({ key }) => key.kind === 'scalar' && key.text === name)?.value
  return value === undefined || !differs ? [] : [{ node: value, text }]
}

/** A YAML double-quoted scalar; `*` in a message would be read as a wildcard, which fits it all the same. */
const quoted = (text: string): string => JSON.stringify(text)

/**
 * A value that filled lines of its own takes the place behind its key, if no comment stands between. Comments within it
 * follow.
 */
function replace(text: string, { node, text: value }: Edit): string {
  const { from, to } = node.span
  const end = from + text.slice(from, to).trimEnd().length
  const key = text.slice(0, from).search(/:\s*\n\s*$/)
  const indent = /[^\n]*$/.exec(text.slice(0, from))![0].replace(/\S/g, ' ')
  const [first, ...more] = commentsIn(node, text)
  const comments = [...(first === undefined ? [] : [` ${first}`]), ...more.map((one) => `\n${indent}${one}`)]
  const start = key < 0 ? text.slice(0, from) : `${text.slice(0, key + 1)} `
  return start + value + comments.join('') + text.slice(end)
}

/** Comments between the scalars of a map. */
function commentsIn(node: Node, text: string): readonly string[] {
  if (node.kind !== 'map') return []
  const scalars = node.entries.flatMap(({ key, value }) => [key.span, value.span])
  const gaps = scalars.map(({ to }, i) => text.slice(to, scalars[i + 1]?.from ?? node.span.to))
  return gaps.flatMap((gap) => gap.match(/#[^\n]*/g) ?? []).map((comment) => comment.trimEnd())
}

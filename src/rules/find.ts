/** From an alert back to its rule: the literal parts of output formats are what an alert still shows of it. */

import type { CompiledRule } from './ir.ts'
import { fitsWildcard } from './passes/wildcard.ts'

export interface Found {
  readonly rule: CompiledRule
  /** The alert names the rule; the whole format fits the text; or some words of it do. */
  readonly match: 'name' | 'output' | 'words'
  /** 1 for a name or a format that fits; else the share of the telling words that were found. */
  readonly score: number
}

/** Alerts longer than this are cut: what tells a rule stands at the beginning. */
const MAX_QUERY = 64 << 10
/** Words found must carry this much of the query's weight. */
const LEAST_SCORE = 0.2

/** Rules that an alert, or a few words of one, can come from; best first, then in the given order. */
export function findRules(text: string, rules: readonly CompiledRule[]): readonly Found[] {
  const query = readQuery(text.slice(0, MAX_QUERY))
  const words = wordsOf(query.text)
  const documents = rules.map(
    (rule) => new Set(wordsOf(`${rule.name} ${literals(rule).join(' ')} ${rule.desc}`)),
  )
  const weightOf = weights(documents)
  const total = sum(words, weightOf)
  const found = rules.flatMap((rule, i): readonly Ranked[] => {
    const { length } = literals(rule).join('')
    if (query.rule === rule.name) return [{ rule, match: 'name', score: 1, rank: [3, 0] }]
    if (fitsFormat(query.text, rule)) return [{ rule, match: 'output', score: 1, rank: [2, length] }]
    const known = words.filter((word) => documents[i]!.has(word))
    const score = total === 0 ? 0 : sum(known, weightOf) / total
    return score < LEAST_SCORE ? [] : [{ rule, match: 'words', score, rank: [1, score] }]
  })
  return found.sort((a, b) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1])
}

interface Ranked extends Found {
  /** Kind of match, then: of formats the one with more text, of words the share. */
  readonly rank: readonly [number, number]
}

/** An alert as JSON has its text and the rule's name apart. */
function readQuery(text: string): { readonly text: string; readonly rule: string | undefined } {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{')) return { text: trimmed, rule: undefined }
  try {
    const alert = JSON.parse(trimmed) as Readonly<Record<string, unknown>>
    const output = typeof alert['output'] === 'string' ? alert['output'] : trimmed
    return { text: output, rule: typeof alert['rule'] === 'string' ? alert['rule'] : undefined }
  } catch {
    return { text: trimmed, rule: undefined }
  }
}

const literals = ({ format }: CompiledRule): readonly string[] =>
  format.flatMap((part) => (part.kind === 'text' ? [part.text] : []))

/** Formats with less text than this fit nearly everything. */
const LEAST_LITERAL = 8

/** All literal parts stand in the text in their order. Blanks may differ: logs fold and trim lines. */
function fitsFormat(text: string, rule: CompiledRule): boolean {
  const parts = literals(rule).map((part) => part.replaceAll('*', ' ').replace(/\s+/g, ' '))
  if (parts.join('').trim().length < LEAST_LITERAL) return false
  const pattern = `*${parts
    .map((part, i) => (i === 0 ? part.trimStart() : part))
    .join('*')
    .trimEnd()}*`
  return fitsWildcard(text.replaceAll('*', ' ').replace(/\s+/g, ' '), pattern)
}

const wordsOf = (text: string): readonly string[] => [
  ...new Set(
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}_]+/u)
      .filter((word) => word.length > 1),
  ),
]

/** A word that many rules have tells little; one that none has tells nothing, it is a value of the event. */
function weights(documents: readonly ReadonlySet<string>[]): (word: string) => number {
  const counts = new Map<string, number>()
  for (const document of documents) for (const word of document) counts.set(word, (counts.get(word) ?? 0) + 1)
  return (word) => {
    const count = counts.get(word) ?? 0
    return count === 0 ? 0 : Math.log(1 + documents.length / count)
  }
}

const sum = (words: readonly string[], weightOf: (word: string) => number): number =>
  words.reduce((total, word) => total + weightOf(word), 0)

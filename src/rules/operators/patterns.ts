/** Comparisons of text as patterns that can be sought together (see many.ts), where they are such, or what follows from them. */
import type { ListModifier, Literal, Operator } from '../ir.ts'
import { isGlob } from './glob.ts'
import type { Pattern } from './many.ts'
import { literalOf } from './regex.ts'

const textOf = ({ value }: Literal): string => (typeof value === 'object' ? value.text : String(value))

/**
 * Patterns of which at least one holds for a text exactly when the comparison is true of it, for `!=` exactly when it is
 * false. Undefined when the comparison is no such thing.
 */
export function exactPatterns(
  op: Operator,
  modifier: ListModifier | undefined,
  literals: readonly Literal[],
): readonly Pattern[] | undefined {
  if (modifier !== undefined && op === '!=') return undefined
  if (modifier !== undefined && modifier !== 'anyof' && literals.length !== 1) return undefined
  const patterns = literals.map((literal) => exactPattern(op, textOf(literal)))
  return patterns.includes(undefined) ? undefined : (patterns as readonly Pattern[])
}

function exactPattern(op: Operator, text: string): Pattern | undefined {
  switch (op) {
    case '=':
    case '!=':
    case 'in':
    case 'intersects':
      return { kind: 'equal', text }
    case 'startswith':
      return { kind: 'prefix', text }
    case 'endswith':
      return { kind: 'suffix', text }
    case 'contains':
      return { kind: 'substring', text }
    case 'icontains':
      return { kind: 'folded', text }
    case 'pmatch':
      return { kind: 'below', text }
    case 'glob':
      return exactGlob(text)
    case 'regex': {
      const literal = literalOf(text)
      return literal === undefined ? undefined : { kind: 'equal', text: literal }
    }
    case 'iglob':
    case 'bcontains':
    case 'bstartswith':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'exists':
      return undefined
    default:
      return op satisfies never
  }
}

/** Patterns with stars only at the ends. */
function exactGlob(pattern: string): Pattern | undefined {
  const text = pattern.replace(/^\*+|\*+$/g, '')
  if (isGlob(text)) return undefined
  const open = pattern.startsWith('*')
  const close = pattern.endsWith('*')
  return { kind: open ? (close ? 'substring' : 'suffix') : close ? 'prefix' : 'equal', text }
}

/**
 * What follows from a comparison: sets of patterns, of each of which at least one holds for every text that the comparison
 * is true of. Empty when none is known.
 */
export function neededPatterns(
  op: Operator,
  modifier: ListModifier | undefined,
  literals: readonly Literal[],
): readonly (readonly Pattern[])[] {
  if (op === '!=') return []
  const needed = literals.map((literal) => piecesOf(op, textOf(literal)))
  if (modifier === 'allof' || needed.length === 1) return needed.flat().map((pattern) => [pattern])
  return needed.some((pieces) => pieces.length === 0) ? [] : [needed.map(longestOf)]
}

/** Patterns that all hold for a text that the comparison is true of. */
function piecesOf(op: Operator, text: string): readonly Pattern[] {
  const exact = exactPattern(op, text)
  if (exact !== undefined) return [exact]
  if (op === 'glob') return globPieces(text)
  if (op === 'iglob') return globPieces(text).map((piece) => ({ kind: 'folded', text: piece.text }))
  return op === 'regex' ? regexPieces(text) : []
}

const longestOf = (patterns: readonly Pattern[]): Pattern =>
  patterns.reduce((best, pattern) => (pattern.text.length > best.text.length ? pattern : best))

/** What a shell pattern begins with, contains and ends in. */
function globPieces(pattern: string): readonly Pattern[] {
  const start = /^[^*?[\\]+/.exec(pattern)?.[0]
  const prefix: readonly Pattern[] = start === undefined ? [] : [{ kind: 'prefix', text: start }]
  // Where a bracket ends, or whether it is one, takes more than this.
  if (/[[\\]/.test(pattern)) return prefix
  const [, ...rest] = pattern.split(/[*?]+/)
  const end = rest.pop() ?? ''
  const pieces = rest.map((text): Pattern => ({ kind: 'substring', text }))
  return [...prefix, ...pieces, { kind: 'suffix' as const, text: end }].filter(({ text }) => text !== '')
}

const longest = (texts: readonly string[]): string =>
  texts.reduce((best, text) => (text.length > best.length ? text : best), '')

/** The longest run of plain characters that every match of a regular expression contains. */
function regexPieces(pattern: string): readonly Pattern[] {
  if (pattern.includes('|')) return []
  const runs: string[] = []
  let run: string[] = []
  let depth = 0
  const end = (): void => {
    runs.push(run.join(''))
    run = []
  }
  const chars = Array.from(pattern)
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!
    if (char === '[' || char === '{') {
      // Of what a brace repeats nothing need be there; what follows a bracket is left out as well.
      if (char === '{') run.pop()
      break
    }
    if (char === '*' || char === '?') run.pop()
    if (char === '(') depth++
    if (char === ')') depth--
    if (/[*?+().^$]/.test(char)) end()
    else {
      const literal = char === '\\' ? chars[++i] : char
      if (depth > 0 || literal === undefined || !isPlain(char, literal)) end()
      else run.push(literal)
    }
  }
  end()
  const text = longest(runs)
  return text.length < 2 ? [] : [{ kind: 'substring', text }]
}

/** Escaped letters and digits may mean anything, and broken text is not matched as it is. */
const isPlain = (char: string, literal: string): boolean =>
  char === '\\' ? /[^0-9A-Za-z]/.test(literal) : literal.isWellFormed() && literal !== '\ufffd'

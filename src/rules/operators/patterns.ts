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

/** Patterns of which at least one holds for every text that the comparison is true of; undefined when none is known. */
export function neededPatterns(
  op: Operator,
  modifier: ListModifier | undefined,
  literals: readonly Literal[],
): readonly Pattern[] | undefined {
  if (op === '!=') return undefined
  const needed = literals.map((literal) => neededPattern(op, textOf(literal)))
  if (modifier === 'allof') {
    const one = needed.find((pattern) => pattern !== undefined)
    return one && [one]
  }
  return needed.includes(undefined) ? undefined : (needed as readonly Pattern[])
}

function neededPattern(op: Operator, text: string): Pattern | undefined {
  if (op === 'glob') return exactGlob(text) ?? globPiece(text)
  if (op === 'iglob') {
    const piece = globPiece(text)
    return piece && { kind: 'folded', text: piece.text }
  }
  if (op === 'regex') return exactPattern(op, text) ?? regexPiece(text)
  return exactPattern(op, text)
}

/** The longest of what a shell pattern begins with, ends in and contains: it tells most. */
function globPiece(pattern: string): Pattern | undefined {
  const start = /^[^*?[\\]+/.exec(pattern)?.[0]
  // Where a bracket ends, or whether it is one, takes more than this.
  if (/[[\\]/.test(pattern)) return start === undefined ? undefined : { kind: 'prefix', text: start }
  const pieces = pattern.split(/[*?]+/)
  const text = longest(pieces)
  if (text === '') return undefined
  if (text === start) return { kind: 'prefix', text }
  return { kind: text === pieces.at(-1) ? 'suffix' : 'substring', text }
}

const longest = (texts: readonly string[]): string =>
  texts.reduce((best, text) => (text.length > best.length ? text : best), '')

/** A run of plain characters that every match of a regular expression contains. */
function regexPiece(pattern: string): Pattern | undefined {
  if (pattern.includes('|')) return undefined
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
  return text.length < 2 ? undefined : { kind: 'substring', text }
}

/** Escaped letters and digits may mean anything, and broken text is not matched as it is. */
const isPlain = (char: string, literal: string): boolean =>
  char === '\\' ? /[^0-9A-Za-z]/.test(literal) : literal.isWellFormed() && literal !== '\ufffd'

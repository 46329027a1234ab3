/**
 * Shell patterns as fnmatch(3) with no flags: `*` and `?` also match `/` and a leading dot, `[a-z]`, `[!x]`,
 * `[[:alpha:]]`, and a backslash takes the next character literally. A character is a code point (or a byte that is not
 * UTF-8). Matching takes at most pattern length times text length steps and allocates nothing.
 */
import { asciiLower, foldCode } from './text.ts'

const STAR = -1
const ANY = -2

/** A character's code, STAR, ANY, or a bracket expression. */
type Token = number | Bracket

interface Bracket {
  readonly negated: boolean
  /** Inclusive, in pairs: low, high. */
  readonly ranges: readonly number[]
  readonly classes: readonly ((code: number) => boolean)[]
}

/** Does the pattern mean anything but itself? */
export const isGlob = (pattern: string): boolean => /[*?[\\]/.test(pattern)

/** The test whether a whole text matches; `fold` takes ASCII letters of either case as equal. */
export function globTest(pattern: string, fold: boolean): (text: string) => boolean {
  const simple = fold ? undefined : simpleTest(pattern)
  if (simple) return simple
  const match = compileGlob(pattern, fold)
  return (text) => match(text, 0, text.length)
}

/** Patterns with stars only at the ends are plain string tests. */
function simpleTest(pattern: string): ((text: string) => boolean) | undefined {
  const body = pattern.replace(/^\*+|\*+$/g, '')
  if (isGlob(body)) return undefined
  const open = pattern.startsWith('*')
  const close = pattern.endsWith('*')
  if (open && close) return body === '' ? () => true : (text) => text.includes(body)
  if (open) return (text) => text.endsWith(body)
  if (close) return (text) => text.startsWith(body)
  return (text) => text === body
}

/** Matcher of a piece `[from, to)` of a text. */
export function compileGlob(
  pattern: string,
  fold: boolean,
): (text: string, from: number, to: number) => boolean {
  const tokens = parseGlob(fold ? asciiLower(pattern) : pattern)
  if (!tokens) return () => false
  return (text, from, to) => matchTokens(tokens, fold, text, from, to)
}

function matchTokens(
  tokens: readonly Token[],
  fold: boolean,
  text: string,
  from: number,
  to: number,
): boolean {
  let at = from
  let token = 0
  // Where to go on when the characters behind the last star do not fit: one character later.
  let retryToken = -1
  let retryAt = from
  while (at < to) {
    const wanted = tokens[token]
    if (wanted === STAR) {
      retryToken = ++token
      retryAt = at
      continue
    }
    const code = text.codePointAt(at)!
    if (wanted !== undefined && matches(wanted, fold ? foldCode(code) : code, fold)) {
      at += code > 0xffff ? 2 : 1
      token++
      continue
    }
    if (retryToken < 0) return false
    retryAt += text.codePointAt(retryAt)! > 0xffff ? 2 : 1
    at = retryAt
    token = retryToken
  }
  while (tokens[token] === STAR) token++
  return token === tokens.length
}

function matches(token: Token, code: number, fold: boolean): boolean {
  if (typeof token === 'number') return token === ANY || token === code
  const found =
    inBracket(token, code) || (fold && code >= 0x61 && code <= 0x7a && inBracket(token, code - 0x20))
  return found !== token.negated
}

function inBracket(bracket: Bracket, code: number): boolean {
  const { ranges, classes } = bracket
  for (let i = 0; i < ranges.length; i += 2) if (code >= ranges[i]! && code <= ranges[i + 1]!) return true
  for (const holds of classes) if (holds(code)) return true
  return false
}

/** Undefined for a pattern that nothing matches: it ends in a lone backslash. */
function parseGlob(pattern: string): Token[] | undefined {
  const chars = Array.from(pattern)
  const tokens: Token[] = []
  // Without this, a run of `[` that never close would be searched to the end once for each.
  let closable = true
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!
    if (char === '*') {
      if (tokens.at(-1) !== STAR) tokens.push(STAR)
    } else if (char === '?') tokens.push(ANY)
    else if (char === '\\') {
      if (++i === chars.length) return undefined
      tokens.push(code(chars[i]!))
    } else if (char === '[' && closable) {
      const bracket = parseBracket(chars, i)
      closable = bracket !== undefined
      tokens.push(bracket?.token ?? code('['))
      i = bracket ? bracket.end : i
    } else tokens.push(code(char))
  }
  return tokens
}

/** The bracket expression at `[`; `end` is the index of its `]`. Undefined when it is not closed. */
function parseBracket(chars: readonly string[], open: number): { token: Bracket; end: number } | undefined {
  const negated = chars[open + 1] === '!' || chars[open + 1] === '^'
  const first = open + (negated ? 2 : 1)
  const ranges: number[] = []
  const classes: ((code: number) => boolean)[] = []
  for (let i = first; i < chars.length; i++) {
    if (chars[i] === ']' && i > first) return { token: { negated, ranges, classes }, end: i }
    const named = chars[i] === '[' && chars[i + 1] === ':' ? className(chars, i) : undefined
    if (named) {
      classes.push(named.holds)
      i = named.end
      continue
    }
    if (chars[i] === '\\' && i + 1 < chars.length) i++
    const low = code(chars[i]!)
    if (chars[i + 1] !== '-' || chars[i + 2] === undefined || chars[i + 2] === ']') {
      ranges.push(low, low)
      continue
    }
    i += 2
    if (chars[i] === '\\' && i + 1 < chars.length) i++
    ranges.push(low, code(chars[i]!))
  }
  return undefined
}

function className(
  chars: readonly string[],
  at: number,
): { holds: (code: number) => boolean; end: number } | undefined {
  const name = chars.slice(at + 2, at + 10).join('')
  const length = name.indexOf(':]')
  const holds = CLASSES.get(name.slice(0, Math.max(length, 0)))
  return holds && { holds, end: at + 3 + length }
}

const between =
  (low: number, high: number) =>
  (c: number): boolean =>
    c >= low && c <= high
const isDigit = between(0x30, 0x39)
const isUpper = between(0x41, 0x5a)
const isLower = between(0x61, 0x7a)
const isAlpha = (c: number): boolean => isUpper(c) || isLower(c)
const isAlnum = (c: number): boolean => isAlpha(c) || isDigit(c)
const isGraph = between(0x21, 0x7e)

/** POSIX character classes of the C locale. */
const CLASSES: ReadonlyMap<string, (code: number) => boolean> = new Map([
  ['alpha', isAlpha],
  ['digit', isDigit],
  ['alnum', isAlnum],
  ['upper', isUpper],
  ['lower', isLower],
  ['space', (c: number) => c === 0x20 || (c >= 0x09 && c <= 0x0d)],
  ['blank', (c: number) => c === 0x20 || c === 0x09],
  ['punct', (c: number) => isGraph(c) && !isAlnum(c)],
  ['print', between(0x20, 0x7e)],
  ['graph', isGraph],
  ['cntrl', (c: number) => c < 0x20 || c === 0x7f],
  ['xdigit', (c: number) => isDigit(c) || between(0x41, 0x46)(c) || between(0x61, 0x66)(c)],
])

const code = (char: string): number => char.codePointAt(0)!

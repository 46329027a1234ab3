/** Go's text/template, cut into text and the tokens inside `{{ }}`. */

/** What is wrong with a template: 1-based line and column in code points. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly line: number
  readonly column: number
  readonly hint: string | undefined
  constructor(source: string, at: number, message: string, hint?: string) {
    const before = source.slice(0, at)
    const line = before.split('\n').length
    const column = [...before.slice(before.lastIndexOf('\n') + 1)].length + 1
    super(`${line}:${column}: ${message}`)
    this.line = line
    this.column = column
    this.hint = hint
  }
}

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'word'
  | 'field'
  | 'variable'
  | 'string'
  | 'number'
  | 'dot'
  | 'pipe'
  | 'paren'
  | 'assign'
  | 'comma'
  | 'space'

export interface Token {
  readonly kind: TokenKind
  /** Text as written; of strings the value. */
  readonly text: string
  readonly at: number
}

/** One after the other at the same place; the first that fits is taken. */
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /\s+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)/y],
  ['variable', /\$\w*/y],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['dot', /\./y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['assign', /:=|=/y],
  ['pipe', /\|/y],
  ['paren', /[()]/y],
  ['comma', /,/y],
]

const COMMENT = /\{\{(-\s)?\s*\/\*[\s\S]*?\*\/\s*(\s-)?\}\}/y

/** Tokens of a template; white space inside of actions is a token, because `.A .B` and `.A.B` differ. Throws TemplateError. */
export function lex(source: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  const text = (from: number, to: number, trimEnd: boolean): void => {
    let value = source.slice(from, to)
    if (trimNext) value = value.trimStart()
    if (trimEnd) value = value.trimEnd()
    if (value !== '') tokens.push({ kind: 'text', text: value, at: from })
  }
  while (at < source.length) {
    const open = source.indexOf('{{', at)
    if (open < 0) {
      text(at, source.length, false)
      break
    }
    COMMENT.lastIndex = open
    const comment = COMMENT.exec(source)
    if (comment !== null) {
      text(at, open, comment[1] !== undefined)
      trimNext = comment[2] !== undefined
      at = open + comment[0].length
      continue
    }
    const trims = /^\{\{-\s/.test(source.slice(open, open + 4))
    text(at, open, trims)
    tokens.push({ kind: 'open', text: '{{', at: open })
    const end = action(source, open + (trims ? 3 : 2), open, tokens)
    trimNext = end.trims
    at = end.at
  }
  return tokens
}

function action(
  source: string,
  from: number,
  open: number,
  tokens: Token[],
): { readonly at: number; readonly trims: boolean } {
  let at = from
  while (at < source.length) {
    const close = /\s-\}\}|\}\}/y
    close.lastIndex = at
    const end = close.exec(source)
    if (end !== null) {
      tokens.push({ kind: 'close', text: '}}', at })
      return { at: at + end[0].length, trims: end[0].length > 2 }
    }
    at = next(source, at, tokens)
  }
  throw new TemplateError(source, open, 'this action is not closed', 'an action ends with }}')
}

function next(source: string, at: number, tokens: Token[]): number {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at
    const found = pattern.exec(source)?.[0]
    if (found === undefined) continue
    // A blank before `-}}` belongs to the end.
    const text = kind === 'space' && source.startsWith('-}}', at + found.length) ? found.slice(0, -1) : found
    if (text !== '') tokens.push({ kind, text: kind === 'string' ? unquote(source, at, text) : text, at })
    if (text === '') break
    return at + text.length
  }
  throw new TemplateError(
    source,
    at,
    `unexpected ${JSON.stringify([...source.slice(at)][0] ?? '')} in an action`,
  )
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

/** The value of a quoted string; a character constant is a number in Go and is given as its text here. */
function unquote(source: string, at: number, quoted: string): string {
  const inner = quoted.slice(1, -1)
  if (quoted.startsWith('`')) return inner
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/gs, (all, byte, unit, char: string) => {
    if (byte !== undefined || unit !== undefined)
      return String.fromCharCode(Number.parseInt(byte ?? unit, 16))
    const value = ESCAPES[char]
    if (value === undefined) throw new TemplateError(source, at, `unknown escape ${all} in a string`)
    return value
  })
}

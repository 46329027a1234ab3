/** Quoted strings of the condition language: reading, and writing back. */
import { decodeBytes, encodeText, isLossy } from '../../decode/str.ts'
import { ConditionError } from './error.ts'

const SIMPLE: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  '/': '/',
  // Old rule files hold `\ ` where they mean a backslash.
  ' ': '\\',
}

/**
 * Read the quoted string whose quote stands at `from`; `end` is the offset behind the closing quote.
 * `\xHH` is one byte: several of them may spell a character of UTF-8. Throws ConditionError.
 */
export function readQuoted(text: string, from: number): { value: string; end: number } {
  const quote = text[from]!
  let value = ''
  let at = from + 1
  let bytes = false
  for (;;) {
    const next = nextSpecial(text, at, quote)
    if (next < 0)
      throw new ConditionError(
        'syntax',
        'unterminated string',
        { from, to: from + 1 },
        `a closing ${quote} is missing`,
      )
    value += text.slice(at, next)
    if (text[next] === quote) return { value: bytes && isLossy(value) ? rejoin(value) : value, end: next + 1 }
    const escaped = readEscape(text, next, quote)
    bytes ||= escaped.byte
    value += escaped.value
    at = escaped.end
  }
}

function nextSpecial(text: string, from: number, quote: string): number {
  for (let i = from; i < text.length; i++) if (text[i] === quote || text[i] === '\\') return i
  return -1
}

function readEscape(text: string, at: number, quote: string): { value: string; end: number; byte: boolean } {
  const char = text[at + 1]
  const fail = (message: string, length: number, hint?: string): never => {
    throw new ConditionError('syntax', message, { from: at, to: Math.min(at + length, text.length) }, hint)
  }
  if (char === undefined) return fail('unterminated string', 1)
  if (char === quote) return { value: quote, end: at + 2, byte: false }
  if (char === '"' || char === "'") return fail(`invalid \\${char} escape in a ${quote}-quoted string`, 2)
  const simple = Object.hasOwn(SIMPLE, char) ? SIMPLE[char] : undefined
  if (simple !== undefined) return { value: simple, end: at + 2, byte: false }
  if (char !== 'x')
    return fail(`unsupported string escape sequence: \\${char}`, 2, 'a backslash is written \\\\')
  const hex = /^[0-9a-fA-F]*/.exec(text.slice(at + 2, at + 4))![0]
  if (hex.length < 2) return fail('\\x needs two hexadecimal digits', 2 + hex.length)
  const code = Number.parseInt(hex, 16)
  if (code === 0) return fail('a value cannot hold a NUL byte', 4)
  return { value: String.fromCharCode(code < 0x80 ? code : 0xdc00 + code), end: at + 4, byte: true }
}

/** Bytes written one by one may form characters: decode them together. */
const rejoin = (value: string): string => decodeBytes(encodeText(value))

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
}

/** Double-quoted form that `readQuoted` reads back to the same text. */
export function quoteText(text: string): string {
  let body = text.replace(
    /[\x01-\x1f\x7f\\"]/g,
    (char) => ESCAPES[char] ?? `\\x${hexByte(char.charCodeAt(0))}`,
  )
  if (isLossy(body))
    body = Array.from(body, (char) => {
      const code = char.codePointAt(0)!
      return code >= 0xdc80 && code <= 0xdcff ? `\\x${hexByte(code - 0xdc00)}` : char
    }).join('')
  return `"${body}"`
}

const hexByte = (code: number): string => code.toString(16).padStart(2, '0')

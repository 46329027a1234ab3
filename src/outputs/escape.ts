/**
 * The one escaping policy. Event text is hostile: a file name may hold terminal commands, line ends, or characters that
 * reverse the reading order. None of them reaches a terminal, a log or an output raw.
 *
 * Unsafe are: C0 and C1 controls, DEL, the bidirectional controls (Unicode annex 9: U+061C U+200E U+200F U+202A..E
 * U+2066..9), the line and paragraph separators U+2028 U+2029, and lone surrogates, of which U+DC80..U+DCFF stand for
 * bytes that were not UTF-8 (decode/str.ts).
 */

const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
/** What JSON.stringify leaves raw, after lone surrogates are gone. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')
const unicode = (char: string): string => `\\u${hex(char.charCodeAt(0), 4)}`
const isByte = (code: number): boolean => code >= 0xdc80 && code <= 0xdcff

/** Text for a terminal or a log line: unsafe characters as `\n` `\t` `\r`, `\xNN` (bytes, C0, DEL) or `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0)
    if (char === '\n') return '\\n'
    if (char === '\t') return '\\t'
    if (char === '\r') return '\\r'
    if (isByte(code)) return `\\x${hex(code - 0xdc00, 2)}`
    return code < 0x80 ? `\\x${hex(code, 2)}` : unicode(char)
  })
}

/** Bytes that are not UTF-8 become the four characters `\xNN`; the result is well-formed. */
export function visibleBytes(text: string): string {
  if (text.isWellFormed()) return text
  return text.replace(LONE_SURROGATE, (char) => {
    const code = char.charCodeAt(0)
    return isByte(code) ? `\\x${hex(code - 0xdc00, 2)}` : '\ufffd'
  })
}

/** A JSON string with its quotes. Lone surrogates become U+FFFD: use `visibleBytes` first to show them. */
export const jsonString = (text: string): string =>
  JSON.stringify(text.toWellFormed()).replace(UNSAFE_IN_JSON, unicode)

/** A value as one line of JSON: like JSON.stringify, but with nothing in it that could steer a terminal. */
export const jsonLine = (value: unknown): string => JSON.stringify(value).replace(UNSAFE_IN_JSON, unicode)

/** A whole line escaped like the inside of a JSON string, which is how Falco prints text alerts. */
export const jsonEscaped = (text: string): string => jsonString(text).slice(1, -1)

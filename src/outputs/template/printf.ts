/** Go's printf: the verbs and flags that templates use. */
import { jsonString, visibleBytes } from '../escape.ts'
import { mark, textOf, unmark, type Value } from './values.ts'

const VERB = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g
/** No field is wider. */
const WIDEST = 4096

/** A string in double quotes, what is not printable escaped. */
export const quoted = (text: string): string => jsonString(visibleBytes(unmark(text)))

/** Go's Sprintf: what is missing, left over or of another type is said in the text, as Go says it. Throws nothing. */
export function printf(format: string, args: readonly Value[]): string {
  let taken = 0
  const text = format.replace(
    VERB,
    (_all, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      const wide = width === '*' ? Number(args[taken++]) : Number(width ?? 0)
      if (taken >= args.length) return `%!${verb}(MISSING)`
      const value = args[taken++]
      const digits = precision === undefined ? undefined : Math.min(Number(precision), 100)
      return padded(
        verbText(verb, value, flags, digits),
        flags,
        Math.min(Math.abs(wide) || 0, WIDEST),
        typeof value,
      )
    },
  )
  const rest = args.slice(taken)
  return rest.length === 0 ? text : `${text}%!(EXTRA ${rest.map((value) => textOf(value, false)).join(', ')})`
}

function padded(text: string, flags: string, width: number, type: string): string {
  if (text.length >= width) return text
  if (flags.includes('-')) return text.padEnd(width)
  if (!flags.includes('0') || type === 'string') return text.padStart(width)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}

function verbText(verb: string, value: Value, flags: string, precision: number | undefined): string {
  switch (verb) {
    case 'v':
    case 's': {
      const text = textOf(value, false)
      return verb === 's' && precision !== undefined ? text.slice(0, precision) : text
    }
    case 'q':
      return quoted(textOf(value, false))
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong(verb, value)
    case 'd':
      return isInteger(value) ? signed(BigInt(value), flags) : wrong(verb, value)
    case 'x':
    case 'X':
      return hexadecimal(value, flags, verb)
    case 'o':
    case 'b':
      return isInteger(value) ? BigInt(value).toString(verb === 'o' ? 8 : 2) : wrong(verb, value)
    case 'c':
      return isInteger(value) && Number(value) <= 0x10ffff && Number(value) >= 0
        ? mark(String.fromCodePoint(Number(value)))
        : wrong(verb, value)
    case 'f':
      return typeof value === 'number' ? value.toFixed(precision ?? 6) : wrong(verb, value)
    case 'e':
      return typeof value === 'number' ? value.toExponential(precision ?? 6) : wrong(verb, value)
    case 'g':
      return typeof value === 'number' ? String(value) : wrong(verb, value)
    case 'T':
      return typeof value
    default:
      return wrong(verb, value)
  }
}

const isInteger = (value: Value): value is number | bigint =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
const signed = (value: bigint, flags: string): string =>
  flags.includes('+') && value >= 0n ? `+${value}` : String(value)
const wrong = (verb: string, value: Value): string => `%!${verb}(${textOf(value, false)})`

function hexadecimal(value: Value, flags: string, verb: string): string {
  const prefix = flags.includes('#') ? '0x' : ''
  const text =
    typeof value === 'string'
      ? Buffer.from(unmark(value), 'utf8').toString('hex')
      : isInteger(value)
        ? BigInt(value).toString(16)
        : undefined
  if (text === undefined) return wrong(verb, value)
  return verb === 'X' ? (prefix + text).toUpperCase() : prefix + text
}

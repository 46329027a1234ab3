/** What templates can call: Go's own functions, and those of sprig that templates of Tracee and its kind use. */
import { createHash } from 'node:crypto'
import { decodeBytes, encodeText } from '../../decode/str.ts'
import { visibleBytes } from '../escape.ts'
import { type Json, toJson } from '../formats/json.ts'
import { formatDate } from './date.ts'
import { printf, quoted } from './printf.ts'
import { isMap, isMarked, isOpen, isTrue, mark, openMap, textOf, unmark, type Value } from './values.ts'

/** Throws Error with a sentence for the user. */
export type TemplateFunction = (args: readonly Value[]) => Value

/** Longest text and list that a function makes. */
const LONGEST = 1 << 20

/** A function of texts: it sees them as they are, and what came from data stays marked. */
const ofTexts =
  (count: number, compute: (...texts: string[]) => Value): TemplateFunction =>
  (args) => {
    need(args, count)
    const texts = args.map((value) => textOf(value, false))
    return sameMark(texts.some(isMarked), compute(...texts.map(unmark)))
  }

function sameMark(marked: boolean, value: Value): Value {
  if (!marked) return value
  if (typeof value === 'string') return mark(value)
  return Array.isArray(value) ? value.map((item) => sameMark(true, item)) : value
}

function need(args: readonly Value[], least: number): void {
  if (args.length < least)
    throw new Error(`it takes ${least} argument${least === 1 ? '' : 's'}, not ${args.length}`)
}

const bounded = (text: string): string => {
  if (text.length > LONGEST) throw new Error('its result is too long')
  return text
}

/** 0 for equal, else which is greater; texts as they are. */
function order(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compare(unmark(a), unmark(b))
  if (isNumber(a) && isNumber(b)) return compare(a, b)
  throw new Error(`${textOf(a, false)} and ${textOf(b, false)} cannot be compared`)
}
const compare = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)
const isNumber = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint'

function equal(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string') return unmark(a) === unmark(b)
  // A number and a bigint may be the same.
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are equal here
  if (isNumber(a) && isNumber(b)) return a == b
  return (a ?? null) === (b ?? null)
}

const comparison =
  (test: (sign: number) => boolean): TemplateFunction =>
  (args) => {
    need(args, 2)
    return test(order(args[0], args[1]))
  }

function index(args: readonly Value[]): Value {
  need(args, 1)
  let value = args[0]
  for (const key of args.slice(1)) {
    if (Array.isArray(value)) {
      const at = Number(key)
      if (!Number.isInteger(at) || at < 0 || at >= value.length)
        throw new Error(`index ${textOf(key, false)} is out of range`)
      value = (value as readonly Value[])[at]
    } else if (typeof value === 'string') value = Buffer.from(unmark(value))[Number(key)]
    else if (isMap(value)) value = valueAt(value, textOf(key, false))
    else throw new Error(`${textOf(value, false)} has no elements`)
  }
  return value
}

/** Never what objects inherit. */
export const valueAt = (map: { readonly [key: string]: Value }, key: string): Value =>
  Object.hasOwn(map, key) ? map[key] : undefined

const lengthOf = (value: Value): number => {
  if (typeof value === 'string') return Buffer.byteLength(unmark(value))
  if (Array.isArray(value)) return value.length
  if (isMap(value)) return Object.keys(value).length
  throw new Error(`${textOf(value, false)} has no length`)
}

const listOf = (value: Value): readonly Value[] => {
  if (Array.isArray(value)) return value
  if (value === undefined || value === null) return []
  throw new Error(`${textOf(value, false)} is not a list`)
}

/** As JSON: text as it was, bytes that are not UTF-8 as `\xNN`. */
function jsonOf(value: Value): Json {
  if (value === undefined) return null
  if (typeof value === 'string') return visibleBytes(unmark(value))
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(jsonOf)
  if (!isMap(value)) return value as Json
  // Keys of a map are sorted, as in Go.
  const entries = Object.entries(value)
  if (isOpen(value)) entries.sort(([a], [b]) => compare(a, b))
  return Object.fromEntries(entries.map(([key, item]) => [visibleBytes(unmark(key)), jsonOf(item)]))
}

function pretty(json: Json, indent: string): string {
  if (typeof json !== 'object' || json === null) return toJson(json)
  const inner = `${indent}  `
  const items = Array.isArray(json)
    ? json.map((item) => inner + pretty(item, inner))
    : Object.entries(json).map(([key, item]) => `${inner}${toJson(key)}: ${pretty(item, inner)}`)
  const [open, close] = Array.isArray(json) ? '[]' : '{}'
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join(',\n')}\n${indent}${close}`
}

/** A time, or seconds since 1970. */
function dateOf(value: Value): Date {
  if (value instanceof Date) return value
  if (isNumber(value)) return new Date(Number(value) * 1000)
  throw new Error(`${textOf(value, false)} is no time`)
}

/** The form may be data, too. */
function dateText(form: Value, time: Value, zone: string): Value {
  const text = textOf(form, false)
  return sameMark(isMarked(text), formatDate(unmark(text), dateOf(time), zone))
}

function dict(args: readonly Value[]): Value {
  const entries: [string, Value][] = []
  for (let i = 0; i < args.length; i += 2) entries.push([textOf(args[i], false), args[i + 1] ?? ''])
  return openMap(Object.fromEntries(entries))
}

const sum = (args: readonly Value[], start: bigint, add: (a: bigint, b: bigint) => bigint): Value =>
  narrow(args.map(integer).reduce(add, start))
const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value
const integer = (value: Value): bigint => {
  if (typeof value === 'bigint') return value
  const number = typeof value === 'string' ? Number(unmark(value).trim() || '0') : Number(value ?? 0)
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n
}
const pair = (args: readonly Value[], compute: (a: bigint, b: bigint) => bigint): Value => {
  need(args, 2)
  return narrow(compute(integer(args[0]), integer(args[1])))
}
const divisor = (value: bigint): bigint => {
  if (value === 0n) throw new Error('division by 0')
  return value
}

const html: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
}
const indented = (spaces: string, text: string): string =>
  bounded(text.replace(/^/gm, ' '.repeat(Math.min(Number(spaces) || 0, 1000))))
const first = (value: Value): Value => (typeof value === 'string' ? [...value][0] : listOf(value)[0])
const last = (value: Value): Value => (typeof value === 'string' ? [...value].at(-1) : listOf(value).at(-1))

/** Go's own; `and`, `or` and what they leave out are dealt with where pipelines are evaluated. */
const GO: Readonly<Record<string, TemplateFunction>> = {
  and: (args) => args.find((value) => !isTrue(value)) ?? args.at(-1),
  or: (args) => args.find(isTrue) ?? args.at(-1),
  not: (args) => {
    need(args, 1)
    return !isTrue(args[0])
  },
  eq: (args) => {
    need(args, 2)
    return args.slice(1).some((value) => equal(args[0], value))
  },
  ne: (args) => {
    need(args, 2)
    return !equal(args[0], args[1])
  },
  lt: comparison((sign) => sign < 0),
  le: comparison((sign) => sign <= 0),
  gt: comparison((sign) => sign > 0),
  ge: comparison((sign) => sign >= 0),
  len: (args) => {
    need(args, 1)
    return lengthOf(args[0])
  },
  index,
  slice: (args) => {
    need(args, 1)
    const [value, from, to] = args
    const range = [Number(from ?? 0), to === undefined ? undefined : Number(to)] as const
    return typeof value === 'string' ? value.slice(...range) : listOf(value).slice(...range)
  },
  // A space between two that are no strings.
  print: (args) =>
    args
      .map((value, i) => {
        const apart = i > 0 && typeof value !== 'string' && typeof args[i - 1] !== 'string'
        return (apart ? ' ' : '') + textOf(value, false)
      })
      .join(''),
  println: (args) => `${args.map((value) => textOf(value, false)).join(' ')}\n`,
  printf: (args) => {
    need(args, 1)
    return bounded(printf(textOf(args[0], false), args.slice(1)))
  },
  html: ofTexts(1, (text) => text.replace(/[&<>"']/g, (char) => html[char]!)),
  js: ofTexts(1, (text) =>
    quoted(text)
      .slice(1, -1)
      .replace(/[<>&'=]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
  ),
  urlquery: ofTexts(1, (text) => encodeURIComponent(visibleBytes(text)).replaceAll('%20', '+')),
}

const SPRIG: Readonly<Record<string, TemplateFunction>> = {
  add: (args) => sum(args, 0n, (a, b) => a + b),
  add1: (args) => sum(args, 1n, (a, b) => a + b),
  b64dec: (args) => {
    need(args, 1)
    return mark(decodeBytes(Buffer.from(textOf(args[0], false), 'base64')))
  },
  b64enc: ofTexts(1, (text) => Buffer.from(encodeText(text)).toString('base64')),
  cat: (args) => args.map((value) => textOf(value, false)).join(' '),
  coalesce: (args) => args.find(isTrue),
  contains: ofTexts(2, (part, text) => text.includes(part)),
  date: (args) => {
    need(args, 2)
    return dateText(args[0], args[1], 'Local')
  },
  dateInZone: (args) => {
    need(args, 3)
    return dateText(args[0], args[1], textOf(args[2], false))
  },
  default: (args) => {
    need(args, 1)
    return args.length > 1 && isTrue(args[1]) ? args[1] : args[0]
  },
  dict,
  div: (args) => pair(args, (a, b) => a / divisor(b)),
  empty: (args) => !isTrue(args[0]),
  first: (args) => first(args[0]),
  get: (args) => (isMap(args[0]) ? (valueAt(args[0], textOf(args[1], false)) ?? '') : ''),
  hasKey: (args) => {
    need(args, 2)
    return isMap(args[0]) && Object.hasOwn(args[0], textOf(args[1], false))
  },
  hasPrefix: ofTexts(2, (part, text) => text.startsWith(part)),
  hasSuffix: ofTexts(2, (part, text) => text.endsWith(part)),
  indent: ofTexts(2, indented),
  int: (args) => narrow(integer(args[0])),
  int64: (args) => narrow(integer(args[0])),
  join: (args) => {
    need(args, 2)
    return bounded(
      listOf(args[1])
        .map((value) => textOf(value, false))
        .join(textOf(args[0], false)),
    )
  },
  keys: (args) => args.flatMap((map) => (isMap(map) ? Object.keys(map) : [])),
  last: (args) => last(args[0]),
  list: (args) => [...args],
  lower: ofTexts(1, (text) => text.toLowerCase()),
  mod: (args) => pair(args, (a, b) => a % divisor(b)),
  mul: (args) => sum(args, 1n, (a, b) => a * b),
  nindent: ofTexts(2, (spaces, text) => `\n${indented(spaces, text)}`),
  now: () => new Date(),
  quote: (args) =>
    args
      .filter((value) => value !== undefined && value !== null)
      .map((value) => quoted(textOf(value)))
      .join(' '),
  repeat: ofTexts(2, (count, text) => {
    const times = Math.max(Math.trunc(Number(count)) || 0, 0)
    if (times * text.length > LONGEST) throw new Error('its result is too long')
    return text.repeat(times)
  }),
  replace: ofTexts(3, (old, by, text) => bounded(text.replaceAll(old, () => by))),
  sha256sum: ofTexts(1, (text) => createHash('sha256').update(encodeText(text)).digest('hex')),
  splitList: ofTexts(2, (separator, text) => text.split(separator)),
  squote: (args) => args.map((value) => `'${textOf(value)}'`).join(' '),
  sub: (args) => pair(args, (a, b) => a - b),
  ternary: (args) => {
    need(args, 3)
    return isTrue(args[2]) ? args[0] : args[1]
  },
  title: ofTexts(1, (text) => text.replace(/(?<![\p{L}\p{N}])\p{L}/gu, (char) => char.toUpperCase())),
  toJson: (args) => toJson(jsonOf(args[0])),
  toPrettyJson: (args) => pretty(jsonOf(args[0]), ''),
  toString: (args: readonly Value[]) => textOf(args[0], false),
  trim: ofTexts(1, (text) => text.trim()),
  trimAll: ofTexts(2, (chars, text) => trimmed(text, chars)),
  trimPrefix: ofTexts(2, (part, text) => (text.startsWith(part) ? text.slice(part.length) : text)),
  trimSuffix: ofTexts(2, (part, text) =>
    part !== '' && text.endsWith(part) ? text.slice(0, -part.length) : text,
  ),
  trunc: ofTexts(2, (length, text) =>
    Number(length) < 0 ? text.slice(Number(length)) : text.slice(0, Number(length)),
  ),
  unixEpoch: (args) => String(Math.floor(dateOf(args[0]).getTime() / 1000)),
  upper: ofTexts(1, (text) => text.toUpperCase()),
}

function trimmed(text: string, chars: string): string {
  let from = 0
  let to = text.length
  while (from < to && chars.includes(text[from]!)) from++
  while (to > from && chars.includes(text[to - 1]!)) to--
  return text.slice(from, to)
}

/** By name. The `must` spellings of sprig are those that fail, which ours do. */
export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ...Object.entries(GO),
  ...Object.entries(SPRIG),
  ['mustToJson', SPRIG['toJson']!] as const,
  ['mustToPrettyJson', SPRIG['toPrettyJson']!] as const,
])

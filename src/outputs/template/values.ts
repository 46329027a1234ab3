/**
 * Values of templates: how Go prints them, which are true, and how hostile text stays harmless.
 *
 * Text of events may hold line ends and terminal commands; so may text of the template, where they are meant. Control
 * characters of data are therefore marked when data comes in, as lone surrogates U+DC00 + code (those of bytes that were not
 * UTF-8 are U+DC80 and up already), and printed as escapes when text goes out. Functions see them as what they are.
 */
import { printable } from '../escape.ts'

export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | readonly Value[]
  | { readonly [key: string]: Value }

/** Data of unknown fields: a missing key has no value. In any other object a missing field is a mistake of the template. */
export const openMap = (entries: Readonly<Record<string, Value>>): { readonly [key: string]: Value } =>
  Object.assign(Object.create(null), entries)

/** A map of Go: no list, no time. */
export const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
/** Its keys are data, not names of fields. */
export const isOpen = (value: object): boolean => Object.getPrototypeOf(value) === null

const CONTROLS = /[\x00-\x1f\x7f]/g
const MARKED = /(?<![\ud800-\udbff])[\udc00-\udc1f\udc7f]/g
const HAS_MARKED = /(?<![\ud800-\udbff])[\udc00-\udc1f\udc7f]/

/** Data as it goes into a template. */
export const mark = (text: string): string =>
  text.replace(CONTROLS, (char) => String.fromCharCode(0xdc00 + char.charCodeAt(0)))
/** What a function works on. */
export const unmark = (text: string): string =>
  isMarked(text) ? text.replace(MARKED, (char) => String.fromCharCode(char.charCodeAt(0) - 0xdc00)) : text
/** Has control characters of data. */
export const isMarked = (text: string): boolean => HAS_MARKED.test(text)

/** Data as templates see it: a copy with its text marked. */
export function incoming(value: Value): Value {
  if (typeof value === 'string') return mark(value)
  if (Array.isArray(value)) return value.map(incoming)
  if (!isMap(value)) return value
  const copy: Record<string, Value> = isOpen(value) ? Object.create(null) : {}
  for (const [key, item] of Object.entries(value)) copy[isOpen(value) ? mark(key) : key] = incoming(item)
  return copy
}

/** Text that may leave: line ends and tabs of the template stay, everything else that steers is made visible. */
export const outgoing = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : printable(unmark(part))))
    .join('')

/** Go's zero values are false. */
export function isTrue(value: Value): boolean {
  if (value === null || value === undefined) return false
  if (Array.isArray(value)) return value.length > 0
  if (isMap(value)) return !isOpen(value) || Object.keys(value).length > 0
  if (value instanceof Date) return true
  return Boolean(value)
}

/** Go's `%v`; `top` is where a missing value has words of its own. */
export function textOf(value: Value, top = true): string {
  if (value === undefined || value === null) return top ? '<no value>' : '<nil>'
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, false)).join(' ')}]`
  if (value instanceof Date) return value.toISOString()
  if (!isMap(value)) return String(value)
  const entries = Object.entries(value)
  if (!isOpen(value)) return `{${entries.map(([, item]) => textOf(item, false)).join(' ')}}`
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${sorted.map(([key, item]) => `${key}:${textOf(item, false)}`).join(' ')}]`
}

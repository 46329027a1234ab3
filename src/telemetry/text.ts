/** JSON text of what events hold, made once for each distinct string and each second: lines are put together from it. */
import { encodeText } from '../decode/str.ts'
import type { Lookup } from '../fields/context.ts'
import { jsonString, visibleBytes } from '../outputs/escape.ts'

/** Texts remembered; beyond that the cache starts anew. */
const CACHE_MAX = 32768
/** Longer texts are not remembered: arguments and paths of this length do not repeat. */
const CACHED_LENGTH_MAX = 512

const base64 = (text: string): string => Buffer.from(encodeText(text)).toString('base64')

/** A text as JSON. */
interface Known {
  /** With its quotes. */
  readonly json: string
  /** Its exact bytes, when they are not UTF-8. */
  readonly bytes: string | undefined
}

/** JSON strings by text, bounded. Bytes that are not UTF-8 are shown as `\xNN`. */
export class TextCache {
  readonly #known = new Map<string, Known>()

  /** The text as a JSON string with its quotes. */
  json(text: string): string {
    return this.#of(text).json
  }

  /** `,"name":"text"`, with the exact bytes in `name_b64` beside it when they are not UTF-8. */
  pair(name: string, text: string): string {
    const { json, bytes } = this.#of(text)
    const pair = `,"${name}":${json}`
    return bytes === undefined ? pair : `${pair},"${name}_b64":"${bytes}"`
  }

  /** `,"name":["text",...]`; `name_b64` has the bytes of those that are not UTF-8, null for the others. */
  list(name: string, texts: readonly string[]): string {
    const all = texts.map((text) => this.#of(text))
    const list = `,"${name}":[${all.map(({ json }) => json).join(',')}]`
    if (all.every(({ bytes }) => bytes === undefined)) return list
    const exact = all.map(({ bytes }) => (bytes === undefined ? 'null' : `"${bytes}"`))
    return `${list},"${name}_b64":[${exact.join(',')}]`
  }

  #of(text: string): Known {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const bytes = text.isWellFormed() ? undefined : base64(text)
    const made: Known = { json: jsonString(visibleBytes(text)), bytes }
    if (text.length <= CACHED_LENGTH_MAX) {
      if (this.#known.size >= CACHE_MAX) this.#known.clear()
      this.#known.set(text, made)
    }
    return made
  }
}

const NS = 1_000_000_000
const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'))
/** A number below 10^9 with nine digits: from pieces, because large numbers are slow to print. */
const nineDigits = (n: number): string =>
  THREE_DIGITS[(n / 1e6) | 0]! + THREE_DIGITS[((n / 1e3) | 0) % 1000]! + THREE_DIGITS[n % 1000]!
const MAX_EXACT = Number.MAX_SAFE_INTEGER

/** Times of events as text. CLOCK_MONOTONIC is exact in a double for 104 days of uptime; beyond that the slow way is taken. */
export class TimeText {
  readonly #lookup: Lookup
  #offset: bigint | undefined
  #offsetSeconds = 0
  #offsetNs = 0
  #second = -1
  #secondText = ''

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  /** RFC 3339 in UTC with nanoseconds. `time` is the rounded form, `exact` gives all its bits. */
  wall(time: number, exact: () => bigint): string {
    const offset = this.#lookup.wallClock(0n)
    if (offset !== this.#offset) this.#setOffset(offset)
    let seconds: number
    let ns: number
    if (time <= MAX_EXACT) {
      const whole = Math.floor(time / NS)
      ns = time - whole * NS + this.#offsetNs
      seconds = whole + this.#offsetSeconds
      if (ns >= NS) {
        ns -= NS
        seconds++
      }
    } else {
      const wall = exact() + offset
      seconds = Number(wall / BigInt(NS))
      ns = Number(wall % BigInt(NS))
    }
    if (seconds !== this.#second) {
      this.#second = seconds
      this.#secondText = new Date(seconds * 1000).toISOString().slice(0, 20).replace('Z', '.')
    }
    return `${this.#secondText}${nineDigits(ns)}Z`
  }

  #setOffset(offset: bigint): void {
    this.#offset = offset
    const ns = ((offset % BigInt(NS)) + BigInt(NS)) % BigInt(NS)
    this.#offsetNs = Number(ns)
    this.#offsetSeconds = Number((offset - ns) / BigInt(NS))
  }
}

/** A CLOCK_MONOTONIC time as decimal digits, exact. */
export function exactTime(time: number, exact: () => bigint): string {
  if (time > MAX_EXACT) return String(exact())
  const seconds = Math.floor(time / NS)
  return seconds === 0 ? String(time) : seconds + nineDigits(time - seconds * NS)
}

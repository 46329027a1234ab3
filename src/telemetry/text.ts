/** What events hold as JSON on a line: texts, lists of them, times. */
import type { EventView, NumberPlaces } from '../decode/event-view.ts'
import { encodeText, type Str } from '../decode/str.ts'
import type { Lookup } from '../fields/context.ts'
import { jsonString, visibleBytes } from '../outputs/escape.ts'
import type { Line } from '../outputs/line.ts'

/** Texts that are JSON as they are, and ASCII. */
const PLAIN = /^[ !#-[\]-~]*$/
const NULL = Buffer.from('null')

export const writeNull = (out: Line): void => out.raw(NULL)

/** A number of an event, 64-bit values exactly; null where the event has none. */
export function writeNumberAt(out: Line, event: EventView, places: NumberPlaces): void {
  const slot = event.slotAt(places)
  if (slot === undefined) {
    writeNull(out)
    return
  }
  const value = event.numberAt(slot)
  if (Number.isSafeInteger(value)) out.int(value)
  else out.ascii(String(event.bigintAt(slot)))
}

/** A text as JSON. Bytes that are not UTF-8 are shown as `\xNN`. */
function writeText(out: Line, text: string): void {
  if (PLAIN.test(text)) out.quoted(text)
  else out.utf8(jsonString(visibleBytes(text)))
}

const base64 = (text: string): string => Buffer.from(encodeText(text)).toString('base64')

/** The value of `name`, with the exact bytes in `name_b64` beside it when they are not UTF-8; null without a text. */
export function writeNamed(out: Line, name: string, text: string | undefined): void {
  if (text === undefined) {
    writeNull(out)
    return
  }
  writeText(out, text)
  if (!text.isWellFormed()) out.utf8(`,"${name}_b64":"${base64(text)}"`)
}

/** The same for a text that comes again: how it is written is known by then. */
export function writeStr(out: Line, name: string, str: Str | undefined): void {
  const known = str && jsonOf(str)
  if (known === undefined) writeNamed(out, name, str?.text)
  else out.quoted(known)
}

/** The JSON of a text without its quotes, as bytes; undefined for what is not UTF-8. */
function jsonOf(str: Str): string | undefined {
  if (str.json === undefined) {
    const { text } = str
    if (PLAIN.test(text)) str.json = text
    else if (text.isWellFormed()) str.json = Buffer.from(jsonString(text).slice(1, -1)).toString('latin1')
  }
  return str.json
}

/** The list of `name`; `name_b64` has the bytes of those that are not UTF-8, null for the others. */
export function writeList(out: Line, name: string, texts: readonly string[]): void {
  out.ascii('[')
  for (const [i, text] of texts.entries()) {
    if (i > 0) out.ascii(',')
    writeText(out, text)
  }
  out.ascii(']')
  if (texts.every((text) => text.isWellFormed())) return
  const exact = texts.map((text) => (text.isWellFormed() ? 'null' : `"${base64(text)}"`))
  out.utf8(`,"${name}_b64":[${exact.join(',')}]`)
}

/** A CLOCK_MONOTONIC time in ns: rounded to 53 bits, and exact. */
export interface Moment {
  readonly time: number
  readonly timeNs: bigint
}

const NS = 1_000_000_000
const END_OF_TIME = Buffer.from('Z"')
const MAX_EXACT = Number.MAX_SAFE_INTEGER

/** Times of events as text. CLOCK_MONOTONIC is exact in a double for 104 days of uptime; beyond that the slow way is taken. */
export class TimeText {
  readonly #lookup: Lookup
  #offset: bigint | undefined
  #offsetSeconds = 0
  #offsetNs = 0
  #second = -1
  #secondText = Buffer.alloc(0)

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  /** RFC 3339 in UTC with nanoseconds, in quotes. */
  wall(out: Line, moment: Moment): void {
    const offset = this.#lookup.wallClock(0n)
    if (offset !== this.#offset) this.#setOffset(offset)
    const { time } = moment
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
      const wall = moment.timeNs + offset
      seconds = Number(wall / BigInt(NS))
      ns = Number(wall % BigInt(NS))
    }
    if (seconds !== this.#second) {
      this.#second = seconds
      this.#secondText = Buffer.from(`"${new Date(seconds * 1000).toISOString().replace('000Z', '')}`)
    }
    out.raw(this.#secondText)
    out.digits(ns, 9)
    out.raw(END_OF_TIME)
  }

  #setOffset(offset: bigint): void {
    this.#offset = offset
    const ns = ((offset % BigInt(NS)) + BigInt(NS)) % BigInt(NS)
    this.#offsetNs = Number(ns)
    this.#offsetSeconds = Number((offset - ns) / BigInt(NS))
  }
}

/** A CLOCK_MONOTONIC time as decimal digits, exact. */
export function writeTime(out: Line, moment: Moment): void {
  if (moment.time <= MAX_EXACT) out.int(moment.time)
  else out.ascii(String(moment.timeNs))
}

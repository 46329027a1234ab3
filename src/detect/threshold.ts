/**
 * Thresholds: a finding that stands for many matches. A rule with a threshold is reported when, among its matches with
 * equal `by` values, a number is reached within a window that slides with the events (not in fixed buckets).
 *
 * Time is the time of the events, so a replay finds the same. Memory is bounded: of a key no more times are kept than the
 * number to be reached, a key without a match for a whole window is forgotten, and beyond the limits the key that was
 * matched longest ago makes room, which is counted. Up to then counts are exact.
 */
import { createHash } from 'node:crypto'
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import { Ip } from '../fields/ip.ts'
import type { Threshold } from '../rules/ir.ts'
import { type Linked, RecencyList } from './recency-list.ts'

export interface ThresholdLimits {
  /** Most keys of one rule. */
  readonly keys: number
  /** Most memory of one rule, in words of 8 bytes: times, keys and values. */
  readonly words: number
}

export const THRESHOLD_LIMITS: ThresholdLimits = { keys: 65_536, words: 1 << 22 }

export interface ThresholdStatistics {
  /** Keys and memory in use. */
  readonly keys: number
  readonly words: number
  /** Keys given up before their time because a limit was met: their counts began anew. */
  readonly evicted: number
  /** Matches within a window after an alert for their key that no later alert stood for. */
  readonly withheld: number
}

/** What is known of one key. */
interface Entry extends Linked<Entry> {
  readonly key: string
  readonly series: Series
  /** Time of the last match. */
  last: number
  /** Time of the last alert, -Infinity when there was none. */
  alerted: number
  /** Counted since that alert. */
  since: number
  /** Of those, what came within a window of it. */
  withheld: number
}

/** The recent past of one key: what is in the window, as far as it takes to tell whether a number is reached. */
interface Series {
  /** Take a match in. Returns false when it adds nothing to count, as a value that is there already. */
  add(time: number, value: string | undefined): boolean
  /** Counted in the window, at most the number to be reached. */
  readonly size: number
  readonly words: number
}

/** Words of an entry beside its key and its series: objects, map slot (measured). */
const ENTRY_WORDS = 40
/** Keys looked at for each match to see whether their time is over. */
const SWEEP = 2

/** Counts the matches of one rule. */
export class ThresholdCounter<C> {
  readonly #decl: Threshold<C>
  readonly #limits: ThresholdLimits
  readonly #entries = new Map<string, Entry>()
  readonly #order = new RecencyList<Entry>()
  /** Values of `by` of the last match, and the key they make. */
  readonly #values: (Value | readonly Value[] | undefined)[] = []
  #key = ''
  #now = Number.NEGATIVE_INFINITY
  #words = 0
  #evicted = 0
  #withheld = 0

  constructor(decl: Threshold<C>, limits: ThresholdLimits = THRESHOLD_LIMITS) {
    this.#decl = decl
    this.#limits = limits
  }

  get statistics(): ThresholdStatistics {
    return {
      keys: this.#entries.size,
      words: this.#words,
      evicted: this.#evicted,
      withheld: this.#withheld,
    }
  }

  /**
   * Count a match at `time` (ns; one that comes late counts as now). Returns 0 when nothing is to be reported, else what the
   * alert stands for: the first of a key for what is in the window, a later one for everything since the one before.
   */
  add(ctx: C, time: number): number {
    const { distinct, windowNs, atLeast } = this.#decl
    if (time > this.#now) this.#now = time
    const now = this.#now
    const value = distinct && textOf(distinct.extractor.get(ctx))
    if (distinct !== undefined && value === undefined) return 0
    const entry = this.#entryOf(this.#keyOf(ctx), now)
    const before = entry.series.words
    const counted = entry.series.add(now, value)
    this.#spend(entry.series.words - before, entry)
    const silent = now - entry.alerted < windowNs
    if (counted) {
      entry.since++
      if (silent) {
        entry.withheld++
        this.#withheld++
      }
    }
    if (silent || entry.series.size < atLeast) return 0
    // Values that were there before the last alert and were seen again are in the window, though not new.
    const standsFor =
      entry.alerted === Number.NEGATIVE_INFINITY
        ? entry.series.size
        : Math.max(entry.since, entry.series.size)
    this.#withheld -= entry.withheld
    entry.alerted = now
    entry.since = 0
    entry.withheld = 0
    return standsFor
  }

  /** The key of an event. A flood has the same one over and over, so that of the last event is tried first. */
  #keyOf(ctx: C): string {
    const { by } = this.#decl
    const values = this.#values
    let same = values.length === by.length
    for (let i = 0; i < by.length; i++) {
      const value = by[i]!.extractor.get(ctx)
      // A list is made anew for each event, so it always differs.
      same &&= values[i] === value
      values[i] = value
    }
    if (!same) this.#key = keyOf(values)
    return this.#key
  }

  /** The entry of a key, now the newest; a new one when its time is over. */
  #entryOf(key: string, now: number): Entry {
    const { newest } = this.#order
    const old = newest?.key === key ? newest : this.#entries.get(key)
    if (old !== undefined && old.last > now - this.#decl.windowNs) {
      this.#order.touch(old)
      old.last = now
      this.#sweep(now)
      return old
    }
    if (old !== undefined) this.#forget(old)
    const entry: Entry = {
      key,
      series: seriesOf(this.#decl),
      last: now,
      alerted: Number.NEGATIVE_INFINITY,
      since: 0,
      withheld: 0,
      older: undefined,
      newer: undefined,
    }
    this.#entries.set(key, entry)
    this.#order.add(entry)
    this.#sweep(now)
    if (this.#entries.size > this.#limits.keys) this.#evict(entry)
    this.#spend(wordsOf(entry), entry)
    return entry
  }

  /** Forget keys that had no match for a window. Each match adds one at most, so two looks keep up. */
  #sweep(now: number): void {
    for (let i = 0; i < SWEEP; i++) {
      const { oldest } = this.#order
      if (oldest === undefined || oldest.last > now - this.#decl.windowNs) return
      this.#forget(oldest)
    }
  }

  /** Account for memory, making room at the expense of other keys than `but`. */
  #spend(words: number, but: Entry): void {
    this.#words += words
    while (this.#words > this.#limits.words && this.#evict(but)) {}
  }

  #evict(but: Entry): boolean {
    const { oldest } = this.#order
    if (oldest === undefined || oldest === but) return false
    this.#forget(oldest)
    this.#evicted++
    return true
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#order.remove(entry)
    this.#words -= wordsOf(entry)
  }
}

const wordsOf = ({ key, series }: Entry): number => ENTRY_WORDS + textWords(key) + series.words

/** A character takes two bytes at most. */
const textWords = (text: string): number => Math.ceil(text.length / 4)

const seriesOf = <C>({ distinct, windowNs, atLeast }: Threshold<C>): Series =>
  distinct === undefined ? new Times(windowNs, atLeast) : new DistinctValues(windowNs, atLeast)

/** Times of the latest matches, a ring that grows as needed up to the number to be reached. */
class Times implements Series {
  readonly #window: number
  readonly #most: number
  /** A plain array of doubles: typed ones carry an allocation of their own each. */
  #times: number[]
  #first = 0
  size = 0

  constructor(window: number, most: number) {
    this.#window = window
    this.#most = most
    this.#times = new Array<number>(Math.min(most, 4)).fill(0)
  }

  get words(): number {
    return this.#times.length
  }

  add(time: number): boolean {
    while (this.size > 0 && this.#times[this.#first]! <= time - this.#window) this.#dropFirst()
    if (this.size === this.#most) this.#dropFirst()
    if (this.size === this.#times.length) this.#grow()
    this.#times[(this.#first + this.size++) % this.#times.length] = time
    return true
  }

  #dropFirst(): void {
    this.#first = (this.#first + 1) % this.#times.length
    this.size--
  }

  #grow(): void {
    const old = this.#times
    const times = new Array<number>(Math.min(old.length * 2, this.#most)).fill(0)
    for (let i = 0; i < this.size; i++) times[i] = old[(this.#first + i) % old.length]!
    this.#times = times
    this.#first = 0
  }
}

/** A value and when it was last seen. */
interface Seen extends Linked<Seen> {
  readonly value: string
  time: number
}

/** Words of a value beside its text: object, map slot. */
const VALUE_WORDS = 16

/** The latest distinct values. */
class DistinctValues implements Series {
  readonly #window: number
  readonly #most: number
  readonly #seen = new Map<string, Seen>()
  readonly #order = new RecencyList<Seen>()
  words = 0

  constructor(window: number, most: number) {
    this.#window = window
    this.#most = most
  }

  get size(): number {
    return this.#seen.size
  }

  add(time: number, value: string): boolean {
    for (;;) {
      const { oldest } = this.#order
      if (oldest === undefined || oldest.time > time - this.#window) break
      this.#drop(oldest)
    }
    const known = this.#seen.get(value)
    if (known !== undefined) {
      known.time = time
      this.#order.touch(known)
      return false
    }
    const fresh: Seen = { value, time, older: undefined, newer: undefined }
    this.#seen.set(value, fresh)
    this.#order.add(fresh)
    this.words += VALUE_WORDS + textWords(value)
    if (this.#seen.size > this.#most) this.#drop(this.#order.oldest!)
    return true
  }

  #drop(seen: Seen): void {
    this.#seen.delete(seen.value)
    this.#order.remove(seen)
    this.words -= VALUE_WORDS + textWords(seen.value)
  }
}

/** Values as one text: different values, different text. */
function keyOf(values: readonly (Value | readonly Value[] | undefined)[]): string {
  let key = ''
  for (const value of values) {
    const text = textOf(value)
    // The length in front keeps `a|b` and `ab|` apart whatever the values hold.
    key += text === undefined ? '-' : `${text.length}:${text}`
  }
  return key
}

/** Longer texts are kept as their digest, so that hostile paths of 4 KB cost no more than short ones. */
const LONGEST_TEXT = 128

function textOf(value: Value | readonly Value[] | undefined): string | undefined {
  if (value === undefined) return undefined
  const text = plainText(value)
  if (text.length <= LONGEST_TEXT) return text
  return `#${createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64')}`
}

function plainText(value: Value | readonly Value[]): string {
  if (value instanceof Str || value instanceof Ip) return value.text
  if (Array.isArray(value))
    return value.map((item: Value) => plainText(item).replace(/[\\,]/g, '\\$&')).join(',')
  return String(value)
}

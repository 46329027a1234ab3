/**
 * A little of the past in memory, for captures that a rule begins. Items leave it by age, or early for lack of room; what
 * they said of processes and containers is kept in a table that is as far behind as the oldest item that is left, so that
 * a capture begins with the state that its first event met.
 */
import type { EventView } from '../../decode/event-view.ts'
import type { ProcessTable } from '../../state/process-table.ts'
import type { Before } from '../source.ts'
import { Block, type ItemSink } from './block.ts'
import { type Fact, ITEM_BYTES, RECORD } from './items.ts'
import { KnownFacts } from './known.ts'

export interface PastOptions {
  /** Most that is kept: bytes, and ns of event time. */
  readonly bytes: number
  readonly ns: number
  /** A table that nobody else tells anything. */
  readonly table: Pick<ProcessTable, 'apply' | 'living'>
  /** A view of its own. */
  readonly view: EventView
  /** What came so far, as the pipeline counts. */
  readonly before: () => Before
}

/** Items that leave together. */
interface Segment {
  readonly block: Block
  readonly facts: Fact[]
  readonly before: Before
  /** Time when it was begun, ns. */
  readonly began: number
}

/** Parts of the whole, in bytes and in time, that leave at once; bytes such a part has at first. */
const SHARE = 8
const FIRST_ROOM = 16 << 10

export class Past {
  readonly #options: PastOptions
  readonly #known = new KnownFacts()
  #segments: Segment[] = []
  /** Memory of a segment that was forgotten, for the next one. */
  #spare: Block | undefined
  #now = 0
  #used = 0
  #evicted = 0

  constructor(options: PastOptions) {
    this.#options = options
  }

  /** Items that left early for lack of room. */
  get evicted(): number {
    return this.#evicted
  }

  /** An event comes, and was not counted yet: what is too old goes. */
  advance({ type, time }: EventView): void {
    if (type.internal !== true && time > this.#now) this.#now = time
    const { bytes, ns } = this.#options
    const last = this.#segments.at(-1)
    if (last === undefined || last.block.used >= bytes / SHARE || this.#now - last.began >= ns / SHARE)
      this.#begin()
  }

  record(view: EventView): void {
    const { block } = this.#current()
    const before = block.used
    block.record(view)
    this.#used += block.used - before
  }

  fact(fact: Fact): void {
    const { block, facts } = this.#current()
    const before = block.used
    block.fact(fact)
    facts.push(fact)
    this.#used += block.used - before
  }

  /** What a reader of `blocks` must know. */
  tellState(into: ItemSink): void {
    this.#known.tell(into, this.#options.table.living)
    const before = this.#segments[0]?.before ?? this.#options.before()
    into.fact({ of: 'resume', ...before })
  }

  /** What is kept, oldest first; valid until something is added. */
  get blocks(): readonly Block[] {
    return this.#segments.map(({ block }) => block)
  }

  /** The segment that takes the next item. */
  #current(): Segment {
    return this.#segments.at(-1) ?? this.#begin()
  }

  #begin(): Segment {
    this.#forget()
    const before = this.#options.before()
    const segment = { block: this.#spare ?? new Block(FIRST_ROOM), facts: [], before, began: this.#now }
    this.#spare = undefined
    this.#segments.push(segment)
    return segment
  }

  /** What is too old, or for what there is no room. */
  #forget(): void {
    const { bytes, ns } = this.#options
    for (;;) {
      const [oldest] = this.#segments
      if (oldest === undefined) return
      const isOld = Math.max(oldest.block.last, oldest.began) < this.#now - ns
      if (!isOld && this.#used <= bytes) return
      // Who was there at the start is no past.
      if (!isOld && oldest.block.last > 0) this.#evicted += oldest.block.items
      this.#segments.shift()
      this.#used -= oldest.block.used
      this.#digest(oldest)
      oldest.block.clear()
      this.#spare = oldest.block
    }
  }

  /** What is forgotten becomes state. */
  #digest({ block, facts }: Segment): void {
    for (const fact of facts) this.#known.keep(fact)
    const { view, table } = this.#options
    const sizes = new Uint32Array(block.bytes.buffer)
    view.map(block.bytes.buffer)
    for (let at = 0; at < block.used; ) {
      const length = sizes[at >> 2]!
      const begin = at + ITEM_BYTES
      if (block.bytes[at + 4] === RECORD && view.seek(begin, length) === undefined) {
        view.ring = block.bytes[at + 5] === 0 ? 'critical' : 'bulk'
        table.apply(view)
      }
      at = begin + ((length + 7) & ~7)
    }
  }
}

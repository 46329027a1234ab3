/**
 * Takes records out of the rings in kernel time order and accounts for every one of them.
 *
 * Rings are refreshed bulk first: whatever caused a bulk record, such as the exec of its process, is then in the critical
 * ring's batch, too.
 */
import { RINGS, type Ring as RingName } from '../../../schema/index.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import type { Ring } from '../../kernel/ring.ts'

/** Records that came out of a ring and could not be read. */
export type BadRecord = 'short' | 'bad_size' | 'unknown_event' | 'bad_origin'

/** Events of one (ring, CPU) that never came. Times are CLOCK_MONOTONIC ns. */
export interface Gap {
  readonly ring: RingName
  readonly cpu: number
  readonly lost: number
  /** Time of the last record before the first loss; 0 when there was none. */
  readonly from: number
  /** Time of the first record after the last loss, or when it was noticed. */
  readonly to: number
}

export interface ReaderOptions {
  /** In the order of RINGS. */
  readonly rings: readonly Ring[]
  readonly interner: Interner
  readonly cpus: number
  readonly programs: number
  /** Next sequence number of row ring * cpus + cpu, from the kernel side. */
  readonly nextSequence: (row: number) => number
}

interface OpenGap {
  lost: number
  from: number
  to: number
}

export class Reader {
  /** Records handed on, by program * cpus + cpu. */
  readonly delivered: Float64Array
  readonly bad: Record<BadRecord, number> = { short: 0, bad_size: 0, unknown_event: 0, bad_origin: 0 }
  /** Records older than one already handed on. */
  late = 0
  readonly #options: ReaderOptions
  readonly #views: readonly EventView[]
  readonly #ready: boolean[]
  readonly #times: Float64Array
  /** By row: the number the next record should have, the time of the last one. */
  readonly #expected: Float64Array
  readonly #lastTime: Float64Array
  readonly #gaps = new Map<number, OpenGap>()
  /** Kernel's sequence numbers at the last look, to tell a loss at the end from a record on its way. */
  readonly #seen: Float64Array
  #newest = 0

  constructor(options: ReaderOptions) {
    const { rings, interner, cpus, programs } = options
    this.#options = options
    this.#views = rings.map((ring, i) => {
      const view = new EventView(interner)
      view.map(ring.data, ring.dataOffset)
      view.ring = RINGS[i]!
      return view
    })
    this.#ready = rings.map(() => false)
    this.#times = new Float64Array(rings.length)
    this.delivered = new Float64Array(programs * cpus)
    this.#expected = new Float64Array(rings.length * cpus)
    this.#lastTime = new Float64Array(rings.length * cpus)
    this.#seen = new Float64Array(rings.length * cpus).fill(-1)
  }

  /** Hand on what is there, at most `max` records; returns how many. The view is valid during the call only. */
  drain(max: number, each: (event: EventView) => void): number {
    const { rings } = this.#options
    let done = 0
    for (let i = rings.length - 1; i >= 0; i--) rings[i]!.refresh()
    while (done < max) {
      const next = this.#earliest()
      if (next < 0) break
      const view = this.#views[next]!
      const time = this.#times[next]!
      if (time < this.#newest) this.late++
      else this.#newest = time
      this.#account(next, view, time)
      try {
        each(view)
      } finally {
        // A record that its consumer chokes on must not come again.
        this.#ready[next] = false
        rings[next]!.pop()
      }
      done++
    }
    for (const ring of rings) ring.release()
    return done
  }

  /** Bytes waiting in all rings. */
  get backlog(): number {
    let bytes = 0
    for (const ring of this.#options.rings) bytes += ring.backlog
    return bytes
  }

  /**
   * Losses since the last call. With `final`, everything the kernel numbered and we did not get counts; otherwise numbers
   * at the end count only when they have been outstanding since the last call.
   */
  takeGaps(now: number, final = false): Gap[] {
    this.#noteTails(now, final)
    const { cpus } = this.#options
    const gaps: Gap[] = []
    for (const [row, { lost, from, to }] of this.#gaps)
      if (lost > 0) gaps.push({ ring: RINGS[Math.floor(row / cpus)]!, cpu: row % cpus, lost, from, to })
    this.#gaps.clear()
    return gaps
  }

  /** Index of the ring with the earliest record, -1 when there is none. */
  #earliest(): number {
    const { rings } = this.#options
    let best = -1
    for (let i = 0; i < rings.length; i++) {
      if (!this.#ready[i] && !this.#load(i)) continue
      if (best < 0 || this.#times[i]! < this.#times[best]!) best = i
    }
    return best
  }

  /** Move a ring's view to its next readable record. */
  #load(i: number): boolean {
    const ring = this.#options.rings[i]!
    const view = this.#views[i]!
    for (;;) {
      const offset = ring.peek()
      if (offset < 0) return false
      const fault = view.seek(offset, ring.length)
      if (fault === undefined && view.cpu < this.#options.cpus && view.prog < this.#options.programs) {
        this.#times[i] = view.time
        this.#ready[i] = true
        return true
      }
      this.bad[fault ?? 'bad_origin']++
      ring.pop()
    }
  }

  #account(ring: number, view: EventView, time: number): void {
    const { cpus } = this.#options
    const cpu = view.cpu
    const index = view.prog * cpus + cpu
    this.delivered[index] = this.delivered[index]! + 1
    const row = ring * cpus + cpu
    const expected = this.#expected[row]!
    const seq = view.seq
    if (seq === expected) this.#expected[row] = seq + 1
    else if (seq > expected) {
      this.#lose(row, seq - expected, time)
      this.#expected[row] = seq + 1
    } else {
      // A program interrupted between number and ring delivers after the one that interrupted it.
      this.#lose(row, -1, time)
    }
    this.#lastTime[row] = time
  }

  #lose(row: number, lost: number, to: number): void {
    const gap = this.#gaps.get(row)
    if (gap) {
      gap.lost += lost
      gap.to = to
    } else this.#gaps.set(row, { lost, from: this.#lastTime[row]!, to })
  }

  /** Numbers handed out after the last record that came. */
  #noteTails(now: number, final: boolean): void {
    if (!final && this.backlog > 0) return
    for (let row = 0; row < this.#expected.length; row++) {
      const next = this.#options.nextSequence(row)
      const missing = next - this.#expected[row]!
      if (missing > 0 && (final || this.#seen[row] === next)) {
        this.#lose(row, missing, now)
        this.#expected[row] = next
      }
      this.#seen[row] = next
    }
  }
}

/**
 * Which cgroups are held back on the bulk ring (bpf/include/maps.h): read from the table of the kernel side now and then,
 * told when it begins and when it is over.
 */

/** A cgroup begins to be held back, or is no more. */
export interface ThrottleNotice {
  readonly state: 'start' | 'stop'
  readonly cgroup: number
  readonly cgroupV1: number
  /** Events held back so far; all of them at the end. */
  readonly count: number
  /** CLOCK_MONOTONIC ns of the look before the first event that was held back was noticed, and of this one. */
  readonly from: number
  readonly to: number
}

/** Rows of the table, and 64-bit words of one. */
export const THROTTLE_SLOTS = 1024
export const SLOT_WORDS = 6
const WORD = { key: 0, cgroup: 1, cgroupV1: 2, held: 5 } as const

interface Held {
  readonly key: bigint
  readonly cgroup: number
  readonly cgroupV1: number
  readonly from: number
  /** The slot's count before. */
  readonly before: number
  /** The slot's count at the last look. */
  seen: number
}

export class ThrottleWatch {
  readonly #slots: BigUint64Array
  /** By row. */
  readonly #held = new Map<number, Held>()
  readonly #counts = new Map<number, { readonly key: bigint; readonly held: number }>()
  #last = 0

  constructor(slots: BigUint64Array) {
    this.#slots = slots
  }

  /** Look at the table; `final` ends what is going on. */
  look(now: number, final: boolean): ThrottleNotice[] {
    const notices: ThrottleNotice[] = []
    for (let row = 0; row < THROTTLE_SLOTS; row++) {
      const key = this.#word(row, WORD.key)
      if (key === 0n) continue
      const notice = this.#lookAt(row, key, now, final)
      if (notice !== undefined) notices.push(notice)
    }
    this.#last = now
    return notices
  }

  #lookAt(row: number, key: bigint, now: number, final: boolean): ThrottleNotice | undefined {
    const held = Number(this.#word(row, WORD.held))
    const known = this.#counts.get(row)
    // A slot that was taken over begins anew.
    const before = known?.key === key ? known.held : 0
    const going = this.#held.get(row)
    const isTaken = going !== undefined && going.key !== key
    // What the next owner has is told at the next look.
    this.#counts.set(row, { key, held: isTaken ? 0 : held })
    if (going !== undefined && (isTaken || held === going.seen || final)) {
      this.#held.delete(row)
      const count = (isTaken ? going.seen : held) - going.before
      return this.#notice('stop', going, count, now)
    }
    if (held <= before) return undefined
    if (going !== undefined) {
      going.seen = held
      return undefined
    }
    const cgroup = Number(this.#word(row, WORD.cgroup))
    const cgroupV1 = Number(this.#word(row, WORD.cgroupV1))
    const fresh = { key, cgroup, cgroupV1, from: this.#last, before, seen: held }
    this.#held.set(row, fresh)
    return this.#notice('start', fresh, held - before, now)
  }

  #notice(state: ThrottleNotice['state'], held: Held, count: number, to: number): ThrottleNotice {
    const { cgroup, cgroupV1, from } = held
    return { state, cgroup, cgroupV1, count, from, to }
  }

  #word(row: number, word: number): bigint {
    return this.#slots[row * SLOT_WORDS + word]!
  }
}

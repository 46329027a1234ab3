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
export const SLOT_WORDS = 7
const WORD = { key: 0, cgroup: 1, cgroupV1: 2, held: 5, base: 6 } as const

/** Whose row it is, and what was told of it. */
interface Owner {
  readonly key: bigint
  readonly cgroup: number
  readonly cgroupV1: number
  /** The row's count at the last look. */
  seen: number
  /** While it is held back: since when, and the row's count before. */
  going: { readonly from: number; readonly before: number } | undefined
}

export class ThrottleWatch {
  readonly #slots: BigUint64Array
  /** By row. */
  readonly #owners = new Map<number, Owner>()
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
      const held = Number(this.#word(row, WORD.held))
      const known = this.#owners.get(row)
      if (known?.key === key) {
        this.#upTo(known, held, now, final, notices)
        continue
      }
      // Whoever had the row is told of to the end, so that nothing that was held back goes untold.
      const base = known === undefined ? 0 : Math.max(Number(this.#word(row, WORD.base)), known.seen)
      if (known !== undefined) this.#upTo(known, base, now, true, notices)
      const [cgroup, cgroupV1] = [
        Number(this.#word(row, WORD.cgroup)),
        Number(this.#word(row, WORD.cgroupV1)),
      ]
      const owner: Owner = { key, cgroup, cgroupV1, seen: base, going: undefined }
      this.#owners.set(row, owner)
      this.#upTo(owner, held, now, final, notices)
    }
    this.#last = now
    return notices
  }

  /** Tell what is new of an owner now that its row's count is `held`; `ends`: nothing more comes. */
  #upTo(owner: Owner, held: number, now: number, ends: boolean, notices: ThrottleNotice[]): void {
    const { cgroup, cgroupV1, seen } = owner
    const tell = (state: ThrottleNotice['state'], { from, before }: NonNullable<Owner['going']>): void => {
      notices.push({ state, cgroup, cgroupV1, count: held - before, from, to: now })
    }
    const grew = held > seen
    owner.seen = held
    if (grew && owner.going === undefined) {
      owner.going = { from: this.#last, before: seen }
      tell('start', owner.going)
    }
    if (owner.going === undefined || (grew && !ends)) return
    tell('stop', owner.going)
    owner.going = undefined
  }

  #word(row: number, word: number): bigint {
    return this.#slots[row * SLOT_WORDS + word]!
  }
}

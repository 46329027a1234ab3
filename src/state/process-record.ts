/** One process of the table: mutable here, read-only (`ProcessInfo`) for everybody else. */

import type { ContainerRef } from '../decode/answers.ts'
import type { RecentTexts } from '../decode/recent-texts.ts'
import { type Marked, Str } from '../decode/str.ts'
import type { ExecFacts, ProcessInfo } from '../fields/context.ts'
import { Vectors } from './vectors.ts'

/** Resolution of start times from /proc: USER_HZ is 100 on every architecture we run on (proc(5), field 22). */
export const TICK_NS = 10_000_000

/** A start time in whole ticks comes from /proc; a kernel time is one only by a chance of one in ten million. */
export const isCoarse = (start: number): boolean => start % TICK_NS === 0

/** Do two start times mean the same process, given equal pids? Coarse ones match within one tick. */
export const sameStart = (a: number, b: number): boolean =>
  a === b || ((isCoarse(a) || isCoarse(b)) && Math.abs(a - b) <= TICK_NS)

/** Ancestors that a copy keeps: more than fields look at do not occur, loops must end. */
const FROZEN_MAX = 64

/** Where a record asks for its parent: by identity, so that a reused pid is never taken for one. */
export type FindProcess = (pid: number, start: number) => ProcessRecord | undefined

const EMPTY = new Str('')

export class ProcessRecord implements ProcessInfo {
  readonly pid: number
  start: number
  ppid = 0
  /** Start of the parent as the kernel gave it; 0 when it is not known. */
  parentStart = 0
  vpid: number
  pgid = 0
  vpgid = 0
  sid = 0
  pidns = 0
  mntns = 0
  uts: Str | undefined = undefined
  exeIno = 0
  exeFlags = 0
  exeCtime = 0n
  exeMtime = 0n
  tty = 0
  uid = 0
  gid = 0
  loginuid = -1
  capInheritable = 0
  capPermitted = 0
  capEffective = 0
  comm: Str = EMPTY
  exePath: Str = EMPTY
  cwd: Str = EMPTY
  container: ContainerRef | undefined = undefined
  image: ExecFacts | undefined = undefined
  /** cgroup v2 id of the last event, 0 when not known, and the v1 id beside it. */
  cgroup = 0
  cgroupV1 = 0
  vectors = new Vectors()
  /** CLOCK_MONOTONIC ns of the event the state is of; older snapshots do not overwrite it. */
  asOf = 0
  /** CLOCK_MONOTONIC ns of its end, undefined while it lives. */
  exitedAt: number | undefined = undefined
  told: object | undefined = undefined
  /** Made an event since eviction last looked at it. */
  used = true
  /** Older process with the same pid. */
  older: ProcessRecord | undefined = undefined
  /** Neighbours in the queue the table keeps it in. */
  previous: ProcessRecord | undefined = undefined
  next: ProcessRecord | undefined = undefined
  readonly #find: FindProcess
  readonly #texts: RecentTexts
  #derived: Map<string, Str> | undefined

  constructor(pid: number, start: number, find: FindProcess, texts: RecentTexts) {
    this.pid = pid
    this.vpid = pid
    this.start = start
    this.#find = find
    this.#texts = texts
  }

  get coarse(): boolean {
    return isCoarse(this.start)
  }
  get containerId(): string | undefined {
    return this.container?.id
  }
  get argv(): readonly string[] {
    return this.vectors.argv
  }
  get argvCutFrom(): number | undefined {
    return this.vectors.argvCutFrom
  }
  get env(): readonly string[] {
    return this.vectors.env
  }

  /** Looked up each time: a reference would keep every ancestor that ever was in memory. */
  get parent(): ProcessInfo | undefined {
    return this.ppid === 0 ? undefined : this.#find(this.ppid, this.parentStart)
  }

  get look(): Marked | undefined {
    return this.vectors.lookOf(this)
  }

  derived(key: string, make: () => string): Str {
    this.#derived ??= this.vectors.texts(this.comm)
    let value = this.#derived.get(key)
    if (value === undefined) {
      value = this.#texts.get(make())
      this.#derived.set(key, value)
    }
    return value
  }

  /** Forget computed text: name or arguments changed. */
  dropDerived(): void {
    this.#derived = undefined
  }

  /** The process and its ancestors as they are now: what happens to them later does not change the copy. */
  frozen(generations = FROZEN_MAX): ProcessRecord {
    const above = this.ppid === 0 || generations === 0 ? undefined : this.#find(this.ppid, this.parentStart)
    const parent = above?.frozen(generations - 1)
    const copy = new ProcessRecord(this.pid, this.start, () => parent, this.#texts)
    Object.assign(copy, this)
    copy.older = undefined
    copy.previous = undefined
    copy.next = undefined
    return copy
  }

  /** Take over what a forked child has in common with `parent`; its vectors are the table's business. */
  inherit(parent: ProcessRecord): void {
    this.pgid = parent.pgid
    this.vpgid = parent.vpgid
    this.sid = parent.sid
    this.mntns = parent.mntns
    this.uts = parent.uts
    this.comm = parent.comm
    this.exePath = parent.exePath
    this.exeIno = parent.exeIno
    this.exeFlags = parent.exeFlags
    this.exeCtime = parent.exeCtime
    this.exeMtime = parent.exeMtime
    this.cwd = parent.cwd
    this.tty = parent.tty
    this.uid = parent.uid
    this.gid = parent.gid
    this.loginuid = parent.loginuid
    this.capInheritable = parent.capInheritable
    this.capPermitted = parent.capPermitted
    this.capEffective = parent.capEffective
    this.container = parent.container
    this.image = parent.image
    this.cgroup = parent.cgroup
    this.cgroupV1 = parent.cgroupV1
  }
}

/**
 * The processes of the host, kept by applying events in order.
 *
 * A process is (start, pid), never the pid alone. Threads have no entries. Memory is bounded by a number of processes and
 * by bytes of arguments and environments; what had to be thrown out is counted. Exited processes stay for a while,
 * because children and late events of the bulk ring still ask for them, and go first when room is needed.
 */

import { CLONE_FLAGS } from '../../schema/enums/index.ts'
import type { CgroupAnswer, CgroupQuestion, ContainerRef } from '../decode/answers.ts'
import type { EventView } from '../decode/event-view.ts'
import type { Interner } from '../decode/interner.ts'
import { RecentTexts } from '../decode/recent-texts.ts'
import { Str } from '../decode/str.ts'
import type { ProcessInfo } from '../fields/context.ts'
import { execFacts } from './exec-facts.ts'
import { ProcessQueue } from './process-queue.ts'
import { isCoarse, ProcessRecord, sameStart } from './process-record.ts'
import { VectorReader, Vectors } from './vectors.ts'

const CLONE_PARENT = CLONE_FLAGS.names['CLONE_PARENT']!

/** Computed text longer than this is not shared between processes. */
const SHARED_TEXT_MAX = 512

export interface ProcessTableOptions {
  readonly interner: Interner
  /** Container of a cgroup path (see enrich/container.ts); undefined for the host. */
  readonly containerOf: (cgroupPath: string) => ContainerRef | undefined
  /**
   * Somebody who may know the cgroup of a process that was moved to one no event has named; answers go to `moved`. False when
   * there is no time for the question: the next event of the process asks again.
   */
  readonly askCgroup?: (question: CgroupQuestion) => boolean
  /** Told whenever it is learned what a cgroup holds; undefined for the host. */
  readonly learned?: (cgroup: number, cgroupV1: number, container: ContainerRef | undefined) => void
  /** Most processes kept, exited ones included. */
  readonly max?: number
  /** Most exited processes kept. */
  readonly maxExited?: number
  /** How long an exited process stays, ns of event time. */
  readonly keepExitedNs?: number
  /** Most bytes of argument vectors and environments kept. */
  readonly maxBytes?: number
}

/** Running counts since the table was made. */
export interface ProcessTableCounters {
  /** Living processes thrown out for lack of room. */
  readonly evicted: number
  /** Exited processes dropped early for lack of room; going by age is not counted. */
  readonly evictedExited: number
  /** Events of processes the table does not know. */
  readonly unknownProcess: number
  /** Start times from /proc replaced by the kernel's. */
  readonly coarseReplaced: number
  /** Exits never seen, noticed when the pid came back. */
  readonly missedExits: number
}

export interface ProcessTable {
  /**
   * Take note of an event and say whose it is: the process with the event's (pid, start), after the change that the event
   * itself made. Undefined, and counted, when the table does not know the process.
   */
  apply(event: EventView): ProcessInfo | undefined
  /** A process was found in this cgroup. */
  moved(answer: CgroupAnswer): void
  /** A process by identity; a coarse start matches within one tick. */
  find(pid: number, start: number): ProcessInfo | undefined
  /** Processes that live, as far as is known. */
  readonly living: Iterable<ProcessInfo>
  /** A process and its ancestors as they are now, for those who judge an event later. */
  freeze(process: ProcessInfo): ProcessInfo
  /** Processes in the table, exited ones included. */
  readonly size: number
  /** Exited processes still kept. */
  readonly exitedKept: number
  /** Bytes of argument vectors and environments. */
  readonly bytes: number
  readonly counters: ProcessTableCounters
}

/** Processes with the same pid kept at once: the living one and some before it. */
const SAME_PID_MAX = 4
/** Cgroups whose container is remembered. */
const CGROUPS_MAX = 4096
/** Processes passed over, at most, in one search for a victim. */
const SECOND_CHANCES = 64

const cgroupKey = (cgroup: number, cgroupV1: number): string => `${cgroup} ${cgroupV1}`

/** Options without a default. */
type Asked = 'askCgroup' | 'learned'

export const createProcessTable = (options: ProcessTableOptions): ProcessTable => new Table(options)

class Table implements ProcessTable {
  readonly #options: Required<Omit<ProcessTableOptions, Asked>> & Pick<ProcessTableOptions, Asked>
  readonly #texts = new RecentTexts((text) => new Str(text), SHARED_TEXT_MAX)
  /** Containers by the ids of cgroups, as far as processes started there; null is the host. */
  readonly #cgroups = new Map<string, ContainerRef | null>()
  /** By path of a cgroup. */
  readonly #containers = new Map<string, ContainerRef | null>()
  /** Newest process of a pid; older ones hang on it. */
  readonly #byPid = new Map<number, ProcessRecord>()
  /** In order of birth, those passed over by eviction moved to the end. */
  readonly #living = new ProcessQueue()
  /** In order of exit. */
  readonly #exited = new ProcessQueue()
  readonly #find = (pid: number, start: number): ProcessRecord | undefined => this.#lookUp(pid, start)
  readonly #vectors = new VectorReader()
  #bytes = 0
  readonly counters = {
    evicted: 0,
    evictedExited: 0,
    unknownProcess: 0,
    coarseReplaced: 0,
    missedExits: 0,
  }

  constructor(options: ProcessTableOptions) {
    const max = options.max ?? 65536
    this.#options = {
      max,
      maxExited: Math.ceil(max / 4),
      keepExitedNs: 60e9,
      maxBytes: 64 * 1024 * 1024,
      ...options,
    }
  }

  get living(): Iterable<ProcessInfo> {
    return this.#living.all()
  }
  get size(): number {
    return this.#living.size + this.#exited.size
  }
  get exitedKept(): number {
    return this.#exited.size
  }
  get bytes(): number {
    return this.#bytes
  }

  find(pid: number, start: number): ProcessInfo | undefined {
    return this.#lookUp(pid, start)
  }

  freeze(process: ProcessInfo): ProcessInfo {
    return process instanceof ProcessRecord ? process.frozen() : process
  }

  apply(event: EventView): ProcessInfo | undefined {
    this.#expire(event.time)
    const record = this.#reduce(event)
    if (record === undefined) {
      this.counters.unknownProcess++
      return undefined
    }
    record.used = true
    if (record.cgroup !== event.cgroup || record.cgroupV1 !== event.cgroupV1) this.#noteMove(record, event)
    return record
  }

  moved({ pid, start, cgroup, cgroupV1, paths }: CgroupAnswer): void {
    const container = this.#firstContainer(paths)
    this.#learn(cgroup, cgroupV1, container)
    const record = this.#lookUp(pid, start)
    if (record?.cgroup === cgroup && record.cgroupV1 === cgroupV1) record.container = container
  }

  /** The process was moved since it last executed something. Ids of 0 are those of a snapshot that did not know them. */
  #noteMove(record: ProcessRecord, event: EventView): void {
    const { cgroup, cgroupV1 } = event
    if (record.cgroup !== 0 || record.cgroupV1 !== 0) {
      const { pid, start } = record
      const container = this.#cgroups.get(cgroupKey(cgroup, cgroupV1))
      if (container !== undefined) record.container = container ?? undefined
      else if (this.#options.askCgroup?.({ pid, start, cgroup, cgroupV1 }) === false) return
    }
    record.cgroup = cgroup
    record.cgroupV1 = cgroupV1
  }

  #learn(cgroup: number, cgroupV1: number, container: ContainerRef | undefined): void {
    if (cgroup === 0 && cgroupV1 === 0) return
    const key = cgroupKey(cgroup, cgroupV1)
    if (!this.#cgroups.has(key)) this.#options.learned?.(cgroup, cgroupV1, container)
    this.#cgroups.set(key, container ?? null)
    if (this.#cgroups.size > CGROUPS_MAX) this.#cgroups.delete(this.#cgroups.keys().next().value!)
  }

  #reduce(event: EventView): ProcessRecord | undefined {
    const known = this.#ofEvent(event)
    switch (event.name) {
      case 'execve':
      case 'execveat':
        return event.number('res')! < 0 ? known : this.#exec(event, known)
      case 'process_snapshot':
        return this.#snapshot(event, known)
      case 'clone':
      case 'fork':
      case 'vfork':
      case 'clone3':
        this.#fork(event, known)
        return known
      case 'procexit':
        if (known !== undefined) this.#exit(known, event.time)
        return known
      case 'task_rename':
        if (known !== undefined) this.#rename(event, known)
        return known
      default:
        return known
    }
  }

  /** The process of the event's header; its coarse start gives way to the kernel's, and the user id is refreshed. */
  #ofEvent(event: EventView): ProcessRecord | undefined {
    const start = event.start
    const record = this.#lookUp(event.pid, start)
    if (record === undefined) return undefined
    if (record.start !== start && !isCoarse(start)) {
      record.start = start
      this.counters.coarseReplaced++
    }
    record.uid = event.uid
    return record
  }

  #exec(event: EventView, known: ProcessRecord | undefined): ProcessRecord {
    const record = known ?? this.#insert(event.pid, event.start, event.time)
    this.#fill(record, event)
    return record
  }

  /** A snapshot mends what is unknown or older than itself, and leaves the rest alone. */
  #snapshot(event: EventView, known: ProcessRecord | undefined): ProcessRecord {
    if (known !== undefined && known.asOf > event.time) return known
    return this.#exec(event, known)
  }

  #fill(record: ProcessRecord, event: EventView): void {
    record.asOf = event.time
    record.ppid = event.number('ppid')!
    record.parentStart = event.number('parent_start')!
    record.vpid = event.number('vpid')!
    record.pgid = event.number('pgid')!
    record.vpgid = event.number('vpgid')!
    record.sid = event.number('sid')!
    record.pidns = event.number('pidns')!
    record.mntns = event.number('mntns')!
    record.uts = event.string('uts')
    record.tty = event.number('tty')!
    record.uid = event.uid
    record.gid = event.number('gid')!
    record.loginuid = event.number('loginuid')!
    record.capInheritable = event.number('cap_inheritable')!
    record.capPermitted = event.number('cap_permitted')!
    record.capEffective = event.number('cap_effective')!
    record.exeIno = event.number('exe_ino')!
    record.exeFlags = event.number('exe_flags')!
    record.exeCtime = event.bigint('exe_ctime')!
    record.exeMtime = event.bigint('exe_mtime')!
    record.comm = event.string('comm') ?? record.comm
    // Without a path, what is known of an earlier image would be a lie: a kernel thread has none.
    record.exePath = event.string('exe_path') ?? this.#options.interner.intern('')
    record.cwd = event.string('cwd') ?? record.cwd
    record.cgroup = event.cgroup
    record.cgroupV1 = event.cgroupV1
    record.container = this.#containerOf(event)
    this.#learn(record.cgroup, record.cgroupV1, record.container)
    record.image = execFacts(event)
    this.#setVectors(record, this.#vectors.read(event))
    record.dropDerived()
  }

  #containerOf(event: EventView): ContainerRef | undefined {
    return (
      this.#container(event.string('cgroup_path')?.text) ??
      this.#container(event.string('cgroup_v1_path')?.text)
    )
  }

  #firstContainer(paths: readonly string[]): ContainerRef | undefined {
    for (const path of paths) {
      const container = this.#container(path)
      if (container !== undefined) return container
    }
    return undefined
  }

  /** A path means the same each time; most processes are in a cgroup that another was in. */
  #container(path: string | undefined): ContainerRef | undefined {
    if (path === undefined) return undefined
    const known = this.#containers.get(path)
    if (known !== undefined) return known ?? undefined
    const container = this.#options.containerOf(path)
    if (this.#containers.size >= CGROUPS_MAX) this.#containers.clear()
    this.#containers.set(path, container ?? null)
    return container
  }

  /** The child starts as a copy of its parent, or with the little the event tells when the parent is unknown. */
  #fork(event: EventView, parent: ProcessRecord | undefined): void {
    const pid = event.number('child_pid')!
    const start = event.number('child_start')!
    if (pid === 0 || this.#lookUp(pid, start) !== undefined) return
    if (parent !== undefined) parent.used = true
    const child = this.#insert(pid, start, event.time)
    if (parent !== undefined) {
      child.inherit(parent)
      this.#setVectors(child, parent.vectors)
    }
    child.uid = event.uid
    // Who makes a brother by CLONE_PARENT is not its parent: container runtimes do.
    const isBrother = ((event.number('flags') ?? 0) & CLONE_PARENT) !== 0
    child.ppid = isBrother ? (parent?.ppid ?? 0) : event.pid
    child.parentStart = isBrother ? (parent?.parentStart ?? 0) : event.start
    child.vpid = event.number('child_vpid')!
    child.pidns = event.number('child_pidns')!
    // The main thread of the child is a copy of the thread that forked, whose name may differ from its process's.
    const comm = event.string('comm') ?? child.comm
    if (comm.text !== child.comm.text) child.dropDerived()
    child.comm = comm
    child.asOf = event.time
  }

  #rename(event: EventView, record: ProcessRecord): void {
    const name = event.string('newname')
    if (name === undefined || event.time < record.asOf) return
    record.comm = name
    record.asOf = event.time
    record.dropDerived()
  }

  #exit(record: ProcessRecord, time: number): void {
    if (record.exitedAt !== undefined) return
    record.exitedAt = time
    this.#living.remove(record)
    this.#exited.add(record)
  }

  #lookUp(pid: number, start: number): ProcessRecord | undefined {
    let record = this.#byPid.get(pid)
    while (record !== undefined && !sameStart(record.start, start)) record = record.older
    return record
  }

  #insert(pid: number, start: number, time: number): ProcessRecord {
    this.#makeRoom()
    const record = new ProcessRecord(pid, start, this.#find, this.#texts)
    const older = this.#byPid.get(pid)
    if (older !== undefined) {
      // Two living processes cannot share a pid: the exit of the older one was lost.
      if (older.exitedAt === undefined) {
        this.counters.missedExits++
        this.#exit(older, time)
      }
      record.older = older
    }
    this.#byPid.set(pid, record)
    this.#living.add(record)
    this.#cutChain(record)
    return record
  }

  #cutChain(newest: ProcessRecord): void {
    let last: ProcessRecord | undefined = newest
    for (let i = 1; i < SAME_PID_MAX && last !== undefined; i++) last = last.older
    if (last?.older !== undefined) {
      this.counters.evictedExited++
      this.#drop(last.older)
    }
  }

  #setVectors(record: ProcessRecord, vectors: Vectors): void {
    if (vectors.users++ === 0) this.#bytes += vectors.bytes
    this.#release(record)
    record.vectors = vectors
    while (this.#bytes > this.#options.maxBytes && this.#evictOther(record));
  }

  #release(record: ProcessRecord): void {
    if (record.vectors.users > 0 && --record.vectors.users === 0) this.#bytes -= record.vectors.bytes
  }

  /** Drop exited processes that nobody will ask for any more. */
  #expire(now: number): void {
    const { keepExitedNs, maxExited } = this.#options
    let oldest = this.#exited.first
    while (oldest !== undefined && oldest.exitedAt! + keepExitedNs < now) {
      this.#drop(oldest)
      oldest = this.#exited.first
    }
    while (this.#exited.size > maxExited) {
      this.counters.evictedExited++
      this.#drop(this.#exited.first!)
    }
  }

  #makeRoom(): void {
    while (this.size >= this.#options.max && this.#evictOther(undefined));
  }

  /** Throw out one process, exited ones first, but not `keep`. False when there is no other. */
  #evictOther(keep: ProcessRecord | undefined): boolean {
    const exited = this.#exited.first
    if (exited !== undefined && exited !== keep) {
      this.counters.evictedExited++
      this.#drop(exited)
      return true
    }
    // Second chance: whoever made an event since the last time round goes to the end of the queue, up to a limit.
    let oldest = this.#living.first
    for (let i = 0; i < SECOND_CHANCES && oldest !== undefined && (oldest.used || oldest === keep); i++) {
      oldest.used = false
      this.#living.remove(oldest)
      this.#living.add(oldest)
      oldest = this.#living.first
    }
    if (oldest === undefined || oldest === keep) return false
    this.counters.evicted++
    this.#drop(oldest)
    return true
  }

  #drop(record: ProcessRecord): void {
    ;(record.exitedAt === undefined ? this.#living : this.#exited).remove(record)
    this.#release(record)
    record.vectors = new Vectors()
    const newest = this.#byPid.get(record.pid)
    if (newest === record) {
      if (record.older === undefined) this.#byPid.delete(record.pid)
      else this.#byPid.set(record.pid, record.older)
      return
    }
    let at = newest
    while (at !== undefined && at.older !== record) at = at.older
    if (at !== undefined) at.older = record.older
  }
}

/**
 * Who the processes of Tracee's lines are. A line says of its process what a table knows once and for all, so this keeps
 * what was said, and says it again, as the record of a process that was there, when something is new.
 */
import { AT_FDCWD } from '../../../schema/enums/index.ts'
import type { RecordInit } from '../../decode/encode.ts'
import type { Fields } from './values.ts'

/** What a line says of its process. */
export interface Actor {
  readonly pid: number
  readonly tid: number
  readonly uid: number
  readonly vpid: number
  readonly ppid: number
  /** Of the parent in the namespace of the process; 0 when it is not known. */
  readonly pvpid: number
  readonly mntns: number
  readonly pidns: number
  readonly comm: string
  readonly host: string
  readonly containerId: string
}

interface Known {
  readonly start: number
  actor: Actor
  /** What an exec said of the program. */
  image: Fields
}

/** Processes remembered: the one that was named longest ago goes. */
const MOST = 65_536
const CONTAINERS = 4096
/** Apart enough not to be taken for one another where start times are coarse. */
const BETWEEN = 20_000_000

/** What is the same in an exec and in a snapshot. */
const PROGRAM: readonly string[] = [
  'exe_path',
  'argv',
  'env',
  'exe_dev',
  'exe_ino',
  'exe_ctime',
  'stdin_mode',
]

export class Processes {
  readonly #known = new Map<number, Known>()
  readonly #containers = new Map<string, number>()
  #made = 0

  /** The header of an event, and what has to be told before it. */
  of(actor: Actor, time: number): { readonly header: RecordInit; readonly before: readonly RecordInit[] } {
    const before: RecordInit[] = []
    if (actor.ppid > 0 && actor.ppid !== actor.pid && !this.#known.has(actor.ppid))
      before.push(this.#tell(parentOf(actor), {}, this.#newStart(), time))
    const known = this.#known.get(actor.pid)
    const start = known?.start ?? this.#newStart()
    if (known === undefined || !isSame(known.actor, actor))
      before.push(this.#tell(actor, known?.image ?? {}, start, time))
    else this.#keep(actor.pid, known)
    return { header: this.#header(actor, start, time), before }
  }

  /** An exec of a process that has been told of: its record says all a snapshot would. */
  exec({ pid }: Actor, fields: Fields): Fields {
    const known = this.#known.get(pid)!
    known.image = Object.fromEntries(Object.entries(fields).filter(([name]) => PROGRAM.includes(name)))
    return { ...this.#facts(known.actor), ...fields }
  }

  /** A process made another, which started at that time as far as the line says so. */
  fork(actor: Actor, child: Pick<Actor, 'pid' | 'vpid'>, start: number | undefined): Fields {
    const known = this.#known.get(actor.pid)
    const begun = start ?? this.#newStart()
    const { pid, vpid } = child
    const made = { ...actor, pid, tid: pid, vpid, ppid: actor.pid, pvpid: actor.vpid }
    this.#keep(pid, { start: begun, actor: made, image: known?.image ?? {} })
    return { child_pid: pid, child_vpid: vpid, child_start: begun, child_pidns: actor.pidns }
  }

  exit(pid: number): void {
    this.#known.delete(pid)
  }

  #newStart(): number {
    return ++this.#made * BETWEEN + 1
  }

  #tell(actor: Actor, image: Fields, start: number, time: number): RecordInit {
    this.#keep(actor.pid, { start, actor, image })
    const fields = { ...this.#facts(actor), ...image }
    return { ...this.#header(actor, start, time), event: 'process_snapshot', tid: actor.pid, fields }
  }

  #header({ pid, tid, uid, containerId }: Actor, start: number, time: number): RecordInit {
    return { event: '', pid, tid, uid, start, time, cgroup: this.#cgroupOf(containerId) }
  }

  #facts({ uid, vpid, ppid, pvpid, mntns, pidns, comm, host, containerId }: Actor): Fields {
    return {
      ...{
        uid,
        gid: 0,
        loginuid: -1,
        dirfd: AT_FDCWD,
        vpid,
        ppid,
        vppid: pvpid,
        mntns,
        pidns,
        comm,
        uts: host,
      },
      parent_start: this.#known.get(ppid)?.start ?? 0,
      cgroup_path: cgroupPath(containerId),
    }
  }

  /** A number for the cgroup of a container; that of the host is 1. */
  #cgroupOf(containerId: string): number {
    if (containerId === '') return 1
    const known = this.#containers.get(containerId)
    if (known !== undefined) return known
    const number = 2 + this.#containers.size
    if (this.#containers.size < CONTAINERS) this.#containers.set(containerId, number)
    return number
  }

  #keep(pid: number, known: Known): void {
    this.#known.delete(pid)
    this.#known.set(pid, known)
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value!)
  }
}

/** A bare id says nothing of its runtime, as the line does not. */
const cgroupPath = (containerId: string): string =>
  ID.test(containerId) ? `/${containerId}` : `/lxc/${containerId}`
const ID = /^(?:[0-9a-f]{64})?$/

/** Little is said of a parent. */
const parentOf = ({ ppid, pvpid, mntns, pidns, host, containerId }: Actor): Actor => ({
  ...{
    pid: ppid,
    tid: ppid,
    uid: 0,
    vpid: pvpid || ppid,
    ppid: 0,
    pvpid: 0,
    mntns,
    comm: '',
    host,
    containerId,
  },
  pidns: pvpid === 0 ? 0 : pidns,
})

const SAME: readonly (keyof Actor)[] = ['vpid', 'ppid', 'mntns', 'pidns', 'comm', 'host', 'containerId']
const isSame = (one: Actor, other: Actor): boolean => SAME.every((key) => one[key] === other[key])

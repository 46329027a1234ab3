/**
 * Processes and descriptors of a capture, kept as its events say: Falco's way of knowing what a number stands for. The
 * process table behind the decoder has no descriptors, because records of the kernel side bring what they are about.
 */
import { FD_KINDS } from './format.ts'
import type { ListedFd, ListedThread } from './lists.ts'
import type { Author } from './record.ts'
import { type Socket, socketOfList } from './socket.ts'

/** Most threads, and descriptors of all of them: a file may claim any number. */
const THREADS_MAX = 1 << 18
const FDS_MAX = 1 << 20
const WIDE = 4294967296
/** Ids of containers as they are shown, and their whole length. */
const SHORT_ID = /^[0-9a-f]{12}$/
const FULL_ID = 64
const SEARCHES_MAX = 1024

/** What a descriptor stands for. */
export interface Fd {
  /** FD_KINDS */
  readonly kind: number
  /** Name as it was given, one character a byte, and where it starts from when it is relative. */
  readonly name: string
  readonly dir: string
  readonly ino: number
  /** Kernel's device number. */
  readonly dev: number
  readonly socket: Socket | undefined
}

/** A descriptor of a kind of FD_KINDS that is no socket. */
export const fdOf = (kind: number, name: string, dir = '', ino = 0, dev = 0): Fd => ({
  kind,
  name,
  dir,
  ino,
  dev,
  socket: undefined,
})

/** Descriptors of one process, or of several that share them. */
export type Fds = Map<number, Fd>

export class Process implements Author {
  readonly pid: number
  /** Thread of the event at hand. */
  tid: number
  /** CLOCK_MONOTONIC ns of its beginning, 0 when it was there before the capture. */
  readonly start: number
  readonly startLow: number
  readonly startHigh: number
  ppid = 0
  parentStart = 0
  uid = 0
  gid = 0
  loginuid = -1
  sid = 0
  pgid = 0
  vpgid = 0
  vpid: number
  tty = 0
  comm = ''
  exePath = ''
  /** Arguments, each with a NUL behind it. */
  argv = ''
  env = ''
  cwd = '/'
  cgroups = ''
  exeFlags = 0
  exeIno = 0
  exeCtime = 0n
  exeMtime = 0n
  capInheritable = 0
  capPermitted = 0
  capEffective = 0
  fdLimit = 0
  majorFaults = 0
  minorFaults = 0
  vmSize = 0
  vmRss = 0
  vmSwap = 0
  pidnsStart = 0
  fds: Fds = new Map()
  /** Nothing is known of it but its number. */
  isGuess = false

  constructor(pid: number, start: number) {
    this.pid = pid
    this.tid = pid
    this.vpid = pid
    this.start = start
    this.startHigh = Math.floor(start / WIDE)
    this.startLow = start - this.startHigh * WIDE
  }
}

/** What a child has of its parent. */
const INHERITED = [
  ...([
    'uid',
    'gid',
    'loginuid',
    'sid',
    'pgid',
    'vpgid',
    'tty',
    'comm',
    'exePath',
    'argv',
    'env',
    'cwd',
  ] as const),
  ...(['cgroups', 'exeFlags', 'exeIno', 'exeCtime', 'exeMtime', 'capInheritable', 'capPermitted'] as const),
  ...(['capEffective', 'fdLimit', 'majorFaults', 'minorFaults', 'vmSize', 'vmRss', 'vmSwap'] as const),
  'pidnsStart',
] as const satisfies readonly (keyof Process)[]

function inherit(child: Process, parent: Process): void {
  const to: { -readonly [K in (typeof INHERITED)[number]]: Process[K] } = child
  for (const key of INHERITED) copyKey(to, parent, key)
}
const copyKey = <K extends (typeof INHERITED)[number]>(
  to: { -readonly [P in (typeof INHERITED)[number]]: Process[P] },
  from: Process,
  key: K,
): void => {
  to[key] = from[key]
}

export class Processes {
  readonly #threads = new Map<number, Process>()
  #fds = 0
  /** Times that all processes were looked at. */
  #searches = 0

  get size(): number {
    return this.#threads.size
  }

  clear(): void {
    this.#threads.clear()
    this.#fds = 0
  }

  known(tid: number): Process | undefined {
    return this.#threads.get(tid)
  }

  /** Whose thread this is; of one nobody told of, a process of that number. */
  of(tid: number): Process {
    const found = this.#threads.get(tid)
    if (found !== undefined) {
      found.tid = tid
      return found
    }
    const guess = new Process(tid, 0)
    guess.isGuess = true
    return this.#put(tid, guess)
  }

  /** A thread of a process. */
  join(tid: number, process: Process): void {
    this.#put(tid, process)
  }

  /** A process that begins. */
  begin(pid: number, start: number, parent: Process | undefined, sharesFds: boolean): Process {
    const child = new Process(pid, start)
    if (parent !== undefined) {
      inherit(child, parent)
      child.ppid = parent.pid
      child.parentStart = parent.start
      child.fds = sharesFds ? parent.fds : this.#copied(parent.fds)
    }
    return this.#put(pid, child)
  }

  /** A thread is gone, and with its main one the process. */
  end(tid: number): void {
    const process = this.#threads.get(tid)
    if (process === undefined) return
    this.#threads.delete(tid)
    if (tid === process.pid) this.#fds = Math.max(this.#fds - process.fds.size, 0)
  }

  /** Older captures call a container by the beginning of its id; the cgroup of a process in it has all of it. */
  fullContainerId(id: string): string {
    if (!SHORT_ID.test(id) || this.#searches++ > SEARCHES_MAX) return id
    for (const { cgroups } of this.#threads.values()) {
      const at = cgroups.indexOf(id)
      const full = at < 0 ? '' : cgroups.slice(at, at + FULL_ID)
      if (/^[0-9a-f]{64}$/.test(full)) return full
    }
    return id
  }

  /** The main thread of a list. */
  list(listed: ListedThread): Process {
    const process = new Process(listed.pid, 0)
    const { comm, exe, args, vpid, exePath } = listed
    const { ptid: ppid, vpgid, sid, uid, gid, loginuid, tty, env, cwd, cgroups } = listed
    Object.assign(process, { ppid, vpgid, sid, uid, gid, loginuid, tty, env, cgroups, comm, exePath })
    const { exeFlags, exeIno, exeCtime, exeMtime, capInheritable, capPermitted, capEffective } = listed
    Object.assign(process, { exeFlags, exeIno, exeCtime, exeMtime, capInheritable, capPermitted })
    const { fdLimit, majorFaults, minorFaults, vmSize, vmRss, vmSwap, pidnsStart } = listed
    Object.assign(process, { capEffective, fdLimit, majorFaults, minorFaults, vmSize, vmRss, vmSwap })
    process.pidnsStart = pidnsStart
    process.argv = exe === '' ? args : `${exe}\0${args}`
    process.vpid = vpid > 0 ? vpid : listed.pid
    process.cwd = directory(cwd)
    return this.#put(listed.tid, process)
  }

  listFd(process: Process, listed: ListedFd): void {
    const { fd, kind, name, ino, dev } = listed
    this.open(process, fd, {
      kind: kindOf(kind),
      name,
      dir: '',
      ino,
      dev: kernelDev(dev),
      socket: socketOfList(listed),
    })
  }

  open(process: Process, fd: number, what: Fd): void {
    const { fds } = process
    if (!(fd >= 0 && fd < FDS_MAX)) return
    const before = fds.size
    if (this.#fds >= FDS_MAX && !fds.has(fd)) return
    fds.set(fd, what)
    this.#fds += fds.size - before
  }

  close(process: Process, fd: number): void {
    if (process.fds.delete(fd)) this.#fds--
  }

  #copied(fds: Fds): Fds {
    if (this.#fds + fds.size > FDS_MAX) return new Map()
    this.#fds += fds.size
    return new Map(fds)
  }

  #put(tid: number, process: Process): Process {
    if (this.#threads.size >= THREADS_MAX && !this.#threads.has(tid)) {
      const oldest = this.#threads.keys().next().value
      if (oldest !== undefined) this.end(oldest)
    }
    this.#threads.set(tid, process)
    return process
  }
}

const kindOf = (kind: number): number => {
  if (kind === FD_KINDS.fileWithFlags) return FD_KINDS.file
  if (kind === FD_KINDS.ipv4Server) return FD_KINDS.ipv4
  return kind === FD_KINDS.ipv6Server ? FD_KINDS.ipv6 : kind
}

/** Without the slash at its end that lists have. */
const directory = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path === '' ? '/' : path

/** stat(2) puts major and minor elsewhere than the kernel does. */
export const kernelDev = (dev: number): number =>
  (((dev >>> 8) & 0xfff) << 20) | (dev & 0xff) | ((dev >>> 12) & 0xfff00)

/** Events in the life of processes, and what the process table is told of them. */
import { AT_FDCWD } from '../../../schema/enums/index.ts'
import type { Slot } from '../../../schema/index.ts'
import { joinPath } from '../../fields/paths.ts'
import { type Call, pathOf } from './call.ts'
import { CLONE } from './format.ts'
import type { MakeHandler, MakeState } from './handler.ts'
import type { Plan, Source } from './plan.ts'
import type { Process } from './processes.ts'
import { offsetIn, type Shape, shapeOf } from './record.ts'

const SNAPSHOT = shapeOf('process_snapshot')!
const SLASH = '/'

/** Where the facts about a process go in an exec or a snapshot. */
class ImagePutter {
  readonly #numbers: readonly (readonly [key: NumberKey, offset: number, wide: boolean])[]
  readonly #texts: Readonly<Record<TextKey, Slot>>
  readonly #dirfd: number
  readonly #ctime: number
  readonly #mtime: number
  readonly #cgroup: Slot
  readonly #cgroupV1: Slot

  constructor(shape: Shape) {
    this.#numbers = Object.entries(NUMBERS).map(([key, name]) => {
      const slot = shape.slots.get(name)!
      return [key as NumberKey, slot.offset, slot.size === 8]
    })
    const text = (name: string): Slot => shape.slots.get(name)!
    this.#texts = {
      comm: text('comm'),
      exePath: text('exe_path'),
      cwd: text('cwd'),
      argv: text('argv'),
      env: text('env'),
    }
    this.#dirfd = offsetIn(shape, 'dirfd')
    this.#ctime = offsetIn(shape, 'exe_ctime')
    this.#mtime = offsetIn(shape, 'exe_mtime')
    this.#cgroup = text('cgroup_path')
    this.#cgroupV1 = text('cgroup_v1_path')
  }

  put({ record }: Call, process: Process): void {
    for (const [key, offset, wide] of this.#numbers)
      if (wide) record.u64(offset, process[key])
      else record.u32(offset, process[key])
    record.u32(this.#dirfd, AT_FDCWD)
    record.halves(this.#ctime, Number(process.exeCtime & 0xffffffffn), Number(process.exeCtime >> 32n))
    record.halves(this.#mtime, Number(process.exeMtime & 0xffffffffn), Number(process.exeMtime >> 32n))
    for (const key of TEXTS) if (process[key] !== '') record.text(this.#texts[key], process[key])
    const [first, second] = cgroupPaths(process.cgroups)
    if (first !== undefined) record.text(this.#cgroup, first)
    if (second !== undefined) record.text(this.#cgroupV1, second)
  }
}

const NUMBERS = {
  ppid: 'ppid',
  parentStart: 'parent_start',
  uid: 'uid',
  gid: 'gid',
  loginuid: 'loginuid',
  tty: 'tty',
  vpid: 'vpid',
  pgid: 'pgid',
  vpgid: 'vpgid',
  sid: 'sid',
  exeFlags: 'exe_flags',
  exeIno: 'exe_ino',
  capInheritable: 'cap_inheritable',
  capPermitted: 'cap_permitted',
  capEffective: 'cap_effective',
  fdLimit: 'fdlimit',
  majorFaults: 'pgft_maj',
  minorFaults: 'pgft_min',
  vmSize: 'vm_size',
  vmRss: 'vm_rss',
  vmSwap: 'vm_swap',
  pidnsStart: 'pidns_init_start_ts',
} as const
type NumberKey = keyof typeof NUMBERS
const TEXTS = ['comm', 'exePath', 'cwd', 'argv', 'env'] as const
type TextKey = (typeof TEXTS)[number]

/**
 * Paths of `subsystem=path` entries: the longest first, which is the one that may name a container, then another one. A
 * capture does not say which hierarchy is which.
 */
function cgroupPaths(cgroups: string): readonly string[] {
  if (cgroups === '') return []
  const paths = cgroups.split('\0').flatMap((entry) => {
    const at = entry.indexOf('=')
    return at < 0 ? [] : [entry.slice(at + 1)]
  })
  return [...new Set(paths)].sort((a, b) => b.length - a.length).slice(0, 2)
}

const snapshotPutter = new ImagePutter(SNAPSHOT)

/** Tell the process table what is known of a process, without an event. */
export function tellProcess(call: Call, process: Process): void {
  call.record.at(call.time, 0)
  call.begin(SNAPSHOT, process)
  snapshotPutter.put(call, process)
  call.emit(SNAPSHOT)
}

/** Sources of what clone and execve say of a process. */
function imageSources(plan: Plan) {
  const of = plan.source
  return {
    numbers: (
      [
        ...([
          ['fdLimit', 'fdlimit'],
          ['majorFaults', 'pgft_maj'],
          ['minorFaults', 'pgft_min'],
        ] as const),
        ...([
          ['vmSize', 'vm_size'],
          ['vmRss', 'vm_rss'],
          ['vmSwap', 'vm_swap'],
          ['uid', 'uid'],
        ] as const),
        ...([
          ['gid', 'gid'],
          ['tty', 'tty'],
          ['vpgid', 'vpgid'],
          ['pgid', 'pgid'],
        ] as const),
        ...([
          ['loginuid', 'loginuid'],
          ['vpid', 'vpid'],
          ['pidnsStart', 'pidns_init_start_ts'],
        ] as const),
        ...([
          ['capInheritable', 'cap_inheritable'],
          ['capPermitted', 'cap_permitted'],
        ] as const),
        ...([
          ['capEffective', 'cap_effective'],
          ['exeIno', 'exe_ino'],
        ] as const),
      ] as const
    ).map(([key, name]) => [key, of(name)] as const),
    comm: of('comm'),
    exe: of('exe'),
    args: of('args'),
    cgroups: of('cgroups'),
  }
}

const UNSIGNED: ReadonlySet<string> = new Set(['uid', 'gid', 'tty'])

/** What rules ask of a process that was forked; the others change all the time. */
const IDENTITY: ReadonlySet<string> = new Set(['uid', 'gid', 'vpid', 'loginuid', 'tty', 'vpgid', 'pgid'])

/** Take over what the event says of the process itself. Was something else known of it? */
function applyImage(call: Call, process: Process, sources: ReturnType<typeof imageSources>): boolean {
  let changed = false
  for (const [key, source] of sources.numbers) {
    const value = call.number(source, process[key], !UNSIGNED.has(key))
    if (value !== process[key] && IDENTITY.has(key)) changed = true
    process[key] = value
  }
  const { comm, argv, cgroups } = process
  const [exe, name] = [call.text(sources.exe), call.text(sources.comm)]
  if (exe !== '' || call.has(sources.args)) process.argv = `${exe}\0${call.list(sources.args)}`
  if (name !== '') process.comm = name
  if (call.has(sources.cgroups)) process.cgroups = call.list(sources.cgroups)
  return changed || process.comm !== comm || process.argv !== argv || process.cgroups !== cgroups
}

/** clone, fork and vfork: seen twice, where they return in the parent and where they do in the child. */
export const forks: MakeHandler = (plan, shape) => {
  const [res, flags] = [plan.source('res'), plan.source('flags')]
  const [pid, ptid, vtid] = [plan.source('pid'), plan.source('ptid'), plan.source('vtid')]
  const sources = imageSources(plan)
  const [resAt, childPid, childStart] = ['res', 'child_pid', 'child_start'].map((name) =>
    offsetIn(shape, name),
  ) as [number, number, number]
  const childVpid = offsetIn(shape, 'child_vpid')
  const comm = shape.slots.get('comm')!
  const isThread = (call: Call): boolean => (call.number(flags, 0) & CLONE.THREAD) !== 0
  const sharesFds = (call: Call): boolean => (call.number(flags, 0) & CLONE.FILES) !== 0
  /** The number is not that of the initial namespace. */
  const isElsewhere = (call: Call): boolean =>
    (call.number(flags, 0) & (CLONE.CHILD_IN_PIDNS | CLONE.NEWPID)) !== 0 ||
    call.number(vtid, call.tid) !== call.tid
  return {
    state(call) {
      const result = call.number(res, -1)
      if (result === 0) begins(call)
      else if (result > 0) {
        if (call.process.isGuess) meets(call)
        if (!isElsewhere(call)) follows(call, result)
      }
    },
    fill(call) {
      const { record, process } = call
      const result = call.number(res, -1)
      record.u64(resAt, result)
      record.text(comm, process.comm)
      const child =
        result > 0 && !isThread(call) && !isElsewhere(call) ? call.processes.known(result) : undefined
      if (child === undefined) return
      record.u32(childPid, child.pid)
      record.u64(childStart, child.start)
      record.u32(childVpid, child.pid)
    },
  }

  /** The parent says who its child is. */
  function follows(call: Call, child: number): void {
    if (isThread(call)) call.processes.join(child, call.process)
    else if (call.processes.known(child) === undefined)
      call.processes.begin(child, call.time, call.process, sharesFds(call))
  }

  /** The child says who it is. */
  function begins(call: Call): void {
    const { processes, tid } = call
    const parent = processes.known(call.number(ptid, 0))
    if (isThread(call)) {
      if (processes.known(tid) === undefined) processes.join(tid, processes.of(call.number(pid, tid)))
    } else {
      const known = processes.known(tid)
      const child = known ?? processes.begin(tid, call.time, parent, sharesFds(call))
      if (child.ppid === 0) child.ppid = call.number(ptid, 0)
      // The table has made it of its parent by now, if that told of it.
      if (applyImage(call, child, sources) || known === undefined) tellProcess(call, child)
    }
    call.process = processes.of(tid)
  }

  /** A process that was not in the list says who it is. */
  function meets(call: Call): void {
    const { process } = call
    if (call.number(pid, process.pid) !== process.pid) return
    process.isGuess = false
    process.ppid = call.number(ptid, 0)
    applyImage(call, process, sources)
    tellProcess(call, process)
  }
}

/** execve and execveat: what a process runs from now on; of one that fails only the record. */
export const executes: MakeHandler = (plan, shape) => {
  const of = plan.source
  const [res, filename, cwd, env, flags] = ['res', 'filename', 'cwd', 'env', 'flags'].map(of) as [
    Source,
    Source,
    Source,
    Source,
    Source,
  ]
  const [trusted, ptid, ctime, mtime, dirfd] = [
    'trusted_exepath',
    'ptid',
    'exe_ino_ctime',
    'exe_ino_mtime',
    'dirfd',
  ].map(of) as [Source, Source, Source, Source, Source]
  const pathname = of('pathname')
  const sources = imageSources(plan)
  const putter = new ImagePutter(shape)
  const [resAt, dir] = [offsetIn(shape, 'res'), shape.slots.get('dir')!]
  const nameSlot = shape.slots.get('filename')!
  const given = (call: Call): string => call.text(filename) || call.text(pathname)

  /** Captures before there was a path of the kernel have the name that was asked for. */
  function pathOfImage(call: Call): string {
    const path = call.text(trusted)
    if (path !== '') return path
    const name = given(call)
    if (name !== '') {
      const from = call.directory(call.number(dirfd, AT_FDCWD))
      return name.startsWith(SLASH) || from !== '' ? joinPath(from, name) : name
    }
    const fd = call.fd(call.number(dirfd, -1))
    if (fd !== undefined) return pathOf(fd)
    const exe = call.text(sources.exe)
    return exe.startsWith(SLASH) ? exe : ''
  }

  return {
    state(call) {
      if (call.number(res, -1) < 0) return
      const { process } = call
      process.isGuess = false
      const directory = call.text(cwd)
      if (directory !== '') process.cwd = directory.length > 1 ? directory.replace(/\/$/, '') : directory
      process.exePath = pathOfImage(call)
      applyImage(call, process, sources)
      if (!call.has(sources.comm))
        process.comm = process.exePath.slice(process.exePath.lastIndexOf(SLASH) + 1)
      if (call.has(ptid)) setParent(call, process, call.number(ptid, 0))
      process.env = call.list(env)
      process.exeFlags = call.number(flags, 0)
      process.exeCtime = bigOf(call.bytes(ctime))
      process.exeMtime = bigOf(call.bytes(mtime))
    },
    fill(call) {
      const { record, process } = call
      const result = call.number(res, -1)
      const name = given(call)
      if (result >= 0) putter.put(call, process)
      record.u64(resAt, result)
      if (name === '') return
      record.text(nameSlot, name)
      if (result < 0 && !name.startsWith(SLASH))
        record.text(dir, call.directory(call.number(dirfd, AT_FDCWD)))
    },
  }
}

const bigOf = (bytes: Buffer | undefined): bigint => (bytes?.length === 8 ? bytes.readBigUInt64LE() : 0n)

/** Who its parent is now: an orphan has another one. */
function setParent({ processes }: Call, process: Process, ptid: number): void {
  const parent = processes.known(ptid)
  process.ppid = parent?.pid ?? ptid
  process.parentStart = parent?.start ?? 0
}

/** The end of a process; that of a thread beside the main one is no event. */
export const exits: MakeHandler = (plan, shape) => {
  const [status, ret, sig, core] = ['status', 'ret', 'sig', 'core'].map(plan.source) as [
    Source,
    Source,
    Source,
    Source,
  ]
  const [statusAt, retAt, sigAt, coreAt] = ['status', 'ret', 'sig', 'core'].map((name) =>
    offsetIn(shape, name),
  ) as [number, number, number, number]
  return {
    /** The end of a thread is none of its process. */
    isTold: (call) => call.process.pid === call.tid,
    state(call) {
      // The process is looked up first: the event is its own still.
      const { process, tid } = call
      call.process = process
      call.processes.end(tid)
    },
    fill(call) {
      const { record } = call
      const word = call.number(status, 0)
      record.u32(statusAt, word)
      record.u32(retAt, call.number(ret, (word >> 8) & 0xff))
      record.u32(sigAt, call.number(sig, word & 0x7f))
      record.u32(coreAt, call.number(core, (word >> 7) & 1))
    },
  }
}

type Credential = 'uid' | 'gid'

/** setuid and its like: `param` is the id that counts from now on. */
export const becomes =
  (key: Credential, param: string): MakeState =>
  (plan) => {
    const [res, id] = [plan.source('res'), plan.source(param)]
    const NO_CHANGE = 0xffffffff
    return {
      state(call) {
        const value = call.number(id, NO_CHANGE, false)
        if (call.number(res, -1) !== 0 || value === NO_CHANGE) return
        call.process[key] = value
        if (key === 'gid') tellKnown(call)
      },
    }
  }

/** What changed of a process that the table knows. */
export function tellKnown(call: Call): void {
  if (!call.process.isGuess) tellProcess(call, call.process)
}

/** setsid: whose session it is now. */
export const leadsSession: MakeState = (plan) => {
  const res = plan.source('res')
  return {
    state(call) {
      const sid = call.number(res, -1)
      if (sid < 0) return
      call.process.sid = sid
      tellKnown(call)
    },
  }
}

/** setpgid of this process or one that is known. */
export const joinsGroup: MakeState = (plan) => {
  const [res, pid, pgid] = ['res', 'pid', 'pgid'].map(plan.source) as [Source, Source, Source]
  return {
    state(call) {
      if (call.number(res, -1) !== 0) return
      const who = call.number(pid, 0)
      const process = who === 0 ? call.process : call.processes.known(who)
      if (process === undefined || process.isGuess) return
      process.vpgid = call.number(pgid, 0) || process.pid
      tellProcess(call, process)
    },
  }
}

/**
 * The processes that run when the agent starts, as `process_snapshot` records: from a BPF iterator, or from /proc where
 * iterators are refused. Both yield the same kind of record, so state has one way in.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { AT_FDCWD, EXE_FLAGS, PATH_FLAGS } from '../../../schema/enums/index.ts'
import { HEADER_SLOTS } from '../../../schema/index.ts'
import { encodeRecord, type FieldValue } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import { CLOCK, clock, closeFd, readFd, SystemError } from '../../kernel/libc.ts'

const CHUNK = 1 << 20
const SIZE_OFFSET = HEADER_SLOTS.get('size')!.offset

export interface SnapshotOptions {
  readonly lib: Libbpf
  /** Link of the iterator; absent where the kernel refuses it. */
  readonly link: number | undefined
  readonly interner: Interner
  /** Where the host's /proc is. */
  readonly proc: string
  /** Process ids there are those of the kernel's own count. */
  readonly sharesHostPids: boolean
}

export interface Snapshot {
  readonly from: 'iterator' | 'proc'
  readonly processes: number
}

/** Hand on a record for each process, from the iterator where there is one that works. Throws what `each` throws. */
export function takeSnapshot(
  { lib, link, interner, proc, sharesHostPids }: SnapshotOptions,
  each: (event: EventView) => void,
): Snapshot {
  let hasFirst = !sharesHostPids
  try {
    if (link) {
      const processes = readIterator(lib, link, interner, (event) => {
        hasFirst ||= event.pid === 1
        each(event)
      })
      return { from: 'iterator', processes: processes + (hasFirst ? 0 : addFirst(interner, each, proc)) }
    }
  } catch (error) {
    // Nothing was handed on yet: reading comes before that, and /proc has the same processes.
    if (!(error instanceof SystemError)) throw error
  }
  return { from: 'proc', processes: snapshotFromProc(interner, each, proc) }
}

/** Some systems keep process 1, from which all others descend, from iterators: /proc has it. Returns how many were added. */
function addFirst(interner: Interner, each: (event: EventView) => void, proc: string): number {
  const record = readProcess(`${proc}/1`, 1)
  const view = new EventView(interner)
  if (record === undefined) return 0
  view.map(record.buffer as ArrayBuffer)
  if (view.seek(0, record.length) !== undefined) return 0
  each(view)
  return 1
}

/** Run the iterator behind `link` and hand each record on. Returns how many there were. */
export function readIterator(
  lib: Libbpf,
  link: number,
  interner: Interner,
  each: (event: EventView) => void,
): number {
  const fd = lib.createIterator(link)
  const chunks: Uint8Array[] = []
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK)
      const n = readFd(fd, chunk)
      if (n === 0) break
      chunks.push(chunk.subarray(0, n))
    }
  } finally {
    closeFd(fd)
  }
  const all = new Uint8Array(Buffer.concat(chunks))
  return forEachRecord(all, interner, each)
}

/** Records that follow one another in a buffer. */
function forEachRecord(
  bytes: Uint8Array<ArrayBuffer>,
  interner: Interner,
  each: (event: EventView) => void,
): number {
  const view = new EventView(interner)
  const sizes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.map(bytes.buffer, bytes.byteOffset, bytes.byteLength & ~7)
  let count = 0
  for (let offset = 0; offset + SIZE_OFFSET + 4 <= bytes.length; ) {
    const size = sizes.getUint32(offset + SIZE_OFFSET, true)
    if (size === 0 || offset + size > bytes.length) break
    if (view.seek(offset, size) === undefined) {
      each(view)
      count++
    }
    offset += size
  }
  return count
}

/** The same from /proc. Start times have ticks of 10 ms there, which marks the identity as coarse. */
export function snapshotFromProc(
  interner: Interner,
  each: (event: EventView) => void,
  proc = '/proc',
): number {
  const view = new EventView(interner)
  let count = 0
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue
    const record = readProcess(`${proc}/${name}`, Number(name))
    if (record === undefined) continue // ended meanwhile
    view.map(record.buffer as ArrayBuffer)
    if (view.seek(0, record.length) === undefined) {
      each(view)
      count++
    }
  }
  return count
}

/** Clock ticks a second in /proc (USER_HZ): 100 on every architecture we run on. */
const TICK_NS = 10_000_000

/** Fields of /proc/PID/stat from the third on, and the name, which may hold any bytes (proc_pid_stat(5)). */
function readStat(dir: string): { comm: Uint8Array; number: (field: number) => number } {
  const stat = readFileSync(`${dir}/stat`)
  const end = stat.lastIndexOf(')')
  const rest = stat.toString('latin1', end + 2).split(' ')
  return {
    comm: new Uint8Array(stat.subarray(stat.indexOf('(') + 1, end)),
    number: (field) => Number(rest[field - 3]),
  }
}

function readProcess(dir: string, pid: number): Uint8Array | undefined {
  try {
    const { comm, number } = readStat(dir)
    const status = statusLines(readFileSync(`${dir}/status`, 'latin1'))
    const ids = (key: string): number[] => (status.get(key) ?? '0').split('\t').map(Number)
    const caps = (key: string): bigint => BigInt(`0x${status.get(key) ?? '0'}`)
    const inOwnNs = (key: string, otherwise: number): number => ids(key).at(-1) || otherwise
    const uid = ids('Uid')
    const gid = ids('Gid')
    return encodeRecord({
      event: 'process_snapshot',
      pid,
      start: number(22) * TICK_NS,
      uid: uid[1] ?? 0,
      time: clock(CLOCK.monotonic),
      fields: {
        uid: uid[0] ?? 0,
        gid: gid[0] ?? 0,
        loginuid: Number(readOr(`${dir}/loginuid`, '4294967295')) | 0,
        tty: number(7),
        ppid: number(4),
        parent_start: startOf(dir, number(4)),
        pgid: number(5),
        vpgid: inOwnNs('NSpgid', number(5)),
        sid: number(6),
        vsid: inOwnNs('NSsid', number(6)),
        vpid: inOwnNs('NSpid', pid),
        pidns: namespace(dir, 'pid'),
        mntns: namespace(dir, 'mnt'),
        cap_inheritable: caps('CapInh'),
        cap_permitted: caps('CapPrm'),
        cap_effective: caps('CapEff'),
        dirfd: AT_FDCWD,
        comm,
        ...executable(dir, uid[1] ?? 0, gid[1] ?? 0),
        ...present('cwd', link(`${dir}/cwd`)),
        ...cgroupPaths(readOr(`${dir}/cgroup`, '')),
        argv: new Uint8Array(readFileSync(`${dir}/cmdline`)),
      },
    })
  } catch {
    return undefined
  }
}

type Fields = Readonly<Record<string, FieldValue>>

/** A field with a value, or none. */
const present = (name: string, value: FieldValue | undefined): Fields =>
  value === undefined ? {} : { [name]: value }

/** Start of another process in ns, 0 when there is none of that id. */
function startOf(dir: string, pid: number): number {
  try {
    return readStat(`${dir}/../${pid}`).number(22) * TICK_NS
  } catch {
    return 0
  }
}

/** What /proc/PID/exe leads to, in the spelling of the kernel side; nothing for kernel threads. */
function executable(dir: string, euid: number, egid: number): Fields {
  const path = link(`${dir}/exe`)
  if (path === undefined) return {}
  const memfd = MEMFD.exec(path.toString('latin1'))?.[1]
  const named = memfd === undefined ? path : Buffer.from(memfd, 'latin1')
  const file = statSync(`${dir}/exe`, { bigint: true, throwIfNoEntry: false })
  if (file === undefined) return { exe_path: new Uint8Array(named) }
  const mode = Number(file.mode)
  const bits =
    euid === Number(file.uid) ? mode & 0o200 : egid === Number(file.gid) ? mode & 0o020 : mode & 0o002
  const deleted = file.nlink === 0n && memfd === undefined
  const { EXE_WRITABLE, EXE_FROM_MEMFD, EXE_DELETED } = EXE_FLAGS.names
  const { PATH_KERNEL, PATH_DELETED } = PATH_FLAGS.names
  return {
    exe_path: new Uint8Array(named),
    exe_ino: file.ino,
    exe_dev: kernelDevice(Number(file.dev)),
    exe_ctime: file.ctimeNs,
    exe_mtime: file.mtimeNs,
    exe_flags:
      (euid === 0 || bits !== 0 ? EXE_WRITABLE! : 0) |
      (memfd === undefined ? 0 : EXE_FROM_MEMFD!) |
      (deleted ? EXE_DELETED! : 0),
    path_flags: PATH_KERNEL! | (deleted ? PATH_DELETED! : 0),
  }
}

/** How /proc writes the link of a file in memory. */
const MEMFD = /^\/(memfd:.*) \(deleted\)$/s

/** stat(2) has the minor number in bits 0 to 7 and 20 to 31 and the major in 8 to 19; the kernel, major << 20 | minor. */
const kernelDevice = (dev: number): number =>
  (((dev >>> 8) & 0xfff) << 20) | (dev & 0xff) | ((dev >>> 12) & 0xfff00)

/** Inode number of a namespace, from a link such as `pid:[4026531836]`. */
function namespace(dir: string, kind: string): number {
  const text = link(`${dir}/ns/${kind}`)?.toString('latin1') ?? ''
  return Number(/\[(\d+)\]/.exec(text)?.[1] ?? 0)
}

const statusLines = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )

/** `0::/path` is v2; of the v1 lines the one with the most components tells most. Both as bytes in latin1. */
function cgroupPaths(text: string): Fields {
  let v2 = '/'
  let v1 = '/'
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (path.length === 0) continue
    if (controllers === '') v2 = path.join(':')
    else if (path.join(':').split('/').length > v1.split('/').length || v1 === '/') v1 = path.join(':')
  }
  const bytes = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, 'latin1'))
  return { cgroup_path: bytes(v2), cgroup_v1_path: bytes(v1) }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return otherwise
  }
}

/** Bytes of a symbolic link, undefined when it cannot be read. */
function link(file: string): Buffer | undefined {
  try {
    return readlinkSync(file, 'buffer')
  } catch {
    return undefined
  }
}

/**
 * The processes that run when the agent starts, as `process_snapshot` records: from a BPF iterator, or from /proc where
 * iterators are refused. Both yield the same kind of record, so state has one way in.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { HEADER_SLOTS } from '../../../schema/index.ts'
import { encodeRecord } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/str.ts'
import type { Libbpf, Pointer } from '../../kernel/libbpf.ts'
import { CLOCK, clock, closeFd, readFd } from '../../kernel/libc.ts'

const CHUNK = 1 << 20
const SIZE_OFFSET = HEADER_SLOTS.get('size')!.offset

/** Run the iterator behind `link` and hand each record on. Returns how many there were. */
export function snapshotByIterator(
  lib: Libbpf,
  link: Pointer,
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

function readProcess(dir: string, pid: number): Uint8Array | undefined {
  try {
    const stat = readFileSync(`${dir}/stat`, 'latin1')
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const number = (field: number): number => Number(rest[field - 3])
    const status = statusLines(readFileSync(`${dir}/status`, 'latin1'))
    const ids = (key: string): number[] => (status.get(key) ?? '0').split('\t').map(Number)
    const caps = (key: string): bigint => BigInt(`0x${status.get(key) ?? '0'}`)
    const nspid = ids('NSpid')
    return encodeRecord({
      event: 'process_snapshot',
      pid,
      start: number(22) * TICK_NS,
      uid: ids('Uid')[1] ?? 0,
      time: clock(CLOCK.monotonic),
      fields: {
        uid: ids('Uid')[0] ?? 0,
        gid: ids('Gid')[0] ?? 0,
        loginuid: Number(readOr(`${dir}/loginuid`, '4294967295')) | 0,
        tty: number(7),
        ppid: number(4),
        pgid: number(5),
        vpgid: number(5),
        sid: number(6),
        vsid: number(6),
        vpid: nspid.at(-1) ?? pid,
        cap_inheritable: caps('CapInh'),
        cap_permitted: caps('CapPrm'),
        cap_effective: caps('CapEff'),
        comm,
        exe_path: linkOr(`${dir}/exe`, ''),
        cwd: linkOr(`${dir}/cwd`, ''),
        ...cgroupPaths(readOr(`${dir}/cgroup`, '')),
        argv: new Uint8Array(readFileSync(`${dir}/cmdline`)),
      },
    })
  } catch {
    return undefined
  }
}

const statusLines = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )

/** `0::/path` is v2; of the v1 lines the one with the most components tells most. */
function cgroupPaths(text: string): { cgroup_path: string; cgroup_v1_path: string } {
  let v2 = '/'
  let v1 = '/'
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (path.length === 0) continue
    if (controllers === '') v2 = path.join(':')
    else if (path.join(':').split('/').length > v1.split('/').length || v1 === '/') v1 = path.join(':')
  }
  return { cgroup_path: v2, cgroup_v1_path: v1 }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return otherwise
  }
}

function linkOr(file: string, otherwise: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return otherwise
  }
}

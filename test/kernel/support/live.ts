/**
 * A kernel source at work in the test process. Programs are run as children, and only what they and their descendants do
 * is kept: the machine's other software is nobody's business here.
 */
import { type SpawnOptions, type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { isVariable, layoutOf, RECORD_FLAGS } from '../../../schema/index.ts'
import type { EventView } from '../../../src/decode/event-view.ts'
import { Interner } from '../../../src/decode/interner.ts'
import { nameDiffers } from '../../../src/fields/differs.ts'
import { loadLibbpf } from '../../../src/kernel/libbpf.ts'
import type { CompatMode } from '../../../src/sources/kernel/compat.ts'
import type { LossCause } from '../../../src/sources/kernel/drops.ts'
import type { Gap } from '../../../src/sources/kernel/reader.ts'
import { KernelSource } from '../../../src/sources/kernel/source.ts'
import { OBJECTS, program, raw32 } from './programs.ts'
import { type Call, script } from './raw.ts'

export type Value = number | bigint | string | readonly string[] | undefined

/** A record copied out of the ring. */
export interface Seen {
  readonly event: string
  readonly pid: number
  readonly tid: number
  readonly uid: number
  readonly start: number
  readonly cpu: number
  readonly time: number
  readonly seq: number
  /** The record lacks something because a helper failed. */
  readonly partial: boolean
  /** The call came from 32-bit code. */
  readonly compat: boolean
  /** io_uring did it. */
  readonly uring: boolean
  /** The name or address that the caller gave is not what the kernel acted on. */
  readonly differs: boolean | undefined
  /** A name is not the one that the call began with. */
  readonly nameChanged: boolean
  readonly cgroup: number
  readonly cgroupV1: number
  /** Every field the record carries. */
  readonly f: Readonly<Record<string, Value>>
  /** Bytes the field had before it was cut, for those that were. */
  readonly cut: Readonly<Record<string, number>>
}

/** Copy the current record of a view. */
export function copyRecord(view: EventView): Seen {
  const f: Record<string, Value> = {}
  const cut: Record<string, number> = {}
  for (const { name, decl } of layoutOf(view.type.family).slots) {
    if (decl.storage === 'ip') f[name] = address(view.ip(name))
    else if (decl.storage === 'strv') f[name] = strings(view.string(name)?.text)
    else if (isVariable(decl.storage)) f[name] = view.string(name)?.text
    else if (decl.format === 'time' || name.endsWith('start')) f[name] = view.bigint(name)
    else f[name] = exact(view, name)
    if (f[name] === undefined) delete f[name]
    const total = view.cutFrom(name)
    if (total !== undefined) cut[name] = total
  }
  const { name: event, pid, tid, uid, start, cpu, time, seq, cgroup, cgroupV1 } = view
  const partial = (view.flags & RECORD_FLAGS.PARTIAL) !== 0
  const compat = (view.flags & RECORD_FLAGS.COMPAT) !== 0
  const uring = (view.flags & RECORD_FLAGS.IO_URING) !== 0
  const differs = nameDiffers(view)
  return {
    event,
    pid,
    tid,
    uid,
    start,
    cpu,
    time,
    seq,
    partial,
    compat,
    uring,
    differs,
    nameChanged: (view.flags & RECORD_FLAGS.NAME_CHANGED) !== 0,
    cgroup,
    cgroupV1,
    f,
    cut,
  }
}

/** A number; a bigint where 53 bits are not enough. */
const exact = (view: EventView, name: string): number | bigint | undefined => {
  const value = view.number(name)
  return value === undefined || Number.isSafeInteger(value) ? value : view.bigint(name)
}

const strings = (text: string | undefined): string[] | undefined =>
  text?.endsWith('\0') ? text.slice(0, -1).split('\0') : text?.split('\0')

/** `127.0.0.1` for a mapped IPv4 address, else groups of hexadecimal digits as they are. */
function address(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const hex = Buffer.from(bytes).toString('hex')
  if (hex.startsWith('00000000000000000000ffff')) return bytes.subarray(12).join('.')
  return hex.replace(/(....)(?!$)/g, '$1:')
}

export interface LiveOptions {
  readonly events?: readonly string[]
  /** Plain syscalls, by name. */
  readonly syscalls?: readonly string[]
  readonly compat?: CompatMode
  readonly env?: boolean
  /** Capture what standard descriptors are open on; true when absent. */
  readonly streams?: boolean
  readonly compareNames?: boolean
  /** Told of every process of the snapshot. */
  readonly snapshot?: (view: EventView) => void
  /** Told of init_namespaces, which is about another process. */
  readonly event?: (view: EventView) => void
  /** Most bytes of argv and env. */
  readonly argsBytes?: { readonly argv: number; readonly env: number }
  readonly bulk?: number
  readonly critical?: number
  readonly directory?: string
}

export interface Outcome {
  /** What the program and its descendants did, in order. */
  readonly records: readonly Seen[]
  /** Process id of the program. */
  readonly pid: number
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
  readonly signal: string | null
}

export interface Live {
  readonly source: KernelSource
  /** The start-up snapshot, our own descendants only. */
  readonly snapshot: readonly Seen[]
  readonly gaps: readonly Gap[]
  readonly causes: readonly LossCause[]
  /** Consider this process ours, too. */
  adopt(pid: number): void
  /** Run a program and collect what it did. */
  run(file: string, args: readonly string[], options?: SpawnSyncOptions): Outcome
  /** The same with the rings read meanwhile: for what takes long, or makes many records. Output is not collected. */
  follow(file: string, args: readonly string[], options?: SpawnOptions): Promise<Outcome>
  /** Run system calls, by the 32-bit entry points when those are always looked at; `results` has what each returned. Records are those of the calls, without the exec and exit. */
  raw(calls: readonly Call[], options?: SpawnSyncOptions): { records: Seen[]; results: number[] }
  /** Records that have come since the last call, of own processes. */
  take(): Seen[]
  stop(): void
}

const MAX_WAIT_MS = 10_000
const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Start a source for these events (by default only those of the process table). */
export function openLive(options: LiveOptions = {}): Live {
  const ours = new Set<number>()
  const gaps: Gap[] = []
  const causes: LossCause[] = []
  const lists = new Set<readonly LossCause[]>()
  const snapshot: Seen[] = []
  let records: Seen[] = []
  const source = new KernelSource({
    lib: loadLibbpf(),
    interner: new Interner(),
    directory: options.directory ?? OBJECTS,
    events: new Set(options.events ?? []),
    syscalls: new Set(options.syscalls ?? []),
    compat: options.compat ?? 'off',
    ringBytes: { critical: options.critical ?? 1 << 20, bulk: options.bulk ?? 4 << 20 },
    env: options.env ?? false,
    streams: options.streams ?? true,
    compareNames: options.compareNames ?? false,
    ...(options.argsBytes && { argsBytes: options.argsBytes }),
  })
  const keep = (view: EventView): void => {
    if (view.name === 'init_namespaces') options.event?.(view)
    if (view.type.internal) options.snapshot?.(view)
    const parent = view.type.internal ? view.number('ppid')! : view.pid
    const mine = parent === process.pid || ours.has(parent)
    if (!mine && !ours.has(view.pid)) return
    if (view.type.internal) {
      ours.add(view.pid)
      snapshot.push(copyRecord(view))
      return
    }
    const child = view.number('child_pid')
    if (child) ours.add(child)
    if (ours.has(view.pid)) records.push(copyRecord(view))
  }
  source.start({
    event: keep,
    gap: (gap, lostBy) => {
      gaps.push(gap)
      // Gaps found at the same time come with the same list.
      if (lists.has(lostBy)) return
      lists.add(lostBy)
      causes.push(...lostBy)
    },
    clock: () => {},
    users: () => {},
    error: (error) => {
      throw error
    },
  })
  const take = (): Seen[] => {
    while (source.drain() > 0);
    const taken = records
    records = []
    return taken
  }
  const untilEnd = (pid: number): Seen[] => {
    const all: Seen[] = []
    const ended = (): boolean => all.some((r) => r.event === 'procexit' && r.pid === pid)
    for (let ms = 0; ms < MAX_WAIT_MS && !ended(); ms += 2) {
      all.push(...take())
      if (!ended()) sleep(2)
    }
    // A record that another CPU was still writing may have held up ours.
    sleep(2)
    all.push(...take())
    return all
  }
  const run: Live['run'] = (file, args, spawnOptions = {}) => {
    take()
    const child = spawnSync(file, args, { ...spawnOptions, encoding: 'latin1' })
    if (child.error && child.pid === 0) throw child.error
    const { pid, stdout, stderr, status, signal } = child
    return { records: untilEnd(pid), pid, stdout, stderr, status, signal }
  }
  const follow: Live['follow'] = async (file, args, spawnOptions = {}) => {
    take()
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], ...spawnOptions })
    const [status, signal] = (await once(child, 'exit')) as [number | null, string | null]
    const pid = child.pid!
    return { records: untilEnd(pid), pid, stdout: '', stderr: '', status, signal }
  }
  return {
    source,
    snapshot,
    gaps,
    causes,
    run,
    follow,
    take,
    adopt: (pid) => void ours.add(pid),
    raw(calls, spawnOptions) {
      const outcome = run(options.compat === 'always' ? raw32() : program('raw'), script(calls), spawnOptions)
      if (outcome.status !== 0) throw new Error(`raw: status ${outcome.status} ${outcome.stderr}`)
      const results = outcome.stdout.trim().split(' ').map(Number)
      const own = outcome.records.filter((r) => r.pid === outcome.pid)
      const from = own.findIndex((r) => r.event === 'execve') + 1
      const to = own.findIndex((r) => r.event === 'procexit')
      // The program's own last write tells the results.
      const calls_ = own.slice(from, to)
      if (calls_.at(-1)?.event === 'write' && calls_.at(-1)?.f['fd'] === 1) calls_.pop()
      return { records: calls_, results }
    },
    stop: () => source.stop(),
  }
}

/**
 * The ring is for the whole machine: when others flood it, ours may be lost with theirs. Gaps are found within a second;
 * then it is done again.
 */
export async function undisturbed(live: Live, run: () => Promise<Outcome>): Promise<Outcome> {
  for (let tries = TRIES; ; tries--) {
    const gaps = live.gaps.length
    const outcome = await run()
    await setTimeout(GAP_MS)
    if (live.gaps.length === gaps || tries === 0) return outcome
  }
}
const TRIES = 5
const GAP_MS = 1500

/** Reason to skip tests that attach programs, false when they can run. */
export const NEEDS_ROOT: string | false = process.getuid?.() === 0 ? false : 'needs root'

/** The fields named, of each record. */
export const pick = (records: readonly Seen[], ...names: string[]): Record<string, Value>[] =>
  records.map((record) => ({
    event: record.event,
    ...Object.fromEntries(names.filter((n) => record.f[n] !== undefined).map((n) => [n, record.f[n]])),
  }))

/** Records of these events. */
export const only = (records: readonly Seen[], ...events: string[]): Seen[] =>
  records.filter((record) => events.includes(record.event))

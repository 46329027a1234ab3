/** Namespaces of process 1, told once at the start as the event init_namespaces. */
import { readFileSync, readlinkSync } from 'node:fs'
import { RECORD_FLAGS } from '../../../schema/index.ts'
import { encodeRecord } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import { CLOCK, clock } from '../../kernel/libc.ts'
import { readIterator, type SnapshotOptions } from './snapshot.ts'

/** Fields of the event, which are called as /proc/PID/ns calls the kinds. */
const KINDS = [
  'cgroup',
  'ipc',
  'mnt',
  'net',
  'pid',
  'pid_for_children',
  'time',
  'time_for_children',
  'user',
  'uts',
] as const

/**
 * Inode number of a namespace of process 1 as its link says (`mnt:[4026531841]`); 0 when there is none of that kind,
 * undefined when it is kept from us.
 */
function namespaceOf(proc: string, kind: string): number | undefined {
  try {
    return Number(/\[(\d+)\]$/.exec(readlinkSync(`${proc}/1/ns/${kind}`))?.[1] ?? 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : undefined
  }
}

/** Start of process 1, CLOCK_BOOTTIME ns in ticks of 10 ms; 0 when /proc does not say. */
function startOf(proc: string): number {
  try {
    const stat = readFileSync(`${proc}/1/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) * 10_000_000
  } catch {
    return 0
  }
}

/** Section of the program that tells them (schema/events/hooks/start.ts). */
export const NAMESPACES_SECTION = 'iter/task'

/** From the iterator, or from /proc where that is refused. */
export function tellNamespaces(
  { lib, link, interner, proc }: Omit<SnapshotOptions, 'sharesHostPids'>,
  tell: (view: EventView) => void,
): void {
  if (link === undefined || readIterator(lib, link, interner, tell) === 0) tellFromProc(interner, proc, tell)
}

/** The same from /proc, which says nothing to whom the kernel keeps from looking: the record is marked as partial then. */
export function tellFromProc(interner: Interner, proc: string, tell: (view: EventView) => void): void {
  const found = KINDS.map((kind) => [kind, namespaceOf(proc, kind)] as const)
  const record = encodeRecord({
    event: 'init_namespaces',
    flags: found.some(([, inode]) => inode === undefined) ? RECORD_FLAGS.PARTIAL : 0,
    pid: 1,
    start: startOf(proc),
    time: clock(CLOCK.monotonic),
    fields: Object.fromEntries(found.map(([kind, inode]) => [kind, inode ?? 0])),
  })
  const view = new EventView(interner)
  view.ring = 'bulk'
  view.map(record.buffer as ArrayBuffer)
  if (view.seek(0, record.length) === undefined) tell(view)
}

/**
 * The header in front of every record: little-endian, 8-aligned, 104 bytes. New fields are appended; readers use
 * `size` of the header, never this file's length.
 */
export interface HeaderField {
  readonly name: string
  readonly storage: 'u16' | 'u32' | 'u64'
  readonly count?: number
  readonly doc: string
}

export const HEADER: readonly HeaderField[] = [
  { name: 'id', storage: 'u16', doc: 'wire id of the event' },
  { name: 'header_size', storage: 'u16', doc: 'bytes of this header' },
  { name: 'size', storage: 'u32', doc: 'bytes of the whole record' },
  { name: 'flags', storage: 'u16', doc: 'RECORD_FLAGS' },
  { name: 'prog', storage: 'u16', doc: 'index of the producing program, the row of its counters' },
  { name: 'cpu', storage: 'u32', doc: 'CPU it was produced on' },
  { name: 'time', storage: 'u64', doc: 'CLOCK_MONOTONIC, ns' },
  {
    name: 'seq',
    storage: 'u64',
    doc: 'sequence number of its (ring, CPU), taken before the ring is asked for room',
  },
  { name: 'tgid', storage: 'u32', doc: 'process id in the initial pid namespace' },
  { name: 'tid', storage: 'u32', doc: 'thread id in the initial pid namespace' },
  { name: 'start', storage: 'u64', doc: 'start of the thread group leader, CLOCK_BOOTTIME ns' },
  { name: 'uid', storage: 'u32', doc: 'effective user id in the initial user namespace' },
  { name: 'generation', storage: 'u32', doc: 'guard generation that let the event pass' },
  { name: 'cgroup', storage: 'u64', doc: 'cgroup v2 id' },
  { name: 'cgroup_v1', storage: 'u64', doc: 'id of the deepest v1 cgroup looked at, 0 without v1' },
  { name: 'live', storage: 'u64', count: 4, doc: 'guard bits that survived; all ones without guards' },
]

/** Bits of the header's `flags`. */
export const RECORD_FLAGS = {
  /** A helper failed while the record was filled; some field is missing. */
  PARTIAL: 1,
  /** The call came through the 32-bit entry points. */
  COMPAT: 2,
  /** The operation was carried out by io_uring, not by a syscall. */
  IO_URING: 4,
  /** The guard passed it over; it was sent all the same, to see that no rule matches it. */
  AUDIT: 8,
  /** A name that the caller gave was another one when the call began (`syscalls.compare_names`). */
  NAME_CHANGED: 16,
} as const

/** Why a program could not deliver an event it wanted to: one counter each, per program and CPU. */
export const DROP_REASONS = ['ring_full', 'nested', 'scratch', 'too_big'] as const
export type DropReason = (typeof DROP_REASONS)[number]

/**
 * Counters of one program on one CPU, all u64. `seen` = `guarded` + `throttled` + sum of `dropped` + `submitted`.
 * `helper_errors` counts failed reads inside records that were still sent.
 */
export const PROGRAM_COUNTERS = [
  'seen',
  'guarded',
  'throttled',
  'submitted',
  ...DROP_REASONS.map((r) => `dropped_${r}` as const),
  'helper_errors',
] as const
/** Words (u64) reserved for a program's counters on a CPU: two cache lines. */
export const COUNTER_WORDS = 16

/** Largest record of the ordinary scratch, and room for all of an exec record but argv and env. */
export const RECORD_MAX = 16384
export const EXEC_NAMES_MAX = 32768
/** Bytes of argv, and as many of env, that an exec may carry: by default, and at most. Powers of two. */
export const ARGS_BYTES = { default: 32768, min: 1024, max: 131072 } as const

/**
 * Blocks of scap captures: `{ u32 type; u32 length; ...; u32 length }`, padded to 4 bytes, little-endian, the length that of
 * the whole block. A file is a section (or several, one behind the other): a header, facts about the machine, lists of
 * processes, their descriptors, interfaces and users, then events. It may be packed with gzip as a whole.
 */
export const SECTION = 0x0a0d0d0a
export const BYTE_ORDER = 0x1a2b3c4d
export const MAJOR_VERSION = 1
export const MINOR_VERSION = 2
/** Bytes of the head of a block, and of its end. */
export const BLOCK_HEAD = 8
export const BLOCK_TAIL = 4
export const MIN_BLOCK: number = BLOCK_HEAD + BLOCK_TAIL

/** Block types by what they hold. Numbers above 0x80000000 are those of files from before the first release. */
export const MACHINE: readonly number[] = [0x201, 0x8002abcd]
/** By version, from 1. */
export const PROCESSES: readonly (readonly number[])[] = [
  [0x202, 0x8000abcd],
  [0x207, 0x8013abcd],
  [0x209, 0x8014abcd],
  [0x210],
  [0x211],
  [0x212],
  [0x213],
  [0x214],
  [0x215],
]
export const DESCRIPTORS: readonly number[] = [0x203, 0x8001abcd]
export const INTERFACES: readonly number[] = [0x205, 0x8011abcd]
export const USERS: readonly number[] = [0x206, 0x8012abcd]
/** The same, each entry with its length in front. */
export const DESCRIPTORS_2 = 0x218
export const INTERFACES_2 = 0x219
export const USERS_2 = 0x220

/** How an event block is laid out. */
export interface EventLayout {
  /** Bytes from the block's begin to the head of the event: the CPU is in front of it, and flags in some. */
  readonly head: number
  /** The head says how many parameters there are. */
  readonly counted: boolean
  /** Bytes of a parameter's length. */
  readonly lengths: 2 | 4
}

const EVENT = 0x204
export const EVENT_2 = 0x216
export const EVENT_2_LARGE = 0x221
export const EVENT_LAYOUTS: ReadonlyMap<number, EventLayout> = new Map([
  [EVENT, { head: 10, counted: false, lengths: 2 }],
  [0x8010abcd, { head: 10, counted: false, lengths: 2 }],
  [0x208, { head: 14, counted: false, lengths: 2 }],
  [EVENT_2, { head: 10, counted: true, lengths: 2 }],
  [0x217, { head: 14, counted: true, lengths: 2 }],
  [EVENT_2_LARGE, { head: 10, counted: true, lengths: 4 }],
  [0x222, { head: 14, counted: true, lengths: 4 }],
])

/** Head of an event: `{ u64 time; u64 tid; u32 length; u16 type; u32 parameters }`, the last not in all. */
export const EVENT_HEAD = 26
export const EVENT_HEAD_UNCOUNTED = 22
export const MAX_PARAMS = 32

/** What a descriptor stands for, as lists of descriptors have it. */
export const FD_KINDS = {
  unknown: 0,
  file: 1,
  directory: 2,
  ipv4: 3,
  ipv6: 4,
  ipv4Server: 5,
  ipv6Server: 6,
  fifo: 7,
  unix: 8,
  eventfd: 9,
  unsupported: 10,
  signalfd: 11,
  eventpoll: 12,
  inotify: 13,
  timerfd: 14,
  netlink: 15,
  fileWithFlags: 16,
  bpf: 17,
  userfaultfd: 18,
  ioUring: 19,
  memfd: 20,
  pidfd: 21,
} as const

/** Transports, as lists of descriptors have them. */
export const TRANSPORTS = { unknown: 0, none: 1, tcp: 2, udp: 3, icmp: 4, raw: 5 } as const

/** What an entry of a list of users is about. */
export const USER_ENTRY = 0
export const GROUP_ENTRY = 1

/** Bits of clone flags in captures. */
export const CLONE = {
  FILES: 1 << 0,
  NEWPID: 1 << 6,
  THREAD: 1 << 13,
  CHILD_IN_PIDNS: 1 << 29,
} as const

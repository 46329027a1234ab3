/** Types of syscall arguments: where the value is in the record, how it is shown, what the kernel side copies. */
import type { FieldDecl, Format, NameTable, Storage } from './dsl.ts'
import * as enums from './enums/index.ts'

/**
 * What the kernel side copies from user memory for an argument; the numbers are in its table (syscalls.bpf.h).
 * `dirfd` copies nothing: the next path is relative to it. `sockaddr` has its length in the next argument, `sockaddr_out`
 * behind a pointer there; `counted` is text with its length there. Of the calls that fill something in, only successful
 * ones have it. `new_cwd` is a path that cannot be completed after success, because the start of it has changed.
 */
export const COPY = {
  none: 0,
  text: 1,
  path: 2,
  dirfd: 3,
  sockaddr: 4,
  sockaddr_out: 5,
  timespec: 6,
  timespec_out: 7,
  pair_out: 8,
  counted: 9,
  new_cwd: 10,
} as const
export type Copy = keyof typeof COPY

export interface ArgumentType {
  readonly storage: Storage
  readonly format: Format
  readonly doc: string
  readonly copy: Copy
  readonly max?: number
  readonly names?: NameTable
}

const scalar = (storage: Storage, format: Format, doc: string): ArgumentType => ({
  storage,
  format,
  doc,
  copy: 'none',
})
const copied = (copy: Copy, storage: Storage, format: Format, max: number, doc: string): ArgumentType => ({
  storage,
  format,
  doc,
  copy,
  max,
})

/** Longest path, text and socket address (struct sockaddr_storage) that is copied, in bytes. */
export const PATH_MAX = 4096
export const TEXT_MAX = 1024
export const SOCKADDR_MAX = 128
/** Longest text of known length; names of hosts and domains have 64 bytes. */
const COUNTED_MAX = 128

const TYPES: Readonly<Record<string, ArgumentType>> = {
  int: scalar('s32', 'number', 'a number'),
  uint: scalar('u32', 'number', 'a number'),
  long: scalar('s64', 'number', 'a number'),
  ulong: scalar('u64', 'number', 'a number'),
  off: scalar('s64', 'number', 'offset in bytes'),
  size: scalar('u64', 'number', 'size in bytes'),
  hex: scalar('u64', 'address', 'a word'),
  address: scalar('u64', 'address', 'address in the memory of the caller'),
  fd: scalar('s32', 'fd', 'file descriptor'),
  dirfd: {
    storage: 's32',
    format: 'fd',
    copy: 'dirfd',
    doc: 'directory a relative path starts from; AT_FDCWD for the current one',
  },
  pid: scalar('s32', 'number', 'process or thread, in the pid namespace of the caller'),
  uid: scalar('u32', 'number', 'user id, in the user namespace of the caller'),
  gid: scalar('u32', 'number', 'group id, in the user namespace of the caller'),
  mode: scalar('u32', 'mode', 'permission bits'),
  path: copied('path', 'str', 'path', PATH_MAX, 'path as the caller gave it'),
  newCwd: copied('new_cwd', 'str', 'path', PATH_MAX, 'path as the caller gave it'),
  counted: copied('counted', 'str', 'text', COUNTED_MAX, 'text'),
  text: copied('text', 'str', 'text', TEXT_MAX, 'text'),
  sockaddr: copied('sockaddr', 'bytes', 'sockaddr', SOCKADDR_MAX, 'socket address'),
  sockaddrOut: copied('sockaddr_out', 'bytes', 'sockaddr', SOCKADDR_MAX, 'socket address that came back'),
  timespec: copied('timespec', 'bytes', 'timespec', 16, 'seconds and nanoseconds'),
  timespecOut: copied('timespec_out', 'bytes', 'timespec', 16, 'seconds and nanoseconds that came back'),
  timeval: copied('timespec', 'bytes', 'timeval', 16, 'seconds and microseconds'),
  timevalOut: copied('timespec_out', 'bytes', 'timeval', 16, 'seconds and microseconds that came back'),
  pairOut: copied('pair_out', 'bytes', 'pair', 8, 'two new descriptors'),
}

const isTable = (value: unknown): value is NameTable =>
  typeof value === 'object' && value !== null && 'kind' in value && 'names' in value

/** The type of a word in the table; throws RangeError for one that is neither a type nor a name table. */
export function argumentType(word: string): ArgumentType {
  const type = TYPES[word]
  if (type !== undefined) return type
  const table = (enums as Readonly<Record<string, unknown>>)[word]
  if (!isTable(table)) throw new RangeError(`no argument type '${word}'`)
  const about = table.kind === 'flags' ? 'bits' : 'a choice'
  return { ...scalar(table.kind === 'flags' ? 'u32' : 's32', table.kind, about), names: table }
}

/** The field an argument becomes: at its place in the common record. */
export const argumentField = (
  { storage, format, doc, max, names }: ArgumentType,
  at: string,
  base?: string,
): FieldDecl => ({
  storage,
  format,
  doc,
  at,
  ...(max === undefined ? {} : { max }),
  ...(names === undefined ? {} : { names }),
  ...(base === undefined ? {} : { base }),
})

/** Sets of events, as `tarsier trace set=NAME` and the listings know them: those of Tracee v0.7. */
import type { EventType } from './index.ts'
import { SYSCALLS } from './plain.ts'

/** What is traced when nothing else is asked for. Names that this version does not produce stand here for the day it does. */
export const DEFAULT_SET: ReadonlySet<string> = new Set(
  `
accept accept4 access bind bpf chmod chown clone clone3 close close_range connect creat delete_module dup dup3 execve
execveat faccessat faccessat2 fchmod fchmodat fchown fchownat finit_module fork fstat getdents getdents64 getsockname
init_module kill lchown listen lstat memfd_create mknod mknodat mount move_mount open openat openat2 pkey_mprotect prctl
process_vm_readv process_vm_writev ptrace setfsgid setfsuid setgid setregid setreuid setuid socket stat symlink symlinkat
umount2 unlink unlinkat vfork
cap_capable sched_process_exec sched_process_exit security_bprm_check security_file_open security_inode_unlink
security_sb_mount security_socket_accept security_socket_bind security_socket_connect security_socket_create
security_socket_listen
`
    .trim()
    .split(/\s+/),
)

/** Memberships beyond the section of syscalls.ts that a call stands in. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  personality: ['system'],
  quotactl: ['system'],
  landlock_create_ruleset: ['proc'],
  landlock_add_rule: ['proc'],
  landlock_restrict_self: ['proc'],
}

/** What the sets hold, in the order they are listed. */
export const SETS: Readonly<Record<string, string>> = {
  default: 'what is traced when nothing else is asked for',
  syscalls: 'every syscall',
  '32bit_unique': 'syscalls, and entry points of others, that only 32-bit programs have',
  hooks: 'events called after functions and tracepoints of the kernel',
  lsm_hooks: 'positions of security modules in the kernel',
  fs: 'files and file systems',
  fs_async_io: 'asynchronous input and output',
  fs_dir_ops: 'directories: make, remove, change to, list',
  fs_fd_ops: 'descriptors: duplicate, control, lock',
  fs_file_attr: 'attributes of files: status, permissions, owner, times',
  fs_file_ops: 'files: open, close, make, rename, truncate',
  fs_info: 'what file systems say about themselves',
  fs_link_ops: 'links: make, read, remove',
  fs_monitor: 'watching files',
  fs_mux_io: 'waiting for several descriptors',
  fs_read_write: 'reading and writing',
  fs_sync: 'writing caches to disk',
  ipc: 'communication between processes',
  ipc_futex: 'fast user-space locks',
  ipc_msgq: 'message queues',
  ipc_pipe: 'pipes',
  ipc_sem: 'semaphores',
  ipc_shm: 'shared memory',
  net: 'network',
  net_snd_rcv: 'sending and receiving',
  net_sock: 'sockets: make, connect, bind, listen, accept',
  proc: 'processes',
  process: 'processes: begin, end, tracing, signals',
  proc_ids: 'user, group, session and process ids',
  proc_life: 'beginning and end of processes',
  proc_mem: 'memory of processes',
  proc_sched: 'scheduling',
  signals: 'signals',
  system: 'the system as a whole',
  system_keys: 'the kernel key ring',
  system_module: 'kernel modules',
  system_numa: 'placement of memory on nodes',
  time: 'time',
  time_clock: 'clocks',
  time_timer: 'timers',
  time_tod: 'time of day',
}

/** Calls of which 32-bit programs have several entry points, some with a name of its own: with other ids, times or lengths. */
export const MANY_ENTRIES: ReadonlySet<string> = new Set(
  SYSCALLS.filter(({ x64, i386 }) => x64 !== undefined && i386.length > 1).map(({ name }) => name),
)

const CALLS = new Map(SYSCALLS.map((call) => [call.name, call]))

/** Sets an event belongs to, sorted as SETS is. */
export function setsOf({ name, family }: Pick<EventType, 'name' | 'family'>): readonly string[] {
  const call = CALLS.get(name)
  const own = call === undefined ? family.sets.filter((set) => set !== 'default') : call.sets
  const found = new Set([...own, ...(MORE[name] ?? [])])
  if (DEFAULT_SET.has(name)) found.add('default')
  if (call !== undefined && call.x64 === undefined) found.add('32bit_unique')
  return Object.keys(SETS).filter((set) => found.has(set))
}

/** Sets of another name of a call (syscall-aliases.ts): an entry point of 32-bit programs is in the set of those. */
export const setsOfAlias = (type: Pick<EventType, 'name' | 'family'>): readonly string[] => {
  const found = setsOf(type)
  if (!MANY_ENTRIES.has(type.name)) return found
  return Object.keys(SETS).filter((set) => found.includes(set) || set === '32bit_unique')
}

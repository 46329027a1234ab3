/**
 * What the guard of the kernel side (bpf/include/guard.h) and its compiler (src/guards/) have to agree on.
 *
 * A guarded event has a shape: the few facts about a call that are free to look at, packed into one small number. A table
 * says for each event type and shape which guard classes are possible; everything else is asked of those only.
 */

/** Event ids below this have many shapes; others, below GUARD_IDS, no more than how the call ended. */
export const GUARD_EVENTS = 64
export const GUARD_SHAPES = 512
export const GUARD_IDS = 2560
export const GUARD_OUTCOMES = 4
const GUARD_ROWS = GUARD_EVENTS * GUARD_SHAPES + (GUARD_IDS - GUARD_EVENTS) * GUARD_OUTCOMES
/** Shapes that an event id has room for. */
export const shapesOf = (id: number): number => (id < GUARD_EVENTS ? GUARD_SHAPES : GUARD_OUTCOMES)
/** Row of the table of shapes, of which each generation has one half. */
export const shapeRow = (generation: number, id: number, shape: number): number =>
  (generation & 1) * GUARD_ROWS +
  (id < GUARD_EVENTS
    ? id * GUARD_SHAPES + shape
    : GUARD_EVENTS * GUARD_SHAPES + (id - GUARD_EVENTS) * GUARD_OUTCOMES + shape)
/** Words of a mask: 256 classes. Class 0 asks for nothing but the shape. */
export const GUARD_WORDS = 4
/** Bytes of the longest file name and directory a table holds: what is longer is not asked for. Bytes of an ending. */
export const GUARD_NAME = 36
export const GUARD_DIR = 252
export const GUARD_TAIL = 4
/** Most entries of each table, for two generations; several dimensions share those of names and of numbers. */
export const GUARD_ENTRIES = 32768
export const GUARD_NAME_ENTRIES = 131_072
export const GUARD_NUMBER_ENTRIES = 65_536
/** Numbers that an event can be asked for, and most tests of one of them; more are not asked. Elements of their table. */
export const GUARD_ARGUMENTS = 6
export const GUARD_TESTS = 32
export const GUARD_ARGUMENT_ENTRIES = 4096
/** Cgroups whose kind is remembered, and processes whose bits are. */
export const GUARD_CGROUPS = 8192
export const GUARD_PROCESSES = 16384

/** Dimensions of which a path has several values, one for each spelling. */
export const PATH_DIMENSIONS = ['dirs', 'components', 'bases', 'tails', 'raws'] as const
/** Dimensions that the process decides. */
export const PROCESS_DIMENSIONS = [
  'comms',
  'uids',
  'containers',
  'ttys',
  'loginuids',
  'images',
  'exes',
  'ancestors',
] as const

/** Numbers among the arguments of an event. */
export const NUMBER_DIMENSIONS = ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const

/** What is looked up beyond the shape (src/guards/branches.ts says what each is). */
export const GUARD_DIMENSIONS = [
  ...PATH_DIMENSIONS,
  ...PROCESS_DIMENSIONS,
  'ports',
  'nets',
  ...NUMBER_DIMENSIONS,
] as const

/** Fields of records whose numbers are asked for, in order, by family. Plain syscalls have all their arguments. */
export const ARGUMENT_FIELDS = {
  ptrace: ['request', 'pid'],
  process_vm: ['pid'],
  pidfd: ['flags', 'pid'],
  signal: ['sig', 'code', 'pid', 'tid', 'result', 'group'],
  bpf_call: ['cmd', 'kind', 'obj_id'],
  socket_new: ['domain', 'type', 'proto'],
  socket: ['flags', 'backlog'],
  dup: ['flags'],
  unlink: ['flags'],
  rename: ['flags'],
  link: ['flags'],
  chmod: ['flags'],
  flow: ['direction'],
  packet: ['protocol', 'size'],
  cgroup: ['cgroup_id', 'hierarchy_id'],
  cgroup_attach: ['pid', 'threadgroup', 'hierarchy_id'],
  security_file_open: ['flags', 'syscall'],
  vfs_write: ['count'],
  vfs_writev: ['vlen'],
  security_kernel_read_file: ['type'],
  security_kernel_post_read_file: ['type'],
  security_sb_mount: ['flags'],
  security_socket_create: ['family', 'type', 'protocol'],
  security_socket_listen: ['backlog'],
  cap_capable: ['cap', 'syscall'],
  mem_prot_alert: ['alert', 'prot', 'prev_prot', 'len'],
  security_bpf: ['cmd'],
  security_bpf_map: ['map_id'],
  sys_enter: ['syscall'],
  sys_exit: ['syscall', 'res'],
  sched_process_fork: ['parent_tid', 'parent_pid', 'child_tid', 'child_pid'],
  sched_process_exit: ['exit_code', 'process_group_exit'],
  do_exit: ['code'],
  sched_switch: ['cpu', 'prev_tid', 'next_tid'],
  switch_task_ns: ['new_mnt', 'new_pid', 'new_uts', 'new_ipc', 'new_net', 'new_cgroup'],
  commit_creds: ['syscall', 'changed', 'old_euid', 'new_euid'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** How a call ended, the lowest two bits of a shape: EACCES and EPERM are denials. */
export const OUTCOMES = { OK: 0, FAILED: 1, DENIED: 2, IN_PROGRESS: 3 } as const
/**
 * Shape of an open: outcome, access mode (2 bits, as in the flags), flags that conditions like to ask for, and that what was
 * opened is known to be a directory.
 */
export const OPEN_SHAPE = {
  ACCESS_SHIFT: 2,
  CREATES: 16,
  TRUNC: 32,
  PATH: 64,
  SETS_ID: 128,
  DIRECTORY: 256,
} as const
/** Shape of a write: outcome and kind of file. */
export const WRITE_SHAPE = { KIND_SHIFT: 2 } as const
export const FILE_KINDS = { OTHER: 0, REG: 1, DIR: 2, CHR: 3, BLK: 4, FIFO: 5, SOCK: 6 } as const
/** Shape of a call on names: the outcome, and for chmod whether the mode sets a user or group id. */
export const NAME_SHAPE = { SETS_ID: 4 } as const
/** Shape of an exec: the outcome, and what is remarkable about the executable (EXE_FLAGS), which a failure does not tell. */
export const EXEC_SHAPE = { FLAGS_SHIFT: 2, FLAGS: 31 } as const
/** Shape of a socket call: outcome and address family. */
export const SOCKET_SHAPE = { FAMILY_SHIFT: 2 } as const
export const SOCKET_FAMILIES = {
  OTHER: 0,
  UNIX: 1,
  INET: 2,
  INET6: 3,
  NETLINK: 4,
  NONE: 5,
  PACKET: 6,
} as const
/** Shape of a new socket: outcome, address family, and kind of socket. */
export const SOCKET_NEW_SHAPE = { FAMILY_SHIFT: 2, TYPE_SHIFT: 5 } as const
export const SOCKET_KINDS = { OTHER: 0, STREAM: 1, DGRAM: 2, RAW: 3 } as const
/** Shape of a dup: outcome, the new number as far as it is a standard stream (3: another), and address family. */
export const DUP_SHAPE = { RESULT_SHIFT: 2, FAMILY_SHIFT: 4 } as const

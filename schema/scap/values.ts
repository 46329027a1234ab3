/**
 * Flags and choices that captures have in other bits and numbers than the kernel: by name, so that each can be made of the
 * other. What is not here is the kernel's own.
 */

import type { NameTable } from '../dsl.ts'
import {
  CLONE_FLAGS,
  FCNTL_COMMANDS,
  MAP_FLAGS,
  OPEN_FLAGS,
  PROT_FLAGS,
  PTRACE_REQUESTS,
  RESOLVE_FLAGS,
} from '../enums/index.ts'

export interface ScapValues {
  /** The kernel's values, and those of captures, by name. */
  readonly kernel: NameTable
  readonly scap: Readonly<Record<string, number>>
}

/** Flags whose bits follow each other from the lowest. */
const inOrder = (names: string, from = 0): Readonly<Record<string, number>> =>
  Object.fromEntries(names.split(' ').map((name, i) => [name, 1 << (from + i)]))
/** Choices whose numbers follow each other. */
const counted = (names: string, from = 0): Readonly<Record<string, number>> =>
  Object.fromEntries(names.split(' ').flatMap((name, i) => (name === '-' ? [] : [[name, from + i]])))

/** Access modes are bits there, one for reading and one for writing. */
export const SCAP_OPEN: ScapValues = {
  kernel: OPEN_FLAGS,
  scap: inOrder(
    'O_CREAT O_APPEND O_DSYNC O_EXCL O_NONBLOCK O_SYNC O_TRUNC O_DIRECT O_DIRECTORY O_LARGEFILE O_CLOEXEC O_TMPFILE',
    2,
  ),
}
/** Bit of open flags: the file was created. */
export const SCAP_CREATED: number = 1 << 14

const CLONE: ScapValues = {
  kernel: CLONE_FLAGS,
  scap: {
    ...inOrder(
      'CLONE_FILES CLONE_FS CLONE_IO CLONE_NEWIPC CLONE_NEWNET CLONE_NEWNS CLONE_NEWPID CLONE_NEWUTS CLONE_PARENT CLONE_PARENT_SETTID CLONE_PTRACE CLONE_SIGHAND CLONE_SYSVSEM CLONE_THREAD CLONE_UNTRACED CLONE_VM',
    ),
    ...inOrder('CLONE_NEWUSER', 20),
    ...inOrder(
      'CLONE_CHILD_CLEARTID CLONE_CHILD_SETTID CLONE_SETTLS CLONE_STOPPED CLONE_VFORK CLONE_NEWCGROUP',
      23,
    ),
  },
}

const PTRACE: ScapValues = {
  kernel: PTRACE_REQUESTS,
  scap: counted(
    'PTRACE_TRACEME PTRACE_PEEKTEXT PTRACE_PEEKDATA PTRACE_PEEKUSR PTRACE_POKETEXT PTRACE_POKEDATA PTRACE_POKEUSR PTRACE_CONT PTRACE_KILL PTRACE_SINGLESTEP PTRACE_ATTACH PTRACE_DETACH PTRACE_SYSCALL PTRACE_SETOPTIONS PTRACE_GETEVENTMSG PTRACE_GETSIGINFO PTRACE_SETSIGINFO PTRACE_GETREGSET PTRACE_SETREGSET PTRACE_SEIZE PTRACE_INTERRUPT PTRACE_LISTEN PTRACE_PEEKSIGINFO PTRACE_GETSIGMASK PTRACE_SETSIGMASK PTRACE_GETREGS PTRACE_SETREGS PTRACE_GETFPREGS PTRACE_SETFPREGS PTRACE_GETFPXREGS PTRACE_SETFPXREGS PTRACE_OLDSETOPTIONS PTRACE_GET_THREAD_AREA PTRACE_SET_THREAD_AREA PTRACE_ARCH_PRCTL PTRACE_SYSEMU PTRACE_SYSEMU_SINGLESTEP PTRACE_SINGLEBLOCK',
    1,
  ),
}

const FCNTL: ScapValues = {
  kernel: FCNTL_COMMANDS,
  scap: counted(
    'F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK - F_SETLK F_SETLKW F_SETOWN - F_GETOWN F_SETSIG - F_GETSIG - F_GETLK64 F_SETLK64 F_SETLKW64 - F_SETOWN_EX F_GETOWN_EX F_SETLEASE F_GETLEASE F_CANCELLK F_DUPFD_CLOEXEC F_NOTIFY F_SETPIPE_SZ F_GETPIPE_SZ F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW',
    1,
  ),
}

const RESOLVE: ScapValues = {
  kernel: RESOLVE_FLAGS,
  scap: inOrder(
    'RESOLVE_BENEATH RESOLVE_IN_ROOT RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS RESOLVE_NO_XDEV RESOLVE_CACHED',
  ),
}
const PROT: ScapValues = {
  kernel: PROT_FLAGS,
  scap: inOrder('PROT_READ PROT_WRITE PROT_EXEC PROT_SEM PROT_GROWSDOWN PROT_GROWSUP PROT_SAO'),
}
const MAP: ScapValues = {
  kernel: MAP_FLAGS,
  scap: inOrder(
    'MAP_SHARED MAP_PRIVATE MAP_FIXED MAP_ANONYMOUS MAP_32BIT MAP_RENAME MAP_NORESERVE MAP_POPULATE MAP_NONBLOCK MAP_GROWSDOWN MAP_DENYWRITE MAP_EXECUTABLE MAP_INHERIT MAP_FILE MAP_LOCKED',
  ),
}

const each = (
  events: string,
  param: string,
  values: ScapValues,
): readonly (readonly [string, ScapValues])[] =>
  events.split(' ').map((event) => [`${event}.${param}`, values])

/** By event and parameter: `openat.flags`. */
export const SCAP_VALUES: ReadonlyMap<string, ScapValues> = new Map([
  ...each(
    'open openat openat2 open_by_handle_at dup3 pipe2 inotify_init1 eventfd2 signalfd4',
    'flags',
    SCAP_OPEN,
  ),
  ...each('openat2', 'resolve', RESOLVE),
  ...each('clone clone3 fork vfork unshare', 'flags', CLONE),
  ...each('setns', 'nstype', CLONE),
  ...each('ptrace', 'request', PTRACE),
  ...each('fcntl', 'cmd', FCNTL),
  ...each('mmap mmap2 mprotect', 'prot', PROT),
  ...each('mmap mmap2', 'flags', MAP),
])

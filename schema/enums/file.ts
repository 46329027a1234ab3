import type { NameTable } from '../dsl.ts'

/** open(2) flags as on x86-64 and generic kernels (include/uapi/asm-generic/fcntl.h). */
export const OPEN_FLAGS: NameTable = {
  kind: 'flags',
  group: { mask: 0o3, names: { O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2 } },
  names: {
    O_CREAT: 0o100,
    O_EXCL: 0o200,
    O_NOCTTY: 0o400,
    O_TRUNC: 0o1000,
    O_APPEND: 0o2000,
    O_NONBLOCK: 0o4000,
    O_SYNC: 0o4010000,
    O_DSYNC: 0o10000,
    FASYNC: 0o20000,
    O_DIRECT: 0o40000,
    O_LARGEFILE: 0o100000,
    O_TMPFILE: 0o20200000,
    O_DIRECTORY: 0o200000,
    O_NOFOLLOW: 0o400000,
    O_NOATIME: 0o1000000,
    O_CLOEXEC: 0o2000000,
    O_PATH: 0o10000000,
  },
}

/** Bit of f_mode: the kernel created the file in this open (include/linux/fs.h). */
export const FMODE_CREATED = 0x100000

/** openat2(2) `resolve` bits (include/uapi/linux/openat2.h). */
export const RESOLVE_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    RESOLVE_NO_XDEV: 1,
    RESOLVE_NO_MAGICLINKS: 2,
    RESOLVE_NO_SYMLINKS: 4,
    RESOLVE_BENEATH: 8,
    RESOLVE_IN_ROOT: 16,
    RESOLVE_CACHED: 32,
  },
}

/** AT_* flags of the *at calls (include/uapi/linux/fcntl.h). AT_REMOVEDIR and AT_EACCESS share 0x200. */
export const AT_FLAGS: NameTable = {
  kind: 'flags',
  names: { AT_SYMLINK_NOFOLLOW: 0x100, AT_REMOVEDIR: 0x200, AT_SYMLINK_FOLLOW: 0x400, AT_EMPTY_PATH: 0x1000 },
}

/** execveat(2) flags. */
export const EXEC_AT_FLAGS: NameTable = {
  kind: 'flags',
  names: { AT_SYMLINK_NOFOLLOW: 0x100, AT_EMPTY_PATH: 0x1000, AT_EXECVE_CHECK: 0x10000 },
}

/** renameat2(2) flags. */
export const RENAME_FLAGS: NameTable = {
  kind: 'flags',
  names: { RENAME_NOREPLACE: 1, RENAME_EXCHANGE: 2, RENAME_WHITEOUT: 4 },
}

/** File type bits of a mode (include/uapi/linux/stat.h). */
export const S_IFMT = 0o170000
export const FILE_TYPES = {
  S_IFIFO: 0o10000,
  S_IFCHR: 0o20000,
  S_IFDIR: 0o40000,
  S_IFBLK: 0o60000,
  S_IFREG: 0o100000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
} as const

/** Descriptor that means "the current directory" to the *at calls. */
export const AT_FDCWD = -100

/** Bits of `path_flags`: how the path fields of a record came about. */
export const PATH_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    /** `path` is the kernel's own spelling, from the file object. */
    PATH_KERNEL: 1,
    /** The parent of the opened file is the directory a relative name starts from: `dir` is the directory of `path`. */
    PATH_IN_DIR: 2,
    /** The walk met its limit before the root. */
    PATH_CUT: 4,
    /** The file has no name left. */
    PATH_DELETED: 8,
  },
}

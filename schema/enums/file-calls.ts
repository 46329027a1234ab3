/** Flags and choices of calls on files. Source: include/uapi/linux/{fcntl,fs,stat,inotify,fanotify,eventpoll,io_uring}.h; numbers as on x86-64. */
import type { NameTable } from '../dsl.ts'

/** access(2) modes. */
export const ACCESS_MODES: NameTable = {
  kind: 'flags',
  names: { R_OK: 4, W_OK: 2, X_OK: 1 },
  none: 'F_OK',
}

/** lseek(2) origins. */
export const SEEK_WHENCE: NameTable = {
  kind: 'enum',
  names: { SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2, SEEK_DATA: 3, SEEK_HOLE: 4 },
}

/** fcntl(2) commands. */
export const FCNTL_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    F_DUPFD: 0,
    F_GETFD: 1,
    F_SETFD: 2,
    F_GETFL: 3,
    F_SETFL: 4,
    F_GETLK: 5,
    F_SETLK: 6,
    F_SETLKW: 7,
    F_SETOWN: 8,
    F_GETOWN: 9,
    F_SETSIG: 10,
    F_GETSIG: 11,
    F_SETOWN_EX: 15,
    F_GETOWN_EX: 16,
    F_GETOWNER_UIDS: 17,
    F_OFD_GETLK: 36,
    F_OFD_SETLK: 37,
    F_OFD_SETLKW: 38,
    F_SETLEASE: 1024,
    F_GETLEASE: 1025,
    F_CREATED_QUERY: 1028,
    F_CANCELLK: 1029,
    F_DUPFD_CLOEXEC: 1030,
    F_DUPFD_QUERY: 1027,
    F_NOTIFY: 1026,
    F_SETPIPE_SZ: 1031,
    F_GETPIPE_SZ: 1032,
    F_ADD_SEALS: 1033,
    F_GET_SEALS: 1034,
    F_GET_RW_HINT: 1035,
    F_SET_RW_HINT: 1036,
    F_GET_FILE_RW_HINT: 1037,
    F_SET_FILE_RW_HINT: 1038,
  },
}

/** flock(2) operations. */
export const FLOCK_OPERATIONS: NameTable = {
  kind: 'flags',
  names: { LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8, LOCK_MAND: 0x20 },
}

/** fallocate(2) modes. */
export const FALLOC_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    FALLOC_FL_KEEP_SIZE: 1,
    FALLOC_FL_PUNCH_HOLE: 2,
    FALLOC_FL_NO_HIDE_STALE: 4,
    FALLOC_FL_COLLAPSE_RANGE: 8,
    FALLOC_FL_ZERO_RANGE: 0x10,
    FALLOC_FL_INSERT_RANGE: 0x20,
    FALLOC_FL_UNSHARE_RANGE: 0x40,
  },
}

/** posix_fadvise(2) advice. */
export const FADVICE: NameTable = {
  kind: 'enum',
  names: {
    POSIX_FADV_NORMAL: 0,
    POSIX_FADV_RANDOM: 1,
    POSIX_FADV_SEQUENTIAL: 2,
    POSIX_FADV_WILLNEED: 3,
    POSIX_FADV_DONTNEED: 4,
    POSIX_FADV_NOREUSE: 5,
  },
}

/** close_range(2) flags. */
export const CLOSE_RANGE_FLAGS: NameTable = {
  kind: 'flags',
  names: { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 },
}

/** memfd_create(2) flags. */
export const MEMFD_FLAGS: NameTable = {
  kind: 'flags',
  names: { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_HUGETLB: 4, MFD_NOEXEC_SEAL: 8, MFD_EXEC: 0x10 },
}

/** splice(2) flags. */
export const SPLICE_FLAGS: NameTable = {
  kind: 'flags',
  names: { SPLICE_F_MOVE: 1, SPLICE_F_NONBLOCK: 2, SPLICE_F_MORE: 4, SPLICE_F_GIFT: 8 },
}

/** sync_file_range(2) flags. */
export const SYNC_RANGE_FLAGS: NameTable = {
  kind: 'flags',
  names: { SYNC_FILE_RANGE_WAIT_BEFORE: 1, SYNC_FILE_RANGE_WRITE: 2, SYNC_FILE_RANGE_WAIT_AFTER: 4 },
}

/** preadv2(2) flags. */
export const RWF_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    RWF_HIPRI: 1,
    RWF_DSYNC: 2,
    RWF_SYNC: 4,
    RWF_NOWAIT: 8,
    RWF_APPEND: 0x10,
    RWF_NOAPPEND: 0x20,
    RWF_ATOMIC: 0x40,
    RWF_DONTCACHE: 0x80,
  },
}

/** setxattr(2) flags. */
export const XATTR_FLAGS: NameTable = {
  kind: 'flags',
  names: { XATTR_CREATE: 1, XATTR_REPLACE: 2 },
}

/** statx(2) fields. */
export const STATX_MASK: NameTable = {
  kind: 'flags',
  names: {
    STATX_TYPE: 1,
    STATX_MODE: 2,
    STATX_NLINK: 4,
    STATX_UID: 8,
    STATX_GID: 0x10,
    STATX_ATIME: 0x20,
    STATX_MTIME: 0x40,
    STATX_CTIME: 0x80,
    STATX_INO: 0x100,
    STATX_SIZE: 0x200,
    STATX_BLOCKS: 0x400,
    STATX_BTIME: 0x800,
    STATX_MNT_ID: 0x1000,
    STATX_DIOALIGN: 0x2000,
    STATX_MNT_ID_UNIQUE: 0x4000,
    STATX_SUBVOL: 0x8000,
    STATX_WRITE_ATOMIC: 0x10000,
  },
}

/** AT_* flags of the stat and mount calls. */
export const STAT_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    AT_SYMLINK_NOFOLLOW: 0x100,
    AT_SYMLINK_FOLLOW: 0x400,
    AT_NO_AUTOMOUNT: 0x800,
    AT_EMPTY_PATH: 0x1000,
    AT_STATX_FORCE_SYNC: 0x2000,
    AT_STATX_DONT_SYNC: 0x4000,
    AT_RECURSIVE: 0x8000,
    OPEN_TREE_CLONE: 1,
    OPEN_TREE_CLOEXEC: 0x80000,
  },
}

/** faccessat2(2) flags. */
export const FACCESS_FLAGS: NameTable = {
  kind: 'flags',
  names: { AT_EACCESS: 0x200, AT_SYMLINK_NOFOLLOW: 0x100, AT_EMPTY_PATH: 0x1000 },
}

/** inotify(7) events and options. */
export const INOTIFY_MASK: NameTable = {
  kind: 'flags',
  names: {
    IN_ACCESS: 1,
    IN_MODIFY: 2,
    IN_ATTRIB: 4,
    IN_CLOSE_WRITE: 8,
    IN_CLOSE_NOWRITE: 0x10,
    IN_OPEN: 0x20,
    IN_MOVED_FROM: 0x40,
    IN_MOVED_TO: 0x80,
    IN_CREATE: 0x100,
    IN_DELETE: 0x200,
    IN_DELETE_SELF: 0x400,
    IN_MOVE_SELF: 0x800,
    IN_UNMOUNT: 0x2000,
    IN_Q_OVERFLOW: 0x4000,
    IN_IGNORED: 0x8000,
    IN_ONLYDIR: 0x1000000,
    IN_DONT_FOLLOW: 0x2000000,
    IN_EXCL_UNLINK: 0x4000000,
    IN_MASK_CREATE: 0x10000000,
    IN_MASK_ADD: 0x20000000,
    IN_ISDIR: 0x40000000,
    IN_ONESHOT: 0x80000000,
  },
}

/** inotify_init1(2) flags. */
export const INOTIFY_FLAGS: NameTable = {
  kind: 'flags',
  names: { IN_CLOEXEC: 0x80000, IN_NONBLOCK: 0x800 },
}

/** fanotify_init(2) flags. */
export const FANOTIFY_INIT: NameTable = {
  kind: 'flags',
  names: {
    FAN_CLOEXEC: 1,
    FAN_NONBLOCK: 2,
    FAN_CLASS_CONTENT: 4,
    FAN_CLASS_PRE_CONTENT: 8,
    FAN_UNLIMITED_QUEUE: 0x10,
    FAN_UNLIMITED_MARKS: 0x20,
    FAN_ENABLE_AUDIT: 0x40,
    FAN_REPORT_PIDFD: 0x80,
    FAN_REPORT_TID: 0x100,
    FAN_REPORT_FID: 0x200,
    FAN_REPORT_DIR_FID: 0x400,
    FAN_REPORT_NAME: 0x800,
    FAN_REPORT_TARGET_FID: 0x1000,
  },
}

/** fanotify_mark(2) flags. */
export const FANOTIFY_MARK: NameTable = {
  kind: 'flags',
  names: {
    FAN_MARK_ADD: 1,
    FAN_MARK_REMOVE: 2,
    FAN_MARK_DONT_FOLLOW: 4,
    FAN_MARK_ONLYDIR: 8,
    FAN_MARK_MOUNT: 0x10,
    FAN_MARK_IGNORED_MASK: 0x20,
    FAN_MARK_IGNORED_SURV_MODIFY: 0x40,
    FAN_MARK_FLUSH: 0x80,
    FAN_MARK_FILESYSTEM: 0x100,
    FAN_MARK_EVICTABLE: 0x200,
    FAN_MARK_IGNORE: 0x400,
  },
}

/** fanotify(7) events. */
export const FANOTIFY_EVENTS: NameTable = {
  kind: 'flags',
  names: {
    FAN_ACCESS: 1,
    FAN_MODIFY: 2,
    FAN_ATTRIB: 4,
    FAN_CLOSE_WRITE: 8,
    FAN_CLOSE_NOWRITE: 0x10,
    FAN_OPEN: 0x20,
    FAN_MOVED_FROM: 0x40,
    FAN_MOVED_TO: 0x80,
    FAN_CREATE: 0x100,
    FAN_DELETE: 0x200,
    FAN_DELETE_SELF: 0x400,
    FAN_MOVE_SELF: 0x800,
    FAN_OPEN_EXEC: 0x1000,
    FAN_Q_OVERFLOW: 0x4000,
    FAN_FS_ERROR: 0x8000,
    FAN_OPEN_PERM: 0x10000,
    FAN_ACCESS_PERM: 0x20000,
    FAN_OPEN_EXEC_PERM: 0x40000,
    FAN_EVENT_ON_CHILD: 0x8000000,
    FAN_RENAME: 0x10000000,
    FAN_ONDIR: 0x40000000,
  },
}

/** epoll_ctl(2) operations. */
export const EPOLL_OPERATIONS: NameTable = {
  kind: 'enum',
  names: { EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3 },
}

/** epoll_create1(2) flags. */
export const EPOLL_FLAGS: NameTable = {
  kind: 'flags',
  names: { EPOLL_CLOEXEC: 0x80000 },
}

/** eventfd2(2) flags. */
export const EVENTFD_FLAGS: NameTable = {
  kind: 'flags',
  names: { EFD_SEMAPHORE: 1, EFD_NONBLOCK: 0x800, EFD_CLOEXEC: 0x80000 },
}

/** signalfd4(2) flags. */
export const SIGNALFD_FLAGS: NameTable = {
  kind: 'flags',
  names: { SFD_NONBLOCK: 0x800, SFD_CLOEXEC: 0x80000 },
}

/** io_uring_enter(2) flags. */
export const IO_URING_ENTER: NameTable = {
  kind: 'flags',
  names: {
    IORING_ENTER_GETEVENTS: 1,
    IORING_ENTER_SQ_WAKEUP: 2,
    IORING_ENTER_SQ_WAIT: 4,
    IORING_ENTER_EXT_ARG: 8,
    IORING_ENTER_REGISTERED_RING: 0x10,
    IORING_ENTER_ABS_TIMER: 0x20,
    IORING_ENTER_EXT_ARG_REG: 0x40,
    IORING_ENTER_NO_IOWAIT: 0x80,
  },
}

/** io_uring_register(2) operations. */
export const IO_URING_REGISTER: NameTable = {
  kind: 'enum',
  names: {
    IORING_REGISTER_BUFFERS: 0,
    IORING_UNREGISTER_BUFFERS: 1,
    IORING_REGISTER_FILES: 2,
    IORING_UNREGISTER_FILES: 3,
    IORING_REGISTER_EVENTFD: 4,
    IORING_UNREGISTER_EVENTFD: 5,
    IORING_REGISTER_FILES_UPDATE: 6,
    IORING_REGISTER_EVENTFD_ASYNC: 7,
    IORING_REGISTER_PROBE: 8,
    IORING_REGISTER_PERSONALITY: 9,
    IORING_UNREGISTER_PERSONALITY: 10,
    IORING_REGISTER_RESTRICTIONS: 11,
    IORING_REGISTER_ENABLE_RINGS: 12,
    IORING_REGISTER_FILES2: 13,
    IORING_REGISTER_FILES_UPDATE2: 14,
    IORING_REGISTER_BUFFERS2: 15,
    IORING_REGISTER_BUFFERS_UPDATE: 16,
    IORING_REGISTER_IOWQ_AFF: 17,
    IORING_UNREGISTER_IOWQ_AFF: 18,
    IORING_REGISTER_IOWQ_MAX_WORKERS: 19,
    IORING_REGISTER_RING_FDS: 20,
    IORING_UNREGISTER_RING_FDS: 21,
    IORING_REGISTER_PBUF_RING: 22,
    IORING_UNREGISTER_PBUF_RING: 23,
    IORING_REGISTER_SYNC_CANCEL: 24,
    IORING_REGISTER_FILE_ALLOC_RANGE: 25,
    IORING_REGISTER_PBUF_STATUS: 26,
    IORING_REGISTER_NAPI: 27,
    IORING_UNREGISTER_NAPI: 28,
    IORING_REGISTER_CLOCK: 29,
    IORING_REGISTER_CLONE_BUFFERS: 30,
    IORING_REGISTER_SEND_MSG_RING: 31,
    IORING_REGISTER_ZCRX_IFQ: 32,
    IORING_REGISTER_RESIZE_RINGS: 33,
    IORING_REGISTER_MEM_REGION: 34,
    IORING_REGISTER_QUERY: 35,
  },
}

/** getrandom(2) flags. */
export const GETRANDOM_FLAGS: NameTable = {
  kind: 'flags',
  names: { GRND_NONBLOCK: 1, GRND_RANDOM: 2, GRND_INSECURE: 4 },
}

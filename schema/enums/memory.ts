/** Flags and choices of calls on memory. Source: include/uapi/asm-generic/mman*.h, include/uapi/linux/mempolicy.h. */
import type { NameTable } from '../dsl.ts'

/** Memory protection. */
export const PROT_FLAGS: NameTable = {
  kind: 'flags',
  none: 'PROT_NONE',
  names: {
    PROT_READ: 1,
    PROT_WRITE: 2,
    PROT_EXEC: 4,
    PROT_SEM: 8,
    PROT_GROWSDOWN: 0x1000000,
    PROT_GROWSUP: 0x2000000,
  },
}

/** mmap(2) flags. */
export const MAP_FLAGS: NameTable = {
  kind: 'flags',
  group: { mask: 0xf, names: { MAP_SHARED: 1, MAP_PRIVATE: 2, MAP_SHARED_VALIDATE: 3, MAP_DROPPABLE: 8 } },
  names: {
    MAP_FIXED: 0x10,
    MAP_ANONYMOUS: 0x20,
    MAP_32BIT: 0x40,
    MAP_GROWSDOWN: 0x100,
    MAP_DENYWRITE: 0x800,
    MAP_EXECUTABLE: 0x1000,
    MAP_LOCKED: 0x2000,
    MAP_NORESERVE: 0x4000,
    MAP_POPULATE: 0x8000,
    MAP_NONBLOCK: 0x10000,
    MAP_STACK: 0x20000,
    MAP_HUGETLB: 0x40000,
    MAP_SYNC: 0x80000,
    MAP_FIXED_NOREPLACE: 0x100000,
  },
}

/** mremap(2) flags. */
export const MREMAP_FLAGS: NameTable = {
  kind: 'flags',
  names: { MREMAP_MAYMOVE: 1, MREMAP_FIXED: 2, MREMAP_DONTUNMAP: 4 },
}

/** msync(2) flags. */
export const MSYNC_FLAGS: NameTable = {
  kind: 'flags',
  names: { MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4 },
}

/** madvise(2) advice. */
export const MADVICE: NameTable = {
  kind: 'enum',
  names: {
    MADV_NORMAL: 0,
    MADV_RANDOM: 1,
    MADV_SEQUENTIAL: 2,
    MADV_WILLNEED: 3,
    MADV_DONTNEED: 4,
    MADV_FREE: 8,
    MADV_REMOVE: 9,
    MADV_DONTFORK: 10,
    MADV_DOFORK: 11,
    MADV_HWPOISON: 100,
    MADV_SOFT_OFFLINE: 101,
    MADV_MERGEABLE: 12,
    MADV_UNMERGEABLE: 13,
    MADV_HUGEPAGE: 14,
    MADV_NOHUGEPAGE: 15,
    MADV_DONTDUMP: 16,
    MADV_DODUMP: 17,
    MADV_WIPEONFORK: 18,
    MADV_KEEPONFORK: 19,
    MADV_COLD: 20,
    MADV_PAGEOUT: 21,
    MADV_POPULATE_READ: 22,
    MADV_POPULATE_WRITE: 23,
    MADV_DONTNEED_LOCKED: 24,
    MADV_COLLAPSE: 25,
    MADV_GUARD_INSTALL: 102,
    MADV_GUARD_REMOVE: 103,
  },
}

/** mlock2(2) flags. */
export const MLOCK2_FLAGS: NameTable = {
  kind: 'flags',
  names: { MLOCK_ONFAULT: 1 },
}

/** mlockall(2) flags. */
export const MLOCKALL_FLAGS: NameTable = {
  kind: 'flags',
  names: { MCL_CURRENT: 1, MCL_FUTURE: 2, MCL_ONFAULT: 4 },
}

/** Memory policies. */
export const MEMPOLICIES: NameTable = {
  kind: 'enum',
  names: {
    MPOL_DEFAULT: 0,
    MPOL_PREFERRED: 1,
    MPOL_BIND: 2,
    MPOL_INTERLEAVE: 3,
    MPOL_LOCAL: 4,
    MPOL_PREFERRED_MANY: 5,
    MPOL_WEIGHTED_INTERLEAVE: 6,
  },
}

/** mbind(2) flags. */
export const MBIND_FLAGS: NameTable = {
  kind: 'flags',
  names: { MPOL_MF_STRICT: 1, MPOL_MF_MOVE: 2, MPOL_MF_MOVE_ALL: 4 },
}

/** pkey_alloc(2) rights. */
export const PKEY_RIGHTS: NameTable = {
  kind: 'flags',
  names: { PKEY_DISABLE_ACCESS: 1, PKEY_DISABLE_WRITE: 2 },
}

/** membarrier(2) commands. */
export const MEMBARRIER_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    MEMBARRIER_CMD_QUERY: 0,
    MEMBARRIER_CMD_GLOBAL: 1,
    MEMBARRIER_CMD_GLOBAL_EXPEDITED: 2,
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: 4,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED: 8,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: 16,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE: 32,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: 64,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: 128,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ: 256,
    MEMBARRIER_CMD_GET_REGISTRATIONS: 512,
  },
}

/** How memory became executable (mem_prot_alert); the numbers are Tracee's. */
export const PROT_ALERTS: NameTable = {
  kind: 'enum',
  names: {
    MMAP_WRITE_EXEC: 1,
    MPROTECT_EXEC_ADDED: 2,
    MPROTECT_WRITE_ADDED: 3,
    MPROTECT_WRITE_REMOVED: 4,
  },
}

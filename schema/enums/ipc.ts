/** Flags and choices of futexes and System V IPC. Source: include/uapi/linux/{futex,ipc,msg,sem,shm}.h. */
import type { NameTable } from '../dsl.ts'

/** futex(2) operations. */
export const FUTEX_OPERATIONS: NameTable = {
  kind: 'flags',
  group: {
    mask: 0x7f,
    names: {
      FUTEX_WAIT: 0,
      FUTEX_WAKE: 1,
      FUTEX_FD: 2,
      FUTEX_REQUEUE: 3,
      FUTEX_CMP_REQUEUE: 4,
      FUTEX_WAKE_OP: 5,
      FUTEX_LOCK_PI: 6,
      FUTEX_UNLOCK_PI: 7,
      FUTEX_TRYLOCK_PI: 8,
      FUTEX_WAIT_BITSET: 9,
      FUTEX_WAKE_BITSET: 10,
      FUTEX_WAIT_REQUEUE_PI: 11,
      FUTEX_CMP_REQUEUE_PI: 12,
      FUTEX_LOCK_PI2: 13,
    },
  },
  names: { FUTEX_PRIVATE_FLAG: 0x80, FUTEX_CLOCK_REALTIME: 0x100 },
}

/** futex2 flags. */
export const FUTEX2_FLAGS: NameTable = {
  kind: 'flags',
  group: {
    mask: 3,
    names: { FUTEX2_SIZE_U8: 0, FUTEX2_SIZE_U16: 1, FUTEX2_SIZE_U32: 2, FUTEX2_SIZE_U64: 3 },
  },
  names: { FUTEX2_NUMA: 4, FUTEX2_MPOL: 8, FUTEX2_PRIVATE: 0x80 },
}

/** Flags of the System V get calls. */
export const IPC_FLAGS: NameTable = {
  kind: 'flags',
  names: { IPC_CREAT: 0x200, IPC_EXCL: 0x400, IPC_NOWAIT: 0x800 },
}

/** shmat(2) flags. */
export const SHMAT_FLAGS: NameTable = {
  kind: 'flags',
  names: { SHM_RDONLY: 0x1000, SHM_RND: 0x2000, SHM_REMAP: 0x4000, SHM_EXEC: 0x8000 },
}

/** Control commands of System V queues. */
export const IPC_COMMANDS: NameTable = {
  kind: 'enum',
  names: { IPC_RMID: 0, IPC_SET: 1, IPC_STAT: 2, IPC_INFO: 3, MSG_STAT: 11, MSG_INFO: 12, MSG_STAT_ANY: 13 },
}

/** semctl(2) commands. */
export const SEM_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    IPC_RMID: 0,
    IPC_SET: 1,
    IPC_STAT: 2,
    IPC_INFO: 3,
    GETPID: 11,
    GETVAL: 12,
    GETALL: 13,
    GETNCNT: 14,
    GETZCNT: 15,
    SETVAL: 16,
    SETALL: 17,
    SEM_STAT: 18,
    SEM_INFO: 19,
    SEM_STAT_ANY: 20,
  },
}

/** shmctl(2) commands. */
export const SHM_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    IPC_RMID: 0,
    IPC_SET: 1,
    IPC_STAT: 2,
    IPC_INFO: 3,
    SHM_LOCK: 11,
    SHM_UNLOCK: 12,
    SHM_STAT: 13,
    SHM_INFO: 14,
    SHM_STAT_ANY: 15,
  },
}

/** msgsnd(2) and msgrcv(2) flags. */
export const MSG_OPTIONS: NameTable = {
  kind: 'flags',
  names: { IPC_NOWAIT: 0x800, MSG_NOERROR: 0x1000, MSG_EXCEPT: 0x2000, MSG_COPY: 0x4000 },
}

/** Calls behind ipc(2), the one System V call of i386. */
export const IPC_CALLS: NameTable = {
  kind: 'enum',
  names: {
    SEMOP: 1,
    SEMGET: 2,
    SEMCTL: 3,
    SEMTIMEDOP: 4,
    MSGSND: 11,
    MSGRCV: 12,
    MSGGET: 13,
    MSGCTL: 14,
    SHMAT: 21,
    SHMDT: 22,
    SHMGET: 23,
    SHMCTL: 24,
  },
}

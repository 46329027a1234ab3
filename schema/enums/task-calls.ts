/** Flags and choices of calls on processes and threads. Source: include/uapi/linux/{prctl,sched,wait,seccomp,kcmp}.h, arch/x86/include/uapi/asm/prctl.h. */
import type { NameTable } from '../dsl.ts'

/** wait4(2) options. */
export const WAIT_OPTIONS: NameTable = {
  kind: 'flags',
  names: {
    WNOHANG: 1,
    WUNTRACED: 2,
    WEXITED: 4,
    WCONTINUED: 8,
    WNOWAIT: 0x1000000,
    __WNOTHREAD: 0x20000000,
    __WALL: 0x40000000,
  },
}

/** waitid(2) kinds of ids. */
export const WAIT_IDS: NameTable = {
  kind: 'enum',
  names: { P_ALL: 0, P_PID: 1, P_PGID: 2, P_PIDFD: 3 },
}

/** Scheduling policies. */
export const SCHED_POLICIES: NameTable = {
  kind: 'flags',
  group: {
    mask: 0xff,
    names: {
      SCHED_OTHER: 0,
      SCHED_FIFO: 1,
      SCHED_RR: 2,
      SCHED_BATCH: 3,
      SCHED_IDLE: 5,
      SCHED_DEADLINE: 6,
      SCHED_EXT: 7,
    },
  },
  names: { SCHED_RESET_ON_FORK: 0x40000000 },
}

/** Whose priority. */
export const PRIORITY_WHICH: NameTable = {
  kind: 'enum',
  names: { PRIO_PROCESS: 0, PRIO_PGRP: 1, PRIO_USER: 2 },
}

/** Whose I/O priority. */
export const IOPRIO_WHICH: NameTable = {
  kind: 'enum',
  names: { IOPRIO_WHO_PROCESS: 1, IOPRIO_WHO_PGRP: 2, IOPRIO_WHO_USER: 3 },
}

/** Resource limits. */
export const RLIMITS: NameTable = {
  kind: 'enum',
  names: {
    RLIMIT_CPU: 0,
    RLIMIT_FSIZE: 1,
    RLIMIT_DATA: 2,
    RLIMIT_STACK: 3,
    RLIMIT_CORE: 4,
    RLIMIT_RSS: 5,
    RLIMIT_NPROC: 6,
    RLIMIT_NOFILE: 7,
    RLIMIT_MEMLOCK: 8,
    RLIMIT_AS: 9,
    RLIMIT_LOCKS: 10,
    RLIMIT_SIGPENDING: 11,
    RLIMIT_MSGQUEUE: 12,
    RLIMIT_NICE: 13,
    RLIMIT_RTPRIO: 14,
    RLIMIT_RTTIME: 15,
  },
}

/** Whose resource usage. */
export const RUSAGE_WHO: NameTable = {
  kind: 'enum',
  names: { RUSAGE_SELF: 0, RUSAGE_CHILDREN: -1, RUSAGE_THREAD: 1 },
}

/** prctl(2) options. */
export const PRCTL_OPTIONS: NameTable = {
  kind: 'enum',
  names: {
    PR_SET_PDEATHSIG: 1,
    PR_GET_PDEATHSIG: 2,
    PR_GET_DUMPABLE: 3,
    PR_SET_DUMPABLE: 4,
    PR_GET_UNALIGN: 5,
    PR_SET_UNALIGN: 6,
    PR_GET_KEEPCAPS: 7,
    PR_SET_KEEPCAPS: 8,
    PR_GET_FPEMU: 9,
    PR_SET_FPEMU: 10,
    PR_GET_FPEXC: 11,
    PR_SET_FPEXC: 12,
    PR_GET_TIMING: 13,
    PR_SET_TIMING: 14,
    PR_SET_NAME: 15,
    PR_GET_NAME: 16,
    PR_GET_ENDIAN: 19,
    PR_SET_ENDIAN: 20,
    PR_GET_SECCOMP: 21,
    PR_SET_SECCOMP: 22,
    PR_CAPBSET_READ: 23,
    PR_CAPBSET_DROP: 24,
    PR_GET_TSC: 25,
    PR_SET_TSC: 26,
    PR_GET_SECUREBITS: 27,
    PR_SET_SECUREBITS: 28,
    PR_SET_TIMERSLACK: 29,
    PR_GET_TIMERSLACK: 30,
    PR_TASK_PERF_EVENTS_DISABLE: 31,
    PR_TASK_PERF_EVENTS_ENABLE: 32,
    PR_MCE_KILL: 33,
    PR_MCE_KILL_GET: 34,
    PR_SET_MM: 35,
    PR_SET_CHILD_SUBREAPER: 36,
    PR_GET_CHILD_SUBREAPER: 37,
    PR_SET_NO_NEW_PRIVS: 38,
    PR_GET_NO_NEW_PRIVS: 39,
    PR_GET_TID_ADDRESS: 40,
    PR_SET_THP_DISABLE: 41,
    PR_GET_THP_DISABLE: 42,
    PR_MPX_ENABLE_MANAGEMENT: 43,
    PR_MPX_DISABLE_MANAGEMENT: 44,
    PR_SET_FP_MODE: 45,
    PR_GET_FP_MODE: 46,
    PR_CAP_AMBIENT: 47,
    PR_SVE_SET_VL: 50,
    PR_SVE_GET_VL: 51,
    PR_GET_SPECULATION_CTRL: 52,
    PR_SET_SPECULATION_CTRL: 53,
    PR_PAC_RESET_KEYS: 54,
    PR_SET_TAGGED_ADDR_CTRL: 55,
    PR_GET_TAGGED_ADDR_CTRL: 56,
    PR_SET_IO_FLUSHER: 57,
    PR_GET_IO_FLUSHER: 58,
    PR_SET_SYSCALL_USER_DISPATCH: 59,
    PR_PAC_SET_ENABLED_KEYS: 60,
    PR_PAC_GET_ENABLED_KEYS: 61,
    PR_SCHED_CORE: 62,
    PR_SME_SET_VL: 63,
    PR_SME_GET_VL: 64,
    PR_SET_MDWE: 65,
    PR_GET_MDWE: 66,
    PR_SET_MEMORY_MERGE: 67,
    PR_GET_MEMORY_MERGE: 68,
    PR_RISCV_V_SET_CONTROL: 69,
    PR_RISCV_V_GET_CONTROL: 70,
    PR_GET_SHADOW_STACK_STATUS: 74,
    PR_SET_SHADOW_STACK_STATUS: 75,
    PR_LOCK_SHADOW_STACK_STATUS: 76,
    PR_TIMER_CREATE_RESTORE_IDS: 77,
    PR_FUTEX_HASH: 78,
    PR_SET_VMA: 0x53564d41,
    PR_GET_AUXV: 0x41555856,
    PR_SET_PTRACER: 0x59616d61,
  },
}

/** arch_prctl(2) options. */
export const ARCH_PRCTL_OPTIONS: NameTable = {
  kind: 'enum',
  names: {
    ARCH_SET_GS: 4097,
    ARCH_SET_FS: 4098,
    ARCH_GET_FS: 4099,
    ARCH_GET_GS: 4100,
    ARCH_GET_CPUID: 4113,
    ARCH_SET_CPUID: 4114,
    ARCH_GET_XCOMP_SUPP: 4129,
    ARCH_GET_XCOMP_PERM: 4130,
    ARCH_REQ_XCOMP_PERM: 4131,
    ARCH_GET_XCOMP_GUEST_PERM: 4132,
    ARCH_REQ_XCOMP_GUEST_PERM: 4133,
    ARCH_MAP_VDSO_X32: 8193,
    ARCH_MAP_VDSO_32: 8194,
    ARCH_MAP_VDSO_64: 8195,
    ARCH_GET_UNTAG_MASK: 16385,
    ARCH_ENABLE_TAGGED_ADDR: 16386,
    ARCH_GET_MAX_TAG_BITS: 16387,
    ARCH_FORCE_TAGGED_SVA: 16388,
    ARCH_SHSTK_ENABLE: 20481,
    ARCH_SHSTK_DISABLE: 20482,
    ARCH_SHSTK_LOCK: 20483,
    ARCH_SHSTK_UNLOCK: 20484,
    ARCH_SHSTK_STATUS: 20485,
  },
}

/** seccomp(2) operations. */
export const SECCOMP_OPERATIONS: NameTable = {
  kind: 'enum',
  names: {
    SECCOMP_SET_MODE_STRICT: 0,
    SECCOMP_SET_MODE_FILTER: 1,
    SECCOMP_GET_ACTION_AVAIL: 2,
    SECCOMP_GET_NOTIF_SIZES: 3,
  },
}

/** seccomp(2) flags. */
export const SECCOMP_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    SECCOMP_FILTER_FLAG_TSYNC: 1,
    SECCOMP_FILTER_FLAG_LOG: 2,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
    SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
    SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 0x10,
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
  },
}

/** kcmp(2) kinds. */
export const KCMP_TYPES: NameTable = {
  kind: 'enum',
  names: {
    KCMP_FILE: 0,
    KCMP_VM: 1,
    KCMP_FILES: 2,
    KCMP_FS: 3,
    KCMP_SIGHAND: 4,
    KCMP_IO: 5,
    KCMP_SYSVSEM: 6,
    KCMP_EPOLL_TFD: 7,
  },
}

/** pidfd_open(2) flags. */
export const PIDFD_FLAGS: NameTable = {
  kind: 'flags',
  names: { PIDFD_NONBLOCK: 0x800, PIDFD_THREAD: 0x80 },
}

/** pidfd_send_signal(2) flags. */
export const PIDFD_SIGNAL_FLAGS: NameTable = {
  kind: 'flags',
  names: { PIDFD_SIGNAL_THREAD: 1, PIDFD_SIGNAL_THREAD_GROUP: 2, PIDFD_SIGNAL_PROCESS_GROUP: 4 },
}

/** rseq(2) flags. */
export const RSEQ_FLAGS: NameTable = {
  kind: 'flags',
  names: { RSEQ_FLAG_UNREGISTER: 1 },
}

/** rt_sigprocmask(2) operations. */
export const SIGMASK_HOW: NameTable = {
  kind: 'enum',
  names: { SIG_BLOCK: 0, SIG_UNBLOCK: 1, SIG_SETMASK: 2 },
}

import type { NameTable } from '../dsl.ts'

/** Signal numbers of x86-64 and arm64 (include/uapi/asm-generic/signal.h). */
export const SIGNALS: NameTable = {
  kind: 'enum',
  names: {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGTRAP: 5,
    SIGABRT: 6,
    SIGBUS: 7,
    SIGFPE: 8,
    SIGKILL: 9,
    SIGUSR1: 10,
    SIGSEGV: 11,
    SIGUSR2: 12,
    SIGPIPE: 13,
    SIGALRM: 14,
    SIGTERM: 15,
    SIGSTKFLT: 16,
    SIGCHLD: 17,
    SIGCONT: 18,
    SIGSTOP: 19,
    SIGTSTP: 20,
    SIGTTIN: 21,
    SIGTTOU: 22,
    SIGURG: 23,
    SIGXCPU: 24,
    SIGXFSZ: 25,
    SIGVTALRM: 26,
    SIGPROF: 27,
    SIGWINCH: 28,
    SIGIO: 29,
    SIGPWR: 30,
    SIGSYS: 31,
  },
}

/** Where a signal comes from (si_code, include/uapi/asm-generic/siginfo.h); positive codes are the kernel's. */
export const SIGNAL_CODES: NameTable = {
  kind: 'enum',
  names: {
    SI_USER: 0,
    SI_KERNEL: 0x80,
    SI_QUEUE: -1,
    SI_TIMER: -2,
    SI_MESGQ: -3,
    SI_ASYNCIO: -4,
    SI_SIGIO: -5,
    SI_TKILL: -6,
  },
}

/** What became of it (include/trace/events/signal.h). */
export const SIGNAL_RESULTS: NameTable = {
  kind: 'enum',
  names: { DELIVERED: 0, IGNORED: 1, ALREADY_PENDING: 2, OVERFLOW_FAIL: 3, LOSE_INFO: 4 },
}

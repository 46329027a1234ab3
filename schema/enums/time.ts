/** Clocks and timers. Source: include/uapi/linux/time.h. */
import type { NameTable } from '../dsl.ts'

/** Clocks. */
export const CLOCKS: NameTable = {
  kind: 'enum',
  names: {
    CLOCK_REALTIME: 0,
    CLOCK_MONOTONIC: 1,
    CLOCK_PROCESS_CPUTIME_ID: 2,
    CLOCK_THREAD_CPUTIME_ID: 3,
    CLOCK_MONOTONIC_RAW: 4,
    CLOCK_REALTIME_COARSE: 5,
    CLOCK_MONOTONIC_COARSE: 6,
    CLOCK_BOOTTIME: 7,
    CLOCK_REALTIME_ALARM: 8,
    CLOCK_BOOTTIME_ALARM: 9,
    CLOCK_TAI: 11,
  },
}

/** Timer flags. */
export const TIMER_FLAGS: NameTable = {
  kind: 'flags',
  names: { TIMER_ABSTIME: 1 },
}

/** timerfd_create(2) flags. */
export const TIMERFD_CREATE: NameTable = {
  kind: 'flags',
  names: { TFD_NONBLOCK: 0x800, TFD_CLOEXEC: 0x80000 },
}

/** timerfd_settime(2) flags. */
export const TIMERFD_SETTIME: NameTable = {
  kind: 'flags',
  names: { TFD_TIMER_ABSTIME: 1, TFD_TIMER_CANCEL_ON_SET: 2 },
}

/** Interval timers. */
export const ITIMERS: NameTable = {
  kind: 'enum',
  names: { ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 },
}

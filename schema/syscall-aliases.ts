/**
 * Other names of syscalls. A call of i386 with 16 and with 32-bit user ids, or with 32 and 64-bit time or lengths, is one event, whatever
 * the kernel's table or other tools call its entry points. Each line: the event, its other names.
 */
const ALIASES = `
  _llseek llseek
  _sysctl sysctl
  afs_syscall afs
  chown chown32 chown16
  clock_adjtime clock_adjtime64
  clock_getres clock_getres_time64 clock_getres_time32
  clock_gettime clock_gettime64 clock_gettime32
  clock_nanosleep clock_nanosleep_time64 clock_nanosleep_time32
  clock_settime clock_settime64 clock_settime32
  fadvise64 fadvise64_64
  fchown fchown32 fchown16
  fcntl fcntl64
  ftruncate ftruncate64
  futex futex_time64 futex_time32
  getegid getegid32 getegid16
  geteuid geteuid32 geteuid16
  getgid getgid32 getgid16
  getgroups getgroups32 getgroups16
  getresgid getresgid32 getresgid16
  getresuid getresuid32 getresuid16
  getrlimit ugetrlimit old_getrlimit
  getuid getuid32 getuid16
  io_pgetevents io_pgetevents_time64 io_pgetevents_time32
  lchown lchown32 lchown16
  mmap mmap2
  mq_timedreceive mq_timedreceive_time64 mq_timedreceive_time32
  mq_timedsend mq_timedsend_time64 mq_timedsend_time32
  newfstatat fstatat64
  ppoll ppoll_time64 ppoll_time32
  pselect6 pselect6_time64 pselect6_time32
  recvmmsg recvmmsg_time64 recvmmsg_time32
  rt_sigtimedwait rt_sigtimedwait_time64 rt_sigtimedwait_time32
  sched_rr_get_interval sched_rr_get_interval_time64 sched_rr_get_interval_time32
  select _newselect old_select
  semtimedop semtimedop_time64
  sendfile sendfile64 sendfile32
  setfsgid setfsgid32 setfsgid16
  setfsuid setfsuid32 setfsuid16
  setgid setgid32 setgid16
  setgroups setgroups32 setgroups16
  setregid setregid32 setregid16
  setresgid setresgid32 setresgid16
  setresuid setresuid32 setresuid16
  setreuid setreuid32 setreuid16
  setuid setuid32 setuid16
  timer_gettime timer_gettime64 timer_gettime32
  timer_settime timer_settime64 timer_settime32
  timerfd_gettime timerfd_gettime64 timerfd_gettime32
  timerfd_settime timerfd_settime64 timerfd_settime32
  truncate truncate64
  utimensat utimensat_time64 utimensat_time32
`

/** Other names by event. */
export const SYSCALL_ALIASES: ReadonlyMap<string, readonly string[]> = new Map(
  ALIASES.trim()
    .split('\n')
    .map((line) => {
      const [name, ...aliases] = line.trim().split(' ')
      return [name!, aliases]
    }),
)

/** The event that a name stands for; the name itself when it is no alias. */
export function eventNameOf(name: string): string {
  for (const [event, aliases] of SYSCALL_ALIASES) if (aliases.includes(name)) return event
  return name
}

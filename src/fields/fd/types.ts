/** Falco's letters for kinds of descriptors, with its words for them. `U` is ours: Falco has the letter of unix sockets there. */
export const FD_TYPES = {
  f: 'file',
  d: 'directory',
  '4': 'ipv4',
  '6': 'ipv6',
  u: 'unix',
  p: 'pipe',
  e: 'event',
  s: 'signalfd',
  l: 'eventpoll',
  i: 'inotify',
  t: 'timerfd',
  n: 'netlink',
  b: 'bpf',
  U: 'userfaultfd',
  r: 'io_uring',
  m: 'memfd',
  P: 'pidfd',
  o: 'other',
} as const
export type FdTypeChar = keyof typeof FD_TYPES

/** The letter as Falco shows it. */
export const letterOf = (type: FdTypeChar): string => (type === 'U' ? 'u' : type)

/** All letters that are shown. */
export const FD_LETTERS: readonly string[] = Object.keys(FD_TYPES).filter((type) => type !== 'U')

/** Random system calls that touch everything guards look at. */
import { givenName, type Random } from '../../../src/testing/guard-cases.ts'
import { inet6Bytes, inetBytes } from './addresses.ts'
import { AT_FDCWD, bytes, type Call, message, ref, vector, zeros } from './raw.ts'

/** More than any process id can be. */
const NOBODY = 0x3ffffff

/** Calls that give a descriptor. */
const OPENING: ReadonlySet<string> = new Set(['openat', 'open', 'creat', 'socket'])

/** Calls in a tree of their own: the root is changed to it. */
export function randomCalls(random: Random, tree: string): Call[] {
  const calls: Call[] = [['chroot', tree], ['chdir', '/'], ['getpid']]
  const own = calls.length - 1
  const opened: number[] = []
  const fd = () => (opened.length > 0 && random.chance(80) ? ref(random.pick(opened)) : 77)
  const start = () => (random.chance(60) ? AT_FDCWD : fd())
  const name = () => givenName(random).slice(0, 300)
  const flags = () => random.pick([0, 0, 1, 2, 0o100, 0o1101, 0o101, 0o200000, 0o10000000, 0o20200002])
  const port = () => random.pick([20022, 20080, 24444])
  while (calls.length < 160) {
    const call = random.pick<() => Call>([
      () => ['openat', start(), name(), flags(), 0o644],
      () => ['open', name(), flags(), 0o644],
      () => ['creat', name(), random.pick([0o644, 0o4755])],
      () => ['socket', random.pick([1, 2, 10, 16, 17]), random.pick([1, 2, 3]), 0],
      () => ['socketpair', random.pick([1, 2, 17]), random.pick([1, 2]), 0, zeros(8)],
      () => ['openat2', start(), name(), zeros(24), 24],
      () => ['write', fd(), 'x', 1],
      () => ['writev', fd(), vector('a'), 1],
      () => ['pwrite64', fd(), 'x', 1, 0],
      () => ['ftruncate', fd(), 0],
      () => ['truncate', name(), 0],
      () => ['unlink', name()],
      () => ['unlinkat', start(), name(), 0],
      () => ['rename', name(), name()],
      () => ['renameat2', start(), name(), start(), name(), 0],
      () => ['link', name(), name()],
      () => ['linkat', start(), name(), start(), name(), 0],
      () => ['symlink', name(), name()],
      () => ['chmod', name(), random.pick([0o644, 0o4755])],
      () => ['fchmodat', start(), name(), 0o2755],
      () => ['fchmod', fd(), random.pick([0o644, 0o2755])],
      () => ['mkdir', name(), 0o755],
      () => ['rmdir', name()],
      () => ['chdir', name()],
      () => ['connect', fd(), bytes(inetBytes(port())), 16],
      () => ['connect', fd(), bytes(inet6Bytes(port())), 28],
      () => ['bind', fd(), bytes(inetBytes(port())), 16],
      () => ['listen', fd(), 1],
      () => ['dup', fd()],
      () => ['dup2', fd(), random.pick([0, 60])],
      () => ['sendto', fd(), 'x', 1, 64, 0, 0],
      () => ['sendto', fd(), 'x', 1, 64, bytes(inetBytes(port())), 16],
      () => ['sendmsg', fd(), message(inetBytes(port()), 4), 64],
      () => ['recvfrom', fd(), zeros(8), 8, 64, 0, 0],
      () => ['prctl', 15, random.pick(['cat', 'nginx', 'sh', 'x'])],
      () => ['prctl', random.pick([3, 16, 21, 39]), zeros(16)],
      // Nobody has this number.
      () => ['ptrace', random.pick([1, 4, 16, 17, 0x4206]), NOBODY, 0, 0],
      () => ['process_vm_readv', NOBODY, zeros(16), 1, zeros(16), 1, 0],
      () => ['kill', NOBODY, random.pick([0, 9, 15])],
      () => ['kill', ref(own), random.pick([18, 23, 28])],
      () => ['bpf', random.pick([0, 5, 15, 99]), zeros(16), 0],
      () => ['mount', name(), name(), 'nosuch', random.pick([0, 1, 2, 9]), 0],
      () => ['umount2', name(), random.pick([0, 2, 8])],
      () => ['mkdirat', start(), name(), 0o755],
      () => ['unshare', random.pick([0, 0x04000000, 0x08000000])],
      () => ['setns', fd(), random.pick([0, 0x20000])],
      () => ['mmap', 0, 4096, random.pick([0, 1, 3, 5]), random.pick([0x22, 0x21]), -1, 0],
      () => ['mprotect', 0, 0, random.pick([0, 1, 3, 7])],
      () => ['fcntl', fd(), random.pick([1, 3])],
      () => ['memfd_create', 'x', random.pick([0, 1, 3])],
      () => ['inotify_add_watch', 77, name(), random.pick([1, 2, 0x100])],
      () => ['fchownat', start(), name(), -1, -1, random.pick([0, 0x100])],
      () => (random.chance(10) ? ['setresuid', -1, random.pick([0, 33]), 0] : ['getpid']),
    ])()
    if (OPENING.has(call[0])) opened.push(calls.length)
    calls.push(call)
  }
  return calls
}

import {
  atExit,
  atTracepoint,
  defineFamily,
  type FieldDecl,
  fd,
  flags,
  ip,
  path,
  port,
  result,
  s32,
  str,
  strv,
  u16,
  u32,
  u64,
} from '../dsl.ts'
import { EXE_FLAGS, EXEC_AT_FLAGS, PATH_FLAGS } from '../enums/index.ts'

/** What one of the standard descriptors was open on after the call: an inode type, and the ends of an inet socket. */
const stream = (name: string): Readonly<Record<string, FieldDecl>> => ({
  [`${name}_laddr`]: ip(`local address of a socket on ${name}`, { hidden: true }),
  [`${name}_raddr`]: ip(`remote address of a socket on ${name}`, { hidden: true }),
  [`${name}_mode`]: u16(`inode type and permissions of ${name}; 0 when it is closed`, { hidden: true }),
  [`${name}_family`]: u16(`address family of a socket on ${name}; 0 for anything else`, { hidden: true }),
  [`${name}_lport`]: port(`local port of a socket on ${name}`, { hidden: true }),
  [`${name}_rport`]: port(`remote port of a socket on ${name}`, { hidden: true }),
  [`${name}_path`]: path(`path of ${name}, or the kernel's name of what has none`, {
    hidden: true,
    max: 256,
  }),
})

/**
 * A program image was replaced, or the attempt failed.
 *
 * A successful exec leaves no arguments at syscall exit, so it is read from the new memory map in
 * `sched_process_exec`; the exit programs report failures only. One call yields one event.
 */
export const exec = defineFamily({
  name: 'exec',
  object: 'process/exec',
  doc: 'A process replaced its program image',
  ring: 'critical',
  state: true,
  sets: ['process', 'default'],
  events: [
    {
      name: 'execve',
      id: 1,
      doc: 'execve(2): run a program by path.',
      programs: [atTracepoint('sched_process_exec'), atExit('execve')],
    },
    {
      name: 'execveat',
      id: 2,
      doc: 'execveat(2): run a program by descriptor or by path relative to one.',
      programs: [atTracepoint('sched_process_exec'), atExit('execveat')],
    },
    {
      name: 'process_snapshot',
      id: 9,
      doc: 'A process that was there when the agent started, in the shape of its last exec.',
      programs: [{ name: 'dump_task', section: 'iter.s/task' }],
      internal: true,
    },
  ],
  fields: {
    res: result('0, or a negative errno'),
    exe_ino: u64('inode number of the executable'),
    exe_ctime: u64('inode change time of the executable', { format: 'time', falco: 'exe_ino_ctime' }),
    exe_mtime: u64('modification time of the executable', { format: 'time', falco: 'exe_ino_mtime' }),
    cap_inheritable: u64('inheritable capabilities', { format: 'caps' }),
    cap_permitted: u64('permitted capabilities', { format: 'caps' }),
    cap_effective: u64('effective capabilities', { format: 'caps' }),
    parent_start: u64('start of the parent process, CLOCK_BOOTTIME ns', { hidden: true }),
    exe_dev: u32('device of the executable', { format: 'dev' }),
    exe_flags: flags('what is remarkable about the executable', EXE_FLAGS, { falco: 'flags' }),
    path_flags: flags('how the paths came about', PATH_FLAGS, { hidden: true }),
    uid: u32('real user id, initial namespace'),
    gid: u32('real group id, initial namespace'),
    loginuid: s32('audit login uid; -1 when never set'),
    tty: u32('device number of the controlling terminal; 0 without one'),
    ppid: u32('process id of the parent, initial namespace', { falco: 'ptid' }),
    vpid: u32('process id in its own pid namespace'),
    vppid: u32('process id of the parent as seen in this pid namespace; 0 when outside it', { hidden: true }),
    pgid: u32('process group, initial namespace'),
    vpgid: u32('process group in its own pid namespace'),
    sid: u32('session, initial namespace'),
    vsid: u32('session in its own pid namespace', { hidden: true }),
    pidns: u32('inode number of the pid namespace'),
    mntns: u32('inode number of the mount namespace'),
    dirfd: fd('directory the path is relative to (execveat), AT_FDCWD otherwise'),
    at_flags: flags(
      'execveat flags; after success only AT_EMPTY_PATH, of an empty path, is known',
      EXEC_AT_FLAGS,
      {
        argumentOf: { execveat: 'at_flags' },
      },
    ),
    comm: str('name of the task after the call', { max: 16 }),
    filename: path('path as the caller gave it'),
    exe_path: path('path of the executable as the kernel resolved it', { falco: 'trusted_exepath' }),
    cwd: path('current directory'),
    uts: str('name of the host in the uts namespace', { max: 64, hidden: true }),
    dir: path('directory a relative filename starts from; only on failure', { hidden: true }),
    cgroup_path: path('cgroup v2 path', { max: 2048 }),
    cgroup_v1_path: path('path of the deepest v1 cgroup looked at', { max: 2048 }),
    ...stream('stdin'),
    ...stream('stdout'),
    ...stream('stderr'),
    argv: strv('arguments, argv[0] first', { falco: 'args' }),
    env: strv('environment; captured on request'),
    fdlimit: u64('most descriptors the process may have open (RLIMIT_NOFILE)'),
    pgft_maj: u64('major page faults of the thread so far'),
    pgft_min: u64('minor page faults of the thread so far'),
    vm_size: u64('size of the address space, KiB'),
    vm_rss: u64('resident memory, KiB, without what single CPUs have not added up yet'),
    vm_swap: u64('memory swapped out, KiB, with the same reservation'),
    pidns_init_start_ts: u64('start of the first process of the pid namespace, CLOCK_BOOTTIME ns', {
      hidden: true,
    }),
  },
  limits:
    'A failed call carries the path but not its argument vector. argv and env are cut at kernel.argv_bytes and kernel.env_bytes, and then carry the length they had. The environment, and what the standard descriptors are open on, are read only when a rule, an output or a recording asks for them; the descriptors of processes that run at the start always. On x86 a successful execveat without a directory descriptor is reported as execve: the kernel itself makes it one.',
})

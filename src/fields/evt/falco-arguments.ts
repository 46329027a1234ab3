/**
 * Arguments of events as Falco 0.44 has them: their order in `evt.args` and `evt.arg[N]`, and how it writes plain numbers
 * (`:n` decimal without names, `:x` bare hexadecimal, `:o` octal). Arguments of ours that are not here have their name, too,
 * but stand behind and are not part of `evt.args`.
 */

import { SYSCALL_ALIASES } from '../../../schema/syscall-aliases.ts'

/** How Falco writes a number whose value has no names there. */
export type PlainNumber = 'n' | 'x' | 'o'

/** Falco's names of events that are called otherwise here, where the name of the syscall counts. */
const FALCO_EVENT_NAMES: ReadonlyMap<string, string> = new Map([
  ['pread', 'pread64'],
  ['pwrite', 'pwrite64'],
  ['prlimit', 'prlimit64'],
  ['llseek', '_llseek'],
])

/** Other names that rules may use for events, and those of the events. */
export const EVENT_ALIASES: ReadonlyMap<string, string> = new Map([
  ...[...SYSCALL_ALIASES].flatMap(([event, names]) => names.map((name) => [name, event] as const)),
  ...FALCO_EVENT_NAMES,
])

/** What Falco calls arguments that have another name here, which is that of the manual. Each line: events, renamed arguments. */
const RENAMED = `
mkdir mkdirat mknod mknodat stat lstat stat64 lstat64 newfstatat = pathname:path
access = pathname:name
chown lchown = pathname:path owner:uid group:gid
fchown fchownat = owner:uid group:gid
memfd_create pidfd_open pidfd_getfd = res:fd
open_by_handle_at = res:fd mount_fd:mountfd
copy_file_range = fd:fdout size:len fd_in:fdin
mount = source:dev target:dir filesystemtype:type mountflags:flags
umount umount2 = target:name
read = count:size
pread64 = count:size offset:pos
sendfile = count:size
splice = len:size
ioctl = arg:argument
futex = uaddr:addr futex_op:op
semctl = arg:val
shutdown = sockfd:fd
getsockopt setsockopt = sockfd:fd optval:val
getuid = res:uid
geteuid = res:euid
getgid = res:gid
getegid = res:egid
seccomp = operation:op
mmap = off:offset
mprotect = len:length
tgkill = tgid:pid
init_module = len:length param_values:uargs
finit_module = param_values:uargs
nanosleep = req:interval
fsconfig = fs_fd:fd
`

/** Falco's names of arguments by event and our name. */
export const FALCO_NAMES: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  RENAMED.trim()
    .split('\n')
    .flatMap((line) => {
      const [events = '', pairs = ''] = line.split('=')
      const names = new Map(
        pairs
          .trim()
          .split(' ')
          .map((pair) => pair.split(':') as [string, string]),
      )
      return events
        .trim()
        .split(' ')
        .map((event) => [event, names] as const)
    }),
)

const TABLE = `
accept = fd tuple queuepct:n queuelen:n queuemax:n
accept4 = fd tuple queuepct:n queuelen:n queuemax:n flags:x
access = res name mode
bind = res addr fd
bpf = fd cmd
brk = res:x vm_size:n vm_rss:n vm_swap:n addr:x
capset = res cap_inheritable:x cap_permitted:x cap_effective:x
chdir chroot getcwd lstat lstat64 rmdir stat stat64 unlink = res path
chmod = res filename mode
chown lchown = res path uid:n gid:n
clone clone3 fork vfork = res exe args tid pid ptid cwd fdlimit:n pgft_maj:n pgft_min:n vm_size:n vm_rss:n
      vm_swap:n comm cgroups flags uid:n gid:n vtid vpid pidns_init_start_ts:n
close fchdir fstat getdents getdents64 = res fd
close_range = res first:n last:n flags
connect = res tuple fd addr
copy_file_range = res fdout offout:n fdin offin:n len:n
creat = fd name mode:o dev:x ino:n creat_flags
delete_module umount2 = res name flags
dup = res oldfd
dup2 = res oldfd newfd
dup3 = res oldfd newfd flags
epoll_create = res size:n
epoll_create1 inotify_init1 mlockall unshare userfaultfd = res flags
epoll_wait = res maxevents
eventfd = res initval:n flags:x
eventfd2 = res flags initval:n
execve = res exe args tid pid ptid cwd fdlimit:n pgft_maj:n pgft_min:n vm_size:n vm_rss:n vm_swap:n comm cgroups
      env tty:n vpgid loginuid flags cap_inheritable:x cap_permitted:x cap_effective:x exe_ino:n exe_ino_ctime
      exe_ino_mtime uid trusted_exepath pgid gid filename
execveat = res exe args tid pid ptid cwd fdlimit:n pgft_maj:n pgft_min:n vm_size:n vm_rss:n vm_swap:n comm cgroups
      env tty:n vpgid loginuid flags cap_inheritable:x cap_permitted:x cap_effective:x exe_ino:n exe_ino_ctime
      exe_ino_mtime uid trusted_exepath pgid gid
fchmod = res fd mode
fchmodat = res dirfd filename mode
fchown = res fd uid:n gid:n
fchownat = res dirfd pathname uid:n gid:n flags
fcntl = res fd cmd arg:x
finit_module = res fd uargs flags
flock = res fd operation
fsconfig = res fd cmd key value_bytebuf value_charbuf aux:n
fstat64 munlockall select setsid = res
futex = res addr:x op val:n
getegid = egid
geteuid = euid
getgid = gid
getresgid setresgid = res rgid egid sgid
getresuid setresuid = res ruid euid suid
getrlimit setrlimit = res cur:n max:n resource
getsockopt setsockopt = res fd level optname val optlen:n
getuid = uid
init_module = res img length:n uargs
inotify_init = res flags:x
io_uring_enter = res fd to_submit:n min_complete:n flags sig
io_uring_register = res fd opcode arg:x nr_args:n
io_uring_setup = res entries:n sq_entries:n cq_entries:n flags sq_thread_cpu:n sq_thread_idle:n features
ioctl = res fd request:x argument:x
keyctl = res operation arg2 arg3 arg4 arg5
kill = res pid sig
link rename = res oldpath newpath
linkat = res olddir oldpath newdir newpath flags
listen = res fd backlog:n
llseek lseek = res fd offset:n whence
memfd_create = fd name flags
mkdir = res path mode:x
mkdirat = res dirfd path mode:x
mknod = res path mode dev:n
mknodat = res dirfd path mode dev:n
mlock munlock = res addr:x len:n
mlock2 = res addr:x len:n flags
mmap = res vm_size:n vm_rss:n vm_swap:n addr:x length:n prot flags fd offset:n
mmap2 = res vm_size:n vm_rss:n vm_swap:n addr:x length:n prot flags fd pgoffset:n
mount = res dev dir type flags
mprotect = res addr:x length:n prot
munmap = res vm_size:n vm_rss:n vm_swap:n addr:x length:n
nanosleep = res interval
newfstatat = res dirfd path flags
open = fd name flags mode:o dev:x ino:n
open_by_handle_at = fd mountfd flags path dev:x ino:n
openat = fd dirfd name flags mode:o dev:x ino:n
openat2 = fd dirfd name flags mode:o resolve dev:x ino:n
pidfd_getfd = fd pid_fd target_fd flags:x
pidfd_open = fd pid flags
pipe = res fd1 fd2 ino:n
pipe2 = res fd1 fd2 ino:n flags
poll = res fds timeout:n
ppoll = res fds timeout sigmask
prctl = res option arg2_str arg2_int:n
pread pwrite pwritev = res data fd size:n pos:n
preadv = res size:n data fd pos:n
prlimit = res newcur:n newmax:n oldcur:n oldmax:n pid:n resource
process_vm_readv process_vm_writev = res:n pid data
procexit = status ret sig core:n reaper_tid
ptrace = res addr data request pid
quotactl = res special quotafilepath dqb_bhardlimit:n dqb_bsoftlimit:n dqb_curspace:n dqb_ihardlimit:n
      dqb_isoftlimit:n dqb_btime dqb_itime dqi_bgrace dqi_igrace dqi_flags quota_fmt_out cmd type id:n quota_fmt
read write writev = res data fd size:n
readv = res size:n data fd
recv send sendmsg sendto = res data fd size:n tuple
recvfrom = res data tuple fd size:n
recvmmsg = res fd size:n data tuple msgcontrol
recvmsg = res size:n data tuple msgcontrol fd
renameat = res olddirfd oldpath newdirfd newpath
renameat2 = res olddirfd oldpath newdirfd newpath flags
seccomp = res op:n flags:x
semctl = res semid:n semnum:n cmd val:n
semget = res key:x nsems:n semflg
semop = res nsops:n sem_num_0:n sem_op_0:n sem_flg_0 sem_num_1:n sem_op_1:n sem_flg_1 semid:n
sendfile = res offset:n out_fd in_fd size:n
sendmmsg = res fd size:n data tuple
setgid = res gid
setns = res fd nstype
setpgid = res pid pgid
setregid = res rgid egid
setreuid = res ruid euid
setuid = res uid
shutdown = res fd how
signalfd = res fd mask:x flags:x
signalfd4 = res flags fd mask:x
socket = fd domain type:n proto:n flags
socketpair = res fd1 fd2 source:x peer:x domain type:n proto:n
splice = res fd_in fd_out size:n flags
symlink = res target linkpath
symlinkat = res target linkdirfd linkpath
tgkill = res pid tid sig
timerfd_create = res clockid:n flags:x
tkill = res tid sig
umount = res name
unlinkat = res dirfd name flags
`

/** By event and argument: the position, and how plain numbers are written. */
export interface FalcoArgument {
  readonly position: number
  readonly plain: PlainNumber | undefined
}

function parse(table: string): ReadonlyMap<string, ReadonlyMap<string, FalcoArgument>> {
  const found = new Map<string, ReadonlyMap<string, FalcoArgument>>()
  for (const entry of table.trim().split(/\n(?! )/)) {
    const [names = '', words = ''] = entry.split('=')
    const list = words
      .trim()
      .split(/\s+/)
      .map((word, position): [string, FalcoArgument] => {
        const [name = '', plain] = word.split(':')
        return [name, { position, plain: plain as PlainNumber | undefined }]
      })
    for (const name of names.trim().split(/\s+/))
      found.set(FALCO_EVENT_NAMES.get(name) ?? name, new Map(list))
  }
  return found
}

/** By our name of the event. Events that Falco does not have are absent. */
export const FALCO_ARGUMENT_LISTS: ReadonlyMap<string, ReadonlyMap<string, FalcoArgument>> = parse(TABLE)

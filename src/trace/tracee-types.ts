/**
 * What Tracee v0.7 calls the arguments of syscalls: C types, and names where they are not those of the manual pages. Facts
 * of its event table, for its JSON shape and its list of events.
 */

/** By the type word of syscalls.ts. Enumerations and flags that are not here are `int`. */
const TYPE_OF_WORD: ReadonlyMap<string, string> = new Map(
  `
const char*: counted newCwd path text
const clockid_t: CLOCKS
const struct timespec*: timespec
dev_t: hex
gid_t: gid
int[2]: pairOut
key_serial_t: KEYRINGS
landlock_rule_type: LANDLOCK_RULES
long: PTRACE_REQUESTS long
mode_t: mode
off_t: off
pid_t: pid
size_t: size
struct sockaddr*: sockaddr sockaddrOut
struct timespec*: timespecOut
struct timeval*: timeval timevalOut
u32: INOTIFY_MASK LANDLOCK_RULESET
u64: FANOTIFY_EVENTS
uid_t: uid
unsigned int: CLOSE_RANGE_FLAGS FANOTIFY_INIT FANOTIFY_MARK FSCONFIG_COMMANDS FSMOUNT_FLAGS FSOPEN_FLAGS FSPICK_FLAGS
  FUTEX2_FLAGS GETRANDOM_FLAGS IO_URING_ENTER IO_URING_REGISTER IPC_CALLS LSM_ATTRIBUTES MBIND_FLAGS MEMFD_FLAGS
  MOUNT_ATTRIBUTES MOVE_MOUNT_FLAGS PIDFD_FLAGS PIDFD_SIGNAL_FLAGS RENAME_FLAGS SECCOMP_FLAGS SECCOMP_OPERATIONS
  SEEK_WHENCE SPLICE_FLAGS STATX_MASK SYNC_RANGE_FLAGS uint
unsigned long: KEXEC_FILE_FLAGS KEXEC_FLAGS MOUNT_FLAGS PERF_FLAGS PKEY_RIGHTS ulong
void*: address
`
    .split(/\n(?! )/)
    .flatMap(entries),
)

/** By call and argument, where the type differs from that of its word. */
const TYPE_OF_ARGUMENT: ReadonlyMap<string, string> = new Map(
  `
aio_context_t: io_pgetevents.ctx_id
cap_user_data_t: capget.datap
cap_user_header_t: capget.hdrp capset.hdrp
char*: getcwd.buf readlink.buf syslog.bufp listxattr.list llistxattr.list flistxattr.list lookup_dcookie.buffer
  utimes.filename mq_timedreceive.msg_ptr readlinkat.buf mount_setattr.path oldstat.pathname
const cap_user_data_t: capset.datap
const char*: mq_timedsend.msg_ptr
const char*const*: execve.argv execve.envp execveat.argv execveat.envp
const int*: move_pages.nodes
const sigset_t*: rt_sigtimedwait.set ppoll.sigmask epoll_pwait.sigmask signalfd4.mask epoll_pwait2.sigmask
  sigsuspend.mask sigprocmask.set
const stack_t*: sigaltstack.ss
const struct __aio_sigset*: io_pgetevents.usig
const struct iovec*: readv.iov writev.iov vmsplice.iov preadv.iov pwritev.iov process_vm_readv.local_iov
  process_vm_readv.remote_iov process_vm_writev.local_iov process_vm_writev.remote_iov preadv2.iov pwritev2.iov
const struct itimerspec*: timer_settime.new_value timerfd_settime.new_value
const struct mq_attr*: mq_getsetattr.newattr
const struct rlimit*: setrlimit.rlim
const struct rlimit64*: prlimit64.new_limit
const struct sigaction*: rt_sigaction.act sigaction.act
const struct sigevent*: mq_notify.sevp
const struct timespec*: futex.timeout
const struct timeval*: settimeofday.tv
const struct timezone*: settimeofday.tz
const struct utimbuf*: utime.times
const time_t*: stime.tptr
const unsigned long*: mbind.nodemask set_mempolicy.nodemask migrate_pages.old_nodes migrate_pages.new_nodes
const void*: pwrite64.buf shmat.shmaddr setsockopt.optval shmdt.shmaddr mlock.addr munlock.addr mount.data
  setxattr.value lsetxattr.value fsetxattr.value add_key.payload seccomp.args mlock2.addr fsconfig.value
const void**: move_pages.pages
fd_set*: select.readfds select.writefds select.exceptfds pselect6.readfds pselect6.writefds pselect6.exceptfds
gid_t*: getgroups.list setgroups.list getresgid.rgid getresgid.egid getresgid.sgid
int: iopl.level quotactl.cmd tkill.tid futex.val futex.val3 tgkill.tgid tgkill.tid migrate_pages.pid
  get_robust_list.pid move_pages.pid move_pages.flags timerfd_create.clockid membarrier.flags
int*: accept.addrlen recvfrom.addrlen getsockname.addrlen getpeername.addrlen getsockopt.optlen clone.parent_tid
  clone.child_tid wait4.wstatus futex.uaddr futex.uaddr2 set_tid_address.tidptr get_mempolicy.mode move_pages.status
  accept4.addrlen name_to_handle_at.mount_id fsconfig.fs_fd waitpid.wstatus
io_context_t: io_destroy.ctx_id io_getevents.ctx_id io_submit.ctx_id io_cancel.ctx_id
io_context_t*: io_setup.ctx_idp
key_t: shmget.key semget.key msgget.key
long: ssetmask.newmask
mqd_t: mq_timedsend.mqdes mq_timedreceive.mqdes mq_notify.mqdes mq_getsetattr.mqdes
off_t*: sendfile.offset splice.off_in splice.off_out copy_file_range.off_in copy_file_range.off_out
qid_t: quotactl_fd.id
sighandler_t: signal.handler
siginfo_t*: rt_sigtimedwait.info rt_sigqueueinfo.info rt_tgsigqueueinfo.info pidfd_send_signal.info
loff_t*: _llseek.result
sigset_t*: rt_sigprocmask.set rt_sigprocmask.oldset rt_sigpending.set rt_sigsuspend.mask signalfd.mask
  io_uring_enter.argp sigpending.set sigprocmask.oldset
size_t: statfs64.size fstatfs64.size
size_t*: get_robust_list.len_ptr
stack_t*: sigaltstack.old_ss
struct __old_kernel_stat*: oldstat.statbuf oldfstat.statbuf
struct __sysctl_args*: _sysctl.args
struct clone_args*: clone3.cl_args
struct epoll_event*: epoll_wait.events epoll_ctl.event epoll_pwait.events epoll_pwait2.events
struct file_handle*: name_to_handle_at.handle open_by_handle_at.handle
struct getcpu_cache*: getcpu.tcache
struct io_event*: io_getevents.events io_cancel.result io_pgetevents.events
struct io_uring_params*: io_uring_setup.p
struct iocb*: io_cancel.iocb
struct iocb**: io_submit.iocbpp
struct itimerspec*: timer_settime.old_value timer_gettime.curr_value timerfd_settime.old_value
  timerfd_gettime.curr_value
struct itimerval*: getitimer.curr_value setitimer.new_value setitimer.old_value
struct kexec_segment*: kexec_load.segments
struct landlock_ruleset_attr*: landlock_create_ruleset.attr
struct linux_dirent*: getdents.dirp
struct linux_dirent64*: getdents64.dirp
struct mmsghdr*: recvmmsg.msgvec sendmmsg.msgvec
struct mount_attr*: mount_setattr.attr
struct mq_attr*: mq_open.attr mq_getsetattr.oldattr
struct msgbuf*: msgsnd.msgp msgrcv.msgp
struct msghdr*: sendmsg.msg recvmsg.msg
struct msqid_ds*: msgctl.buf
struct old_linux_dirent*: readdir.dirp
struct oldold_utsname*: oldolduname.name
struct open_how*: openat2.how
struct perf_event_attr*: perf_event_open.attr
struct pollfd*: poll.fds ppoll.fds
struct rlimit*: getrlimit.rlim
struct rlimit64*: prlimit64.old_limit
struct robust_list_head*: set_robust_list.head
struct robust_list_head**: get_robust_list.head_ptr
struct rseq*: rseq.rseq
struct rusage*: wait4.rusage getrusage.usage waitid.rusage
struct sched_attr*: sched_setattr.attr sched_getattr.attr
struct sched_param*: sched_setparam.param sched_getparam.param sched_setscheduler.param
struct sembuf*: semop.sops semtimedop.sops
struct shmid_ds*: shmctl.buf
struct sigaction*: rt_sigaction.oldact sigaction.oact
struct sigevent*: timer_create.sevp
struct siginfo*: waitid.infop
struct stat*: stat.statbuf fstat.statbuf lstat.statbuf newfstatat.statbuf oldlstat.statbuf
struct stat64*: stat64.statbuf lstat64.statbuf fstat64.statbuf
struct statfs*: statfs.buf fstatfs.buf
struct statfs64*: statfs64.buf fstatfs64.buf
struct statx*: statx.statxbuf
struct sysinfo*: sysinfo.info
struct timespec*: nanosleep.rem io_getevents.timeout clock_nanosleep.remain pselect6.timeout ppoll.tmo_p
  utimensat.times recvmmsg.timeout io_pgetevents.timeout
struct timeval*: utimes.times futimesat.times
struct timex*: adjtimex.buf clock_adjtime.buf
struct timezone*: gettimeofday.tz
struct tms*: times.buf
struct user_desc*: set_thread_area.u_info get_thread_area.u_info
struct ustat*: ustat.ubuf
struct utsname*: uname.buf olduname.name
struct vm86_struct*: vm86old.v86
struct vm86plus_struct*: vm86.arg
time_t*: time.tloc
timer_t: timer_settime.timer_id timer_gettime.timer_id timer_getoverrun.timer_id timer_delete.timer_id
timer_t*: timer_create.timer_id
u32: rseq.rseq_len rseq.sig landlock_add_rule.flags landlock_restrict_self.flags
u64: lookup_dcookie.cookie
uid_t*: getresuid.ruid getresuid.euid getresuid.suid
union bpf_attr*: bpf.attr
unsigned char*: mincore.vec
unsigned int: _llseek.fd getdents64.fd linkat.flags fanotify_init.event_f_flags io_uring_enter.fd io_uring_register.fd
  open_tree.flags mount_setattr.flags quotactl_fd.fd quotactl_fd.cmd memfd_secret.flags readdir.fd
unsigned int*: mq_timedreceive.msg_prio getcpu.cpu getcpu.node
unsigned long: _llseek.offset_high _llseek.offset_low ioctl.request ioctl.arg clone.flags clone.tls personality.persona process_madvise.flags
unsigned long*: sched_setaffinity.mask sched_getaffinity.mask get_mempolicy.nodemask socketcall.args
`
    .split(/\n(?! )/)
    .flatMap(entries),
)

const NAME_OF_ARGUMENT: ReadonlyMap<string, string> = new Map(
  `
clock_getres.tp res
io_uring_enter.argp sig
open_tree.dirfd dfd
open_tree.pathname filename
faccessat2.dirfd fd
faccessat2.pathname path
faccessat2.flags flag
process_madvise.iovec addr
process_madvise.vlen length
epoll_pwait2.epfd fd
epoll_pwait2.sigmask sigset
mount_setattr.dirfd dfd
mount_setattr.attr uattr
mount_setattr.size usize
waitpid.wstatus status
oldstat.pathname filename
stime.tptr t
olduname.name buf
vm86old.v86 info
vm86.cmd fn
vm86.arg v86
statfs64.size sz
fstatfs64.size sz
`
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ') as [string, string]),
)

/** `type: key key ...` as pairs of key and type. */
function entries(line: string): readonly (readonly [string, string])[] {
  const colon = line.indexOf(': ')
  const type = line.slice(0, colon)
  return colon < 0
    ? []
    : line
        .slice(colon + 2)
        .split(/\s+/)
        .map((key) => [key, type])
}

/** C type of an argument of a syscall; `word` is its type in syscalls.ts. */
export const traceeType = (call: string, argument: string, word: string): string =>
  TYPE_OF_ARGUMENT.get(`${call}.${argument}`) ?? TYPE_OF_WORD.get(word) ?? 'int'

/** Name of an argument of a syscall. */
export const traceeName = (call: string, argument: string): string =>
  NAME_OF_ARGUMENT.get(`${call}.${argument}`) ?? argument

/** Of events that are no calls, by event and argument. */
const TYPE_OF_HOOK: ReadonlyMap<string, string> = new Map(
  `
bytes: magic_write.bytes
char*: hidden_inodes.hidden_process
int: security_bpf.cmd security_file_open.flags security_socket_create.family security_socket_create.type
off_t: vfs_write.pos vfs_writev.pos
pid_t: cgroup_attach_task.pid switch_task_ns.pid
size_t: vfs_write.count
slim_cred_t: commit_creds.new_cred commit_creds.old_cred
struct sockaddr*: security_socket_accept.local_addr security_socket_bind.local_addr security_socket_connect.remote_addr
  security_socket_listen.local_addr socket_dup.remote_addr
u64: cgroup_mkdir.cgroup_id cgroup_rmdir.cgroup_id
umode_t: security_inode_mknod.mode
unsigned int: security_bpf_map.map_id
unsigned long: container_create.ctime existing_container.ctime security_sb_mount.flags
`
    .split(/\n(?! )/)
    .flatMap(entries),
)

export const hookType = (event: string, argument: string): string | undefined =>
  TYPE_OF_HOOK.get(`${event}.${argument}`)

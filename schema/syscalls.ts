/**
 * Every syscall of Linux on x86-64, i386 and arm64, one line each: what the table-driven program needs to report it.
 *
 *     name[/tracepoint] x86-64 i386 arm64 arguments -- what it does
 *
 * The tracepoint is named where it is not called like the syscall; `-` stands for an architecture that has no such call.
 * Two i386 numbers are two entry points of one call (16 and 32-bit user ids, 32 and 64-bit time or lengths). `w` and digits
 * behind one are the arguments that it takes in two registers, the low half first. An argument is `name:type`, or `type` alone
 * when both are the same word; types are those of syscall-types.ts and the name tables of enums/. `@` begins
 * a section of lines that belong to the same sets. Sources: syscall_64.tbl, syscall_32.tbl and scripts/syscall.tbl of the
 * kernel; argument names as in the manual pages.
 */
export const SYSCALL_TABLE = `
@ fs fs_file_ops
close 3 6 57 fd -- close a descriptor
close_range 436 436 436 first:uint last:uint flags:CLOSE_RANGE_FLAGS -- close a range of descriptors
open 2 5 - pathname:path flags:OPEN_FLAGS mode -- open a file by path
openat 257 295 56 dirfd pathname:path flags:OPEN_FLAGS mode -- open a file relative to a directory descriptor
openat2 437 437 437 dirfd pathname:path how:address size -- openat with restrictions on path resolution
creat 85 8 - pathname:path mode -- create or truncate a file
open_by_handle_at 304 342 265 mount_fd:fd handle:address flags:OPEN_FLAGS -- open a file by the handle of name_to_handle_at
name_to_handle_at 303 341 264 dirfd pathname:path handle:address mount_id:address flags:AT_FLAGS -- get a handle that identifies a file
memfd_create 319 356 279 name:text flags:MEMFD_FLAGS -- make an anonymous memory file
memfd_secret 447 447 447 flags:OPEN_FLAGS -- make a memory file that the kernel itself does not map
mknod 133 14 - pathname:path mode dev:hex -- make a file, device node or named pipe
mknodat 259 297 33 dirfd pathname:path mode dev:hex -- mknod relative to a directory descriptor
rename 82 38 - oldpath:path newpath:path -- rename a file
renameat 264 302 38 olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path -- rename relative to directory descriptors
renameat2 316 353 276 olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path flags:RENAME_FLAGS -- renameat with flags
truncate 76 92,193w1 45 path length:off -- set the length of a file by path
ftruncate 77 93,194w1 46 fd length:off -- set the length of an open file
fallocate 285 324w23 47 fd mode:FALLOC_FLAGS offset:off len:off -- allocate, punch or zero a range of a file

@ fs fs_dir_ops
mkdir 83 39 - pathname:path mode -- make a directory
mkdirat 258 296 34 dirfd pathname:path mode -- mkdir relative to a directory descriptor
rmdir 84 40 - pathname:path -- remove an empty directory
chdir 80 12 49 path:newCwd -- change the current directory
fchdir 81 133 50 fd -- change the current directory to an open one
chroot 161 61 51 path -- change the root directory of the process
getcwd 79 183 17 buf:address size -- path of the current directory
getdents 78 141 - fd dirp:address count:uint -- read directory entries
getdents64 217 220 61 fd dirp:address count:uint -- read directory entries with types
lookup_dcookie 212 253w0 18 cookie:ulong buffer:address len:size -- path of a directory entry by cookie; gone since Linux 6.7

@ fs fs_link_ops
link 86 9 - oldpath:path newpath:path -- give a file another name
linkat 265 303 37 olddirfd:dirfd oldpath:path newdirfd:dirfd newpath:path flags:AT_FLAGS -- link relative to directory descriptors
symlink 88 83 - target:text linkpath:path -- make a symbolic link
symlinkat 266 304 36 target:text newdirfd:dirfd linkpath:path -- symlink relative to a directory descriptor
readlink 89 85 - pathname:path buf:address bufsiz:size -- read the text of a symbolic link
readlinkat 267 305 78 dirfd pathname:path buf:address bufsiz:int -- readlink relative to a directory descriptor
unlink 87 10 - pathname:path -- remove a name of a file
unlinkat 263 301 35 dirfd pathname:path flags:AT_FLAGS -- unlink or rmdir relative to a directory descriptor

@ fs fs_file_attr
stat/newstat 4 106 - pathname:path statbuf:address -- attributes of a file by path
lstat/newlstat 6 107 - pathname:path statbuf:address -- attributes of a file, links not followed
fstat/newfstat 5 108 80 fd statbuf:address -- attributes of an open file
newfstatat 262 300 79 dirfd pathname:path statbuf:address flags:STAT_FLAGS -- attributes of a file relative to a directory descriptor
statx 332 383 291 dirfd pathname:path flags:STAT_FLAGS mask:STATX_MASK statxbuf:address -- extended attributes of a file: chosen fields
access 21 33 - pathname:path mode:ACCESS_MODES -- may the caller use this file?
faccessat 269 307 48 dirfd pathname:path mode:ACCESS_MODES -- access relative to a directory descriptor
faccessat2 439 439 439 dirfd pathname:path mode:ACCESS_MODES flags:FACCESS_FLAGS -- faccessat with flags
chmod 90 15 - pathname:path mode -- change permission bits
fchmod 91 94 52 fd mode -- change permission bits of an open file
fchmodat 268 306 53 dirfd pathname:path mode -- chmod relative to a directory descriptor
fchmodat2 452 452 452 dirfd pathname:path mode flags:AT_FLAGS -- fchmodat with flags
chown 92 182,212 - pathname:path owner:uid group:gid -- change owner and group
fchown 93 95,207 55 fd owner:uid group:gid -- change owner and group of an open file
lchown 94 16,198 - pathname:path owner:uid group:gid -- chown, links not followed
fchownat 260 298 54 dirfd pathname:path owner:uid group:gid flags:AT_FLAGS -- chown relative to a directory descriptor
utime 132 30 - filename:path times:address -- set access and modification time in seconds
utimes 235 271 - filename:path times:address -- set access and modification time in microseconds
futimesat 261 299 - dirfd pathname:path times:address -- utimes relative to a directory descriptor
utimensat 280 320,412 88 dirfd pathname:path times:address flags:AT_FLAGS -- set access and modification time in nanoseconds
umask 95 60 166 mask:mode -- set the mask of permission bits for new files
setxattr 188 226 5 path name:text value:address size flags:XATTR_FLAGS -- set an extended attribute
lsetxattr 189 227 6 path name:text value:address size flags:XATTR_FLAGS -- setxattr, links not followed
fsetxattr 190 228 7 fd name:text value:address size flags:XATTR_FLAGS -- set an extended attribute of an open file
setxattrat 463 463 463 dirfd pathname:path at_flags:AT_FLAGS name:text args:address size -- setxattr relative to a directory descriptor
getxattr 191 229 8 path name:text value:address size -- read an extended attribute
lgetxattr 192 230 9 path name:text value:address size -- getxattr, links not followed
fgetxattr 193 231 10 fd name:text value:address size -- read an extended attribute of an open file
getxattrat 464 464 464 dirfd pathname:path at_flags:AT_FLAGS name:text args:address size -- getxattr relative to a directory descriptor
listxattr 194 232 11 path list:address size -- names of the extended attributes
llistxattr 195 233 12 path list:address size -- listxattr, links not followed
flistxattr 196 234 13 fd list:address size -- names of the extended attributes of an open file
listxattrat 465 465 465 dirfd pathname:path at_flags:AT_FLAGS list:address size -- listxattr relative to a directory descriptor
removexattr 197 235 14 path name:text -- remove an extended attribute
lremovexattr 198 236 15 path name:text -- removexattr, links not followed
fremovexattr 199 237 16 fd name:text -- remove an extended attribute of an open file
removexattrat 466 466 466 dirfd pathname:path at_flags:AT_FLAGS name:text -- removexattr relative to a directory descriptor
file_getattr 468 468 468 dirfd pathname:path attr:address size at_flags:AT_FLAGS -- inode attributes (chattr) of a file
file_setattr 469 469 469 dirfd pathname:path attr:address size at_flags:AT_FLAGS -- set inode attributes (chattr) of a file

@ fs fs_info
statfs 137 99 43 path buf:address -- facts about a file system by path
fstatfs 138 100 44 fd buf:address -- facts about a file system by descriptor
ustat 136 62 - dev:hex ubuf:address -- facts about a file system by device
sysfs 139 135 - option:int arg1:ulong arg2:ulong -- names and numbers of file system types

@ fs fs_monitor
inotify_init 253 291 - -- make an inotify queue
inotify_init1 294 332 26 flags:INOTIFY_FLAGS -- inotify_init with flags
inotify_add_watch 254 292 27 fd pathname:path mask:INOTIFY_MASK -- watch a path
inotify_rm_watch 255 293 28 fd wd:int -- stop watching
fanotify_init 300 338 262 flags:FANOTIFY_INIT event_f_flags:OPEN_FLAGS -- make a fanotify group
fanotify_mark 301 339w2 263 fanotify_fd:fd flags:FANOTIFY_MARK mask:FANOTIFY_EVENTS dirfd pathname:path -- watch a path, mount or file system

@ fs
mount 165 21 40 source:text target:path filesystemtype:text mountflags:MOUNT_FLAGS data:address -- mount a file system, or change a mount
umount2/umount 166 52 39 target:path flags:UMOUNT_FLAGS -- unmount
pivot_root 155 217 41 new_root:path put_old:path -- change the root of the mount namespace
open_tree 428 428 428 dirfd pathname:path flags:STAT_FLAGS -- take a mount or a copy of it as a descriptor
open_tree_attr 467 467 467 dirfd pathname:path flags:STAT_FLAGS attr:address size -- open_tree with mount attributes set
move_mount 429 429 429 from_dfd:dirfd from_path:path to_dfd:dirfd to_path:path flags:MOVE_MOUNT_FLAGS -- move a mount
fsopen 430 430 430 fsname:text flags:FSOPEN_FLAGS -- begin to configure a new mount
fsconfig 431 431 431 fs_fd:fd cmd:FSCONFIG_COMMANDS key:text value:address aux:int -- configure it: set a parameter, create
fsmount 432 432 432 fsfd:fd flags:FSMOUNT_FLAGS ms_flags:MOUNT_ATTRIBUTES -- make the mount
fspick 433 433 433 dirfd pathname:path flags:FSPICK_FLAGS -- reconfigure an existing mount
mount_setattr 442 442 442 dirfd path flags:STAT_FLAGS attr:address size -- change attributes of a mount tree
statmount 457 457 457 req:address buf:address bufsize:size flags:uint -- facts about a mount
listmount 458 458 458 req:address mnt_ids:address nr_mnt_ids:size flags:uint -- ids of the mounts below one
listns 470 470 470 req:address ns_ids:address nr_ns_ids:size flags:uint -- ids of namespaces
swapon 167 87 224 path swapflags:SWAP_FLAGS -- start swapping on a file or device
swapoff 168 115 225 path -- stop swapping on it
nfsservctl 180 169 42 cmd:int argp:address resp:address -- the old NFS daemon interface; gone since Linux 3.1
quotactl 179 131 60 cmd:hex special:path id:int addr:address -- disk quota of a file system by device
quotactl_fd 443 443 443 fd cmd:hex id:uint addr:address -- disk quota of a file system by descriptor
landlock_create_ruleset 444 444 444 attr:address size flags:LANDLOCK_RULESET -- make a set of Landlock rules
landlock_add_rule 445 445 445 ruleset_fd:fd rule_type:LANDLOCK_RULES rule_attr:address flags:uint -- add a rule to a Landlock set
landlock_restrict_self 446 446 446 ruleset_fd:fd flags:uint -- restrict the calling thread by a Landlock set

@ fs fs_read_write
read 0 3 63 fd buf:address count:size -- read from a descriptor
readv 19 145 65 fd iov:address iovcnt:int -- read into several buffers
pread64 17 180w3 67 fd buf:address count:size offset:off -- read at an offset
preadv 295 333 69 fd iov:address iovcnt:ulong pos_l:ulong pos_h:ulong -- read into several buffers at an offset
preadv2 327 378 286 fd iov:address iovcnt:ulong pos_l:ulong pos_h:ulong flags:RWF_FLAGS -- preadv with flags
write 1 4 64 fd buf:address count:size -- write to a descriptor
writev 20 146 66 fd iov:address iovcnt:int -- write from several buffers
pwrite64 18 181w3 68 fd buf:address count:size offset:off -- write at an offset
pwritev 296 334 70 fd iov:address iovcnt:ulong pos_l:ulong pos_h:ulong -- write from several buffers at an offset
pwritev2 328 379 287 fd iov:address iovcnt:ulong pos_l:ulong pos_h:ulong flags:RWF_FLAGS -- pwritev with flags
lseek 8 19 62 fd offset:off whence:SEEK_WHENCE -- move the file offset
copy_file_range 326 377 285 fd_in:fd off_in:address fd_out:fd off_out:address len:size flags:uint -- copy between files inside the kernel
sendfile/sendfile64 40 187,239 71 out_fd:fd in_fd:fd offset:address count:size -- copy from a file to a descriptor

@ fs fs_fd_ops
dup 32 41 23 oldfd:fd -- duplicate a descriptor
dup2 33 63 - oldfd:fd newfd:fd -- duplicate a descriptor to a given number
dup3 292 330 24 oldfd:fd newfd:fd flags:OPEN_FLAGS -- dup2 with flags
fcntl 72 55,221 25 fd cmd:FCNTL_COMMANDS arg:ulong -- operations on a descriptor
flock 73 143 32 fd operation:FLOCK_OPERATIONS -- lock an open file
ioctl 16 54 29 fd request:hex arg:address -- operations on a device

@ fs fs_mux_io
poll 7 168 - fds:address nfds:uint timeout:int -- wait for descriptors
ppoll 271 309,414 73 fds:address nfds:uint tmo_p:timespec sigmask:address sigsetsize:size -- poll with a signal mask
select 23 82,142 - nfds:int readfds:address writefds:address exceptfds:address timeout:timeval -- wait for descriptors by bit sets
pselect6 270 308,413 72 nfds:int readfds:address writefds:address exceptfds:address timeout:timespec sigmask:address -- select with a signal mask
epoll_create 213 254 - size:int -- make an epoll instance
epoll_create1 291 329 20 flags:EPOLL_FLAGS -- epoll_create with flags
epoll_ctl 233 255 21 epfd:fd op:EPOLL_OPERATIONS fd event:address -- add, change or remove a descriptor of an epoll instance
epoll_wait 232 256 - epfd:fd events:address maxevents:int timeout:int -- wait for events of an epoll instance
epoll_pwait 281 319 22 epfd:fd events:address maxevents:int timeout:int sigmask:address sigsetsize:size -- epoll_wait with a signal mask
epoll_pwait2 441 441 441 epfd:fd events:address maxevents:int timeout:timespec sigmask:address sigsetsize:size -- epoll_pwait with a timeout in nanoseconds
epoll_ctl_old 214 - - epfd:fd op:int fd event:address -- never implemented
epoll_wait_old 215 - - epfd:fd events:address maxevents:int timeout:int -- never implemented

@ fs fs_sync
sync 162 36 81 -- write all caches to disk
syncfs 306 344 267 fd -- write the caches of one file system
fsync 74 118 82 fd -- write a file to disk
fdatasync 75 148 83 fd -- write the data of a file to disk
sync_file_range 277 314w12 84 fd offset:off nbytes:off flags:SYNC_RANGE_FLAGS -- write a range of a file
msync 26 144 227 addr:address length:size flags:MSYNC_FLAGS -- write a file mapping back

@ fs fs_async_io
io_setup 206 245 0 nr_events:uint ctx_idp:address -- make an asynchronous I/O context
io_destroy 207 246 1 ctx_id:ulong -- remove it
io_submit 209 248 2 ctx_id:ulong nr:long iocbpp:address -- submit asynchronous operations
io_cancel 210 249 3 ctx_id:ulong iocb:address result:address -- cancel one
io_getevents 208 247 4 ctx_id:ulong min_nr:long nr:long events:address timeout:timespec -- read completions
io_pgetevents 333 385,416 292 ctx_id:ulong min_nr:long nr:long events:address timeout:timespec usig:address -- io_getevents with a signal mask
io_uring_setup 425 425 425 entries:uint p:address -- make an io_uring
io_uring_enter 426 426 426 fd to_submit:uint min_complete:uint flags:IO_URING_ENTER argp:address argsz:size -- submit to an io_uring and wait
io_uring_register 427 427 427 fd opcode:IO_URING_REGISTER arg:address nr_args:uint -- register buffers or files with an io_uring

@ fs
fadvise64 221 250w1,272w12 223 fd offset:off len:size advice:FADVICE -- announce a pattern of access
readahead 187 225w1 213 fd offset:off count:size -- read a file into the page cache
cachestat 451 451 451 fd cstat_range:address cstat:address flags:uint -- page cache statistics of a file
getrandom 318 355 278 buf:address buflen:size flags:GETRANDOM_FLAGS -- random bytes

@ ipc ipc_pipe
pipe 22 42 - pipefd:pairOut -- make a pipe
pipe2 293 331 59 pipefd:pairOut flags:OPEN_FLAGS -- pipe with flags
splice 275 313 76 fd_in:fd off_in:address fd_out:fd off_out:address len:size flags:SPLICE_FLAGS -- move data between a pipe and a descriptor
tee 276 315 77 fd_in:fd fd_out:fd len:size flags:SPLICE_FLAGS -- duplicate data of a pipe
vmsplice 278 316 75 fd iov:address nr_segs:ulong flags:SPLICE_FLAGS -- memory into a pipe

@ ipc ipc_futex
futex 202 240,422 98 uaddr:address futex_op:FUTEX_OPERATIONS val:uint timeout:address uaddr2:address val3:uint -- wait for or wake threads at an address
futex_waitv 449 449 449 waiters:address nr_futexes:uint flags:uint timeout:timespec clockid:CLOCKS -- wait at several addresses
futex_wait 455 455 455 uaddr:address val:ulong mask:ulong flags:FUTEX2_FLAGS timeout:timespec clockid:CLOCKS -- wait at an address
futex_wake 454 454 454 uaddr:address mask:ulong nr:int flags:FUTEX2_FLAGS -- wake threads at an address
futex_requeue 456 456 456 waiters:address flags:uint nr_wake:int nr_requeue:int -- move waiting threads to another address
get_robust_list 274 312 100 pid head_ptr:address len_ptr:address -- list of robust futexes of a thread
set_robust_list 273 311 99 head:address len:size -- set the list of robust futexes

@ ipc ipc_msgq
mq_open 240 277 180 name:text oflag:OPEN_FLAGS mode attr:address -- open a POSIX message queue
mq_unlink 241 278 181 name:text -- remove a POSIX message queue
mq_timedsend 242 279,418 182 mqdes:fd msg_ptr:address msg_len:size msg_prio:uint abs_timeout:timespec -- send to a POSIX message queue
mq_timedreceive 243 280,419 183 mqdes:fd msg_ptr:address msg_len:size msg_prio:address abs_timeout:timespec -- receive from a POSIX message queue
mq_notify 244 281 184 mqdes:fd sevp:address -- ask to be told of a message
mq_getsetattr 245 282 185 mqdes:fd newattr:address oldattr:address -- attributes of a POSIX message queue
msgget 68 399 186 key:int msgflg:IPC_FLAGS -- get a System V message queue
msgsnd 69 400 189 msqid:int msgp:address msgsz:size msgflg:MSG_OPTIONS -- send to a System V message queue
msgrcv 70 401 188 msqid:int msgp:address msgsz:size msgtyp:long msgflg:MSG_OPTIONS -- receive from a System V message queue
msgctl 71 402 187 msqid:int cmd:IPC_COMMANDS buf:address -- control a System V message queue

@ ipc ipc_sem
semget 64 393 190 key:int nsems:int semflg:IPC_FLAGS -- get a set of System V semaphores
semop 65 - 193 semid:int sops:address nsops:size -- operate on System V semaphores
semtimedop 220 420 192 semid:int sops:address nsops:size timeout:timespec -- semop with a timeout
semctl 66 394 191 semid:int semnum:int cmd:SEM_COMMANDS arg:ulong -- control System V semaphores

@ ipc ipc_shm
shmget 29 395 194 key:int size shmflg:IPC_FLAGS -- get a System V shared memory segment
shmat 30 397 196 shmid:int shmaddr:address shmflg:SHMAT_FLAGS -- map a System V shared memory segment
shmdt 67 398 197 shmaddr:address -- unmap one
shmctl 31 396 195 shmid:int cmd:SHM_COMMANDS buf:address -- control one

@ net net_sock
socket 41 359 198 domain:ADDRESS_FAMILIES type:SOCKET_TYPES protocol:int -- make a socket
socketpair 53 360 199 domain:ADDRESS_FAMILIES type:SOCKET_TYPES protocol:int sv:pairOut -- make two sockets that are connected
bind 49 361 200 sockfd:fd addr:sockaddr addrlen:int -- give a socket a local address
listen 50 363 201 sockfd:fd backlog:int -- accept connections from now on
accept 43 - 202 sockfd:fd addr:sockaddrOut addrlen:address -- take a connection
accept4 288 364 242 sockfd:fd addr:sockaddrOut addrlen:address flags:SOCK_FLAGS -- accept with flags
connect 42 362 203 sockfd:fd addr:sockaddr addrlen:int -- connect a socket
shutdown 48 373 210 sockfd:fd how:SHUTDOWN_HOW -- close one or both directions of a connection
getsockname 51 367 204 sockfd:fd addr:sockaddrOut addrlen:address -- local address of a socket
getpeername 52 368 205 sockfd:fd addr:sockaddrOut addrlen:address -- address of the other end
getsockopt 55 365 209 sockfd:fd level:SOCKET_LEVELS optname:int optval:address optlen:address -- read an option of a socket
setsockopt 54 366 208 sockfd:fd level:SOCKET_LEVELS optname:int optval:address optlen:int -- set an option of a socket

@ net net_snd_rcv
sendto 44 369 206 sockfd:fd buf:address len:size flags:MSG_FLAGS dest_addr:sockaddr addrlen:int -- send, to an address where one is given
sendmsg 46 370 211 sockfd:fd msg:address flags:MSG_FLAGS -- send a message with control data
sendmmsg 307 345 269 sockfd:fd msgvec:address vlen:uint flags:MSG_FLAGS -- send several messages
recvfrom 45 371 207 sockfd:fd buf:address len:size flags:MSG_FLAGS src_addr:sockaddrOut addrlen:address -- receive, with the address of the sender
recvmsg 47 372 212 sockfd:fd msg:address flags:MSG_FLAGS -- receive a message with control data
recvmmsg 299 337,417 243 sockfd:fd msgvec:address vlen:uint flags:MSG_FLAGS timeout:timespec -- receive several messages

@ net
sethostname 170 74 161 name:counted len:size -- set the name of the host
setdomainname 171 121 162 name:counted len:size -- set the NIS domain name

@ proc proc_life
fork 57 2 - -- make a process
vfork 58 190 - -- make a process that shares memory until it executes a program
clone 56 120 220 flags:CLONE_FLAGS stack:address parent_tid:address child_tid:address tls:address -- make a process or thread
clone3 435 435 435 cl_args:address size -- clone with a structure of arguments
execve 59 11 221 pathname:path argv:address envp:address -- execute a program
execveat 322 358 281 dirfd pathname:path argv:address envp:address flags:EXEC_AT_FLAGS -- execute a program relative to a directory descriptor
exit 60 1 93 status:int -- end of a thread
exit_group 231 252 94 status:int -- end of a process
wait4 61 114 260 pid wstatus:address options:WAIT_OPTIONS rusage:address -- wait for a child
waitid 247 284 95 idtype:WAIT_IDS id:pid infop:address options:WAIT_OPTIONS rusage:address -- wait for a child, with more choice

@ proc proc_ids
getpid 39 20 172 -- process id
getppid 110 64 173 -- process id of the parent
gettid 186 224 178 -- thread id
getpgid 121 132 155 pid -- process group of a process
getpgrp 111 65 - -- process group of the caller
setpgid 109 57 154 pid pgid:pid -- set the process group
getsid 124 147 156 pid -- session of a process
setsid 112 66 157 -- begin a session
getuid 102 24,199 174 -- user id
geteuid 107 49,201 175 -- effective user id
getgid 104 47,200 176 -- group id
getegid 108 50,202 177 -- effective group id
getresuid 118 165,209 148 ruid:address euid:address suid:address -- real, effective and saved user id
getresgid 120 171,211 150 rgid:address egid:address sgid:address -- real, effective and saved group id
getgroups 115 80,205 158 size:int list:address -- supplementary groups
setuid 105 23,213 146 uid -- set the user id
setgid 106 46,214 144 gid -- set the group id
setreuid 113 70,203 145 ruid:uid euid:uid -- set real and effective user id
setregid 114 71,204 143 rgid:gid egid:gid -- set real and effective group id
setresuid 117 164,208 147 ruid:uid euid:uid suid:uid -- set real, effective and saved user id
setresgid 119 170,210 149 rgid:gid egid:gid sgid:gid -- set real, effective and saved group id
setfsuid 122 138,215 151 fsuid:uid -- set the user id for file access
setfsgid 123 139,216 152 fsgid:gid -- set the group id for file access
setgroups 116 81,206 159 size:int list:address -- set the supplementary groups

@ proc proc_sched
sched_yield 24 158 124 -- let others run
sched_setparam 142 154 118 pid param:address -- set scheduling parameters
sched_getparam 143 155 121 pid param:address -- read scheduling parameters
sched_setscheduler 144 156 119 pid policy:SCHED_POLICIES param:address -- set scheduling policy and parameters
sched_getscheduler 145 157 120 pid -- read the scheduling policy
sched_get_priority_max 146 159 125 policy:SCHED_POLICIES -- highest priority of a policy
sched_get_priority_min 147 160 126 policy:SCHED_POLICIES -- lowest priority of a policy
sched_rr_get_interval 148 161,423 127 pid tp:timespecOut -- time slice of round-robin scheduling
sched_setaffinity 203 241 122 pid cpusetsize:size mask:address -- set the CPUs a thread may use
sched_getaffinity 204 242 123 pid cpusetsize:size mask:address -- CPUs a thread may use
sched_setattr 314 351 274 pid attr:address flags:uint -- set scheduling attributes
sched_getattr 315 352 275 pid attr:address size:uint flags:uint -- read scheduling attributes
getpriority 140 96 141 which:PRIORITY_WHICH who:int -- read nice values
setpriority 141 97 140 which:PRIORITY_WHICH who:int prio:int -- set nice values
ioprio_get 252 290 31 which:IOPRIO_WHICH who:int -- read the I/O priority
ioprio_set 251 289 30 which:IOPRIO_WHICH who:int ioprio:int -- set the I/O priority

@ proc
prctl 157 172 167 option:PRCTL_OPTIONS arg2:ulong arg3:ulong arg4:ulong arg5:ulong -- operations on a process or thread
arch_prctl 158 384 - option:ARCH_PRCTL_OPTIONS addr:ulong -- architecture-specific state of a thread
ptrace 101 26 117 request:PTRACE_REQUESTS pid addr:address data:address -- control another process as a debugger does
process_vm_readv 310 347 270 pid local_iov:address liovcnt:ulong remote_iov:address riovcnt:ulong flags:ulong -- read memory of another process
process_vm_writev 311 348 271 pid local_iov:address liovcnt:ulong remote_iov:address riovcnt:ulong flags:ulong -- write memory of another process
kcmp 312 349 272 pid1:pid pid2:pid type:KCMP_TYPES idx1:ulong idx2:ulong -- do two processes share a kernel object?
seccomp 317 354 277 operation:SECCOMP_OPERATIONS flags:SECCOMP_FLAGS args:address -- restrict the syscalls of the caller
capget 125 184 90 hdrp:address datap:address -- read capabilities
capset 126 185 91 hdrp:address datap:address -- set capabilities
unshare 272 310 97 flags:UNSHARE_FLAGS -- leave shared namespaces and the like
setns 308 346 268 fd nstype:UNSHARE_FLAGS -- enter a namespace
pidfd_open 434 434 434 pid flags:PIDFD_FLAGS -- descriptor of a process
pidfd_getfd 438 438 438 pidfd:fd targetfd:fd flags:uint -- take a descriptor of another process
getrlimit 97 76,191 163 resource:RLIMITS rlim:address -- read a resource limit
setrlimit 160 75 164 resource:RLIMITS rlim:address -- set a resource limit
prlimit64 302 340 261 pid resource:RLIMITS new_limit:address old_limit:address -- read and set a resource limit of any process
getrusage 98 77 165 who:RUSAGE_WHO usage:address -- resource usage
times 100 43 153 buf:address -- CPU times of a process
personality 135 136 92 persona:hex -- set the execution domain
uselib 134 86 - library:path -- load a shared library; gone since Linux 6.17
rseq 334 386 293 rseq:address rseq_len:uint flags:RSEQ_FLAGS sig:uint -- register a restartable sequence area
set_tid_address 218 258 96 tidptr:address -- set the word that is cleared when the thread ends
set_thread_area 205 243 - u_info:address -- set an entry of the thread's TLS table
get_thread_area 211 244 - u_info:address -- read an entry of the thread's TLS table

@ proc proc_mem
mmap 9 90,192 222 addr:address length:size prot:PROT_FLAGS flags:MAP_FLAGS fd off -- map a file or memory
munmap 11 91 215 addr:address length:size -- remove a mapping
mremap 25 163 216 old_address:address old_size:size new_size:size flags:MREMAP_FLAGS new_address:address -- resize or move a mapping
mprotect 10 125 226 addr:address len:size prot:PROT_FLAGS -- set the protection of memory
pkey_mprotect 329 380 288 addr:address len:size prot:PROT_FLAGS pkey:int -- mprotect with a protection key
pkey_alloc 330 381 289 flags:uint access_rights:PKEY_RIGHTS -- allocate a protection key
pkey_free 331 382 290 pkey:int -- free a protection key
madvise 28 219 233 addr:address length:size advice:MADVICE -- advice about use of memory
process_madvise 440 440 440 pidfd:fd iovec:address vlen:size advice:MADVICE flags:uint -- madvise for another process
process_mrelease 448 448 448 pidfd:fd flags:uint -- free the memory of a dying process
mlock 149 150 228 addr:address len:size -- keep memory resident
mlock2 325 376 284 addr:address len:size flags:MLOCK2_FLAGS -- mlock with flags
munlock 150 151 229 addr:address len:size -- let memory be paged out
mlockall 151 152 230 flags:MLOCKALL_FLAGS -- keep all memory resident
munlockall 152 153 231 -- let all memory be paged out
mincore 27 218 232 addr:address length:size vec:address -- which pages are resident?
mseal 462 462 462 start:ulong len:size flags:ulong -- forbid changes of a mapping
brk 12 45 214 addr:address -- move the end of the data segment
remap_file_pages 216 257 234 addr:address size prot:PROT_FLAGS pgoff:size flags:MAP_FLAGS -- rearrange pages of a file mapping
membarrier 324 375 283 cmd:MEMBARRIER_COMMANDS flags:uint cpu_id:int -- memory barriers on other CPUs
map_shadow_stack 453 453 453 addr:address size:ulong flags:uint -- make a shadow stack
modify_ldt 154 123 - func:int ptr:address bytecount:ulong -- change the local descriptor table

@ system system_numa
mbind 237 274 235 addr:address len:ulong mode:MEMPOLICIES nodemask:address maxnode:ulong flags:MBIND_FLAGS -- memory policy of a range
set_mempolicy 238 276 237 mode:MEMPOLICIES nodemask:address maxnode:ulong -- memory policy of a thread
get_mempolicy 239 275 236 mode:address nodemask:address maxnode:ulong addr:address flags:ulong -- read the memory policy
set_mempolicy_home_node 450 450 450 start:ulong len:ulong home_node:ulong flags:ulong -- home node of a range
migrate_pages 256 294 238 pid maxnode:ulong old_nodes:address new_nodes:address -- move the pages of a process to other nodes
move_pages 279 317 239 pid count:ulong pages:address nodes:address status:address flags:MBIND_FLAGS -- move single pages to other nodes
getcpu 309 318 168 cpu:address node:address tcache:address -- CPU and node the caller runs on

@ signals
kill 62 37 129 pid sig:SIGNALS -- send a signal to a process
tkill 200 238 130 tid:pid sig:SIGNALS -- send a signal to a thread
tgkill 234 270 131 tgid:pid tid:pid sig:SIGNALS -- send a signal to a thread of a process
pidfd_send_signal 424 424 424 pidfd:fd sig:SIGNALS info:address flags:PIDFD_SIGNAL_FLAGS -- send a signal by process descriptor
rt_sigqueueinfo 129 178 138 tgid:pid sig:SIGNALS info:address -- send a signal with data to a process
rt_tgsigqueueinfo 297 335 240 tgid:pid tid:pid sig:SIGNALS info:address -- send a signal with data to a thread
rt_sigaction 13 174 134 signum:SIGNALS act:address oldact:address sigsetsize:size -- set a signal handler
rt_sigprocmask 14 175 135 how:SIGMASK_HOW set:address oldset:address sigsetsize:size -- block signals
rt_sigpending 127 176 136 set:address sigsetsize:size -- signals that wait
rt_sigsuspend 130 179 133 mask:address sigsetsize:size -- wait for a signal with another mask
rt_sigtimedwait 128 177,421 137 set:address info:address timeout:timespec sigsetsize:size -- take a signal that waits
rt_sigreturn 15 173 139 -- return from a signal handler
sigaltstack 131 186 132 ss:address old_ss:address -- set the stack of signal handlers
restart_syscall 219 0 128 -- go on with an interrupted call
pause 34 29 - -- wait for a signal
signalfd 282 321 - fd mask:address sizemask:size -- descriptor that signals are read from
signalfd4 289 327 74 fd mask:address sizemask:size flags:SIGNALFD_FLAGS -- signalfd with flags
eventfd 284 323 - initval:uint -- descriptor that counts
eventfd2 290 328 19 initval:uint flags:EVENTFD_FLAGS -- eventfd with flags

@ time time_clock
clock_gettime 228 265,403 113 clockid:CLOCKS tp:timespecOut -- read a clock
clock_settime 227 264,404 112 clockid:CLOCKS tp:timespec -- set a clock
clock_getres 229 266,406 114 clockid:CLOCKS tp:timespecOut -- resolution of a clock
clock_nanosleep 230 267,407 115 clockid:CLOCKS flags:TIMER_FLAGS request:timespec remain:address -- sleep on a clock
clock_adjtime 305 343,405 266 clk_id:CLOCKS buf:address -- adjust a clock
adjtimex 159 124 171 buf:address -- adjust the system clock

@ time time_tod
gettimeofday 96 78 169 tv:timevalOut tz:address -- time of day
settimeofday 164 79 170 tv:timeval tz:address -- set the time of day
time 201 13 - tloc:address -- seconds since the epoch

@ time time_timer
nanosleep 35 162 101 req:timespec rem:address -- sleep
alarm 37 27 - seconds:uint -- SIGALRM after some seconds
getitimer 36 105 102 which:ITIMERS curr_value:address -- read an interval timer
setitimer 38 104 103 which:ITIMERS new_value:address old_value:address -- set an interval timer
timer_create 222 259 107 clockid:CLOCKS sevp:address timer_id:address -- make a timer
timer_settime 223 260,409 110 timer_id:int flags:TIMER_FLAGS new_value:address old_value:address -- start or stop a timer
timer_gettime 224 261,408 108 timer_id:int curr_value:address -- time left of a timer
timer_getoverrun 225 262 109 timer_id:int -- missed expirations of a timer
timer_delete 226 263 111 timer_id:int -- remove a timer
timerfd_create 283 322 85 clockid:CLOCKS flags:TIMERFD_CREATE -- make a timer descriptor
timerfd_settime 286 325,411 86 fd flags:TIMERFD_SETTIME new_value:address old_value:address -- start or stop a timer descriptor
timerfd_gettime 287 326,410 87 fd curr_value:address -- time left of a timer descriptor

@ system system_module
init_module 175 128 105 module_image:address len:ulong param_values:text -- load a kernel module from memory
finit_module 313 350 273 fd param_values:text flags:MODULE_FLAGS -- load a kernel module from a file
delete_module 176 129 106 name:text flags:DELETE_MODULE_FLAGS -- unload a kernel module
create_module 174 127 - name:text size -- gone since Linux 2.6
get_kernel_syms 177 130 - table:address -- gone since Linux 2.6
query_module 178 167 - name:text which:int buf:address bufsize:size ret:address -- gone since Linux 2.6

@ system system_keys
add_key 248 286 217 type:text description:text payload:address plen:size keyring:KEYRINGS -- add a key to a keyring
request_key 249 287 218 type:text description:text callout_info:text dest_keyring:KEYRINGS -- ask for a key
keyctl 250 288 219 operation:KEYCTL_OPERATIONS arg2:ulong arg3:ulong arg4:ulong arg5:ulong -- operations on keys

@ system
bpf 321 357 280 cmd:BPF_COMMANDS attr:address size:uint -- programs and maps inside the kernel
perf_event_open 298 336 241 attr:address pid cpu:int group_fd:fd flags:PERF_FLAGS -- performance counters and tracing
userfaultfd 323 374 282 flags:USERFAULTFD_FLAGS -- handle page faults in user space
kexec_load 246 283 104 entry:ulong nr_segments:ulong segments:address flags:KEXEC_FLAGS -- load a kernel to boot into from memory
kexec_file_load 320 - 294 kernel_fd:fd initrd_fd:fd cmdline_len:ulong cmdline:text flags:KEXEC_FILE_FLAGS -- load a kernel to boot into from a file
reboot 169 88 142 magic:REBOOT_MAGIC magic2:REBOOT_MAGIC2 cmd:REBOOT_COMMANDS arg:address -- restart or stop the machine
acct 163 51 89 filename:path -- process accounting to a file
syslog 103 103 116 type:SYSLOG_ACTIONS bufp:address len:int -- read or control the kernel log
sysinfo 99 116 179 info:address -- memory and load of the machine
uname/newuname 63 122 160 buf:address -- name and version of the kernel
vhangup 153 111 58 -- hang up the terminal
ioperm 173 101 - from:ulong num:ulong turn_on:int -- access to I/O ports
iopl 172 110 - level:uint -- access to all I/O ports
lsm_get_self_attr 459 459 459 attr:LSM_ATTRIBUTES ctx:address size:address flags:uint -- security attributes of the caller
lsm_set_self_attr 460 460 460 attr:LSM_ATTRIBUTES ctx:address size:uint flags:uint -- set security attributes of the caller
lsm_list_modules 461 461 461 ids:address size:address flags:uint -- active security modules
uprobe 336 - - -- called by the kernel's uprobes, not by programs
uretprobe 335 - - -- called by the kernel's uretprobes, not by programs
_sysctl 156 149 - args:address -- read and write kernel parameters; gone since Linux 5.5
afs_syscall 183 137 - -- never implemented
getpmsg 181 188 - -- never implemented
putpmsg 182 189 - -- never implemented
security 185 - - -- never implemented
tuxcall 184 - - -- never implemented
vserver 236 273 - -- never implemented

@ 32bit_unique
_llseek - 140 - fd offset_high:uint offset_low:uint result:address whence:SEEK_WHENCE -- lseek with a 64-bit offset
waitpid - 7 - pid wstatus:address options:WAIT_OPTIONS -- wait for a child
oldstat - 18 - pathname:path statbuf:address -- stat with an old structure
oldlstat - 84 - pathname:path statbuf:address -- lstat with an old structure
oldfstat - 28 - fd statbuf:address -- fstat with an old structure
stat64 - 195 - pathname:path statbuf:address -- stat with 64-bit sizes
lstat64 - 196 - pathname:path statbuf:address -- lstat with 64-bit sizes
fstat64 - 197 - fd statbuf:address -- fstat with 64-bit sizes
statfs64 - 268 - path:path size:uint buf:address -- statfs with 64-bit sizes
fstatfs64 - 269 - fd size:uint buf:address -- fstatfs with 64-bit sizes
umount - 22 - target:path -- unmount
readdir - 89 - fd dirp:address count:uint -- read one directory entry
socketcall - 102 - call:SOCKET_CALLS args:address -- all socket calls in one
ipc - 117 - call:IPC_CALLS first:int second:ulong third:ulong ptr:address fifth:long -- all System V calls in one
signal - 48 - signum:SIGNALS handler:address -- set a signal handler
sigaction - 67 - sig:SIGNALS act:address oact:address -- set a signal handler
sigprocmask - 126 - how:SIGMASK_HOW set:address oldset:address -- block signals
sigpending - 73 - set:address -- signals that wait
sigsuspend - 72 - history0:int history1:int mask:hex -- wait for a signal with another mask
sigreturn - 119 - -- return from a signal handler
sgetmask - 68 - -- mask of blocked signals
ssetmask - 69 - newmask:hex -- block signals
stime - 25 - tptr:address -- set the time
nice - 34 - inc:int -- change the nice value
olduname - 109 - name:address -- uname with an old structure
oldolduname - 59 - name:address -- uname with an older structure
idle - 112 - -- gone since Linux 2.3
bdflush - 134 - func:int data:ulong -- gone since Linux 5.14
vm86old - 113 - v86:address -- virtual 8086 mode
vm86 - 166 - cmd:ulong arg:ulong -- virtual 8086 mode
break - 17 - -- never implemented
stty - 31 - -- never implemented
gtty - 32 - -- never implemented
ftime - 35 - -- never implemented
prof - 44 - -- never implemented
lock - 53 - -- never implemented
mpx - 56 - -- never implemented
ulimit - 58 - -- never implemented
profil - 98 - -- never implemented
`

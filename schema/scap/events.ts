/**
 * Events of scap captures by number, with their parameters in order: facts about the format, for reading and writing it.
 *
 *     number [~]<name parameters      what a call leaves at its exit
 *     number [~]>name parameters      what it began with: only older captures have these
 *     number [~]=name parameters      what is no call
 *     number -                        not used
 *
 * `~` marks what only older captures have. A parameter is `name:type`, or a name alone with the type USUAL gives it. The
 * number of an event never changes, and parameters are only ever added behind those there are.
 */
export const USUAL = `
addr:uint64 args:bytebuf cap_effective:uint64 cap_inheritable:uint64 cap_permitted:uint64 cgroups:bytebuf cmd:flags16
comm:charbuf container_id:charbuf cwd:charbuf data:bytebuf dev:uint32 dirfd:fd domain:enumflags32 egid:gid env:bytebuf
euid:uid exe:charbuf fd:fd fdlimit:int64 fds:fdlist filename:fspath flags:flags32 gid:uint32 id:uint32 initval:uint64
ino:uint64 ino_num:uint64 json:charbuf len:uint64 length:uint64 mask:uint32 mode:uint32 name:charbuf newpath:fspath
offset:uint64 oldpath:fspath op:flags16 path:fspath pgft_maj:uint64 pgft_min:uint64 pgid:pid pid:pid
pidns_init_start_ts:uint64 pos:uint64 prot:flags32 proto:uint32 ptid:pid queuepct:uint8 request:uint64 res:errno
resource:enumflags8 rgid:gid ruid:uid semid:int32 sig:sigtype size:uint32 sk_proto:uint16 sk_type:uint16 tid:pid
timeout:int64 tty:uint32 tuple:socktuple type:uint32 uid:uint32 val:dyn vm_rss:uint32 vm_size:uint32 vm_swap:uint32
vpid:pid vtid:pid whence:enumflags8
`

export const SCAP_EVENT_TABLE = `
0 ~>syscall ID:syscallid nativeID:uint16
1 <syscall ID:syscallid nativeID:uint16
2 >open name:fspath flags mode
3 <open fd name:fspath flags mode dev ino
4 ~>close fd
5 <close res fd
6 ~>read fd size
7 <read res data fd size
8 ~>write fd size
9 <write res data fd size
10 ~>brk size
11 ~<brk res:uint64
12 ~>execve
13 ~<execve res exe args tid pid ptid cwd fdlimit:uint64
14 ~>clone
15 ~<clone res:pid exe args tid pid ptid cwd fdlimit flags uid gid
16 ~=procexit
17 -
18 ~>socket domain type proto
19 <socket fd domain type proto flags
20 ~>bind fd
21 <bind res addr:sockaddr fd
22 >connect fd addr:sockaddr
23 <connect res tuple fd addr:sockaddr
24 ~>listen fd backlog:int32
25 <listen res fd backlog:int32
26 ~>accept
27 ~<accept fd tuple queuepct
28 ~>send fd size
29 <send res data fd size tuple
30 ~>sendto fd size tuple
31 <sendto res data fd size tuple
32 ~>recv fd size
33 <recv res data fd size tuple
34 ~>recvfrom fd size
35 <recvfrom res data tuple fd size
36 ~>shutdown fd how:enumflags8
37 <shutdown res fd how:enumflags8
38 ~>getsockname
39 <getsockname
40 ~>getpeername
41 <getpeername
42 ~>socketpair domain type proto
43 <socketpair res fd1:fd fd2:fd source:uint64 peer:uint64 domain type proto
44 ~>setsockopt
45 <setsockopt res fd level:enumflags8 optname:enumflags8 val optlen:uint32
46 ~>getsockopt
47 <getsockopt res fd level:enumflags8 optname:enumflags8 val optlen:uint32
48 ~>sendmsg fd size tuple
49 <sendmsg res data fd size tuple
50 ~>sendmmsg
51 <sendmmsg res fd size data tuple
52 ~>recvmsg fd
53 <recvmsg res size data tuple msgcontrol:bytebuf fd
54 ~>recvmmsg
55 <recvmmsg res fd size data tuple msgcontrol:bytebuf
56 ~>accept flags:int32
57 ~<accept fd tuple queuepct
58 >creat name:fspath mode
59 <creat fd name:fspath mode dev ino creat_flags:flags16
60 ~>pipe
61 <pipe res fd1:fd fd2:fd ino
62 ~>eventfd initval flags:uint32
63 <eventfd res:fd initval flags:uint32
64 ~>futex addr op val:uint64
65 <futex res addr op val:uint64
66 ~>stat
67 <stat res path
68 ~>lstat
69 <lstat res path
70 ~>fstat fd
71 <fstat res fd
72 ~>stat64
73 <stat64 res path
74 ~>lstat64
75 <lstat64 res path
76 ~>fstat64 fd
77 <fstat64 res
78 ~>epoll_wait maxevents:errno
79 <epoll_wait res maxevents:errno
80 ~>poll fds timeout
81 <poll res fds timeout
82 ~>select
83 <select res
84 ~>select
85 ~<select res
86 ~>lseek fd offset whence
87 <lseek res fd offset whence
88 ~>llseek fd offset whence
89 <llseek res fd offset whence
90 ~>ioctl fd request
91 ~<ioctl res
92 ~>getcwd
93 <getcwd res path:charbuf
94 ~>chdir
95 <chdir res path:charbuf
96 ~>fchdir fd
97 <fchdir res fd
98 ~>mkdir path mode
99 ~<mkdir res
100 ~>rmdir path
101 ~<rmdir res
102 ~>openat dirfd name flags mode
103 ~<openat fd
104 ~>link oldpath newpath
105 ~<link res
106 ~>linkat olddir:fd oldpath:charbuf newdir:fd newpath:charbuf
107 ~<linkat res
108 ~>unlink path
109 ~<unlink res
110 ~>unlinkat dirfd name
111 ~<unlinkat res
112 ~>pread fd size pos
113 <pread res data fd size pos
114 ~>pwrite fd size pos
115 <pwrite res data fd size pos
116 ~>readv fd
117 <readv res size data fd
118 ~>writev fd size
119 <writev res data fd size
120 ~>preadv fd pos
121 <preadv res size data fd pos
122 ~>pwritev fd size pos
123 <pwritev res data fd size pos
124 ~>dup fd
125 ~<dup res:fd
126 ~>signalfd fd mask flags:uint8
127 <signalfd res:fd fd mask flags:uint8
128 ~>kill pid sig
129 <kill res pid sig
130 ~>tkill tid sig
131 <tkill res tid sig
132 ~>tgkill pid tid sig
133 <tgkill res pid tid sig
134 ~>nanosleep interval:reltime
135 <nanosleep res interval:reltime
136 ~>timerfd_create clockid:uint8 flags:uint8
137 <timerfd_create res:fd clockid:uint8 flags:uint8
138 ~>inotify_init flags:uint8
139 <inotify_init res:fd flags:uint8
140 ~>getrlimit resource
141 <getrlimit res cur:int64 max:int64 resource
142 ~>setrlimit resource
143 <setrlimit res cur:int64 max:int64 resource
144 ~>prlimit pid resource
145 <prlimit res newcur:int64 newmax:int64 oldcur:int64 oldmax:int64 pid:int64 resource
146 ~=switch next:pid
147 -
148 =drop ratio:uint32
149 <drop ratio:uint32
150 ~>fcntl fd cmd:enumflags8
151 <fcntl res:fd fd cmd:enumflags8 arg:uint64
152 =switch next:pid pgft_maj pgft_min vm_size vm_rss vm_swap
153 -
154 ~>execve
155 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap
156 ~>clone
157 ~<clone res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap flags uid gid
158 ~>brk addr
159 <brk res:uint64 vm_size vm_rss vm_swap addr
160 ~>mmap addr length prot flags fd offset
161 <mmap res vm_size vm_rss vm_swap addr length prot flags fd offset
162 ~>mmap2 addr length prot flags fd pgoffset:uint64
163 <mmap2 res vm_size vm_rss vm_swap addr length prot flags fd pgoffset:uint64
164 ~>munmap addr length
165 <munmap res vm_size vm_rss vm_swap addr length
166 ~>splice fd_in:fd fd_out:fd size:uint64 flags
167 <splice res fd_in:fd fd_out:fd size:uint64 flags
168 ~>ptrace request:enumflags16 pid
169 <ptrace res addr:dyn data:dyn request:enumflags16 pid
170 ~>ioctl fd request argument:uint64
171 <ioctl res fd request argument:uint64
172 ~>execve
173 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap env
174 ~>rename
175 <rename res oldpath newpath
176 ~>renameat
177 <renameat res olddirfd:fd oldpath:fsrelpath newdirfd:fd newpath:fsrelpath
178 ~>symlink
179 <symlink res target:charbuf linkpath:fspath
180 ~>symlinkat
181 <symlinkat res target:charbuf linkdirfd:fd linkpath:fsrelpath
182 ~>fork
183 ~<fork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap flags uid gid
184 ~>vfork
185 ~<vfork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap flags uid gid
186 =procexit status:errno ret:errno sig core:uint8 reaper_tid:pid
187 -
188 ~>sendfile out_fd:fd in_fd:fd offset size:uint64
189 <sendfile res offset out_fd:fd in_fd:fd size:uint64
190 ~>quotactl cmd type:flags8 id quota_fmt:flags8
191 <quotactl res special:charbuf quotafilepath:charbuf dqb_bhardlimit:uint64 dqb_bsoftlimit:uint64
  dqb_curspace:uint64 dqb_ihardlimit:uint64 dqb_isoftlimit:uint64 dqb_btime:reltime dqb_itime:reltime
  dqi_bgrace:reltime dqi_igrace:reltime dqi_flags:flags8 quota_fmt_out:flags8 cmd type:flags8 id quota_fmt:flags8
192 ~>setresuid ruid euid suid:uid
193 <setresuid res ruid euid suid:uid
194 ~>setresgid rgid egid sgid:gid
195 <setresgid res rgid egid sgid:gid
196 =scapevent event_type:uint32 event_data:uint64
197 -
198 ~>setuid uid:uid
199 <setuid res uid:uid
200 ~>setgid gid:gid
201 <setgid res gid:gid
202 ~>getuid
203 <getuid uid:uid
204 ~>geteuid
205 <geteuid euid
206 ~>getgid
207 <getgid gid:gid
208 ~>getegid
209 <getegid egid
210 ~>getresuid
211 <getresuid res ruid euid suid:uid
212 ~>getresgid
213 <getresgid res rgid egid sgid:gid
214 ~>execve
215 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm env
216 ~>clone
217 ~<clone res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm flags uid gid
218 ~>fork
219 ~<fork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm flags uid gid
220 ~>vfork
221 ~<vfork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm flags uid gid
222 ~>clone
223 <clone res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups flags uid
  gid vtid vpid pidns_init_start_ts
224 ~>fork
225 <fork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups flags uid
  gid vtid vpid pidns_init_start_ts
226 ~>vfork
227 <vfork res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups flags uid
  gid vtid vpid pidns_init_start_ts
228 ~=container id:charbuf type name image:charbuf
229 -
230 ~>execve
231 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env
232 =signaldeliver spid:pid dpid:pid sig
233 -
234 =procinfo cpu_usr:uint64 cpu_sys:uint64
235 -
236 ~>getdents fd
237 <getdents res fd
238 ~>getdents64 fd
239 <getdents64 res fd
240 ~>setns fd nstype:flags32
241 <setns res fd nstype:flags32
242 ~>flock fd operation:flags32
243 <flock res fd operation:flags32
244 =cpu_hotplug cpu:uint32 action:uint32
245 -
246 ~>accept
247 <accept fd tuple queuepct queuelen:uint32 queuemax:uint32
248 ~>accept flags:int32
249 ~<accept fd tuple queuepct queuelen:uint32 queuemax:uint32
250 ~>semop semid
251 <semop res nsops:uint32 sem_num_0:uint16 sem_op_0:int16 sem_flg_0:flags16 sem_num_1:uint16 sem_op_1:int16
  sem_flg_1:flags16 semid
252 ~>semctl semid semnum:int32 cmd val:int32
253 <semctl res semid semnum:int32 cmd val:int32
254 ~>ppoll fds timeout:reltime sigmask:sigset
255 <ppoll res fds timeout:reltime sigmask:sigset
256 ~>mount flags
257 <mount res dev:charbuf dir:fspath type:charbuf flags
258 ~>umount flags
259 ~<umount res name:fspath
260 ~=k8s json
261 -
262 ~>semget key:int32 nsems:int32 semflg:flags32
263 <semget res key:int32 nsems:int32 semflg:flags32
264 ~>access mode:flags32
265 <access res name:fspath mode:flags32
266 ~>chroot
267 <chroot res path
268 ~=tracer id:int64 tags:charbufarray args:charbuf_pair_array
269 - id:int64 tags:charbufarray args:charbuf_pair_array
270 ~=mesos json
271 -
272 ~=container json
273 -
274 ~>setsid
275 <setsid res:pid
276 ~>mkdir mode
277 <mkdir res path mode
278 ~>rmdir
279 <rmdir res path
280 =notification id:charbuf desc:charbuf
281 -
282 ~>execve
283 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env
  tty:int32
284 ~>unshare flags
285 <unshare res flags
286 =infra source:charbuf name description:charbuf scope:charbuf
287 -
288 ~>execve filename
289 ~<execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env
  tty:int32
290 =page_fault addr ip:uint64 error:flags32
291 -
292 ~>execve filename
293 <execve res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env tty
  vpgid:pid loginuid:uid flags cap_inheritable cap_permitted cap_effective exe_ino:uint64 exe_ino_ctime:abstime
  exe_ino_mtime:abstime uid:uid trusted_exepath:fspath pgid gid:gid filename
294 ~>setpgid pid pgid
295 <setpgid res pid pgid
296 ~>bpf cmd:int64
297 ~<bpf res_or_fd:dyn
298 ~>seccomp op:uint64 flags:uint64
299 <seccomp res op:uint64 flags:uint64
300 ~>unlink
301 <unlink res path
302 ~>unlinkat
303 <unlinkat res dirfd name:fsrelpath flags
304 ~>mkdirat
305 <mkdirat res dirfd path:fsrelpath mode
306 >openat dirfd name:fsrelpath flags mode
307 <openat fd dirfd name:fsrelpath flags mode dev ino
308 ~>link
309 <link res oldpath newpath
310 ~>linkat
311 <linkat res olddir:fd oldpath:fsrelpath newdir:fd newpath:fsrelpath flags
312 ~>fchmodat
313 <fchmodat res dirfd filename:fsrelpath mode:mode
314 ~>chmod
315 <chmod res filename mode:mode
316 ~>fchmod
317 <fchmod res fd mode:mode
318 ~>renameat2
319 <renameat2 res olddirfd:fd oldpath:fsrelpath newdirfd:fd newpath:fsrelpath flags
320 ~>userfaultfd
321 <userfaultfd res flags
322 =pluginevent plugin_id:uint32 event_data:bytebuf
323 -
324 =container json
325 -
326 >openat2 dirfd name:fsrelpath flags mode resolve:flags32
327 <openat2 fd dirfd name:fsrelpath flags mode resolve:flags32 dev ino
328 ~>mprotect addr length prot
329 <mprotect res addr length prot
330 ~>execveat dirfd pathname:fsrelpath flags
331 <execveat res exe args tid pid ptid cwd fdlimit:uint64 pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env
  tty vpgid:pid loginuid:uid flags cap_inheritable cap_permitted cap_effective exe_ino:uint64 exe_ino_ctime:abstime
  exe_ino_mtime:abstime uid:uid trusted_exepath:fspath pgid gid:gid
332 ~>copy_file_range fdin:fd offin:uint64 len
333 <copy_file_range res fdout:fd offout:uint64 fdin:fd offin:uint64 len
334 ~>clone3
335 <clone3 res:pid exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups flags uid
  gid vtid vpid pidns_init_start_ts
336 ~>open_by_handle_at
337 <open_by_handle_at fd mountfd:fd flags path dev ino
338 ~>io_uring_setup
339 <io_uring_setup res entries:uint32 sq_entries:uint32 cq_entries:uint32 flags sq_thread_cpu:uint32
  sq_thread_idle:uint32 features:flags32
340 ~>io_uring_enter
341 <io_uring_enter res fd to_submit:uint32 min_complete:uint32 flags sig:sigset
342 ~>io_uring_register
343 <io_uring_register res fd opcode:enumflags16 arg:uint64 nr_args:uint32
344 ~>mlock
345 <mlock res addr len
346 ~>munlock
347 <munlock res addr len
348 ~>mlockall
349 <mlockall res flags
350 ~>munlockall
351 <munlockall res
352 ~>capset
353 <capset res cap_inheritable cap_permitted cap_effective
354 =useradded uid gid name home:charbuf shell:charbuf container_id
355 -
356 =userdeleted uid gid name home:charbuf shell:charbuf container_id
357 -
358 =groupadded gid name container_id
359 -
360 =groupdeleted gid name container_id
361 -
362 ~>dup2 fd
363 <dup2 res:fd oldfd:fd newfd:fd
364 ~>dup3 fd
365 <dup3 res:fd oldfd:fd newfd:fd flags
366 ~>dup fd
367 <dup res:fd oldfd:fd
368 ~>bpf cmd:int64
369 <bpf fd cmd:enumflags32
370 ~>mlock2
371 <mlock2 res addr len flags
372 ~>fsconfig
373 <fsconfig res fd cmd:enumflags32 key:charbuf value_bytebuf:bytebuf value_charbuf:charbuf aux:int32
374 ~>epoll_create size:int32
375 <epoll_create res size:int32
376 ~>epoll_create1 flags
377 <epoll_create1 res flags
378 ~>chown
379 <chown res path uid gid
380 ~>lchown
381 <lchown res path uid gid
382 ~>fchown
383 <fchown res fd uid gid
384 ~>fchownat
385 <fchownat res dirfd pathname:fsrelpath uid gid flags
386 ~>umount
387 <umount res name:fspath
388 ~>accept4 flags:int32
389 <accept4 fd tuple queuepct queuelen:uint32 queuemax:uint32 flags:int32
390 ~>umount2 flags
391 <umount2 res name:fspath flags
392 ~>pipe2
393 <pipe2 res fd1:fd fd2:fd ino flags
394 ~>inotify_init1
395 <inotify_init1 res:fd flags:flags16
396 ~>eventfd2 initval
397 <eventfd2 res:fd flags:flags16 initval
398 ~>signalfd4 fd mask
399 <signalfd4 res:fd flags:flags16 fd mask
400 ~>prctl
401 <prctl res option:enumflags32 arg2_str:charbuf arg2_int:int64
402 =asyncevent plugin_id:uint32 name data
403 -
404 ~>memfd_create
405 <memfd_create fd name flags
406 ~>pidfd_getfd
407 <pidfd_getfd fd pid_fd:fd target_fd:fd flags:uint32
408 ~>pidfd_open
409 <pidfd_open fd pid flags
410 ~>init_module
411 <init_module res img:bytebuf length uargs:charbuf
412 ~>finit_module
413 <finit_module res fd uargs:charbuf flags
414 ~>mknod
415 <mknod res path mode:mode dev
416 ~>mknodat
417 <mknodat res dirfd path:fsrelpath mode:mode dev
418 ~>newfstatat
419 <newfstatat res dirfd path:fsrelpath flags
420 ~>process_vm_readv
421 <process_vm_readv res:int64 pid data
422 ~>process_vm_writev
423 <process_vm_writev res:int64 pid data
424 ~>delete_module
425 <delete_module res name flags
426 ~>setreuid
427 <setreuid res ruid euid
428 ~>setregid
429 <setregid res rgid:uid egid:uid
430 =task ppid:pid32 pgid:pid32 vpgid:pid32 sid:pid32 comm argv:charbufarray exepath:fspath flags env:charbufarray cwd
  fdlimit:uint64 euid egid cap_permitted cap_effective cap_inheritable exe_ino_num:uint64 exe_ino_ctime:abstime
  exe_ino_mtime:abstime vm_size vm_rss vm_swap pgft_maj pgft_min vtgid:pid32 vpid:pid32 pidns_init_start_ts
  cgroups:charbufarray root:fspath start_time:abstime tty loginuid:uid
431 -
432 =task_file_pipe fd:fd32 path ino_num
433 -
434 =task_file_memfd fd:fd32 path ino_num
435 -
436 =task_file_regular fd:fd32 path flags mnt_id:uint32 ino_num
437 -
438 =task_file_directory fd:fd32 path ino_num
439 -
440 =task_file_socket_inet fd:fd32 sk_type sk_proto local_ip:ipv4addr local_port:port remote_ip:ipv4addr
  remote_port:port ino_num
441 -
442 =task_file_socket_inet6 fd:fd32 sk_type sk_proto local_ip:ipv6addr local_port:port remote_ip:ipv6addr
  remote_port:port ino_num
443 -
444 =task_file_socket_unix fd:fd32 sk_type sk_proto sk_pointer:uint64 sun_path:fspath ino_num
445 -
446 =task_file_socket_netlink fd:fd32 sk_type sk_proto ino_num
447 -
448 =task_file_anon_inode fd:fd32 fd_type:flags8 path ino_num
449 -
450 -
451 <close_range res first:uint32 last:uint32 flags
452 -
453 <keyctl res operation:enumflags32 arg2:dyn arg3:dyn arg4:dyn arg5:dyn
`

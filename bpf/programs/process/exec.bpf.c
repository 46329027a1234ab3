// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Program images: sched_process_exec for what succeeded (at syscall exit the arguments are gone with the old image), the
 * exit tracepoints for what failed, and a task iterator for what runs already.
 */
#include "cgroup_path.h"
#include "executable.h"
#include "guard_exec.h"
#include "streams.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct exec_scratch));
} exec_scratch_map SEC(".maps");

#ifdef __TARGET_ARCH_x86
#define NR_EXECVEAT 322
#define NR_EXECVEAT_COMPAT 358
#else
#define NR_EXECVEAT 281
#define NR_EXECVEAT_COMPAT 387
#endif

/*
 * An iterator's record has to be smaller than the kernel's 32 KiB buffer for it, or reading ends with E2BIG: these with
 * four paths at their longest stay below.
 */
#define SNAPSHOT_ARGV_MAX 12288
#define SNAPSHOT_ENV_MAX 6144
#define SNAPSHOT_RECORD_MAX 32767

/* The scratch area of a row, or NULL. */
static __always_inline struct exec_scratch *exec_scratch_row(__u32 row, struct prog_counters *st)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch_map, &row);

	if (!s) {
		st->dropped_scratch++;
		return NULL;
	}
	if (s->busy) {
		st->dropped_nested++;
		return NULL;
	}
	s->busy = 1;
	return s;
}

/* The scratch area of this CPU, or NULL, a counted drop and a hole in the sequence. */
static __always_inline struct exec_scratch *exec_scratch_get(struct prog_counters *st)
{
	struct exec_scratch *s = exec_scratch_row(bpf_get_smp_processor_id(), st);

	if (!s)
		leave_hole(RING_CRITICAL);
	return s;
}

/*
 * Bytes of arguments that are kept while half of the critical ring waits to be read: long ones would leave no room for other
 * executions. Their length is told all the same.
 */
#define CROWDED_ARGS 1024
static __always_inline __u32 args_to_keep(void)
{
	__u64 waiting = bpf_ringbuf_query(&ring_critical, BPF_RB_AVAIL_DATA);

	return waiting > bpf_ringbuf_query(&ring_critical, BPF_RB_RING_SIZE) / 2 ? CROWDED_ARGS : ARGS_MAX;
}

/*
 * NUL-separated strings of a user memory area, at most max bytes of it (a constant) and no more than keep: of another task, or
 * of ours when that is NULL.
 */
static __always_inline void put_args(struct exec_scratch *s, struct prog_counters *st, struct vl8 *v,
				     unsigned long from, unsigned long to, __u32 max, __u32 keep,
				     struct task_struct *other)
{
	__u32 pos = s->pos, len;
	__u64 total = to - from;
	long error;

	if (!from || to <= from)
		return;
	barrier_var(pos);
	if (pos > EXEC_RECORD_MAX - max)
		return;
	len = total > max ? max : total;
	if (len > keep)
		len = keep;
	barrier_var(len);
	if (len > max)
		return;
	error = other ? bpf_copy_from_user_task(&s->data[pos], len, (void *)from, other, 0) :
			bpf_probe_read_user(&s->data[pos], len, (void *)from);
	if (error) {
		st->helper_errors++;
		((struct ev_hdr *)s->data)->flags |= RECORD_PARTIAL;
		return;
	}
	v->off = pos / 8;
	v->len = PAD8(len) / 8;
	v->total = total > 0xffffffff ? 0xffffffff : total;
	s->pos = pos + PAD8(len);
}

/* What the kernel knows of a process without looking at its memory. */
static __always_inline void add_task(struct ev_exec *e, struct task_struct *task, const struct cred *cred)
{
	struct task_struct *parent = task->real_parent;
	struct signal_struct *signal = task->signal;
	struct pid *pid = signal->pids[PIDTYPE_TGID], *ppid;
	struct pid_namespace *ns = pidns_of(pid);
	struct nsproxy *nsproxy = task->nsproxy;

	e->uid = cred->uid.val;
	e->gid = cred->gid.val;
	e->cap_inheritable = cred->cap_inheritable.val;
	e->cap_permitted = cred->cap_permitted.val;
	e->cap_effective = cred->cap_effective.val;
	e->loginuid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1;
	e->tty = tty_of(task);
	e->ppid = parent->tgid;
	e->parent_start = parent->group_leader->start_boottime;
	e->vpid = nr_in_own_ns(pid);
	ppid = parent->signal->pids[PIDTYPE_TGID];
	if (pidns_of(ppid) == ns)
		e->vppid = nr_in_own_ns(ppid);
	e->pgid = nr_in_init_ns(signal->pids[PIDTYPE_PGID]);
	e->vpgid = nr_in_own_ns(signal->pids[PIDTYPE_PGID]);
	e->sid = nr_in_init_ns(signal->pids[PIDTYPE_SID]);
	e->vsid = nr_in_own_ns(signal->pids[PIDTYPE_SID]);
	e->pidns = ns ? FIELD(pid_namespace, ns, ns.inum) : 0;
	if (ns)
		e->pidns_init_start_ts =
			FIELD(task_struct, FIELD(pid_namespace, ns, child_reaper), start_boottime);
	e->mntns = nsproxy ? nsproxy->mnt_ns->ns.inum : 0;
	e->dirfd = AT_FDCWD;
}

/* Strings that live in kernel memory: names, directories, cgroups. `all`: of an iterator, which may sleep. */
static __always_inline void add_names(struct exec_scratch *s, struct prog_counters *st, struct ev_exec *e,
				      struct task_struct *task, const struct cred *cred, const struct control *c,
				      bool all)
{
	struct mm_struct *mm = task->mm;
	struct fs_struct *fs = task->fs;
	struct file *exe = mm ? mm->exe_file : NULL;
	struct css_set *set = task->cgroups;
	struct nsproxy *nsproxy = task->nsproxy;
	__u32 ignored = 0;

	put_kernel_str_exec(s, st, &e->comm, task->comm, 16);
	if (nsproxy && nsproxy->uts_ns)
		put_kernel_str_exec(s, st, &e->uts, nsproxy->uts_ns->name.nodename, 64);
	if (exe)
		add_executable(s, st, e, task, exe, cred);
	if (fs)
		put_path_exec(s, st, &e->cwd, fs->pwd.mnt, fs->pwd.dentry, task, &ignored);
	if (all) {
		put_cgroup(s, &e->cgroup_path, set->dfl_cgrp->kn);
		put_cgroup(s, &e->cgroup_v1_path, v1_cgroup(task));
	} else {
		put_cgroup_seen(s, &e->cgroup_path, set->dfl_cgrp->kn);
		put_cgroup_seen(s, &e->cgroup_v1_path, v1_cgroup(task));
	}
	add_usage(e, task);
	if (all || (c && c->want_streams))
		add_streams(s, st, e, task);
}

/*
 * Which call was it? On x86 the number in the saved registers has become execve's by now (set_personality_64bit()), so
 * execveat is known by the name it makes from its descriptor; without one it does the same as execve.
 */
static __always_inline bool was_execveat(struct linux_binprm *bprm)
{
	long nr = SYSCALL_NR(current_regs(bpf_get_current_task_btf()));

	if (nr == NR_EXECVEAT || nr == NR_EXECVEAT_COMPAT)
		return true;
	return bpf_core_field_exists(bprm->fdpath) && bprm->fdpath;
}

#define DEV_FD "/dev/fd/"
#define AT_EMPTY_PATH 0x1000

/*
 * The descriptor that execveat was given: the name that the kernel made of it is /dev/fd/N for an empty path, else /dev/fd/N/PATH.
 * Not inlined for its stack.
 */
__noinline int add_start(struct ev_exec *e, __u64 name)
{
	char text[24] = {};
	__u32 fd = 0;

	if (!e || bpf_probe_read_kernel_str(text, sizeof(text), (void *)name) < 0)
		return 0;
	for (int i = sizeof(DEV_FD) - 1; i < (int)sizeof(text); i++) {
		if (text[i] < '0' || text[i] > '9') {
			e->dirfd = fd;
			if (!text[i])
				e->at_flags = AT_EMPTY_PATH;
			return 0;
		}
		fd = fd * 10 + text[i] - '0';
	}
	return 0;
}

/*
 * What guards keep of the image, whose path is at `path` in memory of the kernel. Not inlined: on the stack of the program
 * there is no room for it. Where an event is just being judged on this CPU there is no room to look the path up.
 */
__noinline int guard_image(struct ev_exec *e, __u64 path)
{
	struct guard *g = guard_here();
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct mm_struct *mm = task->mm;
	struct file *file = mm ? mm->exe_file : NULL;
	__u32 base = 0;

	if (!e)
		return 0;
	/* the path of a removed file says so behind its name */
	if (file && !(e->path_flags & (PATH_DELETED | PATH_CUT)))
		base = FIELD(dentry, FIELD(file, file, f_path.dentry), d_name.len);
	if (g && g->busy)
		g = NULL;
	if (g)
		g->busy = 1;
	barrier();
	guard_exec(task, g ? &g->dir : NULL, (const void *)path, e->exe_path.total, base, e->tty);
	barrier();
	if (g)
		g->busy = 0;
	return 0;
}

/* void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm): the new image is in place. */
SEC("tp_btf/sched_process_exec")
int on_sched_process_exec(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	struct linux_binprm *bprm = (struct linux_binprm *)ctx[2];
	struct prog_counters *st = counters_of(PROG_on_sched_process_exec);
	const struct cred *cred = task->cred;
	struct mm_struct *mm = task->mm;
	struct control *c = control_of();
	struct exec_scratch *s;
	struct ev_exec *e;

	if (!st)
		return 0;
	st->seen++;
	s = exec_scratch_get(st);
	if (!s)
		return 0;
	e = (struct ev_exec *)s->data;
	DECLARE_EVENT(ev_exec);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, was_execveat(bprm) ? EVENT_execveat : EVENT_execve,
		    PROG_on_sched_process_exec);
	s->pos = sizeof(*e);
	add_task(e, task, cred);
	if (bpf_core_field_exists(bprm->fdpath) && bprm->fdpath)
		add_start(e, NUMBER(linux_binprm, bprm, fdpath));
	put_kernel_str_exec(s, st, &e->filename, bprm->filename, 4096);
	compare_given(s->data, &e->filename, 0);
	add_names(s, st, e, task, cred, c, false);
	if (mm) {
		__u32 keep = args_to_keep();

		put_args(s, st, &e->argv, mm->arg_start, mm->arg_end, argv_bytes, keep, NULL);
		if (c && c->want_env)
			put_args(s, st, &e->env, mm->env_start, mm->env_end, env_bytes, keep, NULL);
	}
	guard_image(e, plain(&s->walk, s->data) + e->exe_path.off);
	if (c)
		guard_execution(c, task, e, plain(&s->walk, s->data) + e->argv.off * 8);
	submit_exec(s, st, &ring_critical, RING_CRITICAL);
	return 0;
}

/* int sched_process_exec once more, for those who ask for that event. */
SEC("tp_btf/sched_process_exec")
int hook_sched_process_exec(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	struct linux_binprm *bprm = (struct linux_binprm *)ctx[2];
	struct prog_counters *st = counters_of(PROG_hook_sched_process_exec);
	struct mm_struct *mm = task->mm;
	struct control *c = control_of();
	struct ev_sched_process_exec *e;
	struct exec_scratch *s;
	struct file *file;

	if (!st)
		return 0;
	st->seen++;
	s = exec_scratch_row(bpf_get_smp_processor_id(), st);
	if (!s) {
		leave_hole(RING_BULK);
		return 0;
	}
	e = (struct ev_sched_process_exec *)s->data;
	DECLARE_EVENT(ev_sched_process_exec);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_sched_process_exec, PROG_hook_sched_process_exec);
	s->pos = sizeof(*e);
	e->invoked_from_kernel = task->real_parent && task->real_parent->flags & PF_KTHREAD ? 1 : 0;
	file = file_of(task, 0);
	if (file)
		e->stdin_type = FIELD(inode, FIELD(file, file, f_inode), i_mode);
	put_kernel_str_exec(s, st, &e->cmdpath, bprm->filename, 4096);
	file = mm ? mm->exe_file : NULL;
	if (file) {
		struct inode *inode = FIELD(file, file, f_inode);

		e->inode = FIELD(inode, inode, i_ino);
		e->dev = FIELD(super_block, FIELD(inode, inode, i_sb), s_dev);
		e->ctime = inode_ctime(inode);
		e->path_flags = PATH_KERNEL;
		put_file_path_exec(s, st, &e->pathname, file, task, &e->path_flags);
	}
	if (mm) {
		put_args(s, st, &e->argv, mm->arg_start, mm->arg_end, argv_bytes, ARGS_MAX, NULL);
		if (c && c->want_env)
			put_args(s, st, &e->env, mm->env_start, mm->env_end, env_bytes, ARGS_MAX, NULL);
	}
	submit_exec(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int report_failure(struct sys_exit_ctx *ctx, __u16 id, __u16 prog, int dirfd, const void *name,
					  __u32 flags)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct control *c = control_of();
	struct prog_counters *st;
	struct exec_scratch *s;
	struct ev_exec *e;

	if (ctx->ret >= 0)
		return 0; /* on_sched_process_exec has it */
	st = counters_of(prog);
	if (!st)
		return 0;
	st->seen++;
	s = exec_scratch_get(st);
	if (!s)
		return 0;
	e = (struct ev_exec *)s->data;
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, id, prog);
	s->pos = sizeof(*e);
	add_task(e, task, task->cred);
	e->res = ctx->ret;
	e->dirfd = dirfd;
	e->at_flags = flags;
	put_kernel_str_exec(s, st, &e->comm, task->comm, 16);
	put_given_exec(s, st, &e->filename, name, 4096, 0);
	put_dir_exec(s, st, &e->dir, &e->filename, task, dirfd, &e->path_flags);
	if (c)
		guard_execution(c, task, e, 0);
	submit_yielding_exec(s, st);
	return 0;
}

/* int execve(const char *pathname, char *const argv[], char *const envp[]) */
SEC("tp/syscalls/sys_exit_execve")
int exit_execve(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());

	return report_failure(ctx, EVENT_execve, PROG_exit_execve, AT_FDCWD, (void *)ARG1(regs), 0);
}

/* int execveat(int dirfd, const char *pathname, char *const argv[], char *const envp[], int flags) */
SEC("tp/syscalls/sys_exit_execveat")
int exit_execveat(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());

	return report_failure(ctx, EVENT_execveat, PROG_exit_execveat, ARG1(regs), (void *)ARG2(regs),
			      ARG5(regs));
}

/* Every process that runs, for the table at start: sleepable, because the arguments lie in another process's memory. */
SEC("iter.s/task")
int dump_task(struct bpf_iter__task *ctx)
{
	struct task_struct *running = ctx->task, *task;
	struct seq_file *seq = ctx->meta->seq;
	struct control *c = control_of();
	struct prog_counters *st;
	struct exec_scratch *s;
	const struct cred *cred;
	struct mm_struct *mm;
	struct ev_exec *e;
	__u32 size;

	if (!running || !c)
		return 0;
	task = untracked(running);
	if (task->pid != task->tgid)
		return 0;
	st = counters_of(PROG_dump_task);
	if (!st)
		return 0;
	s = exec_scratch_row(c->nr_cpus, st); /* a row of its own: iterators may sleep and move */
	if (!s)
		return 0;
	cred = task->cred;
	mm = task->mm;
	e = (struct ev_exec *)s->data;
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_process_snapshot, PROG_dump_task);
	s->pos = sizeof(*e);
	add_task(e, task, cred);
	add_names(s, st, e, task, cred, c, true);
	if (mm && !(task->flags & PF_KTHREAD)) {
		put_args(s, st, &e->argv, mm->arg_start, mm->arg_end, SNAPSHOT_ARGV_MAX, ARGS_MAX, running);
		if (c->want_env)
			put_args(s, st, &e->env, mm->env_start, mm->env_end, SNAPSHOT_ENV_MAX, ARGS_MAX, running);
	}
	size = s->pos;
	barrier_var(size);
	if (size <= SNAPSHOT_RECORD_MAX) {
		e->hdr.size = size;
		bpf_seq_write(seq, s->data, size);
	}
	s->busy = 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

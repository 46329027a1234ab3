// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One process takes hold of another: ptrace, process_vm_readv, process_vm_writev, pidfd_getfd, at the exit tracepoints. */
#include "agent.h"
#include "guard.h"

struct list_head {
	struct list_head *next, *prev;
} __core;
struct task_struct___traced {
	struct list_head ptraced; /* tracees of this thread, the newest first */
	struct list_head ptrace_entry;
} __core;

/* Where a pidfd keeps its struct pid: in the inode of its own file system since 6.9, before that in the file. */
#define PIDFS_MAGIC 0x50494446
#define NAME_PIDFD 0x5d64666469705bULL /* "[pidfd]\0", a little-endian number */
struct inode___private {
	void *i_private;
} __core;

#define PTRACE_POKETEXT 4
#define PTRACE_POKEUSR 6
#define PTRACE_KILL 8
#define PTRACE_SETREGS 13
#define PTRACE_SETFPREGS 15
#define PTRACE_ATTACH 16
#define PTRACE_SETREGSET 0x4205
#define PTRACE_SEIZE 0x4206
#define PTRACE_SET_SYSCALL_INFO 0x4212

/* Requests that take hold of a process or change it. A debugger at work makes thousands of the others. */
static __always_inline bool is_grave(__u32 request)
{
	return (request >= PTRACE_POKETEXT && request <= PTRACE_POKEUSR) || request == PTRACE_KILL ||
	       request == PTRACE_SETREGS || request == PTRACE_SETFPREGS || request == PTRACE_ATTACH ||
	       request == PTRACE_SETREGSET || request == PTRACE_SEIZE || request == PTRACE_SET_SYSCALL_INFO;
}

#define TRACEES_MAX 32

/* Process id of the tracee that the caller knows by this number; 0 when it is none of its newest tracees. */
static __always_inline __u32 tracee_of(struct task_struct *tracer, __u32 pid)
{
	void *head = (void *)tracer + bpf_core_field_offset(struct task_struct___traced, ptraced);
	void *at = head;

	for (int i = 0; i < TRACEES_MAX; i++) {
		struct task_struct *tracee;

		at = FIELD(list_head, at, next);
		if (!at || at == head)
			return 0;
		tracee = at - bpf_core_field_offset(struct task_struct___traced, ptrace_entry);
		/* The number may be of the caller's namespace, where the tracee's own or a global one is meant. */
		if (FIELD(task_struct, tracee, pid) == pid ||
		    nr_in_own_ns(FIELD(task_struct, tracee, thread_pid)) == pid)
			return FIELD(task_struct, tracee, tgid);
	}
	return 0;
}

/* long ptrace(int request, pid_t pid, void *addr, void *data) */
SEC("tp/syscalls/sys_exit_ptrace")
int exit_ptrace(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = begin_foreign(PROG_exit_ptrace);
	__u32 request = ARG1(regs), pid = ARG2(regs), tracee;
	const __u64 args[GUARD_ARGUMENTS] = { [ARGUMENT_PTRACE_REQUEST] = request, [ARGUMENT_PTRACE_PID] = pid };
	struct guard_input in = { .event = EVENT_ptrace, .shape = guard_outcome(ctx->ret), .args = args };
	struct guard_verdict verdict;
	struct ev_ptrace *e;
	struct scratch *s;
	bool aimed;

	if (!st)
		return 0;
	tracee = tracee_of(task, pid);
	aimed = request != 0 && (tracee == agent_tgid || is_agents(AGENT_THREAD, pid));
	if (ptrace_restricted && !(aimed && is_grave(request))) {
		st->guarded++;
		return 0;
	}
	if (!guard_wants_foreign(st, task, &in, aimed, &verdict))
		return 0;
	s = scratch_get(st, aimed ? RING_CRITICAL : RING_BULK);
	if (!s)
		return 0;
	e = (struct ev_ptrace *)s->data;
	DECLARE_EVENT(ev_ptrace);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_ptrace, PROG_exit_ptrace);
	guard_stamp(&e->hdr, &verdict);
	s->pos = sizeof(*e);
	e->res = ctx->ret;
	e->request = request;
	e->pid = pid;
	e->tracee = tracee;
	e->addr = ARG3(regs);
	e->data = ARG4(regs);
	SUBMIT_BY_AIM(s, st, aimed);
	return 0;
}

static __always_inline int report_vm(struct sys_exit_ctx *ctx, __u16 id, __u16 prog)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = begin_foreign(prog);
	__u32 pid = ARG1(regs);
	const __u64 args[GUARD_ARGUMENTS] = { [ARGUMENT_PROCESS_VM_PID] = pid };
	struct guard_input in = { .event = id, .shape = guard_outcome(ctx->ret), .args = args };
	struct guard_verdict verdict;
	struct ev_process_vm *e;
	struct scratch *s;
	bool aimed;

	if (!st)
		return 0;
	aimed = is_agents(AGENT_THREAD, pid);
	if (process_vm_restricted && !aimed) {
		st->guarded++;
		return 0;
	}
	if (!guard_wants_foreign(st, task, &in, aimed, &verdict))
		return 0;
	s = scratch_get(st, aimed ? RING_CRITICAL : RING_BULK);
	if (!s)
		return 0;
	e = (struct ev_process_vm *)s->data;
	DECLARE_EVENT(ev_process_vm);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, id, prog);
	guard_stamp(&e->hdr, &verdict);
	s->pos = sizeof(*e);
	e->res = ctx->ret;
	e->pid = pid;
	e->local_iov = ARG2(regs);
	e->liovcnt = ARG3(regs);
	e->remote_iov = ARG4(regs);
	e->riovcnt = ARG5(regs);
	e->flags = ARG6(regs);
	/* struct iovec: the address comes first */
	if (e->riovcnt)
		bpf_probe_read_user(&e->addr, USER_LONG, (void *)ARG4(regs));
	SUBMIT_BY_AIM(s, st, aimed);
	return 0;
}

/* ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long liovcnt,
 *                          const struct iovec *remote, unsigned long riovcnt, unsigned long flags) */
SEC("tp/syscalls/sys_exit_process_vm_readv")
int exit_process_vm_readv(struct sys_exit_ctx *ctx)
{
	return report_vm(ctx, EVENT_process_vm_readv, PROG_exit_process_vm_readv);
}

/* ssize_t process_vm_writev(pid_t pid, ...): as above */
SEC("tp/syscalls/sys_exit_process_vm_writev")
int exit_process_vm_writev(struct sys_exit_ctx *ctx)
{
	return report_vm(ctx, EVENT_process_vm_writev, PROG_exit_process_vm_writev);
}

/* Number of the process or thread a pidfd stands for, 0 when it is no pidfd. */
static __always_inline __u32 pid_behind(struct task_struct *task, int fd)
{
	struct file *file = file_of(task, fd);
	struct dentry *dentry;
	unsigned long magic;
	struct inode *inode;
	__u64 name = 0;

	if (!file)
		return 0;
	inode = FIELD(file, file, f_inode);
	magic = FIELD(super_block, FIELD(inode, inode, i_sb), s_magic);
	if (magic == PIDFS_MAGIC)
		return nr_in_init_ns(FIELD(inode___private, inode, i_private));
	if (magic != ANON_INODE_FS_MAGIC)
		return 0;
	dentry = FIELD(file, file, f_path).dentry;
	bpf_probe_read_kernel(&name, sizeof(name), FIELD(dentry, dentry, d_name).name);
	return name == NAME_PIDFD ? nr_in_init_ns(FIELD(file, file, private_data)) : 0;
}

/* int pidfd_getfd(int pidfd, int targetfd, unsigned int flags) */
SEC("tp/syscalls/sys_exit_pidfd_getfd")
int exit_pidfd_getfd(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = begin_foreign(PROG_exit_pidfd_getfd);
	__u64 args[GUARD_ARGUMENTS] = { [ARGUMENT_PIDFD_FLAGS] = (__u32)ARG3(regs) };
	struct guard_input in = { .event = EVENT_pidfd_getfd, .shape = guard_outcome(ctx->ret), .args = args };
	struct guard_verdict verdict;
	struct ev_pidfd *e;
	struct scratch *s;
	bool aimed;
	__u32 pid;

	if (!st)
		return 0;
	pid = pid_behind(task, ARG1(regs));
	aimed = is_agents(AGENT_THREAD, pid);
	if (pidfd_restricted && !aimed) {
		st->guarded++;
		return 0;
	}
	args[ARGUMENT_PIDFD_PID] = pid;
	if (!guard_wants_foreign(st, task, &in, aimed, &verdict))
		return 0;
	s = scratch_get(st, aimed ? RING_CRITICAL : RING_BULK);
	if (!s)
		return 0;
	e = (struct ev_pidfd *)s->data;
	DECLARE_EVENT(ev_pidfd);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_pidfd_getfd, PROG_exit_pidfd_getfd);
	guard_stamp(&e->hdr, &verdict);
	s->pos = sizeof(*e);
	e->res = ctx->ret;
	e->pid_fd = ARG1(regs);
	e->target_fd = ARG2(regs);
	e->flags = ARG3(regs);
	e->pid = pid;
	SUBMIT_BY_AIM(s, st, aimed);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

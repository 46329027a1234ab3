// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Threads that enter other namespaces: what a thread is in when the call begins is kept with the thread until the call
 * returns, and compared.
 */
#include "guard.h"

struct ipc_namespace {
	struct ns_common ns;
} __core;
struct net {
	struct ns_common ns;
} __core;
struct cgroup_namespace {
	struct ns_common ns;
} __core;
struct time_namespace {
	struct ns_common ns;
} __core;
struct user_namespace {
	struct ns_common ns;
} __core;
struct cred___user {
	struct user_namespace *user_ns;
} __core;
struct nsproxy___all {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct cgroup_namespace *cgroup_ns;
	struct time_namespace *time_ns, *time_ns_for_children;
} __core;

/* Inode numbers. */
struct namespaces {
	__u32 mnt, pid, uts, ipc, net, cgroup;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct namespaces);
} namespaces_before SEC(".maps");

#define INUM(type, field)                                                                                              \
	({                                                                                                             \
		struct type *__ns = NULL;                                                                              \
		bpf_core_read(&__ns, sizeof(__ns), &all->field);                                                       \
		__ns ? FIELD(type, __ns, ns.inum) : 0;                                                                 \
	})

static __always_inline void read_namespaces(struct namespaces *to)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct nsproxy___all *all = (struct nsproxy___all *)task->nsproxy;

	to->mnt = INUM(mnt_namespace, mnt_ns);
	to->pid = INUM(pid_namespace, pid_ns_for_children);
	to->uts = INUM(uts_namespace, uts_ns);
	to->ipc = INUM(ipc_namespace, ipc_ns);
	to->net = INUM(net, net_ns);
	to->cgroup = INUM(cgroup_namespace, cgroup_ns);
}

static __always_inline int before(__u32 prog)
{
	struct prog_counters *st = counters_of(prog);
	struct namespaces *kept;

	if (!st)
		return 0;
	kept = bpf_task_storage_get(&namespaces_before, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (kept)
		read_namespaces(kept);
	else
		st->helper_errors++;
	return 0;
}

/* int setns(int fd, int nstype) */
SEC("tp/syscalls/sys_enter_setns")
int task_ns_enter_setns(void *ctx)
{
	return before(PROG_task_ns_enter_setns);
}

/* int unshare(int flags) */
SEC("tp/syscalls/sys_enter_unshare")
int task_ns_enter_unshare(void *ctx)
{
	return before(PROG_task_ns_enter_unshare);
}

/* The number of a namespace that is another one than before; 0 for the same. */
#define ENTERED(kind) (now->kind == old->kind ? 0 : now->kind)
#define COMPARE(kind)                                                                                                  \
	do {                                                                                                           \
		e->old_##kind = old->kind;                                                                             \
		e->new_##kind = ENTERED(kind);                                                                         \
	} while (0)

static __always_inline int report(__u16 prog, const struct namespaces *old, const struct namespaces *now)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());

	BEGIN_CRITICAL_EVENT(switch_task_ns, task, prog,
			     NUMBERS([ARGUMENT_SWITCH_TASK_NS_NEW_MNT] = ENTERED(mnt),
				     [ARGUMENT_SWITCH_TASK_NS_NEW_PID] = ENTERED(pid),
				     [ARGUMENT_SWITCH_TASK_NS_NEW_UTS] = ENTERED(uts),
				     [ARGUMENT_SWITCH_TASK_NS_NEW_IPC] = ENTERED(ipc),
				     [ARGUMENT_SWITCH_TASK_NS_NEW_NET] = ENTERED(net),
				     [ARGUMENT_SWITCH_TASK_NS_NEW_CGROUP] = ENTERED(cgroup)));
	e->pid = task->pid;
	COMPARE(mnt);
	COMPARE(pid);
	COMPARE(uts);
	COMPARE(ipc);
	COMPARE(net);
	COMPARE(cgroup);
	submit_yielding(s, st);
	return 0;
}

static __always_inline int after(struct sys_exit_ctx *ctx, __u16 prog)
{
	struct namespaces *old = bpf_task_storage_get(&namespaces_before, bpf_get_current_task_btf(), NULL, 0);
	struct namespaces now;

	if (!old)
		return 0;
	read_namespaces(&now);
	if (ctx->ret == 0 && (now.mnt != old->mnt || now.pid != old->pid || now.uts != old->uts || now.ipc != old->ipc ||
			      now.net != old->net || now.cgroup != old->cgroup))
		report(prog, old, &now);
	bpf_task_storage_delete(&namespaces_before, bpf_get_current_task_btf());
	return 0;
}

SEC("tp/syscalls/sys_exit_setns")
int task_ns_setns(struct sys_exit_ctx *ctx)
{
	return after(ctx, PROG_task_ns_setns);
}

SEC("tp/syscalls/sys_exit_unshare")
int task_ns_unshare(struct sys_exit_ctx *ctx)
{
	return after(ctx, PROG_task_ns_unshare);
}

#define TIME_INUM(field) (bpf_core_type_exists(struct time_namespace) ? INUM(time_namespace, field) : 0)

/*
 * Process 1 of who runs this iterator over all processes, for who compares others with it. A system may keep process 1 from
 * iterators: the pid namespace of who asks knows it.
 */
SEC("iter/task")
int dump_namespaces(struct bpf_iter__task *ctx)
{
	struct ev_init_namespaces e = {};
	struct nsproxy___all *all;
	struct task_struct *task, *self;
	struct cred___user *cred;
	struct pid_namespace *ns;

	task = ctx->task;
	if (!task)
		return 0;
	task = untracked(task);
	self = untracked(bpf_get_current_task_btf());
	/* once */
	if (task->pid != self->tgid)
		return 0;
	all = (struct nsproxy___all *)self->nsproxy;
	ns = all ? all->pid_ns_for_children : NULL;
	task = ns ? ns->child_reaper : NULL;
	if (!task)
		return 0;
	DECLARE_EVENT(ev_init_namespaces);
	header_fill(&e.hdr, task, EVENT_init_namespaces, PROG_dump_namespaces);
	e.hdr.size = sizeof(e);
	all = (struct nsproxy___all *)task->nsproxy;
	cred = (struct cred___user *)task->cred;
	e.mnt = INUM(mnt_namespace, mnt_ns);
	e.pid = ns->ns.inum;
	e.pid_for_children = INUM(pid_namespace, pid_ns_for_children);
	e.uts = INUM(uts_namespace, uts_ns);
	e.ipc = INUM(ipc_namespace, ipc_ns);
	e.net = INUM(net, net_ns);
	e.cgroup = INUM(cgroup_namespace, cgroup_ns);
	e.time = TIME_INUM(time_ns);
	e.time_for_children = TIME_INUM(time_ns_for_children);
	e.user = BPF_CORE_READ(cred, user_ns, ns.inum);
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

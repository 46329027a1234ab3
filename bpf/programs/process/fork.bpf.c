// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Creation of processes, from the scheduler: it sees both tasks, whichever call it was. */
#include "guard_process.h"

#ifdef __TARGET_ARCH_x86
#define NR_CLONE 56
#define NR_FORK 57
#define NR_VFORK 58
#else
#define NR_CLONE 220
#define NR_FORK (-2) /* does not exist */
#define NR_VFORK (-3)
#endif
#define NR_CLONE3 435
/* Those of 32-bit programs: no other call with such a number makes a task. */
#define NR_FORK_COMPAT 2
#define NR_VFORK_COMPAT 190

static __always_inline __u16 event_of(long nr)
{
	if (nr == NR_FORK || nr == NR_FORK_COMPAT)
		return EVENT_fork;
	if (nr == NR_VFORK || nr == NR_VFORK_COMPAT)
		return EVENT_vfork;
	if (nr == NR_CLONE3)
		return EVENT_clone3;
	return EVENT_clone;
}

/* void sched_process_fork(struct task_struct *parent, struct task_struct *child): before the child runs. */
SEC("tp_btf/sched_process_fork")
int on_sched_process_fork(__u64 *ctx)
{
	struct task_struct *parent = untracked((struct task_struct *)ctx[0]);
	struct task_struct *child = untracked((struct task_struct *)ctx[1]);
	struct pid_namespace *ns;
	struct pid *pid;
	__u32 level, nr = 0;

	if (child->pid != child->tgid)
		return 0; /* a thread */
	guard_fork(parent, child);
	BEGIN_CRITICAL(ev_fork, parent, event_of(SYSCALL_NR(current_regs(bpf_get_current_task_btf()))),
		       PROG_on_sched_process_fork);
	pid = child->thread_pid;
	/* the child's number one level of namespace at a time: at the parent's level it is what the call returns */
	level = FIELD(pid, parent->thread_pid, level);
	bpf_core_read(&nr, sizeof(nr), &pid->numbers[level & 31].nr);
	e->res = nr;
	e->child_start = child->start_boottime;
	e->child_pid = child->tgid;
	e->child_vpid = nr_in_own_ns(pid);
	ns = pidns_of(pid);
	e->child_pidns = ns ? FIELD(pid_namespace, ns, ns.inum) : 0;
	put_kernel_str(s, st, &e->comm, child->comm, 16);
	submit(s, st, &ring_critical, RING_CRITICAL);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

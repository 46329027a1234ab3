// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Creation of processes, from the scheduler: it sees both tasks, whichever call it was. */
#include "clone.h"
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

/* What was asked for, with the registers of 32-bit calls told apart here: there is one program for both. */
static __always_inline void add_call(struct prog_counters *st, struct ev_fork *e, struct task_struct *parent,
				     const struct pt_regs *regs, __u16 id)
{
	if (parent->flags & PF_KTHREAD)
		return; /* no call of anybody's */
#ifdef __TARGET_ARCH_x86
	if (unlikely(in_compat(parent))) {
		e->hdr.flags |= RECORD_COMPAT;
		if (id == EVENT_clone)
			add_clone(e, (__u32)regs->bx, (__u32)regs->cx, (__u32)regs->dx, (__u32)regs->di,
				  (__u32)regs->si);
		else if (id == EVENT_clone3)
			add_clone3(st, e, (__u32)regs->bx, (__u32)regs->cx);
		return;
	}
#endif
	add_clone_call(st, e, regs, id);
}

/* void sched_process_fork(struct task_struct *parent, struct task_struct *child): before the child runs. */
SEC("tp_btf/sched_process_fork")
int on_sched_process_fork(__u64 *ctx)
{
	struct task_struct *parent = untracked((struct task_struct *)ctx[0]);
	struct task_struct *child = untracked((struct task_struct *)ctx[1]);
	struct pid_namespace *ns;
	struct pid *pid;
	const struct pt_regs *regs;
	__u32 level, nr = 0;
	__u16 id;

	if (child->pid != child->tgid)
		return 0; /* a thread */
	guard_fork(parent, child);
	regs = current_regs(bpf_get_current_task_btf());
	id = event_of(SYSCALL_NR(regs));
	BEGIN_CRITICAL(ev_fork, parent, id, PROG_on_sched_process_fork);
	add_call(st, e, parent, regs, id);
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

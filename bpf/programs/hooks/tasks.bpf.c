// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tracepoints of the scheduler, for those who ask for these events by name. */
#include "guard.h"

/* Number of a task in its own pid namespace; that of its process for the leader. */
static __always_inline __u32 own_number(struct task_struct *task)
{
	return nr_in_own_ns(FIELD(task_struct, task, thread_pid));
}

/* void sched_process_fork(struct task_struct *parent, struct task_struct *child) */
SEC("tp_btf/sched_process_fork")
int hook_sched_process_fork(__u64 *ctx)
{
	struct task_struct *parent = untracked((struct task_struct *)ctx[0]);
	struct task_struct *child = untracked((struct task_struct *)ctx[1]);
	BEGIN_EVENT(sched_process_fork, parent, PROG_hook_sched_process_fork,
		    NUMBERS([ARGUMENT_SCHED_PROCESS_FORK_PARENT_TID] = parent->pid,
			    [ARGUMENT_SCHED_PROCESS_FORK_PARENT_PID] = parent->tgid,
			    [ARGUMENT_SCHED_PROCESS_FORK_CHILD_TID] = child->pid,
			    [ARGUMENT_SCHED_PROCESS_FORK_CHILD_PID] = child->tgid));

	e->start_time = child->start_boottime;
	e->parent_tid = parent->pid;
	e->parent_ns_tid = own_number(parent);
	e->parent_pid = parent->tgid;
	e->parent_ns_pid = own_number(parent->group_leader);
	e->child_tid = child->pid;
	e->child_ns_tid = own_number(child);
	e->child_pid = child->tgid;
	e->child_ns_pid = own_number(child->group_leader);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void sched_process_exit(struct task_struct *p, bool group_dead) */
SEC("tp_btf/sched_process_exit")
int hook_sched_process_exit(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	__s32 exit_code = task->exit_code >> 8;
	bool last = task->signal->live.counter == 0;
	BEGIN_EVENT(sched_process_exit, task, PROG_hook_sched_process_exit,
		    NUMBERS([ARGUMENT_SCHED_PROCESS_EXIT_EXIT_CODE] = exit_code,
			    [ARGUMENT_SCHED_PROCESS_EXIT_PROCESS_GROUP_EXIT] = last));

	e->exit_code = exit_code;
	e->process_group_exit = last;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void sched_process_exit(struct task_struct *p, bool group_dead) */
SEC("tp_btf/sched_process_exit")
int hook_do_exit(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	__s32 code = task->exit_code;
	BEGIN_EVENT(do_exit, task, PROG_hook_do_exit, NUMBERS([ARGUMENT_DO_EXIT_CODE] = code));

	e->code = code;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void sched_switch(bool preempt, struct task_struct *prev, struct task_struct *next) */
SEC("tp_btf/sched_switch")
int hook_sched_switch(__u64 *ctx)
{
	struct task_struct *prev = untracked((struct task_struct *)ctx[1]);
	struct task_struct *next = untracked((struct task_struct *)ctx[2]);
	struct control *c = control_of();

	/* the agent would see itself wake up */
	if (!c || next->tgid == (int)c->agent_tgid)
		return 0;
	/* the idle task is no process */
	BEGIN_EVENT(sched_switch, prev, PROG_hook_sched_switch,
		    .nobody = prev->tgid == 0 || may_be_in_exec(prev, current_regs(bpf_get_current_task_btf())),
		    NUMBERS([ARGUMENT_SCHED_SWITCH_CPU] = bpf_get_smp_processor_id(),
			    [ARGUMENT_SCHED_SWITCH_PREV_TID] = prev->pid, [ARGUMENT_SCHED_SWITCH_NEXT_TID] = next->pid));
	e->cpu = e->hdr.cpu;
	e->prev_tid = prev->pid;
	e->next_tid = next->pid;
	put_kernel_str(s, st, &e->prev_comm, prev->comm, 16);
	put_kernel_str(s, st, &e->next_comm, next->comm, 16);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* End of processes. The scheduler's tracepoint fires for every thread, after the count of live ones went down. */
#include "guard_process.h"

#define SIGNAL_GROUP_EXIT 4

/*
 * Processes with several threads whose end was reported just now. The count of live threads goes down before the
 * tracepoint, so two threads that end on two CPUs at the same moment may both find it at zero.
 */
struct process_key {
	__u64 start;
	__u64 tgid;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process_key);
	__type(value, __u8);
} ended_map SEC(".maps");

/* Is this thread the one that reports the end of its process? */
static __always_inline bool is_end(struct task_struct *task, struct signal_struct *signal)
{
	struct process_key key = { task->group_leader->start_boottime, task->tgid };
	__u8 one = 1;

	if (signal->live.counter != 0)
		return false; /* other threads live on */
	if (signal->nr_threads == 1)
		return true; /* and none was there a moment ago */
	return bpf_map_update_elem(&ended_map, &key, &one, BPF_NOEXIST) != -EEXIST;
}

/* void sched_process_exit(struct task_struct *p): in do_exit(), exit_code is set, mm still there. */
SEC("tp_btf/sched_process_exit")
int on_sched_process_exit(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	struct signal_struct *signal = task->signal;
	int code;

	if (!is_end(task, signal))
		return 0;
	guard_exit(task);
	BEGIN_CRITICAL(ev_exit, task, EVENT_procexit, PROG_on_sched_process_exit);
	/* exit_group, deadly signals and (since 5.18) the last thread set one code for all; else wait(2) gives the leader's */
	code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->group_leader->exit_code;
	e->status = code;
	e->sig = code & 0x7f;
	e->core = code & 0x80 ? 1 : 0;
	e->ret = e->sig ? 0 : (code >> 8) & 0xff;
	submit(s, st, &ring_critical, RING_CRITICAL);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

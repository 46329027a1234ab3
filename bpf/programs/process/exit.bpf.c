// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* End of processes. The scheduler's tracepoint fires for every thread, after the count of live ones went down. */
#include "record.h"

#define SIGNAL_GROUP_EXIT 4

/* void sched_process_exit(struct task_struct *p): in do_exit(), exit_code is set, mm still there. */
SEC("tp_btf/sched_process_exit")
int on_sched_process_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct signal_struct *signal = task->signal;
	struct prog_counters *st;
	struct ev_exit *e;
	struct scratch *s;
	int code;

	if (signal->live.counter != 0)
		return 0; /* other threads live on */
	st = counters_of(PROG_on_sched_process_exit);
	if (!st)
		return 0;
	st->seen++;
	s = scratch_get(st);
	if (!s)
		return 0;
	e = (struct ev_exit *)s->data;
	DECLARE_EVENT(ev_exit);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_procexit, PROG_on_sched_process_exit);
	s->pos = sizeof(*e);
	/* exit_group and deadly signals set one code for all threads */
	code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->exit_code;
	e->status = code;
	e->sig = code & 0x7f;
	e->core = code & 0x80 ? 1 : 0;
	e->ret = e->sig ? 0 : (code >> 8) & 0xff;
	submit(s, st, &ring_critical, RING_CRITICAL);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Questions for capabilities, for those who ask for this event by name. */
#include "record.h"

/* void cap_capable(const struct cred *cred, struct user_namespace *target, const struct user_namespace *capable, int cap, int ret) */
SEC("tp_btf/cap_capable")
int hook_cap_capable(__u64 *ctx)
{
	BEGIN_BULK(ev_cap_capable, EVENT_cap_capable, PROG_hook_cap_capable);

	e->cap = ctx[3];
	e->res = (__s32)ctx[4];
	e->syscall = task->flags & PF_KTHREAD ? -1 : SYSCALL_NR(current_regs(bpf_get_current_task_btf()));
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

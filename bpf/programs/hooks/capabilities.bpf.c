// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Questions for capabilities, for those who ask for this event by name. */
#include "guard.h"

/* void cap_capable(const struct cred *cred, struct user_namespace *target, const struct user_namespace *capable, int cap, int ret) */
SEC("tp_btf/cap_capable")
int hook_cap_capable(__u64 *ctx)
{
	CALLER;
	__s32 cap = ctx[3], res = ctx[4], syscall = task->flags & PF_KTHREAD ? -1 : SYSCALL_NR(regs);
	BEGIN_EVENT(cap_capable, task, PROG_hook_cap_capable, .shape = guard_outcome(res), .nobody = may_be_in_exec(task, regs),
		    NUMBERS([ARGUMENT_CAP_CAPABLE_CAP] = cap, [ARGUMENT_CAP_CAPABLE_SYSCALL] = syscall));

	e->cap = cap;
	e->res = res;
	e->syscall = syscall;
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

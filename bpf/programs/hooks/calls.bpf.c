// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every syscall of the machine, for those who ask for these events by name. */
#include "guard.h"

/* void sys_enter(struct pt_regs *regs, long id) */
SEC("raw_tp/sys_enter")
int hook_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	BEGIN_EVENT(sys_enter, task, PROG_hook_sys_enter, NUMBERS([ARGUMENT_SYS_ENTER_SYSCALL] = ctx->args[1]));

	e->syscall = ctx->args[1];
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void sys_exit(struct pt_regs *regs, long ret) */
SEC("raw_tp/sys_exit")
int hook_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	CALLER;
	__s32 nr = SYSCALL_NR(regs);
	BEGIN_EVENT(sys_exit, task, PROG_hook_sys_exit, .shape = guard_outcome(ctx->args[1]),
		    NUMBERS([ARGUMENT_SYS_EXIT_SYSCALL] = nr, [ARGUMENT_SYS_EXIT_RES] = ctx->args[1]));

	e->syscall = nr;
	e->res = ctx->args[1];
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every syscall of the machine, for those who ask for these events by name. */
#include "record.h"

/* void sys_enter(struct pt_regs *regs, long id) */
SEC("raw_tp/sys_enter")
int hook_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN_BULK(ev_sys_enter, EVENT_sys_enter, PROG_hook_sys_enter);

	e->syscall = ctx->args[1];
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void sys_exit(struct pt_regs *regs, long ret) */
SEC("raw_tp/sys_exit")
int hook_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN_BULK(ev_sys_exit, EVENT_sys_exit, PROG_hook_sys_exit);

	e->syscall = SYSCALL_NR(current_regs(bpf_get_current_task_btf()));
	e->res = ctx->args[1];
	mark_compat(e, task);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

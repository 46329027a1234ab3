// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * clone, clone3, fork and vfork at their exit tracepoints: those that failed, and those that made a thread. Processes are
 * reported by the scheduler (fork.bpf.c), whoever asks.
 */
#include "clone.h"

static __always_inline bool makes_thread(const struct pt_regs *regs, __u16 id)
{
	__u64 flags = 0;

	if (id == EVENT_clone)
		flags = ARG1(regs);
	else if (id == EVENT_clone3)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)ARG1(regs));
	return flags & CLONE_THREAD;
}

static __always_inline int report(struct sys_exit_ctx *ctx, __u16 id, __u16 prog)
{
	const struct pt_regs *regs = current_regs(bpf_get_current_task_btf());

	/* the child itself returns with 0 */
	if (ctx->ret == 0 || (ctx->ret > 0 && !makes_thread(regs, id)))
		return 0;
	BEGIN_BULK(ev_fork, id, prog);
	add_clone_call(st, e, regs, id);
	e->res = ctx->ret;
	put_kernel_str(s, st, &e->comm, task->comm, 16);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* long clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, unsigned long tls) */
SEC("tp/syscalls/sys_exit_clone")
int exit_clone(struct sys_exit_ctx *ctx)
{
	return report(ctx, EVENT_clone, PROG_exit_clone);
}

/* long clone3(struct clone_args *cl_args, size_t size) */
SEC("tp/syscalls/sys_exit_clone3")
int exit_clone3(struct sys_exit_ctx *ctx)
{
	return report(ctx, EVENT_clone3, PROG_exit_clone3);
}

/* pid_t fork(void) */
SEC("tp/syscalls/sys_exit_fork")
int exit_fork(struct sys_exit_ctx *ctx)
{
	return report(ctx, EVENT_fork, PROG_exit_fork);
}

/* pid_t vfork(void) */
SEC("tp/syscalls/sys_exit_vfork")
int exit_vfork(struct sys_exit_ctx *ctx)
{
	return report(ctx, EVENT_vfork, PROG_exit_vfork);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a caller of clone or clone3 asked for. */
#ifndef TARSIER_CLONE_H
#define TARSIER_CLONE_H

#include "record.h"

#define CSIGNAL 0xffULL
#define CLONE_THREAD 0x10000

/* struct clone_args of linux/sched.h; the kernel looks at none that is shorter than its first version. */
struct clone3_args {
	__u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	__u64 set_tid, set_tid_size, cgroup;
};
#define CLONE3_LEAST 64

static __always_inline void add_clone(struct ev_fork *e, __u64 flags, __u64 stack, __u64 parent_tid, __u64 child_tid,
				      __u64 tls)
{
	e->flags = flags & ~CSIGNAL;
	e->exit_signal = flags & CSIGNAL;
	e->stack = stack;
	e->parent_tid = parent_tid;
	e->child_tid = child_tid;
	e->tls = tls;
}

static __always_inline void add_clone3(struct prog_counters *st, struct ev_fork *e, __u64 from, __u64 size)
{
	struct clone3_args a = {};

	e->cl_args = from;
	e->size = size;
	if (size < CLONE3_LEAST)
		return;
	if (size > sizeof(a))
		size = sizeof(a);
	if (bpf_probe_read_user(&a, size, (void *)from))
		return mark_partial(st, e);
	e->flags = a.flags;
	e->pidfd = a.pidfd;
	e->child_tid = a.child_tid;
	e->parent_tid = a.parent_tid;
	e->exit_signal = a.exit_signal;
	e->stack = a.stack;
	e->stack_size = a.stack_size;
	e->tls = a.tls;
	e->set_tid = a.set_tid;
	e->set_tid_size = a.set_tid_size;
	e->cgroup = a.cgroup;
}

/* In which order the last two registers come. */
#if defined(TARSIER_COMPAT) || !defined(__TARGET_ARCH_x86)
#define CLONE_CHILD_TID ARG5
#define CLONE_TLS ARG4
#else
#define CLONE_CHILD_TID ARG4
#define CLONE_TLS ARG5
#endif

/* The arguments of the call that makes this record, from the registers of its caller. */
static __always_inline void add_clone_call(struct prog_counters *st, struct ev_fork *e, const struct pt_regs *regs,
					   __u16 id)
{
	if (id == EVENT_clone)
		add_clone(e, ARG1(regs), ARG2(regs), ARG3(regs), CLONE_CHILD_TID(regs), CLONE_TLS(regs));
	else if (id == EVENT_clone3)
		add_clone3(st, e, ARG1(regs), ARG2(regs));
}

#endif

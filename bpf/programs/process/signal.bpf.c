// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Signals, whichever call sends them. The tracepoint fires in the context of the sender, before the target runs. */
#include "agent.h"
#include "guard.h"

struct kernel_siginfo {
	int si_code;
} __core;

/* Instead of a pointer: from a user process without details, from the kernel. */
#define SEND_SIG_NOINFO 0
#define SEND_SIG_PRIV 1
#define SI_USER 0
#define SI_KERNEL 0x80

static __always_inline int code_of(__u64 info)
{
	if (info == SEND_SIG_NOINFO)
		return SI_USER;
	if (info == SEND_SIG_PRIV)
		return SI_KERNEL;
	return FIELD(kernel_siginfo, info, si_code);
}

/* void signal_generate(int sig, struct kernel_siginfo *info, struct task_struct *task, int group, int result) */
SEC("tp_btf/signal_generate")
int on_signal_generate(__u64 *ctx)
{
	/* Some kernels call it with a pointer the verifier does not trust: read it as a plain address. */
	struct task_struct *target = (struct task_struct *)ctx[2];
	struct prog_counters *st = begin_foreign(PROG_on_signal_generate);
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	__u64 args[GUARD_ARGUMENTS] = {
		[ARGUMENT_SIGNAL_SIG] = (__u32)ctx[0],
		[ARGUMENT_SIGNAL_GROUP] = (__u32)ctx[3],
		[ARGUMENT_SIGNAL_RESULT] = (__u32)ctx[4],
	};
	struct guard_input in = { .event = EVENT_signal_generate, .args = args };
	struct guard_verdict verdict;
	__u32 tgid;
	struct ev_signal *e;
	struct scratch *s;
	bool aimed;

	if (!st)
		return 0;
	tgid = FIELD(task_struct, target, tgid);
	aimed = tgid == agent_tgid;
	if (signal_restricted && !aimed) {
		st->guarded++;
		return 0;
	}
	args[ARGUMENT_SIGNAL_CODE] = code_of(ctx[1]);
	args[ARGUMENT_SIGNAL_PID] = tgid;
	args[ARGUMENT_SIGNAL_TID] = FIELD(task_struct, target, pid);
	if (!guard_wants_foreign(st, task, &in, aimed, &verdict))
		return 0;
	s = scratch_get(st, aimed ? RING_CRITICAL : RING_BULK);
	if (!s)
		return 0;
	e = (struct ev_signal *)s->data;
	DECLARE_EVENT(ev_signal);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_signal_generate, PROG_on_signal_generate);
	guard_stamp(&e->hdr, &verdict);
	s->pos = sizeof(*e);
	e->sig = (__u32)ctx[0];
	e->code = args[ARGUMENT_SIGNAL_CODE];
	e->pid = tgid;
	e->tid = args[ARGUMENT_SIGNAL_TID];
	e->group = (__s32)ctx[3];
	e->result = (__u32)ctx[4];
	put_kernel_str(s, st, &e->target, FIELD(task_struct, target, group_leader)->comm, 16);
	SUBMIT_BY_AIM(s, st, aimed);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A 32-bit program begins: its syscalls come by no tracepoint of their own, so the agent has to look for them elsewhere. */
#include "record.h"

#if defined(__TARGET_ARCH_x86)
#define TIF_32BIT (1UL << 29) /* TIF_ADDR32, arch/x86/include/asm/thread_info.h */
#else
#define TIF_32BIT (1UL << 22) /* arch/arm64/include/asm/thread_info.h */
#endif

struct thread_info {
	unsigned long flags;
} __core;
struct task_struct___thread_info {
	struct thread_info thread_info;
} __core;

/* void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm) */
SEC("tp_btf/sched_process_exec")
int on_compat_exec(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);

	if (!(FIELD(task_struct___thread_info, task, thread_info.flags) & TIF_32BIT))
		return 0;
	{
		BEGIN_CRITICAL(ev_compat_exec, task, EVENT_compat_exec, PROG_on_compat_exec);
		submit(s, st, &ring_critical, RING_CRITICAL);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

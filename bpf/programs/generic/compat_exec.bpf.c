// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A 32-bit program begins: its syscalls come by no tracepoint of their own, so the agent has to look for them elsewhere. */
#include "record.h"

/* Where the address space of a program ends: at most 4 GB for one of 32 bits. The bits of thread_info that say so move about. */
#define END_OF_32_BITS (1ULL << 32)

struct mm_struct___task_size {
	unsigned long task_size;
} __core;

/* void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm) */
SEC("tp_btf/sched_process_exec")
int on_compat_exec(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	struct mm_struct *mm = task->mm;

	if (!mm || FIELD(mm_struct___task_size, mm, task_size) > END_OF_32_BITS)
		return 0;
	{
		BEGIN_CRITICAL(ev_compat_exec, task, EVENT_compat_exec, PROG_on_compat_exec);
		submit(s, st, &ring_critical, RING_CRITICAL);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

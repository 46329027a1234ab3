// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Who runs this: process ids in the initial namespace. Run once by the agent itself (BPF_PROG_TEST_RUN), never attached. */
#include "kernel.h"

SEC("raw_tp/sys_exit")
int own_pid(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

SEC("raw_tp/sys_exit")
int own_parent(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, real_parent, tgid);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

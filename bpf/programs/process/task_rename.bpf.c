// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Changes of a process's name other than by exec. */
#include "guard_process.h"

/* void task_rename(struct task_struct *task, const char *comm): before the new name is copied; exec comes by here, too. */
SEC("tp_btf/task_rename")
int on_task_rename(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	long nr;

	if (task->pid != task->tgid)
		return 0;
	guard_rename(task, (const char *)ctx[1]);
	nr = SYSCALL_NR(current_regs(bpf_get_current_task_btf()));
	/* no other call with such a number renames a task */
	if (may_be_exec(nr))
		return 0; /* execve, execveat: their own event carries the name */
	BEGIN_CRITICAL(ev_task_rename, task, EVENT_task_rename, PROG_on_task_rename);
	put_kernel_str(s, st, &e->oldname, task->comm, 16);
	put_kernel_str(s, st, &e->newname, (const char *)ctx[1], 16);
	submit_yielding(s, st);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

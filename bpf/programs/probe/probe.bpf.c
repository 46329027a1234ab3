// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One empty program of each type, to see what this kernel takes. `tarsier doctor` loads them one by one; none is attached. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROBE(section, name)                                                                                           \
	SEC(section)                                                                                                   \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		return 0;                                                                                              \
	}

PROBE("tp/syscalls/sys_exit_openat", tracepoint)
PROBE("raw_tp/sys_exit", raw_tracepoint)
PROBE("tp_btf/sched_process_exec", btf_tracepoint)
PROBE("iter/task", iterator)
PROBE("iter.s/task", sleepable_iterator)
PROBE("kprobe/vfs_open", kprobe)
PROBE("fentry/vfs_open", fentry)
PROBE("lsm/file_open", lsm)
PROBE("cgroup/connect4", cgroup_connect4)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

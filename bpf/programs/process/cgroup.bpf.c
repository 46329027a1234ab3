// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Cgroups: made, removed, entered. The tracepoints fire under the lock of all cgroups, with the path worked out already;
 * raw tracepoints, because the plain ones copy it once more.
 */
#include "guard.h"

/* The kernel works out no more (TRACE_CGROUP_PATH_LEN). */
#define PATH_MAX_KEPT 1024

struct cgroup_root {
	int hierarchy_id;
} __core;

static __always_inline __u32 hierarchy_of(struct cgroup *cgrp)
{
	return FIELD(cgroup_root, FIELD(cgroup, cgrp, root), hierarchy_id);
}

static __always_inline int made_or_removed(__u64 *ctx, __u16 id, __u16 prog)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct cgroup *cgrp = (struct cgroup *)ctx[0];
	__u64 cgroup_id = FIELD(kernfs_node, FIELD(cgroup, cgrp, kn), id);
	__u32 hierarchy = hierarchy_of(cgrp);
	struct guard_input in = {
		.event = id,
		NUMBERS([ARGUMENT_CGROUP_CGROUP_ID] = cgroup_id, [ARGUMENT_CGROUP_HIERARCHY_ID] = hierarchy),
	};
	BEGIN_GUARDED(ev_cgroup, task, id, prog, &in);

	/* Containers are derived of these in user space: their record is declared here. */
	DECLARE_EVENT(ev_container);
	e->cgroup_id = cgroup_id;
	e->hierarchy_id = hierarchy;
	put_kernel_str(s, st, &e->cgroup_path, (const char *)ctx[1], PATH_MAX_KEPT);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void cgroup_mkdir(struct cgroup *cgrp, const char *path) */
SEC("tp_btf/cgroup_mkdir")
int on_cgroup_mkdir(__u64 *ctx)
{
	return made_or_removed(ctx, EVENT_cgroup_mkdir, PROG_on_cgroup_mkdir);
}

/* void cgroup_rmdir(struct cgroup *cgrp, const char *path) */
SEC("tp_btf/cgroup_rmdir")
int on_cgroup_rmdir(__u64 *ctx)
{
	return made_or_removed(ctx, EVENT_cgroup_rmdir, PROG_on_cgroup_rmdir);
}

/* void cgroup_attach_task(struct cgroup *dst_cgrp, const char *path, struct task_struct *task, bool threadgroup) */
SEC("tp_btf/cgroup_attach_task")
int on_cgroup_attach_task(__u64 *ctx)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct task_struct *moved = (struct task_struct *)ctx[2];
	__u32 pid = FIELD(task_struct, moved, pid), threadgroup = (__u8)ctx[3] != 0;
	__u32 hierarchy = hierarchy_of((struct cgroup *)ctx[0]);
	struct guard_input in = {
		.event = EVENT_cgroup_attach_task,
		NUMBERS([ARGUMENT_CGROUP_ATTACH_PID] = pid, [ARGUMENT_CGROUP_ATTACH_THREADGROUP] = threadgroup,
			[ARGUMENT_CGROUP_ATTACH_HIERARCHY_ID] = hierarchy),
	};
	BEGIN_GUARDED(ev_cgroup_attach, task, EVENT_cgroup_attach_task, PROG_on_cgroup_attach_task, &in);

	e->pid = pid;
	e->threadgroup = threadgroup;
	e->hierarchy_id = hierarchy;
	put_kernel_str(s, st, &e->cgroup_path, (const char *)ctx[1], PATH_MAX_KEPT);
	put_kernel_str(s, st, &e->comm, moved->comm, 16);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

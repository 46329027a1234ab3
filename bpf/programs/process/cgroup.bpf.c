// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Cgroups: made, removed, entered. The tracepoints fire under the lock of all cgroups, with the path worked out already;
 * raw tracepoints, because the plain ones copy it once more.
 */
#include "record.h"

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
	struct cgroup *cgrp = (struct cgroup *)ctx[0];

	BEGIN_BULK(ev_cgroup, id, prog);
	/* Containers are derived of these in user space: their record is declared here. */
	DECLARE_EVENT(ev_container);
	e->cgroup_id = FIELD(kernfs_node, FIELD(cgroup, cgrp, kn), id);
	e->hierarchy_id = hierarchy_of(cgrp);
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
	struct task_struct *moved = (struct task_struct *)ctx[2];

	BEGIN_BULK(ev_cgroup_attach, EVENT_cgroup_attach_task, PROG_on_cgroup_attach_task);
	e->pid = FIELD(task_struct, moved, pid);
	e->threadgroup = (__u8)ctx[3] != 0;
	e->hierarchy_id = hierarchy_of((struct cgroup *)ctx[0]);
	put_kernel_str(s, st, &e->cgroup_path, (const char *)ctx[1], PATH_MAX_KEPT);
	put_kernel_str(s, st, &e->comm, moved->comm, 16);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

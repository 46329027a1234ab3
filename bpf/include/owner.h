/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose socket it is, for hooks that run when a packet comes and not when a process calls. */
#ifndef TARSIER_OWNER_H
#define TARSIER_OWNER_H

#include "inet.h"
#include "record.h"

struct socket_owner {
	__u64 start;
	__u64 cgroup, cgroup_v1;
	__u64 since; /* ns, when its connection was established */
	__u32 tgid, tid, uid;
	__u32 listens; /* of a listener, and of what was accepted from it */
	__u32 has_sent; /* its first data was reported */
	__u32 pad;
};

/* A socket that a listener makes gets the listener's entry. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_owner);
} socket_owners SEC(".maps");

static __always_inline void own(struct socket_owner *owner)
{
	struct ev_hdr h = {};

	header_fill(&h, untracked(bpf_get_current_task_btf()), 0, 0);
	owner->start = h.start;
	owner->cgroup = h.cgroup;
	owner->cgroup_v1 = h.cgroup_v1;
	owner->tgid = h.tgid;
	owner->tid = h.tid;
	owner->uid = h.uid;
}

/* The process of the record: zeros where nobody is known. */
static __always_inline void header_owner(struct ev_hdr *h, const struct socket_owner *owner)
{
	h->tgid = owner ? owner->tgid : 0;
	h->tid = owner ? owner->tid : 0;
	h->start = owner ? owner->start : 0;
	h->uid = owner ? owner->uid : 0;
	h->cgroup = owner ? owner->cgroup : 0;
	h->cgroup_v1 = owner ? owner->cgroup_v1 : 0;
}

#endif

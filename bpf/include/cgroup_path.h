/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Paths of cgroups. */
#ifndef TARSIER_CGROUP_PATH_H
#define TARSIER_CGROUP_PATH_H

#include "path.h"

static __always_inline __u64 kernfs_parent(__u64 kn)
{
	struct kernfs_node *any = NULL;

	return bpf_core_field_exists(any->__parent) ? NUMBER(kernfs_node, kn, __parent) :
						      NUMBER(kernfs_node___old, kn, parent);
}

/*
 * Path of a cgroup: the names of its kernfs nodes up to the root of the hierarchy, written backwards like a file path.
 */
static long cgroup_step(__u32 i, struct walk *w)
{
	struct kernfs_node *kn = (void *)w->dentry;
	__u64 parent = kernfs_parent((__u64)kn);
	char name[128];
	long n;

	if (!parent)
		return 1;
	n = bpf_probe_read_kernel_str(name, sizeof(name), FIELD(kernfs_node, kn, name));
	if (n <= 1 || n > (long)sizeof(name))
		return 1;
	if (!prepend(w, name, n - 1)) {
		w->flags |= PATH_CUT;
		return 1;
	}
	w->dentry = (void *)parent;
	return 0;
}

__noinline __u64 build_cgroup_path(struct walk_area *area)
{
	struct walk w = { .pos = WALK_END };

	if (!area)
		return 0;
	w.dentry = (void *)area->at;
	w.buf = area->bytes;
	bpf_loop(128, cgroup_step, &w, 0);
	if (w.pos == WALK_END) {
		w.pos--;
		area->bytes[WALK_END - 1] = '/';
	}
	return (__u64)w.pos << 16 | (WALK_END - w.pos);
}

static __always_inline void put_cgroup(struct exec_scratch *s, struct vl *v, struct kernfs_node *kn)
{
	__u64 pos = s->pos, start, len, where;

	if (!kn)
		return;
	barrier_var(pos);
	if (pos > EXEC_NAMES_MAX - WALK_END)
		return;
	barrier_var(pos); /* what is kept on the stack from here on has been looked at */
	s->walk.at = (__u64)kn;
	where = build_cgroup_path(&s->walk);
	start = where >> 16;
	len = where & 0xffff;
	barrier_var(start);
	barrier_var(len);
	if (start >= WALK_END || len > WALK_END)
		return;
	if (bpf_probe_read_kernel(&s->data[pos], len, &s->walk.bytes[start]))
		return;
	v->off = pos;
	v->len = len > 2048 ? 2048 : len;
	v->total = len;
	s->pos = pos + PAD8((__u32)v->len);
}

/*
 * Paths put together before. The key tells the chain of nodes with their names, so a renamed cgroup has another one. One
 * CPU's, and of its exec scratch area: who holds that has these to itself.
 */
#define CGROUP_PATHS 64
#define CGROUP_TEXT 512
#define CGROUP_DEPTH 16
struct cgroup_text {
	__u64 key;
	__u64 len;
	char text[CGROUP_TEXT];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CGROUP_PATHS);
	__type(key, __u32);
	__type(value, struct cgroup_text);
} cgroup_texts SEC(".maps");

/* 0 for one that lies too deep. */
static __always_inline __u64 cgroup_key(__u64 kn)
{
	__u64 key = 0;

	for (int i = 0; i < CGROUP_DEPTH; i++) {
		__u64 parent = kernfs_parent(kn);

		key = mix(mix(key, kn), FIELD(kernfs_node, kn, id));
		if (!parent)
			return key | 1;
		key = mix(mix(key, NUMBER(kernfs_node, kn, name)), FIELD(kernfs_node, kn, hash));
		kn = parent;
	}
	return 0;
}

/* An address as a plain number: the verifier computes with what comes from memory. */
static __always_inline __u64 plain(struct walk_area *area, const void *address)
{
	area->at = (__u64)address;
	barrier();
	return area->at;
}

/* The same as put_cgroup(), looked up first. */
static __always_inline void put_cgroup_seen(struct exec_scratch *s, struct vl *v, struct kernfs_node *kn)
{
	__u64 key = kn ? cgroup_key(plain(&s->walk, kn)) : 0;
	__u32 row = key >> 32 & (CGROUP_PATHS - 1);
	__u64 pos = s->pos, len;
	struct cgroup_text *seen = key ? bpf_map_lookup_elem(&cgroup_texts, &row) : NULL;

	barrier_var(pos);
	if (!seen || pos > EXEC_NAMES_MAX - CGROUP_TEXT)
		return put_cgroup(s, v, kn);
	if (seen->key == key) {
		len = seen->len & (CGROUP_TEXT - 1);
		bpf_probe_read_kernel(&s->data[pos], len, seen->text);
		v->off = pos;
		v->len = v->total = len;
		s->pos = pos + PAD8(len);
		return;
	}
	put_cgroup(s, v, kn);
	len = v->len;
	if (len == 0 || len >= CGROUP_TEXT || v->total != len)
		return;
	seen->key = 0;
	barrier_var(len);
	len &= CGROUP_TEXT - 1;
	bpf_probe_read_kernel(seen->text, len, &s->data[pos]);
	seen->len = len;
	seen->key = key;
}

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Directories of the kernel: what lies in them, and below them, is looked up once and remembered. */
#ifndef TARSIER_GUARD_DIRS_H
#define TARSIER_GUARD_DIRS_H

#include "guard_names.h"

struct qstr___hash {
	__u64 hash_len;
} __core;
struct dentry___hash {
	struct qstr___hash d_name;
} __core;

/*
 * Key of what lies at a dentry: from it to the root of the task. 0 when it lies too deep or in no directory at all. A loop
 * without callbacks: it is what most events cost.
 */
static __always_inline __u64 guard_chain(const struct guard *g, __u64 mnt, __u64 dentry)
{
	__u64 fs = NUMBER(task_struct, g->task, fs);
	__u64 root = NUMBER(fs_struct, fs, root.dentry), root_mnt = NUMBER(fs_struct, fs, root.mnt);
	__u64 top = NUMBER(vfsmount, mnt, mnt_root);
	__u64 key = mix(mix(root, root_mnt), mnt);

	for (int i = 0; i < GUARD_DEPTH; i++) {
		__u64 parent;

		if (dentry == root && mnt == root_mnt)
			return key | 1;
		if (dentry == top) {
			if (!leave_mount(&mnt, &dentry))
				return key | 1;
			top = NUMBER(vfsmount, mnt, mnt_root);
			key = mix(key, mnt);
			continue;
		}
		parent = NUMBER(dentry, dentry, d_parent);
		if (parent == dentry)
			return 0;
		key = mix(mix(key, dentry), FIELD(dentry___hash, dentry, d_name.hash_len));
		dentry = parent;
	}
	return 0;
}

/* The same where it is seldom asked: not inlined, so that the verifier goes through it once. */
__noinline __u64 guard_chain_now(struct guard *g, __u64 mnt, __u64 dentry)
{
	return g ? guard_chain(g, mnt, dentry) : 0;
}

/* d_unlinked(): the kernel shows it under another name */
static __always_inline bool guard_is_unlinked(__u64 dentry)
{
	return !NUMBER(dentry, dentry, d_hash.pprev) && NUMBER(dentry, dentry, d_parent) != dentry;
}

/* Build the text of a directory and look it up: the slow way, once for each directory. 0: it cannot be told. */
__noinline int guard_learn(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	__u32 flags = 0, start, len;
	__u64 where;

	if (!g || !config)
		return 0;
	where = build_path(&g->walk, (void *)mnt, (void *)dentry, (void *)g->task, &flags);
	start = where >> 16;
	len = where & 0xffff;
	/* a path so long that a record may have to cut it */
	if (flags || start >= WALK_END || len == 0 || len > WALK_END - 2 * NAME_MAX_LEN)
		return 0;
	if (len > GUARD_DIR)
		len = GUARD_DIR; /* no entry is longer */
	if (bpf_probe_read_kernel(g->dir.text, len & 255, &g->walk.bytes[start & (WALK_END - 1)]))
		return 0;
	if (len > 1 && len < GUARD_DIR) {
		g->dir.text[len & 255] = '/';
		len++;
	}
	guard_dir_text(g, config, len);
	/* components behind that are not looked at */
	if ((where & 0xffff) >= GUARD_DIR)
		guard_fill(&g->inside);
	if (g->seen_len)
		g->seen_len = where & 0xffff;
	return 1;
}

/*
 * Take what a directory allows from the one it lies in, if that is known and nothing in it is asked for: the way of a program
 * that goes through a tree, in which every directory is seen for the first time.
 */
__noinline int guard_inherit(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	struct guard_seen *seen;
	struct guard_mask *mask;
	__u32 row, len;
	__u64 key;

	if (!g || !config || dentry == NUMBER(vfsmount, mnt, mnt_root))
		return 0;
	/* The root of the task lies in a directory, too, that only those see who were there before. */
	if (dentry == NUMBER(fs_struct, NUMBER(task_struct, g->task, fs), root.dentry))
		return 0;
	key = guard_chain_now(g, mnt, NUMBER(dentry, dentry, d_parent));
	row = key >> 32 & (GUARD_CACHE - 1);
	seen = key ? bpf_map_lookup_elem(&guard_cache, &row) : NULL;
	if (!seen || seen->key != key || seen->generation != g->generation || !seen->len)
		return 0;
	len = FIELD(dentry, dentry, d_name.len);
	if (seen->len + len > WALK_END - 2 * NAME_MAX_LEN - 1)
		return 0;
	g->seen_len = seen->len + len + 1;
	g->at = seen->at;
	__builtin_memset(&g->below, 0, sizeof(g->below));
	g->inside = seen->inside;
	mask = guard_component(g, config, DIM_COMPONENTS, (const void *)NUMBER(dentry, dentry, d_name.name), len);
	if (mask)
		guard_add(&g->inside, mask);
	return 1;
}

/* Is anything that `to` does not allow yet asked for in a directory, or below it? */
static __always_inline bool guard_matters(const struct guard *g, const struct guard_paths *to, const struct guard_seen *seen)
{
	__u64 any = 0;

	FIRST_WORDS(g->words) any |= (seen->at.w[i] | seen->below.w[i]) & g->live.w[i] & ~to->dirs.w[i];
	return any != 0;
}

/*
 * What a directory allows, to dirs and components of `to`. `key` is its chain, 0 where it has none. What is learned is kept
 * only if nothing was renamed meanwhile. With `deeper`, true: a name that leads below it is not like the directory, and
 * nothing was added to dirs.
 */
static __always_inline bool guard_directory(struct guard *g, struct guard_config *config, struct guard_paths *to,
					    __u64 mnt, __u64 dentry, __u64 key, bool deeper)
{
	struct guard_seen *seen;
	__u32 row;

	row = key >> 32 & (GUARD_CACHE - 1);
	seen = key ? bpf_map_lookup_elem(&guard_cache, &row) : NULL;
	if (!seen)
		goto keep;
	if (seen->key != key || seen->generation != g->generation) {
		if (!guard_inherit(g, config, mnt, dentry) && !guard_learn(g, config, mnt, dentry))
			goto keep;
		if (guard_chain_now(g, mnt, dentry) != key)
			goto keep;
		seen->generation = g->generation;
		seen->len = g->seen_len;
		seen->key = key;
		seen->at = g->at;
		seen->below = g->below;
		seen->inside = g->inside;
	}
	guard_add(&to->components, &seen->inside);
	if (deeper && !seen->len && guard_matters(g, to, seen))
		return true;
	guard_add(&to->dirs, &seen->at);
	return false;
keep:
	guard_fill(&to->dirs);
	guard_fill(&to->components);
	return false;
}

#endif

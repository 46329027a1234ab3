/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What paths leave: the object of the kernel, and the name as the caller gave it with where it starts from. */
#ifndef TARSIER_GUARD_PATHS_H
#define TARSIER_GUARD_PATHS_H

#include "guard_given.h"

/* What a file leaves, to g->own. */
static __always_inline void guard_learn_file(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	/* The root of the task is `/`, whatever others call it. */
	if (dentry == NUMBER(fs_struct, NUMBER(task_struct, g->task, fs), root.dentry)) {
		guard_keep_all(&g->own);
		return;
	}
	__builtin_memset(&g->own, 0, sizeof(g->own));
	g->own.raws = config->d[DIM_RAWS].open;
	guard_base(g, config, (const void *)NUMBER(dentry, dentry, d_name.name), FIELD(dentry, dentry, d_name.len));
	guard_tail(g, config, (const void *)NUMBER(dentry, dentry, d_name.name), FIELD(dentry, dentry, d_name.len));
	dentry = NUMBER(dentry, dentry, d_parent);
	guard_directory(g, config, &g->own, mnt, dentry,
			guard_is_unlinked(dentry) ? 0 : guard_chain_now(g, mnt, dentry), false);
}

/* Key of a relative name joined to the directory whose chain is g->key: even, as of texts. */
static __always_inline __u64 guard_joined(const struct guard *g)
{
	return mix(g->given.key, g->key) & ~1ULL;
}

/*
 * Where a relative name leads from the directory in g->dentry, whose chain is g->key: both as one text, looked up as that of
 * an absolute name is.
 */
__noinline int guard_join(struct guard *g, struct guard_config *config)
{
	struct guard_seen *seen;
	__u32 row, start, len, base, flags = 0;
	__u64 where, key;

	if (!g || !config)
		return 0;
	/* What is learned since then was put where the name was. */
	if (guard_take(g, config) != g->given.key)
		goto keep;
	guard_look(g);
	if (g->given.untidy) {
		guard_clean_name(g);
		guard_look(g);
	}
	base = g->given.base & 255;
	g->walk.bytes[WALK_END] = '/';
	bpf_probe_read_kernel(&g->walk.bytes[WALK_END + 1], base, g->dir.text);
	where = build_path(&g->walk, (void *)g->mnt, (void *)g->dentry, (void *)g->task, &flags);
	start = where >> 16;
	len = where & 0xffff;
	if (flags || len == 0 || len > WALK_END - 2 * NAME_MAX_LEN)
		goto keep;
	/* The root has its slash already. */
	if (len == 1) {
		start = WALK_END;
		len = 0;
	}
	len += 1 + base;
	if (len > GUARD_DIR)
		len = GUARD_DIR; /* no entry is longer */
	if (start > WALK_END || bpf_probe_read_kernel(g->dir.text, len & 255, &g->walk.bytes[start]))
		goto keep;
	guard_dir_entry(g, config, len);
	key = guard_joined(g);
	row = key >> 32 & (GUARD_CACHE - 1);
	seen = bpf_map_lookup_elem(&guard_cache, &row);
	if (!seen || guard_chain_now(g, g->mnt, g->dentry) != g->key)
		goto keep;
	seen->generation = g->generation;
	seen->len = 0;
	seen->key = key;
	seen->at = g->at;
	guard_add(&g->paths.dirs, &g->at);
	return 0;
keep:
	guard_fill(&g->paths.dirs);
	return 0;
}

/*
 * What guard_object() or guard_start() has not seen before: a file, or a name joined to where it starts. Called by programs
 * themselves: from there the stack would not do.
 */
__noinline int guard_learn_new(struct guard *g, struct guard_config *config)
{
	struct guard_seen_file *seen;
	__u64 mnt, dentry;
	__u32 row;

	if (!g || !config)
		return 0;
	if (g->joins)
		return guard_join(g, config);
	mnt = g->mnt;
	dentry = g->dentry;
	guard_learn_file(g, config, mnt, dentry);
	guard_add_paths(&g->paths, &g->own, g->words);
	row = g->key >> 32 & (GUARD_FILES - 1);
	seen = g->key ? bpf_map_lookup_elem(&guard_files, &row) : NULL;
	/* A rename meanwhile: the masks may be those of another name. */
	if (seen && guard_chain_now(g, mnt, dentry) == g->key) {
		seen->generation = g->generation;
		seen->key = g->key;
		seen->paths = g->own;
	}
	return 0;
}

/* Is it shown as `pipe:[1]`, `socket:[1]` or `anon_inode:[eventfd]`? */
static __always_inline bool guard_is_bracketed(__u64 dentry)
{
	__u64 magic = NUMBER(super_block, NUMBER(dentry, dentry, d_sb), s_magic);
	__u32 len = FIELD(dentry, dentry, d_name.len);
	char last = 0;

	if (magic == PIPEFS_MAGIC || magic == SOCKFS_MAGIC)
		return true;
	if (magic != ANON_INODE_FS_MAGIC || len == 0)
		return false;
	bpf_probe_read_kernel(&last, 1, (const void *)(NUMBER(dentry, dentry, d_name.name) + len - 1));
	return last == ']';
}

/* The kernel's object: its name, and the directory it lies in. 1: it is new, for guard_learn_new(). */
__noinline int guard_object(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	struct guard_seen_file *seen = NULL;
	__u64 parent, key = 0;
	__u32 row;

	if (!g || !config)
		return 0;
	/* A mount point, or the root: its name stands elsewhere. */
	if (dentry == NUMBER(vfsmount, mnt, mnt_root)) {
		guard_keep_all(&g->paths);
		return 0;
	}
	parent = NUMBER(dentry, dentry, d_parent);
	/* A pipe, a socket, a memory file: what the kernel calls it is no path. With a bracket at its end nobody asks for it. */
	if (parent == dentry) {
		if (guard_is_bracketed(dentry))
			return 0;
		guard_fill(&g->paths.bases);
		guard_fill(&g->paths.tails);
		return 0;
	}
	if (!guard_is_unlinked(parent))
		key = guard_chain(g, mnt, dentry);
	row = key >> 32 & (GUARD_FILES - 1);
	if (key)
		seen = bpf_map_lookup_elem(&guard_files, &row);
	if (seen && seen->key == key && seen->generation == g->generation) {
		guard_add_paths(&g->paths, &seen->paths, g->words);
		return 0;
	}
	g->key = key;
	g->mnt = mnt;
	g->dentry = dentry;
	g->joins = 0;
	return 1;
}

/* Where a name leads that goes up from where it starts. */
static __always_inline bool guard_climb(const struct guard *g, __u64 *mnt, __u64 *dentry)
{
	__u64 fs = NUMBER(task_struct, g->task, fs);
	__u64 root = NUMBER(fs_struct, fs, root.dentry), root_mnt = NUMBER(fs_struct, fs, root.mnt);
	__u32 up = g->given.up;

	for (int i = 0; i < 2 * GUARD_UP; i++) {
		/* nothing is above the root */
		if (up == 0 || (*dentry == root && *mnt == root_mnt))
			return true;
		if (*dentry == NUMBER(vfsmount, *mnt, mnt_root)) {
			if (!leave_mount(mnt, dentry))
				return false;
			continue;
		}
		*dentry = NUMBER(dentry, *dentry, d_parent);
		up--;
	}
	return false;
}

/*
 * The directory that a relative name starts from, or one above it: of a name that leads no further it is the object itself,
 * of one with directories in it only the first part. 1: it is new, for guard_learn_new().
 */
__noinline int guard_start(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	struct guard_seen *seen;
	__u64 key;
	__u32 row;

	if (!g || !config)
		return 0;
	if (g->given.up > 0 && !guard_climb(g, &mnt, &dentry)) {
		guard_keep_all(&g->paths);
		return 0;
	}
	if (g->given.itself)
		return guard_object(g, config, mnt, dentry);
	key = guard_is_unlinked(dentry) ? 0 : guard_chain_now(g, mnt, dentry);
	if (!guard_directory(g, config, &g->paths, mnt, dentry, key, g->given.deeper))
		return 0;
	g->mnt = mnt;
	g->dentry = dentry;
	g->key = key;
	g->joins = 1;
	key = guard_joined(g);
	row = key >> 32 & (GUARD_CACHE - 1);
	seen = bpf_map_lookup_elem(&guard_cache, &row);
	if (!seen || seen->key != key || seen->generation != g->generation)
		return 1;
	guard_add(&g->paths.dirs, &seen->at);
	return 0;
}

/* Directory that a given name starts from, if it starts from one. */
static __always_inline void guard_given_dir(struct guard *g, struct guard_config *config, int dirfd)
{
	__u64 at, mnt, dentry;

	if (!g->given.relative)
		return;
	/* not start_of(): its pointers are no numbers to the verifier */
	if (dirfd == AT_FDCWD) {
		at = NUMBER(task_struct, g->task, fs);
		mnt = NUMBER(fs_struct, at, pwd.mnt);
		dentry = NUMBER(fs_struct, at, pwd.dentry);
	} else {
		at = (__u64)file_of(task_at(g->task), dirfd);
		if (!at)
			return; /* there is no such spelling: what does not ask is in the masks already */
		mnt = NUMBER(file, at, f_path.mnt);
		dentry = NUMBER(file, at, f_path.dentry);
	}
	if (guard_start(g, config, mnt, dentry))
		guard_learn_new(g, config);
}

/* Bits that names and endings leave. */
static __always_inline bool guard_names_decide(struct guard *g)
{
	guard_cut_first(&g->live, &g->paths.raws, g->words);
	guard_cut_first(&g->live, &g->paths.bases, g->words);
	guard_cut_first(&g->live, &g->paths.tails, g->words);
	return guard_is_empty(g);
}

static __always_inline void guard_dirs_decide(struct guard *g)
{
	guard_cut_first(&g->live, &g->paths.dirs, g->words);
	guard_cut_first(&g->live, &g->paths.components, g->words);
}

#endif

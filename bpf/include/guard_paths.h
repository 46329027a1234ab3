/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What paths leave: the object of the kernel, and the name as the caller gave it with where it starts from. */
#ifndef TARSIER_GUARD_PATHS_H
#define TARSIER_GUARD_PATHS_H

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

/* Hash of the first `len` bytes of g->dir.text. */
static __always_inline __u64 guard_hash(const struct guard *g, __u64 seed, __u32 len)
{
	__u64 hash = seed ^ len;

	for (__u32 at = 0; at < GUARD_TEXT; at += 8) {
		__u64 word;

		if (at >= len)
			break;
		word = *(const __u64 *)(g->dir.text + at);
		if (len < at + 8)
			word &= (1ULL << ((len - at) * 8 & 63)) - 1;
		hash = mix(hash, word);
	}
	return hash;
}

/* The directory in a given name, as text: what it allows is looked up once, too, and goes to g->at and g->inside. */
__noinline int guard_given_text(struct guard *g, struct guard_config *config)
{
	struct guard_seen *seen;
	__u32 len, row;
	__u64 key;

	if (!g || !config)
		return 0;
	len = g->given.base;
	/* keys of directories are odd */
	key = guard_hash(g, config->seed, len) & ~1ULL;
	row = key >> 32 & (GUARD_CACHE - 1);
	seen = bpf_map_lookup_elem(&guard_cache, &row);
	if (!seen)
		return 0;
	if (seen->key != key || seen->generation != g->generation) {
		guard_dir_text(g, config, len);
		seen->generation = g->generation;
		seen->len = 0;
		seen->key = key;
		seen->at = g->at;
		seen->inside = g->inside;
	}
	g->at = seen->at;
	g->inside = seen->inside;
	return 0;
}

/* Read a name to g->dir.text: a hash of it, 0 where it is too long or cannot be read. */
static __always_inline __u64 guard_take(struct guard *g, const struct guard_config *config)
{
	const void *from = (const void *)g->given.from;
	long n = g->given.copied ? bpf_probe_read_kernel_str(g->dir.text, GUARD_TEXT, from) :
				   bpf_probe_read_user_str(g->dir.text, GUARD_TEXT, from);

	if (n <= 1 || n > GUARD_DIR + 1)
		return 0;
	g->given.len = n - 1;
	return guard_hash(g, config->seed, n - 1);
}

/* What the parts of the text in g->dir.text, which was looked at, leave to g->own: the last one, and those before it. */
static __always_inline void guard_own_parts(struct guard *g, struct guard_config *config)
{
	__u32 base = g->given.base, len = g->given.len;

	if (base < len) {
		guard_base(g, config, &g->dir.text[base & 255], len - base);
		guard_tail(g, config, &g->dir.text[base & 255], len - base);
	}
	if (base > 0) {
		guard_given_text(g, config);
		if (g->dir.text[0] == '/')
			g->own.dirs = g->at;
		g->own.components = g->inside;
	}
}

/*
 * Look at the name in g->dir.text for the first time; what it leaves goes to `seen`. What cannot be told keeps all bits.
 */
__noinline int guard_read(struct guard *g, struct guard_config *config, struct guard_seen_name *seen)
{
	struct guard_given *given;

	if (!g || !config || !seen)
		return 0;
	given = &g->given;
	seen->known = seen->up = seen->itself = 0;
	__builtin_memset(&g->own, 0, sizeof(g->own));
	guard_look(g);
	if (given->two_dots)
		guard_fill(&g->own.raws);
	else
		g->own.raws = config->d[DIM_RAWS].open;
	if (given->untidy) {
		guard_clean_name(g);
		if (g->clean.failed || g->clean.up > GUARD_UP)
			return 0;
		seen->up = g->clean.up;
		guard_look(g);
	}
	seen->deeper = given->base > 0;
	if (given->len > 0 && given->base >= given->len)
		return 0; /* the root */
	seen->itself = given->len == 0;
	guard_own_parts(g, config);
	seen->known = 1;
	seen->paths = g->own;
	return 0;
}

/*
 * A name as the caller gave it, or as the kernel has copied it: what it leaves without what it starts from. What cannot be
 * read keeps all bits.
 */
__noinline int guard_given(struct guard *g, struct guard_config *config)
{
	struct guard_seen_name *seen;
	__u64 key;
	__u32 row;

	if (!g || !config)
		return 0;
	g->given.relative = g->given.itself = 0;
	key = g->given.key = guard_take(g, config);
	if (!key)
		goto keep;
	row = key >> 32 & (GUARD_NAMES - 1);
	seen = bpf_map_lookup_elem(&guard_names_seen, &row);
	if (!seen)
		goto keep;
	if (seen->key != key || seen->generation != g->generation) {
		guard_read(g, config, seen);
		seen->key = key;
		seen->generation = g->generation;
	}
	if (!seen->known)
		goto keep;
	g->given.relative = g->dir.text[0] != '/';
	g->given.deeper = seen->deeper;
	g->given.up = seen->up;
	g->given.itself = seen->itself;
	guard_add_paths(&g->paths, &seen->paths, g->words);
	return 0;
keep:
	guard_keep_all(&g->paths);
	return 0;
}

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

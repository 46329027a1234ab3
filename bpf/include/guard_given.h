/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Names as the caller gave them: what they leave without what they start from, looked up once and remembered. */
#ifndef TARSIER_GUARD_GIVEN_H
#define TARSIER_GUARD_GIVEN_H

#include "guard_dirs.h"

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

#endif

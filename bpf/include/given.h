/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Names as callers gave them when a call began, compared with what they are when it ends: who has changed one meanwhile lies
 * about what the call was for. Only where that is asked for (syscalls.compare_names): it takes a program at the beginning.
 */
#ifndef TARSIER_GIVEN_H
#define TARSIER_GIVEN_H

#include "record.h"

/* The loader's constant: without it nothing of this is left. */
const volatile bool compare_names = false;

/* What is compared of a name: records of two names have room for no more of each. */
#define GIVEN_MAX 3000

/* A thread's names by their hashes, under a seed that nobody knows; 0 for one that could not be read. */
struct given {
	__u64 seed;
	__u64 hash[2];
	__s64 nr;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct given);
} given_names SEC(".maps");

struct given_text {
	__u64 words[512];
};

struct given_hash {
	const struct given_text *text;
	__u64 hash;
	__u32 len;
};

static long hash_word(__u32 i, struct given_hash *h)
{
	__u32 left = h->len - 8 * i;
	__u64 word = h->text->words[i & 511];

	if (left < 8)
		word &= (1ULL << 8 * left) - 1;
	h->hash = (h->hash ^ word) * 0x9e3779b97f4a7c15ULL;
	h->hash ^= h->hash >> 32;
	return 0;
}

/* Hash of the first `len` bytes, never 0. */
__noinline __u64 hash_text(struct given_text *text, __u32 len, __u64 seed)
{
	struct given_hash h = { .text = text, .hash = seed };

	if (!text)
		return 0;
	h.len = len < GIVEN_MAX ? len : GIVEN_MAX;
	h.hash ^= h.len;
	bpf_loop((h.len + 7) / 8, hash_word, &h, 0);
	return h.hash | 1;
}

/* Is the text at `data` (room for RECORD_MAX bytes) other than name `n` was when this call began? */
static __always_inline void compare_given(void *data, const struct vl *name, __u32 n)
{
	__u32 off = name->off;
	struct given *given;

#ifdef TARSIER_COMPAT
	return; /* only native calls are looked at when they begin */
#endif
	if (!compare_names || off == 0)
		return;
	given = bpf_task_storage_get(&given_names, bpf_get_current_task_btf(), NULL, 0);
	if (!given || given->nr != SYSCALL_NR(current_regs(bpf_get_current_task_btf())) || !given->hash[n & 1])
		return;
	barrier_var(off);
	if (off > RECORD_MAX - sizeof(struct given_text))
		return;
	if (hash_text((struct given_text *)(data + off), name->len, given->seed) != given->hash[n & 1])
		((struct ev_hdr *)data)->flags |= RECORD_NAME_CHANGED;
}

/* Append a name that a caller gave, number `n` of those of its call. */
#define PUT_GIVEN_FUNCTION(scratch_type, suffix)                                                                       \
	static __always_inline long put_given##suffix(struct scratch_type *s, struct prog_counters *st, struct vl *v,  \
						      const void *from, __u32 max, __u32 n)                            \
	{                                                                                                              \
		long length = put_user_str##suffix(s, st, v, from, max);                                               \
                                                                                                                       \
		compare_given(s->data, v, n);                                                                          \
		return length;                                                                                         \
	}
PUT_GIVEN_FUNCTION(scratch, )
PUT_GIVEN_FUNCTION(exec_scratch, _exec)

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What names leave: components, endings and the texts of directories. */
#ifndef TARSIER_GUARD_NAMES_H
#define TARSIER_GUARD_NAMES_H

#include "guard_state.h"

/* Bit i: is byte i of the word c? Exact, unlike the test that borrows from its neighbour. */
static __always_inline __u64 guard_bytes(__u64 word, __u8 c)
{
	const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
	__u64 x = word ^ (0x0101010101010101ULL * c);
	__u64 zero = ~(((x & low) + low) | x | low);

	return ((zero >> 7) * 0x0102040810204080ULL) >> 56;
}

/* Position of the highest bit. Without branches: each would double what the verifier has to follow. */
static __always_inline __u32 guard_top(__u64 bits)
{
	bits |= bits >> 1;
	bits |= bits >> 2;
	bits |= bits >> 4;
	bits |= bits >> 8;
	bits |= bits >> 16;
	bits |= bits >> 32;
	/* count them */
	bits -= bits >> 1 & 0x5555555555555555ULL;
	bits = (bits & 0x3333333333333333ULL) + (bits >> 2 & 0x3333333333333333ULL);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (bits * 0x0101010101010101ULL >> 56) - 1;
}

/*
 * Loops are functions that are not static (see walk_up), or each of their ends would be followed through all that comes
 * behind.
 */

/* Slashes and dots among the 64 bytes of g->dir.text at `from`, of which `left` belong to the name. */
__noinline int guard_scan(struct guard *g, __u32 from, __u32 left)
{
	__u64 slashes = 0, dots = 0;

	if (!g)
		return 0;
	from &= 255;
#pragma unroll
	for (int j = 0; j < 8; j++) {
		__u64 word;

		if (j * 8 >= left)
			break;
		word = *(const __u64 *)(g->dir.text + from + j * 8);
		slashes |= guard_bytes(word, '/') << (j * 8);
		dots |= guard_bytes(word, '.') << (j * 8);
	}
	g->given.slashes = slashes;
	g->given.dots = dots;
	return 0;
}

/*
 * Look through the name in g->dir.text, 64 bytes at a time, as bits. What is found so far is kept in g: of memory the
 * verifier knows nothing, so that the ways through the loops are one to it.
 */
__noinline int guard_look(struct guard *g)
{
	struct guard_given *t;
	__u32 len;

	if (!g)
		return 0;
	t = &g->given;
	len = t->len;
	t->slash_before = g->dir.text[0] != '/';
	t->dot_before = t->dots_before = t->untidy = t->two_dots = t->dots_end = t->base = 0;
	for (__u32 from = 0; from < GUARD_TEXT; from += 64) {
		__u64 slashes, dots, in, end, start, dot, after_dot, two, after_two;
		__u32 left = len - from;

		if (from > len)
			break;
		guard_scan(g, from, left);
		in = left < 64 ? (1ULL << (left & 63)) - 1 : ~0ULL;
		end = left < 64 ? 1ULL << (left & 63) : 0;
		slashes = t->slashes & in;
		dots = t->dots & in;
		start = slashes << 1 | t->slash_before; /* a component begins here */
		dot = start & dots;
		after_dot = dot << 1 | t->dot_before;
		two = after_dot & dots;
		after_two = two << 1 | t->dots_before;
		t->untidy |= (after_two | start | after_dot) & (slashes | end);
		t->two_dots |= dots & (dots << 1 | t->dots_end);
		t->dots_end = dots >> 63;
		t->slash_before = slashes >> 63;
		t->dot_before = dot >> 63;
		t->dots_before = two >> 63;
		if (slashes)
			t->base = from + guard_top(slashes) + 1;
	}
	return 0;
}

/* Going through a text. How far it is stands in g, for the reason told at guard_look. */
struct guard_walk {
	struct guard *g;
};

/* A component of a name that is cleaned has ended: what it is decides where the text goes on. */
static __always_inline void guard_clean_part(struct guard *g, bool last)
{
	struct guard_clean *c = &g->clean;
	__u32 len = c->len, dots = c->dots;

	c->len = c->dots = 0;
	if (len == 0)
		return;
	if (len == 1 && dots == 1) {
		c->out = c->from;
	} else if (len == 2 && dots == 2) {
		c->out = c->from;
		if (c->parts > 0) {
			c->parts--;
			c->out = c->began[c->parts & (GUARD_PARTS - 1)];
		} else if (!c->absolute)
			c->up++;
	} else {
		if (c->parts >= GUARD_PARTS) {
			c->failed = 1;
			return;
		}
		c->began[c->parts & (GUARD_PARTS - 1)] = c->from;
		c->parts++;
		if (!last) {
			g->dir.text[c->out & 255] = '/';
			c->out++;
		}
	}
}

static long guard_clean_byte(__u32 i, struct guard_walk *w)
{
	struct guard *g = w->g;
	struct guard_clean *c = &g->clean;
	char byte;

	if (i > GUARD_DIR || c->failed)
		return 1;
	byte = g->dir.text[i];
	if (i >= g->given.len || byte == '/') {
		guard_clean_part(g, i >= g->given.len);
		return 0;
	}
	if (c->len == 0)
		c->from = c->out;
	/* never behind what is read */
	g->dir.text[c->out & 255] = byte;
	c->out++;
	c->len++;
	c->dots += byte == '.';
	return 0;
}

/*
 * Take `.`, `..` and empty components out of the name in g->dir.text, as text: links are not followed. What a relative name
 * goes up from where it starts is counted, and not in the text any more.
 */
__noinline int guard_clean_name(struct guard *g)
{
	struct guard_walk walk = { .g = g };
	struct guard_clean *c;

	if (!g)
		return 0;
	c = &g->clean;
	c->absolute = g->dir.text[0] == '/';
	c->out = c->absolute;
	c->len = c->dots = c->parts = c->up = c->failed = 0;
	bpf_loop(g->given.len + 1, guard_clean_byte, &walk, 0);
	/* `..` at the end leaves the slash before what it took away */
	if (c->out > c->absolute && g->dir.text[(c->out - 1) & 255] == '/')
		c->out--;
	g->given.len = c->out & 255;
	return 0;
}

/* What a component leaves, `len` bytes at `from` in kernel memory; NULL where it is in no list. */
static __always_inline struct guard_mask *guard_component(struct guard *g, const struct guard_config *config, __u32 dimension,
							  const void *from, __u32 len)
{
	if (len > GUARD_NAME || len == 0 || !guard_is_asked(config, dimension))
		return NULL;
	g = guard_here();
	if (!g)
		return NULL;
	/* not on the stack, of which there is little left here */
	__builtin_memset(g->component.text, 0, sizeof(g->component.text));
	bpf_probe_read_kernel(g->component.text, len & 63, from);
	return guard_named(&g->component, g->generation, dimension);
}

/* A last component: `len` bytes at `from`, in kernel memory. */
static __always_inline void guard_base(struct guard *g, const struct guard_config *config, const void *from, __u32 len)
{
	struct guard_mask *mask = guard_component(g, config, DIM_BASES, from, len);

	guard_add(&g->own.bases, mask ? mask : &config->d[DIM_BASES].open);
}

/* Its last bytes. */
static __always_inline void guard_tail(struct guard *g, const struct guard_config *config, const void *from, __u32 len)
{
	struct guard_mask *mask;
	__u32 bytes = 0;

	guard_add(&g->own.tails, &config->d[DIM_TAILS].open);
	if (len < GUARD_TAIL - 1 || !guard_is_asked(config, DIM_TAILS))
		return;
	if (len >= GUARD_TAIL) {
		bpf_probe_read_kernel(&bytes, GUARD_TAIL, from + ((len - GUARD_TAIL) & 255));
		mask = guard_numbered(g->generation, DIM_TAILS, bytes);
		if (mask)
			guard_add(&g->own.tails, mask);
		bytes >>= 8;
	} else
		bpf_probe_read_kernel(&bytes, GUARD_TAIL - 1, from);
	/* It may be taken for the mark of a removed file, and left out. */
	if (bytes >> 16 == ')')
		guard_fill(&g->own.tails);
	mask = guard_numbered(g->generation, DIM_TAILS, bytes);
	if (mask)
		guard_add(&g->own.tails, mask);
}

static long guard_walk_byte(__u32 i, struct guard_walk *w)
{
	struct guard *g = w->g, *here;
	struct guard_mask *mask;
	__u32 at = g->component_len;
	char c;

	if (i >= GUARD_DIR)
		return 1;
	c = g->dir.text[i];
	if (c != '/') {
		if (at < GUARD_NAME)
			g->component.text[at] = c;
		g->component_len = at + 1;
		return 0;
	}
	if (at > 0 && at <= GUARD_NAME) {
		here = guard_here();
		mask = here ? guard_named(&here->component, g->generation, DIM_COMPONENTS) : NULL;
		if (mask)
			guard_add(&g->inside, mask);
	}
	__builtin_memset(g->component.text, 0, sizeof(g->component.text));
	g->component_len = 0;
	return 0;
}

/* The components of the first `len` bytes of g->dir.text, which end in a slash. */
__noinline int guard_walk_dir(struct guard *g, __u32 len)
{
	struct guard_walk walk = { .g = g };

	if (!g)
		return 0;
	__builtin_memset(g->component.text, 0, sizeof(g->component.text));
	g->component_len = 0;
	bpf_loop(len, guard_walk_byte, &walk, 0);
	return 0;
}

/*
 * The directory whose text, final slash included, are the first `len` bytes of g->dir.text: what it allows goes to g->at,
 * what lies below it to g->below.
 */
static __always_inline void guard_dir_entry(struct guard *g, const struct guard_config *config, __u32 len)
{
	struct guard_dir_value *value;
	struct guard *here = guard_here();

	if (!here)
		return;
	g->dir.bits = (len + sizeof(g->dir.generation)) * 8;
	g->dir.generation = g->generation;
	value = bpf_map_lookup_elem(&guard_dirs, &here->dir);
	__builtin_memset(&g->below, 0, sizeof(g->below));
	g->seen_len = len;
	if (!value) {
		g->at = config->d[DIM_DIRS].open;
		return;
	}
	g->at = value->within;
	/* Above whatever is asked for there is an entry for each directory. */
	if (value->len == len) {
		g->at = value->here;
		g->below = value->below;
		g->seen_len = 0;
	}
}

/* The same, and what its components allow to g->inside. */
static __always_inline void guard_dir_text(struct guard *g, const struct guard_config *config, __u32 len)
{
	g->inside = config->d[DIM_COMPONENTS].open;
	/* Asked for or not by this event: it is remembered for others. */
	if (guard_is_asked(config, DIM_COMPONENTS))
		guard_walk_dir(g, len);
	guard_dir_entry(g, config, len);
}

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the numbers of an event leave: a request, a signal, a family, flags. Each has a few tests, by event and number. */
#ifndef TARSIER_GUARD_ARGUMENTS_H
#define TARSIER_GUARD_ARGUMENTS_H

#include "guard_state.h"

static __always_inline void guard_hold(struct guard *g, const struct guard_held *held)
{
	guard_add(&g->held.asking, &held->asking);
	guard_add(&g->held.excluding, &held->excluding);
}

/* The tests that hold of a number, to g->held. */
__noinline int guard_test_number(struct guard *g, struct guard_tests *tests, __u32 event, __u32 at)
{
	struct guard_value key = {};
	struct guard_held *held;
	__u64 number;
	__u32 count;

	if (!g || !tests || at >= GUARD_ARGUMENTS)
		return 0;
	number = g->args[at];
	__builtin_memset(&g->held, 0, sizeof(g->held));
	if (tests->mask) {
		key.argument.generation = g->generation;
		key.argument.place = event << 3 | at;
		key.value = number & tests->mask;
		held = bpf_map_lookup_elem(&guard_values, &key);
		if (held)
			guard_hold(g, held);
	}
	count = tests->count;
	for (__u32 i = 0; i < GUARD_TESTS; i++) {
		if (i >= count)
			break;
		if ((number & tests->t[i].mask) == tests->t[i].value)
			guard_hold(g, &tests->t[i].held);
	}
	return 0;
}

/* Cut what the numbers in g->args leave. One without tests keeps all bits. */
__noinline int guard_arguments(struct guard *g, struct guard_config *config, __u32 event)
{
	if (!g || !config)
		return 0;
	for (__u32 at = 0; at < GUARD_ARGUMENTS; at++) {
		struct guard_argument key = { g->generation, event << 3 | at };
		struct guard_tests *tests;

		if (!guard_asks(g, &config->d[DIM_ARG0 + at].open))
			continue;
		tests = bpf_map_lookup_elem(&guard_tests, &key);
		if (!tests)
			continue;
		guard_test_number(g, tests, event, at);
		FIRST_WORDS(g->words)
			g->live.w[i] &= (tests->open.w[i] & ~g->held.excluding.w[i]) | g->held.asking.w[i];
	}
	return 0;
}

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the numbers of an event leave: a request, a signal, a family, flags. Each has a few tests, by event and number. */
#ifndef TARSIER_GUARD_ARGUMENTS_H
#define TARSIER_GUARD_ARGUMENTS_H

#include "guard_state.h"

/* The tests that hold of a number, to g->asking and g->excluding. */
__noinline int guard_test_number(struct guard *g, struct guard_tests *tests, __u64 number)
{
	__u32 count;

	if (!g || !tests)
		return 0;
	__builtin_memset(&g->asking, 0, sizeof(g->asking) * 2);
	count = tests->count;
	for (__u32 i = 0; i < GUARD_TESTS; i++) {
		if (i >= count)
			break;
		if ((number & tests->t[i].mask) != tests->t[i].value)
			continue;
		guard_add(&g->asking, &tests->t[i].asking);
		guard_add(&g->excluding, &tests->t[i].excluding);
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
		struct guard_dimension *d = &config->d[DIM_ARG0 + at];
		struct guard_tests *tests;

		if (!guard_asks(g, &d->open))
			continue;
		tests = bpf_map_lookup_elem(&guard_tests, &key);
		if (!tests)
			continue;
		guard_test_number(g, tests, g->args[at]);
		FIRST_WORDS(g->words)
			g->live.w[i] &= (d->other.w[i] & ~g->excluding.w[i]) | g->asking.w[i];
	}
	return 0;
}

#endif

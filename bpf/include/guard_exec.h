/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Executions, which are always sent since the process table lives on them: what is asked here is whether any rule may match.
 * Where none can, nobody is woken for the record. The process is the one it has become; of paths there are the current
 * directory and the first argument, which is text that nobody cleans.
 */
#ifndef TARSIER_GUARD_EXEC_H
#define TARSIER_GUARD_EXEC_H

#include "guard.h"

/* The first argument, at g->given.from in memory of the kernel: at most g->given.len bytes with its NUL. */
__noinline int guard_first_argument(struct guard *g, struct guard_config *config)
{
	struct guard_given *given;
	long n;

	if (!g || !config)
		return 0;
	given = &g->given;
	n = bpf_probe_read_kernel_str(g->dir.text, GUARD_TEXT, (const void *)given->from);
	if (n <= 0 || n > GUARD_DIR + 1 || n > given->len)
		goto keep;
	given->len = n - 1;
	guard_look(g);
	/* to a comparison of directories another text */
	if (g->dir.text[0] == '/' && given->untidy)
		goto keep;
	__builtin_memset(&g->own, 0, sizeof(g->own));
	guard_own_parts(g, config);
	guard_add_paths(&g->paths, &g->own, g->words);
	return 0;
keep:
	guard_keep_all(&g->paths);
	return 0;
}

/* The directory that the process is in, and its first argument: `len` bytes at `argv`, in memory of the kernel. */
static __always_inline void guard_launch(struct guard *g, struct guard_config *config, __u64 argv, __u32 len)
{
	__u64 fs = NUMBER(task_struct, g->task, fs);

	guard_ask_nothing(&g->paths, config, g->words);
	g->given.up = g->given.itself = g->given.deeper = 0;
	guard_start(g, config, NUMBER(fs_struct, fs, pwd.mnt), NUMBER(fs_struct, fs, pwd.dentry));
	if (len > 0) {
		g->given.from = argv;
		g->given.len = len;
		guard_first_argument(g, config);
	}
	guard_names_decide(g);
	guard_dirs_decide(g);
}

/* A cgroup that user space has not seen a process in: whoever asks runtimes about it should know soon. */
static __always_inline bool guard_is_elsewhere(const struct ev_hdr *h)
{
	struct guard_cgroup key = { h->cgroup, h->cgroup_v1 };

	return !bpf_map_lookup_elem(&guard_cgroups, &key);
}

/* Judge an exec by `task`, to its header. One that failed has no paths that could be told. */
static __always_inline void guard_execution(struct control *c, struct task_struct *task, struct ev_exec *e, __u64 argv)
{
	struct guard_verdict verdict;
	struct guard_config *config;
	__u16 shape = e->res < 0 ? guard_outcome(e->res) : OUTCOME_OK | e->exe_flags << EXEC_SHAPE_FLAGS_SHIFT;
	struct guard *g = guard_open(c, task, e->hdr.id, shape, &config, &verdict);

	if (g) {
		if (guard_asks(g, &config->anybody))
			guard_process(g, config);
		if (e->res >= 0 && guard_asks(g, &config->anywhere))
			guard_launch(g, config, argv, e->argv.len * 8);
		if (guard_is_empty(g) && guard_is_elsewhere(&e->hdr))
			guard_fill(&g->live);
		guard_close(g, config, &verdict);
	}
	guard_stamp(&e->hdr, &verdict);
}

#endif

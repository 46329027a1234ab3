/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What tells the agent's own threads and BPF objects from others: for programs that watch over the agent. */
#ifndef TARSIER_AGENT_H
#define TARSIER_AGENT_H

#include "record.h"

/*
 * Constants, and not words of the control map: constants are frozen, so that nobody can pass for the agent by writing a map.
 * restricted: nobody but the agent itself asks for the event; report what is aimed at the agent and nothing else.
 */
const volatile __u32 agent_tgid = 0;
const volatile bool ptrace_restricted = false;
const volatile bool process_vm_restricted = false;
const volatile bool pidfd_restricted = false;
const volatile bool signal_restricted = false;
const volatile bool bpf_restricted = false;

/* Kinds as in BPF_OBJECTS (schema/enums/bpf.ts), and the agent's threads. */
#define AGENT_MAP 1
#define AGENT_PROG 2
#define AGENT_LINK 3
#define AGENT_THREAD 4

struct agent_object {
	__u32 kind;
	__u32 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct agent_object);
	__type(value, __u8);
} agent_objects SEC(".maps");

static __always_inline bool is_agents(__u32 kind, __u32 id)
{
	struct agent_object key = { kind, id };

	return bpf_map_lookup_elem(&agent_objects, &key) != NULL;
}

/* Count the call. NULL when it is the agent's own or there are no counters. */
static __always_inline struct prog_counters *begin_foreign(__u32 prog)
{
	struct prog_counters *st = counters_of(prog);

	if (!st)
		return NULL;
	st->seen++;
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == agent_tgid) {
		st->guarded++;
		return NULL;
	}
	return st;
}

/* What is aimed at the agent goes where no flood of files or packets can push it out. */
#define SUBMIT_BY_AIM(s, st, aimed)                                                                                    \
	do {                                                                                                           \
		if (aimed)                                                                                             \
			submit_yielding(s, st);                                                  \
		else                                                                                                   \
			submit(s, st, &ring_bulk, RING_BULK);                                                          \
	} while (0)

#endif

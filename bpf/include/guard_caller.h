/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the process leaves that an event is about. */
#ifndef TARSIER_GUARD_CALLER_H
#define TARSIER_GUARD_CALLER_H

#include "guard_state.h"

/* Bits that the process leaves, to g->process. 0: something is not known yet, so that it is not to be remembered. */
__noinline int guard_learn_process(struct guard *g, struct guard_config *config)
{
	struct guard *here = guard_here();
	struct guard_process *kept;
	struct task_struct *task;
	struct guard_mask *mask;
	struct guard_name *key;
	int known = 1;

	if (!g || !config || !here)
		return 0;
	key = &here->component;
	task = task_at(g->task);
	guard_fill(&g->process);
	if (guard_is_asked(config, DIM_COMMS)) {
		/* not on the stack, of which there is little left here */
		__builtin_memset(key->text, 0, sizeof(key->text));
		bpf_probe_read_kernel_str(key->text, 16, task->group_leader->comm);
		mask = guard_named(key, g->generation, DIM_COMMS);
		guard_cut(&g->process, mask ? mask : &config->d[DIM_COMMS].other);
	}
	if (guard_is_asked(config, DIM_UIDS))
		guard_cut(&g->process, guard_number(config, g->generation, DIM_UIDS, task->cred->euid.val));
	if (guard_is_asked(config, DIM_CONTAINERS)) {
		struct kernfs_node *v1 = v1_cgroup(task);
		struct guard_cgroup key = { task->cgroups->dfl_cgrp->kn->id, v1 ? FIELD(kernfs_node, v1, id) : 0 };
		__u32 *contained = bpf_map_lookup_elem(&guard_cgroups, &key);

		if (contained)
			guard_cut(&g->process, guard_number(config, g->generation, DIM_CONTAINERS, *contained));
		else
			known = 0;
	}
	if (guard_is_asked(config, DIM_IMAGES) || guard_is_asked(config, DIM_EXES) ||
	    guard_is_asked(config, DIM_TTYS) || guard_is_asked(config, DIM_LOGINUIDS) ||
	    guard_is_asked(config, DIM_ANCESTORS)) {
		kept = guard_process_of(task, g->generation);
		if (kept) {
			if (guard_is_asked(config, DIM_ANCESTORS) && kept->names_epoch != g->names_epoch)
				guard_look_up(task->group_leader, kept, g->generation, g->names_epoch);
			guard_cut(&g->process, &kept->image);
			guard_cut(&g->process, &kept->ancestors);
		} else
			known = 0;
	}
	return known;
}

/* The v1 cgroup that tells most, as v1_cgroup() found it: its id now, as long as the task is in the same set of cgroups. */
static __always_inline __u64 guard_v1_id(struct task_struct *task)
{
	struct kernfs_node *v1 = v1_cgroup(task);

	return v1 ? FIELD(kernfs_node, v1, id) : 0;
}

/* Does what the process leaves depend on nothing that changed since? */
static __always_inline bool guard_is_same(const struct guard *g, const struct guard_task *seen, struct task_struct *task,
					  __u32 cgroup_epoch)
{
	struct task_struct *leader = task->group_leader;

	return seen->tgid == task->tgid && seen->generation == g->generation && seen->start == leader->start_boottime &&
	       seen->names_epoch == g->names_epoch && seen->exec_id == task->self_exec_id && seen->comm[0] == NUMBER(task_struct, leader, comm) &&
	       seen->comm[1] == WORD_AT((__u64)leader + bpf_core_field_offset(struct task_struct, comm) + 8) &&
	       seen->uid == task->cred->euid.val &&
	       (!seen->contained || (seen->cgroup_epoch == cgroup_epoch && seen->cgroup == task->cgroups->dfl_cgrp->kn->id &&
				     seen->cgroup_v1 == guard_v1_id(task)));
}

/* Cut what the process leaves. */
__noinline int guard_process(struct guard *g, struct guard_config *config)
{
	struct control *c = control_of();
	struct task_struct *task, *leader;
	struct guard_task *seen;
	__u32 row;

	if (!g || !config || !c)
		return 0;
	task = task_at(g->task);
	row = task->tgid & (GUARD_TASKS - 1);
	seen = bpf_map_lookup_elem(&guard_tasks, &row);
	if (!seen)
		return 0;
	g->names_epoch = guard_is_asked(config, DIM_ANCESTORS) ? c->names_epoch : 0;
	if (guard_is_same(g, seen, task, c->cgroup_epoch)) {
		guard_cut_first(&g->live, &seen->mask, g->words);
		return 0;
	}
	seen->generation = 0;
	leader = task->group_leader;
	seen->start = leader->start_boottime;
	seen->exec_id = task->self_exec_id;
	seen->comm[0] = NUMBER(task_struct, leader, comm);
	seen->comm[1] = WORD_AT((__u64)leader + bpf_core_field_offset(struct task_struct, comm) + 8);
	seen->uid = task->cred->euid.val;
	seen->tgid = task->tgid;
	seen->contained = guard_is_asked(config, DIM_CONTAINERS);
	seen->cgroup_epoch = c->cgroup_epoch;
	seen->names_epoch = g->names_epoch;
	seen->cgroup = task->cgroups->dfl_cgrp->kn->id;
	seen->cgroup_v1 = guard_v1_id(task);
	if (guard_learn_process(g, config)) {
		seen->mask = g->process;
		barrier();
		seen->generation = g->generation;
	}
	guard_cut_first(&g->live, &g->process, g->words);
	return 0;
}

#endif

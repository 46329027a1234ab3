/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Facts about a task: identity, credentials, namespaces, cgroups. */
#ifndef TARSIER_TASK_H
#define TARSIER_TASK_H

#include "read.h"

/* Number of a struct pid in the namespace it was made in: what getpid() returns there. */
static __always_inline __u32 nr_in_own_ns(struct pid *pid)
{
	__u32 level, nr = 0;

	if (!pid)
		return 0;
	level = FIELD(pid, pid, level);
	bpf_core_read(&nr, sizeof(nr), &pid->numbers[level & 31].nr);
	return nr;
}

static __always_inline struct pid_namespace *pidns_of(struct pid *pid)
{
	struct pid_namespace *ns = NULL;
	__u32 level;

	if (!pid)
		return NULL;
	level = FIELD(pid, pid, level);
	bpf_core_read(&ns, sizeof(ns), &pid->numbers[level & 31].ns);
	return ns;
}

/* Number in the initial namespace. */
static __always_inline __u32 nr_in_init_ns(struct pid *pid)
{
	__u32 nr = 0;

	if (pid)
		bpf_core_read(&nr, sizeof(nr), &pid->numbers[0].nr);
	return nr;
}

/* Only the names count: the values are those of the running kernel. */
enum cgroup_subsys_id {
	memory_cgrp_id,
	pids_cgrp_id,
	cpu_cgrp_id,
	devices_cgrp_id,
	freezer_cgrp_id,
	cpuset_cgrp_id,
};

/* Look at controller `name`, whose bit in v1_controllers is the one V1_CONTROLLERS of src/kernel/machine.ts gives it. */
#define V1_CANDIDATE(bit, name)                                                                                        \
	if ((v1_controllers & (1U << (bit))) && bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id)) {   \
		struct cgroup_subsys_state *css =                                                                      \
			set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id)];                       \
		struct cgroup *c = css ? css->cgroup : NULL;                                                           \
                                                                                                                       \
		if (c && c->level > level) {                                                                           \
			level = c->level;                                                                              \
			best = c->kn;                                                                                  \
		}                                                                                                      \
	}

/*
 * The v1 cgroup that tells most about a task: the deepest among the controllers that sit in v1 hierarchies. NULL when
 * there is none or the task is in the root of all of them.
 */
static __always_inline struct kernfs_node *v1_cgroup(struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct kernfs_node *best = NULL;
	int level = 0;

	if (!v1_controllers || !set)
		return NULL;
	V1_CANDIDATE(0, memory)
	V1_CANDIDATE(1, pids)
	V1_CANDIDATE(2, cpu)
	V1_CANDIDATE(3, devices)
	V1_CANDIDATE(4, freezer)
	V1_CANDIDATE(5, cpuset)
	return best;
}

static __always_inline __u32 tty_of(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct tty_struct *tty = signal ? signal->tty : NULL;
	struct tty_driver *driver = tty ? tty->driver : NULL;

	if (!driver)
		return 0;
	/* as in /proc/PID/stat: major in bits 8-19, minor in 0-7 and 20-31 (new_encode_dev) */
	__u32 minor = driver->minor_start + tty->index;
	return (minor & 0xff) | ((__u32)driver->major << 8) | ((minor & ~0xffU) << 12);
}

#endif

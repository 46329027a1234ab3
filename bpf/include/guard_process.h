/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Bits of processes: what the path of the executable, the terminal and the login session leave is computed at exec, what the names of
 * ancestors leave is handed down at fork. Entries are written here and, for processes that were there before the tables, by
 * user space, which never overwrites one.
 *
 * A process that has made others and takes a name that somebody asks for gives it to their line of descent, too. Nobody goes
 * down to them: control.names_epoch counts such names, and who is asked for its ancestors and has not seen the last of them looks up.
 */
#ifndef TARSIER_GUARD_PROCESS_H
#define TARSIER_GUARD_PROCESS_H

#include "guard_maps.h"

/* May it be the number of an execve or execveat? A native one is another call of 32-bit programs, and the other way round. */
static __always_inline bool may_be_exec(long nr)
{
	return IS_EXEC_CALL(nr);
}

/*
 * In the middle of an exec a task is neither what it was nor what it will be: its name is new already, and an event that tells
 * of it comes later. A task that the kernel made to start a program makes no call: it has never been in user space, and
 * nowhere to go there until its exec ends.
 */
static __always_inline bool may_be_in_exec(const struct task_struct *task, const struct pt_regs *regs)
{
	return may_be_exec(SYSCALL_NR(regs)) || (!(task->flags & PF_KTHREAD) && !USER_PLACE(regs));
}

/* Of the process a task belongs to; NULL when it is not known. */
static __always_inline struct guard_process *guard_process_of(struct task_struct *task, __u32 generation)
{
	struct guard_process_key key = { generation, task->tgid };
	struct guard_process *p = bpf_map_lookup_elem(&guard_processes, &key);

	return p && p->start == task->group_leader->start_boottime ? p : NULL;
}

/* Add what a name leaves to those who descend from its bearer. False: nobody asks for the name. */
static __always_inline bool guard_add_name(struct guard_mask *to, const char *comm, __u32 generation)
{
	struct guard_name key = {};
	struct guard_mask *mask;

	bpf_probe_read_kernel_str(key.text, 16, comm);
	mask = guard_named(&key, generation, DIM_ANCESTORS);
	if (mask)
		guard_add(to, mask);
	return mask != NULL;
}

/*
 * Cut what the last component of an executable's path leaves: `base` bytes at the end of `len`, if there is nothing but that
 * behind a slash. Else it has no name that could be told.
 */
static __always_inline void guard_cut_exe(struct guard_mask *image, const struct guard_config *config, __u32 generation,
					  const void *path, __u32 len, __u32 base)
{
	struct guard_name key = {};
	__u32 slashes = 0;
	struct guard_mask *mask;
	__u64 n = base;
	char before = 0;

	if (!(config->asked & (1U << DIM_EXES)) || base == 0 || base > GUARD_NAME || base >= len)
		return;
	bpf_probe_read_kernel(&before, 1, path + len - base - 1);
	barrier_var(n);
	if (n > GUARD_NAME)
		return;
	bpf_probe_read_kernel(key.text, n, path + len - base);
#pragma unroll
	for (int i = 0; i < GUARD_NAME; i++)
		slashes |= ((__u32)key.text[i] ^ '/') - 1;
	if (before != '/' || slashes >> 31)
		return;
	mask = guard_named(&key, generation, DIM_EXES);
	guard_cut(image, mask ? mask : &config->d[DIM_EXES].other);
}

/*
 * A new image: its path, `len` bytes at `path`, of which `base` are the last component (0: not known), `tty`, and the user of
 * the login session. `key` is room to look the path up, NULL where there is none; what is too long for it is not asked for
 * either. Names: its own, those it had and those of its parent, which may be another than the one that made it.
 */
static __always_inline void guard_exec(struct task_struct *task, struct guard_dir *key, const void *path, __u32 len,
				       __u32 base, __u32 tty)
{
	struct control *c = control_of();
	__u32 generation = c ? c->generation : 0;
	struct guard_config *config = guard_config_of(generation);
	struct guard_process_key at = { generation, task->tgid };
	struct guard_process fresh = { .start = task->group_leader->start_boottime, .forked = 1 }, *old, *parent;
	struct guard_mask *mask = NULL;

	if (!config)
		return;
	guard_fill(&fresh.image);
	if (config->asked & (1U << DIM_TTYS))
		guard_cut(&fresh.image, guard_number(config, generation, DIM_TTYS, tty ? 1 : 0));
	if (config->asked & (1U << DIM_LOGINUIDS))
		guard_cut(&fresh.image, guard_number(config, generation, DIM_LOGINUIDS,
						     bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1));
	if (key && len < GUARD_DIR) {
		__builtin_memset(key, 0, sizeof(*key));
		bpf_probe_read_kernel(key->text, len & 255, path);
		key->generation = generation;
		key->bits = (sizeof(key->generation) + len + 1) * 8;
		mask = bpf_map_lookup_elem(&guard_images, key);
		guard_cut(&fresh.image, mask ? mask : &config->d[DIM_IMAGES].other);
	}
	guard_cut_exe(&fresh.image, config, generation, path, len, base);
	old = guard_process_of(task, generation);
	parent = guard_process_of(task->real_parent, generation);
	if (old) {
		fresh.parent_start = old->parent_start;
		fresh.names_epoch = old->names_epoch;
		fresh.forked = old->forked;
	}
	if (old && parent) {
		fresh.ancestors = old->ancestors;
		guard_add(&fresh.ancestors, &parent->ancestors);
		guard_add_name(&fresh.ancestors, task->comm, generation);
	} else
		guard_fill(&fresh.ancestors);
	bpf_map_update_elem(&guard_processes, &at, &fresh, BPF_ANY);
}

/* A child has what its parent has; its main thread has the name of the thread that made it. */
static __always_inline void guard_fork(struct task_struct *parent, struct task_struct *child)
{
	struct control *c = control_of();
	__u32 generation = c ? c->generation : 0;
	struct guard_process_key at = { generation, child->tgid };
	struct guard_process fresh, *from = generation ? guard_process_of(parent, generation) : NULL;

	if (!from)
		return;
	/* first: a name that is taken from now on is counted */
	from->forked = 1;
	barrier();
	fresh = *from;
	fresh.start = child->start_boottime;
	fresh.parent_start = child->real_parent->group_leader->start_boottime;
	fresh.forked = 0;
	guard_add_name(&fresh.ancestors, child->comm, generation);
	bpf_map_update_elem(&guard_processes, &at, &fresh, BPF_ANY);
}

/*
 * Another name. One that is not here yet must not be entered with fewer names than it had. Most names are of no interest to
 * anybody: they leave those who descend from the bearer as they are.
 */
static __always_inline void guard_rename(struct task_struct *task, const char *comm)
{
	struct control *c = control_of();
	__u32 generation = c ? c->generation : 0;
	struct guard_process_key at = { generation, task->tgid };
	struct guard_process fresh = { .start = task->group_leader->start_boottime, .forked = 1 }, *known;
	struct guard_mask unknown = {};
	bool asked;

	if (!generation)
		return;
	known = guard_process_of(task, generation);
	asked = guard_add_name(known ? &known->ancestors : &unknown, comm, generation);
	if (!known) {
		guard_fill(&fresh.image);
		guard_fill(&fresh.ancestors);
		bpf_map_update_elem(&guard_processes, &at, &fresh, BPF_ANY);
	}
	/* tables that came meanwhile may ask for it */
	if ((asked || c->generation != generation) && (!known || known->forked))
		__sync_fetch_and_add(&c->names_epoch, 1);
}

/* Processes that are looked at on the way up; who descends from more keeps all bits. */
#define GUARD_LINE 16

/*
 * Bring the names of those a process descends from up to date. One whose maker is gone may have missed what that one was
 * called in the end, so it keeps all bits, unless no name was taken since it was looked at last.
 */
static __always_inline void guard_look_up(struct task_struct *task, struct guard_process *own, __u32 generation,
					  __u32 epoch)
{
	struct guard_process *p = own;

	for (int i = 0; i < GUARD_LINE; i++) {
		struct task_struct *parent;

		task = task->real_parent->group_leader;
		parent = task;
		if (parent->tgid == 0)
			goto done;
		if (p->parent_start != parent->start_boottime && p->names_epoch != epoch)
			break;
		p = guard_process_of(parent, generation);
		if (!p)
			break;
		guard_add(&own->ancestors, &p->ancestors);
	}
	guard_fill(&own->ancestors);
done:
	own->names_epoch = epoch;
}

static __always_inline void guard_exit(struct task_struct *task)
{
	struct control *c = control_of();
	struct guard_process_key at = { c ? c->generation : 0, task->tgid };

	bpf_map_delete_elem(&guard_processes, &at);
}

#endif

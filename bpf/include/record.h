/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Building and sending a record. A program counts what it has seen, takes a scratch area, fills the fixed part,
 * appends strings, submits. Every way out is counted.
 */
#ifndef TARSIER_RECORD_H
#define TARSIER_RECORD_H

#include "task.h"

static __always_inline struct control *control_of(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* Counters of a program on this CPU; NULL when there is nothing to do because the agent is going. */
static __always_inline struct prog_counters *counters_in(const struct control *c, __u32 prog)
{
	__u32 row;

	if (c->stopped)
		return NULL;
	row = prog * c->nr_cpus + bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&counters, &row);
}

static __always_inline struct prog_counters *counters_of(__u32 prog)
{
	struct control *c = control_of();

	return c ? counters_in(c, prog) : NULL;
}

/* The next sequence number of a ring on this CPU, or NULL. */
static __always_inline struct seq_line *sequence_of(__u32 ring_index)
{
	struct control *c = control_of();
	__u32 row;

	if (!c)
		return NULL;
	row = ring_index * c->nr_cpus + bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&sequences, &row);
}

/* A record that cannot even be begun uses up a number all the same: the reader sees a hole for every drop. */
static __always_inline void leave_hole(__u32 ring_index)
{
	struct seq_line *seq = sequence_of(ring_index);

	if (seq)
		__sync_fetch_and_add(&seq->next, 1);
}

static __always_inline struct scratch *scratch_at(__u32 level)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_map, &level);

	if (!s || s->busy)
		return NULL;
	s->busy = 1;
	return s;
}

/* A free scratch area of this CPU, or NULL and a counted drop when interrupts nested deeper than there are areas. */
static __always_inline struct scratch *scratch_get(struct prog_counters *st, __u32 ring_index)
{
	struct scratch *s = scratch_at(0);

	if (!s)
		s = scratch_at(1);
	if (!s) {
		st->dropped_nested++;
		leave_hole(ring_index);
	}
	return s;
}

/* Fill the header for an event of `task`. `fixed` is the size of the event's struct. */
static __always_inline void header_fill(struct ev_hdr *h, struct task_struct *task, __u16 id, __u16 prog)
{
	const struct cred *cred = task->cred;
	struct css_set *set = task->cgroups;
	struct kernfs_node *v1;
	struct control *c = control_of();

	h->id = id;
	h->header_size = sizeof(*h);
#ifdef TARSIER_COMPAT
	h->flags = RECORD_COMPAT;
#endif
	h->prog = prog;
	h->cpu = bpf_get_smp_processor_id();
	h->time = bpf_ktime_get_ns();
	h->tgid = task->tgid;
	h->tid = task->pid;
	h->start = task->group_leader->start_boottime;
	h->uid = cred->euid.val;
	h->generation = c ? c->generation : 0;
	h->cgroup = set->dfl_cgrp->kn->id;
	v1 = v1_cgroup(task);
	h->cgroup_v1 = v1 ? FIELD(kernfs_node, v1, id) : 0;
	h->live[0] = h->live[1] = h->live[2] = h->live[3] = ~0ULL;
}

/* For events that come of no program built for 32-bit calls: say so when the task is in one. */
#define mark_compat(e, task)                                                                                           \
	do {                                                                                                           \
		if (in_compat(task))                                                                                   \
			(e)->hdr.flags |= RECORD_COMPAT;                                                               \
	} while (0)

/* Keeps the struct in the object's BTF, where the loader compares it with the schema. */
#define DECLARE_EVENT(type) asm volatile("" : : "r"(bpf_core_type_id_local(struct type)))

/*
 * Count a call of the bulk ring by the current task. NULL when it ends here: there are no counters, or the call is the
 * agent's, whose own bulk events would only feed on themselves.
 */
static __always_inline struct prog_counters *count_bulk_of(const struct control *c, struct task_struct *task,
							   __u32 prog)
{
	struct prog_counters *st = counters_in(c, prog);

	if (!st)
		return NULL;
	st->seen++;
	if ((__u32)task->tgid == c->agent_tgid) {
		st->guarded++;
		return NULL;
	}
	return st;
}

static __always_inline struct prog_counters *count_bulk(__u32 prog)
{
	struct control *c = control_of();

	return c ? count_bulk_of(c, untracked(bpf_get_current_task_btf()), prog) : NULL;
}

/* Count a call of the bulk ring and take a scratch area; NULL when the event ends here: no counters, our own, no room. */
static __always_inline struct scratch *begin_bulk(__u32 prog, struct prog_counters **counters)
{
	struct prog_counters *st = count_bulk(prog);

	*counters = st;
	if (!st)
		return NULL;
	return scratch_get(st, RING_BULK);
}

/* A zeroed record of `type` with its header in the scratch area s, or the end of the program without one: declares e. */
#define BEGIN_RECORD(type, task, id, prog)										\
	struct type *e;													\
															\
	if (!s)														\
		return 0;												\
	e = (struct type *)s->data;											\
	DECLARE_EVENT(type);												\
	__builtin_memset(e, 0, sizeof(*e));										\
	header_fill(&e->hdr, task, id, prog);										\
	s->pos = sizeof(*e)

/* Start of a program at syscall exit whose events are always sent: declares task, st, s and e, or returns. */
#define BEGIN_BULK(type, id, prog)											\
	struct task_struct *task = untracked(bpf_get_current_task_btf());						\
	struct prog_counters *st;											\
	struct scratch *s = begin_bulk(prog, &st);									\
	BEGIN_RECORD(type, task, id, prog)

/* Count an event of the critical ring and take a scratch area; NULL when there are no counters or there is no room. */
static __always_inline struct scratch *begin_critical(__u32 prog, struct prog_counters **counters)
{
	struct prog_counters *st = counters_of(prog);

	*counters = st;
	if (!st)
		return NULL;
	st->seen++;
	return scratch_get(st, RING_CRITICAL);
}

/* Start of a program of the process life cycle, about `task`: declares st, s and e, or returns. */
#define BEGIN_CRITICAL(type, task, id, prog)										\
	struct prog_counters *st;											\
	struct scratch *s = begin_critical(prog, &st);									\
	BEGIN_RECORD(type, task, id, prog)

#define SECOND 1000000000LL
#define SLOT_PROBES 4

static __always_inline __u64 key_of(__u64 a, __u64 b)
{
	return (a * 0x9E3779B97F4A7C15ULL ^ b * 0xC2B2AE3D27D4EB4FULL) | 1;
}

/*
 * Has the cgroup of this event used up its second? Who finds no slot because others are using them is not limited: to hold
 * back too little is the lesser evil. Slots are taken over when their owner has been silent for two seconds.
 */
static __noinline bool over_limit(const struct ev_hdr *h, __u32 limit)
{
	__u64 key = key_of(h->cgroup, h->cgroup_v1);

	for (__u32 i = 0; i < SLOT_PROBES; i++) {
		__u32 row = ((key >> 40) + i) & (THROTTLE_SLOTS - 1);
		struct throttle_slot *t = bpf_map_lookup_elem(&throttle, &row);
		__s64 age;
		__u64 old;

		if (!t)
			return false;
		age = h->time - t->began;
		old = t->key;
		if (old != key) {
			if (old && age < 2 * SECOND)
				continue;
			if (__sync_val_compare_and_swap(&t->key, old, key) != old)
				continue;
			t->cgroup = h->cgroup;
			t->cgroup_v1 = h->cgroup_v1;
			t->base = t->held;
			age = SECOND;
		}
		if (age >= SECOND) {
			t->began = h->time;
			t->count = 1;
			return false;
		}
		if (__sync_fetch_and_add(&t->count, 1) < limit)
			return false;
		__sync_fetch_and_add(&t->held, 1);
		return true;
	}
	return false;
}

/* Records of this kind that one process may send to the critical ring within a second when that fills up. */
#define CROWD_LIMIT 64

static __always_inline bool is_crowd(const struct ev_hdr *h, __u32 row)
{
	struct crowd *c = bpf_map_lookup_elem(&crowders, &row);

	if (!c)
		return false;
	if ((__s64)(h->time - c->began) >= SECOND) {
		c->began = h->time;
		c->count = 0;
	}
	return __sync_fetch_and_add(&c->count, 1) >= CROWD_LIMIT;
}

/*
 * Some of the critical ring's events cost a process next to nothing to make: names, credentials, executions that fail. When
 * a quarter of the ring waits to be read, few of them are for that ring of what one process sends, and none when seven eighths
 * do. The rest goes with everything else. So nobody makes so many that there is no room for forks, execs and exits, or for
 * the same events of others: who shares a row with a process that makes many has another one.
 */
static __noinline bool must_yield(const struct ev_hdr *h)
{
	__u64 waiting = bpf_ringbuf_query(&ring_critical, BPF_RB_AVAIL_DATA);
	__u64 eighth = bpf_ringbuf_query(&ring_critical, BPF_RB_RING_SIZE) / 8;
	__u64 key = key_of(h->start, h->tgid);
	bool one, other;

	if (waiting < eighth * 2)
		return false;
	one = is_crowd(h, key >> 40 & (CROWD_ROWS - 1));
	other = is_crowd(h, key >> 52 & (CROWD_ROWS - 1));
	return waiting > eighth * 7 || (one && other);
}

/* Some field could not be filled: the record goes out all the same, flagged and counted. */
static __always_inline void mark_partial(struct prog_counters *st, void *record)
{
	st->helper_errors++;
	((struct ev_hdr *)record)->flags |= RECORD_PARTIAL;
}

/* Bytes appended to a record are 8-aligned, so that strings can be hashed by words. */
#define PAD8(n) (((n) + 7) & ~7U)

/*
 * What the verifier must know the bounds of has 64 bits: older kernels forget them of a shorter number that goes by way of
 * the stack.
 *
 * Appending is the same for both scratch sizes, but the verifier wants the bound of each as a constant: hence macros
 * that make a family of functions for one record size.
 */
/* Append a NUL-terminated string of at most max bytes. Unreadable: absent, counted, flagged. */
#define PUT_STR(name, read_str, scratch_type, record_max)								\
	static __always_inline long name(struct scratch_type *s, struct prog_counters *st, struct vl *v,		\
					 const void *from, __u32 max)							\
	{														\
		__u64 pos = s->pos;											\
		long n;													\
															\
		barrier_var(pos);											\
		if (pos > (record_max) - max - 16) {									\
			mark_partial(st, s->data);									\
			return -1;											\
		}													\
		n = read_str(&s->data[pos], max + 2, from);								\
		if (n <= 0) {												\
			mark_partial(st, s->data);									\
			return n;											\
		}													\
		n--;													\
		v->off = pos;												\
		v->total = n;												\
		v->len = n > max ? max : n;										\
		s->pos = pos + PAD8((__u32)v->len);									\
		return n;												\
	}

/* Only the process table wants the record: nobody asks for such events, or no rule can match this one. */
static __always_inline bool is_quiet(const struct control *c, const struct ev_hdr *h)
{
	return (h->id < 32 && (c->quiet >> h->id & 1)) || !(h->live[0] | h->live[1] | h->live[2] | h->live[3]);
}

/*
 * Whom to wake for a record. A wake-up costs several times what the record does, so those of processes that only their
 * table wants wait until something else comes, or the reader by itself (src/kernel/wakeup.ts). What comes behind them
 * must insist: the kernel wakes only a reader that has read everything. Only the critical ring has such records.
 */
static __always_inline __u64 wake_flags(const struct control *c, const struct ev_hdr *h, void *ring, __u32 ring_index)
{
	if (c->polling)
		return BPF_RB_NO_WAKEUP;
	if (ring_index != RING_CRITICAL || !(c->quiet | c->generation))
		return 0;
	if (is_quiet(c, h) && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < c->quiet_bytes)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

#define RECORD_FUNCTIONS(scratch_type, suffix, names_max, record_max)							\
	PUT_STR(put_user_str##suffix, bpf_probe_read_user_str, scratch_type, names_max)					\
	PUT_STR(put_kernel_str##suffix, bpf_probe_read_kernel_str, scratch_type, names_max)				\
															\
	/* Send the record and give the scratch area back. The sequence number is taken first: a loss leaves a hole. */	\
	static __always_inline void submit##suffix(struct scratch_type *s, struct prog_counters *st, void *ring,	\
						   __u32 ring_index)							\
	{														\
		struct ev_hdr *h = (struct ev_hdr *)s->data;								\
		struct control *c = control_of();									\
		__u64 size = s->pos;											\
		struct seq_line *seq;											\
		__u32 row;												\
															\
		if (!c) {												\
			st->dropped_scratch++;										\
			goto out;											\
		}													\
		if (ring_index == RING_BULK && c->throttle && over_limit(h, c->throttle)) {				\
			st->throttled++;										\
			goto out;											\
		}													\
		row = ring_index * c->nr_cpus + h->cpu;									\
		seq = bpf_map_lookup_elem(&sequences, &row);								\
		if (!seq) {												\
			st->dropped_scratch++;										\
			goto out;											\
		}													\
		h->seq = __sync_fetch_and_add(&seq->next, 1);								\
		h->size = size;												\
		barrier_var(size);											\
		if (size > (record_max)) {										\
			st->dropped_too_big++;										\
			goto out;											\
		}													\
		if (bpf_ringbuf_output(ring, s->data, size, wake_flags(c, h, ring, ring_index)))				\
			st->dropped_ring_full++;									\
		else													\
			st->submitted++;										\
	out:														\
		s->busy = 0;												\
	}														\
															\
	/* The same for events that must leave the critical ring to others when it fills up. */				\
	static __always_inline void submit_yielding##suffix(struct scratch_type *s, struct prog_counters *st)		\
	{														\
		if (must_yield((struct ev_hdr *)s->data))								\
			submit##suffix(s, st, &ring_bulk, RING_BULK);							\
		else													\
			submit##suffix(s, st, &ring_critical, RING_CRITICAL);						\
	}

RECORD_FUNCTIONS(scratch, , RECORD_MAX, RECORD_MAX)
RECORD_FUNCTIONS(exec_scratch, _exec, EXEC_NAMES_MAX, EXEC_RECORD_MAX)

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Guards: may any rule, watch list or other consumer want this event? Asked before a record is begun and a path is built.
 *
 * What consumers need of an event was weakened by src/guards/ to what can be asked here, and each different need has a
 * bit. A table gives the bits that are possible for the event type and its shape (schema/guard.ts); those that ask for
 * paths are then cut down by the names, endings and directories the event has. Without a bit left the event is passed over;
 * the bits that are left travel in the header. Whatever cannot be told keeps its bits.
 *
 * A path has two spellings, as the caller gave it and as the kernel resolved it, and a need may hold of either: masks of
 * both are joined for each dimension before the dimensions are cut with each other.
 *
 * A process has one name, one user, one container and one image; what these leave is cut first. The ends of a socket are
 * asked for as paths are: a need may hold of either.
 */
#ifndef TARSIER_GUARD_H
#define TARSIER_GUARD_H

#include "guard_arguments.h"
#include "guard_caller.h"
#include "guard_paths.h"
#include "guard_shapes.h"
#include "guard_socket.h"

/* What an event has to be judged by. */
struct guard_input {
	__u16 event;
	__u16 shape;
	int dirfd[2];
	const char *name[2]; /* as the caller gave them, NULL where there is none */
	struct file *file; /* the kernel's object, or NULL */
	__u64 sk; /* address of the socket, or 0 */
	const struct inet_pair *ends; /* its ends where they are known without it, or NULL */
	const __u64 *args; /* GUARD_ARGUMENTS numbers, or NULL where they cannot be told */
	bool nobody; /* the process is not known, or there is none: it is not asked for */
	bool has_ends; /* the event is about a socket */
	bool addressed; /* it may have another address than the socket's: ends are not asked for */
	bool copied; /* names are in memory of the kernel */
	bool unnamed; /* it has a path that is not known: paths are not asked for */
};

/* Numbers that an event can be asked for, as members of a struct guard_input. */
#define NUMBERS(...) .args = (const __u64[GUARD_ARGUMENTS]){ __VA_ARGS__ }

/* What a call on the socket behind a file has to be judged by. */
static __always_inline void guard_on_socket(struct guard_input *in, __u16 event, __u16 outcome, struct file *file)
{
	in->event = event;
	in->sk = guard_socket(file);
	in->shape = outcome | guard_family(in->sk) << SOCKET_SHAPE_FAMILY_SHIFT;
	in->has_ends = true;
}

/* A message: with an address of its own, which streams ignore, it may be about another end than the socket's. */
static __always_inline void guard_on_message(struct guard_input *in, __u16 event, __s64 res, struct file *file, bool addressed)
{
	struct socket *socket;

	guard_on_socket(in, event, guard_outcome(res), file);
	socket = in->sk ? FIELD(file, file, private_data) : NULL;
	in->addressed = addressed && !(socket && FIELD(socket, socket, type) == SOCK_STREAM);
}

/* What became of an event, for its header. */
struct guard_verdict {
	struct guard_mask live;
	__u32 generation;
	__u32 audit; /* 1: passed over and sent all the same */
};

/* An address of the kernel is a plain number to the verifier once it comes from memory. */
static __always_inline void guard_name(struct guard *g, struct guard_config *config, const struct guard_input *in, int i)
{
	g->given.from = (__u64)in->name[i];
	g->given.copied = in->copied;
	guard_given(g, config);
}

/* One path: the object and the name it was reached by, whichever there are. */
static __always_inline void guard_one(struct guard *g, struct guard_config *config, const struct guard_input *in)
{
	g->given.relative = g->given.itself = 0;
	if (in->name[0])
		guard_name(g, config, in, 0);
	if (in->file &&
	    guard_object(g, config, NUMBER(file, in->file, f_path.mnt), NUMBER(file, in->file, f_path.dentry)))
		guard_learn_new(g, config);
	/* What a name leads to without one of its own has that of the directory. */
	if (g->given.itself)
		guard_given_dir(g, config, in->dirfd[0]);
	if (guard_names_decide(g))
		return;
	if (!g->given.itself)
		guard_given_dir(g, config, in->dirfd[0]);
	guard_dirs_decide(g);
}

/* Two names: a need may hold of either. */
static __always_inline void guard_two(struct guard *g, struct guard_config *config, const struct guard_input *in)
{
	for (int i = 0; i < 2; i++) {
		guard_name(g, config, in, i);
		guard_given_dir(g, config, in->dirfd[i]);
	}
	if (!guard_names_decide(g))
		guard_dirs_decide(g);
}

/* The classes that an event may belong to, to g->live: those of its shape, cut down by all that they ask for. */
static __always_inline void guard_judge(struct guard *g, struct guard_config *config, const struct guard_input *in)
{
	if (!in->nobody && guard_asks(g, &config->anybody))
		guard_process(g, config);
	if (in->args && guard_asks(g, &config->anyhow)) {
		__builtin_memcpy(g->args, in->args, sizeof(g->args));
		guard_arguments(g, config, in->event);
	}
	if (in->has_ends) {
		if (!in->addressed && (guard_asks(g, &config->d[DIM_PORTS].open) || guard_asks(g, &config->d[DIM_NETS].open))) {
			if (in->ends) {
				g->ends = *in->ends;
				guard_ends(g, config);
			} else
				guard_socket_ends(g, config, in->sk);
		}
	} else if (!in->unnamed && guard_asks(g, &config->anywhere)) {
		/* What has no path at all is none that is asked for. */
		guard_ask_nothing(&g->paths, config, g->words);
		if (in->name[1])
			guard_two(g, config, in);
		else
			guard_one(g, config, in);
	}
}

/*
 * Begin to judge an event: room for that, with the classes of its shape. NULL when there is nothing to cut: every class is possible
 * without tables, and a class that asks for nothing is for a shape.
 */
static __always_inline struct guard *guard_open(struct control *c, struct task_struct *task, __u16 event, __u16 shape,
						struct guard_config **config, struct guard_verdict *verdict)
{
	struct guard_mask *mask;
	struct guard *g = guard_here();
	__u32 row;

	verdict->audit = 0;
	verdict->generation = c->generation;
	guard_fill(&verdict->live);
	row = guard_row(verdict->generation, event, shape);
	mask = bpf_map_lookup_elem(&guard_shapes, &row);
	*config = guard_config_of(verdict->generation);
	if (!g || g->busy || !mask || !*config)
		return NULL;
	verdict->live = *mask;
	if (verdict->live.w[0] & 1)
		return NULL;
	g->busy = 1;
	barrier();
	g->task = (__u64)task;
	g->generation = verdict->generation;
	g->live = verdict->live;
	g->words = guard_words_of(&g->live);
	return g;
}

/* The end of that. False: nobody can want the event, and it is not one that is sent all the same. */
static __always_inline bool guard_close(struct guard *g, const struct guard_config *config, struct guard_verdict *verdict)
{
	bool wanted = true;

	if (guard_is_empty(g)) {
		wanted = config->audit_every && ++g->passed_over >= config->audit_every;
		if (wanted) {
			g->passed_over = 0;
			verdict->audit = 1;
		}
	}
	verdict->live = g->live;
	barrier();
	g->busy = 0;
	return wanted;
}

/* May anybody want the event? */
static __always_inline bool guard_wants(struct control *c, struct task_struct *task, const struct guard_input *in,
					struct guard_verdict *verdict)
{
	struct guard_config *config;
	struct guard *g = guard_open(c, task, in->event, in->shape, &config, verdict);

	if (!g)
		return true;
	guard_judge(g, config, in);
	return guard_close(g, config, verdict);
}

static __always_inline void guard_stamp(struct ev_hdr *h, const struct guard_verdict *verdict)
{
	h->generation = verdict->generation;
	EACH_WORD h->live[i] = verdict->live.w[i];
	if (verdict->audit)
		h->flags |= RECORD_AUDIT;
}

/* The same of a program whose calls are counted as `st`: an event that nobody wants is counted there. */
static __always_inline bool guard_admits(struct control *c, struct prog_counters *st, struct task_struct *task,
					 const struct guard_input *in, struct guard_verdict *verdict)
{
	bool wanted = guard_wants(c, task, in, verdict);

	if (!wanted)
		st->guarded++;
	return wanted;
}

/* Of an event that the agent watches itself with: what is `aimed` at it always goes on. */
static __always_inline bool guard_wants_foreign(struct prog_counters *st, struct task_struct *task,
						const struct guard_input *in, bool aimed,
						struct guard_verdict *verdict)
{
	struct control *c = control_of();

	if (aimed || !c) {
		verdict->audit = 0;
		verdict->generation = c ? c->generation : 0;
		guard_fill(&verdict->live);
		return true;
	}
	return guard_admits(c, st, task, in, verdict);
}

/* Count a call of the bulk ring, judge it, take a scratch area; NULL when the event ends here. */
static __always_inline struct scratch *begin_guarded(__u32 prog, struct prog_counters **counters,
						     struct guard_verdict *verdict, struct task_struct *task,
						     const struct guard_input *in)
{
	struct control *c = control_of();
	struct prog_counters *st = c ? count_bulk_of(c, task, prog) : NULL;

	*counters = st;
	return st && guard_admits(c, st, task, in, verdict) ? scratch_get(st, RING_BULK) : NULL;
}

/* The same of the critical ring, where the agent's own calls belong as well. */
static __always_inline struct scratch *begin_guarded_critical(__u32 prog, struct prog_counters **counters,
							      struct guard_verdict *verdict, struct task_struct *task,
							      const struct guard_input *in)
{
	struct control *c = control_of();
	struct prog_counters *st = c ? counters_in(c, prog) : NULL;

	*counters = st;
	if (!st)
		return NULL;
	st->seen++;
	return guard_admits(c, st, task, in, verdict) ? scratch_get(st, RING_CRITICAL) : NULL;
}

/* The current task, asked for once, and the registers of the call that returns. */
#define CALLER														\
	struct task_struct *current = bpf_get_current_task_btf(), *task = untracked(current);				\
	struct pt_regs *regs = current_regs(current)

/* Start of a guarded program at syscall exit: declares st, s and e, or returns. */
#define BEGIN_GUARDED(type, task, id, prog, input)									\
	struct prog_counters *st;											\
	struct guard_verdict verdict;											\
	struct scratch *s = begin_guarded(prog, &st, &verdict, task, input);						\
	BEGIN_RECORD(type, task, id, prog);										\
	guard_stamp(&e->hdr, &verdict)

/* Start of a program whose event has the name of its record; `...` are members of a struct guard_input. Declares st, s and e. */
#define BEGIN_EVENT_BY(begin, name, task, prog, ...)									\
	struct guard_input in = { .event = EVENT_##name, __VA_ARGS__ };							\
	struct prog_counters *st;											\
	struct guard_verdict verdict;											\
	struct scratch *s = begin(prog, &st, &verdict, task, &in);							\
	BEGIN_RECORD(ev_##name, task, EVENT_##name, prog);								\
	guard_stamp(&e->hdr, &verdict)
#define BEGIN_EVENT(name, task, prog, ...) BEGIN_EVENT_BY(begin_guarded, name, task, prog, __VA_ARGS__)
#define BEGIN_CRITICAL_EVENT(name, task, prog, ...) BEGIN_EVENT_BY(begin_guarded_critical, name, task, prog, __VA_ARGS__)

#endif

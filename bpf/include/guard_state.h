/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What guards remember: of directories, files, names and processes, and of the event that is being judged; and what is done
 * with masks.
 */
#ifndef TARSIER_GUARD_STATE_H
#define TARSIER_GUARD_STATE_H

#include "guard_process.h"
#include "inet.h"
#include "path.h"

/* What each CPU remembers, by row. */
#define GUARD_MEMORY(name, rows, row_type)										\
	struct {													\
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);								\
		__uint(max_entries, rows);										\
		__type(key, __u32);											\
		__type(value, row_type);										\
	} name SEC(".maps")

/*
 * Directories seen before. The key tells the chain of dentries and mounts up to the root of the task: their addresses
 * and the kernel's hashes of their names. A rename, a mount, another root or a new directory in place of an old one make
 * it another key, so nothing ever has to be taken out.
 */
#define GUARD_CACHE 1024
struct guard_seen {
	__u64 key;
	__u32 generation;
	__u32 len; /* of its text, where nothing below it is asked for by its directory: all that lies there is like it; else 0 */
	struct guard_mask at, below, inside;
};
GUARD_MEMORY(guard_cache, GUARD_CACHE, struct guard_seen);

/*
 * Files seen before, by the same chain from the file on, and names as callers gave them, by a hash with a secret seed: what
 * each leaves of the dimensions of paths.
 */
struct guard_paths {
	struct guard_mask dirs, components, bases, tails, raws;
};
#define GUARD_FILES 1024
struct guard_seen_file {
	__u64 key;
	__u64 generation;
	struct guard_paths paths;
};
GUARD_MEMORY(guard_files, GUARD_FILES, struct guard_seen_file);

#define GUARD_NAMES 1024
struct guard_seen_name {
	__u64 key;
	__u32 generation;
	__u32 known; /* 0: it keeps all bits */
	__u32 deeper; /* there are directories in it */
	__u32 up; /* directories above the one it starts from that it leads to */
	__u32 itself; /* 1: and no further */
	__u32 pad;
	struct guard_paths paths; /* of a relative name without what it starts from */
};
GUARD_MEMORY(guard_names_seen, GUARD_NAMES, struct guard_seen_name);

/* Processes seen before: what tells that nothing changed which their bits depend on, and what these leave. */
#define GUARD_TASKS 256
struct guard_task {
	__u64 start, exec_id;
	__u64 comm[2];
	__u64 cgroup, cgroup_v1;
	__u32 tgid, uid, generation, cgroup_epoch;
	__u32 contained; /* 1: its cgroup matters */
	__u32 names_epoch; /* 0 where names of ancestors do not matter */
	struct guard_mask mask;
};
GUARD_MEMORY(guard_tasks, GUARD_TASKS, struct guard_task);

/* Levels of a directory; what lies deeper keeps its bits. */
#define GUARD_DEPTH 32
/* Bytes of a name that are read: one more than can be judged, so that longer ones show. */
#define GUARD_TEXT (GUARD_DIR + 4)

/* A name as the caller gave it: what is known of its text in guard.dir. */
struct guard_given {
	__u64 from; /* its address */
	__u64 key; /* of its text; 0 when it could not be read */
	__u64 slashes, dots; /* of the 64 bytes looked at, by position */
	__u64 slash_before, dot_before, dots_before; /* of the byte before them */
	__u64 untidy; /* it holds a component `.`, `..` or an empty one: cleaned, it is another text */
	__u64 two_dots; /* somewhere two dots in a row */
	__u64 dots_end; /* the byte before was one */
	__u32 len;
	__u32 base; /* where the last component begins */
	__u32 relative; /* 0: there is nothing more to look at */
	__u32 deeper; /* there are directories in it */
	__u32 up; /* directories above the one it starts from that it leads to */
	__u32 itself; /* 1: and no further */
	__u32 copied; /* it lies in memory of the kernel */
};

/* Levels that a name may go up from where it starts, and components that it may have when it has to be cleaned. */
#define GUARD_UP 8
#define GUARD_PARTS 32

/* Cleaning a name: where its components began, and what is known of the one that is being read. */
struct guard_clean {
	__u32 out; /* bytes of the clean text so far */
	__u32 from; /* where the component began in it */
	__u32 len, dots; /* bytes of the component, and how many are dots */
	__u32 parts; /* components before it */
	__u32 up; /* directories that lie above the start of a relative name */
	__u32 absolute;
	__u32 failed; /* it has more of something than there is room for */
	__u8 began[GUARD_PARTS];
};

/*
 * The event being judged, one for each CPU. A program that interrupts another in the middle of that (a timer sends a signal)
 * lets its own event pass.
 */
struct guard {
	struct guard_mask live;
	struct guard_mask process; /* what the process leaves, while it is learned */
	struct guard_paths paths; /* what the paths so far allow */
	struct guard_paths own; /* and one that is being learned */
	struct guard_mask at, below, inside; /* of the directory looked up last; inside: of its components */
	struct guard_mask ports, nets; /* what the ends so far allow */
	struct guard_held held; /* what the tests allow that hold of a number */
	struct inet_pair ends; /* of the socket */
	__u64 args[GUARD_ARGUMENTS];
	__u64 key, mnt, dentry; /* of an object that is new, or where a relative name starts */
	__u64 passed_over; /* events without a bit since the last audit */
	__u64 task; /* the current one */
	__u32 generation;
	__u32 words;
	__u32 busy; /* 1: an event is being judged */
	__u32 names_epoch;
	__u32 joins; /* 1: what is new is a name joined to where it starts, 0: an object */
	struct guard_given given;
	struct guard_clean clean;
	struct guard_name component; /* of a directory's text, as far as it was read */
	__u32 component_len;
	__u32 seen_len; /* guard_seen.len of the directory looked up last */
	struct guard_dir dir; /* key of the trie; a given name is read to its text */
	char more[60];
	struct walk_area walk;
};
GUARD_MEMORY(guards, 1, struct guard);

/* The same again, in a function that was given it: before Linux 6.12 no key of a map may lie behind what a function is given. */
static __always_inline struct guard *guard_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&guards, &zero);
}

/*
 * Masks have four words, of which an event that a few rules are about needs the first few, mostly one: g->words. What is done
 * for every event is done with those only; words behind them are zero in g->live and of no meaning in g->paths.
 */
#define FIRST_WORDS(words) _Pragma("unroll") for (int i = 0; i < GUARD_WORDS && (i == 0 || i < (words)); i++)

static __always_inline void guard_add_first(struct guard_mask *to, const struct guard_mask *m, __u32 words)
{
	FIRST_WORDS(words) to->w[i] |= m->w[i];
}

static __always_inline void guard_cut_first(struct guard_mask *to, const struct guard_mask *m, __u32 words)
{
	FIRST_WORDS(words) to->w[i] &= m->w[i];
}

/* Words up to the last that is not empty, at least one. */
static __always_inline __u32 guard_words_of(const struct guard_mask *m)
{
	return m->w[3] ? 4 : m->w[2] ? 3 : m->w[1] ? 2 : 1;
}

static __always_inline bool guard_is_empty(const struct guard *g)
{
	__u64 any = 0;

	FIRST_WORDS(g->words) any |= g->live.w[i];
	return any == 0;
}

/* Some path cannot be told: every bit stays. */
static __always_inline void guard_keep_all(struct guard_paths *p)
{
	guard_fill(&p->dirs);
	guard_fill(&p->components);
	guard_fill(&p->bases);
	guard_fill(&p->tails);
	guard_fill(&p->raws);
}

static __always_inline void guard_add_paths(struct guard_paths *to, const struct guard_paths *p, __u32 words)
{
	guard_add_first(&to->dirs, &p->dirs, words);
	guard_add_first(&to->components, &p->components, words);
	guard_add_first(&to->bases, &p->bases, words);
	guard_add_first(&to->tails, &p->tails, words);
	guard_add_first(&to->raws, &p->raws, words);
}

/* What a path leaves of which nothing is known: the classes that do not ask. */
static __always_inline void guard_ask_nothing(struct guard_paths *p, const struct guard_config *config, __u32 words)
{
	FIRST_WORDS(words) {
		p->dirs.w[i] = config->d[DIM_DIRS].open.w[i];
		p->components.w[i] = config->d[DIM_COMPONENTS].open.w[i];
		p->bases.w[i] = config->d[DIM_BASES].open.w[i];
		p->tails.w[i] = config->d[DIM_TAILS].open.w[i];
		p->raws.w[i] = config->d[DIM_RAWS].open.w[i];
	}
}

/* Does some class that is left ask for a dimension? `open` are those that do not. */
static __always_inline bool guard_asks(const struct guard *g, const struct guard_mask *open)
{
	__u64 any = 0;

	FIRST_WORDS(g->words) any |= g->live.w[i] & ~open->w[i];
	return any != 0;
}

/* Does any class ask for a dimension? */
static __always_inline bool guard_is_asked(const struct guard_config *config, __u32 dimension)
{
	return config->asked & (1U << dimension);
}

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The tables of guards, as src/guards/install.ts writes them. Keys carry the generation of the tables, so that both stand
 * side by side while the agent puts new ones in place, and control.generation switches from one to the other at once.
 */
#ifndef TARSIER_GUARD_MAPS_H
#define TARSIER_GUARD_MAPS_H

#include "record.h"

/* A table that takes memory for the entries it has. */
#define GUARD_TABLE(name, kind, entries, key_type, value_type)								\
	struct {													\
		__uint(type, BPF_MAP_TYPE_##kind);									\
		__uint(map_flags, BPF_F_NO_PREALLOC);									\
		__uint(max_entries, entries);										\
		__type(key, key_type);											\
		__type(value, value_type);										\
	} name SEC(".maps")

struct guard_mask {
	__u64 w[GUARD_WORDS];
};

/* Of a dimension: the classes that do not ask for it, and those left by a value that its table does not have. */
struct guard_dimension {
	struct guard_mask open, other;
};

/* Slot generation & 1 of two. */
struct guard_config {
	struct guard_dimension d[GUARD_DIMENSIONS];
	struct guard_mask anybody, anywhere, anyhow; /* classes that ask for nothing of the process, of paths, of arguments */
	__u64 seed; /* of hashes of given directories */
	__u32 audit_every; /* one in so many events passed over is sent, to see that no rule matches it; 0: none */
	__u32 asked; /* a bit for each dimension that some class asks for */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct guard_config);
} guard_configs SEC(".maps");

/* Rows as shapeRow() of schema/guard.ts has them. */
#define GUARD_WIDE (GUARD_EVENTS * GUARD_SHAPES)
#define GUARD_ROWS (GUARD_WIDE + (GUARD_IDS - GUARD_EVENTS) * GUARD_OUTCOMES)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * GUARD_ROWS);
	__type(key, __u32);
	__type(value, struct guard_mask);
} guard_shapes SEC(".maps");

/* A component or the name of a process, filled up with zeros, and the dimension in which it is looked up. */
struct guard_name {
	__u32 generation;
	__u32 dimension;
	char text[GUARD_NAME];
};
GUARD_TABLE(guard_names, HASH, GUARD_NAME_ENTRIES, struct guard_name, struct guard_mask);

/*
 * A number: of a user or port, 0 or 1 for the kind of container or terminal, the last bytes of a name (four, or three and a
 * zero).
 */
struct guard_number {
	__u32 generation;
	__u32 dimension;
	__u32 value;
};
GUARD_TABLE(guard_numbers, HASH, GUARD_NUMBER_ENTRIES, struct guard_number, struct guard_mask);

/*
 * Tests of a number that an event has: of its bits under a mask. What holds of it, classes ask for or exclude. Where many
 * tests have the same mask, the bits under that are looked up; the others are tried one after the other.
 */
struct guard_argument {
	__u32 generation;
	__u32 place; /* event id << 3 | which of its numbers */
};
struct guard_held {
	struct guard_mask asking, excluding;
};
struct guard_test {
	__u64 mask, value;
	struct guard_held held;
};
struct guard_tests {
	__u32 count;
	__u32 pad;
	__u64 mask; /* of the values that are looked up; 0: none */
	struct guard_mask open; /* classes that do not ask, or exclude only */
	struct guard_test t[GUARD_TESTS];
};
GUARD_TABLE(guard_tests, HASH, GUARD_ARGUMENT_ENTRIES, struct guard_argument, struct guard_tests);

struct guard_value {
	struct guard_argument argument;
	__u64 value;
};
GUARD_TABLE(guard_values, HASH, GUARD_ENTRIES, struct guard_value, struct guard_held);

/* Text of a directory with a final slash. The longest entry that it begins with decides. */
struct guard_dir {
	__u32 bits;
	__u32 generation;
	char text[GUARD_DIR];
};
struct guard_dir_value {
	__u32 len; /* of the entry */
	__u32 pad;
	struct guard_mask within, here, below;
};
GUARD_TABLE(guard_dirs, LPM_TRIE, GUARD_ENTRIES, struct guard_dir, struct guard_dir_value);

/* Path of an executable, its NUL included. */
GUARD_TABLE(guard_images, LPM_TRIE, GUARD_ENTRIES, struct guard_dir, struct guard_mask);

/* A network, IPv4 mapped. */
struct guard_net {
	__u32 bits;
	__u32 generation;
	__u8 ip[16];
};
GUARD_TABLE(guard_nets, LPM_TRIE, GUARD_ENTRIES, struct guard_net, struct guard_mask);

/* Is a cgroup one of a container? Told by user space once a process was seen in it; an unknown one keeps all bits. */
struct guard_cgroup {
	__u64 v2, v1;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUARD_CGROUPS);
	__type(key, struct guard_cgroup);
	__type(value, __u32);
} guard_cgroups SEC(".maps");

/* What a process keeps from its last exec and from those it descends from; one that is not here keeps all bits. */
struct guard_process_key {
	__u32 generation;
	__u32 tgid;
};
struct guard_process {
	__u64 start;
	__u64 parent_start; /* of who made it; 0 when not known */
	__u32 names_epoch; /* ancestors has all names that were taken until then */
	__u32 forked; /* 1: it has made others, or may have */
	struct guard_mask image, ancestors;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUARD_PROCESSES);
	__type(key, struct guard_process_key);
	__type(value, struct guard_process);
} guard_processes SEC(".maps");

static __always_inline __u32 guard_row(__u32 generation, __u16 event, __u16 shape)
{
	__u32 row = event < GUARD_EVENTS ? event * GUARD_SHAPES + (shape & (GUARD_SHAPES - 1)) :
					   GUARD_WIDE + (event - GUARD_EVENTS) * GUARD_OUTCOMES + (shape & (GUARD_OUTCOMES - 1));

	return event < GUARD_IDS ? (generation & 1) * GUARD_ROWS + row : ~0U;
}

#define EACH_WORD _Pragma("unroll") for (int i = 0; i < GUARD_WORDS; i++)

static __always_inline void guard_add(struct guard_mask *to, const struct guard_mask *m)
{
	EACH_WORD to->w[i] |= m->w[i];
}

static __always_inline void guard_cut(struct guard_mask *to, const struct guard_mask *m)
{
	EACH_WORD to->w[i] &= m->w[i];
}

static __always_inline void guard_fill(struct guard_mask *to)
{
	EACH_WORD to->w[i] = ~0ULL;
}

/* Tables in use; NULL without guards. */
static __always_inline struct guard_config *guard_config_of(__u32 generation)
{
	__u32 slot = generation & 1;

	return generation ? bpf_map_lookup_elem(&guard_configs, &slot) : NULL;
}

/* What a name leaves; NULL for one that is in no list. */
static __always_inline struct guard_mask *guard_named(struct guard_name *key, __u32 generation, __u32 dimension)
{
	key->generation = generation;
	key->dimension = dimension;
	return bpf_map_lookup_elem(&guard_names, key);
}

/* What a number leaves; NULL for one that is in no list. */
static __always_inline struct guard_mask *guard_numbered(__u32 generation, __u32 dimension, __u32 value)
{
	struct guard_number key = { generation, dimension, value };

	return bpf_map_lookup_elem(&guard_numbers, &key);
}

/* What a number leaves. */
static __always_inline const struct guard_mask *guard_number(const struct guard_config *config, __u32 generation,
							     __u32 dimension, __u32 value)
{
	struct guard_mask *mask = guard_numbered(generation, dimension, value);

	return mask ? mask : &config->d[dimension].other;
}

#endif

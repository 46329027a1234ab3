/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Maps that every object shares: the loader creates them with the first object and hands them to the rest, after
 * setting the sizes that depend on the machine.
 */
#ifndef TARSIER_MAPS_H
#define TARSIER_MAPS_H

#include "kernel.h"
#include "tarsier_abi.gen.h"

/* The loader knows whether the kernel has bpf_rdonly_cast (6.2); without it every read is a helper call. */
const volatile bool have_rdonly_cast = false;
/* Which controllers sit in v1 hierarchies (bits as in task.h). Zero on a pure v2 host: all v1 code folds away. */
const volatile __u32 v1_controllers = 0;

struct control {
	__u32 agent_tgid; /* our own bulk events are dropped */
	__u32 nr_cpus;
	__u32 polling; /* 1: the reader comes by itself, wake nobody */
	__u32 want_env; /* 1: exec carries the environment */
	__u32 generation;
	__u32 stopped; /* 1: the agent is about to go; programs that are still attached do nothing */
	__u32 throttle; /* most events of the bulk ring that a cgroup may send within a second; 0: no limit */
	__u32 cgroup_epoch; /* counts what user space tells of cgroups (guard_cgroups) */
	__u32 quiet; /* a bit for each event id that nobody waits for: the reader finds them with what comes next */
	__u32 quiet_bytes; /* waiting in a ring: so many wake the reader even so */
	__u32 names_epoch; /* counts names that processes took after they had made others (guard_process.h) */
	__u32 want_streams; /* 1: exec carries what the standard descriptors are open on */
	__u32 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

/* What a cgroup sends to the bulk ring, where that is limited. User space reads along (src/sources/kernel/throttle.ts). */
#define THROTTLE_SLOTS 1024
struct throttle_slot {
	__u64 key; /* of both ids; 0: nobody's */
	__u64 cgroup, cgroup_v1;
	__u64 began; /* the second that is counted */
	__u64 count; /* events in it */
	__u64 held; /* events held back since the agent began, whoever had the slot */
	__u64 base; /* of those, before the present owner took it */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, THROTTLE_SLOTS);
	__type(key, __u32);
	__type(value, struct throttle_slot);
} throttle SEC(".maps");

/* Who sends much to the critical ring while that fills up (must_yield() of record.h): by hash, two rows for a process. */
#define CROWD_ROWS 4096
struct crowd {
	__u64 began; /* the second that is counted */
	__u64 count; /* records in it */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CROWD_ROWS);
	__type(key, __u32);
	__type(value, struct crowd);
} crowders SEC(".maps");

/* Row prog * nr_cpus + cpu. Not atomic: a program never nests in itself on one CPU, the kernel sees to that. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PROG_COUNT);
	__type(key, __u32);
	__type(value, struct prog_counters);
} counters SEC(".maps");

/* Row ring * nr_cpus + cpu, a cache line each: the next sequence number. Programs nest, so this one is atomic. */
struct seq_line {
	__u64 next;
	__u64 pad[7];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RING_COUNT);
	__type(key, __u32);
	__type(value, struct seq_line);
} sequences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring_critical SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring_bulk SEC(".maps");

#define WALK_SIZE 8192
/*
 * Room in which paths are built, and what of: functions that are verified by themselves take no kernel pointers, but from
 * memory these come as plain numbers.
 */
struct walk_area {
	__u8 bytes[WALK_SIZE - 32];
	__u64 mnt, at, task;
	__u32 flags, pad;
};

/* Where a record is built. Per-CPU values are limited to 32 KiB, which bounds RECORD_MAX. */
struct scratch {
	__u32 busy;
	__u32 pos; /* bytes of the record so far, 8-aligned */
	struct walk_area walk;
	__u8 data[RECORD_MAX];
};

#define NEST_LEVELS 2 /* scratch_get() of record.h tries each */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch_map SEC(".maps");

/* Most bytes of argv and of env in an exec record, multiples of 8. The loader makes rows of exec_scratch_map to fit. */
const volatile __u32 argv_bytes = ARGS_DEFAULT;
const volatile __u32 env_bytes = ARGS_DEFAULT;
#define EXEC_RECORD_MAX (EXEC_NAMES_MAX + argv_bytes + env_bytes)

/*
 * Exec carries argv and env and does not fit a per-CPU value: an ordinary array, a row a CPU and one for iterators. Names
 * come first, so that only what is appended last depends on the settings.
 */
struct exec_scratch {
	__u32 busy;
	__u32 pos;
	struct walk_area walk;
	__u8 data[EXEC_NAMES_MAX + 2 * ARGS_MAX];
};

#endif

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

#include "guard_process.h"
#include "inet.h"
#include "path.h"

/*
 * Directories seen before. The key tells the chain of dentries and mounts up to the root of the task: their addresses
 * and the kernel's hashes of their names. A rename, a mount, another root or a new directory in place of an old one make
 * it another key, so nothing ever has to be taken out.
 */
#define GUARD_CACHE 1024
struct guard_seen {
	__u64 key;
	__u64 generation;
	struct guard_mask at, below, inside;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_CACHE);
	__type(key, __u32);
	__type(value, struct guard_seen);
} guard_cache SEC(".maps");

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
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_FILES);
	__type(key, __u32);
	__type(value, struct guard_seen_file);
} guard_files SEC(".maps");

#define GUARD_NAMES 1024
struct guard_seen_name {
	__u64 key;
	__u32 generation;
	__u32 known; /* 0: it keeps all bits */
	__u32 deeper; /* there are directories in it */
	__u32 pad;
	struct guard_paths paths; /* of a relative name without what it starts from */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_NAMES);
	__type(key, __u32);
	__type(value, struct guard_seen_name);
} guard_names_seen SEC(".maps");

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
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_TASKS);
	__type(key, __u32);
	__type(value, struct guard_task);
} guard_tasks SEC(".maps");

/* Levels of a directory; what lies deeper keeps its bits. */
#define GUARD_DEPTH 32
/* Bytes of a name that are read: one more than can be judged, so that longer ones show. */
#define GUARD_TEXT (GUARD_DIR + 4)

/* A name as the caller gave it: what is known of its text in guard.dir. */
struct guard_given {
	__u64 slashes, dots; /* of the 64 bytes looked at, by position */
	__u64 slash_before, dot_before, dots_before; /* of the byte before them */
	__u64 bad; /* joining it to a directory would need cleaning that changes directory or name */
	__u64 untidy; /* it holds a component `.` or an empty one */
	__u64 two_dots; /* somewhere two dots in a row */
	__u64 dots_end; /* the byte before was one */
	__u32 len;
	__u32 base; /* where the last component begins */
	__u32 relative; /* 0: there is nothing more to look at */
	__u32 deeper; /* there are directories in it */
};

/*
 * The event being judged. One for each CPU: programs at syscall exit do not nest on a CPU, the kernel leaves the second out.
 */
struct guard {
	struct guard_mask live;
	struct guard_mask process; /* what the process leaves, while it is learned */
	struct guard_paths paths; /* what the paths so far allow */
	struct guard_paths own; /* and one that is being learned */
	struct guard_mask at, below, inside; /* of the directory looked up last; inside: of its components */
	struct guard_mask ports, nets; /* what the ends so far allow */
	__u64 passed_over; /* events without a bit since the last audit */
	__u64 task; /* the current one */
	__u32 generation;
	__u32 words;
	__u32 audit; /* 1: passed over and sent all the same */
	__u32 names_epoch;
	struct guard_given given;
	struct guard_name component; /* of a directory's text, as far as it was read */
	__u32 component_len;
	struct guard_dir dir; /* key of the trie; a given name is read to its text */
	char more[60];
	struct walk_area walk;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guard);
} guards SEC(".maps");

/* What an event has to be judged by. */
struct guard_input {
	__u16 event;
	__u16 shape;
	int dirfd[2];
	const char *name[2]; /* as the caller gave them, NULL where there is none */
	struct file *file; /* the kernel's object, or NULL */
	__u64 sk; /* address of the socket, or 0 */
	bool has_ends; /* the event is about a socket */
	bool addressed; /* it may have another address than the socket's: ends are not asked for */
};

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

/* Bit i: is byte i of the word c? Exact, unlike the test that borrows from its neighbour. */
static __always_inline __u64 guard_bytes(__u64 word, __u8 c)
{
	const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
	__u64 x = word ^ (0x0101010101010101ULL * c);
	__u64 zero = ~(((x & low) + low) | x | low);

	return ((zero >> 7) * 0x0102040810204080ULL) >> 56;
}

/* Position of the highest bit. Without branches: each would double what the verifier has to follow. */
static __always_inline __u32 guard_top(__u64 bits)
{
	bits |= bits >> 1;
	bits |= bits >> 2;
	bits |= bits >> 4;
	bits |= bits >> 8;
	bits |= bits >> 16;
	bits |= bits >> 32;
	/* count them */
	bits -= bits >> 1 & 0x5555555555555555ULL;
	bits = (bits & 0x3333333333333333ULL) + (bits >> 2 & 0x3333333333333333ULL);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (bits * 0x0101010101010101ULL >> 56) - 1;
}

/*
 * Loops are functions that are not static (see walk_up), or each of their ends would be followed through all that comes
 * behind.
 */

/* Slashes and dots among the 64 bytes of g->dir.text at `from`, of which `left` belong to the name. */
__noinline int guard_scan(struct guard *g, __u32 from, __u32 left)
{
	__u64 slashes = 0, dots = 0;

	if (!g)
		return 0;
	from &= 255;
#pragma unroll
	for (int j = 0; j < 8; j++) {
		__u64 word;

		if (j * 8 >= left)
			break;
		word = *(const __u64 *)(g->dir.text + from + j * 8);
		slashes |= guard_bytes(word, '/') << (j * 8);
		dots |= guard_bytes(word, '.') << (j * 8);
	}
	g->given.slashes = slashes;
	g->given.dots = dots;
	return 0;
}

/*
 * Look through the name in g->dir.text, 64 bytes at a time, as bits. What is found so far is kept in g: of memory the
 * verifier knows nothing, so that the ways through the loops are one to it.
 */
__noinline int guard_look(struct guard *g)
{
	struct guard_given *t;
	__u32 len;

	if (!g)
		return 0;
	t = &g->given;
	len = t->len;
	t->slash_before = g->dir.text[0] != '/';
	t->dot_before = t->dots_before = t->bad = t->untidy = t->two_dots = t->dots_end = t->base = 0;
	for (__u32 from = 0; from < GUARD_TEXT; from += 64) {
		__u64 slashes, dots, in, end, start, dot, after_dot, two, after_two;
		__u32 left = len - from;

		if (from > len)
			break;
		guard_scan(g, from, left);
		in = left < 64 ? (1ULL << (left & 63)) - 1 : ~0ULL;
		end = left < 64 ? 1ULL << (left & 63) : 0;
		slashes = t->slashes & in;
		dots = t->dots & in;
		start = slashes << 1 | t->slash_before; /* a component begins here */
		dot = start & dots;
		after_dot = dot << 1 | t->dot_before;
		two = after_dot & dots;
		after_two = two << 1 | t->dots_before;
		t->bad |= (after_two & (slashes | end)) | (start & end) | (after_dot & end);
		t->untidy |= (after_dot & slashes) | (start & slashes);
		t->two_dots |= dots & (dots << 1 | t->dots_end);
		t->dots_end = dots >> 63;
		t->slash_before = slashes >> 63;
		t->dot_before = dot >> 63;
		t->dots_before = two >> 63;
		if (slashes)
			t->base = from + guard_top(slashes) + 1;
	}
	return 0;
}

/* A last component: `len` bytes at `from`, in kernel memory. */
static __always_inline void guard_base(struct guard *g, const struct guard_config *config, const void *from, __u32 len)
{
	struct guard_name key = {};
	struct guard_mask *mask = NULL;

	if (len <= GUARD_NAME && len > 0 && guard_is_asked(config, DIM_BASES)) {
		key.generation = g->generation;
		bpf_probe_read_kernel(key.text, len & 63, from);
		mask = bpf_map_lookup_elem(&guard_bases, &key);
	}
	guard_add(&g->own.bases, mask ? mask : &config->d[DIM_BASES].open);
}

/* Its last bytes. */
static __always_inline void guard_tail(struct guard *g, const struct guard_config *config, const void *from, __u32 len)
{
	struct guard_tail key = { g->generation };
	struct guard_mask *mask;

	guard_add(&g->own.tails, &config->d[DIM_TAILS].open);
	if (len < GUARD_TAIL - 1 || !guard_is_asked(config, DIM_TAILS))
		return;
	if (len >= GUARD_TAIL) {
		bpf_probe_read_kernel(&key.bytes, GUARD_TAIL, from + ((len - GUARD_TAIL) & 255));
		mask = bpf_map_lookup_elem(&guard_tails, &key);
		if (mask)
			guard_add(&g->own.tails, mask);
		key.bytes >>= 8;
	} else
		bpf_probe_read_kernel(&key.bytes, GUARD_TAIL - 1, from);
	/* It may be taken for the mark of a removed file, and left out. */
	if (key.bytes >> 16 == ')')
		guard_fill(&g->own.tails);
	mask = bpf_map_lookup_elem(&guard_tails, &key);
	if (mask)
		guard_add(&g->own.tails, mask);
}

/* Going through the components of a directory's text. How far it is stands in g, for the reason told at guard_look. */
struct guard_walk {
	struct guard *g;
};

static long guard_walk_byte(__u32 i, struct guard_walk *w)
{
	struct guard *g = w->g;
	struct guard_mask *mask;
	__u32 at = g->component_len;
	char c;

	if (i >= GUARD_DIR)
		return 1;
	c = g->dir.text[i];
	if (c != '/') {
		if (at < GUARD_NAME)
			g->component.text[at] = c;
		g->component_len = at + 1;
		return 0;
	}
	if (at > 0 && at <= GUARD_NAME) {
		mask = bpf_map_lookup_elem(&guard_components, &g->component);
		if (mask)
			guard_add(&g->inside, mask);
	}
	__builtin_memset(g->component.text, 0, sizeof(g->component.text));
	g->component_len = 0;
	return 0;
}

/* The components of the first `len` bytes of g->dir.text, which end in a slash. */
__noinline int guard_walk_dir(struct guard *g, __u32 len)
{
	struct guard_walk walk = { .g = g };

	if (!g)
		return 0;
	g->component.generation = g->generation;
	__builtin_memset(g->component.text, 0, sizeof(g->component.text));
	g->component_len = 0;
	bpf_loop(len, guard_walk_byte, &walk, 0);
	return 0;
}

/* The directory whose text, final slash included, are the first `len` bytes of g->dir.text: what it allows goes to g->at. */
static __always_inline void guard_dir_text(struct guard *g, const struct guard_config *config, __u32 len)
{
	struct guard_dir_value *value;

	g->inside = config->d[DIM_COMPONENTS].open;
	/* Asked for or not by this event: it is remembered for others. */
	if (guard_is_asked(config, DIM_COMPONENTS))
		guard_walk_dir(g, len);
	g->dir.bits = (len + sizeof(g->dir.generation)) * 8;
	g->dir.generation = g->generation;
	value = bpf_map_lookup_elem(&guard_dirs, &g->dir);
	__builtin_memset(&g->below, 0, sizeof(g->below));
	if (!value) {
		g->at = config->d[DIM_DIRS].open;
		return;
	}
	g->at = value->within;
	if (value->len == len) {
		g->at = value->here;
		g->below = value->below;
	}
}

/* A pointer field of a kernel structure as a plain number. */
#define NUMBER(type, p, field) WORD_AT((__u64)(p) + bpf_core_field_offset(struct type, field))

#define AF_NETLINK 16

/* Address of the socket behind a file, or 0. */
static __always_inline __u64 guard_socket(struct file *file)
{
	struct inode *inode = file ? FIELD(file, file, f_inode) : NULL;
	struct socket *sock;

	if (!inode || (FIELD(inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	sock = FIELD(file, file, private_data);
	return sock ? NUMBER(socket, sock, sk) : 0;
}

static __always_inline __u16 guard_family(__u64 sk)
{
	switch (sk ? FIELD(sock, sk, __sk_common.skc_family) : 0) {
	case AF_UNIX:
		return SOCKET_FAMILY_UNIX;
	case AF_INET:
		return SOCKET_FAMILY_INET;
	case AF_INET6:
		return SOCKET_FAMILY_INET6;
	case AF_NETLINK:
		return SOCKET_FAMILY_NETLINK;
	default:
		return SOCKET_FAMILY_OTHER;
	}
}

struct qstr___hash {
	__u64 hash_len;
} __core;
struct dentry___hash {
	struct qstr___hash d_name;
} __core;

static __always_inline __u64 guard_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/*
 * Key of what lies at a dentry: from it to the root of the task. 0 when it lies too deep or in no directory at all. A loop
 * without callbacks: it is what most events cost.
 */
static __always_inline __u64 guard_chain(const struct guard *g, __u64 mnt, __u64 dentry)
{
	__u64 fs = NUMBER(task_struct, g->task, fs);
	__u64 root = NUMBER(fs_struct, fs, root.dentry), root_mnt = NUMBER(fs_struct, fs, root.mnt);
	__u64 top = NUMBER(vfsmount, mnt, mnt_root);
	__u64 key = guard_mix(guard_mix(root, root_mnt), mnt);

	for (int i = 0; i < GUARD_DEPTH; i++) {
		__u64 parent;

		if (dentry == root && mnt == root_mnt)
			return key | 1;
		if (dentry == top) {
			__u64 m = mnt - bpf_core_field_offset(struct mount, mnt);
			__u64 above = NUMBER(mount, m, mnt_parent) + bpf_core_field_offset(struct mount, mnt);

			if (above == mnt)
				return key | 1;
			dentry = NUMBER(mount, m, mnt_mountpoint);
			mnt = above;
			top = NUMBER(vfsmount, above, mnt_root);
			key = guard_mix(key, above);
			continue;
		}
		parent = NUMBER(dentry, dentry, d_parent);
		if (parent == dentry)
			return 0;
		key = guard_mix(guard_mix(key, dentry), FIELD(dentry___hash, dentry, d_name.hash_len));
		dentry = parent;
	}
	return 0;
}

/* The same where it is seldom asked: not inlined, so that the verifier goes through it once. */
__noinline __u64 guard_chain_now(struct guard *g, __u64 mnt, __u64 dentry)
{
	return g ? guard_chain(g, mnt, dentry) : 0;
}

/* d_unlinked(): the kernel shows it under another name */
static __always_inline bool guard_is_unlinked(__u64 dentry)
{
	return !NUMBER(dentry, dentry, d_hash.pprev) && NUMBER(dentry, dentry, d_parent) != dentry;
}

/* Build the text of a directory and look it up: the slow way, once for each directory. 0: it cannot be told. */
__noinline int guard_learn(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	__u32 flags = 0, start, len;
	__u64 where;

	if (!g || !config)
		return 0;
	where = build_path(&g->walk, (void *)mnt, (void *)dentry, (void *)g->task, &flags);
	start = where >> 16;
	len = where & 0xffff;
	/* a path so long that a record may have to cut it */
	if (flags || start >= WALK_END || len == 0 || len > WALK_END - 2 * NAME_MAX_LEN)
		return 0;
	if (len > GUARD_DIR)
		len = GUARD_DIR; /* no entry is longer */
	if (bpf_probe_read_kernel(g->dir.text, len & 255, &g->walk.bytes[start & (WALK_END - 1)]))
		return 0;
	if (len > 1 && len < GUARD_DIR) {
		g->dir.text[len & 255] = '/';
		len++;
	}
	guard_dir_text(g, config, len);
	return 1;
}

/*
 * What a directory allows, to dirs and components of `to`; with `deeper` also what lies below it. `key` is its chain, 0
 * where it has none. What is learned is kept only if nothing was renamed meanwhile.
 */
static __always_inline void guard_directory(struct guard *g, struct guard_config *config, struct guard_paths *to,
					    __u64 mnt, __u64 dentry, __u64 key, bool deeper)
{
	struct guard_seen *seen;
	__u32 row;

	row = key >> 32 & (GUARD_CACHE - 1);
	seen = key ? bpf_map_lookup_elem(&guard_cache, &row) : NULL;
	if (!seen)
		goto keep;
	if (seen->key != key || seen->generation != g->generation) {
		if (!guard_learn(g, config, mnt, dentry) || guard_chain_now(g, mnt, dentry) != key)
			goto keep;
		seen->generation = g->generation;
		seen->key = key;
		seen->at = g->at;
		seen->below = g->below;
		seen->inside = g->inside;
	}
	guard_add(&to->dirs, &seen->at);
	if (deeper)
		guard_add(&to->dirs, &seen->below);
	guard_add(&to->components, &seen->inside);
	return;
keep:
	guard_fill(&to->dirs);
	guard_fill(&to->components);
}

/* The directory that a relative name starts from. */
__noinline int guard_start(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry, __u32 deeper)
{
	if (!g || !config)
		return 0;
	guard_directory(g, config, &g->paths, mnt, dentry,
			guard_is_unlinked(dentry) ? 0 : guard_chain(g, mnt, dentry), deeper);
	return 0;
}

/* Hash of the first `len` bytes of g->dir.text. */
static __always_inline __u64 guard_hash(const struct guard *g, __u64 seed, __u32 len)
{
	__u64 hash = seed ^ len;

	for (__u32 at = 0; at < GUARD_TEXT; at += 8) {
		__u64 word;

		if (at >= len)
			break;
		word = *(const __u64 *)(g->dir.text + at);
		if (len < at + 8)
			word &= (1ULL << ((len - at) * 8 & 63)) - 1;
		hash = guard_mix(hash, word);
	}
	return hash;
}

/* The directory in a given name, as text: what it allows is looked up once, too, and goes to g->at and g->inside. */
__noinline int guard_given_text(struct guard *g, struct guard_config *config)
{
	struct guard_seen *seen;
	__u32 len, row;
	__u64 key;

	if (!g || !config)
		return 0;
	len = g->given.base;
	/* keys of directories are odd */
	key = guard_hash(g, config->seed, len) & ~1ULL;
	row = key >> 32 & (GUARD_CACHE - 1);
	seen = bpf_map_lookup_elem(&guard_cache, &row);
	if (!seen)
		return 0;
	if (seen->key != key || seen->generation != g->generation) {
		guard_dir_text(g, config, len);
		seen->generation = g->generation;
		seen->key = key;
		seen->at = g->at;
		seen->inside = g->inside;
	}
	g->at = seen->at;
	g->inside = seen->inside;
	return 0;
}

/*
 * Look at the name in g->dir.text for the first time; what it leaves goes to `seen`. What cannot be told keeps all bits.
 */
__noinline int guard_read(struct guard *g, struct guard_config *config, struct guard_seen_name *seen)
{
	struct guard_given *given;
	__u32 base;

	if (!g || !config || !seen)
		return 0;
	given = &g->given;
	guard_look(g);
	seen->known = 0;
	seen->deeper = given->base > 0;
	if (given->bad || (given->untidy && g->dir.text[0] == '/'))
		return 0;
	seen->known = 1;
	base = given->base;
	__builtin_memset(&g->own, 0, sizeof(g->own));
	guard_base(g, config, &g->dir.text[base & 255], given->len - base);
	guard_tail(g, config, &g->dir.text[base & 255], given->len - base);
	if (given->two_dots)
		guard_fill(&g->own.raws);
	else
		g->own.raws = config->d[DIM_RAWS].open;
	if (base > 0) {
		guard_given_text(g, config);
		if (g->dir.text[0] == '/')
			g->own.dirs = g->at;
		g->own.components = g->inside;
	}
	seen->paths = g->own;
	return 0;
}

/* A name as the caller gave it: what it leaves without what it starts from. What cannot be read keeps all bits. */
__noinline int guard_given(struct guard *g, struct guard_config *config, __u64 name)
{
	struct guard_seen_name *seen;
	__u64 key;
	__u32 row;
	long n;

	if (!g || !config)
		return 0;
	g->given.relative = 0;
	n = bpf_probe_read_user_str(g->dir.text, GUARD_TEXT, (const void *)name);
	if (n <= 1 || n > GUARD_DIR + 1)
		goto keep;
	g->given.len = n - 1;
	key = guard_hash(g, config->seed, n - 1);
	row = key >> 32 & (GUARD_NAMES - 1);
	seen = bpf_map_lookup_elem(&guard_names_seen, &row);
	if (!seen)
		goto keep;
	if (seen->key != key || seen->generation != g->generation) {
		guard_read(g, config, seen);
		seen->key = key;
		seen->generation = g->generation;
	}
	if (!seen->known)
		goto keep;
	g->given.relative = g->dir.text[0] != '/';
	g->given.deeper = seen->deeper;
	guard_add_paths(&g->paths, &seen->paths, g->words);
	return 0;
keep:
	guard_keep_all(&g->paths);
	return 0;
}

/* Directory that a given name starts from, if it starts from one. */
static __always_inline void guard_given_dir(struct guard *g, struct guard_config *config, int dirfd)
{
	__u64 fs, file;

	if (!g->given.relative)
		return;
	if (dirfd == AT_FDCWD) {
		fs = NUMBER(task_struct, g->task, fs);
		guard_start(g, config, NUMBER(fs_struct, fs, pwd.mnt), NUMBER(fs_struct, fs, pwd.dentry), g->given.deeper);
		return;
	}
	file = (__u64)file_of(task_at(g->task), dirfd);
	if (file)
		guard_start(g, config, NUMBER(file, file, f_path.mnt), NUMBER(file, file, f_path.dentry), g->given.deeper);
	/* else there is no such spelling: what does not ask is in the masks already */
}

/* A file seen for the first time, to `seen`. */
__noinline int guard_learn_file(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	if (!g || !config)
		return 0;
	__builtin_memset(&g->own, 0, sizeof(g->own));
	g->own.raws = config->d[DIM_RAWS].open;
	guard_base(g, config, (const void *)NUMBER(dentry, dentry, d_name.name), FIELD(dentry, dentry, d_name.len));
	guard_tail(g, config, (const void *)NUMBER(dentry, dentry, d_name.name), FIELD(dentry, dentry, d_name.len));
	dentry = NUMBER(dentry, dentry, d_parent);
	guard_directory(g, config, &g->own, mnt, dentry,
			guard_is_unlinked(dentry) ? 0 : guard_chain_now(g, mnt, dentry), false);
	return 0;
}

/* The kernel's object: its name, and the directory it lies in. */
__noinline int guard_object(struct guard *g, struct guard_config *config, __u64 mnt, __u64 dentry)
{
	struct guard_seen_file *seen = NULL;
	__u64 parent, key = 0;
	__u32 row;

	if (!g || !config)
		return 0;
	/* A mount point, or the root: its name stands elsewhere. */
	if (dentry == NUMBER(vfsmount, mnt, mnt_root)) {
		guard_keep_all(&g->paths);
		return 0;
	}
	parent = NUMBER(dentry, dentry, d_parent);
	/* A pipe, a socket, a memory file: what the kernel calls it is no path. */
	if (parent == dentry) {
		guard_fill(&g->paths.bases);
		guard_fill(&g->paths.tails);
		return 0;
	}
	if (!guard_is_unlinked(parent))
		key = guard_chain(g, mnt, dentry);
	row = key >> 32 & (GUARD_FILES - 1);
	if (key)
		seen = bpf_map_lookup_elem(&guard_files, &row);
	if (seen && seen->key == key && seen->generation == g->generation) {
		guard_add_paths(&g->paths, &seen->paths, g->words);
		return 0;
	}
	guard_learn_file(g, config, mnt, dentry);
	guard_add_paths(&g->paths, &g->own, g->words);
	/* A rename meanwhile: the masks may be those of another name. */
	if (seen && guard_chain_now(g, mnt, dentry) == key) {
		seen->generation = g->generation;
		seen->key = key;
		seen->paths = g->own;
	}
	return 0;
}

/* Bits that the process leaves, to g->process. 0: something is not known yet, so that it is not to be remembered. */
__noinline int guard_learn_process(struct guard *g, struct guard_config *config)
{
	struct guard_process *kept;
	struct task_struct *task;
	struct guard_mask *mask;
	int known = 1;

	if (!g || !config)
		return 0;
	task = task_at(g->task);
	guard_fill(&g->process);
	if (guard_is_asked(config, DIM_COMMS)) {
		struct guard_name key = { g->generation };

		bpf_probe_read_kernel_str(key.text, 16, task->group_leader->comm);
		mask = bpf_map_lookup_elem(&guard_comms, &key);
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
	if (guard_is_asked(config, DIM_IMAGES) || guard_is_asked(config, DIM_TTYS) ||
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
	if (guard_learn_process(g, config))
		seen->generation = g->generation;
	seen->mask = g->process;
	guard_cut_first(&g->live, &g->process, g->words);
	return 0;
}

/* One end of a socket. Without address and port it is none: no list has it. */
static __always_inline void guard_end(struct guard *g, const struct guard_config *config, struct guard_net *key,
				      __u16 port)
{
	const __u32 *ip = (const __u32 *)key->ip;
	struct guard_mask *mask;

	if (!port && !ip[0] && !ip[1] && (!ip[2] || ip[2] == 0xffff0000) && !ip[3]) {
		guard_add(&g->ports, &config->d[DIM_PORTS].other);
		guard_add(&g->nets, &config->d[DIM_NETS].other);
		return;
	}
	guard_add(&g->ports, guard_number(config, g->generation, DIM_PORTS, port));
	key->bits = (sizeof(key->generation) + sizeof(key->ip)) * 8;
	key->generation = g->generation;
	mask = bpf_map_lookup_elem(&guard_nets, key);
	guard_add(&g->nets, mask ? mask : &config->d[DIM_NETS].other);
}

/* Bits that the ends of a socket leave. */
__noinline int guard_ends(struct guard *g, struct guard_config *config, __u64 address)
{
	struct sock *sk = (struct sock *)address;
	struct guard_net local = {}, remote = {};
	__u16 lport = 0, rport = 0;

	if (!g || !config)
		return 0;
	__builtin_memset(&g->ports, 0, sizeof(g->ports) * 2);
	if (sk && inet_ends(sk, FIELD(sock, sk, __sk_common.skc_family), local.ip, remote.ip, &lport, &rport)) {
		guard_end(g, config, &local, lport);
		guard_end(g, config, &remote, rport);
	} else {
		guard_add(&g->ports, &config->d[DIM_PORTS].other);
		guard_add(&g->nets, &config->d[DIM_NETS].other);
	}
	guard_cut(&g->live, &g->ports);
	guard_cut(&g->live, &g->nets);
	return 0;
}

/* Bits that names and endings leave. */
static __always_inline bool guard_names_decide(struct guard *g)
{
	guard_cut_first(&g->live, &g->paths.raws, g->words);
	guard_cut_first(&g->live, &g->paths.bases, g->words);
	guard_cut_first(&g->live, &g->paths.tails, g->words);
	return guard_is_empty(g);
}

static __always_inline void guard_dirs_decide(struct guard *g)
{
	guard_cut_first(&g->live, &g->paths.dirs, g->words);
	guard_cut_first(&g->live, &g->paths.components, g->words);
}

/* One path: the object and the name it was reached by, whichever there are. */
static __always_inline void guard_one(struct guard *g, struct guard_config *config, const struct guard_input *in)
{
	g->given.relative = 0;
	if (in->name[0])
		guard_given(g, config, (__u64)in->name[0]);
	if (in->file)
		guard_object(g, config, NUMBER(file, in->file, f_path.mnt), NUMBER(file, in->file, f_path.dentry));
	if (guard_names_decide(g))
		return;
	guard_given_dir(g, config, in->dirfd[0]);
	guard_dirs_decide(g);
}

/* Two names: a need may hold of either. */
static __always_inline void guard_two(struct guard *g, struct guard_config *config, const struct guard_input *in)
{
	for (int i = 0; i < 2; i++) {
		guard_given(g, config, (__u64)in->name[i]);
		guard_given_dir(g, config, in->dirfd[i]);
	}
	if (!guard_names_decide(g))
		guard_dirs_decide(g);
}

/*
 * The classes that an event may belong to, in g->live of what is returned. NULL: it can be passed over. Without tables
 * every event has every class.
 */
static __always_inline struct guard *guard_judge(struct control *c, struct task_struct *task,
						 const struct guard_input *in)
{
	struct guard_config *config;
	struct guard_mask *shape;
	struct guard *g;
	__u32 row, zero = 0;

	g = bpf_map_lookup_elem(&guards, &zero);
	if (!g)
		return NULL;
	g->audit = 0;
	g->task = (__u64)task;
	g->generation = c->generation;
	row = ((g->generation & 1) * GUARD_EVENTS + in->event) * GUARD_SHAPES + (in->shape & (GUARD_SHAPES - 1));
	shape = bpf_map_lookup_elem(&guard_shapes, &row);
	config = guard_config_of(g->generation);
	if (!shape || !config) {
		guard_fill(&g->live);
		return g;
	}
	g->live = *shape;
	if (g->live.w[0] & 1)
		return g;
	g->words = guard_words_of(&g->live);
	if (guard_asks(g, &config->anybody))
		guard_process(g, config);
	if (in->has_ends) {
		if (!in->addressed && (guard_asks(g, &config->d[DIM_PORTS].open) || guard_asks(g, &config->d[DIM_NETS].open)))
			guard_ends(g, config, in->sk);
	} else if (guard_asks(g, &config->anywhere)) {
		/* What has no path at all is none that is asked for. */
		guard_ask_nothing(&g->paths, config, g->words);
		if (in->name[1])
			guard_two(g, config, in);
		else
			guard_one(g, config, in);
	}
	if (!guard_is_empty(g))
		return g;
	if (config->audit_every && ++g->passed_over >= config->audit_every) {
		g->passed_over = 0;
		g->audit = 1;
		return g;
	}
	return NULL;
}

/* Count a call of the bulk ring, judge it, take a scratch area; NULL when the event ends here. */
static __always_inline struct scratch *begin_guarded(__u32 prog, struct prog_counters **counters,
						     struct guard **guard, struct task_struct *task,
						     const struct guard_input *in)
{
	struct control *c = control_of();
	struct prog_counters *st = c ? count_bulk_of(c, task, prog) : NULL;

	*counters = st;
	if (!st)
		return NULL;
	*guard = guard_judge(c, task, in);
	if (!*guard) {
		st->guarded++;
		return NULL;
	}
	return scratch_get(st, RING_BULK);
}

/* How a call ended, as shapes have it. */
static __always_inline __u16 guard_outcome(__s64 ret)
{
	return ret >= 0 ? OUTCOME_OK : ret == -EACCES || ret == -EPERM ? OUTCOME_DENIED : OUTCOME_FAILED;
}

/* The current task, asked for once, and the registers of the call that returns. */
#define CALLER														\
	struct task_struct *current = bpf_get_current_task_btf(), *task = untracked(current);				\
	struct pt_regs *regs = current_regs(current)

/* Start of a guarded program at syscall exit: declares st, s and e, or returns. */
#define BEGIN_GUARDED(type, task, id, prog, input)									\
	struct prog_counters *st;											\
	struct guard *guard = NULL;											\
	struct scratch *s = begin_guarded(prog, &st, &guard, task, input);							\
	BEGIN_RECORD(type, task, id, prog);										\
	e->hdr.generation = guard->generation;										\
	EACH_WORD e->hdr.live[i] = guard->live.w[i];									\
	if (guard->audit)												\
		e->hdr.flags |= RECORD_AUDIT

#endif

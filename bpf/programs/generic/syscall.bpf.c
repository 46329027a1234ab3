// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Plain syscalls: one program for all of them, which a table (tarsier_syscalls.gen.h) tells what to copy. It is attached to
 * the tracepoints of the calls that are asked for. Calls that have no tracepoint in this kernel, and all calls when nearly
 * all are asked for, come from the global one instead; what is wanted there stands in a map.
 */
#include "guard.h"
#include "tarsier_syscalls.gen.h"

/* A bit for each number, or place of a call that goes through another. */
struct wanted_calls {
	__u64 native[CALL_PLACES / 64];
	/* of 32-bit programs: what anybody wants, and what is reported as a plain call; when it ends, and when it begins */
	__u64 compat[CALL_PLACES / 64], compat_plain[CALL_PLACES / 64];
	__u64 entry[CALL_PLACES / 64], entry_plain[CALL_PLACES / 64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wanted_calls);
} wanted_calls SEC(".maps");

/*
 * Programs of single calls, built for 32-bit ones. A row has one for each number, behind them those of calls that socketcall
 * and ipc stand for. The first row has the programs of the calls' own events. Those of hooks, of which a call may have several, are
 * in rows for the end of calls and in rows for their beginning. The last row has the steps that all 32-bit calls take.
 */
#define ROW CALL_PLACES
#define HOOK_ROWS 3
#define EXIT_HOOKS 1
#define ENTRY_HOOKS (EXIT_HOOKS + HOOK_ROWS)
#define STEPS (ROW * (ENTRY_HOOKS + HOOK_ROWS))
#define STEP_EXIT STEPS
#define STEP_PLAIN_EXIT (STEPS + 1)
#define STEP_PLAIN_ENTRY (STEPS + 2)
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEPS + 3);
	__type(key, __u32);
	__type(value, __u32);
} compat_programs SEC(".maps");

/* Context of tracepoints syscalls/sys_enter_*: those without arguments have no more than this. */
struct sys_enter_ctx {
	__u64 common;
	__s32 nr;
};

/* Append the bytes at a user address; max is a constant. */
static __always_inline void put_user_bytes(struct scratch *s, struct prog_counters *st, struct vl *v, __u64 from,
					   __u32 len, const __u32 max)
{
	__u32 pos = s->pos, total = len;

	barrier_var(pos);
	if (pos > RECORD_MAX - SOCKADDR_MAX)
		return mark_partial(st, s->data);
	barrier_var(len);
	if (len > max)
		len = max;
	if (len == 0)
		return;
	if (bpf_probe_read_user(&s->data[pos], len, (void *)from))
		return mark_partial(st, s->data);
	v->off = pos;
	v->len = len;
	v->total = total;
	s->pos = pos + PAD8(len);
}

/* A call while its arguments are copied. */
struct call {
	struct scratch *s;
	struct prog_counters *st;
	struct task_struct *task;
	__s32 dirfd;
	__u32 paths;
};

static __always_inline void copy_path(struct call *c, struct ev_syscall *e, struct vl *v, __u64 from, bool moves)
{
	struct vl *dir = c->paths ? &e->dir1 : &e->dir0;
	__s32 dirfd = c->dirfd;

	c->paths++;
	c->dirfd = AT_FDCWD;
	if (put_user_str(c->s, c->st, v, (void *)from, PATH_COPY_MAX) < 0)
		return;
	if (!(e->hdr.flags & RECORD_COMPAT))
		compare_given(e, v, c->paths - 1);
	/* where a call that moved the process started from is not known any more */
	if (moves && e->res == 0)
		return;
	put_dir(c->s, c->st, dir, v, c->task, dirfd, &e->path_flags);
}

/* Copy what one argument points to. */
static __noinline int copy_argument(struct call *c, __u32 kind, __u64 value, __u64 next, struct vl *v)
{
	struct scratch *s = c->s;
	struct prog_counters *st = c->st;
	struct ev_syscall *e = (struct ev_syscall *)s->data;
	__u32 len = next;

	if (kind == COPY_DIRFD) {
		c->dirfd = value;
		return 0;
	}
	if (!value)
		return 0;
	switch (kind) {
	case COPY_TEXT:
		put_user_str(s, st, v, (void *)value, TEXT_COPY_MAX);
		break;
	case COPY_PATH:
	case COPY_NEW_CWD:
		copy_path(c, e, v, value, kind == COPY_NEW_CWD);
		break;
	case COPY_SOCKADDR_OUT:
		if (e->res < 0 || bpf_probe_read_user(&len, sizeof(len), (void *)next))
			break;
		put_user_bytes(s, st, v, value, len, SOCKADDR_MAX);
		break;
	case COPY_COUNTED:
	case COPY_SOCKADDR:
		put_user_bytes(s, st, v, value, len, SOCKADDR_MAX);
		break;
	case COPY_TIMESPEC_OUT:
		if (e->res < 0)
			break;
		put_user_bytes(s, st, v, value, 16, 16);
		break;
	case COPY_TIMESPEC:
		put_user_bytes(s, st, v, value, 16, 16);
		break;
	case COPY_PAIR_OUT:
		if (e->res < 0)
			break;
		put_user_bytes(s, st, v, value, 8, 8);
		break;
	}
	return 0;
}

/* Arguments, and what stands for those that a call does not have. */
#define NO_ARGUMENTS [NO_NAME] = 0, [CURRENT] = AT_FDCWD

/* Send one call. */
static __always_inline int report(struct task_struct *task, __u16 prog, const struct call_desc *desc, const __u64 *args,
				  __s64 res, __u16 flags)
{
	struct guard_input in = {
		.event = desc->id,
		.shape = guard_outcome(res),
		.name = { (void *)args[desc->name[0] & 7], (void *)args[desc->name[1] & 7] },
		.dirfd = { args[desc->start[0] & 7], args[desc->start[1] & 7] },
		.args = args,
	};
	BEGIN_GUARDED(ev_syscall, task, desc->id, prog, &in);
	struct call c = { .s = s, .st = st, .task = task, .dirfd = AT_FDCWD };

	e->hdr.flags |= flags;
	e->res = res;
	e->arg0 = args[0];
	e->arg1 = args[1];
	e->arg2 = args[2];
	e->arg3 = args[3];
	e->arg4 = args[4];
	e->arg5 = args[5];
	if (desc->copies) {
		/* in order: a directory comes before the path that starts from it */
		if (desc->copy[0])
			copy_argument(&c, desc->copy[0], args[0], args[1], &e->copy0);
		if (desc->copy[1])
			copy_argument(&c, desc->copy[1], args[1], args[2], &e->copy1);
		if (desc->copy[2])
			copy_argument(&c, desc->copy[2], args[2], args[3], &e->copy2);
		if (desc->copy[3])
			copy_argument(&c, desc->copy[3], args[3], args[4], &e->copy3);
		if (desc->copy[4])
			copy_argument(&c, desc->copy[4], args[4], args[5], &e->copy4);
		if (desc->copy[5])
			copy_argument(&c, desc->copy[5], args[5], 0, &e->copy5);
	}
	if (desc->critical)
		submit_yielding(s, st);
	else
		submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* Tracepoints syscalls/sys_exit_*: { int nr, long ret }; what pads nr may be anything */
SEC("tp")
int exit_syscall(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u64 args[8] = { ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs), ARG5(regs), ARG6(regs), NO_ARGUMENTS };
	__u64 nr = (__u32)ctx->nr;

	if (nr >= CALLS)
		return 0;
	return report(untracked(bpf_get_current_task_btf()), PROG_exit_syscall, &native_calls[nr], args, ctx->ret, 0);
}

/*
 * Tracepoints syscalls/sys_enter_* of calls that do not return: { int nr, args }. The kernel lets a program read no more than
 * there is, so the arguments come from the registers here, too.
 */
SEC("tp")
int enter_syscall(struct sys_enter_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u64 args[8] = { ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs), ARG5(regs), ARG6(regs), NO_ARGUMENTS };
	__u32 nr = ctx->nr;

	if (nr >= CALLS)
		return 0;
	return report(untracked(bpf_get_current_task_btf()), PROG_enter_syscall, &native_calls[nr], args, 0, 0);
}

static __always_inline __u64 argument(const struct pt_regs *regs, __u32 n)
{
	switch (n) {
	case 1:
		return ARG1(regs);
	case 2:
		return ARG2(regs);
	case 3:
		return ARG3(regs);
	case 4:
		return ARG4(regs);
	case 5:
		return ARG5(regs);
	}
	return 0;
}

/* Hash of the text at a user address; 0 when it cannot be read. */
static __always_inline __u64 hash_user(struct scratch *s, __u64 from, __u64 seed)
{
	long n = from ? bpf_probe_read_user_str(s->data, GIVEN_MAX + 1, (void *)from) : 0;

	return n <= 0 ? 0 : hash_text((struct given_text *)s->data, n - 1, seed);
}

/* Tracepoints syscalls/sys_enter_* of calls with names: what they are given, for compare_given() when they end. */
SEC("tp")
int keep_names(struct sys_enter_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct prog_counters *st = counters_of(PROG_keep_names);
	__u32 nr = ctx->nr;
	struct given *given;
	struct scratch *s;

	if (!st || nr >= CALLS)
		return 0;
	given = bpf_task_storage_get(&given_names, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!given) {
		st->helper_errors++;
		return 0;
	}
	given->nr = nr;
	given->hash[0] = given->hash[1] = 0;
	s = scratch_at(0);
	if (!s)
		s = scratch_at(1);
	if (!s) {
		st->helper_errors++;
		return 0;
	}
	given->seed = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	given->hash[0] = hash_user(s, argument(regs, native_names[nr].first), given->seed);
	given->hash[1] = hash_user(s, argument(regs, native_names[nr].second), given->seed);
	s->busy = 0;
	return 0;
}

static __always_inline bool is_wanted(const __u64 *bits, __u64 nr)
{
	return bits[nr / 64] & (1ULL << (nr % 64));
}

/* void sys_exit(struct pt_regs *regs, long ret): every syscall of the machine comes by here */
SEC("raw_tp/sys_exit")
int all_syscalls(struct bpf_raw_tracepoint_args *ctx)
{
	struct wanted_calls *wanted;
	struct task_struct *task;
	struct pt_regs *regs;
	__u64 nr = RAW_SYSCALL_NR(ctx->args[0]);
	__u32 zero = 0;
	__u64 args[8];

	/* what nobody asks for, of either kind of program, ends here: no helper is called before */
	if (nr >= CALLS)
		return 0;
	wanted = bpf_map_lookup_elem(&wanted_calls, &zero);
	if (!wanted)
		return 0;
#if defined(__TARGET_ARCH_x86)
	if (!is_wanted(wanted->native, nr) && !is_wanted(wanted->compat, nr))
		return 0;
#else
	if (!is_wanted(wanted->native, nr))
		return 0;
#endif
	task = untracked(bpf_get_current_task_btf());
	regs = current_regs(bpf_get_current_task_btf());
	args[NO_NAME] = 0;
	args[CURRENT] = AT_FDCWD;
	if (unlikely(in_compat(task))) {
		bpf_tail_call(ctx, &compat_programs, STEP_EXIT);
		return 0;
	}
	if (!is_wanted(wanted->native, nr))
		return 0;
	args[0] = ARG1(regs);
	args[1] = ARG2(regs);
	args[2] = ARG3(regs);
	args[3] = ARG4(regs);
	args[4] = ARG5(regs);
	args[5] = ARG6(regs);
	return report(task, PROG_all_syscalls, &native_calls[nr], args, ctx->args[1], 0);
}

#if defined(__TARGET_ARCH_x86)
/*
 * The steps of 32-bit calls. Who calls functions that make tail calls has little stack left, so what reports plain calls, and
 * what calls hooks, are programs of their own.
 */

/* A tail call from a function comes back to its caller, with or without a program there. */
static __noinline int run_hook(struct bpf_raw_tracepoint_args *ctx, __u32 at)
{
	bpf_tail_call(ctx, &compat_programs, at);
	return 0;
}

static __always_inline void run_hooks(struct bpf_raw_tracepoint_args *ctx, __u32 row, __u32 nr)
{
	for (__u32 i = 0; i < HOOK_ROWS; i++)
		run_hook(ctx, (row + i) * ROW + nr);
}

static __always_inline struct wanted_calls *wanted_of(__u64 nr)
{
	__u32 zero = 0;

	return nr < CALLS ? bpf_map_lookup_elem(&wanted_calls, &zero) : NULL;
}

#define I386_SOCKETCALL 102
#define I386_IPC 117
#define MULTIPLEXED 32

/* Where the calls that go through this one have their places; 0 for those that stand for themselves. */
static __always_inline __u32 places_of(__u64 nr)
{
	return nr == I386_SOCKETCALL ? CALLS : nr == I386_IPC ? CALLS + MULTIPLEXED : 0;
}

/* The place of the call that this one stands for: its number, where it stands for itself. ipc has a version in the upper bits. */
static __always_inline __u64 place_of(struct pt_regs *regs, __u64 nr)
{
	__u32 call = nr == I386_IPC ? regs->bx & 0xffff : regs->bx;
	__u32 places = places_of(nr);

	return places && call < MULTIPLEXED ? places + call : nr;
}

/* A call ends: hooks, then the program of its own event or the one for plain calls. A tail call returns when there is none. */
SEC("raw_tp/sys_exit")
int compat_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 nr = RAW_SYSCALL_NR(ctx->args[0]), place;
	struct wanted_calls *wanted = wanted_of(nr);

	if (!wanted || !is_wanted(wanted->compat, nr))
		return 0;
	place = place_of(current_regs(bpf_get_current_task_btf()), nr);
	barrier_var(place);
	if (place >= CALL_PLACES)
		return 0;
	if (place != nr) {
		run_hooks(ctx, EXIT_HOOKS, place);
		bpf_tail_call(ctx, &compat_programs, place);
		if (is_wanted(wanted->compat_plain, place))
			bpf_tail_call(ctx, &compat_programs, STEP_PLAIN_EXIT);
	}
	run_hooks(ctx, EXIT_HOOKS, nr);
	bpf_tail_call(ctx, &compat_programs, nr);
	if (is_wanted(wanted->compat_plain, nr))
		bpf_tail_call(ctx, &compat_programs, STEP_PLAIN_EXIT);
	return 0;
}

/*
 * void sys_enter(struct pt_regs *regs, long id): for hooks that look at 32-bit calls when they begin, too, and for those of
 * these calls that do not return
 */
SEC("raw_tp/sys_enter")
int all_entries(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 nr = ctx->args[1];
	struct wanted_calls *wanted = wanted_of(nr);

	if (!wanted || !is_wanted(wanted->entry, nr) || likely(!in_compat(untracked(bpf_get_current_task_btf()))))
		return 0;
	run_hooks(ctx, ENTRY_HOOKS, nr);
	if (is_wanted(wanted->entry_plain, nr))
		bpf_tail_call(ctx, &compat_programs, STEP_PLAIN_ENTRY);
	return 0;
}

#define I386_MMAP 90
#define I386_MMAP2 192

/* include/uapi/linux/ipc.h */
enum {
	IPC_SEMOP = 1,
	IPC_SEMCTL = 3,
	IPC_SEMTIMEDOP = 4,
	IPC_MSGSND = 11,
	IPC_MSGRCV = 12,
	IPC_MSGCTL = 14,
	IPC_SHMAT = 21,
	IPC_SHMDT = 22,
	IPC_SHMCTL = 24,
};

static __always_inline __u32 user_word(__u32 address)
{
	__u32 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)(__u64)address);
	return word;
}

/* Put the arguments of a call through ipc(call, first, second, third, ptr, fifth) into the order of that call (ipc/syscall.c). */
static __always_inline void order_ipc(__u32 *given)
{
	__u32 call = given[0] & 0xffff, version = given[0] >> 16;
	__u32 first = given[1], second = given[2], third = given[3], ptr = given[4], fifth = given[5];

	given[0] = call == IPC_SHMDT ? ptr : first;
	given[1] = second;
	given[2] = third;
	given[3] = third;
	switch (call) {
	case IPC_SEMOP:
	case IPC_MSGSND:
	case IPC_SHMAT:
	case IPC_SEMTIMEDOP:
		given[1] = ptr;
		given[2] = second;
		if (call == IPC_SEMTIMEDOP)
			given[3] = fifth;
		break;
	case IPC_SEMCTL:
		given[3] = user_word(ptr);
		break;
	case IPC_MSGRCV:
		/* at first the address and the type lay in memory */
		given[1] = version ? ptr : user_word(ptr);
		given[2] = second;
		given[3] = version ? fifth : user_word(ptr + 4);
		given[4] = third;
		break;
	case IPC_MSGCTL:
	case IPC_SHMCTL:
		given[2] = ptr;
		break;
	}
}

/* The arguments of a call through socketcall lie in memory; how many, only the call says. */
static __always_inline void read_socketcall(__u32 *given)
{
	__u32 from = given[1];

	for (int i = 0; i < 6; i++)
		given[i] = user_word(from + 4 * i);
}

/* Report the current call. mmap's arguments lie in memory, and what mmap2 is given as offset are pages. */
static __always_inline int report_compat(__u16 prog, __s64 res)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u32 given[8] = { regs->bx, regs->cx, regs->dx, regs->si, regs->di, regs->bp };
	__u64 nr = regs->orig_ax, place, args[8] = { NO_ARGUMENTS };
	struct wanted_calls *wanted = wanted_of(nr);
	const struct call_desc *desc;
	__u32 at = 0;

	if (!wanted)
		return 0;
	place = place_of(regs, nr);
	barrier_var(place);
	if (place >= CALL_PLACES)
		return 0;
	if (place != nr && !is_wanted(wanted->compat_plain, place))
		place = nr;
	desc = &compat_calls[place];
	if (nr == I386_MMAP)
		bpf_probe_read_user(given, 6 * sizeof(given[0]), (void *)(__u64)given[0]);
	if (place != nr && nr == I386_SOCKETCALL)
		read_socketcall(given);
	if (place != nr && nr == I386_IPC) {
		/* shmat has its address there */
		if (place == CALLS + MULTIPLEXED + IPC_SHMAT && !res)
			res = user_word(given[3]);
		order_ipc(given);
	}
	for (int i = 0; i < 6; i++) {
		args[i] = given[at++ & 7];
		if (desc->wide & 1 << i)
			args[i] |= (__u64)given[at++ & 7] << 32;
		else if (desc->sign & 1 << i)
			args[i] = (__s32)args[i];
	}
	/* an offset of mmap has no sign */
	if (nr == I386_MMAP)
		args[5] = given[5];
	if (nr == I386_MMAP2)
		args[5] = (__u64)given[5] << 12;
	return report(untracked(bpf_get_current_task_btf()), prog, desc, args, res, RECORD_COMPAT);
}

SEC("raw_tp/sys_exit")
int compat_plain_exit(struct bpf_raw_tracepoint_args *ctx)
{
	/* the result is one of 32 bits */
	return report_compat(PROG_compat_plain_exit, (__s32)ctx->args[1]);
}

SEC("raw_tp/sys_enter")
int compat_plain_entry(struct bpf_raw_tracepoint_args *ctx)
{
	return report_compat(PROG_compat_plain_entry, 0);
}
#else
#define NOTHING(name)                                                                                                  \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		return 0;                                                                                              \
	}
SEC("raw_tp/sys_exit")
NOTHING(compat_exit)
SEC("raw_tp/sys_exit")
NOTHING(compat_plain_exit)
SEC("raw_tp/sys_enter")
NOTHING(compat_plain_entry)
SEC("raw_tp/sys_enter")
NOTHING(all_entries)
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Plain syscalls: one program for all of them, which a table (tarsier_syscalls.gen.h) tells what to copy. It is attached to
 * the tracepoints of the calls that are asked for. Calls that have no tracepoint in this kernel, and all calls when nearly
 * all are asked for, come from the global one instead; what is wanted there stands in a map.
 */
#include "path.h"
#include "tarsier_syscalls.gen.h"

/* A bit for each number. */
struct wanted_calls {
	__u64 native[CALLS / 64];
	__u64 compat[CALLS / 64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wanted_calls);
} wanted_calls SEC(".maps");

#if defined(__TARGET_ARCH_x86)
/* int $0x80 and its like: the call came from 32-bit code (arch/x86/include/asm/thread_info.h) */
#define TS_COMPAT 2
struct thread_info {
	__u32 status;
} __core;
struct task_struct___compat {
	struct thread_info thread_info;
} __core;

static __always_inline bool in_compat(struct task_struct *task)
{
	return FIELD(task_struct___compat, task, thread_info.status) & TS_COMPAT;
}
#else
static __always_inline bool in_compat(struct task_struct *task)
{
	return false;
}
#endif

/* Programs of single calls, built for 32-bit ones, by number; behind them those of calls that socketcall stands for. */
#define I386_SOCKETCALL 102
#define SOCKETCALLS 32
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALLS + SOCKETCALLS);
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

/* Send one call. */
static __always_inline int report(struct task_struct *task, __u16 prog, const struct call_desc *desc, const __u64 *args,
				  __s64 res, __u16 flags)
{
	struct prog_counters *st;
	struct scratch *s = begin_bulk(prog, &st);
	struct call c = { .s = s, .st = st, .task = task, .dirfd = AT_FDCWD };

	BEGIN_RECORD(ev_syscall, task, desc->id, prog);
	e->hdr.flags = flags;
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
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* Tracepoints syscalls/sys_exit_*: { int nr, long ret }; what pads nr may be anything */
SEC("tp")
int exit_syscall(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u64 args[6] = { ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs), ARG5(regs), ARG6(regs) };
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
	__u64 args[6] = { ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs), ARG5(regs), ARG6(regs) };
	__u32 nr = ctx->nr;

	if (nr >= CALLS)
		return 0;
	return report(untracked(bpf_get_current_task_btf()), PROG_enter_syscall, &native_calls[nr], args, 0, 0);
}

static __always_inline bool is_wanted(const __u64 *bits, __u64 nr)
{
	return bits[nr / 64] & (1ULL << (nr % 64));
}

/* void sys_exit(struct pt_regs *regs, long ret): every syscall of the machine comes by here */
SEC("raw_tp/sys_exit")
int all_syscalls(struct bpf_raw_tracepoint_args *ctx)
{
	const struct call_desc *desc;
	struct wanted_calls *wanted;
	struct task_struct *task;
	struct pt_regs *regs;
	__u64 nr = RAW_SYSCALL_NR(ctx->args[0]);
	__u16 flags = 0;
	__u32 zero = 0;
	__u64 args[6];

	/* what nobody asks for, of either kind of program, ends here: no helper is called before */
	if (nr >= CALLS)
		return 0;
	wanted = bpf_map_lookup_elem(&wanted_calls, &zero);
	if (!wanted)
		return 0;
#if defined(__TARGET_ARCH_x86)
	if (!is_wanted(wanted->native, nr) && !is_wanted(wanted->compat, nr) && nr != I386_SOCKETCALL)
		return 0;
#else
	if (!is_wanted(wanted->native, nr))
		return 0;
#endif
	task = untracked(bpf_get_current_task_btf());
	regs = current_regs(bpf_get_current_task_btf());
#if defined(__TARGET_ARCH_x86)
	if (unlikely(in_compat(task))) {
		/* a tail call does not return when there is such a program */
		if (nr == I386_SOCKETCALL && (__u32)regs->bx < SOCKETCALLS)
			bpf_tail_call(ctx, &compat_programs, CALLS + (__u32)regs->bx);
		if (!is_wanted(wanted->compat, nr))
			return 0;
		bpf_tail_call(ctx, &compat_programs, nr);
		desc = &compat_calls[nr];
		args[0] = (__u32)regs->bx;
		args[1] = (__u32)regs->cx;
		args[2] = (__u32)regs->dx;
		args[3] = (__u32)regs->si;
		args[4] = (__u32)regs->di;
		args[5] = (__u32)regs->bp;
		flags = RECORD_COMPAT;
		/* the result is one of 32 bits */
		return report(task, PROG_all_syscalls, desc, args, (__s32)ctx->args[1], flags);
	}
#endif
	if (!is_wanted(wanted->native, nr))
		return 0;
	desc = &native_calls[nr];
	args[0] = ARG1(regs);
	args[1] = ARG2(regs);
	args[2] = ARG3(regs);
	args[3] = ARG4(regs);
	args[4] = ARG5(regs);
	args[5] = ARG6(regs);
	return report(task, PROG_all_syscalls, desc, args, ctx->args[1], flags);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* dup, dup2, dup3 at their exit tracepoints: both numbers stand for the same open file then. */
#include "guard.h"
#include "socket.h"

static __always_inline void add_file(struct scratch *s, struct prog_counters *st, struct ev_dup *e,
				     struct task_struct *task, struct file *file)
{
	struct inode *inode = FIELD(file, file, f_inode);

	e->i_mode = FIELD(inode, inode, i_mode);
	if ((e->i_mode & S_IFMT) == S_IFSOCK) {
		ADD_SOCKET_FACTS(s, e, file);
		return;
	}
	e->ino = FIELD(inode, inode, i_ino);
	e->dev = FIELD(super_block, FIELD(inode, inode, i_sb), s_dev);
	e->path_flags = PATH_KERNEL;
	put_file_path(s, st, &e->path, file, task, &e->path_flags);
}

static __always_inline __u16 guard_kind(struct file *file, __u64 socket)
{
	struct inode *inode = file ? FIELD(file, file, f_inode) : NULL;

	if (!inode || (FIELD(inode, inode, i_mode) & S_IFMT) == S_IFSOCK)
		return guard_family(socket);
	return SOCKET_FAMILY_NONE;
}

static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog, int oldfd,
				  int newfd, __u32 flags)
{
	struct file *file = file_of(task, ctx->ret);
	__u64 address = guard_socket(file);
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(ctx->ret) | (ctx->ret > 2 ? 3 : ctx->ret & 3) << DUP_SHAPE_RESULT_SHIFT |
			 guard_kind(file, address) << DUP_SHAPE_FAMILY_SHIFT,
		.file = address ? NULL : file,
		.sk = address,
		.has_ends = address != 0,
		NUMBERS([ARGUMENT_DUP_FLAGS] = flags),
	};
	BEGIN_GUARDED(ev_dup, task, id, prog, &in);

	e->res = ctx->ret;
	e->oldfd = oldfd;
	e->newfd = newfd;
	e->flags = flags;
	if (ctx->ret >= 0) {
		if (file)
			add_file(s, st, e, task, file);
		else /* closed by another thread in between */
			mark_partial(st, e);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int dup(int oldfd) */
SEC("tp/syscalls/sys_exit_dup")
int exit_dup(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, EVENT_dup, PROG_exit_dup, ARG1(regs), -1, 0);
}

/* int dup2(int oldfd, int newfd) */
SEC("tp/syscalls/sys_exit_dup2")
int exit_dup2(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, EVENT_dup2, PROG_exit_dup2, ARG1(regs), ARG2(regs), 0);
}

/* int dup3(int oldfd, int newfd, int flags) */
SEC("tp/syscalls/sys_exit_dup3")
int exit_dup3(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, EVENT_dup3, PROG_exit_dup3, ARG1(regs), ARG2(regs), ARG3(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

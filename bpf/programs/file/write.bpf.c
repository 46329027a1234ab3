// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Changes of file data through a descriptor, at the exit tracepoints. */
#include "guard.h"

static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, struct pt_regs *regs, __u16 id,
				  __u16 prog, int fd, __u64 size, __s64 pos, int fd_in)
{
	struct file *file = file_of(task, fd);
	struct inode *inode = file ? FIELD(file, file, f_inode) : NULL;
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(ctx->ret) | guard_file_kind(inode ? FIELD(inode, inode, i_mode) : 0) << WRITE_SHAPE_KIND_SHIFT,
		.file = file,
	};
	BEGIN_GUARDED(ev_write, task, id, prog, &in);

	e->res = ctx->ret;
	e->fd = fd;
	e->fd_in = fd_in;
	e->size = size;
	e->pos = pos;
	if (id != EVENT_ftruncate)
		e->buf = ARG2(regs);
	if (id == EVENT_copy_file_range) {
		e->off_out = ARG4(regs);
		e->copy_flags = ARG6(regs);
	}
	if (file) {
		e->ino = FIELD(inode, inode, i_ino);
		e->i_mode = FIELD(inode, inode, i_mode);
		struct super_block *sb = FIELD(inode, inode, i_sb);
		e->dev = FIELD(super_block, sb, s_dev);
		e->path_flags = PATH_KERNEL;
		put_file_path(s, st, &e->path, file, task, &e->path_flags);
	}
	if (fd_in >= 0) {
		file = file_of(task, fd_in);
		if (file)
			put_file_path(s, st, &e->path_in, file, task, &e->path_flags);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* ssize_t write(int fd, const void *buf, size_t count) */
SEC("tp/syscalls/sys_exit_write")
int exit_write(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, regs, EVENT_write, PROG_exit_write, ARG1(regs), ARG3(regs), -1, -1);
}

/* ssize_t writev(int fd, const struct iovec *iov, int iovcnt) */
SEC("tp/syscalls/sys_exit_writev")
int exit_writev(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, regs, EVENT_writev, PROG_exit_writev, ARG1(regs), ARG3(regs), -1, -1);
}

/* ssize_t pwrite64(int fd, const void *buf, size_t count, off_t offset) */
SEC("tp/syscalls/sys_exit_pwrite64")
int exit_pwrite64(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, regs, EVENT_pwrite64, PROG_exit_pwrite64, ARG1(regs), ARG3(regs),
		      LOFF(regs, ARG4, ARG5), -1);
}

/* int ftruncate(int fd, off_t length) */
SEC("tp/syscalls/sys_exit_ftruncate")
int exit_ftruncate(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, regs, EVENT_ftruncate, PROG_exit_ftruncate, ARG1(regs), LENGTH(regs), -1, -1);
}

/* ssize_t copy_file_range(int fd_in, off_t *off_in, int fd_out, off_t *off_out, size_t len, unsigned int flags) */
SEC("tp/syscalls/sys_exit_copy_file_range")
int exit_copy_file_range(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, regs, EVENT_copy_file_range, PROG_exit_copy_file_range, ARG3(regs), ARG5(regs), -1,
		      ARG1(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

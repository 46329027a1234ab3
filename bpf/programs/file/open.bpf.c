// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* open, creat, openat, openat2 at their exit tracepoints: result and kernel object are known, the arguments still there. */
#include "guard.h"

struct open_how_start {
	__u64 flags, mode, resolve;
};

/* The object behind the new descriptor, and the directory a relative name started from unless it follows from the path. */
static __always_inline void add_opened(struct scratch *s, struct prog_counters *st, struct ev_open *e,
				       struct task_struct *task, struct file *file, int dirfd)
{
	struct dentry *dentry;
	struct inode *inode;
	struct path start;
	__u32 flags = PATH_KERNEL;

	if (!file) { /* closed by another thread in between */
		st->helper_errors++;
		e->hdr.flags |= RECORD_PARTIAL;
		put_dir(s, st, &e->dir, &e->name, task, dirfd, &e->path_flags);
		return;
	}
	inode = FIELD(file, file, f_inode);
	e->ino = FIELD(inode, inode, i_ino);
	e->i_mode = FIELD(inode, inode, i_mode);
	e->dev = FIELD(super_block, FIELD(inode, inode, i_sb), s_dev);
	e->f_mode = FIELD(file, file, f_mode);
	dentry = FIELD(file, file, f_path.dentry);
	put_path(s, st, &e->path, FIELD(file, file, f_path.mnt), dentry, task, &flags);
	start = start_of(task, dirfd);
	if (start.dentry && FIELD(dentry, dentry, d_parent) == start.dentry &&
	    start.mnt == FIELD(file, file, f_path.mnt))
		e->path_flags = flags | PATH_IN_DIR;
	else {
		e->path_flags = flags;
		put_dir(s, st, &e->dir, &e->name, task, dirfd, &flags);
	}
}

static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog, int dirfd,
				  const void *name, __u32 flags, __u32 mode, __u32 resolve, __u32 how_size)
{
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(ctx->ret) | guard_open_shape(flags, mode),
		.name = { name },
		.dirfd = { dirfd },
		.file = file_of(task, ctx->ret),
	};

	if (in.file && (FIELD(inode, FIELD(file, in.file, f_inode), i_mode) & S_IFMT) == S_IFDIR)
		in.shape |= OPEN_SHAPE_DIRECTORY;
	BEGIN_GUARDED(ev_open, task, id, prog, &in);

	e->fd = ctx->ret;
	e->dirfd = dirfd;
	e->flags = flags;
	e->mode = mode;
	e->resolve = resolve;
	e->how_size = how_size;
	put_given(s, st, &e->name, name, 4096, 0);
	if (ctx->ret >= 0)
		add_opened(s, st, e, task, in.file, dirfd);
	else
		put_dir(s, st, &e->dir, &e->name, task, dirfd, &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int open(const char *pathname, int flags, mode_t mode) */
SEC("tp/syscalls/sys_exit_open")
int exit_open(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, EVENT_open, PROG_exit_open, AT_FDCWD, (void *)ARG1(regs), ARG2(regs), ARG3(regs), 0,
		      0);
}

/* int creat(const char *pathname, mode_t mode) is open with O_CREAT|O_WRONLY|O_TRUNC */
SEC("tp/syscalls/sys_exit_creat")
int exit_creat(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, EVENT_creat, PROG_exit_creat, AT_FDCWD, (void *)ARG1(regs), 01101, ARG2(regs), 0,
		      0);
}

/* int openat(int dirfd, const char *pathname, int flags, mode_t mode) */
SEC("tp/syscalls/sys_exit_openat")
int exit_openat(struct sys_exit_ctx *ctx)
{
	CALLER;

	return report(ctx, task, EVENT_openat, PROG_exit_openat, ARG1(regs), (void *)ARG2(regs), ARG3(regs),
		      ARG4(regs), 0, 0);
}

/* int openat2(int dirfd, const char *pathname, struct open_how *how, size_t size) */
SEC("tp/syscalls/sys_exit_openat2")
int exit_openat2(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct open_how_start how = {};
	__u64 size = ARG4(regs);

	/* the kernel looks at none that is shorter */
	if (size >= sizeof(how))
		bpf_probe_read_user(&how, sizeof(how), (void *)ARG3(regs));
	return report(ctx, task, EVENT_openat2, PROG_exit_openat2, ARG1(regs), (void *)ARG2(regs), how.flags, how.mode,
		      how.resolve, size < ~0U ? size : ~0U);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

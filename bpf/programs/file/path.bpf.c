// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Calls that work on names: truncate, rename, unlink, link, symlink, chmod. When they return no kernel object is at hand
 * any more, so a record carries the names as given and the directories that relative ones start from.
 */
#include "guard.h"

#define BEGIN(type, id, prog, ...)											\
	struct guard_input in = { .event = id, __VA_ARGS__ };								\
	in.shape |= guard_outcome(ctx->ret);										\
	BEGIN_GUARDED(type, task, id, prog, &in);										\
	e->res = ctx->ret

/* A name as given, number `n` of the call's, and the directory it starts from when it is relative. */
#define PUT_NAME(name, dir, user, dirfd, n)									\
	put_given(s, st, &e->name, user, 4096, n);									\
	put_dir(s, st, &e->dir, &e->name, task, dirfd, &e->path_flags)

/* int truncate(const char *path, off_t length) */
SEC("tp/syscalls/sys_exit_truncate")
int exit_truncate(struct sys_exit_ctx *ctx)
{
	CALLER;
	BEGIN(ev_truncate, EVENT_truncate, PROG_exit_truncate, .name = { (void *)ARG1(regs) }, .dirfd = { AT_FDCWD });
	e->length = LENGTH(regs);
	PUT_NAME(name, dir, (void *)ARG1(regs), AT_FDCWD, 0);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* The two names of a rename or link with their directories. At full length all four would not fit: names are cut at 3,000
 * (schema/events/rename.ts). */
#define PUT_BOTH_NAMES                                                                       \
	do {                                                                                 \
		e->olddirfd = olddirfd;                                                      \
		e->newdirfd = newdirfd;                                                      \
		put_given(s, st, &e->oldpath, oldpath, 3000, 0);                             \
		put_dir(s, st, &e->olddir, &e->oldpath, task, olddirfd, &e->path_flags);     \
		put_given(s, st, &e->newpath, newpath, 3000, 1);                             \
		put_dir(s, st, &e->newdir, &e->newpath, task, newdirfd, &e->path_flags);     \
	} while (0)

static __always_inline int report_rename(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog,
					 int olddirfd, const void *oldpath, int newdirfd, const void *newpath,
					 __u32 flags)
{
	BEGIN(ev_rename, id, prog, .name = { oldpath, newpath }, .dirfd = { olddirfd, newdirfd },
	      NUMBERS([ARGUMENT_RENAME_FLAGS] = flags));
	e->flags = flags;
	PUT_BOTH_NAMES;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int rename(const char *oldpath, const char *newpath) */
SEC("tp/syscalls/sys_exit_rename")
int exit_rename(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_rename(ctx, task, EVENT_rename, PROG_exit_rename, AT_FDCWD, (void *)ARG1(regs), AT_FDCWD,
			     (void *)ARG2(regs), 0);
}

/* int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath) */
SEC("tp/syscalls/sys_exit_renameat")
int exit_renameat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_rename(ctx, task, EVENT_renameat, PROG_exit_renameat, ARG1(regs), (void *)ARG2(regs), ARG3(regs),
			     (void *)ARG4(regs), 0);
}

/* int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags) */
SEC("tp/syscalls/sys_exit_renameat2")
int exit_renameat2(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_rename(ctx, task, EVENT_renameat2, PROG_exit_renameat2, ARG1(regs), (void *)ARG2(regs),
			     ARG3(regs), (void *)ARG4(regs), ARG5(regs));
}

static __always_inline int report_unlink(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog,
					 int dirfd, const void *name, __u32 flags)
{
	BEGIN(ev_unlink, id, prog, .name = { name }, .dirfd = { dirfd }, NUMBERS([ARGUMENT_UNLINK_FLAGS] = flags));
	e->dirfd = dirfd;
	e->flags = flags;
	PUT_NAME(name, dir, name, dirfd, 0);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int unlink(const char *pathname) */
SEC("tp/syscalls/sys_exit_unlink")
int exit_unlink(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_unlink(ctx, task, EVENT_unlink, PROG_exit_unlink, AT_FDCWD, (void *)ARG1(regs), 0);
}

/* int unlinkat(int dirfd, const char *pathname, int flags) */
SEC("tp/syscalls/sys_exit_unlinkat")
int exit_unlinkat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_unlink(ctx, task, EVENT_unlinkat, PROG_exit_unlinkat, ARG1(regs), (void *)ARG2(regs), ARG3(regs));
}

/* int rmdir(const char *pathname) */
SEC("tp/syscalls/sys_exit_rmdir")
int exit_rmdir(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_unlink(ctx, task, EVENT_rmdir, PROG_exit_rmdir, AT_FDCWD, (void *)ARG1(regs), 0);
}

static __always_inline int report_link(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog,
				       int olddirfd, const void *oldpath, int newdirfd, const void *newpath,
				       __u32 flags)
{
	BEGIN(ev_link, id, prog, .name = { oldpath, newpath }, .dirfd = { olddirfd, newdirfd },
	      NUMBERS([ARGUMENT_LINK_FLAGS] = flags));
	e->flags = flags;
	PUT_BOTH_NAMES;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int link(const char *oldpath, const char *newpath) */
SEC("tp/syscalls/sys_exit_link")
int exit_link(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_link(ctx, task, EVENT_link, PROG_exit_link, AT_FDCWD, (void *)ARG1(regs), AT_FDCWD,
			   (void *)ARG2(regs), 0);
}

/* int linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags) */
SEC("tp/syscalls/sys_exit_linkat")
int exit_linkat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_link(ctx, task, EVENT_linkat, PROG_exit_linkat, ARG1(regs), (void *)ARG2(regs), ARG3(regs),
			   (void *)ARG4(regs), ARG5(regs));
}

static __always_inline int report_symlink(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog,
					  const void *target, int linkdirfd, const void *linkpath)
{
	/* The target is no name of an object yet: its text is asked for, and to take it for one as well does no harm. */
	BEGIN(ev_symlink, id, prog, .name = { linkpath, target }, .dirfd = { linkdirfd, AT_FDCWD });
	e->linkdirfd = linkdirfd;
	put_given(s, st, &e->target, target, 4096, 0);
	PUT_NAME(linkpath, dir, linkpath, linkdirfd, 1);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int symlink(const char *target, const char *linkpath) */
SEC("tp/syscalls/sys_exit_symlink")
int exit_symlink(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_symlink(ctx, task, EVENT_symlink, PROG_exit_symlink, (void *)ARG1(regs), AT_FDCWD,
			      (void *)ARG2(regs));
}

/* int symlinkat(const char *target, int newdirfd, const char *linkpath) */
SEC("tp/syscalls/sys_exit_symlinkat")
int exit_symlinkat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_symlink(ctx, task, EVENT_symlinkat, PROG_exit_symlinkat, (void *)ARG1(regs), ARG2(regs),
			      (void *)ARG3(regs));
}

static __always_inline __u16 sets_id(__u32 mode)
{
	return mode & (S_ISUID | S_ISGID) ? NAME_SHAPE_SETS_ID : 0;
}

static __always_inline int report_chmod(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog,
					int dirfd, const void *name, __u32 mode, __u32 flags)
{
	BEGIN(ev_chmod, id, prog, .shape = sets_id(mode), .name = { name }, .dirfd = { dirfd },
	      NUMBERS([ARGUMENT_CHMOD_FLAGS] = flags));
	e->dirfd = dirfd;
	e->fd = -1;
	e->mode = mode;
	e->flags = flags;
	PUT_NAME(filename, dir, name, dirfd, 0);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int chmod(const char *pathname, mode_t mode) */
SEC("tp/syscalls/sys_exit_chmod")
int exit_chmod(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_chmod(ctx, task, EVENT_chmod, PROG_exit_chmod, AT_FDCWD, (void *)ARG1(regs), ARG2(regs), 0);
}

/* int fchmodat(int dirfd, const char *pathname, mode_t mode) */
SEC("tp/syscalls/sys_exit_fchmodat")
int exit_fchmodat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_chmod(ctx, task, EVENT_fchmodat, PROG_exit_fchmodat, ARG1(regs), (void *)ARG2(regs), ARG3(regs),
			    0);
}

/* int fchmodat2(int dirfd, const char *pathname, mode_t mode, unsigned int flags) */
SEC("tp/syscalls/sys_exit_fchmodat2")
int exit_fchmodat2(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report_chmod(ctx, task, EVENT_fchmodat2, PROG_exit_fchmodat2, ARG1(regs), (void *)ARG2(regs), ARG3(regs),
			    ARG4(regs));
}

/* int fchmod(int fd, mode_t mode) */
SEC("tp/syscalls/sys_exit_fchmod")
int exit_fchmod(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct file *file = file_of(task, ARG1(regs));
	BEGIN(ev_chmod, EVENT_fchmod, PROG_exit_fchmod, .shape = sets_id(ARG2(regs)), .file = file);
	e->dirfd = AT_FDCWD;
	e->fd = ARG1(regs);
	e->mode = ARG2(regs);
	if (file) {
		e->path_flags = PATH_KERNEL;
		put_file_path(s, st, &e->path, file, task, &e->path_flags);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What Tracee's users know as security_inode_* and security_sb_mount, at the exits of the calls that lead there. */
#include "guard.h"

#define AT_REMOVEDIR 0x200
/* include/uapi/linux/mount.h */
#define MS_MGC_VAL 0xC0ED0000U
#define MS_MGC_MSK 0xffff0000U
#define ENDED                                                                                                          \
	submit(s, st, &ring_bulk, RING_BULK);                                                                          \
	return 0

#define PUT_NAME(name, dir, from, dirfd, max, n)                                                                       \
	put_given(s, st, &e->name, (void *)(from), max, n);                                                            \
	put_dir(s, st, &e->dir, &e->name, task, dirfd, &e->path_flags)

static __always_inline int unlinked(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 prog, int dirfd, __u64 name)
{
	if (ctx->ret)
		return 0;
	BEGIN_EVENT(security_inode_unlink, task, prog, .name = { (void *)name }, .dirfd = { dirfd });
	PUT_NAME(pathname, dir, name, dirfd, 4096, 0);
	ENDED;
}

/* int unlink(const char *pathname) */
SEC("tp/syscalls/sys_exit_unlink")
int inode_unlink_unlink(struct sys_exit_ctx *ctx)
{
	CALLER;
	return unlinked(ctx, task, PROG_inode_unlink_unlink, AT_FDCWD, ARG1(regs));
}

/* int unlinkat(int dirfd, const char *pathname, int flags): with AT_REMOVEDIR it is rmdir */
SEC("tp/syscalls/sys_exit_unlinkat")
int inode_unlink_unlinkat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return ARG3(regs) & AT_REMOVEDIR ? 0 : unlinked(ctx, task, PROG_inode_unlink_unlinkat, ARG1(regs), ARG2(regs));
}

static __always_inline int made_node(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 prog, int dirfd, __u64 name, __u32 mode, __u32 dev)
{
	/* what makes a regular file by this call is as good as creat */
	if (ctx->ret || (mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == 0)
		return 0;
	BEGIN_EVENT(security_inode_mknod, task, prog, .name = { (void *)name }, .dirfd = { dirfd });
	e->mode = mode;
	/* new_decode_dev() */
	e->dev = (dev & 0xfff00) >> 8 << 20 | (dev & 0xff) | (dev >> 12 & 0xfff00);
	PUT_NAME(file_name, dir, name, dirfd, 4096, 0);
	ENDED;
}

/* int mknod(const char *pathname, mode_t mode, dev_t dev) */
SEC("tp/syscalls/sys_exit_mknod")
int inode_mknod_mknod(struct sys_exit_ctx *ctx)
{
	CALLER;
	return made_node(ctx, task, PROG_inode_mknod_mknod, AT_FDCWD, ARG1(regs), ARG2(regs), ARG3(regs));
}

/* int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev) */
SEC("tp/syscalls/sys_exit_mknodat")
int inode_mknod_mknodat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return made_node(ctx, task, PROG_inode_mknod_mknodat, ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs));
}

static __always_inline int made_symlink(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 prog, __u64 target, int dirfd, __u64 link)
{
	if (ctx->ret)
		return 0;
	/* the target is text: see report_symlink in path.bpf.c */
	BEGIN_EVENT(security_inode_symlink, task, prog, .name = { (void *)link, (void *)target },
		    .dirfd = { dirfd, AT_FDCWD });
	put_given(s, st, &e->target, (void *)target, 4096, 0);
	PUT_NAME(linkpath, dir, link, dirfd, 4096, 1);
	ENDED;
}

/* int symlink(const char *target, const char *linkpath) */
SEC("tp/syscalls/sys_exit_symlink")
int inode_symlink_symlink(struct sys_exit_ctx *ctx)
{
	CALLER;
	return made_symlink(ctx, task, PROG_inode_symlink_symlink, ARG1(regs), AT_FDCWD, ARG2(regs));
}

/* int symlinkat(const char *target, int newdirfd, const char *linkpath) */
SEC("tp/syscalls/sys_exit_symlinkat")
int inode_symlink_symlinkat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return made_symlink(ctx, task, PROG_inode_symlink_symlinkat, ARG1(regs), ARG2(regs), ARG3(regs));
}

static __always_inline int renamed(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 prog, int olddirfd, __u64 old, int newdirfd, __u64 new)
{
	if (ctx->ret)
		return 0;
	BEGIN_EVENT(security_inode_rename, task, prog, .name = { (void *)old, (void *)new },
		    .dirfd = { olddirfd, newdirfd });
	PUT_NAME(old_path, old_dir, old, olddirfd, 3000, 0);
	PUT_NAME(new_path, new_dir, new, newdirfd, 3000, 1);
	ENDED;
}

/* int rename(const char *oldpath, const char *newpath) */
SEC("tp/syscalls/sys_exit_rename")
int inode_rename_rename(struct sys_exit_ctx *ctx)
{
	CALLER;
	return renamed(ctx, task, PROG_inode_rename_rename, AT_FDCWD, ARG1(regs), AT_FDCWD, ARG2(regs));
}

/* int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath) */
SEC("tp/syscalls/sys_exit_renameat")
int inode_rename_renameat(struct sys_exit_ctx *ctx)
{
	CALLER;
	return renamed(ctx, task, PROG_inode_rename_renameat, ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs));
}

/* int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags) */
SEC("tp/syscalls/sys_exit_renameat2")
int inode_rename_renameat2(struct sys_exit_ctx *ctx)
{
	CALLER;
	return renamed(ctx, task, PROG_inode_rename_renameat2, ARG1(regs), ARG2(regs), ARG3(regs), ARG4(regs));
}

/* int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data) */
SEC("tp/syscalls/sys_exit_mount")
int sb_mount_mount(struct sys_exit_ctx *ctx)
{
	CALLER;
	__u32 flags = ARG4(regs);

	/* the kernel passes over what programs of old put there */
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	BEGIN_EVENT(security_sb_mount, task, PROG_sb_mount_mount, .shape = guard_outcome(ctx->ret),
		    .name = { (void *)ARG2(regs) }, .dirfd = { AT_FDCWD },
		    NUMBERS([ARGUMENT_SECURITY_SB_MOUNT_FLAGS] = flags));
	e->res = ctx->ret;
	e->flags = flags;
	if (ARG1(regs))
		put_user_str(s, st, &e->dev_name, (void *)ARG1(regs), 3000);
	if (ARG3(regs))
		put_user_str(s, st, &e->type, (void *)ARG3(regs), 256);
	PUT_NAME(path, dir, ARG2(regs), AT_FDCWD, 3000, 0);
	ENDED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

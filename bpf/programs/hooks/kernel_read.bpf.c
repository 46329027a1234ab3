// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Files that the kernel reads for itself because a process asked for it, at the exits of the calls that lead there. What
 * Tracee's users know as security_kernel_read_file and security_kernel_post_read_file.
 */
#include "guard.h"
#include "inode.h"

/* enum kernel_read_file_id (include/linux/kernel_read_file.h) */
#define READING_MODULE 2
#define READING_KEXEC_IMAGE 3
#define READING_KEXEC_INITRAMFS 4
/* include/uapi/linux/kexec.h */
#define KEXEC_FILE_UNLOAD 1
#define KEXEC_FILE_NO_INITRAMFS 4

/* The caller had no right, no file, or asked for nonsense: then nothing was read. */
static __always_inline bool was_read(struct sys_exit_ctx *ctx)
{
	return ctx->ret != -EPERM && ctx->ret != -EBADF && ctx->ret != -EINVAL && ctx->ret != -EBUSY;
}

static __always_inline int begins(__u16 prog, int fd, __s32 type)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct file *file = file_of(task, fd);

	if (!file)
		return 0;
	BEGIN_EVENT(security_kernel_read_file, task, prog, .file = file,
		    NUMBERS([ARGUMENT_SECURITY_KERNEL_READ_FILE_TYPE] = type));
	e->type = type;
	e->ctime = inode_ctime(FIELD(file, file, f_inode));
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int ended(__u16 prog, int fd, __s32 type)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct file *file = file_of(task, fd);

	if (!file)
		return 0;
	BEGIN_EVENT(security_kernel_post_read_file, task, prog, .file = file,
		    NUMBERS([ARGUMENT_SECURITY_KERNEL_POST_READ_FILE_TYPE] = type));
	e->type = type;
	e->size = FIELD(inode, FIELD(file, file, f_inode), i_size);
	e->path_flags = PATH_KERNEL;
	put_file_path(s, st, &e->pathname, file, task, &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int finit_module(int fd, const char *param_values, int flags) */
#define MODULE(name, report)                                                                                           \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		struct pt_regs *regs = current_regs(bpf_get_current_task_btf());                                       \
                                                                                                                       \
		return was_read(ctx) ? report(PROG_##name, ARG1(regs), READING_MODULE) : 0;                            \
	}

/* int kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len, const char *cmdline, unsigned long flags) */
#define KEXEC(name, report)                                                                                            \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		struct pt_regs *regs = current_regs(bpf_get_current_task_btf());                                       \
		__u64 flags = ARG5(regs);                                                                              \
                                                                                                                       \
		if (!was_read(ctx) || flags & KEXEC_FILE_UNLOAD)                                                       \
			return 0;                                                                                      \
		report(PROG_##name, ARG1(regs), READING_KEXEC_IMAGE);                                                  \
		if (!(flags & KEXEC_FILE_NO_INITRAMFS))                                                                \
			report(PROG_##name, ARG2(regs), READING_KEXEC_INITRAMFS);                                      \
		return 0;                                                                                              \
	}

SEC("tp/syscalls/sys_exit_finit_module")
MODULE(kernel_read_finit_module, begins)
SEC("tp/syscalls/sys_exit_finit_module")
MODULE(kernel_post_read_finit_module, ended)
SEC("tp/syscalls/sys_exit_kexec_file_load")
KEXEC(kernel_read_kexec_file_load, begins)
SEC("tp/syscalls/sys_exit_kexec_file_load")
KEXEC(kernel_post_read_kexec_file_load, ended)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What Tracee's users know as security_file_open, security_bprm_check, vfs_write and vfs_writev. */
#include "guard.h"
#include "inode.h"
#include "uring.h"

#define O_LARGEFILE 0100000
/* O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC: the kernel forgets them when the file is open. */
#define O_ONCE 01700

/* `asked`: flags that the call was given. */
static __always_inline int opened(__u16 prog, struct task_struct *task, struct file *file, int syscall, __u32 asked)
{
	__u32 flags;

	if (!file)
		return 0;
	flags = (FIELD(file, file, f_flags) & ~O_LARGEFILE) | (asked & O_ONCE);
	/* such a descriptor stands for a path: nothing is opened, and nobody asked */
	if (flags & O_PATH)
		return 0;
	BEGIN_EVENT(security_file_open, task, prog, .file = file,
		    NUMBERS([ARGUMENT_SECURITY_FILE_OPEN_FLAGS] = flags, [ARGUMENT_SECURITY_FILE_OPEN_SYSCALL] = syscall));
	e->flags = flags;
	if (syscall < 0)
		e->hdr.flags |= RECORD_IO_URING;
	e->syscall = syscall;
	e->ctime = inode_ctime(FIELD(file, file, f_inode));
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

struct open_how {
	__u64 flags, mode, resolve;
};

/* Flags that openat2 was given; the kernel looks at no structure that is shorter. */
static __always_inline __u32 flags_of_how(struct pt_regs *regs)
{
	struct open_how how = {};

	if (ARG4(regs) >= sizeof(how))
		bpf_probe_read_user(&how, sizeof(how), (void *)ARG3(regs));
	return how.flags;
}

/* Exits of the calls that open files: the new descriptor is the result. */
#define OPENED(name, asked)                                                                                            \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		CALLER;                                                                                                \
                                                                                                                       \
		return opened(PROG_##name, task, file_of(task, ctx->ret), SYSCALL_NR(regs), asked);                    \
	}

SEC("tp/syscalls/sys_exit_open")
OPENED(file_open_open, ARG2(regs))
SEC("tp/syscalls/sys_exit_creat")
OPENED(file_open_creat, O_CREAT | O_TRUNC)
SEC("tp/syscalls/sys_exit_openat")
OPENED(file_open_openat, ARG3(regs))
SEC("tp/syscalls/sys_exit_openat2")
OPENED(file_open_openat2, flags_of_how(regs))
SEC("tp/syscalls/sys_exit_open_by_handle_at")
OPENED(file_open_open_by_handle_at, ARG3(regs))

struct io_open {
	__u32 file_slot;
	struct open_how how;
} __core;

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int hook_file_open_uring(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);

	struct task_struct *task = uring_task(&op);
	struct file *file;

	if ((op.code != OP_OPENAT && op.code != OP_OPENAT2) || op.res < 0)
		return 0;
	file = uring_made(&op, task, FIELD(io_open, op.request, file_slot));
	return opened(PROG_hook_file_open_uring, task, file, -1, FIELD(io_open, op.request, how.flags));
}

/* void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm) */
SEC("tp_btf/sched_process_exec")
int hook_bprm_check(__u64 *ctx)
{
	struct task_struct *task = untracked((struct task_struct *)ctx[0]);
	struct mm_struct *mm = task->mm;
	struct file *file = mm ? mm->exe_file : NULL;

	if (!file)
		return 0;
	/* whether the event of the exec comes before or after is not known here */
	BEGIN_EVENT(security_bprm_check, task, PROG_hook_bprm_check, .file = file, .nobody = true);
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* Where a write began: the file's position has moved on by what was written. */
static __always_inline __s64 began_at(struct file *file, __s64 written)
{
	__s64 pos = FIELD(file, file, f_pos);

	return pos < written ? -1 : pos - written;
}

/* The same of a write that says where: what is appended goes to the end all the same, wherever that was. */
static __always_inline __s64 placed_at(struct file *file, __s64 said, __u32 rw_flags, __s64 written)
{
	if (!appends(file, rw_flags))
		return said == -1 ? began_at(file, written) : said;
	return is_all_of(file, written) ? 0 : -1;
}

#define NUMBER_OF_vfs_write ARGUMENT_VFS_WRITE_COUNT
#define NUMBER_OF_vfs_writev ARGUMENT_VFS_WRITEV_VLEN
#define WRITTEN(name, type, count_field, position)                                                                     \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		CALLER;                                                                                                \
		struct file *file = file_of(task, ARG1(regs));                                                         \
                                                                                                                       \
		if (ctx->ret < 0 || !file)                                                                             \
			return 0;                                                                                      \
		BEGIN_EVENT(type, task, PROG_##name, .file = file, NUMBERS([NUMBER_OF_##type] = ARG3(regs)));          \
		e->count_field = ARG3(regs);                                                                           \
		e->pos = position;                                                                                     \
		PUT_FILE(s, st, e, task, file);                                                                        \
		submit(s, st, &ring_bulk, RING_BULK);                                                                  \
		return 0;                                                                                              \
	}

SEC("tp/syscalls/sys_exit_write")
WRITTEN(vfs_write_write, vfs_write, count, began_at(file, ctx->ret))
SEC("tp/syscalls/sys_exit_pwrite64")
WRITTEN(vfs_write_pwrite64, vfs_write, count, placed_at(file, LOFF(regs, ARG4, ARG5), 0, ctx->ret))
SEC("tp/syscalls/sys_exit_writev")
WRITTEN(vfs_writev_writev, vfs_writev, vlen, began_at(file, ctx->ret))
SEC("tp/syscalls/sys_exit_pwritev")
WRITTEN(vfs_writev_pwritev, vfs_writev, vlen, placed_at(file, LOFF(regs, ARG4, ARG5), 0, ctx->ret))
SEC("tp/syscalls/sys_exit_pwritev2")
WRITTEN(vfs_writev_pwritev2, vfs_writev, vlen,
	placed_at(file, LOFF(regs, ARG4, ARG5), ARG6(regs), ctx->ret))

char LICENSE[] SEC("license") = "Dual BSD/GPL";

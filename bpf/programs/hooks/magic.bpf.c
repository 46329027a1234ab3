// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The first bytes of files that are written, at the exits of the calls that write. */
#include "guard.h"
#include "inode.h"
#include "uring.h"

#define MAGIC_MAX 32

struct iovec {
#ifdef TARSIER_COMPAT
	__u32 base, len;
#else
	__u64 base, len;
#endif
};

/* Is this regular file written from its beginning? pos: where the call says, or -1 for the position of the file. */
static __always_inline bool is_beginning(struct file *file, __s64 written, __s64 pos)
{
	struct inode *inode = FIELD(file, file, f_inode);

	if (written <= 0 || (FIELD(inode, inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	return pos < 0 ? FIELD(file, file, f_pos) == written : pos == 0;
}

/* The record of a write of `written` bytes, the first of which lie at a user address. */
static __always_inline int report_bytes(__u16 prog, struct task_struct *task, struct file *file, __u64 from, __s64 written,
					__u16 flags)
{
	__u32 at, len = written > MAGIC_MAX ? MAGIC_MAX : written;
	BEGIN_EVENT(magic_write, task, prog, .file = file);

	e->hdr.flags |= flags;
	at = s->pos;
	barrier_var(at);
	barrier_var(len);
	if (at <= RECORD_MAX - 64 && len <= MAGIC_MAX) {
		if (bpf_probe_read_user(&s->data[at], len, (void *)from)) {
			mark_partial(st, e);
		} else {
			e->bytes.off = at;
			e->bytes.len = len;
			e->bytes.total = len;
			s->pos = at + PAD8(len);
		}
	}
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int report(struct sys_exit_ctx *ctx, __u16 prog, int fd, __u64 from, __s64 pos)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct file *file = file_of(task, fd);

	return file && is_beginning(file, ctx->ret, pos) ? report_bytes(prog, task, file, from, ctx->ret, 0) : 0;
}

/* The first buffer that is not empty; others hold what follows. */
static __always_inline __u64 first_buffer(__u64 vector)
{
	struct iovec iov[2] = {};

	bpf_probe_read_user(iov, sizeof(iov[0]), (void *)vector);
	if (iov[0].len == 0)
		bpf_probe_read_user(&iov[1], sizeof(iov[1]), (void *)vector + sizeof(iov[0]));
	return iov[0].len ? iov[0].base : iov[1].base;
}

#define MAGIC(name, from, pos)                                                                                         \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		struct pt_regs *regs = current_regs(bpf_get_current_task_btf());                                       \
                                                                                                                       \
		return report(ctx, PROG_##name, ARG1(regs), from, pos);                                                \
	}

/* ssize_t write(int fd, const void *buf, size_t count), pwrite64(..., off_t offset) */
SEC("tp/syscalls/sys_exit_write")
MAGIC(magic_write_write, ARG2(regs), -1)
SEC("tp/syscalls/sys_exit_pwrite64")
MAGIC(magic_write_pwrite64, ARG2(regs), LOFF(regs, ARG4, ARG5))
/* ssize_t writev(int fd, const struct iovec *iov, int iovcnt), pwritev(..., off_t offset), pwritev2(..., int flags) */
SEC("tp/syscalls/sys_exit_writev")
MAGIC(magic_write_writev, first_buffer(ARG2(regs)), -1)
SEC("tp/syscalls/sys_exit_pwritev")
MAGIC(magic_write_pwritev, first_buffer(ARG2(regs)), LOFF(regs, ARG4, ARG5))
SEC("tp/syscalls/sys_exit_pwritev2")
MAGIC(magic_write_pwritev2, first_buffer(ARG2(regs)), LOFF(regs, ARG4, ARG5))

struct kiocb {
	__s64 ki_pos;
} __core;
struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
} __core;

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...): the position has moved on by what was written */
SEC("tp_btf/io_uring_complete")
int hook_magic_write_uring(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);
	bool vector = op.code == OP_WRITEV;
	struct file *file;
	__u64 from;

	if (!vector && op.code != OP_WRITE && op.code != OP_WRITE_FIXED)
		return 0;
	file = FIELD(io_kiocb, op.request, file);
	if (!file || !is_beginning(file, op.res, FIELD(io_rw, op.request, kiocb.ki_pos) - op.res))
		return 0;
	from = FIELD(io_rw, op.request, addr);
	return report_bytes(PROG_hook_magic_write_uring, uring_task(&op), file, vector ? first_buffer(from) : from, op.res,
			    RECORD_IO_URING);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

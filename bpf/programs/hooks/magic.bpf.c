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

/* Was anything written, and to a regular file? */
static __always_inline bool is_written(struct file *file, __s64 written)
{
	struct inode *inode = FIELD(file, file, f_inode);

	return written > 0 && (FIELD(inode, inode, i_mode) & S_IFMT) == S_IFREG;
}

/* From its beginning? pos: where the call says, or -1 for the position of the file. */
static __always_inline bool is_beginning(struct file *file, __s64 written, __s64 pos, __u32 rw_flags)
{
	if (pos == -1)
		return FIELD(file, file, f_pos) == written;
	return appends(file, rw_flags) ? is_all_of(file, written) : pos == 0;
}

/* Where the written bytes lie in memory of the caller: in one buffer, or in those of a vector. */
struct source {
	__u64 at;
	__u64 count; /* buffers of the vector; 0 for a buffer */
};
#define BUFFER(address) ((struct source){ address, 0 })
#define VECTOR(address, n) ((struct source){ address, n })
/* Buffers of a vector that are looked at. */
#define BUFFERS_MAX 40

/* How far a vector has been followed. */
struct gathering {
	__u8 *to; /* room for MAGIC_MAX bytes, and as much behind it */
	__u64 vector, count;
	__u32 have, want;
};

static long gather(__u32 i, struct gathering *g)
{
	struct iovec iov = {};
	__u32 have = g->have, len;

	if (i >= g->count || have >= g->want)
		return 1;
	if (bpf_probe_read_user(&iov, sizeof(iov), (void *)(g->vector + i * sizeof(iov))))
		return 1;
	len = iov.len > g->want - have ? g->want - have : iov.len;
	barrier_var(have);
	barrier_var(len);
	if (have >= MAGIC_MAX || len > MAGIC_MAX)
		return 1;
	if (bpf_probe_read_user(&g->to[have], len, (void *)(__u64)iov.base))
		return 1;
	g->have = have + len;
	return 0;
}

/* Copy `want` bytes of them to `to`; how many there are. */
static __always_inline __u32 copy_from(__u8 *to, const struct source *from, __u32 want)
{
	struct gathering g = { .to = to, .vector = from->at, .count = from->count, .want = want };

	if (from->count == 0)
		return bpf_probe_read_user(to, want, (void *)from->at) ? 0 : want;
	bpf_loop(BUFFERS_MAX, gather, &g, 0);
	return g.have;
}

/* The record of a write of `written` bytes, which is not 0. */
static __always_inline int report_bytes(__u16 prog, struct task_struct *task, struct file *file, struct source from,
					__s64 written, __u16 flags)
{
	__u32 at, have, len = written > MAGIC_MAX ? MAGIC_MAX : written;
	BEGIN_EVENT(magic_write, task, prog, .file = file);

	e->hdr.flags |= flags;
	at = s->pos;
	barrier_var(at);
	barrier_var(len);
	if (at <= RECORD_MAX - 2 * MAGIC_MAX && len <= MAGIC_MAX) {
		have = copy_from(&s->data[at], &from, len);
		if (have < len)
			mark_partial(st, e);
		if (have > 0) {
			e->bytes.off = at;
			e->bytes.len = have;
			e->bytes.total = len;
			s->pos = at + PAD8(MAGIC_MAX);
		}
	}
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int report(struct sys_exit_ctx *ctx, __u16 prog, int fd, struct source from, __s64 pos, __u32 rw_flags)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct file *file = file_of(task, fd);

	if (!file || !is_written(file, ctx->ret) || !is_beginning(file, ctx->ret, pos, rw_flags))
		return 0;
	return report_bytes(prog, task, file, from, ctx->ret, 0);
}

#define MAGIC(name, from, pos, rw_flags)                                                                               \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		struct pt_regs *regs = current_regs(bpf_get_current_task_btf());                                       \
                                                                                                                       \
		return report(ctx, PROG_##name, ARG1(regs), from, pos, rw_flags);                                      \
	}

/* ssize_t write(int fd, const void *buf, size_t count), pwrite64(..., off_t offset) */
SEC("tp/syscalls/sys_exit_write")
MAGIC(magic_write_write, BUFFER(ARG2(regs)), -1, 0)
SEC("tp/syscalls/sys_exit_pwrite64")
MAGIC(magic_write_pwrite64, BUFFER(ARG2(regs)), LOFF(regs, ARG4, ARG5), 0)
/* ssize_t writev(int fd, const struct iovec *iov, int iovcnt), pwritev(..., off_t offset), pwritev2(..., int flags) */
SEC("tp/syscalls/sys_exit_writev")
MAGIC(magic_write_writev, VECTOR(ARG2(regs), ARG3(regs)), -1, 0)
SEC("tp/syscalls/sys_exit_pwritev")
MAGIC(magic_write_pwritev, VECTOR(ARG2(regs), ARG3(regs)), LOFF(regs, ARG4, ARG5), 0)
SEC("tp/syscalls/sys_exit_pwritev2")
MAGIC(magic_write_pwritev2, VECTOR(ARG2(regs), ARG3(regs)), LOFF(regs, ARG4, ARG5), ARG6(regs))

struct kiocb {
	__s64 ki_pos;
} __core;
struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
	__u32 len;
} __core;

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...): the position has moved on by what was written */
SEC("tp_btf/io_uring_complete")
int hook_magic_write_uring(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);
	bool vector = op.code == OP_WRITEV || op.code == OP_WRITEV_FIXED;
	struct source from = {};
	struct file *file;

	if (!vector && op.code != OP_WRITE && op.code != OP_WRITE_FIXED)
		return 0;
	file = FIELD(io_kiocb, op.request, file);
	if (!file || !is_written(file, op.res) || FIELD(io_rw, op.request, kiocb.ki_pos) != op.res)
		return 0;
	from.at = FIELD(io_rw, op.request, addr);
	if (vector)
		from.count = FIELD(io_rw, op.request, len);
	return report_bytes(PROG_hook_magic_write_uring, uring_task(&op), file, from, op.res, RECORD_IO_URING);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

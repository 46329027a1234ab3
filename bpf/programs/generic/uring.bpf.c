// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What io_uring does that has no program of its own for the syscall: told in the record of plain syscalls, with arguments in
 * the order of the call. Pointers that the kernel has copied from are gone, so that such an argument is 0.
 */
#include "uring.h"

#define FSYNC_DATASYNC 1

struct io_mkdir {
	int dfd;
	__u16 mode;
	struct filename *filename;
} __core;
struct io_close {
	int fd;
	__u32 file_slot;
} __core;
/* Also fallocate and sync_file_range. */
struct io_sync {
	__s64 len, off;
	int flags, mode;
} __core;
struct io_shutdown {
	int how;
} __core;
struct kernel_xattr_ctx {
	void *value;
	unsigned long size;
	void *kname;
	unsigned int flags;
} __core;
/* Its name until Linux 6.13. */
struct xattr_ctx {
	void *value;
	unsigned long size;
	void *kname;
	unsigned int flags;
} __core;
struct io_xattr {
	struct kernel_xattr_ctx ctx;
	struct filename *filename;
} __core;
struct io_xattr___old {
	struct xattr_ctx ctx;
	struct filename *filename;
} __core;
struct io_splice {
	__s64 off_out, off_in;
	__u64 len;
	int splice_fd_in;
	unsigned int flags;
} __core;
struct io_statx {
	int dfd;
	unsigned int mask, flags;
	struct filename *filename;
	void *buffer;
} __core;
struct io_epoll {
	int epfd, op, fd;
} __core;
struct io_madvise {
	__u64 addr, len;
	__u32 advice;
} __core;
struct io_fadvise {
	__u64 offset, len;
	__u32 advice;
} __core;
struct io_waitid {
	int which, upid, options;
	void *infop;
} __core;
struct io_pipe {
	void *fds;
	int flags, file_slot;
} __core;
struct io_rw {
	__u64 addr;
	__u32 len;
} __core;

/* The event of an operation that this program serves; 0 for others. */
static __always_inline __u16 call_event(const struct uring_op *op)
{
	switch (op->code) {
	case OP_FSYNC:
		return FIELD(io_sync, op->request, flags) & FSYNC_DATASYNC ? EVENT_fdatasync : EVENT_fsync;
	case OP_SYNC_FILE_RANGE:
		return EVENT_sync_file_range;
	case OP_FALLOCATE:
		return EVENT_fallocate;
	case OP_FADVISE:
		return EVENT_fadvise64;
	case OP_MADVISE:
		return EVENT_madvise;
	case OP_EPOLL_CTL:
		return EVENT_epoll_ctl;
	case OP_SPLICE:
		return EVENT_splice;
	case OP_TEE:
		return EVENT_tee;
	case OP_SHUTDOWN:
		return EVENT_shutdown;
	case OP_MKDIRAT:
		return EVENT_mkdirat;
	case OP_FSETXATTR:
		return EVENT_fsetxattr;
	case OP_SETXATTR:
		return EVENT_setxattr;
	case OP_FGETXATTR:
		return EVENT_fgetxattr;
	case OP_GETXATTR:
		return EVENT_getxattr;
	case OP_WAITID:
		return EVENT_waitid;
	case OP_PIPE:
		return EVENT_pipe2;
	}
	return 0;
}

static __always_inline bool on_xattr(__u8 code)
{
	return code >= OP_FSETXATTR && code <= OP_GETXATTR;
}

#define XATTR(request, field)                                                                                          \
	(bpf_core_type_exists(struct kernel_xattr_ctx) ? FIELD(io_xattr, request, field) :                             \
							 FIELD(io_xattr___old, request, field))

static __always_inline void keep_names(const struct uring_op *op)
{
	switch (op->code) {
	case OP_MKDIRAT:
		uring_keep_name(op, 0, FIELD(io_mkdir, op->request, filename));
		break;
	case OP_STATX:
		uring_keep_name(op, 0, FIELD(io_statx, op->request, filename));
		break;
	case OP_SETXATTR:
	case OP_GETXATTR:
		uring_keep_name(op, 0, XATTR(op->request, filename));
		break;
	}
	if (on_xattr(op->code))
		uring_keep_text(op, 1, XATTR(op->request, ctx.kname));
	uring_keep_fd(op);
}

/* Arguments of what works on a descriptor, which is the first of them. */
static __always_inline void add_numbers(struct ev_syscall *e, const struct uring_op *op)
{
	struct io_kiocb *r = op->request;

	switch (op->code) {
	case OP_FALLOCATE:
		e->arg1 = FIELD(io_sync, r, mode);
		e->arg2 = FIELD(io_sync, r, off);
		e->arg3 = FIELD(io_sync, r, len);
		break;
	case OP_SYNC_FILE_RANGE:
		e->arg1 = FIELD(io_sync, r, off);
		e->arg2 = FIELD(io_sync, r, len);
		e->arg3 = FIELD(io_sync, r, flags);
		break;
	case OP_FADVISE:
		e->arg1 = FIELD(io_fadvise, r, offset);
		e->arg2 = FIELD(io_fadvise, r, len);
		e->arg3 = FIELD(io_fadvise, r, advice);
		break;
	case OP_MADVISE:
		e->arg0 = FIELD(io_madvise, r, addr);
		e->arg1 = FIELD(io_madvise, r, len);
		e->arg2 = FIELD(io_madvise, r, advice);
		break;
	case OP_EPOLL_CTL:
		e->arg0 = FIELD(io_epoll, r, epfd);
		e->arg1 = FIELD(io_epoll, r, op);
		e->arg2 = FIELD(io_epoll, r, fd);
		break;
	case OP_SPLICE:
		e->arg2 = e->arg0;
		e->arg0 = FIELD(io_splice, r, splice_fd_in);
		e->arg4 = FIELD(io_splice, r, len);
		e->arg5 = FIELD(io_splice, r, flags);
		break;
	case OP_TEE:
		e->arg1 = e->arg0;
		e->arg0 = FIELD(io_splice, r, splice_fd_in);
		e->arg2 = FIELD(io_splice, r, len);
		e->arg3 = FIELD(io_splice, r, flags);
		break;
	case OP_SHUTDOWN:
		e->arg1 = FIELD(io_shutdown, r, how);
		break;
	case OP_WAITID:
		e->arg0 = FIELD(io_waitid, r, which);
		e->arg1 = FIELD(io_waitid, r, upid);
		e->arg2 = (__u64)FIELD(io_waitid, r, infop);
		e->arg3 = FIELD(io_waitid, r, options);
		break;
	}
}

/* The two descriptors that a pipe got, from the memory of the process. */
static __always_inline void add_pipe(struct scratch *s, struct prog_counters *st, struct ev_syscall *e,
				     const struct uring_op *op)
{
	__u32 pos = s->pos;

	e->arg0 = 0;
	e->arg1 = FIELD(io_pipe, op->request, flags);
	if (op->res < 0 || !op->complete || FIELD(io_pipe, op->request, file_slot))
		return;
	barrier_var(pos);
	if (pos > RECORD_MAX - 8 || bpf_probe_read_user(&s->data[pos], 8, FIELD(io_pipe, op->request, fds)))
		return mark_partial(st, e);
	e->copy0.off = pos;
	e->copy0.len = e->copy0.total = 8;
	s->pos = pos + 8;
}

static __always_inline int report_call(struct uring_op *op, __u16 id, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	bool named = op->code == OP_MKDIRAT || op->code == OP_SETXATTR || op->code == OP_GETXATTR;
	struct uring_text *name = named ? uring_text(op, 0) : NULL, *text = on_xattr(op->code) ? uring_text(op, 1) : NULL;
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(op->res),
		.name = { name ? (const char *)name->bytes : NULL },
		.dirfd = { op->code == OP_MKDIRAT ? FIELD(io_mkdir, r, dfd) : AT_FDCWD },
		.copied = true,
		.unnamed = named && !name,
	};
	BEGIN_URING(ev_syscall, task, id, prog, op, &in, name, text);

	e->res = op->res;
	e->arg0 = uring_fd(st, e, op);
	if (on_xattr(op->code)) {
		uring_put_name(s, st, op, 1, &e->copy1, 255);
		e->arg3 = XATTR(r, ctx.size);
		e->arg4 = XATTR(r, ctx.flags);
	}
	switch (op->code) {
	case OP_MKDIRAT:
		e->arg0 = FIELD(io_mkdir, r, dfd);
		e->arg2 = FIELD(io_mkdir, r, mode);
		uring_put_name(s, st, op, 0, &e->copy1, 3000);
		put_dir(s, st, &e->dir0, &e->copy1, task, e->arg0, &e->path_flags);
		break;
	case OP_SETXATTR:
	case OP_GETXATTR:
		e->arg0 = 0;
		uring_put_name(s, st, op, 0, &e->copy0, 3000);
		put_dir(s, st, &e->dir0, &e->copy0, task, AT_FDCWD, &e->path_flags);
		break;
	case OP_PIPE:
		add_pipe(s, st, e, op);
		break;
	default:
		add_numbers(e, op);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req): its arguments have been copied, nothing is done yet */
SEC("tp_btf/io_uring_submit_req")
int uring_call_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);
	__u16 id = call_event(&op);

	if (!id)
		return 0;
	keep_names(&op);
	return uring_reports(&op) ? report_call(&op, id, PROG_uring_call_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...): the result is in the request, too */
SEC("tp_btf/io_uring_complete")
int uring_call_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);
	__u16 id = call_event(&op);

	return id ? report_call(&op, id, PROG_uring_call_complete) : 0;
}

static __always_inline int report_stat(struct uring_op *op, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	struct uring_text *name = uring_text(op, 0);
	__s32 dirfd = FIELD(io_statx, r, dfd);
	struct guard_input in = {
		.event = EVENT_statx,
		.shape = guard_outcome(op->res),
		.name = { name ? (const char *)name->bytes : NULL },
		.dirfd = { dirfd },
		.copied = true,
		.unnamed = !name,
	};
	BEGIN_URING(ev_syscall, task, EVENT_statx, prog, op, &in, name, NULL);

	e->res = op->res;
	e->arg0 = dirfd;
	e->arg2 = FIELD(io_statx, r, flags);
	e->arg3 = FIELD(io_statx, r, mask);
	e->arg4 = (__u64)FIELD(io_statx, r, buffer);
	uring_put_name(s, st, op, 0, &e->copy1, 3000);
	put_dir(s, st, &e->dir0, &e->copy1, task, e->arg0, &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_stat_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);

	if (op.code != OP_STATX)
		return 0;
	keep_names(&op);
	return uring_reports(&op) ? report_stat(&op, PROG_uring_stat_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_stat_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);

	return op.code == OP_STATX ? report_stat(&op, PROG_uring_stat_complete) : 0;
}

static __always_inline int report_close(struct uring_op *op, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	struct guard_input in = { .event = EVENT_close, .shape = guard_outcome(op->res) };
	BEGIN_URING(ev_syscall, task, EVENT_close, prog, op, &in, NULL, NULL);

	e->res = op->res;
	e->arg0 = FIELD(io_close, r, file_slot) ? NO_DESCRIPTOR : FIELD(io_close, r, fd);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_close_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);

	return op.code == OP_CLOSE && uring_reports(&op) ? report_close(&op, PROG_uring_close_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_close_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);

	return op.code == OP_CLOSE ? report_close(&op, PROG_uring_close_complete) : 0;
}

static __always_inline __u16 read_event(__u8 code)
{
	switch (code) {
	case OP_READ:
	case OP_READ_FIXED:
		return EVENT_read;
	case OP_READV:
	case OP_READV_FIXED:
		return EVENT_readv;
	}
	return 0;
}

static __always_inline int report_read(struct uring_op *op, __u16 id, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	struct guard_input in = { .event = id, .shape = guard_outcome(op->res) };
	BEGIN_URING(ev_syscall, task, id, prog, op, &in, NULL, NULL);

	e->res = op->res;
	e->arg0 = uring_fd(st, e, op);
	e->arg1 = FIELD(io_rw, r, addr);
	e->arg2 = FIELD(io_rw, r, len);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_read_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);
	__u16 id = read_event(op.code);

	if (!id)
		return 0;
	uring_keep_fd(&op);
	return uring_reports(&op) ? report_read(&op, id, PROG_uring_read_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_read_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);
	__u16 id = read_event(op.code);

	return id ? report_read(&op, id, PROG_uring_read_complete) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

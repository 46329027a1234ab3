// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What io_uring does to files: open, unlink, rename, link, symlink, write, truncate. */
#include "uring.h"

#define O_LARGEFILE 0100000

struct open_how {
	__u64 flags, mode, resolve;
};
struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
} __core;
struct io_unlink {
	int dfd, flags;
	struct filename *filename;
} __core;
/* Also struct io_link, with the same names, for links. */
struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
} __core;
struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
} __core;
struct io_rw {
	__u64 addr;
	__u32 len;
} __core;
struct io_ftrunc {
	__s64 len;
} __core;

/*
 * The descriptor that a name starts from. Without the name the request was refused before the kernel had looked at all of it, and
 * what stands here may be another request's.
 */
#define NAMED_FROM(text, type, request, field) ((text) ? FIELD(type, request, field) : NO_DESCRIPTOR)

/* A name that was kept, for guards; without it nothing is known of the path. */
#define NAMED(text, from)                                                                                              \
	.name = { text ? (const char *)(text)->bytes : NULL }, .dirfd = { from }, .copied = true, .unnamed = !(text)

#define NAMED_TWICE(one, from, other, from_other)                                                                      \
	.name = { one ? (const char *)(one)->bytes : NULL, other ? (const char *)(other)->bytes : NULL },              \
	.dirfd = { from, from_other }, .copied = true, .unnamed = !(one) || !(other)

static __always_inline void add_opened(struct scratch *s, struct prog_counters *st, struct ev_open *e,
				       struct task_struct *task, struct file *file)
{
	struct inode *inode = FIELD(file, file, f_inode);

	e->ino = FIELD(inode, inode, i_ino);
	e->i_mode = FIELD(inode, inode, i_mode);
	e->dev = FIELD(super_block, FIELD(inode, inode, i_sb), s_dev);
	e->f_mode = FIELD(file, file, f_mode);
	e->path_flags = PATH_KERNEL;
	put_file_path(s, st, &e->path, file, task, &e->path_flags);
}

static __always_inline int report_open(struct uring_op *op, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	struct uring_text *name = uring_text(op, 0);
	__u32 slot = FIELD(io_open, r, file_slot);
	bool numbered = op->complete && slot == 0;
	__s32 fd = numbered || op->res < 0 ? op->res : NO_DESCRIPTOR, dirfd = NAMED_FROM(name, io_open, r, dfd);
	struct file *file = uring_made(op, task, slot);
	/* io_uring adds this one itself */
	__u32 flags = FIELD(io_open, r, how.flags) & ~O_LARGEFILE, mode = FIELD(io_open, r, how.mode), unused = 0;
	__u16 id = op->code == OP_OPENAT ? EVENT_openat : EVENT_openat2;
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(fd) | guard_open_shape(flags, mode),
		NAMED(name, dirfd),
		.file = file,
	};
	BEGIN_URING(ev_open, task, id, prog, op, &in, name, NULL);

	e->fd = fd;
	e->dirfd = dirfd;
	e->flags = flags;
	e->mode = mode;
	e->resolve = FIELD(io_open, r, how.resolve);
	uring_put_name(s, st, op, 0, &e->name, 4096);
	if (file)
		add_opened(s, st, e, task, file);
	else if (numbered && op->res >= 0) /* closed by another thread in between */
		mark_partial(st, e);
	put_dir(s, st, &e->dir, &e->name, task, e->dirfd, e->path.off ? &unused : &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req): its arguments have been copied, nothing is done yet */
SEC("tp_btf/io_uring_submit_req")
int uring_open_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);

	if (op.code != OP_OPENAT && op.code != OP_OPENAT2)
		return 0;
	uring_keep_name(&op, 0, FIELD(io_open, op.request, filename));
	return uring_reports(&op) ? report_open(&op, PROG_uring_open_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...): the result is in the request, too */
SEC("tp_btf/io_uring_complete")
int uring_open_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);

	if (op.code != OP_OPENAT && op.code != OP_OPENAT2)
		return 0;
	return report_open(&op, PROG_uring_open_complete);
}

static __always_inline int report_unlink(struct uring_op *op, __u16 prog)
{
	struct task_struct *task = uring_task(op);
	struct uring_text *name = uring_text(op, 0);
	__s32 dirfd = NAMED_FROM(name, io_unlink, op->request, dfd);
	__u32 flags = name ? FIELD(io_unlink, op->request, flags) : 0;
	struct guard_input in = {
		.event = EVENT_unlinkat,
		.shape = guard_outcome(op->res),
		NAMED(name, dirfd),
		NUMBERS([ARGUMENT_UNLINK_FLAGS] = flags),
	};
	BEGIN_URING(ev_unlink, task, EVENT_unlinkat, prog, op, &in, name, NULL);

	e->res = op->res;
	e->dirfd = dirfd;
	e->flags = flags;
	uring_put_name(s, st, op, 0, &e->name, 4096);
	put_dir(s, st, &e->dir, &e->name, task, e->dirfd, &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* Of struct io_rename or io_link. */
#define BEGIN_URING_TWO(record, type, id, prog, op, number)                                                            \
	struct task_struct *task = uring_task(op);                                                                     \
	struct uring_text *oldpath = uring_text(op, 0), *newpath = uring_text(op, 1);                                  \
	__s32 olddirfd = NAMED_FROM(oldpath, type, op->request, old_dfd);                                              \
	__s32 newdirfd = NAMED_FROM(newpath, type, op->request, new_dfd);                                              \
	struct guard_input in = {                                                                                      \
		.event = id,                                                                                           \
		.shape = guard_outcome(op->res),                                                                       \
		NAMED_TWICE(oldpath, olddirfd, newpath, newdirfd),                                                     \
		NUMBERS([number] = (__u32)FIELD(type, op->request, flags)),                                            \
	};                                                                                                             \
	BEGIN_URING(record, task, id, prog, op, &in, oldpath, newpath)

#define PUT_BOTH_NAMES(type)                                                                                           \
	e->res = op->res;                                                                                              \
	e->olddirfd = olddirfd;                                                                                        \
	e->newdirfd = newdirfd;                                                                                        \
	e->flags = FIELD(type, op->request, flags);                                                                    \
	uring_put_name(s, st, op, 0, &e->oldpath, 3000);                                                               \
	put_dir(s, st, &e->olddir, &e->oldpath, task, e->olddirfd, &e->path_flags);                                    \
	uring_put_name(s, st, op, 1, &e->newpath, 3000);                                                               \
	put_dir(s, st, &e->newdir, &e->newpath, task, e->newdirfd, &e->path_flags);                                    \
	submit(s, st, &ring_bulk, RING_BULK);                                                                          \
	return 0

static __always_inline int report_rename(struct uring_op *op, __u16 prog)
{
	BEGIN_URING_TWO(ev_rename, io_rename, EVENT_renameat2, prog, op, ARGUMENT_RENAME_FLAGS);
	PUT_BOTH_NAMES(io_rename);
}

static __always_inline int report_link(struct uring_op *op, __u16 prog)
{
	BEGIN_URING_TWO(ev_link, io_link, EVENT_linkat, prog, op, ARGUMENT_LINK_FLAGS);
	PUT_BOTH_NAMES(io_link);
}

static __always_inline int report_symlink(struct uring_op *op, __u16 prog)
{
	struct task_struct *task = uring_task(op);
	struct uring_text *target = uring_text(op, 0), *link = uring_text(op, 1);
	__s32 dirfd = NAMED_FROM(link, io_link, op->request, new_dfd);
	struct guard_input in = {
		.event = EVENT_symlinkat,
		.shape = guard_outcome(op->res),
		NAMED_TWICE(link, dirfd, target, AT_FDCWD),
	};
	BEGIN_URING(ev_symlink, task, EVENT_symlinkat, prog, op, &in, target, link);

	e->res = op->res;
	e->linkdirfd = dirfd;
	uring_put_name(s, st, op, 0, &e->target, 4096);
	uring_put_name(s, st, op, 1, &e->linkpath, 4096);
	put_dir(s, st, &e->dir, &e->linkpath, task, e->linkdirfd, &e->path_flags);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int report_name(struct uring_op *op, __u16 prog)
{
	switch (op->code) {
	case OP_UNLINKAT:
		return report_unlink(op, prog);
	case OP_RENAMEAT:
		return report_rename(op, prog);
	case OP_LINKAT:
		return report_link(op, prog);
	case OP_SYMLINKAT:
		return report_symlink(op, prog);
	}
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_name_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);

	switch (op.code) {
	case OP_UNLINKAT:
		uring_keep_name(&op, 0, FIELD(io_unlink, op.request, filename));
		break;
	case OP_RENAMEAT:
		uring_keep_name(&op, 0, FIELD(io_rename, op.request, oldpath));
		uring_keep_name(&op, 1, FIELD(io_rename, op.request, newpath));
		break;
	case OP_LINKAT:
	case OP_SYMLINKAT:
		uring_keep_name(&op, 0, FIELD(io_link, op.request, oldpath));
		uring_keep_name(&op, 1, FIELD(io_link, op.request, newpath));
		break;
	default:
		return 0;
	}
	return uring_reports(&op) ? report_name(&op, PROG_uring_name_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_name_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);

	return report_name(&op, PROG_uring_name_complete);
}

static __always_inline __u16 write_event(__u8 code)
{
	switch (code) {
	case OP_WRITE:
	case OP_WRITE_FIXED:
		return EVENT_write;
	case OP_WRITEV:
	case OP_WRITEV_FIXED:
		return EVENT_writev;
	case OP_FTRUNCATE:
		return EVENT_ftruncate;
	}
	return 0;
}

static __always_inline int report_write(struct uring_op *op, __u16 id, __u16 prog)
{
	struct file *file = FIELD(io_kiocb, op->request, file);
	struct inode *inode = file ? FIELD(file, file, f_inode) : NULL;
	struct task_struct *task = uring_task(op);
	struct guard_input in = {
		.event = id,
		.shape = guard_outcome(op->res) |
			 guard_file_kind(inode ? FIELD(inode, inode, i_mode) : 0) << WRITE_SHAPE_KIND_SHIFT,
		.file = inode ? file : NULL,
	};
	BEGIN_URING(ev_write, task, id, prog, op, &in, NULL, NULL);

	e->res = op->res;
	e->fd = uring_fd(st, e, op);
	e->fd_in = -1;
	e->pos = -1;
	if (id == EVENT_ftruncate) {
		e->size = FIELD(io_ftrunc, op->request, len);
	} else {
		e->size = FIELD(io_rw, op->request, len);
		e->buf = FIELD(io_rw, op->request, addr);
	}
	if (inode) {
		e->ino = FIELD(inode, inode, i_ino);
		e->i_mode = FIELD(inode, inode, i_mode);
		e->dev = FIELD(super_block, FIELD(inode, inode, i_sb), s_dev);
		e->path_flags = PATH_KERNEL;
		put_file_path(s, st, &e->path, file, task, &e->path_flags);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_write_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);
	__u16 id = write_event(op.code);

	if (!id)
		return 0;
	uring_keep_fd(&op);
	return uring_reports(&op) ? report_write(&op, id, PROG_uring_write_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_write_complete(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[1], true);
	__u16 id = write_event(op.code);

	return id ? report_write(&op, id, PROG_uring_write_complete) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

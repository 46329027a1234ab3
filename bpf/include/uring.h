/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Operations that io_uring carries out for a process: no syscall of their own, so they come from its tracepoints. When a
 * request is submitted, the kernel has copied the names and addresses it was given: they are kept until the request is
 * complete, which is when its result is known and these copies are gone. Both run in a thread of the process.
 */
#ifndef TARSIER_URING_H
#define TARSIER_URING_H

#include "path.h"

/* include/uapi/linux/io_uring.h */
#define OP_WRITEV 2
#define OP_WRITE_FIXED 5
#define OP_SENDMSG 9
#define OP_RECVMSG 10
#define OP_ACCEPT 13
#define OP_CONNECT 16
#define OP_OPENAT 18
#define OP_WRITE 23
#define OP_SEND 26
#define OP_RECV 27
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_SYMLINKAT 38
#define OP_LINKAT 39
#define OP_SOCKET 45
#define OP_SEND_ZC 47
#define OP_SENDMSG_ZC 48
#define OP_FTRUNCATE 55
#define OP_BIND 56
#define OP_LISTEN 57
#define OP_WRITEV_FIXED 61

/* Flags of a request (include/linux/io_uring_types.h); these are the bits that the caller sets in sqe->flags. */
#define REQ_FIXED_FILE (1U << 0)
#define REQ_CQE_SKIP (1U << 6)

/* Descriptor of a file that has none: it is in a table of the ring's own, or its number never became known. */
#define NO_DESCRIPTOR 0x7fffffff

struct io_cqe {
	__s32 res;
	int fd;
} __core;
struct io_uring_task {
	struct task_struct *task;
} __core;
struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags;
	struct io_cqe cqe;
	struct io_uring_task *tctx;
	void *async_data;
} __core;
struct filename {
	const char *name;
} __core;

/* What a request was given, by request and argument. */
struct uring_key {
	__u64 request;
	__u64 which;
};
struct uring_text {
	__u32 len;
	__s32 fd;
	__u8 bytes[4096];
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct uring_key);
	__type(value, struct uring_text);
} uring_texts SEC(".maps");

/* The descriptor that a request is about, by request. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __s32);
} uring_descriptors SEC(".maps");

/* The request of an operation that its submission or completion is about. */
struct uring_op {
	struct io_kiocb *request;
	__u32 flags;
	__s32 res;
	__u8 code;
	/* Only completion tells the result. Who asked for none on success gets none, and neither do we. */
	bool complete;
};

static __always_inline struct uring_op uring_op(struct io_kiocb *request, bool complete)
{
	struct uring_op op = { .request = request, .complete = complete };

	op.code = FIELD(io_kiocb, request, opcode);
	op.flags = FIELD(io_kiocb, request, flags);
	if (complete)
		op.res = FIELD(io_kiocb, request, cqe.res);
	return op;
}

/* Is this the moment to report it: when it is complete, or when nothing will say so? */
static __always_inline bool uring_reports(const struct uring_op *op)
{
	return op->complete || (op->flags & REQ_CQE_SKIP);
}

static __always_inline struct scratch *uring_scratch(void)
{
	struct scratch *s = scratch_at(0);

	return s ? s : scratch_at(1);
}

/* Keep a name that the kernel has copied. */
static __always_inline void uring_keep_name(const struct uring_op *op, __u64 which, struct filename *name)
{
	struct uring_key key = { (__u64)op->request, which };
	struct scratch *s = uring_scratch();
	struct uring_text *text;
	long n;

	if (!s)
		return;
	text = (struct uring_text *)s->data;
	n = bpf_probe_read_kernel_str(text->bytes, sizeof(text->bytes), FIELD(filename, name, name));
	if (n > 0) {
		text->len = n - 1;
		bpf_map_update_elem(&uring_texts, &key, text, BPF_ANY);
	}
	s->busy = 0;
}

static __always_inline struct uring_text *uring_text(const struct uring_op *op, __u64 which)
{
	struct uring_key key = { (__u64)op->request, which };

	return bpf_map_lookup_elem(&uring_texts, &key);
}

static __always_inline void uring_forget(const struct uring_op *op, __u64 which)
{
	struct uring_key key = { (__u64)op->request, which };

	bpf_map_delete_elem(&uring_texts, &key);
}

/* Append a name that was kept; without it the record is incomplete. */
static __always_inline void uring_put_name(struct scratch *s, struct prog_counters *st, const struct uring_op *op,
					   __u64 which, struct vl *v, const __u32 max)
{
	struct uring_text *text = uring_text(op, which);

	if (!text)
		return mark_partial(st, s->data);
	put_kernel_str(s, st, v, text->bytes, max);
	uring_forget(op, which);
}

/* Keep the descriptor: its place in the request is where the result will be. */
static __always_inline void uring_keep_fd(const struct uring_op *op)
{
	__u64 key = (__u64)op->request;
	__s32 fd = op->flags & REQ_FIXED_FILE ? NO_DESCRIPTOR : FIELD(io_kiocb, op->request, cqe.fd);

	bpf_map_update_elem(&uring_descriptors, &key, &fd, BPF_ANY);
}

static __always_inline __s32 uring_fd(const struct uring_op *op)
{
	__u64 key = (__u64)op->request;
	__s32 *kept = bpf_map_lookup_elem(&uring_descriptors, &key);
	__s32 fd = kept ? *kept : NO_DESCRIPTOR;

	if (kept)
		bpf_map_delete_elem(&uring_descriptors, &key);
	return fd;
}

/* The process that submitted the request; where types do not tell, the thread that is running. */
static __always_inline struct task_struct *uring_task(const struct uring_op *op)
{
	struct io_uring_task *owner;
	struct task_struct *task = NULL;

	if (have_rdonly_cast && bpf_core_field_exists(struct io_uring_task, task)) {
		owner = FIELD(io_kiocb, op->request, tctx);
		if (owner)
			task = FIELD(io_uring_task, owner, task);
		if (task)
			return bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
	}
	return untracked(bpf_get_current_task_btf());
}

/* Start of a record about an operation: declares task, st, s and e, or returns. An unknown result counts as success. */
#define BEGIN_URING(type, id, prog, op)                                                                                \
	struct task_struct *task = uring_task(op);                                                                     \
	struct prog_counters *st;                                                                                      \
	struct scratch *s = begin_bulk(prog, &st);                                                                     \
	BEGIN_RECORD(type, task, id, prog);                                                                            \
	e->hdr.flags |= RECORD_IO_URING | ((op)->complete ? 0 : RECORD_PARTIAL)

#endif

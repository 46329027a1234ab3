/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Operations that io_uring carries out for a process: no syscall of their own, so they come from its tracepoints. When a
 * request is submitted, the kernel has copied the names and addresses it was given: they are kept until the request is
 * complete, which is when its result is known and these copies are gone. Both run in a thread of the process.
 */
#ifndef TARSIER_URING_H
#define TARSIER_URING_H

#include "guard.h"

/* include/uapi/linux/io_uring.h */
#define OP_READV 1
#define OP_WRITEV 2
#define OP_FSYNC 3
#define OP_READ_FIXED 4
#define OP_WRITE_FIXED 5
#define OP_SYNC_FILE_RANGE 8
#define OP_SENDMSG 9
#define OP_RECVMSG 10
#define OP_ACCEPT 13
#define OP_CONNECT 16
#define OP_FALLOCATE 17
#define OP_OPENAT 18
#define OP_CLOSE 19
#define OP_STATX 21
#define OP_READ 22
#define OP_WRITE 23
#define OP_FADVISE 24
#define OP_MADVISE 25
#define OP_SEND 26
#define OP_RECV 27
#define OP_OPENAT2 28
#define OP_EPOLL_CTL 29
#define OP_SPLICE 30
#define OP_TEE 33
#define OP_SHUTDOWN 34
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39
#define OP_FSETXATTR 41
#define OP_SETXATTR 42
#define OP_FGETXATTR 43
#define OP_GETXATTR 44
#define OP_SOCKET 45
#define OP_SEND_ZC 47
#define OP_SENDMSG_ZC 48
#define OP_WAITID 50
#define OP_FTRUNCATE 55
#define OP_BIND 56
#define OP_LISTEN 57
#define OP_READV_FIXED 60
#define OP_WRITEV_FIXED 61
#define OP_PIPE 62

/* Flags of a request (include/linux/io_uring_types.h); these are the bits that the caller sets in sqe->flags. */
#define REQ_FIXED_FILE (1U << 0)
#define REQ_CQE_SKIP (1U << 6)

/* Descriptor of a file that has none: it is in a table of the ring's own, or its number never became known. */
#define NO_DESCRIPTOR 0x7fffffff

struct io_cqe {
	__u64 user_data;
	__s32 res;
	int fd;
} __core;
struct io_ring_ctx {
	unsigned int flags;
} __core;
struct io_uring {
	__u32 head;
} __core;
struct io_rings {
	struct io_uring cq;
} __core;
struct io_ring_ctx___queues {
	struct io_rings *rings;
	unsigned int cached_sq_head, sq_entries, cached_cq_tail, cq_entries;
} __core;
struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
} __core;
struct io_uring_task {
	struct task_struct *task;
} __core;
struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags;
	struct io_cqe cqe;
	void *ctx; /* a pointer to struct io_ring_ctx here would leave the object with no more of it than its name */
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

/* Requests that complete again and again, as an accept that goes on: by ring and the number that the caller gave them. */
struct uring_name {
	__u64 ring;
	__u64 user_data;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct uring_name);
	__type(value, __u64);
} uring_repeated SEC(".maps");

/*
 * A completion that is not the last has no request. Which one it was, and how it went, stands in what the tracepoint is
 * given, and that has changed: these exist where number and kinds of the parameters are the same.
 */
typedef void (*btf_trace_io_uring_complete)(void *, struct io_ring_ctx *, void *, struct io_uring_cqe *);
typedef void (*btf_trace_io_uring_complete___old)(void *, struct io_ring_ctx *, void *, unsigned long long, int,
						  unsigned int, unsigned long long, unsigned long long);
typedef void (*btf_trace_io_uring_complete___older)(void *, void *, void *, unsigned long long, int, unsigned int,
						    unsigned long long, unsigned long long);

/* The request of an operation that its submission or completion is about. */
struct uring_op {
	struct io_kiocb *request;
	__u32 flags;
	__s32 res;
	__u8 code;
	/* Only completion tells the result. Who asked for none on success gets none, and neither do we. */
	bool complete;
	/* More of this request will come. */
	bool again;
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

/* Several results of this request will come, one after the other. */
static __always_inline void uring_expect_more(const struct uring_op *op)
{
	struct uring_name name = { (__u64)FIELD(io_kiocb, op->request, ctx),
				   FIELD(io_kiocb, op->request, cqe.user_data) };
	__u64 request = (__u64)op->request;

	bpf_map_update_elem(&uring_repeated, &name, &request, BPF_ANY);
}

/* The operation that a completion is about; its request is NULL where that is not known. */
static __always_inline struct uring_op uring_completed(__u64 *ctx)
{
	struct uring_name name = { .ring = ctx[0] };
	struct uring_op op = {};
	__u64 *request;
	__s32 res = 0;

	if (ctx[1])
		return uring_op((struct io_kiocb *)ctx[1], true);
	if (bpf_core_type_exists(btf_trace_io_uring_complete)) {
		name.user_data = FIELD(io_uring_cqe, ctx[2], user_data);
		res = FIELD(io_uring_cqe, ctx[2], res);
	} else if (bpf_core_type_exists(btf_trace_io_uring_complete___old) ||
		   bpf_core_type_exists(btf_trace_io_uring_complete___older)) {
		name.user_data = ctx[2];
		res = ctx[3];
	} else {
		return op;
	}
	request = bpf_map_lookup_elem(&uring_repeated, &name);
	if (!request)
		return op;
	op = uring_op((struct io_kiocb *)*request, true);
	op.res = res;
	op.again = true;
	return op;
}

/* That was the last of them. */
static __always_inline void uring_expect_no_more(const struct uring_op *op)
{
	struct uring_name name = { (__u64)FIELD(io_kiocb, op->request, ctx),
				   FIELD(io_kiocb, op->request, cqe.user_data) };

	if (!op->again)
		bpf_map_delete_elem(&uring_repeated, &name);
}

/* Is this the last that is heard of the request? */
static __always_inline bool uring_ends(const struct uring_op *op)
{
	return op->complete || (op->flags & REQ_CQE_SKIP);
}

/*
 * A result that finds no room in the ring passes the tracepoint by, and a program may leave no room. So where all that was
 * submitted may not find any, or not what could be submitted at once, what is done to names and new connections is told when it
 * is submitted; of data and waiting there may be much that is not complete.
 */
static __always_inline bool uring_is_crowded(const struct uring_op *op)
{
	struct io_ring_ctx___queues *ring = FIELD(io_kiocb, op->request, ctx);
	__u32 taken, entries = FIELD(io_ring_ctx___queues, ring, cq_entries);
	__u32 read = FIELD(io_rings, FIELD(io_ring_ctx___queues, ring, rings), cq.head);

	taken = FIELD(io_ring_ctx___queues, ring, cached_cq_tail) - read;
	return taken + FIELD(io_ring_ctx___queues, ring, sq_entries) > entries ||
	       (__s32)(FIELD(io_ring_ctx___queues, ring, cached_sq_head) - read) > (__s32)entries;
}

static __always_inline bool uring_acts(__u8 code)
{
	return code == OP_OPENAT || code == OP_OPENAT2 || code == OP_CONNECT || code == OP_BIND || code == OP_LISTEN ||
	       code == OP_FTRUNCATE || (code >= OP_RENAMEAT && code <= OP_LINKAT) || code == OP_FSETXATTR ||
	       code == OP_SETXATTR;
}

/* Is this the moment to report it: when it is complete, or when nothing, or perhaps nothing, will say so? */
static __always_inline bool uring_reports(const struct uring_op *op)
{
	return uring_ends(op) || (uring_acts(op->code) && uring_is_crowded(op));
}

static __always_inline struct scratch *uring_scratch(void)
{
	struct scratch *s = scratch_at(0);

	return s ? s : scratch_at(1);
}

/* Keep a text that the kernel has copied. */
static __always_inline void uring_keep_text(const struct uring_op *op, __u64 which, const char *from)
{
	struct uring_key key = { (__u64)op->request, which };
	struct scratch *s = uring_scratch();
	struct uring_text *text;
	long n;

	if (!s)
		return;
	text = (struct uring_text *)s->data;
	n = bpf_probe_read_kernel_str(text->bytes, sizeof(text->bytes), from);
	if (n > 0) {
		text->len = n - 1;
		bpf_map_update_elem(&uring_texts, &key, text, BPF_ANY);
	}
	s->busy = 0;
}

static __always_inline void uring_keep_name(const struct uring_op *op, __u64 which, struct filename *name)
{
	uring_keep_text(op, which, FIELD(filename, name, name));
}

static __always_inline struct uring_text *uring_text(const struct uring_op *op, __u64 which)
{
	struct uring_key key = { (__u64)op->request, which };

	return bpf_map_lookup_elem(&uring_texts, &key);
}

static __always_inline void uring_forget(const struct uring_op *op, __u64 which)
{
	struct uring_key key = { (__u64)op->request, which };

	if (uring_ends(op))
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

static __always_inline __s32 uring_fd(struct prog_counters *st, void *record, const struct uring_op *op)
{
	__u64 key = (__u64)op->request;
	__s32 *kept = bpf_map_lookup_elem(&uring_descriptors, &key);
	__s32 fd = kept ? *kept : NO_DESCRIPTOR;

	/* refused before the kernel had looked at all of it */
	if (!kept)
		mark_partial(st, record);
	else if (!op->again && uring_ends(op))
		bpf_map_delete_elem(&uring_descriptors, &key);
	return fd;
}

/* Tables of files, as they are since Linux 6.13. */
struct io_rsrc_node {
	unsigned long file_ptr;
} __core;
struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
} __core;
struct io_file_table {
	struct io_rsrc_data data;
} __core;
struct io_ring_ctx___files {
	struct io_file_table file_table;
} __core;
#define ANY_SLOT (~0U) /* IORING_FILE_INDEX_ALLOC: then the result is the place, from 0 */
#define FILE_BITS 3 /* flags in the address (io_uring/filetable.h) */

/* The file that an operation put into a table of the ring; NULL where that is not known. `slot` counts from 1. */
static __always_inline struct file *uring_file_in(const struct uring_op *op, __u32 slot)
{
	__u32 index = slot == ANY_SLOT ? (__u32)op->res : slot - 1;
	struct io_ring_ctx___files *ring;
	__u64 node;

	if (!bpf_core_field_exists(struct io_file_table, data) || !bpf_core_field_exists(struct io_rsrc_node, file_ptr))
		return NULL;
	ring = FIELD(io_kiocb, op->request, ctx);
	if (index >= FIELD(io_ring_ctx___files, ring, file_table.data.nr))
		return NULL;
	node = WORD_AT(FIELD(io_ring_ctx___files, ring, file_table.data.nodes) + index);
	return node ? (struct file *)(NUMBER(io_rsrc_node, node, file_ptr) & ~(__u64)FILE_BITS) : NULL;
}

/* The file that an operation made, which has a descriptor or, as `slot` says, a place in a table of the ring. */
static __always_inline struct file *uring_made(const struct uring_op *op, struct task_struct *task, __u32 slot)
{
	if (!op->complete || op->res < 0)
		return NULL;
	return slot ? uring_file_in(op, slot) : file_of(task, op->res);
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

/* What was kept for an event that is passed over must not be taken for that of a later request. */
static __always_inline void uring_forget_kept(const struct uring_op *op, const struct uring_text *first,
					      const struct uring_text *second)
{
	if (first)
		uring_forget(op, 0);
	if (second)
		uring_forget(op, 1);
}

/*
 * Start of a record about an operation of `task`, of which texts were kept, NULL where not: declares st, s and e, or returns.
 * An unknown result counts as success.
 */
#define BEGIN_URING(type, task, id, prog, op, input, first, second)                                                    \
	struct prog_counters *st;                                                                                      \
	struct guard_verdict verdict;                                                                                  \
	struct scratch *s = begin_guarded(prog, &st, &verdict, task, input);                                           \
	if (!s)                                                                                                        \
		uring_forget_kept(op, first, second);                                                                  \
	BEGIN_RECORD(type, task, id, prog);                                                                            \
	guard_stamp(&e->hdr, &verdict);                                                                                \
	e->hdr.flags |= RECORD_IO_URING | ((op)->complete ? 0 : RECORD_PARTIAL)

#endif

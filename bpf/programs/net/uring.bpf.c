// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What io_uring does to sockets: socket, connect, bind, listen, accept, send, receive. */
#include "uring.h"
#include "socket.h"

#define ADDRESS_MAX 128
/* include/uapi/linux/io_uring.h */
#define IORING_ACCEPT_MULTISHOT 1
#define IORING_RECV_MULTISHOT 2

struct io_socket {
	int domain, type, protocol;
	__u32 file_slot;
} __core;
struct io_connect {
	void *addr;
	int addr_len;
} __core;
struct io_listen {
	int backlog;
} __core;
struct io_accept {
	void *addr_len;
	int flags, iou_flags;
	__u32 file_slot;
} __core;
struct io_sr_msg {
	void *buf; /* or the header of the message */
	int len;
	__u16 flags;
} __core;
struct msghdr {
	void *msg_name;
	int msg_namelen;
} __core;
struct __kernel_sockaddr_storage {
	char __data[ADDRESS_MAX];
};
/* Where the kernel copies the address of a message to. That of connect and bind has been in one place or another. */
struct io_async_msghdr {
	struct msghdr msg;
	struct __kernel_sockaddr_storage addr;
} __core;

static __always_inline __u16 socket_event(__u8 code)
{
	switch (code) {
	case OP_SOCKET:
		return EVENT_socket;
	case OP_CONNECT:
		return EVENT_connect;
	case OP_BIND:
		return EVENT_bind;
	case OP_LISTEN:
		return EVENT_listen;
	case OP_ACCEPT:
		return EVENT_accept4;
	}
	return 0;
}

static __always_inline __u16 message_event(__u8 code)
{
	switch (code) {
	case OP_SEND:
	case OP_SEND_ZC:
		return EVENT_sendto;
	case OP_SENDMSG:
	case OP_SENDMSG_ZC:
		return EVENT_sendmsg;
	case OP_RECV:
		return EVENT_recvfrom;
	case OP_RECVMSG:
		return EVENT_recvmsg;
	}
	return 0;
}

/* Where the field is not known, any may. */
static __always_inline bool goes_on_accepting(struct io_kiocb *r)
{
	return !bpf_core_field_exists(struct io_accept, iou_flags) ||
	       FIELD(io_accept, r, iou_flags) & IORING_ACCEPT_MULTISHOT;
}

static __always_inline bool goes_on_receiving(struct io_kiocb *r)
{
	return !bpf_core_field_exists(struct io_sr_msg, flags) ||
	       FIELD(io_sr_msg, r, flags) & IORING_RECV_MULTISHOT;
}

/* Keep the address that the request was given. */
static __always_inline void keep_address(const struct uring_op *op, const void *from, int len, bool user)
{
	struct uring_key key = { (__u64)op->request, 0 };
	struct uring_text *text;
	struct scratch *s;
	long failed;

	if (!from || len <= 0)
		return;
	s = uring_scratch();
	if (!s)
		return;
	text = (struct uring_text *)s->data;
	text->len = len > ADDRESS_MAX ? ADDRESS_MAX : len;
	failed = user ? bpf_probe_read_user(text->bytes, text->len & (2 * ADDRESS_MAX - 1), from) :
			bpf_probe_read_kernel(text->bytes, ADDRESS_MAX, from);
	if (!failed)
		bpf_map_update_elem(&uring_texts, &key, text, BPF_ANY);
	s->busy = 0;
}

/* The kernel has just read it, too. */
static __always_inline void keep_peer(const struct uring_op *op)
{
	keep_address(op, FIELD(io_connect, op->request, addr), FIELD(io_connect, op->request, addr_len), true);
}

static __always_inline void keep_message_address(const struct uring_op *op)
{
	void *data = FIELD(io_kiocb, op->request, async_data);

	if (data && FIELD(io_async_msghdr, data, msg.msg_name))
		keep_address(op, data + bpf_core_field_offset(struct io_async_msghdr, addr),
			     FIELD(io_async_msghdr, data, msg.msg_namelen), false);
}

/* PUT_ADDRESS of what was kept. */
#define PUT_KEPT_ADDRESS(s, st, e, op)                                                                                 \
	({                                                                                                             \
		struct uring_text *__kept = uring_text(op, 0);                                                         \
                                                                                                                       \
		if (__kept) {                                                                                          \
			PUT_ADDRESS_FROM(s, st, e, __kept->bytes, __kept->len, false);                                 \
			uring_forget(op, 0);                                                                           \
		}                                                                                                      \
	})

static __always_inline int report_new(struct uring_op *op, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	__u32 slot = FIELD(io_socket, r, file_slot);
	bool numbered = op->complete && slot == 0;
	__s32 fd = numbered || op->res < 0 ? op->res : NO_DESCRIPTOR;
	__u32 domain = FIELD(io_socket, r, domain), type = FIELD(io_socket, r, type);
	const __u64 args[GUARD_ARGUMENTS] = {
		[ARGUMENT_SOCKET_NEW_DOMAIN] = domain,
		[ARGUMENT_SOCKET_NEW_TYPE] = type & SOCK_TYPE_MASK,
		[ARGUMENT_SOCKET_NEW_PROTO] = FIELD(io_socket, r, protocol),
	};
	struct guard_input in = { .event = EVENT_socket, .shape = guard_new_socket_shape(fd, domain, type), .args = args };
	struct socket *sock;
	struct file *file;
	struct sock *sk;
	BEGIN_URING(ev_socket_new, task, EVENT_socket, prog, op, &in, NULL, NULL);

	e->res = e->fd = fd;
	e->fd2 = -1;
	e->domain = domain;
	e->type = type & SOCK_TYPE_MASK;
	e->flags = type & ~SOCK_TYPE_MASK;
	e->proto = args[ARGUMENT_SOCKET_NEW_PROTO];
	file = uring_made(op, task, slot);
	sock = file ? socket_of(file) : NULL;
	sk = sock ? FIELD(socket, sock, sk) : NULL;
	if (sk) {
		e->ino = FIELD(inode, FIELD(file, file, f_inode), i_ino);
		e->protocol = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static __always_inline int report_socket(struct uring_op *op, __u16 id, __u16 prog)
{
	struct io_kiocb *r = op->request;
	struct task_struct *task = uring_task(op);
	struct uring_text *kept = uring_text(op, 0);
	/* an accept is about the new socket */
	bool accepts = id == EVENT_accept4;
	__u32 slot = accepts ? FIELD(io_accept, r, file_slot) : 0;
	bool numbered = accepts && op->complete && slot == 0;
	__s32 res = !accepts || numbered || op->res < 0 ? op->res : NO_DESCRIPTOR;
	struct file *file = accepts ? uring_made(op, task, slot) : FIELD(io_kiocb, r, file);
	__u32 flags = accepts ? FIELD(io_accept, r, flags) : 0;
	__s32 backlog = id == EVENT_listen ? FIELD(io_listen, r, backlog) : -1;
	struct guard_input in = {
		NUMBERS([ARGUMENT_SOCKET_FLAGS] = flags, [ARGUMENT_SOCKET_BACKLOG] = backlog),
	};
	struct sock *sk;

	guard_on_socket(&in, id, guard_socket_outcome(res), file);
	BEGIN_URING(ev_socket, task, id, prog, op, &in, kept, NULL);

	e->res = res;
	e->fd = uring_fd(st, e, op);
	e->listen_fd = accepts ? e->fd : -1;
	e->backlog = backlog;
	e->flags = flags;
	if (accepts) {
		e->fd = res;
		e->addrlen_at = (__u64)FIELD(io_accept, r, addr_len);
	}
	PUT_KEPT_ADDRESS(s, st, e, op);
	if (file) {
		sk = ADD_SOCKET(e, file);
		if (sk && e->family == AF_UNIX)
			put_unix(s, &e->unix_path, sk, id == EVENT_connect);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req): its arguments have been copied, nothing is done yet */
SEC("tp_btf/io_uring_submit_req")
int uring_socket_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);
	__u16 id = socket_event(op.code);

	if (!id)
		return 0;
	if (id == EVENT_socket)
		return uring_reports(&op) ? report_new(&op, PROG_uring_socket_submit) : 0;
	uring_keep_fd(&op);
	if (id == EVENT_connect)
		keep_peer(&op);
	if (id == EVENT_accept4 && goes_on_accepting(op.request))
		uring_expect_more(&op);
	return uring_reports(&op) ? report_socket(&op, id, PROG_uring_socket_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...): the result is in the request, too */
SEC("tp_btf/io_uring_complete")
int uring_socket_complete(__u64 *ctx)
{
	struct uring_op op = uring_completed(ctx);
	__u16 id = op.request ? socket_event(op.code) : 0;

	if (!id)
		return 0;
	if (id == EVENT_accept4)
		uring_expect_no_more(&op);
	return id == EVENT_socket ? report_new(&op, PROG_uring_socket_complete) :
				    report_socket(&op, id, PROG_uring_socket_complete);
}

static __always_inline int report_message(struct uring_op *op, __u16 id, __u16 prog)
{
	struct file *file = FIELD(io_kiocb, op->request, file);
	struct task_struct *task = uring_task(op);
	struct uring_text *kept = uring_text(op, 0);
	struct guard_input in = {};

	guard_on_message(&in, id, op->res, file, kept != NULL);
	BEGIN_URING(ev_message, task, id, prog, op, &in, kept, NULL);

	e->res = op->res;
	e->fd = uring_fd(st, e, op);
	e->buf = (__u64)FIELD(io_sr_msg, op->request, buf);
	/* the buffers of a message header cannot be counted any more: what went through is all there is to say */
	if (id == EVENT_sendto || id == EVENT_recvfrom)
		e->size = FIELD(io_sr_msg, op->request, len);
	else
		e->size = op->res > 0 ? op->res : 0;
	if (file)
		ADD_SOCKET_FACTS(s, e, file);
	PUT_KEPT_ADDRESS(s, st, e, op);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void io_uring_submit_req(struct io_kiocb *req) */
SEC("tp_btf/io_uring_submit_req")
int uring_message_submit(__u64 *ctx)
{
	struct uring_op op = uring_op((struct io_kiocb *)ctx[0], false);
	__u16 id = message_event(op.code);

	if (!id)
		return 0;
	uring_keep_fd(&op);
	if (id == EVENT_sendto || id == EVENT_sendmsg)
		keep_message_address(&op);
	else if (goes_on_receiving(op.request))
		uring_expect_more(&op);
	return uring_reports(&op) ? report_message(&op, id, PROG_uring_message_submit) : 0;
}

/* void io_uring_complete(struct io_ring_ctx *ctx, void *req, ...) */
SEC("tp_btf/io_uring_complete")
int uring_message_complete(__u64 *ctx)
{
	struct uring_op op = uring_completed(ctx);
	__u16 id = op.request ? message_event(op.code) : 0;

	if (id == EVENT_recvfrom || id == EVENT_recvmsg)
		uring_expect_no_more(&op);
	return id ? report_message(&op, id, PROG_uring_message_complete) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Data through sockets, at the exit tracepoints. */
#include "guard.h"
#include "socket.h"

#define IOV_MAX_COUNTED 16

#ifdef TARSIER_COMPAT
typedef __u32 user_long;
#else
typedef __u64 user_long;
#endif

struct iovec {
	user_long base, len;
};
/* struct user_msghdr and compat_msghdr (include/linux/socket.h, include/net/compat.h); struct mmsghdr begins with one. */
struct message_header {
	user_long name;
	__u32 name_len;
	user_long iov __attribute__((aligned(USER_LONG)));
	user_long iov_len;
};

/* What a call is about, whichever way it says so. */
struct call {
	const void *addr;
	int addr_len;
	__u64 size;
	__u32 flags;
	__u32 vlen;
	int given_len; /* of the address, as an argument */
	bool unread; /* user memory could not be read */
};

static __always_inline __u64 size_of(struct message_header *m)
{
	struct iovec iov;
	__u64 size = 0;

	for (int i = 0; i < IOV_MAX_COUNTED && i < m->iov_len; i++) {
		if (bpf_probe_read_user(&iov, sizeof(iov), (void *)((__u64)m->iov + i * sizeof(iov))))
			return 0;
		size += iov.len;
	}
	return size;
}

/* What a header says. Not inlined: with guards the stack of the programs has no room for it. */
static __noinline int from_header(struct call *call, const void *header)
{
	struct message_header m = {};

	if (bpf_probe_read_user(&m, sizeof(m), header)) {
		call->unread = true;
		return 0;
	}
	call->addr = (void *)(__u64)m.name;
	call->addr_len = m.name_len;
	call->size = size_of(&m);
	return 0;
}

static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, struct pt_regs *regs, __u16 id,
				  __u16 prog, struct call *call)
{
	int fd = ARG1(regs);
	struct file *file = file_of(task, fd);
	struct guard_input in = {};

	guard_on_message(&in, id, ctx->ret, file, call->addr != NULL);
	BEGIN_GUARDED(ev_message, task, id, prog, &in);

	e->res = ctx->ret;
	e->fd = fd;
	e->size = call->size;
	e->flags = call->flags;
	e->vlen = call->vlen;
	e->addrlen = call->given_len;
	e->buf = ARG2(regs);
	if (id == EVENT_recvfrom)
		e->last = ARG6(regs);
	else if (id == EVENT_recvmmsg)
		e->last = ARG5(regs);
	if (call->unread)
		mark_partial(st, e);
	if (file)
		ADD_SOCKET_FACTS(s, e, file);
	PUT_ADDRESS(s, st, e, call->addr, call->addr_len);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* ssize_t sendto(int sockfd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_sendto")
int exit_sendto(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct call call = { (void *)ARG5(regs), ARG6(regs), ARG3(regs), ARG4(regs), 0, ARG6(regs), false };

	return report(ctx, task, regs, EVENT_sendto, PROG_exit_sendto, &call);
}

/* ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags) */
SEC("tp/syscalls/sys_exit_sendmsg")
int exit_sendmsg(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct call call = {};

	from_header(&call, (void *)ARG2(regs));
	call.flags = ARG3(regs);
	return report(ctx, task, regs, EVENT_sendmsg, PROG_exit_sendmsg, &call);
}

/* int sendmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags) */
SEC("tp/syscalls/sys_exit_sendmmsg")
int exit_sendmmsg(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct call call = {};

	from_header(&call, (void *)ARG2(regs));
	call.vlen = ARG3(regs);
	call.flags = ARG4(regs);
	return report(ctx, task, regs, EVENT_sendmmsg, PROG_exit_sendmmsg, &call);
}

/* ssize_t recvfrom(int sockfd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen) */
SEC("tp/syscalls/sys_exit_recvfrom")
int exit_recvfrom(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct call call = { (void *)ARG5(regs), 0, ARG3(regs), ARG4(regs), 0, 0, false };

	/* the address is there only after a message has come */
	if (ctx->ret >= 0 && call.addr)
		call.unread = bpf_probe_read_user(&call.addr_len, sizeof(call.addr_len), (void *)ARG6(regs)) != 0;
	return report(ctx, task, regs, EVENT_recvfrom, PROG_exit_recvfrom, &call);
}

static __always_inline int report_received(struct sys_exit_ctx *ctx, __u16 id, __u16 prog)
{
	CALLER;
	struct call call = {};

	from_header(&call, (void *)ARG2(regs));
	if (ctx->ret < 0)
		call.addr_len = 0;
	if (id == EVENT_recvmmsg)
		call.vlen = ARG3(regs);
	call.flags = id == EVENT_recvmmsg ? ARG4(regs) : ARG3(regs);
	return report(ctx, task, regs, id, prog, &call);
}

/* ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags) */
SEC("tp/syscalls/sys_exit_recvmsg")
int exit_recvmsg(struct sys_exit_ctx *ctx)
{
	return report_received(ctx, EVENT_recvmsg, PROG_exit_recvmsg);
}

/* int recvmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout) */
SEC("tp/syscalls/sys_exit_recvmmsg")
int exit_recvmmsg(struct sys_exit_ctx *ctx)
{
	return report_received(ctx, EVENT_recvmmsg, PROG_exit_recvmmsg);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

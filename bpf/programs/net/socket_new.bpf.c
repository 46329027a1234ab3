// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* socket, socketpair at their exit tracepoints. */
#include "guard.h"
#include "socket.h"

static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 id, __u16 prog, int fd, int fd2,
				  __u32 domain, __u32 type, __u32 proto)
{
	const __u64 args[GUARD_ARGUMENTS] = {
		[ARGUMENT_SOCKET_NEW_DOMAIN] = domain,
		[ARGUMENT_SOCKET_NEW_TYPE] = type & SOCK_TYPE_MASK,
		[ARGUMENT_SOCKET_NEW_PROTO] = proto,
	};
	struct guard_input in = {
		.event = id,
		.args = args,
		.shape = guard_new_socket_shape(ctx->ret, domain, type),
	};
	struct socket *sock;
	struct file *file;
	struct sock *sk;
	BEGIN_GUARDED(ev_socket_new, task, id, prog, &in);

	e->res = ctx->ret;
	e->fd = fd;
	e->fd2 = fd2;
	e->domain = domain;
	e->type = type & SOCK_TYPE_MASK;
	e->flags = type & ~SOCK_TYPE_MASK;
	e->proto = proto;
	file = file_of(task, fd);
	sock = file ? socket_of(file) : NULL;
	sk = sock ? FIELD(socket, sock, sk) : NULL;
	if (sk) {
		e->ino = FIELD(inode, FIELD(file, file, f_inode), i_ino);
		e->protocol = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
	} else if (ctx->ret >= 0) { /* closed by another thread in between */
		mark_partial(st, e);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int socket(int domain, int type, int protocol) */
SEC("tp/syscalls/sys_exit_socket")
int exit_socket(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, EVENT_socket, PROG_exit_socket, ctx->ret, -1, ARG1(regs), ARG2(regs), ARG3(regs));
}

/* int socketpair(int domain, int type, int protocol, int sv[2]) */
SEC("tp/syscalls/sys_exit_socketpair")
int exit_socketpair(struct sys_exit_ctx *ctx)
{
	CALLER;
	int sv[2] = { ctx->ret, -1 };

	if (ctx->ret >= 0)
		bpf_probe_read_user(sv, sizeof(sv), (void *)ARG4(regs));
	return report(ctx, task, EVENT_socketpair, PROG_exit_socketpair, sv[0], sv[1], ARG1(regs), ARG2(regs), ARG3(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

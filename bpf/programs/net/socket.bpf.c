// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* connect, bind, listen, accept at their exit tracepoints, with addresses from the kernel's socket. */
#include "guard.h"
#include "socket.h"

/* `fd` is the socket that the event is about, -1 when there is none. */
static __always_inline int report(struct sys_exit_ctx *ctx, struct task_struct *task, struct pt_regs *regs, __u16 id,
				  __u16 prog, int fd, const void *addr, int len, int backlog, __u32 flags,
				  int listen_fd)
{
	struct file *file = file_of(task, fd);
	struct guard_input in = {
		NUMBERS([ARGUMENT_SOCKET_FLAGS] = flags, [ARGUMENT_SOCKET_BACKLOG] = backlog),
	};
	struct sock *sk;

	guard_on_socket(&in, id, guard_socket_outcome(ctx->ret), file);
	BEGIN_GUARDED(ev_socket, task, id, prog, &in);

	e->res = ctx->ret;
	e->fd = fd;
	e->backlog = backlog;
	e->flags = flags;
	e->listen_fd = listen_fd;
	e->addrlen = len;
	if (id == EVENT_accept || id == EVENT_accept4)
		e->addrlen_at = ARG3(regs);
	PUT_ADDRESS(s, st, e, addr, len);
	if (file) {
		sk = ADD_SOCKET(e, file);
		if (sk && e->family == AF_UNIX)
			put_unix(s, &e->unix_path, sk, id == EVENT_connect);
	}
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_connect")
int exit_connect(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, regs, EVENT_connect, PROG_exit_connect, ARG1(regs), (void *)ARG2(regs), ARG3(regs), -1,
		      0, -1);
}

/* int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_bind")
int exit_bind(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, regs, EVENT_bind, PROG_exit_bind, ARG1(regs), (void *)ARG2(regs), ARG3(regs), -1, 0,
		      -1);
}

/* int listen(int sockfd, int backlog) */
SEC("tp/syscalls/sys_exit_listen")
int exit_listen(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, regs, EVENT_listen, PROG_exit_listen, ARG1(regs), NULL, 0, ARG2(regs), 0, -1);
}

/* int accept(int sockfd, struct sockaddr *addr, socklen_t *addrlen): the result is the socket of the connection */
SEC("tp/syscalls/sys_exit_accept")
int exit_accept(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, regs, EVENT_accept, PROG_exit_accept, ctx->ret, NULL, 0, -1, 0, ARG1(regs));
}

/* int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags) */
SEC("tp/syscalls/sys_exit_accept4")
int exit_accept4(struct sys_exit_ctx *ctx)
{
	CALLER;
	return report(ctx, task, regs, EVENT_accept4, PROG_exit_accept4, ctx->ret, NULL, 0, -1, ARG4(regs),
		      ARG1(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

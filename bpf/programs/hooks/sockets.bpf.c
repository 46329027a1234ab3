// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What Tracee's users know as security_socket_* and socket_dup, at the exits of the calls that lead there. */
#include "guard.h"
#include "socket.h"

#define ADDRESS_MAX 128 /* the kernel takes none that is longer, nor one of negative length */
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

/* struct sockaddr_in and sockaddr_in6 */
struct inet_address {
	__u16 family;
	__be16 port;
	__be32 v4_or_flow;
	struct in6_addr v6;
	__u32 scope;
};
#define SOCKADDR_IN 16
#define SOCKADDR_IN6 28

/* Append `len` bytes of an address; 1 to ADDRESS_MAX. */
static __always_inline void put_address_bytes(struct scratch *s, struct prog_counters *st, struct vl *v, const void *from,
					      __u32 len, bool user)
{
	__u32 at = s->pos;

	if (len > ADDRESS_MAX)
		len = ADDRESS_MAX;
	barrier_var(at);
	barrier_var(len);
	if (at > RECORD_MAX - 2 * ADDRESS_MAX || len > ADDRESS_MAX || len == 0)
		return;
	if (user ? bpf_probe_read_user(&s->data[at], len, from) : bpf_probe_read_kernel(&s->data[at], len, from))
		return mark_partial(st, s->data);
	v->off = at;
	v->len = len;
	v->total = len;
	s->pos = at + PAD8(len);
}

/* The address of a socket or of the other end, as getsockname or getpeername give it. False: it has none. */
static __always_inline bool put_end(struct scratch *s, struct prog_counters *st, struct vl *v, struct sock *sk, bool peer)
{
	__u16 family = FIELD(sock, sk, __sk_common.skc_family);
	struct inet_address a = { .family = family };
	struct unix_address *name;
	struct unix_sock *u;

	if (family == AF_UNIX) {
		u = peer ? (struct unix_sock *)FIELD(unix_sock, sk, peer) : (struct unix_sock *)sk;
		name = u ? FIELD(unix_sock, u, addr) : NULL;
		if (!name)
			return false;
		put_address_bytes(s, st, v, (void *)name + bpf_core_field_offset(struct unix_address, name),
				  FIELD(unix_address, name, len), false);
		return true;
	}
	if (family != AF_INET && family != AF_INET6)
		return false;
	a.port = peer ? FIELD(sock, sk, __sk_common.skc_dport) :
			__builtin_bswap16(FIELD(sock, sk, __sk_common.skc_num));
	if (!a.port)
		return false;
	if (family == AF_INET)
		a.v4_or_flow = peer ? FIELD(sock, sk, __sk_common.skc_daddr) :
				      FIELD(sock, sk, __sk_common.skc_rcv_saddr);
	else {
		bpf_core_read(&a.v6, sizeof(a.v6),
			      peer ? &sk->__sk_common.skc_v6_daddr : &sk->__sk_common.skc_v6_rcv_saddr);
		/* of an address that is valid on one link alone, the interface */
		if (a.v6.bytes[0] == 0xfe && (a.v6.bytes[1] & 0xc0) == 0x80)
			a.scope = FIELD(sock, sk, __sk_common.skc_bound_dev_if);
	}
	put_address_bytes(s, st, v, &a, family == AF_INET ? SOCKADDR_IN : SOCKADDR_IN6, false);
	return true;
}

/* The socket behind a descriptor, or NULL. */
static __always_inline struct sock *sock_of(struct task_struct *task, int fd)
{
	struct file *file = file_of(task, fd);
	struct socket *socket = file ? socket_of(file) : NULL;

	return socket ? FIELD(socket, socket, sk) : NULL;
}

#define ENDED                                                                                                          \
	submit(s, st, &ring_bulk, RING_BULK);                                                                          \
	return 0

static __always_inline int created(struct sys_exit_ctx *ctx, __u16 prog)
{
	CALLER;
	__u32 family = ARG1(regs), type = ARG2(regs) & SOCK_TYPE_MASK, protocol = ARG3(regs);
	BEGIN_EVENT(security_socket_create, task, prog, .shape = guard_outcome(ctx->ret),
		    NUMBERS([ARGUMENT_SECURITY_SOCKET_CREATE_FAMILY] = family,
			    [ARGUMENT_SECURITY_SOCKET_CREATE_TYPE] = type,
			    [ARGUMENT_SECURITY_SOCKET_CREATE_PROTOCOL] = protocol));
	e->res = ctx->ret;
	e->family = family;
	e->type = type;
	e->protocol = protocol;
	ENDED;
}

/* int socket(int domain, int type, int protocol) */
SEC("tp/syscalls/sys_exit_socket")
int socket_create_socket(struct sys_exit_ctx *ctx)
{
	return created(ctx, PROG_socket_create_socket);
}

/* int socketpair(int domain, int type, int protocol, int sv[2]) */
SEC("tp/syscalls/sys_exit_socketpair")
int socket_create_socketpair(struct sys_exit_ctx *ctx)
{
	return created(ctx, PROG_socket_create_socketpair);
}

/* int listen(int sockfd, int backlog) */
SEC("tp/syscalls/sys_exit_listen")
int socket_listen_listen(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct sock *sk = sock_of(task, ARG1(regs));

	if (!sk)
		return 0;
	BEGIN_EVENT(security_socket_listen, task, PROG_socket_listen_listen, .shape = guard_outcome(ctx->ret),
		    NUMBERS([ARGUMENT_SECURITY_SOCKET_LISTEN_BACKLOG] = (__u32)ARG2(regs)));
	e->res = ctx->ret;
	e->sockfd = ARG1(regs);
	e->backlog = ARG2(regs);
	put_end(s, st, &e->local_addr, sk, false);
	ENDED;
}

/* int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_connect")
int socket_connect_connect(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct sock *sk = sock_of(task, ARG1(regs));

	if (!sk || ctx->ret == -EFAULT || (__u32)ARG3(regs) > ADDRESS_MAX)
		return 0;
	BEGIN_EVENT(security_socket_connect, task, PROG_socket_connect_connect, .shape = guard_outcome(ctx->ret));
	e->res = ctx->ret;
	e->sockfd = ARG1(regs);
	if (!((ctx->ret == 0 || ctx->ret == -EINPROGRESS) && put_end(s, st, &e->remote_addr, sk, true)))
		put_address_bytes(s, st, &e->remote_addr, (void *)ARG2(regs), ARG3(regs), true);
	ENDED;
}

static __always_inline int accepted(struct sys_exit_ctx *ctx, __u16 prog)
{
	CALLER;
	struct sock *sk = sock_of(task, ARG1(regs));

	if (!sk)
		return 0;
	BEGIN_EVENT(security_socket_accept, task, prog, .shape = guard_outcome(ctx->ret));
	e->res = ctx->ret;
	e->sockfd = ARG1(regs);
	put_end(s, st, &e->local_addr, sk, false);
	ENDED;
}

/* int accept(int sockfd, struct sockaddr *addr, socklen_t *addrlen) */
SEC("tp/syscalls/sys_exit_accept")
int socket_accept_accept(struct sys_exit_ctx *ctx)
{
	return accepted(ctx, PROG_socket_accept_accept);
}

/* int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags) */
SEC("tp/syscalls/sys_exit_accept4")
int socket_accept_accept4(struct sys_exit_ctx *ctx)
{
	return accepted(ctx, PROG_socket_accept_accept4);
}

/* int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_bind")
int socket_bind_bind(struct sys_exit_ctx *ctx)
{
	CALLER;
	struct sock *sk = sock_of(task, ARG1(regs));

	if (!sk || ctx->ret == -EFAULT || (__u32)ARG3(regs) > ADDRESS_MAX)
		return 0;
	BEGIN_EVENT(security_socket_bind, task, PROG_socket_bind_bind, .shape = guard_outcome(ctx->ret));
	e->res = ctx->ret;
	e->sockfd = ARG1(regs);
	if (!(ctx->ret == 0 && put_end(s, st, &e->local_addr, sk, false)))
		put_address_bytes(s, st, &e->local_addr, (void *)ARG2(regs), ARG3(regs), true);
	ENDED;
}

static __always_inline int duplicated(struct sys_exit_ctx *ctx, struct task_struct *task, __u16 prog, int oldfd)
{
	/* dup2 of a descriptor to itself does nothing */
	struct sock *sk = ctx->ret < 0 || ctx->ret == oldfd ? NULL : sock_of(task, ctx->ret);

	if (!sk)
		return 0;
	BEGIN_EVENT(socket_dup, task, prog);
	e->oldfd = oldfd;
	e->newfd = ctx->ret;
	put_end(s, st, &e->remote_addr, sk, true);
	ENDED;
}

/* int dup(int oldfd) */
SEC("tp/syscalls/sys_exit_dup")
int socket_dup_dup(struct sys_exit_ctx *ctx)
{
	CALLER;
	return duplicated(ctx, task, PROG_socket_dup_dup, ARG1(regs));
}

/* int dup2(int oldfd, int newfd) */
SEC("tp/syscalls/sys_exit_dup2")
int socket_dup_dup2(struct sys_exit_ctx *ctx)
{
	CALLER;
	return duplicated(ctx, task, PROG_socket_dup_dup2, ARG1(regs));
}

/* int dup3(int oldfd, int newfd, int flags) */
SEC("tp/syscalls/sys_exit_dup3")
int socket_dup_dup3(struct sys_exit_ctx *ctx)
{
	CALLER;
	return duplicated(ctx, task, PROG_socket_dup_dup3, ARG1(regs));
}

/* int fcntl(int fd, int cmd, ...) */
SEC("tp/syscalls/sys_exit_fcntl")
int socket_dup_fcntl(struct sys_exit_ctx *ctx)
{
	CALLER;
	__u32 cmd = ARG2(regs);

	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? duplicated(ctx, task, PROG_socket_dup_fcntl, ARG1(regs)) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

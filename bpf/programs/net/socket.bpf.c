// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* connect, bind, listen, accept at their exit tracepoints, with addresses from the kernel's socket. */
#include "inet.h"
#include "record.h"

#define UNIX_PATH_MAX 108

struct sockaddr_start {
	__u16 family;
	__u16 port; /* network order, inet only */
	__u32 v4;
	struct in6_addr v6;
};

/* A unix name of `len` bytes after the family. Abstract ones start with NUL, shown as `@`; they may hold more NULs. */
static __always_inline void put_unix_name(struct scratch *s, struct vl *v, const void *from, int len, bool user)
{
	__u32 pos = s->pos, n = len;

	if (len <= 0)
		return;
	if (n > UNIX_PATH_MAX)
		n = UNIX_PATH_MAX;
	barrier_var(pos);
	barrier_var(n);
	if (pos > RECORD_MAX - 256 || n > UNIX_PATH_MAX || n == 0)
		return;
	if (user ? bpf_probe_read_user(&s->data[pos], n, from) : bpf_probe_read_kernel(&s->data[pos], n, from))
		return;
	if (s->data[pos] == 0)
		s->data[pos] = '@';
	else {
		/* a path ends at its NUL, whatever length was passed */
		long end = user ? bpf_probe_read_user_str(&s->data[pos], UNIX_PATH_MAX + 1, from) :
				  bpf_probe_read_kernel_str(&s->data[pos], UNIX_PATH_MAX + 1, from);
		if (end > 0 && (__u32)end - 1 < n)
			n = end - 1;
	}
	v->off = pos;
	v->len = n;
	v->total = n;
	s->pos = pos + PAD8(n);
}

/* What the caller passed. */
static __always_inline void add_user_address(struct scratch *s, struct prog_counters *st, struct ev_socket *e,
					     const void *addr, int len)
{
	struct sockaddr_start a = {};

	if (!addr || len < 2)
		return;
	if (bpf_probe_read_user(&a, len < (int)sizeof(a) ? 8 : sizeof(a), addr)) {
		if (bpf_probe_read_user(&a.family, 2, addr)) {
			st->helper_errors++;
			e->hdr.flags |= RECORD_PARTIAL;
			return;
		}
	}
	e->addr_family = a.family;
	if (a.family == AF_INET) {
		map_v4(e->addr_ip, a.v4);
		e->addr_port = __builtin_bswap16(a.port);
	} else if (a.family == AF_INET6) {
		__builtin_memcpy(e->addr_ip, &a.v6, 16);
		e->addr_port = __builtin_bswap16(a.port);
	} else if (a.family == AF_UNIX)
		put_unix_name(s, &e->addr_path, addr + 2, len - 2, true);
}

static __always_inline void add_unix(struct scratch *s, struct ev_socket *e, struct sock *sk, bool peer)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *addr;

	if (peer)
		u = (struct unix_sock *)FIELD(unix_sock, u, peer);
	addr = u ? FIELD(unix_sock, u, addr) : NULL;
	if (addr)
		put_unix_name(s, &e->unix_path, (void *)addr + bpf_core_field_offset(struct unix_address, name) + 2,
			      FIELD(unix_address, addr, len) - 2, false);
}

static __always_inline void add_socket(struct scratch *s, struct ev_socket *e, struct file *file, bool peer)
{
	struct socket *sock = socket_of(file);
	struct sock *sk;

	if (!sock)
		return;
	e->ino = FIELD(inode, FIELD(file, file, f_inode), i_ino);
	sk = FIELD(socket, sock, sk);
	if (!sk)
		return;
	e->type = FIELD(socket, sock, type);
	e->protocol = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
	e->family = FIELD(sock, sk, __sk_common.skc_family);
	if (!inet_ends(sk, e->family, e->laddr, e->raddr, &e->lport, &e->rport) && e->family == AF_UNIX)
		add_unix(s, e, sk, peer);
}

/* `fd` is the socket that the event is about, -1 when there is none. */
static __always_inline int report(struct sys_exit_ctx *ctx, __u16 id, __u16 prog, int fd, const void *addr, int len,
				  int backlog, __u32 flags)
{
	struct file *file;
	BEGIN_BULK(ev_socket, id, prog);

	e->res = ctx->ret;
	e->fd = fd;
	e->backlog = backlog;
	e->flags = flags;
	add_user_address(s, st, e, addr, len);
	file = file_of(task, fd);
	if (file)
		add_socket(s, e, file, id == EVENT_connect);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

#define REGS struct pt_regs *regs = current_regs(bpf_get_current_task_btf())

/* int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_connect")
int exit_connect(struct sys_exit_ctx *ctx)
{
	REGS;
	return report(ctx, EVENT_connect, PROG_exit_connect, ARG1(regs), (void *)ARG2(regs), ARG3(regs), -1, 0);
}

/* int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen) */
SEC("tp/syscalls/sys_exit_bind")
int exit_bind(struct sys_exit_ctx *ctx)
{
	REGS;
	return report(ctx, EVENT_bind, PROG_exit_bind, ARG1(regs), (void *)ARG2(regs), ARG3(regs), -1, 0);
}

/* int listen(int sockfd, int backlog) */
SEC("tp/syscalls/sys_exit_listen")
int exit_listen(struct sys_exit_ctx *ctx)
{
	REGS;
	return report(ctx, EVENT_listen, PROG_exit_listen, ARG1(regs), NULL, 0, ARG2(regs), 0);
}

/* int accept(int sockfd, struct sockaddr *addr, socklen_t *addrlen): the result is the socket of the connection */
SEC("tp/syscalls/sys_exit_accept")
int exit_accept(struct sys_exit_ctx *ctx)
{
	return report(ctx, EVENT_accept, PROG_exit_accept, ctx->ret, NULL, 0, -1, 0);
}

/* int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags) */
SEC("tp/syscalls/sys_exit_accept4")
int exit_accept4(struct sys_exit_ctx *ctx)
{
	REGS;
	return report(ctx, EVENT_accept4, PROG_exit_accept4, ctx->ret, NULL, 0, -1, ARG4(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

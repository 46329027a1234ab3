/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What records say about sockets: addresses that callers pass, names of unix sockets, facts of the kernel's socket. */
#ifndef TARSIER_SOCKET_H
#define TARSIER_SOCKET_H

#include "inet.h"
#include "record.h"

#define UNIX_PATH_MAX 108
#define SOCK_BINDPORT_LOCK 8
#define TCP_LISTEN 10

struct sockaddr_start {
	__u16 family;
	__u16 port; /* network order, inet only */
	__u32 v4;
	struct in6_addr v6;
	__u32 scope; /* inet6, where v4 is its flow */
};
#define SOCKADDR_IN6_OLD 24 /* without scope */

/* A unix name of `len` bytes after the family. Abstract ones start with NUL, shown as `@`; they may hold more NULs. */
static __always_inline void put_unix_name(struct scratch *s, struct vl *v, const void *from, int len, bool user)
{
	__u64 pos = s->pos, n = len;

	if (len <= 0)
		return;
	if (n > UNIX_PATH_MAX)
		n = UNIX_PATH_MAX;
	barrier_var(pos);
	barrier_var(n);
	if (pos > RECORD_MAX - 256 || n > UNIX_PATH_MAX || n == 0)
		return;
	/* what is kept on the stack from here on has been looked at */
	barrier_var(pos);
	barrier_var(n);
	if (user ? bpf_probe_read_user(&s->data[pos], n, from) : bpf_probe_read_kernel(&s->data[pos], n, from))
		return;
	if (s->data[pos] == 0)
		s->data[pos] = '@';
	else {
		/* a path ends at its NUL, whatever length was passed */
		long end = user ? bpf_probe_read_user_str(&s->data[pos], UNIX_PATH_MAX + 1, from) :
				  bpf_probe_read_kernel_str(&s->data[pos], UNIX_PATH_MAX + 1, from);
		if (end > 0 && (__u64)end - 1 < n)
			n = end - 1;
	}
	v->off = pos;
	v->len = n;
	v->total = n;
	s->pos = pos + PAD8(n);
}

/* The address of `len` bytes that a call passed or got back, in memory of the caller or, as `user` says, a copy. */
static __always_inline void put_address(struct scratch *s, struct prog_counters *st, const void *addr, int len,
					__u16 *family, __u8 *ip, __u16 *port, __u32 *flow, __u32 *scope,
					struct vl *path, bool user)
{
	__u32 n = len < SOCKADDR_IN6_OLD ? 8 : SOCKADDR_IN6_OLD;
	struct sockaddr_start a = {};

	if (len >= (int)sizeof(a))
		n = sizeof(a);

	if (!addr || len < 2)
		return;
	if (!user) {
		bpf_probe_read_kernel(&a, sizeof(a), addr);
	} else if (bpf_probe_read_user(&a, n, addr)) {
		if (bpf_probe_read_user(&a.family, 2, addr)) {
			mark_partial(st, s->data);
			return;
		}
	}
	*family = a.family;
	if (a.family == AF_INET) {
		map_v4(ip, a.v4);
		*port = __builtin_bswap16(a.port);
	} else if (a.family == AF_INET6) {
		__builtin_memcpy(ip, &a.v6, 16);
		*port = __builtin_bswap16(a.port);
		*flow = __builtin_bswap32(a.v4);
		*scope = a.scope;
	} else if (a.family == AF_UNIX)
		put_unix_name(s, path, addr + 2, len - 2, user);
}

/* Into the fields that passedAddress of schema/events/socket-facts.ts declares. */
#define PUT_ADDRESS_FROM(s, st, e, addr, len, user)                                                                    \
	put_address(s, st, addr, len, &(e)->addr_family, (e)->addr_ip, &(e)->addr_port, &(e)->addr_flow,               \
		    &(e)->addr_scope, &(e)->addr_path, user)
#define PUT_ADDRESS(s, st, e, addr, len) PUT_ADDRESS_FROM(s, st, e, addr, len, true)

/* The name of a unix socket or, as `peer` says, of the one at the other end. */
static __always_inline bool put_unix(struct scratch *s, struct vl *v, struct sock *sk, bool peer)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *addr;

	if (peer)
		u = (struct unix_sock *)FIELD(unix_sock, u, peer);
	addr = u ? FIELD(unix_sock, u, addr) : NULL;
	if (!addr)
		return false;
	put_unix_name(s, v, (void *)addr + bpf_core_field_offset(struct unix_address, name) + 2,
		      FIELD(unix_address, addr, len) - 2, false);
	return true;
}

/*
 * Did the socket come from accept? The kernel keeps the interface that the first packet came in by where datagram sockets
 * have the interface for multicast, which no program can set on a stream (tcp_v4_syn_recv_sock, tcp_v6_syn_recv_sock).
 */
static __always_inline bool was_accepted(struct sock *sk)
{
	struct ipv6_pinfo *v6;

	if (FIELD(inet_sock, sk, mc_index))
		return true;
	if (FIELD(sock, sk, __sk_common.skc_family) != AF_INET6 || !bpf_core_field_exists(struct inet_sock, pinet6))
		return false;
	v6 = FIELD(inet_sock, sk, pinet6);
	return v6 && FIELD(ipv6_pinfo, v6, mcast_oif);
}

/* SOCKET_* bits of the schema. */
static __always_inline __u32 facts_of(struct sock *sk, __u16 family, __u16 type)
{
	__u32 facts = 0;

	if (family == AF_UNIX)
		return FIELD(unix_sock, sk, peer) ? SOCKET_CONNECTED : 0;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (FIELD(sock, sk, __sk_common.skc_dport))
		facts |= SOCKET_CONNECTED;
	if (FIELD(sock, sk, __sk_common.skc_state) == TCP_LISTEN)
		facts |= SOCKET_LISTENS;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		facts |= SOCKET_BOUND;
	if (type == SOCK_STREAM && was_accepted(sk))
		facts |= SOCKET_ACCEPTED;
	return facts;
}

/* Inode, family, type, protocol and both ends of the socket of an open file, if it is one: its struct sock, or NULL. */
#define ADD_SOCKET(e, file)												\
	({														\
		struct socket *__socket = socket_of(file);								\
		struct sock *__sk = __socket ? FIELD(socket, __socket, sk) : NULL;					\
															\
		if (__socket)												\
			(e)->ino = FIELD(inode, FIELD(file, file, f_inode), i_ino);					\
		if (__sk) {												\
			(e)->type = FIELD(socket, __socket, type);							\
			(e)->protocol = BPF_CORE_READ_BITFIELD_PROBED(__sk, sk_protocol);				\
			(e)->family = FIELD(sock, __sk, __sk_common.skc_family);					\
			inet_ends(__sk, (e)->family, (e)->laddr, (e)->raddr, &(e)->lport, &(e)->rport);			\
		}													\
		__sk;													\
	})

/* All of socketFacts of schema/events/socket-facts.ts. */
#define ADD_SOCKET_FACTS(s, e, file)											\
	({														\
		struct sock *__sock = ADD_SOCKET(e, file);								\
															\
		if (__sock) {												\
			(e)->socket_facts = facts_of(__sock, (e)->family, (e)->type);					\
			if ((e)->family == AF_UNIX && !put_unix(s, &(e)->unix_path, __sock, false))			\
				put_unix(s, &(e)->unix_path, __sock, true);						\
		}													\
	})

#endif

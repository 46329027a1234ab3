/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sockets behind descriptors, and the two ends of those that speak IP. */
#ifndef TARSIER_INET_H
#define TARSIER_INET_H

#include "read.h"

#define SOCK_TYPE_MASK 0xf
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

/* An IPv4 address in its mapped form, ::ffff:a.b.c.d. */
static __always_inline void map_v4(__u8 *to, __u32 v4)
{
	*(__u64 *)to = 0;
	*(__u32 *)(to + 8) = 0xffff0000; /* ::ffff: in memory order */
	*(__u32 *)(to + 12) = v4;
}

/* The socket of an open file, or NULL when it is none. */
static __always_inline struct socket *socket_of(struct file *file)
{
	struct inode *inode = FIELD(file, file, f_inode);

	if ((FIELD(inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return FIELD(file, file, private_data);
}

/* Both ends of a socket. */
struct inet_pair {
	__u8 laddr[16] __attribute__((aligned(8))), raddr[16] __attribute__((aligned(8)));
	__u16 lport, rport;
};

/* Both ends as the kernel has them. False for a family other than the two of IP. */
static __always_inline bool inet_ends(struct sock *sk, __u16 family, __u8 *laddr, __u8 *raddr, __u16 *lport,
				      __u16 *rport)
{
	if (family == AF_INET) {
		map_v4(laddr, FIELD(sock, sk, __sk_common.skc_rcv_saddr));
		map_v4(raddr, FIELD(sock, sk, __sk_common.skc_daddr));
	} else if (family == AF_INET6) {
		bpf_core_read(laddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(raddr, 16, &sk->__sk_common.skc_v6_daddr);
	} else {
		return false;
	}
	*lport = FIELD(sock, sk, __sk_common.skc_num);
	*rport = __builtin_bswap16(FIELD(sock, sk, __sk_common.skc_dport));
	return true;
}

#endif

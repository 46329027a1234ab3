/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the ends of a socket leave. */
#ifndef TARSIER_GUARD_SOCKET_H
#define TARSIER_GUARD_SOCKET_H

#include "guard_state.h"

/* Address of the socket behind a file, or 0. */
static __always_inline __u64 guard_socket(struct file *file)
{
	struct inode *inode = file ? FIELD(file, file, f_inode) : NULL;
	struct socket *sock;

	if (!inode || (FIELD(inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	sock = FIELD(file, file, private_data);
	return sock ? NUMBER(socket, sock, sk) : 0;
}

/* One end of a socket. Without address and port it is none: no list has it. */
static __always_inline void guard_end(struct guard *g, const struct guard_config *config, const __u8 *address, __u16 port)
{
	struct guard_net key = { (sizeof(key.generation) + sizeof(key.ip)) * 8, g->generation };
	const __u32 *ip = (const __u32 *)key.ip;
	struct guard_mask *mask;

	__builtin_memcpy(key.ip, address, sizeof(key.ip));
	if (!port && !ip[0] && !ip[1] && (!ip[2] || ip[2] == 0xffff0000) && !ip[3]) {
		guard_add(&g->ports, &config->d[DIM_PORTS].other);
		guard_add(&g->nets, &config->d[DIM_NETS].other);
		return;
	}
	guard_add(&g->ports, guard_number(config, g->generation, DIM_PORTS, port));
	mask = bpf_map_lookup_elem(&guard_nets, &key);
	guard_add(&g->nets, mask ? mask : &config->d[DIM_NETS].other);
}

/* Bits that g->ends leave. */
__noinline int guard_ends(struct guard *g, struct guard_config *config)
{
	if (!g || !config)
		return 0;
	__builtin_memset(&g->ports, 0, sizeof(g->ports) * 2);
	guard_end(g, config, g->ends.laddr, g->ends.lport);
	guard_end(g, config, g->ends.raddr, g->ends.rport);
	guard_cut(&g->live, &g->ports);
	guard_cut(&g->live, &g->nets);
	return 0;
}

/* Bits that the ends of a socket leave; one that does not speak IP has none. */
__noinline int guard_socket_ends(struct guard *g, struct guard_config *config, __u64 address)
{
	struct sock *sk = (struct sock *)address;
	struct inet_pair pair = {};

	if (!g || !config)
		return 0;
	if (sk)
		inet_ends(sk, FIELD(sock, sk, __sk_common.skc_family), pair.laddr, pair.raddr, &pair.lport, &pair.rport);
	g->ends = pair;
	return guard_ends(g, config);
}

#endif

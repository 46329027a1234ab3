// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Data of packets at the cgroup hooks of IP. They run for every packet of the machine, so whatever is of no interest leaves
 * at once. They let everything pass.
 */
#include "guard.h"
#include "owner.h"

#define PASS 1

/* How much of the first data of a socket is taken. */
const volatile __u32 payload_bytes = 64;

#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_RESPONSE 0x80 /* in the third byte */
#define PAYLOAD_MAX 1024
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

struct ip4_start {
	__u8 version_ihl, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 check;
	__be32 from, to;
};
struct ip6_start {
	__u8 version[4];
	__be16 length;
	__u8 next, hops;
	struct in6_addr from, to;
};
struct ports {
	__be16 from, to;
};

/* What is known of a packet before its record is begun. */
struct packet {
	__u32 at; /* offset of the transport header */
	__u16 family;
	__u8 protocol;
	struct ports ports;
	__u8 from[16] __attribute__((aligned(8))), to[16] __attribute__((aligned(8)));
};

/* Unfragmented UDP or TCP. */
static __always_inline bool read_packet(struct __sk_buff *skb, struct packet *p)
{
	if (skb->protocol == __builtin_bswap16(ETH_P_IP)) {
		struct ip4_start ip;

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.fragment & __builtin_bswap16(0x3fff))
			return false;
		p->family = AF_INET;
		p->protocol = ip.protocol;
		p->at = (ip.version_ihl & 15) * 4;
		map_v4(p->from, ip.from);
		map_v4(p->to, ip.to);
	} else if (skb->protocol == __builtin_bswap16(ETH_P_IPV6)) {
		struct ip6_start ip;

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return false;
		p->family = AF_INET6;
		p->protocol = ip.next;
		p->at = sizeof(ip);
		__builtin_memcpy(p->from, &ip.from, 16);
		__builtin_memcpy(p->to, &ip.to, 16);
	} else
		return false;
	if (p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_TCP)
		return false;
	return !bpf_skb_load_bytes(skb, p->at, &p->ports, sizeof(p->ports));
}

/* Offset of the data behind the transport header; 0 when that cannot be read. */
static __always_inline __u32 data_at(struct __sk_buff *skb, const struct packet *p)
{
	__u8 offset;

	if (p->protocol == IPPROTO_UDP)
		return p->at + 8;
	if (bpf_skb_load_bytes(skb, p->at + 12, &offset, 1))
		return 0;
	return p->at + (offset >> 4) * 4;
}

/* `n` bytes of data, of which at most `max` are taken. */
static __always_inline void report(struct __sk_buff *skb, const struct packet *p, __u32 at, __u32 n, __u32 max, bool out,
				   __u16 id, __u16 prog, const struct socket_owner *owner)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = counters_of(prog);
	struct control *c = control_of();
	__u32 pos;
	__u64 len;
	struct inet_pair ends = {
		.lport = __builtin_bswap16(out ? p->ports.from : p->ports.to),
		.rport = __builtin_bswap16(out ? p->ports.to : p->ports.from),
	};
	/* who runs when a packet comes has nothing to do with it */
	struct guard_input in = {
		.event = id,
		.nobody = true,
		.has_ends = true,
		.ends = &ends,
		NUMBERS([ARGUMENT_PACKET_PROTOCOL] = p->protocol, [ARGUMENT_PACKET_SIZE] = n),
	};
	struct guard_verdict verdict;
	struct scratch *s;
	struct ev_packet *e;

	if (!st || !c)
		return;
	st->seen++;
	if (owner && owner->tgid == c->agent_tgid) {
		st->guarded++;
		return;
	}
	__builtin_memcpy(ends.laddr, out ? p->from : p->to, 16);
	__builtin_memcpy(ends.raddr, out ? p->to : p->from, 16);
	if (!guard_admits(c, st, task, &in, &verdict))
		return;
	s = scratch_get(st, RING_BULK);
	if (!s)
		return;
	e = (struct ev_packet *)s->data;
	DECLARE_EVENT(ev_packet);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, id, prog);
	guard_stamp(&e->hdr, &verdict);
	header_owner(&e->hdr, owner);
	s->pos = pos = sizeof(*e);
	e->family = p->family;
	e->protocol = p->protocol;
	__builtin_memcpy(e->laddr, ends.laddr, 16);
	__builtin_memcpy(e->raddr, ends.raddr, 16);
	e->lport = ends.lport;
	e->rport = ends.rport;
	e->size = n;
	e->payload.total = n;
	if (n > max)
		n = max;
	/* older kernels do not see that what is not 0 is at least 1 */
	len = (__u64)n - 1;
	barrier_var(len);
	if (len < PAYLOAD_MAX && !bpf_skb_load_bytes(skb, at, &s->data[sizeof(*e)], len + 1)) {
		e->payload.off = pos;
		e->payload.len = n;
		s->pos = pos + PAD8(n);
	} else
		mark_partial(st, e);
	submit(s, st, &ring_bulk, RING_BULK);
}

/* A DNS message in a packet. */
struct message {
	__u32 at, length;
};

/* The message of a packet, when it is a request (out) or an answer (in). */
static __always_inline bool find_dns(struct __sk_buff *skb, struct packet *p, bool out, struct message *m)
{
	__be16 length;
	__u8 flags;

	if (!read_packet(skb, p) || (out ? p->ports.to : p->ports.from) != __builtin_bswap16(DNS_PORT))
		return false;
	m->at = data_at(skb, p);
	if (!m->at || m->at >= skb->len)
		return false;
	m->length = skb->len - m->at;
	/* Over TCP the length stands in front. Where it does not fit, this is no beginning of a message, or not all of one. */
	if (p->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, m->at, &length, sizeof(length)))
			return false;
		length = __builtin_bswap16(length);
		if (length > m->length - sizeof(length))
			return false;
		m->at += sizeof(length);
		m->length = length;
	}
	if (m->length < DNS_HEADER || bpf_skb_load_bytes(skb, m->at + 2, &flags, 1))
		return false;
	return flags & DNS_RESPONSE ? !out : out;
}

/* Whose packet it is. `make`: of the process that is sending it, when nobody is known. */
static __always_inline struct socket_owner *owner_of(struct __sk_buff *skb, const struct packet *p, bool make)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_owner *owner;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return NULL;
	owner = bpf_sk_storage_get(&socket_owners, sk, 0, make ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	/* Datagrams leave from the call that sends them; a segment may leave when a packet comes. */
	if (make && owner && (p->protocol == IPPROTO_UDP || !owner->tgid))
		own(owner);
	return owner;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	struct packet p = {};
	struct message m;

	if (find_dns(skb, &p, true, &m))
		report(skb, &p, m.at, m.length, PAYLOAD_MAX, true, EVENT_net_packet_dns_request, PROG_dns_egress,
		       owner_of(skb, &p, true));
	return PASS;
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	struct socket_owner *owner;
	struct packet p = {};
	struct message m;

	if (!find_dns(skb, &p, false, &m))
		return PASS;
	owner = owner_of(skb, &p, false);
	if (owner)
		report(skb, &p, m.at, m.length, PAYLOAD_MAX, false, EVENT_net_packet_dns_response, PROG_dns_ingress, owner);
	return PASS;
}

SEC("cgroup_skb/egress")
int first_egress(struct __sk_buff *skb)
{
	struct socket_owner *owner;
	struct packet p = {};
	__u32 at;

	if (!read_packet(skb, &p))
		return PASS;
	at = data_at(skb, &p);
	if (!at || at >= skb->len)
		return PASS;
	owner = owner_of(skb, &p, true);
	if (!owner || owner->has_sent)
		return PASS;
	owner->has_sent = 1;
	report(skb, &p, at, skb->len - at, payload_bytes, true, EVENT_net_packet_first, PROG_first_egress, owner);
	return PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

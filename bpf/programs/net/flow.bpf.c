// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* TCP connections that are established and that end. */
#include "guard.h"
#include "owner.h"

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LISTEN 10
#define IPPROTO_TCP 6
#define SOCK_DONE 1 /* bit of the flags (include/net/sock.h): the other end has sent its FIN */

/* Bytes of the program: SYN and FIN count as one each in what is acknowledged, FIN in what is received. */
static __always_inline void count_bytes(struct ev_flow *e, struct sock *sk, int old)
{
	bool fin_sent = old != TCP_ESTABLISHED && old != TCP_SYN_RECV && old != TCP_CLOSE_WAIT;
	__u32 extra = e->direction == FLOW_outbound;

	if (fin_sent && FIELD(tcp_sock, sk, snd_una) == FIELD(tcp_sock, sk, write_seq))
		extra++;
	e->bytes_sent = FIELD(tcp_sock, sk, bytes_acked);
	e->bytes_sent -= e->bytes_sent < extra ? e->bytes_sent : extra;
	e->bytes_received = FIELD(tcp_sock, sk, bytes_received);
	if (e->bytes_received && FIELD(sock, sk, __sk_common.skc_flags) & (1UL << SOCK_DONE))
		e->bytes_received--;
}

static __always_inline int report(struct sock *sk, struct socket_owner *owner, bool begins, int old)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = counters_of(PROG_on_inet_sock_set_state);
	__u16 family = FIELD(sock, sk, __sk_common.skc_family);
	__u16 direction = !owner ? 0 : owner->listens ? FLOW_inbound : FLOW_outbound;
	struct inet_pair ends = {};
	/* who runs when a packet comes has nothing to do with it */
	struct guard_input in = {
		.event = begins ? EVENT_net_flow_tcp_begin : EVENT_net_flow_tcp_end,
		.nobody = true,
		.has_ends = true,
		.ends = &ends,
		NUMBERS([ARGUMENT_FLOW_DIRECTION] = direction),
	};
	struct control *c = control_of();
	__u64 now = bpf_ktime_get_ns();
	struct guard_verdict verdict;
	struct scratch *s;

	if (!st || !c)
		return 0;
	st->seen++;
	if (owner && owner->tgid == c->agent_tgid) {
		st->guarded++;
		return 0;
	}
	if (begins && owner)
		owner->since = now;
	inet_ends(sk, family, ends.laddr, ends.raddr, &ends.lport, &ends.rport);
	/* the number of the port is taken from a socket that closes before it is told */
	ends.lport = __builtin_bswap16(FIELD(inet_sock, sk, inet_sport));
	if (!guard_admits(c, st, task, &in, &verdict))
		return 0;
	s = scratch_get(st, RING_BULK);
	BEGIN_RECORD(ev_flow, task, in.event, PROG_on_inet_sock_set_state);
	guard_stamp(&e->hdr, &verdict);
	header_owner(&e->hdr, owner);
	e->hdr.time = now;
	e->direction = direction;
	if (!begins) {
		if (owner && owner->since)
			e->duration = e->hdr.time - owner->since;
		count_bytes(e, sk, old);
	}
	e->state = old;
	e->protocol = IPPROTO_TCP;
	e->family = family;
	__builtin_memcpy(e->laddr, ends.laddr, 16);
	__builtin_memcpy(e->raddr, ends.raddr, 16);
	e->lport = ends.lport;
	e->rport = ends.rport;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* void inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate) */
SEC("tp_btf/inet_sock_set_state")
int on_inet_sock_set_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int old = (int)ctx[1], new = (int)ctx[2];
	struct socket_owner *owner;

	if (FIELD(sock, sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	/* The process asks for these two; the rest happens when packets come. */
	if (new == TCP_SYN_SENT || new == TCP_LISTEN) {
		owner = bpf_sk_storage_get(&socket_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (owner) {
			own(owner);
			owner->listens = new == TCP_LISTEN;
		}
		return 0;
	}
	if (new == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV))
		return report(sk, bpf_sk_storage_get(&socket_owners, sk, 0, 0), true, old);
	if (new == TCP_CLOSE && old != TCP_SYN_SENT && old != TCP_LISTEN && old != TCP_CLOSE)
		return report(sk, bpf_sk_storage_get(&socket_owners, sk, 0, 0), false, old);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

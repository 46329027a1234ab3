// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Records for measurements: run by hand (BPF_PROG_TEST_RUN), never attached. Each is 128 bytes: the header, one string
 * reference and a 16-byte path out of as many as the caller asks for. Numbering and counters are those of real events,
 * so that the loss equation can be checked with them.
 */
#include "record.h"

#define PATH_BYTES 16

struct fill_request {
	__u32 count;
	__u32 distinct; /* different paths, 1 to 10,000 */
};

struct flood_record {
	struct ev_bench e;
	char path[PATH_BYTES];
};
_Static_assert(sizeof(struct flood_record) == 128, "size of a flood record");

struct fill_state {
	struct flood_record record;
	__u32 distinct;
};

static long fill_one(__u32 i, struct fill_state *state)
{
	struct prog_counters *st = counters_of(PROG_fill_ring);
	struct ev_hdr *h = &state->record.e.hdr;
	struct control *c = control_of();
	struct seq_line *seq;
	__u32 row, n;

	if (!st || !c)
		return 1;
	st->seen++;
	row = RING_BULK * c->nr_cpus + h->cpu;
	seq = bpf_map_lookup_elem(&sequences, &row);
	if (!seq) {
		st->dropped_scratch++;
		return 1;
	}
	/* Spread over the paths without a pattern that a branch predictor could learn. */
	n = ((i * 2654435761U) >> 8) % state->distinct;
	state->record.path[12] = '0' + n / 1000 % 10;
	state->record.path[13] = '0' + n / 100 % 10;
	state->record.path[14] = '0' + n / 10 % 10;
	state->record.path[15] = '0' + n % 10;
	h->time = bpf_ktime_get_ns();
	h->seq = __sync_fetch_and_add(&seq->next, 1);
	if (bpf_ringbuf_output(&ring_bulk, &state->record, sizeof(state->record), c->polling ? BPF_RB_NO_WAKEUP : 0))
		st->dropped_ring_full++;
	else
		st->submitted++;
	return 0;
}

/* Puts request->count records into the bulk ring; returns 1 when the request makes no sense. */
SEC("syscall")
int fill_ring(struct fill_request *request)
{
	struct fill_state state = { .record.path = "/bench/file/000" };
	struct ev_bench *e = &state.record.e;

	DECLARE_EVENT(ev_bench);
	if (request->distinct == 0 || request->distinct > 10000)
		return 1;
	state.distinct = request->distinct;
	header_fill(&e->hdr, bpf_get_current_task_btf(), EVENT_bench_flood, PROG_fill_ring);
	e->hdr.size = sizeof(state.record);
	e->path.off = sizeof(*e);
	e->path.len = PATH_BYTES;
	e->path.total = PATH_BYTES;
	bpf_loop(request->count, fill_one, &state, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

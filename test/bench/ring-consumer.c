// SPDX-License-Identifier: Apache-2.0
/*
 * The C side of `tarsier bench ring`: runs the program that fills the ring, and reads the ring the way a C program does,
 * with libbpf's ring_buffer__consume and a callback that copies every field and string of a record into a struct.
 *
 * Descriptor 3 is the fill program, descriptor 4 the ring's map, both inherited. Commands come as lines on stdin, each
 * is answered by one line on stdout; the end of stdin ends the process.
 *
 *   fill COUNT PATHS           forget what is in the ring, put COUNT records into it  -> "filled COUNT"
 *   consume                    read the records of the last fill, again if need be    -> "consumed COUNT PATH_BYTES NS"
 *   produce RATE MS PATHS      RATE records a second for MS milliseconds, in batches  -> "produced COUNT NS"
 *
 * An error is answered by "error TEXT".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tarsier_abi.gen.h"

#define PROGRAM_FD 3
#define RING_FD 4
#define PATH_MAX_BYTES 4096
/* Longest batch of `produce`: how late the pacing may notice that time has passed. */
#define BATCH 2048
#define TICK_NS 500000

/* Everything a record holds, unpacked. */
struct decoded {
	uint16_t id, flags, prog;
	uint32_t size, cpu, tgid, tid, uid, generation;
	uint64_t time, seq, start, cgroup, cgroup_v1;
	uint64_t live[4];
	uint32_t path_total;
	uint16_t path_len;
	char path[PATH_MAX_BYTES + 1];
};

struct tally {
	struct decoded last;
	uint64_t count, path_bytes;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int on_record(void *context, void *data, size_t size)
{
	struct tally *tally = context;
	struct decoded *out = &tally->last;
	const struct ev_bench *e = data;
	const struct ev_hdr *h = &e->hdr;
	uint16_t len;

	if (size < sizeof(*e) || h->size > size)
		return 0;
	out->id = h->id;
	out->flags = h->flags;
	out->prog = h->prog;
	out->size = h->size;
	out->cpu = h->cpu;
	out->tgid = h->tgid;
	out->tid = h->tid;
	out->uid = h->uid;
	out->generation = h->generation;
	out->time = h->time;
	out->seq = h->seq;
	out->start = h->start;
	out->cgroup = h->cgroup;
	out->cgroup_v1 = h->cgroup_v1;
	memcpy(out->live, h->live, sizeof(out->live));
	len = e->path.len;
	if (len > PATH_MAX_BYTES || e->path.off + len > size)
		len = 0;
	memcpy(out->path, (const char *)data + e->path.off, len);
	out->path[len] = 0;
	out->path_len = len;
	out->path_total = e->path.total;
	/* The copy is the work that is measured: it must not be optimised away. */
	asm volatile("" : : "r"(out) : "memory");
	tally->count++;
	tally->path_bytes += len;
	return 0;
}

/* Runs the fill program once; 0, or a negative errno. */
static int run_fill(uint32_t count, uint32_t paths)
{
	struct {
		uint32_t count, paths;
	} request = { count, paths };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &request, .ctx_size_in = sizeof(request));
	int error = bpf_prog_test_run_opts(PROGRAM_FD, &opts);

	return error ? error : opts.retval ? -EINVAL : 0;
}

/* RATE records a second until the time is over. A producer that cannot keep up makes as many as it can. */
static int produce(uint64_t rate, uint64_t duration_ns, uint32_t paths, uint64_t *made, uint64_t *took)
{
	uint64_t start = now_ns(), elapsed = 0, due, batch;
	struct timespec tick = { 0, TICK_NS };
	int error;

	*made = 0;
	while (elapsed < duration_ns) {
		due = (uint64_t)((double)rate * elapsed / 1e9);
		batch = due > *made ? due - *made : 0;
		if (batch == 0) {
			nanosleep(&tick, NULL);
		} else {
			if (batch > BATCH)
				batch = BATCH;
			error = run_fill(batch, paths);
			if (error)
				return error;
			*made += batch;
		}
		elapsed = now_ns() - start;
	}
	*took = elapsed;
	return 0;
}

int main(void)
{
	static struct tally tally;
	uint64_t rate, duration_ms, made = 0, took = 0, fill_start = 0;
	volatile uint64_t *consumer, *producer;
	struct ring_buffer *ring;
	uint32_t count, paths;
	char line[128];
	long page = sysconf(_SC_PAGESIZE);
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ring = ring_buffer__new(RING_FD, on_record, &tally, NULL);
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, RING_FD, 0);
	producer = mmap(NULL, page, PROT_READ, MAP_SHARED, RING_FD, page);
	if (!ring || consumer == MAP_FAILED || producer == MAP_FAILED) {
		fprintf(stdout, "error cannot map the ring: %s\n", strerror(errno));
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "fill %u %u", &count, &paths) == 2) {
			fill_start = *consumer = *producer;
			error = run_fill(count, paths);
			if (error)
				printf("error fill: %s\n", strerror(-error));
			else
				printf("filled %u\n", count);
		} else if (!strcmp(line, "consume\n")) {
			uint64_t from;

			tally.count = tally.path_bytes = 0;
			*consumer = fill_start;
			from = now_ns();
			error = ring_buffer__consume(ring);
			took = now_ns() - from;
			if (error < 0)
				printf("error consume: %s\n", strerror(-error));
			else
				printf("consumed %lu %lu %lu\n", tally.count, tally.path_bytes, took);
		} else if (sscanf(line, "produce %lu %lu %u", &rate, &duration_ms, &paths) == 3) {
			error = produce(rate, duration_ms * 1000000, paths, &made, &took);
			if (error)
				printf("error produce: %s\n", strerror(-error));
			else
				printf("produced %lu %lu\n", made, took);
		} else {
			printf("error not a command: %s", line);
		}
	}
	ring_buffer__free(ring);
	return 0;
}

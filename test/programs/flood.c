/*
 * flood N PATH CPU: opens PATH N times on one CPU. Prints the CPU, how many opens succeeded, and the times
 * (CLOCK_MONOTONIC, ns) before the first and before the last one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[1]) : 0, done = 0;
	long long begin, end = 0;
	cpu_set_t cpus;
	int fd;

	CPU_ZERO(&cpus);
	CPU_SET(argc > 3 ? atoi(argv[3]) : 0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return 1;
	begin = now();
	for (long i = 0; i < n; i++) {
		if (i == n - 1)
			end = now();
		fd = open(argv[2], O_RDONLY);
		if (fd >= 0) {
			close(fd);
			done++;
		}
	}
	printf("%s %ld %lld %lld\n", argv[3], done, begin, end);
	return 0;
}

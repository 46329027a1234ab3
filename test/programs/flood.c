/* flood N PATH CPU: opens PATH N times on one CPU. Prints how many opens succeeded. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[1]) : 0, done = 0;
	cpu_set_t cpus;
	int fd;

	CPU_ZERO(&cpus);
	CPU_SET(argc > 3 ? atoi(argv[3]) : 0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return 1;
	for (long i = 0; i < n; i++) {
		fd = open(argv[2], O_RDONLY);
		if (fd >= 0) {
			close(fd);
			done++;
		}
	}
	printf("%ld\n", done);
	return 0;
}

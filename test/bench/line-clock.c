// SPDX-License-Identifier: Apache-2.0
/* Copies lines from standard input, each with the time of its arrival in front: CLOCK_REALTIME ns. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	static char buffer[1 << 20];
	size_t used = 0;
	ssize_t n;

	while ((n = read(0, buffer + used, sizeof(buffer) - used)) > 0) {
		char *line = buffer, *end;
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		used += n;
		while ((end = memchr(line, '\n', buffer + used - line))) {
			printf("%lld %.*s\n", now.tv_sec * 1000000000LL + now.tv_nsec, (int)(end - line), line);
			line = end + 1;
		}
		used = buffer + used - line;
		memmove(buffer, line, used);
		fflush(stdout);
	}
	return 0;
}

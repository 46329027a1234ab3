// SPDX-License-Identifier: Apache-2.0
/*
 * Loops whose cost with and without the agent is compared: workload NAME COUNT. Prints wall and CPU nanoseconds
 * (CPU of this process and its children) as `wall cpu`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void getppid_loop(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void open_loop(long n)
{
	char byte;

	while (n--) {
		int fd = open("/etc/hostname", O_RDONLY);

		if (fd < 0 || read(fd, &byte, 1) < 0)
			die("open");
		close(fd);
	}
}

static void write_loop(long n)
{
	char name[] = "/tmp/tarsier-bench-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0)
		die("mkstemp");
	unlink(name);
	while (n--)
		if (write(fd, "x", 1) != 1)
			die("write");
	close(fd);
}

static void fork_loop(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
}

static void connect_loop(long n)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(addr);
	struct linger now = { 1, 0 };
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 16) ||
	    getsockname(listener, (void *)&addr, &length))
		die("listen");
	while (n--) {
		int client = socket(AF_INET, SOCK_STREAM, 0), server;

		if (connect(client, (void *)&addr, sizeof(addr)))
			die("connect");
		server = accept(listener, NULL, NULL);
		/* reset instead of TIME_WAIT, or the ports run out */
		setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(client);
		close(server);
	}
	close(listener);
}

static long long ns(struct timeval t)
{
	return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

static long long cpu(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return ns(self.ru_utime) + ns(self.ru_stime) + ns(children.ru_utime) + ns(children.ru_stime);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long);
	} loops[] = {
		{ "getppid", getppid_loop }, { "open", open_loop },	  { "write", write_loop },
		{ "fork", fork_loop },	     { "connect", connect_loop },
	};
	struct timespec from, to;
	long long cpu_from;

	for (size_t i = 0; argc == 3 && i < sizeof(loops) / sizeof(*loops); i++) {
		if (strcmp(loops[i].name, argv[1]))
			continue;
		cpu_from = cpu();
		clock_gettime(CLOCK_MONOTONIC, &from);
		loops[i].run(atol(argv[2]));
		clock_gettime(CLOCK_MONOTONIC, &to);
		printf("%lld %lld\n", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec,
		       cpu() - cpu_from);
		return 0;
	}
	fprintf(stderr, "usage: workload getppid|open|write|fork|connect COUNT\n");
	return 2;
}

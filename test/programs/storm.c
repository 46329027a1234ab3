/*
 * storm SECONDS FOLDER WAIT: a fork bomb and a storm of opens, until the time is over. Waits for a line on standard input
 * before it begins when WAIT is 1. Every process it makes forks others, changes its credentials and executes this program (as
 * a leaf, which opens files and ends), or ends at once; the first one gives itself names all the time. Prints how many forks, execs,
 * opens, ends and changes of credentials succeeded; every process has ended by then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared by all processes; the leaves have it as descriptor 9. */
struct counts {
	long forks, execs, opens, exits, changes;
};
static struct counts *counts;
static const char *folder;
static double deadline;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void add(long *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
}

static void end(void)
{
	add(&counts->exits);
	_exit(0);
}

static void open_files(int n)
{
	char path[4096];

	for (int i = 0; i < n; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%d", folder, i % 64);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		if (fd >= 0) {
			add(&counts->opens);
			close(fd);
		}
	}
}

/* Three changes of credentials, all or none: nothing that follows needs what they take. */
static void change_credentials(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	gid_t group = 7;

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= ~(1u << CAP_SYS_BOOT);
	if (!syscall(SYS_setresuid, -1, -1, 1) && !syscall(SYS_setgroups, 1, &group) && !syscall(SYS_capset, &header, data))
		add(&counts->changes);
}

static void take_names(void)
{
	char name[16];

	for (int i = 0; i % 64 || now() < deadline; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		prctl(PR_SET_NAME, name);
	}
}

static void breed(int depth)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = now() < deadline ? fork() : -1;

		if (pid > 0)
			add(&counts->forks);
		if (pid != 0)
			continue;
		if (depth > 0) {
			breed(depth - 1);
		} else if (i % 2 == 0) {
			change_credentials();
			add(&counts->execs);
			execl("/proc/self/exe", "leaf", folder, (char *)NULL);
			__atomic_fetch_sub(&counts->execs, 1, __ATOMIC_SEQ_CST);
		} else {
			open_files(20);
		}
		end();
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	int leaf = argc > 0 && !strcmp(argv[0], "leaf");
	int fd = leaf ? 9 : memfd_create("counts", 0);

	if (!leaf && (argc < 4 || fd < 0 || ftruncate(fd, sizeof(*counts)) || dup2(fd, 9) < 0))
		return 1;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, 9, 0);
	if (counts == MAP_FAILED)
		return 1;
	if (leaf) {
		folder = argv[1];
		open_files(30);
		end();
	}
	folder = argv[2];
	if (atoi(argv[3]) && getchar() == EOF)
		return 1;
	deadline = now() + atof(argv[1]);
	if (fork() == 0) {
		while (now() < deadline)
			breed(2);
		end();
	}
	add(&counts->forks);
	take_names();
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	printf("%ld %ld %ld %ld %ld\n", counts->forks, counts->execs, counts->opens, counts->exits, counts->changes);
	return 0;
}

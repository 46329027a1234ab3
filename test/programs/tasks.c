/*
 * Makes and ends processes and threads in the way named on the command line.
 *
 * tasks fork|vfork|clone|clone3     a child that exits with code 3; prints what the call returned
 * tasks thread                      a thread that comes and goes
 * tasks exit-last                   the main thread ends first, another one later with code 7
 * tasks group N                     N waiting threads, then exit_group with code 5
 * tasks race N                      N threads that end one by one at the same moment, the main one with them
 * tasks exec PATH [ARG...]          exec by a thread that is not the leader
 * tasks signal N                    kills itself
 * tasks rename NAME                 changes the name of the main thread, and of another one
 * tasks fexec FILE memfd|deleted|path [ARG...]   runs FILE from a copy in memory, a deleted copy, or by descriptor
 * tasks failing-exec PATH N         N failing execve calls
 * tasks sleep                       waits until standard input ends
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **rest;
static pthread_barrier_t barrier;

static int say(long value)
{
	char line[32];

	return write(1, line, sprintf(line, "%ld\n", value)) < 0;
}

static int make_child(const char *how)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid;

	if (strcmp(how, "vfork") == 0) {
		pid = vfork();
		if (pid == 0)
			_exit(3);
	} else {
		if (strcmp(how, "fork") == 0)
			pid = syscall(SYS_fork);
		else if (strcmp(how, "clone3") == 0)
			pid = syscall(SYS_clone3, &args, sizeof(args));
		else
			pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(3);
	}
	waitpid(pid, NULL, 0);
	return say(pid);
}

static void *nothing(void *unused)
{
	return unused;
}
static void *last(void *unused)
{
	usleep(20000);
	syscall(SYS_exit, 7);
	return unused;
}
static void *wait_for_ever(void *unused)
{
	pthread_barrier_wait(&barrier);
	pause();
	return unused;
}
static void *end_together(void *unused)
{
	pthread_barrier_wait(&barrier);
	syscall(SYS_exit, 0);
	return unused;
}
static void *execute(void *unused)
{
	execv(rest[0], rest);
	return unused;
}
static void *rename_self(void *unused)
{
	prctl(PR_SET_NAME, "other");
	return unused;
}

static int threads(void *(*body)(void *), int n)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, n + 1);
	for (int i = 0; i < n; i++)
		if (pthread_create(&thread, NULL, body, NULL))
			return 1;
	return 0;
}

static int copy_into(int to, const char *file)
{
	char buffer[65536];
	int from = open(file, O_RDONLY);
	ssize_t n;

	if (from < 0)
		return -1;
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, n) != n)
			return -1;
	close(from);
	return 0;
}

static int run_by_descriptor(const char *file, const char *how, char **argv)
{
	char name[] = "tasks-XXXXXX";
	int fd;

	if (strcmp(how, "path") == 0)
		fd = open(file, O_PATH | O_CLOEXEC);
	else if (strcmp(how, "memfd") == 0) {
		fd = memfd_create("hidden", MFD_CLOEXEC);
		if (copy_into(fd, file))
			return 1;
	} else {
		fd = mkostemp(name, O_CLOEXEC);
		if (copy_into(fd, file) || fchmod(fd, 0755))
			return 1;
		close(fd);
		fd = open(name, O_PATH | O_CLOEXEC);
		unlink(name);
	}
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return errno;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t thread;

	rest = argv + 2;
	if (strcmp(how, "thread") == 0) {
		threads(nothing, 1);
		usleep(20000);
	} else if (strcmp(how, "exit-last") == 0) {
		threads(last, 1);
		syscall(SYS_exit, 4);
	} else if (strcmp(how, "group") == 0) {
		threads(wait_for_ever, atoi(argv[2]));
		pthread_barrier_wait(&barrier);
		_exit(5);
	} else if (strcmp(how, "race") == 0) {
		threads(end_together, atoi(argv[2]));
		end_together(NULL);
	} else if (strcmp(how, "exec") == 0) {
		threads(execute, 1);
		pause();
	} else if (strcmp(how, "signal") == 0) {
		kill(getpid(), atoi(argv[2]));
		pause();
	} else if (strcmp(how, "rename") == 0) {
		prctl(PR_SET_NAME, argv[2]);
		if (pthread_create(&thread, NULL, rename_self, NULL) == 0)
			pthread_join(thread, NULL);
	} else if (strcmp(how, "fexec") == 0) {
		return run_by_descriptor(argv[2], argv[3], argv + 4);
	} else if (strcmp(how, "failing-exec") == 0) {
		for (int i = atoi(argv[3]); i > 0; i--)
			execv(argv[2], rest);
	} else if (strcmp(how, "sleep") == 0) {
		char c;

		say(getpid());
		while (read(0, &c, 1) > 0)
			;
	} else
		return make_child(how);
	return 0;
}

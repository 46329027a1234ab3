/*
 * Opens a path that another thread changes all the time between two names, and prints the inode of each file it got, which
 * only the kernel knows. race ONE OTHER COUNT [exec]; both names have the same length. With exec they are programs to run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[4096];
static const char *names[2];
static size_t length;
static volatile int done;

static void *change(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !done; i++)
		memcpy(path, names[i & 1], length);
	return NULL;
}

/* Run the path in a child that shares our memory until then. */
static int run(void)
{
	static char *const arguments[] = { "program", NULL };
	int status;
	pid_t child = vfork();

	if (child == 0) {
		syscall(SYS_execve, path, arguments, NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child ? 0 : 2;
}

int main(int argc, char **argv)
{
	static unsigned long inodes[100000];
	pthread_t thread;
	int count;

	if (argc < 4 || strlen(argv[1]) != strlen(argv[2]))
		return 2;
	count = atoi(argv[3]);
	names[0] = argv[1], names[1] = argv[2], length = strlen(argv[1]);
	strcpy(path, argv[1]);
	if (pthread_create(&thread, NULL, change, NULL))
		return 2;
	for (int i = 0; argc > 4 && i < count; i++)
		if (run())
			return 2;
	for (int i = 0; argc == 4 && i < count; i++) {
		struct stat st;
		int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);

		/* a name that is half of each leads nowhere */
		if (fd >= 0 && syscall(SYS_fstat, fd, &st) == 0)
			inodes[i] = st.st_ino;
		if (fd >= 0)
			syscall(SYS_close, fd);
	}
	done = 1;
	pthread_join(thread, NULL);
	for (int i = 0; argc == 4 && i < count; i++)
		printf("%lu\n", inodes[i]);
	return 0;
}

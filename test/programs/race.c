/*
 * Makes calls with a name that another thread changes all the time between two, and prints what each call was really about,
 * which only the kernel knows. race ONE OTHER COUNT [HOW]; both names have the same length.
 *
 * HOW: open (the default; prints inodes), exec (runs the programs; prints nothing), unlink and rename (of files that are
 * there again for the next call; prints 1, 2, or 0 for neither), connect (names are ports on loopback; prints the peer's).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char given[4096];
static const char *names[2];
static size_t length;
static volatile int done;

static void *change(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !done; i++)
		memcpy(given, names[i & 1], length);
	return NULL;
}

static unsigned long do_open(void)
{
	struct stat st = { 0 };
	int fd = syscall(SYS_openat, AT_FDCWD, given, O_RDONLY);

	/* a name that is half of each leads nowhere */
	if (fd >= 0) {
		syscall(SYS_fstat, fd, &st);
		syscall(SYS_close, fd);
	}
	return st.st_ino;
}

/* Run the program in a child that shares our memory until then. */
static unsigned long do_exec(void)
{
	static char *const arguments[] = { "program", NULL };
	int status;
	pid_t child = vfork();

	if (child == 0) {
		syscall(SYS_execve, given, arguments, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(2);
	return 0;
}

static int gone(void)
{
	return access(names[0], F_OK) ? 1 : access(names[1], F_OK) ? 2 : 0;
}

static unsigned long do_unlink(void)
{
	int which;

	syscall(SYS_unlink, given);
	which = gone();
	if (which)
		close(open(names[which - 1], O_CREAT | O_WRONLY, 0600));
	return which;
}

static unsigned long do_rename(void)
{
	int which;

	syscall(SYS_rename, given, "renamed");
	which = gone();
	if (which)
		syscall(SYS_renameat, AT_FDCWD, "renamed", AT_FDCWD, names[which - 1]);
	return which;
}

static unsigned long do_connect(void)
{
	struct linger at_once = { 1, 0 };
	struct sockaddr_in peer = { 0 };
	socklen_t size = sizeof(peer);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	syscall(SYS_connect, fd, given, sizeof(peer));
	getpeername(fd, (struct sockaddr *)&peer, &size);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	return ntohs(peer.sin_port);
}

static const struct {
	const char *name;
	unsigned long (*call)(void);
} ways[] = {
	{ "open", do_open },	 { "exec", do_exec },	    { "unlink", do_unlink },
	{ "rename", do_rename }, { "connect", do_connect },
};

int main(int argc, char **argv)
{
	static unsigned long told[100000];
	static struct sockaddr_in addresses[2];
	const char *how = argc > 4 ? argv[4] : "open";
	unsigned long (*call)(void) = NULL;
	pthread_t thread;
	int count;

	if (argc < 4 || strlen(argv[1]) != strlen(argv[2]))
		return 2;
	count = atoi(argv[3]);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, how) == 0)
			call = ways[i].call;
	if (!call || count > 100000)
		return 2;
	for (int i = 0; i < 2; i++) {
		addresses[i] = (struct sockaddr_in){ AF_INET, htons(atoi(argv[1 + i])), { htonl(INADDR_LOOPBACK) }, { 0 } };
		names[i] = call == do_connect ? (char *)&addresses[i] : argv[1 + i];
	}
	length = call == do_connect ? sizeof(addresses[0]) : strlen(argv[1]);
	memcpy(given, names[0], length);
	if (pthread_create(&thread, NULL, change, NULL))
		return 2;
	for (int i = 0; i < count; i++)
		told[i] = call();
	done = 1;
	pthread_join(thread, NULL);
	for (int i = 0; call != do_exec && i < count; i++)
		printf("%lu\n", told[i]);
	return 0;
}

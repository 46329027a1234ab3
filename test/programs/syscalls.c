/*
 * Makes the system calls listed in a file, each in a child of its own that makes no other one before, in new user, pid,
 * mount, net, uts and ipc namespaces and without capabilities.
 *
 * syscalls FILE, with lines: NUMBER ARG ARG ARG ARG ARG ARG; `i` before the number is a call by the entry point of 32-bit
 * programs (int $0x80).
 * An argument is a number, `=text` for a pointer to a string, or `*1,2` for one of 32 bits to such words. A child that does not end within two seconds is killed.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sched.h>
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

/* only x86 has it, and only there it is needed */
#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

#define MAX_CALLS 1024

struct call {
	long nr;
	int compat;
	unsigned long args[6];
};

static struct call calls[MAX_CALLS];

/* In line, because a child of vfork must not return into a frame that its parent still needs. */
static inline __attribute__((always_inline)) long make(const struct call *c)
{
	long result;
#if defined(__x86_64__)
	if (c->compat) {
		/* the sixth argument goes into the frame pointer, which no constraint names */
		__asm__ volatile("push %%rbp\n\tmov %[sixth], %%rbp\n\tint $0x80\n\tpop %%rbp"
				 : "=a"(result)
				 : "a"(c->nr), "b"(c->args[0]), "c"(c->args[1]), "d"(c->args[2]), "S"(c->args[3]),
				   "D"(c->args[4]), [sixth] "r"(c->args[5])
				 : "r8", "r9", "r10", "r11", "memory");
		return result;
	}
	register unsigned long r10 __asm__("r10") = c->args[3];
	register unsigned long r8 __asm__("r8") = c->args[4];
	register unsigned long r9 __asm__("r9") = c->args[5];

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(c->nr), "D"(c->args[0]), "S"(c->args[1]), "d"(c->args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
#else
	result = syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
#endif
	return result;
}

/* Numbers with commas between them as words at an address that 32 bits hold. */
static unsigned long words(char *list)
{
	static unsigned int *room;

	if (!room)
		room = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned long at = (unsigned long)room;

	for (char *end; *list; list = *end ? end + 1 : end)
		*room++ = strtol(list, &end, 0);
	return at;
}

static unsigned long argument(char *word)
{
	if (*word == '=')
		return (unsigned long)strdup(word + 1);
	return *word == '*' ? words(word + 1) : strtoul(word, NULL, 0);
}

static int read_calls(const char *file)
{
	static char line[4096];
	FILE *in = fopen(file, "r");
	int n = 0;

	if (!in) {
		perror(file);
		exit(2);
	}
	for (; n < MAX_CALLS && fgets(line, sizeof(line), in); n++) {
		char *word = strtok(line, " \n");

		calls[n].compat = *word == 'i';
		calls[n].nr = atol(word + calls[n].compat);
		for (int i = 0; i < 6; i++) {
			word = strtok(NULL, " \n");
			if (word)
				calls[n].args[i] = argument(word);
		}
	}
	fclose(in);
	return n;
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = {};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capset, &header, none)) {
		perror("capset");
		exit(2);
	}
}

static void run(const struct call *c, const sigset_t *chld)
{
	static const struct timespec limit = { 2, 0 };
	pid_t child = syscall(SYS_fork);

	if (child == 0) {
		make(c);
		syscall(SYS_exit_group, 0);
	}
	while (waitpid(child, NULL, WNOHANG) == 0)
		if (sigtimedwait(chld, NULL, &limit) < 0)
			break;
	/* the first process of a namespace: these are all its others, children of the child among them */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

int main(int argc, char **argv)
{
	sigset_t chld;
	pid_t child;
	int n;

	if (argc != 2)
		return 2;
	n = read_calls(argv[1]);
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)) {
		perror("unshare");
		return 2;
	}
	child = fork();
	if (child) {
		int status = 0;

		waitpid(child, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	drop_capabilities();
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	for (int i = 0; i < n; i++)
		run(&calls[i], &chld);
	return 0;
}

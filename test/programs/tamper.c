/*
 * Tampers with one process or BPF object, which the caller names, in one way. Prints `ok` or the errno's name.
 *
 *   tamper seize PID            ptrace: attach and let go
 *   tamper seize-child          the same to a child of its own
 *   tamper readv|writev PID     a byte at an address that is not there
 *   tamper mem PID              open /proc/PID/mem for writing
 *   tamper getfd PID FD         a descriptor, by pidfd_getfd
 *   tamper signal PID NR
 *   tamper detach LINK_ID
 *   tamper update MAP_ID VALUE_SIZE WORD VALUE      change one 32-bit word of element 0
 *   tamper map MAP_ID WORD VALUE                    the same through a mapping, without any bpf(2) that changes a map
 *   tamper close PID FD         ptrace: make the process close a descriptor (x86-64)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(long result)
{
	puts(result < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int by_id(int cmd, uint32_t id)
{
	union bpf_attr attr = { .map_id = id };
	long fd = bpf(cmd, &attr);

	if (fd < 0) {
		say(fd);
		exit(1);
	}
	return fd;
}

static int seize_child(void)
{
	pid_t child = fork();
	long result;

	if (child == 0) {
		pause();
		_exit(0);
	}
	result = ptrace(PTRACE_SEIZE, child, 0, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return say(result);
}

static int vm(pid_t pid, int writing)
{
	char byte = 0;
	struct iovec local = { &byte, 1 }, remote = { (void *)8, 1 };

	return say(writing ? process_vm_writev(pid, &local, 1, &remote, 1, 0)
			   : process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

static int update(int fd, uint32_t size, uint32_t word, uint32_t value)
{
	uint32_t key = 0, *element = calloc(1, size);
	union bpf_attr attr = { .map_fd = fd };

	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)element;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr) < 0)
		return say(-1);
	element[word] = value;
	return say(bpf(BPF_MAP_UPDATE_ELEM, &attr));
}

static int write_mapped(int fd, uint32_t word, uint32_t value)
{
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return say(-1);
	page[word] = value;
	return say(0);
}

#ifdef __x86_64__
/* Stop the process where it waits in a system call, which is where it usually is. */
static long stop_in_call(pid_t pid, struct user_regs_struct *regs)
{
	for (int i = 0; i < 1000; i++) {
		if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, NULL, __WALL) < 0 ||
		    ptrace(PTRACE_GETREGS, pid, 0, regs) < 0)
			return -1;
		errno = 0;
		if ((long)regs->orig_rax >= 0 && (ptrace(PTRACE_PEEKTEXT, pid, regs->rip - 2, 0) & 0xffff) == 0x050f)
			return 0;
		ptrace(PTRACE_CONT, pid, 0, 0);
		usleep(1000);
	}
	errno = EAGAIN;
	return -1;
}

/* Its instruction pointer stands behind a `syscall` instruction, which serves again. */
static int make_close(pid_t pid, int fd)
{
	struct user_regs_struct saved, regs;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || stop_in_call(pid, &saved) < 0)
		return say(-1);
	regs = saved;
	regs.rip = saved.rip - 2;
	regs.rax = SYS_close;
	regs.orig_rax = -1;
	regs.rdi = fd;
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) < 0 || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
		return say(-1);
	waitpid(pid, &status, __WALL);
	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0 || ptrace(PTRACE_SETREGS, pid, 0, &saved) < 0 ||
	    ptrace(PTRACE_DETACH, pid, 0, 0) < 0)
		return say(-1);
	errno = -(int)regs.rax;
	return say(errno ? -1 : 0);
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long n[4] = {};

	for (int i = 0; i < 4 && i + 2 < argc; i++)
		n[i] = strtol(argv[i + 2], NULL, 10);
	if (!strcmp(what, "seize"))
		return say(ptrace(PTRACE_SEIZE, (pid_t)n[0], 0, 0));
	if (!strcmp(what, "seize-child"))
		return seize_child();
	if (!strcmp(what, "readv") || !strcmp(what, "writev"))
		return vm(n[0], what[0] == 'w');
	if (!strcmp(what, "mem")) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%ld/mem", n[0]);
		return say(open(path, O_WRONLY));
	}
	if (!strcmp(what, "getfd"))
		return say(syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, (pid_t)n[0], 0), (int)n[1], 0));
	if (!strcmp(what, "signal"))
		return say(kill(n[0], n[1]));
	if (!strcmp(what, "detach")) {
		union bpf_attr attr = { .link_detach.link_fd = by_id(BPF_LINK_GET_FD_BY_ID, n[0]) };

		return say(bpf(BPF_LINK_DETACH, &attr));
	}
	if (!strcmp(what, "update"))
		return update(by_id(BPF_MAP_GET_FD_BY_ID, n[0]), n[1], n[2], n[3]);
	if (!strcmp(what, "map"))
		return write_mapped(by_id(BPF_MAP_GET_FD_BY_ID, n[0]), n[1], n[2]);
#ifdef __x86_64__
	if (!strcmp(what, "close"))
		return make_close(n[0], n[1]);
#endif
	fprintf(stderr, "tamper: what is '%s'?\n", what);
	return 2;
}

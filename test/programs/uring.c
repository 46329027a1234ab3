/*
 * Makes files and connections through io_uring, without a C library's help, and prints the result of each operation.
 *
 * uring FOLDER PORT [sqpoll]: paths start from FOLDER, connections go to PORT of 127.0.0.1. uring FOLDER PORT crowded makes
 * files alone and reads no result, so that there is no room for most.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ENTRIES 8
#ifndef IORING_OP_SOCKET
#define IORING_OP_SOCKET 45
#endif

static struct {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	int polled;
} ring;

static void open_ring(int polled)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE | (polled ? IORING_SETUP_SQPOLL : 0),
				     .sq_thread_idle = 1000,
				     .cq_entries = 2 * ENTRIES };
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0) {
		perror("io_uring_setup");
		exit(2);
	}
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, p.sq_entries * sizeof(*ring.sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 ring.fd, IORING_OFF_SQES);
	ring.sq_tail = (unsigned *)(sq + p.sq_off.tail);
	ring.sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
	ring.sq_flags = (unsigned *)(sq + p.sq_off.flags);
	ring.sq_array = (unsigned *)(sq + p.sq_off.array);
	ring.cq_head = (unsigned *)(cq + p.cq_off.head);
	ring.cq_tail = (unsigned *)(cq + p.cq_off.tail);
	ring.cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	ring.polled = polled;
}

static int enter(int wait)
{
	unsigned flags = wait ? IORING_ENTER_GETEVENTS : 0;

	if (ring.polled && __atomic_load_n(ring.sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	return syscall(SYS_io_uring_enter, ring.fd, 1, wait, flags, NULL, 0);
}

/* Carry out one operation; its result. One that asks for no completion has the result 0. */
static int run(const char *name, struct io_uring_sqe sqe)
{
	unsigned tail = *ring.sq_tail, head = *ring.cq_head;
	int skip = sqe.flags & IOSQE_CQE_SKIP_SUCCESS, result = 0;

	ring.sqes[tail & *ring.sq_mask] = sqe;
	ring.sq_array[tail & *ring.sq_mask] = tail & *ring.sq_mask;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (enter(skip ? 0 : 1) < 0) {
		perror("io_uring_enter");
		exit(2);
	}
	if (!skip) {
		while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head)
			enter(1);
		result = ring.cqes[head & *ring.cq_mask].res;
		__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	} else
		usleep(50000);
	printf("%s %d\n", name, result);
	return result;
}

#define OP(code, ...) ((struct io_uring_sqe){ .opcode = IORING_OP_##code, ##__VA_ARGS__ })
#define AT(x) ((uint64_t)(uintptr_t)(x))

static struct sockaddr_in address(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static void files(void)
{
	static struct open_how {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY, 0, 0 };
	char *name = strdup("made");
	struct statx attributes;
	char text[8];
	int fd, dir;

	fd = run("openat", OP(OPENAT, .fd = AT_FDCWD, .addr = AT(name), .len = 0640, .open_flags = O_CREAT | O_WRONLY));
	run("write", OP(WRITE, .fd = fd, .addr = AT("text"), .len = 4));
	/* changed as soon as the kernel has it */
	strcpy(name, "liar");
	dir = run("openat2", OP(OPENAT2, .fd = AT_FDCWD, .addr = AT("."), .len = sizeof(how), .off = AT(&how)));
	run("openat", OP(OPENAT, .fd = dir, .addr = AT("made"), .flags = IOSQE_ASYNC));
	run("openat", OP(OPENAT, .fd = AT_FDCWD, .addr = AT("nowhere/file")));
	run("openat", OP(OPENAT, .fd = AT_FDCWD, .addr = AT("made"), .flags = IOSQE_CQE_SKIP_SUCCESS));
	run("linkat", OP(LINKAT, .fd = AT_FDCWD, .addr = AT("made"), .len = AT_FDCWD, .addr2 = AT("second")));
	run("symlinkat", OP(SYMLINKAT, .fd = AT_FDCWD, .addr = AT("target"), .addr2 = AT("symbolic")));
	run("renameat2",
	    OP(RENAMEAT, .fd = dir, .addr = AT("second"), .len = AT_FDCWD, .addr2 = AT("third"), .rename_flags = 1));
	run("unlinkat", OP(UNLINKAT, .fd = AT_FDCWD, .addr = AT("third")));
	run("unlinkat", OP(UNLINKAT, .fd = AT_FDCWD, .addr = AT("third")));
	run("mkdirat", OP(MKDIRAT, .fd = dir, .addr = AT("folder"), .len = 0750));
	run("mkdirat", OP(MKDIRAT, .fd = AT_FDCWD, .addr = AT("folder"), .len = 0750));
	run("fallocate", OP(FALLOCATE, .fd = fd, .off = 4096, .addr = 8192, .len = 1));
	run("fsync", OP(FSYNC, .fd = fd));
	run("fdatasync", OP(FSYNC, .fd = fd, .fsync_flags = IORING_FSYNC_DATASYNC));
	run("statx", OP(STATX, .fd = AT_FDCWD, .addr = AT("made"), .len = STATX_SIZE, .off = AT(&attributes)));
	run("setxattr", OP(SETXATTR, .addr = AT("user.name"), .addr2 = AT("value"), .addr3 = AT("made"), .len = 5));
	run("fgetxattr", OP(FGETXATTR, .fd = fd, .addr = AT("user.none"), .addr2 = AT(text), .len = sizeof(text)));
	run("read", OP(READ, .fd = fd, .addr = AT(text), .len = sizeof(text)));
	run("madvise", OP(MADVISE, .addr = AT(ring.sqes), .len = 4096, .fadvise_advice = MADV_NORMAL));
	run("close", OP(CLOSE, .fd = fd));
}

static void wait_for(int results)
{
	while (results-- > 0) {
		while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == *ring.cq_head)
			enter(1);
		__atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
	}
}

static void submit(struct io_uring_sqe sqe)
{
	unsigned tail = *ring.sq_tail;

	ring.sqes[tail & *ring.sq_mask] = sqe;
	ring.sq_array[tail & *ring.sq_mask] = tail & *ring.sq_mask;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	enter(0);
}

/* An accept and a receive that go on: every connection and every message is one more result. */
static void go_on(void)
{
	static char buffers[4][16];
	struct sockaddr_in at = address(0);
	socklen_t size = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), clients[2];

	if (bind(server, (struct sockaddr *)&at, size) || listen(server, 4) ||
	    getsockname(server, (struct sockaddr *)&at, &size))
		exit(2);
	/* before the accept: while it looks for a connection, it has a number for it */
	for (int i = 0; i < 2; i++)
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
	submit(OP(ACCEPT, .fd = server, .ioprio = IORING_ACCEPT_MULTISHOT, .user_data = 77));
	for (int i = 0; i < 2; i++) {
		if (connect(clients[i], (struct sockaddr *)&at, size))
			exit(2);
		wait_for(1);
	}
	run("cancel", OP(ASYNC_CANCEL, .addr = 77));
	wait_for(1);
	run("buffers", OP(PROVIDE_BUFFERS, .fd = 4, .addr = AT(buffers), .len = 16, .buf_group = 1));
	/* the second of the two that were accepted */
	submit(OP(RECV, .fd = clients[1] + 2, .ioprio = IORING_RECV_MULTISHOT, .flags = IOSQE_BUFFER_SELECT,
		  .buf_group = 1, .user_data = 78));
	for (int i = 1; i <= 2; i++) {
		if (send(clients[1], "message", 3 * i, 0) != 3 * i)
			exit(2);
		wait_for(1);
	}
	run("shutdown", OP(SHUTDOWN, .fd = clients[1], .len = SHUT_WR));
	wait_for(1);
}

static void sockets(int port)
{
	struct sockaddr_in to = address(port), closed = address(1), any = address(0);
	struct iovec iov = { "text", 4 };
	struct msghdr message = { .msg_name = &closed, .msg_namelen = sizeof(closed), .msg_iov = &iov, .msg_iovlen = 1 };
	int fd;

	fd = run("socket", OP(SOCKET, .fd = AF_INET, .off = SOCK_STREAM | SOCK_CLOEXEC));
	run("connect", OP(CONNECT, .fd = fd, .addr = AT(&to), .off = sizeof(to)));
	run("sendto", OP(SEND, .fd = fd, .addr = AT("text"), .len = 4));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	run("connect", OP(CONNECT, .fd = fd, .addr = AT(&closed), .off = sizeof(closed)));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		exit(2);
	run("sendmsg", OP(SENDMSG, .fd = fd, .addr = AT(&message), .len = 1));
}

/* Files and sockets that have a place in a table of the ring instead of a number, and a vector of small buffers. */
static void direct(int port)
{
	struct iovec parts[] = { { "\x7f", 1 }, { "", 0 }, { "EL", 2 }, { "F and more", 10 } };
	int places[2] = { -1, -1 };
	struct sockaddr_in to = address(port);

	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, places, 2))
		exit(2);
	run("openat", OP(OPENAT, .fd = AT_FDCWD, .addr = AT("direct"), .len = 0600, .open_flags = O_CREAT | O_WRONLY,
			 .file_index = 1));
	run("writev", OP(WRITEV, .fd = 0, .addr = AT(parts), .len = 4, .flags = IOSQE_FIXED_FILE));
	run("socket", OP(SOCKET, .fd = AF_INET, .off = SOCK_STREAM, .file_index = 2));
	run("connect", OP(CONNECT, .fd = 1, .addr = AT(&to), .off = sizeof(to), .flags = IOSQE_FIXED_FILE));
	/* refused at once: it asks for a buffer */
	run("openat", OP(OPENAT, .fd = 77, .addr = AT("refused"), .buf_index = 3));
}

static void crowd(void)
{
	char name[] = "crowd-a";

	for (int i = 0; i < 3 * ENTRIES; i++, name[6]++)
		submit(OP(OPENAT, .fd = AT_FDCWD, .addr = AT(name), .len = 0600, .open_flags = O_CREAT | O_WRONLY));
}

int main(int argc, char **argv)
{
	int crowded = argc > 3 && !strcmp(argv[3], "crowded");

	if (argc < 3 || chdir(argv[1]))
		return 2;
	open_ring(argc > 3 && !crowded);
	if (crowded) {
		crowd();
		return 0;
	}
	files();
	sockets(atoi(argv[2]));
	go_on();
	direct(atoi(argv[2]));
	return 0;
}

/*
 * A 32-bit program without a C library that makes a few calls with names and numbers the test knows. Built with
 * -m32 -nostdlib; its argument is a folder, in which it waits for a file `go`. On x86-64 the same source without -m32 makes
 * the same calls by int $0x80 from a 64-bit program.
 */
#include <stdint-gcc.h>

static long call(long nr, long a, long b, long c, long d, long e)
{
	long result;

#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
#else
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
#endif
	return result;
}

struct sockaddr_in {
	uint16_t family, port;
	uint32_t address;
	char zero[8];
};
struct iovec32 {
	uint32_t base, length;
};
struct message32 {
	uint32_t name, name_length, iov, iov_length, control, control_length, flags;
};

static const int32_t pause[2] = { 0, 1000000 };
static struct sockaddr_in to = { 2, 0x0100, 0x0100007f, { 0 } };
static char text[] = "text";
static uint32_t args[6];
static struct iovec32 iov[2];
static struct message32 message;
static char folder[256];

#define AT(x) ((long)(uintptr_t)(x))

__attribute__((used)) static void run(const char *argument)
{
	long fd, i;

	/* to an address that 32 bits hold */
	for (i = 0; i < 255 && argument[i]; i++)
		folder[i] = argument[i];
	call(12, AT(folder), 0, 0, 0, 0); /* chdir */
	for (i = 0; i < 10000 && call(33, AT("go"), 0, 0, 0, 0) != 0; i++)
		call(162, AT(pause), 0, 0, 0, 0); /* nanosleep */

	fd = call(5, AT("made-by-32"), 0101, 0640, 0, 0); /* open */
	call(4, fd, AT(text), 4, 0, 0); /* write */
	call(295, -100, AT("nowhere/file"), 0, 0, 0); /* openat */
	call(15, AT("made-by-32"), 0600, 0, 0, 0); /* chmod */
	call(182, AT("made-by-32"), 0xffff, 0xffff, 0, 0); /* chown, 16-bit ids */
	call(212, AT("made-by-32"), -1, -1, 0, 0); /* chown32 */
	call(10, AT("made-by-32"), 0, 0, 0, 0); /* unlink */
	fd = call(359, 2, 2, 0, 0, 0); /* socket */
	call(362, fd, AT(&to), sizeof(to), 0, 0); /* connect */
	args[0] = fd, args[1] = AT(&to), args[2] = sizeof(to);
	call(102, 3, AT(args), 0, 0, 0); /* socketcall: connect */
	call(102, 1, 0, 0, 0, 0); /* socketcall: socket, its arguments nowhere */
	iov[0].base = iov[1].base = AT(text), iov[0].length = 4, iov[1].length = 3;
	message.name = AT(&to), message.name_length = sizeof(to);
	message.iov = AT(iov), message.iov_length = 2;
	call(370, fd, AT(&message), 0, 0, 0); /* sendmsg */
	call(128, 0, 5, AT("name=value"), 0, 0); /* init_module */
	call(136, -1, 0, 0, 0, 0); /* personality */
	call(20, 0, 0, 0, 0, 0); /* getpid, which nobody asks for */
	call(11, AT("./not-there"), 0, 0, 0, 0); /* execve */
	call(252, 0, 0, 0, 0, 0); /* exit_group */
	__builtin_unreachable();
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\tmovq 16(%rsp), %rdi\n\tcall run\n");
#else
__asm__(".globl _start\n_start:\n\tmovl 8(%esp), %eax\n\tpushl %eax\n\tcall run\n");
#endif

/*
 * A 32-bit program without a C library that makes a few calls with names and numbers the test knows. Built with
 * -m32 -nostdlib; its argument is a folder.
 */
struct sockaddr_in {
	unsigned short family, port;
	unsigned int address;
	char zero[8];
};

static long call(long nr, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return result;
}

static const struct timespec32 {
	int seconds, nanoseconds;
} pause = { 0, 1000000 };

__attribute__((used)) static void run(const char *folder)
{
	struct sockaddr_in to = { 2, 0x0100, 0x0100007f, { 0 } };
	long args[3], fd, i;

	/* nanosleep(162): under auto the programs are attached meanwhile */
	for (i = 0; i < 3000 && call(33, (long)"/proc/self/no-such-file", 0, 0, 0, 0) != -13; i++) {
		if (i > 1500)
			break;
		call(162, (long)&pause, 0, 0, 0, 0);
	}
	call(12, (long)folder, 0, 0, 0, 0);                       /* chdir */
	fd = call(5, (long)"made-by-32", 0101, 0640, 0, 0);       /* open */
	call(4, fd, (long)"text", 4, 0, 0);                       /* write */
	call(295, -100, (long)"nowhere/file", 0, 0, 0);           /* openat */
	call(15, (long)"made-by-32", 0600, 0, 0, 0);              /* chmod */
	call(182, (long)"made-by-32", 0xffff, 0xffff, 0, 0);      /* chown, 16-bit ids */
	call(212, (long)"made-by-32", -1, -1, 0, 0);              /* chown32 */
	call(10, (long)"made-by-32", 0, 0, 0, 0);                 /* unlink */
	fd = call(359, 2, 1, 0, 0, 0);                            /* socket */
	call(362, fd, (long)&to, sizeof(to), 0, 0);               /* connect */
	args[0] = fd, args[1] = (long)&to, args[2] = sizeof(to);
	call(102, 3, (long)args, 0, 0, 0);                        /* socketcall: connect */
	call(128, 0, 5, (long)"name=value", 0, 0);                /* init_module */
	call(136, -1, 0, 0, 0, 0);                                /* personality */
	call(252, 0, 0, 0, 0, 0);                                 /* exit_group */
	__builtin_unreachable();
}

__asm__(".globl _start\n_start:\n\tmovl 8(%esp), %eax\n\tpushl %eax\n\tcall run\n");

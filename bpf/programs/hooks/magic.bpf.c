// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The first bytes of files that are written, at the exits of the calls that write. */
#include "inode.h"

#define S_IFREG 0100000
#define MAGIC_MAX 20

struct iovec {
	__u64 base, len;
};

/* Is this regular file written from its beginning? pos: where the call says, or -1 for the position of the file. */
static __always_inline bool is_beginning(struct file *file, __s64 written, __s64 pos)
{
	struct inode *inode = FIELD(file, file, f_inode);

	if (written <= 0 || (FIELD(inode, inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	return pos < 0 ? FIELD(file, file, f_pos) == written : pos == 0;
}

static __always_inline int report(struct sys_exit_ctx *ctx, __u16 prog, int fd, __u64 from, __s64 pos)
{
	struct file *file = file_of(untracked(bpf_get_current_task_btf()), fd);
	__u32 at, len = ctx->ret > MAGIC_MAX ? MAGIC_MAX : ctx->ret;

	if (!file || !is_beginning(file, ctx->ret, pos))
		return 0;
	BEGIN_BULK(ev_magic_write, EVENT_magic_write, prog);
	at = s->pos;
	barrier_var(at);
	barrier_var(len);
	if (at <= RECORD_MAX - 64 && len <= MAGIC_MAX) {
		if (bpf_probe_read_user(&s->data[at], len, (void *)from)) {
			mark_partial(st, e);
		} else {
			e->bytes.off = at;
			e->bytes.len = len;
			e->bytes.total = len;
			s->pos = at + PAD8(len);
		}
	}
	PUT_FILE(s, st, e, task, file);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* The first buffer that is not empty; others hold what follows. */
static __always_inline __u64 first_buffer(__u64 vector)
{
	struct iovec iov[2] = {};

	bpf_probe_read_user(iov, sizeof(iov[0]), (void *)vector);
	if (iov[0].len == 0)
		bpf_probe_read_user(&iov[1], sizeof(iov[1]), (void *)vector + sizeof(iov[0]));
	return iov[0].len ? iov[0].base : iov[1].base;
}

#define MAGIC(name, from, pos)                                                                                         \
	int name(struct sys_exit_ctx *ctx)                                                                             \
	{                                                                                                              \
		struct pt_regs *regs = current_regs(bpf_get_current_task_btf());                                       \
                                                                                                                       \
		return report(ctx, PROG_##name, ARG1(regs), from, pos);                                                \
	}

/* ssize_t write(int fd, const void *buf, size_t count), pwrite64(..., off_t offset) */
SEC("tp/syscalls/sys_exit_write")
MAGIC(magic_write_write, ARG2(regs), -1)
SEC("tp/syscalls/sys_exit_pwrite64")
MAGIC(magic_write_pwrite64, ARG2(regs), ARG4(regs))
/* ssize_t writev(int fd, const struct iovec *iov, int iovcnt), pwritev(..., off_t offset), pwritev2(..., int flags) */
SEC("tp/syscalls/sys_exit_writev")
MAGIC(magic_write_writev, first_buffer(ARG2(regs)), -1)
SEC("tp/syscalls/sys_exit_pwritev")
MAGIC(magic_write_pwritev, first_buffer(ARG2(regs)), ARG4(regs))
SEC("tp/syscalls/sys_exit_pwritev2")
MAGIC(magic_write_pwritev2, first_buffer(ARG2(regs)), ARG4(regs))

char LICENSE[] SEC("license") = "Dual BSD/GPL";

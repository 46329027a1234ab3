// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Entries of directories that have no inode number, in what getdents and getdents64 return: programs pass over them. */
#include "guard.h"

#define ENTRIES_MAX 4096
#define NAME_LONGEST 255

struct linux_dirent64 {
	__u64 ino;
	__s64 off;
	__u16 reclen;
	__u8 type;
	char name[];
} __attribute__((packed));
#ifdef TARSIER_COMPAT
typedef __u32 dirent_long;
#else
typedef __u64 dirent_long;
#endif
struct linux_dirent {
	dirent_long ino, off;
	__u16 reclen;
	char name[];
};

struct listing {
	__u64 at, end;
	/* Where the name of an entry begins. */
	__u32 name_at;
	/* Its numbers have 32 bits: the older layout in a 32-bit program. */
	bool narrow;
	__u16 prog;
};

static __always_inline int report(__u64 name, __u16 prog)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	BEGIN_EVENT(hidden_inodes, task, prog);

	put_user_str(s, st, &e->hidden_process, (void *)name, NAME_LONGEST);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

static long look(__u32 i, struct listing *list)
{
	/* both layouts begin alike in a 64-bit program */
	struct {
		__u64 ino, off;
		__u16 reclen;
	} wide = {};
	struct linux_dirent entry = {};
	__u64 ino;
	__u16 length;

	if (list->at >= list->end)
		return 1;
	if (list->narrow) {
		if (bpf_probe_read_user(&entry, __builtin_offsetof(struct linux_dirent, name), (void *)list->at))
			return 1;
		ino = entry.ino, length = entry.reclen;
	} else {
		if (bpf_probe_read_user(&wide, 18, (void *)list->at))
			return 1;
		ino = wide.ino, length = wide.reclen;
	}
	if (length == 0)
		return 1;
	if (ino == 0)
		report(list->at + list->name_at, list->prog);
	list->at += length;
	return 0;
}

static __always_inline int listed(struct sys_exit_ctx *ctx, __u16 prog, __u32 name_at, bool narrow)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct listing list = { .at = ARG2(regs), .name_at = name_at, .narrow = narrow, .prog = prog };

	if (ctx->ret <= 0)
		return 0;
	list.end = list.at + ctx->ret;
	bpf_loop(ENTRIES_MAX, look, &list, 0);
	return 0;
}

/* int getdents64(unsigned int fd, struct linux_dirent64 *dirent, unsigned int count) */
SEC("tp/syscalls/sys_exit_getdents64")
int hidden_inodes_getdents64(struct sys_exit_ctx *ctx)
{
	return listed(ctx, PROG_hidden_inodes_getdents64, __builtin_offsetof(struct linux_dirent64, name), false);
}

/* int getdents(unsigned int fd, struct linux_dirent *dirent, unsigned int count) */
SEC("tp/syscalls/sys_exit_getdents")
int hidden_inodes_getdents(struct sys_exit_ctx *ctx)
{
	return listed(ctx, PROG_hidden_inodes_getdents, __builtin_offsetof(struct linux_dirent, name),
		      sizeof(dirent_long) == 4);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

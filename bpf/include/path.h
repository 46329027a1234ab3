/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Absolute paths, built in the kernel from dentries and mounts as d_path() does, up to the root of the current task.
 *
 * bpf_d_path() is not allowed in tracepoints, and an unrolled walk exceeds the verifier, so: bpf_loop (5.17), each step
 * writing one component in front of what is there.
 */
#ifndef TARSIER_PATH_H
#define TARSIER_PATH_H

#include "given.h"

/* A path is written backwards from here; the other half of the buffer only satisfies the verifier. */
#define WALK_END 4096
#define NAME_MAX_LEN 255
/* Steps (components and mount crossings) before we give up: a path of 4,096 bytes has at most 2,048 components. */
#define WALK_STEPS 2100

#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534F434B
#define ANON_INODE_FS_MAGIC 0x09041934
#define PID_FS_MAGIC 0x50494446
#define NSFS_MAGIC 0x6e736673
#define TMPFS_MAGIC 0x01021994

struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *root_dentry;
	struct vfsmount *root_mnt;
	__u8 *buf;
	__u32 pos;
	__u16 flags; /* PATH_* bits of the schema */
	bool no_parent; /* ended at an object that hangs in no directory: pipe, socket, memfd */
};

/* Put one component in front. False when there is no room. */
static __always_inline bool prepend(struct walk *w, const void *name, __u32 len)
{
	__u32 pos = w->pos;

	if (len > NAME_MAX_LEN)
		len = NAME_MAX_LEN;
	if (pos < len + 1 || pos > WALK_END)
		return false;
	pos -= len;
	bpf_probe_read_kernel(&w->buf[pos & (WALK_END - 1)], len & NAME_MAX_LEN, name);
	pos--;
	w->buf[pos & (WALK_END - 1)] = '/';
	w->pos = pos;
	return true;
}

/* From the root of a mount to what it is mounted on. False: it is mounted on nothing. */
static __always_inline bool leave_mount(__u64 *mnt, __u64 *dentry)
{
	__u64 m = *mnt - bpf_core_field_offset(struct mount, mnt);
	__u64 above = NUMBER(mount, m, mnt_parent) + bpf_core_field_offset(struct mount, mnt);

	if (above == *mnt)
		return false;
	*dentry = NUMBER(mount, m, mnt_mountpoint);
	*mnt = above;
	return true;
}

static long walk_step(__u32 i, struct walk *w)
{
	struct dentry *dentry = w->dentry, *parent;
	struct vfsmount *mnt = w->mnt;

	if (dentry == w->root_dentry && mnt == w->root_mnt)
		return 1;
	parent = FIELD(dentry, dentry, d_parent);
	if (dentry == FIELD(vfsmount, mnt, mnt_root)) {
		__u64 from = (__u64)mnt, at = (__u64)dentry;

		if (!leave_mount(&from, &at))
			return 1; /* root of the namespace: the task's root is elsewhere */
		w->dentry = (void *)at;
		w->mnt = (void *)from;
		return 0;
	}
	if (dentry == parent || !parent) {
		w->no_parent = true;
		return 1;
	}
	if (!prepend(w, FIELD(dentry, dentry, d_name.name), FIELD(dentry, dentry, d_name.len))) {
		w->flags |= PATH_CUT;
		return 1;
	}
	w->dentry = parent;
	return 0;
}

/* The kernel's name for an object without a directory: `pipe:[n]`, `socket:[n]`, `anon_inode:[x]`, `memfd:x`. */
static __always_inline void pseudo_name(struct walk *w)
{
	struct dentry *dentry = w->dentry;
	struct inode *inode = FIELD(dentry, dentry, d_inode);
	struct super_block *sb = FIELD(dentry, dentry, d_sb);
	unsigned long magic = FIELD(super_block, sb, s_magic);
	__u64 ino = FIELD(inode, inode, i_ino);
	long n = 0;

	if (magic == PIPEFS_MAGIC)
		n = BPF_SNPRINTF((char *)w->buf, 64, "pipe:[%lu]", ino);
	else if (magic == SOCKFS_MAGIC)
		n = BPF_SNPRINTF((char *)w->buf, 64, "socket:[%lu]", ino);
	else if (magic == PID_FS_MAGIC)
		n = BPF_SNPRINTF((char *)w->buf, 64, "anon_inode:[pidfd]");
	else if (magic == NSFS_MAGIC)
		n = BPF_SNPRINTF((char *)w->buf, 64, "ns:[%lu]", ino);
	else if (magic == ANON_INODE_FS_MAGIC)
		n = BPF_SNPRINTF((char *)w->buf, 300, "anon_inode:%s", FIELD(dentry, dentry, d_name.name));
	else
		n = BPF_SNPRINTF((char *)w->buf, 300, "%s", FIELD(dentry, dentry, d_name.name));
	/* forwards, from the start of the buffer: pos and length are told apart by no_parent */
	w->pos = n > 0 ? n - 1 : 0;
}

/* Written byte by byte: clang 14 puts a constant string into a section that libbpf 1.1 cannot load. */
#define DELETED_LEN 10
static __always_inline void write_deleted(__u8 *at)
{
	at[0] = ' ', at[1] = '(', at[2] = 'd', at[3] = 'e', at[4] = 'l';
	at[5] = 'e', at[6] = 't', at[7] = 'e', at[8] = 'd', at[9] = ')';
}

/*
 * Build the path of (area->mnt, area->at) as area->task sees it, see below. A function that is not static is verified by
 * itself and not again for every way that leads to it; pointers it takes have to be tested.
 */
__noinline __u64 walk_up(struct walk_area *area)
{
	struct fs_struct *fs;
	struct dentry *dentry;
	struct walk w = { .pos = WALK_END };
	__u8 *buf;

	if (!area)
		return 0;
	buf = w.buf = area->bytes;
	w.dentry = dentry = (void *)area->at;
	w.mnt = (void *)area->mnt;
	fs = FIELD(task_struct, area->task, fs);
	if (fs) {
		w.root_dentry = FIELD(fs_struct, fs, root.dentry);
		w.root_mnt = FIELD(fs_struct, fs, root.mnt);
	}
	/* d_unlinked(): unhashed and not a root */
	if (!FIELD(dentry, dentry, d_hash.pprev) && FIELD(dentry, dentry, d_parent) != dentry) {
		w.pos -= DELETED_LEN;
		write_deleted(&buf[WALK_END - DELETED_LEN]);
		w.flags |= PATH_DELETED;
	}
	if (bpf_loop(WALK_STEPS, walk_step, &w, 0) >= WALK_STEPS)
		w.flags |= PATH_CUT;
	if (w.no_parent) {
		pseudo_name(&w);
		area->flags = w.flags;
		return w.pos;
	}
	if (w.pos == WALK_END) {
		w.pos--;
		buf[WALK_END - 1] = '/';
	}
	area->flags = w.flags;
	return (__u64)w.pos << 16 | (WALK_END - w.pos);
}

/*
 * Build the path of (mnt, dentry) as `task` sees it. Afterwards the text is area->bytes[start .. start+len): returned as
 * start << 16 | len. Flags are added to *flags.
 */
static __always_inline __u64 build_path(struct walk_area *area, const struct vfsmount *mnt, const struct dentry *dentry,
					const struct task_struct *task, __u32 *flags)
{
	__u64 where;

	area->mnt = (__u64)mnt;
	area->at = (__u64)dentry;
	area->task = (__u64)task;
	where = walk_up(area);
	*flags |= area->flags;
	return where;
}

/* The directory a relative name starts from: that of dirfd, or the current one. */
static __always_inline struct path start_of(struct task_struct *task, int dirfd)
{
	struct path start = {};
	struct fs_struct *fs;
	struct file *file;

	if (dirfd == AT_FDCWD) {
		fs = task->fs;
		if (!fs)
			return start;
		start.mnt = fs->pwd.mnt;
		start.dentry = fs->pwd.dentry;
		return start;
	}
	file = file_of(task, dirfd);
	if (file) {
		start.mnt = FIELD(file, file, f_path.mnt);
		start.dentry = FIELD(file, file, f_path.dentry);
	}
	return start;
}

#define PATH_FUNCTIONS(scratch_type, suffix, record_max)								\
	/* Append the path of (mnt, dentry). */										\
	static __always_inline void put_path##suffix(struct scratch_type *s, struct prog_counters *st, struct vl *v,	\
						     struct vfsmount *mnt, struct dentry *dentry,			\
						     struct task_struct *task, __u32 *flags)				\
	{														\
		__u64 pos = s->pos, start, len, where;									\
		__u32 own = 0;												\
															\
		if (!mnt || !dentry)											\
			return;												\
		barrier_var(pos);											\
		if (pos > (record_max) - WALK_END - 16) {								\
			mark_partial(st, s->data);									\
			return;												\
		}													\
		barrier_var(pos); /* what is kept on the stack from here on has been looked at */			\
		where = build_path(&s->walk, mnt, dentry, task, &own);						\
		*flags |= own;												\
		start = where >> 16;											\
		len = where & 0xffff;											\
		barrier_var(start);											\
		barrier_var(len);											\
		if (start >= WALK_END || len > WALK_END)								\
			return;												\
		if (bpf_probe_read_kernel(&s->data[pos], len, &s->walk.bytes[start])) {					\
			mark_partial(st, s->data);									\
			return;												\
		}													\
		v->off = pos;												\
		v->len = len;												\
		v->total = len + (own & PATH_CUT ? 1 : 0);								\
		s->pos = pos + PAD8(len);										\
	}														\
															\
	static __always_inline void put_file_path##suffix(struct scratch_type *s, struct prog_counters *st,		\
							  struct vl *v, struct file *file, struct task_struct *task,	\
							  __u32 *flags)							\
	{														\
		put_path##suffix(s, st, v, FIELD(file, file, f_path.mnt), FIELD(file, file, f_path.dentry), task,	\
				 flags);										\
	}														\
															\
	/* Append that directory when the given name is relative; an absolute name needs none. */			\
	static __always_inline void put_dir##suffix(struct scratch_type *s, struct prog_counters *st, struct vl *v,	\
						    const struct vl *name, struct task_struct *task, int dirfd,		\
						    __u32 *flags)							\
	{														\
		__u32 off = name->off;											\
		struct path start;											\
															\
		barrier_var(off);											\
		if (off == 0 || off >= (record_max))									\
			return;												\
		if (name->len && s->data[off] == '/')									\
			return;												\
		start = start_of(task, dirfd);									\
		put_path##suffix(s, st, v, start.mnt, start.dentry, task, flags);					\
	}

PATH_FUNCTIONS(scratch, , RECORD_MAX)
PATH_FUNCTIONS(exec_scratch, _exec, EXEC_NAMES_MAX)

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What records say about inodes. */
#ifndef TARSIER_INODE_H
#define TARSIER_INODE_H

#include "path.h"

/* Seconds and nanoseconds of an inode time. In ctime bit 31 of the nanoseconds is a kernel flag since 6.13. */
#define NSEC(sec, nsec) ((__u64)(sec) * 1000000000ULL + ((nsec) & 0x7fffffff))

static __always_inline __u64 inode_mtime(struct inode *inode)
{
	struct inode___timespec *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_mtime_sec))
		return NSEC(FIELD(inode, inode, i_mtime_sec), FIELD(inode, inode, i_mtime_nsec));
	return NSEC(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
}

static __always_inline __u64 inode_ctime(struct inode *inode)
{
	struct inode___timespec *old = (void *)inode;
	struct inode___i_ctime *older = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return NSEC(FIELD(inode, inode, i_ctime_sec), FIELD(inode, inode, i_ctime_nsec));
	if (bpf_core_field_exists(old->__i_ctime))
		return NSEC(BPF_CORE_READ(old, __i_ctime.tv_sec), BPF_CORE_READ(old, __i_ctime.tv_nsec));
	if (bpf_core_field_exists(older->i_ctime))
		return NSEC(BPF_CORE_READ(older, i_ctime.tv_sec), BPF_CORE_READ(older, i_ctime.tv_nsec));
	return 0;
}

#define O_APPEND 02000
#define RWF_APPEND 0x10

/* Does a write go to the end of the file, whatever offset it names? */
static __always_inline bool appends(struct file *file, __u32 rw_flags)
{
	return rw_flags & RWF_APPEND || FIELD(file, file, f_flags) & O_APPEND;
}

/* Is what was just written all that the file has? Then it was written from the beginning. */
static __always_inline bool is_all_of(struct file *file, __s64 written)
{
	return FIELD(inode, FIELD(file, file, f_inode), i_size) == written;
}

/* Path, inode and device of an open file, into fields of these names. */
#define PUT_FILE(s, st, e, task, file)                                                                                 \
	({                                                                                                             \
		struct inode *__inode = FIELD(file, file, f_inode);                                                    \
		struct super_block *__sb = FIELD(inode, __inode, i_sb);                                                \
                                                                                                                       \
		(e)->inode = FIELD(inode, __inode, i_ino);                                                             \
		(e)->dev = FIELD(super_block, __sb, s_dev);                                                            \
		(e)->path_flags = PATH_KERNEL;                                                                         \
		put_file_path(s, st, &(e)->pathname, file, task, &(e)->path_flags);                                    \
	})

#endif

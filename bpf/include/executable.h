/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The file that a process executes, and what it uses of the machine. */
#ifndef TARSIER_EXECUTABLE_H
#define TARSIER_EXECUTABLE_H

#include "inode.h"
#include "path.h"

#define MFD_NAME_PREFIX 0x3a64666d656dULL /* "memfd:" */

/* May these credentials write this inode? Owner, group and other bits; ACLs and supplementary groups are not asked. */
static __always_inline bool may_write(struct inode *inode, const struct cred *cred)
{
	__u32 mode = FIELD(inode, inode, i_mode);
	__u32 euid = cred->euid.val;

	if (euid == 0)
		return true;
	if (euid == FIELD(inode, inode, i_uid.val))
		return mode & 0200;
	if (cred->egid.val == FIELD(inode, inode, i_gid.val))
		return mode & 0020;
	return mode & 0002;
}

#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/*
 * Which layer of an overlay a file comes from. The dentry of the upper layer stands right behind the inode in struct
 * ovl_inode (fs/overlayfs/ovl_entry.h), whose own type is in the BTF of a module where overlayfs is one.
 */
static __always_inline __u32 overlay_layer(struct inode *inode, struct super_block *sb)
{
	struct dentry *upper = NULL;

	if (FIELD(super_block, sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper && FIELD(dentry, upper, d_inode) ? EXE_UPPER_LAYER : EXE_LOWER_LAYER;
}

static __always_inline void add_executable(struct exec_scratch *s, struct prog_counters *st, struct ev_exec *e,
					   struct task_struct *task, struct file *file, const struct cred *cred)
{
	struct inode *inode = FIELD(file, file, f_inode);
	struct super_block *sb = FIELD(inode, inode, i_sb);
	struct dentry *dentry = FIELD(file, file, f_path.dentry);
	__u64 start = 0;

	e->exe_ino = FIELD(inode, inode, i_ino);
	e->exe_dev = FIELD(super_block, sb, s_dev);
	e->exe_ctime = inode_ctime(inode);
	e->exe_mtime = inode_mtime(inode);
	if (may_write(inode, cred))
		e->exe_flags |= EXE_WRITABLE;
	e->exe_flags |= overlay_layer(inode, sb);
	e->path_flags = PATH_KERNEL;
	put_file_path_exec(s, st, &e->exe_path, file, task, &e->path_flags);
	if (FIELD(super_block, sb, s_magic) == TMPFS_MAGIC)
		bpf_probe_read_kernel(&start, 6, FIELD(dentry, dentry, d_name.name));
	if (start == MFD_NAME_PREFIX && FIELD(dentry, dentry, d_parent) == dentry)
		e->exe_flags |= EXE_FROM_MEMFD; /* never had a name that could be removed */
	else if (e->path_flags & PATH_DELETED || FIELD(inode, inode, i_nlink) == 0)
		e->exe_flags |= EXE_DELETED;
}

/*
 * Pages of one kind. A macro, because only a constant index is relocated to the size that an element has in the running
 * kernel. Counts of single CPUs are not folded in at once, so a sum may be negative. Which of both it is is asked of mm_struct,
 * which every kernel has: for a struct it does not find, libbpf looks into modules, which takes CAP_SYS_ADMIN.
 */
#define RSS_PAGES(mm, kind)												\
	({														\
		struct mm_struct___rss *__old = (void *)(mm);								\
		__s64 __n = 0;												\
															\
		if (bpf_core_field_exists(__old->rss_stat.count[0].counter))						\
			bpf_core_read(&__n, sizeof(__n), &__old->rss_stat.count[kind].counter);				\
		else													\
			bpf_core_read(&__n, sizeof(__n), &(mm)->rss_stat[kind].count);					\
		__n < 0 ? 0 : __n;											\
	})

/* KiB of a page: 4, but on arm64 whatever the kernel was built for. */
const volatile __u32 page_kib = 4;
#define KIB(pages) ((__u64)(pages) * page_kib)

static __always_inline void add_usage(struct ev_exec *e, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;

	e->pgft_maj = task->maj_flt;
	e->pgft_min = task->min_flt;
	e->fdlimit = task->signal->rlim[RLIMIT_NOFILE].rlim_cur;
	if (!mm)
		return;
	e->vm_size = KIB(mm->total_vm);
	e->vm_rss = KIB(RSS_PAGES(mm, MM_FILEPAGES) + RSS_PAGES(mm, MM_ANONPAGES) + RSS_PAGES(mm, MM_SHMEMPAGES));
	e->vm_swap = KIB(RSS_PAGES(mm, MM_SWAPENTS));
}

#endif

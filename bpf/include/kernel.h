/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel structures we read, with only the fields we use. CO-RE relocates every access against the running
 * kernel's BTF, so order and padding here mean nothing.
 */
#ifndef TARSIER_KERNEL_H
#define TARSIER_KERNEL_H

#include <linux/types.h>
#include <stdbool.h>
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define __core __attribute__((preserve_access_index))

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	__u32 val;
} kuid_t;
typedef struct {
	__u32 val;
} kgid_t;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, r8, r9, ax, orig_ax;
	unsigned long bx, cx, bp; /* arguments of 32-bit calls */
	unsigned long ip;
} __core;
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 pc;
} __core;
struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
} __core;
#else
#error "no register layout for this architecture"
#endif

struct qstr {
	__u32 len;
	const unsigned char *name;
} __core;

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
} __core;

struct super_block;
struct inode;
struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
} __core;

struct file_system_type {
	const char *name;
} __core;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	unsigned long s_flags;
} __core;

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
} __core;

struct inode {
	unsigned short i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__s64 i_size;
	/* since 6.11; before, struct timespec64 */
	__s64 i_mtime_sec;
	__s64 i_ctime_sec;
	__u32 i_mtime_nsec;
	__u32 i_ctime_nsec;
} __core;

/* until 6.10 */
struct inode___timespec {
	struct timespec64 i_mtime;
	struct timespec64 __i_ctime;
} __core;
/* until 6.5 */
struct inode___i_ctime {
	struct timespec64 i_ctime;
} __core;

struct vfsmount {
	struct dentry *mnt_root;
} __core;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} __core;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} __core;

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	__s64 f_pos;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
} __core;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} __core;
struct files_struct {
	struct fdtable *fdt;
} __core;
struct fs_struct {
	struct path root;
	struct path pwd;
} __core;

struct kernfs_node {
	struct kernfs_node *__parent; /* since 6.15 */
	const char *name;
	__u64 id;
	unsigned int hash; /* of its name */
} __core;
struct kernfs_node___old {
	struct kernfs_node *parent;
} __core;
struct cgroup_root;
struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} __core;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
} __core;
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} __core;

typedef struct {
	__u64 val;
} kernel_cap_t;
struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_inheritable;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
} __core;

struct ns_common {
	unsigned int inum;
} __core;
struct task_struct;
struct pid_namespace {
	struct task_struct *child_reaper;
	unsigned int level;
	struct ns_common ns;
} __core;
struct mnt_namespace {
	struct ns_common ns;
} __core;
struct new_utsname {
	char nodename[65];
} __core;
struct uts_namespace {
	struct new_utsname name;
	struct ns_common ns;
} __core;
struct nsproxy {
	struct uts_namespace *uts_ns;
	struct mnt_namespace *mnt_ns;
} __core;
struct upid {
	int nr;
	struct pid_namespace *ns;
} __core;
struct pid {
	unsigned int level;
	struct upid numbers[1];
} __core;
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID };

struct tty_driver {
	int major;
	int minor_start;
} __core;
struct tty_struct {
	struct tty_driver *driver;
	int index;
} __core;

struct rlimit {
	unsigned long rlim_cur;
} __core;
#define RLIMIT_NOFILE 7

struct signal_struct {
	struct rlimit rlim[16];
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
} __core;

struct percpu_counter {
	__s64 count;
} __core;
/* include/linux/mm_types_task.h: file pages, anonymous pages, swap entries, shared memory pages */
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

struct mm_struct {
	unsigned long total_vm;
	struct percpu_counter rss_stat[4]; /* since 6.2 */
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
} __core;

/* until 6.1; the kernel's atomic_long_t is a struct */
struct counter_long {
	long counter;
} __core;
struct mm_rss_stat {
	struct counter_long count[4];
} __core;
struct mm_struct___rss {
	struct mm_rss_stat rss_stat;
} __core;

struct task_struct {
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned int flags;
	int pid;
	int tgid;
	int exit_code;
	char comm[16];
	kuid_t loginuid;
	__u64 start_boottime;
	__u64 self_exec_id;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	struct mm_struct *mm;
	const struct cred *cred;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
} __core;

struct linux_binprm {
	const char *filename;
	const char *interp;
	const char *fdpath; /* since 5.8: the name when execveat had a descriptor */
} __core;

struct in6_addr {
	__u8 bytes[16];
};
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	int skc_bound_dev_if;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} __core;
struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	__u16 sk_type;
	__u8 sk_userlocks;
} __core;
struct ipv6_pinfo {
	int mcast_oif;
} __core;
struct inet_sock {
	struct ipv6_pinfo *pinet6;
	int mc_index;
	__be32 inet_saddr;
	__be16 inet_sport;
} __core;
struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 snd_una, write_seq;
} __core;
struct socket {
	short type;
	struct sock *sk;
} __core;
struct sockaddr_un_start {
	__u16 sun_family;
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un_start name[0];
} __core;
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
} __core;

/*
 * Context of tracepoint/syscalls/sys_exit_*: see the tracepoint's format file. The same programs are built once more for the
 * calls of 32-bit programs (TARSIER_COMPAT), which reach them from raw_tp/sys_exit.
 */
#ifdef TARSIER_COMPAT
struct sys_exit_ctx {
	__u64 regs;
	__s64 ret;
};
#else
struct sys_exit_ctx {
	__u64 common;
	__s64 nr;
	__s64 ret;
};
#endif

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __core;
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __core;

#define AT_FDCWD (-100)
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define PF_KTHREAD 0x00200000

#endif

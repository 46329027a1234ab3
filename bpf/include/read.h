/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reading kernel memory: one macro, two speeds. */
#ifndef TARSIER_READ_H
#define TARSIER_READ_H

#include "maps.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/*
 * FIELD(dentry, p, d_parent): the field of a struct at kernel address p. With bpf_rdonly_cast it is one load that the
 * kernel guards against faults (about 1 ns), else a bpf_probe_read_kernel call (about 8 ns). A bad address reads as 0.
 */
#define FIELD(type, p, field)                                                                                          \
	({                                                                                                             \
		const void *__p = (const void *)(p);                                                                   \
		typeof(((struct type *)0)->field) __v;                                                                 \
		if (have_rdonly_cast)                                                                                  \
			__v = ((struct type *)bpf_rdonly_cast(__p, bpf_core_type_id_kernel(struct type)))->field;      \
		else if (bpf_core_read(&__v, sizeof(__v), &((struct type *)__p)->field))                               \
			__builtin_memset(&__v, 0, sizeof(__v));                                                        \
		__v;                                                                                                   \
	})

/* The 8 bytes at a kernel address as a plain number, which the verifier lets us compare and compute with. */
#define WORD_AT(p) ((__u64)FIELD(timespec64, p, tv_sec))

/* A pointer field of a kernel structure as a plain number. */
#define NUMBER(type, p, field) WORD_AT((__u64)(p) + bpf_core_field_offset(struct type, field))

/* Fold a number into a hash. */
static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/*
 * The same task as a pointer whose trust the verifier does not follow. With a trusted one, every load of a pointer field
 * makes it search the kernel's BTF by name, three times over: half of the time it takes to load a program. Helpers want
 * the trusted one.
 */
static __always_inline struct task_struct *untracked(struct task_struct *task)
{
	if (have_rdonly_cast)
		return bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
	return task;
}

/* The current task, whose address was kept as a number: functions that are verified by themselves take no pointer to it. */
static __always_inline struct task_struct *task_at(__u64 address)
{
	if (have_rdonly_cast)
		return bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct task_struct));
	return bpf_get_current_task_btf();
}

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The open file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *file_of(struct task_struct *task, int fd)
{
	struct files_struct *files = task->files;
	struct fdtable *fdt;

	if (fd < 0 || !files)
		return NULL;
	fdt = files->fdt;
	if (!fdt || (unsigned int)fd >= fdt->max_fds)
		return NULL;
	return (struct file *)WORD_AT(fdt->fd + fd);
}

/* Arguments of the syscall that is returning. They stay in the saved registers until the task goes back to user mode. */
#if defined(__TARGET_ARCH_x86) && defined(TARSIER_COMPAT)
#define I386_SOCKETCALL 102

#define SYS_SEND 9
#define SYS_RECV 10

/* socketcall(call, args): the arguments of the call that it stands for lie in memory. send and recv have no address. */
static __noinline __attribute__((unused)) __u64 socketcall_arg(__u64 args, __u32 n, __u32 call)
{
	__u32 value = 0;

	if (n >= 4 && (call == SYS_SEND || call == SYS_RECV))
		return 0;
	bpf_probe_read_user(&value, sizeof(value), (void *)(args + 4 * n));
	return value;
}
#define COMPAT_ARG(regs, n, reg)                                                                                       \
	((__u32)(regs)->orig_ax == I386_SOCKETCALL ? socketcall_arg((__u32)(regs)->cx, n, (regs)->bx) : (__u64)(__u32)(regs)->reg)
#define ARG1(regs) COMPAT_ARG(regs, 0, bx)
#define ARG2(regs) COMPAT_ARG(regs, 1, cx)
#define ARG3(regs) COMPAT_ARG(regs, 2, dx)
#define ARG4(regs) COMPAT_ARG(regs, 3, si)
#define ARG5(regs) COMPAT_ARG(regs, 4, di)
#define ARG6(regs) COMPAT_ARG(regs, 5, bp)
#elif defined(__TARGET_ARCH_x86)
#define ARG1(regs) ((regs)->di)
#define ARG2(regs) ((regs)->si)
#define ARG3(regs) ((regs)->dx)
#define ARG4(regs) ((regs)->r10)
#define ARG5(regs) ((regs)->r8)
#define ARG6(regs) ((regs)->r9)
#elif defined(__TARGET_ARCH_arm64)
#define ARG1(regs) ((regs)->orig_x0)
#define ARG2(regs) ((regs)->user_regs.regs[1])
#define ARG3(regs) ((regs)->user_regs.regs[2])
#define ARG4(regs) ((regs)->user_regs.regs[3])
#define ARG5(regs) ((regs)->user_regs.regs[4])
#define ARG6(regs) ((regs)->user_regs.regs[5])
#define SYSCALL_NR(regs) ((long)(regs)->syscallno)
#endif

/*
 * RAW_SYSCALL_NR: of registers that a raw tracepoint hands over as a plain number. USER_PLACE: address that the task goes on
 * at in user space.
 */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_NR(regs) ((long)(regs)->orig_ax)
#define RAW_SYSCALL_NR(regs) ((long)FIELD(pt_regs, regs, orig_ax))
#define USER_PLACE(regs) ((regs)->ip)
#elif defined(__TARGET_ARCH_arm64)
#define RAW_SYSCALL_NR(regs) ((long)FIELD(pt_regs, regs, syscallno))
#define USER_PLACE(regs) ((regs)->user_regs.pc)
#endif

/* An offset in a file: two arguments of a 32-bit program. */
#ifdef TARSIER_COMPAT
#define LOFF(regs, low, high) ((__s64)(high(regs) << 32 | (__u32)low(regs)))
/* The length that truncate and ftruncate are given: of two arguments in the calls called *truncate64. */
#define I386_TRUNCATE64 193
#define I386_FTRUNCATE64 194
#define LENGTH(regs)                                                                                                   \
	((regs)->orig_ax == I386_TRUNCATE64 || (regs)->orig_ax == I386_FTRUNCATE64 ? LOFF(regs, ARG2, ARG3) :          \
										     (__s32)ARG2(regs))
#else
#define LOFF(regs, low, high) ((__s64)low(regs))
#define LENGTH(regs) ((__s64)ARG2(regs))
#endif

/* Bytes of a pointer and a long of the program that made the call. */
#ifdef TARSIER_COMPAT
#define USER_LONG 4
#else
#define USER_LONG 8
#endif

#if defined(__TARGET_ARCH_x86)
/* int $0x80 and its like: the call came from 32-bit code (arch/x86/include/asm/thread_info.h) */
#define TS_COMPAT 2
struct thread_info {
	__u32 status;
} __core;
struct task_struct___compat {
	struct thread_info thread_info;
} __core;

static __always_inline bool in_compat(struct task_struct *task)
{
	return FIELD(task_struct___compat, task, thread_info.status) & TS_COMPAT;
}
#else
static __always_inline bool in_compat(struct task_struct *task)
{
	return false;
}
#endif

static __always_inline struct pt_regs *current_regs(struct task_struct *task)
{
	return (struct pt_regs *)bpf_task_pt_regs(task);
}

#endif

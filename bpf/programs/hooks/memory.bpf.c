// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Memory that becomes executable. What it was before mprotect is known only before: the programs at the entry look at the
 * kernel's description of its first page and keep the protection until the call returns.
 */
#include "guard.h"

#define I386_MMAP 90

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
/* include/linux/mm.h */
#define VM_ACCESS (PROT_READ | PROT_WRITE | PROT_EXEC)
#define READ_IMPLIES_EXEC 0x400000 /* include/uapi/linux/personality.h */
#define UNKNOWN (1U << 31) /* beside those of VM_ACCESS */

enum alert { NONE, MMAP_WRITE_EXEC, EXEC_ADDED, WRITE_ADDED, WRITE_REMOVED };

struct vm_area_struct {
	unsigned long vm_flags;
} __core;
struct task_struct___person {
	unsigned int personality;
} __core;

/* Protection before, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} prot_before SEC(".maps");

static long keep_protection(struct task_struct *task, struct vm_area_struct *vma, __u32 *prot)
{
	*prot = FIELD(vm_area_struct, vma, vm_flags) & VM_ACCESS;
	return 0;
}

/* With this personality, what may be read may be executed as well: not always, so the kernel is asked afterwards. */
static __always_inline bool adds_exec(struct task_struct *task, __u32 asked)
{
	return asked & PROT_READ &&
	       FIELD(task_struct___person, untracked(task), personality) & READ_IMPLIES_EXEC;
}

/* The protection that memory has got, of which this one was asked for. */
static __always_inline __u32 protection(__u64 addr, __u32 asked)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 has = 0;

	if (!adds_exec(task, asked) || bpf_find_vma(task, addr, keep_protection, &has, 0))
		return asked;
	return asked | (has & PROT_EXEC);
}

static __always_inline int before(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = bpf_get_current_pid_tgid();
	__u32 prot = 0, asked = ARG3(current_regs(task));
	long error;

	/* only what becomes executable is of interest; nothing does without a length */
	if (!(asked & PROT_EXEC || adds_exec(task, asked)) || !ARG2(current_regs(task)))
		return 0;
	error = bpf_find_vma(task, ARG1(current_regs(task)), keep_protection, &prot, 0);
	if (error == -EBUSY)
		prot = UNKNOWN; /* another thread changes the memory of this process */
	else if (error)
		return 0;
	bpf_map_update_elem(&prot_before, &key, &prot, BPF_ANY);
	return 0;
}

/* int mprotect(void *addr, size_t len, int prot) */
SEC("tp/syscalls/sys_enter_mprotect")
int mem_prot_enter_mprotect(void *ctx)
{
	return before();
}

/* int pkey_mprotect(void *addr, size_t len, int prot, int pkey) */
SEC("tp/syscalls/sys_enter_pkey_mprotect")
int mem_prot_enter_pkey_mprotect(void *ctx)
{
	return before();
}

static __always_inline int report(__u16 prog, __u64 addr, __u64 len, __u32 prot, __u32 prev, __u32 alert)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());

	if (alert == NONE)
		return 0;
	BEGIN_EVENT(mem_prot_alert, task, prog,
		    NUMBERS([ARGUMENT_MEM_PROT_ALERT_ALERT] = alert, [ARGUMENT_MEM_PROT_ALERT_PROT] = prot,
			    [ARGUMENT_MEM_PROT_ALERT_PREV_PROT] = prev & VM_ACCESS, [ARGUMENT_MEM_PROT_ALERT_LEN] = len));
	e->addr = addr;
	e->len = len;
	e->prot = prot;
	if (prev == UNKNOWN)
		mark_partial(st, e);
	else
		e->prev_prot = prev;
	e->alert = alert;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* Length and protection that mmap was asked for. The older one of 32-bit programs has its arguments in memory. */
static __always_inline void asked_of_mmap(struct pt_regs *regs, __u64 *len, __u32 *prot)
{
#ifdef TARSIER_COMPAT
	struct {
		__u32 addr, len, prot;
	} args = {};

	if (SYSCALL_NR(regs) == I386_MMAP) {
		bpf_probe_read_user(&args, sizeof(args), (void *)ARG1(regs));
		*len = args.len;
		*prot = args.prot;
		return;
	}
#endif
	*len = ARG2(regs);
	*prot = ARG3(regs);
}

/* void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) */
SEC("tp/syscalls/sys_exit_mmap")
int mem_prot_mmap(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u32 prot, both = PROT_WRITE | PROT_EXEC;
	__u64 len;

	if (ctx->ret < 0 && ctx->ret > -4096)
		return 0;
	asked_of_mmap(regs, &len, &prot);
	prot = protection(ctx->ret, prot);
	return report(PROG_mem_prot_mmap, ctx->ret, len, prot, 0, (prot & both) == both ? MMAP_WRITE_EXEC : NONE);
}

static __always_inline __u32 alert_of(__u32 was, __u32 is)
{
	if (!(was & PROT_EXEC))
		return EXEC_ADDED;
	if (!(was & PROT_WRITE) && (is & PROT_WRITE))
		return WRITE_ADDED;
	if ((was & PROT_WRITE) && !(is & PROT_WRITE))
		return WRITE_REMOVED;
	return NONE;
}

static __always_inline int after(struct sys_exit_ctx *ctx, __u16 prog)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	__u64 key = bpf_get_current_pid_tgid();
	__u32 *kept, was, prot;

	kept = bpf_map_lookup_elem(&prot_before, &key);
	if (!kept)
		return 0;
	was = *kept;
	bpf_map_delete_elem(&prot_before, &key);
	prot = protection(ARG1(regs), ARG3(regs));
	if (ctx->ret || !(prot & PROT_EXEC))
		return 0;
	return report(prog, ARG1(regs), ARG2(regs), prot, was, alert_of(was, prot));
}

/* int mprotect(void *addr, size_t len, int prot) */
SEC("tp/syscalls/sys_exit_mprotect")
int mem_prot_mprotect(struct sys_exit_ctx *ctx)
{
	return after(ctx, PROG_mem_prot_mprotect);
}

/* int pkey_mprotect(void *addr, size_t len, int prot, int pkey) */
SEC("tp/syscalls/sys_exit_pkey_mprotect")
int mem_prot_pkey_mprotect(struct sys_exit_ctx *ctx)
{
	return after(ctx, PROG_mem_prot_pkey_mprotect);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

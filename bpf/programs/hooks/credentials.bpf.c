// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Threads that change their credentials: those a thread has when the call begins are kept with the thread until the call
 * returns, and compared.
 */
#include "guard.h"

/* include/uapi/linux/prctl.h: what changes credentials */
#define PR_SET_KEEPCAPS 8
#define PR_CAPBSET_DROP 24
#define PR_SET_SECUREBITS 28
#define PR_CAP_AMBIENT 47

/* CREDENTIAL_CHANGES of schema/enums/process.ts */
#define UIDS 1
#define GIDS 2
#define GROUPS 4
#define CAPABILITIES 8
#define SECUREBITS 16
#define USER_NAMESPACE 32

#define GROUPS_MAX 32

struct group_info {
	int ngroups;
	kgid_t gid[0];
} __core;
struct user_namespace {
	struct ns_common ns;
} __core;
struct cred___all {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	unsigned int securebits;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	struct user_namespace *user_ns;
	struct group_info *group_info;
} __core;

/* As src/fields/credentials.ts reads it. */
struct credentials {
	__u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid, user_ns, securebits;
	__u64 inheritable, permitted, effective, bounding, ambient;
};

struct kept {
	struct credentials creds;
	__u64 ngroups;
	__u64 groups[GROUPS_MAX / 2]; /* two in each */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kept);
} creds_before SEC(".maps");

#define GET(to, from) bpf_core_read(&to, sizeof(to), &all->from)

static __always_inline void read_groups(struct kept *to, struct group_info *groups)
{
	__u32 n;

	if (!groups)
		return;
	to->ngroups = FIELD(group_info, groups, ngroups);
	n = to->ngroups > GROUPS_MAX ? GROUPS_MAX : to->ngroups;
	barrier_var(n);
	if (n > 0 && n <= GROUPS_MAX)
		bpf_probe_read_kernel(to->groups, n * sizeof(kgid_t),
				      (void *)groups + bpf_core_field_offset(struct group_info, gid));
}

static __always_inline void read_credentials(struct kept *to)
{
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct cred___all *all = (struct cred___all *)task->cred;
	struct credentials *c = &to->creds;
	struct user_namespace *user_ns = NULL;
	struct group_info *groups = NULL;

	__builtin_memset(to, 0, sizeof(*to));
	GET(c->uid, uid);
	GET(c->gid, gid);
	GET(c->suid, suid);
	GET(c->sgid, sgid);
	GET(c->euid, euid);
	GET(c->egid, egid);
	GET(c->fsuid, fsuid);
	GET(c->fsgid, fsgid);
	GET(c->securebits, securebits);
	GET(c->inheritable, cap_inheritable);
	GET(c->permitted, cap_permitted);
	GET(c->effective, cap_effective);
	GET(c->bounding, cap_bset);
	GET(c->ambient, cap_ambient);
	GET(user_ns, user_ns);
	GET(groups, group_info);
	if (user_ns)
		c->user_ns = FIELD(user_namespace, user_ns, ns.inum);
	read_groups(to, groups);
}

static __always_inline bool same_groups(const struct kept *a, const struct kept *b)
{
	__u64 differ = a->ngroups ^ b->ngroups;

	for (int i = 0; i < GROUPS_MAX / 2; i++)
		differ |= a->groups[i] ^ b->groups[i];
	return differ == 0;
}

static __always_inline __u32 changes(const struct kept *before, const struct kept *after)
{
	const struct credentials *a = &before->creds, *b = &after->creds;
	__u32 changed = same_groups(before, after) ? 0 : GROUPS;

	if (a->uid != b->uid || a->suid != b->suid || a->euid != b->euid || a->fsuid != b->fsuid)
		changed |= UIDS;
	if (a->gid != b->gid || a->sgid != b->sgid || a->egid != b->egid || a->fsgid != b->fsgid)
		changed |= GIDS;
	if (a->inheritable != b->inheritable || a->permitted != b->permitted || a->effective != b->effective ||
	    a->bounding != b->bounding || a->ambient != b->ambient)
		changed |= CAPABILITIES;
	if (a->securebits != b->securebits)
		changed |= SECUREBITS;
	if (a->user_ns != b->user_ns)
		changed |= USER_NAMESPACE;
	return changed;
}

static __always_inline int before(__u32 prog)
{
	struct prog_counters *st = counters_of(prog);
	struct kept *kept;

	if (!st)
		return 0;
	kept = bpf_task_storage_get(&creds_before, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (kept)
		read_credentials(kept);
	else
		st->helper_errors++;
	return 0;
}

static __always_inline void put_credentials(struct scratch *s, struct prog_counters *st, struct vl *v,
					    const struct credentials *from)
{
	__u32 at = s->pos;

	barrier_var(at);
	if (at > RECORD_MAX - sizeof(*from) || bpf_probe_read_kernel(&s->data[at], sizeof(*from), from))
		return mark_partial(st, s->data);
	v->off = at;
	v->len = v->total = sizeof(*from);
	s->pos = at + sizeof(*from);
}

static __always_inline int report(__u16 prog, const struct credentials *old, const struct credentials *now, __u32 changed)
{
	CALLER;
	__s32 syscall = SYSCALL_NR(regs);

	BEGIN_CRITICAL_EVENT(commit_creds, task, prog,
			     NUMBERS([ARGUMENT_COMMIT_CREDS_SYSCALL] = syscall, [ARGUMENT_COMMIT_CREDS_CHANGED] = changed,
				     [ARGUMENT_COMMIT_CREDS_OLD_EUID] = old->euid,
				     [ARGUMENT_COMMIT_CREDS_NEW_EUID] = now->euid));
	e->syscall = syscall;
	e->changed = changed;
	e->old_euid = old->euid;
	e->new_euid = now->euid;
	e->old_cap_effective = old->effective;
	e->new_cap_effective = now->effective;
	put_credentials(s, st, &e->old_cred, old);
	put_credentials(s, st, &e->new_cred, now);
	submit_yielding(s, st);
	return 0;
}

static __always_inline int after(__u16 prog)
{
	struct kept *old = bpf_task_storage_get(&creds_before, bpf_get_current_task_btf(), NULL, 0);
	struct kept now;
	__u32 changed;

	if (!old)
		return 0;
	read_credentials(&now);
	changed = changes(old, &now);
	if (changed)
		report(prog, &old->creds, &now.creds, changed);
	bpf_task_storage_delete(&creds_before, bpf_get_current_task_btf());
	return 0;
}

#define KEEP(program)                                                                                                  \
	int program(void *ctx)                                                                                         \
	{                                                                                                              \
		return before(PROG_##program);                                                                         \
	}

#define COMPARE(program)                                                                                               \
	int program(void *ctx)                                                                                         \
	{                                                                                                              \
		return after(PROG_##program);                                                                          \
	}

SEC("tp/syscalls/sys_enter_setuid")
KEEP(creds_enter_setuid)
SEC("tp/syscalls/sys_exit_setuid")
COMPARE(creds_setuid)
SEC("tp/syscalls/sys_enter_setgid")
KEEP(creds_enter_setgid)
SEC("tp/syscalls/sys_exit_setgid")
COMPARE(creds_setgid)
SEC("tp/syscalls/sys_enter_setreuid")
KEEP(creds_enter_setreuid)
SEC("tp/syscalls/sys_exit_setreuid")
COMPARE(creds_setreuid)
SEC("tp/syscalls/sys_enter_setregid")
KEEP(creds_enter_setregid)
SEC("tp/syscalls/sys_exit_setregid")
COMPARE(creds_setregid)
SEC("tp/syscalls/sys_enter_setresuid")
KEEP(creds_enter_setresuid)
SEC("tp/syscalls/sys_exit_setresuid")
COMPARE(creds_setresuid)
SEC("tp/syscalls/sys_enter_setresgid")
KEEP(creds_enter_setresgid)
SEC("tp/syscalls/sys_exit_setresgid")
COMPARE(creds_setresgid)
SEC("tp/syscalls/sys_enter_setfsuid")
KEEP(creds_enter_setfsuid)
SEC("tp/syscalls/sys_exit_setfsuid")
COMPARE(creds_setfsuid)
SEC("tp/syscalls/sys_enter_setfsgid")
KEEP(creds_enter_setfsgid)
SEC("tp/syscalls/sys_exit_setfsgid")
COMPARE(creds_setfsgid)
SEC("tp/syscalls/sys_enter_setgroups")
KEEP(creds_enter_setgroups)
SEC("tp/syscalls/sys_exit_setgroups")
COMPARE(creds_setgroups)
SEC("tp/syscalls/sys_enter_capset")
KEEP(creds_enter_capset)
SEC("tp/syscalls/sys_exit_capset")
COMPARE(creds_capset)
/* both may enter another user namespace */
SEC("tp/syscalls/sys_enter_unshare")
KEEP(creds_enter_unshare)
SEC("tp/syscalls/sys_exit_unshare")
COMPARE(creds_unshare)
SEC("tp/syscalls/sys_enter_setns")
KEEP(creds_enter_setns)
SEC("tp/syscalls/sys_exit_setns")
COMPARE(creds_setns)

/* int prctl(int option, ...) */
SEC("tp/syscalls/sys_enter_prctl")
int creds_enter_prctl(void *ctx)
{
	__u32 option = ARG1(current_regs(bpf_get_current_task_btf()));

	if (option != PR_SET_KEEPCAPS && option != PR_CAPBSET_DROP && option != PR_SET_SECUREBITS &&
	    option != PR_CAP_AMBIENT)
		return 0;
	return before(PROG_creds_enter_prctl);
}
SEC("tp/syscalls/sys_exit_prctl")
COMPARE(creds_prctl)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

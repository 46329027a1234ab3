// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpf(2) at its exit tracepoint, with the kernel object that the descriptor among the arguments stands for. */
#include "agent.h"
#include "guard.h"

struct bpf_map {
	__u32 id;
	char name[16];
} __core;
struct bpf_prog_aux {
	__u32 id;
	char name[16];
} __core;
struct bpf_prog {
	struct bpf_prog_aux *aux;
} __core;
struct bpf_link {
	__u32 id;
} __core;

/* The first 64 bytes of union bpf_attr hold every descriptor and id we want. */
struct attr_words {
	__u32 word[16];
};

/* Names of the anonymous inodes (kernel/bpf/syscall.c), as little-endian numbers. */
#define NAME_MAP 0x0070616d2d667062ULL /* "bpf-map\0" */
#define NAME_PROG 0x676f72702d667062ULL /* "bpf-prog" */
#define NAME_LINK 0x6b6e696c5f667062ULL /* "bpf_link": as it was made */
#define NAME_LINK_BY_ID 0x6b6e696c2d667062ULL /* "bpf-link": opened again, by id or pin */

enum {
	CMD_MAP_CREATE = 0,
	CMD_LOOKUP = 1,
	CMD_UPDATE = 2,
	CMD_DELETE = 3,
	CMD_NEXT_KEY = 4,
	CMD_PROG_LOAD = 5,
	CMD_PIN = 6,
	CMD_GET = 7,
	CMD_ATTACH = 8,
	CMD_DETACH = 9,
	CMD_RUN = 10,
	CMD_PROG_BY_ID = 13,
	CMD_MAP_BY_ID = 14,
	CMD_INFO = 15,
	CMD_RAW_OPEN = 17,
	CMD_LOOKUP_AND_DELETE = 21,
	CMD_FREEZE = 22,
	CMD_BATCH_FIRST = 24,
	CMD_BATCH_LAST = 27,
	CMD_LINK_CREATE = 28,
	CMD_LINK_UPDATE = 29,
	CMD_LINK_BY_ID = 30,
	CMD_ITER = 33,
	CMD_LINK_DETACH = 34,
	CMD_BIND_MAP = 35,
};

/* The descriptor a command is about; -1 when there is none. */
static __always_inline int fd_of(__u32 cmd, const struct attr_words *attr, long ret)
{
	switch (cmd) {
	case CMD_MAP_CREATE:
	case CMD_PROG_LOAD:
	case CMD_GET:
	case CMD_PROG_BY_ID:
	case CMD_MAP_BY_ID:
	case CMD_RAW_OPEN:
	case CMD_LINK_CREATE:
	case CMD_LINK_BY_ID:
		return ret < 0 ? -1 : (int)ret;
	case CMD_PIN:
		return attr->word[2]; /* after a 64-bit pathname */
	case CMD_ATTACH:
	case CMD_DETACH:
		return attr->word[1]; /* attach_bpf_fd, after target_fd */
	case CMD_BATCH_FIRST ... CMD_BATCH_LAST:
		return attr->word[9]; /* after four 64-bit pointers and the count */
	case CMD_LOOKUP ... CMD_NEXT_KEY:
	case CMD_RUN:
	case CMD_INFO:
	case CMD_LOOKUP_AND_DELETE:
	case CMD_FREEZE:
	case CMD_LINK_UPDATE:
	case CMD_ITER:
	case CMD_LINK_DETACH:
	case CMD_BIND_MAP:
		return attr->word[0];
	default:
		return -1;
	}
}

/* Commands that only look: too many, and no harm. Getting a descriptor by id comes before any harm. */
static __always_inline bool is_looking(__u32 cmd)
{
	return cmd == CMD_LOOKUP || cmd == CMD_NEXT_KEY || cmd == CMD_INFO || cmd == CMD_BATCH_FIRST ||
	       cmd == CMD_PROG_BY_ID;
}

struct object {
	__u32 kind;
	__u32 id;
	const void *name;
};

/* What the file behind a descriptor is: the name of its anonymous inode tells the type of its private data. */
static __always_inline void object_of(struct object *o, struct task_struct *task, int fd)
{
	struct file *file = file_of(task, fd);
	struct dentry *dentry;
	struct inode *inode;
	const void *data;
	__u64 name = 0;

	if (!file)
		return;
	inode = FIELD(file, file, f_inode);
	if (FIELD(super_block, FIELD(inode, inode, i_sb), s_magic) != ANON_INODE_FS_MAGIC)
		return;
	dentry = FIELD(file, file, f_path).dentry;
	bpf_probe_read_kernel(&name, sizeof(name), FIELD(dentry, dentry, d_name).name);
	data = FIELD(file, file, private_data);
	if (name == NAME_MAP) {
		o->kind = AGENT_MAP;
		o->id = FIELD(bpf_map, data, id);
		o->name = ((struct bpf_map *)data)->name;
	} else if (name == NAME_PROG) {
		const struct bpf_prog_aux *aux = FIELD(bpf_prog, data, aux);

		o->kind = AGENT_PROG;
		o->id = FIELD(bpf_prog_aux, aux, id);
		o->name = ((struct bpf_prog_aux *)aux)->name;
	} else if (name == NAME_LINK || name == NAME_LINK_BY_ID) {
		o->kind = AGENT_LINK;
		o->id = FIELD(bpf_link, data, id);
	}
}

/* int bpf(int cmd, union bpf_attr *attr, unsigned int size) */
SEC("tp/syscalls/sys_exit_bpf")
int exit_bpf(struct sys_exit_ctx *ctx)
{
	struct pt_regs *regs = current_regs(bpf_get_current_task_btf());
	struct task_struct *task = untracked(bpf_get_current_task_btf());
	struct prog_counters *st = begin_foreign(PROG_exit_bpf);
	struct attr_words attr = {};
	struct object object = {};
	__u32 cmd = ARG1(regs), size = ARG3(regs), given = size;
	__u64 args[GUARD_ARGUMENTS] = { [ARGUMENT_BPF_CALL_CMD] = cmd };
	struct guard_input in = { .event = EVENT_bpf, .shape = guard_outcome(ctx->ret), .args = args };
	struct guard_verdict verdict;
	struct ev_bpf_call *e;
	struct scratch *s;
	bool aimed;
	int fd;

	if (!st)
		return 0;
	if (bpf_restricted && is_looking(cmd)) {
		st->guarded++;
		return 0;
	}
	barrier_var(size); /* or clang bounds a copy the verifier does not see */
	if (size > sizeof(attr))
		size = sizeof(attr);
	bpf_probe_read_user(&attr, size, (void *)ARG2(regs));
	fd = fd_of(cmd, &attr, ctx->ret);
	object_of(&object, task, fd);
	aimed = object.kind && !is_looking(cmd) && is_agents(object.kind, object.id);
	if (bpf_restricted && !aimed) {
		st->guarded++;
		return 0;
	}
	args[ARGUMENT_BPF_CALL_KIND] = object.kind;
	args[ARGUMENT_BPF_CALL_OBJ_ID] = object.id;
	if (!guard_wants_foreign(st, task, &in, aimed, &verdict))
		return 0;
	s = scratch_get(st, aimed ? RING_CRITICAL : RING_BULK);
	if (!s)
		return 0;
	e = (struct ev_bpf_call *)s->data;
	DECLARE_EVENT(ev_bpf_call);
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->hdr, task, EVENT_bpf, PROG_exit_bpf);
	guard_stamp(&e->hdr, &verdict);
	s->pos = sizeof(*e);
	e->res = ctx->ret;
	e->attr = ARG2(regs);
	e->cmd = cmd;
	e->fd = fd;
	e->kind = object.kind;
	e->obj_id = object.id;
	e->size = given;
	if (object.name)
		put_kernel_str(s, st, &e->obj_name, object.name, 16);
	SUBMIT_BY_AIM(s, st, aimed);
	return 0;
}

/* int bpf(...) once more, for those who ask for security_bpf */
SEC("tp/syscalls/sys_exit_bpf")
int security_bpf_bpf(struct sys_exit_ctx *ctx)
{
	CALLER;
	__u32 cmd = ARG1(regs);
	BEGIN_EVENT(security_bpf, task, PROG_security_bpf_bpf, NUMBERS([ARGUMENT_SECURITY_BPF_CMD] = cmd));

	e->cmd = cmd;
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

/* int bpf(...) once more, for those who ask for security_bpf_map: commands that give a descriptor of a map */
SEC("tp/syscalls/sys_exit_bpf")
int security_bpf_map_bpf(struct sys_exit_ctx *ctx)
{
	CALLER;
	__u32 cmd = ARG1(regs);
	struct object object = {};

	if (ctx->ret < 0 || !(cmd == CMD_MAP_CREATE || cmd == CMD_MAP_BY_ID || cmd == CMD_GET))
		return 0;
	object_of(&object, task, ctx->ret);
	if (object.kind != AGENT_MAP)
		return 0;
	BEGIN_EVENT(security_bpf_map, task, PROG_security_bpf_map_bpf, NUMBERS([ARGUMENT_SECURITY_BPF_MAP_MAP_ID] = object.id));
	e->map_id = object.id;
	put_kernel_str(s, st, &e->map_name, object.name, 16);
	submit(s, st, &ring_bulk, RING_BULK);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

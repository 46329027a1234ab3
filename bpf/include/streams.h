/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the standard descriptors of a process are open on. */
#ifndef TARSIER_STREAMS_H
#define TARSIER_STREAMS_H

#include "inet.h"
#include "path.h"

/* A standard descriptor keeps a short name: it says where input comes from, not which of two long paths. */
#define STREAM_PATH_MAX 256

static __always_inline void put_stream_path(struct exec_scratch *s, struct prog_counters *st, struct vl *v,
					    struct file *file, struct task_struct *task)
{
	__u32 pos = s->pos, ignored = 0;

	put_file_path_exec(s, st, v, file, task, &ignored);
	if (v->len > STREAM_PATH_MAX) {
		v->len = STREAM_PATH_MAX;
		s->pos = pos + STREAM_PATH_MAX;
	}
}

static __always_inline void add_stream_socket(struct file *file, __u16 *family, __u8 *laddr, __u8 *raddr, __u16 *lport,
					      __u16 *rport)
{
	struct socket *sock = socket_of(file);
	struct sock *sk = sock ? FIELD(socket, sock, sk) : NULL;

	if (!sk)
		return;
	*family = FIELD(sock, sk, __sk_common.skc_family);
	inet_ends(sk, *family, laddr, raddr, lport, rport);
}

/* What a descriptor of `task` is open on. */
#define ADD_STREAM(s, st, e, task, fd, name)										\
	({														\
		struct file *__file = file_of(task, fd);								\
															\
		if (__file) {												\
			(e)->name##_mode = FIELD(inode, FIELD(file, __file, f_inode), i_mode);				\
			add_stream_socket(__file, &(e)->name##_family, (e)->name##_laddr, (e)->name##_raddr,		\
					  &(e)->name##_lport, &(e)->name##_rport);					\
			put_stream_path(s, st, &(e)->name##_path, __file, task);					\
		}													\
	})

static __always_inline void add_streams(struct exec_scratch *s, struct prog_counters *st, struct ev_exec *e,
					struct task_struct *task)
{
	ADD_STREAM(s, st, e, task, 0, stdin);
	ADD_STREAM(s, st, e, task, 1, stdout);
	ADD_STREAM(s, st, e, task, 2, stderr);
}

#endif

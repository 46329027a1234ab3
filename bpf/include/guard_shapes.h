/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Parts of shapes (schema/guard.ts), for events that come from several programs. */
#ifndef TARSIER_GUARD_SHAPES_H
#define TARSIER_GUARD_SHAPES_H

#include "guard_state.h"

#define O_ACCMODE 03
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_PATH 010000000
#define __O_TMPFILE 020000000
#define S_ISUID 04000
#define S_ISGID 02000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define AF_NETLINK 16
#define AF_PACKET 17

/* How a call ended. */
static __always_inline __u16 guard_outcome(__s64 ret)
{
	return ret >= 0 ? OUTCOME_OK : ret == -EACCES || ret == -EPERM ? OUTCOME_DENIED : OUTCOME_FAILED;
}

/* Flags that conditions like to ask for. */
static __always_inline __u16 guard_open_shape(__u32 flags, __u32 mode)
{
	return (flags & O_ACCMODE) << OPEN_SHAPE_ACCESS_SHIFT | (flags & (O_CREAT | __O_TMPFILE) ? OPEN_SHAPE_CREATES : 0) |
	       (flags & O_TRUNC ? OPEN_SHAPE_TRUNC : 0) | (flags & O_PATH ? OPEN_SHAPE_PATH : 0) |
	       (mode & (S_ISUID | S_ISGID) ? OPEN_SHAPE_SETS_ID : 0);
}

/* Of a file, by the mode of its inode. */
static __always_inline __u16 guard_file_kind(__u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return FILE_KIND_REG;
	case S_IFDIR:
		return FILE_KIND_DIR;
	case S_IFCHR:
		return FILE_KIND_CHR;
	case S_IFBLK:
		return FILE_KIND_BLK;
	case S_IFIFO:
		return FILE_KIND_FIFO;
	case S_IFSOCK:
		return FILE_KIND_SOCK;
	default:
		return FILE_KIND_OTHER;
	}
}

/* Of a new socket, which is nothing but what was asked for. */
static __always_inline __u16 guard_domain(__u32 domain)
{
	switch (domain) {
	case AF_UNIX:
		return SOCKET_FAMILY_UNIX;
	case AF_INET:
		return SOCKET_FAMILY_INET;
	case AF_INET6:
		return SOCKET_FAMILY_INET6;
	case AF_NETLINK:
		return SOCKET_FAMILY_NETLINK;
	case AF_PACKET:
		return SOCKET_FAMILY_PACKET;
	default:
		return SOCKET_FAMILY_OTHER;
	}
}

/* Of a socket: those for packets are one of the others. */
static __always_inline __u16 guard_family(__u64 sk)
{
	__u16 family = guard_domain(sk ? FIELD(sock, sk, __sk_common.skc_family) : 0);

	return family == SOCKET_FAMILY_PACKET ? SOCKET_FAMILY_OTHER : family;
}

/* Of a call on one, which may be under way. */
static __always_inline __u16 guard_socket_outcome(__s64 ret)
{
	return ret == -EINPROGRESS ? OUTCOME_IN_PROGRESS : guard_outcome(ret);
}

static __always_inline __u16 guard_socket_kind(__u32 type)
{
	switch (type & SOCK_TYPE_MASK) {
	case SOCK_STREAM:
		return SOCKET_KIND_STREAM;
	case SOCK_DGRAM:
		return SOCKET_KIND_DGRAM;
	case SOCK_RAW:
		return SOCKET_KIND_RAW;
	default:
		return SOCKET_KIND_OTHER;
	}
}

static __always_inline __u16 guard_new_socket_shape(__s64 ret, __u32 domain, __u32 type)
{
	return guard_outcome(ret) | guard_domain(domain) << SOCKET_NEW_SHAPE_FAMILY_SHIFT |
	       guard_socket_kind(type) << SOCKET_NEW_SHAPE_TYPE_SHIFT;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The only file that names a kernel version: what differs from 6.1 on. */
#ifndef _DTLS_COMPAT_H
#define _DTLS_COMPAT_H

#include <linux/bpf-cgroup.h>
#include <linux/fs.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <linux/udp.h>
#include <linux/version.h>
#include <net/genetlink.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/udp.h>

/*
 * A variable that need not be cleared (CONFIG_INIT_STACK_ALL_ZERO) in the path
 * of each record: its fields are set before they are read.
 */
#if __has_attribute(__uninitialized__)
#define dtls_compat_raw	__attribute__((__uninitialized__))
#else
#define dtls_compat_raw
#endif

/* 6.13: the name of a namespace of symbols is a string. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define DTLS_COMPAT_NS_CRYPTO	"CRYPTO_INTERNAL"
#else
#define DTLS_COMPAT_NS_CRYPTO	CRYPTO_INTERNAL
#endif

#ifndef ITER_SOURCE
#define ITER_SOURCE	WRITE
#endif

#ifndef MSG_SPLICE_PAGES
#define MSG_SPLICE_PAGES	0
#endif

#ifndef MSG_SENDPAGE_NOTLAST
#define MSG_SENDPAGE_NOTLAST	0
#endif

/* 6.5: ioctl of a protocol takes the kernel's copy of the argument. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define DTLS_IOCTL_ARG			int *
#define dtls_compat_ioctl_put(arg, val)	({ *(arg) = (val); 0; })
#else
#define DTLS_IOCTL_ARG			unsigned long
#define dtls_compat_ioctl_put(arg, val)	put_user(val, (int __user *)(arg))
#endif

/*
 * 6.5: MSG_SPLICE_PAGES and ->splice_eof replace ->sendpage; later 6.1 has
 * both. What the headers offer is found out by Kbuild, since stable kernels
 * get such things under an old number.
 */
#ifdef DTLS_HAVE_SENDPAGE
#define dtls_compat_set_sendpage(prot, fn)	((prot)->sendpage = (fn))
#else
#define dtls_compat_set_sendpage(prot, fn) \
	do { (void)(prot); (void)(typeof(fn) *)NULL; } while (0)
#endif

static inline void dtls_compat_set_splice_eof(struct proto *prot,
					      struct proto_ops *ops,
					      void (*fn)(struct socket *sock))
{
#ifdef DTLS_HAVE_SPLICE_EOF
	prot->splice_eof = fn;
	ops->splice_eof = fn;
#endif
}

static inline void dtls_compat_splice_eof(const struct proto *prot,
					  struct socket *sock)
{
#ifdef DTLS_HAVE_SPLICE_EOF
	if (prot->splice_eof)
		prot->splice_eof(sock);
#endif
}

/* 6.7, and later 6.1: the flags of UDP sockets are bits of one word. */
#ifdef DTLS_HAVE_UDP_FLAGS
#define dtls_compat_udp_cork(sk)	udp_test_bit(CORK, sk)
#define dtls_compat_udp_gro(sk)		udp_test_bit(GRO_ENABLED, sk)
#else
#define dtls_compat_udp_cork(sk)	READ_ONCE(udp_sk(sk)->corkflag)
#define dtls_compat_udp_gro(sk)		READ_ONCE(udp_sk(sk)->gro_enabled)
#endif

/* 6.7: flags of inet sockets are read locklessly. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define dtls_compat_cmsg_flags(inet)	inet_cmsg_flags(inet)
#else
#define dtls_compat_cmsg_flags(inet)	((inet)->cmsg_flags)
#endif

/* 6.7: the cgroup hooks learn the length of the address, and may change it. */
static inline void dtls_compat_bpf_recvmsg4(struct sock *sk,
					    struct sockaddr *addr, int *len)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	BPF_CGROUP_RUN_PROG_UDP4_RECVMSG_LOCK(sk, addr, len);
#else
	BPF_CGROUP_RUN_PROG_UDP4_RECVMSG_LOCK(sk, addr);
#endif
}

static inline void dtls_compat_bpf_recvmsg6(struct sock *sk,
					    struct sockaddr *addr, int *len)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	BPF_CGROUP_RUN_PROG_UDP6_RECVMSG_LOCK(sk, addr, len);
#else
	BPF_CGROUP_RUN_PROG_UDP6_RECVMSG_LOCK(sk, addr);
#endif
}

/*
 * Bytes of a piece of an sk_buff that the kernel can read without mapping
 * them. From 6.12 on there is memory of devices, which no CPU can.
 */
static inline bool dtls_compat_frag_mapped(const struct sk_buff *skb,
					   const skb_frag_t *frag)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (!skb_frags_readable(skb))
		return false;
#endif
	return !PageHighMem(skb_frag_page(frag));
}

/* Without CONFIG_PAGE_POOL an sk_buff does not say where its pages are from. */
static inline bool dtls_compat_pool_pages(const struct sk_buff *skb)
{
#ifdef CONFIG_PAGE_POOL
	return skb->pp_recycle;
#else
	return false;
#endif
}

/* 6.2: a network namespace may have a table of its own. */
static inline struct udp_table *dtls_compat_udp_table(const struct sock *sk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	if (!sk->sk_prot->h.udp_table)
		return sock_net(sk)->ipv4.udp_table;
#endif
	return sk->sk_prot->h.udp_table;
}

/* 6.7: what was bits of its own is bits of one word, of IPv6, too. */
static inline void dtls_compat_inherit_inet(struct inet_sock *inet,
					    const struct inet_sock *from)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	inet->inet_flags = READ_ONCE(from->inet_flags);
#else
	inet->cmsg_flags = from->cmsg_flags;
	inet->recverr = from->recverr;
	inet->recverr_rfc4884 = from->recverr_rfc4884;
	inet->freebind = from->freebind;
	inet->transparent = from->transparent;
	inet->nodefrag = from->nodefrag;
	inet->mc_loop = from->mc_loop;
	inet->mc_all = from->mc_all;
#endif
}

static inline void dtls_compat_inherit_inet6(struct ipv6_pinfo *np,
					     const struct ipv6_pinfo *from)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	np->recverr = from->recverr;
	np->recverr_rfc4884 = from->recverr_rfc4884;
	np->sndflow = from->sndflow;
	np->repflow = from->repflow;
	np->dontfrag = from->dontfrag;
	np->autoflowlabel = from->autoflowlabel;
	np->autoflowlabel_set = from->autoflowlabel_set;
	np->mc_loop = from->mc_loop;
	np->mc_all = from->mc_all;
#endif
}

/* 6.2: timers are deleted by another name. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define dtls_compat_timer_delete_sync(timer)	timer_delete_sync(timer)
#else
#define dtls_compat_timer_delete_sync(timer)	del_timer_sync(timer)
#endif

/* 6.7: a file that may be at its end is asked for by the place it is named in. */
#ifdef get_file_rcu
#define dtls_compat_get_file(place) \
	({ struct file *file_ = READ_ONCE(*(place)); \
	   file_ && get_file_rcu(file_) ? file_ : NULL; })
#else
#define dtls_compat_get_file(place)	get_file_active(place)
#endif

/* 6.13: msg_zerocopy_realloc() can make notifications of device memory. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define dtls_compat_zerocopy_alloc(sk, len) \
	msg_zerocopy_realloc(sk, len, NULL, false)
#else
#define dtls_compat_zerocopy_alloc(sk, len) \
	msg_zerocopy_realloc(sk, len, NULL)
#endif

/* 6.6: the attributes of a dump are those of a struct genl_info. */
static inline struct nlattr **dtls_compat_dump_attrs(const struct netlink_callback *cb)
{
	const struct genl_dumpit_info *info = cb->data;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return info->info.attrs;
#else
	return info->attrs;
#endif
}

/* 6.4: the array of an iterator is asked for by function. */
static inline const struct iovec *dtls_compat_iov(const struct iov_iter *i)
{
#ifdef iter_iov_addr
	return iter_iov(i);
#else
	return i->iov;
#endif
}

/**
 * dtls_compat_user_piece() - the next bytes of a program's buffer
 * @i:   the buffer
 * @len: bytes that are wanted
 *
 * Context: any.
 * Return: where they are, if they lie in one piece; else NULL.
 */
static inline void __user *dtls_compat_user_piece(const struct iov_iter *i,
						  size_t len)
{
	if (len > iov_iter_count(i))
		return NULL;
	if (iter_is_ubuf(i))
		return i->ubuf + i->iov_offset;
	if (iter_is_iovec(i) && i->nr_segs &&
	    len <= dtls_compat_iov(i)->iov_len - i->iov_offset)
		return dtls_compat_iov(i)->iov_base + i->iov_offset;
	return NULL;
}

/**
 * dtls_compat_user_pass() - go on in a program's buffer
 * @i:   dtls_compat_user_piece() has given @len bytes of it
 * @len: bytes
 *
 * As iov_iter_advance(), which need not ask what it already knows.
 *
 * Context: any.
 */
static inline void dtls_compat_user_pass(struct iov_iter *i, size_t len)
{
	if (iter_is_ubuf(i) ||
	    len < dtls_compat_iov(i)->iov_len - i->iov_offset) {
		i->iov_offset += len;
		i->count -= len;
	} else {
		/* on to the next piece */
		iov_iter_advance(i, len);
	}
}

#endif /* _DTLS_COMPAT_H */

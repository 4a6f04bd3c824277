// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many peers a user may have, as the kernel's own ucounts have it: a user of a
 * namespace counts there, and for the user who made the namespace in the one above,
 * up to the first. So no number of namespaces gives anybody more.
 *
 * Our own memory is charged to a memory cgroup; that of the crypto API is not, and is
 * twice as much.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "quota.h"

static unsigned long peers_per_user;
module_param(peers_per_user, ulong, 0644);
MODULE_PARM_DESC(peers_per_user,
		 "peers of all sockets of a user without CAP_SYS_RESOURCE; 0: as many as take a sixteenth of the memory");

/* What a peer takes, about (Documentation/performance.rst). */
#define DTLS_QUOTA_PEER		4096
#define DTLS_QUOTA_SHARE	16

/**
 * struct dtls_quota - a user of a namespace
 * @node:   in the table
 * @ns:     namespace, with a reference
 * @uid:    the user
 * @parent: whoever made @ns, in the namespace above; with a reference; or NULL
 * @ref:    sockets with peers, and children; under the lock of the table
 * @peers:  how many there are
 */
struct dtls_quota {
	struct hlist_node	node;
	struct user_namespace	*ns;
	kuid_t			uid;
	struct dtls_quota	*parent;
	unsigned int		ref;
	atomic_long_t		peers;
};

static DEFINE_HASHTABLE(dtls_quotas, 6);
static DEFINE_MUTEX(dtls_quota_lock);

static unsigned long dtls_quota_key(const struct user_namespace *ns, kuid_t uid)
{
	return (unsigned long)ns + __kuid_val(uid);
}

static struct dtls_quota *dtls_quota_find(const struct user_namespace *ns,
					  kuid_t uid)
{
	struct dtls_quota *quota;

	hash_for_each_possible(dtls_quotas, quota, node, dtls_quota_key(ns, uid))
		if (quota->ns == ns && uid_eq(quota->uid, uid))
			return quota;
	return NULL;
}

/* Called with the lock. */
static void dtls_quota_drop(struct dtls_quota *quota)
{
	struct dtls_quota *parent;

	for (; quota && !--quota->ref; quota = parent) {
		parent = quota->parent;
		hash_del(&quota->node);
		put_user_ns(quota->ns);
		kfree(quota);
	}
}

/**
 * dtls_quota_get() - the account of the user who asks
 *
 * Context: process, may sleep.
 * Return: what dtls_quota_put() takes, or NULL without memory.
 */
struct dtls_quota *dtls_quota_get(void)
{
	struct dtls_quota *first = NULL, **link = &first, *quota;
	struct user_namespace *ns = current_user_ns();
	kuid_t uid = current_euid();

	mutex_lock(&dtls_quota_lock);
	for (; ns; link = &quota->parent) {
		quota = dtls_quota_find(ns, uid);
		if (quota) {
			/* and so are those above it */
			quota->ref++;
			*link = quota;
			break;
		}
		quota = kzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);
		if (!quota) {
			dtls_quota_drop(first);
			first = NULL;
			break;
		}
		quota->ns = get_user_ns(ns);
		quota->uid = uid;
		quota->ref = 1;
		hash_add(dtls_quotas, &quota->node, dtls_quota_key(ns, uid));
		*link = quota;
		uid = ns->owner;
		ns = ns->parent;
	}
	mutex_unlock(&dtls_quota_lock);
	return first;
}

/**
 * dtls_quota_put() - undo dtls_quota_get()
 * @quota: account; what was charged to it by the caller has been uncharged
 *
 * Context: process, may sleep.
 */
void dtls_quota_put(struct dtls_quota *quota)
{
	mutex_lock(&dtls_quota_lock);
	dtls_quota_drop(quota);
	mutex_unlock(&dtls_quota_lock);
}

static unsigned long dtls_quota_max(void)
{
	unsigned long max = READ_ONCE(peers_per_user);

	return max ?: totalram_pages() / (DTLS_QUOTA_SHARE * DTLS_QUOTA_PEER /
					  PAGE_SIZE);
}

/**
 * dtls_quota_charge() - one more peer
 * @quota: account
 *
 * Context: process. Return: 0; -ENOBUFS if the user has too many.
 */
int dtls_quota_charge(struct dtls_quota *quota)
{
	unsigned long max = dtls_quota_max();
	struct dtls_quota *at, *end;

	for (at = quota; at; at = at->parent)
		if (atomic_long_inc_return(&at->peers) > max &&
		    !ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
			break;
	if (!at)
		return 0;
	end = at->parent;
	for (at = quota; at != end; at = at->parent)
		atomic_long_dec(&at->peers);
	return -ENOBUFS;
}

/**
 * dtls_quota_uncharge() - undo dtls_quota_charge()
 * @quota: account
 *
 * Context: any.
 */
void dtls_quota_uncharge(struct dtls_quota *quota)
{
	for (; quota; quota = quota->parent)
		atomic_long_dec(&quota->peers);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks of a socket that its program may hold for as long as it likes: a send of
 * corked bytes waits for room with both. Who came by netlink must not wait along, since
 * generic netlink, all of it, waits with him.
 */
#include <linux/sched/signal.h>

#include "sock.h"

/* Jiffies to wait for a lock at most. */
#define DTLS_LOCK_SOON	HZ

static bool dtls_lock_try_sock(struct sock *sk)
{
	bool ours;

	might_sleep();
	spin_lock_bh(&sk->sk_lock.slock);
	ours = !sock_owned_by_user_nocheck(sk);
	if (ours) {
		/* as lock_sock(), which can only wait */
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _RET_IP_);
		sk->sk_lock.owned = 1;
	}
	spin_unlock_bh(&sk->sk_lock.slock);
	return ours;
}

static int dtls_lock_pause(unsigned long end)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (time_after(jiffies, end))
		return -EBUSY;
	schedule_timeout_killable(1);
	return 0;
}

/**
 * dtls_lock_sock() - lock_sock()
 * @sk:   socket; unlocked with release_sock()
 * @soon: give up if that takes long
 *
 * Context: process, may sleep. Return: 0; with @soon -EBUSY, or -EINTR.
 */
int dtls_lock_sock(struct sock *sk, bool soon)
{
	unsigned long end = jiffies + DTLS_LOCK_SOON;
	int err;

	if (!soon) {
		lock_sock(sk);
		return 0;
	}
	while (!dtls_lock_try_sock(sk)) {
		err = dtls_lock_pause(end);
		if (err)
			return err;
	}
	return 0;
}

/**
 * dtls_lock_mutex() - mutex_lock()
 * @lock: mutex
 * @soon: give up if that takes long
 *
 * Context: process, may sleep. Return: 0; with @soon -EBUSY, or -EINTR.
 */
int dtls_lock_mutex(struct mutex *lock, bool soon)
{
	unsigned long end = jiffies + DTLS_LOCK_SOON;
	int err;

	if (!soon) {
		mutex_lock(lock);
		return 0;
	}
	while (!mutex_trylock(lock)) {
		err = dtls_lock_pause(end);
		if (err)
			return err;
	}
	return 0;
}

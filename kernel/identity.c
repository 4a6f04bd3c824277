// SPDX-License-Identifier: GPL-2.0-only
/* Who the peer is, as a daemon has verified it: DTLS_PEER_IDENTITY. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "handshake.h"
#include "peer.h"

/**
 * dtls_identity_tell() - give the program an identity
 * @id:     identity
 * @len:    bytes of it and its text, 0: there is none
 * @optval: the program's buffer
 * @off:    where in it the identity goes
 * @room:   bytes of room there
 * @optlen: set to what is then in the buffer, from its start
 *
 * Names for which there is no room are left out, as a part of one might look like
 * another; the length within is that of all.
 *
 * Context: process, may sleep. Return: as dtls_identity_get().
 */
int dtls_identity_tell(const struct dtls_identity *id, int len,
		       char __user *optval, int off, int room,
		       int __user *optlen)
{
	while (len > room && len > (int)sizeof(*id))
		do
			len--;
		while (len > (int)sizeof(*id) && ((const u8 *)id)[len - 1]);
	if (!len)
		return -ENODATA;
	if (room < len)
		return -EINVAL;
	if (put_user(off + len, optlen) || copy_to_user(optval + off, id, len))
		return -EFAULT;
	return 0;
}

/**
 * dtls_identity_get() - DTLS_PEER_IDENTITY
 * @ds:     attached socket
 * @optval: where struct dtls_identity and text go
 * @optlen: bytes of room there, and then of both
 *
 * Context: process, may sleep; no locks held.
 * Return: 0; -ENODATA if no daemon has said; -EINVAL if the struct does not fit; -ENOMEM;
 * -EFAULT.
 */
int dtls_identity_get(struct dtls_sock *ds, char __user *optval,
		      int __user *optlen)
{
	struct dtls_upcall *up = dtls_handshake_of(ds);
	struct dtls_identity *copy;
	int room, len = 0, err;

	if (get_user(room, optlen))
		return -EFAULT;
	if (!up)
		return -ENODATA;
	copy = kmalloc(DTLS_IDENTITY_MAX, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	spin_lock_bh(&up->net->lock);
	if (up->identity && up->state == DTLS_UPCALL_OVER) {
		len = up->identity->size + up->identity->len;
		memcpy(copy, up->identity, len);
	}
	spin_unlock_bh(&up->net->lock);
	err = dtls_identity_tell(copy, len, optval, 0, room, optlen);
	kfree(copy);
	return err;
}

/**
 * dtls_identity_move() - a peer moves to a socket of its own
 * @ds:   that, after dtls_handshake_prepare(); caller holds the lock of its cork
 * @peer: the peer, of whom nobody says anything any more; its identity, if there is
 *        one, is the socket's afterwards
 *
 * Context: process.
 */
void dtls_identity_move(struct dtls_sock *ds, struct dtls_peer *peer)
{
	struct dtls_upcall *up = ds->upcall;

	if (!peer->identity)
		return;
	spin_lock_bh(&up->net->lock);
	up->identity = peer->identity;
	peer->identity = NULL;
	/* pairs with dtls_handshake_barred_by() */
	smp_store_release(&up->state, DTLS_UPCALL_OVER);
	spin_unlock_bh(&up->net->lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options of one association: that of a connected socket, or of a peer.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "assocopt.h"
#include "connid.h"
#include "flight.h"
#include "install.h"
#include "sock.h"
#include "update.h"

/**
 * dtls_assocopt_copy() - copy a struct of unknown age, which begins with its size
 * @to:     where, @known bytes: what the program does not have is zero
 * @known:  bytes of it that we know
 * @least:  bytes that it has to have
 * @optval: the option's value
 * @off:    where in it the struct begins
 * @left:   bytes from there to the end of the value
 * @size:   set to what the program says it is long
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -E2BIG if what we do not know of it is not zero; -EFAULT.
 */
int dtls_assocopt_copy(void *to, u32 known, u32 least, sockptr_t optval,
		       unsigned int off, unsigned int left, u32 *size)
{
	u8 tail[64];
	u32 at, n;

	if (left < sizeof(*size))
		return -EINVAL;
	if (copy_from_sockptr_offset(size, optval, off, sizeof(*size)))
		return -EFAULT;
	if (*size < least || *size > left || *size > PAGE_SIZE)
		return -EINVAL;
	memset(to, 0, known);
	if (copy_from_sockptr_offset(to, optval, off, min(*size, known)))
		return -EFAULT;
	/* the program may have changed it under us */
	*(u32 *)to = *size;
	for (at = known; at < *size; at += n) {
		n = min_t(u32, *size - at, sizeof(tail));
		if (copy_from_sockptr_offset(tail, optval, off + at, n))
			return -EFAULT;
		if (memchr_inv(tail, 0, n))
			return -E2BIG;
	}
	return 0;
}

static int dtls_assocopt_copy_keys(struct dtls_keys *keys, sockptr_t optval,
				   unsigned int off, unsigned int left,
				   u32 *size)
{
	return dtls_assocopt_copy(keys, sizeof(*keys), DTLS_KEYS_SIZE_VER0,
				  optval, off, left, size);
}

/**
 * dtls_assocopt_keys() - copy what DTLS_TX, DTLS_RX and DTLS_TXRX set
 * @optname: one of them
 * @optval:  the option's value
 * @off:     where in it the keys begin
 * @len:     bytes of keys, to the end of the value
 * @keys:    room for two, which the caller wipes
 * @tx:      set to the one that sends, or NULL
 * @rx:      set to the one that receives, or NULL
 *
 * Context: process, may sleep.
 * Return: 0, with keys that make sense (dtls_install_validate()); -EINVAL;
 * -EPROTONOSUPPORT; -E2BIG if something is set that we do not know; -EFAULT.
 */
int dtls_assocopt_keys(int optname, sockptr_t optval, unsigned int off,
		       unsigned int len, struct dtls_keys *keys,
		       struct dtls_keys **tx, struct dtls_keys **rx)
{
	u32 size = 0, more = 0;
	int err;

	err = dtls_assocopt_copy_keys(&keys[0], optval, off, len, &size);
	if (!err && optname == DTLS_TXRX)
		err = dtls_assocopt_copy_keys(&keys[1], optval, off + size,
					      len - size, &more);
	if (!err && size + more != len)
		err = -EINVAL;
	if (err)
		return err;
	*tx = optname == DTLS_RX ? NULL : &keys[0];
	*rx = optname == DTLS_TX ? NULL : &keys[optname == DTLS_TXRX];
	if (*tx)
		err = dtls_install_validate(*tx);
	if (!err && *rx)
		err = dtls_install_validate(*rx);
	return err;
}

static int dtls_assocopt_install(struct dtls_assoc *assoc, int optname,
				 sockptr_t optval, unsigned int off,
				 unsigned int len)
{
	struct dtls_keys keys[2], *tx, *rx;
	int err;

	err = dtls_assocopt_keys(optname, optval, off, len, keys, &tx, &rx);
	if (!err)
		err = dtls_install_keys(assoc, tx, rx,
					READ_ONCE(assoc->ds->window));
	memzero_explicit(keys, sizeof(keys));
	return err;
}

static int dtls_assocopt_new_cid(struct dtls_assoc *assoc, sockptr_t optval,
				 unsigned int off, unsigned int len)
{
	struct dtls_new_cid offer;
	u32 size;
	int err;

	BUILD_BUG_ON(sizeof(offer) != DTLS_NEW_CID_SIZE_VER0);
	err = dtls_assocopt_copy(&offer, sizeof(offer), DTLS_NEW_CID_SIZE_VER0,
				 optval, off, len, &size);
	if (err)
		return err;
	return size == len ? dtls_connid_offer(assoc, &offer) : -EINVAL;
}

/**
 * dtls_assocopt_set() - set an option of an association that has keys
 * @assoc:   the association
 * @optname: %DTLS_TX, %DTLS_RX, %DTLS_TXRX, %DTLS_LAST_FLIGHT, %DTLS_KEY_UPDATE,
 *           %DTLS_NEW_CID, %DTLS_REQUEST_CID, %DTLS_NEXT_CID
 * @optval:  the option's value
 * @off:     where in it that of @optname begins
 * @len:     bytes of that
 *
 * Context: process, may sleep; the caller lets nobody else install keys.
 * Return: 0 or a negative errno, as for a connected socket.
 */
int dtls_assocopt_set(struct dtls_assoc *assoc, int optname, sockptr_t optval,
		      unsigned int off, unsigned int len)
{
	int val;

	switch (optname) {
	case DTLS_TX:
	case DTLS_RX:
	case DTLS_TXRX:
		return dtls_assocopt_install(assoc, optname, optval, off, len);
	case DTLS_LAST_FLIGHT:
		return dtls_flight_set(assoc, optval, off, len);
	case DTLS_NEW_CID:
		return dtls_assocopt_new_cid(assoc, optval, off, len);
	case DTLS_KEY_UPDATE:
	case DTLS_REQUEST_CID:
	case DTLS_NEXT_CID:
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (len != sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr_offset(&val, optval, off, sizeof(val)))
		return -EFAULT;
	if (optname == DTLS_REQUEST_CID)
		return val < 1 || val > U8_MAX ? -EINVAL :
		       dtls_connid_request(assoc, val);
	if (optname == DTLS_NEXT_CID)
		return val != 1 ? -EINVAL : dtls_connid_next(assoc);
	if (val != 0 && val != 1)
		return -EINVAL;
	return dtls_update_begin(assoc, val, false);
}

static int dtls_assocopt_get_int(int val, char __user *optval, int off, int len,
				 int __user *optlen)
{
	if (val < 0)
		return val;
	if (len < (int)sizeof(val))
		return -EINVAL;
	if (put_user(off + (int)sizeof(val), optlen) ||
	    copy_to_user(optval + off, &val, sizeof(val)))
		return -EFAULT;
	return 0;
}

/**
 * dtls_assocopt_get() - get an option of an association
 * @assoc:   the association
 * @optname: %DTLS_TX, %DTLS_RX and their exports, %DTLS_KEY_UPDATE,
 *           %DTLS_MAX_PAYLOAD, %DTLS_NEW_CID, %DTLS_REQUEST_CID, %DTLS_NEXT_CID
 * @optval:  the program's buffer
 * @off:     where in it the value goes
 * @len:     bytes of room there
 * @optlen:  set to what is then in the buffer, from its start
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno, as for a connected socket.
 */
int dtls_assocopt_get(struct dtls_assoc *assoc, int optname,
		      char __user *optval, int off, int len, int __user *optlen)
{
	bool rx = optname == DTLS_RX || optname == DTLS_RX_EXPORT;
	bool export = optname == DTLS_TX_EXPORT || optname == DTLS_RX_EXPORT;
	struct dtls_keys keys;
	int err;

	switch (optname) {
	case DTLS_TX:
	case DTLS_RX:
	case DTLS_TX_EXPORT:
	case DTLS_RX_EXPORT:
		break;
	case DTLS_KEY_UPDATE:
		return dtls_assocopt_get_int(!!(READ_ONCE(assoc->ack_due) &
						DTLS_DUE_KEYS), optval, off,
					     len, optlen);
	case DTLS_NEW_CID:
	case DTLS_REQUEST_CID:
	case DTLS_NEXT_CID:
		return dtls_assocopt_get_int(dtls_connid_count(assoc, optname),
					     optval, off, len, optlen);
	case DTLS_MAX_PAYLOAD:
		return dtls_assocopt_get_int(dtls_path_max_payload(assoc),
					     optval, off, len, optlen);
	default:
		return -ENOPROTOOPT;
	}
	if (len < DTLS_KEYS_SIZE_VER0)
		return -EINVAL;
	/* no room for the secret: it would be lost */
	if (export && len < DTLS_KEYS_SIZE_VER1 && dtls_update_of(assoc))
		return -EINVAL;
	/* before the direction ends: a bad pointer must not cost the keys */
	len = min_t(int, len, sizeof(keys));
	if (put_user(off + len, optlen) ||
	    (export && clear_user(optval + off, len)))
		return -EFAULT;
	err = dtls_keys_read(assoc, rx, export, &keys);
	if (err)
		return err;
	if (copy_to_user(optval + off, &keys, len))
		err = -EFAULT;
	memzero_explicit(&keys, sizeof(keys));
	if (!err && export)
		wake_up_interruptible_all(sk_sleep(assoc->ds->sk));
	return err;
}

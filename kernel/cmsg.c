// SPDX-License-Identifier: GPL-2.0-only
/* Control messages of those who send. */
#include <linux/slab.h>
#include <linux/udp.h>

#include "peer.h"
#include "sock.h"
#include "tx.h"

static int dtls_cmsg_record(struct dtls_tx *tx, struct cmsghdr *cmsg)
{
	struct dtls_record rec;

	/* looked at before: dtls_peer_of_msg() */
	if (cmsg->cmsg_type == DTLS_PEER_ID && tx->assoc->peer)
		return 0;
	if (cmsg->cmsg_type != DTLS_RECORD_TYPE ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(rec)))
		return -EINVAL;
	memcpy(&rec, CMSG_DATA(cmsg), sizeof(rec));
	if (!dtls_cipher_knows(&tx->ep->aead, rec.type) || rec.seq ||
	    memchr_inv(rec.pad, 0, sizeof(rec.pad)))
		return -EINVAL;
	if (rec.epoch && rec.epoch != tx->ep->epoch)
		return -EINVAL;
	tx->type = rec.type;
	tx->typed = true;
	return 0;
}

/**
 * dtls_cmsg_take() - take what is ours out of a program's control messages
 * @tx:  the call, with space; what is left for the base goes there, and is to
 *       be freed if @tx->owned
 * @msg: the program's message
 *
 * UDP_SEGMENT must not reach the base as it is: it counts plaintext, and would
 * cut records.
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int dtls_cmsg_take(struct dtls_tx *tx, struct msghdr *msg)
{
	size_t room = CMSG_ALIGN(msg->msg_controllen) +
		      CMSG_SPACE(sizeof(__u16));
	struct cmsghdr *cmsg;
	bool udp = false;
	int err;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level == SOL_DTLS) {
			err = dtls_cmsg_record(tx, cmsg);
			if (err)
				return err;
		} else if (cmsg->cmsg_level == SOL_UDP) {
			if (cmsg->cmsg_type != UDP_SEGMENT ||
			    cmsg->cmsg_len != CMSG_LEN(sizeof(__u16)))
				return -EINVAL;
			tx->gso = *(__u16 *)CMSG_DATA(cmsg);
			udp = true;
		}
	}
	tx->control = msg->msg_control;
	tx->ctl_len = msg->msg_controllen;
	if (!udp && !tx->gso)
		return 0;

	/* a copy without them, and room for the base's segment size */
	tx->control = tx->space;
	if (room > DTLS_TX_SPACE) {
		tx->control = kmalloc(room, GFP_KERNEL);
		if (!tx->control)
			return -ENOMEM;
		tx->owned = true;
	}
	tx->ctl_len = 0;
	for_each_cmsghdr(cmsg, msg) {
		size_t space = CMSG_ALIGN(cmsg->cmsg_len);

		if (cmsg->cmsg_level == SOL_DTLS ||
		    cmsg->cmsg_level == SOL_UDP)
			continue;
		memset(tx->control + tx->ctl_len, 0, space);
		memcpy(tx->control + tx->ctl_len, cmsg, cmsg->cmsg_len);
		tx->ctl_len += space;
	}
	cmsg = tx->control + tx->ctl_len;
	memset(cmsg, 0, CMSG_SPACE(sizeof(__u16)));
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(__u16));
	tx->ctl_gso = tx->ctl_len + CMSG_SPACE(sizeof(__u16));
	return 0;
}

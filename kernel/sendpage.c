// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are sent one by one, as splice and sendfile do it before Linux 6.5.
 * Built only for kernels that have it (Kbuild).
 */
#include <linux/bvec.h>
#include <linux/mutex.h>

#include "handshake.h"
#include "tx.h"

/**
 * dtls_cork_sendpage() - sendpage of an attached socket
 * @sk:     socket
 * @page:   page, borrowed
 * @offset: of the bytes in it
 * @size:   number of bytes
 * @flags:  MSG_*
 *
 * IPv4 sendfile comes here and not through sendmsg: left to the base it would
 * put plaintext on the wire.
 *
 * Context: process, may sleep; no locks held.
 * Return: bytes taken or a negative errno.
 */
int dtls_cork_sendpage(struct sock *sk, struct page *page, int offset,
		       size_t size, int flags)
{
	struct dtls_sock *ds = dtls_sk(sk);
	struct bio_vec vec = {
		.bv_page = page,
		.bv_len = size,
		.bv_offset = offset,
	};
	struct msghdr msg = { .msg_flags = flags };
	int ret;

	mutex_lock(&ds->cork.lock);
	ret = -EKEYREJECTED;
	if (!dtls_sock_keyed(ds) && !dtls_handshake_barred(ds))
		ret = ds->proto->base->sendpage(sk, page, offset, size, flags);
	mutex_unlock(&ds->cork.lock);
	if (ret != -EKEYREJECTED)
		return ret;
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, size);
	return dtls_send_msg(sk, &msg, size);
}

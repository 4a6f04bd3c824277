// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Media: what comes as SRTP goes back as SRTP, by libsrtp, under the keys of the
 * handshake.  The browser hears itself.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <srtp2/srtp.h>

#include "media.h"

struct media {
	srtp_t rx, tx;
	struct kdtls_srtp keys;
	uint64_t echoed;
};

static int make(srtp_t *out, const struct media *m, bool tx)
{
	srtp_profile_t profile = (srtp_profile_t)m->keys.profile;
	srtp_policy_t policy;

	memset(&policy, 0, sizeof(policy));
	if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile) ||
	    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile))
		return -1;
	policy.ssrc.type = tx ? ssrc_any_outbound : ssrc_any_inbound;
	policy.key = (uint8_t *)(tx ? m->keys.tx : m->keys.rx);
	policy.window_size = 1024;
	return srtp_create(out, &policy) ? -1 : 0;
}

void media_open(struct peer *p)
{
	static bool init;
	struct media *m;

	if (!init && srtp_init())
		return;
	init = true;
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	if (kdtls_get_srtp(p->session, &m->keys) ||
	    make(&m->rx, m, false) || make(&m->tx, m, true)) {
		if (m->rx)
			srtp_dealloc(m->rx);
		explicit_bzero(m, sizeof(*m));
		free(m);
		return;
	}
	say("%s: SRTP profile %u", p->name, m->keys.profile);
	p->media = m;
}

void media_input(struct peer *p, uint8_t *buf, size_t len)
{
	static uint8_t out[2048];
	const uint32_t ssrc = htonl(MEDIA_SSRC);
	struct media *m = p->media;
	int n = len;

	if (!m || len < 12 || len + SRTP_MAX_TRAILER_LEN > sizeof(out))
		return;
	memcpy(out, buf, len);
	/* RTCP (RFC 5761 4): looked at by nobody here. */
	if (out[1] >= 192 && out[1] <= 223)
		return;
	if (srtp_unprotect(m->rx, out, &n))
		return;
	memcpy(out + 8, &ssrc, sizeof(ssrc));
	if (srtp_protect(m->tx, out, &n))
		return;
	m->echoed++;
	net_raw(&p->addr, out, n);
}

void media_count(const struct peer *p, unsigned int *profile, uint64_t *echoed)
{
	*profile = p->media ? p->media->keys.profile : 0;
	*echoed = p->media ? p->media->echoed : 0;
}

void media_close(struct peer *p)
{
	struct media *m = p->media;

	if (!m)
		return;
	srtp_dealloc(m->rx);
	srtp_dealloc(m->tx);
	explicit_bzero(m, sizeof(*m));
	free(m);
	p->media = NULL;
}

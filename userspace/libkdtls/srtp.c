// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DTLS-SRTP (RFC 5764, RFC 7714): which protection is agreed upon, and its keys.  The
 * media themselves are the program's.
 */
#include <errno.h>
#include <string.h>

#include "gnutls_internal.h"

static const struct kdtls_srtp_profile profiles[] = {
	{ 0x0001, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14 },
	{ 0x0007, "SRTP_AEAD_AES_128_GCM", 16, 12 },
	{ 0x0008, "SRTP_AEAD_AES_256_GCM", 32, 12 },
};

#define PROFILES	(sizeof(profiles) / sizeof(profiles[0]))

int kdtls_config_set_srtp(kdtls_config *cfg, const char *list)
{
	const struct kdtls_srtp_profile *found[PROFILES] = { NULL };
	unsigned int i, count = 0;
	size_t n;

	for (; *list; list += n + !!list[n]) {
		n = strcspn(list, ",");
		for (i = 0; i < PROFILES; i++)
			if (strlen(profiles[i].name) == n &&
			    !memcmp(profiles[i].name, list, n))
				break;
		if (i == PROFILES || count == PROFILES)
			return kdtls_config_fail(cfg, -EINVAL,
						 "no SRTP profile: '%.*s'",
						 (int)n, list);
		found[count++] = &profiles[i];
	}
	memcpy(cfg->srtp, found, count * sizeof(found[0]));
	cfg->num_srtp = count;
	return 0;
}

/* For GnuTLS, which takes the numbers of profiles that it has no ciphers for. */
int kdtls_srtp_offer(kdtls_session *s)
{
	unsigned int i;
	gnutls_srtp_profile_t id;
	int ret = 0;

	for (i = 0; !ret && i < s->cfg->num_srtp; i++) {
		id = (gnutls_srtp_profile_t)s->cfg->srtp[i]->id;
		ret = gnutls_srtp_set_profile(s->tls, id);
	}
	return ret;
}

int kdtls_get_srtp(const kdtls_session *s, struct kdtls_srtp *srtp)
{
	const struct kdtls_srtp_profile *p = NULL;
	gnutls_srtp_profile_t selected;
	uint8_t out[2 * KDTLS_SRTP_MAX], *key, *salt;
	unsigned int i, id = s->srtp_id;
	int ret, tx;

	memset(srtp, 0, sizeof(*srtp));
	if (!s->done)
		return -ENOTCONN;
	if (!s->is13)
		id = gnutls_srtp_get_selected_profile(s->tls, &selected) ?
		     0 : (unsigned int)selected;
	for (i = 0; i < s->cfg->num_srtp; i++)
		if (s->cfg->srtp[i]->id == id)
			p = s->cfg->srtp[i];
	if (!p)
		return -ENOENT;
	/* RFC 5764 4.2: the client's key, the server's, then their salts. */
	ret = kdtls_exporter(s, "EXTRACTOR-dtls_srtp", NULL, 0, out,
			     2 * (p->key_len + p->salt_len));
	if (ret)
		return ret;
	srtp->profile = p->id;
	srtp->key_len = p->key_len;
	srtp->salt_len = p->salt_len;
	for (tx = 0; tx < 2; tx++) {
		/* We send with the key of our role. */
		i = tx ? s->server : !s->server;
		key = out + i * p->key_len;
		salt = out + 2 * p->key_len + i * p->salt_len;
		memcpy(tx ? srtp->tx : srtp->rx, key, p->key_len);
		memcpy((tx ? srtp->tx : srtp->rx) + p->key_len, salt,
		       p->salt_len);
	}
	explicit_bzero(out, sizeof(out));
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* What kdtls tells the person in front of it, on stderr. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "prog.h"

static void report_export(const kdtls_session *s)
{
	unsigned char out[32];
	unsigned int i;

	if (kdtls_exporter(s, opt.export_label, NULL, 0, out, sizeof(out))) {
		say("no keying material for '%s'", opt.export_label);
		return;
	}
	fprintf(stderr, "kdtls: exported ");
	for (i = 0; i < sizeof(out); i++)
		fprintf(stderr, "%02x", out[i]);
	fprintf(stderr, "\n");
}

static void report_binding(const kdtls_session *s, const char *type)
{
	unsigned char out[64];
	int i, n;

	n = kdtls_channel_binding(s, type, out, sizeof(out));
	if (n < 0)
		return;
	fprintf(stderr, "kdtls: %s ", type);
	for (i = 0; i < n; i++)
		fprintf(stderr, "%02x", out[i]);
	fprintf(stderr, "\n");
}

void report_session(const kdtls_session *s)
{
	static const char * const peers[] = {
		[KDTLS_PEER_NONE] = "unnamed",
		[KDTLS_PEER_X509] = "certificate",
		[KDTLS_PEER_RAWPK] = "raw public key",
		[KDTLS_PEER_PSK] = "PSK",
	};
	char name[512], who[1024] = "";
	struct kdtls_info info;
	unsigned int n;

	if (opt.export_label)
		report_export(s);
	if (opt.quiet || kdtls_get_info(s, &info))
		return;
	if (info.peer == KDTLS_PEER_PSK)
		snprintf(who, sizeof(who), " '%s'", info.identity);
	else if (!kdtls_peer_subject(s, name, sizeof(name)))
		snprintf(who, sizeof(who), " '%s'", name);
	say("DTLS 1.%d, %s, peer: %s%s%s%s%s%s; %s",
	    info.version == DTLS_1_3_VERSION ? 3 : 2, info.suite_name,
	    peers[info.peer], who, info.alpn[0] ? ", ALPN " : "", info.alpn,
	    info.resumed ? ", resumed" : "",
	    info.ems ? "" : ", no extended master secret",
	    opt.no_install ? "not installed" : "keys are in the kernel");
	if (!opt.verbose)
		return;
	say("suite 0x%04x, %u datagrams sent, last flight %s (%u records), %u early records",
	    info.suite, info.flights, info.flight ? "ours" : "the peer's",
	    info.flight, info.early);
	if (info.tx_cid_len || info.rx_cid_len)
		say("connection ID: %u bytes in what is sent, %u in what is received",
		    info.tx_cid_len, info.rx_cid_len);
	for (n = 0; !kdtls_peer_san(s, n, name, sizeof(name)); n++)
		say("peer's name %s", name);
	report_binding(s, "tls-exporter");
	report_binding(s, "tls-unique");
	report_binding(s, "tls-server-end-point");
}

/* What the kernel would have got. */
void report_state(const struct dtls_keys *tx, const struct dtls_keys *rx)
{
	say("next record: epoch %llu, %llu to send, %llu to receive",
	    (unsigned long long)tx->epoch, (unsigned long long)tx->seq,
	    (unsigned long long)rx->seq);
	if (tx->version == DTLS_1_3_VERSION)
		say("next message: %u to send, %u to receive", tx->message_seq,
		    rx->message_seq);
}

static void report_direction(int fd, int optname, const char *what)
{
	struct dtls_keys keys;
	socklen_t len = sizeof(keys);

	memset(&keys, 0, sizeof(keys));
	if (getsockopt(fd, SOL_DTLS, optname, &keys, &len)) {
		say("%s: %s", what, strerror(errno));
		return;
	}
	fprintf(stderr, "kdtls: %s %llu records, %llu bytes, epoch %llu, sequence %llu",
		what, (unsigned long long)keys.records,
		(unsigned long long)keys.bytes, (unsigned long long)keys.epoch,
		(unsigned long long)keys.seq);
	if (optname == DTLS_RX)
		fprintf(stderr, ", window %u, dropped: %llu replayed, %llu forged",
			keys.window, (unsigned long long)keys.drop_replay,
			(unsigned long long)keys.drop_auth);
	fprintf(stderr, "\n");
}

void report_stats(int fd)
{
	report_direction(fd, DTLS_TX, "sent");
	report_direction(fd, DTLS_RX, "received");
}

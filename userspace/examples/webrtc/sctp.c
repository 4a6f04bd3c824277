// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SCTP over DTLS (RFC 8261) with libusrsctp, without threads of its own; data
 * channels (RFC 8831) and how they are opened (RFC 8832).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <usrsctp.h>

#include "rtc.h"

#define PPID_DCEP	50
#define DCEP_ACK	2
#define DCEP_OPEN	3
#define BUFFER		(4 << 20)

/* ms; of the last tick, which is near enough */
static uint64_t heard;

struct held {
	struct held *next;
	unsigned int stream;
	uint32_t ppid;
	size_t len;
	uint8_t data[];
};

/* ------------------------------------------------------------------------
 * Below: records
 */

static int conn_output(void *addr, void *buf, size_t len, uint8_t tos,
		       uint8_t set_df)
{
	(void)tos;
	(void)set_df;
	net_seal(addr, buf, len);
	return 0;
}

static void no_debug(const char *fmt, ...)
{
	(void)fmt;
}

void chan_init(void)
{
	heard = now_ms();
	usrsctp_init_nothreads(0, conn_output, no_debug);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_blackhole(2);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(opts.streams);
	usrsctp_sysctl_set_sctp_max_chunks_on_queue(100000);
	/* Browsers acknowledge each second packet as we do. */
	usrsctp_sysctl_set_sctp_initial_cwnd(10);
}

static void options(struct socket *sock)
{
	static const uint16_t events[] = {
		SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
	};
	struct sctp_assoc_value reset = {
		.assoc_id = SCTP_ALL_ASSOC, .assoc_value = 1,
	};
	struct sctp_initmsg init = {
		.sinit_num_ostreams = opts.streams,
		.sinit_max_instreams = opts.streams,
	};
	struct linger linger = { .l_onoff = 1 };
	int one = 1, room = BUFFER;
	size_t i;

	usrsctp_set_non_blocking(sock, 1);
	usrsctp_setsockopt(sock, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	usrsctp_setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	usrsctp_setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	usrsctp_setsockopt(sock, IPPROTO_SCTP, SCTP_NODELAY, &one, sizeof(one));
	usrsctp_setsockopt(sock, IPPROTO_SCTP, SCTP_RECVRCVINFO, &one,
			   sizeof(one));
	usrsctp_setsockopt(sock, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init));
	usrsctp_setsockopt(sock, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset,
			   sizeof(reset));
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct sctp_event event = {
			.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i],
			.se_on = 1,
		};

		usrsctp_setsockopt(sock, IPPROTO_SCTP, SCTP_EVENT, &event,
				   sizeof(event));
	}
}

/* Both ends connect (RFC 8841 9.3). */
int chan_open(struct peer *p)
{
	struct sctp_paddrparams path = {
		.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = SCTP_MTU,
	};
	struct sockaddr_conn addr = {
		.sconn_family = AF_CONN, .sconn_port = htons(5000),
		.sconn_addr = p,
	};

	p->channels = calloc(opts.streams, sizeof(*p->channels));
	if (!p->channels)
		return -ENOMEM;
	p->num_channels = opts.streams;
	usrsctp_register_address(p);
	p->sock = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL,
				 0, NULL);
	if (!p->sock)
		return -errno;
	options(p->sock);
	if (usrsctp_bind(p->sock, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	addr.sconn_port = htons(p->offer.sctp_port);
	if (usrsctp_connect(p->sock, (struct sockaddr *)&addr, sizeof(addr)) &&
	    errno != EINPROGRESS)
		return -errno;
	memcpy(&path.spp_address, &addr, sizeof(addr));
	usrsctp_setsockopt(p->sock, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path,
			   sizeof(path));
	return 0;
}

void chan_close(struct peer *p)
{
	struct held *h;

	usrsctp_close(p->sock);
	usrsctp_deregister_address(p);
	p->sock = NULL;
	while ((h = p->held)) {
		p->held = h->next;
		free(h);
	}
}

void chan_input(struct peer *p, const void *buf, size_t len)
{
	usrsctp_conninput(p, buf, len, 0);
	p->touched = true;
	/* Who has the keys is there. */
	p->heard = heard;
}

void chan_timers(unsigned int ms)
{
	heard = now_ms();
	usrsctp_handle_timers(ms);
}

/* ------------------------------------------------------------------------
 * Messages
 */

static int send_now(struct peer *p, unsigned int stream, uint32_t ppid,
		    const void *buf, size_t len)
{
	const struct channel *c = &p->channels[stream];
	struct sctp_sendv_spa spa = {
		.sendv_flags = SCTP_SEND_SNDINFO_VALID,
		.sendv_sndinfo = {
			.snd_sid = stream, .snd_ppid = htonl(ppid),
			.snd_flags = SCTP_EOR |
				     (c->unordered && ppid != PPID_DCEP ?
				      SCTP_UNORDERED : 0),
		},
	};

	if (c->prtype && ppid != PPID_DCEP) {
		spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
		spa.sendv_prinfo.pr_policy = c->prtype;
		spa.sendv_prinfo.pr_value = c->prvalue;
	}
	if (usrsctp_sendv(p->sock, buf, len, NULL, 0, &spa, sizeof(spa),
			  SCTP_SENDV_SPA, 0) >= 0)
		return 0;
	return -errno;
}

bool chan_has_held(const struct peer *p)
{
	return p->held;
}

int chan_send(struct peer *p, unsigned int stream, uint32_t ppid,
	      const void *buf, size_t len)
{
	struct held *h, **at;
	int ret = p->held ? -EAGAIN : send_now(p, stream, ppid, buf, len);

	if (ret != -EAGAIN)
		return ret;
	h = malloc(sizeof(*h) + len);
	if (!h)
		return -ENOMEM;
	h->next = NULL;
	h->stream = stream;
	h->ppid = ppid;
	h->len = len;
	memcpy(h->data, buf, len);
	for (at = &p->held; *at; at = &(*at)->next)
		;
	*at = h;
	return 1;
}

/* Opens a channel; what is sent after it needs no waiting (RFC 8832 6). */
int chan_dial(struct peer *p, unsigned int stream, const char *label)
{
	uint8_t m[12 + 32] = { DCEP_OPEN };
	size_t n = strlen(label);

	m[9] = n;
	memcpy(m + 12, label, n);
	p->channels[stream].open = true;
	return chan_send(p, stream, PPID_DCEP, m, 12 + n);
}

/* RFC 8832 5.1 */
static void dcep(struct peer *p, unsigned int stream, const uint8_t *m, size_t len)
{
	struct channel *c = &p->channels[stream];
	static const uint8_t ack = DCEP_ACK;
	size_t n;

	if (len < 12 || m[0] != DCEP_OPEN)
		return;
	n = m[8] << 8 | m[9];
	if (n > len - 12)
		return;
	memset(c, 0, sizeof(*c));
	c->open = true;
	c->unordered = m[1] & 0x80;
	switch (m[1] & 0x7f) {
	case 1:
		c->prtype = SCTP_PR_SCTP_RTX;
		break;
	case 2:
		c->prtype = SCTP_PR_SCTP_TTL;
		break;
	}
	c->prvalue = (uint32_t)m[4] << 24 | m[5] << 16 | m[6] << 8 | m[7];
	snprintf(c->label, sizeof(c->label), "%.*s", (int)n, m + 12);
	chan_send(p, stream, PPID_DCEP, &ack, 1);
}

/* RFC 8831 6.7: a channel is closed by resetting both of its streams. */
static void reset(struct peer *p, const struct sctp_stream_reset_event *e)
{
	struct {
		struct sctp_reset_streams r;
		uint16_t list[1];
	} arg;
	size_t i, n = (e->strreset_length - sizeof(*e)) / sizeof(uint16_t);

	if (!(e->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN))
		return;
	for (i = 0; i < n; i++) {
		unsigned int stream = e->strreset_stream_list[i];

		if (stream >= p->num_channels || !p->channels[stream].open)
			continue;
		p->channels[stream].open = false;
		memset(&arg, 0, sizeof(arg));
		arg.r.srs_assoc_id = SCTP_ALL_ASSOC;
		arg.r.srs_flags = SCTP_STREAM_RESET_OUTGOING;
		arg.r.srs_number_streams = 1;
		memcpy((uint8_t *)&arg.r + sizeof(arg.r), &e->strreset_stream_list[i],
		       sizeof(uint16_t));
		usrsctp_setsockopt(p->sock, IPPROTO_SCTP, SCTP_RESET_STREAMS,
				   &arg, sizeof(arg.r) + sizeof(uint16_t));
	}
}

static void notification(struct peer *p, const void *buf)
{
	const union sctp_notification *n = buf;

	switch (n->sn_header.sn_type) {
	case SCTP_ASSOC_CHANGE:
		if (n->sn_assoc_change.sac_state == SCTP_COMM_UP) {
			say("%s: SCTP is up", p->name);
		} else if (n->sn_assoc_change.sac_state != SCTP_RESTART) {
			say("%s: SCTP is down", p->name);
			p->closed = true;
		}
		break;
	case SCTP_STREAM_RESET_EVENT:
		reset(p, &n->sn_strreset_event);
		break;
	}
}

static void message(struct peer *p, const uint8_t *buf, size_t len,
		    const struct sctp_rcvinfo *info)
{
	unsigned int stream = info->rcv_sid;

	if (stream >= p->num_channels)
		return;
	if (ntohl(info->rcv_ppid) == PPID_DCEP)
		dcep(p, stream, buf, len);
	else if (p->channels[stream].open)
		app_message(p, stream, ntohl(info->rcv_ppid), buf, len);
}

/* More of a message than what there was before. */
static const uint8_t *gather(struct peer *p, const uint8_t *buf, size_t len)
{
	if (!p->message)
		p->message = malloc(MESSAGE_MAX);
	/* Longer than what our answer allowed: no peer of ours. */
	if (!p->message || len > MESSAGE_MAX - p->message_len) {
		p->closed = true;
		return NULL;
	}
	memcpy(p->message + p->message_len, buf, len);
	p->message_len += len;
	return p->message;
}

/* false: nothing there. */
static bool receive(struct peer *p)
{
	static uint8_t room[MESSAGE_MAX];
	struct sctp_rcvinfo info;
	socklen_t from_len = 0, info_len = sizeof(info);
	const uint8_t *buf = room;
	unsigned int type = 0;
	int flags = 0;
	ssize_t n;

	n = usrsctp_recvv(p->sock, room, sizeof(room), NULL, &from_len, &info,
			  &info_len, &type, &flags);
	if (n < 0)
		return false;
	if (!n) {
		p->closed = true;
		return false;
	}
	if (p->message_len || !(flags & MSG_EOR)) {
		buf = gather(p, room, n);
		if (!buf || !(flags & MSG_EOR))
			return buf;
		n = p->message_len;
		p->message_len = 0;
	}
	if (flags & MSG_NOTIFICATION)
		notification(p, buf);
	else if (type == SCTP_RECVV_RCVINFO)
		message(p, buf, n, &info);
	return !p->closed;
}

static void work(struct peer *p)
{
	struct held *h;
	unsigned int i;

	while ((h = p->held)) {
		if (send_now(p, h->stream, h->ppid, h->data, h->len) == -EAGAIN)
			return;
		p->held = h->next;
		free(h);
	}
	for (i = 0; i < p->num_channels && !p->held; i++)
		while (p->channels[i].sent < p->channels[i].total &&
		       app_source(p, i))
			;
	/* Unread messages close SCTP's window: nothing piles up here. */
	while (!p->held && receive(p))
		;
}

void chan_work(void)
{
	struct peer *p;

	for (p = peers; p; p = p->next) {
		if (!p->sock || !p->touched)
			continue;
		p->touched = false;
		work(p);
	}
}

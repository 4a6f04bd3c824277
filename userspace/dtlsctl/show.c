// SPDX-License-Identifier: LGPL-2.1-or-later
/* What dtlsctl shows of sockets, peers, counters and events. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "ctl.h"

char **stat_names;

void show_address_text(const struct nlattr *a, char *text, size_t room)
{
	char host[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 1] = "";
	struct sockaddr_in6 sin6 = {};
	struct sockaddr_in sin = {};

	if (nla_len(a) == sizeof(sin)) {
		memcpy(&sin, nla_data(a), sizeof(sin));
		inet_ntop(AF_INET, &sin.sin_addr, host, sizeof(host));
		snprintf(text, room, "%s:%u", host, ntohs(sin.sin_port));
		return;
	}
	if (nla_len(a) == sizeof(sin6))
		memcpy(&sin6, nla_data(a), sizeof(sin6));
	inet_ntop(AF_INET6, &sin6.sin6_addr, host, sizeof(host));
	if (sin6.sin6_scope_id) {
		scope[0] = '%';
		if (opt.numeric || !if_indextoname(sin6.sin6_scope_id, scope + 1))
			snprintf(scope, sizeof(scope), "%%%u", sin6.sin6_scope_id);
	}
	snprintf(text, room, "[%s%s]:%u", host, scope, ntohs(sin6.sin6_port));
}

static void show_address(const char *name, const struct nlattr *a)
{
	char text[128];

	if (!a)
		return;
	show_address_text(a, text, sizeof(text));
	out_str(COLOR_ADDRESS, name, text);
}

static void show_number(const char *name, const struct nlattr *a)
{
	if (!a)
		return;
	switch (nla_len(a)) {
	case 1:
		out_u64(name, nla_get_u8(a));
		break;
	case 2:
		out_u64(name, nla_get_u16(a));
		break;
	case 4:
		out_u64(name, nla_get_u32(a));
		break;
	case 8:
		out_u64(name, nla_get_u64(a));
		break;
	}
}

static void show_suite(const struct nlattr *a)
{
	const struct kdtls_suite *suite;
	char text[8];

	if (!a)
		return;
	suite = opt.numeric ? NULL : kdtls_suite_find(nla_get_u16(a));
	snprintf(text, sizeof(text), "0x%04x", nla_get_u16(a));
	out_str(COLOR_NONE, "suite", suite ? suite->name : text);
}

static void show_direction(const char *name, struct nlattr *nest)
{
	struct nlattr *at[DTLS_A_DIRECTION_MAX + 1];
	char cid[2 * DTLS_CID_MAX + 1];
	const struct nlattr *a;
	const uint8_t *bytes;
	int i;

	if (!nest || nla_parse_nested(at, DTLS_A_DIRECTION_MAX, nest, NULL))
		return;
	out_newline("    ");
	out_nest(name);
	show_suite(at[DTLS_A_DIRECTION_CIPHER_SUITE]);
	show_number("epoch", at[DTLS_A_DIRECTION_EPOCH]);
	show_number("seq", at[DTLS_A_DIRECTION_SEQ]);
	a = at[DTLS_A_DIRECTION_CID];
	if (a && nla_len(a) <= DTLS_CID_MAX) {
		bytes = nla_data(a);
		for (i = 0; i < nla_len(a); i++)
			snprintf(cid + 2 * i, 3, "%02x", bytes[i]);
		out_str(COLOR_NONE, "cid", cid);
	}
	show_number("window", at[DTLS_A_DIRECTION_WINDOW]);
	show_number("records", at[DTLS_A_DIRECTION_RECORDS]);
	show_number("bytes", at[DTLS_A_DIRECTION_BYTES]);
	show_number("drop-replay", at[DTLS_A_DIRECTION_DROP_REPLAY]);
	show_number("drop-auth", at[DTLS_A_DIRECTION_DROP_AUTH]);
	out_nest_end();
}

static void show_assoc(struct nlattr **attrs)
{
	uint16_t version;
	uint32_t state;

	if (!attrs[DTLS_A_VERSION] || !attrs[DTLS_A_STATE])
		return;
	version = nla_get_u16(attrs[DTLS_A_VERSION]);
	state = nla_get_u32(attrs[DTLS_A_STATE]);
	out_str(COLOR_NONE, "version", version == DTLS_1_3_VERSION ? "1.3" :
		version == DTLS_1_2_VERSION ? "1.2" : "none");
	out_str(state & DTLS_PEER_CLOSED ? COLOR_BAD : COLOR_GOOD, "state",
		state & DTLS_PEER_CLOSED ? "closed" :
		state & DTLS_PEER_RX_CLOSED ? "rx-closed" : "open");
	show_direction("tx", attrs[DTLS_A_TX]);
	show_direction("rx", attrs[DTLS_A_RX]);
}

void show_socket(struct nlattr **attrs)
{
	static const char *const moves[] = { "off", "confirm", "auto" };
	const struct passwd *pw = NULL;
	uint32_t uid, move;

	out_begin();
	show_number("socket", attrs[DTLS_A_COOKIE]);
	show_address("local", attrs[DTLS_A_LOCAL]);
	show_address("address", attrs[DTLS_A_ADDRESS]);
	if (attrs[DTLS_A_UID]) {
		uid = nla_get_u32(attrs[DTLS_A_UID]);
		if (!opt.numeric)
			pw = getpwuid(uid);
		if (pw && !opt.json)
			out_str(COLOR_NONE, "uid", pw->pw_name);
		else
			out_u64("uid", uid);
	}
	show_number("ino", attrs[DTLS_A_INODE]);
	show_number("peers", attrs[DTLS_A_PEERS]);
	if (attrs[DTLS_A_MOVE]) {
		move = nla_get_u32(attrs[DTLS_A_MOVE]);
		/* what everybody has need not be read each time */
		if (move < 3 && (opt.json || move))
			out_str(COLOR_NONE, "move", moves[move]);
	}
	show_assoc(attrs);
	out_end();
}

void show_peer(struct nlattr **attrs)
{
	out_begin();
	show_number("socket", attrs[DTLS_A_COOKIE]);
	show_number("id", attrs[DTLS_A_PEER_ID]);
	show_address("address", attrs[DTLS_A_ADDRESS]);
	show_assoc(attrs);
	out_end();
}

static bool show_stat_wanted(const char *name)
{
	char **n;

	if (!stat_names || !*stat_names)
		return true;
	for (n = stat_names; *n; n++)
		if (!strcasecmp(*n, name))
			return true;
	return false;
}

void show_stat(struct nlattr **attrs)
{
	struct nlattr *a, *in[DTLS_A_STAT_MAX + 1];
	const char *name;
	uint64_t val;
	int left;

	/* one object, of all that are there: the answer has nothing else in it */
	left = 1 << 20;
	out_begin();
	for (a = attrs[0]; a && nla_type(a) == DTLS_A_STAT;
	     a = a == attrs[DTLS_A_STAT] ? NULL : nla_next(a, &left)) {
		if (nla_parse_nested(in, DTLS_A_STAT_MAX, a, NULL) ||
		    !in[DTLS_A_STAT_NAME] || !in[DTLS_A_STAT_VALUE])
			continue;
		name = nla_data(in[DTLS_A_STAT_NAME]);
		val = nla_get_u64(in[DTLS_A_STAT_VALUE]);
		if (!show_stat_wanted(name))
			continue;
		if (opt.json)
			out_u64(name, val);
		else
			printf("%-24s%llu\n", name, (unsigned long long)val);
	}
	if (opt.json)
		out_end();
}

static void show_event_name(uint32_t event)
{
	static const struct {
		uint32_t event;
		const char *name;
	} names[] = {
		{ DTLS_EVENT_LIMIT, "limit" },
		{ DTLS_EVENT_RENEGOTIATE, "renegotiate" },
		{ DTLS_EVENT_ALERT, "alert" },
		{ DTLS_EVENT_FLIGHT, "flight" },
		{ DTLS_EVENT_REKEY, "rekey" },
		{ DTLS_EVENT_CLOSED, "closed" },
		{ DTLS_EVENT_MOVED, "moved" },
		{ DTLS_EVENT_CID, "cid" },
		{ DTLS_EVENT_ADDED, "added" },
		{ DTLS_EVENT_REMOVED, "removed" },
	};
	char text[16];
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].event == event)
			break;
	snprintf(text, sizeof(text), "0x%x", event);
	out_word(COLOR_NAME, "event", i < sizeof(names) / sizeof(names[0]) && !opt.numeric ?
				      names[i].name : text);
}

void show_event(struct nlattr **attrs)
{
	struct timespec ts;
	char text[64];
	uint32_t event;
	struct tm tm;

	if (!attrs[DTLS_A_EVENT])
		return;
	event = nla_get_u32(attrs[DTLS_A_EVENT]);
	out_begin();
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%FT%T", &tm);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%06ld",
		 ts.tv_nsec / 1000);
	out_word(COLOR_NONE, "time", text);
	show_event_name(event);
	show_number("socket", attrs[DTLS_A_COOKIE]);
	show_number("id", attrs[DTLS_A_PEER_ID]);
	show_address("address", attrs[DTLS_A_ADDRESS]);
	if (event & (DTLS_EVENT_ALERT | DTLS_EVENT_CLOSED))
		show_number("alert", attrs[DTLS_A_EVENT_CODE]);
	if (event & DTLS_EVENT_CID)
		show_number("code", attrs[DTLS_A_EVENT_CODE]);
	if (event & (DTLS_EVENT_LIMIT | DTLS_EVENT_REKEY | DTLS_EVENT_ALERT |
		     DTLS_EVENT_RENEGOTIATE))
		show_number("epoch", attrs[DTLS_A_EVENT_EPOCH]);
	if (event & (DTLS_EVENT_LIMIT | DTLS_EVENT_REKEY))
		out_str(COLOR_NONE, "direction",
			attrs[DTLS_A_EVENT_DATA] && nla_get_u32(attrs[DTLS_A_EVENT_DATA]) ?
			"rx" : "tx");
	if (event & DTLS_EVENT_CID)
		show_number("count", attrs[DTLS_A_EVENT_DATA]);
	out_end();
	out_flush();
}

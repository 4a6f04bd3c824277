// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's side of dtlsctl: requests, answers and events, by libnl. */
#include <errno.h>
#include <string.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include "ctl.h"

static struct nl_sock *sock;
static int family;

struct answer {
	nl_each each;
	int err;	/* errno, or 0 */
	bool done;
	bool torn;
	char text[256];	/* what the kernel says besides */
};

static int nl_valid(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[DTLS_A_MAX + 1];
	struct answer *a = arg;

	if (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP_INTR)
		a->torn = true;
	/* one of them comes several times: show_stat() looks for itself */
	if (a->each && !genlmsg_parse(nlmsg_hdr(msg), 0, attrs, DTLS_A_MAX, NULL)) {
		attrs[0] = genlmsg_attrdata(nlmsg_data(nlmsg_hdr(msg)), 0);
		a->each(attrs);
	}
	return NL_OK;
}

static void nl_text(struct answer *a, const struct nlmsghdr *nlh, int skip)
{
	int left = nlh->nlmsg_len - NLMSG_HDRLEN - skip;
	struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || left <= 0)
		return;
	attr = nla_find((struct nlattr *)((char *)nlmsg_data(nlh) + skip), left,
			NLMSGERR_ATTR_MSG);
	if (attr)
		snprintf(a->text, sizeof(a->text), "%.*s", nla_len(attr),
			 (const char *)nla_data(attr));
}

static int nl_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)((const char *)e - NLMSG_HDRLEN);
	struct answer *a = arg;
	int skip = sizeof(*e);

	(void)from;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	nl_text(a, nlh, skip);
	a->err = -e->error;
	a->done = true;
	return NL_STOP;
}

/* The end of a dump may be an error as well. */
static int nl_finish(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct answer *a = arg;

	if (nlh->nlmsg_len >= NLMSG_HDRLEN + sizeof(int)) {
		a->err = -*(const int *)nlmsg_data(nlh);
		nl_text(a, nlh, sizeof(int));
	}
	a->done = true;
	return NL_STOP;
}

static int nl_ack(struct nl_msg *msg, void *arg)
{
	struct answer *a = arg;

	(void)msg;
	a->done = true;
	return NL_STOP;
}

static int nl_any(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

int nl_start(void)
{
	int on = 1, err;

	sock = nl_socket_alloc();
	if (!sock) {
		say("out of memory");
		return EXIT_KERNEL;
	}
	err = genl_connect(sock);
	if (err) {
		say("netlink: %s", nl_geterror(err));
		return EXIT_KERNEL;
	}
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	family = genl_ctrl_resolve(sock, DTLS_FAMILY_NAME);
	if (family < 0) {
		say("the kernel has no DTLS: load dtls.ko");
		return EXIT_KERNEL;
	}
	return EXIT_OK;
}

void nl_stop(void)
{
	nl_socket_free(sock);
	sock = NULL;
}

struct nl_msg *nl_begin(uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, cmd,
				DTLS_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	if (!msg)
		say("out of memory");
	return msg;
}

static int nl_talk(struct nl_msg *msg, struct answer *a)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb || !msg) {
		nl_cb_put(cb);
		nlmsg_free(msg);
		return EXIT_KERNEL;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, nl_valid, a);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, nl_finish, a);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, nl_ack, a);
	nl_cb_err(cb, NL_CB_CUSTOM, nl_error, a);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	while (err >= 0 && !a->done) {
		err = nl_recvmsgs(sock, cb);
		/* a dump under change: what there is comes all the same */
		if (err == -NLE_DUMP_INTR) {
			a->torn = true;
			err = 0;
		}
	}
	nl_cb_put(cb);
	if (a->err) {
		if (a->text[0])
			say("%s (%s)", a->text, strerror(a->err));
		else
			say("%s", strerror(a->err));
		return EXIT_KERNEL;
	}
	if (err < 0) {
		say("netlink: %s", nl_geterror(err));
		return EXIT_KERNEL;
	}
	return EXIT_OK;
}

int nl_ask(struct nl_msg *msg, nl_each each)
{
	struct answer a = { .each = each };

	return nl_talk(msg, &a);
}

int nl_ask_all(struct nl_msg *msg, nl_each each, bool *torn)
{
	struct answer a = { .each = each };
	int ret = nl_talk(msg, &a);

	*torn = a.torn;
	return ret;
}

int nl_listen(const char *group, nl_each each)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct answer a = { .each = each };
	int grp, err;

	grp = genl_ctrl_resolve_grp(sock, DTLS_FAMILY_NAME, group);
	if (grp >= 0)
		err = nl_socket_add_membership(sock, grp);
	else
		err = grp;
	if (err) {
		say("events: %s", nl_geterror(err));
		nl_cb_put(cb);
		return EXIT_KERNEL;
	}
	nl_socket_set_buffer_size(sock, 1 << 20, 0);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, nl_valid, &a);
	/* events have no number */
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, nl_any, NULL);
	for (;;) {
		err = nl_recvmsgs(sock, cb);
		if (err == -NLE_NOMEM) {
			say("some events got lost");
		} else if (err < 0 && err != -NLE_INTR) {
			say("events: %s", nl_geterror(err));
			break;
		}
	}
	nl_cb_put(cb);
	return EXIT_KERNEL;
}

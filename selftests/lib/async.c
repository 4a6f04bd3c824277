// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/cryptouser.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "async.h"
#include "die.h"

#ifndef NETLINK_CRYPTO
#define NETLINK_CRYPTO	21
#endif

/* The driver that gcm(aes) means now. */
static bool best_gcm(char *driver, size_t size)
{
	char line[256], name[128] = "", found[128] = "";
	int priority, best = -1;
	FILE *f = fopen("/proc/crypto", "r");

	if (!f)
		die("no /proc/crypto");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "name : %127s", name) == 1 ||
		    sscanf(line, "driver : %127s", found) == 1)
			continue;
		if (sscanf(line, "priority : %d", &priority) != 1)
			continue;
		if (!strcmp(name, "gcm(aes)") && priority > best) {
			best = priority;
			snprintf(driver, size, "%s", found);
		}
	}
	fclose(f);
	return best >= 0;
}

/* The kernel makes an instance of what it is asked for. */
static bool make_instance(const char *driver)
{
	struct sockaddr_alg sa = { .salg_family = AF_ALG, .salg_type = "aead" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
	bool ok;

	if (fd < 0)
		return false;
	snprintf((char *)sa.salg_name, sizeof(sa.salg_name), "%s", driver);
	ok = !bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return ok;
}

/* Tells crypto_user to do @type with @driver; 0, or the errno of the refusal. */
static int manage(int type, const char *driver, __u32 priority)
{
	struct {
		struct nlmsghdr h;
		struct crypto_user_alg a;
		struct nlattr attr;
		__u32 priority;
	} q = {
		.h = {
			.nlmsg_len = sizeof(q), .nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.attr = {
			.nla_type = CRYPTOCFGA_PRIORITY_VAL,
			.nla_len = sizeof(q.attr) + sizeof(q.priority),
		},
		.priority = priority,
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char more[512];
	} a = {};
	int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_CRYPTO);

	if (nl < 0)
		return errno;
	if (!priority)
		q.h.nlmsg_len = offsetof(typeof(q), attr);
	snprintf(q.a.cru_driver_name, sizeof(q.a.cru_driver_name), "%s", driver);
	must(send(nl, &q, q.h.nlmsg_len, 0) == q.h.nlmsg_len);
	must(recv(nl, &a, sizeof(a), 0) >= (ssize_t)sizeof(a.h));
	close(nl);
	return a.h.nlmsg_type == NLMSG_ERROR ? -a.e.error : EPROTO;
}

bool async_gcm_on(struct async_gcm *a, const char *template, const char *base)
{
	char best[64] = "", now[128];
	struct utsname u;

	snprintf(a->driver, sizeof(a->driver), "%s", template);
	/* cryptd over gcm fails its own test in 6.1 */
	if (base && !uname(&u) && strverscmp(u.release, "6.3") < 0)
		return false;
	/* it may not have been made yet */
	make_instance(base ?: "gcm(aes)");
	must(best_gcm(best, sizeof(best)));
	snprintf(a->driver, sizeof(a->driver), "%s(%s)", template, base ?: best);
	if (!make_instance(a->driver))
		return false;
	must(!manage(CRYPTO_MSG_UPDATEALG, a->driver, 5000));
	must(best_gcm(now, sizeof(now)));
	must(!strcmp(a->driver, now));
	return true;
}

void async_gcm_off(struct async_gcm *a)
{
	int error, tries;

	for (tries = 0; tries < 20000; tries++) {
		error = manage(CRYPTO_MSG_DELALG, a->driver, 0);
		if (error != EBUSY)
			break;
		usleep(1000);
	}
	if (error)
		die("%s stays: %s", a->driver, strerror(error));
}

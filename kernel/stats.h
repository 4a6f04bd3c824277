/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters per network namespace, shown in /proc/net/dtls_stat. */
#ifndef _DTLS_STATS_H
#define _DTLS_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/*
 * One line for each counter: its name in the code and in the file. The file
 * shows them in this order; new ones go to the end of their group.
 * Documentation/networking/dtls.rst tells what each one counts.
 */
#define DTLS_STATS(X)				\
	X(CURR_SOCKETS,		"CurrSockets")	\
	X(CURR_ASSOCS,		"CurrAssociations") \
	X(TX_RECORDS,		"TxRecords")	\
	X(TX_BYTES,		"TxBytes")	\
	X(TX_ERRORS,		"TxErrors")	\
	X(TX_CONTROL,		"TxControl")	\
	X(TX_LAST_FLIGHT,	"TxLastFlight")	\
	X(TX_ASYNC,		"TxAsync")	\
	X(RX_RECORDS,		"RxRecords")	\
	X(RX_BYTES,		"RxBytes")	\
	X(RX_CONTROL,		"RxControl")	\
	X(RX_ALERTS,		"RxAlerts")	\
	X(RX_CLOSE_NOTIFY,	"RxCloseNotify") \
	X(RX_RENEGOTIATE,	"RxRenegotiate") \
	X(RX_ASYNC,		"RxAsync")	\
	X(RX_DROP_SHORT,	"RxDropShort")	\
	X(RX_DROP_VERSION,	"RxDropVersion") \
	X(RX_DROP_TYPE,		"RxDropType")	\
	X(RX_DROP_LENGTH,	"RxDropLength")	\
	X(RX_DROP_EPOCH,	"RxDropEpoch")	\
	X(RX_DROP_REPLAY,	"RxDropReplay")	\
	X(RX_DROP_OLD,		"RxDropOld")	\
	X(RX_DROP_AUTH,		"RxDropAuth")	\
	X(RX_DROP_OVERSIZE,	"RxDropOversize") \
	X(RX_DROP_CONTROL,	"RxDropControl") \
	X(RX_DROP_CLOSED,	"RxDropClosed")	\
	X(RX_DROP_CHECKSUM,	"RxDropChecksum") \
	X(RX_DROP_NOMEM,	"RxDropNoMem")	\
	X(KEY_LIMIT,		"KeyLimit")

enum dtls_stat {
#define DTLS_STAT_ENUM(id, name) DTLS_STAT_##id,
	DTLS_STATS(DTLS_STAT_ENUM)
#undef DTLS_STAT_ENUM
	DTLS_STAT_COUNT
};

struct dtls_stats_cpu {
	u64 val[DTLS_STAT_COUNT];
};

struct dtls_net {
	struct dtls_stats_cpu __percpu *stats;
};

extern unsigned int dtls_net_id;

/**
 * dtls_stats_add() - add to a counter of a network namespace
 * @net:  the namespace
 * @stat: the counter
 * @val:  how much; may be negative for the CURR counters
 *
 * Context: any.
 */
static inline void dtls_stats_add(const struct net *net, enum dtls_stat stat,
				  long val)
{
	struct dtls_net *dn = net_generic(net, dtls_net_id);

	this_cpu_add(dn->stats->val[stat], val);
}

static inline void dtls_stats_inc(const struct net *net, enum dtls_stat stat)
{
	dtls_stats_add(net, stat, 1);
}

int dtls_stats_init(void);
void dtls_stats_exit(void);

#endif /* _DTLS_STATS_H */

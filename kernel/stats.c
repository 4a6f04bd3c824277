// SPDX-License-Identifier: GPL-2.0-only
/* Counters per network namespace, /proc/net/dtls_stat, and the tracepoints. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int dtls_net_id __read_mostly;

static const char *const dtls_stats_names[DTLS_STAT_COUNT] = {
	[DTLS_STAT_CURR_SOCKETS]	= "CurrSockets",
	[DTLS_STAT_CURR_ASSOCS]		= "CurrAssociations",
	[DTLS_STAT_TX_RECORDS]		= "TxRecords",
	[DTLS_STAT_TX_BYTES]		= "TxBytes",
	[DTLS_STAT_TX_ERRORS]		= "TxErrors",
	[DTLS_STAT_TX_CONTROL]		= "TxControl",
	[DTLS_STAT_TX_LAST_FLIGHT]	= "TxLastFlight",
	[DTLS_STAT_TX_ASYNC]		= "TxAsync",
	[DTLS_STAT_RX_RECORDS]		= "RxRecords",
	[DTLS_STAT_RX_BYTES]		= "RxBytes",
	[DTLS_STAT_RX_CONTROL]		= "RxControl",
	[DTLS_STAT_RX_ALERTS]		= "RxAlerts",
	[DTLS_STAT_RX_CLOSE_NOTIFY]	= "RxCloseNotify",
	[DTLS_STAT_RX_RENEGOTIATE]	= "RxRenegotiate",
	[DTLS_STAT_TX_KEY_UPDATES]	= "TxKeyUpdates",
	[DTLS_STAT_RX_KEY_UPDATES]	= "RxKeyUpdates",
	[DTLS_STAT_TX_CID_MESSAGES]	= "TxCidMessages",
	[DTLS_STAT_RX_CID_MESSAGES]	= "RxCidMessages",
	[DTLS_STAT_TX_ACKS]		= "TxAcks",
	[DTLS_STAT_RX_ACKS]		= "RxAcks",
	[DTLS_STAT_RX_MOVED]		= "RxMoved",
	[DTLS_STAT_TX_RAW]		= "TxRaw",
	[DTLS_STAT_RX_RAW]		= "RxRaw",
	[DTLS_STAT_RX_HANDSHAKE]	= "RxHandshake",
	[DTLS_STAT_RX_ASYNC]		= "RxAsync",
	[DTLS_STAT_RX_DROP_SHORT]	= "RxDropShort",
	[DTLS_STAT_RX_DROP_VERSION]	= "RxDropVersion",
	[DTLS_STAT_RX_DROP_TYPE]	= "RxDropType",
	[DTLS_STAT_RX_DROP_CID]		= "RxDropCid",
	[DTLS_STAT_RX_DROP_LENGTH]	= "RxDropLength",
	[DTLS_STAT_RX_DROP_EPOCH]	= "RxDropEpoch",
	[DTLS_STAT_RX_DROP_REPLAY]	= "RxDropReplay",
	[DTLS_STAT_RX_DROP_OLD]		= "RxDropOld",
	[DTLS_STAT_RX_DROP_AUTH]	= "RxDropAuth",
	[DTLS_STAT_RX_DROP_OVERSIZE]	= "RxDropOversize",
	[DTLS_STAT_RX_DROP_CONTROL]	= "RxDropControl",
	[DTLS_STAT_RX_DROP_CLOSED]	= "RxDropClosed",
	[DTLS_STAT_RX_DROP_CHECKSUM]	= "RxDropChecksum",
	[DTLS_STAT_RX_DROP_CRYPTO]	= "RxDropCrypto",
	[DTLS_STAT_RX_DROP_LIMIT]	= "RxDropLimit",
	[DTLS_STAT_RX_DROP_STRANGER]	= "RxDropStranger",
	[DTLS_STAT_RX_DROP_RAW]		= "RxDropRaw",
	[DTLS_STAT_RX_DROP_HANDSHAKE]	= "RxDropHandshake",
	[DTLS_STAT_RX_DROP_NOMEM]	= "RxDropNoMem",
	[DTLS_STAT_KEY_LIMIT]		= "KeyLimit",
};

/**
 * dtls_stats_name() - name of a counter
 * @stat: enum dtls_stat
 *
 * Context: any. Return: as the file has it.
 */
const char *dtls_stats_name(unsigned int stat)
{
	return dtls_stats_names[stat];
}

/**
 * dtls_stats_sum() - value of a counter
 * @net:  network namespace
 * @stat: enum dtls_stat
 *
 * Context: any. Return: what all processors have counted.
 */
u64 dtls_stats_sum(const struct net *net, unsigned int stat)
{
	struct dtls_net *dn = net_generic(net, dtls_net_id);
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(dn->stats, cpu)->val[stat]);
	return sum;
}

static int dtls_stats_show(struct seq_file *seq, void *v)
{
	int i;

	for (i = 0; i < DTLS_STAT_COUNT; i++)
		seq_printf(seq, "%-24s%llu\n", dtls_stats_name(i),
			   dtls_stats_sum(seq->private, i));
	return 0;
}

static int __net_init dtls_stats_net_init(struct net *net)
{
	struct dtls_net *dn = net_generic(net, dtls_net_id);

	dn->stats = alloc_percpu(struct dtls_stats_cpu);
	if (!dn->stats)
		return -ENOMEM;
	/* the end of a socket may come as an RCU callback */
	xa_init_flags(&dn->socks, XA_FLAGS_LOCK_BH);
	if (!proc_create_net_single("dtls_stat", 0444, net->proc_net,
				    dtls_stats_show, NULL)) {
		free_percpu(dn->stats);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit dtls_stats_net_exit(struct net *net)
{
	struct dtls_net *dn = net_generic(net, dtls_net_id);

	remove_proc_entry("dtls_stat", net->proc_net);
	xa_destroy(&dn->socks);
	free_percpu(dn->stats);
}

static struct pernet_operations dtls_stats_net_ops = {
	.init	= dtls_stats_net_init,
	.exit	= dtls_stats_net_exit,
	.id	= &dtls_net_id,
	.size	= sizeof(struct dtls_net),
};

/**
 * dtls_stats_init() - give every network namespace its counters
 *
 * Context: process, module init.
 * Return: 0 or a negative errno.
 */
int dtls_stats_init(void)
{
	return register_pernet_subsys(&dtls_stats_net_ops);
}

/**
 * dtls_stats_exit() - take them away again
 *
 * Context: process, module exit; no attached socket is left.
 */
void dtls_stats_exit(void)
{
	unregister_pernet_subsys(&dtls_stats_net_ops);
}

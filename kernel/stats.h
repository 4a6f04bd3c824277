/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters per network namespace, shown in /proc/net/dtls_stat. */
#ifndef _DTLS_STATS_H
#define _DTLS_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/**
 * enum dtls_stat - the counters, in the order of the file
 * @DTLS_STAT_CURR_SOCKETS: sockets attached now
 * @DTLS_STAT_CURR_ASSOCS: associations now
 * @DTLS_STAT_TX_RECORDS: records sealed and handed to UDP
 * @DTLS_STAT_TX_BYTES: bytes of plaintext in them
 * @DTLS_STAT_TX_ERRORS: sends that UDP refused after sealing
 * @DTLS_STAT_TX_CONTROL: of TxRecords, those that are not application data
 * @DTLS_STAT_TX_LAST_FLIGHT: times a last flight was repeated
 * @DTLS_STAT_TX_ASYNC: records whose AEAD answered later
 * @DTLS_STAT_RX_RECORDS: records opened and accepted
 * @DTLS_STAT_RX_BYTES: bytes of plaintext in them
 * @DTLS_STAT_RX_CONTROL: of RxRecords, those that are not application data
 * @DTLS_STAT_RX_ALERTS: alerts dealt with by the kernel
 * @DTLS_STAT_RX_CLOSE_NOTIFY: of them, close_notify
 * @DTLS_STAT_RX_RENEGOTIATE: renegotiations refused
 * @DTLS_STAT_TX_KEY_UPDATES: KeyUpdates sent, repetitions included
 * @DTLS_STAT_RX_KEY_UPDATES: KeyUpdates that brought new keys
 * @DTLS_STAT_TX_CID_MESSAGES: NewConnectionId and RequestConnectionId sent,
 *	repetitions included
 * @DTLS_STAT_RX_CID_MESSAGES: those received that were in order
 * @DTLS_STAT_TX_ACKS: ACKs sent
 * @DTLS_STAT_RX_ACKS: ACKs received
 * @DTLS_STAT_RX_MOVED: moves of peers that were seen
 * @DTLS_STAT_TX_RAW: calls that sent a datagram as it is
 * @DTLS_STAT_RX_RAW: datagrams that are no DTLS, taken for the program
 * @DTLS_STAT_RX_HANDSHAKE: datagrams given to the daemon of a socket that listens
 * @DTLS_STAT_RX_ASYNC: records whose AEAD answered later
 * @DTLS_STAT_RX_DROP_SHORT: datagram ends inside a record header
 * @DTLS_STAT_RX_DROP_VERSION: version is not DTLS 1.2
 * @DTLS_STAT_RX_DROP_TYPE: content type unknown to this version of DTLS
 * @DTLS_STAT_RX_DROP_CID: not the connection ID that was agreed upon
 * @DTLS_STAT_RX_DROP_LENGTH: length beyond the datagram, or too small for the cipher
 * @DTLS_STAT_RX_DROP_EPOCH: no keys for the epoch
 * @DTLS_STAT_RX_DROP_REPLAY: number seen before
 * @DTLS_STAT_RX_DROP_OLD: number left of the replay window
 * @DTLS_STAT_RX_DROP_AUTH: not authentic
 * @DTLS_STAT_RX_DROP_OVERSIZE: plaintext over 2^14 bytes
 * @DTLS_STAT_RX_DROP_CONTROL: authentic control record that means nothing here
 * @DTLS_STAT_RX_DROP_CLOSED: came after the association was closed
 * @DTLS_STAT_RX_DROP_CHECKSUM: datagram with a bad UDP checksum
 * @DTLS_STAT_RX_DROP_CRYPTO: the cipher failed for a reason of its own
 * @DTLS_STAT_RX_DROP_LIMIT: too many records under this key were not authentic
 * @DTLS_STAT_RX_DROP_STRANGER: datagram of nobody who is a peer of the socket
 * @DTLS_STAT_RX_DROP_RAW: of RxRaw, those that met a call without room for the mark
 * @DTLS_STAT_RX_DROP_HANDSHAKE: for a daemon that is not there, or does not keep up
 * @DTLS_STAT_RX_DROP_NOMEM: no memory to open it
 * @DTLS_STAT_KEY_LIMIT: keys that came near a limit of use
 * @DTLS_STAT_COUNT: how many there are
 */
enum dtls_stat {
	DTLS_STAT_CURR_SOCKETS,
	DTLS_STAT_CURR_ASSOCS,
	DTLS_STAT_TX_RECORDS,
	DTLS_STAT_TX_BYTES,
	DTLS_STAT_TX_ERRORS,
	DTLS_STAT_TX_CONTROL,
	DTLS_STAT_TX_LAST_FLIGHT,
	DTLS_STAT_TX_ASYNC,
	DTLS_STAT_RX_RECORDS,
	DTLS_STAT_RX_BYTES,
	DTLS_STAT_RX_CONTROL,
	DTLS_STAT_RX_ALERTS,
	DTLS_STAT_RX_CLOSE_NOTIFY,
	DTLS_STAT_RX_RENEGOTIATE,
	DTLS_STAT_TX_KEY_UPDATES,
	DTLS_STAT_RX_KEY_UPDATES,
	DTLS_STAT_TX_CID_MESSAGES,
	DTLS_STAT_RX_CID_MESSAGES,
	DTLS_STAT_TX_ACKS,
	DTLS_STAT_RX_ACKS,
	DTLS_STAT_RX_MOVED,
	DTLS_STAT_TX_RAW,
	DTLS_STAT_RX_RAW,
	DTLS_STAT_RX_HANDSHAKE,
	DTLS_STAT_RX_ASYNC,
	DTLS_STAT_RX_DROP_SHORT,
	DTLS_STAT_RX_DROP_VERSION,
	DTLS_STAT_RX_DROP_TYPE,
	DTLS_STAT_RX_DROP_CID,
	DTLS_STAT_RX_DROP_LENGTH,
	DTLS_STAT_RX_DROP_EPOCH,
	DTLS_STAT_RX_DROP_REPLAY,
	DTLS_STAT_RX_DROP_OLD,
	DTLS_STAT_RX_DROP_AUTH,
	DTLS_STAT_RX_DROP_OVERSIZE,
	DTLS_STAT_RX_DROP_CONTROL,
	DTLS_STAT_RX_DROP_CLOSED,
	DTLS_STAT_RX_DROP_CHECKSUM,
	DTLS_STAT_RX_DROP_CRYPTO,
	DTLS_STAT_RX_DROP_LIMIT,
	DTLS_STAT_RX_DROP_STRANGER,
	DTLS_STAT_RX_DROP_RAW,
	DTLS_STAT_RX_DROP_HANDSHAKE,
	DTLS_STAT_RX_DROP_NOMEM,
	DTLS_STAT_KEY_LIMIT,
	DTLS_STAT_COUNT
};

struct dtls_stats_cpu {
	u64 val[DTLS_STAT_COUNT];
};

/**
 * struct dtls_net - what a network namespace has
 * @stats: counters
 * @socks: attached sockets, struct dtls_sock by cookie
 * @gen:   changes when something is added to or taken from @socks, or from the
 *         peers of one of them
 */
struct dtls_net {
	struct dtls_stats_cpu __percpu *stats;
	struct xarray socks;
	atomic_t gen;
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

/**
 * dtls_stats_of() - where a network namespace counts
 * @net: the namespace
 *
 * For a socket to keep: asking with each record costs as much as counting it.
 *
 * Context: any.
 * Return: never NULL; lives as long as @net and the module.
 */
static inline struct dtls_stats_cpu __percpu *dtls_stats_of(const struct net *net)
{
	struct dtls_net *dn = net_generic(net, dtls_net_id);

	return dn->stats;
}

/**
 * dtls_stats_tx() - count records that were handed to UDP
 * @stats:   of the namespace
 * @records: how many
 * @bytes:   bytes of plaintext in them
 * @control: how many of them are not application data
 *
 * Context: any.
 */
static inline void dtls_stats_tx(struct dtls_stats_cpu __percpu *stats,
				 unsigned int records, u64 bytes,
				 unsigned int control)
{
	this_cpu_add(stats->val[DTLS_STAT_TX_RECORDS], records);
	this_cpu_add(stats->val[DTLS_STAT_TX_BYTES], bytes);
	if (control)
		this_cpu_add(stats->val[DTLS_STAT_TX_CONTROL], control);
}

/**
 * dtls_stats_rx() - count records that were accepted
 * @stats:   of the namespace
 * @records: how many
 * @bytes:   bytes of plaintext in them
 * @control: how many of them are not application data
 *
 * Context: any.
 */
static inline void dtls_stats_rx(struct dtls_stats_cpu __percpu *stats,
				 unsigned int records, u64 bytes,
				 unsigned int control)
{
	this_cpu_add(stats->val[DTLS_STAT_RX_RECORDS], records);
	this_cpu_add(stats->val[DTLS_STAT_RX_BYTES], bytes);
	if (control)
		this_cpu_add(stats->val[DTLS_STAT_RX_CONTROL], control);
}

const char *dtls_stats_name(unsigned int stat);
u64 dtls_stats_sum(const struct net *net, unsigned int stat);
int dtls_stats_init(void);
void dtls_stats_exit(void);

#endif /* _DTLS_STATS_H */

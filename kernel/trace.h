/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. They show what is on the wire anyway (type, epoch, sequence
 * number, length): never a key, never a byte of plaintext.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dtls

#if !defined(_DTLS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _DTLS_TRACE_H

#include <linux/tracepoint.h>
#include <net/inet_sock.h>

DECLARE_EVENT_CLASS(dtls_record,
	TP_PROTO(const struct sock *sk, u8 type, u16 epoch, u64 seq,
		 unsigned int len),
	TP_ARGS(sk, type, epoch, seq, len),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, seq)
		__field(unsigned int, len)
		__field(u16, epoch)
		__field(u16, sport)
		__field(u16, dport)
		__field(u8, type)
	),
	TP_fast_assign(
		__entry->sk = sk;
		__entry->seq = seq;
		__entry->len = len;
		__entry->epoch = epoch;
		__entry->sport = ntohs(inet_sk(sk)->inet_sport);
		__entry->dport = ntohs(inet_sk(sk)->inet_dport);
		__entry->type = type;
	),
	TP_printk("sk=%p sport=%u dport=%u type=%u epoch=%u seq=%llu len=%u",
		  __entry->sk, __entry->sport, __entry->dport, __entry->type,
		  __entry->epoch, __entry->seq, __entry->len)
);

/* A record was sealed and goes to UDP next; @len is its plaintext. */
DEFINE_EVENT(dtls_record, dtls_record_sent,
	TP_PROTO(const struct sock *sk, u8 type, u16 epoch, u64 seq,
		 unsigned int len),
	TP_ARGS(sk, type, epoch, seq, len)
);

/* A record was opened; @len is its plaintext. */
DEFINE_EVENT(dtls_record, dtls_record_received,
	TP_PROTO(const struct sock *sk, u8 type, u16 epoch, u64 seq,
		 unsigned int len),
	TP_ARGS(sk, type, epoch, seq, len)
);

/* A record was dropped; @reason is the counter that moved, see stats.h. */
TRACE_EVENT(dtls_record_dropped,
	TP_PROTO(const struct sock *sk, int reason, u8 type, u16 epoch,
		 u64 seq, unsigned int len),
	TP_ARGS(sk, reason, type, epoch, seq, len),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, seq)
		__field(unsigned int, len)
		__field(int, reason)
		__field(u16, epoch)
		__field(u8, type)
	),
	TP_fast_assign(
		__entry->sk = sk;
		__entry->seq = seq;
		__entry->len = len;
		__entry->reason = reason;
		__entry->epoch = epoch;
		__entry->type = type;
	),
	TP_printk("sk=%p reason=%d type=%u epoch=%u seq=%llu len=%u",
		  __entry->sk, __entry->reason, __entry->type, __entry->epoch,
		  __entry->seq, __entry->len)
);

#endif /* _DTLS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command line of kdtls. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prog.h"

static const char usage_text[] =
"usage: kdtls connect [options] HOST:PORT\n"
"       kdtls listen [options] [ADDRESS]:PORT\n"
"\n"
"Shakes hands as DTLS 1.2 or 1.3, moves the keys into the kernel (dtls.ko), and\n"
"copies stdin to the peer and what comes from the peer to stdout.\n"
"\n"
"Who we are, and whom we trust\n"
"  --cert FILE          own certificate chain, PEM; one for each kind of key\n"
"  --key FILE           its private key, PEM (default: the file of --cert)\n"
"  --ca FILE            certificates to trust, PEM (default: the system's)\n"
"  --verify-name NAME   name the server must prove (default: HOST)\n"
"  --require-cert       listen: refuse clients without a trusted certificate\n"
"  --insecure           trust anybody\n"
"  --psk IDENTITY:HEX   pre-shared key; listen: may be given more than once\n"
"  --psk-file FILE      the same, one IDENTITY:HEX a line, out of sight of ps(1)\n"
"  --rawpk FILE         own raw public key (RFC 7250), from a PEM private key\n"
"  --peer-rawpk FILE    raw public key to trust, PEM or DER; more than once\n"
"\n"
"The handshake\n"
"  --dtls VERSION       1.2 (default), 1.3, or auto: 1.3 if the peer has it\n"
"  --cid[=BYTES]        1.3: connection IDs, ours of 0 to 32 bytes (8)\n"
"  --suites NAME[,NAME] 1.3: suites, by their IANA names\n"
"  --alpn NAME[,NAME]   application protocols to offer or take; one must fit\n"
"  --priority STRING    1.2: GnuTLS priority string; with a leading + or - it\n"
"                       changes the default\n"
"  --mtu BYTES          largest datagram of the handshake (1232)\n"
"  --timeout SECONDS    give up the handshake after this time (30)\n"
"  --retransmit MS      first retransmission (1000), doubled each time\n"
"  --session-out FILE   1.2: keep the session for a later one (holds secrets)\n"
"  --session-in FILE    1.2: resume the session kept there\n"
"\n"
"The data\n"
"  --send FILE          send FILE to a kdtls --recv, whatever the network loses\n"
"  --recv FILE          write what a kdtls --send sends\n"
"  --recv-only          do not read stdin\n"
"  --echo               send back what comes, and do not read stdin\n"
"  --no-batch           files: one record with each send() and recv()\n"
"  --linger SECONDS     after the end of stdin wait this long for the peer (1)\n"
"  --key-update SECONDS 1.3: new keys to send with every so often; SIGUSR1 does it\n"
"                       at once, SIGUSR2 asks the peer for new ones as well\n"
"  --keep               listen: serve any number of peers, until killed\n"
"\n"
"Other\n"
"  -4, -6               IPv4 or IPv6 only\n"
"  --stats              at the end: records, bytes, drops\n"
"  --export LABEL       print 32 bytes of keying material (RFC 5705)\n"
"  -q, --quiet          errors only          -v, --verbose   more\n"
"  -h, --help           this text            -V, --version\n"
"\n"
"Exit codes: 0 done, 1 usage, 2 network, 3 handshake, 4 peer not trusted,\n"
"5 kernel (is dtls.ko loaded?), 6 transfer incomplete.\n";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int add_psk(kdtls_config *cfg, const char *arg)
{
	const char *colon = strrchr(arg, ':'), *hex;
	char identity[160];
	uint8_t key[512];
	size_t len = 0;
	int hi, lo, ret = -1;

	if (!colon || (size_t)(colon - arg) >= sizeof(identity)) {
		say("--psk: IDENTITY:HEX expected");
		return -1;
	}
	memcpy(identity, arg, colon - arg);
	identity[colon - arg] = '\0';
	for (hex = colon + 1; *hex; hex += 2) {
		hi = hex_digit(hex[0]);
		lo = hi < 0 ? -1 : hex_digit(hex[1]);
		if (lo < 0 || len == sizeof(key)) {
			say("--psk: the key is not an even number of hex digits, or too long");
			goto out;
		}
		key[len++] = hi << 4 | lo;
	}
	ret = kdtls_config_add_psk(cfg, identity, key, len);
	if (ret)
		say("%s", kdtls_config_error(cfg));
out:
	explicit_bzero(key, sizeof(key));
	return ret;
}

static int add_psk_file(kdtls_config *cfg, const char *name)
{
	char line[2048];
	int ret = 0;
	FILE *f = fopen(name, "r");

	if (!f) {
		say("%s: %s", name, strerror(errno));
		return -1;
	}
	while (!ret && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line && *line != '#')
			ret = add_psk(cfg, line);
	}
	explicit_bzero(line, sizeof(line));
	fclose(f);
	return ret;
}

static unsigned int number(const char *name, const char *arg, unsigned int max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || n > max) {
		say("--%s: a number from 0 to %u expected, not '%s'", name, max,
		    arg);
		exit(EXIT_USAGE);
	}
	return n;
}

/* HOST:PORT, [V6]:PORT, :PORT */
static int split_address(char *arg)
{
	char *colon = strrchr(arg, ':'), *end;

	if (!colon || !colon[1]) {
		say("'%s': HOST:PORT expected", arg);
		return -1;
	}
	*colon = '\0';
	opt.port = colon + 1;
	opt.host = *arg ? arg : NULL;
	if (*arg == '[') {
		end = strchr(arg, ']');
		if (!end || end[1]) {
			say("'%s': [ADDRESS]:PORT expected", arg);
			return -1;
		}
		*end = '\0';
		opt.host = arg[1] ? arg + 1 : NULL;
	} else if (strchr(arg, ':')) {
		say("'%s': write an IPv6 address in brackets, [ADDRESS]:PORT",
		    arg);
		return -1;
	}
	if (!opt.listen && !opt.host) {
		say("connect: to which host?");
		return -1;
	}
	return 0;
}

enum {
	OPT_CERT = 256, OPT_KEY, OPT_CA, OPT_VERIFY_NAME, OPT_REQUIRE_CERT,
	OPT_INSECURE, OPT_PSK, OPT_PSK_FILE, OPT_RAWPK, OPT_PEER_RAWPK,
	OPT_ALPN, OPT_PRIORITY, OPT_MTU, OPT_TIMEOUT, OPT_RETRANSMIT,
	OPT_SESSION_OUT, OPT_SESSION_IN, OPT_SEND, OPT_RECV, OPT_RECV_ONLY,
	OPT_NO_BATCH, OPT_LINGER, OPT_KEEP, OPT_STATS, OPT_EXPORT,
	OPT_NO_INSTALL, OPT_ECHO, OPT_DTLS, OPT_CID, OPT_SUITES, OPT_KEY_UPDATE,
};

static const struct option long_options[] = {
	{ "cert", 1, NULL, OPT_CERT },
	{ "key", 1, NULL, OPT_KEY },
	{ "ca", 1, NULL, OPT_CA },
	{ "verify-name", 1, NULL, OPT_VERIFY_NAME },
	{ "require-cert", 0, NULL, OPT_REQUIRE_CERT },
	{ "insecure", 0, NULL, OPT_INSECURE },
	{ "psk", 1, NULL, OPT_PSK },
	{ "psk-file", 1, NULL, OPT_PSK_FILE },
	{ "rawpk", 1, NULL, OPT_RAWPK },
	{ "peer-rawpk", 1, NULL, OPT_PEER_RAWPK },
	{ "dtls", 1, NULL, OPT_DTLS },
	{ "cid", 2, NULL, OPT_CID },
	{ "suites", 1, NULL, OPT_SUITES },
	{ "key-update", 1, NULL, OPT_KEY_UPDATE },
	{ "alpn", 1, NULL, OPT_ALPN },
	{ "priority", 1, NULL, OPT_PRIORITY },
	{ "mtu", 1, NULL, OPT_MTU },
	{ "timeout", 1, NULL, OPT_TIMEOUT },
	{ "retransmit", 1, NULL, OPT_RETRANSMIT },
	{ "session-out", 1, NULL, OPT_SESSION_OUT },
	{ "session-in", 1, NULL, OPT_SESSION_IN },
	{ "send", 1, NULL, OPT_SEND },
	{ "recv", 1, NULL, OPT_RECV },
	{ "recv-only", 0, NULL, OPT_RECV_ONLY },
	{ "echo", 0, NULL, OPT_ECHO },
	{ "no-batch", 0, NULL, OPT_NO_BATCH },
	{ "linger", 1, NULL, OPT_LINGER },
	{ "keep", 0, NULL, OPT_KEEP },
	{ "stats", 0, NULL, OPT_STATS },
	{ "export", 1, NULL, OPT_EXPORT },
	/* For tests of the library on machines without the module. */
	{ "no-install", 0, NULL, OPT_NO_INSTALL },
	{ "quiet", 0, NULL, 'q' },
	{ "verbose", 0, NULL, 'v' },
	{ "help", 0, NULL, 'h' },
	{ "version", 0, NULL, 'V' },
	{ }
};

/* Into opt; credentials of which there may be several go straight into @cfg. */
int options_parse(int argc, char **argv, kdtls_config *cfg)
{
	bool named = false;
	unsigned int *n;
	int c, ret;

	while ((c = getopt_long(argc, argv, "46qvhV", long_options, NULL)) != -1) {
		ret = 0;
		switch (c) {
		case '4':
			opt.family = AF_INET;
			break;
		case '6':
			opt.family = AF_INET6;
			break;
		case 'q':
			opt.quiet = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(EXIT_OK);
		case 'V':
			puts("kdtls 0.1.0");
			exit(EXIT_OK);
		case OPT_CERT:
		case OPT_KEY:
			n = c == OPT_CERT ? &opt.num_certs : &opt.num_keys;
			if (*n == CERT_MAX) {
				say("too many certificates");
				return -1;
			}
			(c == OPT_CERT ? opt.cert : opt.key)[(*n)++] = optarg;
			break;
		case OPT_CA:
			opt.ca = optarg;
			break;
		case OPT_VERIFY_NAME:
			opt.verify_name = optarg;
			break;
		case OPT_REQUIRE_CERT:
			opt.require_cert = true;
			break;
		case OPT_INSECURE:
			opt.insecure = true;
			break;
		case OPT_PSK:
			named = true;
			if (add_psk(cfg, optarg))
				return -1;
			/* Not for everybody who can see the process. */
			explicit_bzero(optarg, strlen(optarg));
			break;
		case OPT_PSK_FILE:
			named = true;
			if (add_psk_file(cfg, optarg))
				return -1;
			break;
		case OPT_RAWPK:
			opt.rawpk = optarg;
			break;
		case OPT_PEER_RAWPK:
			named = true;
			ret = kdtls_config_add_peer_rawpk(cfg, optarg);
			break;
		case OPT_DTLS:
			opt.dtls = optarg;
			break;
		case OPT_CID:
			opt.cid_len = optarg ? number("cid", optarg, DTLS_CID_MAX) :
				      8;
			break;
		case OPT_SUITES:
			opt.suites = optarg;
			break;
		case OPT_KEY_UPDATE:
			opt.key_update = number("key-update", optarg, 1000000);
			break;
		case OPT_ALPN:
			opt.alpn = optarg;
			break;
		case OPT_PRIORITY:
			opt.priority = optarg;
			break;
		case OPT_MTU:
			opt.mtu = number("mtu", optarg, 16384);
			break;
		case OPT_TIMEOUT:
			opt.timeout_ms = 1000 * number("timeout", optarg, 86400);
			break;
		case OPT_RETRANSMIT:
			opt.retransmit_ms = number("retransmit", optarg, 60000);
			break;
		case OPT_SESSION_OUT:
			opt.session_out = optarg;
			break;
		case OPT_SESSION_IN:
			opt.session_in = optarg;
			break;
		case OPT_SEND:
			opt.send_file = optarg;
			break;
		case OPT_RECV:
			opt.recv_file = optarg;
			break;
		case OPT_RECV_ONLY:
			opt.recv_only = true;
			break;
		case OPT_ECHO:
			opt.echo = true;
			opt.recv_only = true;
			break;
		case OPT_NO_BATCH:
			opt.no_batch = true;
			break;
		case OPT_LINGER:
			opt.linger_ms = 1000 * number("linger", optarg, 86400);
			break;
		case OPT_KEEP:
			opt.keep = true;
			break;
		case OPT_STATS:
			opt.stats = true;
			break;
		case OPT_EXPORT:
			opt.export_label = optarg;
			break;
		case OPT_NO_INSTALL:
			opt.no_install = true;
			break;
		default:
			say("'kdtls --help' lists the options");
			return -1;
		}
		if (ret < 0) {
			say("%s", kdtls_config_error(cfg));
			return -1;
		}
	}
	if (optind + 2 != argc ||
	    (strcmp(argv[optind], "connect") && strcmp(argv[optind], "listen"))) {
		fputs(usage_text, stderr);
		return -1;
	}
	opt.listen = !strcmp(argv[optind], "listen");
	if (split_address(argv[optind + 1]))
		return -1;
	if (opt.send_file && opt.recv_file) {
		say("--send and --recv: one of the two");
		return -1;
	}
	if (opt.listen && !opt.num_certs && !opt.rawpk && !named) {
		say("listen: --cert, --psk or --rawpk is needed");
		return -1;
	}
	/* The system's list is read only where it will be asked. */
	if (!opt.listen && !named && !opt.ca && !opt.insecure)
		opt.ca = "";
	return 0;
}

static int apply_version(kdtls_config *cfg)
{
	static const struct {
		const char *name;
		uint16_t min, max;
	} versions[] = {
		{ "1.2", DTLS_1_2_VERSION, DTLS_1_2_VERSION },
		{ "1.3", DTLS_1_3_VERSION, DTLS_1_3_VERSION },
		{ "auto", DTLS_1_2_VERSION, DTLS_1_3_VERSION },
	};
	unsigned int i;
	int ret;

	if (opt.cid_len >= 0 && (!opt.dtls || !strcmp(opt.dtls, "1.2"))) {
		say("--cid: with --dtls 1.3 or auto only");
		return -1;
	}
	if (opt.suites) {
		ret = kdtls_config_set_suites(cfg, opt.suites);
		if (ret) {
			say("%s", kdtls_config_error(cfg));
			return ret;
		}
	}
	kdtls_config_set_cid(cfg, opt.cid_len);
	for (i = 0; opt.dtls && i < 3; i++) {
		if (strcmp(opt.dtls, versions[i].name))
			continue;
		ret = kdtls_config_set_versions(cfg, versions[i].min,
						versions[i].max);
		if (ret)
			say("%s", kdtls_config_error(cfg));
		return ret;
	}
	if (opt.dtls)
		say("--dtls: 1.2, 1.3 or auto, not '%s'", opt.dtls);
	return opt.dtls ? -1 : 0;
}

int options_apply(kdtls_config *cfg)
{
	unsigned int i;
	int ret = 0;

	if (apply_version(cfg))
		return -1;

	for (i = 0; !ret && i < opt.num_certs; i++)
		ret = kdtls_config_set_cert(cfg, opt.cert[i],
					    i < opt.num_keys ? opt.key[i] :
					    opt.cert[i]);
	if (ret >= 0 && opt.rawpk)
		ret = kdtls_config_set_rawpk(cfg, opt.rawpk);
	if (ret >= 0 && opt.ca)
		ret = *opt.ca ? kdtls_config_add_ca_file(cfg, opt.ca) :
				kdtls_config_add_ca_system(cfg);
	if (ret >= 0 && opt.alpn)
		ret = kdtls_config_set_alpn(cfg, opt.alpn, 1);
	if (ret >= 0 && opt.priority)
		ret = kdtls_config_set_priority(cfg, opt.priority);
	if (ret >= 0 && opt.mtu)
		ret = kdtls_config_set_mtu(cfg, opt.mtu);
	if (ret < 0) {
		say("%s", kdtls_config_error(cfg));
		return ret;
	}
	kdtls_config_set_timeouts(cfg, opt.retransmit_ms, opt.timeout_ms);
	if (opt.insecure)
		kdtls_config_set_verify(cfg, KDTLS_VERIFY_NONE);
	else if (opt.require_cert)
		kdtls_config_set_verify(cfg, KDTLS_VERIFY_REQUIRE);
	return 0;
}

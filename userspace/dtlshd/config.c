// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configuration: sections of "key = value", see dtlshd.conf(5). A file that is
 * read again takes the place of the old one as a whole, or not at all; handshakes
 * under way keep what they have begun with.
 */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "dtlshd.h"

#define PSK_MAX		512
#define USERS_MAX	64

/* A section being read: files are loaded at its end, as they belong together. */
struct section {
	struct credential *cred;	/* NULL: [daemon] */
	char *certificate, *key, *psk_file, *psk_identity;
};

static const char *file_name;
static unsigned int line_nr;

static int bad(const char *fmt, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), fmt, what);
	say(LOG_ERR, "%s:%u: %s", file_name, line_nr, text);
	return -1;
}

static int set_text(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : bad("out of memory%s", "");
}

static int set_number(unsigned int *to, const char *value, unsigned int max)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || !n || n > max)
		return bad("not a number that is allowed here: %s", value);
	*to = n;
	return 0;
}

static int set_bool(int *to, const char *value)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return bad("neither yes nor no: %s", value);
	*to = !strcmp(value, "yes");
	return 0;
}

static int set_users(struct credential *cred, char *value)
{
	char *name, *save, *end;
	struct passwd *pw;
	uid_t *users;
	unsigned long uid;

	for (name = strtok_r(value, ", \t", &save); name;
	     name = strtok_r(NULL, ", \t", &save)) {
		if (!strcmp(name, "*")) {
			cred->anyone = true;
			continue;
		}
		uid = strtoul(name, &end, 10);
		if (*end) {
			pw = getpwnam(name);
			if (!pw)
				return bad("no such user: %s", name);
			uid = pw->pw_uid;
		}
		if (cred->num_users == USERS_MAX)
			return bad("too many users%s", "");
		users = realloc(cred->users,
				(cred->num_users + 1) * sizeof(*users));
		if (!users)
			return bad("out of memory%s", "");
		cred->users = users;
		users[cred->num_users++] = uid;
	}
	return 0;
}

/* The library's words, if it has some. */
static int refused(kdtls_config *tls, int err, const char *what)
{
	const char *why = kdtls_config_error(tls);

	say(LOG_ERR, "%s:%u: %s: %s", file_name, line_nr, what,
	    *why ? why : strerror(-err));
	return -1;
}

static int set_versions(kdtls_config *tls, const char *value)
{
	uint16_t min = DTLS_1_2_VERSION, max = DTLS_1_3_VERSION;
	int err;

	if (!strcmp(value, "1.3"))
		min = max;
	else if (!strcmp(value, "1.2"))
		max = min;
	else if (strcmp(value, "1.2-1.3"))
		return bad("neither 1.2 nor 1.3 nor 1.2-1.3: %s", value);
	err = kdtls_config_set_versions(tls, min, max);
	return err ? refused(tls, err, "versions") : 0;
}

static int unhex(const char *text, unsigned char *key, size_t *len)
{
	unsigned int byte;

	for (*len = 0; *text; text += 2) {
		if (*len == PSK_MAX || !isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &byte) != 1)
			return -1;
		key[(*len)++] = byte;
	}
	return *len ? 0 : -1;
}

/* Lines "identity:key in hexadecimal"; of all of them, or of the one named. */
static int load_psk(struct credential *cred, const char *name,
		    const char *identity)
{
	unsigned char key[PSK_MAX];
	unsigned int nr = 0, n = 0;
	char line[1400], *colon;
	struct stat st;
	size_t len;
	int ret = 0;
	FILE *f = fopen(name, "re");

	if (!f) {
		say(LOG_ERR, "%s: %s", name, strerror(errno));
		return -1;
	}
	if (!fstat(fileno(f), &st) && st.st_mode & (0027))
		say(LOG_WARNING, "%s: others than its owner may use it", name);
	while (!ret && fgets(line, sizeof(line), f)) {
		nr++;
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		/* The last one: identities may have colons, keys have none. */
		colon = strrchr(line, ':');
		if (!colon || unhex(colon + 1, key, &len)) {
			say(LOG_ERR, "%s:%u: not \"identity:key\"", name, nr);
			ret = -1;
			break;
		}
		*colon = '\0';
		if (identity && strcmp(identity, line))
			continue;
		ret = kdtls_config_add_psk(cred->tls, line, key, len);
		if (ret)
			ret = refused(cred->tls, ret, name);
		n++;
	}
	explicit_bzero(line, sizeof(line));
	explicit_bzero(key, sizeof(key));
	fclose(f);
	if (!ret && !n)
		ret = bad("no key in %s", name);
	cred->secret = true;
	return ret;
}

static int set_credential(struct section *sec, const char *key, char *value)
{
	struct credential *cred = sec->cred;
	kdtls_config *tls = cred->tls;
	unsigned int n;
	int yes = 0, err = 0;

	if (!strcmp(key, "trust")) {
		cred->x509 = true;
		err = strcmp(value, "system") ?
		      kdtls_config_add_ca_file(tls, value) :
		      kdtls_config_add_ca_system(tls);
		err = err > 0 ? 0 : err;
	} else if (!strcmp(key, "certificate")) {
		return set_text(&sec->certificate, value);
	} else if (!strcmp(key, "key")) {
		return set_text(&sec->key, value);
	} else if (!strcmp(key, "psk-file")) {
		return set_text(&sec->psk_file, value);
	} else if (!strcmp(key, "psk-identity")) {
		return set_text(&sec->psk_identity, value);
	} else if (!strcmp(key, "server-name")) {
		return set_text(&cred->server_name, value);
	} else if (!strcmp(key, "users")) {
		return set_users(cred, value);
	} else if (!strcmp(key, "versions")) {
		return set_versions(tls, value);
	} else if (!strcmp(key, "alpn")) {
		err = kdtls_config_set_alpn(tls, value, 1);
	} else if (!strcmp(key, "priority")) {
		err = kdtls_config_set_priority(tls, value);
	} else if (!strcmp(key, "mtu")) {
		if (set_number(&n, value, 16384))
			return -1;
		err = kdtls_config_set_mtu(tls, n);
	} else if (!strcmp(key, "require-certificate")) {
		if (set_bool(&yes, value))
			return -1;
		kdtls_config_set_verify(tls, yes ? KDTLS_VERIFY_REQUIRE :
						   KDTLS_VERIFY_DEFAULT);
	} else {
		return bad("unknown key: %s", key);
	}
	return err ? refused(tls, err, key) : 0;
}

static int set_daemon(struct config *conf, const char *key, char *value)
{
	unsigned int n;

	if (!strcmp(key, "max-handshakes"))
		return set_number(&conf->max, value, 100000);
	if (!strcmp(key, "max-per-peer"))
		return set_number(&conf->max_per_peer, value, 100000);
	if (!strcmp(key, "max-per-user"))
		return set_number(&conf->max_per_user, value, 100000);
	if (!strcmp(key, "max-listening"))
		return set_number(&conf->max_listening, value, 100000);
	if (!strcmp(key, "log-level")) {
		if (set_number(&n, value, LOG_DEBUG))
			return -1;
		conf->log_level = n;
		return 0;
	}
	return bad("unknown key: %s", key);
}

/* Loads what a section names. */
static int section_end(struct section *sec)
{
	struct credential *cred = sec->cred;
	int err, ret = 0;

	if (cred && (sec->certificate || sec->key)) {
		cred->secret = true;
		err = sec->certificate ?
		      kdtls_config_set_cert(cred->tls, sec->certificate,
					    sec->key ?: sec->certificate) :
		      -EINVAL;
		if (err)
			ret = refused(cred->tls, err, "certificate");
	}
	if (cred && sec->psk_file && !ret)
		ret = load_psk(cred, sec->psk_file, sec->psk_identity);
	free(sec->certificate);
	free(sec->key);
	free(sec->psk_file);
	free(sec->psk_identity);
	memset(sec, 0, sizeof(*sec));
	return ret;
}

static int section_begin(struct config *conf, struct section *sec, char *name)
{
	struct credential *cred;

	if (!strcmp(name, "daemon"))
		return 0;
	if (!strncmp(name, "credential ", 11)) {
		name += 11 + strspn(name + 11, " \t");
		if (!*name || strlen(name) > 63)
			return bad("no name, or one that is too long: %s", name);
	} else if (strcmp(name, "client") && strcmp(name, "server")) {
		return bad("unknown section: %s", name);
	}
	if (config_find(conf, name))
		return bad("this section was there before: %s", name);
	cred = calloc(1, sizeof(*cred));
	if (!cred)
		return bad("out of memory%s", "");
	cred->next = conf->credentials;
	conf->credentials = cred;
	cred->name = strdup(name);
	cred->tls = kdtls_config_new();
	sec->cred = cred;
	return cred->name && cred->tls ? 0 : bad("out of memory%s", "");
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return text;
}

static int read_lines(struct config *conf, FILE *f)
{
	struct section sec = {};
	bool in_section = false;
	char line[1024], *text, *value;
	int ret = 0;

	for (line_nr = 1; !ret && fgets(line, sizeof(line), f); line_nr++) {
		text = trim(line);
		if (!*text || *text == '#' || *text == ';')
			continue;
		value = text + strlen(text) - 1;
		if (*text == '[' && *value == ']') {
			*value = '\0';
			ret = section_end(&sec);
			if (!ret)
				ret = section_begin(conf, &sec, trim(text + 1));
			in_section = true;
			continue;
		}
		value = strchr(text, '=');
		if (!value || !in_section) {
			ret = bad("not \"key = value\" in a section: %s", text);
			break;
		}
		*value++ = '\0';
		text = trim(text);
		value = trim(value);
		if (sec.cred)
			ret = set_credential(&sec, text, value);
		else
			ret = set_daemon(conf, text, value);
	}
	/* also if it is bad, for what it holds */
	if (section_end(&sec))
		ret = -1;
	return ret;
}

struct config *config_load(const char *file)
{
	struct config *conf = calloc(1, sizeof(*conf));
	FILE *f = fopen(file, "re");

	if (!f || !conf) {
		say(LOG_ERR, "%s: %s", file, strerror(errno));
		if (f)
			fclose(f);
		free(conf);
		return NULL;
	}
	conf->refs = 1;
	conf->max = 1024;
	conf->max_per_peer = 128;
	conf->max_per_user = 512;
	conf->max_listening = 256;
	conf->log_level = LOG_INFO;
	file_name = file;
	if (read_lines(conf, f)) {
		config_put(conf);
		conf = NULL;
	}
	fclose(f);
	return conf;
}

struct config *config_get(struct config *conf)
{
	conf->refs++;
	return conf;
}

void config_put(struct config *conf)
{
	struct credential *cred;

	if (--conf->refs)
		return;
	while ((cred = conf->credentials)) {
		conf->credentials = cred->next;
		kdtls_config_free(cred->tls);
		free(cred->users);
		free(cred->server_name);
		free(cred->name);
		free(cred);
	}
	free(conf);
}

const struct credential *config_find(const struct config *conf,
				     const char *name)
{
	const struct credential *cred;

	for (cred = conf->credentials; cred; cred = cred->next)
		if (!strcmp(cred->name, name))
			return cred;
	return NULL;
}

/* Who may be who is in it. One without a secret is no more than trust. */
bool config_allows(const struct credential *cred, uid_t uid)
{
	unsigned int i;

	if (!uid || cred->anyone)
		return true;
	for (i = 0; i < cred->num_users; i++)
		if (cred->users[i] == uid)
			return true;
	return !cred->secret && !cred->num_users;
}

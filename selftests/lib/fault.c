// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	/* what this kernel does not have need not be set */
	if (fd < 0)
		return;
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

bool fault_init(void)
{
	if (access(FAIL_NTH, W_OK))
		return false;
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	write_file("/sys/kernel/debug/fail_usercopy/verbose", "0");
	return true;
}

int fault_arm(int nth)
{
	char text[16];
	int fd = open(FAIL_NTH, O_RDWR);

	must(fd >= 0);
	snprintf(text, sizeof(text), "%d", nth);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

bool fault_happened(int fd, int *left)
{
	char text[16] = {};
	int n = 0;

	/* reading it may be what fails, which is as good an answer */
	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		n = atoi(text);
	else
		n = 1;
	if (n && write(fd, "0", 1) != 1)
		must(write(fd, "0", 1) == 1);
	close(fd);
	if (left)
		*left = n;
	return !n;
}

bool fault_error(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EFAULT;
}

void famine(bool on)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char path[80];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/task-filter",
			 kinds[i]);
		write_file(path, "Y");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/times",
			 kinds[i]);
		write_file(path, "-1");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/probability",
			 kinds[i]);
		write_file(path, on ? "100" : "0");
	}
}

static int starve_fd = -1;

/* Opened before: without memory nothing can be. */
void starve(bool on)
{
	if (starve_fd < 0)
		starve_fd = open("/proc/self/make-it-fail", O_RDWR);
	must(starve_fd >= 0);
	must(pwrite(starve_fd, on ? "1" : "0", 1, 0) == 1);
}

void still_works(struct dtls_pair *p)
{
	char buf[16];

	must(send(p->near.fd, "there", 5, 0) == 5);
	must(recv(p->far.fd, buf, sizeof(buf), 0) == 5);
	must(!memcmp(buf, "there", 5));
	must(send(p->far.fd, "back", 4, 0) == 4);
	must(recv(p->near.fd, buf, sizeof(buf), 0) == 4);
	must(!memcmp(buf, "back", 4));
}

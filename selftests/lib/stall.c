// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#include "die.h"
#include "stall.h"

bool stall_open(struct stall *s)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->fd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (s->fd < 0)
		return false;
	must(!ioctl(s->fd, UFFDIO_API, &api));
	s->len = sysconf(_SC_PAGESIZE);
	s->page = mmap(NULL, s->len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(s->page != MAP_FAILED);
	reg.range.start = (unsigned long)s->page;
	reg.range.len = s->len;
	must(!ioctl(s->fd, UFFDIO_REGISTER, &reg));
	return true;
}

void stall_close(struct stall *s)
{
	munmap(s->page, s->len);
	close(s->fd);
}

void stall_wait(struct stall *s)
{
	struct uffd_msg msg;

	must(read(s->fd, &msg, sizeof(msg)) == sizeof(msg));
	must(msg.event == UFFD_EVENT_PAGEFAULT);
}

void stall_end(struct stall *s, const void *data)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)s->page,
		.src = (unsigned long)data,
		.len = s->len,
	};

	must(!ioctl(s->fd, UFFDIO_COPY, &copy));
}

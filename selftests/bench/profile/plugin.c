// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plug-in for QEMU: how often each block of instructions runs. Writes lines of
 * "address, instructions in it, times" when the guest is at its end.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What is used of qemu-plugin.h, which comes with the sources of QEMU only. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef struct qemu_info_t qemu_info_t;
typedef void translated_t(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void at_exit_t(qemu_plugin_id_t id, void *arg);
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t *cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					      void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, at_exit_t *cb, void *arg);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

struct block {
	struct block *next;
	uint64_t at, times;
	size_t insns;
};

#define SLOTS	262144
static struct block *blocks[SLOTS];

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t at = qemu_plugin_tb_vaddr(tb);
	size_t insns = qemu_plugin_tb_n_insns(tb);
	struct block **slot = &blocks[(at ^ at >> 18) % SLOTS], *b;

	(void)id;
	for (b = *slot; b && (b->at != at || b->insns != insns); b = b->next)
		;
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		b->at = at;
		b->insns = insns;
		b->next = *slot;
		*slot = b;
	}
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &b->times, 1);
}

static void at_exit(qemu_plugin_id_t id, void *arg)
{
	FILE *f = fopen(arg, "w");
	struct block *b;
	int i;

	(void)id;
	for (i = 0; f && i < SLOTS; i++)
		for (b = blocks[i]; b; b = b->next)
			if (b->times)
				fprintf(f, "%" PRIx64 " %zu %" PRIu64 "\n", b->at,
					b->insns, b->times);
	if (f)
		fclose(f);
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	(void)info;
	if (argc != 1)
		return -1;
	/* "out=FILE" */
	qemu_plugin_register_atexit_cb(id, at_exit, argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}

// SPDX-License-Identifier: MIT
/* KV blocks, and the program that copies one. */
#include "model.h"

#include <string.h>

void copy_program(uint32_t (*out)[IG1_CMD_WORDS])
{
	struct ig1_fmt_seq loop = { .op = IG1_OP_S_LOOP, .rd = 9, .ra = 3, .len = 4 };
	struct ig1_fmt_seq add = { .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .imm = PAGE };
	struct ig1_fmt_seq end = { .op = IG1_OP_S_END };
	struct ig1_fmt_dma move = { .bytes = PAGE, .n1 = 1, .n2 = 1 };

	/* Load and store are of one engine, hence in order without tokens. */
	ig1_encode_seq(&loop, out[0]);
	move.op = IG1_OP_D_LD;
	move.rva = 1;
	ig1_encode_dma(&move, out[1]);
	move.op = IG1_OP_D_ST;
	move.rva = 2;
	ig1_encode_dma(&move, out[2]);
	add.rd = add.ra = 1;
	ig1_encode_seq(&add, out[3]);
	add.rd = add.ra = 2;
	ig1_encode_seq(&add, out[4]);
	ig1_encode_seq(&end, out[5]);
}

int kv_block_create(struct accel_model *m, struct kv_block **out)
{
	uint64_t bytes = m->file->manifest.kv_block_bytes;
	struct kv_block *b;
	int err;

	b = env_zalloc(&m->dev->env, 1, sizeof(*b));
	if (!b)
		return ACCEL_ENOMEM;
	atomic_init(&b->refs, 1);
	b->resident = true;
	err = accel_buffer_create(m->dev, bytes, ACCEL_BUFFER_RESIDENT, &b->buf);
	if (err == ACCEL_ENOSPACE) {
		b->resident = false;
		err = accel_buffer_create(m->dev, bytes, ACCEL_BUFFER_HOST, &b->buf);
	}
	if (err) {
		env_free(&m->dev->env, b);
		return err;
	}
	atomic_fetch_add(b->resident ? &m->kv_resident : &m->kv_host, 1);
	*out = b;
	return 0;
}

void kv_block_unref(struct accel_model *m, struct kv_block *b)
{
	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	atomic_fetch_sub(b->resident ? &m->kv_resident : &m->kv_host, 1);
	accel_buffer_unref(b->buf);
	env_free(&m->dev->env, b);
}

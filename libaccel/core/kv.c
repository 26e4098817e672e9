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

/* A single sequence may not hold much more of the SRAM than it uses. */
uint32_t kv_slab_blocks(const struct accel_model *m, uint64_t bytes)
{
	uint64_t n = m->dev->info.cfg.sram_bytes / 16 / bytes;

	return n > KV_SLAB_BLOCKS ? KV_SLAB_BLOCKS : n ? (uint32_t)n : 1;
}

static int slab_create(struct accel_model *m, uint64_t bytes, uint32_t n, uint32_t flags,
		       struct kv_slab **out)
{
	struct kv_slab *s = env_zalloc(&m->dev->env, 1, sizeof(*s));
	int err;

	if (!s)
		return ACCEL_ENOMEM;
	s->n = n;
	s->block_bytes = bytes;
	s->resident = flags & ACCEL_BUFFER_RESIDENT;
	err = buffer_create(m->dev, m->space, n * bytes, flags, &s->buf);
	if (err) {
		env_free(&m->dev->env, s);
		return err;
	}
	s->next = m->slabs;
	m->slabs = s;
	*out = s;
	return 0;
}

static struct kv_slab *slab_with_room(struct accel_model *m, uint64_t bytes, bool resident)
{
	struct kv_slab *s = m->slabs;

	while (s &&
	       (s->resident != resident || s->block_bytes != bytes || s->used == (1u << s->n) - 1))
		s = s->next;
	return s;
}

/* SRAM while there is some, then host memory. Lock held. */
static int find_slab(struct accel_model *m, uint64_t bytes, struct kv_slab **out)
{
	struct kv_slab *host = slab_with_room(m, bytes, false);
	uint32_t n = kv_slab_blocks(m, bytes);
	int err = ACCEL_ENOSPACE;

	*out = slab_with_room(m, bytes, true);
	if (*out)
		return 0;
	/* Others may have given SRAM back, but asking for every block would cost too much. */
	if (!m->sram_full || !host) {
		for (; err == ACCEL_ENOSPACE && n; n /= 2)
			err = slab_create(m, bytes, n, ACCEL_BUFFER_RESIDENT, out);
		m->sram_full = err == ACCEL_ENOSPACE;
		if (err != ACCEL_ENOSPACE)
			return err;
	}
	*out = host;
	return host ? 0 : slab_create(m, bytes, kv_slab_blocks(m, bytes), ACCEL_BUFFER_HOST, out);
}

int kv_block_create(struct accel_model *m, uint64_t bytes, struct kv_block **out)
{
	struct kv_block *b;
	struct kv_slab *s;
	int err;

	b = env_zalloc(&m->dev->env, 1, sizeof(*b));
	if (!b)
		return ACCEL_ENOMEM;
	atomic_init(&b->refs, 1);
	pthread_mutex_lock(&m->kv_lock);
	err = find_slab(m, bytes, &s);
	if (!err) {
		b->slab = s;
		b->index = (uint32_t)__builtin_ctz(~s->used);
		s->used |= 1u << b->index;
	}
	pthread_mutex_unlock(&m->kv_lock);
	if (err) {
		env_free(&m->dev->env, b);
		return err;
	}
	atomic_fetch_add(s->resident ? &m->kv_resident : &m->kv_host, 1);
	*out = b;
	return 0;
}

void kv_block_unref(struct accel_model *m, struct kv_block *b)
{
	struct kv_slab *s, **p;

	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	s = b->slab;
	atomic_fetch_sub(s->resident ? &m->kv_resident : &m->kv_host, 1);
	pthread_mutex_lock(&m->kv_lock);
	s->used &= ~(1u << b->index);
	if (!s->used) {
		for (p = &m->slabs; *p != s; p = &(*p)->next)
			;
		*p = s->next;
		m->sram_full &= !s->resident;
		accel_buffer_unref(s->buf);
		env_free(&m->dev->env, s);
	}
	pthread_mutex_unlock(&m->kv_lock);
	env_free(&m->dev->env, b);
}

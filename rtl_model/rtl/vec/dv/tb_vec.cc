// SPDX-License-Identifier: MIT
/*
 * ig1_vec against the reference model: random resolved commands, every byte of scratch compared,
 * counters, abort, and the cycles of typical commands. SEED and COUNT from the environment.
 */
#include "Vtb.h"
#include "compute_tb.h"

#include <chrono>

struct vec_bench : bench<Vtb> {
	std::vector<uint8_t> crom;
	uint64_t elems = 0;
	uint32_t half, y_base, z_base;	 /* sources, elements, reductions */
	uint32_t y_lo, y_hi, z_lo, z_hi; /* what the last command made may write */

	vec_bench(uint64_t seed) : bench(seed), crom(64 * 1024)
	{
		half = cfg->scratch_bytes / 2;
		y_base = half;
		z_base = cfg->scratch_bytes / 8 * 7;
		for (size_t i = 0; i < crom.size(); i += 4) {
			uint32_t v = r.f32();

			memcpy(&crom[i], &v, 4);
		}
		ig1_dpi_chip_set(3, NULL, 0, crom.data(), crom.size());
		top->chip_i = 3;

		struct ig1_mask mask = { NULL, 0, crom.data(), crom.size() };
		static struct ig1_bus bus;

		ref = bench_ref_create(cfg, &mask, &bus, 0);
		want = ig1_ref_scratch(ref);
	}

	void each_cycle() override
	{
		elems += top->stat_elems_o;
	}

	void fill(uint32_t addr, uint32_t words)
	{
		std::vector<uint32_t> v(words);

		for (uint32_t &x : v)
			x = r.f32();
		put(addr, v.data(), 4 * words);
	}

	/* Address and strides of one operand inside [lo, hi), over n elements with `tail` bytes each. */
	uint32_t place(uint32_t lo, uint32_t hi, const uint32_t n[3], const int64_t s[3],
		       uint32_t tail, uint32_t *used_lo = nullptr, uint32_t *used_hi = nullptr)
	{
		int64_t down = 0, up = tail;
		uint32_t at;

		for (int i = 0; i < 3; i++) {
			int64_t span = (int64_t)(n[i] - 1) * s[i];

			(span < 0 ? down : up) += span;
		}
		if (up - down > (int64_t)(hi - lo)) {
			printf("Bail out! operand does not fit\n");
			exit(1);
		}
		if (r.one_in(8)) /* the last bytes */
			at = (uint32_t)(hi - up) & ~3u;
		else
			at = (uint32_t)(lo - down +
					4 * r.below((uint32_t)(hi - lo - (up - down)) / 4 + 1));
		if (used_lo) {
			*used_lo = (uint32_t)(at + down);
			*used_hi = (uint32_t)(at + up);
		}
		return at;
	}

	static const uint8_t *ops(unsigned &n)
	{
		static const uint8_t all[] = {
			IG1_OP_V_MOV,	  IG1_OP_V_ADD,	  IG1_OP_V_SUB,	 IG1_OP_V_MUL,
			IG1_OP_V_MAD,	  IG1_OP_V_MUL3,  IG1_OP_V_LIN,	 IG1_OP_V_EXPS,
			IG1_OP_V_RECIP,	  IG1_OP_V_RSQRT, IG1_OP_V_SIGM, IG1_OP_V_SILU,
			IG1_OP_V_SILUMUL, IG1_OP_V_ROT,	  IG1_OP_V_MAX,
		};

		n = sizeof(all);
		return all;
	}

	int16_t stride0()
	{
		uint32_t k = r.below(16);

		return k < 9 ? 1 : k < 13 ? 0 : (int16_t)((int)r.below(19) - 9);
	}

	void make(struct ig1_fmt_vec &f)
	{
		unsigned n_ops;
		const uint8_t *all = ops(n_ops);
		uint32_t n[3], lim[3];
		int64_t s[3];

		y_lo = y_hi = z_lo = z_hi = 0;
		memset(&f, 0, sizeof(f));
		f.op = all[r.below(n_ops)];
		f.n0 = r.one_in(3)   ? r.range(1, 300)
		       : r.one_in(2) ? 32 * r.range(1, 4)
				     : r.range(1, 40);
		f.n1 = r.one_in(3) ? 1 : r.range(1, 6);
		f.n2 = r.one_in(2) ? 1 : r.range(1, 3);
		n[0] = f.n0;
		n[1] = f.n1;
		n[2] = f.n2;
		f.alpha = f32(r.f32());
		f.beta = f32(r.f32());

		uint32_t srcs = ig1_vec_sources(f.op);
		uint32_t *addr[4] = { &f.a, &f.bb, &f.c, &f.dd };
		int16_t *s0[4] = { &f.a0, &f.b0, &f.c0, &f.d0 };
		int32_t *s1[4] = { &f.a1, &f.b1, &f.c1, &f.d1 };
		int32_t *s2[4] = { &f.a2, &f.b2, &f.c2, &f.d2 };
		uint8_t *space[4] = { &f.sa, &f.sb, &f.sc, &f.sd };

		for (int k = 0; k < 4; k++) {
			if (!(srcs & 1u << k))
				continue;
			bool rom = r.one_in(4);

			*space[k] = rom ? IG1_SPACE_CROM : IG1_SPACE_SCRATCH;
			*s0[k] = stride0();
			*s1[k] = r.one_in(4) ? 0 : (int32_t)r.below(801) - 400;
			*s2[k] = r.one_in(4) ? 0 : (int32_t)r.below(1201) - 600;
			s[0] = 4 * *s0[k];
			s[1] = 4 * (int64_t)*s1[k];
			s[2] = 4 * (int64_t)*s2[k];
			*addr[k] = place(0, rom ? (uint32_t)crom.size() : half, n, s, 4);
		}
		f.out = r.below(3);
		f.red = f.out == IG1_VFMT_Q8 ? 0 : r.below(4);
		if (f.out == IG1_VFMT_F32) {
			f.y0 = r.one_in(4) ? stride0() : 1;
			f.y1 = r.one_in(2) ? (int32_t)f.n0 : (int32_t)r.below(801) - 400;
			f.y2 = r.one_in(2) ? (int32_t)(f.n0 * f.n1) : (int32_t)r.below(1201) - 600;
			s[0] = 4 * f.y0;
			s[1] = 4 * (int64_t)f.y1;
			s[2] = 4 * (int64_t)f.y2;
			f.y = place(y_base, z_base, n, s, 4, &y_lo, &y_hi);
			if (r.one_in(6)) { /* in place */
				f.sa = IG1_SPACE_SCRATCH;
				f.y0 = f.a0 = 1;
				f.a1 = f.y1 = (int32_t)f.n0;
				f.a2 = f.y2 = (int32_t)(f.n0 * f.n1);
				s[0] = 4;
				s[1] = 4 * (int64_t)f.y1;
				s[2] = 4 * (int64_t)f.y2;
				f.a = f.y = place(y_base, z_base, n, s, 4, &y_lo, &y_hi);
			}
		} else if (f.out == IG1_VFMT_Q8) {
			uint32_t row = (f.n0 + 31) / 32 * 32;

			f.y0 = 1;
			f.y1 = r.one_in(2) ? (int32_t)row : 4 * ((int32_t)r.below(201) - 100);
			f.y2 = r.one_in(2) ? (int32_t)(row * f.n1)
					   : 4 * ((int32_t)r.below(401) - 200);
			lim[0] = 1;
			lim[1] = f.n1;
			lim[2] = f.n2;
			s[0] = 0;
			s[1] = f.y1;
			s[2] = f.y2;
			f.y = place(y_base, z_base, lim, s, row, &y_lo, &y_hi);
		}
		if (f.out == IG1_VFMT_Q8 || f.red) {
			uint32_t tail = f.out == IG1_VFMT_Q8 ? (f.n0 + 31) / 32 * 4 : 4;

			f.z1 = r.one_in(2) ? (int32_t)(tail / 4) : (int32_t)r.below(41) - 20;
			f.z2 = r.one_in(2) ? (int32_t)(tail / 4 * f.n1) : (int32_t)r.below(81) - 40;
			lim[0] = 1;
			lim[1] = f.n1;
			lim[2] = f.n2;
			s[0] = 0;
			s[1] = 4 * (int64_t)f.z1;
			s[2] = 4 * (int64_t)f.z2;
			f.z = place(z_base, cfg->scratch_bytes, lim, s, tail, &z_lo, &z_hi);
		}
	}

	static float f32(uint32_t bits)
	{
		float v;

		memcpy(&v, &bits, 4);
		return v;
	}

	void show(const struct ig1_fmt_vec &f)
	{
		printf("# op %#x out %u red %u n %u %u %u spaces %u%u%u%u strides %d %d %d %d y0 %d "
		       "a %#x y %#x z %#x alpha %g beta %g\n",
		       f.op, f.out, f.red, f.n0, f.n1, f.n2, f.sa, f.sb, f.sc, f.sd, f.a0, f.b0,
		       f.c0, f.d0, f.y0, f.a, f.y, f.z, f.alpha, f.beta);
	}

	/* a command on both sides */
	int64_t both(const struct ig1_fmt_vec &f)
	{
		uint32_t w[32], fault;
		uint64_t addr, ctr[IG1_CTR_COUNT];
		int64_t n;

		ig1_encode_vec(&f, w);
		if (bench_ref_exec(ref, w, &fault, &addr, ctr)) {
			printf("# the model refuses: fault %u, %#llx\n", fault,
			       (unsigned long long)addr);
			show(f);
			return -1;
		}
		elems = 0;
		n = run(w, 2000000);
		if (n < 0)
			printf("# not done\n");
		else if (elems != ctr[IG1_CTR_VEC_ELEMS]) {
			printf("# %llu elements counted, should be %llu\n",
			       (unsigned long long)elems,
			       (unsigned long long)ctr[IG1_CTR_VEC_ELEMS]);
			n = -1;
		} else if (got_fault) {
			printf("# fault %u\n", got_fault);
			n = -1;
		}
		if (n < 0)
			show(f);
		return n;
	}
};

static int random_test(vec_bench &b, uint64_t count)
{
	uint64_t i;

	b.fill(0, b.cfg->scratch_bytes / 4);
	for (i = 0; i < count; i++) {
		struct ig1_fmt_vec f;

		b.make(f);
		b.disturb = b.r.one_in(3);
		if (b.r.one_in(50)) { /* stopped half-way: what is written is undefined */
			uint32_t w[32];

			ig1_encode_vec(&f, w);
			if (b.run(w, 2000, b.r.below(60)) < 0) {
				printf("# command %llu: abort is not obeyed\n",
				       (unsigned long long)i);
				b.show(f);
				return -1;
			}
			b.adopt();
			continue;
		}
		if (b.both(f) < 0)
			return -1;
		b.disturb = false;
		/* what the command writes and around it, from time to time all that any may write */
		if (i % 64 == 63 ? b.compare(b.y_base, b.cfg->scratch_bytes) >= 0
				 : b.compare(b.y_lo - 128, b.y_hi + 128) >= 0 ||
					   b.compare(b.z_lo - 128, b.z_hi + 128) >= 0) {
			printf("# command %llu\n", (unsigned long long)i);
			b.show(f);
			return -1;
		}
		b.fill(4 * b.r.below(b.half / 4 - 64), 64);
		if (b.r.one_in(16)) {
			b.fill(b.y_base + 4 * b.r.below((b.z_base - b.y_base) / 4 - 2048), 2048);
		}
	}
	return b.compare(0, b.cfg->scratch_bytes) < 0 ? 0 : -1;
}

/* name, op, out, red, n0, n1, a0, b0, space of c and d */
static const struct {
	const char *name;
	uint8_t op, out, red;
	uint32_t n0, n1;
	int16_t a0, b0;
	uint8_t rom;
} typical[] = {
	{ "v.mov 32", IG1_OP_V_MOV, 1, 0, 32, 1, 1, 0, 0 },
	{ "v.mov 576", IG1_OP_V_MOV, 1, 0, 576, 1, 1, 0, 0 },
	{ "v.add 576", IG1_OP_V_ADD, 1, 0, 576, 1, 1, 1, 0 },
	{ "v.mul sum 576 (squares)", IG1_OP_V_MUL, 0, 1, 576, 1, 1, 1, 0 },
	{ "v.rsqrt 1", IG1_OP_V_RSQRT, 1, 0, 1, 1, 1, 0, 0 },
	{ "v.mul3 q8 576 (norm)", IG1_OP_V_MUL3, 2, 0, 576, 1, 1, 0, 1 },
	{ "v.rot 32 x 9", IG1_OP_V_ROT, 1, 0, 32, 9, 1, 1, 1 },
	{ "v.mov max 256 x 9", IG1_OP_V_MOV, 0, 2, 256, 9, 1, 0, 0 },
	{ "v.exps sum 256 x 9", IG1_OP_V_EXPS, 1, 1, 256, 9, 1, 0, 0 },
	{ "v.mul q8 256 x 9", IG1_OP_V_MUL, 2, 0, 256, 9, 1, 0, 0 },
	{ "v.silumul q8 1536", IG1_OP_V_SILUMUL, 2, 0, 1536, 1, 1, 1, 0 },
	{ "v.mov argmax 49152", IG1_OP_V_MOV, 0, 3, 49152, 1, 1, 0, 0 },
};

static int typical_test(vec_bench &b)
{
	for (const auto &t : typical) {
		struct ig1_fmt_vec f = {};
		int64_t n;

		if (4 * t.n0 * t.n1 > b.half)
			continue;
		f.op = t.op;
		f.out = t.out;
		f.red = t.red;
		f.n0 = t.n0;
		f.n1 = t.n1;
		f.n2 = 1;
		f.a0 = t.a0;
		f.b0 = t.b0;
		f.a1 = f.y1 = (int32_t)t.n0;
		f.b1 = t.b0 ? (int32_t)t.n0 : 1;
		if (t.rom) {
			f.sc = f.sd = IG1_SPACE_CROM;
			f.c0 = f.d0 = 1;
			f.dd = 4096;
		}
		if (!(ig1_vec_sources(f.op) & 4))
			f.sc = 0;
		f.alpha = f.beta = 1.0f;
		f.bb = t.b0 && 8 * t.n0 * t.n1 <= b.half ? 4 * t.n0 * t.n1 : 0;
		f.y0 = 1;
		f.y = b.y_base;
		f.z = b.z_base;
		f.z1 = 1;
		if (t.out == 2)
			f.z1 = (int32_t)(t.n0 + 31) / 32;
		n = b.both(f);
		if (n < 0 || b.compare(b.y_base, b.cfg->scratch_bytes) >= 0)
			return -1;
		printf("# %-26s %6lld cycles\n", t.name, (long long)n);
	}
	return 0;
}

static void speed(vec_bench &b)
{
	struct ig1_fmt_vec f = {};
	uint32_t w[32];
	uint64_t start = b.cycles;
	double s;
	int i;

	f.op = IG1_OP_V_SILUMUL;
	f.out = IG1_VFMT_Q8;
	f.n0 = 1536;
	f.n1 = f.n2 = 1;
	f.a0 = f.b0 = f.y0 = 1;
	f.bb = 8192;
	f.y = b.y_base;
	f.z = b.z_base;
	ig1_encode_vec(&f, w);
	auto t = std::chrono::steady_clock::now();
	for (i = 0; i < 300; i++)
		b.run(w, 100000);
	s = std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
	printf("# speed: %.0f cycles/s, %.1f M elements/s (silumul q8)\n",
	       (double)(b.cycles - start) / s, 300 * 1536e-6 / s);
}

int main(int argc, char **argv)
{
	uint64_t seed = tb_env("SEED", 1), count = tb_env("COUNT", 2000);
	vec_bench b(seed);
	int bad = 0;

	(void)argc;
	(void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..2\n# %s, %s bodies, seed %llu, %llu commands\n", CFG_NAME,
	       CFG_BODY, (unsigned long long)seed, (unsigned long long)count);
	b.reset();
	if (random_test(b, count))
		bad = 1;
	printf("%s 1 - random commands equal the reference model\n", bad ? "not ok" : "ok");
	printf("# cycles at work %llu, trace %016llx\n", (unsigned long long)b.worked,
	       (unsigned long long)b.trace);
	if (!bad && typical_test(b))
		bad |= 2;
	printf("%s 2 - typical commands\n", bad ? "not ok" : "ok");
	if (tb_env("SPEED", 0))
		speed(b);
	return bad ? 1 : 0;
}

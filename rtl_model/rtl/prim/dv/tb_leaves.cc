// SPDX-License-Identifier: MIT
// Arithmetic leaves of the elaborated body against ref/fp.h: corners, random, f16 and to_i8 dense.
// SEED and COUNT come from the environment; TAP on stdout.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "Vprim_leaves_tb.h"
#include "fp.h"
#include "ig1_isa.h"
#include "verilated.h"

extern "C" {
#include "tests/blocks.h"
}

namespace
{

const uint32_t kCorners[] = {
	0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000,
	0x80800000, 0x00800001, 0x80800001, 0x00ffffff, 0x80ffffff, 0x01000000, 0x3f800000,
	0xbf800000, 0x3f800001, 0x3f7fffff, 0xbf7fffff, 0x3f000000, 0xbf000000, 0x3effffff,
	0x3f000001, 0x34000000, 0x33800000, 0x33800001, 0x337fffff, 0xb3800000, 0xb3800001,
	0xb37fffff, 0x33000000, 0xb3000000, 0x32ffffff, 0x40000000, 0x4b000000, 0x4b7fffff,
	0x4b800000, 0xcb7fffff, 0x42fe0000, 0x42ff0000, 0x42feffff, 0x43000000, 0xc2ff0000,
	0x7e7fffff, 0x7e800000, 0x7effffff, 0x7f000000, 0x7f7fffff, 0xff7fffff, 0x7f800000,
	0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x1f800000, 0x1fffffff,
	0x20000000, 0x5f800000, 0x5f7fffff, 0x0fffffff, 0x80123456, 0x7fffffff, 0x00100000,
};
constexpr int kWord = 36; // bytes that a row reads
constexpr size_t kNumCorners = sizeof(kCorners) / sizeof(kCorners[0]);

uint64_t rng_state;

uint32_t Rng()
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return static_cast<uint32_t>(rng_state >> 16);
}

uint32_t RandomFloat()
{
	const uint32_t r = Rng(), sign = r & IG1_SIGN;

	switch (r % 8) {
	case 0:
		return kCorners[Rng() % kNumCorners];
	case 1: // few significant bits: ties and cancellations
		return sign | (120 + Rng() % 16) << 23 | (Rng() % 32) << 18;
	case 2: // near the flush
		return sign | (Rng() % 4) << 23 | (Rng() & IG1_MANT);
	case 3: // near overflow
		return sign | (251 + Rng() % 5) << 23 | (Rng() & IG1_MANT);
	case 4:
	case 5:
		return sign | (115 + Rng() % 30) << 23 | (Rng() & IG1_MANT);
	default:
		return Rng();
	}
}

class Bench
{
public:
	explicit Bench(Vprim_leaves_tb *dut) : dut_(dut)
	{
	}

	void Begin(const char *name)
	{
		name_ = name;
		count_ = bad_ = 0;
	}

	void End()
	{
		test_++;
		std::printf("%sok %d - %s # %" PRIu64 " vectors\n", bad_ ? "not " : "", test_,
			    name_, count_);
		failed_ += bad_ != 0;
	}

	void Expect(const char *what, uint32_t got, uint32_t want)
	{
		count_++;
		if (got == want)
			return;
		if (bad_++ < 5)
			std::printf("# %s: a %08x b %08x c %08x fmt %d gives %08x, not %08x\n",
				    what, dut_->a_i, dut_->b_i, dut_->c_i, dut_->fmt_i, got, want);
	}

	void Float(uint32_t a, uint32_t b, uint32_t c)
	{
		const float fa = ig1_f32_from(a), fb = ig1_f32_from(b), fc = ig1_f32_from(c);

		dut_->a_i = a;
		dut_->b_i = b;
		dut_->c_i = c;
		dut_->eval(); // in the default mode: the DPI bodies set their own
		const ig1_fpenv env = ig1_fp_enter();
		const float pa = ig1_fp_pin(fa), pb = ig1_fp_pin(fb), pc = ig1_fp_pin(fc);
		const float mul = ig1_fp_pin(ig1_mul(pa, pb)), add = ig1_fp_pin(ig1_add(pa, pb));
		const float mad = ig1_fp_pin(ig1_mad(pa, pb, pc));
		ig1_fp_leave(env);
		Expect("mul", dut_->mul_o, ig1_f32_bits(ig1_canon(mul)));
		Expect("add", dut_->add_o, ig1_f32_bits(ig1_canon(add)));
		Expect("mad", dut_->mad_o, ig1_f32_bits(ig1_canon(mad)));
		Expect("max", dut_->max_o, ig1_f32_bits(ig1_max(fa, fb)));
		Convert();
	}

	void Integer(uint32_t a)
	{
		dut_->a_i = a;
		dut_->eval();
		Convert();
	}

	// a block behind two bytes of anything, or the codes of two blocks with activations of their own
	void Dot(const int8_t *x0, const int8_t *x1, const uint8_t *w, const block_format &f)
	{
		const bool pair = ig1_wfmt_step_groups(f.fmt) == 2;
		const uint8_t *block = w + 2;
		int32_t want[2] = { 0, 0 };

		if (pair) { // a scale of two bytes is in front of the codes
			want[0] = block_sum(&f, w, 0, x0);
			want[1] = block_sum(&f, w + 16, 0, x1);
		} else {
			for (unsigned t = 0; t < f.terms; t++)
				want[t] = block_sum(&f, block, t, x0);
		}
		std::memcpy(dut_->x0_i.data(), x0, IG1_NUM_GROUP_ELEMS);
		std::memcpy(dut_->x1_i.data(), x1, IG1_NUM_GROUP_ELEMS);
		std::memcpy(dut_->w_i.data(), block, kWord);
		dut_->fmt_i = f.fmt;
		dut_->eval();
		Expect("tile_dot", dut_->sum0_o, static_cast<uint32_t>(want[0]) & 0x1fffff);
		if (pair || f.terms == 2)
			Expect("tile_dot, second sum", dut_->sum1_o,
			       static_cast<uint32_t>(want[1]) & 0x1fffff);
	}

	int failed() const
	{
		return failed_;
	}

private:
	// what looks at a_i alone
	void Convert()
	{
		const uint32_t a = dut_->a_i;
		const int32_t narrow = static_cast<int32_t>((a & 0x1fffff) ^ 0x100000) - 0x100000;

		Expect("i2f21", dut_->i2f21_o, ig1_f32_bits(ig1_i2f(narrow)));
		Expect("i2f32", dut_->i2f32_o, ig1_f32_bits(ig1_i2f(static_cast<int32_t>(a))));
		Expect("f16", dut_->f16_o, ig1_f32_bits(ig1_f16_to_f32(static_cast<uint16_t>(a))));
		Expect("to_i8", dut_->to_i8_o,
		       static_cast<uint8_t>(ig1_f32_to_i8(ig1_f32_from(a))));
	}

	Vprim_leaves_tb *dut_;
	const char *name_ = "";
	uint64_t count_ = 0, bad_ = 0;
	int test_ = 0, failed_ = 0;
};

uint64_t Env(const char *name, uint64_t fallback)
{
	const char *s = std::getenv(name);

	return s ? std::strtoull(s, nullptr, 0) : fallback;
}

} // namespace

int main(int argc, char **argv)
{
	const uint64_t seed = Env("SEED", 1), count = Env("COUNT", 1000000);
	VerilatedContext context;
	context.commandArgs(argc, argv);
	Vprim_leaves_tb dut(&context);
	Bench bench(&dut);

	rng_state = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	std::printf("TAP version 13\n1..6\n# seed %" PRIu64 " count %" PRIu64 "\n", seed, count);

	bench.Begin("corners of mul, add, mad, max and conversions");
	for (uint32_t a : kCorners)
		for (uint32_t b : kCorners)
			for (uint32_t c : kCorners)
				bench.Float(a, b, c);
	bench.End();

	bench.Begin("random mul, add, mad, max and conversions");
	for (uint64_t i = 0; i < count; i++) {
		uint32_t a = RandomFloat(), b = RandomFloat(), c = RandomFloat();

		if (i % 4 == 0) { // products around 2^-126
			const uint32_t e = 1 + Rng() % 126;

			a = (a & IG1_SIGN) | e << 23 | (a & IG1_MANT);
			b = (b & IG1_SIGN) | (127 - e + Rng() % 3) << 23 | (b & IG1_MANT);
			if (i % 8 == 0) { // within an ulp of it
				const uint32_t r = ig1_f32_bits(
					ig1_recip(ig1_f32_from(IG1_F32_ONE | (a & IG1_MANT))));

				b = (b & IG1_SIGN) | (127 - e) << 23 |
				    ((r + Rng() % 3 - 1) & IG1_MANT);
			}
		} else if (i % 4 == 1) { // sums that nearly cancel, and c against the product
			const float p = ig1_mul(ig1_f32_from(a), ig1_f32_from(b));

			c = (ig1_f32_bits(p) ^ IG1_SIGN) + Rng() % 5 - 2;
			if (i % 8 == 1)
				b = (a ^ IG1_SIGN) + (Rng() % 3 << 23) + Rng() % 5 - 2;
		}
		bench.Float(a, b, c);
	}
	bench.End();

	bench.Begin("all halves");
	for (uint32_t h = 0; h < 65536; h++)
		bench.Integer(h);
	bench.End();

	bench.Begin("fp32_to_i8 dense from 0.25 to 512");
	for (uint32_t x = 125u << 23; x < 136u << 23; x += 61) {
		bench.Integer(x);
		bench.Integer(x | IG1_SIGN);
	}
	for (uint32_t twice = 0; twice < 600; twice++) { // halves and their neighbours
		const uint32_t x = ig1_f32_bits(static_cast<float>(twice) * 0.5f);

		for (uint32_t d = 0; d < 3; d++)
			bench.Integer((x + d - 1) | (Rng() & IG1_SIGN));
	}
	bench.End();

	bench.Begin("i2f powers of two and ties");
	for (int s = 0; s < 32; s++)
		for (uint32_t d = 0; d < 9; d++)
			for (int t = 0; t < 32; t++) {
				const uint32_t v = (1u << s) + (1u << t) + d - 4;

				bench.Integer(v);
				bench.Integer(0u - v);
			}
	bench.End();

	bench.Begin("tile dot");
	for (uint64_t i = 0; i < count; i++) {
		int8_t x[2][IG1_NUM_GROUP_ELEMS];
		uint8_t w[2 + kWord];
		static const uint8_t kBytes[] = { 0x80, 0x7f, 0x00, 0xff, 0x81, 0x88, 0x01, 0x10 };
		const uint32_t kind = Rng() % 4;

		for (int j = 0; j < IG1_NUM_GROUP_ELEMS; j++) {
			const uint32_t r = Rng();

			x[0][j] = static_cast<int8_t>(kind == 0	  ? kBytes[i % 8]
						      : kind == 1 ? kBytes[r % 8]
								  : r);
			x[1][j] = static_cast<int8_t>(kind == 0 ? kBytes[(i >> 7) % 8] : r >> 16);
		}
		for (int j = 0; j < 2 + kWord; j++) {
			const uint32_t r = Rng();

			w[j] = static_cast<uint8_t>(kind == 0	? kBytes[(i >> 3) % 8]
						    : kind == 1 ? kBytes[r % 8]
								: r);
		}
		bench.Dot(x[0], x[1], w, block_formats[(i >> 6) % BLOCK_FORMATS]);
	}
	bench.End();

	dut.final();
	return bench.failed() ? 1 : 0;
}

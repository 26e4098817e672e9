// SPDX-License-Identifier: MIT
//
// What the two benches share: command line, random stalls, the test peripheral.
//
// The test peripheral sits at 0x40000000:
//   0x00 W   end of test: 1 is a pass, 2n+1 is a failure of check n
//   0x04 W   first byte of the signature
//   0x08 W   first byte after the signature
//   0x0c W   interrupt: 0 clears it, n raises it n cycles later
//   0x10 R   bit 0: the bench raises interrupts at random
//   0x14 W   character to standard error
//   0x18 RW  answers with a bus error
//   0x1c RW  scratch register with byte enables
//   0x20 R   cycles spent asleep
//   0x24 R   cycles since the bench started
// 0x80000000 reads the scratch register inverted. All else answers with a bus error.

#ifndef IG1_MCU_TB_COMMON_H
#define IG1_MCU_TB_COMMON_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

struct tb_options {
	const char *image = nullptr;
	const char *signature = nullptr;
	uint64_t max_cycles = 1000000;
	uint64_t kill_cycle = 0; // reset the core once at this cycle and start over
	bool reload = false;	 // load the image again before that
	uint32_t late = 5;	 // longest delay of a response, cycles
	uint32_t seed = 1;
	int stall = 0; // per cent of cycles in which a port is not ready or a response is late
	bool storm = false;
	uint32_t lockup = 0; // a lockup is expected, with this value in the scratch register
};

struct tb_random {
	uint64_t state;

	explicit tb_random(uint32_t seed) : state(0x9e3779b97f4a7c15ull * (seed + 1ull))
	{
	}

	// xorshift64* (Vigna 2016)
	uint32_t next()
	{
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
	}

	bool percent(int p)
	{
		return (int)(next() % 100) < p;
	}
};

struct tb_request {
	uint32_t addr;
	uint32_t wdata;
	uint8_t be;
	bool we;
};

// Byte-enable merge.
static inline uint32_t tb_merge(uint32_t old, const struct tb_request &req)
{
	uint32_t mask = 0;

	for (int i = 0; i < 4; i++)
		mask |= (req.be >> i & 1) ? 0xffu << (8 * i) : 0;
	return (old & ~mask) | (req.wdata & mask);
}

struct tb_periph {
	tb_random &rnd;
	const struct tb_options &opt;
	uint32_t tohost = 0, sig_begin = 0, sig_end = 0, scratch = 0;
	uint64_t irq_delay = 0;
	uint64_t cycle = 0, sleep_cycles = 0, irqs = 0;
	bool irq = false;

	tb_periph(tb_random &r, const struct tb_options &o) : rnd(r), opt(o)
	{
	}

	// Returns true for a bus error.
	bool access(const struct tb_request &req, uint32_t *rdata)
	{
		*rdata = 0;
		switch (req.addr & ~3u) {
		case 0x40000000:
			tohost = req.we ? req.wdata : tohost;
			return false;
		case 0x40000004:
			sig_begin = req.we ? req.wdata : sig_begin;
			return false;
		case 0x40000008:
			sig_end = req.we ? req.wdata : sig_end;
			return false;
		case 0x4000000c:
			irq = false;
			irq_delay = req.we ? req.wdata : 0;
			return false;
		case 0x40000010:
			*rdata = opt.storm;
			return false;
		case 0x40000014:
			if (req.we)
				fputc((int)(req.wdata & 0xff), stderr);
			return false;
		case 0x4000001c:
			if (req.we)
				scratch = tb_merge(scratch, req);
			*rdata = scratch;
			return false;
		case 0x40000020:
			*rdata = (uint32_t)sleep_cycles;
			return false;
		case 0x40000024:
			*rdata = (uint32_t)cycle;
			return false;
		case 0x80000000:
			*rdata = ~scratch;
			return false;
		default:
			return true;
		}
	}

	void tick(bool asleep)
	{
		cycle++;
		sleep_cycles += asleep;
		if (irq_delay && --irq_delay == 0)
			irq = true;
		if (opt.storm && !irq && rnd.percent(1)) {
			irq = true;
			irqs++;
		}
	}
};

// One side of a request and response channel with random stalls.
struct tb_channel {
	bool ready = true, busy = false, err = false;
	int delay = 0;
	uint32_t rdata = 0;

	bool rsp_valid() const
	{
		return busy && delay == 0;
	}

	// Chooses this cycle's ready; a new request is possible when the last response is out.
	void choose(tb_random &rnd, int stall)
	{
		ready = (!busy || delay == 0) && !(stall && rnd.percent(stall));
	}

	// After the clock edge: a response shown in this cycle is gone.
	void retire()
	{
		if (busy && delay == 0)
			busy = false;
		else if (busy)
			delay--;
	}

	void answer(tb_random &rnd, const struct tb_options &opt, uint32_t data, bool error)
	{
		busy = true;
		delay = opt.stall && rnd.percent(opt.stall) ? 1 + (int)(rnd.next() % opt.late) : 0;
		// Data of a failed access is not defined.
		rdata = error ? rnd.next() : data;
		err = error;
	}
};

static inline int tb_parse(int argc, char **argv, struct tb_options *opt)
{
	for (int i = 1; i < argc; i++) {
		const std::string arg = argv[i];
		const char *value = i + 1 < argc ? argv[i + 1] : nullptr;

		if (arg[0] == '+')
			continue;
		if (arg == "--storm") {
			opt->storm = true;
		} else if (arg == "--reload") {
			opt->reload = true;
		} else if (arg[0] != '-') {
			opt->image = argv[i];
		} else if (!value) {
			fprintf(stderr, "%s: value missing\n", argv[i]);
			return -1;
		} else {
			i++;
			if (arg == "--seed") {
				opt->seed = (uint32_t)strtoul(value, nullptr, 0);
			} else if (arg == "--stall") {
				opt->stall = atoi(value);
			} else if (arg == "--max-cycles") {
				opt->max_cycles = strtoull(value, nullptr, 0);
			} else if (arg == "--late") {
				opt->late = (uint32_t)strtoul(value, nullptr, 0);
			} else if (arg == "--kill") {
				opt->kill_cycle = strtoull(value, nullptr, 0);
			} else if (arg == "--expect-lockup") {
				opt->lockup = (uint32_t)strtoul(value, nullptr, 0);
			} else if (arg == "--signature") {
				opt->signature = value;
			} else {
				fprintf(stderr, "%s: unknown option\n", arg.c_str());
				return -1;
			}
		}
	}
	if (!opt->image) {
		fprintf(stderr,
			"usage: %s IMAGE [--signature FILE] [--seed N] [--stall PERCENT] "
			"[--late CYCLES] [--storm] [--kill CYCLE] [--reload] [--max-cycles N] "
			"[--expect-lockup N]\n",
			argv[0]);
		return -1;
	}
	return 0;
}

// Reads a flat image as little-endian words, zero padded.
static inline int tb_read_image(const char *path, uint32_t max_bytes, std::vector<uint32_t> *words)
{
	std::vector<uint8_t> bytes(max_bytes + 1);
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file) {
		perror(path);
		return -1;
	}
	n = fread(bytes.data(), 1, bytes.size(), file);
	fclose(file);
	if (n == 0 || n > max_bytes) {
		fprintf(stderr, "%s: %s\n", path, n ? "larger than the SRAM" : "empty");
		return -1;
	}
	words->assign((n + 3) / 4, 0);
	for (size_t i = 0; i < n; i++)
		(*words)[i / 4] |= (uint32_t)bytes[i] << (i % 4 * 8);
	return 0;
}

// The verdict of a run, printed; 0 is a pass.
static inline int tb_verdict(const struct tb_periph &p, const struct tb_options &opt, bool lockup)
{
	if (lockup || opt.lockup) {
		fprintf(stderr, "%s: %s after %llu cycles, scratch %u\n", opt.image,
			lockup ? "lockup" : "no lockup", (unsigned long long)p.cycle, p.scratch);
		return lockup && opt.lockup == p.scratch ? 0 : 1;
	}
	if (p.tohost == 0) {
		fprintf(stderr, "%s: no result after %llu cycles\n", opt.image,
			(unsigned long long)p.cycle);
		return 1;
	}
	if (p.tohost != 1) {
		fprintf(stderr, "%s: check %u failed, cycle %llu\n", opt.image, p.tohost >> 1,
			(unsigned long long)p.cycle);
		return 1;
	}
	printf("%s: pass, %llu cycles, %llu asleep, %llu random interrupts\n", opt.image,
	       (unsigned long long)p.cycle, (unsigned long long)p.sleep_cycles,
	       (unsigned long long)p.irqs);
	return 0;
}

// The signature is the result word and then the words of the region.
static inline int tb_write_signature(const char *path, const std::vector<uint32_t> &words)
{
	FILE *file = fopen(path, "wb");
	int err = 0;

	if (!file) {
		perror(path);
		return -1;
	}
	for (uint32_t word : words) {
		for (int i = 0; i < 4; i++)
			err |= fputc((int)(word >> (8 * i) & 0xff), file) == EOF;
	}
	err |= fclose(file) != 0;
	if (err)
		fprintf(stderr, "%s: write failed\n", path);
	return err ? -1 : 0;
}

#endif

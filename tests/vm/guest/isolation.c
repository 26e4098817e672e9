// SPDX-License-Identifier: MIT
/*
 * Malicious programs: each tries memory that is not its own and must end with the fault that
 * docs/isa.md gives for it, at the right address, and leave the victim as it was. `--list` prints
 * the rows of the table in docs/isolation.md. Speaks TAP; exit status 0 if all is well.
 */
#include "node.h"

#include "ig1_tables.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>

#define VICTIM_VA UINT64_C(0x4000000000) /* where only the victim has pages */
#define HOLE_VA	  UINT64_C(0x7000000)
#define SECRET	  0x5a

struct world {
	struct node_rig attacker, victim;
	struct node_bo secret_host, secret_sram, ro;
};

/* What a program tries. R1 is the address. */
enum kind {
	READ,
	WRITE,
	SCALARS, /* attention scores: the tile array's own path to memory */
	ROM,
	CROM,
	SCRATCH_LOAD,
	SCRATCH_STORE,
	PROGRAM,
	EMIT,
	TRACE,
	KINDS
};

struct attack {
	const char *what;
	enum kind kind;
	uint64_t va;
	uint32_t fault;
	uint64_t beyond; /* bytes from va to the first one that is not its own */
	bool end;	 /* va counts from the end of the kind's memory */
};

/* Bytes that an operand takes; of `kind`, what lies behind `ends[kind]` is nobody's. */
#define MOVE_BYTES   64
#define ROM_BYTES    34 /* a block */
#define VECTOR_BYTES 8
static uint64_t ends[KINDS];

static const struct attack attacks[] = {
	{ "read another context's host page", READ, VICTIM_VA, IG1_FAULT_PAGE },
	{ "write another context's host page", WRITE, VICTIM_VA, IG1_FAULT_PAGE },
	{ "read another context's resident page (its KV cache)", READ, VICTIM_VA + 0x100000,
	  IG1_FAULT_PAGE },
	{ "write another context's resident page", WRITE, VICTIM_VA + 0x100000, IG1_FAULT_PAGE },
	{ "attention over another context's KV cache", SCALARS, VICTIM_VA + 0x100000,
	  IG1_FAULT_PAGE },
	{ "run another context's program", PROGRAM, VICTIM_VA, IG1_FAULT_PAGE },
	{ "emit tokens into another context's page", EMIT, VICTIM_VA, IG1_FAULT_PAGE },
	/* A trace that cannot be written is dropped. */
	{ "trace into another context's page", TRACE, VICTIM_VA, IG1_FAULT_NONE },
	{ "read address 0", READ, 0, IG1_FAULT_PAGE },
	{ "write address 0", WRITE, 0, IG1_FAULT_PAGE },
	{ "read host memory by its physical address", READ, 0x1000, IG1_FAULT_PAGE },
	{ "read high host memory by its physical address", READ, UINT64_C(0x100000000),
	  IG1_FAULT_PAGE },
	{ "write host memory by its physical address", WRITE, UINT64_C(0x100000000),
	  IG1_FAULT_PAGE },
	{ "read a page that was unmapped", READ, HOLE_VA, IG1_FAULT_PAGE },
	{ "write a page that was unmapped", WRITE, HOLE_VA, IG1_FAULT_PAGE },
	{ "read behind a buffer's last page", READ, NODE_DATA_VA + IG1_PAGE_BYTES, IG1_FAULT_PAGE },
	{ "read before a buffer's first page", READ, NODE_DATA_VA - IG1_PAGE_BYTES,
	  IG1_FAULT_PAGE },
	{ "read from its own page into an unmapped one", READ, NODE_DATA_VA + IG1_PAGE_BYTES - 32,
	  IG1_FAULT_PAGE, 32 },
	{ "write from its own page into an unmapped one", WRITE, NODE_DATA_VA + IG1_PAGE_BYTES - 32,
	  IG1_FAULT_PAGE, 32 },
	{ "run a program from unmapped memory", PROGRAM, HOLE_VA, IG1_FAULT_PAGE },
	{ "emit tokens into unmapped memory", EMIT, HOLE_VA, IG1_FAULT_PAGE },
	{ "read the MCU's memory", READ, IG1_PAGE_BYTES * 2, IG1_FAULT_PAGE },
	{ "read the MCU's peripherals", READ, UINT64_C(0x40000000), IG1_FAULT_PAGE },
	{ "write the MCU's peripherals", WRITE, UINT64_C(0x40000000), IG1_FAULT_PAGE },
	{ "read beyond the address space", READ, UINT64_C(1) << IG1_VA_BITS, IG1_FAULT_PAGE },
	{ "write beyond the address space", WRITE, UINT64_C(1) << 63, IG1_FAULT_PAGE },
	{ "write a read-only page", WRITE, UINT64_C(0x300000), IG1_FAULT_WRITE },
	{ "write the program itself", WRITE, NODE_CODE_VA, IG1_FAULT_WRITE },
	{ "emit tokens into a read-only page", EMIT, UINT64_C(0x300000), IG1_FAULT_WRITE },
	{ "read the weight ROM far beyond the mask", ROM, 0xfffff000, IG1_FAULT_ROM },
	{ "read the weight ROM behind the mask's last byte", ROM, 0, IG1_FAULT_ROM, .end = true },
	{ "read from the mask's weight ROM beyond its end", ROM, -(ROM_BYTES - 2), IG1_FAULT_ROM,
	  .end = true },
	{ "read the constant ROM far beyond the mask", CROM, 0xfffff000, IG1_FAULT_CROM },
	{ "read the constant ROM behind the mask's last number", CROM, 0, IG1_FAULT_CROM,
	  .end = true },
	{ "read from the mask's constant ROM beyond its end", CROM, -(VECTOR_BYTES - 4),
	  IG1_FAULT_CROM, .end = true },
	{ "load into scratch far beyond its end", SCRATCH_LOAD, 0xfffff000, IG1_FAULT_SCRATCH },
	{ "load behind the last byte of scratch", SCRATCH_LOAD, 0, IG1_FAULT_SCRATCH, .end = true },
	{ "load into scratch and beyond its end", SCRATCH_LOAD, -(MOVE_BYTES - 4),
	  IG1_FAULT_SCRATCH, .end = true },
	{ "store from scratch far beyond its end", SCRATCH_STORE, 0xfffff000, IG1_FAULT_SCRATCH },
	{ "store from behind the last byte of scratch", SCRATCH_STORE, 0, IG1_FAULT_SCRATCH,
	  .end = true },
	{ "store from scratch and beyond its end", SCRATCH_STORE, -(MOVE_BYTES - 4),
	  IG1_FAULT_SCRATCH, .end = true },
};

#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

/* What is its own up to the last byte, so that the ends above are where they should be. */
static const struct attack allowed[] = {
	{ "the last block of the weight ROM is read", ROM, -ROM_BYTES, .end = true },
	{ "the last number of the constant ROM is read", CROM, -4, .end = true },
	{ "the last bytes of scratch are loaded", SCRATCH_LOAD, -MOVE_BYTES, .end = true },
	{ "the last bytes of scratch are stored", SCRATCH_STORE, -MOVE_BYTES, .end = true },
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s\n", what);
	exit(1);
}

static uint64_t fdt_number(const void *fdt, const char *name)
{
	int bytes = 0;
	const void *p = fdt_getprop(fdt, fdt_path_offset(fdt, "/chip"), name, &bytes);

	must(bytes == 4 || bytes == 8, name);
	return bytes == 4 ? fdt32_ld(p) : fdt64_ld(p);
}

/* Where scratch and what the mask has of the ROMs end, as the device's tree says. */
static void find_ends(int fd)
{
	static uint32_t fdt[IG1_FDT_WINDOW_BYTES / 4];
	struct drm_intaglio_dev_query q = { DRM_INTAGLIO_QUERY_FDT, sizeof(fdt), (uintptr_t)fdt };

	must(!NODE_CALL(fd, DEV_QUERY, &q) && !fdt_check_header(fdt), "the device tree");
	ends[ROM] = fdt_number(fdt, IG1_FDT_CHIP_ROM_BYTES);
	ends[CROM] = fdt_number(fdt, IG1_FDT_CHIP_CROM_BYTES);
	ends[SCRATCH_LOAD] = fdt_number(fdt, IG1_FDT_CHIP_SCRATCH_BYTES);
	ends[SCRATCH_STORE] = ends[SCRATCH_LOAD];
}

/* The address that R1, or the operand in ROM or scratch, has. */
static uint64_t address(const struct attack *a)
{
	return (a->end ? ends[a->kind] : 0) + a->va;
}

static void world_open(int fd, struct world *w)
{
	struct node_rig *a = &w->attacker, *v = &w->victim;
	uint32_t flags = DRM_INTAGLIO_GEM_RESIDENT;
	struct drm_intaglio_completion c;
	uint64_t args[2] = { VICTIM_VA, VICTIM_VA + 0x100000 };
	struct prog copy = { 0 };

	node_rig_open(fd, a);
	node_rig_open(fd, v);
	must(!node_bo_create(fd, IG1_PAGE_BYTES, 0, 0, &w->secret_host), "host page");
	must(!node_bo_create(fd, IG1_PAGE_BYTES, flags, v->vm, &w->secret_sram), "resident page");
	must(!node_bo_create(fd, IG1_PAGE_BYTES, 0, 0, &w->ro), "read-only page");
	memset(w->secret_host.p, SECRET, IG1_PAGE_BYTES);
	must(!node_map(fd, v->vm, &w->secret_host, 0, VICTIM_VA, IG1_PAGE_BYTES, 0) &&
		     !node_map(fd, v->vm, &w->secret_sram, 0, VICTIM_VA + 0x100000, IG1_PAGE_BYTES,
			       0) &&
		     !node_map(fd, a->vm, &w->ro, 0, 0x300000, IG1_PAGE_BYTES,
			       DRM_INTAGLIO_BIND_READONLY),
	     "mappings");
	/* The hole was mapped once, to the attacker's own memory. */
	must(!node_map(fd, a->vm, &a->data, 0, HOLE_VA, IG1_PAGE_BYTES, 0) &&
		     !node_unmap(fd, a->vm, HOLE_VA, IG1_PAGE_BYTES),
	     "hole");
	prog_move(&copy, IG1_OP_D_LD, 1, 0, 0, IG1_PAGE_BYTES);
	prog_move(&copy, IG1_OP_D_ST, 2, 0, 0, IG1_PAGE_BYTES);
	prog_end(&copy);
	must(!node_run(v, &copy, args, 2, &c) && !c.error, "the victim's page");
}

static void world_close(int fd, struct world *w)
{
	node_rig_close(&w->attacker);
	node_rig_close(&w->victim);
	node_bo_destroy(fd, &w->secret_host);
	node_bo_destroy(fd, &w->secret_sram);
	node_bo_destroy(fd, &w->ro);
}

static bool only(const uint8_t *p, uint8_t value)
{
	size_t i;

	for (i = 0; i < IG1_PAGE_BYTES && p[i] == value; i++)
		;
	return i == IG1_PAGE_BYTES;
}

/* Both secrets are as they were: the victim itself looks. */
static bool victim_is_whole(struct world *w)
{
	struct drm_intaglio_completion c;
	uint64_t args[2] = { VICTIM_VA + 0x100000, NODE_DATA_VA };
	struct prog copy = { 0 };

	prog_move(&copy, IG1_OP_D_LD, 1, 0, 0, IG1_PAGE_BYTES);
	prog_move(&copy, IG1_OP_D_ST, 2, 0, 0, IG1_PAGE_BYTES);
	prog_end(&copy);
	memset(w->victim.data.p, 0, IG1_PAGE_BYTES);
	return !node_run(&w->victim, &copy, args, 2, &c) && !c.error &&
	       only(w->victim.data.p, SECRET) && only(w->secret_host.p, SECRET);
}

static void build(const struct attack *a, struct prog *p)
{
	struct ig1_fmt_att att = { .op = IG1_OP_T_QK,
				   .heads = 1,
				   .qper = 1,
				   .groups = 1,
				   .rkv = 1,
				   .rks = 1,
				   .rnpos = 2,
				   .ks = 1024,
				   .y = 8192,
				   .xs = 4096 };
	struct ig1_fmt_emb emb = {
		.op = IG1_OP_T_EMB, .wstride = 34, .rows = 1, .groups = 1, .cols = 1, .y = 8192
	};
	struct ig1_fmt_vec vec = { .op = IG1_OP_V_MOV,
				   .out = IG1_VFMT_F32,
				   .a0 = 1,
				   .y0 = 1,
				   .n0 = VECTOR_BYTES / 4,
				   .n1 = 1,
				   .n2 = 1,
				   .y = 8192 };

	memset(p, 0, sizeof(*p));
	prog_li(p, 20, 1);
	switch (a->kind) {
	case READ:
		prog_move(p, IG1_OP_D_LD, 1, 0, 0, MOVE_BYTES);
		break;
	case WRITE:
		prog_move(p, IG1_OP_D_ST, 1, 0, 0, MOVE_BYTES);
		break;
	case SCALARS:
		ig1_encode_att(&att, prog_next(p, "scores"));
		break;
	case ROM:
		prog_seq(p, "index", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST });
		emb.rom = (uint32_t)address(a);
		ig1_encode_emb(&emb, prog_next(p, "emb"));
		break;
	case CROM:
		vec.sa = IG1_SPACE_CROM;
		vec.a = (uint32_t)address(a);
		/* A mask may have a single number. */
		if (!a->fault)
			vec.n0 = 1;
		ig1_encode_vec(&vec, prog_next(p, "vec"));
		break;
	case SCRATCH_LOAD:
		prog_move(p, IG1_OP_D_LD, 3, 0, (uint32_t)address(a), MOVE_BYTES);
		break;
	case SCRATCH_STORE:
		prog_move(p, IG1_OP_D_ST, 3, 0, (uint32_t)address(a), MOVE_BYTES);
		break;
	case PROGRAM:
		break;
	case EMIT:
		prog_seq(p, "emit",
			 (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 20, .kind = 1 });
		break;
	case TRACE:
		prog_move(p, IG1_OP_D_LD, 3, 0, 0, MOVE_BYTES);
		break;
	case KINDS:
		break;
	}
	prog_end(p);
}

/* What the record must name: the first address of the operand that is not its own. */
static uint64_t fault_addr(const struct attack *a)
{
	return a->fault ? address(a) + a->beyond : 0;
}

static void try(struct world *w, const struct attack *a)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .nargs = 3 };
	struct drm_intaglio_queue_control resume = { .op = DRM_INTAGLIO_QUEUE_RESUME };
	struct node_rig *r = &w->attacker;
	struct drm_intaglio_completion c;
	uint64_t addr;
	struct prog p;
	bool good;
	int err;

	build(a, &p);
	memcpy(r->code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	job.args[0] = a->va;
	job.args[1] = 1;
	job.args[2] = NODE_DATA_VA;
	if (a->kind == PROGRAM)
		job.prog_va = a->va;
	if (a->kind == EMIT) {
		job.emit_va = a->va;
		job.emit_entries = 8;
	}
	if (a->kind == TRACE) {
		job.trace_va = a->va;
		job.trace_entries = 8;
	}
	err = node_submit(r->fd, &r->q, &job);
	if (!err)
		err = node_wait(r->fd, &r->q, job.seq, &c);
	good = !err && c.fault == a->fault && c.error == (a->fault ? -EFAULT : 0) && !c.traced;
	addr = fault_addr(a);
	good = good && c.fault_addr == addr;
	tap_ok(good, "%s: fault %s at %#llx", a->what, ig1_fault_name(a->fault),
	       (unsigned long long)addr);
	if (err)
		printf("# errno %d\n", -err);
	else if (!good)
		printf("# error %d, fault %u at %#llx, command %u, %u trace records\n", c.error,
		       c.fault, (unsigned long long)c.fault_addr, c.fault_index, c.traced);
	resume.queue_id = r->q.id;
	do {
		err = NODE_CALL(r->fd, QUEUE_CONTROL, &resume);
	} while (err == -EBUSY);
	if (err)
		printf("# RESUME: errno %d\n", -err);
}

/* What others left in scratch and SRAM cannot be read. */
static void leftovers(struct world *w)
{
	struct node_rig *r = &w->attacker;
	struct drm_intaglio_completion c;
	uint64_t args[2] = { NODE_DATA_VA, 0x8000000 };
	struct prog p = { 0 };
	struct node_bo bo;
	int i, good = 0, err;

	must(victim_is_whole(w), "the victim's job"); /* its secret is in scratch now */
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, IG1_PAGE_BYTES);
	prog_end(&p);
	memset(r->data.p, 0xff, IG1_PAGE_BYTES);
	err = node_run(r, &p, args, 1, &c);
	tap_ok(!err && !c.error && only(r->data.p, 0), "another context's scratch is cleared");
	memset(&p, 0, sizeof(p));
	prog_move(&p, IG1_OP_D_LD, 2, 0, 0, IG1_PAGE_BYTES);
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, IG1_PAGE_BYTES);
	prog_end(&p);
	for (i = 0; i < 64; i++) {
		if (node_bo_create(r->fd, IG1_PAGE_BYTES, DRM_INTAGLIO_GEM_RESIDENT, 0, &bo))
			break;
		err = node_map(r->fd, r->vm, &bo, 0, args[1], IG1_PAGE_BYTES, 0);
		memset(r->data.p, 0xff, IG1_PAGE_BYTES);
		if (!err)
			err = node_run(r, &p, args, 2, &c);
		good += !err && !c.error && only(r->data.p, 0);
		/* The next owner of the page finds it dirty, if nobody clears it. */
		memset(r->data.p, SECRET, IG1_PAGE_BYTES);
		node_unmap(r->fd, r->vm, args[1], IG1_PAGE_BYTES);
		node_bo_destroy(r->fd, &bo);
	}
	tap_ok(i > 0 && good == i, "resident pages are zero at first (%d of %d)", good, i);
}

int main(int argc, char **argv)
{
	struct world w = { 0 };
	size_t i;
	int fd;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (i = 0; i < ATTACKS; i++)
			printf("| %s | %s |\n", attacks[i].what, ig1_fault_name(attacks[i].fault));
		return 0;
	}
	fd = node_open(0, 0);
	find_ends(fd);
	world_open(fd, &w);
	for (i = 0; i < ATTACKS; i++)
		try(&w, &attacks[i]);
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		try(&w, &allowed[i]);
	tap_ok(victim_is_whole(&w), "the victim's memory is as it was, and its queue runs");
	leftovers(&w);
	world_close(fd, &w);
	drm_sys.close(fd);
	return tap_end();
}

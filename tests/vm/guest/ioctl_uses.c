// SPDX-License-Identifier: MIT
/* The plain uses of the ioctls: jobs, tokens, faults, fences, and what lives how long. */
#include "ioctl_test.h"

#include <errno.h>
#include <unistd.h>

static struct node_rig *rig;
static int fd;

static void data_flows(void)
{
	struct drm_intaglio_completion c;
	uint64_t args[1] = { NODE_DATA_VA };
	uint32_t *p = rig->data.p, i;
	struct prog prog = { 0 };

	for (i = 0; i < 16; i++)
		p[i] = 0x1000 + i;
	prog_move(&prog, IG1_OP_D_LD, 1, 0, 0, 64);
	prog_move(&prog, IG1_OP_D_ST, 1, 256, 0, 64);
	prog_end(&prog);
	tap_result(node_run(rig, &prog, args, 1, &c), 0, "a job");
	tap_ok(!c.error && !c.fault && c.seq == 1 && c.counters[IG1_CTR_COMMANDS] == 3 &&
		       c.counters[IG1_CTR_DMA_BYTES] == 128,
	       "its record");
	tap_ok(!memcmp(p, p + 64, 64), "its data");
}

static void tokens_arrive(void)
{
	struct drm_intaglio_job job = {
		.prog_va = NODE_CODE_VA, .prog_len = 4, .emit_va = NODE_DATA_VA, .emit_entries = 4
	};
	const struct ig1_token *t = rig->data.p;
	struct drm_intaglio_completion c = { 0 };
	struct prog prog = { 0 };
	int err;

	prog_seq(&prog, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 9, .imm = 4, .len = 1 });
	prog_seq(&prog, "emit", (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 9, .kind = 1 });
	prog_end(&prog);
	job.prog_len = prog.n;
	memcpy(rig->code.p, prog.w, sizeof(prog.w));
	memset(rig->data.p, 0, PAGE);
	err = node_submit(fd, &rig->q, &job);
	if (!err)
		err = node_wait(fd, &rig->q, job.seq, &c);
	tap_ok(!err && !c.error && c.emitted == 4 && t[0].seq == 1 && t[3].seq == 4 &&
		       t[3].value == 3,
	       "token records arrive in memory");
}

static void faults_stop_the_queue(void)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = rig->q.id };
	struct drm_intaglio_queue_control k = { .queue_id = rig->q.id,
						.op = DRM_INTAGLIO_QUEUE_RESUME };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct prog bad = { 0 }, end = { 0 };
	struct drm_intaglio_completion c;
	int err;

	prog_li(&bad, 9, 0);
	prog_next(&bad, "bad")[0] = 0xee;
	prog_end(&end);
	tap_result(node_run(rig, &bad, NULL, 0, &c), 0, "a job that faults");
	tap_ok(c.error == -EFAULT && c.fault == IG1_FAULT_OPCODE && c.fault_index == 1,
	       "its record has the fault");
	tap_ok(!NODE_CALL(fd, QUEUE_GET_STATE, &g) && g.state == DRM_INTAGLIO_QUEUE_STOPPED &&
		       g.last.seq == c.seq && g.last.fault == c.fault && g.last.error == c.error &&
		       g.submitted == c.seq && g.completed == c.seq,
	       "so has the queue's state");
	tap_result(exec_jobs(rig->q.id, &job, sizeof(job), 1), -ECANCELED,
		   "EXEC: the queue is stopped");
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	tap_result(err, 0, "RESUME");
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "RESUME: of a queue that runs");
	tap_ok(!node_run(rig, &end, NULL, 0, &c) && !c.error, "the queue runs again");
}

static void cancel_ends_jobs(void)
{
	struct drm_intaglio_queue_control k = { .queue_id = rig->q.id };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct drm_intaglio_completion c[2] = { 0 };
	struct prog p = { 0 }, end = { 0 };
	uint64_t seq[2] = { 0 };
	int err;

	prog_endless(&p);
	job.prog_len = p.n;
	memcpy(rig->code.p, p.w, sizeof(p.w));
	must(node_submit(fd, &rig->q, &job), "EXEC");
	seq[0] = job.seq;
	must(node_submit(fd, &rig->q, &job), "EXEC");
	seq[1] = job.seq;
	k.op = DRM_INTAGLIO_QUEUE_CANCEL;
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "CANCEL");
	err = node_wait(fd, &rig->q, seq[1], &c[1]);
	if (!err)
		err = node_wait(fd, &rig->q, seq[0], &c[0]);
	tap_ok(!err && c[0].error == -ECANCELED && c[1].error == -ECANCELED,
	       "running and waiting jobs end with ECANCELED");
	k.op = DRM_INTAGLIO_QUEUE_RESUME;
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	tap_result(err, 0, "RESUME");
	prog_end(&end);
	tap_ok(!node_run(rig, &end, NULL, 0, &c[0]) && !c[0].error, "the queue runs again");
	job.watchdog = 10000;
	memcpy(rig->code.p, p.w, sizeof(p.w));
	must(node_submit(fd, &rig->q, &job), "EXEC");
	tap_ok(!node_wait(fd, &rig->q, job.seq, &c[0]) && c[0].error == -EFAULT &&
		       c[0].fault == IG1_FAULT_WATCHDOG,
	       "the watchdog ends a job");
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
}

static uint64_t completed(uint32_t queue)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = queue };

	must(NODE_CALL(fd, QUEUE_GET_STATE, &g), "QUEUE_GET_STATE");
	return g.completed;
}

static int resume(uint32_t queue)
{
	struct drm_intaglio_queue_control k = { .queue_id = queue,
						.op = DRM_INTAGLIO_QUEUE_RESUME };
	int err;

	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	return err;
}

/*
 * Jobs wait for somebody's fence that does not signal; CANCEL and QUEUE_DESTROY end them all the same,
 * and those behind them. `busy`: a queue that runs something until the fence has been seen not to
 * matter, or NULL.
 */
static void end_waiting_jobs(const char *what, uint32_t handle, uint64_t point,
			     struct node_queue *busy)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct drm_intaglio_queue_control k = { .op = DRM_INTAGLIO_QUEUE_CANCEL };
	struct drm_intaglio_queue_destroy d = { 0 };
	struct drm_intaglio_completion c[2] = { 0 };
	struct node_queue q[2];
	struct prog end = { 0 };
	uint64_t seq[2][2];
	int err, i;

	prog_end(&end);
	memcpy(rig->code.p, end.w, sizeof(end.w));
	for (i = 0; i < 2; i++) {
		must(node_queue_create(fd, rig->vm, 1, &q[i]), "QUEUE_CREATE");
		must(node_submit_after(fd, &q[i], &job, handle, point), "EXEC");
		seq[i][0] = job.seq;
		must(node_submit(fd, &q[i], &job), "EXEC");
		seq[i][1] = job.seq;
	}
	usleep(100000);
	tap_ok(!completed(q[0].id) && !completed(q[1].id), "jobs wait for %s", what);
	k.queue_id = q[0].id;
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "CANCEL");
	d.queue_id = q[1].id;
	tap_result(NODE_CALL(fd, QUEUE_DESTROY, &d), 0, "QUEUE_DESTROY");
	q[1].id = 0;
	for (i = 0; i < 2; i++) {
		err = node_wait(fd, &q[i], seq[i][1], &c[1]);
		if (!err)
			err = node_wait(fd, &q[i], seq[i][0], &c[0]);
		tap_ok(!err && c[0].error == -ECANCELED && c[1].error == -ECANCELED,
		       "the jobs of the queue that is %s end with ECANCELED",
		       i ? "destroyed" : "cancelled");
	}
	if (busy) {
		tap_ok(!completed(busy->id), "before the fence signals");
		k.queue_id = busy->id;
		must(NODE_CALL(fd, QUEUE_CONTROL, &k), "CANCEL");
		drm_sys.syncobj_wait(fd, handle, point);
	}
	tap_result(resume(q[0].id), 0, "RESUME");
	must(node_submit(fd, &q[0], &job), "EXEC");
	tap_ok(!node_wait(fd, &q[0], job.seq, &c[0]) && !c[0].error, "the queue runs again");
	for (i = 0; i < 2; i++)
		node_queue_destroy(fd, &q[i]);
}

static void cancel_ends_waiting_jobs(void)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct node_rig busy;
	struct prog p = { 0 };
	uint32_t never;

	node_rig_open(fd, &busy);
	prog_endless(&p);
	memcpy(busy.code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit(fd, &busy.q, &job), "EXEC");
	end_waiting_jobs("a job that does not end", busy.q.syncobj, busy.q.point, &busy.q);
	node_rig_close(&busy);
	if (node_never(fd, &never)) {
		tap_skip("jobs wait for a fence that never signals", "this kernel has no sw_sync");
		return;
	}
	end_waiting_jobs("a fence that never signals", never, 0, NULL);
	drm_sys.syncobj_destroy(fd, never);
}

#define SHARED_VA UINT64_C(0x5000000)

/* A job that copies a word from one address to another, after a fence if a handle is given. */
static uint64_t submit_copy(struct node_rig *r, uint64_t from, uint64_t to, uint32_t handle,
			    uint64_t point)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .nargs = 2, .args = { from, to } };
	struct prog p = { 0 };

	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_move(&p, IG1_OP_D_ST, 2, 0, 0, 4);
	prog_end(&p);
	memcpy(r->code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit_after(fd, &r->q, &job, handle, point), "EXEC");
	return job.seq;
}

static void cancel(struct node_queue *q)
{
	struct drm_intaglio_queue_control k = { .queue_id = q->id,
						.op = DRM_INTAGLIO_QUEUE_CANCEL };

	must(NODE_CALL(fd, QUEUE_CONTROL, &k), "CANCEL");
}

/*
 * Two VMs map one buffer. The first's job, which writes it, waits for a third's, which is endless; the
 * second's reads it, and would be in the chip's ring long before the writer without implicit fences.
 */
static void reader_follows_writer(struct node_rig *writer, struct node_rig *reader,
				  const uint32_t *shared)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct drm_intaglio_completion c;
	uint32_t *word = reader->data.p;
	struct prog p = { 0 };
	struct node_rig busy;
	uint64_t seq[2];

	node_rig_open(fd, &busy);
	prog_endless(&p);
	memcpy(busy.code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit(fd, &busy.q, &job), "EXEC");
	*(uint32_t *)writer->data.p = 0x600d;
	*word = 0xbad;
	seq[0] = submit_copy(writer, NODE_DATA_VA, SHARED_VA, busy.q.syncobj, busy.q.point);
	seq[1] = submit_copy(reader, SHARED_VA, NODE_DATA_VA, 0, 0);
	usleep(100000);
	tap_ok(!completed(busy.q.id), "a third job is still running");
	cancel(&busy.q);
	tap_ok(!node_wait(fd, &writer->q, seq[0], &c) && !c.error, "the writer ends well");
	tap_ok(!node_wait(fd, &reader->q, seq[1], &c) && !c.error, "so does the reader");
	tap_ok(*shared == 0x600d && *word == 0x600d, "it read what was written: %#x", *word);
	node_rig_close(&busy);
}

/* The chip is free, the first VM's job never starts. */
static void reader_waits(struct node_rig *writer, struct node_rig *reader,
			 struct node_rig *stranger)
{
	uint64_t before = completed(reader->q.id), seq;
	struct drm_intaglio_completion c;
	uint32_t never;

	if (node_never(fd, &never)) {
		tap_skip("a job waits for one that never starts", "this kernel has no sw_sync");
		return;
	}
	submit_copy(writer, NODE_DATA_VA, SHARED_VA, never, 0);
	seq = submit_copy(reader, SHARED_VA, NODE_DATA_VA, 0, 0);
	tap_ok(!node_wait(fd, &stranger->q, submit_copy(stranger, SHARED_VA, NODE_DATA_VA, 0, 0),
			  &c) &&
		       !c.error,
	       "a job with a private buffer does not wait");
	usleep(100000);
	tap_ok(completed(reader->q.id) == before, "one with the shared buffer does");
	cancel(&writer->q);
	tap_ok(!node_wait(fd, &reader->q, seq, &c) && !c.error, "until the first is cancelled");
	drm_sys.syncobj_destroy(fd, never);
}

static void implicit_fences(void)
{
	struct node_rig writer, reader, stranger;
	struct node_bo shared, private;

	if (!node_real()) {
		tap_skip("implicit fences", "the kernel is a fake");
		return;
	}
	node_rig_open(fd, &writer);
	node_rig_open(fd, &reader);
	node_rig_open(fd, &stranger);
	must(node_bo_create(fd, PAGE, 0, 0, &shared), "shared buffer");
	must(node_bo_create(fd, PAGE, 0, stranger.vm, &private), "private buffer");
	must(node_map(fd, writer.vm, &shared, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	must(node_map(fd, reader.vm, &shared, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	must(node_map(fd, stranger.vm, &private, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	reader_follows_writer(&writer, &reader, shared.p);
	reader_waits(&writer, &reader, &stranger);
	node_rig_close(&writer);
	node_rig_close(&reader);
	node_rig_close(&stranger);
	node_bo_destroy(fd, &shared);
	node_bo_destroy(fd, &private);
}

/* Many jobs, an asynchronous mapping that the first waits for, in one go. */
static void fences_order_work(void)
{
	struct drm_intaglio_job jobs[64] = { 0 };
	struct drm_intaglio_sync bound = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL, .point = 7
	};
	struct drm_intaglio_sync wait, last = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL,
		.handle = rig->q.syncobj,
	};
	struct drm_intaglio_sync done = { .flags = DRM_INTAGLIO_SYNC_SIGNAL };
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .handle = rig->data.handle,
					   .va = 0x6000000,
					   .size = PAGE };
	struct drm_intaglio_vm_bind b = { .vm_id = rig->vm,
					  .flags = DRM_INTAGLIO_VM_BIND_ASYNC,
					  .ops = { sizeof(op), 1, (uintptr_t)&op } };
	struct prog p = { 0 };
	uint32_t i, *word = rig->data.p;
	int err;

	must(drm_sys.syncobj_create(fd, &bound.handle), "syncobj");
	must(drm_sys.syncobj_create(fd, &done.handle), "syncobj");
	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_sync(&p);
	prog_seq(&p, "ld", (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 9 });
	prog_seq(&p, "x3",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_MUL, .rd = 9, .ra = 9, .imm = 3 });
	prog_seq(&p, "add",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .rd = 9, .ra = 9, .rb = 2 });
	prog_seq(&p, "st", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 9 });
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, 4);
	prog_end(&p);
	memcpy(rig->code.p, p.w, sizeof(p.w));
	*word = 0;
	op.syncs = (struct drm_intaglio_obj_array){ sizeof(bound), 1, (uintptr_t)&bound };
	tap_result(NODE_CALL(fd, VM_BIND, &b), 0, "VM_BIND: ASYNC");
	wait = bound;
	wait.flags = DRM_INTAGLIO_SYNC_TIMELINE;
	last.point = ++rig->q.point;
	for (i = 0; i < 64; i++) {
		jobs[i] = (struct drm_intaglio_job){ .prog_va = NODE_CODE_VA,
						     .prog_len = p.n,
						     .nargs = 2,
						     .args = { 0x6000000, i } };
	}
	jobs[0].syncs = (struct drm_intaglio_obj_array){ sizeof(wait), 1, (uintptr_t)&wait };
	jobs[62].syncs = (struct drm_intaglio_obj_array){ sizeof(done), 1, (uintptr_t)&done };
	jobs[63].syncs = (struct drm_intaglio_obj_array){ sizeof(last), 1, (uintptr_t)&last };
	tap_result(exec_jobs(rig->q.id, jobs, sizeof(jobs[0]), 64), 0, "EXEC: 64 jobs at once");
	tap_ok(jobs[63].seq == jobs[0].seq + 63, "they are numbered one after the other");
	err = drm_sys.syncobj_wait(fd, rig->q.syncobj, last.point);
	for (i = 0, jobs[0].seq = 0; i < 64; i++)
		jobs[0].seq = (uint32_t)(jobs[0].seq * 3 + i);
	tap_ok(!err && *word == (uint32_t)jobs[0].seq, "they run in order, after the mapping");
	tap_result(node_unmap(fd, rig->vm, 0x6000000, PAGE), 0, "UNMAP");
	drm_sys.syncobj_destroy(fd, bound.handle);
	drm_sys.syncobj_destroy(fd, done.handle);
}

/* Objects live as long as they are used. */
static void lifetimes(void)
{
	struct drm_intaglio_completion c;
	struct prog end = { 0 };
	struct node_rig r;
	uint32_t vm;

	prog_end(&end);
	node_rig_open(fd, &r);
	/* The program's handle goes, its mapping stays. */
	memcpy(r.code.p, end.w, sizeof(end.w));
	tap_result(drm_sys.bo_close(fd, r.code.handle), 0, "closing the handle of a mapped buffer");
	r.code.handle = 0;
	tap_ok(!node_run(&r, &end, NULL, 0, &c) && !c.error, "the chip still sees it");
	vm = r.vm;
	tap_result(node_vm_destroy(fd, vm), 0, "VM_DESTROY: under a queue");
	tap_result(node_map(fd, vm, &r.data, 0, 0x5000000, PAGE, 0), -ENOENT,
		   "VM_BIND: of a destroyed VM");
	tap_ok(!node_run(&r, &end, NULL, 0, &c) && !c.error, "its queue runs on");
	node_queue_destroy(fd, &r.q);
	node_bo_destroy(fd, &r.data);
	node_bo_destroy(fd, &r.code);
}

void plain_uses(int node, struct node_rig *the_rig)
{
	fd = node;
	rig = the_rig;
	data_flows();
	tokens_arrive();
	faults_stop_the_queue();
	cancel_ends_jobs();
	cancel_ends_waiting_jobs();
	implicit_fences();
	fences_order_work();
	lifetimes();
}

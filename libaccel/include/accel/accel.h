/* SPDX-License-Identifier: MIT */
/*
 * libaccel: programs for the IG1 inference accelerator.
 *
 * Objects are opaque and reference-counted: *_create()/_open() gives one reference, *_ref() adds
 * one, *_unref() drops one and accepts NULL. An object keeps what it was made from alive.
 *
 *	device --> space --> queue --> fence
 *	       \         \-- mapped buffers
 *	        \-> model --> session, batch
 *
 * Errors. Functions return 0 or a negative enum accel_error, which says who is to blame. The first
 * error since the last call of accel_last_error() is kept with a sentence of detail by the device.
 * The library never prints (but see ACCEL_DEBUG in accel(7)), never exits, and never asserts on
 * what a file, a caller or a device gave it.
 *
 * Threads. Device, space, buffer, model and fence: any thread at any time. Queue, session, batch,
 * detokenizer and sampler: one thread at a time; accel_session_cancel() and accel_batch_cancel()
 * may be called from any thread and from a signal handler.
 *
 * Option structs begin with their size. Fields added later are zero for older callers; a newer
 * caller's non-zero field that this library does not know is refused with ACCEL_ESIZE.
 *
 * Units: addresses and sizes in bytes, times in nanoseconds of CLOCK_MONOTONIC, logits in fp32.
 */
#ifndef ACCEL_H
#define ACCEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ACCEL_API __attribute__((visibility("default")))
#else
#define ACCEL_API
#endif

#define ACCEL_VERSION_MAJOR 0
#define ACCEL_VERSION_MINOR 1
#define ACCEL_VERSION_PATCH 0

struct accel_device;
struct accel_space;
struct accel_buffer;
struct accel_queue;
struct accel_fence;
struct accel_model;
struct accel_session;
struct accel_batch;
struct accel_detok;
struct accel_sampler;

/* --- errors ---------------------------------------------------------------------------------- */

enum accel_error {
	ACCEL_OK = 0,
	/* The caller passed a bad value: NULL, out of range, a wrong combination, another device's
	 * object. */
	ACCEL_EARG = -1,
	/* The caller's option struct is too small, or newer than the library and uses a field that
	 * is unknown here. */
	ACCEL_ESIZE = -2,
	/* The caller used an object that is not in the right state (poisoned queue, range that is
	 * mapped already, job still running). */
	ACCEL_ESTATE = -3,
	/* The caller's tokens do not fit the model's context. */
	ACCEL_ECONTEXT = -4,
	/* Nobody: the host is out of memory. */
	ACCEL_ENOMEM = -5,
	/* Nobody: resident SRAM, simulated host memory, address space or queues are used up. */
	ACCEL_ENOSPACE = -6,
	/* The machine: there is no such device, or it may not be opened. */
	ACCEL_ENODEV = -7,
	/* The caller or the build: this back end is unknown or not compiled in. */
	ACCEL_EBACKEND = -8,
	/* The machine: a file or system call failed. */
	ACCEL_EIO = -9,
	/* The file: damaged, or not what it should be. */
	ACCEL_EFORMAT = -10,
	/* The installation: a file, firmware or device of a version this library does not speak. */
	ACCEL_EVERSION = -11,
	/* The installation: the model is not the one wired into this chip. */
	ACCEL_EMISMATCH = -12,
	/* The job's program, or the chip: it ended with a fault; see accel_fence_fault(). */
	ACCEL_EFAULT = -13,
	/* The caller asked for it, or an earlier job of the queue failed. */
	ACCEL_ECANCELED = -14,
	/* Nobody: the deadline passed first. */
	ACCEL_ETIMEOUT = -15,
	/* The device: it is lost (firmware failed, simulator ended). Open it again. */
	ACCEL_EDEVICE = -16,
	/* The caller: this device or model cannot do that. */
	ACCEL_ENOTSUP = -17,
	/* The model or its input: logits without a usable maximum. */
	ACCEL_EDOMAIN = -18,
	/* The machine: the user may not do that, such as a high priority without CAP_SYS_NICE. */
	ACCEL_EPERM = -19,
};

/* A constant sentence; never NULL. */
ACCEL_API const char *accel_error_string(int error);

/*
 * The first error since the last call: copies its detail to buf (always terminated; at most n
 * bytes), forgets it and returns its code; 0 and "" when there was none. buf may be NULL if n is 0.
 */
ACCEL_API int accel_last_error(struct accel_device *dev, char *buf, size_t n);

/* major << 16 | minor << 8 | patch of the library in use. */
ACCEL_API uint32_t accel_version(void);

/* --- environment ----------------------------------------------------------------------------- */

/* The library's own objects come from here; file tables, tokenizer and sampler use malloc. alloc and
 * realloc follow malloc and realloc, except that sizes are never zero. Called from any thread. */
struct accel_allocator {
	void *ctx;
	void *(*alloc)(void *ctx, size_t bytes);
	void *(*realloc)(void *ctx, void *p, size_t bytes);
	void (*free)(void *ctx, void *p);
};

enum accel_log_level {
	ACCEL_LOG_ERROR = 0,
	ACCEL_LOG_WARNING = 1,
	ACCEL_LOG_INFO = 2,
	ACCEL_LOG_DEBUG = 3,
};

/* text has no newline. Called from any thread, library locks may be held: do not call back. */
typedef void (*accel_log_fn)(void *ctx, enum accel_log_level level, const char *text);

/* --- devices --------------------------------------------------------------------------------- */

/* Back end number `index`: its name, or NULL beyond the last. *doc (may be NULL): one line. */
ACCEL_API const char *accel_backend_name(size_t index, const char **doc);

/* Writes how many devices a back end finds; for simulated ones that is 1. */
ACCEL_API int accel_backend_devices(const char *backend, size_t *count);

struct accel_device_options {
	size_t size;
	/* Name of the back end; NULL: the environment's ACCEL_BACKEND, else the first that finds
	 * a device, in the order drm, sim, ref. */
	const char *backend;
	/* The .accel file whose mask the chip has. Simulated chips are made from it; NULL: from the
	 * first model that is opened. Others are compared with it (ACCEL_EMISMATCH), or, where no
	 * back end is named, passed over until one has it; NULL: any will do. */
	const char *mask;
	/* sim: firmware file; NULL: ACCEL_FIRMWARE, else the one in the library. */
	const char *firmware;
	uint32_t index;	     /* which of the back end's devices */
	uint32_t pad;	     /* zero */
	uint64_t host_bytes; /* simulated host memory; 0: 4 GiB of address space, used on demand */
	const struct accel_allocator *allocator; /* copied; NULL: malloc */
	accel_log_fn log;			 /* NULL: nothing is logged */
	void *log_ctx;
	char *error; /* gets the detail when opening fails; may be NULL */
	size_t error_size;
};

ACCEL_API int accel_device_open(const struct accel_device_options *options,
				struct accel_device **out);
ACCEL_API struct accel_device *accel_device_ref(struct accel_device *dev);
ACCEL_API void accel_device_unref(struct accel_device *dev);
ACCEL_API const char *accel_device_backend(const struct accel_device *dev);

enum accel_param {
	/* From the device tree; ACCEL_ESTATE while a simulated chip has no mask yet. */
	ACCEL_PARAM_TILES = 0,
	ACCEL_PARAM_ROWS = 1,
	ACCEL_PARAM_COLUMNS = 2,
	ACCEL_PARAM_LANES = 3,
	ACCEL_PARAM_MEM_BYTES = 4, /* port width */
	ACCEL_PARAM_SCRATCH_BYTES = 5,
	ACCEL_PARAM_SRAM_BYTES = 6, /* resident SRAM */
	ACCEL_PARAM_ROM_BYTES = 7,  /* used */
	ACCEL_PARAM_CROM_BYTES = 8, /* used */
	ACCEL_PARAM_CLOCK_HZ = 9,
	ACCEL_PARAM_SPEC = 10, /* major << 16 | minor */
	/* State of this device handle. */
	ACCEL_PARAM_HAS_MASK = 32,
	ACCEL_PARAM_SRAM_FREE = 33,
	ACCEL_PARAM_HOST_BYTES = 34,
	ACCEL_PARAM_HOST_FREE = 35,
	ACCEL_PARAM_JOBS_DONE = 36,
	ACCEL_PARAM_JOBS_FAULTED = 37,
	ACCEL_PARAM_FW_VERSION = 38,  /* ACCEL_ENOTSUP without firmware */
	ACCEL_PARAM_CYCLE_EXACT = 39, /* 1: the timed counters are the chip's */
	ACCEL_PARAM_IOCTLS = 40,      /* system calls to a driver; ACCEL_ENOTSUP without one */
	/* State of the whole chip, all processes; ACCEL_ENOTSUP without a driver. */
	ACCEL_PARAM_CHIP_HOST_USED = 48, /* bytes of host memory in buffers */
	ACCEL_PARAM_CHIP_JOBS_DONE = 49,
	ACCEL_PARAM_CHIP_JOBS_FAULTED = 50,
	ACCEL_PARAM_CHIP_TIMEOUTS = 51, /* jobs that the driver gave up */
	ACCEL_PARAM_CHIP_RESETS = 52,
	ACCEL_PARAM_CHIP_CYCLES = 53, /* free-running; 0 while it sleeps */
	/* Sum over finished jobs of counter n, in the order of accel_counter_name(). */
	ACCEL_PARAM_COUNTER_0 = 64,
	/* The same of all processes. */
	ACCEL_PARAM_CHIP_COUNTER_0 = 128,
};

ACCEL_API int accel_device_get(struct accel_device *dev, enum accel_param param, uint64_t *value);

enum accel_device_string {
	ACCEL_STRING_CONFIG = 0, /* chip configuration */
	ACCEL_STRING_MODEL = 1,	 /* name of the model in ROM */
	ACCEL_STRING_ARCH = 2,
	ACCEL_STRING_FORMAT = 3,
	ACCEL_STRING_MASK_ID = 4, /* 64 hexadecimal digits */
	ACCEL_STRING_NODE = 5,	  /* device file; ACCEL_ENOTSUP when there is none */
};

/* Terminated copy; ACCEL_EARG when it does not fit n bytes. */
ACCEL_API int accel_device_get_string(struct accel_device *dev, enum accel_device_string which,
				      char *buf, size_t n);

#define ACCEL_COUNTERS 13
/* Name of a job counter, NULL beyond the last. *timed (may be NULL): 1 if it depends on time. */
ACCEL_API const char *accel_counter_name(uint32_t index, int *timed);
/* Name of a fault code or engine; "unknown" if there is none. */
ACCEL_API const char *accel_fault_name(uint32_t code);
ACCEL_API const char *accel_engine_name(uint32_t engine);
/* Mnemonic of an opcode; "unknown" if there is none. */
ACCEL_API const char *accel_opcode_name(uint32_t opcode);

/* --- address spaces and buffers ---------------------------------------------------------------- */

/* An address space of the chip (a context). Jobs of one space cannot reach another's memory. */
ACCEL_API int accel_space_create(struct accel_device *dev, struct accel_space **out);
ACCEL_API struct accel_space *accel_space_ref(struct accel_space *space);
ACCEL_API void accel_space_unref(struct accel_space *space);

#define ACCEL_BUFFER_HOST     (0u << 0) /* host memory, which the CPU sees as well */
#define ACCEL_BUFFER_RESIDENT (1u << 0) /* the chip's resident SRAM */

/* Zeroed; bytes are rounded up to pages of 4096. */
ACCEL_API int accel_buffer_create(struct accel_device *dev, uint64_t bytes, uint32_t flags,
				  struct accel_buffer **out);
ACCEL_API struct accel_buffer *accel_buffer_ref(struct accel_buffer *buf);
ACCEL_API void accel_buffer_unref(struct accel_buffer *buf);
/* The CPU's view, valid as long as the buffer; NULL for resident SRAM. */
ACCEL_API void *accel_buffer_data(struct accel_buffer *buf);
ACCEL_API uint64_t accel_buffer_size(const struct accel_buffer *buf);

#define ACCEL_MAP_READ_ONLY (1u << 0)
#define ACCEL_MAP_FIXED	    (1u << 1) /* at *va, which must be free; otherwise *va is chosen */

/* Maps bytes [offset, offset+bytes) of buf; all three multiples of 4096. The mapping holds a
 * reference on the buffer and ends with accel_space_unmap() or the space. */
ACCEL_API int accel_space_map(struct accel_space *space, struct accel_buffer *buf, uint64_t offset,
			      uint64_t bytes, uint32_t flags, uint64_t *va);
/* A whole mapping, by the address accel_space_map() gave. Memory that running jobs may still see is
 * released after them. */
ACCEL_API int accel_space_unmap(struct accel_space *space, uint64_t va);

/* --- queues and fences ------------------------------------------------------------------------- */

/* Jobs of a queue run in order. A failed job poisons its queue: later jobs are not run, their
 * fences end with ACCEL_ECANCELED, and submitting gives ACCEL_ESTATE until accel_queue_reset().
 * Other queues go on. priority: 0 (highest) .. 3. */
ACCEL_API int accel_queue_create(struct accel_space *space, uint32_t priority,
				 struct accel_queue **out);
ACCEL_API struct accel_queue *accel_queue_ref(struct accel_queue *queue);
ACCEL_API void accel_queue_unref(struct accel_queue *queue);
/* Ends the running job with fault abort and all waiting ones with ACCEL_ECANCELED. */
ACCEL_API int accel_queue_cancel(struct accel_queue *queue);
/* Waits until the queue is idle and forgets the failure. */
ACCEL_API int accel_queue_reset(struct accel_queue *queue);

#define ACCEL_JOB_ARGS 8

struct accel_job {
	size_t size;
	uint64_t prog; /* address of the program, 128-byte aligned */
	uint32_t commands;
	uint32_t nargs;
	uint64_t args[ACCEL_JOB_ARGS]; /* R1..R8 */
	uint64_t emit;		       /* token buffer, 16-byte aligned */
	uint32_t emit_entries;
	uint32_t trace_entries;
	uint64_t trace;	   /* trace buffer, 32-byte aligned */
	uint64_t watchdog; /* cycles; 0: the default */
};

/* Does not wait. *out may be NULL. */
ACCEL_API int accel_queue_submit(struct accel_queue *queue, const struct accel_job *job,
				 struct accel_fence **out);

#define ACCEL_FOREVER INT64_MAX
/* now + ns on the clock of deadlines. */
ACCEL_API int64_t accel_deadline(int64_t ns);

/* A job's place on its queue's timeline. */
ACCEL_API struct accel_fence *accel_fence_ref(struct accel_fence *fence);
ACCEL_API void accel_fence_unref(struct accel_fence *fence);
/* Jobs of the queue are numbered 1, 2, ... */
ACCEL_API uint64_t accel_fence_value(const struct accel_fence *fence);
/* The job's status: 0, ACCEL_EFAULT, ACCEL_ECANCELED, ACCEL_EDEVICE; or ACCEL_ETIMEOUT. A
 * deadline in the past polls. */
ACCEL_API int accel_fence_wait(struct accel_fence *fence, int64_t deadline);
/* An eventfd that becomes readable when the job ends, for poll loops; the caller closes it. */
ACCEL_API int accel_fence_fd(struct accel_fence *fence, int *fd);

struct accel_fault {
	uint32_t code;	/* accel_fault_name(); 0: none */
	uint32_t index; /* command */
	uint64_t address;
	uint64_t value; /* of the job on its timeline */
};

/* Of an ended job; for ACCEL_ECANCELED after a failure, the fault that poisoned the queue.
 * ACCEL_ESTATE while the job runs. */
ACCEL_API int accel_fence_fault(struct accel_fence *fence, struct accel_fault *fault);
/* Counters of an ended job; n at most ACCEL_COUNTERS. emitted, traced: records; may be NULL. */
ACCEL_API int accel_fence_counters(struct accel_fence *fence, uint64_t *counters, size_t n,
				   uint32_t *emitted, uint32_t *traced);

/* --- models ------------------------------------------------------------------------------------ */

/* Check every checksum of the file first, also of what is not copied to memory (the ROM). */
#define ACCEL_MODEL_VERIFY (1u << 0)

struct accel_model_options {
	size_t size;
	uint32_t flags; /* ACCEL_MODEL_VERIFY or 0 */
	uint32_t pad;	/* zero */
};

/*
 * Opens a .accel file for this device. Before anything is submitted, the file's mask id and
 * dimensions are compared with the device's: ACCEL_EMISMATCH, with the first tensor that differs
 * in the detail where the device's tensor table is known.
 */
ACCEL_API int accel_model_open(struct accel_device *dev, const char *path,
			       const struct accel_model_options *options, struct accel_model **out);
ACCEL_API struct accel_model *accel_model_ref(struct accel_model *model);
ACCEL_API void accel_model_unref(struct accel_model *model);

enum accel_model_param {
	ACCEL_MODEL_VOCAB = 0,
	ACCEL_MODEL_CONTEXT = 1,
	ACCEL_MODEL_MAX_COLS = 2, /* columns of one job */
	ACCEL_MODEL_LAYERS = 3,
	ACCEL_MODEL_WIDTH = 4,
	ACCEL_MODEL_HEADS = 5,
	ACCEL_MODEL_KV_HEADS = 6,
	ACCEL_MODEL_HEAD_SIZE = 7,
	ACCEL_MODEL_WEIGHTS = 8,
	ACCEL_MODEL_MACS_TOKEN = 9,
	ACCEL_MODEL_KV_BLOCK_BYTES = 10, /* of 32 positions, 0: none */
	ACCEL_MODEL_KV_BLOCKS = 11,
	ACCEL_MODEL_SOURCE_BYTES = 12,
	ACCEL_MODEL_BOS = 13, /* special tokens; ACCEL_ENOTSUP when there is none */
	ACCEL_MODEL_EOS = 14,
	ACCEL_MODEL_ADD_BOS = 15,
	ACCEL_MODEL_STATE_BYTES = 16, /* recurrent state of a sequence, 0: none */
	/* KV blocks of this model's sessions, by where they live. */
	ACCEL_MODEL_KV_RESIDENT = 32,
	ACCEL_MODEL_KV_HOST = 33,
};

ACCEL_API int accel_model_get(struct accel_model *model, enum accel_model_param param,
			      uint64_t *value);

enum accel_model_string {
	ACCEL_MODEL_NAME = 0,
	ACCEL_MODEL_ARCH = 1,
	ACCEL_MODEL_TEMPLATE = 2, /* chat template */
	ACCEL_MODEL_SOURCE = 3,	  /* SHA-256 of the source file, hexadecimal */
};

/* A terminated string that lives as long as the model; NULL when the file has none. */
ACCEL_API const char *accel_model_string(struct accel_model *model, enum accel_model_string which);

enum accel_program {
	ACCEL_PROGRAM_PREFILL = 0,
	ACCEL_PROGRAM_DECODE = 1,
};

/* Name of a command from the debug database; NULL when there is none. */
ACCEL_API const char *accel_model_command_name(struct accel_model *model,
					       enum accel_program program, uint32_t index);

/* --- text -------------------------------------------------------------------------------------- */

#define ACCEL_TEXT_AUTO	   (1u << 0) /* begin and end tokens as the vocabulary wants them */
#define ACCEL_TEXT_BOS	   (1u << 1) /* begin token in any case */
#define ACCEL_TEXT_EOS	   (1u << 2)
#define ACCEL_TEXT_SPECIAL (1u << 3) /* text of control tokens becomes those tokens */

/* Writes at most cap ids and the full number to *n; ACCEL_ENOSPACE when cap is too small. */
ACCEL_API int accel_model_tokenize(struct accel_model *model, const char *text, size_t len,
				   uint32_t flags, int32_t *ids, size_t cap, size_t *n);
/* Id of a token by its text in the vocabulary, or a negative error. */
ACCEL_API int32_t accel_model_find_token(struct accel_model *model, const char *text, size_t len);
/* 1 if the token ends an answer, 0 if not, or a negative error. */
ACCEL_API int accel_model_is_end(struct accel_model *model, int32_t id);

#define ACCEL_DETOK_SPECIAL  (1u << 0) /* show control tokens as text */
#define ACCEL_DETOK_CONTINUE (1u << 1) /* the ids continue a text */
#define ACCEL_DETOK_REPLACE  (1u << 2) /* ill-formed UTF-8 becomes U+FFFD */

/* Ids to text, piece by piece; bytes of an incomplete character are held back. */
ACCEL_API int accel_detok_create(struct accel_model *model, uint32_t flags,
				 struct accel_detok **out);
ACCEL_API void accel_detok_destroy(struct accel_detok *d);
/* *text stays valid until the next call; not terminated. id -1: give back what was held. */
ACCEL_API int accel_detok_push(struct accel_detok *d, int32_t id, const char **text, size_t *len);

struct accel_sampler_options {
	size_t size;
	double temperature;    /* 0: greedy */
	double top_p;	       /* 0 or 1: off */
	double min_p;	       /* 0: off */
	double repeat_penalty; /* 0 or 1: off */
	double presence_penalty;
	double frequency_penalty;
	uint64_t seed;
	uint32_t top_k;	 /* 0: off */
	uint32_t last_n; /* window of the penalties; 0: 64 */
};

ACCEL_API int accel_sampler_create(struct accel_device *dev,
				   const struct accel_sampler_options *options,
				   struct accel_sampler **out);
ACCEL_API void accel_sampler_destroy(struct accel_sampler *s);
/* A token of the prompt or the answer, for the penalties. */
ACCEL_API int accel_sampler_accept(struct accel_sampler *s, int32_t id);
/* The next id, not accepted yet; *probability may be NULL. */
ACCEL_API int accel_sampler_sample(struct accel_sampler *s, const float *logits, size_t vocab,
				   int32_t *id, double *probability);

/* --- sessions ---------------------------------------------------------------------------------- */

/*
 * A session is one sequence: its tokens' keys and values, and a position, the number of tokens
 * stored. Keys and values live in blocks of 32 positions, taken when they are needed: resident
 * SRAM first, then host memory.
 */

/* One per executed command of a traced job. Times in cycles from the job's start. */
struct accel_trace_record {
	uint32_t index;
	uint16_t engine;
	uint16_t opcode;
	uint64_t issue, start, end;
};

/* Called after each traced job, by the thread that runs it. records is valid during the call.
 * dropped: not 0 when all entries are full, so that later records may be missing. */
typedef void (*accel_trace_fn)(void *ctx, enum accel_program program,
			       const struct accel_trace_record *records, size_t n, int dropped);

struct accel_session_options {
	size_t size;
	uint32_t chunk;		/* tokens of a prefill job; 0: as many as the program takes */
	uint32_t decode_steps;	/* greedy steps of a job; 0: 64. Fewer where a model needs that */
	uint32_t priority;	/* 0 .. 3 */
	uint32_t trace_entries; /* per job; 0: no trace */
	accel_trace_fn trace;
	void *trace_ctx;
	uint64_t watchdog; /* cycles of a job; 0: the default */
};

ACCEL_API int accel_session_create(struct accel_model *model,
				   const struct accel_session_options *options,
				   struct accel_session **out);
ACCEL_API struct accel_session *accel_session_ref(struct accel_session *s);
ACCEL_API void accel_session_unref(struct accel_session *s);

/* Tokens stored so far. */
ACCEL_API uint32_t accel_session_position(const struct accel_session *s);
/* Positions left before the context is full. */
ACCEL_API uint32_t accel_session_room(const struct accel_session *s);

/*
 * Stores n tokens. logits (may be NULL) gets the vocab values after the last one.
 * ACCEL_ECONTEXT when they do not fit: nothing is stored. After ACCEL_EFAULT or ACCEL_ECANCELED the
 * position tells how many were stored.
 */
ACCEL_API int accel_session_append(struct accel_session *s, const int32_t *tokens, size_t n,
				   float *logits);

/* Gets the logits after the token at `position`; not 0: stop after this job. */
typedef int (*accel_logits_fn)(void *ctx, uint32_t position, const float *logits, uint32_t vocab);

/* The same with the logits after every token. A stop gives ACCEL_ECANCELED. */
ACCEL_API int accel_session_append_all(struct accel_session *s, const int32_t *tokens, size_t n,
				       accel_logits_fn fn, void *ctx);

/* Gets each token as it arrives; slot is 0, or the index in the batch. Not 0: stop here. */
typedef int (*accel_token_fn)(void *ctx, uint32_t slot, int32_t token);

/*
 * Greedy decoding on the chip: stores `first`, finds the most likely next token, stores that,
 * and so on, `steps` times; the last token found is not stored. Tokens go to fn (may be NULL) and
 * tokens (may be NULL, else steps entries); *n_out (may be NULL) is their number. Ends early after
 * one of the n_stop tokens in stop, which is reported, or when fn says so. The position grows by
 * the number of tokens reported, also after an error.
 */
ACCEL_API int accel_session_decode(struct accel_session *s, int32_t first, uint32_t steps,
				   const int32_t *stop, size_t n_stop, accel_token_fn fn, void *ctx,
				   int32_t *tokens, uint32_t *n_out);

/* Chooses the next token; negative enum accel_error: stop with it. */
typedef int (*accel_sample_fn)(void *ctx, uint32_t position, const float *logits, uint32_t vocab,
			       int32_t *token);

/* The same with the host choosing each token. */
ACCEL_API int accel_session_decode_host(struct accel_session *s, int32_t first, uint32_t steps,
					const int32_t *stop, size_t n_stop, accel_sample_fn sample,
					void *sample_ctx, accel_token_fn fn, void *ctx,
					int32_t *tokens, uint32_t *n_out);

/* From the next call on, what accel_session_options says of trace_entries, trace and trace_ctx; entries
 * 0: no trace. Not while another call with the session runs, nor from its callbacks. */
ACCEL_API int accel_session_trace(struct accel_session *s, uint32_t entries, accel_trace_fn fn,
				  void *ctx);

/*
 * Forgets all but the first `position` tokens; at most the current position. Where the model keeps a
 * recurrent state, the next call pays for it: the session goes back to a snapshot (of the end of an
 * append, or one in about 256 tokens; at most 8) and feeds the tokens since then again. Layers that look at
 * a window keep no more than that and 64 positions: ACCEL_ESTATE, and nothing changes, when what a
 * window at `position` needs is gone; position 0 always works.
 */
ACCEL_API int accel_session_rewind(struct accel_session *s, uint32_t position);

/*
 * A second session with the same past and the same options, the trace among them. Blocks are shared
 * until one of the two writes to them. Recurrent state is saved now, which both share; the new session
 * copies it when it first needs it, or, where there was no memory to save it, feeds tokens again.
 */
ACCEL_API int accel_session_fork(struct accel_session *s, struct accel_session **out);

/*
 * Stores n tokens and scores them: nll[i] = -ln p(tokens[i+1] | all before), i < n-1. With `top`
 * (may be NULL), top[i] is the most likely token after tokens[i], i < n.
 */
ACCEL_API int accel_session_score(struct accel_session *s, const int32_t *tokens, size_t n,
				  float *nll, int32_t *top);

/* Ends the call in progress with ACCEL_ECANCELED, or the next one if there is none. */
ACCEL_API void accel_session_cancel(struct accel_session *s);

/* Sums over this session's jobs since the last call with reset != 0; n at most ACCEL_COUNTERS.
 * *jobs may be NULL. */
ACCEL_API int accel_session_counters(struct accel_session *s, uint64_t *counters, size_t n,
				     uint64_t *jobs, int reset);
/* The last fault of a job of this session; code 0: none yet. *name: the command, or NULL. */
ACCEL_API int accel_session_fault(struct accel_session *s, struct accel_fault *fault,
				  const char **name);

/* -ln p(token) and the index of the maximum (lowest of equals), in double precision. */
ACCEL_API int accel_logits_nll(const float *logits, size_t vocab, int32_t token, double *nll);
ACCEL_API int accel_logits_argmax(const float *logits, size_t vocab, int32_t *token);

/* --- batches ----------------------------------------------------------------------------------- */

/* Several sessions of one model in one job. A session's results do not depend on its neighbours.
 * The sessions of a call belong to the calling thread until it returns. */

struct accel_batch_entry {
	struct accel_session *session; /* at most once in a call */
	const int32_t *tokens;
	size_t n;	 /* at least 1 */
	float *logits;	 /* vocab values after the last token; NULL: not wanted */
	uint64_t pad[4]; /* zero */
};

/* options: as for a session; trace and counters are those of the batch. */
ACCEL_API int accel_batch_create(struct accel_model *model,
				 const struct accel_session_options *options,
				 struct accel_batch **out);
ACCEL_API struct accel_batch *accel_batch_ref(struct accel_batch *b);
ACCEL_API void accel_batch_unref(struct accel_batch *b);
/* Appends to all sessions; jobs are filled with columns in the order of the entries. */
ACCEL_API int accel_batch_append(struct accel_batch *b, const struct accel_batch_entry *entries,
				 size_t n);
/* accel_session_decode() of n sessions at once, at most ACCEL_MODEL_MAX_COLS: first[i] begins
 * session i; token j of session i goes to tokens[i * steps + j]. fn ends the whole call. */
ACCEL_API int accel_batch_decode(struct accel_batch *b, struct accel_session *const *sessions,
				 const int32_t *first, size_t n, uint32_t steps, accel_token_fn fn,
				 void *ctx, int32_t *tokens, uint32_t *steps_out);
ACCEL_API void accel_batch_cancel(struct accel_batch *b);
ACCEL_API int accel_batch_counters(struct accel_batch *b, uint64_t *counters, size_t n,
				   uint64_t *jobs, int reset);

#ifdef __cplusplus
}
#endif

#endif

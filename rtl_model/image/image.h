/* SPDX-License-Identifier: MIT */
/*
 * The .accel file: chapter ".accel file" of docs/isa.md. Reading maps it, writing streams it.
 *
 * An opened image is read-only and may be used by several threads. Everything it hands out lives
 * until ig1_image_close(). Header, section table, tensor table and names are copies; section
 * contents are the mapping itself, so another program that truncates the file takes them away
 * (SIGBUS), as with every mapped file.
 *
 * Functions return 0 or a negative errno. err (IG1_IMAGE_ERR bytes, or NULL) gets a message that
 * names the section and field; it is only written on failure.
 */
#ifndef IG1_IMAGE_H
#define IG1_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IG1_IMAGE_ERR	       192
#define IG1_IMAGE_MAX_SECTIONS 1024u

/* Sections up to this size have their CRC checked when they are first asked for. */
#define IG1_IMAGE_LAZY_CRC (4u << 20)

struct ig1_image;
struct ig1_image_writer;

/*
 * Checks the whole structure: header, section table (CRC, bounds, alignment, overlap, duplicates),
 * manifest, tensor and debug tables, sizes of the others. Not checked: the CRC of contents (see
 * ig1_image_section() and ig1_image_verify()), the commands of programs, and what is inside device
 * tree, tokenizer, template and graph beyond the tree's header. No section is required.
 * -EINVAL: malformed; -ENOMEM; or what open(2) and mmap(2) gave.
 */
int ig1_image_open(const char *path, struct ig1_image **img, char *err);

/*
 * The same on n bytes that the caller keeps until the image is closed. Sections are then only as
 * aligned as data is; a mapped file's are aligned to IG1_IMAGE_ALIGN.
 */
int ig1_image_open_mem(const void *data, size_t n, struct ig1_image **img, char *err);

void ig1_image_close(struct ig1_image *img);

/* What a model needs to run: rom, fdt, manifest and every program. -ENOENT names the first lacking. */
int ig1_image_check_model(const struct ig1_image *img, char *err);

/*
 * Every section's CRC, every tensor's CRC and the mask id. Reads the whole file.
 * -EBADMSG: one does not match.
 */
int ig1_image_verify(const struct ig1_image *img, char *err);
/* Whether the CRC of section or tensor i matches. */
int ig1_image_section_intact(const struct ig1_image *img, uint32_t i);
int ig1_image_tensor_intact(const struct ig1_image *img, uint32_t i);

const struct ig1_image_header *ig1_image_header(const struct ig1_image *img);

/* i < header.sections. */
const struct ig1_image_section *ig1_image_section_at(const struct ig1_image *img, uint32_t i);
const void *ig1_image_data_at(const struct ig1_image *img, uint32_t i);

/* A section type's name; "unknown" if it has none. */
const char *ig1_image_type_name(uint32_t type);

/*
 * Contents of the section of that type and arg (0 where the type has none). -ENOENT: there is none;
 * -EBADMSG: its CRC is wrong (only sections up to IG1_IMAGE_LAZY_CRC are checked, once).
 */
int ig1_image_section(struct ig1_image *img, uint32_t type, uint32_t arg, const void **data,
		      size_t *bytes);

/* Commands of a program, IG1_PROG_*. As above. */
int ig1_image_program(struct ig1_image *img, uint32_t prog, const void **cmds, size_t *count);

/* NULL: the file has none. */
const struct ig1_image_manifest *ig1_image_manifest(const struct ig1_image *img);

/* Tensors in file order; find: -ENOENT. */
uint32_t ig1_image_tensors(const struct ig1_image *img);
const struct ig1_image_tensor *ig1_image_tensor(const struct ig1_image *img, uint32_t i);
const char *ig1_image_tensor_name(const struct ig1_image *img, uint32_t i);
int ig1_image_tensor_find(const struct ig1_image *img, const char *name, uint32_t *i);

/* The debug database's text for a command; NULL: none. */
const char *ig1_image_debug(const struct ig1_image *img, uint32_t prog, size_t command);

/*
 * Writing. The file grows under a temporary name beside `path` and takes that name at commit;
 * until then, and after any failure, an existing file at `path` stays as it was. Sections are
 * written one after another; the first failure sticks, so that only commit must be checked. The
 * bytes depend on what is written only. rom comes before crom, and both before anything that needs
 * the mask id.
 *
 * One thread per writer. `path` may exist as a regular file only (-EISDIR, -EPERM); of a symbolic link,
 * what it leads to is written.
 */
int ig1_image_create(const char *path, struct ig1_image_writer **w, char *err);

int ig1_image_begin(struct ig1_image_writer *w, uint32_t type, uint32_t arg);
int ig1_image_write(struct ig1_image_writer *w, const void *data, size_t n);
int ig1_image_end(struct ig1_image_writer *w);

/* begin, write, end. */
int ig1_image_add(struct ig1_image_writer *w, uint32_t type, uint32_t arg, const void *data,
		  size_t n);

/* begin, produce (calls ig1_image_write() as often as it likes, returns 0 or an error), end. */
int ig1_image_add_stream(struct ig1_image_writer *w, uint32_t type, uint32_t arg,
			 int (*produce)(void *ctx, struct ig1_image_writer *w), void *ctx);

/* The tensors section. `name` of the entries is ignored and filled in from names[]. */
int ig1_image_add_tensors(struct ig1_image_writer *w, const struct ig1_image_tensor *tensors,
			  const char *const *names, uint32_t count);

/* The debug section of a program: texts[i] belongs to command i. Equal texts are stored once. */
int ig1_image_add_debug(struct ig1_image_writer *w, uint32_t prog, const char *const *texts,
			size_t count);

/* SHA-256 over the rom and crom sections that have been ended so far. */
void ig1_image_mask_id(const struct ig1_image_writer *w, uint8_t id[32]);

/*
 * Completes the file, checks it as ig1_image_open() does, brings it to disk and renames it; or
 * removes it and returns the first error. w is freed either way.
 */
int ig1_image_commit(struct ig1_image_writer *w, char *err);

/* Removes the temporary file and frees w (which may be NULL). */
void ig1_image_abort(struct ig1_image_writer *w);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Composes run files in memory, good and bad ones, piece by piece, with nothing of the collector's
 * writer: a mistake of that one would otherwise be made and forgiven at once.
 */
#ifndef MSTAT_TESTS_RUNFILE_MAKE_H
#define MSTAT_TESTS_RUNFILE_MAKE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "core/rows.h"

struct make {
	uint8_t *buf; /* owned; the file so far */
	size_t len;
	struct bytes_out out; /* the content of the next frame */
	uint8_t *content;     /* owned, MAKE_MAX bytes */
	uint8_t index[4096];  /* the index so far */
	size_t index_len;
	uint64_t index_offset;
	ZSTD_CCtx *zstd; /* owned; a test may change its parameters */
};

#define MAKE_MAX (2 * ROWS_BLOCK_MAX)

static inline void make_init(struct make *make)
{
	memset(make, 0, sizeof(*make));
	make->content = calloc(1, MAKE_MAX);
	make->zstd = ZSTD_createCCtx();
	if (!make->content || !make->zstd)
		abort();
	ZSTD_CCtx_setParameter(make->zstd, ZSTD_c_checksumFlag, 1);
	make->out = (struct bytes_out){.p = make->content, .end = make->content + MAKE_MAX};
}

/* Begins another file. */
static inline void make_restart(struct make *make)
{
	make->len = 0;
	make->out = (struct bytes_out){.p = make->content, .end = make->content + MAKE_MAX};
	make->index_len = 0;
	make->index_offset = 0;
}

static inline void make_done(struct make *make)
{
	ZSTD_freeCCtx(make->zstd);
	free(make->content);
	free(make->buf);
}

/* Bytes at the end of the file, as they are. */
static inline void make_raw(struct make *make, const void *src, size_t len)
{
	make->buf = realloc(make->buf, make->len + len + 1);
	if (!make->buf)
		abort();
	memcpy(make->buf + make->len, src, len);
	make->len += len;
}

static inline void make_u32(struct make *make, uint32_t v)
{
	uint8_t bytes[4];
	struct bytes_out out = {.p = bytes, .end = bytes + sizeof(bytes)};

	bytes_put_u32(&out, v);
	make_raw(make, bytes, sizeof(bytes));
}

static inline size_t make_content_len(const struct make *make)
{
	if (make->out.full)
		abort();
	return (size_t)(make->out.p - make->content);
}

/* The content so far as a skippable frame of ours, with its checksum. */
static inline void make_skippable(struct make *make)
{
	size_t len = make_content_len(make);

	make_u32(make, ROWS_SKIPPABLE_MAGIC);
	make_u32(make, (uint32_t)len + 4);
	make_raw(make, make->content, len);
	make_u32(make, bytes_crc32(make->content, len));
	make->out.p = make->content;
}

/* The content so far as a zstd frame. */
static inline void make_block(struct make *make)
{
	size_t len = make_content_len(make);
	size_t size = ZSTD_compressBound(len);
	uint8_t *packed = malloc(size);
	struct bytes_out out = {.p = make->index + make->index_len,
				.end = make->index + sizeof(make->index)};
	size_t n;

	if (!packed)
		abort();
	n = ZSTD_compress2(make->zstd, packed, size, make->content, len);
	if (ZSTD_isError(n))
		abort();
	bytes_put_varint(&out, make->len - make->index_offset);
	bytes_put_varint(&out, 0);
	make->index_len = (size_t)(out.p - make->index);
	make->index_offset = make->len;
	make_raw(make, packed, n);
	make->out.p = make->content;
	free(packed);
}

static inline void make_index(struct make *make)
{
	uint8_t *at = rows_begin(&make->out, SECTION_INDEX);

	bytes_put_raw(&make->out, make->index, make->index_len);
	rows_end(&make->out, at);
	make_skippable(make);
}

/* What a header begins with. */
static inline void make_magic(struct make *make, uint64_t version)
{
	bytes_put_raw(&make->out, ROWS_HEADER_MAGIC, ROWS_HEADER_MAGIC_LEN);
	bytes_put_varint(&make->out, version);
}

static inline void make_info(struct make *make, const char *name, const char *text)
{
	uint8_t *at = rows_begin(&make->out, SECTION_INFO);

	bytes_put_blob(&make->out, name, strlen(name));
	bytes_put_blob(&make->out, text, strlen(text));
	rows_end(&make->out, at);
}

/* A line of the header's FIELDS section. */
static inline void make_field(struct make *make, uint64_t id, uint64_t source, uint64_t scale,
			      const char *column)
{
	bytes_put_varint(&make->out, id);
	bytes_put_varint(&make->out, source);
	bytes_put_varint(&make->out, scale);
	bytes_put_blob(&make->out, "key", 3);
	bytes_put_blob(&make->out, column, strlen(column));
}

static inline void make_source(struct make *make, uint64_t id, uint64_t scope, const char *file)
{
	bytes_put_varint(&make->out, id);
	bytes_put_varint(&make->out, scope);
	bytes_put_blob(&make->out, file, strlen(file));
}

/* A whole good header: 10 ticks a second, started at 1000 s. */
static inline void make_header(struct make *make)
{
	make_magic(make, ROWS_FORMAT_VERSION);
	make_info(make, "freq", "10");
	make_info(make, "start_monotonic_ns", "1000000000000");
	rows_pack_tables(&make->out);
	make_skippable(make);
}

/* A file of these bytes, at its start; the caller's to close. */
static inline int make_fd(const uint8_t *buf, size_t len)
{
	int fd = memfd_create("run", MFD_CLOEXEC);

	if (fd < 0 || write(fd, buf, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

/* A file of one block with this content; if is_cut, without the index behind it. The caller's to close. */
static inline int make_one_block(const uint8_t *data, size_t len, bool is_cut)
{
	static struct make make; /* kept: to allocate it takes longer than all the rest */

	if (!make.content)
		make_init(&make);
	make_restart(&make);
	make_magic(&make, ROWS_FORMAT_VERSION);
	make_info(&make, "freq", "10");
	make_info(&make, "start_monotonic_ns", "1000000000");
	make_info(&make, "host", "a\xff<b");
	make_info(&make, "command", "a\xff<b");
	rows_pack_tables(&make.out);
	make_skippable(&make);
	bytes_put_raw(&make.out, data, len);
	make_block(&make);
	if (!is_cut)
		make_index(&make);
	return make_fd(make.buf, make.len);
}

#endif

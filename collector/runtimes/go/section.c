/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "collector/runtimes/go/section.h"

/* Read from the file at a time. */
#define INPUT_SIZE (64u << 10)
/* As much more is made as is asked for, or this. */
#define STEP_SIZE (256u << 10)
/* "ZLIB" and the size, big endian: what .zdebug_* begin with. */
#define OLD_HEADER_SIZE 12
/* What zlib's format has before what is deflated (RFC 1950). */
#define ZLIB_HEADER_SIZE    2
#define ZLIB_HAS_DICTIONARY 0x20
/*
 * Of what is deflated alone no checksum is made (adler32(), an eighth of the time): it stands at the end, which is
 * hardly ever reached.
 */
#define RAW_WINDOW_BITS (-15)

struct go_section_stream {
	const struct go_elf *elf; /* borrowed */
	uint64_t at, left;	  /* in the file */
	uint8_t *buf;		  /* owned; section->bytes */
	uint64_t capacity;
	bool is_deflated;
	bool is_over; /* nothing more comes */
	z_stream z;
	uint8_t input[INPUT_SIZE];
};

/* The header of a compressed section, of either kind. Returns its size, 0 where there is none, or an error. */
static int read_header(const struct go_elf *elf, const Elf64_Shdr *header, bool is_old,
		       uint64_t *ret_size)
{
	uint8_t old[OLD_HEADER_SIZE];
	Elf64_Chdr new;

	*ret_size = header->sh_size;
	if (is_old) {
		if (header->sh_size < sizeof(old) ||
		    go_elf_pread(elf, header->sh_offset, old, sizeof(old)) < 0 ||
		    memcmp(old, "ZLIB", 4) != 0)
			return -EBADMSG;
		*ret_size = 0;
		for (size_t i = 4; i < sizeof(old); i++)
			*ret_size = *ret_size << 8 | old[i];
		return sizeof(old);
	}
	if (!(header->sh_flags & SHF_COMPRESSED))
		return 0;
	if (header->sh_size < sizeof(new) ||
	    go_elf_pread(elf, header->sh_offset, &new, sizeof(new)) < 0 ||
	    new.ch_type != ELFCOMPRESS_ZLIB)
		return -EBADMSG;
	*ret_size = new.ch_size;
	return sizeof(new);
}

/* Begins behind zlib's header. */
static int begin_inflate(struct go_section_stream *stream)
{
	uint8_t header[ZLIB_HEADER_SIZE];

	if (stream->left < sizeof(header) ||
	    go_elf_pread(stream->elf, stream->at, header, sizeof(header)) < 0 ||
	    (header[0] & 0x0f) != Z_DEFLATED || (header[1] & ZLIB_HAS_DICTIONARY))
		return -EBADMSG;
	stream->at += sizeof(header);
	stream->left -= sizeof(header);
	return inflateInit2(&stream->z, RAW_WINDOW_BITS) == Z_OK ? 0 : -ENOMEM;
}

int go_section_open(const struct go_elf *elf, const char *name, struct go_section *ret)
{
	char full[32];
	const Elf64_Shdr *header;
	struct go_section_stream *stream;
	bool is_old = false;
	int skip, err = 0;

	*ret = (struct go_section){0};
	snprintf(full, sizeof(full), ".%s", name);
	header = go_elf_section(elf, full);
	if (!header) {
		is_old = true;
		snprintf(full, sizeof(full), ".z%s", name);
		header = go_elf_section(elf, full);
	}
	if (!header || header->sh_type == SHT_NOBITS)
		return -ENOENT;
	skip = read_header(elf, header, is_old, &ret->size);
	if (skip < 0)
		return skip;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->elf = elf;
	stream->at = header->sh_offset + (unsigned)skip;
	stream->left = header->sh_size - (unsigned)skip;
	stream->is_deflated = skip > 0;
	if (stream->is_deflated)
		err = begin_inflate(stream);
	if (err < 0) {
		free(stream);
		return err;
	}
	ret->stream = stream;
	return 0;
}

void go_section_close(struct go_section *section)
{
	if (section->stream) {
		if (section->stream->is_deflated)
			inflateEnd(&section->stream->z);
		free(section->stream->buf);
		free(section->stream);
	}
	*section = (struct go_section){0};
}

static int grow(struct go_section *section, uint64_t end)
{
	struct go_section_stream *stream = section->stream;
	uint64_t capacity = stream->capacity ? stream->capacity : STEP_SIZE;
	uint8_t *buf;

	while (capacity < end)
		capacity *= 2;
	if (capacity == stream->capacity)
		return 0;
	buf = realloc(stream->buf, capacity);
	if (!buf)
		return -ENOMEM;
	stream->buf = buf;
	stream->capacity = capacity;
	section->bytes = buf;
	return 0;
}

/* The next bytes of the file, at most `max`, to `buf`. Returns how many; 0 at the end, and where they fail. */
static size_t take(struct go_section_stream *stream, uint8_t *buf, uint64_t max)
{
	size_t n = max < stream->left ? (size_t)max : (size_t)stream->left;

	if (n == 0 || go_elf_pread(stream->elf, stream->at, buf, n) < 0)
		return 0;
	stream->at += n;
	stream->left -= n;
	return n;
}

/* Makes bytes up to `end`, or less where there are no more. */
static void inflate_some(struct go_section *section, uint64_t end)
{
	struct go_section_stream *stream = section->stream;
	z_stream *z = &stream->z;

	z->next_out = stream->buf + section->have;
	z->avail_out = (uInt)(end - section->have);
	while (z->avail_out > 0 && !stream->is_over) {
		if (z->avail_in == 0) {
			z->next_in = stream->input;
			z->avail_in = (uInt)take(stream, stream->input, INPUT_SIZE);
		}
		stream->is_over = z->avail_in == 0 || inflate(z, Z_NO_FLUSH) != Z_OK;
	}
	section->have = end - z->avail_out;
}

static void copy_some(struct go_section *section, uint64_t end)
{
	struct go_section_stream *stream = section->stream;
	size_t n = take(stream, stream->buf + section->have, end - section->have);

	section->have += n;
	stream->is_over = n == 0;
}

int go_section_want(struct go_section *section, uint64_t end)
{
	uint64_t more = section->have + STEP_SIZE;
	int err;

	if (end <= section->have)
		return 0;
	if (end > section->size || end > GO_SECTION_MAX || section->stream->is_over)
		return -ENODATA;
	if (more > section->size)
		more = section->size;
	if (more < end)
		more = end;
	err = grow(section, more);
	if (err < 0)
		return err;
	if (section->stream->is_deflated)
		inflate_some(section, more);
	else
		copy_some(section, more);
	return end <= section->have ? 0 : -ENODATA;
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "tools/reader.h"

#define INPUT 65536
/* RFC 8878: sixteen magic numbers of skippable frames; the longest header of another frame. */
#define SKIPPABLE_MASK	 0xfffffff0u
#define FRAME_HEADER_MAX 18
#define CHECKSUM_FLAG	 0x04 /* in the byte after the magic number */
#define NAME_MAX_LEN	 63

struct info {
	char *name; /* owned */
	char *text; /* owned, ends with a zero byte that is not counted */
	size_t len;
};

struct reader {
	int fd;		   /* borrowed */
	reader_more *more; /* NULL: what is there is all */
	void *more_arg;	   /* borrowed */
	bool finished;
	bool done;	 /* read to the end of a finished file */
	bool eof;	 /* of fd */
	int err;	 /* the first error: nothing is read after it */
	uint64_t offset; /* of the frame being read */
	uint64_t last;	 /* the offset of the last block */
	uint64_t base;	 /* the file offset of input[0] */
	size_t at, end;	 /* what of the input was not used yet */
	ZSTD_DCtx *dctx; /* owned */
	uint8_t *block;	 /* owned */
	size_t block_size;

	struct info *info; /* owned */
	unsigned infos;
	struct table_field *field;   /* owned, and the names in it */
	struct table_source *source; /* owned, and the names in it */
	const char **reason;	     /* owned, and the names in it */
	struct table_schema schema;
	struct table_clock clock;

	char why[96];
	uint8_t input[INPUT];
};

static int fail(struct reader *reader, int err, const char *why)
{
	reader->err = err;
	snprintf(reader->why, sizeof(reader->why), "%s", why);
	return err;
}

static size_t available(const struct reader *reader)
{
	return reader->end - reader->at;
}

/* Where read(2) finds nothing. Behind the index nothing is waited for. */
static int find_end(struct reader *reader)
{
	int more = reader->more && !reader->finished ? reader->more(reader->more_arg) : 0;

	if (more < 0)
		return fail(reader, more, "it cannot be waited for");
	reader->eof = more == 0;
	return 0;
}

/* Reads until n (at most INPUT) bytes are there or the file has ended. Returns 0 or an error. */
static int fill(struct reader *reader, size_t n)
{
	if (available(reader) >= n)
		return 0;
	memmove(reader->input, reader->input + reader->at, available(reader));
	reader->base += reader->at;
	reader->end -= reader->at;
	reader->at = 0;
	while (reader->end < n && !reader->eof) {
		ssize_t got = read(reader->fd, reader->input + reader->end, INPUT - reader->end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = -errno;

			return fail(reader, err, "it cannot be read");
		}
		reader->end += (size_t)got;
		if (got == 0 && find_end(reader) < 0)
			return reader->err;
	}
	return 0;
}

/* The same, but what is missing makes the file a cut one. */
static int need(struct reader *reader, size_t n)
{
	int err = fill(reader, n);

	if (err == 0 && available(reader) < n)
		return fail(reader, -ENODATA,
			    reader->base + reader->end ? "its last frame is not whole"
						       : "it is empty");
	return err;
}

static uint32_t peek_u32(const struct reader *reader, size_t at)
{
	struct bytes_in in = {.p = reader->input + reader->at + at,
			      .end = reader->input + reader->end};

	return bytes_get_u32(&in);
}

/* Passes over a skippable frame's content, or copies it to dst. */
static int take(struct reader *reader, uint8_t *dst, size_t len)
{
	while (len) {
		int err = need(reader, 1);
		size_t n = available(reader) < len ? available(reader) : len;

		if (err < 0)
			return err;
		if (dst)
			dst = mempcpy(dst, reader->input + reader->at, n);
		reader->at += n;
		len -= n;
	}
	return 0;
}

/* Reads a frame of ours, header or index, whose 8 bytes are there; *ret: without the CRC. */
static int take_frame(struct reader *reader, size_t max, uint8_t **ret_owned, struct bytes_in *ret)
{
	size_t size = peek_u32(reader, 4);
	uint8_t *content;
	int err;

	if (size > max || size < 4)
		return fail(reader, -EBADMSG, "a header or index of impossible length");
	content = malloc(size);
	if (!content)
		return fail(reader, -ENOMEM, "no memory");
	reader->at += 8;
	err = take(reader, content, size);
	if (err == 0) {
		struct bytes_in crc = {.p = content + size - 4, .end = content + size};

		*ret = (struct bytes_in){.p = content, .end = content + size - 4};
		if (bytes_get_u32(&crc) != bytes_crc32(content, size - 4))
			err = fail(reader, -EBADMSG, "a header or index with a wrong checksum");
	}
	if (err < 0)
		free(content);
	else
		*ret_owned = content;
	return err;
}

/*
 * A name out of the file, as a string of its own: names are printed as they are, so they must be
 * plain ones. NULL, with *err set, where it is not or there is no memory.
 */
static char *get_name(struct bytes_in *in, int *err)
{
	size_t len;
	const char *text = (const char *)bytes_get_blob(in, &len);
	char *name;

	*err = -EBADMSG;
	if (in->bad || len == 0 || len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr(",\"\\", text[i]))
			return NULL;
	*err = -ENOMEM;
	name = strndup(text, len);
	if (name)
		*err = 0;
	return name;
}

static int load_info(struct reader *reader, struct bytes_in *in)
{
	struct info *info;
	const uint8_t *text;
	int err;

	info = reallocarray(reader->info, reader->infos + 1, sizeof(*info));
	if (!info)
		return -ENOMEM;
	reader->info = info;
	info += reader->infos;
	*info = (struct info){.name = get_name(in, &err)};
	if (!info->name)
		return err;
	reader->infos++;
	text = bytes_get_blob(in, &info->len);
	if (in->bad)
		return -EBADMSG;
	info->text = calloc(1, info->len + 1);
	if (!info->text)
		return -ENOMEM;
	memcpy(info->text, text, info->len);
	return 0;
}

static int load_sources(struct reader *reader, struct bytes_in *in)
{
	while (bytes_left(in)) {
		uint64_t id = bytes_get_varint(in);
		uint64_t scope = bytes_get_varint(in);
		int err;

		if (in->bad || id >= TABLE_SOURCE_MAX || reader->source[id].file)
			return -EBADMSG;
		reader->source[id].scope = scope;
		reader->source[id].file = get_name(in, &err);
		if (!reader->source[id].file)
			return err;
		if (id >= reader->schema.sources)
			reader->schema.sources = (unsigned)id + 1;
	}
	return 0;
}

static int load_fields(struct reader *reader, struct bytes_in *in)
{
	while (bytes_left(in)) {
		uint64_t id = bytes_get_varint(in);
		uint64_t source = bytes_get_varint(in);
		uint64_t scale = bytes_get_varint(in);
		size_t key_len;
		int err;

		bytes_get_blob(in, &key_len);
		if (in->bad || id >= TABLE_FIELD_MAX || reader->field[id].column)
			return -EBADMSG;
		if (source >= TABLE_SOURCE_MAX)
			return -EBADMSG;
		reader->field[id].source = (unsigned)source;
		reader->field[id].scale = scale;
		reader->field[id].column = get_name(in, &err);
		if (!reader->field[id].column)
			return err;
		if (id >= reader->schema.fields)
			reader->schema.fields = (unsigned)id + 1;
	}
	return 0;
}

static int load_reasons(struct reader *reader, struct bytes_in *in)
{
	while (bytes_left(in)) {
		unsigned n = reader->schema.reasons;
		int err;

		if (n > UINT8_MAX)
			return -EBADMSG;
		reader->reason[n] = get_name(in, &err);
		if (!reader->reason[n])
			return err;
		reader->schema.reasons++;
	}
	return 0;
}

static int load_section(struct reader *reader, uint64_t kind, struct bytes_in *content)
{
	switch (kind) {
	case SECTION_INFO:
		return load_info(reader, content);
	case SECTION_SOURCES:
		return load_sources(reader, content);
	case SECTION_FIELDS:
		return load_fields(reader, content);
	case SECTION_REASONS:
		return load_reasons(reader, content);
	default:
		return 0;
	}
}

static bool info_number(const struct reader *reader, const char *name, uint64_t *ret)
{
	for (unsigned i = 0; i < reader->infos; i++) {
		const char *text = reader->info[i].text;
		char *end;

		if (strcmp(reader->info[i].name, name) || *text < '0' || *text > '9')
			continue;
		errno = 0;
		*ret = strtoull(text, &end, 10);
		return errno == 0 && end == text + reader->info[i].len;
	}
	return false;
}

/* What the header must hold, for the rows to have a meaning. */
static int check_header(struct reader *reader)
{
	uint64_t freq;

	for (unsigned i = 0; i < reader->schema.fields; i++)
		if (reader->field[i].column && !reader->source[reader->field[i].source].file)
			return fail(reader, -EBADMSG, "a field without a source in the header");
	if (!info_number(reader, "freq", &freq) || freq == 0 || freq > UINT32_MAX)
		return fail(reader, -EBADMSG, "no frequency in the header");
	reader->clock.freq = (uint32_t)freq;
	if (!info_number(reader, "start_monotonic_ns", &reader->clock.start_ns))
		return fail(reader, -EBADMSG, "no start time in the header");
	return 0;
}

static int load_sections(struct reader *reader, struct bytes_in *in, bool may_unpack);

/* The tables take a third of their size when packed. */
static int load_packed(struct reader *reader, const struct bytes_in *packed)
{
	size_t len = bytes_left(packed);
	unsigned long long size = ZSTD_getFrameContentSize(packed->p, len);
	struct bytes_in in;
	uint8_t *sections;
	size_t n;
	int err;

	/* Unknown sizes and errors are the two largest numbers there are. */
	if (size > ROWS_HEADER_MAX)
		return -EBADMSG;
	sections = malloc(size ? (size_t)size : 1);
	if (!sections)
		return -ENOMEM;
	n = ZSTD_decompress(sections, (size_t)size, packed->p, len);
	in = (struct bytes_in){sections, sections + (ZSTD_isError(n) ? 0 : n), ZSTD_isError(n)};
	err = load_sections(reader, &in, false);
	free(sections);
	return err;
}

/* All sections of the header, or of one packed section in it. */
static int load_sections(struct reader *reader, struct bytes_in *in, bool may_unpack)
{
	struct bytes_in content;
	uint64_t kind;

	while (rows_next_section(in, &kind, &content)) {
		int err;

		if (kind == SECTION_PACKED)
			err = may_unpack ? load_packed(reader, &content) : -EBADMSG;
		else
			err = load_section(reader, kind, &content);
		if (err < 0)
			return fail(reader, err, "a malformed section in the header");
	}
	if (in->bad)
		return fail(reader, -EBADMSG, "a section of impossible length in the header");
	return 0;
}

static int load_header(struct reader *reader, struct bytes_in *in)
{
	const uint8_t *magic = bytes_get_raw(in, ROWS_HEADER_MAGIC_LEN);
	uint64_t version = bytes_get_varint(in);
	int err;

	if (in->bad || memcmp(magic, ROWS_HEADER_MAGIC, ROWS_HEADER_MAGIC_LEN) || version == 0)
		return fail(reader, -EBADMSG, "not a run file of mstat");
	if (version > ROWS_FORMAT_VERSION) {
		snprintf(reader->why, sizeof(reader->why),
			 "its format is version %llu, this program reads up to version %d",
			 (unsigned long long)version, ROWS_FORMAT_VERSION);
		return reader->err = -EOPNOTSUPP;
	}
	err = load_sections(reader, in, true);
	return err < 0 ? err : check_header(reader);
}

/* The first frame. What is no run file at all is told from one that was cut early. */
static int read_header(struct reader *reader)
{
	static const uint8_t magic[] = {
		ROWS_SKIPPABLE_MAGIC & 0xff, ROWS_SKIPPABLE_MAGIC >> 8 & 0xff,
		ROWS_SKIPPABLE_MAGIC >> 16 & 0xff, ROWS_SKIPPABLE_MAGIC >> 24};
	struct bytes_in content;
	uint8_t *owned;
	size_t n;
	int err = fill(reader, 8);

	if (err < 0)
		return err;
	n = available(reader) < sizeof(magic) ? available(reader) : sizeof(magic);
	if (memcmp(reader->input, magic, n))
		return fail(reader, -EBADMSG, "not a run file of mstat");
	err = need(reader, 8);
	if (err == 0)
		err = take_frame(reader, ROWS_HEADER_MAX, &owned, &content);
	if (err < 0)
		return err;
	err = load_header(reader, &content);
	free(owned);
	return err;
}

int reader_open(int fd, struct reader **ret)
{
	return reader_follow(fd, NULL, NULL, ret);
}

int reader_follow(int fd, reader_more *more, void *arg, struct reader **ret)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	*ret = reader;
	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	reader->more = more;
	reader->more_arg = arg;
	reader->dctx = ZSTD_createDCtx();
	reader->field = calloc(TABLE_FIELD_MAX, sizeof(*reader->field));
	reader->source = calloc(TABLE_SOURCE_MAX, sizeof(*reader->source));
	reader->reason = calloc(UINT8_MAX + 1, sizeof(*reader->reason));
	if (!reader->dctx || !reader->field || !reader->source || !reader->reason)
		return fail(reader, -ENOMEM, "no memory");
	reader->schema.field = reader->field;
	reader->schema.source = reader->source;
	reader->schema.reason = reader->reason;
	return read_header(reader);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	for (unsigned i = 0; i < reader->infos; i++) {
		free(reader->info[i].name);
		free(reader->info[i].text);
	}
	for (unsigned i = 0; i < reader->schema.fields; i++)
		free((char *)reader->field[i].column);
	for (unsigned i = 0; i < reader->schema.sources; i++)
		free((char *)reader->source[i].file);
	for (unsigned i = 0; i < reader->schema.reasons; i++)
		free((char *)reader->reason[i]);
	free(reader->info);
	free(reader->field);
	free(reader->source);
	free(reader->reason);
	free(reader->block);
	ZSTD_freeDCtx(reader->dctx);
	free(reader);
}

/* The index is not needed to read on; it must only speak of this file. */
static int check_index(struct reader *reader, struct bytes_in *in)
{
	uint64_t offset = 0;

	while (bytes_left(in)) {
		uint64_t delta = bytes_get_varint(in);

		bytes_get_varint(in);
		if (in->bad || delta > reader->last - offset)
			return fail(reader, -EBADMSG, "an index that is of another file");
		offset += delta;
	}
	return 0;
}

static int read_index(struct reader *reader)
{
	struct bytes_in content;
	struct bytes_in section;
	uint8_t *owned;
	uint64_t kind;
	/* Some bytes a second: that of a long run is longer than a header ever is. */
	int err = take_frame(reader, ROWS_BLOCK_MAX, &owned, &content);

	if (err < 0)
		return err;
	while (err == 0 && rows_next_section(&content, &kind, &section)) {
		if (kind != SECTION_INDEX)
			continue;
		reader->finished = true;
		err = check_index(reader, &section);
	}
	if (content.bad)
		err = fail(reader, -EBADMSG, "a section of impossible length in the index");
	free(owned);
	return err;
}

/* The length of the block in the frame at the input, or an error. */
static int block_length(struct reader *reader, size_t *ret)
{
	unsigned long long size = ZSTD_CONTENTSIZE_ERROR;

	/* No byte more than its header has: what is behind it may not be written yet. */
	for (size_t n = 8; n <= FRAME_HEADER_MAX && size == ZSTD_CONTENTSIZE_ERROR; n++) {
		int err = need(reader, n);

		if (err < 0)
			return err;
		size = ZSTD_getFrameContentSize(reader->input + reader->at, n);
	}
	if (size > ROWS_BLOCK_MAX)
		return fail(reader, -EBADMSG, "a block of unknown or impossible length");
	if (!(reader->input[reader->at + 4] & CHECKSUM_FLAG))
		return fail(reader, -EBADMSG, "a block without a checksum");
	*ret = (size_t)size;
	return 0;
}

static int block_room(struct reader *reader, size_t size)
{
	uint8_t *block;

	/* At least a byte: zstd and memcpy want a buffer for an empty block too. */
	if (reader->block && reader->block_size >= size)
		return 0;
	block = realloc(reader->block, size ? size : 1);
	if (!block)
		return fail(reader, -ENOMEM, "no memory");
	reader->block = block;
	reader->block_size = size;
	return 0;
}

static int read_block(struct reader *reader, struct bytes_in *ret)
{
	ZSTD_outBuffer out = {.size = 0};
	size_t left = 1;
	int err = block_length(reader, &out.size);

	if (err == 0)
		err = block_room(reader, out.size);
	if (err < 0)
		return err;
	out.dst = reader->block;
	ZSTD_DCtx_reset(reader->dctx, ZSTD_reset_session_and_parameters);
	/* A window larger than any block is of no use, but would be allocated. */
	ZSTD_DCtx_setParameter(reader->dctx, ZSTD_d_windowLogMax, 23);
	while (left) {
		ZSTD_inBuffer in = {.src = reader->input + reader->at};
		size_t before = out.pos;

		err = need(reader, 1);
		if (err < 0)
			return err;
		in.src = reader->input + reader->at;
		in.size = available(reader);
		left = ZSTD_decompressStream(reader->dctx, &out, &in);
		if (ZSTD_isError(left))
			return fail(reader, -EBADMSG, ZSTD_getErrorName(left));
		if (left && in.pos == 0 && out.pos == before)
			return fail(reader, -EBADMSG, "a block longer than it says");
		reader->at += in.pos;
	}
	*ret = (struct bytes_in){.p = reader->block, .end = reader->block + out.pos};
	return 0;
}

/* Any frame: 1 for a block, 0 for one that was passed over, 2 at the end. */
static int read_frame(struct reader *reader, struct bytes_in *ret)
{
	uint32_t magic;
	int err = fill(reader, 8);

	reader->offset = reader->base + reader->at;
	if (err < 0)
		return err;
	if (available(reader) == 0)
		return reader->finished ? 2 : fail(reader, -ENODATA, "it was not finished");
	err = need(reader, 8);
	if (err < 0)
		return err;
	magic = peek_u32(reader, 0);
	if (magic == ROWS_SKIPPABLE_MAGIC)
		return read_index(reader);
	if ((magic & SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
		size_t size = peek_u32(reader, 4);

		reader->at += 8;
		return take(reader, NULL, size);
	}
	if (magic != ZSTD_MAGICNUMBER)
		return fail(reader, -EBADMSG, "no frame begins here");
	if (reader->finished)
		return fail(reader, -EBADMSG, "a block after the index");
	reader->last = reader->offset;
	err = read_block(reader, ret);
	return err < 0 ? err : 1;
}

int reader_next(struct reader *reader, struct bytes_in *ret_block)
{
	int got = 0;

	if (reader->err || reader->done)
		return reader->err;
	while (got == 0)
		got = read_frame(reader, ret_block);
	if (got < 2)
		return got;
	reader->done = true;
	return 0;
}

int reader_each(struct reader *reader, reader_take *taker, void *arg)
{
	struct bytes_in block, section;
	uint64_t kind;
	int err;

	while ((err = reader_next(reader, &block)) > 0) {
		err = 0;
		while (err == 0 && rows_next_section(&block, &kind, &section))
			err = taker(arg, kind, &section);
		if (err == 0 && block.bad)
			err = -EBADMSG;
		if (err < 0)
			return fail(reader, err,
				    err == -ENOMEM ? "no memory" : "a malformed section");
	}
	return err;
}

uint64_t reader_offset(const struct reader *reader)
{
	return reader->offset;
}

const char *reader_why(const struct reader *reader)
{
	return reader->why;
}

const struct table_schema *reader_schema(const struct reader *reader)
{
	return &reader->schema;
}

const struct table_clock *reader_clock(const struct reader *reader)
{
	return &reader->clock;
}

bool reader_info(const struct reader *reader, unsigned i, const char **ret_name,
		 const char **ret_text, size_t *ret_len)
{
	if (i >= reader->infos)
		return false;
	*ret_name = reader->info[i].name;
	*ret_text = reader->info[i].text;
	*ret_len = reader->info[i].len;
	return true;
}

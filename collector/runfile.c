/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "collector/runfile.h"

/* A block is written when it has grown to this; any one section then still fits behind it. */
#define BLOCK_FULL (1u << 20)
/* A block is a second's worth: a level above 3 makes these small ones no smaller. */
#define ZSTD_LEVEL 3

/* At one a second, the blocks of nine hours; then of eighteen, ... The packed index stays below
 * ROWS_HEADER_MAX. */
#define INDEX_MAX 32768

struct index_entry {
	uint64_t offset, tick;
};

struct runfile {
	int fd; /* borrowed */
	int error;
	uint64_t offset; /* of the next byte, from where the file was given to us */
	ZSTD_CCtx *zstd; /* owned */
	uint8_t *block;	 /* owned, ROWS_BLOCK_MAX */
	uint8_t *packed; /* owned, packed_size */
	size_t packed_size;
	struct bytes_out out;
	uint64_t first_tick; /* of the block's rows of the tree; 0: none */
	uint64_t newest_tick;
	uint64_t blocks;
	struct index_entry *index; /* owned, INDEX_MAX */
	size_t index_count;
	uint64_t index_every; /* of so many blocks one is in the index */
};

static void restart_block(struct runfile *file)
{
	file->out = (struct bytes_out){file->block, file->block + ROWS_BLOCK_MAX, false};
	file->first_tick = 0;
}

int runfile_new(int fd, struct runfile **ret)
{
	struct runfile *file = calloc(1, sizeof(*file));

	*ret = NULL;
	if (!file)
		return -ENOMEM;
	file->fd = fd;
	file->packed_size = ZSTD_compressBound(ROWS_BLOCK_MAX);
	file->block = malloc(ROWS_BLOCK_MAX);
	file->packed = malloc(file->packed_size);
	file->zstd = ZSTD_createCCtx();
	file->index = malloc(INDEX_MAX * sizeof(*file->index));
	file->index_every = 1;
	if (!file->block || !file->packed || !file->zstd || !file->index) {
		runfile_free(file);
		return -ENOMEM;
	}
	ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_checksumFlag, 1);
	restart_block(file);
	/* The header is gathered in the block's buffer, behind room for the frame's own head. */
	bytes_put_u32(&file->out, ROWS_SKIPPABLE_MAGIC);
	bytes_put_u32(&file->out, 0);
	bytes_put_raw(&file->out, ROWS_HEADER_MAGIC, ROWS_HEADER_MAGIC_LEN);
	bytes_put_varint(&file->out, ROWS_FORMAT_VERSION);
	*ret = file;
	return 0;
}

static void write_all(struct runfile *file, const uint8_t *p, size_t len)
{
	while (len && !file->error) {
		ssize_t n = write(file->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			file->error = n < 0 ? -errno : -EIO;
			return;
		}
		p += n;
		len -= (size_t)n;
		file->offset += (size_t)n;
	}
}

/* Ends a skippable frame that began at base: checksum, and the length in its head. */
static void write_skippable(struct runfile *file, struct bytes_out *out, uint8_t *base)
{
	struct bytes_out head = {base + 4, base + 8, false};

	bytes_put_u32(out, bytes_crc32(base + 8, (size_t)(out->p - base) - 8));
	if (out->full) {
		file->error = file->error ? file->error : -EFBIG;
		return;
	}
	bytes_put_u32(&head, (uint32_t)(out->p - base) - 8);
	write_all(file, base, (size_t)(out->p - base));
}

void runfile_info(struct runfile *file, const char *name, const void *value, size_t len)
{
	uint8_t *at = rows_begin(&file->out, SECTION_INFO);

	bytes_put_blob(&file->out, name, strlen(name));
	bytes_put_blob(&file->out, value, len);
	rows_end(&file->out, at);
}

void runfile_begin(struct runfile *file)
{
	struct bytes_out tables = {file->packed, file->packed + file->packed_size / 2, false};
	uint8_t *frame = file->packed + file->packed_size / 2;
	uint8_t *at = rows_begin(&file->out, SECTION_PACKED);
	size_t n;

	rows_pack_tables(&tables);
	n = ZSTD_compress2(file->zstd, frame, file->packed_size / 2, file->packed,
			   (size_t)(tables.p - file->packed));
	if (ZSTD_isError(n))
		file->error = -EIO;
	else
		bytes_put_raw(&file->out, frame, n);
	rows_end(&file->out, at);
	write_skippable(file, &file->out, file->block);
	restart_block(file);
}

static void note_section(struct runfile *file)
{
	if (file->out.full && !file->error)
		file->error = -EFBIG;
	if ((size_t)(file->out.p - file->block) >= BLOCK_FULL)
		runfile_flush(file);
}

void runfile_process(struct runfile *file, const struct rows_process *process)
{
	rows_pack_process(&file->out, process);
	note_section(file);
}

void runfile_event(struct runfile *file, const struct rows_event *event)
{
	rows_pack_event(&file->out, event);
	note_section(file);
}

void runfile_phase(struct runfile *file, const struct rows_phase *phase)
{
	rows_pack_phase(&file->out, phase);
	note_section(file);
}

void runfile_rows(struct runfile *file, uint64_t subject, const struct record *rows, size_t n)
{
	const struct record *pointers[RUNFILE_ROWS];

	while (n && !file->error) {
		size_t take = n < RUNFILE_ROWS ? n : RUNFILE_ROWS;

		for (size_t i = 0; i < take; i++)
			pointers[i] = &rows[i];
		if (subject == 0 && file->first_tick == 0)
			file->first_tick = rows[0].tick;
		rows_pack(&file->out, SECTION_ROWS, subject, pointers, take);
		note_section(file);
		rows += take;
		n -= take;
	}
}

void runfile_life(struct runfile *file, uint64_t subject, const struct record *life)
{
	rows_pack(&file->out, SECTION_LIFE, subject, &life, 1);
	note_section(file);
}

void runfile_holders(struct runfile *file, const struct rows_holder *holder, size_t n)
{
	rows_pack_holders(&file->out, holder, n);
	note_section(file);
}

void runfile_heap(struct runfile *file, uint64_t id, enum wire_kind kind, const uint8_t *body,
		  size_t len)
{
	rows_pack_heap(&file->out, id, kind, body, len);
	note_section(file);
}

void runfile_summary(struct runfile *file, const struct record *summary)
{
	rows_pack(&file->out, SECTION_SUMMARY, 0, &summary, 1);
	note_section(file);
}

/* A long run's index keeps every second entry, then every fourth, ... */
static void thin_index(struct runfile *file)
{
	for (size_t i = 0; i < INDEX_MAX / 2; i++)
		file->index[i] = file->index[2 * i];
	file->index_count = INDEX_MAX / 2;
	file->index_every *= 2;
}

/* Remembers where the block that is written next stands. */
static void note_block(struct runfile *file)
{
	/* A block without rows of the tree repeats the tick of the one before. */
	if (file->first_tick > file->newest_tick)
		file->newest_tick = file->first_tick;
	if (file->blocks++ % file->index_every)
		return;
	if (file->index_count == INDEX_MAX) {
		thin_index(file);
		if ((file->blocks - 1) % file->index_every)
			return;
	}
	file->index[file->index_count++] = (struct index_entry){file->offset, file->newest_tick};
}

void runfile_flush(struct runfile *file)
{
	size_t len = (size_t)(file->out.p - file->block);
	size_t n;

	if (len && !file->error) {
		n = ZSTD_compress2(file->zstd, file->packed, file->packed_size, file->block, len);
		if (ZSTD_isError(n)) {
			file->error = -EIO;
		} else {
			note_block(file);
			write_all(file, file->packed, n);
		}
	}
	restart_block(file);
}

void runfile_finish(struct runfile *file)
{
	struct index_entry before = {0, 0};
	struct bytes_out out;
	uint8_t *at;

	runfile_flush(file);
	out = file->out;
	bytes_put_u32(&out, ROWS_SKIPPABLE_MAGIC);
	bytes_put_u32(&out, 0);
	at = rows_begin(&out, SECTION_INDEX);
	for (size_t i = 0; i < file->index_count; i++) {
		bytes_put_varint(&out, file->index[i].offset - before.offset);
		bytes_put_varint(&out, file->index[i].tick - before.tick);
		before = file->index[i];
	}
	rows_end(&out, at);
	if (!file->error)
		write_skippable(file, &out, file->block);
}

uint64_t runfile_size(const struct runfile *file)
{
	return file->offset;
}

int runfile_error(const struct runfile *file)
{
	return file->error;
}

void runfile_free(struct runfile *file)
{
	if (!file)
		return;
	ZSTD_freeCCtx(file->zstd);
	free(file->block);
	free(file->packed);
	free(file->index);
	free(file);
}

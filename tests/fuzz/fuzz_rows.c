/* SPDX-License-Identifier: ISC */
/* The content of a run file's block: any bytes. Small rows are packed again and read the same. */
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AGAIN_MAX 32

static uint64_t heads[3][ROWS_MAX];
static uint8_t flags[ROWS_MAX];
static int64_t values[ROWS_MAX];
static struct record rows[2][AGAIN_MAX];

static void keep_source(struct record *to, size_t n, uint64_t source)
{
	if (n > AGAIN_MAX || source >= SOURCE_MAX || !source_table[source].known)
		return;
	for (size_t i = 0; i < n; i++)
		to[i].reason[source] = flags[i];
}

static void keep_field(struct record *to, size_t n, uint64_t field)
{
	if (n > AGAIN_MAX || field >= FIELD_MAX || !field_table[field].known)
		return;
	for (size_t i = 0; i < n; i++) {
		if (flags[i])
			record_set(&to[i], (unsigned)field, values[i]);
		else
			record_unset(&to[i], (unsigned)field);
	}
}

/* Returns how many rows were read whole, else 0. */
static size_t read_rows(struct bytes_in *in, uint64_t *ret_subject, struct record *to)
{
	uint64_t id;
	size_t n;
	int more;

	if (rows_open(in, ret_subject, &n) || rows_get_heads(in, n, heads[0], heads[1], heads[2]))
		return 0;
	if (n > ROWS_MAX || n == 0)
		__builtin_trap();
	for (size_t i = 0; i < n && n <= AGAIN_MAX; i++) {
		record_init(&to[i]);
		to[i].tick = heads[0][i];
		to[i].late_us = heads[1][i];
		to[i].dropped = heads[2][i];
	}
	while ((more = rows_next_source(in, n, &id, flags)) > 0)
		keep_source(to, n, id);
	if (more < 0)
		return 0;
	while ((more = rows_next_field(in, n, &id, flags, values)) > 0)
		keep_field(to, n, id);
	return more < 0 ? 0 : n;
}

static void same(const struct record *a, const struct record *b)
{
	if (a->tick != b->tick || a->late_us != b->late_us || a->dropped != b->dropped ||
	    memcmp(a->reason, b->reason, sizeof(a->reason)) ||
	    memcmp(a->present, b->present, sizeof(a->present)))
		__builtin_trap();
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (record_has(a, f) && a->value[f] != b->value[f])
			__builtin_trap();
}

static void pack_again(uint64_t subject, size_t n)
{
	static uint8_t buf[AGAIN_MAX * FIELD_MAX * 12];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	const struct record *list[AGAIN_MAX];
	struct bytes_in in = {.p = buf}, content;
	uint64_t kind, subject_again;

	for (size_t i = 0; i < n; i++)
		list[i] = &rows[0][i];
	rows_pack(&out, SECTION_ROWS, subject, list, n);
	in.end = out.p;
	if (out.full || !rows_next_section(&in, &kind, &content) || bytes_left(&in) ||
	    read_rows(&content, &subject_again, rows[1]) != n || subject_again != subject ||
	    bytes_left(&content))
		__builtin_trap();
	for (size_t i = 0; i < n; i++)
		same(&rows[0][i], &rows[1][i]);
}

static void read_section(uint64_t kind, struct bytes_in *content)
{
	struct rows_process process;
	struct rows_event event;
	struct rows_phase phase;
	struct rows_holder holder[ROWS_HOLDERS_MAX];
	uint64_t subject;
	size_t n;

	if (kind == SECTION_PROCESS)
		rows_unpack_process(content, &process);
	else if (kind == SECTION_EVENT)
		rows_unpack_event(content, &event);
	else if (kind == SECTION_PHASE)
		rows_unpack_phase(content, &phase);
	else if (kind == SECTION_HOLDERS)
		rows_unpack_holders(content, holder);
	else {
		n = read_rows(content, &subject, rows[0]);
		if (n && n <= AGAIN_MAX)
			pack_again(subject, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_in in = {.p = data, .end = data + size};
	struct bytes_in content;
	uint64_t kind;

	while (rows_next_section(&in, &kind, &content)) {
		/* Of exactly the size, so that the sanitizer sees the section's end. */
		size_t len = bytes_left(&content);
		uint8_t *copy = malloc(len ? len : 1);

		if (!copy)
			return 0;
		memcpy(copy, content.p, len);
		content = (struct bytes_in){.p = copy, .end = copy + len};
		read_section(kind, &content);
		free(copy);
	}
	return 0;
}

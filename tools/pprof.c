/* SPDX-License-Identifier: ISC */
/*
 * The messages are written as they are made, and only the texts are kept to the end: protobuf-c packs a
 * message from a tree of all that is in it, some 600 bytes for each sample, and needs a generator of code
 * beside. What it would do here core's varints do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/plain.h"
#include "tools/pprof.h"

#define OUTPUT	    65536
#define MESSAGE_MAX 8192
/* A level above takes longer for little: stacks are sorted by what they share. */
#define LEVEL	    4
#define GZIP_WINDOW (15 + 16)

/* profile.proto: message Profile, and what is in it. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,

	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,

	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,

	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,

	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILES = 8,
	MAPPING_HAS_LINES = 9,
	MAPPING_HAS_INLINED = 10,

	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,

	LINE_FUNCTION = 1,
	LINE_LINE = 2,

	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_LINKAGE = 3,
	FUNCTION_FILE = 4,
	FUNCTION_START = 5,
};

enum { WIRE_NUMBER = 0, WIRE_BYTES = 2 };

struct pprof {
	const struct heapview *view; /* borrowed */
	struct texts texts;	     /* the profile's; 0 is the empty one */
	uint8_t *is_function;	     /* owned; by function of the symbols: it is in a location */
	z_stream z;
	int fd;	 /* borrowed */
	int err; /* the first */
	uint8_t output[OUTPUT];
};

/* ---- bytes ------------------------------------------------------------------------------------- */

static void write_output(struct pprof *pprof)
{
	const uint8_t *p = pprof->output;
	size_t left = OUTPUT - pprof->z.avail_out;

	while (left && pprof->err == 0) {
		ssize_t n = write(pprof->fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			pprof->err = -errno;
			break;
		}
		p += n;
		left -= (size_t)n;
	}
	pprof->z.next_out = pprof->output;
	pprof->z.avail_out = OUTPUT;
}

static void put_bytes(struct pprof *pprof, const void *src, size_t len, int flush)
{
	int is;

	pprof->z.next_in = (uint8_t *)(uintptr_t)src;
	pprof->z.avail_in = (uInt)len;
	do {
		is = deflate(&pprof->z, flush);
		if (pprof->z.avail_out == 0 || is == Z_STREAM_END)
			write_output(pprof);
	} while (pprof->err == 0 && (pprof->z.avail_in || (flush == Z_FINISH && is == Z_OK)));
}

/* A number in a message; 0 needs not be told. */
static void put_number(struct bytes_out *out, unsigned field, uint64_t v)
{
	if (!v)
		return;
	bytes_put_varint(out, field << 3 | WIRE_NUMBER);
	bytes_put_varint(out, v);
}

static void put_message(struct bytes_out *out, unsigned field, const uint8_t *message,
			const struct bytes_out *end)
{
	bytes_put_varint(out, field << 3 | WIRE_BYTES);
	bytes_put_blob(out, message, (size_t)(end->p - message));
}

/* A message in the profile. */
static void emit(struct pprof *pprof, unsigned field, const void *src, size_t len)
{
	uint8_t head[2 * BYTES_VARINT_MAX];
	struct bytes_out out = {.p = head, .end = head + sizeof(head)};

	bytes_put_varint(&out, field << 3 | WIRE_BYTES);
	bytes_put_varint(&out, len);
	put_bytes(pprof, head, (size_t)(out.p - head), Z_NO_FLUSH);
	put_bytes(pprof, src, len, Z_NO_FLUSH);
}

/* None is longer: a stack has HEAPWIRE_FRAMES_MAX frames, a place a bounded chain of lines. */
static void emit_message(struct pprof *pprof, unsigned field, const uint8_t *message,
			 const struct bytes_out *end)
{
	if (end->full)
		pprof->err = pprof->err ? pprof->err : -ENOBUFS;
	else
		emit(pprof, field, message, (size_t)(end->p - message));
}

static void emit_number(struct pprof *pprof, unsigned field, uint64_t v)
{
	uint8_t bytes[2 * BYTES_VARINT_MAX];
	struct bytes_out out = {.p = bytes, .end = bytes + sizeof(bytes)};

	put_number(&out, field, v);
	put_bytes(pprof, bytes, (size_t)(out.p - bytes), Z_NO_FLUSH);
}

/* ---- texts ------------------------------------------------------------------------------------- */

static uint64_t text_of(struct pprof *pprof, const char *text, size_t len)
{
	int64_t number = texts_put(&pprof->texts, text, len);

	if (number < 0 && pprof->err == 0)
		pprof->err = -ENOMEM;
	return number < 0 ? 0 : (uint64_t)number;
}

static uint64_t word(struct pprof *pprof, const char *text)
{
	return text_of(pprof, text, strlen(text));
}

static uint64_t text_in(struct pprof *pprof, const struct texts *texts, uint32_t number)
{
	size_t len;
	const char *text = texts_at(texts, number, &len);

	return text_of(pprof, text, len);
}

/* A string has to be UTF-8. */
static void emit_text(struct pprof *pprof, uint32_t number)
{
	size_t len;
	const char *text = texts_at(&pprof->texts, number, &len);
	char *plain = malloc(len + 1);

	if (!plain) {
		pprof->err = pprof->err ? pprof->err : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < len;) {
		size_t n = plain_len((const unsigned char *)text + i, len - i);

		if (n)
			memcpy(plain + i, text + i, n);
		else
			plain[i] = '?';
		i += n ? n : 1;
	}
	emit(pprof, PROFILE_STRING, plain, len);
	free(plain);
}

static void emit_texts(struct pprof *pprof)
{
	for (uint32_t i = 0; i < pprof->texts.count && pprof->err == 0; i++)
		emit_text(pprof, i);
}

/* ---- the profile ------------------------------------------------------------------------------- */

static void emit_type(struct pprof *pprof, unsigned field, const char *type, const char *unit)
{
	uint8_t message[64];
	struct bytes_out out = {.p = message, .end = message + sizeof(message)};

	put_number(&out, VALUE_TYPE_TYPE, word(pprof, type));
	put_number(&out, VALUE_TYPE_UNIT, word(pprof, unit));
	emit_message(pprof, field, message, &out);
}

/* Places in no file come after the frames. */
static uint64_t mapped_location(const struct pprof *pprof)
{
	return (uint64_t)pprof->view->run->frames.count + 1;
}

static uint64_t untold_location(const struct pprof *pprof)
{
	return mapped_location(pprof) + 1;
}

static void put_locations(const struct pprof *pprof, struct bytes_out *out,
			  const struct heaprun_sample *sample)
{
	const struct heaprun *run = pprof->view->run;
	uint8_t ids[(HEAPWIRE_FRAMES_MAX + 2) * BYTES_VARINT_MAX];
	struct bytes_out list = {.p = ids, .end = ids + sizeof(ids)};

	if (sample->flags & HEAPWIRE_MAPPING)
		bytes_put_varint(&list, mapped_location(pprof));
	if (!sample->node)
		bytes_put_varint(&list, untold_location(pprof));
	for (uint32_t at = sample->node; at;) {
		const struct heaprun_node *node = heaprun_node_at(run, at);

		bytes_put_varint(&list, (uint64_t)node->frame + 1);
		at = node->parent;
	}
	put_message(out, SAMPLE_LOCATION, ids, &list);
}

static void put_values(struct bytes_out *out, const struct heapwire_sums *sums)
{
	const int64_t value[] = {sums->blocks / HEAPWIRE_BLOCK, sums->bytes,
				 sums->live_blocks / HEAPWIRE_BLOCK, sums->live_bytes};
	const int64_t part[] = {sums->blocks % HEAPWIRE_BLOCK, 0,
				sums->live_blocks % HEAPWIRE_BLOCK, 0};
	uint8_t values[4 * BYTES_VARINT_MAX];
	struct bytes_out list = {.p = values, .end = values + sizeof(values)};

	for (int i = 0; i < 4; i++)
		bytes_put_varint(&list, (value[i] < 0 ? 0 : (uint64_t)value[i]) +
						(value[i] >= 0 && part[i] >= HEAPWIRE_BLOCK / 2));
	put_message(out, SAMPLE_VALUE, values, &list);
}

static void put_label(struct bytes_out *out, uint64_t key, uint64_t str, uint64_t num)
{
	uint8_t label[64];
	struct bytes_out body = {.p = label, .end = label + sizeof(label)};

	put_number(&body, LABEL_KEY, key);
	put_number(&body, LABEL_STR, str);
	put_number(&body, LABEL_NUM, num);
	put_message(out, SAMPLE_LABEL, label, &body);
}

static void emit_samples(struct pprof *pprof)
{
	const struct heaprun *run = pprof->view->run;
	uint64_t pid = word(pprof, "pid");
	uint64_t comm = word(pprof, "comm");
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;

	while (pprof->err == 0 && heaprun_next(run, &cursor, &sample)) {
		uint8_t message[MESSAGE_MAX];
		struct bytes_out out = {.p = message, .end = message + sizeof(message)};

		put_locations(pprof, &out, &sample);
		put_values(&out, &sample.sums);
		put_label(&out, pid, 0, sample.process->pid);
		put_label(&out, comm, text_in(pprof, &run->texts, sample.process->comm), 0);
		emit_message(pprof, PROFILE_SAMPLE, message, &out);
	}
}

static uint64_t build_id_text(struct pprof *pprof, uint32_t number)
{
	static const char digit[] = "0123456789abcdef";
	char text[2 * HEAPWIRE_BUILD_ID_MAX];
	size_t len;
	const char *id = texts_at(&pprof->view->run->texts, number, &len);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digit[(uint8_t)id[i] >> 4];
		text[2 * i + 1] = digit[id[i] & 15];
	}
	return text_of(pprof, text, 2 * len);
}

static void emit_mapping(struct pprof *pprof, uint32_t number)
{
	const struct heaprun_module *module = heaprun_module_at(pprof->view->run, number);
	unsigned found = pprof->view->module[number].found;
	uint8_t message[256];
	struct bytes_out out = {.p = message, .end = message + sizeof(message)};

	put_number(&out, MAPPING_ID, number);
	put_number(&out, MAPPING_START, module->start);
	put_number(&out, MAPPING_LIMIT, module->start + module->size);
	put_number(&out, MAPPING_OFFSET, module->offset);
	put_number(&out, MAPPING_FILE, text_in(pprof, &pprof->view->run->texts, module->path));
	put_number(&out, MAPPING_BUILD_ID, build_id_text(pprof, module->build_id));
	put_number(&out, MAPPING_HAS_FUNCTIONS, !!(found & SYMBOLS_FUNCTIONS));
	put_number(&out, MAPPING_HAS_FILES, !!(found & SYMBOLS_FILES));
	put_number(&out, MAPPING_HAS_LINES, !!(found & SYMBOLS_FILES));
	put_number(&out, MAPPING_HAS_INLINED, !!(found & SYMBOLS_INLINED));
	emit_message(pprof, PROFILE_MAPPING, message, &out);
}

/* The program itself, by convention the first: what the first process that counts has executed. */
static uint32_t main_module(const struct heaprun *run, const struct heapview *view)
{
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;

	if (!heaprun_next(run, &cursor, &sample))
		return 0;
	for (uint32_t i = 1; i < run->modules.count; i++)
		if (view->module[i].is_used &&
		    heaprun_module_at(run, i)->path == sample.process->exe)
			return i;
	return 0;
}

static void emit_mappings(struct pprof *pprof)
{
	const struct heapview *view = pprof->view;
	uint32_t first = main_module(view->run, view);

	if (first)
		emit_mapping(pprof, first);
	for (uint32_t i = 1; i < view->run->modules.count && pprof->err == 0; i++)
		if (i != first && view->module[i].is_used)
			emit_mapping(pprof, i);
}

/* What stands for no more than an address, pprof may know better. always: it is no address at all. */
static void put_line(struct pprof *pprof, struct bytes_out *out, uint32_t number, bool always)
{
	const struct symbols *symbols = &pprof->view->symbols;
	const struct symbols_line *line = intern_at(&symbols->lines, number);
	const struct symbols_function *function = intern_at(&symbols->functions, line->function);
	uint8_t message[64];
	struct bytes_out body = {.p = message, .end = message + sizeof(message)};

	if (!function->linkage && !always)
		return;
	pprof->is_function[line->function] = 1;
	put_number(&body, LINE_FUNCTION, (uint64_t)line->function + 1);
	put_number(&body, LINE_LINE, line->line);
	put_message(out, LOCATION_LINE, message, &body);
}

static void emit_location(struct pprof *pprof, uint32_t number)
{
	const struct heapview *view = pprof->view;
	const struct heaprun_frame *frame = heaprun_frame_at(view->run, number);
	const struct heaprun_module *module = heaprun_module_at(view->run, frame->module);
	const struct heapview_place *place = &view->place[number];
	uint8_t message[MESSAGE_MAX];
	struct bytes_out out = {.p = message, .end = message + sizeof(message)};

	put_number(&out, LOCATION_ID, (uint64_t)number + 1);
	put_number(&out, LOCATION_MAPPING, frame->module);
	/* Of the call, not of where it returns to. */
	put_number(&out, LOCATION_ADDRESS, module->start + frame->offset - module->offset - 1);
	for (uint32_t i = 0; i < place->count; i++)
		put_line(pprof, &out, view->symbols.chain[place->first + i], false);
	emit_message(pprof, PROFILE_LOCATION, message, &out);
}

static void emit_named_location(struct pprof *pprof, uint64_t id, uint32_t line)
{
	uint8_t message[128];
	struct bytes_out out = {.p = message, .end = message + sizeof(message)};

	put_number(&out, LOCATION_ID, id);
	put_line(pprof, &out, line, true);
	emit_message(pprof, PROFILE_LOCATION, message, &out);
}

static void emit_locations(struct pprof *pprof)
{
	const struct heapview *view = pprof->view;

	for (uint32_t i = 0; i < view->run->frames.count && pprof->err == 0; i++)
		if (view->place[i].count)
			emit_location(pprof, i);
	emit_named_location(pprof, mapped_location(pprof), view->line_mapped);
	emit_named_location(pprof, untold_location(pprof), view->line_untold);
}

static void emit_functions(struct pprof *pprof)
{
	const struct symbols *symbols = &pprof->view->symbols;

	for (uint32_t i = 0; i < symbols->functions.count && pprof->err == 0; i++) {
		const struct symbols_function *function = intern_at(&symbols->functions, i);
		uint8_t message[128];
		struct bytes_out out = {.p = message, .end = message + sizeof(message)};

		if (!pprof->is_function[i])
			continue;
		put_number(&out, FUNCTION_ID, (uint64_t)i + 1);
		put_number(&out, FUNCTION_NAME, text_in(pprof, &symbols->texts, function->name));
		put_number(&out, FUNCTION_LINKAGE,
			   text_in(pprof, &symbols->texts,
				   function->linkage ? function->linkage : function->name));
		put_number(&out, FUNCTION_FILE, text_in(pprof, &symbols->texts, function->file));
		put_number(&out, FUNCTION_START, function->start);
		emit_message(pprof, PROFILE_FUNCTION, message, &out);
	}
}

static void emit_profile(struct pprof *pprof, const struct pprof_about *about)
{
	emit_type(pprof, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
	emit_type(pprof, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
	emit_type(pprof, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
	emit_type(pprof, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
	emit_number(pprof, PROFILE_DEFAULT_SAMPLE_TYPE, word(pprof, "inuse_space"));
	emit_type(pprof, PROFILE_PERIOD_TYPE, "space", "bytes");
	emit_number(pprof, PROFILE_PERIOD, heaprun_interval(pprof->view->run) & INT64_MAX);
	emit_number(pprof, PROFILE_TIME_NANOS, about->time_ns & INT64_MAX);
	emit_number(pprof, PROFILE_DURATION_NANOS, about->duration_ns & INT64_MAX);
	for (int i = 0; i < 2; i++)
		if (about->comment[i])
			emit_number(pprof, PROFILE_COMMENT,
				    text_of(pprof, about->comment[i], about->comment_len[i]));
	emit_samples(pprof);
	emit_mappings(pprof);
	emit_locations(pprof);
	emit_functions(pprof);
	emit_texts(pprof);
}

int pprof_write(const struct heapview *view, const struct pprof_about *about, int fd)
{
	struct pprof *pprof = calloc(1, sizeof(*pprof));
	int err = -ENOMEM;

	if (!pprof)
		return err;
	pprof->view = view;
	pprof->fd = fd;
	pprof->z.next_out = pprof->output;
	pprof->z.avail_out = OUTPUT;
	pprof->is_function = calloc(view->symbols.functions.count, 1);
	if (pprof->is_function && texts_put(&pprof->texts, "", 0) == 0 &&
	    deflateInit2(&pprof->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) ==
		    Z_OK) {
		emit_profile(pprof, about);
		put_bytes(pprof, NULL, 0, Z_FINISH);
		err = pprof->err;
		deflateEnd(&pprof->z);
	}
	texts_done(&pprof->texts);
	free(pprof->is_function);
	free(pprof);
	return err;
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "collector/runtimes/jvm/perfdata.h"

/* PerfDataPrologue. The magic is of the other byte order in a file of this one. */
struct prologue {
	uint32_t magic;
	uint8_t byte_order, major, minor, is_accessible;
	uint32_t used, overflow;
	uint64_t modified;
	uint32_t first, count; /* where the entries begin, and how many there are */
};
#define MAGIC		   0xc0c0feca
#define LITTLE_ENDIAN_FILE 1
#define MAJOR		   2

/* PerfDataEntry, its name and value somewhere behind it. */
struct entry {
	uint32_t length, name_at, vector_length;
	uint8_t type, flags, units, variability;
	uint32_t value_at;
};
#define TYPE_LONG 'J'
#define TYPE_BYTE 'B' /* a vector of them is a text */

#define COUNTER_NAME(token, name) name,
static const char *const names[] = {PERFDATA_TABLE(COUNTER_NAME)};

/* HotSpot's own number of a thousand counters, and more. */
#define ENTRIES_MAX 65536

static void note(struct perfdata *ret, const char *name, uint32_t at, uint32_t size)
{
	for (unsigned i = 0; i < PERFDATA_COUNTERS; i++)
		if (strcmp(name, names[i]) == 0) {
			ret->at[i] = at;
			ret->size[i] = size;
			return;
		}
}

/* data + at is an entry that lies within its room. */
static bool take_entry(struct perfdata *ret, const uint8_t *data, size_t at, const struct entry *e)
{
	uint32_t size = e->vector_length ? e->vector_length : 8;
	bool is_text = e->type == TYPE_BYTE && e->vector_length;

	if (e->name_at >= e->length || !memchr(data + at + e->name_at, 0, e->length - e->name_at) ||
	    e->value_at > e->length || size > e->length - e->value_at)
		return false;
	if (is_text || (e->type == TYPE_LONG && !e->vector_length))
		note(ret, (const char *)data + at + e->name_at, (uint32_t)at + e->value_at, size);
	return true;
}

int perfdata_open(struct perfdata *ret, const uint8_t *data, size_t size)
{
	struct prologue head;
	struct entry e;
	size_t at;

	*ret = (struct perfdata){0};
	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head.magic == 0)
		return -EAGAIN;
	if (head.magic != MAGIC || head.byte_order != LITTLE_ENDIAN_FILE)
		return -EBADMSG;
	if (head.major != MAJOR)
		return -EOPNOTSUPP;
	if (!head.is_accessible)
		return -EAGAIN;
	if (head.count > ENTRIES_MAX)
		return -EBADMSG;
	at = head.first;
	for (uint32_t i = 0; i < head.count; i++, at += e.length) {
		if (at > size || size - at < sizeof(e))
			return -EBADMSG;
		memcpy(&e, data + at, sizeof(e));
		if (e.length < sizeof(e) || e.length > size - at || !take_entry(ret, data, at, &e))
			return -EBADMSG;
	}
	return 0;
}

static bool has(const struct perfdata *c, enum perfdata_counter i)
{
	return c->size[i] != 0;
}

/* No JVM counts so far: sums of some do not overflow. */
#define VALUE_MAX ((int64_t)1 << 56)

static int64_t value(const struct perfdata *c, const uint8_t *data, enum perfdata_counter i)
{
	int64_t v = 0;

	if (c->size[i] == sizeof(v))
		memcpy(&v, data + c->at[i], sizeof(v));
	return v < 0 || v > VALUE_MAX ? 0 : v;
}

/* G1 adds some bytes to its capacities, so that nobody divides by none: G1MonitoringSupport::pad_capacity(). */
static int64_t pages(int64_t bytes)
{
	return bytes & ~(int64_t)4095;
}

static bool is_text(const struct perfdata *c, const uint8_t *data, enum perfdata_counter i,
		    const char *text)
{
	return c->size[i] > strlen(text) && memcmp(data + c->at[i], text, strlen(text) + 1) == 0;
}

static void fill_heap(const struct perfdata *c, const uint8_t *data, struct record *rec)
{
	int64_t survivor = value(c, data, PERFDATA_FROM_USED) + value(c, data, PERFDATA_TO_USED);
	int64_t eden = value(c, data, PERFDATA_EDEN_USED);
	int64_t old = value(c, data, PERFDATA_OLD_USED);
	int64_t young_max = pages(value(c, data, PERFDATA_YOUNG_MAX));
	int64_t old_max = pages(value(c, data, PERFDATA_OLD_MAX));

	record_set(rec, FIELD_JVM_HEAP_USED, eden + survivor + old);
	record_set(rec, FIELD_JVM_HEAP_COMMITTED,
		   pages(value(c, data, PERFDATA_YOUNG_CAPACITY)) +
			   pages(value(c, data, PERFDATA_OLD_CAPACITY)));
	/* Either generation may become the whole heap with G1, and with those that have no policy. */
	record_set(rec, FIELD_JVM_HEAP_MAX,
		   !has(c, PERFDATA_POLICY) || is_text(c, data, PERFDATA_POLICY, "GarbageFirst")
			   ? old_max
			   : young_max + old_max);
	/* Collectors without generations (Z, Shenandoah, Epsilon) have one space, which they call old. */
	if (!has(c, PERFDATA_EDEN_USED))
		return;
	record_set(rec, FIELD_JVM_EDEN_USED, eden);
	record_set(rec, FIELD_JVM_SURVIVOR_USED, survivor);
	record_set(rec, FIELD_JVM_OLD_USED, old);
}

static void fill_gcs(const struct perfdata *c, const uint8_t *data, struct record *rec)
{
	int64_t count = 0, ticks = 0, hz = value(c, data, PERFDATA_TICKS_A_SECOND);

	for (int i = 0; i < 3; i++) {
		count += value(c, data, PERFDATA_YOUNG_GCS + i);
		ticks += value(c, data, PERFDATA_YOUNG_TIME + i);
	}
	record_set(rec, FIELD_JVM_GCS, count);
	if (hz > 0)
		record_set(rec, FIELD_JVM_GC_TIME,
			   ticks / hz < VALUE_MAX / 1000000000
				   ? (int64_t)((double)ticks * 1e9 / (double)hz)
				   : 0);
}

void perfdata_fill(const struct perfdata *c, const uint8_t *data, struct record *rec)
{
	rec->reason[SOURCE_JVM] = REASON_OK;
	if (has(c, PERFDATA_OLD_USED))
		fill_heap(c, data, rec);
	if (has(c, PERFDATA_META_USED)) {
		record_set(rec, FIELD_JVM_META_USED, value(c, data, PERFDATA_META_USED));
		record_set(rec, FIELD_JVM_META_COMMITTED,
			   pages(value(c, data, PERFDATA_META_CAPACITY)));
	}
	/* Z's are all concurrent. */
	if (has(c, PERFDATA_YOUNG_GCS) || has(c, PERFDATA_CONCURRENT_GCS))
		fill_gcs(c, data, rec);
	if (has(c, PERFDATA_THREADS))
		record_set(rec, FIELD_JVM_THREADS, value(c, data, PERFDATA_THREADS));
}

static size_t put(const struct perfdata *c, const uint8_t *data, enum perfdata_counter i,
		  char *text, size_t size)
{
	size_t n = 0;

	for (; n < c->size[i] && n + 1 < size && data[c->at[i] + n]; n++) {
		uint8_t byte = data[c->at[i] + n];

		text[n] = byte < ' ' || byte > '~' ? '?' : (char)byte;
	}
	text[n] = '\0';
	return n;
}

void perfdata_version(const struct perfdata *c, const uint8_t *data, char *text, size_t size)
{
	size_t n = put(c, data, PERFDATA_VM_NAME, text, size);

	if (n && n + 2 < size) {
		text[n++] = ' ';
		put(c, data, PERFDATA_VM_VERSION, text + n, size - n);
	}
}

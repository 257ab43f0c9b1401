/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "core/parse.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int64_t parse_number(const char *buf, size_t len, size_t *ret_len)
{
	size_t i = 0;
	size_t digits;
	uint64_t v = 0;

	while (i < len && is_blank(buf[i]))
		i++;
	for (digits = i; i < len && buf[i] >= '0' && buf[i] <= '9'; i++) {
		unsigned d = (unsigned)(buf[i] - '0');

		v = v > ((uint64_t)INT64_MAX - d) / 10 ? INT64_MAX : v * 10 + d;
	}
	if (ret_len)
		*ret_len = i > digits ? i : 0;
	return (int64_t)v;
}

/* The fields of one source, so that the table is walked once and not for every line. */
struct wanted {
	unsigned count;
	uint64_t initials; /* of the keys, a bit each: most lines are passed over by it */
	uint16_t field[FIELD_MAX];
};

static uint64_t initial_bit(char c)
{
	return (uint64_t)1 << (c & 63);
}

static void wanted_init(struct wanted *wanted, enum source source)
{
	bool keyed = source_table[source].format == FORMAT_KEYED ||
		     source_table[source].format == FORMAT_PRESSURE;

	wanted->count = 0;
	wanted->initials = 0;
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (field_source(i) != (int)source)
			continue;
		/* Without a key it is not in the text: the reader's own measurement. */
		if (keyed && !field_table[i].key[0])
			continue;
		wanted->field[wanted->count++] = (uint16_t)i;
		wanted->initials |= initial_bit(field_table[i].key[0]);
	}
}

static bool key_is(const char *key, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (key[i] == '\0' || key[i] != word[i])
			return false;
	return key[len] == '\0';
}

/* The field whose key the word is, or -1. Kernel and table order agree, so *at is mostly right. */
static int wanted_find(const struct wanted *wanted, const char *word, size_t len, unsigned *at)
{
	if (len == 0 || len >= sizeof(field_table[0].key) ||
	    !(wanted->initials & initial_bit(word[0])))
		return -1;
	for (unsigned n = 0, i = *at; n < wanted->count; n++, i++) {
		if (i >= wanted->count)
			i = 0;
		if (key_is(field_table[wanted->field[i]].key, word, len)) {
			*at = i + 1;
			return wanted->field[i];
		}
	}
	return -1;
}

/* Where the number of a line begins: after "key:" or "key ", for pressure after "total=". */
static size_t value_at(const char *line, size_t len, size_t word, bool pressure)
{
	static const char total[] = {'t', 'o', 't', 'a', 'l', '='};

	if (!pressure)
		return word + 1;
	for (size_t i = word; i + sizeof(total) <= len; i++)
		if (line[i] == 't' && key_is("total=", line + i, sizeof(total)))
			return i + sizeof(total);
	return len;
}

static unsigned parse_keyed(const struct wanted *wanted, bool pressure, const char *buf, size_t len,
			    struct record *rec)
{
	unsigned found = 0;
	unsigned at = 0;

	/* What was looked for stands in the first half of /proc/PID/status. */
	for (size_t start = 0, end; start < len && found < wanted->count; start = end + 1) {
		size_t word = start;
		size_t used;
		int field;

		while (word < len && buf[word] != ':' && buf[word] != ' ' && buf[word] != '\n')
			word++;
		for (end = word; end < len && buf[end] != '\n';)
			end++;
		if (word == end)
			continue;
		field = wanted_find(wanted, buf + start, word - start, &at);
		if (field < 0)
			continue;
		word = start + value_at(buf + start, end - start, word - start, pressure);
		if (word > end)
			continue;
		int64_t v = parse_number(buf + word, end - word, &used);

		if (used == 0)
			continue;
		record_set(rec, (unsigned)field, v);
		found++;
	}
	return found;
}

/* The start of word n of a /proc/PID/stat line; the second word, in brackets, may hold anything. */
static size_t word_at(const char *buf, size_t len, unsigned n)
{
	size_t i = 0;
	unsigned word = 1;

	for (size_t end = len; end > 0; end--) {
		if (buf[end - 1] == ')') {
			i = end;
			word = 3;
			break;
		}
	}
	if (n < word)
		return len;
	for (;; word++) {
		while (i < len && is_blank(buf[i]))
			i++;
		if (word == n || i >= len)
			return i;
		while (i < len && !is_blank(buf[i]))
			i++;
	}
}

uint64_t parse_word(const char *buf, size_t len, unsigned n)
{
	size_t at = word_at(buf, len, n);

	return (uint64_t)parse_number(buf + at, len - at, NULL);
}

void parse_words(const char *buf, size_t len, const unsigned *numbers, unsigned count,
		 uint64_t *ret)
{
	unsigned word = count ? numbers[0] : 0;
	size_t i = word_at(buf, len, word);

	for (unsigned n = 0; n < count; n++) {
		for (; word < numbers[n]; word++) {
			while (i < len && !is_blank(buf[i]))
				i++;
			while (i < len && is_blank(buf[i]))
				i++;
		}
		ret[n] = (uint64_t)parse_number(buf + i, len - i, NULL);
	}
}

const char *parse_comm(const char *buf, size_t len, size_t *ret_len)
{
	size_t open = 0, close = len;

	while (open < len && buf[open] != '(')
		open++;
	while (close > open && buf[close - 1] != ')')
		close--;
	*ret_len = close > open + 2 ? close - open - 2 : 0;
	return *ret_len ? buf + open + 1 : buf;
}

static unsigned parse_positional(const struct wanted *wanted, const char *buf, size_t len,
				 struct record *rec)
{
	unsigned found = 0;

	for (unsigned i = 0; i < wanted->count; i++) {
		unsigned field = wanted->field[i];
		size_t at = word_at(buf, len, field_table[field].arg);
		size_t used;
		int64_t v = parse_number(buf + at, len - at, &used);

		if (used == 0)
			continue;
		record_set(rec, field, v);
		found++;
	}
	return found;
}

static unsigned parse_single(const struct wanted *wanted, const char *buf, size_t len,
			     struct record *rec)
{
	size_t used;
	int64_t v = parse_number(buf, len, &used);

	if (used == 0 || wanted->count == 0)
		return 0;
	record_set(rec, wanted->field[0], v);
	return 1;
}

static unsigned parse_struct(const struct wanted *wanted, const uint8_t *buf, size_t len,
			     struct record *rec)
{
	unsigned found = 0;
	uint16_t version = 0;

	for (unsigned b = 0; b < sizeof(version) && b < len; b++)
		((uint8_t *)&version)[b] = buf[b];
	if (version == PARSE_TASKSTATS_MISLAID)
		return 0;
	/* Else it only ever grows at its end: a member past the length is of a newer kernel. */
	for (unsigned i = 0; i < wanted->count; i++) {
		unsigned field = wanted->field[i];
		size_t at = field_table[field].arg;
		uint64_t v = 0;

		if (at + sizeof(v) > len)
			continue;
		for (unsigned b = 0; b < sizeof(v); b++)
			((uint8_t *)&v)[b] = buf[at + b];
		record_set(rec, field, (int64_t)v);
		found++;
	}
	return found;
}

unsigned parse_source(enum source source, const void *buf, size_t len, struct record *rec)
{
	struct wanted wanted;
	unsigned found = 0;

	wanted_init(&wanted, source);
	for (unsigned i = 0; i < wanted.count; i++)
		record_unset(rec, wanted.field[i]);
	switch (source_table[source].format) {
	case FORMAT_KEYED:
		found = parse_keyed(&wanted, false, buf, len, rec);
		break;
	case FORMAT_PRESSURE:
		found = parse_keyed(&wanted, true, buf, len, rec);
		break;
	case FORMAT_POSITIONAL:
		found = parse_positional(&wanted, buf, len, rec);
		break;
	case FORMAT_SINGLE:
		found = parse_single(&wanted, buf, len, rec);
		break;
	case FORMAT_TASKSTATS:
		found = parse_struct(&wanted, buf, len, rec);
		break;
	default:
		break;
	}
	rec->reason[source] = found ? REASON_OK : REASON_ABSENT;
	return found;
}

const char *parse_line(const char *buf, size_t len, const char *key, size_t *ret_len)
{
	*ret_len = 0;
	for (size_t start = 0, end; start < len; start = end + 1) {
		size_t word = start;

		for (end = start; end < len && buf[end] != '\n';)
			end++;
		while (word < end && buf[word] != ':')
			word++;
		if (word == end || !key_is(key, buf + start, word - start))
			continue;
		for (word++; word < end && is_blank(buf[word]);)
			word++;
		*ret_len = end - word;
		return buf + word;
	}
	return NULL;
}

int64_t parse_clock_offset(const char *buf, size_t len)
{
	static const char word[] = "monotonic";
	size_t at = sizeof(word) - 1;
	size_t used;
	bool negative;
	uint64_t sec;
	uint64_t ns;

	if (len <= at || !key_is(word, buf, at))
		return 0;
	while (at < len && is_blank(buf[at]))
		at++;
	negative = at < len && buf[at] == '-';
	at += negative;
	sec = (uint64_t)parse_number(buf + at, len - at, &used);
	ns = (uint64_t)parse_number(buf + at + used, len - at - used, NULL);
	/* The kernel keeps a negative offset as negative seconds and positive nanoseconds. */
	return (int64_t)((negative ? 0 - sec : sec) * 1000000000u + ns);
}

/* SPDX-License-Identifier: ISC */
/* The parsers, on what kernels really wrote (tests/fixtures/kernel) and on what none would. */
#include "tests/unit/unit.h"

#include "core/parse.h"

#define ABSENT INT64_MIN

struct expected {
	unsigned field;
	int64_t value; /* ABSENT: the text does not have it */
};

static void parse_file(const char *version, const char *file, enum source source,
		       struct record *rec)
{
	size_t len;
	uint8_t *text = unit_kernel(version, file, &len);
	unsigned found;

	record_init(rec);
	found = parse_source(source, text, len, rec);
	assert_int_equal(rec->reason[source], found ? REASON_OK : REASON_ABSENT);
	free(text);
}

/* All fields of the source are told: a field that expected does not name must be present. */
static void check(const char *version, const char *file, enum source source,
		  const struct expected *expected, size_t n)
{
	struct record rec;

	parse_file(version, file, source, &rec);
	for (size_t i = 0; i < n; i++) {
		unsigned field = expected[i].field;

		assert_int_equal(field_table[field].source, source);
		if (record_has(&rec, field) != (expected[i].value != ABSENT))
			fail_msg("%s/%s: %s: presence", version, file, field_table[field].column);
		if (record_has(&rec, field) && rec.value[field] != expected[i].value)
			fail_msg("%s/%s: %s: %ld", version, file, field_table[field].column,
				 rec.value[field]);
	}
	for (unsigned field = 0; field < FIELD_MAX; field++) {
		bool named = !field_table[field].known || field_table[field].source != source;

		for (size_t i = 0; i < n; i++)
			named |= expected[i].field == field;
		if (!named && !record_has(&rec, field))
			fail_msg("%s/%s: no %s", version, file, field_table[field].column);
		if (field_table[field].known && field_table[field].source != source)
			assert_false(record_has(&rec, field));
	}
}

#define CHECK(version, file, source, ...)                                     \
	do {                                                                  \
		static const struct expected expected[] = {__VA_ARGS__};      \
		check(version, file, source, expected, UNIT_COUNT(expected)); \
	} while (0)

static void status(void **state)
{
	(void)state;
	CHECK("6.18", "status", SOURCE_STATUS, {FIELD_RSS, 30060}, {FIELD_HWM, 30060},
	      {FIELD_RSS_ANON, 24688}, {FIELD_RSS_FILE, 1276}, {FIELD_RSS_SHMEM, 4096},
	      {FIELD_PTE, 104}, {FIELD_SWAP, 0}, {FIELD_HUGETLB, 0}, {FIELD_THREADS, 2},
	      {FIELD_EVERY, ABSENT});
	CHECK("6.12", "status", SOURCE_STATUS, {FIELD_RSS, 29940}, {FIELD_RSS_FILE, 1160},
	      {FIELD_PTE, 108}, {FIELD_THREADS, 2}, {FIELD_EVERY, ABSENT});
	CHECK("6.1", "status", SOURCE_STATUS, {FIELD_RSS, 29820}, {FIELD_RSS_FILE, 1036},
	      {FIELD_PTE, 104}, {FIELD_THREADS, 2}, {FIELD_EVERY, ABSENT});
	CHECK("5.10", "status", SOURCE_STATUS, {FIELD_RSS, 8124}, {FIELD_HWM, 9876},
	      {FIELD_SWAP, 812}, {FIELD_HUGETLB, 2048}, {FIELD_VSIZE, 65720}, {FIELD_THREADS, 5},
	      {FIELD_EVERY, ABSENT});
}

static void rollup(void **state)
{
	(void)state;
	CHECK("6.18", "smaps_rollup", SOURCE_ROLLUP, {FIELD_PSS, 28921}, {FIELD_PSS_ANON, 24666},
	      {FIELD_PSS_FILE, 159}, {FIELD_PSS_SHMEM, 4096}, {FIELD_SHARED_CLEAN, 1248},
	      {FIELD_SHARED_DIRTY, 72}, {FIELD_PRIVATE_CLEAN, 0}, {FIELD_PRIVATE_DIRTY, 28740},
	      {FIELD_HUGE_ANON, 0}, {FIELD_SWAP_PSS, 0}, {FIELD_ROLLUP_COST, ABSENT});
	CHECK("6.12", "smaps_rollup", SOURCE_ROLLUP, {FIELD_PSS, 29068}, {FIELD_HUGE_ANON, 24576},
	      {FIELD_ROLLUP_COST, ABSENT});
	CHECK("6.1", "smaps_rollup", SOURCE_ROLLUP, {FIELD_PSS, 29051}, {FIELD_PSS_FILE, 287},
	      {FIELD_HUGE_ANON, 22528}, {FIELD_ROLLUP_COST, ABSENT});
	CHECK("5.10", "smaps_rollup", SOURCE_ROLLUP, {FIELD_PSS, 5207}, {FIELD_PSS_ANON, 4012},
	      {FIELD_PSS_FILE, 1195}, {FIELD_SWAP_PSS, 812}, {FIELD_ROLLUP_COST, ABSENT});
}

static void stat_io_schedstat(void **state)
{
	(void)state;
	CHECK("6.18", "stat", SOURCE_STAT, {FIELD_S_USER, 2}, {FIELD_S_SYSTEM, 37},
	      {FIELD_MINOR_FAULTS, 7210}, {FIELD_MAJOR_FAULTS, 0});
	CHECK("6.1", "stat", SOURCE_STAT, {FIELD_S_USER, 6}, {FIELD_S_SYSTEM, 33},
	      {FIELD_MINOR_FAULTS, 1588});
	CHECK("6.12", "stat", SOURCE_STAT, {FIELD_S_USER, 7}, {FIELD_S_SYSTEM, 32},
	      {FIELD_MINOR_FAULTS, 1077});
	CHECK("6.18", "io", SOURCE_IO, {FIELD_READ_CHARS, 4194305}, {FIELD_WRITE_CHARS, 4194305},
	      {FIELD_READ_BYTES, 0}, {FIELD_WRITE_BYTES, 4194304});
	CHECK("6.1", "io", SOURCE_IO, {FIELD_READ_CHARS, 4194305}, {FIELD_WRITE_BYTES, 0});
	CHECK("6.18", "schedstat", SOURCE_SCHEDSTAT, {FIELD_S_CPU, 400004139},
	      {FIELD_S_CPU_DELAY, 295318}, {FIELD_S_CPU_DELAYS, 6});
	CHECK("6.12", "schedstat", SOURCE_SCHEDSTAT, {FIELD_S_CPU, 399576010},
	      {FIELD_S_CPU_DELAY, 9435864}, {FIELD_S_CPU_DELAYS, 109});
}

static void cgroup_v2(void **state)
{
	(void)state;
	CHECK("6.12", "memory.current", SOURCE_V2_CURRENT, {FIELD_V2_USAGE, 29884416});
	CHECK("6.12", "memory.peak", SOURCE_V2_PEAK, {FIELD_V2_PEAK, 34078720});
	CHECK("6.12", "memory.swap.current", SOURCE_V2_SWAP, {FIELD_V2_SWAP, 0});
	CHECK("6.12", "memory.stat", SOURCE_V2_STAT, {FIELD_V2_ANON, 25178112},
	      {FIELD_V2_FILE, 4194304}, {FIELD_V2_KERNEL, 110592}, {FIELD_V2_SHMEM, 4194304},
	      {FIELD_V2_MAPPED, 4194304}, {FIELD_V2_SLAB, 24080}, {FIELD_V2_PTES, 65536},
	      {FIELD_V2_STACKS, 16384}, {FIELD_V2_SOCK, 0}, {FIELD_V2_HUGETLB, ABSENT});
	CHECK("6.1", "memory.stat", SOURCE_V2_STAT, {FIELD_V2_ANON, 25182208},
	      {FIELD_V2_KERNEL, 110592}, {FIELD_V2_PTES, 61440}, {FIELD_V2_HUGETLB, ABSENT});
	CHECK("5.10", "memory.stat", SOURCE_V2_STAT, {FIELD_V2_ANON, 4059136},
	      {FIELD_V2_FILE, 675840}, {FIELD_V2_SLAB, 340320}, {FIELD_V2_STACKS, 81920},
	      {FIELD_V2_SOCK, 4096}, {FIELD_V2_PERCPU, 5760}, {FIELD_V2_INACTIVE, 540672},
	      {FIELD_V2_KERNEL, ABSENT}, {FIELD_V2_PTES, ABSENT}, {FIELD_V2_HUGETLB, ABSENT});
	CHECK("6.12", "memory.events", SOURCE_V2_EVENTS, {FIELD_V2_OOM_KILLS, 0},
	      {FIELD_V2_LIMIT_HITS, 0});
	CHECK("6.12", "memory.pressure", SOURCE_V2_PRESSURE, {FIELD_V2_PSI_SOME, 0},
	      {FIELD_V2_PSI_FULL, 0});
}

static void cgroup_v1(void **state)
{
	(void)state;
	CHECK("6.18-v1", "memory.usage_in_bytes", SOURCE_V1_USAGE, {FIELD_V1_USAGE, 29622272});
	CHECK("6.18-v1", "memory.max_usage_in_bytes", SOURCE_V1_PEAK, {FIELD_V1_PEAK, 33816576});
	CHECK("6.18-v1", "memory.kmem.usage_in_bytes", SOURCE_V1_KERNEL, {FIELD_V1_KERNEL, 110592});
	CHECK("6.18-v1", "memory.kmem.tcp.usage_in_bytes", SOURCE_V1_SOCKET, {FIELD_V1_SOCK, 0});
	CHECK("6.18-v1", "memory.stat", SOURCE_V1_STAT, {FIELD_V1_ANON, 25178112},
	      {FIELD_V1_FILE, 4194304}, {FIELD_V1_SHMEM, 4194304}, {FIELD_V1_MAPPED, 4194304},
	      {FIELD_V1_INACTIVE, 0}, {FIELD_V1_SWAP, 0});
	CHECK("6.18-v1", "memory.oom_control", SOURCE_V1_OOM, {FIELD_V1_OOM_KILLS, 0});
	CHECK("6.1-v1", "memory.oom_control", SOURCE_V1_OOM, {FIELD_V1_OOM_KILLS, 0});
	CHECK("6.1-v1", "memory.stat", SOURCE_V1_STAT, {FIELD_V1_ANON, 25178112},
	      {FIELD_V1_FILE, 4194304});
}

/* Text by text: what is found of it, and the value of one field. */
static unsigned parse_text(enum source source, const char *text, size_t len, struct record *rec)
{
	uint8_t *copy = malloc(len ? len : 1);
	unsigned found;

	assert_non_null(copy);
	memcpy(copy, text, len);
	record_init(rec);
	found = parse_source(source, copy, len, rec);
	free(copy);
	return found;
}

#define TEXT(source, text) parse_text(source, text, sizeof(text) - 1, &rec)

static void keyed_oddities(void **state)
{
	struct record rec;

	(void)state;
	assert_int_equal(TEXT(SOURCE_STATUS, ""), 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_ABSENT);
	/* Keys are whole words; order does not matter; the last line may lack its newline. */
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSSX:\t1 kB\nVmRS: 2\nThreads:\t7\nVmRSS:\t3"), 2);
	assert_int_equal(rec.value[FIELD_RSS], 3);
	assert_int_equal(rec.value[FIELD_THREADS], 7);
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS"), 0);
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS:"), 0);
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS:\n12 kB\n"), 0);
	assert_int_equal(TEXT(SOURCE_STATUS, "\n\n::\n : \nVmRSS: 5\n"), 1);
	/* A number that does not fit is the largest one. */
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS: 99999999999999999999999 kB\n"), 1);
	assert_true(rec.value[FIELD_RSS] == INT64_MAX);
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS: 9223372036854775807"), 1);
	assert_true(rec.value[FIELD_RSS] == INT64_MAX);
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS: -4 kB\n"), 0);
	/* Zero bytes are no end of a word, and no key is empty. */
	assert_int_equal(TEXT(SOURCE_STATUS, "VmRSS\0: 4 kB\n"), 0);
	assert_int_equal(TEXT(SOURCE_ROLLUP, "\0: 4\n\0\0\0\0 5\n"), 0);
	/* memory.stat: anon is not inactive_anon, nor anon_thp. */
	assert_int_equal(TEXT(SOURCE_V2_STAT, "anon_thp 1\ninactive_anon 2\nanon 3\n"), 1);
	assert_int_equal(rec.value[FIELD_V2_ANON], 3);
}

static void other_oddities(void **state)
{
	struct record rec;

	(void)state;
	assert_int_equal(TEXT(SOURCE_V2_CURRENT, "max\n"), 0);
	assert_int_equal(rec.reason[SOURCE_V2_CURRENT], REASON_ABSENT);
	assert_int_equal(TEXT(SOURCE_V2_CURRENT, "42\n"), 1);
	assert_int_equal(TEXT(SOURCE_V2_PRESSURE, "some avg10=1.50 total=123\nfull total=\n"), 1);
	assert_int_equal(rec.value[FIELD_V2_PSI_SOME], 123);
	assert_int_equal(TEXT(SOURCE_V2_PRESSURE, "some total\nfull tota"), 0);
	assert_int_equal(TEXT(SOURCE_V2_PRESSURE, "full avg10=0.00 subtotal=1 total=77"), 1);
	assert_int_equal(TEXT(SOURCE_STAT, "1 (x) R 1 2 3 4 5 6 11 8 12 10 21 22 16"), 4);
	assert_int_equal(rec.value[FIELD_MINOR_FAULTS], 11);
	assert_int_equal(rec.value[FIELD_S_SYSTEM], 22);
	assert_int_equal(TEXT(SOURCE_STAT, "1 (x) R 1 2 3 4 5 6 11"), 1);
	assert_int_equal(TEXT(SOURCE_STAT, "1 (x) R"), 0);
	assert_int_equal(TEXT(SOURCE_STAT, ")"), 0);
	assert_int_equal(TEXT(SOURCE_SCHEDSTAT, "1 2"), 2);
	/* Sources that are worked out, not read. */
	assert_int_equal(TEXT(SOURCE_TREE, "processes 1\n"), 0);
}

/* Reading again forgets what the text does not have any more. */
static void absent_again(void **state)
{
	struct record rec;

	(void)state;
	record_init(&rec);
	assert_int_equal(parse_source(SOURCE_STATUS, "VmRSS: 1\nVmHWM: 2\n", 18, &rec), 2);
	assert_int_equal(parse_source(SOURCE_STATUS, "VmHWM: 3\n", 9, &rec), 1);
	assert_false(record_has(&rec, FIELD_RSS));
	assert_int_equal(rec.value[FIELD_HWM], 3);
}

static void lines(void **state)
{
	size_t len, text_len;
	char *text = (char *)unit_kernel("6.18", "status", &text_len);
	const char *line = parse_line(text, text_len, "Name", &len);
	char nul[] = "Uid\0\0\0\0\0:1\nUid:\t5 6\n";

	(void)state;
	assert_int_equal(len, 7);
	assert_memory_equal(line, "a) b (c", 7);
	line = parse_line(text, text_len, "Tgid", &len);
	assert_int_equal(parse_number(line, len, NULL), unit_about("6.18", "pid"));
	assert_null(parse_line(text, text_len, "Tg", &len));
	assert_int_equal(len, 0);
	assert_null(parse_line(text, text_len, "", &len));
	free(text);
	/* The key's own end is respected, whatever the text holds. */
	line = parse_line(nul, sizeof(nul) - 1, "Uid", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(line, "5 6", 3);
	assert_null(parse_line("Groups", 6, "Groups", &len));
	assert_non_null(parse_line("Groups:", 7, "Groups", &len));
	assert_int_equal(len, 0);
}

static void words(void **state)
{
	static const unsigned some[] = {4, 5, 20, 22, 52, 53};
	uint64_t values[UNIT_COUNT(some)];
	size_t len;
	char *text = (char *)unit_kernel("6.18", "stat", &len);

	(void)state;
	assert_int_equal(parse_word(text, len, 4), 5413);
	assert_int_equal(parse_word(text, len, 20), 2);
	assert_int_equal(parse_word(text, len, 22), 133463);
	assert_int_equal(parse_word(text, len, 52), 0);
	assert_int_equal(parse_word(text, len, 53), 0);
	assert_int_equal(parse_word(text, len, 0), 0);
	assert_int_equal(parse_word(text, len, UINT32_MAX), 0);
	/* Unsigned 64-bit words are cut to what a value can hold. */
	assert_true(parse_word(text, len, 25) == INT64_MAX);
	assert_int_equal(parse_word("", 0, 1), 0);
	parse_words(text, len, some, UNIT_COUNT(some), values);
	for (size_t i = 0; i < UNIT_COUNT(some); i++)
		assert_int_equal(values[i], parse_word(text, len, some[i]));
	parse_words("", 0, some, 2, values);
	assert_int_equal(values[0] + values[1], 0);
	free(text);
}

static void comms(void **state)
{
	static const struct {
		const char *text, *comm;
	} cases[] = {
		{"7 (cat) S 1", "cat"},
		{"7 (a ) b () S 1", "a ) b ("},
		{"7 () S 1", ""},
		{"7 ((x)) S", "(x)"},
		{"7 (x", ""},
		{"7 x)", ""},
		{")(", ""},
		{"", ""},
	};
	size_t len;

	(void)state;
	for (unsigned i = 0; i < UNIT_COUNT(cases); i++) {
		/* In memory of exactly its size, for a sanitizer to watch. */
		size_t n = strlen(cases[i].text);
		char *text = memcpy(malloc(n ? n : 1), cases[i].text, n);
		const char *comm = parse_comm(text, n, &len);

		assert_int_equal(len, strlen(cases[i].comm));
		assert_memory_equal(comm, cases[i].comm, len);
		free(text);
	}
}

static void numbers(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(parse_number("  \t12kB", 7, &len), 12);
	assert_int_equal(len, 5);
	assert_int_equal(parse_number("  ", 2, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(parse_number("x1", 2, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(parse_number("12", 1, &len), 1);
	assert_true(parse_number("9223372036854775808", 19, &len) == INT64_MAX);
	assert_int_equal(len, 19);
	assert_true(parse_number("18446744073709551616", 20, NULL) == INT64_MAX);
}

/* Every cut of every captured text: nothing is read past its end, and no value is made up. */
static void cuts(void **state)
{
	static const struct {
		const char *file;
		enum source source;
	} files[] = {
		{"status", SOURCE_STATUS},
		{"smaps_rollup", SOURCE_ROLLUP},
		{"stat", SOURCE_STAT},
		{"io", SOURCE_IO},
		{"schedstat", SOURCE_SCHEDSTAT},
		{"memory.stat", SOURCE_V2_STAT},
		{"memory.pressure", SOURCE_V2_PRESSURE},
	};
	struct record whole, part;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(files); i++) {
		size_t len;
		char *text = (char *)unit_kernel("6.12", files[i].file, &len);
		unsigned last = 0;

		parse_text(files[i].source, text, len, &whole);
		for (size_t cut = 0; cut <= len; cut++) {
			unsigned found = parse_text(files[i].source, text, cut, &part);

			assert_true(found >= last);
			last = found;
			for (unsigned f = 0; f < FIELD_MAX; f++)
				if (record_has(&part, f))
					assert_true(record_has(&whole, f) &&
						    part.value[f] <= whole.value[f]);
		}
		free(text);
	}
}

static int64_t clock_offset(const char *text)
{
	return parse_clock_offset(text, strlen(text));
}

static void clock_offsets(void **state)
{
	(void)state;
	assert_int_equal(clock_offset("monotonic           0         0\n"
				      "boottime            0         0\n"),
			 0);
	assert_int_equal(clock_offset("monotonic      172800        25\n"), 172800000000025);
	assert_int_equal(clock_offset("monotonic          -2 500000000\n"), -1500000000);
	assert_int_equal(clock_offset("boottime        86400         0\n"), 0);
	assert_int_equal(clock_offset("monotonic"), 0);
	assert_int_equal(clock_offset("monotonic -"), 0);
	assert_int_equal(clock_offset(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status),
		cmocka_unit_test(rollup),
		cmocka_unit_test(stat_io_schedstat),
		cmocka_unit_test(cgroup_v2),
		cmocka_unit_test(cgroup_v1),
		cmocka_unit_test(keyed_oddities),
		cmocka_unit_test(other_oddities),
		cmocka_unit_test(absent_again),
		cmocka_unit_test(lines),
		cmocka_unit_test(words),
		cmocka_unit_test(comms),
		cmocka_unit_test(numbers),
		cmocka_unit_test(cuts),
		cmocka_unit_test(clock_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What is written for pprof, read back by a reader of its own: gzip, and the fields of profile.proto. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

#include "tests/unit/heap_make.h"
#include "tests/unit/runfile_make.h"
#include "tests/unit/self.h"
#include "tools/pprof.h"

#define MANY 256

/* A field of a message: a number, or bytes. */
struct told_field {
	uint64_t number, value;
	struct bytes_in bytes;
};

static bool next_field(struct bytes_in *in, struct told_field *ret)
{
	uint64_t head;
	size_t len;

	if (!bytes_left(in))
		return false;
	head = bytes_get_varint(in);
	ret->number = head >> 3;
	ret->bytes = (struct bytes_in){0};
	ret->value = 0;
	if ((head & 7) == 2) {
		ret->bytes.p = bytes_get_blob(in, &len);
		ret->bytes.end = ret->bytes.p + len;
	} else {
		assert_int_equal(head & 7, 0);
		ret->value = bytes_get_varint(in);
	}
	assert_false(in->bad);
	return true;
}

struct sample {
	uint64_t location[MANY];
	unsigned locations;
	uint64_t value[4];
	uint64_t pid, comm;
};

struct location {
	uint64_t mapping, address;
	struct {
		uint64_t function, line;
	} line[8];
	unsigned lines;
};

static struct {
	char *string[MANY];
	unsigned strings;
	uint64_t type[8][2];
	unsigned types;
	struct sample sample[MANY];
	unsigned samples;
	uint64_t mapping[16][11]; /* by id and field */
	unsigned mappings, first_mapping;
	struct location location[MANY]; /* by id */
	uint64_t function[MANY][6];	/* by id and field */
	uint64_t number[16];		/* single numbers, by field */
	uint64_t period_type[2];
	uint64_t comment[4];
	unsigned comments;
} profile;

static void read_type(struct bytes_in in, uint64_t ret[2])
{
	struct told_field field;

	while (next_field(&in, &field))
		ret[field.number - 1] = field.value;
}

static void read_sample(struct bytes_in in)
{
	struct sample *sample = &profile.sample[profile.samples++];
	struct told_field field, label;
	unsigned values = 0;

	while (next_field(&in, &field)) {
		while (field.number == 1 && bytes_left(&field.bytes))
			sample->location[sample->locations++] = bytes_get_varint(&field.bytes);
		while (field.number == 2 && bytes_left(&field.bytes))
			sample->value[values++] = bytes_get_varint(&field.bytes);
		if (field.number == 3) {
			uint64_t key = 0, str = 0, num = 0;

			while (next_field(&field.bytes, &label)) {
				key = label.number == 1 ? label.value : key;
				str = label.number == 2 ? label.value : str;
				num = label.number == 3 ? label.value : num;
			}
			/* Texts come later: which is which is seen by what they have. */
			assert_true(key);
			sample->pid = num ? num : sample->pid;
			sample->comm = str ? str : sample->comm;
		}
	}
	assert_int_equal(values, 4);
}

static void read_mapping(struct bytes_in in)
{
	uint64_t value[11] = {0};
	struct told_field field;

	while (next_field(&in, &field))
		value[field.number] = field.value;
	if (!profile.mappings++)
		profile.first_mapping = (unsigned)value[1];
	assert_true(value[1] > 0 && value[1] < 16);
	memcpy(profile.mapping[value[1]], value, sizeof(value));
}

static void read_location(struct bytes_in in)
{
	struct location location = {0};
	struct told_field field, line;
	uint64_t id = 0;

	while (next_field(&in, &field)) {
		if (field.number == 1)
			id = field.value;
		if (field.number == 2)
			location.mapping = field.value;
		if (field.number == 3)
			location.address = field.value;
		if (field.number != 4)
			continue;
		while (next_field(&field.bytes, &line)) {
			if (line.number == 1)
				location.line[location.lines].function = line.value;
			else
				location.line[location.lines].line = line.value;
		}
		location.lines++;
	}
	assert_true(id > 0 && id < MANY);
	profile.location[id] = location;
}

static void read_function(struct bytes_in in)
{
	uint64_t value[6] = {0};
	struct told_field field;

	while (next_field(&in, &field))
		value[field.number] = field.value;
	assert_true(value[1] > 0 && value[1] < MANY);
	memcpy(profile.function[value[1]], value, sizeof(value));
}

static void read_profile(struct bytes_in in)
{
	struct told_field field;

	memset(&profile, 0, sizeof(profile));
	while (next_field(&in, &field)) {
		switch (field.number) {
		case 1:
			read_type(field.bytes, profile.type[profile.types++]);
			break;
		case 2:
			read_sample(field.bytes);
			break;
		case 3:
			read_mapping(field.bytes);
			break;
		case 4:
			read_location(field.bytes);
			break;
		case 5:
			read_function(field.bytes);
			break;
		case 6:
			profile.string[profile.strings++] =
				strndup((const char *)field.bytes.p, bytes_left(&field.bytes));
			break;
		case 11:
			read_type(field.bytes, profile.period_type);
			break;
		case 13:
			profile.comment[profile.comments++] = field.value;
			break;
		default:
			assert_true(field.number < 16);
			profile.number[field.number] = field.value;
		}
	}
}

static const char *text(uint64_t number)
{
	assert_true(number < profile.strings);
	return profile.string[number];
}

static void forget(void)
{
	for (unsigned i = 0; i < profile.strings; i++)
		free(profile.string[i]);
}

static uint8_t sections[1 << 16], packed[1 << 20], plain[1 << 22];

static struct bytes_out begin(void)
{
	return (struct bytes_out){.p = sections, .end = sections + sizeof(sections)};
}

/* Writes what was composed, and reads it. */
static void write_and_read(const struct bytes_out *out, const struct pprof_about *about)
{
	struct heaprun_instant until = {true, UINT64_MAX, UINT64_MAX};
	struct bytes_in in = {.p = sections, .end = out->p};
	struct bytes_in section;
	struct heapview view;
	struct heaprun run;
	z_stream z = {0};
	int fd = make_fd(NULL, 0);
	uint64_t kind;

	assert_false(out->full);
	assert_int_equal(heaprun_init(&run, &until), 0);
	while (rows_next_section(&in, &kind, &section))
		assert_int_equal(heaprun_take(&run, kind, section), 0);
	assert_int_equal(heaprun_settle(&run), 0);
	assert_int_equal(heapview_init(&view, &run, 0), 0);
	assert_int_equal(pprof_write(&view, about, fd), 0);
	heapview_done(&view);
	heaprun_done(&run);
	z.next_in = packed;
	z.avail_in = (uInt)pread(fd, packed, sizeof(packed), 0);
	z.next_out = plain;
	z.avail_out = sizeof(plain);
	/* gzip, nothing else. */
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	read_profile((struct bytes_in){.p = plain, .end = z.next_out});
	inflateEnd(&z);
	close(fd);
}

static void test_profile(void **state)
{
	static const uint64_t stack[] = {HEAP_CODE + 0x10, HEAP_CODE + 0x20, 0};
	static const uint64_t none[] = {0};
	static const char *const types[][2] = {{"alloc_objects", "count"},
					       {"alloc_space", "bytes"},
					       {"inuse_objects", "count"},
					       {"inuse_space", "bytes"}};
	struct pprof_about about = {.time_ns = 1234567890123456789,
				    .duration_ns = 5000,
				    .comment = {"tree \xff", "at the end"},
				    .comment_len = {6, 10}};
	struct bytes_out out = begin();
	const struct sample *sample;

	(void)state;
	heap_process(&out, 1, 0, 0, 0);
	heap_list(&out, 1, HEAPWIRE_RESTART);
	heap_stack(&out, 1, 0, 0, stack);
	heap_stack(&out, 1, 1, HEAPWIRE_MAPPING, stack + 1);
	heap_stack(&out, 1, 2, 0, none);
	heap_stack(&out, 1, 3, HEAPWIRE_HOMELESS, stack);
	heap_change(&out, 1, 1, 0, 100);
	heap_change(&out, 1, 1, 0, 20);
	heap_change(&out, 1, 1, 0, -50);
	for (uint64_t i = 1; i < 4; i++)
		heap_change(&out, 1, 1, i, 7);
	heap_process(&out, 2, 0, 0, 0);
	heap_list(&out, 2, HEAPWIRE_RESTART);
	heap_stack(&out, 2, 0, 0, stack);
	heap_change(&out, 2, 1, 0, 1);
	write_and_read(&out, &about);

	assert_string_equal(text(0), "");
	assert_int_equal(profile.types, 4);
	for (int i = 0; i < 4; i++) {
		assert_string_equal(text(profile.type[i][0]), types[i][0]);
		assert_string_equal(text(profile.type[i][1]), types[i][1]);
	}
	assert_string_equal(text(profile.number[14]), "inuse_space");
	assert_string_equal(text(profile.period_type[0]), "space");
	assert_string_equal(text(profile.period_type[1]), "bytes");
	assert_int_equal(profile.number[12], HEAP_INTERVAL);
	assert_int_equal(profile.number[9], about.time_ns);
	assert_int_equal(profile.number[10], about.duration_ns);
	assert_int_equal(profile.comments, 2);
	assert_string_equal(text(profile.comment[0]), "tree ?");
	assert_string_equal(text(profile.comment[1]), "at the end");

	assert_int_equal(profile.samples, 5);
	sample = &profile.sample[0];
	assert_int_equal(sample->value[0], 2);
	assert_int_equal(sample->value[1], 120);
	assert_int_equal(sample->value[2], 1);
	assert_int_equal(sample->value[3], 70);
	assert_int_equal(sample->pid, 1001);
	assert_string_equal(text(sample->comm), "p1");
	/* The leaf first, and the calls before where they return to. */
	assert_int_equal(sample->locations, 2);
	assert_int_equal(profile.location[sample->location[0]].address, HEAP_CODE + 0xf);
	assert_int_equal(profile.location[sample->location[1]].address, HEAP_CODE + 0x1f);
	/* There is no such file: nothing is known, and pprof is not told that it were. */
	assert_int_equal(profile.location[sample->location[0]].lines, 0);
	assert_int_equal(profile.mappings, 1);
	assert_int_equal(profile.location[sample->location[0]].mapping, profile.first_mapping);
	assert_int_equal(profile.mapping[profile.first_mapping][2], HEAP_CODE);
	assert_int_equal(profile.mapping[profile.first_mapping][3], HEAP_CODE + 0x10000);
	assert_int_equal(profile.mapping[profile.first_mapping][4], 0x1000);
	assert_string_equal(text(profile.mapping[profile.first_mapping][5]), "/bin/tree");
	assert_string_equal(text(profile.mapping[profile.first_mapping][6]), "deadbeef");
	assert_int_equal(profile.mapping[profile.first_mapping][7], 0);

	sample = &profile.sample[1];
	assert_int_equal(sample->locations, 2);
	assert_int_equal(profile.location[sample->location[0]].lines, 1);
	assert_string_equal(
		text(profile.function[profile.location[sample->location[0]].line[0].function][2]),
		"[mmap]");
	assert_int_equal(sample->location[1], profile.sample[0].location[1]);
	sample = &profile.sample[2];
	assert_int_equal(sample->locations, 1);
	assert_string_equal(
		text(profile.function[profile.location[sample->location[0]].line[0].function][2]),
		"[unknown]");
	sample = &profile.sample[3];
	assert_int_equal(profile.location[sample->location[0]].mapping, 0);
	assert_int_equal(profile.location[sample->location[0]].address, HEAP_CODE + 0xf);
	sample = &profile.sample[4];
	assert_int_equal(sample->pid, 1002);
	assert_string_equal(text(sample->comm), "p2");
	assert_int_equal(sample->location[0], profile.sample[0].location[0]);
	forget();
}

static uint64_t place;
static volatile int sink;

__attribute__((noinline)) static void note(void)
{
	place = (uint64_t)(uintptr_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) void inlined(void)
{
	note();
	sink++;
}

void pprof_inlining(void);
__attribute__((noinline)) void pprof_inlining(void)
{
	inlined();
	sink++;
}

static void test_functions(void **state)
{
	struct pprof_about about = {0};
	struct bytes_out out = begin();
	struct heapwire_module module = {.path = self_path, .build_id = self_build_id};
	const struct location *location;
	uint64_t stack[2] = {0};
	uint64_t function;

	(void)state;
	self_open();
	if (!self_build_id_len)
		skip();
	pprof_inlining();
	stack[0] = place;
	module.path_len = strlen(self_path);
	module.build_id_len = self_build_id_len;
	module.start = place & ~4095ull;
	module.end = module.start + 8192;
	module.offset = self_offset(module.start);
	heap_process(&out, 1, 0, 0, 0);
	heap_modules(&out, 1, WIRE_MODULES, HEAPWIRE_RESTART, &module, 1);
	heap_stack(&out, 1, 0, 0, stack);
	heap_change(&out, 1, 1, 0, 100);
	write_and_read(&out, &about);
	location = &profile.location[profile.sample[0].location[0]];
	assert_int_equal(location->address, place - 1);
	assert_int_equal(location->lines, 2);
	function = location->line[0].function;
	assert_string_equal(text(profile.function[function][2]), "inlined");
	assert_non_null(strstr(text(profile.function[function][4]), "tests/unit/test_pprof.c"));
	function = location->line[1].function;
	assert_string_equal(text(profile.function[function][2]), "pprof_inlining");
	assert_true(location->line[1].line > profile.function[function][5]);
	for (int i = 7; i < 11; i++)
		assert_int_equal(profile.mapping[location->mapping][i], 1);
	forget();
}

static void test_full_disk(void **state)
{
	struct heaprun_instant until = {true, UINT64_MAX, UINT64_MAX};
	struct pprof_about about = {0};
	struct heapview view;
	struct heaprun run;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(heaprun_init(&run, &until), 0);
	assert_int_equal(heaprun_settle(&run), 0);
	assert_int_equal(heapview_init(&view, &run, 0), 0);
	assert_int_equal(pprof_write(&view, &about, fd), -ENOSPC);
	heapview_done(&view);
	heaprun_done(&run);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* The file of marks: whole lines, cut ones, floods, and files that are written anew. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/marks.h"

#define SECOND 1000000000ull

static char folder[64];
static struct marks marks;
static int writer; /* as a shell's >> has it */
static char got[1 << 16];
static uint64_t got_count, got_number;
static uint64_t now = 5 * SECOND;

static int setup(void **state)
{
	char socket[96];
	struct stat st;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mstat-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(socket, sizeof(socket), "%s/socket", folder);
	assert_int_equal(marks_open(&marks, socket), 0);
	assert_int_equal(stat(marks.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0622);
	writer = open(marks.path, O_WRONLY | O_APPEND | O_CREAT, 0666);
	assert_true(writer >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(writer);
	marks_close(&marks);
	assert_string_equal(marks.path, "/dev/null");
	/* Nothing is left in it. */
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void take(void *arg, uint64_t number, const char *text, size_t len)
{
	size_t at = strlen(got);

	assert_ptr_equal(arg, &marks);
	assert_true(number > got_number);
	assert_true(len <= MARKS_TEXT_MAX);
	got_number = number;
	got_count++;
	if (at + len + 2 < sizeof(got))
		snprintf(got + at, sizeof(got) - at, "%.*s;", (int)len, text);
}

/* What a tick reads, each line with a ; behind it. */
static const char *tick(bool is_last)
{
	*got = '\0';
	got_number = got_count = 0;
	now += SECOND / 10;
	marks_read(&marks, now, is_last, take, &marks);
	return got;
}

static void append(const char *text)
{
	assert_int_equal(write(writer, text, strlen(text)), strlen(text));
}

static void lines(void **state)
{
	(void)state;
	assert_string_equal(tick(false), "");
	append("one\n");
	assert_string_equal(tick(false), "one;");
	assert_int_equal(got_number, 1);
	assert_string_equal(tick(false), "");
	append("two\n\nthree\n");
	assert_string_equal(tick(false), "two;;three;");
	assert_int_equal(got_number, 4);
	append("in ");
	assert_string_equal(tick(false), "");
	append("parts\nrest");
	assert_string_equal(tick(false), "in parts;");
	assert_string_equal(tick(true), "rest;");
	assert_string_equal(tick(true), "");
}

static void any_bytes(void **state)
{
	char text[] = "a\0b\x1b[m\xff\n";

	(void)state;
	assert_int_equal(write(writer, text, sizeof(text) - 1), sizeof(text) - 1);
	tick(false);
	assert_memory_equal(marks.line, "a\0b\x1b[m\xff", 8);
	assert_int_equal(got_count, 1);
}

static void long_lines(void **state)
{
	char text[MARKS_TEXT_MAX * 3];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	append(text);
	assert_string_equal(tick(false), "");
	append("more\nnext\n");
	tick(false);
	assert_int_equal(strspn(got, "x"), MARKS_TEXT_MAX);
	assert_string_equal(got + MARKS_TEXT_MAX, ";next;");
}

static void anew(const char *text)
{
	static time_t later = 4000000000;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = ++later}};
	int fd = open(marks.path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	/* As if time had passed: the kernel's clock of files goes in steps of some ms. */
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void written_anew(void **state)
{
	(void)state;
	anew("first\n");
	assert_string_equal(tick(false), "first;");
	anew("a\n");
	assert_string_equal(tick(false), "a;");
	anew("b\n");
	assert_string_equal(tick(false), "b;");
	anew("something longer\n");
	assert_string_equal(tick(false), "something longer;");
	append("and more\n");
	assert_string_equal(tick(false), "and more;");
	anew("");
	assert_string_equal(tick(false), "");
	append("from the start\n");
	assert_string_equal(tick(false), "from the start;");
	/* What has no end and will get none. */
	append("begun");
	assert_string_equal(tick(false), "");
	anew("other\n");
	assert_string_equal(tick(false), "begun;other;");
	/* Longer than what is remembered of it. */
	now += SECOND;
	for (int i = 0; i < 100; i++)
		append("0123456789\n");
	assert_int_equal(strlen(tick(false)), 1100);
	anew("0123456789\n");
	now += SECOND;
	assert_string_equal(tick(false), "0123456789;");
}

static void in_a_second(void **state)
{
	uint64_t sum = 0;

	(void)state;
	tick(false);
	now += SECOND;
	for (int i = 0; i < 9; i++) {
		for (int line = 0; line < 50; line++)
			append("x\n");
		tick(false);
		sum += got_count;
	}
	assert_int_equal(sum, MARKS_IN_SECOND);
	assert_int_equal(marks_untold(&marks), 450 - MARKS_IN_SECOND);
	now += SECOND;
	append("later\n");
	assert_string_equal(tick(false), "later;");
	assert_int_equal(got_number, 451);
}

static void in_a_run(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 2 * MARKS_IN_RUN / MARKS_IN_SECOND; i++) {
		now += SECOND;
		for (int line = 0; line < MARKS_IN_SECOND; line++)
			append("x\n");
		tick(false);
		sum += got_count;
	}
	assert_int_equal(sum, MARKS_IN_RUN);
	assert_int_equal(marks_untold(&marks), MARKS_IN_RUN);
}

/* More than is read at a tick is passed over: what comes after it is not late. */
static void too_much(void **state)
{
	static char text[1 << 16];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (unsigned i = 0; i < 3 * (MARKS_READ_MAX / sizeof(text)); i++)
		append(text);
	tick(false);
	assert_int_equal(got_count, 0);
	assert_true(marks.passed > MARKS_READ_MAX);
	append("end of that line\nnext\n");
	assert_string_equal(tick(false), "next;");
	/* A hole as large as a file can be. */
	assert_int_equal(ftruncate(writer, 1ll << 40), 0);
	assert_string_equal(tick(false), "");
	append("\nafter\n");
	assert_string_equal(tick(true), "after;");
}

static void no_file(void **state)
{
	struct marks none;

	(void)state;
	assert_int_equal(marks_open(&none, "/nowhere/socket"), -ENOENT);
	assert_string_equal(none.path, "/dev/null");
	marks_read(&none, now, true, take, &marks);
	marks_close(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, setup, teardown),
		cmocka_unit_test_setup_teardown(any_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(written_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(in_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(in_a_run, setup, teardown),
		cmocka_unit_test_setup_teardown(too_much, setup, teardown),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

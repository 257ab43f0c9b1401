/* SPDX-License-Identifier: ISC */
#include <locale.h>

#include "tests/unit/unit.h"

#include "tools/textline.h"

static const struct textline_style ascii = {.width = 10};
static const struct textline_style utf8 = {.width = 10, .is_utf8 = true};
static const struct textline_style colored = {.width = 10, .is_utf8 = true, .has_color = true};

/* What the line comes to. */
static void check(struct textline *line, const char *want)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	textline_end(line, to);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
}

static void no_more_than_there_is_room_for(void **state)
{
	struct textline line;

	(void)state;
	textline_init(&line, &ascii);
	assert_int_equal(textline_put(&line, 2, 5, "abcde", TEXTLINE_PLAIN), 7);
	check(&line, "  abcde\n");
	textline_put(&line, 2, 5, "abcdef", TEXTLINE_PLAIN);
	check(&line, "  ab...\n");
	textline_put(&line, 5, 100, "abcdef", TEXTLINE_PLAIN);
	check(&line, "     ab...\n");
	textline_put(&line, 9, 100, "abcdef", TEXTLINE_PLAIN);
	textline_put(&line, 50, 100, "abcdef", TEXTLINE_PLAIN);
	check(&line, "         .\n");
	textline_put_left(&line, 6, "abc", TEXTLINE_PLAIN);
	check(&line, "   abc\n");
	check(&line, "\n");
}

static void what_cannot_be_shown_is_told(void **state)
{
	struct textline line;

	(void)state;
	textline_init(&line, &ascii);
	textline_put(&line, 0, 10, "a\xc3\xa4", TEXTLINE_PLAIN);
	check(&line, "a\\xc3\\xa4\n");
	textline_put(&line, 0, 10, "\xc3\xa4\xc3\xa4", TEXTLINE_PLAIN);
	check(&line, "\\xc3...\n");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return;
	textline_init(&line, &utf8);
	textline_put(&line, 0, 10, "a\xc3\xa4", TEXTLINE_PLAIN);
	check(&line, "a\xc3\xa4\n");
}

static void characters_have_the_cells_that_they_take(void **state)
{
	struct textline line;

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	textline_init(&line, &utf8);
	/* Two cells, and one that goes with it. */
	assert_int_equal(textline_cells(&line, "\xe6\xbc\xa2"), 2);
	assert_int_equal(textline_cells(&line, "e\xcc\x81"), 1);
	assert_int_equal(textline_put(&line, 0, 10,
				      "\xe6\xbc\xa2"
				      "e\xcc\x81"
				      "z",
				      TEXTLINE_PLAIN),
			 4);
	check(&line, "\xe6\xbc\xa2"
		     "e\xcc\x81"
		     "z\n");
	for (unsigned i = 0; i < 20; i++)
		textline_put(&line, 0, 10,
			     "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
			     TEXTLINE_PLAIN);
	textline_put(&line, 7, 10, "\xe6\xbc\xa2\xe6\xbc\xa2", TEXTLINE_PLAIN);
	assert_true(line.used <= 10);
}

static void colors_end_where_they_end(void **state)
{
	struct textline line;

	(void)state;
	textline_init(&line, &colored);
	textline_put(&line, 0, 10, "a", 0xff0000);
	textline_put(&line, 1, 10, "b", TEXTLINE_PLAIN);
	check(&line, "\033[0;38;5;196ma\033[0mb\n");
	textline_fill(&line, 0, 4, 0x0000ff, 0x808080);
	check(&line, "\033[0;38;5;21;48;5;244m\u2584\033[0m\n");
	textline_init(&line, &ascii);
	textline_fill(&line, 0, 4, 0x0000ff, 0x808080);
	textline_fill(&line, 1, 8, 0x0000ff, TEXTLINE_PLAIN);
	textline_fill(&line, 2, 0, 0x0000ff, TEXTLINE_PLAIN);
	check(&line, ":#\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(what_cannot_be_shown_is_told),
		cmocka_unit_test(characters_have_the_cells_that_they_take),
		cmocka_unit_test(colors_end_where_they_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What of a text is shown as it is: whole characters of UTF-8, and none that steer a terminal. */
#include "tests/unit/unit.h"

#include "tools/plain.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static void shown(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} texts[] = {
		{TEXT(""), ""},
		{TEXT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		 "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{TEXT("\x1b[2J\x7f\0"), "\\x1b[2J\\x7f\\x00"},
		{TEXT("\xc2\x9b\xc2\xa0"), "\\xc2\\x9b\xc2\xa0"},
		/* cut short, overlong, a surrogate, above U+10FFFF */
		{TEXT("\xe2\x82"), "\\xe2\\x82"},
		{TEXT("\xe0\x80\x80"), "\\xe0\\x80\\x80"},
		{TEXT("\xf0\x80\x80\x9b"), "\\xf0\\x80\\x80\\x9b"},
		{TEXT("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
		{TEXT("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"},
	};
	char text[PLAIN_ROOM];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
		plain_text(text, texts[i].text, texts[i].len);
		assert_string_equal(text, texts[i].want);
	}
}

static void cut(void **state)
{
	char text[PLAIN_ROOM];
	char want[PLAIN_SHOWN + 4];
	char from[PLAIN_SHOWN + 1];

	(void)state;
	memset(from, 'x', sizeof(from));
	memset(want, 'x', sizeof(want));
	strcpy(want + PLAIN_SHOWN, "...");
	plain_text(text, from, sizeof(from));
	assert_string_equal(text, want);
	plain_text(text, from, PLAIN_SHOWN);
	want[PLAIN_SHOWN] = '\0';
	assert_string_equal(text, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

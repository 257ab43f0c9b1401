/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/completions/describe.h"

/* Where the usage goes on with a description: further in than flags begin. */
#define INDENT 10
/* A description is cut behind so much, at the end of a word. */
#define TEXT_WANTED 72

/* What the usage calls values; all others are plain. */
static const struct {
	const char *name;
	enum describe_value value;
} values[] = {
	{"file", DESCRIBE_FILE},  {"lib", DESCRIBE_FILE}, {"path", DESCRIBE_FILE},
	{"dir", DESCRIBE_FOLDER}, {"pid", DESCRIBE_PID},
};

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* The flag at that place of a line, "-name VALUE": stores the value's name, returns what is behind it. */
static const char *skip_flag(const char *at, char *value, size_t size)
{
	size_t len = 0;

	at += strcspn(at, " ,\n");
	if (at[0] == ' ' && at[1] != ' ' && at[1] != '-' && at[1] != '\n')
		for (at++; !strchr(" ,\n", *at); at++)
			if (len + 1 < size)
				value[len++] = (char)tolower((unsigned char)*at);
	value[len] = '\0';
	return at;
}

/* Where in the usage the flag's description begins, or NULL. Several may share one: "-from TIME, -to TIME". */
static const char *find(const char *usage, const char *name, char *value, size_t size)
{
	for (const char *line = usage; *line; line = next_line(line)) {
		const char *at = line + 2;
		const char *found = NULL;

		if (strncmp(line, "  -", 3) != 0)
			continue;
		while (*at == '-') {
			size_t len = strlen(name);
			bool is_it = strncmp(at + 1, name, len) == 0 && strchr(" ,\n", at[1 + len]);
			char its[32];

			at = skip_flag(at, its, sizeof(its));
			found = is_it ? at : found;
			if (is_it)
				snprintf(value, size, "%s", its);
			if (strncmp(at, ", -", 3) != 0)
				break;
			at += 2;
		}
		if (found)
			return at;
	}
	return NULL;
}

/* The lines of a description, as one. */
static void join(const char *at, char *ret, size_t size)
{
	size_t len = 0;

	for (;;) {
		at += strspn(at, " ");
		for (; *at && *at != '\n'; at++)
			if (len + 2 < size)
				ret[len++] = *at;
		if (!*at || strspn(++at, " ") < INDENT)
			break;
		if (len + 2 < size)
			ret[len++] = ' ';
	}
	ret[len] = '\0';
}

/* Its beginning: all of it is in the manual. */
static void shorten(char *text)
{
	static const char *const ends[] = {";", " (", " [", ": ", ". "};
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *end = strstr(text, ends[i]);

		if (end && (size_t)(end - text) < len)
			len = (size_t)(end - text);
	}
	if (len > TEXT_WANTED)
		for (len = TEXT_WANTED; len > 0 && text[len] != ' ';)
			len--;
	text[len] = '\0';
}

static const struct flags_words *words_of(const struct flags_program *program, const char *name)
{
	for (const struct flags_words *words = program->words; words && words->flag; words++)
		if (strcmp(words->flag, name) == 0)
			return words;
	return NULL;
}

static enum describe_value value_of(const struct describe_flag *flag)
{
	if (flag->words)
		return DESCRIBE_WORDS;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (strcmp(values[i].name, flag->value_name) == 0)
			return values[i].value;
	return DESCRIBE_PLAIN;
}

static bool describe(const struct flags_program *program, const struct option *option,
		     struct describe_flag *ret)
{
	const char *at =
		find(program->usage, option->name, ret->value_name, sizeof(ret->value_name));

	ret->name = option->name;
	ret->words = words_of(program, option->name);
	/* Go's other name of -h. */
	if (!at)
		return strcmp(option->name, "help") == 0;
	join(at, ret->text, sizeof(ret->text));
	ret->is_many = strstr(ret->text, "may be repeated") != NULL;
	shorten(ret->text);
	/* Its words say more than the first of them, with which the description begins. */
	if (ret->words)
		snprintf(ret->text, sizeof(ret->text), "%s", ret->value_name);
	if (option->has_arg == required_argument)
		ret->value = value_of(ret);
	return true;
}

int describe_program(const struct flags_program *program, struct describe_flag ret[DESCRIBE_FLAGS],
		     const char **ret_missing)
{
	int n = 0;

	for (const struct option *option = program->flags; option->name; option++) {
		*ret_missing = n < DESCRIBE_FLAGS ? option->name : "";
		if (n == DESCRIBE_FLAGS)
			return -1;
		ret[n] = (struct describe_flag){0};
		if (!describe(program, option, &ret[n++]))
			return -1;
	}
	return n;
}

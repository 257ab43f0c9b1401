/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "tools/flags.h"

bool flags_is_whole(const char *word, const char *name)
{
	size_t len = strlen(name);

	word += strspn(word, "-");
	return !strncmp(word, name, len) && (word[len] == '\0' || word[len] == '=');
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

bool flags_read_bool(const char *text, bool *ret)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True", NULL};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False", NULL};

	*ret = !text || is_one_of(text, yes);
	return *ret || is_one_of(text, no);
}

/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "tools/flags.h"

bool flags_is_whole(const char *word, const char *name)
{
	size_t len = strlen(name);

	word += strspn(word, "-");
	return !strncmp(word, name, len) && (word[len] == '\0' || word[len] == '=');
}

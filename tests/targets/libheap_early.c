/* SPDX-License-Identifier: ISC */
/* As libheap_needed.c, to be preloaded. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int libheap_early_is_well(void);

static char *before;
static char *table[100];

__attribute__((constructor)) static void begins(void)
{
	before = strdup("before main");
	for (int i = 0; i < 100; i++) {
		table[i] = calloc(1, (size_t)i * 50 + 1);
		if (table[i])
			table[i][0] = (char)i;
	}
	/* What was not found allocates the text that says so. */
	if (dlsym(RTLD_DEFAULT, "libheap_nobody") || !dlerror())
		before = NULL;
}

int libheap_early_is_well(void)
{
	for (int i = 0; i < 100; i++)
		if (!table[i] || table[i][0] != (char)i)
			return 0;
	return before && !strcmp(before, "before main");
}

__attribute__((destructor)) static void ends(void)
{
	char *after = malloc(5000);

	if (!libheap_early_is_well() || !after)
		(void)!write(1, "spoilt\n", 7);
	for (int i = 0; i < 100; i++)
		free(table[i]);
	free(before);
	free(after);
}

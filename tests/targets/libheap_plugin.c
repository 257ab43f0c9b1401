/* SPDX-License-Identifier: ISC */
/* A library that allocates, to be loaded and unloaded; its thread-local memory is of the static kind. */
#include <stdlib.h>
#include <string.h>

void *libheap_plugin_keeps(size_t size);
void libheap_plugin_frees(void *p);

static __thread char local[200] __attribute__((tls_model("initial-exec")));
static char *own;

__attribute__((constructor)) static void loaded(void)
{
	own = strdup("of the library");
}

__attribute__((destructor)) static void unloaded(void)
{
	free(own);
}

void *libheap_plugin_keeps(size_t size)
{
	char *p = malloc(size);

	memset(local, 1, sizeof(local));
	if (p)
		memset(p, local[199], size);
	return p;
}

void libheap_plugin_frees(void *p)
{
	free(p);
	local[0] = 2;
}

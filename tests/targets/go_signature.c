/* SPDX-License-Identifier: ISC */
/*
 * go_signature FILE: which minor's runtime a Go program has, and where its variables are, told by places in its
 * code alone: "minor votes agreed", then "address name" of each variable.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/runtimes/go/functions.h"
#include "collector/runtimes/go/signature.h"

static const char *const NAMES[] = {
#define GLOBAL_TEXT(name, text) text,
	GO_GLOBAL_LIST(GLOBAL_TEXT)};

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_elf_read(arg, address, buf, size);
}

int main(int argc, char **argv)
{
	const struct go_table *table;
	struct go_functions functions;
	struct go_signature found;
	struct go_code code;
	struct go_elf elf;

	if (argc < 2)
		errx(2, "usage: go_signature FILE");
	if (go_elf_open(open(argv[1], O_RDONLY | O_CLOEXEC), &elf) < 0)
		errx(1, "%s: no ELF file", argv[1]);
	if (go_functions_open(&elf, 0, &functions) < 0)
		errx(1, "%s: no table of functions", argv[1]);
	code = (struct go_code){read_code, &elf};
	if (go_signature_find(&functions.tab, &code, &found, &table) < 0)
		errx(1, "%s: no minor's runtime is recognised", argv[1]);
	printf("%u %u %u\n", table->minor, found.votes, found.agreed);
	for (int i = 0; i < GO_GLOBALS; i++)
		if (found.global[i])
			printf("%" PRIx64 " %s\n", found.global[i], NAMES[i]);
	go_functions_close(&functions);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * maketable PROGRAM OTHER...: prints the table of a Go minor (see table.h), of programs that were linked with
 * their symbols and debugging information. What the first one's runtime has is taken: let it be a small one.
 * A place counts where the others have it too, each of whose variables is elsewhere: so what only looks
 * like an address is left out, and no disassembler is needed.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/runtimes/go/dwarf.h"
#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/layout.h"
#include "collector/runtimes/go/pclntab.h"

/* Of a variable more places say nothing new; a function that has many may be compiled differently. */
#define PLACES_MAX	  32
#define PLACES_A_FUNCTION 3

/* Behind the address may be a number of the same instruction, of which it is counted from the end. */
#define BEHIND_MAX 4

#define OTHERS_MAX 8

struct program {
	struct go_elf elf;
	struct go_layout layout;
	struct go_pclntab tab;
	struct go_elf_symbol globals[GO_GLOBALS];
};

struct function {
	const char *name;
	uint32_t size;
	uint8_t *code;		    /* owned; of the first program */
	uint64_t entry[OTHERS_MAX]; /* 0: another has none of that name and size */
	int number;		    /* in the table; -1: it has no places */
};

struct place {
	size_t function;
	uint32_t offset;
	enum go_global global;
	int64_t addend;
};

static const char *const MEMBERS[] = {
#define MEMBER_NAME(name, within, path) #name,
	GO_MEMBER_LIST(MEMBER_NAME)};
static const char *const GLOBALS[] = {
#define GLOBAL_NAME(name, text) #name,
	GO_GLOBAL_LIST(GLOBAL_NAME)};
static const char *const GLOBAL_TEXTS[] = {
#define GLOBAL_TEXT(name, text) text,
	GO_GLOBAL_LIST(GLOBAL_TEXT)};

static struct program programs[OTHERS_MAX];
static size_t programs_count;
static struct function *functions;
static size_t functions_count;
static struct place *places;
static size_t places_count;

static void open_program(const char *path, struct program *ret)
{
	struct go_elf_symbol text = {.name = "runtime.text"};
	const Elf64_Shdr *section;
	void *bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || go_elf_open(fd, &ret->elf) < 0 ||
	    go_dwarf_layout(&ret->elf, &ret->layout) < 0)
		errx(1, "%s: no program of Go with its debugging information", path);
	section = go_elf_section(&ret->elf, ".gopclntab");
	if (!section)
		section = go_elf_section(&ret->elf, ".data.rel.ro.gopclntab");
	bytes = section ? malloc(section->sh_size) : NULL;
	if (!bytes || go_elf_pread(&ret->elf, section->sh_offset, bytes, section->sh_size) < 0 ||
	    go_pclntab_init(&ret->tab, bytes, section->sh_size) < 0)
		errx(1, "%s: no table of functions", path);
	for (int i = 0; i < GO_GLOBALS; i++)
		ret->globals[i] = (struct go_elf_symbol){.name = GLOBAL_TEXTS[i]};
	if (go_elf_symbols(&ret->elf, &text, 1) < 1 ||
	    go_elf_symbols(&ret->elf, ret->globals, GO_GLOBALS) < 1)
		errx(1, "%s: no symbols", path);
	ret->tab.text = text.address;
}

static int compare_functions(const void *a, const void *b)
{
	return strcmp(((const struct function *)a)->name, ((const struct function *)b)->name);
}

/* The runtime's functions that the first program has, and the others' of that name and size. */
static void find_functions(void)
{
	struct go_function found;

	functions = calloc(programs[0].tab.count, sizeof(*functions));
	for (uint32_t i = 0; functions && i < programs[0].tab.count; i++) {
		struct function *f = &functions[functions_count];

		if (go_pclntab_function(&programs[0].tab, i, &found) < 0 ||
		    strncmp(found.name, "runtime.", 8) || found.end - found.entry > UINT16_MAX)
			continue;
		*f = (struct function){
			found.name, (uint32_t)(found.end - found.entry), NULL, {0}, -1};
		f->code = malloc(f->size + 1);
		if (!f->code || go_elf_read(&programs[0].elf, found.entry, f->code, f->size) < 0)
			errx(1, "%s cannot be read", f->name);
		f->entry[0] = found.entry;
		functions_count++;
	}
	qsort(functions, functions_count, sizeof(*functions), compare_functions);
	for (size_t p = 1; p < programs_count; p++)
		for (uint32_t i = 0; i < programs[p].tab.count; i++) {
			struct function key = {.name = found.name}, *f;

			if (go_pclntab_function(&programs[p].tab, i, &found) < 0)
				continue;
			key.name = found.name;
			f = bsearch(&key, functions, functions_count, sizeof(key),
				    compare_functions);
			if (f && f->size == found.end - found.entry)
				f->entry[p] = found.entry;
		}
}

/* How far behind the variable it is that the distance at this offset of a function leads to. */
static int64_t addend_at(const struct program *program, uint64_t entry, uint32_t offset,
			 enum go_global global)
{
	int32_t distance;

	if (go_elf_read(&program->elf, entry + offset, &distance, sizeof(distance)) < 0)
		return INT64_MAX;
	return (int64_t)(entry + offset + 4 + (uint64_t)(int64_t)distance -
			 program->globals[global].address);
}

static bool has_others(const struct function *f, const struct place *place)
{
	bool has = false;

	for (size_t p = 1; p < programs_count; p++) {
		if (!f->entry[p])
			continue;
		if (addend_at(&programs[p], f->entry[p], place->offset, place->global) !=
		    place->addend)
			return false;
		has = true;
	}
	return has;
}

/* Which variable, if any, the four bytes at this offset may lead to. */
static bool find_place(size_t number, uint32_t offset, struct place *ret)
{
	const struct function *f = &functions[number];
	int32_t distance;

	memcpy(&distance, f->code + offset, sizeof(distance));
	for (int i = 0; i < GO_GLOBALS; i++) {
		const struct go_elf_symbol *global = &programs[0].globals[i];
		uint64_t to = f->entry[0] + offset + 4 + (uint64_t)(int64_t)distance;

		*ret = (struct place){number, offset, (enum go_global)i,
				      (int64_t)(to - global->address)};
		if (global->address && ret->addend >= -BEHIND_MAX &&
		    ret->addend < (int64_t)global->size)
			return true;
	}
	return false;
}

static void find_places(void)
{
	unsigned of_global[GO_GLOBALS] = {0};

	places = calloc(GO_GLOBALS * PLACES_MAX, sizeof(*places));
	for (size_t i = 0; places && i < functions_count; i++) {
		unsigned of_function[GO_GLOBALS] = {0};

		for (uint32_t offset = 1; offset + 4 <= functions[i].size; offset++) {
			struct place place;

			if (!find_place(i, offset, &place) ||
			    of_global[place.global] == PLACES_MAX ||
			    of_function[place.global] == PLACES_A_FUNCTION ||
			    !has_others(&functions[i], &place))
				continue;
			of_global[place.global]++;
			of_function[place.global]++;
			functions[i].number = 0;
			places[places_count++] = place;
		}
	}
	for (int i = 0; i < GO_GLOBALS; i++)
		fprintf(stderr, " %s %u", GLOBALS[i], of_global[i]);
	fprintf(stderr, "\n");
}

static void print_table(void)
{
	int number = 0;

	for (int i = 0; i < GO_MEMBERS; i++)
		if (programs[0].layout.has[i])
			printf("MEMBER(%s, %" PRIu32 ")\n", MEMBERS[i],
			       programs[0].layout.member[i]);
	for (size_t i = 0; i < functions_count; i++)
		if (functions[i].number == 0) {
			functions[i].number = number++;
			printf("FUNCTION(\"%s\", %" PRIu32 ")\n", functions[i].name,
			       functions[i].size);
		}
	for (size_t i = 0; i < places_count; i++)
		printf("PLACE(%d, %" PRIu32 ", %s, %" PRId64 ")\n",
		       functions[places[i].function].number, places[i].offset,
		       GLOBALS[places[i].global], places[i].addend);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > OTHERS_MAX + 1)
		errx(2, "usage: maketable PROGRAM OTHER...");
	for (int i = 1; i < argc; i++)
		open_program(argv[i], &programs[programs_count++]);
	find_functions();
	find_places();
	print_table();
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * All places of a module are found together: each compilation unit that has some is walked once, and of
 * the others no more is read than where they are. libdwfl would do for single addresses, but walks a unit
 * again for each.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libiberty/demangle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/symbols.h"

#define DEBUG_FOLDER "/usr/lib/debug"
/* Of functions inlined into one another at one place; of DIEs in one another. */
#define CHAIN_MAX 64
#define DEPTH_MAX 256
/* A longer name is shown as the linker has it. */
#define MANGLED_MAX 8192
#define NAME_SHOWN  4096

struct file {
	int fd;	  /* owned; -1: none */
	Elf *elf; /* owned */
};

/* A function in the chain of a place, the outermost first. */
struct link {
	Dwarf_Die die;
	int depth;
	int call_line; /* where it was inlined, in the function before */
	const char *call_file;
};

/* A place while it is looked for. */
struct wanted {
	uint64_t address; /* in the file's own address space */
	struct symbols_place *place;
	struct link *link; /* owned */
	unsigned links;
	const char *file, *folder; /* borrowed from the Dwarf */
	int line;
	const char *symbol; /* borrowed from the Elf */
	GElf_Sym is;
};

struct search {
	struct symbols *symbols;
	struct symbols_module *module;
	struct file main, debug;
	Dwarf *dwarf;	       /* owned */
	struct wanted *wanted; /* owned; by address */
	size_t n;
	GElf_Phdr *code; /* owned: the executable segments */
	size_t codes;
	bool is_out_of_memory;
};

static void file_close(struct file *file)
{
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct file){.fd = -1};
}

static bool has_build_id(Elf *elf, const struct symbols_module *module)
{
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &id);

	return len > 0 && (size_t)len == module->build_id_len &&
	       !memcmp(id, module->build_id, (size_t)len);
}

/* Whoever changes a file, or gives it another name, changes the time of its last change: stat(2). */
static bool is_unchanged(const struct stat *stat, const struct symbols_module *module)
{
	return module->inode && stat->st_ino == module->inode &&
	       (int64_t)stat->st_ctim.tv_sec * 1000000000 + stat->st_ctim.tv_nsec <
		       module->since_ns;
}

/* The path comes from a file that anybody may have written: what is no plain file is not waited for. */
static const char *file_open(struct file *file, const char *path,
			     const struct symbols_module *module)
{
	struct stat stat;
	const char *why = "it is no ELF file";

	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0)
		return errno == ENOENT ? "it is not here" : "it cannot be opened";
	if (fstat(file->fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		file_close(file);
		return why;
	}
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (file->elf && elf_kind(file->elf) == ELF_K_ELF) {
		if (module->build_id_len ? has_build_id(file->elf, module)
					 : is_unchanged(&stat, module))
			return NULL;
		why = module->build_id_len ? "it is another build"
					   : "it has no build id, and may be another build";
	}
	file_close(file);
	return why;
}

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *is;

		if (!gelf_getshdr(section, ret))
			continue;
		is = elf_strptr(elf, names, ret->sh_name);
		if (is && !strcmp(is, name) && ret->sh_type != SHT_NOBITS)
			return section;
	}
	return NULL;
}

static bool has_dwarf(Elf *elf)
{
	GElf_Shdr header;

	return find_section(elf, ".debug_info", &header) ||
	       find_section(elf, ".zdebug_info", &header);
}

static bool open_by_id(struct search *search)
{
	const struct symbols_module *module = search->module;
	char path[sizeof(DEBUG_FOLDER) + 256];
	int at = snprintf(path, sizeof(path), DEBUG_FOLDER "/.build-id/");

	if (module->build_id_len < 2 || module->build_id_len > 64)
		return false;
	for (size_t i = 0; i < module->build_id_len; i++)
		at += snprintf(path + at, sizeof(path) - (size_t)at, i ? "%02x" : "%02x/",
			       module->build_id[i]);
	snprintf(path + at, sizeof(path) - (size_t)at, ".debug");
	return !file_open(&search->debug, path, module);
}

/* Where gdb looks, too. Instead of the checksum of the whole file its build id must be right. */
static bool open_by_link(struct search *search)
{
	static const char *const places[] = {"%.*s/%s", "%.*s/.debug/%s", DEBUG_FOLDER "%.*s/%s"};
	const char *path = search->module->path;
	const char *slash = strrchr(path, '/');
	GElf_Word crc;
	const char *name = dwelf_elf_gnu_debuglink(search->main.elf, &crc);

	if (!name || !slash || !*name || strchr(name, '/'))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *full;
		bool is_found;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (asprintf(&full, places[i], (int)(slash - path), path, name) < 0)
			return false;
#pragma GCC diagnostic pop
		is_found = !file_open(&search->debug, full, search->module);
		free(full);
		if (is_found)
			return true;
	}
	return false;
}

/* The file's bytes that are code, and where they are in its own address space. */
static bool read_code(struct search *search)
{
	size_t n;

	if (elf_getphdrnum(search->main.elf, &n) < 0 || n > 65536)
		return false;
	search->code = calloc(n + 1, sizeof(*search->code));
	if (!search->code)
		search->is_out_of_memory = true;
	for (size_t i = 0; search->code && i < n; i++) {
		GElf_Phdr *header = &search->code[search->codes];

		if (gelf_getphdr(search->main.elf, (int)i, header) && header->p_type == PT_LOAD &&
		    header->p_flags & PF_X)
			search->codes++;
	}
	return search->codes > 0;
}

static bool is_code(const struct search *search, uint64_t address)
{
	for (size_t i = 0; i < search->codes; i++)
		if (address - search->code[i].p_vaddr < search->code[i].p_filesz)
			return true;
	return false;
}

static int compare_places(const void *left, const void *right)
{
	const struct symbols_place *a = left;
	const struct symbols_place *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int compare_wanted(const void *left, const void *right)
{
	const struct wanted *a = left;
	const struct wanted *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static bool list_wanted(struct search *search, struct symbols_place *place, size_t n)
{
	search->wanted = calloc(n + 1, sizeof(*search->wanted));
	if (!search->wanted) {
		search->is_out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t offset = place[i].offset - 1;

		for (size_t k = 0; k < search->codes; k++) {
			const GElf_Phdr *code = &search->code[k];

			if (offset - code->p_offset >= code->p_filesz)
				continue;
			search->wanted[search->n++] =
				(struct wanted){.address = offset - code->p_offset + code->p_vaddr,
						.place = &place[i]};
			break;
		}
	}
	qsort(search->wanted, search->n, sizeof(*search->wanted), compare_wanted);
	return search->n > 0;
}

/* The first that is not below that address; search->n: none. */
static size_t first_from(const struct search *search, uint64_t address)
{
	size_t low = 0;
	size_t high = search->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (search->wanted[mid].address < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What of the code the linker has thrown away begins at 0, or at the end of all addresses. */
static bool is_range(const struct search *search, Dwarf_Addr start, Dwarf_Addr end)
{
	return start < end && is_code(search, start);
}

static const char *file_name(Dwarf_Die *unit, Dwarf_Word number)
{
	Dwarf_Files *files;
	const char *name;
	size_t n;

	if (dwarf_getsrcfiles(unit, &files, &n) < 0 || number >= n)
		return NULL;
	name = dwarf_filesrc(files, number, NULL, NULL);
	/* Number 0 before DWARF 5. */
	return name && strcmp(name, "???") ? name : NULL;
}

static bool get_number(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, ret) == 0;
}

/* A function that has the place. One that is not inside of the last is a contradiction: the first counts. */
static void put_link(struct search *search, struct wanted *wanted, Dwarf_Die *unit, Dwarf_Die *die,
		     int depth)
{
	struct link link = {.die = *die, .depth = depth};
	struct link *grown;
	Dwarf_Word number;

	if (wanted->links == CHAIN_MAX ||
	    (wanted->links && wanted->link[wanted->links - 1].depth >= depth))
		return;
	/* Inlined into nothing, or an out of line function within an inlined one. */
	if ((dwarf_tag(die) == DW_TAG_inlined_subroutine) != (wanted->links > 0))
		return;
	if (wanted->links) {
		if (get_number(die, DW_AT_call_line, &number) && number < INT32_MAX)
			link.call_line = (int)number;
		if (get_number(die, DW_AT_call_file, &number))
			link.call_file = file_name(unit, number);
	}
	grown = reallocarray(wanted->link, wanted->links + 1, sizeof(*grown));
	if (!grown) {
		search->is_out_of_memory = true;
		return;
	}
	wanted->link = grown;
	grown[wanted->links++] = link;
}

/* Whether it has any of the wanted places; in is_function they get a link. */
static bool visit(struct search *search, Dwarf_Die *unit, Dwarf_Die *die, int depth,
		  bool is_function)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	bool has = false;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		if (!is_range(search, start, end))
			continue;
		for (size_t i = first_from(search, start);
		     i < search->n && search->wanted[i].address < end; i++) {
			has = true;
			if (!is_function)
				break;
			put_link(search, &search->wanted[i], unit, die, depth);
		}
	}
	return has;
}

/* all: also into functions that have none of the places, for others may be nested in them. */
static void walk(struct search *search, Dwarf_Die *unit, Dwarf_Die *parent, int depth, bool all)
{
	Dwarf_Die die;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		bool into = false;

		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
			into = visit(search, unit, &die, depth, true) || all;
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			/* One without ranges of its own is no more than its parent. */
			into = all ||
			       !(dwarf_hasattr(&die, DW_AT_low_pc) ||
				 dwarf_hasattr(&die, DW_AT_ranges)) ||
			       visit(search, unit, &die, depth, false);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			into = true;
			break;
		default:
			break;
		}
		if (into && !search->is_out_of_memory)
			walk(search, unit, &die, depth + 1, all);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

static uint32_t put_text(struct search *search, const char *text, size_t len)
{
	int64_t number = texts_put(&search->symbols->texts, text, len);

	if (number < 0)
		search->is_out_of_memory = true;
	return number < 0 ? 0 : (uint32_t)number;
}

/* C++, Rust, D: without parameters, of which templates have too many. */
static char *demangle(const char *name)
{
	char *plain = NULL;

	if (strlen(name) <= MANGLED_MAX && (name[0] == '_' || name[0] == '?'))
		plain = cplus_demangle(name, DMGL_AUTO | DMGL_ANSI);
	return plain;
}

/* What a linker's name means, which is asked for once. */
static uint32_t name_for_people(struct search *search, uint32_t linkage)
{
	struct symbols *symbols = search->symbols;
	uint32_t room = symbols->demangled_room;
	char *plain;

	if (linkage >= room) {
		uint32_t more = symbols->texts.room;
		uint32_t *grown = reallocarray(symbols->demangled, more, sizeof(*grown));

		if (!grown) {
			search->is_out_of_memory = true;
			return linkage;
		}
		memset(grown + room, 0, (more - room) * sizeof(*grown));
		symbols->demangled = grown;
		symbols->demangled_room = more;
	}
	if (!symbols->demangled[linkage]) {
		uint32_t name = linkage;

		plain = demangle(texts_at(&symbols->texts, linkage, NULL));
		if (plain && *plain)
			name = put_text(search, plain, strnlen(plain, NAME_SHOWN));
		free(plain);
		symbols->demangled[linkage] = name + 1;
	}
	return symbols->demangled[linkage] - 1;
}

static void put_chain(struct search *search, uint32_t line)
{
	struct symbols *symbols = search->symbols;

	if (symbols->chain_count == symbols->chain_room) {
		uint32_t more = symbols->chain_room ? symbols->chain_room * 2 : 1024;
		uint32_t *grown = more <= INTERN_MAX
					  ? reallocarray(symbols->chain, more, sizeof(*grown))
					  : NULL;

		if (!grown) {
			search->is_out_of_memory = true;
			return;
		}
		symbols->chain = grown;
		symbols->chain_room = more;
	}
	symbols->chain[symbols->chain_count++] = line;
}

static int64_t put_line(struct symbols *symbols, const struct symbols_function *function,
			uint32_t number)
{
	int64_t is = intern_put(&symbols->functions, function);
	struct symbols_line line = {.function = (uint32_t)is, .line = number};

	return is < 0 ? is : intern_put(&symbols->lines, &line);
}

/* A file's name is told against the folder that the unit was compiled in. */
static uint32_t put_file(struct search *search, const char *file, const char *folder)
{
	uint32_t number;
	char *full;

	if (*file == '/' || !folder || *folder != '/')
		return put_text(search, file, strlen(file));
	while (file[0] == '.' && file[1] == '/')
		file += 2;
	if (asprintf(&full, "%s/%s", folder, file) < 0) {
		search->is_out_of_memory = true;
		return 0;
	}
	number = put_text(search, full, strlen(full));
	free(full);
	return number;
}

static void put_function(struct search *search, struct symbols_place *place, const char *linkage,
			 const char *file, const char *folder, int line, int start)
{
	struct symbols_function function = {.linkage = put_text(search, linkage, strlen(linkage)),
					    .start = start > 0 ? (uint32_t)start : 0};
	int64_t number;

	if (file)
		function.file = put_file(search, file, folder);
	function.name = name_for_people(search, function.linkage);
	number = put_line(search->symbols, &function, line > 0 && file ? (uint32_t)line : 0);
	if (number < 0)
		search->is_out_of_memory = true;
	if (search->is_out_of_memory)
		return;
	put_chain(search, (uint32_t)number);
	place->count++;
	search->module->found |= SYMBOLS_FUNCTIONS;
	if (file)
		search->module->found |= SYMBOLS_FILES;
}

/* dwarf_decl_file() takes number 0 for none, which in DWARF 5 is the unit's own file. */
static const char *declared_in(Dwarf_Die *die)
{
	const char *name = dwarf_decl_file(die);
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Die unit;

	if (!name && dwarf_attr_integrate(die, DW_AT_decl_file, &attribute) &&
	    dwarf_formudata(&attribute, &number) == 0 && number == 0 &&
	    dwarf_cu_die(attribute.cu, &unit, NULL, NULL, NULL, NULL, NULL, NULL))
		name = file_name(&unit, 0);
	return name;
}

/* The line on which a function begins, if it does so in that file. */
static int start_line(Dwarf_Die *die, const char *file)
{
	const char *declared = declared_in(die);
	int line;

	if (!file || !declared || strcmp(declared, file) != 0 || dwarf_decl_line(die, &line) < 0)
		return 0;
	return line;
}

/* While the unit's texts are there. */
static void settle_links(struct search *search, struct wanted *wanted)
{
	struct symbols_place *place = wanted->place;

	place->first = search->symbols->chain_count;
	for (unsigned i = wanted->links; i-- > 0;) {
		struct link *link = &wanted->link[i];
		bool is_innermost = i + 1 == wanted->links;
		const char *file = is_innermost ? wanted->file : link[1].call_file;
		int line = is_innermost ? wanted->line : link[1].call_line;
		const char *name = linkage_name(&link->die);

		if (!name)
			name = dwarf_diename(&link->die);
		if (!name || !*name)
			continue;
		put_function(search, place, name, file, wanted->folder, line,
			     start_line(&link->die, file));
	}
	if (place->count > 1)
		search->module->found |= SYMBOLS_INLINED;
}

static void find_line(struct wanted *wanted, Dwarf_Die *unit)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, wanted->address);
	Dwarf_Attribute folder;
	int number;

	if (dwarf_attr(unit, DW_AT_comp_dir, &folder))
		wanted->folder = dwarf_formstring(&folder);
	if (!line || dwarf_lineno(line, &number) < 0 || number <= 0)
		return;
	wanted->file = dwarf_linesrc(line, NULL, NULL);
	wanted->line = number;
}

/* A unit that has some of the places: `skeleton` is itself, but where its DIEs are in a file of their own. */
static void read_unit(struct search *search, Dwarf_Die *skeleton, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	bool is_missing = false;

	walk(search, unit, unit, 0, false);
	for (int again = 0; again < 2; again++) {
		at = 0;
		while ((at = dwarf_ranges(skeleton, at, &base, &start, &end)) > 0) {
			if (!is_range(search, start, end))
				continue;
			for (size_t i = first_from(search, start);
			     i < search->n && search->wanted[i].address < end; i++) {
				struct wanted *wanted = &search->wanted[i];

				if (!again)
					is_missing |= !wanted->links;
				if (!again || wanted->place->count)
					continue;
				find_line(wanted, skeleton);
				settle_links(search, wanted);
			}
		}
		if (!again && is_missing)
			walk(search, unit, unit, 0, true);
	}
}

static void read_dwarf(struct search *search, Elf *elf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die skeleton;
	Dwarf_Die unit;
	uint8_t type;

	search->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	while (search->dwarf && !search->is_out_of_memory &&
	       dwarf_get_units(search->dwarf, cu, &cu, NULL, &type, &skeleton, &unit) == 0) {
		if ((type != DW_UT_compile && type != DW_UT_skeleton) ||
		    !visit(search, &skeleton, &skeleton, 0, false))
			continue;
		read_unit(search, &skeleton,
			  dwarf_tag(&unit) == DW_TAG_compile_unit ? &unit : &skeleton);
	}
}

/* Of names for one place: the innermost symbol, then what other files see, then the plainest name. */
static bool is_better(const GElf_Sym *symbol, const char *name, const struct wanted *wanted)
{
	bool is_local = GELF_ST_BIND(symbol->st_info) == STB_LOCAL;
	bool was_local;
	int order;

	if (!wanted->symbol)
		return true;
	if (symbol->st_value != wanted->is.st_value)
		return symbol->st_value > wanted->is.st_value;
	was_local = GELF_ST_BIND(wanted->is.st_info) == STB_LOCAL;
	if (is_local != was_local)
		return was_local;
	order = (int)strspn(name, "_") - (int)strspn(wanted->symbol, "_");
	return order ? order < 0 : strcmp(name, wanted->symbol) < 0;
}

/* Only where a symbol says how long it is: behind its end there may be anything. */
static void try_symbol(struct search *search, Elf *elf, size_t names, const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);
	const char *name;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol->st_shndx == SHN_UNDEF ||
	    !symbol->st_size)
		return;
	for (size_t i = first_from(search, symbol->st_value);
	     i < search->n && search->wanted[i].address - symbol->st_value < symbol->st_size; i++) {
		struct wanted *wanted = &search->wanted[i];

		if (wanted->place->count)
			continue;
		name = elf_strptr(elf, names, symbol->st_name);
		if (!name || !*name)
			return;
		if (is_better(symbol, name, wanted)) {
			wanted->symbol = name;
			wanted->is = *symbol;
		}
	}
}

static bool read_symbols(struct search *search, Elf *elf, const char *table)
{
	GElf_Shdr header;
	Elf_Scn *section = elf ? find_section(elf, table, &header) : NULL;
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t n;

	if (!data || !header.sh_entsize)
		return false;
	n = data->d_size / header.sh_entsize;
	for (size_t i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol))
			try_symbol(search, elf, header.sh_link, &symbol);
	}
	return true;
}

static bool is_all_found(const struct search *search)
{
	for (size_t i = 0; i < search->n; i++)
		if (!search->wanted[i].place->count)
			return false;
	return true;
}

/* A function that DWARF does not have, as of assembly. A line it may have. */
static void settle_symbols(struct search *search)
{
	for (size_t i = 0; i < search->n; i++) {
		struct wanted *wanted = &search->wanted[i];
		size_t len;
		char *name;

		if (!wanted->symbol || wanted->place->count)
			continue;
		/* A symbol's version is not its name. */
		len = strcspn(wanted->symbol, "@");
		name = strndup(wanted->symbol, len);
		if (!name) {
			search->is_out_of_memory = true;
			return;
		}
		wanted->place->first = search->symbols->chain_count;
		if (len)
			put_function(search, wanted->place, name, wanted->file, wanted->folder,
				     wanted->line, 0);
		free(name);
	}
}

static void search_files(struct search *search, struct symbols_place *place, size_t n)
{
	struct symbols_module *module = search->module;

	if (*module->path != '/')
		module->why = "it is no file";
	else
		module->why = file_open(&search->main, module->path, module);
	if (module->why)
		return;
	module->why = "it has none";
	if (!read_code(search) || !list_wanted(search, place, n))
		return;
	if (has_dwarf(search->main.elf))
		read_dwarf(search, search->main.elf);
	else if ((open_by_id(search) || open_by_link(search)) && has_dwarf(search->debug.elf))
		read_dwarf(search, search->debug.elf);
	if (is_all_found(search) || search->is_out_of_memory)
		return;
	if (!read_symbols(search, search->main.elf, ".symtab") &&
	    !read_symbols(search, search->debug.elf, ".symtab"))
		read_symbols(search, search->main.elf, ".dynsym");
	settle_symbols(search);
}

static void search_done(struct search *search)
{
	for (size_t i = 0; i < search->n; i++)
		free(search->wanted[i].link);
	free(search->wanted);
	free(search->code);
	if (search->dwarf)
		dwarf_end(search->dwarf);
	file_close(&search->debug);
	file_close(&search->main);
}

/* What has no name is called by where it is. */
static void name_places(struct search *search, struct symbols_place *place, size_t n)
{
	const char *slash = strrchr(search->module->path, '/');
	const char *base = slash ? slash + 1 : search->module->path;

	for (size_t i = 0; i < n && !search->is_out_of_memory; i++) {
		char *name;
		int len;
		int64_t line;

		if (place[i].count)
			continue;
		len = asprintf(&name, "%s+0x%" PRIx64, base, place[i].offset);
		line = len < 0 ? -ENOMEM : symbols_name(search->symbols, name, (size_t)len);
		if (len >= 0)
			free(name);
		if (line < 0) {
			search->is_out_of_memory = true;
			return;
		}
		place[i].first = search->symbols->chain_count;
		place[i].count = 1;
		put_chain(search, (uint32_t)line);
	}
}

int symbols_resolve(struct symbols *symbols, struct symbols_module *module,
		    struct symbols_place *place, size_t n)
{
	struct search search = {
		.symbols = symbols, .module = module, .main.fd = -1, .debug.fd = -1};

	module->found = 0;
	qsort(place, n, sizeof(*place), compare_places);
	for (size_t i = 0; i < n; i++)
		place[i].first = place[i].count = 0;
	search_files(&search, place, n);
	if (module->found)
		module->why = NULL;
	search_done(&search);
	name_places(&search, place, n);
	return search.is_out_of_memory ? -ENOMEM : 0;
}

int64_t symbols_name(struct symbols *symbols, const char *name, size_t len)
{
	int64_t text = texts_put(&symbols->texts, name, len);
	struct symbols_function function = {.name = (uint32_t)text};

	return text < 0 ? text : put_line(symbols, &function, 0);
}

int symbols_init(struct symbols *symbols)
{
	elf_version(EV_CURRENT);
	*symbols = (struct symbols){
		.functions = INTERN_INIT(struct symbols_function, sizeof(struct symbols_function)),
		.lines = INTERN_INIT(struct symbols_line, sizeof(struct symbols_line))};
	return texts_put(&symbols->texts, "", 0) < 0 ? -ENOMEM : 0;
}

void symbols_done(struct symbols *symbols)
{
	texts_done(&symbols->texts);
	intern_done(&symbols->functions);
	intern_done(&symbols->lines);
	free(symbols->chain);
	free(symbols->demangled);
}

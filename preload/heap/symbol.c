/* SPDX-License-Identifier: ISC */
/*
 * The list of modules is dl_iterate_phdr()'s. glibc holds a lock during that, so that none is unmapped, but
 * never while it runs a program's code; that lock is recursive, so the list may be walked within a walk. musl
 * unmaps none. A child of a process with threads may have the lock taken for ever: there the list is not walked,
 * and a module knows itself alone.
 *
 * What is read of a module stands in its dynamic section: elf(5).
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <string.h>

#include "preload/aside.h"
#include "preload/heap/lock.h"
#include "preload/heap/symbol.h"
#include "preload/sys.h"

/* What a module may need, all in all. */
#define CLOSURE_MAX 128u

struct module {
	uintptr_t base;	  /* what its addresses are added to */
	const char *path; /* empty: the program's own */
	const char *soname;
	const Elf64_Phdr *phdr;
	unsigned phnum; /* 0: from start to end */
	uintptr_t start, end;
	const Elf64_Dyn *dynamic;
	const Elf64_Sym *symbols;
	const char *texts;
	const uint32_t *gnu_hash, *hash; /* NULL: it has no such table */
};

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

bool symbol_is_ours(const void *at)
{
	return (uintptr_t)at - (uintptr_t)__ehdr_start < (uintptr_t)_end - (uintptr_t)__ehdr_start;
}

/* Of who walks the list. */
static struct {
	struct lock lock;
	bool is_threaded;		  /* the process had threads when it forked */
	bool is_forbidden;		  /* it was forked by such a one */
	struct module queue[CLOSURE_MAX]; /* under the lock */
} walks;

static bool has_address(const struct module *module, const void *at)
{
	if (module->phnum == 0)
		return (uintptr_t)at - module->start < module->end - module->start;
	for (unsigned i = 0; i < module->phnum; i++)
		if (module->phdr[i].p_type == PT_LOAD &&
		    (uintptr_t)at - module->base - module->phdr[i].p_vaddr <
			    module->phdr[i].p_memsz)
			return true;
	return false;
}

/* glibc relocates the addresses that stand in there, musl and the vDSO do not. */
static const void *address_in(const struct module *module, Elf64_Addr at)
{
	const void *here = (const void *)at;

	return has_address(module, here) ? here : (const void *)(module->base + at);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void read_dynamic(struct module *module)
{
	const Elf64_Dyn *soname = NULL;

	for (const Elf64_Dyn *dyn = module->dynamic; dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			module->symbols = address_in(module, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_STRTAB)
			module->texts = address_in(module, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_GNU_HASH)
			module->gnu_hash = address_in(module, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_HASH)
			module->hash = address_in(module, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_SONAME)
			soname = dyn;
	}
	module->soname = soname && module->texts ? module->texts + soname->d_un.d_val
						 : last_part(module->path);
}

/* False: ours, or one that has no symbols. */
static bool read_module(const struct dl_phdr_info *info, struct module *ret)
{
	*ret = (struct module){
		.base = info->dlpi_addr,
		.path = info->dlpi_name ? info->dlpi_name : "",
		.phdr = info->dlpi_phdr,
		.phnum = info->dlpi_phnum,
	};
	for (unsigned i = 0; i < ret->phnum; i++)
		if (ret->phdr[i].p_type == PT_DYNAMIC)
			ret->dynamic = (const void *)(ret->base + ret->phdr[i].p_vaddr);
	if (!ret->dynamic || symbol_is_ours(ret->dynamic))
		return false;
	read_dynamic(ret);
	return ret->symbols && ret->texts;
}

struct walk {
	bool (*fits)(const struct module *module, const void *what);
	const void *what;
	struct module *ret;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct walk *walk = arg;

	(void)size;
	return read_module(info, walk->ret) && walk->fits(walk->ret, walk->what);
}

/* The first in the list that fits. */
static bool find_module(bool (*fits)(const struct module *module, const void *what),
			const void *what, struct module *ret)
{
	struct walk walk = {fits, what, ret};

	return dl_iterate_phdr(look_at, &walk) != 0;
}

static bool is_named(const struct module *module, const void *name)
{
	return !strcmp(module->soname, name) || !strcmp(module->path, name);
}

static bool needs(const struct module *module, const struct module *other)
{
	for (const Elf64_Dyn *dyn = module->dynamic; dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag == DT_NEEDED && is_named(other, module->texts + dyn->d_un.d_val))
			return true;
	return false;
}

static bool is_or_needs(const struct module *module, const void *what)
{
	const struct module *other = what;

	return module->dynamic == other->dynamic || needs(module, other);
}

static bool is_function(const struct module *module, uint32_t i, const char *name)
{
	const Elf64_Sym *symbol = &module->symbols[i];
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       !strcmp(module->texts + symbol->st_name, name);
}

/* 0: it is not there, which a bit for each name, in words before the buckets, mostly says at once. */
static uint32_t find_gnu(const struct module *module, const char *name)
{
	const uint32_t *head = module->gnu_hash; /* buckets, first symbol, words, shift */
	const uint64_t *words = (const uint64_t *)(const void *)(head + 4);
	const uint32_t *buckets = (const uint32_t *)(const void *)(words + head[2]);
	const uint32_t *chain = buckets + head[0];
	uint32_t hash = 5381;
	uint64_t word;
	uint32_t i;

	for (const char *at = name; *at; at++)
		hash = hash * 33 + (unsigned char)*at;
	word = words[hash / 64 % head[2]];
	if (!(word >> hash % 64 & word >> (hash >> head[3]) % 64 & 1) || head[0] == 0)
		return 0;
	i = buckets[hash % head[0]];
	if (i < head[1])
		return 0;
	for (;; i++) {
		uint32_t its = chain[i - head[1]];

		if ((its | 1) == (hash | 1) && is_function(module, i, name))
			return i;
		if (its & 1)
			return 0;
	}
}

static uint32_t find_hashed(const struct module *module, const char *name)
{
	const uint32_t *buckets = module->hash + 2;
	const uint32_t *chain = buckets + module->hash[0];
	uint32_t hash = 0;

	for (const char *at = name; *at; at++) {
		hash = (hash << 4) + (unsigned char)*at;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	for (uint32_t i = buckets[hash % module->hash[0]]; i; i = chain[i])
		if (is_function(module, i, name))
			return i;
	return 0;
}

static const Elf64_Sym *find_symbol(const struct module *module, const char *name)
{
	uint32_t i = 0;

	if (module->gnu_hash)
		i = find_gnu(module, name);
	else if (module->hash && module->hash[0])
		i = find_hashed(module, name);
	return i ? &module->symbols[i] : NULL;
}

static bool has_function(const struct module *module, const void *name)
{
	return find_symbol(module, name) != NULL;
}

struct search {
	const char *name;
	const void *at;
	uintptr_t ret;	      /* 0: not found */
	bool is_chosen_there; /* what is there chooses the function */
};

static bool take_from(const struct module *module, struct search *search)
{
	const Elf64_Sym *symbol = find_symbol(module, search->name);

	if (!symbol)
		return false;
	search->ret = module->base + symbol->st_value;
	search->is_chosen_there = ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
	return true;
}

static bool is_in(const struct module *queue, unsigned count, const struct module *module)
{
	for (unsigned i = 0; i < count; i++)
		if (queue[i].dynamic == module->dynamic)
			return true;
	return false;
}

/* The module, what it needs, what that needs, and so on, each once: in the loader's order. */
static bool take_from_all(const struct module *module, struct search *search)
{
	struct module *queue = walks.queue;
	unsigned count = 1;

	queue[0] = *module;
	for (unsigned i = 0; i < count; i++) {
		const struct module *one = &queue[i];

		if (take_from(one, search))
			return true;
		for (const Elf64_Dyn *dyn = one->dynamic; dyn->d_tag != DT_NULL; dyn++)
			if (dyn->d_tag == DT_NEEDED && count < CLOSURE_MAX &&
			    find_module(is_named, one->texts + dyn->d_un.d_val, &queue[count]) &&
			    !is_in(queue, count, &queue[count]))
				count++;
	}
	return false;
}

/*
 * The library that was asked for stands before what was loaded for it. Where two have asked for the same, the
 * first one's meaning is everybody's: that is how the loader has bound it.
 */
static void find_root(const struct module *module, struct module *ret)
{
	struct module from = *module;

	*ret = from;
	while (find_module(is_or_needs, &from, ret) && ret->dynamic != from.dynamic)
		from = *ret;
	*ret = from;
}

/* All of it within the first callback: what one walk has found is still there in the next. */
static int search_all(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct module own, root;

	(void)info;
	(void)size;
	if (find_module(has_address, search->at, &own)) {
		find_root(&own, &root);
		if (take_from_all(&root, search) || take_from_all(&own, search))
			return 1;
	}
	if (find_module(has_function, search->name, &own))
		take_from(&own, search);
	return 1;
}

/* glibc's, since 2.35: it takes no lock. Only what we need of the struct, and all of its size. */
struct found {
	unsigned long long flags;
	void *start, *end;
	struct link_map *link_map;
	void *eh_frame_hdr;
	unsigned long long reserved[8];
};
extern int symbol_ask(void *at, struct found *ret) __asm__("_dl_find_object") __attribute__((weak));

/* Without the list: of the module itself, which stays while it calls. */
static void search_own(struct search *search)
{
	struct found found;
	struct module own;

	if (!symbol_ask || symbol_ask((void *)(uintptr_t)search->at, &found) != 0)
		return;
	own = (struct module){
		.base = found.link_map->l_addr,
		.path = found.link_map->l_name ? found.link_map->l_name : "",
		.start = (uintptr_t)found.start,
		.end = (uintptr_t)found.end,
		.dynamic = found.link_map->l_ld,
	};
	if (!own.dynamic || symbol_is_ours(own.dynamic))
		return;
	read_dynamic(&own);
	if (own.symbols && own.texts)
		take_from(&own, search);
}

/*
 * All signals are blocked meanwhile: a handler may leave by a jump. Under a filter of the thread's own no system call is
 * made.
 */
static bool search_list(struct search *search)
{
	uint64_t all = ~(uint64_t)0;
	uint64_t signals;
	bool has_it;

	if (__atomic_load_n(&walks.is_forbidden, __ATOMIC_RELAXED) || aside_is_barred())
		return false;
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals, sizeof(all));
	has_it = lock_take(&walks.lock, NULL);
	if (has_it) {
		dl_iterate_phdr(search_all, search);
		lock_give(&walks.lock);
	}
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &signals, 0, sizeof(signals));
	return has_it;
}

void *symbol_find(const char *name, const void *at)
{
	struct search search = {.name = name, .at = at};

	if (!search_list(&search))
		search_own(&search);
	if (search.is_chosen_there)
		return ((void *(*)(void))search.ret)();
	return (void *)search.ret;
}

bool symbol_exists(const char *name)
{
	struct module module;

	return find_module(has_function, name, &module);
}

static int has_it(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct module module = {
		.base = info->dlpi_addr,
		.phdr = info->dlpi_phdr,
		.phnum = info->dlpi_phnum,
	};

	(void)size;
	if (!has_address(&module, search->at))
		return 0;
	/* No two have the same. */
	search->ret = (uintptr_t)info->dlpi_phdr;
	return 1;
}

uintptr_t symbol_module(const void *at)
{
	struct search search = {.at = at};
	struct found found;

	if (symbol_ask)
		return symbol_ask((void *)(uintptr_t)at, &found) == 0 ? (uintptr_t)found.start : 0;
	if (!__atomic_load_n(&walks.is_forbidden, __ATOMIC_RELAXED))
		dl_iterate_phdr(has_it, &search);
	return search.ret;
}

/* glibc's, since 2.32: false once there was another thread. */
extern char symbol_alone __asm__("__libc_single_threaded") __attribute__((weak));

void symbol_before_fork(void)
{
	walks.is_threaded = !&symbol_alone || !symbol_alone;
}

void symbol_in_child(void)
{
	if (walks.is_threaded)
		walks.is_forbidden = true;
	lock_reset(&walks.lock);
}

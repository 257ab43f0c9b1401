/* SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/preload.h"

#define NAME	   "libmstat.so"
#define SEPARATORS " :" /* ld.so(8) */

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#endif

/* An ELF file's class and machine, and whether it names a program interpreter. */
struct elf_kind {
	bool is_elf, is_own, is_dynamic;
};

static struct elf_kind look_at(const char *path)
{
	struct elf_kind kind = {0};
	Elf64_Ehdr head;
	Elf64_Phdr phdr;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return kind;
	if (pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
	    !memcmp(head.e_ident, ELFMAG, SELFMAG)) {
		kind.is_elf = true;
		kind.is_own = head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_machine == OWN_MACHINE;
		for (unsigned i = 0; kind.is_own && i < head.e_phnum; i++) {
			off_t at = (off_t)(head.e_phoff + i * sizeof(phdr));

			if (pread(fd, &phdr, sizeof(phdr), at) == sizeof(phdr) &&
			    phdr.p_type == PT_INTERP)
				kind.is_dynamic = true;
		}
	}
	close(fd);
	return kind;
}

static char *in_folder(const char *folder)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/" NAME, folder);
	return access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;
}

static char *beside_binary(const char *relative)
{
	char exe[PATH_MAX];
	char folder[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	snprintf(folder, sizeof(folder), "%s%s", exe, relative);
	return in_folder(folder);
}

/* The loader's own search; our constructor does nothing without a socket in the environment. */
static char *by_loader(void)
{
	struct link_map *map;
	void *handle = dlopen(NAME, RTLD_LAZY | RTLD_LOCAL);

	if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
		return NULL;
	return realpath(map->l_name, NULL);
}

static bool is_nameable(const char *path)
{
	return !strpbrk(path, SEPARATORS);
}

/* The first one that LD_PRELOAD can name; else the first one, for the message. */
static char *find_ours(void)
{
	char *places[] = {beside_binary(""), beside_binary("/../lib"), in_folder(MSTAT_LIBDIR)};
	char *found = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (places[i] && (!found || (!is_nameable(found) && is_nameable(places[i])))) {
			free(found);
			found = places[i];
		} else {
			free(places[i]);
		}
	}
	return found ? found : by_loader();
}

char *preload_find(const char *path, char *error, size_t error_size)
{
	bool bare = !path || !strcmp(path, NAME);
	char *found = bare ? find_ours() : realpath(path, NULL);
	struct elf_kind kind;

	if (!found) {
		snprintf(error, error_size, "%.200s: %s", path ? path : NAME,
			 bare ? "not found beside mstat, in " MSTAT_LIBDIR ", or by the loader"
			      : strerror(errno));
		return NULL;
	}
	kind = look_at(found);
	if (!kind.is_own)
		snprintf(error, error_size, "%.200s: %s", found,
			 kind.is_elf ? "built for another architecture" : "not a shared library");
	else if (!is_nameable(found))
		snprintf(error, error_size,
			 "%.200s: LD_PRELOAD cannot name a path with a blank or a colon", found);
	else
		return found;
	free(found);
	return NULL;
}

/* Whether exec gives it other ids than ours, so that its loader heeds no LD_PRELOAD of a path. */
static bool changes_ids(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return false;
	return (st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	       (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getgid());
}

const char *preload_objection(const char *file, bool *ret_harmful)
{
	struct elf_kind kind = look_at(file);

	*ret_harmful = kind.is_elf && !kind.is_own;
	if (!kind.is_elf)
		return NULL;
	if (!kind.is_own)
		return "it is built for another architecture";
	if (!kind.is_dynamic)
		return "it is statically linked";
	return changes_ids(file) ? "it is set-user-ID or set-group-ID" : NULL;
}

static bool is_ours(const char *word, size_t len)
{
	const char *slash = memrchr(word, '/', len);
	const char *base = slash ? slash + 1 : word;

	return (size_t)(word + len - base) == strlen(NAME) && !memcmp(base, NAME, strlen(NAME));
}

/* The next word of an LD_PRELOAD from *at on, and its length; NULL at the end. */
static const char *next_word(const char **at, size_t *ret_len)
{
	const char *word = *at + strspn(*at, SEPARATORS);

	*ret_len = strcspn(word, SEPARATORS);
	*at = word + *ret_len;
	return *ret_len ? word : NULL;
}

char *preload_named(const char *given)
{
	const char *word;
	size_t len;

	while (given && (word = next_word(&given, &len)))
		if (is_ours(word, len) && memchr(word, '/', len))
			return strndup(word, len);
	return NULL;
}

static char *put_word(char *begin, char *at, const char *word, size_t len)
{
	if (at > begin)
		*at++ = ':';
	return mempcpy(at, word, len);
}

char *preload_compose(const char *given, const char *library)
{
	size_t library_len = library ? strlen(library) : 0;
	char *ret = malloc((given ? strlen(given) : 0) * (library_len + 1) + library_len + 2);
	char *at = ret;
	bool named = false;
	const char *word;
	size_t len;

	if (!ret)
		return NULL;
	while (given && (word = next_word(&given, &len))) {
		bool ours = is_ours(word, len);

		/* Named twice, it would be loaded once; the first place is the user's wish. */
		if (!ours || memchr(word, '/', len))
			at = put_word(ret, at, word, len);
		else if (library && !named)
			at = put_word(ret, at, library, library_len);
		named |= ours;
	}
	if (library && !named)
		at = put_word(ret, at, library, library_len);
	*at = '\0';
	return ret;
}

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
#include <unistd.h>

#include "tools/preload.h"

#define NAME "libmstat.so"

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
	int fd = open(path, O_RDONLY | O_CLOEXEC);

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

static char *beside_binary(const char *relative)
{
	char exe[PATH_MAX];
	char path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	snprintf(path, sizeof(path), "%s/%s" NAME, exe, relative);
	return access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;
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

static char *find_ours(void)
{
	char *path = beside_binary("");

	if (!path)
		path = beside_binary("../lib/");
	if (!path && access(MSTAT_LIBDIR "/" NAME, R_OK) == 0)
		path = realpath(MSTAT_LIBDIR "/" NAME, NULL);
	return path ? path : by_loader();
}

char *preload_find(const char *path, char *error, size_t error_size)
{
	bool bare = !path || !strchr(path, '/');
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
	else if (strpbrk(found, " :"))
		snprintf(error, error_size,
			 "%.200s: LD_PRELOAD cannot name a path with a blank or a colon", found);
	else
		return found;
	free(found);
	return NULL;
}

/* Where execvp() would find it; the buffer's content, or the name itself. */
static const char *look_up(const char *program, const char *path, char *buf, size_t size)
{
	if (strchr(program, '/') || !path)
		return program;
	while (*path) {
		size_t len = strcspn(path, ":");

		if ((size_t)snprintf(buf, size, "%.*s%s%s", (int)len, path, len ? "/" : "",
				     program) < size &&
		    access(buf, X_OK) == 0)
			return buf;
		path += len + (path[len] == ':');
	}
	return program;
}

const char *preload_objection(const char *program, const char *path_variable, bool *ret_harmful)
{
	char buf[PATH_MAX];
	struct elf_kind kind = look_at(look_up(program, path_variable, buf, sizeof(buf)));

	*ret_harmful = false;
	if (!kind.is_elf)
		return NULL;
	*ret_harmful = !kind.is_own;
	if (!kind.is_own)
		return "it is built for another architecture";
	return kind.is_dynamic ? NULL : "it is statically linked";
}

static bool is_ours(const char *word, size_t len)
{
	const char *slash = memrchr(word, '/', len);
	const char *base = slash ? slash + 1 : word;

	return (size_t)(word + len - base) == strlen(NAME) && !memcmp(base, NAME, strlen(NAME));
}

char *preload_compose(const char *given, const char *library)
{
	size_t size = (given ? strlen(given) : 0) * (strlen(library) + 1) + strlen(library) + 2;
	char *ret = malloc(size);
	char *at = ret;
	bool named = false;

	if (!ret)
		return NULL;
	for (const char *word = given ? given : ""; *word;) {
		size_t len = strcspn(word, " :");
		bool ours = is_ours(word, len);

		/* Named twice, it would be loaded once; the first place is the user's wish. */
		if (len && !(ours && named)) {
			if (at > ret)
				*at++ = ':';
			if (ours && !memchr(word, '/', len))
				at = stpcpy(at, library);
			else
				at = mempcpy(at, word, len);
			named |= ours;
		}
		word += len + (word[len] != '\0');
	}
	if (!named) {
		if (at > ret)
			*at++ = ':';
		at = stpcpy(at, library);
	}
	*at = '\0';
	return ret;
}

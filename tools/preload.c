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
#include <sys/wait.h>
#include <unistd.h>

#include "tools/preload.h"

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

static char *in_folder(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;
}

static char *beside_binary(const char *relative, const char *name)
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
	return in_folder(folder, name);
}

/* Our constructor does nothing without a socket in the environment. */
__attribute__((noreturn)) static void load_and_tell(const char *name, int fd)
{
	struct link_map *map;
	char path[PATH_MAX];
	void *handle;

	unsetenv("MSTAT_SOCKET");
	handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
	if (handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && realpath(map->l_name, path))
		(void)!write(fd, path, strlen(path));
	_exit(0);
}

/* The loader's own search; in a child, for mstat itself may have one of the two already. */
static char *by_loader(const char *name)
{
	char path[PATH_MAX];
	ssize_t n = 0;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	pid = fork();
	if (pid == 0)
		load_and_tell(name, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		n = read(fds[0], path, sizeof(path));
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return n > 0 ? strndup(path, (size_t)n) : NULL;
}

static bool is_nameable(const char *path)
{
	return !strpbrk(path, SEPARATORS);
}

/* The first one that LD_PRELOAD can name; else the first one, for the message. */
static char *find_ours(const char *name)
{
	char *places[] = {beside_binary("", name), beside_binary("/../lib", name),
			  in_folder(MSTAT_LIBDIR, name)};
	char *found = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (places[i] && (!found || (!is_nameable(found) && is_nameable(places[i])))) {
			free(found);
			found = places[i];
		} else {
			free(places[i]);
		}
	}
	return found ? found : by_loader(name);
}

char *preload_find(const char *path, char *error, size_t error_size)
{
	const char *name = path ? path : PRELOAD_PLAIN;
	bool bare = !strcmp(name, PRELOAD_PLAIN) || !strcmp(name, PRELOAD_HEAP);
	char *found = bare ? find_ours(name) : realpath(path, NULL);
	struct elf_kind kind;

	if (!found) {
		snprintf(error, error_size, "%.200s: %s", name,
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

/* Which of our names the word ends in, or NULL. */
static const char *name_of(const char *word, size_t len)
{
	static const char *const names[] = {PRELOAD_PLAIN, PRELOAD_HEAP};
	const char *slash = memrchr(word, '/', len);
	const char *base = slash ? slash + 1 : word;
	size_t rest = (size_t)(word + len - base);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (rest == strlen(names[i]) && !memcmp(base, names[i], rest))
			return names[i];
	return NULL;
}

static bool has_name(const char *path, const char *want)
{
	const char *name = path ? name_of(path, strlen(path)) : NULL;

	return name && !strcmp(name, want);
}

bool preload_is_plain(const char *path)
{
	return has_name(path, PRELOAD_PLAIN);
}

bool preload_is_heap(const char *path)
{
	return has_name(path, PRELOAD_HEAP);
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
	const char *bare = NULL;
	const char *word;
	size_t len;

	while (given && (word = next_word(&given, &len))) {
		const char *name = name_of(word, len);

		if (name && memchr(word, '/', len))
			return strndup(word, len);
		if (name && !bare)
			bare = name;
	}
	return bare && !strcmp(bare, PRELOAD_HEAP) ? strdup(bare) : NULL;
}

static char *put_word(char *begin, char *at, const char *word, size_t len)
{
	if (at > begin)
		*at++ = ':';
	return mempcpy(at, word, len);
}

/* Whether a word of ours stands as it is: a path, unless the library is the other one of ours. */
static bool stands(const char *word, size_t len, const char *library)
{
	const char *name = library ? name_of(library, strlen(library)) : NULL;

	return memchr(word, '/', len) && (!name || !strcmp(name, name_of(word, len)));
}

static bool names_ours(const char *given)
{
	const char *word;
	size_t len;

	while (given && (word = next_word(&given, &len)))
		if (name_of(word, len))
			return true;
	return false;
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
	/* Hooks are to stand before another preload's malloc(), or they see nothing of it. */
	if (preload_is_heap(library) && !names_ours(given)) {
		at = put_word(ret, at, library, library_len);
		named = true;
	}
	while (given && (word = next_word(&given, &len))) {
		if (!name_of(word, len)) {
			at = put_word(ret, at, word, len);
			continue;
		}
		/* There is one sampler in a process; the first place is the user's wish. */
		if (named)
			continue;
		named = true;
		if (stands(word, len, library))
			at = put_word(ret, at, word, len);
		else if (library)
			at = put_word(ret, at, library, library_len);
		else
			named = false;
	}
	if (library && !named)
		at = put_word(ret, at, library, library_len);
	*at = '\0';
	return ret;
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runtimes/go/dwarf.h"
#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/go/stripped.h"
#include "collector/runtimes/go/version.h"
#include "collector/runtimes/runtime.h"

/* Files that are kept while nobody runs them; beyond, the oldest is forgotten. */
#define KEPT_MAX 64
/* Before, there is no runtime.heapStatsDelta. */
#define MINOR_MIN 16

/* Of a file that has not changed since. */
struct key {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct entry {
	struct go_image image;
	struct key key;
	char text[RUNTIME_TEXT_MAX];
	int err;
	bool is_ready; /* else one thread looks for it */
	unsigned users;
	struct entry *next; /* owned; an older one */
};

static struct {
	pthread_mutex_t lock;
	struct entry *newest; /* owned */
	unsigned count;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- finding --------------------------------------------------------------------------------- */

static int complain(const struct go_image *image, const char *what, int err, char *text)
{
	snprintf(text, RUNTIME_TEXT_MAX, "%s: %s",
		 image->version[0] ? image->version : "Go of an unknown version", what);
	return err;
}

/* What was found, if it is all that is needed. */
static int conclude(const struct go_image *image, const char *how, char *text)
{
	char what[64];
	const char *missing = go_memstats_missing(&image->layout);

	if (!missing) {
		snprintf(text, RUNTIME_TEXT_MAX, "%s, by its %s",
			 image->version[0] ? image->version : "Go", how);
		return 0;
	}
	snprintf(what, sizeof(what), "of its runtime %s is not known", missing);
	return complain(image, what, -EOPNOTSUPP, text);
}

static int find_layout(const struct go_elf *elf, struct go_image *image, char *text)
{
	unsigned minor = 0;
	int err;

	if (image->minor && image->minor < MINOR_MIN)
		return complain(image, "too old to be read", -EOPNOTSUPP, text);
	err = go_dwarf_layout(elf, &image->layout);
	if (err == 0)
		return conclude(image, "debug information", text);
	if (err == -ENOMEM)
		return complain(image, "no memory to read it", err, text);
	err = go_stripped_by_symbols(elf, image->minor, &image->layout);
	if (err == 0 && conclude(image, "symbols", text) == 0)
		return 0;
	err = go_stripped_by_code(elf, image->minor, &image->layout, &minor);
	if (err < 0)
		return complain(image,
				"it has no debug information, and its code is of no version "
				"that is known",
				err == -ENOMEM ? err : -EOPNOTSUPP, text);
	if (!image->version[0])
		snprintf(image->version, sizeof(image->version), "go1.%u", minor);
	image->minor = minor;
	return conclude(image, "code", text);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static bool is_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* [locked] */
static struct entry *find(const struct key *key)
{
	for (struct entry *e = cache.newest; e; e = e->next)
		if (e->key.dev == key->dev && e->key.ino == key->ino && e->key.size == key->size &&
		    is_same(&e->key.mtime, &key->mtime) && is_same(&e->key.ctime, &key->ctime))
			return e;
	return NULL;
}

/* The oldest that nobody uses. [locked] */
static void forget_one(void)
{
	struct entry **oldest = NULL, *gone;

	for (struct entry **e = &cache.newest; *e; e = &(*e)->next)
		if ((*e)->users == 0)
			oldest = e;
	if (!oldest)
		return;
	gone = *oldest;
	*oldest = gone->next;
	free(gone);
	cache.count--;
}

/* One that is to be filled in by us, and is ours until then. [locked] */
static struct entry *add(const struct key *key)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	if (cache.count >= KEPT_MAX)
		forget_one();
	e->key = *key;
	e->users = 1;
	e->next = cache.newest;
	cache.newest = e;
	cache.count++;
	return e;
}

/* [locked] */
static void remove_entry(struct entry *entry)
{
	struct entry **e = &cache.newest;

	while (*e != entry)
		e = &(*e)->next;
	*e = entry->next;
	free(entry);
	cache.count--;
}

/* What is there of it. [locked] */
static int use(struct entry *e, const struct go_image **ret, char *text)
{
	if (!e->is_ready)
		return -EAGAIN;
	memcpy(text, e->text, RUNTIME_TEXT_MAX);
	if (e->err == 0) {
		e->users++;
		*ret = &e->image;
	}
	return e->err;
}

static void fill(struct entry *e, const struct go_elf *elf)
{
	e->image.is_pie = elf->is_pie;
	e->image.entry = elf->entry;
	go_version_read(elf, e->image.version, &e->image.minor);
	e->err = find_layout(elf, &e->image, e->text);
}

/* What is found is kept, but for what may be otherwise the next time. [locked] */
static int publish(struct entry *e, const struct go_image **ret, char *text)
{
	int err = e->err;

	e->is_ready = true;
	e->users--;
	err = use(e, ret, text);
	if (err < 0 && err != -EOPNOTSUPP && err != -EBADMSG)
		remove_entry(e);
	return err;
}

static int open_new(const struct go_elf *elf, const struct key *key, const struct go_image **ret,
		    char *text)
{
	struct entry *e;
	int err = -ENOMEM;

	pthread_mutex_lock(&cache.lock);
	e = find(key);
	if (e) {
		err = use(e, ret, text);
		pthread_mutex_unlock(&cache.lock);
		return err;
	}
	e = add(key);
	pthread_mutex_unlock(&cache.lock);
	if (!e)
		return err;
	fill(e, elf);
	pthread_mutex_lock(&cache.lock);
	err = publish(e, ret, text);
	pthread_mutex_unlock(&cache.lock);
	return err;
}

/*
 * A file that is not of this machine. The linker's note, of type 4 and with that name, stands in the first page
 * of all programs that it makes.
 */
static int complain_foreign(int fd, char *text)
{
	static const uint8_t note[] = {4, 0, 0, 0, 'G', 'o', 0, 0};
	uint8_t page[4096];
	ssize_t n = pread(fd, page, sizeof(page), 0);

	if (n < 0 || !memmem(page, (size_t)n, note, sizeof(note)))
		return -ENOEXEC;
	snprintf(text, RUNTIME_TEXT_MAX, "of 32 bits, or of another machine: it is not read");
	return -EOPNOTSUPP;
}

int go_image_open(int fd, const struct go_image **ret, char *text)
{
	struct stat st;
	struct key key;
	struct entry *e;
	struct go_elf elf;
	int err;

	*ret = NULL;
	text[0] = '\0';
	if (fstat(fd, &st) < 0)
		return -errno;
	key = (struct key){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	pthread_mutex_lock(&cache.lock);
	e = find(&key);
	err = e ? use(e, ret, text) : -ENOENT;
	pthread_mutex_unlock(&cache.lock);
	if (e)
		return err;
	err = go_elf_open(fd, &elf);
	if (err < 0)
		return err == -EOPNOTSUPP ? complain_foreign(fd, text) : -ENOEXEC;
	err = go_version_is_go(&elf) ? open_new(&elf, &key, ret, text) : -ENOEXEC;
	go_elf_close(&elf);
	return err;
}

void go_image_close(const struct go_image *image)
{
	struct entry *e;

	if (!image)
		return;
	e = (struct entry *)((char *)(uintptr_t)image - offsetof(struct entry, image));
	pthread_mutex_lock(&cache.lock);
	e->users--;
	pthread_mutex_unlock(&cache.lock);
}

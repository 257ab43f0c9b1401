/* SPDX-License-Identifier: ISC */
/*
 * Why a process has no sampler inside. Only /proc is asked, never the program's files: what they lie
 * on may be a file system that the program itself serves, and never answers.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/auxvec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/outside.h"
#include "collector/outside_internal.h"
#include "core/parse.h"

#define LIBRARY "libmstat" /* .so, or -heap.so */
/* What is looked through for LD_PRELOAD: a program can make its environment as long as it likes. */
#define ENVIRON_MAX (256u << 10)
/* Types in the auxiliary vector are small: larger ones are of a 32-bit program's, two read as one. */
#define AUXV_TYPE_MAX 1024u
#define STATUS_MAX    16384 /* with a thousand groups */

static const char ended[] = "it has ended";
static const char unanswered[] = "cannot be told: it does not answer";
static const char unexplained[] = "sampler did not start";

struct auxv {
	uint64_t loader; /* where it lies; 0: none */
	bool is_own;	 /* of our word size */
	bool is_secure;	 /* LD_PRELOAD is not heeded: ld.so(8) */
};

static ssize_t read_auxv(const struct outside *o, struct auxv *ret)
{
	uint64_t words[128];
	ssize_t n = outside_read(o, "auxv", true, words, sizeof(words));

	*ret = (struct auxv){.is_own = true};
	for (ssize_t i = 0; i + 1 < n / (ssize_t)sizeof(words[0]) && words[i] != AT_NULL; i += 2) {
		if (words[i] > AUXV_TYPE_MAX)
			ret->is_own = false;
		if (words[i] == AT_BASE)
			ret->loader = words[i + 1];
		if (words[i] == AT_SECURE)
			ret->is_secure = words[i + 1];
	}
	return n;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What is mapped: the loader's path (empty where there is none), and whether our library is. */
static bool read_maps(const struct outside *o, uint64_t loader, char *path, size_t size)
{
	int fd = outside_file(o, "maps", true);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	bool is_loaded = false;
	char *line = NULL;
	size_t room = 0;

	if (!file && fd >= 0)
		close(fd);
	while (file && getline(&line, &room, file) > 0) {
		char *name = strchr(line, '/');

		if (!name)
			continue;
		name[strcspn(name, "\n")] = '\0';
		is_loaded |= !strncmp(base_of(name), LIBRARY, strlen(LIBRARY));
		if (loader && strtoull(line, NULL, 16) == loader)
			snprintf(path, size, "%s", name);
	}
	free(line);
	if (file)
		fclose(file);
	return is_loaded;
}

/* Debian's until glibc 2.33 was called ld-2.31.so. */
static bool is_glibc(const char *path)
{
	static const char *const names[] = {"ld-linux", "ld-2.", "ld.so", "ld64.so"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(base_of(path), names[i], strlen(names[i])))
			return true;
	return false;
}

/* Whether the environment that it was started with names our library; also if that cannot be told. */
static bool is_preloaded(const struct outside *o)
{
	char *text = malloc(ENVIRON_MAX + 1);
	ssize_t n = text ? outside_read(o, "environ", true, text, ENVIRON_MAX) : -ENOMEM;
	bool found = n < 0 || n == ENVIRON_MAX;

	if (n >= 0)
		text[n] = '\0';
	for (const char *word = text; n > 0 && word < text + n; word += strlen(word) + 1)
		found |= !strncmp(word, "LD_PRELOAD=", 11) && strstr(word, LIBRARY);
	free(text);
	return found;
}

static bool has_other_root(const struct outside *o)
{
	char own[64], its[64];
	ssize_t n = readlink("/proc/self/ns/mnt", own, sizeof(own));
	ssize_t m = outside_link(o, "ns/mnt", its, sizeof(its));

	if (n > 0 && m > 0 && (n != m || memcmp(own, its, (size_t)n)))
		return true;
	return outside_link(o, "root", its, sizeof(its)) > 0 && strcmp(its, "/");
}

/* Whether its ids differ from those that it was started by, and whether it is under a filter. */
static void read_credentials(const struct outside *o, bool *ret_uid, bool *ret_gid,
			     bool *ret_filter)
{
	char text[STATUS_MAX];
	ssize_t n = outside_read(o, "status", true, text, sizeof(text));
	size_t len = n > 0 ? (size_t)n : 0;
	size_t line_len;
	const char *line = parse_line(text, len, "Uid", &line_len);

	*ret_uid = line && parse_word(line, line_len, 1) != parse_word(line, line_len, 2);
	line = parse_line(text, len, "Gid", &line_len);
	*ret_gid = line && parse_word(line, line_len, 1) != parse_word(line, line_len, 2);
	line = parse_line(text, len, "Seccomp", &line_len);
	*ret_filter = line && parse_number(line, line_len, NULL) > 0;
}

/* A program may have given up what it gained, or gained it by file capabilities. */
static const char *why_secure(const struct outside *o)
{
	bool uid, gid, filter;

	read_credentials(o, &uid, &gid, &filter);
	if (uid)
		return "set-user-ID program";
	return gid ? "set-group-ID program" : "program that gains privilege by exec";
}

static const char *why_loaded(const struct outside *o)
{
	bool uid, gid, filter;

	read_credentials(o, &uid, &gid, &filter);
	return filter ? "seccomp filter" : unexplained;
}

static const char *why_loader(const char *path, char *room, size_t size)
{
	if (strstr(path, "musl"))
		return "another C library (musl)";
	snprintf(room, size, "another loader: %.60s", path);
	return room;
}

/* What has no memory any more has ended; everybody may know, but not read its other files. */
static bool has_memory(const struct outside *o)
{
	char text[STATUS_MAX];
	size_t len;
	ssize_t n = outside_read(o, "status", true, text, sizeof(text));

	return n > 0 && parse_line(text, (size_t)n, "VmRSS", &len);
}

static const char *why_unreadable(const struct outside *o, ssize_t err)
{
	if (err == 0 || err == -ESRCH)
		return ended;
	if (err != -EACCES && err != -EPERM)
		return "cannot be told";
	return has_memory(o) ? "cannot be told: permission denied" : ended;
}

static const char *find_out(const struct outside *o, char *room, size_t size)
{
	char loader[PATH_MAX] = "";
	struct auxv auxv;
	ssize_t n = read_auxv(o, &auxv);

	if (n <= 0)
		return why_unreadable(o, n);
	if (!auxv.is_own)
		return "other architecture";
	if (read_maps(o, auxv.loader, loader, sizeof(loader)))
		return why_loaded(o);
	if (auxv.is_secure)
		return why_secure(o);
	/* A loader that was run by hand has none itself. */
	if (!auxv.loader)
		outside_link(o, "exe", loader, sizeof(loader));
	if (!auxv.loader && strncmp(base_of(loader), "ld", 2))
		return "static program";
	if (!is_glibc(loader))
		return why_loader(loader, room, size);
	if (!is_preloaded(o))
		return "LD_PRELOAD is not in its environment";
	return has_other_root(o) ? "it has another root folder" : "libmstat.so was not loaded";
}

static ssize_t answer_why(struct outside *o, const struct question *question, void *buf,
			  size_t size)
{
	char room[sizeof(o->why)];

	(void)question;
	snprintf(buf, size, "%s", find_out(o, room, sizeof(room)));
	return (ssize_t)size;
}

const char *outside_why(struct outside *o)
{
	static const struct question question = {.answer = answer_why};
	ssize_t n;

	if (o->why[0])
		return o->why;
	n = outside_ask(o, &question, o->why, sizeof(o->why));
	if (n < 0)
		snprintf(o->why, sizeof(o->why), "%s",
			 outside_is_unanswered(n) ? unanswered : "cannot be told");
	o->is_partial |= outside_is_unanswered(n);
	/* A path may hold anything. */
	for (char *p = o->why; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	return o->why;
}

bool outside_tells_more(struct outside *o)
{
	if (!o->is_partial || outside_settle(o) < 0)
		return false;
	o->is_partial = false;
	o->why[0] = '\0';
	return true;
}

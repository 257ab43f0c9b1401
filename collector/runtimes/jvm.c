/* SPDX-License-Identifier: ISC */
/*
 * HotSpot, by what it tells of itself for jstat: a file of 32 KiB that every JVM keeps mapped
 * (hotspot/share/runtime/perfMemory.hpp, perfData.hpp), named counters and their values. It is absent under
 * -XX:-UsePerfData, and nameless under -XX:+PerfDisableSharedMem.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/rootfile.h"
#include "collector/runtimes/jvm/perfdata.h"
#include "collector/runtimes/runtime.h"

struct jvm {
	int fd; /* owned: of the file */
	size_t size;
	struct perfdata counters;
	uint8_t *data; /* owned; size bytes */
};

static bool is_library(const struct maps_line *line)
{
	return strstr(line->path, "/libjvm.so");
}

/*
 * "/tmp/hsperfdata_USER/PID", in the process's own root; what is mapped is what is meant. jstat and the like have
 * those of others, too, which they only read.
 */
static bool is_counters(const struct maps_line *line)
{
	return strstr(line->path, "/hsperfdata_") && strncmp(line->perms, "rw", 2) == 0;
}

static bool jvm_wants(const char *path)
{
	return strstr(path, "/libjvm.so") || strstr(path, "/hsperfdata_");
}

static int open_file(const struct runtime_target *target, struct jvm *jvm, char *text)
{
	const struct maps_line *line = maps_find(target->maps, is_counters);
	struct stat st;

	if (!line && !maps_find(target->maps, is_library))
		return -ENOEXEC;
	if (!line) {
		snprintf(text, RUNTIME_TEXT_MAX,
			 "it keeps no hsperfdata file (yet; or -XX:-UsePerfData, "
			 "-XX:+PerfDisableSharedMem)");
		return -EAGAIN;
	}
	jvm->fd = rootfile_open(target->dir, line->path, line->inode);
	if (jvm->fd < 0 || fstat(jvm->fd, &st) < 0) {
		snprintf(text, RUNTIME_TEXT_MAX, "%.100s cannot be opened: %s", line->path,
			 strerror(jvm->fd < 0 ? -jvm->fd : errno));
		return jvm->fd < 0 ? jvm->fd : -errno;
	}
	jvm->size = (size_t)st.st_size < PERFDATA_MAX ? (size_t)st.st_size : PERFDATA_MAX;
	return 0;
}

static int read_file(struct jvm *jvm)
{
	ssize_t n = pread(jvm->fd, jvm->data, jvm->size, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == jvm->size ? 0 : -ENODATA;
}

static void jvm_detach(void *state)
{
	struct jvm *jvm = state;

	if (jvm->fd >= 0)
		close(jvm->fd);
	free(jvm->data);
	free(jvm);
}

static int open_counters(const struct runtime_target *target, struct jvm *jvm, char *text)
{
	int err = open_file(target, jvm, text);

	if (err < 0)
		return err;
	jvm->data = malloc(jvm->size);
	err = jvm->data ? read_file(jvm) : -ENOMEM;
	if (err == 0)
		err = perfdata_open(&jvm->counters, jvm->data, jvm->size);
	if (err < 0 && err != -EAGAIN)
		snprintf(text, RUNTIME_TEXT_MAX, "its hsperfdata file is not one: %s",
			 strerror(-err));
	return err;
}

static int jvm_attach(const struct runtime_target *target, void **ret, char *text)
{
	struct jvm *jvm = calloc(1, sizeof(*jvm));
	int err;

	text[0] = '\0';
	if (!jvm)
		return -ENOMEM;
	jvm->fd = -1;
	err = open_counters(target, jvm, text);
	if (err < 0) {
		jvm_detach(jvm);
		return err;
	}
	perfdata_version(&jvm->counters, jvm->data, text, RUNTIME_TEXT_MAX);
	*ret = jvm;
	return 0;
}

static int jvm_read(void *state, const struct runtime_target *target, struct record *rec)
{
	struct jvm *jvm = state;
	int err = read_file(jvm);

	(void)target;
	if (err == 0)
		perfdata_fill(&jvm->counters, jvm->data, rec);
	return err;
}

const struct runtime_reader runtime_jvm = {
	.name = "jvm",
	.source = SOURCE_JVM,
	.wants = jvm_wants,
	.attach = jvm_attach,
	.read = jvm_read,
	.detach = jvm_detach,
};

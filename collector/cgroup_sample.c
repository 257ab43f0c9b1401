/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "collector/cgroup_internal.h"
#include "core/parse.h"

/* memory.stat is 1.5 KB on current kernels; one read must hold all, for a second costs as much. */
#define READ_SIZE 16384

/* A file that costs more to read is read more rarely, so that all reading stays below 1%. */
#define COST_FACTOR 100

/* The sources' names tell their hierarchy. */
#define SOURCE_TOKEN(id, token, scope, format, file) [id] = #token,
static const char source_token[SOURCE_MAX][24] = {SOURCE_TABLE(SOURCE_TOKEN)};
#undef SOURCE_TOKEN

/* Where a source is read from: the directory, or -1 where this mode does not have it. */
static int source_dir(const struct cgroup *cg, unsigned source)
{
	bool v2 = strncmp(source_token[source], "V2_", 3) == 0;
	bool v1 = strncmp(source_token[source], "V1_", 3) == 0;

	if (cg->mode == CGROUP_V2 ? v2 : v1)
		return cg->memory.fd;
	/* Pressure belongs to no controller: the twin has it though memory is on v1. */
	if (source == SOURCE_V2_PRESSURE)
		return cg->twin.fd;
	return -1;
}

static enum reason reason_of(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return REASON_DENIED;
	case ENOENT:
	case EOPNOTSUPP: /* pressure, where psi is switched off */
		return REASON_ABSENT;
	default:
		return REASON_FAILED;
	}
}

/* Two hierarchies have a memory.stat: the v1 source is called "v1:memory.stat". */
static const char *file_name(unsigned source)
{
	const char *colon = strchr(source_table[source].file, ':');

	return colon ? colon + 1 : source_table[source].file;
}

static void reader_open(struct cgroup_reader *reader, int dirfd, unsigned source)
{
	reader->opened = true;
	/* The other cgroup version's file: nothing was ever to be had there. */
	reader->reason = REASON_UNKNOWN;
	if (dirfd < 0)
		return;
	reader->fd = openat(dirfd, file_name(source), O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		reader->reason = (uint8_t)reason_of(errno);
}

/* CPU time: one preemption within a read would forbid all reads for a second after it. */
static uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Before 5.18 memory.stat has no sum of the kernel's memory, only its larger parts. */
static void derive_kernel(struct record *rec)
{
	int64_t sum = 0;

	if (record_has(rec, FIELD_V2_KERNEL) || !record_has(rec, FIELD_V2_STACKS) ||
	    !record_has(rec, FIELD_V2_SLAB))
		return;
	sum += rec->value[FIELD_V2_STACKS] + rec->value[FIELD_V2_SLAB];
	if (record_has(rec, FIELD_V2_PTES)) /* from 5.11 */
		sum += rec->value[FIELD_V2_PTES];
	if (record_has(rec, FIELD_V2_PERCPU))
		sum += rec->value[FIELD_V2_PERCPU];
	record_set(rec, FIELD_V2_KERNEL, sum);
}

/*
 * A single number is a counter that costs a microsecond whatever the tree does; where its read
 * seems dear, we were preempted, and a gap in the usage would be a loss for nothing.
 */
static void reader_charge(struct cgroup_reader *reader, unsigned source, uint64_t now_ns,
			  uint64_t cost_ns)
{
	if (source_table[source].format == FORMAT_SINGLE || now_ns == UINT64_MAX)
		return;
	reader->due_ns = now_ns + COST_FACTOR * cost_ns;
}

static void reader_read(struct cgroup_reader *reader, unsigned source, uint64_t now_ns,
			struct record *rec)
{
	char buf[READ_SIZE];
	uint64_t begin = clock_now();
	ssize_t n;

	do
		n = pread(reader->fd, buf, sizeof(buf), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		record_drop(rec, source, reason_of(errno));
		return;
	}
	parse_source(source, buf, (size_t)n, rec);
	if (source == SOURCE_V2_STAT)
		derive_kernel(rec);
	reader_charge(reader, source, now_ns, clock_now() - begin);
}

void cgroup_sample(struct cgroup *cg, uint64_t now_ns, struct record *rec)
{
	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		struct cgroup_reader *reader = &cg->reader[i];

		if (!source_table[i].known || source_table[i].scope != SCOPE_TREE ||
		    source_table[i].format == FORMAT_NONE)
			continue;
		if (!reader->opened)
			reader_open(reader, source_dir(cg, i), i);
		if (reader->fd < 0)
			record_drop(rec, i, reader->reason);
		else if (now_ns < reader->due_ns)
			record_drop(rec, i, REASON_NOT_DUE);
		else
			reader_read(reader, i, now_ns, rec);
	}
	cgroup_raise_peak(cg, rec);
}

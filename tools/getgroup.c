/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/cgroup.h"
#include "collector/states.h"
#include "tools/getgroup.h"

/* v1 writes a page less than this for "no limit". */
#define NO_LIMIT (INT64_MAX / 2)

struct line {
	const char *name;
	unsigned v2, v1; /* fields; the one that this cgroup's kind has is known */
};

static const struct line lines[] = {
	{"usage", FIELD_V2_USAGE, FIELD_V1_USAGE}, {"peak", FIELD_V2_PEAK, FIELD_V1_PEAK},
	{"anon", FIELD_V2_ANON, FIELD_V1_ANON},	   {"file", FIELD_V2_FILE, FIELD_V1_FILE},
	{"shmem", FIELD_V2_SHMEM, FIELD_V1_SHMEM}, {"kernel", FIELD_V2_KERNEL, FIELD_V1_KERNEL},
	{"sockets", FIELD_V2_SOCK, FIELD_V1_SOCK}, {"swap", FIELD_V2_SWAP, FIELD_V1_SWAP},
};

/* Files of limits, of v2 and of v1; where a cgroup has none (a root) there is no line. */
static const char *const limits[] = {"memory.max",
				     "memory.high",
				     "memory.swap.max",
				     "memory.limit_in_bytes",
				     "memory.soft_limit_in_bytes",
				     "memory.memsw.limit_in_bytes"};

static void print_line(FILE *to, const struct getview_style *style, const struct record *row,
		       const struct line *line)
{
	unsigned field = record_has(row, line->v2) ? line->v2 : line->v1;
	int64_t bytes = record_has(row, field) ? record_scaled(row, field) : GETPROC_UNKNOWN;
	char text[32];

	fprintf(to, "%-28s %s\n", line->name, getview_number(style, bytes, text, sizeof(text)));
}

static void print_limits(FILE *to, const struct getview_style *style, const struct cgroup *cg)
{
	char text[32];
	uint64_t limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (cgroup_number(cg, limits[i], &limit) < 0)
			continue;
		fprintf(to, "%-28s %s\n", limits[i],
			limit > NO_LIMIT
				? "none"
				: getview_number(style, (int64_t)limit, text, sizeof(text)));
	}
}

static void print_tasks(FILE *to, const struct cgroup *cg, const struct record *row)
{
	static const struct {
		const char *name;
		unsigned field;
	} states[] = {{"running", FIELD_RUNNING},
		      {"sleeping", FIELD_SLEEPING},
		      {"stopped", FIELD_STOPPED},
		      {"uninterruptible", FIELD_UNINTERRUPTIBLE},
		      {"waiting for I/O", FIELD_IOWAIT}};
	int processes = cgroup_processes(cg, NULL, 0);

	if (processes >= 0)
		fprintf(to, "%-28s %d\n", "processes", processes);
	else
		fprintf(to, "%-28s -\n", "processes");
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (record_has(row, states[i].field))
			fprintf(to, "tasks %-22s %" PRId64 "\n", states[i].name,
				row->value[states[i].field]);
		/* On v2 the kernel does not tell it. */
		else if (states[i].field != FIELD_IOWAIT || cgroup_is_v1(cg))
			fprintf(to, "tasks %-22s -\n", states[i].name);
	}
}

int getgroup_print(FILE *to, const struct getview_style *style, const char *path)
{
	struct states states;
	struct record row;
	struct cgroup *cg;
	int err = cgroup_open("", path, &cg);

	if (err < 0)
		return err;
	record_init(&row);
	states_init(&states);
	cgroup_sample(cg, UINT64_MAX, &row);
	states_sample(&states, cg, 0, &row);
	fprintf(to, "%-28s %s\n", "cgroup", cgroup_path(cg));
	fprintf(to, "%-28s %s\n", "version", cgroup_is_v1(cg) ? "1" : "2");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		print_line(to, style, &row, &lines[i]);
	print_limits(to, style, cg);
	print_tasks(to, cg, &row);
	states_done(&states);
	cgroup_free(cg);
	return 0;
}

const char *getgroup_explain(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such cgroup";
	case -EMEDIUMTYPE:
		return "not of the hierarchy that has memory";
	case -EXDEV:
		return "not shown by the cgroup file systems that are mounted here";
	case -EACCES:
	case -EPERM:
		return "not permitted";
	default:
		return strerror(-err);
	}
}

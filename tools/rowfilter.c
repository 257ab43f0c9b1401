/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/rowfilter.h"

#define PID  "pid="
#define COMM "comm="

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Where the term ends that begins here: at a comma before another one, or at the text's end. */
static const char *term_end(const char *term)
{
	const char *end = term + strcspn(term, ",");

	while (*end && !starts(end + 1, PID) && !starts(end + 1, COMM))
		end += 1 + strcspn(end + 1, ",");
	return end;
}

static int add_pid(struct rowfilter *filter, const char *text, size_t len)
{
	uint64_t *more;

	/* As many digits as no process has. */
	if (len == 0 || len > 18 || strspn(text, "0123456789") < len)
		return -EINVAL;
	more = reallocarray(filter->pid, filter->pids + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	filter->pid = more;
	more[filter->pids++] = strtoull(text, NULL, 10);
	return 0;
}

static int add_comm(struct rowfilter *filter, const char *text, size_t len)
{
	char **more = reallocarray(filter->comm, filter->comms + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	filter->comm = more;
	more[filter->comms] = strndup(text, len);
	if (!more[filter->comms])
		return -ENOMEM;
	filter->comms++;
	return 0;
}

int rowfilter_add(struct rowfilter *filter, const char *text)
{
	for (;;) {
		const char *end = term_end(text);
		int err = -EINVAL;

		if (starts(text, PID))
			err = add_pid(filter, text + strlen(PID),
				      (size_t)(end - text) - strlen(PID));
		else if (starts(text, COMM))
			err = add_comm(filter, text + strlen(COMM),
				       (size_t)(end - text) - strlen(COMM));
		if (err < 0 || !*end)
			return err;
		text = end + 1;
	}
}

void rowfilter_done(struct rowfilter *filter)
{
	for (size_t i = 0; i < filter->comms; i++)
		free(filter->comm[i]);
	free(filter->comm);
	free(filter->pid);
	*filter = (struct rowfilter){0};
}

bool rowfilter_has_terms(const struct rowfilter *filter)
{
	return filter->pids || filter->comms;
}

static bool has_pid(const struct rowfilter *filter, uint64_t pid)
{
	for (size_t i = 0; i < filter->pids; i++)
		if (filter->pid[i] == pid)
			return true;
	return !filter->pids;
}

static bool has_comm(const struct rowfilter *filter, const char *comm, size_t len)
{
	for (size_t i = 0; i < filter->comms; i++)
		if (strlen(filter->comm[i]) == len && !memcmp(filter->comm[i], comm, len))
			return true;
	return !filter->comms;
}

bool rowfilter_takes(const struct rowfilter *filter, uint64_t pid, const char *comm, size_t len)
{
	if (!rowfilter_has_terms(filter))
		return true;
	return comm && has_pid(filter, pid) && has_comm(filter, comm, len);
}

bool rowfilter_takes_span(const struct rowfilter *filter, uint64_t start_ns, uint64_t end_ns)
{
	return (!filter->has_from || end_ns >= filter->from_ns) &&
	       (!filter->has_to || start_ns <= filter->to_ns);
}

bool rowfilter_takes_time(const struct rowfilter *filter, int64_t time_ns)
{
	/* What a hostile file has before the start is before any time that can be asked for. */
	if (time_ns < 0)
		return !filter->has_from;
	return rowfilter_takes_span(filter, (uint64_t)time_ns, (uint64_t)time_ns);
}

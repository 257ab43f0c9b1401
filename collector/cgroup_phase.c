/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "collector/cgroup_internal.h"
#include "core/parse.h"

/*
 * v1: one counter for all, which a write of 0 resets. v2, from 6.12: a write to a descriptor of
 * memory.peak gives that descriptor a peak of its own, and others keep theirs; before, the file
 * cannot be opened for writing.
 */
static int open_peak(struct cgroup *cg)
{
	const char *name = cg->mode == CGROUP_V2 ? "memory.peak" : "memory.max_usage_in_bytes";

	if (cg->phase_fd >= 0)
		return 0;
	cg->phase_fd = openat(cg->memory.fd, name, O_RDWR | O_CLOEXEC);
	return cg->phase_fd < 0 ? -errno : 0;
}

static int read_peak(const struct cgroup *cg, int64_t *ret)
{
	char text[32];
	char *end;
	ssize_t n = pread(cg->phase_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	*ret = strtoll(text, &end, 10);
	return end == text ? -EBADMSG : 0;
}

int cgroup_phase(struct cgroup *cg, int64_t *ret_peak)
{
	bool is_known = !cg->phase_lost;
	int64_t peak = 0;
	int err;

	if (cg->is_borrowed)
		return -EROFS;
	err = open_peak(cg);

	cg->phase_lost = true;
	if (err == 0)
		err = read_peak(cg, &peak);
	/* Nothing between the two: a peak in it would be lost. */
	if (err == 0 && pwrite(cg->phase_fd, "0", 1, 0) != 1)
		err = -errno;
	if (err < 0)
		return err;
	cg->phase_lost = false;
	if (cg->mode != CGROUP_V2 && peak > cg->peak_before)
		cg->peak_before = peak;
	if (!is_known)
		return -ENODATA;
	*ret_peak = peak;
	return 0;
}

void cgroup_raise_peak(const struct cgroup *cg, struct record *rec)
{
	if (record_has(rec, FIELD_V1_PEAK) && rec->value[FIELD_V1_PEAK] < cg->peak_before)
		record_set(rec, FIELD_V1_PEAK, cg->peak_before);
}

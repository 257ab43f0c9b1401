/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/runlock.h"
#include "tools/follow.h"

/* Not inotify(7): it wants the right to open the file, which mstatd's users lack; blocks come once a second. */
#define WAIT_MS 100
#define S_NS	((int64_t)1000000000)

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * S_NS + ts.tv_nsec;
}

/* For how long it has not been written, as far as it matters. Clocks may have been set, or be another host's. */
static int64_t age_ns(const struct stat *st)
{
	int64_t age = now_ns(CLOCK_REALTIME) - (st->st_mtim.tv_sec * S_NS + st->st_mtim.tv_nsec);

	return age < 0 ? 0 : age > FOLLOW_STILL_S * S_NS ? FOLLOW_STILL_S * S_NS : age;
}

bool follow_begin(struct follow *follow, int fd, int output, bool had_writer)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*follow = (struct follow){
		.fd = fd,
		.output = output,
		.had_writer = had_writer || runlock_is_held(fd) == 1,
		.size = st.st_size,
		.still_ns = now_ns(CLOCK_MONOTONIC) - age_ns(&st),
	};
	return true;
}

static bool is_still(struct follow *follow, off_t size)
{
	int64_t now = now_ns(CLOCK_MONOTONIC);

	if (size != follow->size) {
		follow->size = size;
		follow->still_ns = now;
	}
	return now - follow->still_ns >= FOLLOW_STILL_S * S_NS;
}

int follow_more(void *arg)
{
	struct follow *follow = arg;
	struct pollfd output = {.fd = follow->output};
	/* Asked for before the size: all that a writer has written is there when it is gone. */
	int held = runlock_is_held(follow->fd);
	off_t at = lseek(follow->fd, 0, SEEK_CUR);
	struct stat st;
	bool still;

	if (at < 0 || fstat(follow->fd, &st) < 0)
		return -errno;
	still = is_still(follow, st.st_size);
	if (st.st_size > at)
		return 1;
	/* Another run is being written over it. */
	if (st.st_size < at)
		return 0;
	if (held == 1)
		follow->had_writer = true;
	else if (still || (held == 0 && follow->had_writer))
		return 0;
	/* Nothing is asked for: what comes is that nobody reads it any more. */
	if (poll(&output, 1, WAIT_MS) <= 0)
		return 1;
	follow->is_output_gone = true;
	return -EPIPE;
}

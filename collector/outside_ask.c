/* SPDX-License-Identifier: ISC */
/*
 * What the kernel tells of a process only under its locks. mmap_lock is held while a fault, an mmap()
 * or an munmap() waits for a file system, exec_update_lock while an exec closes files: for ever, if
 * that is a server that is gone or a disk that is dying. It takes mmap_lock to read smaps_rollup, maps,
 * cmdline and environ; exec_update_lock to open smaps_rollup, maps, environ and auxv, to read io, for
 * kcmp(), and in newer kernels also to read stat and the links. status and schedstat need neither.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/outside_internal.h"

/*
 * Who gave no answer is left in peace for a while, and twice as long each time it happens again: one
 * that always gives it too late costs 5% of the time at first, and 0.1% in the end.
 */
#define REST_MIN_NS 1000000000ull
#define REST_MAX_NS 64000000000ull

/* One question on its way. */
struct errand {
	struct patience_job job; /* first */
	struct outside who;	 /* pid, tid, dir: borrowed, until discarded; walked_ns */
	struct question question;
	ssize_t n;
	size_t size;
	char answer[];
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void run_errand(struct patience_job *job)
{
	struct errand *errand = (struct errand *)job;

	errand->n = errand->question.answer(&errand->who, &errand->question, errand->answer,
					    errand->size);
}

/* Who asked is gone: the directory was left to it. */
static void discard_errand(struct patience_job *job)
{
	struct errand *errand = (struct errand *)job;

	close(errand->who.dir);
	free(errand);
}

static struct errand *make_errand(const struct outside *o, const struct question *question,
				  size_t size)
{
	struct errand *errand = malloc(sizeof(*errand) + size);

	if (errand)
		*errand = (struct errand){
			.job = {.work = run_errand, .discard = discard_errand},
			.who = {.pid = o->pid, .tid = o->tid, .dir = o->dir},
			.question = *question,
			.size = size,
		};
	return errand;
}

static void rest(struct outside *o, bool is_first)
{
	uint64_t now_ns = clock_ns();

	if (is_first || !o->rest_ns || now_ns > o->rested_ns + REST_MAX_NS)
		o->rest_ns = REST_MIN_NS;
	else if (o->rest_ns < REST_MAX_NS)
		o->rest_ns *= 2;
	o->rested_ns = now_ns + o->rest_ns;
}

void outside_ask_done(struct outside *o)
{
	if (o->out)
		patience_drop(o->patience, &o->out->job);
	else
		close(o->dir);
	o->out = NULL;
}

int outside_settle(struct outside *o)
{
	if (o->out && !patience_is_back(o->patience, &o->out->job))
		return -ETIMEDOUT;
	if (o->out)
		o->walked_ns += o->out->who.walked_ns;
	free(o->out);
	o->out = NULL;
	return o->rest_ns && clock_ns() < o->rested_ns ? -EAGAIN : 0;
}

bool outside_is_unanswered(ssize_t err)
{
	return err == -ETIMEDOUT || err == -EAGAIN || err == -EBUSY;
}

ssize_t outside_ask(struct outside *o, const struct question *question, void *buf, size_t size)
{
	struct errand *errand;
	ssize_t n;
	int err = o->patience ? outside_settle(o) : -EAGAIN;

	if (err < 0)
		return err;
	errand = make_errand(o, question, size);
	if (!errand)
		return -ENOMEM;
	err = patience_run(o->patience, &errand->job, question->extra_ns);
	if (err == -ETIMEDOUT) {
		o->out = errand;
		rest(o, false);
		return err;
	}
	/* Refused: not at every tick again. */
	if (err < 0)
		rest(o, true);
	n = err < 0 ? -EBUSY : errand->n;
	if (n > 0)
		memcpy(buf, errand->answer, (size_t)n);
	o->walked_ns += errand->who.walked_ns;
	free(errand);
	return n;
}

static ssize_t answer_file(struct outside *o, const struct question *question, void *buf,
			   size_t size)
{
	return outside_read(o, question->file, question->of_memory, buf, size);
}

ssize_t outside_ask_file(struct outside *o, const char *file, bool of_memory, void *buf,
			 size_t size)
{
	struct question question = {.answer = answer_file, .file = file, .of_memory = of_memory};

	return outside_ask(o, &question, buf, size);
}

/* SPDX-License-Identifier: ISC */
/* Jobs that are done, jobs that come back late or never, and how many of those there may be. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/patience.h"

#define MS    1000000ull
#define LONG  (20000 * MS) /* longer than any scheduler keeps a thread waiting */
#define SHORT (20 * MS)

struct errand {
	struct patience_job job;
	sem_t gate; /* what it waits for */
	bool is_gated;
	unsigned ms; /* or that long */
	bool is_done;
	pid_t tid;
	sigset_t blocked;
};

static _Atomic unsigned discarded, worked;

static void nap_ms(unsigned ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void work(struct patience_job *job)
{
	struct errand *errand = (struct errand *)job;

	worked++;
	while (errand->is_gated && sem_wait(&errand->gate) != 0)
		;
	nap_ms(errand->ms);
	errand->tid = (pid_t)syscall(SYS_gettid);
	pthread_sigmask(SIG_SETMASK, NULL, &errand->blocked);
	errand->is_done = true;
}

static void discard(struct patience_job *job)
{
	struct errand *errand = (struct errand *)job;

	sem_destroy(&errand->gate);
	free(errand);
	discarded++;
}

static struct errand *errand_new(bool is_gated)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	assert_non_null(errand);
	errand->job = (struct patience_job){.work = work, .discard = discard};
	errand->is_gated = is_gated;
	sem_init(&errand->gate, 0, 0);
	return errand;
}

static struct patience *patience_of(uint64_t wait_ns, unsigned out_max)
{
	struct patience *p = NULL;

	assert_int_equal(patience_new(wait_ns, out_max, &p), 0);
	discarded = worked = 0;
	return p;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static void wait_until_back(struct patience *p, const struct errand *errand)
{
	for (unsigned i = 0; i < 20000 && !patience_is_back(p, &errand->job); i++)
		nap_ms(1);
	assert_true(patience_is_back(p, &errand->job));
}

static void wait_until_out(struct patience *p, unsigned n)
{
	for (unsigned i = 0; i < 20000 && patience_out(p) != n; i++)
		nap_ms(1);
	assert_int_equal(patience_out(p), n);
}

static void wait_until_discarded(unsigned n)
{
	for (unsigned i = 0; i < 20000 && discarded != n; i++)
		nap_ms(1);
	assert_int_equal(discarded, n);
}

/* First of all: threads that have ended leave their stacks for others. */
static void no_thread(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	skip();
#else
	struct patience *p = patience_of(LONG, 1);
	struct errand *errand = errand_new(false);
	struct rlimit limit, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	none = (struct rlimit){1, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	assert_int_equal(patience_run(p, &errand->job, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_true(patience_is_back(p, &errand->job));
	assert_true(errand->is_done);
	assert_int_equal(worked, 1);
	patience_drop(p, &errand->job);
	patience_free(p);
#endif
}

static void done(void **state)
{
	struct patience *p = patience_of(LONG, 1);
	pid_t tid = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct errand *errand = errand_new(false);

		assert_int_equal(patience_run(p, &errand->job, 0), 0);
		assert_true(patience_is_back(p, &errand->job));
		assert_true(errand->is_done);
		assert_int_not_equal(errand->tid, getpid());
		/* One thread does them all. */
		assert_true(!tid || tid == errand->tid);
		tid = errand->tid;
		assert_true(sigismember(&errand->blocked, SIGTERM));
		assert_true(sigismember(&errand->blocked, SIGCHLD));
		patience_drop(p, &errand->job);
		assert_int_equal(discarded, i + 1);
	}
	assert_int_equal(patience_out(p), 0);
	patience_drop(p, NULL);
	patience_free(p);
	patience_free(NULL);
}

/* It is waited for that long, others are done meanwhile, and its result is there in the end. */
static void late(void **state)
{
	struct patience *p = patience_of(SHORT, 2);
	struct errand *first = errand_new(true);
	uint64_t before = now_ns();

	(void)state;
	assert_int_equal(patience_run(p, &first->job, 0), -ETIMEDOUT);
	assert_true(now_ns() - before >= SHORT);
	assert_int_equal(patience_out(p), 1);
	for (unsigned i = 0; i < 10; i++) {
		struct errand *other = errand_new(false);

		assert_int_equal(patience_run(p, &other->job, LONG), 0);
		assert_true(other->is_done);
		patience_drop(p, &other->job);
	}
	assert_false(patience_is_back(p, &first->job));
	sem_post(&first->gate);
	wait_until_back(p, first);
	assert_true(first->is_done);
	wait_until_out(p, 0);
	assert_int_equal(discarded, 10);
	patience_drop(p, &first->job);
	assert_int_equal(discarded, 11);
	patience_free(p);
}

/* Nobody waits for it any more: it is discarded when it is back, and not before. */
static void dropped(void **state)
{
	struct patience *p = patience_of(SHORT, 1);
	struct errand *errand = errand_new(true);

	(void)state;
	assert_int_equal(patience_run(p, &errand->job, 0), -ETIMEDOUT);
	patience_drop(p, &errand->job);
	nap_ms(20);
	assert_int_equal(discarded, 0);
	sem_post(&errand->gate);
	wait_until_discarded(1);
	wait_until_out(p, 0);
	patience_free(p);
}

static void bound(void **state)
{
	struct patience *p = patience_of(SHORT, 3);
	struct errand *out[3], *more = errand_new(false);
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		out[i] = errand_new(true);
		assert_int_equal(patience_run(p, &out[i]->job, 0), -ETIMEDOUT);
		assert_int_equal(patience_out(p), i + 1);
	}
	/* The others' word that they began may come late. */
	for (unsigned i = 0; i < 20000 && worked < 3; i++)
		nap_ms(1);
	before = now_ns();
	assert_int_equal(patience_run(p, &more->job, LONG), -EBUSY);
	assert_true(now_ns() - before < LONG);
	assert_true(patience_is_back(p, &more->job));
	assert_int_equal(worked, 3);
	/* One comes back, another one may go. */
	sem_post(&out[1]->gate);
	wait_until_back(p, out[1]);
	assert_int_equal(patience_run(p, &more->job, LONG), 0);
	assert_true(more->is_done);
	patience_drop(p, &more->job);
	for (unsigned i = 0; i < 3; i++) {
		if (i != 1)
			sem_post(&out[i]->gate);
		wait_until_back(p, out[i]);
		patience_drop(p, &out[i]->job);
	}
	assert_int_equal(patience_out(p), 0);
	patience_free(p);
}

/* Where there are some already, the next one is waited for less. */
static void shorter(void **state)
{
	const uint64_t wait_ns = 2000 * MS;
	struct patience *p = patience_of(wait_ns, 20);
	struct errand *out[20];
	uint64_t before = now_ns(), spent_ns;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		out[i] = errand_new(true);
		assert_int_equal(patience_run(p, &out[i]->job, 0), -ETIMEDOUT);
	}
	/* 1 + 1/2 + ... + 1/20 = 3.6 */
	spent_ns = now_ns() - before;
	assert_true(spent_ns >= 3 * wait_ns);
	assert_true(spent_ns < 8 * wait_ns);
	for (unsigned i = 0; i < 20; i++) {
		patience_drop(p, &out[i]->job);
		sem_post(&out[i]->gate);
	}
	wait_until_discarded(20);
	patience_free(p);
}

/* Who is known to take long gets longer. */
static void longer(void **state)
{
	struct patience *p = patience_of(MS, 1);
	struct errand *errand = errand_new(false);

	(void)state;
	errand->ms = 50;
	assert_int_equal(patience_run(p, &errand->job, LONG), 0);
	assert_true(errand->is_done);
	patience_drop(p, &errand->job);
	patience_free(p);
}

/* All is over while some are still out. */
static void freed(void **state)
{
	struct patience *p = patience_of(SHORT, 2);
	struct errand *out[2], *other = errand_new(false);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1) {
			assert_int_equal(patience_run(p, &other->job, LONG), 0);
			patience_drop(p, &other->job);
		}
		out[i] = errand_new(true);
		assert_int_equal(patience_run(p, &out[i]->job, 0), -ETIMEDOUT);
		patience_drop(p, &out[i]->job);
	}
	patience_free(p);
	assert_int_equal(discarded, 1);
	for (unsigned i = 0; i < 2; i++)
		sem_post(&out[i]->gate);
	wait_until_discarded(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_thread), cmocka_unit_test(done),  cmocka_unit_test(late),
		cmocka_unit_test(dropped),   cmocka_unit_test(bound), cmocka_unit_test(shorter),
		cmocka_unit_test(longer),    cmocka_unit_test(freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

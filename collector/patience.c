/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "collector/patience.h"

#define SECOND_NS 1000000000u
/* Touched is what a job needs; the rest is address space. */
#define STACK_BYTES (256u << 10)

/* One thread. It ends when it is not the one that is waited for any more. */
struct helper {
	struct patience *patience; /* counted in its users */
	struct patience_job *job;  /* being done, or next; NULL: it waits for one */
};

struct patience {
	uint64_t wait_ns;
	unsigned out_max;
	pthread_mutex_t lock; /* of all that follows, and of the helpers' and the jobs' states */
	pthread_cond_t wake;  /* of the helper that waits: there is one at most */
	pthread_cond_t done;
	unsigned users;	       /* the owner and the helpers; the last one frees this */
	unsigned out;	       /* helpers that are not waited for any more */
	struct helper *helper; /* kept between jobs; NULL: none */
};

int patience_new(uint64_t wait_ns, unsigned out_max, struct patience **ret)
{
	struct patience *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return -ENOMEM;
	p->wait_ns = wait_ns;
	p->out_max = out_max;
	p->users = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->done, &attr);
	pthread_condattr_destroy(&attr);
	*ret = p;
	return 0;
}

/* Under the lock, which it gives back. */
static void leave(struct patience *p)
{
	bool is_last = --p->users == 0;

	pthread_mutex_unlock(&p->lock);
	if (!is_last)
		return;
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/*
 * Under the lock, which is open meanwhile: who is woken often takes the waker's CPU at once, and would
 * have to give it back for the lock.
 */
static void wake(struct patience *p, pthread_cond_t *cond)
{
	pthread_mutex_unlock(&p->lock);
	pthread_cond_signal(cond);
	pthread_mutex_lock(&p->lock);
}

/* Under the lock, which is open meanwhile. */
static void do_job(struct helper *self)
{
	struct patience *p = self->patience;
	struct patience_job *job = self->job;
	bool is_dropped;

	pthread_mutex_unlock(&p->lock);
	job->work(job);
	pthread_mutex_lock(&p->lock);
	self->job = NULL;
	is_dropped = job->is_dropped;
	job->is_out = false;
	if (p->helper != self)
		p->out--;
	/* Nobody else knows it any more. */
	if (is_dropped)
		job->discard(job);
	if (p->helper == self)
		wake(p, &p->done);
}

static void *help(void *arg)
{
	struct helper *self = arg;
	struct patience *p = self->patience;

	pthread_mutex_lock(&p->lock);
	while (self->job || p->helper == self) {
		if (self->job)
			do_job(self);
		else
			pthread_cond_wait(&p->wake, &p->lock);
	}
	free(self);
	leave(p);
	return NULL;
}

static int start_thread(struct helper *helper)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&thread, &attr, help, helper);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

/* Under the lock. */
static int start_helper(struct patience *p)
{
	struct helper *helper = calloc(1, sizeof(*helper));
	int err;

	if (!helper)
		return -ENOMEM;
	helper->patience = p;
	p->helper = helper;
	p->users++;
	err = start_thread(helper);
	if (err == 0)
		return 0;
	p->users--;
	p->helper = NULL;
	free(helper);
	return err;
}

static struct timespec after(uint64_t ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ns += (uint64_t)ts.tv_nsec;
	ts.tv_sec += (time_t)(ns / SECOND_NS);
	ts.tv_nsec = (long)(ns % SECOND_NS);
	return ts;
}

/* Under the lock. */
static int wait_for(struct patience *p, struct patience_job *job, uint64_t extra_ns)
{
	struct timespec until = after(p->wait_ns / (1 + p->out) + extra_ns);
	int err = 0;

	while (job->is_out && !err)
		err = pthread_cond_timedwait(&p->done, &p->lock, &until);
	if (!job->is_out)
		return 0;
	p->helper = NULL;
	p->out++;
	return -ETIMEDOUT;
}

int patience_run(struct patience *p, struct patience_job *job, uint64_t extra_ns)
{
	int err = 0;

	job->is_out = job->is_dropped = false;
	pthread_mutex_lock(&p->lock);
	if (p->out >= p->out_max)
		err = -EBUSY;
	else if (!p->helper && start_helper(p) < 0)
		job->work(job); /* a limit of threads is likelier than a job that never ends */
	else {
		job->is_out = true;
		p->helper->job = job;
		wake(p, &p->wake);
		err = wait_for(p, job, extra_ns);
	}
	pthread_mutex_unlock(&p->lock);
	return err;
}

bool patience_is_back(struct patience *p, const struct patience_job *job)
{
	bool is_back;

	pthread_mutex_lock(&p->lock);
	is_back = !job->is_out;
	pthread_mutex_unlock(&p->lock);
	return is_back;
}

void patience_drop(struct patience *p, struct patience_job *job)
{
	bool is_out;

	if (!job)
		return;
	pthread_mutex_lock(&p->lock);
	is_out = job->is_out;
	job->is_dropped = true;
	pthread_mutex_unlock(&p->lock);
	if (!is_out)
		job->discard(job);
}

unsigned patience_out(struct patience *p)
{
	unsigned out;

	pthread_mutex_lock(&p->lock);
	out = p->out;
	pthread_mutex_unlock(&p->lock);
	return out;
}

void patience_free(struct patience *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->helper = NULL;
	pthread_cond_signal(&p->wake);
	leave(p);
}

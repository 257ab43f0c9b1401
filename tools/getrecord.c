/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "collector/cgroup.h"
#include "collector/collector.h"
#include "tools/getrecord.h"

/* Between two looks whether it is over. */
#define LOOK_USEC 100000
/* Between two looks for new descendants, where the kernel does not tell of them: a pass takes milliseconds. */
#define LOOKS_FOR_CHILDREN 10

struct getrecord {
	struct getrecord_config config;
	struct cgroup *cgroup;	     /* owned, until the collector has it */
	sd_event *event;	     /* owned */
	struct collector *collector; /* owned */
	bool hears_all;
	unsigned looks;
};

/* Its own exit takes them: they end the recording, which is whole then. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGXFSZ, SIG_IGN);
}

static int open_cgroup(struct getrecord *r)
{
	int err;

	if (!r->config.cgroup)
		return 0;
	err = cgroup_open("", r->config.cgroup, &r->cgroup);
	if (err == 0)
		err = cgroup_processes(r->cgroup, NULL, 0);
	return err == 0 ? -ESRCH : err < 0 ? err : 0;
}

int getrecord_open(const struct getrecord_config *config, struct getrecord **ret)
{
	struct getrecord *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->config = *config;
	block_signals();
	err = open_cgroup(r);
	if (err == 0)
		err = sd_event_new(&r->event);
	if (err < 0) {
		getrecord_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

static void watch_shot(struct getrecord *r, const struct getread_shot *shot)
{
	for (size_t i = 0; i < shot->count; i++)
		if (shot->rows[i].state == GETREAD_MEASURED)
			collector_watch(r->collector, shot->rows[i].id.pid);
}

static void look_for_children(struct getrecord *r)
{
	struct getread_shot shot;

	if (getread_take(r->config.get, &shot) < 0)
		return;
	watch_shot(r, &shot);
	getread_free_shot(&shot);
}

static int on_look(sd_event_source *source, uint64_t usec, void *arg)
{
	struct getrecord *r = arg;
	int status;

	if (r->config.with_children && !r->hears_all && ++r->looks % LOOKS_FOR_CHILDREN == 0)
		look_for_children(r);
	/* Nothing more gets into a file that could not be written once. */
	if (collector_is_over(r->collector, &status) || collector_output_error(r->collector) < 0)
		return sd_event_exit(r->event, 0);
	sd_event_source_set_time(source, usec + LOOK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct getrecord *r = arg;

	(void)source;
	(void)info;
	return sd_event_exit(r->event, 0);
}

static int wait_for_end(struct getrecord *r)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	uint64_t now;
	int err = sd_event_now(r->event, CLOCK_MONOTONIC, &now);

	for (size_t i = 0; err >= 0 && i < sizeof(signals) / sizeof(*signals); i++)
		err = sd_event_add_signal(r->event, NULL, signals[i], on_signal, r);
	if (err >= 0)
		err = sd_event_add_time(r->event, NULL, CLOCK_MONOTONIC, now + LOOK_USEC, 1000,
					on_look, r);
	return err;
}

int getrecord_begin(struct getrecord *r, int fd, const struct getread_shot *shot)
{
	struct collector_config config = {
		.freq = r->config.freq,
		.out_fd = fd,
		.stall_ns = GETRECORD_STALL_NS,
		.budget_ppm = GETRECORD_BUDGET_PPM,
		.reads_runtimes = true,
		.argv = r->config.argv,
		.memory_max = UINT64_MAX,
		.swap_max = UINT64_MAX,
		.watches = true,
		.watches_forks = r->config.with_children || r->cgroup,
		.watched = r->cgroup,
	};
	const char *why;
	int err;

	r->cgroup = NULL;
	err = collector_new(&config, r->event, &r->collector);
	if (err == 0)
		err = collector_start(r->collector);
	if (err < 0)
		return err;
	r->hears_all = collector_hears_all(r->collector, &why);
	collector_record(r->collector, 0);
	watch_shot(r, shot);
	/* Who was forked before the kernel's word was listened to, and after the shot. */
	if (r->config.with_children)
		look_for_children(r);
	return wait_for_end(r);
}

bool getrecord_hears_all(const struct getrecord *r, const char **ret_why)
{
	return collector_hears_all(r->collector, ret_why);
}

int getrecord_run(struct getrecord *r, struct record *ret_summary)
{
	int err = sd_event_loop(r->event);

	collector_finish(r->collector, 0, ret_summary, NULL);
	return err < 0 ? err : collector_output_error(r->collector);
}

void getrecord_close(struct getrecord *r)
{
	if (!r)
		return;
	collector_free(r->collector);
	cgroup_free(r->cgroup);
	sd_event_unref(r->event);
	free(r);
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "collector/cgroup.h"
#include "collector/collector.h"
#include "collector/header.h"
#include "collector/listener.h"
#include "collector/members.h"
#include "collector/peers.h"
#include "collector/run.h"
#include "collector/runfile.h"
#include "collector/smallfile.h"
#include "core/page.h"
#include "core/parse.h"
#include "core/tick.h"

/* How often the sockets are drained; also how much a sampler may leave unread (preload/link.c). */
#define DRAIN_HZ 10
/* A drain takes no longer: a flood must not keep us from the ticks. */
#define DRAIN_MAX_NS 50000000u
/* The last one of a run, in several rounds. */
#define DRAIN_LAST_NS TICK_SECOND
/*
 * Samples of a tick are in a drain this long after it and its quarter period, within which the
 * samplers of a large tree take their places; unless their process got no CPU.
 */
#define SETTLE_NS 50000000u
/* A silence as long as this is told in the run file. */
#define GAP_NS 1000000000

struct collector {
	struct collector_config config;
	sd_event *event;					/* borrowed */
	sd_event_source *timer, *path_source, *abstract_source; /* owned */
	struct cgroup_place place;
	struct cgroup *cgroup; /* owned; NULL: none */
	int cgroup_error;
	struct listener listener;
	int page_fd;	   /* owned memfd */
	struct page *page; /* owned mapping of it */
	struct peers *peers;
	struct members members;
	bool is_full; /* connections wait until there are descriptors for them */
	bool was_full;
	uint64_t drained_ns;
	struct runfile *file;
	struct run run;
	uint64_t start_realtime_ns;
	int64_t clock_offset; /* our CLOCK_MONOTONIC minus the host's */
	bool ticking;	      /* last_tick was sampled */
	uint64_t last_tick;
	int64_t suspended_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC, at the last tick */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * TICK_SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t host_now(const struct collector *c)
{
	return clock_ns(CLOCK_MONOTONIC) - (uint64_t)c->clock_offset;
}

/* The page is sealed against all but our own mapping, so that no sampler can change it. */
static int make_page(struct collector *c)
{
	c->page_fd = memfd_create("mstat-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->page_fd < 0)
		return -errno;
	if (ftruncate(c->page_fd, sizeof(struct page)) < 0)
		return -errno;
	c->page =
		mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, c->page_fd, 0);
	if (c->page == MAP_FAILED) {
		c->page = NULL;
		return -errno;
	}
	c->page->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	if (fcntl(c->page_fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

static bool on_admit(void *arg, struct peer *peer, const char **ret_why)
{
	struct collector *c = arg;

	return members_admit(&c->members, c->cgroup, peer, ret_why);
}

/* Who it is, is the kernel's word; in another pid namespace than ours a parent's pid says nothing. */
static struct process *on_hello(void *arg, const struct peer *peer, const struct wire_hello *hello)
{
	struct collector *c = arg;
	struct wire_hello checked = *hello;

	checked.uid = peer->uid;
	checked.gid = peer->gid;
	if (hello->pid != (uint32_t)peer->pid)
		checked.ppid = 0;
	if (hello->freq != c->config.freq ||
	    !members_confirm(&c->members, peer, hello->start_ticks))
		return NULL;
	return run_hello(&c->run, peer->pid, peer->accepted_ns, &checked);
}

static bool on_sample(void *arg, struct process *process, const struct record *rec)
{
	struct collector *c = arg;

	/* It may have been taken while this drain goes on. */
	if (rec->tick > tick_at(c->run.now_ns, c->config.freq))
		c->run.now_ns = host_now(c);
	return run_sample(&c->run, process, rec);
}

static void on_gone(void *arg, struct process *process)
{
	struct collector *c = arg;

	run_gone(&c->run, process);
}

static void on_refused(void *arg, pid_t pid, const char *why)
{
	struct collector *c = arg;

	run_refused(&c->run, host_now(c), pid, why);
}

/* A listening socket that cannot be served would wake us for ever: it waits for the next drain. */
static void watch_listeners(struct collector *c, bool on)
{
	int how = on ? SD_EVENT_ON : SD_EVENT_OFF;

	c->is_full = !on;
	if (c->path_source)
		sd_event_source_set_enabled(c->path_source, how);
	if (c->abstract_source)
		sd_event_source_set_enabled(c->abstract_source, how);
}

/* Returns whether more connections may wait. */
static bool accept_from(struct collector *c, int fd)
{
	int ret = fd < 0 ? 0 : peers_accept(c->peers, fd, host_now(c));

	c->page->live = (uint32_t)peers_count(c->peers);
	if (ret >= 0)
		return ret > 0;
	watch_listeners(c, false);
	if (!c->was_full)
		run_event(&c->run, host_now(c), EVENT_NOTE, 0, -ret,
			  "connections wait: no room for more of them");
	c->was_full = true;
	return true;
}

/* Takes in what samplers had sent before this instant; false: something was left. */
static bool drain(struct collector *c)
{
	uint64_t now_ns = host_now(c);
	uint64_t settle_ns = SETTLE_NS + TICK_SECOND / c->config.freq / 4;
	bool all;

	c->run.now_ns = c->drained_ns = now_ns;
	all = peers_drain(c->peers, now_ns, DRAIN_MAX_NS);
	c->page->live = (uint32_t)peers_count(c->peers);
	run_settle(&c->run, now_ns, tick_at(now_ns - settle_ns, c->config.freq) + 1);
	if (c->is_full)
		watch_listeners(c, true);
	return all;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct collector *c = arg;

	(void)source;
	(void)revents;
	accept_from(c, fd);
	/* At a low frequency the dead would hold their descriptors for seconds. */
	if (host_now(c) - c->drained_ns >= TICK_SECOND / DRAIN_HZ)
		drain(c);
	return 0;
}

/* The two clocks are read one after the other: the difference is off by microseconds. */
static int64_t suspended_ns(void)
{
	return (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
}

/* Suspends of the machine, and silences of our own. */
static void note_gaps(struct collector *c, uint64_t missed)
{
	int64_t suspended = suspended_ns();
	uint64_t silent = tick_ns(missed, c->config.freq);

	if (suspended - c->suspended_ns >= GAP_NS)
		run_event(&c->run, c->run.now_ns, EVENT_GAP, 0, suspended - c->suspended_ns,
			  "the machine was suspended");
	c->suspended_ns = suspended;
	if (silent >= GAP_NS)
		run_event(&c->run, c->run.now_ns, EVENT_GAP, 0, (int64_t)silent,
			  "mstat did not run");
}

static void take_tick(struct collector *c, uint64_t now_ns)
{
	struct record row;
	uint64_t missed;

	if (tick_at(now_ns, c->config.freq) <= c->last_tick)
		return;
	record_init(&row);
	row.tick = tick_at(now_ns, c->config.freq);
	row.late_us = (now_ns - tick_ns(row.tick, c->config.freq)) / 1000;
	/* Before the first one the program was being started. */
	missed = c->ticking ? row.tick - c->last_tick - 1 : 0;
	c->ticking = true;
	c->last_tick = row.tick;
	if (c->cgroup)
		cgroup_sample(c->cgroup, now_ns, &row);
	run_tick(&c->run, &row, missed);
	note_gaps(c, missed);
}

static int set_timer(struct collector *c)
{
	uint64_t at = tick_ns(c->last_tick + 1, c->config.freq) + (uint64_t)c->clock_offset;

	/* sd-event counts microseconds: the first one that is not before the tick. */
	return sd_event_source_set_time(c->timer, (at + 999) / 1000);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct collector *c = arg;
	uint64_t before = c->last_tick;
	uint64_t every = (c->config.freq + DRAIN_HZ - 1) / DRAIN_HZ;

	(void)source;
	(void)usec;
	take_tick(c, host_now(c));
	if (c->last_tick / every != before / every)
		drain(c);
	return set_timer(c);
}

static int open_loop(struct collector *c)
{
	int ret = 0;

	if (c->listener.path_fd >= 0)
		ret = sd_event_add_io(c->event, &c->path_source, c->listener.path_fd, EPOLLIN,
				      on_connect, c);
	if (ret >= 0 && c->listener.abstract_fd >= 0)
		ret = sd_event_add_io(c->event, &c->abstract_source, c->listener.abstract_fd,
				      EPOLLIN, on_connect, c);
	return ret;
}

static int open_parts(struct collector *c)
{
	struct peers_sink sink = {on_admit, on_hello, on_sample, on_gone, on_refused, c};
	int ret = make_page(c);

	if (ret >= 0)
		ret = listener_open(&c->listener);
	if (ret >= 0)
		ret = peers_new(&sink, c->page_fd, &c->peers);
	if (ret >= 0 && c->config.out_fd >= 0)
		ret = runfile_new(c->config.out_fd, &c->file);
	if (ret >= 0)
		ret = open_loop(c);
	return ret;
}

int collector_new(const struct collector_config *config, sd_event *event, struct collector **ret)
{
	struct collector *c = calloc(1, sizeof(*c));
	char text[256];
	int err;

	*ret = NULL;
	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->event = event;
	c->page_fd = -1;
	listener_init(&c->listener);
	run_init(&c->run, config->freq, NULL);
	members_init(&c->members);
	c->clock_offset = parse_clock_offset(
		text, smallfile_read("/proc/self/timens_offsets", text, sizeof(text)));
	c->cgroup_error = cgroup_find("", &c->place);
	if (c->place.mode != CGROUP_NONE)
		c->cgroup_error = cgroup_make(&c->place, &c->cgroup);
	err = open_parts(c);
	if (err < 0) {
		collector_free(c);
		return err;
	}
	c->run.file = c->file;
	c->run.on_tick = config->on_tick;
	c->run.arg = config->arg;
	*ret = c;
	return 0;
}

const char *collector_mode(const struct collector *c)
{
	return cgroup_mode_name(c->place.mode);
}

const char *collector_cgroup(const struct collector *c, const char **ret_why)
{
	if (c->cgroup)
		return cgroup_path(c->cgroup);
	*ret_why = cgroup_explain(&c->place, c->cgroup_error);
	return NULL;
}

const char *collector_socket(const struct collector *c)
{
	return c->listener.path;
}

int collector_clone_fd(const struct collector *c)
{
	return c->cgroup ? cgroup_clone_fd(c->cgroup) : -1;
}

int collector_enter(const struct collector *c, bool cloned_into)
{
	return c->cgroup ? cgroup_enter(c->cgroup, cloned_into) : 0;
}

void collector_record(struct collector *c)
{
	struct header header = {
		.argv = c->config.argv,
		.cgroup_mode = collector_mode(c),
		.cgroup = c->cgroup ? cgroup_path(c->cgroup) : NULL,
		.freq = c->config.freq,
		.start_monotonic_ns = c->run.start_ns,
		.start_realtime_ns = c->start_realtime_ns,
		.cpus = c->page->cpus,
	};

	if (c->file)
		header_write(c->file, &header);
}

int collector_start(struct collector *c)
{
	uint64_t now_ns = host_now(c);
	int ret;

	run_start(&c->run, now_ns);
	c->start_realtime_ns = clock_ns(CLOCK_REALTIME);
	c->suspended_ns = suspended_ns();
	c->last_tick = tick_at(now_ns, c->config.freq);
	ret = sd_event_add_time(c->event, &c->timer, CLOCK_MONOTONIC, 0, 1, on_timer, c);
	if (ret >= 0)
		ret = set_timer(c);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(c->timer, SD_EVENT_ON);
	return ret < 0 ? ret : 0;
}

uint64_t collector_start_ns(const struct collector *c)
{
	return c->run.start_ns;
}

void collector_drop_cgroup(struct collector *c, int err)
{
	cgroup_remove(c->cgroup);
	cgroup_free(c->cgroup);
	c->cgroup = NULL;
	c->cgroup_error = err;
}

static uint64_t own_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TICK_SECOND +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/* The exact peak, read when all is over, and before the cgroup goes. */
static void take_peak(struct collector *c)
{
	struct record last;
	struct record *sum = &c->run.summary;

	if (!c->cgroup)
		return;
	record_init(&last);
	cgroup_sample(c->cgroup, UINT64_MAX, &last);
	if (record_has(&last, FIELD_V2_PEAK))
		record_set(sum, FIELD_PEAK_EXACT, last.value[FIELD_V2_PEAK]);
	else if (record_has(&last, FIELD_V1_PEAK))
		record_set(sum, FIELD_PEAK_EXACT, last.value[FIELD_V1_PEAK]);
}

/* Bounded: what is left of the tree goes on sampling. */
static void drain_rest(struct collector *c)
{
	uint64_t end_ns = host_now(c) + DRAIN_LAST_NS;
	bool more;

	do {
		more = accept_from(c, c->listener.path_fd);
		more = accept_from(c, c->listener.abstract_fd) || more;
		more = !drain(c) || more;
	} while (more && host_now(c) < end_ns);
}

void collector_finish(struct collector *c, int status, struct record *ret_summary, int *ret_left)
{
	uint64_t end_ns = host_now(c);
	int left = c->cgroup ? cgroup_processes(c->cgroup, NULL, 0) : 0;

	c->timer = sd_event_source_unref(c->timer);
	take_tick(c, host_now(c));
	drain_rest(c);
	take_peak(c);
	record_set(&c->run.summary, FIELD_EXIT_STATUS, status);
	record_set(&c->run.summary, FIELD_COLLECTOR_CPU, (int64_t)own_cpu_ns());
	run_finish(&c->run, host_now(c), end_ns);
	if (c->file)
		runfile_finish(c->file);
	if (c->cgroup)
		cgroup_remove(c->cgroup);
	*ret_summary = c->run.summary;
	if (ret_left)
		*ret_left = left > 0 ? left : 0;
}

int collector_output_error(const struct collector *c)
{
	return c->file ? runfile_error(c->file) : 0;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	sd_event_source_unref(c->timer);
	sd_event_source_unref(c->path_source);
	sd_event_source_unref(c->abstract_source);
	listener_close(&c->listener);
	peers_free(c->peers);
	run_done(&c->run);
	runfile_free(c->file);
	if (c->page)
		munmap(c->page, sizeof(struct page));
	if (c->page_fd >= 0)
		close(c->page_fd);
	/* A run that came to no end leaves it; with processes in it, it is swept by a later run. */
	if (c->cgroup)
		cgroup_remove(c->cgroup);
	cgroup_free(c->cgroup);
	free(c);
}

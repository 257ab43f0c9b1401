/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/cgroup.h"
#include "collector/collector.h"
#include "collector/header.h"
#include "collector/ladder.h"
#include "collector/lifecycle.h"
#include "collector/listener.h"
#include "collector/marks.h"
#include "collector/members.h"
#include "collector/outsiders.h"
#include "collector/peers.h"
#include "collector/run.h"
#include "collector/runfile.h"
#include "collector/runtimes.h"
#include "collector/smallfile.h"
#include "collector/states.h"
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
/* How long the last exit records may take to come. */
#define SETTLE_LIFE_MS 200
/* And in each drain: it takes 40 to 400 us. */
#define SETTLE_DRAIN_MS 20
/* What a process is waited for that does not answer; of more than so many, at a time, only that is read
 * which needs no answer. */
#define PATIENCE_NS 50000000u
#define SILENT_MAX  32
/* A silence as long as this is told in the run file. */
#define GAP_NS 1000000000

struct collector {
	struct collector_config config;
	sd_event *event;					/* borrowed */
	sd_event_source *timer, *path_source, *abstract_source; /* owned */
	struct ladder ladder;
	char limit_error[512]; /* "" where all limits hold */
	struct states states;
	struct listener listener;
	struct marks marks;
	int marks_error;       /* why there is no file for them */
	uint64_t mark_ns;      /* the instant of those that are being read */
	bool phase_ended;      /* by one of them */
	uint64_t marks_untold; /* of those that were not told, so many were said to be */
	uint64_t marks_passed;
	int page_fd;		   /* owned memfd */
	struct page *page;	   /* owned mapping of it */
	struct patience *patience; /* owned */
	struct peers *peers;
	struct members members;
	struct lifecycle *lifecycle; /* owned; NULL: nobody tells us of processes */
	struct outsiders outsiders;
	struct runtimes *runtimes; /* owned; NULL: they are not read */
	bool is_full;		   /* connections wait until there are descriptors for them */
	bool was_full;
	uint64_t drained_ns;
	struct runfile *file;
	int next_fd;	/* owned: of file, if it is not the first one; -1 */
	int file_error; /* of those before */
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

/* By us, with a cgroup, a socket and a file for marks. */
static bool is_launched(const struct collector *c)
{
	return !c->config.adopts_for && !c->config.watches;
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
	c->page->flags = c->config.adopts_for ? PAGE_RETURNS : 0;
	if (fcntl(c->page_fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

static bool on_admit(void *arg, struct peer *peer, const char **ret_why)
{
	struct collector *c = arg;

	return members_admit(&c->members, c->ladder.cgroup, peer, ret_why);
}

/* One whose main thread has ended, and others go on, is there too. */
static bool is_there(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

static void on_life(void *arg, const struct life_event *event)
{
	struct collector *c = arg;

	run_life(&c->run, event);
}

/* From now on ends are known by connections alone. */
static void note_broker_gone(struct collector *c)
{
	if (!c->ladder.broker || !broker_is_gone(c->ladder.broker) ||
	    c->lifecycle != broker_lives(c->ladder.broker))
		return;
	/* What the kernel itself tells from now on. */
	c->lifecycle = NULL;
	lifecycle_new(c->clock_offset, &c->lifecycle);
	c->run.hears_ends = c->lifecycle && lifecycle_has_events(c->lifecycle, NULL);
	c->run.hears_last = false;
	run_event(&c->run, host_now(c), EVENT_NOTE, 0, 0,
		  "mstatd is gone: no exit records from here on");
}

/* What the kernel has told up to now, if that is to be had within the time. */
static void take_lives(struct collector *c, unsigned timeout_ms)
{
	if (!c->lifecycle)
		return;
	lifecycle_settle(c->lifecycle, timeout_ms);
	lifecycle_take(c->lifecycle, on_life, c);
	note_broker_gone(c);
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
	/* One that is dead cannot be looked up; but if it was ours its fork was told. */
	if (!c->config.adopts_for && !peer->start_ticks && c->run.hears_ends &&
	    !run_knows(&c->run, peer->pid)) {
		take_lives(c, SETTLE_DRAIN_MS);
		if (!run_knows(&c->run, peer->pid))
			return NULL;
	}
	if (hello->freq != c->config.freq ||
	    !members_confirm(&c->members, peer, hello->start_ticks))
		return NULL;
	/* Its own word may be that of another time namespace, or a lie. */
	if (peer->start_ticks && (!peer->is_guess || peer->start_ticks == hello->start_ticks))
		checked.start_ticks = peer->start_ticks;
	/* Likewise; and it was made before now, if not before the connection was taken. */
	checked.time_ns -= (uint64_t)c->clock_offset;
	if (hello->start_ticks != checked.start_ticks || !hello->time_ns ||
	    checked.time_ns > host_now(c))
		checked.time_ns = peer->accepted_ns;
	/* It may have been forked since the drain began. */
	c->run.now_ns = host_now(c);
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

static bool on_heap(void *arg, const struct peer *peer, enum wire_kind kind, const uint8_t *body,
		    size_t len)
{
	struct collector *c = arg;

	/* It may have been told while this drain goes on. */
	if (kind == WIRE_HEAP)
		c->run.now_ns = host_now(c);
	return run_heap(&c->run, peer->process, peer->number, kind, body, len);
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

static void publish_live(struct collector *c)
{
	c->page->live = (uint32_t)(peers_count(c->peers) + c->outsiders.count);
}

/* Returns whether more connections may wait. */
static bool accept_from(struct collector *c, int fd)
{
	int ret = fd < 0 ? 0 : peers_accept(c->peers, fd, host_now(c));

	publish_live(c);
	if (ret >= 0)
		return ret > 0;
	watch_listeners(c, false);
	if (!c->was_full)
		run_event(&c->run, host_now(c), EVENT_NOTE, 0, -ret,
			  "connections wait: no room for more of them");
	c->was_full = true;
	return true;
}

static void write_header(struct collector *c)
{
	struct header header = {
		.argv = c->config.argv,
		.cgroup_mode = collector_mode(c),
		.cgroup = c->ladder.cgroup ? cgroup_path(c->ladder.cgroup) : NULL,
		.freq = c->config.freq,
		.start_monotonic_ns = c->run.start_ns,
		.start_realtime_ns = c->start_realtime_ns,
		.cpus = c->page->cpus,
	};

	if (c->file)
		header_write(c->file, &header);
}

static void end_file(struct collector *c)
{
	if (c->file && !c->file_error)
		c->file_error = runfile_error(c->file);
	runfile_free(c->file);
	if (c->next_fd >= 0)
		close(c->next_fd);
	c->file = NULL;
	c->next_fd = -1;
}

/* A file that has grown as large as it may is finished, and another one begun. */
static void turn_file(struct collector *c)
{
	struct runfile *next = NULL;
	int fd;

	if (!c->file || !c->config.file_max || runfile_size(c->file) < c->config.file_max)
		return;
	fd = c->config.next_file(c->config.arg);
	if (fd < 0 || runfile_new(fd, &next) < 0) {
		if (fd >= 0)
			close(fd);
		/* Not at each drain: when it is twice as large. */
		c->config.file_max *= 2;
		run_event(&c->run, host_now(c), EVENT_NOTE, 0, fd < 0 ? -fd : ENOMEM,
			  "the run file grows on: another one could not be made");
		return;
	}
	/* What is told anew because of that is not read before it is the new one's. */
	__atomic_store_n(&c->page->file, c->page->file + 1, __ATOMIC_RELEASE);
	run_turn(&c->run, next);
	runfile_finish(c->file);
	end_file(c);
	c->file = next;
	c->next_fd = fd;
	write_header(c);
}

/* Takes in what samplers had sent before this instant; false: something was left. */
static bool drain(struct collector *c)
{
	uint64_t now_ns = host_now(c);
	uint64_t settle_ns = SETTLE_NS + TICK_SECOND / c->config.freq / 4;
	bool all;

	c->run.now_ns = c->drained_ns = now_ns;
	/* First who there is, then what they say. */
	take_lives(c, SETTLE_DRAIN_MS);
	all = peers_drain(c->peers, now_ns, DRAIN_MAX_NS);
	c->run.now_ns = host_now(c);
	outsiders_look(&c->outsiders, &c->run, c->ladder.cgroup, c->page->live);
	publish_live(c);
	run_settle(&c->run, now_ns, tick_at(now_ns - settle_ns, c->config.freq) + 1);
	turn_file(c);
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
	c->suspended_ns = c->run.boottime_ns = suspended;
	if (silent >= GAP_NS)
		run_event(&c->run, c->run.now_ns, EVENT_GAP, 0, (int64_t)silent,
			  "mstat did not run");
}

static void end_phase(struct collector *c)
{
	int64_t peak;

	if (c->ladder.cgroup && cgroup_phase(c->ladder.cgroup, &peak) == 0)
		phases_exact(&c->run.phases, peak);
	c->phase_ended = true;
}

static void on_mark(void *arg, uint64_t number, const char *text, size_t len)
{
	struct collector *c = arg;

	/* Once an instant: of what was between two marks of one tick nothing can be known. */
	if (!c->phase_ended)
		end_phase(c);
	run_mark(&c->run, c->mark_ns, number, text, len);
}

static void say_untold(struct collector *c)
{
	uint64_t untold = marks_untold(&c->marks);

	if (untold > c->marks_untold)
		run_event(&c->run, c->mark_ns, EVENT_NOTE, 0, (int64_t)(untold - c->marks_untold),
			  "marks were counted only: too many");
	if (c->marks.passed > c->marks_passed)
		run_event(&c->run, c->mark_ns, EVENT_NOTE, 0,
			  (int64_t)(c->marks.passed - c->marks_passed),
			  "bytes of marks were passed over: too many at once");
	c->marks_untold = untold;
	c->marks_passed = c->marks.passed;
}

static void take_marks(struct collector *c, uint64_t at_ns, bool is_last)
{
	uint64_t now_ns = host_now(c);

	c->mark_ns = at_ns;
	c->phase_ended = false;
	marks_read(&c->marks, now_ns, is_last, on_mark, c);
	/* At most once a second. */
	if (is_last || c->marks.second_ns == now_ns)
		say_untold(c);
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
	/* First: what is sampled now is of the phase that a mark has begun. */
	take_marks(c, tick_ns(row.tick, c->config.freq), false);
	if (c->ladder.cgroup)
		cgroup_sample(c->ladder.cgroup, now_ns, &row);
	states_sample(&c->states, c->ladder.cgroup, now_ns, &row);
	run_tick(&c->run, &row, missed);
	outsiders_tick(&c->outsiders, &c->run, row.tick, now_ns);
	if (c->runtimes)
		runtimes_tick(c->runtimes, &c->run, row.tick, now_ns);
	note_gaps(c, missed);
}

static int set_timer(struct collector *c)
{
	uint64_t at = tick_ns(c->last_tick + 1, c->config.freq);
	uint64_t drain = c->drained_ns + TICK_SECOND / DRAIN_HZ;

	/* Between rare ticks, too: what has come is to be in the file within a second. */
	if (c->config.freq < DRAIN_HZ && drain < at)
		at = drain;
	/* sd-event counts microseconds: the first one that is not before the tick. */
	return sd_event_source_set_time(c->timer, (at + (uint64_t)c->clock_offset + 999) / 1000);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct collector *c = arg;
	uint64_t before = c->last_tick;
	uint64_t every = (c->config.freq + DRAIN_HZ - 1) / DRAIN_HZ;

	(void)source;
	(void)usec;
	/* Who is there already is there at the first tick. */
	if (c->config.watches && !c->ticking)
		drain(c);
	take_tick(c, host_now(c));
	if (c->last_tick / every != before / every ||
	    (c->config.freq < DRAIN_HZ && host_now(c) >= c->drained_ns + TICK_SECOND / DRAIN_HZ))
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
	struct peers_sink sink = {on_admit, on_hello, on_sample, on_heap, on_gone, on_refused, c};
	int ret = make_page(c);

	if (ret >= 0 && is_launched(c))
		ret = listener_open(&c->listener);
	if (ret >= 0 && is_launched(c))
		c->marks_error =
			c->listener.folder[0] ? marks_open(&c->marks, c->listener.path) : -ENOENT;
	if (ret >= 0)
		ret = peers_new(&sink, c->page_fd, &c->peers);
	if (ret >= 0 && c->config.out_fd >= 0)
		ret = runfile_new(c->config.out_fd, &c->file);
	/* Where a filter forbids that, all else goes on. */
	if (ret >= 0 && c->config.reads_runtimes && runtimes_new(&c->runtimes) == -ENOMEM)
		ret = -ENOMEM;
	if (ret >= 0)
		ret = open_loop(c);
	return ret;
}

/* A limit that was asked for is never silently absent. */
static void limit_cgroup(struct collector *c)
{
	const char *file = NULL;
	int err;

	if (!collector_is_limited(c))
		return;
	if (!c->ladder.cgroup) {
		snprintf(c->limit_error, sizeof(c->limit_error), "no cgroup: %s",
			 ladder_why(&c->ladder));
		return;
	}
	err = cgroup_limit(c->ladder.cgroup, c->config.memory_max, c->config.swap_max, &file);
	if (err == -EOPNOTSUPP)
		snprintf(c->limit_error, sizeof(c->limit_error),
			 "v1 cgroups limit swap together with memory: give a limit of memory too");
	else if (err < 0)
		snprintf(c->limit_error, sizeof(c->limit_error), "%s: %s", file,
			 err == -ENOENT ? "this kernel has no such limit" : strerror(-err));
}

static bool tells_all(const struct lifecycle *l)
{
	return l && lifecycle_has_events(l, NULL) && lifecycle_has_records(l, NULL);
}

/* What the kernel does not tell us it may tell mstatd. */
static void hear_lives(struct collector *c)
{
	if (c->config.adopts_for) {
		c->run.proxy.broker = c->ladder.broker;
		c->lifecycle = broker_lives(c->ladder.broker);
		return;
	}
	lifecycle_new(c->clock_offset, &c->lifecycle);
	/* mstatd tells of those alone that were started by who asks. */
	if (c->config.watches || tells_all(c->lifecycle) || !ladder_ask(&c->ladder) ||
	    broker_follow(c->ladder.broker) < 0)
		return;
	c->run.proxy.broker = c->ladder.broker;
	if (!tells_all(broker_lives(c->ladder.broker)))
		return;
	lifecycle_free(c->lifecycle);
	c->lifecycle = broker_lives(c->ladder.broker);
}

static void hear(struct collector *c)
{
	hear_lives(c);
	c->run.hears_ends = c->lifecycle && lifecycle_has_events(c->lifecycle, NULL);
	c->run.hears_last = c->lifecycle && lifecycle_has_records(c->lifecycle, NULL) &&
			    lifecycle_marks_last(c->lifecycle);
}

size_t collector_steps(const struct collector *c, const struct ladder_step **ret)
{
	*ret = c->ladder.steps;
	return c->ladder.steps_count;
}

int collector_new(const struct collector_config *config, sd_event *event, struct collector **ret)
{
	struct collector *c = calloc(1, sizeof(*c));
	char text[256];
	int err;

	*ret = NULL;
	if (!c) {
		broker_free(config->adopts_for);
		cgroup_free(config->watched);
		return -ENOMEM;
	}
	c->config = *config;
	c->event = event;
	c->page_fd = c->next_fd = -1;
	listener_init(&c->listener);
	marks_init(&c->marks);
	run_init(&c->run, config->freq, NULL);
	c->run.is_joined = !is_launched(c);
	c->run.is_closed = config->watches && !config->watches_forks;
	if (patience_new(PATIENCE_NS, SILENT_MAX, &c->patience) < 0) {
		broker_free(config->adopts_for);
		cgroup_free(config->watched);
		free(c);
		return -ENOMEM;
	}
	outsiders_init(&c->outsiders, c->patience, config->stall_ns, config->budget_ppm);
	if (config->watches)
		outsiders_expect_none(&c->outsiders, "not started by mstat");
	members_init(&c->members, c->patience);
	c->clock_offset = parse_clock_offset(
		text, smallfile_read("/proc/self/timens_offsets", text, sizeof(text)));
	ladder_init(&c->ladder, config->adopts_for);
	if (config->watches)
		ladder_watch(&c->ladder, config->watched);
	else if (!config->adopts_for)
		ladder_climb(&c->ladder);
	limit_cgroup(c);
	if (c->ladder.cgroup && config->kill_rest)
		cgroup_prepare_kill(c->ladder.cgroup, &c->ladder.place);
	states_init(&c->states);
	err = open_parts(c);
	if (err < 0) {
		collector_free(c);
		return err;
	}
	c->run.file = c->file;
	/* Without it, processes are known by their samplers and from the cgroup alone. */
	hear(c);
	c->run.on_tick = config->on_tick;
	c->run.on_note = config->on_note;
	c->run.arg = config->arg;
	c->run.is_there = is_there;
	*ret = c;
	return 0;
}

const char *collector_mode(const struct collector *c)
{
	return cgroup_mode_name(c->ladder.place.mode);
}

const char *collector_cgroup(const struct collector *c, const char **ret_why)
{
	if (c->ladder.cgroup)
		return cgroup_path(c->ladder.cgroup);
	*ret_why = ladder_why(&c->ladder);
	return NULL;
}

bool collector_is_limited(const struct collector *c)
{
	return c->config.memory_max != UINT64_MAX || c->config.swap_max != UINT64_MAX;
}

const char *collector_limit_error(const struct collector *c)
{
	return c->limit_error[0] ? c->limit_error : NULL;
}

const char *collector_socket(const struct collector *c)
{
	return c->listener.path;
}

const char *collector_marks(const struct collector *c)
{
	return c->marks.path;
}

void collector_phases(const struct collector *c, struct collector_phases *ret)
{
	*ret = (struct collector_phases){
		.phase = c->run.phases.kept,
		.count = c->run.phases.kept_count,
		.all = c->run.phases.count,
		.untold = marks_untold(&c->marks),
	};
}

int collector_clone_fd(const struct collector *c)
{
	return c->ladder.cgroup ? cgroup_clone_fd(c->ladder.cgroup) : -1;
}

int collector_enter(const struct collector *c, bool cloned_into)
{
	return c->ladder.cgroup ? cgroup_enter(c->ladder.cgroup, cloned_into) : 0;
}

static void note_unheard(struct collector *c)
{
	char text[320];
	const char *why;

	if (!c->config.watches_forks || collector_hears_all(c, &why))
		return;
	snprintf(text, sizeof(text), "what lives for a moment only may be missed: %s", why);
	run_event(&c->run, c->run.start_ns, EVENT_NOTE, 0, 0, text);
}

void collector_record(struct collector *c, pid_t pid)
{
	write_header(c);
	if (pid)
		run_root(&c->run, pid, host_now(c));
	note_unheard(c);
	if (c->marks_error)
		run_event(&c->run, c->run.start_ns, EVENT_NOTE, 0, -c->marks_error,
			  "marks are not recorded: no file could be made for them");
}

void collector_watch(struct collector *c, pid_t pid)
{
	c->run.now_ns = host_now(c);
	outsiders_see(&c->outsiders, &c->run, pid);
}

/* What is told of a cgroup since it was made is not all of the run. */
static void note_before(struct collector *c)
{
	struct record now;

	record_init(&now);
	cgroup_sample(c->ladder.cgroup, UINT64_MAX, &now);
	run_note_before(&c->run, &now);
}

int collector_start(struct collector *c)
{
	uint64_t now_ns = host_now(c);
	uint64_t start_ns = c->config.start_ns ? c->config.start_ns : now_ns;
	int ret;

	if (c->limit_error[0])
		return -EPERM;
	run_start(&c->run, start_ns);
	c->start_realtime_ns = clock_ns(CLOCK_REALTIME) - (now_ns - start_ns);
	c->suspended_ns = c->run.boottime_ns = suspended_ns();
	c->last_tick = tick_at(now_ns, c->config.freq);
	if (c->config.watched)
		note_before(c);
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
	ladder_drop(&c->ladder, err);
}

int collector_left(const struct collector *c)
{
	return c->ladder.cgroup ? cgroup_processes(c->ladder.cgroup, NULL, 0) : -ENODEV;
}

int collector_kill_rest(struct collector *c)
{
	return c->ladder.cgroup ? cgroup_kill(c->ladder.cgroup) : -ENODEV;
}

static uint64_t own_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TICK_SECOND +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/*
 * The exact peak, read when all is over, and before the cgroup goes. Rows that still wait are settled
 * before, for each of them brings the peak of its own time.
 */
static void take_peak(struct collector *c)
{
	struct record last;

	if (!c->ladder.cgroup)
		return;
	run_settle(&c->run, host_now(c), UINT64_MAX);
	record_init(&last);
	cgroup_sample(c->ladder.cgroup, UINT64_MAX, &last);
	/* Kills after the last tick, which are often what ended the run. */
	if (record_has(&last, FIELD_V2_OOM_KILLS))
		run_oom(&c->run, last.value[FIELD_V2_OOM_KILLS]);
	else if (record_has(&last, FIELD_V1_OOM_KILLS))
		run_oom(&c->run, last.value[FIELD_V1_OOM_KILLS]);
	if (record_has(&last, FIELD_V2_PEAK))
		run_peak(&c->run, last.value[FIELD_V2_PEAK]);
	else if (record_has(&last, FIELD_V1_PEAK))
		run_peak(&c->run, last.value[FIELD_V1_PEAK]);
}

/* What the kernel told and we did not get. */
static void count_losses(struct collector *c)
{
	struct lifecycle_losses losses;
	struct record *sum = &c->run.summary;

	if (!c->lifecycle)
		return;
	lifecycle_losses(c->lifecycle, &losses);
	if (lifecycle_has_records(c->lifecycle, NULL))
		record_set(sum, FIELD_RECORDS_LOST, (int64_t)(losses.records + losses.queue));
	if (c->run.hears_ends)
		record_set(sum, FIELD_FORKS_LOST, (int64_t)losses.events);
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
	int left = c->ladder.cgroup ? cgroup_processes(c->ladder.cgroup, NULL, 0) : 0;

	c->timer = sd_event_source_unref(c->timer);
	take_tick(c, host_now(c));
	take_lives(c, SETTLE_LIFE_MS);
	run_root_ended(&c->run, end_ns, status);
	take_marks(c,
		   end_ns > tick_ns(c->last_tick, c->config.freq)
			   ? end_ns
			   : tick_ns(c->last_tick, c->config.freq),
		   true);
	end_phase(c);
	drain_rest(c);
	outsiders_look_last(&c->outsiders, &c->run);
	take_peak(c);
	count_losses(c);
	if (!c->config.watches)
		record_set(&c->run.summary, FIELD_EXIT_STATUS, status);
	if (c->config.memory_max != UINT64_MAX)
		record_set(&c->run.summary, FIELD_LIMIT, (int64_t)c->config.memory_max);
	record_set(&c->run.summary, FIELD_COLLECTOR_CPU, (int64_t)own_cpu_ns());
	run_finish(&c->run, host_now(c), end_ns);
	if (c->file)
		runfile_finish(c->file);
	if (c->ladder.cgroup)
		cgroup_remove(c->ladder.cgroup);
	*ret_summary = c->run.summary;
	if (ret_left)
		*ret_left = left > 0 ? left : 0;
}

void collector_adopt(struct collector *c, int fd, const uint8_t *message, size_t len)
{
	peers_adopt(c->peers, fd, message, len, host_now(c));
	publish_live(c);
}

bool collector_is_over(const struct collector *c, int *ret_status)
{
	const struct process *root = c->run.root;

	*ret_status = root && root->exit_ns ? root->exit_status : 0;
	return !c->run.processes.open && peers_count(c->peers) == 0 &&
	       (!c->config.watched || collector_left(c) <= 0);
}

size_t collector_holders(const struct collector *c, const struct rows_holder **ret)
{
	*ret = c->run.peak.holder;
	return c->run.peak.count;
}

size_t collector_victims(const struct collector *c, struct collector_victim *ret, size_t max)
{
	const struct oom_victim *victim;
	size_t n = oom_victims(&c->run.oom, &victim);

	for (size_t i = 0; i < n && i < max; i++) {
		const struct process *process = victim[i].process;

		ret[i] = (struct collector_victim){
			.pid = process->pid,
			.time_ns = (int64_t)(victim[i].at_ns - c->run.start_ns),
			.rss_bytes = process->last_rss ? process->last_rss * 1024 : -1,
		};
		memcpy(ret[i].comm, process->comm, sizeof(ret[i].comm));
	}
	return n < max ? n : max;
}

bool collector_hears_all(const struct collector *c, const char **ret_why)
{
	*ret_why = "the kernel refuses both the process connector and taskstats";
	return c->lifecycle && lifecycle_has_events(c->lifecycle, ret_why) &&
	       lifecycle_has_records(c->lifecycle, ret_why);
}

int collector_output_error(const struct collector *c)
{
	return c->file_error ? c->file_error : c->file ? runfile_error(c->file) : 0;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	sd_event_source_unref(c->timer);
	sd_event_source_unref(c->path_source);
	sd_event_source_unref(c->abstract_source);
	states_done(&c->states);
	/* Before the folder, in which it lies. */
	marks_close(&c->marks);
	listener_close(&c->listener);
	outsiders_done(&c->outsiders);
	runtimes_free(c->runtimes);
	lifecycle_free(c->lifecycle);
	peers_free(c->peers);
	patience_free(c->patience);
	run_done(&c->run);
	end_file(c);
	if (c->page)
		munmap(c->page, sizeof(struct page));
	if (c->page_fd >= 0)
		close(c->page_fd);
	ladder_done(&c->ladder);
	free(c);
}

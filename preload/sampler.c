/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <time.h>

#include "core/pace.h"
#include "core/parse.h"
#include "core/rollup.h"
#include "core/tick.h"
#include "preload/guest.h"
#include "preload/link.h"
#include "preload/procfs.h"
#include "preload/sampler.h"
#include "preload/sys.h"

/* At exit the last sample must be sent within a millisecond. */
#define ROLLUP_LAST_NS 200000u
/* A heap that finds no room in the socket at exit, for so long, is not told. */
#define LAST_TRIES    200u
#define LAST_PAUSE_NS 5000000u
/* Processes that all read everything ten times a second. */
#define SLOW_AT_ONCE 64u

struct sampler {
	uint32_t freq;
	bool is_last;	      /* the process was about to end before the first sample */
	uint64_t slow_last;   /* the newest group of ticks in which everything was read */
	int64_t clock_offset; /* our CLOCK_MONOTONIC minus the host's: time_namespaces(7) */
	uint64_t shift_ns;    /* our place within a quarter period, where the tree is large */
	struct page page;
	int64_t anon_told;    /* RssAnon at the last report of the heap, KiB */
	uint64_t told_tick;   /* of that report */
	struct rollup rollup; /* by the host's clock */
	struct pace pace;
	uint64_t walks_ns; /* CPU time of all walks */
	struct procfs proc;
	struct link link;
	struct record now;
};

/* All but a buffer, what link_open() sets, and the record, which begins anew. */
_Static_assert(offsetof(struct sampler, proc.text) <= GUEST_ZEROED,
	       "what must be zero at the start");

struct sampler_config sampler_config;
const struct sampler_heap *sampler_heap;

/* The program has set up a filter, which a guest started from now on would inherit. */
static bool is_barred;
static bool is_untraced;

/* The first act: nothing of the program's is held open, nothing of ours is in its reach. */
static long leave_files(bool debug)
{
	/* A process without a sampler says why on its stderr, if it was asked to. */
	long ret = sys_3(SYS_close_range, 0, debug ? 1 : ~0U, CLOSE_RANGE_UNSHARE);

	if (ret == 0 && debug)
		ret = sys_3(SYS_close_range, 3, ~0U, 0);
	/* chroot and setns(mnt) of the program stay its own, and what it was started in can be unmounted */
	if (ret == 0 && sys_1(SYS_unshare, CLONE_FS) == 0)
		sys_1(SYS_chdir, "/");
	return ret;
}

void sampler_say(const char *text, long err)
{
	char line[96] = "mstat: no sampler: ";
	size_t n = 19;

	if (!sampler_config.debug)
		return;
	for (; *text && n < 80; text++)
		line[n++] = *text;
	line[n++] = ' ';
	if (err < 0)
		err = -err;
	for (long div = 1000; div; div /= 10)
		if (err >= div || div == 1)
			line[n++] = (char)('0' + err / div % 10);
	line[n++] = '\n';
	sys_3(SYS_write, 2, line, n);
}

/*
 * A real-time parent's policy is inherited; ours would then preempt what we only watch. Our thread is
 * never to gain privileges, also where the program gives that up later: PR_SET_NO_NEW_PRIVS is a
 * thread's own, and what it may still hold then (bounding set, secure bits) is of no use with it.
 */
static void be_ordinary(void)
{
	int32_t priority = 0;
	long policy = sys_1(SYS_sched_getscheduler, 0);

	if (policy == SCHED_FIFO || policy == SCHED_RR)
		sys_3(SYS_sched_setscheduler, 0, SCHED_OTHER, &priority);
	sys_2(SYS_prctl, PR_SET_NAME, "mstat");
	sys_5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Whether the main thread's children are in another time namespace than we are: CLONE_NEWTIME. */
static bool clock_is_childrens(void)
{
	char own[64], theirs[64];
	long n = sys_4(SYS_readlinkat, AT_FDCWD, "/proc/thread-self/ns/time", own, sizeof(own));
	long m = sys_4(SYS_readlinkat, AT_FDCWD, "/proc/self/ns/time_for_children", theirs,
		       sizeof(theirs));

	return n > 0 && m > 0 && (n != m || __builtin_memcmp(own, theirs, (size_t)n) != 0);
}

/* The file tells the offsets of the main thread's children: time_namespaces(7). */
static int64_t read_clock_offset(char *text, size_t size)
{
	long n = procfs_slurp("/proc/self/timens_offsets", text, size);
	int64_t offset = n > 0 ? parse_clock_offset(text, (size_t)n) : 0;

	return offset && clock_is_childrens() ? 0 : offset;
}

static uint64_t host_now(const struct sampler *s)
{
	return sys_clock_ns(CLOCK_MONOTONIC) - (uint64_t)s->clock_offset;
}

/* Above four processes a CPU, each takes its own place within a quarter of the period. */
static uint64_t shift_of(const struct sampler *s)
{
	uint64_t quarter = TICK_SECOND / s->freq / 4;

	if (s->page.live <= 4 * s->page.cpus)
		return 0;
	return (uint32_t)(s->proc.pid * 2654435761u) * quarter >> 32;
}

/* last: the program waits for it at exit. */
static struct rollup_limits limits_of(const struct sampler *s, bool last)
{
	struct rollup_limits limits = {
		.stall_ns = sampler_config.stall_ns,
		.budget_ppm = sampler_config.budget_ppm,
		.live = s->page.live,
	};

	if (last && limits.stall_ns > ROLLUP_LAST_NS)
		limits.stall_ns = ROLLUP_LAST_NS;
	return limits;
}

static void read_rollup(struct sampler *s, uint64_t now_ns, bool last)
{
	struct rollup_limits limits = limits_of(s, last);
	enum reason reason = rollup_reason(&s->rollup, &s->now, now_ns, &limits);
	uint64_t cost;

	if (reason != REASON_OK) {
		s->now.reason[SOURCE_ROLLUP] = (uint8_t)reason;
		return;
	}
	cost = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	procfs_read(&s->proc, SOURCE_ROLLUP, &s->now);
	cost = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cost;
	rollup_done(&s->rollup, &s->now, cost, host_now(s));
	s->walks_ns += cost;
}

/* It has a budget of its own, as walks have. */
static void look_at_heap(struct sampler *s)
{
	uint64_t cpu_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	sampler_heap->look(s->page.live);
	s->walks_ns += sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
}

static void read_slow(struct sampler *s, uint64_t now_ns)
{
	uint64_t cpu_ns;
	size_t own;

	procfs_read(&s->proc, SOURCE_STAT, &s->now);
	procfs_read(&s->proc, SOURCE_IO, &s->now);
	procfs_read_taskstats(&s->proc, &s->now);
	if (sampler_heap)
		look_at_heap(s);
	cpu_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pace_reckon(&s->pace, now_ns, cpu_ns, s->walks_ns);
	s->now.reason[SOURCE_SAMPLER] = REASON_OK;
	record_set(&s->now, FIELD_SELF_CPU, (int64_t)cpu_ns);
	own = guest_memory() + GUEST_KERNEL_BYTES + link_unread(&s->link);
	if (sampler_heap)
		own += sampler_heap->memory();
	record_set(&s->now, FIELD_SELF_BYTES, (int64_t)own);
}

static void skip_slow(struct sampler *s)
{
	static const uint8_t slow[] = {SOURCE_STAT,	      SOURCE_IO,
				       SOURCE_SCHEDSTAT,      SOURCE_TASKSTATS_PID,
				       SOURCE_TASKSTATS_TGID, SOURCE_SAMPLER};

	for (unsigned i = 0; i < sizeof(slow); i++)
		s->now.reason[slow[i]] = REASON_NOT_DUE;
}

/* Between two slow ticks the heap is told where memory has grown by a tenth: it may be the peak. */
static bool is_new_peak(const struct sampler *s)
{
	return record_has(&s->now, FIELD_RSS_ANON) &&
	       s->now.value[FIELD_RSS_ANON] > s->anon_told + s->anon_told / 10;
}

/* Of the tick that the collector takes the sample for: the next one where that is nearer, or this has one. */
static int tell_heap(struct sampler *s, bool last)
{
	int ret;
	bool next = s->now.tick == s->told_tick || s->now.late_us >= TICK_SECOND / 2000 / s->freq;

	s->anon_told = s->now.value[FIELD_RSS_ANON];
	s->told_tick = s->now.tick;
	ret = sampler_heap->report(&s->link, s->now.tick + next);
	/* The collector reads ten times a second; the program waits as we do, for as long as it reads. */
	for (unsigned i = 0; ret == -EAGAIN && last && i < LAST_TRIES && !guest_is_stopping();
	     i++) {
		uint64_t sent = s->link.others;

		link_page(&s->link);
		guest_wait(sys_clock_ns(CLOCK_MONOTONIC) + LAST_PAUSE_NS);
		ret = sampler_heap->report(&s->link, s->now.tick + next);
		if (s->link.others != sent)
			i = 0;
	}
	return ret == -EAGAIN ? 0 : ret;
}

/* One sample. Returns 0, or why there can be no more. */
static int sample(struct sampler *s, uint64_t tick, uint64_t now_ns, bool slow, bool last)
{
	struct page before = s->page;
	int ret;

	record_init(&s->now);
	s->now.tick = tick;
	s->now.late_us = (now_ns - tick_ns(tick, s->freq)) / 1000;
	ret = procfs_read_status(&s->proc, &s->now);
	if (ret < 0)
		return ret;
	is_untraced = !s->proc.traced;
	record_set(&s->now, FIELD_EVERY, s->pace.skips + 1);
	if (slow || s->page.live == 0) {
		if (s->link.fd >= 0)
			s->page = link_page(&s->link);
		if (s->page.flags & PAGE_RETURNS)
			sampler_config.returns = true;
		/* Another run file, which does not know what was told before. */
		if (before.live && s->page.file != before.file)
			s->link.is_fresh = true;
		s->shift_ns = shift_of(s);
	}
	/* While nobody is there to be told, nothing is read that costs the program more. */
	if (s->link.fd >= 0)
		read_rollup(s, now_ns, last);
	if (slow && s->link.fd >= 0)
		read_slow(s, now_ns);
	else
		skip_slow(s);
	if (s->link.fd < 0)
		link_return(&s->link, &sampler_config, sys_clock_ns(CLOCK_MONOTONIC));
	if (sampler_heap)
		sampler_heap->fill(&s->now);
	ret = link_send(&s->link, &s->now);
	if (ret == 0 && sampler_heap && (slow || is_new_peak(s)))
		ret = tell_heap(s, last);
	return ret;
}

/*
 * Of so many ticks, the first that is not missed reads everything: that is 60 us where a fast tick is
 * 20, and in a tree of thousands ten times a second would be whole CPUs.
 */
static uint64_t slow_every(const struct sampler *s)
{
	return (uint64_t)tick_slow_every(s->freq) * (1 + s->page.live / SLOW_AT_ONCE);
}

/* Ticks go on: what the program does to its ids and filters must be seen. */
static int wait_for_return(struct sampler *s)
{
	link_leave(&s->link, sys_clock_ns(CLOCK_MONOTONIC));
	sampler_config.hello_flags = WIRE_HELLO_RETURN;
	return 0;
}

/* Samples until it is told to stop, or cannot any more. Returns 0 or why. */
static int run(struct sampler *s)
{
	uint64_t next = pace_next(&s->pace, tick_at(host_now(s), s->freq));
	int ret = 0;

	while (ret == 0) {
		uint64_t at = tick_ns(next, s->freq) + s->shift_ns + (uint64_t)s->clock_offset;
		enum guest_command command = s->is_last ? GUEST_LAST : guest_wait(at);
		uint64_t now_ns = host_now(s);
		uint64_t tick = tick_at(now_ns, s->freq);
		uint64_t group = tick / slow_every(s);

		if (command == GUEST_STOP)
			return 0;
		ret = sample(s, tick, now_ns, command == GUEST_LAST || group != s->slow_last,
			     command == GUEST_LAST);
		if (link_is_gone(ret) && sampler_config.returns)
			ret = wait_for_return(s);
		s->slow_last = group;
		s->is_last = false;
		if (command == GUEST_LAST)
			guest_answer();
		/* Where that took longer than a period, the wait ends at once, on a later tick. */
		next = pace_next(&s->pace, tick);
	}
	return ret;
}

/*
 * Where more processes start than the collector can accept at once, we wait for our turn. The clock's
 * offset is not known yet: it is not needed for a wait.
 */
static int connect_in_turn(struct sampler *s)
{
	int ret;

	while ((ret = link_open(&s->link, &sampler_config)) == -EAGAIN) {
		uint64_t next = tick_at(host_now(s), s->freq) + 1;
		enum guest_command command = guest_wait(tick_ns(next, s->freq));

		if (command == GUEST_LAST)
			guest_answer();
		if (command == GUEST_STOP)
			return -ECANCELED;
	}
	return ret;
}

/*
 * Says whether we are still wanted then. A heap is told of also where the process ends at once: then the last
 * sample is the first.
 */
static bool sleep_first(uint64_t delay_ns, bool *ret_last)
{
	uint64_t until = sys_clock_ns(CLOCK_MONOTONIC) + delay_ns;
	enum guest_command command = GUEST_LAST;

	while (delay_ns && command == GUEST_LAST) {
		command = guest_wait(until);
		*ret_last = command == GUEST_LAST && sampler_heap;
		if (*ret_last)
			break;
		if (command == GUEST_LAST)
			guest_answer();
	}
	return !guest_is_stopping();
}

/* Returns 0, or a negative errno. */
static long begin(struct sampler *s)
{
	long ret = leave_files(sampler_config.debug);

	if (ret < 0) {
		sampler_say("no file table of its own, errno", ret);
		return ret;
	}
	be_ordinary();
	if (!sleep_first(sampler_config.delay_ns, &s->is_last))
		return -ECANCELED;
	s->freq = sampler_config.freq;
	ret = procfs_open(&s->proc);
	if (ret < 0) {
		sampler_say("cannot read /proc/self/status, errno", ret);
		return ret;
	}
	is_untraced = !s->proc.traced;
	if (guest_is_stopping())
		return -ECANCELED;
	ret = connect_in_turn(s);
	if (ret < 0 && ret != -ECANCELED && sampler_config.returns)
		ret = wait_for_return(s);
	if (ret < 0)
		sampler_say("cannot reach the collector, errno", ret);
	s->clock_offset = read_clock_offset(s->proc.text, sizeof(s->proc.text));
	return ret;
}

static int sampler_main(void *state)
{
	struct sampler *s = state;
	int ret;

	if (begin(s) < 0)
		return 0;
	ret = run(s);
	if (ret == -EACCES)
		is_barred = true;
	if (ret < 0)
		sampler_say("it ended, errno", ret);
	return ret == -EOWNERDEAD ? procfs_exit_status(&s->proc) : 0;
}

/*
 * A seccomp filter may kill the process for a call that the program itself never makes. The
 * launcher has made them all: where it ran under as many filters, they are harmless. Under filters
 * that are all the program's own not even /proc is looked at.
 */
static bool filters_allow(void)
{
	/*
	 * A program's thread may have no more stack than what fork() itself takes. With another 1,024
	 * bytes our data would need a page more than the file has: a mapping, and a page to be made, at
	 * every exec (2% of spawning /bin/true).
	 */
	static char text[3072];
	size_t len = 0;
	const char *line;
	long n;

	if (is_barred)
		return false;
	if (sys_1(SYS_prctl, PR_GET_SECCOMP) == 0)
		return true;
	if (sampler_config.filters == 0)
		return false;
	n = procfs_slurp("/proc/thread-self/status", text, sizeof(text));
	line = parse_line(text, n > 0 ? (size_t)n : 0, "Seccomp_filters", &len);
	return line && len && (uint64_t)parse_number(line, len, NULL) == sampler_config.filters;
}

bool sampler_is_barred(void)
{
	return is_barred;
}

bool sampler_may_be_traced(void)
{
	return !is_untraced;
}

void sampler_bar(bool barred)
{
	is_barred = barred;
}

void sampler_start(uint32_t hello_flags, uint64_t delay_ns)
{
	int ret;

	if (!filters_allow()) {
		sampler_say("a seccomp filter may forbid it, errno", EACCES);
		return;
	}
	is_untraced = false;
	sampler_config.hello_flags = hello_flags;
	sampler_config.delay_ns = delay_ns;
	ret = guest_start(sampler_main, sizeof(struct sampler));
	if (ret < 0)
		sampler_say("no thread or memory for it, errno", ret);
}

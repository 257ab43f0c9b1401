/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <time.h>

#include "core/heapwire.h"
#include "preload/heap/account.h"
#include "preload/heap/areas.h"
#include "preload/heap/heap.h"
#include "preload/heap/modules.h"
#include "preload/heap/report.h"
#include "preload/heap/stacks.h"
#include "preload/sys.h"

/* Stacks that are told under the lock at a time: who wants to add one waits for us, 10 us at most. */
#define BATCH 32u
/* Stacks that a connection's beginning looks at under the lock at a time. */
#define SWEEP 256u
/*
 * The list of modules may take one part in so many of a CPU where a stack waits for it (programs that make code
 * have ever new ones), and one in so many otherwise: libc unloads libraries without dlclose().
 */
#define READ_EVERY	  200u
#define READ_ANYWAY_EVERY 2000u
/* What looking at where memory is may take of a CPU, in the whole tree. */
#define LOOK_EVERY 200u

struct told {
	uint32_t id;
	struct heapwire_sums change;
	bool is_new;
};

static struct {
	bool is_bypassed;
	uint32_t next_number;  /* of the connection's stacks */
	uint32_t generation;   /* that the list of modules was read in */
	bool has_modules;      /* the connection was told a list */
	uint64_t read_ns;      /* when the list was read, by our CLOCK_MONOTONIC, */
	uint64_t read_cost_ns; /* and what that took */
	bool has_areas;	       /* these are known, as of the last look: */
	int64_t slack, stack_bytes;
	uint64_t look_ns;      /* when it was done, by our CLOCK_MONOTONIC, */
	uint64_t look_cost_ns; /* and what it took */
	uint64_t looking_ns;   /* what the next one has taken so far; 0: it has not begun */
	struct told told[BATCH];
	uint8_t stacks[WIRE_MESSAGE_MAX];
	uint8_t sums[WIRE_MESSAGE_MAX];
} report;

void report_bypassed(void)
{
	report.is_bypassed = true;
}

/* Newton's, from above. */
static int64_t square_root(double v)
{
	double x = v > 1 ? v : 1;

	if (v <= 0)
		return 0;
	for (double next; (next = (x + v / x) / 2) < x;)
		x = next;
	return (int64_t)(x + 0.5);
}

/* A word of its own: read without the lock, for the words need not be of one instant. */
static int64_t look(const int64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* What has come and gone since the last look is the rest's, so that the parts are all of RssAnon. */
static void fill_areas(struct record *ret, int64_t live, int64_t inherited)
{
	int64_t heap = live + inherited + report.slack;

	if (!record_has(ret, FIELD_RSS_ANON) || !report.has_areas) {
		ret->reason[SOURCE_AREAS] = report.look_ns ? REASON_FAILED : REASON_NOT_DUE;
		return;
	}
	ret->reason[SOURCE_AREAS] = REASON_OK;
	record_set(ret, FIELD_HEAP_SLACK, report.slack);
	record_set(ret, FIELD_HEAP_STACKS, report.stack_bytes);
	record_set(ret, FIELD_HEAP_REST,
		   ret->value[FIELD_RSS_ANON] * 1024 - heap - report.stack_bytes);
}

void report_fill(struct record *ret)
{
	double unit = (double)heap_interval() * (double)heap_interval() / HEAPWIRE_VARIANCE;
	int64_t live, inherited, mapped;

	if (!heap_interval())
		return;
	heap_settle();
	live = look(&stacks_totals.heap.live_bytes);
	inherited = look(&stacks_totals.inherited_heap);
	mapped = look(&stacks_totals.mapping.live_bytes);
	ret->reason[SOURCE_HEAP] = REASON_OK;
	record_set(ret, FIELD_HEAP_LIVE, live);
	record_set(ret, FIELD_HEAP_LIVE_SE,
		   square_root((double)look(&stacks_totals.heap.live_variance) * unit));
	record_set(ret, FIELD_HEAP_INHERITED, inherited);
	record_set(ret, FIELD_HEAP_MAPPED, mapped);
	fill_areas(ret, live, inherited);
	account_fill(ret);
}

static void look_at_areas(uint32_t live)
{
	uint64_t pause = report.look_cost_ns * LOOK_EVERY * (live ? live : 1);
	uint64_t cost = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	enum areas_answer answer;
	struct areas areas;

	if (!heap_interval() ||
	    (!report.looking_ns && sys_clock_ns(CLOCK_MONOTONIC) - report.look_ns < pause))
		return;
	answer = areas_look(&areas);
	report.looking_ns += sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cost;
	if (answer == AREAS_PART)
		return;
	report.has_areas = answer == AREAS_WHOLE;
	report.look_ns = sys_clock_ns(CLOCK_MONOTONIC);
	report.look_cost_ns = report.looking_ns;
	report.looking_ns = 0;
	if (!report.has_areas)
		return;
	heap_settle();
	report.slack = areas.heap - look(&stacks_totals.heap.live_bytes) -
		       look(&stacks_totals.inherited_heap);
	report.stack_bytes = areas.stacks;
}

void report_look(uint32_t live)
{
	account_want();
	look_at_areas(live);
}

static int send(struct link *link, const struct bytes_out *out, const uint8_t *message)
{
	return link_send_raw(link, message, (size_t)(out->p - message));
}

/* The whole list, in as many messages as it takes. Returns 0, or why it could not be told. */
static int send_modules(struct link *link)
{
	struct heapwire_modules head = {.interval = heap_interval() ? heap_interval() : 1};
	struct heapwire_module module;
	struct heapwire_out to;
	struct bytes_out out;
	enum wire_kind kind = WIRE_MODULES;
	uint32_t i = 0;

	if (link->is_fresh)
		head.flags |= HEAPWIRE_RESTART;
	if (report.is_bypassed)
		head.flags |= HEAPWIRE_BYPASSED;
	do {
		int ret;

		out = (struct bytes_out){report.stacks, report.stacks + sizeof(report.stacks),
					 false};
		heapwire_begin_modules(&to, &out, kind, &head);
		while (modules_get(i, &module) && heapwire_put_module(&to, &module))
			i++;
		ret = send(link, &out, report.stacks);
		if (ret < 0)
			return ret;
		kind = WIRE_MODULES_MORE;
	} while (modules_get(i, &module));
	link->is_fresh = false;
	report.has_modules = true;
	return 0;
}

static bool may_read_modules(unsigned every)
{
	return sys_clock_ns(CLOCK_MONOTONIC) - report.read_ns >= report.read_cost_ns * every;
}

/* Reads the list; says whether the collector must be told another one. */
static bool read_modules(uint32_t number)
{
	uint64_t cost = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	bool changed;

	report.generation = stacks_generation();
	changed = modules_read(report.generation, number);
	report.read_ns = sys_clock_ns(CLOCK_MONOTONIC);
	report.read_cost_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cost;
	return changed;
}

/* A connection begins: nothing was told in it. */
static int begin(struct link *link, uint32_t number)
{
	bool more = true;

	report.next_number = 0;
	report.has_modules = false;
	read_modules(number);
	if (!heap_lock())
		return -EDEADLK;
	stacks_begin();
	heap_unlock();
	while (more) {
		if (!heap_lock())
			return -EDEADLK;
		more = stacks_sweep(SWEEP);
		heap_unlock();
	}
	return send_modules(link);
}

/*
 * With the lock: what is to be told of the next stacks. Returns how many; *ret_wait: the list of modules is too
 * old for some, which wait for another.
 */
static unsigned gather(struct bytes_out *stacks, struct bytes_out *sums, uint64_t tick,
		       bool *ret_wait)
{
	struct heapwire_out to_stacks, to_sums;
	unsigned n = 0;
	uint32_t number = report.next_number;

	heapwire_begin_stacks(&to_stacks, stacks, number);
	heapwire_begin_heap(&to_sums, sums, tick, heap_lost());
	while (n < BATCH) {
		struct heapwire_stack told;
		struct told *now = &report.told[n];
		struct stack *stack = stacks_take(&now->id);
		enum modules_answer answer = MODULES_KNOWN;

		if (!stack)
			break;
		now->is_new = stack->number == 0;
		if (now->is_new) {
			answer = modules_ask(stack->frame, stack->count, stack->generation);
			if ((answer == MODULES_UNKNOWN && stack->born >= modules_report()) ||
			    stack->generation > report.generation) {
				*ret_wait = true;
				stacks_hold(now->id);
				continue;
			}
			told.flags = stack->flags;
			if (answer == MODULES_REPLACED)
				told.flags |= HEAPWIRE_HOMELESS;
			told.count = stack->count;
			for (unsigned i = 0; i < stack->count; i++)
				told.frame[i] = stack->frame[i];
			if (!heapwire_put_stack(&to_stacks, &told)) {
				stacks_put_back(now->id);
				break;
			}
			stack->number = ++number;
		}
		now->change = (struct heapwire_sums){
			.blocks = stack->now.blocks - stack->told.blocks,
			.bytes = stack->now.bytes - stack->told.bytes,
			.live_blocks = stack->now.live_blocks - stack->told.live_blocks,
			.live_bytes = stack->now.live_bytes - stack->told.live_bytes,
			.live_variance = stack->now.live_variance - stack->told.live_variance,
		};
		heapwire_put_sums(&to_sums, stack->number - 1, &now->change);
		stack->told = stack->now;
		n++;
	}
	if (number == report.next_number)
		stacks->p = report.stacks; /* there are no new ones */
	report.next_number = number;
	return n;
}

/* They were not told after all. */
static void take_back(unsigned n, bool stacks_too)
{
	if (!heap_lock())
		return;
	for (unsigned i = n; i-- > 0;) {
		struct told *told = &report.told[i];
		struct stack *stack = stacks_get(told->id);

		stack->told.blocks -= told->change.blocks;
		stack->told.bytes -= told->change.bytes;
		stack->told.live_blocks -= told->change.live_blocks;
		stack->told.live_bytes -= told->change.live_bytes;
		stack->told.live_variance -= told->change.live_variance;
		if (stacks_too && told->is_new) {
			stack->number = 0;
			report.next_number--;
		}
		stacks_put_back(told->id);
	}
	heap_unlock();
}

/* Tells the next few. Returns how many, or why it could not. */
static int send_some(struct link *link, uint64_t tick, bool *ret_wait)
{
	struct bytes_out stacks = {report.stacks, report.stacks + sizeof(report.stacks), false};
	struct bytes_out sums = {report.sums, report.sums + sizeof(report.sums), false};
	unsigned n;
	int ret = 0;

	if (!heap_lock())
		return -EDEADLK;
	n = gather(&stacks, &sums, tick, ret_wait);
	heap_unlock();
	if (n == 0)
		return 0;
	if (stacks.p > report.stacks)
		ret = send(link, &stacks, report.stacks);
	if (ret < 0) {
		take_back(n, true);
		return ret;
	}
	ret = send(link, &sums, report.sums);
	if (ret < 0)
		take_back(n, false);
	return ret < 0 ? ret : (int)n;
}

static void release(void)
{
	if (!heap_lock())
		return;
	stacks_release();
	heap_unlock();
}

static int tell_all(struct link *link, uint64_t tick, bool *ret_wait)
{
	int ret;

	do
		ret = send_some(link, tick, ret_wait);
	while (ret > 0);
	return ret;
}

/* A list of modules that is too old is read anew, once: what is unknown then is told the next time. */
static int tell(struct link *link, uint64_t tick, uint32_t number)
{
	bool wait = false;
	int ret = tell_all(link, tick, &wait);

	if (!wait)
		return ret;
	release();
	if (ret < 0 || !may_read_modules(READ_EVERY))
		return ret;
	if (read_modules(number))
		ret = send_modules(link);
	if (ret == 0)
		ret = tell_all(link, tick, &wait);
	release();
	return ret;
}

int report_send(struct link *link, uint64_t tick)
{
	uint32_t number;
	int ret = 0;

	/* A child that got no whole tables has nothing to tell. */
	if (link->fd < 0 || (!heap_interval() && !report.is_bypassed) || !heap_lock())
		return 0;
	number = stacks_report();
	heap_unlock();
	if (link->is_fresh || !report.has_modules)
		ret = begin(link, number);
	else if (may_read_modules(READ_ANYWAY_EVERY) && read_modules(number))
		ret = send_modules(link);
	if (ret == 0)
		ret = tell(link, tick, number);
	/* A lock that is lost with a thread is not the collector's end. */
	return ret == -EDEADLK ? 0 : ret;
}

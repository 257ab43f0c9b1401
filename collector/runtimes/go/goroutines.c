/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/goroutines.h"

/* Goroutines that are read together. */
#define CHUNK 64

/* The end of a stack that is read at once: of most it is all that they use. */
#define STACK_PART 4096

/* The runtime has it set in the state of one whose stack it scans. */
#define SCAN_BIT 0x1000u

/* How often one that moves is read. */
#define TRIES 4

/* No runtime's g has its members further from its beginning. */
#define G_SIZE_MAX 512

#define NS_MAX ((int64_t)1 << 62)

/* What a g was, as the process had it. */
struct g {
	uint64_t address;
	uint8_t bytes[G_SIZE_MAX];
	uint8_t again[G_SIZE_MAX]; /* after its stack was read */
	uint64_t from;		   /* the address of its stack's part */
	size_t size;
	size_t used; /* of it, up to its outermost frame */
	uint8_t part[STACK_PART], part_again[STACK_PART];
	struct go_walk walk;
	enum go_stack stack;
	/* Of a system call: its number, by the thread, before all else was read and after it. */
	bool has_tick;
	uint32_t tick, tick_again;
};

/* On the heap: helper threads have small stacks. */
struct work {
	const struct go_goroutines *from;
	size_t g_size; /* up to its last member that is needed */
	uint64_t bottom;
	uint64_t list; /* where all pointers were last */
	uint64_t pointers[CHUNK];
	struct go_batch batch;
	size_t count;
	struct g gs[CHUNK];
	uint8_t more[STACK_PART];
	struct go_walk first;
};

static const enum go_member NEEDED[] = {
	GO_G_STATUS,   GO_G_ID,		GO_G_STACK_LO,	 GO_G_STACK_HI, GO_G_SCHED_PC,
	GO_G_SCHED_SP, GO_G_SYSCALL_PC, GO_G_SYSCALL_SP, GO_G_GO_PC,	GO_G_START_PC,
};

static const enum go_member WANTED[] = {
	GO_G_WAIT_REASON, GO_G_WAIT_SINCE, GO_G_LOCKED_M, GO_G_TRACKING_SEQ, GO_G_PARENT, GO_G_M,
};

/* What says that a goroutine has not run meanwhile: it stands where it stood, on the same stack. */
static const enum go_member STANDS[] = {
	GO_G_ID,       GO_G_STACK_LO,	GO_G_STACK_HI,	 GO_G_SCHED_PC,
	GO_G_SCHED_SP, GO_G_SYSCALL_PC, GO_G_SYSCALL_SP,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *go_state_text(enum go_state state)
{
	switch (state) {
#define STATE_CASE(name, number, text) \
	case GO_STATE_##name:          \
		return text;
		GO_STATE_LIST(STATE_CASE)
	case GO_STATES:
		break;
	}
	return "???";
}

static bool is_used(uint32_t status)
{
	status &= ~SCAN_BIT;
	return status != GO_STATE_IDLE && status != GO_STATE_DEAD && status != GO_STATE_DEAD_EXTRA;
}

/* Of a member; 0 where this Go has none. */
static uint64_t get(const struct go_layout *layout, const uint8_t *bytes, enum go_member member,
		    size_t size)
{
	uint64_t v = 0;

	if (layout->has[member])
		memcpy(&v, bytes + layout->member[member], size);
	return v;
}

static uint64_t get64(const struct work *work, const uint8_t *bytes, enum go_member member)
{
	return get(work->from->layout, bytes, member, 8);
}

static uint32_t status_of(const struct work *work, const uint8_t *bytes)
{
	return (uint32_t)get(work->from->layout, bytes, GO_G_STATUS, 4);
}

static bool is_in_call(const struct work *work, const uint8_t *bytes)
{
	return (status_of(work, bytes) & ~SCAN_BIT) == GO_STATE_SYSCALL;
}

/* How much of a g is needed. */
static int measure(const struct go_layout *layout, size_t *ret)
{
	uint32_t last = 0;

	for (size_t i = 0; i < COUNT(NEEDED) + COUNT(WANTED); i++) {
		enum go_member member = i < COUNT(NEEDED) ? NEEDED[i] : WANTED[i - COUNT(NEEDED)];

		if (!layout->has[member] && i < COUNT(NEEDED))
			return -EOPNOTSUPP;
		if (layout->has[member] && layout->member[member] > last)
			last = layout->member[member];
	}
	if (!layout->global[GO_GLOBAL_ALLGLEN] || !layout->global[GO_GLOBAL_ALLGPTR])
		return -EOPNOTSUPP;
	*ret = last + 8;
	return *ret <= G_SIZE_MAX ? 0 : -EOPNOTSUPP;
}

static int read_global(const struct work *work, enum go_global global, uint64_t *ret)
{
	const struct go_memory *memory = work->from->memory;

	return go_memory_read(memory, memory->bias + work->from->layout->global[global], ret,
			      sizeof(*ret));
}

/* The list of all that there ever were; it only grows. */
static int begin_list(struct work *work, uint64_t *ret_count)
{
	/* The list is made longer before its length is: that has to be read first. */
	int err = read_global(work, GO_GLOBAL_ALLGLEN, ret_count);

	if (err == 0)
		err = read_global(work, GO_GLOBAL_ALLGPTR, &work->list);
	if (err < 0)
		return err;
	return *ret_count == 0 || *ret_count > GO_GOROUTINES_MAX || work->list == 0 ? -EAGAIN : 0;
}

/* Some pointers. Where the list has been moved to have more room, what was read may have been something else. */
static int read_pointers(struct work *work, uint64_t at)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t list = work->list;
		int err = go_memory_read(work->from->memory, list + at * sizeof(uint64_t),
					 work->pointers, work->count * sizeof(uint64_t));
		int again = read_global(work, GO_GLOBAL_ALLGPTR, &work->list);

		if (again < 0 || work->list == list)
			return again < 0 ? again : err;
	}
	return -EAGAIN;
}

/* So many g's from that one on. */
static int read_gs(struct work *work, uint64_t at, uint64_t left)
{
	int err;

	work->count = left < CHUNK ? (size_t)left : CHUNK;
	err = read_pointers(work, at);
	if (err < 0)
		return err;
	go_batch_begin(&work->batch, work->from->memory);
	for (size_t i = 0; i < work->count; i++) {
		work->gs[i].address = work->pointers[i];
		work->gs[i].has_tick = false;
		go_batch_add(&work->batch, work->pointers[i], work->gs[i].bytes, work->g_size);
	}
	return go_batch_end(&work->batch);
}

/* Where it stands. In a system call it is where that was made, for the runtime leads a thread on from there. */
static int begin_walk(const struct work *work, struct g *g)
{
	bool is_syscall = is_in_call(work, g->bytes) && get64(work, g->bytes, GO_G_SYSCALL_SP);
	uint64_t pc = get64(work, g->bytes, is_syscall ? GO_G_SYSCALL_PC : GO_G_SCHED_PC);
	uint64_t sp = get64(work, g->bytes, is_syscall ? GO_G_SYSCALL_SP : GO_G_SCHED_SP);
	uint64_t high = get64(work, g->bytes, GO_G_STACK_HI);
	int err = go_walk_begin(&g->walk, pc, sp, get64(work, g->bytes, GO_G_STACK_LO), high,
				work->bottom);

	if (err < 0)
		return err;
	g->from = sp;
	g->size = high - sp < STACK_PART ? (size_t)(high - sp) : STACK_PART;
	return 0;
}

/* Whether there is a stack to be read. Without one g->stack says all there is, until it is read again. */
static bool is_wanted(const struct work *work, struct g *g)
{
	uint32_t state = status_of(work, g->bytes) & ~SCAN_BIT;

	g->size = g->used = 0;
	g->stack = state == GO_STATE_RUNNING ? GO_STACK_RUNNING : GO_STACK_TORN;
	if (!is_used(state) || state == GO_STATE_RUNNING || state == GO_STATE_COPYSTACK)
		return false;
	/* One that is about to run has its stack pointer no more. */
	if (begin_walk(work, g) < 0) {
		g->size = 0;
		return false;
	}
	return true;
}

static void walk(struct work *work, struct g *g)
{
	struct go_walk_bytes bytes = {g->from, g->part, g->size};
	uint64_t want;
	int err;

	while ((err = go_walk_on(&g->walk, work->from->tab, &bytes, &want)) == -EAGAIN) {
		uint64_t left = g->walk.top - want;

		bytes = (struct go_walk_bytes){want, work->more,
					       left < STACK_PART ? (size_t)left : STACK_PART};
		if (go_memory_read(work->from->memory, want, work->more, bytes.size) < 0)
			break;
	}
	g->stack = err == 0 ? GO_STACK_WHOLE : GO_STACK_BROKEN;
	g->used = g->walk.sp - g->from < g->size ? (size_t)(g->walk.sp - g->from) : g->size;
}

/* Reads once more what was made use of. */
static void add_again(struct work *work, struct g *g)
{
	go_batch_add(&work->batch, g->address, g->again, work->g_size);
	if (g->used > 0)
		go_batch_add(&work->batch, g->from, g->part_again, g->used);
}

static bool counts_calls(const struct work *work)
{
	return work->from->layout->has[GO_G_M] && work->from->layout->has[GO_M_SYSCALL_TICK];
}

static bool read_tick(const struct work *work, uint64_t m, uint32_t *ret)
{
	return m &&
	       go_memory_read(work->from->memory, m + work->from->layout->member[GO_M_SYSCALL_TICK],
			      ret, sizeof(*ret)) == 0;
}

/*
 * Nothing in a g counts system calls since 1.26: in a loop of them it may be in the same one, to the last word,
 * whenever it is looked at, and elsewhere whenever its stack is. Its thread keeps the call's number. Without
 * that it is never known.
 */
static bool is_another_call(const struct work *work, const struct g *g)
{
	if (!is_in_call(work, g->bytes))
		return false;
	return !g->has_tick || g->tick != g->tick_again ||
	       get64(work, g->bytes, GO_G_M) != get64(work, g->again, GO_G_M);
}

static bool has_moved(const struct work *work, const struct g *g)
{
	if (is_another_call(work, g))
		return true;
	if ((status_of(work, g->bytes) ^ status_of(work, g->again)) & ~SCAN_BIT)
		return true;
	/* It may have come back to where it was: this counts, up to 255, how often it has run. */
	if (get(work->from->layout, g->bytes, GO_G_TRACKING_SEQ, 1) !=
	    get(work->from->layout, g->again, GO_G_TRACKING_SEQ, 1))
		return true;
	for (size_t i = 0; i < COUNT(STANDS); i++)
		if (get64(work, g->bytes, STANDS[i]) != get64(work, g->again, STANDS[i]))
			return true;
	return memcmp(g->part, g->part_again, g->used) != 0;
}

static bool is_same(const struct go_walk *a, const struct go_walk *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count && i < COUNT(a->kept); i++)
		same = a->kept[i].pc == b->kept[i].pc;
	return same;
}

/* What lies beyond the part is read once more, too: by a second walk. */
static void walk_again(struct work *work, struct g *g)
{
	if (g->stack != GO_STACK_WHOLE || g->walk.sp - g->from <= g->size)
		return;
	work->first = g->walk;
	begin_walk(work, g);
	walk(work, g);
	if (g->stack == GO_STACK_WHOLE && !is_same(&work->first, &g->walk))
		g->stack = GO_STACK_TORN;
}

static int read_again(struct work *work, struct g *g)
{
	int err;

	go_batch_begin(&work->batch, work->from->memory);
	add_again(work, g);
	err = go_batch_end(&work->batch);
	walk_again(work, g);
	g->has_tick = g->has_tick && read_tick(work, get64(work, g->bytes, GO_G_M), &g->tick_again);
	return err;
}

/* All of it. A stack that has been moved meanwhile may be gone. */
static int read_anew(struct work *work, struct g *g)
{
	const struct go_memory *memory = work->from->memory;
	int err;

	g->has_tick = counts_calls(work) && is_in_call(work, g->again) &&
		      read_tick(work, get64(work, g->again, GO_G_M), &g->tick);
	err = go_memory_read(memory, g->address, g->bytes, work->g_size);
	if (err == 0 && is_wanted(work, g) &&
	    go_memory_read(memory, g->from, g->part, g->size) == 0)
		walk(work, g);
	return err < 0 ? err : read_again(work, g);
}

/* Whether nothing more is to be found out. */
static bool is_settled(const struct work *work, const struct g *g)
{
	return !has_moved(work, g) && (!is_used(status_of(work, g->bytes)) ||
				       g->stack == GO_STACK_WHOLE || g->stack == GO_STACK_RUNNING);
}

/* One by itself, as often as it moves. */
static int settle(struct work *work, struct g *g)
{
	int err = 0;

	walk_again(work, g);
	for (int i = 0; i < TRIES && err == 0 && !is_settled(work, g); i++)
		err = read_anew(work, g);
	if (err < 0 || has_moved(work, g))
		g->stack = GO_STACK_TORN;
	return err == -EFAULT ? 0 : err;
}

/* The stacks of those that were read, and whether they still stand there. */
static int read_stacks(struct work *work)
{
	const struct go_memory *memory = work->from->memory;
	int err;

	go_batch_begin(&work->batch, memory);
	for (size_t i = 0; i < work->count; i++)
		if (is_wanted(work, &work->gs[i]))
			go_batch_add(&work->batch, work->gs[i].from, work->gs[i].part,
				     work->gs[i].size);
	err = go_batch_end(&work->batch);
	/* One that is gone spoils it for all: then each is read by itself. */
	for (size_t i = 0; i < work->count && err == 0; i++)
		if (work->gs[i].size > 0)
			walk(work, &work->gs[i]);
	if (err < 0 && err != -EFAULT)
		return err;
	go_batch_begin(&work->batch, memory);
	for (size_t i = 0; i < work->count; i++)
		add_again(work, &work->gs[i]);
	err = go_batch_end(&work->batch);
	for (size_t i = 0; i < work->count && err == 0; i++)
		err = settle(work, &work->gs[i]);
	return err;
}

static int tell(struct work *work, const struct g *g, go_goroutines_sink *sink, void *arg)
{
	uint32_t status = status_of(work, g->bytes);
	int64_t since_ns = (int64_t)get64(work, g->bytes, GO_G_WAIT_SINCE);
	struct go_goroutine goroutine = {
		.id = get64(work, g->bytes, GO_G_ID),
		.state = (enum go_state)(status & ~SCAN_BIT),
		.wait_reason = (uint8_t)get(work->from->layout, g->bytes, GO_G_WAIT_REASON, 1),
		.wait_since_ns = since_ns > 0 && since_ns < NS_MAX ? since_ns : 0,
		.is_locked = get64(work, g->bytes, GO_G_LOCKED_M) != 0,
		.is_scanned = status & SCAN_BIT,
		.go_pc = get64(work, g->bytes, GO_G_GO_PC),
		.start_pc = get64(work, g->bytes, GO_G_START_PC),
		.parent = get64(work, g->bytes, GO_G_PARENT),
		.stack = g->stack,
		.walk = g->stack == GO_STACK_WHOLE ? &g->walk : NULL,
	};

	return is_used(status) ? sink(arg, &goroutine) : 0;
}

static int read_all(struct work *work, go_goroutines_sink *sink, void *arg)
{
	uint64_t count;
	int err = begin_list(work, &count);

	for (uint64_t at = 0; err == 0 && at < count; at += CHUNK) {
		err = read_gs(work, at, count - at);
		if (err == 0)
			err = read_stacks(work);
		for (size_t i = 0; err == 0 && i < work->count; i++)
			err = tell(work, &work->gs[i], sink, arg);
	}
	return err;
}

int go_goroutines_read(const struct go_goroutines *from, go_goroutines_sink *sink, void *arg)
{
	struct go_function bottom;
	struct work *work;
	size_t g_size;
	int err = measure(from->layout, &g_size);

	if (err == 0 && go_pclntab_find_name(from->tab, "runtime.goexit", &bottom) < 0)
		err = -EOPNOTSUPP;
	if (err < 0)
		return err;
	work = malloc(sizeof(*work));
	if (!work)
		return -ENOMEM;
	work->from = from;
	work->g_size = g_size;
	work->bottom = bottom.entry;
	err = read_all(work, sink, arg);
	free(work);
	return err;
}

bool go_goroutines_is_own(const struct go_goroutines *from, const struct go_goroutine *goroutine)
{
	struct go_function function;

	if (go_pclntab_find(from->tab, goroutine->start_pc, &function) < 0)
		return false;
	return !strncmp(function.name, "runtime.", 8) && strcmp(function.name, "runtime.main") &&
	       strcmp(function.name, "runtime.corostart") &&
	       strcmp(function.name, "runtime.handleAsyncEvent");
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

void go_goroutines_reason(const struct go_goroutines *from, const struct go_goroutine *goroutine,
			  char ret[GO_REASON_SIZE])
{
	uint64_t list = from->layout->global[GO_GLOBAL_WAIT_REASONS];
	bool waits = goroutine->state == GO_STATE_WAITING || goroutine->state == GO_STATE_LEAKED;
	struct {
		uint64_t address, size;
	} text;

	/* 0 is none. */
	if (list && waits && goroutine->wait_reason &&
	    go_memory_read(from->memory,
			   from->memory->bias + list + goroutine->wait_reason * sizeof(text), &text,
			   sizeof(text)) == 0 &&
	    text.size > 0 && text.size < GO_REASON_SIZE &&
	    go_memory_read(from->memory, text.address, ret, text.size) == 0) {
		ret[text.size] = '\0';
		if (is_plain(ret))
			return;
	}
	strcpy(ret, go_state_text(goroutine->state));
}

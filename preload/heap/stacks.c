/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "preload/heap/stacks.h"
#include "preload/sys.h"

#define STACKS_FIRST 512u /* a power of two */
#define CHUNK_SIZE   65536u
/* A program that unloads libraries without end has ever new stacks: more of them count as one, without frames. */
#define MEMORY_MAX ((size_t)64 << 20)
_Static_assert(sizeof(struct stack) + HEAPWIRE_FRAMES_MAX * sizeof(uint64_t) <= CHUNK_SIZE,
	       "a stack");

static struct {
	struct stack **stack; /* by id; 0 is none */
	uint32_t *index;      /* by hash: the first's id, 0: none */
	uint32_t count;	      /* the last id */
	uint32_t room;	      /* of both */
	uint8_t *chunk;	      /* the newest; chunk_left bytes from it on are free */
	size_t chunk_left;
	size_t memory;
	uint32_t epoch;
	uint32_t generation;
	uint32_t connection;
	uint32_t reports;
	uint32_t dirty, last_dirty; /* a queue */
	uint32_t held;		    /* a stack of those */
	uint32_t swept;		    /* in this connection: ids up to it */
} all;

struct stacks_totals stacks_totals;

static void *map(size_t size)
{
	long at = sys_6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	if (at < 0 && at > -4096)
		return NULL;
	all.memory += size;
	return (void *)at;
}

static void unmap(void *at, size_t size)
{
	if (!at)
		return;
	sys_2(SYS_munmap, at, size);
	all.memory -= size;
}

static void enter(struct stack *stack, uint32_t id)
{
	uint32_t *head = &all.index[stack->hash & (all.room - 1)];

	stack->next = *head;
	*head = id;
}

static bool grow(void)
{
	uint32_t room = all.room ? all.room * 2 : STACKS_FIRST;
	struct stack **stack = map(room * sizeof(*stack));
	uint32_t *index = map(room * sizeof(*index));

	if (!stack || !index) {
		unmap(stack, room * sizeof(*stack));
		unmap(index, room * sizeof(*index));
		return false;
	}
	for (uint32_t i = 1; i <= all.count; i++)
		stack[i] = all.stack[i];
	unmap(all.stack, all.room * sizeof(*stack));
	unmap(all.index, all.room * sizeof(*index));
	all.stack = stack;
	all.index = index;
	all.room = room;
	for (uint32_t i = 1; i <= all.count; i++)
		enter(stack[i], i);
	return true;
}

/* Memory for a stack; NULL: none. */
static struct stack *get_room(unsigned count)
{
	size_t size = sizeof(struct stack) + count * sizeof(uint64_t);
	struct stack *ret;

	if (all.count + 1 >= all.room && (all.room >= HEAPWIRE_STACKS_MAX || !grow()))
		return NULL;
	if (all.chunk_left < size) {
		bool may = count == 0 || all.memory < MEMORY_MAX;
		uint8_t *chunk = may ? map(CHUNK_SIZE) : NULL;

		if (!chunk)
			return NULL;
		all.chunk = chunk;
		all.chunk_left = CHUNK_SIZE;
	}
	ret = (struct stack *)(void *)all.chunk;
	all.chunk += size;
	all.chunk_left -= size;
	return ret;
}

static uint64_t hash_of(const uint64_t *frame, unsigned count, unsigned flags)
{
	uint64_t hash = ((uint64_t)all.generation << 8 | flags) + 1;

	for (unsigned i = 0; i < count; i++) {
		hash = (hash ^ frame[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return hash;
}

static bool is_same(const struct stack *stack, const uint64_t *frame, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (stack->frame[i] != frame[i])
			return false;
	return true;
}

uint32_t stacks_find(const uint64_t *frame, unsigned count, unsigned flags)
{
	uint64_t hash = hash_of(frame, count, flags);
	uint32_t id = all.room ? all.index[hash & (all.room - 1)] : 0;
	struct stack *stack;

	for (; id; id = all.stack[id]->next) {
		stack = all.stack[id];
		if (stack->hash == hash && stack->count == count && stack->flags == flags &&
		    stack->generation == all.generation && is_same(stack, frame, count))
			return id;
	}
	stack = get_room(count);
	if (!stack)
		return count ? stacks_find(frame, 0, flags) : 0;
	*stack = (struct stack){.hash = hash,
				.epoch = all.epoch,
				.generation = all.generation,
				.born = all.reports,
				.count = (uint16_t)count,
				.flags = (uint8_t)flags};
	__builtin_memcpy(stack->frame, frame, count * sizeof(*frame));
	all.stack[++all.count] = stack;
	enter(stack, all.count);
	return all.count;
}

static bool is_zero(const struct heapwire_sums *sums)
{
	return !(sums->blocks | sums->bytes | sums->live_blocks | sums->live_bytes |
		 sums->live_variance);
}

static void add(struct heapwire_sums *to, const struct heapwire_sums *by)
{
	to->blocks += by->blocks;
	to->bytes += by->bytes;
	to->live_blocks += by->live_blocks;
	to->live_bytes += by->live_bytes;
	to->live_variance += by->live_variance;
}

static void mark_dirty(uint32_t id)
{
	struct stack *stack = all.stack[id];

	if (stack->is_dirty)
		return;
	stack->is_dirty = true;
	stack->next_dirty = 0;
	if (all.dirty)
		all.stack[all.last_dirty]->next_dirty = id;
	else
		all.dirty = id;
	all.last_dirty = id;
}

/* What is live came from before the fork. The generation is the stack's, not the newest. */
static void bequeath(uint32_t id)
{
	struct stack *stack = all.stack[id];
	uint32_t generation = all.generation;
	struct heapwire_sums live = {.live_blocks = stack->now.live_blocks,
				     .live_bytes = stack->now.live_bytes,
				     .live_variance = stack->now.live_variance};

	stack->now = (struct heapwire_sums){0};
	if (is_zero(&live))
		return;
	all.generation = stack->generation;
	stack->twin = stacks_find(stack->frame, stack->count,
				  stack->flags | (unsigned)HEAPWIRE_INHERITED);
	all.generation = generation;
	if (!stack->twin)
		return;
	add(&all.stack[stack->twin]->now, &live);
	mark_dirty(stack->twin);
}

/* Brings it into this process, which may be a child of the one that it was made in. */
static struct stack *settle(uint32_t id)
{
	struct stack *stack = all.stack[id];

	if (stack->epoch == all.epoch)
		return stack;
	stack->epoch = all.epoch;
	if (!(stack->flags & HEAPWIRE_INHERITED))
		bequeath(id);
	return stack;
}

void stacks_fork(void)
{
	all.epoch++;
	stacks_totals = (struct stacks_totals){
		.inherited_heap = stacks_totals.inherited_heap + stacks_totals.heap.live_bytes,
		.inherited_mapping =
			stacks_totals.inherited_mapping + stacks_totals.mapping.live_bytes,
	};
	/* What was to be told is the parent's business; here a connection's beginning sees to all. */
	for (uint32_t id = all.dirty; id; id = all.stack[id]->next_dirty)
		all.stack[id]->is_dirty = false;
	for (uint32_t id = all.held; id; id = all.stack[id]->next_dirty)
		all.stack[id]->is_dirty = false;
	all.dirty = all.last_dirty = all.held = 0;
}

uint32_t stacks_epoch(void)
{
	return all.epoch;
}

void stacks_new_generation(void)
{
	all.generation++;
}

uint32_t stacks_generation(void)
{
	return all.generation;
}

static void change_totals(unsigned flags, const struct heapwire_sums *by)
{
	if (flags & HEAPWIRE_INHERITED) {
		if (flags & HEAPWIRE_MAPPING)
			stacks_totals.inherited_mapping += by->live_bytes;
		else
			stacks_totals.inherited_heap += by->live_bytes;
	} else {
		add(flags & HEAPWIRE_MAPPING ? &stacks_totals.mapping : &stacks_totals.heap, by);
	}
}

void stacks_change(uint32_t id, uint32_t epoch, const struct heapwire_sums *by)
{
	struct stack *stack = settle(id);

	/* Of a stack that was bequeathed without memory for a twin nothing is told. */
	if (epoch != all.epoch) {
		id = stack->twin;
		stack = id ? settle(id) : NULL;
	}
	if (!stack)
		return;
	add(&stack->now, by);
	change_totals(stack->flags, by);
	mark_dirty(id);
}

void stacks_begin(void)
{
	all.connection++;
	all.swept = 0;
}

/* In a connection that has not heard of it nothing was told. */
static void renew(struct stack *stack)
{
	if (stack->connection == all.connection)
		return;
	stack->connection = all.connection;
	stack->number = 0;
	stack->told = (struct heapwire_sums){0};
}

bool stacks_sweep(unsigned count)
{
	for (; count && all.swept < all.count; count--) {
		struct stack *stack = settle(++all.swept);

		renew(stack);
		if (!is_zero(&stack->now))
			mark_dirty(all.swept);
	}
	return all.swept < all.count;
}

struct stack *stacks_take(uint32_t *ret_id)
{
	uint32_t id = all.dirty;
	struct stack *stack;

	*ret_id = id;
	if (!id)
		return NULL;
	stack = settle(id);
	all.dirty = stack->next_dirty;
	stack->is_dirty = false;
	renew(stack);
	return stack;
}

struct stack *stacks_get(uint32_t id)
{
	return all.stack[id];
}

void stacks_put_back(uint32_t id)
{
	mark_dirty(id);
}

void stacks_hold(uint32_t id)
{
	all.stack[id]->is_dirty = true;
	all.stack[id]->next_dirty = all.held;
	all.held = id;
}

void stacks_release(void)
{
	while (all.held) {
		uint32_t id = all.held;

		all.held = all.stack[id]->next_dirty;
		all.stack[id]->is_dirty = false;
		mark_dirty(id);
	}
}

uint32_t stacks_report(void)
{
	return ++all.reports;
}

size_t stacks_memory(void)
{
	return all.memory;
}

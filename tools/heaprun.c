/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "tools/heaprun.h"

/* A place in a process's memory. */
struct range {
	uint64_t start, end;
	uint32_t module;
};

/* A stack has sums only when something was told of it. */
struct stack {
	uint32_t node;
	uint32_t flags : 3;
	uint32_t sums : 29; /* number + 1; 0: none */
};

#define FLAGS_KNOWN (HEAPWIRE_MAPPING | HEAPWIRE_INHERITED | HEAPWIRE_HOMELESS)

struct heaprun_told {
	uint64_t interval;
	uint32_t comm; /* of the process, when it told this */
	bool has_sums;
	struct range *range; /* owned; the newest list, by address */
	uint32_t ranges, ranges_room;
	struct stack *stack; /* owned */
	uint32_t stacks, stacks_room;
	struct heapwire_sums *sums; /* owned */
	uint32_t sums_count, sums_room;
};

/* The stack before in a message, and the nodes of its frames. */
struct path {
	unsigned count;
	uint32_t home; /* how its frames were looked up */
	uint64_t frame[HEAPWIRE_FRAMES_MAX];
	uint32_t node[HEAPWIRE_FRAMES_MAX];
};

static struct heaprun_process *process_at(const struct heaprun *run, uint32_t i)
{
	return intern_at(&run->processes, i);
}

static struct heaprun_process *find_process(const struct heaprun *run, uint64_t id)
{
	int64_t i = intern_find(&run->processes, &id);

	return i < 0 ? NULL : process_at(run, (uint32_t)i);
}

static void told_free(struct heaprun_told *told)
{
	if (!told)
		return;
	free(told->range);
	free(told->stack);
	free(told->sums);
	free(told);
}

/* Room for one more. */
static int grow(void **array, uint32_t count, uint32_t *room, uint32_t max, size_t size)
{
	uint32_t more = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return 0;
	if (count >= max)
		return -ENOMEM;
	grown = reallocarray(*array, more, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

int heaprun_init(struct heaprun *run, const struct heaprun_instant *until)
{
	static const struct heaprun_module no_module;
	static const struct heaprun_frame no_frame = {.offset = UINT64_MAX};
	/* Never asked for: no node is its own parent. */
	static const struct heaprun_node root = {UINT32_MAX, UINT32_MAX};

	*run = (struct heaprun){
		.until = *until,
		.first_tick = UINT64_MAX,
		/* Without the address: it is another in each process. */
		.modules =
			INTERN_INIT(struct heaprun_module, offsetof(struct heaprun_module, start)),
		.frames = INTERN_INIT(struct heaprun_frame, sizeof(struct heaprun_frame)),
		.nodes = INTERN_INIT(struct heaprun_node, sizeof(struct heaprun_node)),
		.processes = INTERN_INIT(struct heaprun_process, sizeof(uint64_t))};
	if (texts_put(&run->texts, "", 0) < 0 || intern_put(&run->modules, &no_module) < 0 ||
	    intern_put(&run->frames, &no_frame) < 0 || intern_put(&run->nodes, &root) < 0)
		return -ENOMEM;
	return 0;
}

void heaprun_done(struct heaprun *run)
{
	for (uint32_t i = 0; i < run->processes.count; i++) {
		told_free(process_at(run, i)->told);
		told_free(process_at(run, i)->next);
	}
	intern_done(&run->processes);
	intern_done(&run->nodes);
	intern_done(&run->frames);
	intern_done(&run->modules);
	texts_done(&run->texts);
}

static int take_process(struct heaprun *run, struct bytes_in *in)
{
	struct heaprun_process key = {0};
	struct heaprun_process *process;
	struct rows_process is;
	int64_t i, comm, exe;

	if (rows_unpack_process(in, &is) < 0)
		return -EBADMSG;
	key.id = is.id;
	i = intern_put(&run->processes, &key);
	comm = texts_put(&run->texts, is.comm, is.comm_len);
	exe = texts_put(&run->texts, is.exe, is.exe_len);
	if (i < 0 || comm < 0 || exe < 0)
		return -ENOMEM;
	process = process_at(run, (uint32_t)i);
	/* Later it is that of whoever takes in orphans. */
	if (!process->ppid)
		process->ppid = is.ppid;
	process->pid = is.pid;
	process->first_ns = is.first_ns;
	process->last_ns = is.last_ns;
	process->ended = is.ended;
	if (is.comm_len || is.exe_len || is.argv_len) {
		process->comm = (uint32_t)comm;
		process->exe = (uint32_t)exe;
	}
	return 0;
}

/* With another program all is gone that the one before had. */
static int take_event(struct heaprun *run, struct bytes_in *in)
{
	struct heaprun_process *process;
	struct rows_event event;

	if (rows_unpack_event(in, &event) < 0)
		return -EBADMSG;
	process = find_process(run, event.process);
	if (!process || event.kind != EVENT_EXEC || event.time_ns > run->until.ns)
		return 0;
	process->exec_ns = event.time_ns;
	process->is_new = true;
	return 0;
}

/*
 * A list of modules has no time. When another program was begun at the instant, it is of that; else what
 * went before stays until something of the new connection is told that is not later than the instant.
 */
static int restart(struct heaprun_process *process)
{
	struct heaprun_told *told = calloc(1, sizeof(*told));

	if (!told)
		return -ENOMEM;
	told_free(process->next);
	process->next = told;
	if (process->is_new) {
		told_free(process->told);
		process->told = NULL;
	}
	process->is_new = false;
	return 0;
}

static int put_module(struct heaprun *run, struct heaprun_told *told,
		      const struct heapwire_module *is)
{
	struct heaprun_module module = {.offset = is->offset,
					.size = is->end - is->start,
					.start = is->start,
					.inode = is->inode};
	int64_t path, build_id, i;

	/* A list is told by ascending addresses; what overlaps is a lie. */
	if (told->ranges && told->range[told->ranges - 1].end > is->start)
		return 0;
	if (told->ranges == HEAPWIRE_MODULES_MAX)
		return 0;
	path = texts_put(&run->texts, is->path, is->path_len);
	build_id = texts_put(&run->texts, (const char *)is->build_id, is->build_id_len);
	if (path < 0 || build_id < 0 ||
	    grow((void **)&told->range, told->ranges, &told->ranges_room, HEAPWIRE_MODULES_MAX,
		 sizeof(*told->range)) < 0)
		return -ENOMEM;
	module.path = (uint32_t)path;
	module.build_id = (uint32_t)build_id;
	i = intern_put(&run->modules, &module);
	if (i < 0)
		return -ENOMEM;
	told->range[told->ranges++] = (struct range){is->start, is->end, (uint32_t)i};
	return 0;
}

static int take_modules(struct heaprun *run, struct heaprun_process *process, enum wire_kind kind,
			struct bytes_in body)
{
	struct heapwire_modules head;
	struct heapwire_module module;
	struct heaprun_told *told;
	struct heapwire_in from;
	int more;

	if (heapwire_open_modules(&from, body, kind, &head) < 0)
		return -EBADMSG;
	if (head.flags & HEAPWIRE_RESTART && restart(process) < 0)
		return -ENOMEM;
	if (head.flags & HEAPWIRE_BYPASSED)
		process->is_bypassed = true;
	told = process->next ? process->next : process->told;
	if (!told)
		return 0;
	if (kind == WIRE_MODULES)
		told->ranges = 0;
	told->interval = head.interval;
	while ((more = heapwire_next_module(&from, &module)) > 0)
		if (put_module(run, told, &module) < 0)
			return -ENOMEM;
	return more;
}

static const struct range *find_range(const struct heaprun_told *told, uint64_t address)
{
	uint32_t low = 0;
	uint32_t high = told->ranges;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (told->range[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < told->ranges && told->range[low].start <= address ? &told->range[low] : NULL;
}

/* A call may be a module's last instruction: it is the byte before that lies in it. */
static int64_t put_frame(struct heaprun *run, const struct heaprun_told *told, uint64_t address,
			 bool is_homeless)
{
	const struct range *range = is_homeless ? NULL : find_range(told, address - 1);
	struct heaprun_frame frame = {.offset = address};

	if (range) {
		frame.module = range->module;
		frame.offset =
			address - range->start + heaprun_module_at(run, range->module)->offset;
	}
	return intern_put(&run->frames, &frame);
}

/* The node of a whole stack, or -ENOMEM. What it shares with the one before it is known. */
static int64_t put_path(struct heaprun *run, const struct heaprun_told *told,
			const struct heapwire_stack *is, struct path *last)
{
	uint32_t home = is->flags & HEAPWIRE_HOMELESS;
	uint32_t parent = 0;
	unsigned same = 0;

	/* From the outer end, which is the last of the frames, and the first of the path. */
	while (home == last->home && same < is->count && same < last->count &&
	       is->frame[is->count - 1 - same] == last->frame[same])
		same++;
	if (same)
		parent = last->node[same - 1];
	last->home = home;
	last->count = is->count;
	for (unsigned i = same; i < is->count; i++) {
		uint64_t address = is->frame[is->count - 1 - i];
		int64_t frame = put_frame(run, told, address, home);
		struct heaprun_node node = {.parent = parent, .frame = (uint32_t)frame};
		int64_t number = frame < 0 ? frame : intern_put(&run->nodes, &node);

		if (number < 0)
			return number;
		last->frame[i] = address;
		last->node[i] = parent = (uint32_t)number;
	}
	return parent;
}

static int take_stacks(struct heaprun *run, struct heaprun_process *process, struct bytes_in body)
{
	struct heaprun_told *told = process->next ? process->next : process->told;
	const struct heapwire_stack *is;
	struct path last = {0};
	struct heapwire_in from;
	uint64_t number;
	int more;

	if (heapwire_open_stacks(&from, body, &number) < 0)
		return -EBADMSG;
	while ((more = heapwire_next_stack(&from, &is)) > 0) {
		int64_t node;

		/* Each is told once, and after those before it. */
		if (!told || number++ != told->stacks)
			continue;
		node = put_path(run, told, is, &last);
		if (node < 0 || grow((void **)&told->stack, told->stacks, &told->stacks_room,
				     HEAPWIRE_STACKS_MAX, sizeof(*told->stack)) < 0)
			return -ENOMEM;
		told->stack[told->stacks++] =
			(struct stack){.node = (uint32_t)node, .flags = is->flags & FLAGS_KNOWN};
	}
	return more;
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int add_sums(struct heaprun_told *told, struct stack *stack,
		    const struct heapwire_sums *change)
{
	struct heapwire_sums *sums;

	if (!stack->sums) {
		if (grow((void **)&told->sums, told->sums_count, &told->sums_room,
			 HEAPWIRE_STACKS_MAX, sizeof(*told->sums)) < 0)
			return -ENOMEM;
		told->sums[told->sums_count++] = (struct heapwire_sums){0};
		stack->sums = told->sums_count & ((1u << 29) - 1);
	}
	sums = &told->sums[stack->sums - 1];
	sums->blocks = plus(sums->blocks, change->blocks);
	sums->bytes = plus(sums->bytes, change->bytes);
	sums->live_blocks = plus(sums->live_blocks, change->live_blocks);
	sums->live_bytes = plus(sums->live_bytes, change->live_bytes);
	sums->live_variance = plus(sums->live_variance, change->live_variance);
	return 0;
}

static int take_heap(struct heaprun *run, struct heaprun_process *process, struct bytes_in body)
{
	struct heapwire_sums change;
	struct heaprun_told *told;
	struct heapwire_in from;
	uint64_t tick, lost, stack;
	int more;

	if (heapwire_open_heap(&from, body, &tick, &lost) < 0)
		return -EBADMSG;
	if (tick < run->first_tick)
		run->first_tick = tick;
	if (tick > run->last_tick)
		run->last_tick = tick;
	if (process->next && tick <= run->until.tick) {
		told_free(process->told);
		process->told = process->next;
		process->next = NULL;
	}
	told = tick <= run->until.tick ? process->told : NULL;
	if (told) {
		process->lost = lost;
		told->has_sums = true;
		told->comm = process->comm;
	}
	while ((more = heapwire_next_sums(&from, &stack, &change)) > 0)
		if (told && stack < told->stacks &&
		    add_sums(told, &told->stack[stack], &change) < 0)
			return -ENOMEM;
	return more;
}

static int take_message(struct heaprun *run, struct bytes_in *in)
{
	struct heaprun_process *process;
	uint64_t id;
	uint8_t kind;

	if (rows_unpack_heap(in, &id, &kind) < 0)
		return -EBADMSG;
	run->is_told = true;
	process = find_process(run, id);
	if (!process)
		return 0;
	switch (kind) {
	case WIRE_MODULES:
	case WIRE_MODULES_MORE:
		return take_modules(run, process, kind, *in);
	case WIRE_STACKS:
		return take_stacks(run, process, *in);
	case WIRE_HEAP:
		return take_heap(run, process, *in);
	default:
		return 0;
	}
}

int heaprun_take(struct heaprun *run, uint64_t kind, struct bytes_in section)
{
	switch (kind) {
	case SECTION_PROCESS:
		return take_process(run, &section);
	case SECTION_EVENT:
		return take_event(run, &section);
	case SECTION_HEAP:
		return take_message(run, &section);
	default:
		return 0;
	}
}

/* ------------------------------------------------------------------------------------------------ */

static bool is_alive(const struct heaprun *run, const struct heaprun_process *process)
{
	if (run->until.is_end)
		return true;
	return process->first_ns <= run->until.ns &&
	       (!process->ended || process->last_ns >= run->until.ns);
}

/* Whether it holds anything that was allocated before its fork. */
static bool has_inherited(const struct heaprun_told *told)
{
	for (uint32_t i = 0; i < told->stacks; i++) {
		const struct stack *stack = &told->stack[i];

		if (stack->flags & HEAPWIRE_INHERITED && stack->sums &&
		    told->sums[stack->sums - 1].live_bytes > 0)
			return true;
	}
	return false;
}

/* Processes by pid, and of one pid by when they began. */
struct by_pid {
	uint64_t pid, first_ns;
	uint32_t process;
};

static int compare_pids(const void *left, const void *right)
{
	const struct by_pid *a = left;
	const struct by_pid *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return (a->process > b->process) - (a->process < b->process);
}

/* Who had that pid when its child began: the last that had begun by then. UINT32_MAX: nobody. */
static uint32_t find_parent(const struct by_pid *list, uint32_t n,
			    const struct heaprun_process *child)
{
	uint32_t low = 0;
	uint32_t high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (list[mid].pid < child->ppid ||
		    (list[mid].pid == child->ppid && list[mid].first_ns <= child->first_ns))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || list[low - 1].pid != child->ppid)
		return UINT32_MAX;
	return list[low - 1].process;
}

/* Forks of forks of forks: deeper ones are taken for the heirs of somebody unknown. */
#define FORKS_MAX 256

/*
 * The first in the line of forks from which it has what it has inherited. *ret_alive: somebody in it
 * still has that in the program that forked. UINT32_MAX: not known.
 */
static uint32_t find_origin(const struct heaprun *run, const struct by_pid *list, uint32_t n,
			    uint32_t heir, bool *ret_alive)
{
	const struct heaprun_process *child = heaprun_process_at(run, heir);
	uint32_t origin = UINT32_MAX;

	*ret_alive = false;
	for (int i = 0; i < FORKS_MAX; i++) {
		uint32_t at = find_parent(list, n, child);
		const struct heaprun_process *parent;

		if (at == UINT32_MAX)
			return origin;
		parent = heaprun_process_at(run, at);
		if (parent == child)
			return origin;
		origin = at;
		/* What it had is gone when it has run another program since. */
		if (parent->is_counted && parent->exec_ns <= child->first_ns)
			*ret_alive = true;
		/* It had forked before it ran the program that it told of. */
		if (*ret_alive || !parent->told ||
		    (!has_inherited(parent->told) && parent->exec_ns <= child->first_ns))
			return origin;
		child = parent;
	}
	return origin;
}

struct heir {
	uint32_t origin, process;
	uint64_t id;
};

static int compare_heirs(const void *left, const void *right)
{
	const struct heir *a = left;
	const struct heir *b = right;

	if (a->origin != b->origin)
		return a->origin < b->origin ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static void settle_heirs(struct heaprun *run, const struct by_pid *list, uint32_t n,
			 struct heir *heir)
{
	uint32_t heirs = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct heaprun_process *process = heaprun_process_at(run, i);
		bool is_alive;
		uint32_t origin;

		if (!process->has_inherited)
			continue;
		origin = find_origin(run, list, n, i, &is_alive);
		if (!is_alive)
			heir[heirs++] = (struct heir){origin, i, process->id};
	}
	qsort(heir, heirs, sizeof(*heir), compare_heirs);
	for (uint32_t i = 0; i < heirs; i++)
		if (!i || heir[i].origin != heir[i - 1].origin)
			process_at(run, heir[i].process)->is_heir = true;
}

int heaprun_settle(struct heaprun *run)
{
	uint32_t n = run->processes.count;
	struct by_pid *list = calloc(n + 1, sizeof(*list));
	struct heir *heir = calloc(n + 1, sizeof(*heir));

	for (uint32_t i = 0; list && heir && i < n; i++) {
		struct heaprun_process *process = process_at(run, i);

		/* What it told was of another program. */
		if (process->is_new) {
			told_free(process->told);
			process->told = NULL;
		}
		list[i] = (struct by_pid){process->pid, process->first_ns, i};
		process->is_counted =
			process->told && process->told->has_sums && is_alive(run, process);
		process->has_inherited = process->is_counted && has_inherited(process->told);
		if (process->told && process->told->has_sums)
			process->comm = process->told->comm;
	}
	if (list && heir) {
		qsort(list, n, sizeof(*list), compare_pids);
		settle_heirs(run, list, n, heir);
	}
	free(list);
	free(heir);
	return list && heir ? 0 : -ENOMEM;
}

static bool is_zero(const struct heapwire_sums *sums)
{
	return !(sums->blocks | sums->bytes | sums->live_blocks | sums->live_bytes |
		 sums->live_variance);
}

bool heaprun_next(const struct heaprun *run, struct heaprun_cursor *cursor,
		  struct heaprun_sample *ret)
{
	for (; cursor->process < run->processes.count; cursor->process++, cursor->stack = 0) {
		const struct heaprun_process *process = heaprun_process_at(run, cursor->process);
		const struct heaprun_told *told = process->told;

		while (process->is_counted && cursor->stack < told->stacks) {
			const struct stack *stack = &told->stack[cursor->stack++];
			const struct heapwire_sums *sums;

			if (!stack->sums ||
			    (stack->flags & HEAPWIRE_INHERITED && !process->is_heir))
				continue;
			sums = &told->sums[stack->sums - 1];
			if (is_zero(sums))
				continue;
			*ret = (struct heaprun_sample){.process = process,
						       .node = stack->node,
						       .flags = stack->flags,
						       .interval = told->interval,
						       .sums = *sums};
			if (sums->live_variance > 0)
				ret->live_square = (double)told->interval * (double)told->interval *
						   (double)sums->live_variance / HEAPWIRE_VARIANCE;
			return true;
		}
	}
	return false;
}

uint64_t heaprun_interval(const struct heaprun *run)
{
	uint64_t interval = 0;

	for (uint32_t i = 0; i < run->processes.count; i++) {
		const struct heaprun_process *process = heaprun_process_at(run, i);

		if (process->is_counted && process->told->interval > interval)
			interval = process->told->interval;
	}
	return interval;
}

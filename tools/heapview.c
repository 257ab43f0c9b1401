/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heapview.h"
#include "tools/plain.h"
#include "tools/summary.h"

/* What the tables for people show; the other formats have all. */
#define FUNCTIONS_SHOWN 40
#define STACKS_SHOWN	10
#define FRAMES_SHOWN	40
#define MODULES_SHOWN	10

static const struct symbols_line *line_at(const struct heapview *view, uint32_t i)
{
	return intern_at(&view->symbols.lines, i);
}

static const struct symbols_function *function_at(const struct heapview *view, uint32_t i)
{
	return intern_at(&view->symbols.functions, i);
}

/* ---- names ------------------------------------------------------------------------------------- */

/* Marks the frames of all stacks that count: those have a count of 1 then. Returns how many, or -ENOMEM. */
static int64_t mark_frames(struct heapview *view)
{
	const struct heaprun *run = view->run;
	bool *is_seen = calloc(run->nodes.count, sizeof(*is_seen));
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;
	int64_t n = 0;

	if (!is_seen)
		return -ENOMEM;
	while (heaprun_next(run, &cursor, &sample)) {
		for (uint32_t at = sample.node; at && !is_seen[at];) {
			const struct heaprun_node *node = heaprun_node_at(run, at);

			n += !view->place[node->frame].count;
			view->place[node->frame].count = 1;
			is_seen[at] = true;
			at = node->parent;
		}
	}
	free(is_seen);
	return n;
}

static int name_address(struct heapview *view, uint32_t frame)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "0x%" PRIx64,
			   heaprun_frame_at(view->run, frame)->offset);
	int64_t line = symbols_name(&view->symbols, text, (size_t)len);

	/* Settled when all chains are there. */
	view->place[frame].first = (uint32_t)line;
	return line < 0 ? -ENOMEM : 0;
}

/* A frame, and the file that it is in. */
struct asked {
	uint32_t path, build_id;
	uint64_t inode;
	uint32_t frame;
};

static int compare_asked(const void *left, const void *right)
{
	const struct asked *a = left;
	const struct asked *b = right;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	if (a->build_id != b->build_id)
		return a->build_id < b->build_id ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

/* n frames of one file. */
static int resolve_file(struct heapview *view, const struct asked *asked, size_t n,
			struct symbols_place *place)
{
	const struct heaprun *run = view->run;
	struct symbols_module module = {.path = texts_at(&run->texts, asked->path, NULL),
					.inode = asked->inode,
					.since_ns = view->since_ns};
	int err;

	module.build_id =
		(const uint8_t *)texts_at(&run->texts, asked->build_id, &module.build_id_len);
	for (size_t i = 0; i < n; i++)
		place[i] = (struct symbols_place){
			.offset = heaprun_frame_at(run, asked[i].frame)->offset,
			.tag = asked[i].frame};
	err = symbols_resolve(&view->symbols, &module, place, n);
	for (size_t i = 0; err == 0 && i < n; i++) {
		uint64_t of = heaprun_frame_at(run, place[i].tag)->module;

		view->place[place[i].tag] = (struct heapview_place){place[i].first, place[i].count};
		view->module[of] = (struct heapview_module){module.found, module.why, true};
	}
	return err;
}

static int resolve_files(struct heapview *view, struct asked *asked, size_t n)
{
	struct symbols_place *place = calloc(n + 1, sizeof(*place));
	int err = place ? 0 : -ENOMEM;

	qsort(asked, n, sizeof(*asked), compare_asked);
	for (size_t i = 0, next; err == 0 && i < n; i = next) {
		for (next = i + 1; next < n && asked[next].path == asked[i].path &&
				   asked[next].build_id == asked[i].build_id &&
				   asked[next].inode == asked[i].inode;)
			next++;
		err = resolve_file(view, asked + i, next - i, place);
	}
	free(place);
	return err;
}

/* Frames that are in no file: their names stand in the chain behind all others. */
static int chain_addresses(struct heapview *view, uint32_t addresses)
{
	const struct heaprun *run = view->run;
	struct symbols *symbols = &view->symbols;
	uint64_t room = (uint64_t)symbols->chain_count + addresses + 2;
	uint32_t *grown =
		room < INTERN_MAX ? reallocarray(symbols->chain, room, sizeof(*grown)) : NULL;

	if (!grown)
		return -ENOMEM;
	symbols->chain = grown;
	symbols->chain_room = (uint32_t)room;
	for (uint32_t i = 0; i < run->frames.count; i++) {
		if (!view->place[i].count || heaprun_frame_at(run, i)->module)
			continue;
		symbols->chain[symbols->chain_count] = view->place[i].first;
		view->place[i].first = symbols->chain_count++;
	}
	return 0;
}

static int resolve_frames(struct heapview *view, size_t marked)
{
	const struct heaprun *run = view->run;
	struct asked *asked = calloc(marked + 1, sizeof(*asked));
	uint32_t addresses = 0;
	size_t n = 0;
	int err = asked ? 0 : -ENOMEM;

	for (uint32_t i = 0; err == 0 && i < run->frames.count; i++) {
		uint64_t of = heaprun_frame_at(run, i)->module;
		const struct heaprun_module *module = heaprun_module_at(run, of);

		if (!view->place[i].count)
			continue;
		if (of) {
			asked[n++] =
				(struct asked){module->path, module->build_id, module->inode, i};
		} else {
			err = name_address(view, i);
			addresses++;
		}
	}
	if (err == 0)
		err = resolve_files(view, asked, n);
	if (err == 0)
		err = chain_addresses(view, addresses);
	free(asked);
	return err;
}

int heapview_init(struct heapview *view, const struct heaprun *run, int64_t since_ns)
{
	int64_t mapped, untold;
	int64_t marked;

	*view = (struct heapview){.run = run, .since_ns = since_ns};
	view->place = calloc(run->frames.count, sizeof(*view->place));
	view->module = calloc(run->modules.count, sizeof(*view->module));
	if (symbols_init(&view->symbols) < 0 || !view->place || !view->module)
		return -ENOMEM;
	mapped = symbols_name(&view->symbols, "[mmap]", 6);
	untold = symbols_name(&view->symbols, "[unknown]", 9);
	marked = mark_frames(view);
	if (mapped < 0 || untold < 0 || marked < 0)
		return -ENOMEM;
	view->line_mapped = (uint32_t)mapped;
	view->line_untold = (uint32_t)untold;
	return resolve_frames(view, (size_t)marked);
}

void heapview_done(struct heapview *view)
{
	symbols_done(&view->symbols);
	free(view->place);
	free(view->module);
}

/* ---- what is live ------------------------------------------------------------------------------ */

struct amount {
	int64_t bytes, blocks; /* blocks: HEAPWIRE_BLOCKths */
	double square;	       /* the variance of bytes */
};

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add(struct amount *to, const struct amount *more)
{
	to->bytes = plus(to->bytes, more->bytes);
	to->blocks = plus(to->blocks, more->blocks);
	to->square += more->square;
}

/* Less than nothing is nobody's: the file lies, or the sampler was late. */
static struct amount live_of(const struct heaprun_sample *sample)
{
	const struct heapwire_sums *sums = &sample->sums;

	return (struct amount){.bytes = sums->live_bytes > 0 ? sums->live_bytes : 0,
			       .blocks = sums->live_blocks > 0 ? sums->live_blocks : 0,
			       .square = sample->live_square};
}

static int64_t whole_blocks(const struct amount *amount)
{
	return amount->blocks / HEAPWIRE_BLOCK +
	       (amount->blocks % HEAPWIRE_BLOCK >= HEAPWIRE_BLOCK / 2);
}

/* By Newton, from above, as the collector does: without a library of mathematics. */
static double root_of(double square)
{
	double root = square;
	double next = square;

	if (!(square >= 1))
		return 0;
	do {
		root = next;
		next = (root + square / root) / 2;
	} while (next < root);
	return root;
}

/* What may stand in a line of text, in runs; what may not is a '?', and `except` a ':'. */
static void put_plain(FILE *to, const char *text, size_t len, char except)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t done = 0;

	for (size_t i = 0; i < len;) {
		size_t n = plain_len(p + i, len - i);

		if (n && p[i] != (unsigned char)except) {
			i += n;
			continue;
		}
		fwrite_unlocked(p + done, 1, i - done, to);
		putc_unlocked(n ? ':' : '?', to);
		done = ++i;
	}
	fwrite_unlocked(p + done, 1, len - done, to);
}

/* ---- folded ------------------------------------------------------------------------------------ */

/* Stacks of names, as a tree: different places in a function are one. */
struct name_node {
	uint32_t parent, name; /* text of the symbols */
};

struct folded {
	const struct heapview *view; /* borrowed */
	struct intern names;	     /* of struct name_node; 0: the root */
	uint32_t *name_of;	     /* owned; by node of the run: + 1; 0: not known yet */
	struct intern lines;	     /* of struct folded_line */
};

struct folded_line {
	uint32_t comm, names;
	int64_t bytes;
	double square;
};

static int64_t put_name(struct folded *folded, int64_t parent, uint32_t line)
{
	const struct symbols_line *is = line_at(folded->view, line);
	struct name_node node = {.parent = (uint32_t)parent,
				 .name = function_at(folded->view, is->function)->name};

	return parent < 0 ? parent : intern_put(&folded->names, &node);
}

/* The names of a stack, or -ENOMEM. */
static int64_t name_node(struct folded *folded, uint32_t node)
{
	const struct heapview *view = folded->view;
	uint32_t path[HEAPWIRE_FRAMES_MAX];
	unsigned n = 0;
	int64_t at;

	for (; node && !folded->name_of[node] && n < HEAPWIRE_FRAMES_MAX;
	     node = heaprun_node_at(view->run, node)->parent)
		path[n++] = node;
	at = node ? folded->name_of[node] - 1 : 0;
	while (n-- > 0) {
		const struct heapview_place *place =
			&view->place[heaprun_node_at(view->run, path[n])->frame];

		for (uint32_t i = place->count; i-- > 0;)
			at = put_name(folded, at, view->symbols.chain[place->first + i]);
		if (at < 0)
			return at;
		folded->name_of[path[n]] = (uint32_t)at + 1;
	}
	return at;
}

static int fold(struct folded *folded, const struct heaprun_sample *sample)
{
	struct folded_line line = {.comm = sample->process->comm};
	struct amount live = live_of(sample);
	int64_t names = name_node(folded, sample->node);
	struct folded_line *is;
	int64_t number;

	if (names >= 0 && !sample->node)
		names = put_name(folded, 0, folded->view->line_untold);
	if (names >= 0 && sample->flags & HEAPWIRE_MAPPING)
		names = put_name(folded, names, folded->view->line_mapped);
	if (names < 0 || !live.bytes)
		return names < 0 ? (int)names : 0;
	line.names = (uint32_t)names;
	number = intern_put(&folded->lines, &line);
	if (number < 0)
		return (int)number;
	is = intern_at(&folded->lines, (uint32_t)number);
	is->bytes = plus(is->bytes, live.bytes);
	is->square += live.square;
	return 0;
}

static void put_stack_names(const struct folded *folded, const struct folded_line *line, FILE *to)
{
	static uint32_t path[HEAPWIRE_FRAMES_MAX * 64 + 2];
	const struct heapview *view = folded->view;
	size_t len;
	const char *text = texts_at(&view->run->texts, line->comm, &len);
	unsigned n = 0;

	for (uint32_t at = line->names; at && n < sizeof(path) / sizeof(*path);) {
		const struct name_node *node = intern_at(&folded->names, at);

		path[n++] = node->name;
		at = node->parent;
	}
	put_plain(to, len ? text : "?", len ? len : 1, ';');
	while (n-- > 0) {
		text = texts_at(&view->symbols.texts, path[n], &len);
		putc_unlocked(';', to);
		put_plain(to, text, len, ';');
	}
}

/* What is done with each line, and an argument for it. */
typedef int take_line(const struct folded *folded, const struct folded_line *line, void *arg);

static int fold_all(const struct heapview *view, take_line *take, void *arg)
{
	static const struct name_node root = {UINT32_MAX, UINT32_MAX};
	struct folded folded = {.view = view,
				.names = INTERN_INIT(struct name_node, sizeof(struct name_node)),
				.lines = INTERN_INIT(struct folded_line, 2 * sizeof(uint32_t)),
				.name_of = calloc(view->run->nodes.count, sizeof(uint32_t))};
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;
	int err = folded.name_of && intern_put(&folded.names, &root) == 0 ? 0 : -ENOMEM;

	while (err == 0 && heaprun_next(view->run, &cursor, &sample))
		err = fold(&folded, &sample);
	for (uint32_t i = 0; err == 0 && i < folded.lines.count; i++)
		err = take(&folded, intern_at(&folded.lines, i), arg);
	intern_done(&folded.names);
	intern_done(&folded.lines);
	free(folded.name_of);
	return err;
}

static int put_line(const struct folded *folded, const struct folded_line *line, void *arg)
{
	put_stack_names(folded, line, arg);
	fprintf(arg, " %" PRId64 "\n", line->bytes);
	return 0;
}

int heapview_put_folded(const struct heapview *view, FILE *to)
{
	return fold_all(view, put_line, to);
}

struct listener {
	heapview_each *each;
	void *arg;
};

static int tell_line(const struct folded *folded, const struct folded_line *line, void *arg)
{
	const struct listener *listener = arg;
	struct heapview_stack stack = {.bytes = line->bytes, .square = line->square};
	char *text = NULL;
	FILE *to = open_memstream(&text, &stack.len);
	int err = -ENOMEM;

	if (to) {
		put_stack_names(folded, line, to);
		err = fclose(to) == 0 ? 0 : -ENOMEM;
	}
	stack.text = text;
	if (err == 0)
		err = listener->each(listener->arg, &stack);
	free(text);
	return err;
}

int heapview_fold(const struct heapview *view, heapview_each *each, void *arg)
{
	struct listener listener = {each, arg};

	return fold_all(view, tell_line, &listener);
}

/* ---- for people -------------------------------------------------------------------------------- */

/* Of all processes. */
struct whole {
	uint32_t node, flags; /* flags: HEAPWIRE_MAPPING or 0 */
	struct amount live;
};

struct row {
	struct amount flat, cum;
	uint32_t function;
	uint32_t line; /* that with the most */
	uint32_t seen; /* the stack that was counted last, + 1 */
};

struct line_row {
	int64_t bytes;
	uint32_t seen;
};

struct text {
	const struct heapview *view; /* borrowed */
	FILE *to;		     /* borrowed */
	struct intern stacks;	     /* of struct whole */
	struct row *row;	     /* owned; by function */
	struct line_row *line;	     /* owned; by line */
	struct amount heap, mapped;
	uint64_t processes;
};

static int sum_stacks(struct text *text)
{
	const struct heaprun *run = text->view->run;
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;

	while (heaprun_next(run, &cursor, &sample)) {
		struct whole whole = {.node = sample.node,
				      .flags = sample.flags & HEAPWIRE_MAPPING};
		struct amount live = live_of(&sample);
		int64_t number;

		if (!live.bytes)
			continue;
		number = intern_put(&text->stacks, &whole);
		if (number < 0)
			return -ENOMEM;
		add(&((struct whole *)intern_at(&text->stacks, (uint32_t)number))->live, &live);
		add(whole.flags ? &text->mapped : &text->heap, &live);
	}
	for (uint32_t i = 0; i < run->processes.count; i++)
		text->processes += heaprun_process_at(run, i)->is_counted;
	return 0;
}

/* A function counts once, however often it stands in the stack. */
static void count_line(struct text *text, uint32_t line, const struct amount *live, uint32_t stack,
		       bool is_leaf)
{
	uint32_t function = line_at(text->view, line)->function;
	struct row *row = &text->row[function];

	if (is_leaf)
		add(&row->flat, live);
	if (row->seen != stack + 1)
		add(&row->cum, live);
	row->seen = stack + 1;
	if (text->line[line].seen != stack + 1)
		text->line[line].bytes = plus(text->line[line].bytes, live->bytes);
	text->line[line].seen = stack + 1;
}

static void count_stack(struct text *text, uint32_t number)
{
	const struct heapview *view = text->view;
	const struct whole *whole = intern_at(&text->stacks, number);
	bool is_leaf = !whole->flags;

	if (whole->flags)
		count_line(text, view->line_mapped, &whole->live, number, true);
	if (!whole->node)
		count_line(text, view->line_untold, &whole->live, number, is_leaf);
	for (uint32_t at = whole->node; at;) {
		const struct heaprun_node *node = heaprun_node_at(view->run, at);
		const struct heapview_place *place = &view->place[node->frame];

		for (uint32_t i = 0; i < place->count; i++, is_leaf = false)
			count_line(text, view->symbols.chain[place->first + i], &whole->live,
				   number, is_leaf);
		at = node->parent;
	}
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;

	if (a->flat.bytes != b->flat.bytes)
		return a->flat.bytes > b->flat.bytes ? -1 : 1;
	if (a->cum.bytes != b->cum.bytes)
		return a->cum.bytes > b->cum.bytes ? -1 : 1;
	return (a->function > b->function) - (a->function < b->function);
}

static int compare_wholes(const void *left, const void *right)
{
	const struct whole *a = *(const struct whole *const *)left;
	const struct whole *b = *(const struct whole *const *)right;

	if (a->live.bytes != b->live.bytes)
		return a->live.bytes > b->live.bytes ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static const char *error_of(const struct amount *amount, char *buf, size_t size)
{
	double error = root_of(amount->square);

	return summary_bytes(error < 9e18 ? (int64_t)error : INT64_MAX, buf, size);
}

static double share(const struct text *text, const struct amount *amount)
{
	double all = (double)text->heap.bytes + (double)text->mapped.bytes;

	return all > 0 ? 100 * (double)amount->bytes / all : 0;
}

static void put_head(const struct text *text, const char *instant)
{
	char live[32], error[32], mapped[32], interval[32];

	fprintf(text->to,
		"heap %s: %" PRIu64 " process%s; live %s \302\261 %s in %" PRId64
		" blocks (estimated, sampled every %s), mapped %s\n",
		instant, text->processes, text->processes == 1 ? "" : "es",
		summary_bytes(text->heap.bytes, live, sizeof(live)),
		error_of(&text->heap, error, sizeof(error)), whole_blocks(&text->heap),
		summary_bytes((int64_t)(heaprun_interval(text->view->run) & INT64_MAX), interval,
			      sizeof(interval)),
		summary_bytes(text->mapped.bytes, mapped, sizeof(mapped)));
}

static void put_place(const struct text *text, uint32_t line)
{
	const struct symbols_line *is = line_at(text->view, line);
	const struct symbols_function *function = function_at(text->view, is->function);
	const struct texts *texts = &text->view->symbols.texts;
	size_t len;
	const char *name = texts_at(texts, function->name, &len);

	put_plain(text->to, name, len, 0);
	if (!function->file)
		return;
	name = texts_at(texts, function->file, &len);
	fputs("  ", text->to);
	put_plain(text->to, name, len, 0);
	if (is->line)
		fprintf(text->to, ":%" PRIu32, is->line);
}

static void put_functions(struct text *text)
{
	uint32_t n = text->view->symbols.functions.count;

	for (uint32_t i = 0; i < n; i++) {
		text->row[i].function = i;
		text->row[i].line = UINT32_MAX;
	}
	for (uint32_t i = 0; i < text->view->symbols.lines.count; i++) {
		struct row *row = &text->row[line_at(text->view, i)->function];

		if (row->line == UINT32_MAX || text->line[i].bytes > text->line[row->line].bytes)
			row->line = i;
	}
	qsort(text->row, n, sizeof(*text->row), compare_rows);
	fprintf(text->to, "\n%10s %11s %6s %10s %11s %6s %9s  %s\n", "flat", "\302\261", "%", "cum",
		"\302\261", "%", "blocks", "function");
	for (uint32_t i = 0; i < n && i < FUNCTIONS_SHOWN && text->row[i].cum.bytes > 0; i++) {
		const struct row *row = &text->row[i];
		char flat[32], flat_error[32], cum[32], cum_error[32];

		fprintf(text->to, "%10s %10s %5.1f%% %10s %10s %5.1f%% %9" PRId64 "  ",
			summary_bytes(row->flat.bytes, flat, sizeof(flat)),
			error_of(&row->flat, flat_error, sizeof(flat_error)),
			share(text, &row->flat), summary_bytes(row->cum.bytes, cum, sizeof(cum)),
			error_of(&row->cum, cum_error, sizeof(cum_error)), share(text, &row->cum),
			whole_blocks(&row->flat));
		put_place(text, row->line);
		putc('\n', text->to);
	}
}

static void put_frame(const struct text *text, uint32_t line)
{
	fputs("        ", text->to);
	put_place(text, line);
	putc('\n', text->to);
}

static void put_stack(const struct text *text, const struct whole *whole)
{
	const struct heapview *view = text->view;
	char bytes[32], error[32];
	unsigned shown = 0;

	fprintf(text->to, "\n%s \302\261 %s (%.1f%%), %" PRId64 " blocks\n",
		summary_bytes(whole->live.bytes, bytes, sizeof(bytes)),
		error_of(&whole->live, error, sizeof(error)), share(text, &whole->live),
		whole_blocks(&whole->live));
	if (whole->flags)
		put_frame(text, view->line_mapped);
	if (!whole->node)
		put_frame(text, view->line_untold);
	for (uint32_t at = whole->node; at;) {
		const struct heaprun_node *node = heaprun_node_at(view->run, at);
		const struct heapview_place *place = &view->place[node->frame];

		for (uint32_t i = 0; i < place->count; i++, shown++) {
			if (shown == FRAMES_SHOWN) {
				fputs("        ...\n", text->to);
				return;
			}
			put_frame(text, view->symbols.chain[place->first + i]);
		}
		at = node->parent;
	}
}

static int put_stacks(const struct text *text)
{
	uint32_t n = text->stacks.count;
	const struct whole **list = calloc(n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		list[i] = intern_at(&text->stacks, i);
	qsort(list, n, sizeof(*list), compare_wholes);
	for (uint32_t i = 0; i < n && i < STACKS_SHOWN; i++)
		put_stack(text, list[i]);
	free(list);
	return 0;
}

const char *heapview_nameless(const struct heapview *view, uint32_t *at, size_t *ret_len,
			      const char **ret_why)
{
	const struct heaprun *run = view->run;

	while (*at < run->modules.count) {
		uint32_t i = (*at)++;
		const struct heapview_module *module = &view->module[i];

		if (!module->is_used || !module->why)
			continue;
		*ret_why = module->why;
		return texts_at(&run->texts, heaprun_module_at(run, i)->path, ret_len);
	}
	return NULL;
}

/* Which files' functions have no names, and why. */
static void put_nameless(const struct text *text)
{
	unsigned n = 0;
	uint32_t at = 0;
	const char *why;
	const char *path;
	size_t len;

	while ((path = heapview_nameless(text->view, &at, &len, &why))) {
		if (n++ >= MODULES_SHOWN)
			continue;
		fputs(n == 1 ? "\nno symbols: " : "no symbols: ", text->to);
		put_plain(text->to, path, len, 0);
		fprintf(text->to, ": %s\n", why);
	}
	if (n > MODULES_SHOWN)
		fprintf(text->to, "no symbols: %u more\n", n - MODULES_SHOWN);
}

int heapview_put_text(const struct heapview *view, const char *instant, FILE *to)
{
	struct text text = {.view = view,
			    .to = to,
			    .stacks = INTERN_INIT(struct whole, 2 * sizeof(uint32_t)),
			    .row = calloc(view->symbols.functions.count, sizeof(*text.row)),
			    .line = calloc(view->symbols.lines.count, sizeof(*text.line))};
	int err = text.row && text.line ? sum_stacks(&text) : -ENOMEM;

	if (err == 0) {
		for (uint32_t i = 0; i < text.stacks.count; i++)
			count_stack(&text, i);
		put_head(&text, instant);
		if (text.stacks.count)
			put_functions(&text);
		err = put_stacks(&text);
	}
	if (err == 0)
		put_nameless(&text);
	intern_done(&text.stacks);
	free(text.row);
	free(text.line);
	return err;
}

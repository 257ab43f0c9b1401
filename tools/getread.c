/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "collector/proxy.h"
#include "tools/getread.h"
#include "tools/gettree.h"

/* Descriptors that are left to others: the standard ones, /proc, and a file that is being read. */
#define FILES_SPARE 32

struct given {
	pid_t pid;
	int dir;   /* owned, or -1 */
	int error; /* why there is none, or why it is of no more use */
	bool has_row;
	struct getproc_id id;
};

struct getread {
	struct given *given; /* owned; sorted by pid */
	size_t count;
	int proc; /* owned */
	bool with_children;
	bool skips_pss;
	bool asks_delays;
	struct proxy proxy; /* done in the end */
	size_t files_max;   /* descriptors that may be held in a pass */
};

/* A pass over all of /proc. */
struct pass {
	struct gettree_node *nodes; /* owned; sorted by pid */
	struct getproc_id *ids;	    /* owned; of the same index */
	int *dirs;		    /* owned, each too; -1: not held */
	size_t count, room;
	uint64_t began_ticks;
};

static size_t files_max(size_t given)
{
	struct rlimit limit;
	size_t all = 1024;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		all = limit.rlim_cur;
	return all > given + FILES_SPARE ? all - given - FILES_SPARE : 0;
}

static int compare_pids(const void *a, const void *b)
{
	const struct given *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static struct given *find_given(const struct getread *get, pid_t pid)
{
	const struct given key = {.pid = pid};

	return bsearch(&key, get->given, get->count, sizeof(key), compare_pids);
}

static void sort_given(struct getread *get, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		get->given[i] = (struct given){.pid = pids[i], .dir = -1, .id = {.pid = pids[i]}};
	qsort(get->given, count, sizeof(*get->given), compare_pids);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || get->given[i].pid != get->given[get->count - 1].pid)
			get->given[get->count++] = get->given[i];
}

static void given_fail(struct given *given, int err)
{
	given->error = err;
	/* With hidepid=2 other users' processes look like none. One that was seen is gone. */
	if (err == -ESRCH && !given->id.start_ticks && kill(given->pid, 0) < 0 && errno == EPERM)
		given->error = -EACCES;
}

static void open_given(const struct getread *get, struct given *given)
{
	given->dir = getproc_open(get->proc, given->pid);
	if (given->dir < 0)
		given_fail(given, given->dir);
}

int getread_open(const pid_t *pids, size_t count, bool with_children, struct getread **ret)
{
	struct getread *get = calloc(1, sizeof(*get));

	if (!get)
		return -ENOMEM;
	get->given = calloc(count, sizeof(*get->given));
	get->with_children = with_children;
	proxy_init(&get->proxy);
	get->files_max = files_max(count);
	get->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!get->given || get->proc < 0) {
		int err = get->given ? -errno : -ENOMEM;

		getread_close(get);
		return err;
	}
	sort_given(get, pids, count);
	for (size_t i = 0; i < get->count; i++)
		open_given(get, &get->given[i]);
	*ret = get;
	return 0;
}

void getread_close(struct getread *get)
{
	if (!get)
		return;
	for (size_t i = 0; i < get->count; i++)
		if (get->given[i].dir >= 0)
			close(get->given[i].dir);
	if (get->proc >= 0)
		close(get->proc);
	proxy_done(&get->proxy);
	free(get->given);
	free(get);
}

/* Who the given ones are by now: an exec changes a name. */
static void look_again(struct getread *get)
{
	for (size_t i = 0; i < get->count; i++) {
		struct given *given = &get->given[i];
		int err = given->error;

		given->has_row = false;
		if (err == 0)
			err = getproc_identify(given->dir, &given->id);
		if (err < 0 && given->error == 0)
			given_fail(given, err);
	}
}

static void pass_done(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++)
		if (pass->dirs[i] >= 0)
			close(pass->dirs[i]);
	free(pass->nodes);
	free(pass->ids);
	free(pass->dirs);
}

static int pass_grow(struct pass *pass)
{
	size_t room = pass->room ? pass->room * 2 : 1024;
	struct gettree_node *nodes = reallocarray(pass->nodes, room, sizeof(*nodes));
	struct getproc_id *ids;
	int *dirs;

	if (nodes)
		pass->nodes = nodes;
	ids = reallocarray(pass->ids, room, sizeof(*ids));
	if (ids)
		pass->ids = ids;
	dirs = reallocarray(pass->dirs, room, sizeof(*dirs));
	if (dirs)
		pass->dirs = dirs;
	if (!nodes || !ids || !dirs)
		return -ENOMEM;
	pass->room = room;
	return 0;
}

static bool is_given(const struct getread *get, const struct getproc_id *id)
{
	const struct given *given = find_given(get, id->pid);

	return given && given->error == 0 && given->id.start_ticks == id->start_ticks;
}

static void pass_add(const struct getread *get, struct pass *pass, int dir,
		     const struct getproc_id *id)
{
	struct gettree_node *node = &pass->nodes[pass->count];

	*node = (struct gettree_node){
		.pid = id->pid,
		.ppid = id->ppid,
		.start_ticks = id->start_ticks,
		.is_given = is_given(get, id),
	};
	pass->ids[pass->count] = *id;
	pass->dirs[pass->count] = -1;
	/* Who is in the tree shows only in the end: /proc lists by pid, and these begin anew. */
	if (pass->count < get->files_max)
		pass->dirs[pass->count] = dir;
	else
		close(dir);
	pass->count++;
}

static int pass_look_at(const struct getread *get, struct pass *pass, pid_t pid)
{
	struct getproc_id id;
	int dir;

	/* In the order of pids, as the kernel lists them: the tree is looked up by halves. */
	if (pid <= 0 || (pass->count && pid <= pass->nodes[pass->count - 1].pid))
		return 0;
	if (pass->count == pass->room && pass_grow(pass) < 0)
		return -ENOMEM;
	dir = getproc_open(get->proc, pid);
	if (dir < 0)
		return dir == -EMFILE || dir == -ENFILE ? dir : 0;
	/* Gone meanwhile, or hidden from us: then nobody tells whose child it is. */
	if (getproc_identify(dir, &id) < 0)
		close(dir);
	else
		pass_add(get, pass, dir, &id);
	return 0;
}

/* Of the clock that start times are told by. */
static uint64_t now_ticks(void)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * hz + (uint64_t)ts.tv_nsec * hz / 1000000000;
}

static int pass_make(const struct getread *get, struct pass *pass)
{
	int fd = openat(get->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	if (!dir && fd >= 0)
		close(fd);
	pass->began_ticks = now_ticks();
	while (err == 0 && (entry = readdir(dir)))
		err = pass_look_at(get, pass, (pid_t)atoi(entry->d_name));
	if (dir)
		closedir(dir);
	return err;
}

static void row_fail(struct getread_row *row, int err)
{
	row->state = err == -ESRCH ? GETREAD_GONE : GETREAD_FAILED;
	row->error = err;
}

/* By its number: they are its own if it is there still afterwards. */
static void row_ask(struct getread *get, struct getread_row *row, int dir)
{
	struct getstats stats;
	struct getproc_id now;
	int err = get->asks_delays ? getstats_ask(&get->proxy, row->id.pid, &stats) : -ENODATA;

	/* Not again and again for those that come after. */
	if (err < 0 && err != -ESRCH)
		get->asks_delays = false;
	if (err == 0 && getproc_identify(dir, &now) == 0)
		getstats_take_delays(&stats, &row->delays);
}

static void row_measure(struct getread *get, struct getread_row *row, int dir)
{
	int err;

	row->state = GETREAD_KERNEL;
	if (row->id.is_kernel)
		return;
	row->state = GETREAD_MEASURED;
	err = get->skips_pss ? getproc_measure_rss(dir, &row->memory)
			     : getproc_measure(dir, &row->memory);
	if (err < 0)
		row_fail(row, err);
	else if (row->memory.leader != row->id.pid)
		row->state = GETREAD_THREAD;
	else
		row_ask(get, row, dir);
}

static void row_of_given(struct getread *get, const struct given *given, struct getread_row *row)
{
	*row = (struct getread_row){.id = given->id, .is_given = true};
	if (given->error)
		row_fail(row, given->error);
	else
		row_measure(get, row, given->dir);
}

/* One whose descriptor could not be held: whoever has its pid now may be another. */
static void row_reopen(struct getread *get, struct getread_row *row)
{
	struct getproc_id now;
	int dir = getproc_open(get->proc, row->id.pid);
	int err = dir < 0 ? dir : getproc_identify(dir, &now);

	if (err == 0 && now.start_ticks != row->id.start_ticks)
		err = -ESRCH;
	if (err < 0)
		row_fail(row, err);
	else
		row_measure(get, row, dir);
	if (dir >= 0)
		close(dir);
}

static void row_of_node(struct getread *get, const struct pass *pass, size_t i,
			struct getread_row *row)
{
	*row = (struct getread_row){
		.id = pass->ids[i],
		.depth = pass->nodes[i].depth,
		.is_given = pass->nodes[i].is_given,
	};
	if (pass->dirs[i] >= 0)
		row_measure(get, row, pass->dirs[i]);
	else
		row_reopen(get, row);
}

/*
 * Whether a doubtful parent is the real one: the child still names it, and after that the parent, of whom
 * a descriptor is held since before, still lives. Without the descriptors it is believed.
 */
static bool is_child(const struct pass *pass, size_t i)
{
	size_t parent = pass->nodes[i].parent;
	struct getproc_id now;

	if (!pass->nodes[i].is_doubtful || pass->nodes[i].depth == 0 || pass->dirs[i] < 0 ||
	    pass->dirs[parent] < 0)
		return true;
	return getproc_identify(pass->dirs[i], &now) == 0 && now.ppid == pass->nodes[i].ppid &&
	       getproc_identify(pass->dirs[parent], &now) == 0;
}

/* The next one in that order that does not descend from this one. */
static size_t behind_tree_of(const struct pass *pass, const size_t *order, size_t n, size_t at)
{
	unsigned depth = pass->nodes[order[at]].depth;

	for (at++; at < n && pass->nodes[order[at]].depth > depth;)
		at++;
	return at;
}

static void rows_of_pass(struct getread *get, const struct pass *pass, const size_t *order,
			 size_t n, struct getread_shot *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct getread_row *row = &ret->rows[ret->count];

		while (i < n && !is_child(pass, order[i]))
			i = behind_tree_of(pass, order, n, i);
		if (i == n)
			break;
		row_of_node(get, pass, order[i], row);
		/* Children come and go. */
		if (!row->is_given && row->state == GETREAD_GONE)
			continue;
		if (row->is_given)
			find_given(get, row->id.pid)->has_row = true;
		ret->count++;
	}
}

static int make_rows(struct getread *get, const struct pass *pass, const size_t *order, size_t n,
		     struct getread_shot *ret)
{
	ret->rows = calloc(n + get->count, sizeof(*ret->rows));
	if (!ret->rows)
		return -ENOMEM;
	rows_of_pass(get, pass, order, n, ret);
	/* Of the given ones those that a pass has not seen. */
	for (size_t i = 0; i < get->count; i++)
		if (!get->given[i].has_row)
			row_of_given(get, &get->given[i], &ret->rows[ret->count++]);
	return 0;
}

static int take_tree(struct getread *get, struct getread_shot *ret)
{
	struct pass pass = {0};
	size_t *order = NULL;
	size_t n = 0;
	int err = pass_make(get, &pass);

	if (err == 0) {
		order = calloc(pass.count + 1, sizeof(*order));
		err = order ? 0 : -ENOMEM;
	}
	if (err == 0) {
		n = gettree_build(pass.nodes, pass.count, pass.began_ticks, order);
		err = make_rows(get, &pass, order, n, ret);
	}
	free(order);
	pass_done(&pass);
	return err;
}

void getread_skip_pss(struct getread *get)
{
	get->skips_pss = true;
}

void getread_ask_delays(struct getread *get)
{
	get->asks_delays = true;
}

int getread_take(struct getread *get, struct getread_shot *ret_shot)
{
	static const struct pass none;

	*ret_shot = (struct getread_shot){0};
	look_again(get);
	return get->with_children ? take_tree(get, ret_shot)
				  : make_rows(get, &none, NULL, 0, ret_shot);
}

void getread_free_shot(struct getread_shot *shot)
{
	free(shot->rows);
	*shot = (struct getread_shot){0};
}

static void add_measured(const struct getproc_memory *memory, struct getread_total *total)
{
	for (unsigned i = 0; i < GETPROC_COLUMNS; i++) {
		if (memory->bytes[i] == GETPROC_UNKNOWN)
			continue;
		if (total->bytes[i] == GETPROC_UNKNOWN)
			total->bytes[i] = 0;
		total->bytes[i] += memory->bytes[i];
	}
	total->processes++;
	if (memory->bytes[GETPROC_PSS] != GETPROC_UNKNOWN)
		return;
	if (total->without_pss++ == 0)
		total->pss_error = memory->pss_error;
}

void getread_add_up(const struct getread_shot *shot, struct getread_total *ret)
{
	*ret = (struct getread_total){0};
	for (unsigned i = 0; i < GETPROC_COLUMNS; i++)
		ret->bytes[i] = GETPROC_UNKNOWN;
	for (size_t i = 0; i < shot->count; i++) {
		const struct getread_row *row = &shot->rows[i];

		if (row->state == GETREAD_MEASURED)
			add_measured(&row->memory, ret);
		if (row->state == GETREAD_FAILED && ret->failed++ == 0)
			ret->error = row->error;
		ret->missed += row->is_given && row->state != GETREAD_MEASURED;
	}
}

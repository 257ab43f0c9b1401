/* SPDX-License-Identifier: ISC */
/* What the launcher decides before it starts anything: the program's file, LD_PRELOAD, signals. */
#include "tests/unit/unit.h"
#include "tools/launch.h"
#include "tools/preload.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS "/usr/lib/libmstat.so"
#define HEAP "/usr/lib/libmstat-heap.so"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#endif

static void test_compose(void **state)
{
	static const struct {
		const char *given, *library, *want;
	} cases[] = {
		{NULL, OURS, OURS},
		{"", OURS, OURS},
		{" : :", OURS, OURS},
		{"libmstat.so", OURS, OURS},
		{"libawesome.so", OURS, "libawesome.so:" OURS},
		{"/a/b.so c.so:", OURS, "/a/b.so:c.so:" OURS},
		{"libmstat.so:libawesome.so", OURS, OURS ":libawesome.so"},
		{"a.so:libmstat.so:b.so libmstat.so", OURS, "a.so:" OURS ":b.so"},
		{"/own/libmstat.so", OURS, "/own/libmstat.so"},
		{"a.so /own/libmstat.so:libmstat.so", OURS, "a.so:/own/libmstat.so"},
		{"notlibmstat.so:libmstat.so.1", OURS, "notlibmstat.so:libmstat.so.1:" OURS},
		{NULL, NULL, ""},
		{"", NULL, ""},
		{"libmstat.so", NULL, ""},
		{"a.so:libmstat.so:b.so", NULL, "a.so:b.so"},
		{"/own/libmstat.so a.so", NULL, "/own/libmstat.so:a.so"},
		{NULL, HEAP, HEAP},
		{"a.so", HEAP, HEAP ":a.so"},
		{"libmstat.so:a.so", HEAP, HEAP ":a.so"},
		{"libmstat-heap.so:a.so", HEAP, HEAP ":a.so"},
		{"libmstat-heap.so:a.so", OURS, OURS ":a.so"},
		{"libmstat.so:a.so:libmstat-heap.so", HEAP, HEAP ":a.so"},
		{"a.so:/own/libmstat-heap.so", HEAP, "a.so:/own/libmstat-heap.so"},
		/* Never two samplers: paths of the other one make way. */
		{"a.so:/own/libmstat.so:b.so", HEAP, "a.so:" HEAP ":b.so"},
		{"/own/libmstat-heap.so", OURS, OURS},
		{"/a/libmstat-heap.so:/b/libmstat.so", HEAP, "/a/libmstat-heap.so"},
		{"/a/libmstat.so:/b/libmstat-heap.so", OURS, "/a/libmstat.so"},
		{"/a/libmstat.so:/b/libmstat.so:c.so", OURS, "/a/libmstat.so:c.so"},
		{"libmstat.so:/a/libmstat-heap.so", HEAP, HEAP},
		{"/a/libmstat.so:b.so", "/x/libmine.so", "/a/libmstat.so:b.so"},
		{"libmstat-heap.so b.so", "/x/libmine.so", "/x/libmine.so:b.so"},
		{"libmstat-heap.so:a.so:libmstat.so", NULL, "a.so"},
		{"libmstat.so:/a/libmstat.so:/b/libmstat-heap.so", NULL, "/a/libmstat.so"},
		{"libmstat-heap.so.1:xlibmstat-heap.so", NULL,
		 "libmstat-heap.so.1:xlibmstat-heap.so"},
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		char *got = preload_compose(cases[i].given, cases[i].library);

		assert_non_null(got);
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

/* Many times our name, each replaced by a long path: what is written has room. */
static void test_compose_room(void **state)
{
	char library[PATH_MAX];
	char given[4096];
	char *got;

	(void)state;
	memset(library, 'x', sizeof(library) - 1);
	library[0] = '/';
	library[sizeof(library) - 1] = '\0';
	for (size_t i = 0; i < sizeof(given) - 1; i++)
		given[i] = "a:"[i % 2];
	given[sizeof(given) - 1] = '\0';
	got = preload_compose(given, library);
	assert_int_equal(strlen(got), sizeof(given) - 1 + sizeof(library) - 1 + 1);
	free(got);
}

static void test_named(void **state)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{NULL, NULL},
		{"", NULL},
		{"libmstat.so", NULL},
		{"a.so:/b/c.so", NULL},
		{"/own/libmstat.so", "/own/libmstat.so"},
		{"a.so ./libmstat.so:/own/libmstat.so", "./libmstat.so"},
		{"/own/libmstat.so/other.so", NULL},
		{"/own/libmstat-heap.so", "/own/libmstat-heap.so"},
		{"a.so:libmstat-heap.so", "libmstat-heap.so"},
		{"libmstat.so:libmstat-heap.so", NULL},
		{"libmstat-heap.so:libmstat.so", "libmstat-heap.so"},
		{"libmstat-heap.so:/own/libmstat.so", "/own/libmstat.so"},
		{"/own/libmstat-heap.so:/own/libmstat.so", "/own/libmstat-heap.so"},
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		char *got = preload_named(cases[i].given);

		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
		free(got);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	assert_true(preload_is_plain("libmstat.so"));
	assert_true(preload_is_plain("./a/libmstat.so"));
	assert_true(preload_is_heap("libmstat-heap.so"));
	assert_true(preload_is_heap("/a/libmstat-heap.so"));
	assert_false(preload_is_plain("libmstat-heap.so"));
	assert_false(preload_is_heap("libmstat.so"));
	assert_false(preload_is_plain("/libmstat.so/"));
	assert_false(preload_is_heap(""));
	assert_false(preload_is_plain(NULL) || preload_is_heap(NULL));
}

static void make(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	fchmod(fd, mode);
	close(fd);
}

static int enter_folder(void **state)
{
	static char folder[] = "/tmp/mstat-unit-XXXXXX";

	*state = folder;
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("a/folder", 0755);
	make("a/plain", 0644);
	make("a/both", 0644);
	make("b/both", 0755);
	make("b/folder", 0755);
	make("here", 0755);
	return 0;
}

static int leave_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	return chdir("/") || system(command);
}

static void test_find(void **state)
{
	static const struct {
		const char *program, *path;
		int want;
		const char *file;
	} cases[] = {
		{"both", "a:b", 0, "b/both"},
		{"both", "b:a", 0, "b/both"},
		{"folder", "a:b", 0, "b/folder"},
		{"folder", "a", -ENOENT, NULL},
		{"plain", "a:b", -EACCES, NULL},
		{"plain", "b", -ENOENT, NULL},
		{"here", "a:b", -ENOENT, NULL},
		{"here", "a::b", 0, "here"},
		{"here", "a:", 0, "here"},
		{"here", ":a", 0, "here"},
		{"here", "", 0, "here"},
		{"both", "here:no:b/both:b", 0, "b/both"},
		{"./here", "a", 0, "./here"},
		{"a/plain", "", -EACCES, "a/plain"},
		{"a/folder", "", -EISDIR, "a/folder"},
		{"here/x", "", -ENOTDIR, NULL},
		{"a/none", "", -ENOENT, NULL},
		{"sh", NULL, 0, NULL},
	};
	char file[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		int got = launch_find(cases[i].program, cases[i].path, file, sizeof(file));

		if (got != cases[i].want)
			fail_msg("%s in %s: %d", cases[i].program, cases[i].path, got);
		if (cases[i].file)
			assert_string_equal(file, cases[i].file);
	}
}

static void test_find_long(void **state)
{
	char path[3 * PATH_MAX];
	char file[PATH_MAX];

	(void)state;
	memset(path, 'x', sizeof(path));
	memcpy(path + sizeof(path) - 3, ":b", 3);
	assert_int_equal(launch_find("both", path, file, sizeof(file)), 0);
	assert_string_equal(file, "b/both");
	path[0] = '/';
	assert_int_equal(launch_find(path, NULL, file, sizeof(file)), -ENAMETOOLONG);
}

/* A file that begins as an ELF file of that class and machine, without program headers. */
static void make_elf(const char *path, unsigned char class, unsigned machine)
{
	unsigned char head[64] = {0x7f, 'E', 'L', 'F', class, 1, 1};
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);

	head[16] = 3;
	head[18] = machine & 0xff;
	head[19] = (unsigned char)(machine >> 8);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	close(fd);
}

static void test_objection(void **state)
{
	bool harmful = true;

	(void)state;
	assert_null(preload_objection("/proc/self/exe", &harmful));
	assert_false(harmful);
	assert_null(preload_objection("here", &harmful));
	assert_null(preload_objection("nowhere", &harmful));
	assert_false(harmful);
	make_elf("elf", ELFCLASS32, EM_386);
	assert_non_null(preload_objection("elf", &harmful));
	assert_true(harmful);
	make_elf("elf", ELFCLASS64, EM_RISCV);
	assert_non_null(preload_objection("elf", &harmful));
	assert_true(harmful);
	make_elf("elf", ELFCLASS64, OWN_MACHINE);
	assert_string_equal(preload_objection("elf", &harmful), "it is statically linked");
	assert_false(harmful);
}

/* In a child: which signal is held after SIGTERM came at that moment. */
static int held_in_child(void (*before)(void))
{
	struct launch_origin origin;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		before();
		launch_hold_signals(&origin);
		raise(SIGTERM);
		_exit(launch_held(&origin));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void plainly(void)
{
}

static void ignored(void)
{
	signal(SIGTERM, SIG_IGN);
}

static void blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* What would have ended mstat ends it; what the caller had turned off does not. */
static void test_held(void **state)
{
	(void)state;
	assert_int_equal(held_in_child(plainly), SIGTERM);
	assert_int_equal(held_in_child(ignored), 0);
	assert_int_equal(held_in_child(blocked), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compose),	  cmocka_unit_test(test_compose_room),
		cmocka_unit_test(test_named),	  cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_long), cmocka_unit_test(test_objection),
		cmocka_unit_test(test_held),	  cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

/* SPDX-License-Identifier: ISC */
/* Functions and lines, of this program itself and of copies of it that lack something. */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/self.h"
#include "tools/symbols.h"

/* Where calls come from. */
static uint64_t place_plain, place_inlined, place_mangled;
static volatile int sink;

__attribute__((noinline)) static void note(uint64_t *ret)
{
	*ret = (uint64_t)(uintptr_t)__builtin_return_address(0);
	sink++;
}

static inline __attribute__((always_inline)) void innermost(void)
{
	note(&place_inlined); /* line innermost */
	sink++;
}

static inline __attribute__((always_inline)) void between(void)
{
	innermost(); /* line between */
	sink++;
}

void symbols_plain(void);
void symbols_inlining(void);
void symbols_mangled(void) __asm__("_ZN4tree4leafIiE4growEv");

__attribute__((noinline)) void symbols_plain(void)
{
	note(&place_plain); /* line plain */
	sink++;
}

__attribute__((noinline)) void symbols_inlining(void)
{
	between(); /* line outer */
	sink++;
}

__attribute__((noinline)) void symbols_mangled(void)
{
	note(&place_mangled);
	sink++;
}

static int begin(void **state)
{
	(void)state;
	self_open();
	symbols_plain();
	symbols_inlining();
	symbols_mangled();
	place_plain = self_offset(place_plain);
	place_inlined = self_offset(place_inlined);
	place_mangled = self_offset(place_mangled);
	return 0;
}

static struct symbols symbols;
static struct symbols_module module;
static struct symbols_module like = {.build_id_len = 1}; /* 0: it has none */
static struct symbols_place place[3];

/* The three places, in a file of our build id. */
static void resolve(const char *path)
{
	if (!self_build_id_len)
		skip();
	assert_int_equal(symbols_init(&symbols), 0);
	module = like;
	module.path = path;
	module.build_id = self_build_id;
	if (like.build_id_len)
		module.build_id_len = self_build_id_len;
	place[0] = (struct symbols_place){.offset = place_plain, .tag = 0};
	place[1] = (struct symbols_place){.offset = place_inlined, .tag = 1};
	place[2] = (struct symbols_place){.offset = place_mangled, .tag = 2};
	assert_int_equal(symbols_resolve(&symbols, &module, place, 3), 0);
	for (int i = 0; i < 2; i++)
		assert_true(place[i].offset <= place[i + 1].offset);
}

static const struct symbols_place *tagged(uint32_t tag)
{
	for (int i = 0; i < 3; i++)
		if (place[i].tag == tag)
			return &place[i];
	fail();
	return NULL;
}

static const struct symbols_line *line_of(uint32_t tag, unsigned i)
{
	assert_true(i < tagged(tag)->count);
	return intern_at(&symbols.lines, symbols.chain[tagged(tag)->first + i]);
}

static const struct symbols_function *function_of(uint32_t tag, unsigned i)
{
	return intern_at(&symbols.functions, line_of(tag, i)->function);
}

static const char *name_of(uint32_t tag, unsigned i)
{
	return texts_at(&symbols.texts, function_of(tag, i)->name, NULL);
}

static const char *file_of(uint32_t tag, unsigned i)
{
	return texts_at(&symbols.texts, function_of(tag, i)->file, NULL);
}

/* The line that ends with that remark. */
static uint32_t line_with(const char *remark)
{
	size_t len;
	char *text = (char *)unit_load("tests/unit/test_symbols.c", &len);
	uint32_t line = 1;
	char wanted[64];
	const char *found;

	snprintf(wanted, sizeof(wanted), "/* line %s */\n", remark);
	found = memmem(text, len, wanted, strlen(wanted));
	assert_non_null(found);
	for (const char *p = text; p < found; p++)
		line += *p == '\n';
	free(text);
	return line;
}

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

static void expect_all(void)
{
	assert_null(module.why);
	assert_int_equal(module.found, SYMBOLS_FUNCTIONS | SYMBOLS_FILES | SYMBOLS_INLINED);
	assert_int_equal(tagged(0)->count, 1);
	assert_string_equal(name_of(0, 0), "symbols_plain");
	assert_true(ends_with(file_of(0, 0), "/tests/unit/test_symbols.c"));
	assert_int_equal(line_of(0, 0)->line, line_with("plain"));
	assert_int_equal(tagged(1)->count, 3);
	assert_string_equal(name_of(1, 0), "innermost");
	assert_int_equal(line_of(1, 0)->line, line_with("innermost"));
	assert_string_equal(name_of(1, 1), "between");
	assert_int_equal(line_of(1, 1)->line, line_with("between"));
	assert_string_equal(name_of(1, 2), "symbols_inlining");
	assert_int_equal(line_of(1, 2)->line, line_with("outer"));
	assert_true(ends_with(file_of(1, 2), "/tests/unit/test_symbols.c"));
	assert_true(function_of(1, 2)->start && function_of(1, 2)->start < line_of(1, 2)->line);
}

static void test_dwarf(void **state)
{
	(void)state;
	resolve(self_path);
	expect_all();
	symbols_done(&symbols);
}

static void expect_nothing(const char *base)
{
	char name[64];

	assert_non_null(module.why);
	assert_int_equal(module.found, 0);
	for (uint32_t tag = 0; tag < 3; tag++) {
		assert_int_equal(tagged(tag)->count, 1);
		assert_int_equal(function_of(tag, 0)->linkage, 0);
		assert_int_equal(line_of(tag, 0)->line, 0);
	}
	snprintf(name, sizeof(name), "%s+0x%lx", base, (unsigned long)place_plain);
	assert_string_equal(name_of(0, 0), name);
}

static void test_other_build(void **state)
{
	(void)state;
	self_build_id[0] ^= 1;
	resolve(self_path);
	self_build_id[0] ^= 1;
	expect_nothing("test_symbols");
	assert_string_equal(module.why, "it is another build");
	symbols_done(&symbols);
	self_build_id_len--;
	resolve(self_path);
	self_build_id_len++;
	expect_nothing("test_symbols");
	symbols_done(&symbols);
}

/* Without a build id it must be the same file, and no younger than it was used. */
static void test_without_build_id(void **state)
{
	size_t len = self_build_id_len;
	struct stat stat_of;

	(void)state;
	assert_int_equal(stat(self_path, &stat_of), 0);
	for (unsigned wrong = 0; wrong < 4; wrong++) {
		int64_t changed =
			(int64_t)stat_of.st_ctim.tv_sec * 1000000000 + stat_of.st_ctim.tv_nsec;

		like.inode = wrong == 1 ? 0 : wrong == 2 ? stat_of.st_ino + 1 : stat_of.st_ino;
		like.since_ns = wrong == 3 ? changed : changed + 1;
		like.build_id_len = 0;
		resolve(self_path);
		if (wrong)
			expect_nothing("test_symbols");
		else
			assert_string_equal(name_of(0, 0), "symbols_plain");
		symbols_done(&symbols);
	}
	like = (struct symbols_module){.build_id = self_build_id, .build_id_len = len};
}

static void test_no_file(void **state)
{
	static const char *const paths[] = {"/nowhere/at/all", "/dev/null", "/",
					    "/etc/passwd",     "[vdso]",    ""};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(paths); i++) {
		const char *slash = strrchr(paths[i], '/');

		resolve(paths[i]);
		expect_nothing(slash ? slash + 1 : paths[i]);
		symbols_done(&symbols);
	}
}

/* A copy in a folder of its own, made by a command in which %1$s is this program. */
static char folder[64], copy[96];

static void make_copy(const char *format)
{
	char command[16384];

	snprintf(folder, sizeof(folder), "/tmp/test_symbols.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	snprintf(command, sizeof(command), "cd %s && self='%s' && %s", folder, self_path, format);
	if (system(command) != 0) {
		snprintf(command, sizeof(command), "rm -r %s", folder);
		sink += system(command);
		skip();
	}
}

static void drop_copy(void)
{
	char command[256];

	symbols_done(&symbols);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void test_symbol_table(void **state)
{
	(void)state;
	make_copy("objcopy --strip-debug \"$self\" copy 2>&1");
	resolve(copy);
	assert_null(module.why);
	assert_int_equal(module.found, SYMBOLS_FUNCTIONS);
	assert_string_equal(name_of(0, 0), "symbols_plain");
	assert_int_equal(line_of(0, 0)->line, 0);
	assert_int_equal(tagged(1)->count, 1);
	assert_string_equal(name_of(1, 0), "symbols_inlining");
	assert_string_equal(name_of(2, 0), "tree::leaf<int>::grow");
	assert_string_equal(texts_at(&symbols.texts, function_of(2, 0)->linkage, NULL),
			    "_ZN4tree4leafIiE4growEv");
	drop_copy();
}

static void test_stripped(void **state)
{
	(void)state;
	make_copy("objcopy --strip-all \"$self\" copy 2>&1");
	resolve(copy);
	expect_nothing("copy");
	drop_copy();
}

static void test_debug_link(void **state)
{
	(void)state;
	make_copy("mkdir .debug && objcopy --only-keep-debug \"$self\" .debug/apart 2>&1 && "
		  "objcopy --strip-all --add-gnu-debuglink=.debug/apart \"$self\" copy 2>&1");
	resolve(copy);
	expect_all();
	drop_copy();
}

/* A file for debugging that is of another build: one with another build id in its note. */
static void test_other_debug_link(void **state)
{
	(void)state;
	make_copy("objcopy --only-keep-debug \"$self\" apart 2>&1 && "
		  "objcopy --strip-all --add-gnu-debuglink=apart \"$self\" copy 2>&1 && "
		  "objcopy --remove-section=.note.gnu.build-id apart 2>&1");
	resolve(copy);
	expect_nothing("copy");
	drop_copy();
}

static void test_interned(void **state)
{
	struct intern intern = INTERN_INIT(uint64_t, sizeof(uint64_t));
	struct texts texts = {0};

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t key = i * 0x10001;
		char text[32];
		int len = snprintf(text, sizeof(text), "%lx", (unsigned long)key);
		size_t kept;

		assert_int_equal(intern_put(&intern, &key), i);
		assert_int_equal(texts_put(&texts, text, (size_t)len), i);
		key = i / 2 * 0x10001;
		assert_int_equal(intern_find(&intern, &key), i / 2);
		assert_int_equal(intern_put(&intern, &key), i / 2);
		assert_string_equal(texts_at(&texts, (uint32_t)i, &kept), text);
		assert_int_equal(kept, len);
		assert_int_equal(texts_put(&texts, text, (size_t)len), i);
		key = i * 0x10001 + 1;
		assert_int_equal(intern_find(&intern, &key), -2);
	}
	assert_int_equal(texts_put(&texts, "a\0b", 3), 20000);
	assert_int_equal(texts_put(&texts, "a\0c", 3), 20001);
	intern_done(&intern);
	texts_done(&texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dwarf),
		cmocka_unit_test(test_other_build),
		cmocka_unit_test(test_without_build_id),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_symbol_table),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_debug_link),
		cmocka_unit_test(test_other_debug_link),
		cmocka_unit_test(test_interned),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Where variables are by places in code: all agreeing, some not, none there; and the tables that are kept. */
#include "tests/unit/go_make.h"

#include <errno.h>

#include "collector/runtimes/go/goroutines.h"
#include "collector/runtimes/go/signature.h"

#define PLACES 20
#define SCHED  0x600000u
#define MHEAP  0x700000u
#define CODE   (GO_TEXT + 320) /* runtime.goexit, and behind it runtime.asyncPreempt */

static struct go_table_function functions[] = {
	{"runtime.asyncPreempt", 16}, {"runtime.goexit", 16}, {"runtime.missing", 16}};
static struct go_table_place places[PLACES];
static const struct go_table table = {24, NULL, 0, functions, 3, places, PLACES};
static struct go_made made;
static struct go_pclntab tab;
static uint8_t code[32];

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	assert_ptr_equal(arg, code);
	if (address < CODE || address + size > CODE + sizeof(code))
		return -EFAULT;
	memcpy(buf, code + (address - CODE), size);
	return 0;
}

static const struct go_code reader = {read_code, code};

/*
 * The last four bytes of runtime.goexit lead 8 bytes into sched, those of runtime.asyncPreempt to before the
 * end of mheap_. Half of the places tell of each.
 */
static int setup(void **state)
{
	int32_t sched = (int32_t)(SCHED + 8 - (CODE + 16)),
		mheap = (int32_t)(MHEAP - 1 - (CODE + 32));

	(void)state;
	tab = go_make(&made, GO_PCLNTAB_20);
	memcpy(code + 12, &sched, 4);
	memcpy(code + 28, &mheap, 4);
	functions[0].size = functions[1].size = 16;
	for (int i = 0; i < PLACES; i++)
		places[i] = i % 2 ? (struct go_table_place){1, 12, GO_GLOBAL_SCHED, 8}
				  : (struct go_table_place){0, 12, GO_GLOBAL_MHEAP, -1};
	return 0;
}

static void agreeing(void **state)
{
	struct go_signature found;

	(void)state;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), 0);
	assert_int_equal(found.votes, PLACES);
	assert_int_equal(found.agreed, PLACES);
	assert_int_equal(found.global[GO_GLOBAL_SCHED], SCHED);
	assert_int_equal(found.global[GO_GLOBAL_MHEAP], MHEAP);
	assert_int_equal(found.global[GO_GLOBAL_ALLP], 0);
	/* Moved with the code. */
	tab.text += 0x10000;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), -ENOENT);
}

static void disagreeing(void **state)
{
	struct go_signature found;

	(void)state;
	/* A few that are elsewhere change nothing; with more, nobody is elected. */
	places[1].addend = places[3].addend = 16;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), 0);
	assert_int_equal(found.agreed, PLACES - 2);
	assert_int_equal(found.global[GO_GLOBAL_SCHED], SCHED);
	for (int i = 0; i < PLACES; i++)
		places[i].addend += i;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), -ENOENT);
	assert_int_equal(found.global[GO_GLOBAL_SCHED], 0);
}

static void not_there(void **state)
{
	struct go_signature found;
	const struct go_table *fitting;

	(void)state;
	/* Another function of that name, and one that there is none of. */
	functions[1].size = 32;
	for (int i = 0; i < 3; i++)
		places[2 * i].function = 2;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), -ENOENT);
	assert_int_equal(found.votes, PLACES / 2 - 3);
	assert_int_equal(found.global[GO_GLOBAL_SCHED], 0);
	/* No minor has this little runtime. */
	assert_int_equal(go_signature_find(&tab, &reader, &found, &fitting), -ENOENT);
	/* Code that cannot be read. */
	setup(NULL);
	for (int i = 0; i < PLACES; i++)
		places[i].offset = 100;
	assert_int_equal(go_signature_match(&table, &tab, &reader, &found), -ENOENT);
}

/* Each table that is kept has what is needed, and is in order. */
static void tables(void **state)
{
	const struct go_table *kept;
	unsigned last = 0;

	(void)state;
	for (size_t n = 0; (kept = go_table_at(n)); n++) {
		unsigned of_global[GO_GLOBALS] = {0};
		struct go_layout layout;

		assert_true(kept->minor > last);
		last = kept->minor;
		assert_ptr_equal(go_table_find(last), kept);
		for (size_t i = 1; i < kept->functions_count; i++)
			assert_true(strcmp(kept->functions[i - 1].name, kept->functions[i].name) <
				    0);
		for (size_t i = 0; i < kept->places_count; i++) {
			const struct go_table_place *place = &kept->places[i];

			assert_true(place->function < kept->functions_count);
			assert_true(place->offset + 4u <= kept->functions[place->function].size);
			of_global[place->global]++;
		}
		for (int i = 0; i < GO_GLOBALS; i++)
			assert_true(of_global[i] >= 2);
		go_table_members(kept, &layout);
		assert_true(layout.has[GO_G_STATUS] && layout.has[GO_G_SCHED_SP]);
		assert_int_equal(layout.has[GO_G_PARENT], last >= 21);
		assert_int_equal(layout.member[GO_G_STACK_LO], 0);
	}
	assert_true(last >= 27);
	assert_null(go_table_find(20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(agreeing, setup),
		cmocka_unit_test_setup(disagreeing, setup),
		cmocka_unit_test_setup(not_there, setup),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* The lines of the summary that tell what the memory of the peak was. */
#include "tests/unit/unit.h"

#include "tools/summary.h"

#define MIB (1 << 20)

static struct record run;

static int setup(void **state)
{
	(void)state;
	record_init(&run);
	record_set(&run, FIELD_PEAK_SAMPLED, 160 * MIB);
	return 0;
}

static void put_live(void)
{
	record_set(&run, FIELD_PEAK_LIVE, 134 * MIB);
	record_set(&run, FIELD_PEAK_LIVE_SE, MIB / 2);
	record_set(&run, FIELD_PEAK_INHERITED, 0);
	record_set(&run, FIELD_PEAK_RSS, 150 << 10);
	record_set(&run, FIELD_PEAK_RSS_FILE, 9 << 10);
	record_set(&run, FIELD_PEAK_RSS_SHMEM, 0);
}

static void put_areas(void)
{
	record_set(&run, FIELD_PEAK_SLACK, 3 * MIB);
	record_set(&run, FIELD_PEAK_STACKS, MIB / 8);
	record_set(&run, FIELD_PEAK_REST, 2 * MIB);
}

/* want follows the line of the peak, and the line of the processes follows it. */
static void prints(const char *want)
{
	struct summary_context context = {.program = "prog"};
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	const char *at;

	assert_non_null(to);
	summary_print(to, &run, &context);
	fclose(to);
	at = strstr(text, "  peak       ");
	assert_non_null(at);
	at = strchr(at, '\n');
	assert_non_null(at);
	at++;
	if (strncmp(at, want, strlen(want)) != 0 ||
	    strncmp(at + strlen(want), "  processes  ", 13) != 0)
		fail_msg("the summary is not as it should be: %s", text);
	free(text);
}

static void no_heap(void **state)
{
	(void)state;
	prints("");
}

static void whole(void **state)
{
	(void)state;
	put_live();
	put_areas();
	prints("  heap       live 134.0 MiB +- 512.0 KiB; allocator's slack 3.0 MiB, stacks 128.0 "
	       "KiB,"
	       " other anonymous 2.0 MiB; files 9.0 MiB, shmem 0 B\n"
	       "             in all 148.1 MiB of RSS 150.0 MiB\n");
	/* Allocated, and never touched. */
	record_set(&run, FIELD_PEAK_SLACK, -30 * MIB);
	record_set(&run, FIELD_PEAK_INHERITED, 2 * MIB);
	prints("  heap       live 134.0 MiB +- 512.0 KiB, inherited by fork 2.0 MiB; allocator's "
	       "slack"
	       " -30.0 MiB, stacks 128.0 KiB, other anonymous 2.0 MiB; files 9.0 MiB, shmem 0 B\n"
	       "             in all 117.1 MiB of RSS 150.0 MiB\n");
}

/* What is not known is left out, and no sum is told that would lack it. */
static void parts(void **state)
{
	(void)state;
	put_live();
	prints("  heap       live 134.0 MiB +- 512.0 KiB; files 9.0 MiB, shmem 0 B\n"
	       "             slack, stacks, other anonymous: not known\n");
	put_areas();
	record_unset(&run, FIELD_PEAK_INHERITED);
	record_unset(&run, FIELD_PEAK_LIVE_SE);
	prints("  heap       live 134.0 MiB; allocator's slack 3.0 MiB, stacks 128.0 KiB,"
	       " other anonymous 2.0 MiB; files 9.0 MiB, shmem 0 B\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_heap, setup),
		cmocka_unit_test_setup(whole, setup),
		cmocka_unit_test_setup(parts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

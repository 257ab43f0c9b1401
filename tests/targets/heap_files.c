/* SPDX-License-Identifier: ISC */
/*
 * Descriptors and folders go away under the sampler, and allocations go on.
 *   heap_files closefrom | range | loop   all descriptors but the first three are closed
 *   heap_files all                        those, too
 *   heap_files chroot                     in an empty root, for a while (root only: else status 77)
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "heap_look.h"

HEAP_FRAME static void files_keeps(void)
{
	HEAP_CHECK(heap_use(malloc(31313)));
}

static void close_by_loop(int from)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = from; fd < 65536 && (rlim_t)fd < limit.rlim_cur; fd++)
		close(fd);
}

/* The numbers are the program's, and so is what is written there. */
static void check_numbers(void)
{
	char text[4] = "";

	for (int fd = 3; fd < 10; fd++)
		HEAP_CHECK(open("mine", O_CREAT | O_RDWR | O_CLOEXEC, 0600) == fd);
	HEAP_CHECK(write(3, "abc", 3) == 3);
	for (unsigned i = 0; i < 20; i++)
		heap_churn(i, 500);
	heap_settle();
	for (int fd = 4; fd < 10; fd++)
		HEAP_CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	HEAP_CHECK(read(4, text, 4) == 3 && !strcmp(text, "abc"));
	HEAP_CHECK(unlink("mine") == 0);
}

static int do_chroot(void)
{
	int root = open("/", O_PATH | O_CLOEXEC), here = open(".", O_PATH | O_CLOEXEC);

	/* A sampler that begins in there finds no /proc. */
	heap_settle();
	mkdir("empty", 0700);
	if (chroot("empty") < 0)
		return 77;
	HEAP_CHECK(chdir("/") == 0 && access("/proc", F_OK) < 0);
	files_keeps();
	for (unsigned i = 0; i < 20; i++)
		heap_churn(i, 500);
	HEAP_CHECK(fchdir(root) == 0 && chroot(".") == 0 && fchdir(here) == 0);
	heap_settle();
	return rmdir("empty") | heap_ok();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int out = -1;

	heap_churn(1, 100);
	if (!strcmp(how, "chroot"))
		return do_chroot();
	if (!strcmp(how, "closefrom")) {
		closefrom(3);
	} else if (!strcmp(how, "range")) {
		HEAP_CHECK(close_range(3, ~0U, 0) == 0);
	} else if (!strcmp(how, "loop")) {
		close_by_loop(3);
	} else if (!strcmp(how, "all")) {
		/* One that can be found again is the last. */
		out = fcntl(1, F_DUPFD, 1000);
		HEAP_CHECK(out >= 1000);
		close_range(0, 999, 0);
		files_keeps();
		heap_churn(2, 1000);
		for (int fd = 0; fd < 3; fd++)
			HEAP_CHECK(open("/dev/null", O_RDWR) == fd);
		HEAP_CHECK(dup2(out, 1) == 1);
		closefrom(3);
	} else {
		return 2;
	}
	if (out < 0)
		files_keeps();
	check_numbers();
	return heap_ok();
}

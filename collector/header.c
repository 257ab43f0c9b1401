/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "collector/header.h"
#include "collector/smallfile.h"

static void info_text(struct runfile *file, const char *name, const char *text)
{
	runfile_info(file, name, text, strlen(text));
}

static void info_number(struct runfile *file, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	info_text(file, name, text);
}

/* The command's words, a zero byte after each. */
static void info_command(struct runfile *file, char *const *argv)
{
	size_t len = 0;
	char *text, *at;

	for (char *const *arg = argv; *arg; arg++)
		len += strlen(*arg) + 1;
	text = at = malloc(len);
	if (!text)
		return;
	for (char *const *arg = argv; *arg; arg++)
		at = stpcpy(at, *arg) + 1;
	/* A word's length is the user's; the header's is not. */
	if (len > ROWS_HEADER_MAX / 4)
		len = ROWS_HEADER_MAX / 4;
	runfile_info(file, "command", text, len);
	free(text);
}

void header_write(struct runfile *file, const struct header *header)
{
	struct utsname host;
	char boot_id[64];

	uname(&host);
	smallfile_read("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
	boot_id[strcspn(boot_id, "\n")] = '\0';
	info_text(file, "version", MSTAT_VERSION);
	info_text(file, "host", host.nodename);
	info_text(file, "kernel", host.release);
	info_command(file, header->argv);
	info_text(file, "cgroup_mode", header->cgroup_mode);
	if (header->cgroup)
		info_text(file, "cgroup", header->cgroup);
	info_number(file, "freq", header->freq);
	info_number(file, "start_monotonic_ns", header->start_monotonic_ns);
	info_number(file, "start_realtime_ns", header->start_realtime_ns);
	info_text(file, "boot_id", boot_id);
	info_number(file, "cpus", header->cpus);
	info_number(file, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
	info_number(file, "clock_ticks", (uint64_t)sysconf(_SC_CLK_TCK));
	info_number(file, "pid", (uint64_t)getpid());
	runfile_begin(file);
}

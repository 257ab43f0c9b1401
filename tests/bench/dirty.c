/* SPDX-License-Identifier: ISC */
/*
 * Tells its own private dirty memory, after the guest has settled, mapping by mapping from
 * /proc/self/smaps: lines of KiB and a name. Run it with an empty preload and with libmstat.so; the
 * first object that is neither the program, libc nor the loader is called "preload".
 * usage: dirty SECONDS
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_SIZE   4096u
#define GUEST_STACK 65536u /* preload/guest.c */

struct mapping {
	unsigned long from, to, kib;
	bool wiped;    /* in a fork's child: only the guest's is */
	char name[64]; /* of the newest object */
	char access;
	bool is_file;
};

static const char *name_of(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (!strncmp(base, "libc.so", 7))
		return "libc";
	if (!strncmp(base, "ld-linux", 8))
		return "loader";
	if (!strcmp(base, "dirty"))
		return "program";
	return path[0] == '/' ? "preload" : base;
}

static void print_guest(const struct mapping *m)
{
	unsigned char there[256] = {0};
	unsigned long stack = 0, state = 0;

	if ((m->to - m->from) / PAGE_SIZE > sizeof(there) ||
	    mincore((void *)m->from, m->to - m->from, there) < 0)
		abort();
	for (unsigned long i = 0; i < (m->to - m->from) / PAGE_SIZE; i++)
		if (there[i] & 1)
			*(i < GUEST_STACK / PAGE_SIZE ? &stack : &state) += PAGE_SIZE / 1024;
	printf("%lu\tguest: stack\n%lu\tguest: TCB and state\n", stack, state);
}

static void print(const struct mapping *m)
{
	if (m->kib == 0)
		return;
	if (m->wiped)
		print_guest(m);
	else if (m->is_file)
		printf("%lu\t%s: %s\n", m->kib, m->name,
		       m->access == 'w' ? "data" : "relocated, then read-only");
	else if (m->name[0] == '[')
		printf("%lu\t%s\n", m->kib, m->name);
	else
		printf("%lu\tanonymous, after %s\n", m->kib, m->name);
}

static void read_header(struct mapping *m, const char *line)
{
	char path[256] = "", access[8];

	m->kib = 0;
	m->wiped = false;
	if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &m->from, &m->to, access, path) < 3)
		abort();
	m->is_file = path[0] == '/';
	m->access = access[1];
	if (path[0])
		snprintf(m->name, sizeof(m->name), "%.63s", name_of(path));
}

int main(int argc, char **argv)
{
	static char buf[262144];
	struct mapping m = {0};
	size_t len = 0;
	ssize_t n;
	int fd;

	sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	fd = open("/proc/self/smaps", O_RDONLY);
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += (size_t)n;
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, "Private_Dirty:", 14))
			m.kib = strtoul(line + 14, NULL, 10);
		else if (!strncmp(line, "VmFlags:", 8)) {
			m.wiped = strstr(line, " wf") != NULL;
			print(&m);
		} else if (strchr("0123456789abcdef", line[0]))
			read_header(&m, line);
	}
	return 0;
}

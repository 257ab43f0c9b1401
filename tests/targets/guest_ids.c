/* SPDX-License-Identifier: ISC */
/*
 * Changes ids by every call of libc, and looks at once whether a thread kept the old ones.
 *   guest_ids calls    each call; ends as another user, when that one's sampler has seen ticks
 *   guest_ids errno    what the calls leave in errno, and return
 *   guest_ids raw uid|gid|groups|caps   by a raw system call: how long a thread keeps the old
 *   guest_ids often    500 changes in a row, and how long each takes; then a sampler must be there
 *   guest_ids dumpable the flag, while nothing is dropped
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "guest_look.h"

/* nobody and nogroup, or whoever has these numbers. */
#define UID 65534
#define GID 65534

/* The lines of a thread's ids. */
static void read_ids(const char *task, char *ret, size_t size)
{
	static const char *const keys[] = {
		"\nUid:", "\nGid:", "\nGroups:", "\nCapPrm:", "\nCapEff:", "\nCapInh:"};
	char path[64];
	char *text;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", task);
	text = look_file(path);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *line = strstr(text, keys[i]);

		if (line && n < size)
			n += (size_t)snprintf(ret + n, size - n, "%.*s",
					      (int)strcspn(line + 1, "\n") + 1, line);
	}
}

/* How many threads have other ids than we. */
static int strangers(void)
{
	char own[1024] = "", other[1024];
	char name[16];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	snprintf(name, sizeof(name), "%d", (int)getpid());
	read_ids(name, own, sizeof(own));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		other[0] = '\0';
		read_ids(entry->d_name, other, sizeof(other));
		if (other[0] && strcmp(own, other))
			n++;
	}
	closedir(dir);
	return n;
}

static int failures;

static void tell(const char *call, int ret)
{
	int n = strangers();
	pid_t guest;

	if (n || ret)
		failures++;
	printf("%s returned %d, %d threads kept other ids\n", call, ret, n);
	/* A new one is there already, or will be when it has got its name. */
	if (look_threads(getpid(), &guest) != 2) {
		printf("%s: no sampler came back\n", call);
		failures++;
	}
}

extern int capset(struct __user_cap_header_struct *header,
		  const struct __user_cap_data_struct *data);

/* Gives up the right to reboot. */
static struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct caps[2];

static void read_caps(void)
{
	syscall(SYS_capget, &header, caps);
	caps[0].effective &= ~(1u << CAP_SYS_BOOT);
	caps[0].permitted &= ~(1u << CAP_SYS_BOOT);
}

static int calls(void)
{
	gid_t groups[] = {GID, 7};

	look_ticks(2);
	tell("setgroups", setgroups(2, groups));
	tell("setgroups by syscall", (int)syscall(SYS_setgroups, 1, groups));
	read_caps();
	tell("capset", capset(&header, caps));
	tell("initgroups", initgroups("nobody", GID));
	tell("setegid", setegid(GID));
	tell("setegid back", setegid(0));
	tell("setregid", setregid(0, GID));
	tell("setregid back", setregid(0, 0));
	tell("setfsgid", setfsgid(GID) != 0);
	tell("setfsgid back", setfsgid(0) != GID);
	tell("setresgid", setresgid(GID, GID, 0));
	tell("setresgid back", setresgid(0, 0, 0));
	tell("setgid", setgid(GID));
	tell("seteuid", seteuid(UID));
	tell("seteuid back", seteuid(0));
	tell("setreuid", setreuid(-1, UID));
	tell("setreuid back", setreuid(-1, 0));
	tell("setfsuid", setfsuid(UID) != 0);
	tell("setfsuid back", setfsuid(0) != UID);
	tell("setresuid", setresuid(UID, UID, 0));
	tell("setresuid back", setresuid(0, 0, 0));
	tell("setuid", setuid(UID));
	look_ticks(30);
	printf("failures %d\n", failures);
	return failures != 0;
}

static int errnos(void)
{
	int ret;

	look_ticks(2);
	errno = 0;
	ret = seteuid(UID);
	printf("success %d %d\n", ret, errno);
	errno = 71;
	ret = setegid(getegid());
	printf("kept %d %d\n", ret, errno);
	ret = setegid(12345);
	printf("failure %d %d\n", ret, errno);
	return 0;
}

static long change(const char *what)
{
	gid_t group = GID;

	if (!strcmp(what, "uid"))
		return look_raw(SYS_setresuid, UID, UID, UID);
	if (!strcmp(what, "gid"))
		return look_raw(SYS_setresgid, GID, GID, GID);
	if (!strcmp(what, "groups"))
		return look_raw(SYS_setgroups, 1, (long)&group, 0);
	read_caps();
	return look_raw(SYS_capset, (long)&header, (long)caps, 0);
}

static int raw(const char *what)
{
	double start, took;

	look_ticks(3);
	start = look_now();
	if (change(what) < 0)
		return 77;
	while (strangers() && look_now() < start + LOOK_SECONDS)
		look_pause();
	took = look_now() - start;
	look_gone();
	printf("kept %.0f ms\n", took * 1000);
	return 0;
}

static int dumpable(void)
{
	int before = prctl(PR_GET_DUMPABLE);

	look_ticks(2);
	(void)!setegid(getegid());
	look_ticks(2);
	printf("dumpable %d %d\n", before, prctl(PR_GET_DUMPABLE));
	return 0;
}

static int often(void)
{
	double start;

	look_ticks(2);
	start = look_now();
	for (int i = 0; i < 500; i++)
		(void)!setegid(getegid());
	printf("%.0f us each\n", (look_now() - start) * 1e6 / 500);
	look_ticks(5);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return 2;
	switch (argv[1][0]) {
	case 'c':
		return calls();
	case 'e':
		return errnos();
	case 'r':
		return raw(argv[2]);
	case 'o':
		return often();
	default:
		return dumpable();
	}
}

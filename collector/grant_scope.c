/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "collector/grant_internal.h"
#include "collector/transient.h"

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* ---- where it is ------------------------------------------------------------------------------- */

/* systemd.slice(5): a-b.slice stands in a.slice, and that in the root. */
static bool is_slice_in(const char *name, const char *above)
{
	size_t len = strcmp(above, "-.slice") == 0 ? 0 : strlen(above) - strlen(".slice");

	if (!ends_with(name, ".slice") || strncmp(name, above, len) != 0 ||
	    (len > 0 && name[len++] != '-'))
		return false;
	return !memchr(name + len, '-', strlen(name + len));
}

/* The next part of the path, "" at its end. False: too long for a unit's. */
static bool next_part(const char *own, size_t at, char *ret, size_t *ret_end)
{
	size_t len;

	at += strspn(own + at, "/");
	len = strcspn(own + at, "/");
	if (len > NAME_MAX)
		return false;
	memcpy(ret, own + at, len);
	ret[len] = '\0';
	*ret_end = at + len;
	return true;
}

bool grant_unit_find(const char *own, struct grant_unit *ret)
{
	char part[NAME_MAX + 1];
	size_t end;
	const char *unit;

	strcpy(ret->slice, "-.slice");
	ret->slice_len = 0;
	ret->unit[0] = '\0';
	/* Only the slices in which nothing but slices stands: a user's own systemd has some too. */
	for (;;) {
		if (!next_part(own, ret->slice_len, part, &end))
			return false;
		if (!is_slice_in(part, ret->slice))
			break;
		strcpy(ret->slice, part);
		ret->slice_len = end;
	}
	/* systemd puts a _ before a name that a file of the kernel's could have. */
	unit = part + (part[0] == '_');
	strcpy(ret->unit, unit);
	return !*unit || ends_with(unit, ".scope") || ends_with(unit, ".service");
}

/* ---- what it may leave ------------------------------------------------------------------------- */

/* What systemd (IPAddressDeny=, DevicePolicy=, SocketBindDeny=) and container engines attach. */
static const unsigned char programs[] = {BPF_CGROUP_INET_INGRESS,
					 BPF_CGROUP_INET_EGRESS,
					 BPF_CGROUP_INET_SOCK_CREATE,
					 BPF_CGROUP_SOCK_OPS,
					 BPF_CGROUP_DEVICE,
					 BPF_CGROUP_INET4_BIND,
					 BPF_CGROUP_INET6_BIND,
					 BPF_CGROUP_INET4_CONNECT,
					 BPF_CGROUP_INET6_CONNECT,
					 BPF_CGROUP_INET4_POST_BIND,
					 BPF_CGROUP_INET6_POST_BIND,
					 BPF_CGROUP_UDP4_SENDMSG,
					 BPF_CGROUP_UDP6_SENDMSG,
					 BPF_CGROUP_UDP4_RECVMSG,
					 BPF_CGROUP_UDP6_RECVMSG,
					 BPF_CGROUP_SYSCTL,
					 BPF_CGROUP_GETSOCKOPT,
					 BPF_CGROUP_SETSOCKOPT,
					 BPF_CGROUP_INET4_GETPEERNAME,
					 BPF_CGROUP_INET6_GETPEERNAME,
					 BPF_CGROUP_INET4_GETSOCKNAME,
					 BPF_CGROUP_INET6_GETSOCKNAME,
					 BPF_CGROUP_INET_SOCK_RELEASE};

/* Whether a program watches what is in the cgroup: 1 or 0, or a negative errno where that may not be asked. */
static int has_program(int fd)
{
	for (size_t i = 0; i < sizeof(programs); i++) {
		union bpf_attr attr = {
			.query = {.target_fd = (uint32_t)fd, .attach_type = programs[i]}};

		if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0) {
			/* The kernel has no such type, or none at all. */
			if (errno != EINVAL && errno != ENOSYS)
				return -errno;
		} else if (attr.query.prog_cnt > 0) {
			return 1;
		}
	}
	return 0;
}

/* A directory between the peer and its slice. below: it is not systemd's unit, but made by who has that. */
static int check_dir(struct grant *grant, const char *dir, bool below)
{
	cleanup_fd int fd = grant_dir_open(dir);
	struct stat st;
	int programs_there;

	if (fd < 0 || fstat(fd, &st) < 0)
		return grant_refuse(grant, fd < 0 ? fd : -errno, "its cgroup cannot be opened");
	if (below && st.st_uid != grant->peer->uid)
		return grant_refuse(grant, -EPERM,
				    "its cgroup was made by another (a container, a batch system), "
				    "and it stays there");
	programs_there = has_program(fd);
	if (programs_there < 0)
		return grant_refuse(grant, programs_there,
				    "whether its cgroup has BPF programs may not be asked "
				    "(mstatd needs CAP_BPF and CAP_NET_ADMIN)");
	if (programs_there)
		return grant_refuse(grant, -EPERM,
				    "its cgroup has BPF programs, which would not hold in a scope");
	return 0;
}

static int check_dirs(struct grant *grant, const struct grant_unit *unit)
{
	char dir[CGROUP_PATH_SIZE];
	int err = cgroup_dir_above(&grant->place, unit->slice_len, dir, sizeof(dir));
	size_t top = err < 0 ? 0 : strlen(dir);

	if (err < 0)
		return grant_refuse(grant, err, "its slice is not among the cgroups seen here");
	for (strcpy(dir, grant->place.memory); err == 0 && strlen(dir) > top;
	     *strrchr(dir, '/') = '\0')
		err = check_dir(grant, dir, strchr(dir + top + 1, '/') != NULL);
	return err;
}

static int check_place(struct grant *grant, struct grant_unit *ret)
{
	const char *file = NULL;
	int limit;

	if (cgroup_path_is_in_run(grant->place.own))
		return grant_refuse(grant, -EPERM, "it is in a run of mstat already");
	if (!grant_unit_find(grant->place.own, ret))
		return grant_refuse(grant, -EPERM, "its cgroup was not made by systemd");
	limit = cgroup_find_limit(&grant->place, ret->slice_len, &file);
	if (limit < 0)
		return grant_refuse(grant, limit, "its slice is not among the cgroups seen here");
	if (limit > 0)
		return grant_refuse(grant, -EPERM,
				    "its cgroup has a limit, %s, which would not hold in a scope",
				    file);
	return check_dirs(grant, ret);
}

/* ---- the scope --------------------------------------------------------------------------------- */

/* systemd's own socket, which root may use and needs no bus; else the bus. */
static int open_bus(const char *address, bool is_bus, sd_bus **ret)
{
	int err = sd_bus_new(ret);

	if (err >= 0)
		err = sd_bus_set_address(*ret, address);
	if (err >= 0)
		err = sd_bus_set_bus_client(*ret, is_bus);
	if (err >= 0)
		err = sd_bus_start(*ret);
	if (err < 0)
		*ret = sd_bus_unref(*ret);
	return err;
}

/*
 * Who is in the scope first: systemd takes some 20 ms for it, in which the peer may end and its pid become
 * another's; and if it does not answer in time it may still do it later. It ends with us.
 */
static pid_t start_first(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "mstatd-scope");
	close_range(0, ~0u, 0);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static void end_first(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start_scope(struct grant *grant, const struct grant_unit *unit, const char *name,
		       pid_t first)
{
	struct transient scope = {.manager = "systemd",
				  .unit = name,
				  .slice = unit->slice,
				  .part_of = *unit->unit ? unit->unit : NULL,
				  .pid = first};
	sd_bus *bus = NULL;
	int err = open_bus("unix:path=/run/systemd/private", false, &bus);

	if (err < 0)
		err = open_bus("unix:path=/run/dbus/system_bus_socket", true, &bus);
	if (err < 0)
		return grant_refuse(grant, err, "systemd cannot be asked: %s", strerror(-err));
	err = transient_start(bus, &scope, grant->why, grant->why_size);
	sd_bus_close(bus);
	sd_bus_unref(bus);
	return err;
}

static int open_scope(struct grant *grant, const struct grant_unit *unit, const char *name)
{
	char slice[CGROUP_PATH_SIZE];
	cleanup_fd int above = -1;
	int err = cgroup_dir_above(&grant->place, unit->slice_len, slice, sizeof(slice));
	int fd;

	if (err < 0)
		return err;
	above = grant_dir_open(*slice ? slice : "/");
	fd = above < 0 ? above : cgroup_dir_open(above, name);
	if (fd >= 0 && !grant_dir_is_roots(fd)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* Who is moved out of the scope again goes to where the peer was. */
static int move_to(struct grant *grant, int scope, int was)
{
	struct cgroup_dir dir = {.parent = was, .fd = scope};
	int err = grant_check_peer(grant->peer);

	if (err == 0)
		err = grant_dir_move(&dir, grant->peer);
	if (err < 0)
		return err;
	err = grant_dir_delegate(scope, CGROUP_V2, grant->peer);
	if (err < 0)
		grant_dir_empty(&dir, false);
	return err;
}

static int make_and_move(struct grant *grant, const struct grant_unit *unit, pid_t first)
{
	cleanup_fd int was = grant_dir_open(grant->place.memory);
	cleanup_fd int scope = -1;
	char name[CGROUP_NAME_SIZE];
	uint32_t random = 0;
	int err;

	if (was < 0 || getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return grant_refuse(grant, was < 0 ? was : -EIO, "its cgroup cannot be opened");
	snprintf(name, sizeof(name), "mstat-%u-%08x.scope", (unsigned)grant->peer->uid, random);
	err = start_scope(grant, unit, name, first);
	if (err < 0)
		return err;
	scope = open_scope(grant, unit, name);
	err = scope < 0 ? scope : move_to(grant, scope, was);
	if (err < 0)
		grant_refuse(grant, err, "the process could not be moved to a scope: %s",
			     strerror(-err));
	return err;
}

int grant_scope_enter(struct grant *grant)
{
	struct grant_unit unit;
	int err = check_place(grant, &unit);
	pid_t first;

	if (err < 0)
		return err;
	first = start_first();
	if (first < 0)
		return grant_refuse(grant, -errno, "no process could be made: %s", strerror(errno));
	err = make_and_move(grant, &unit, first);
	end_first(first);
	return err;
}

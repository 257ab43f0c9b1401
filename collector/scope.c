/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "collector/cgroup_internal.h"
#include "collector/keeper.h"
#include "collector/scope.h"
#include "collector/smallfile.h"
#include "collector/transient.h"

/* What messages call it. */
#define MANAGER "the user's systemd"

/* ---- where it stands --------------------------------------------------------------------------- */

static size_t make_slice(char *ret, size_t size)
{
	return (size_t)snprintf(ret, size, "/user.slice/user-%u.slice/", (unsigned)geteuid());
}

bool scope_may_help(const struct cgroup_place *place, int err)
{
	char slice[64];
	size_t len = make_slice(slice, sizeof(slice));

	return geteuid() != 0 && place->mode == CGROUP_V2 &&
	       (err == -EACCES || err == -EPERM || err == -EBUSY || err == -ENOENT) &&
	       strncmp(place->own, slice, len) == 0 && !cgroup_path_is_in_run(place->own);
}

/* The file of a limit that a run in the scope would escape; those of the user's slice hold for both. */
static const char *find_limit(const struct cgroup_place *place)
{
	char slice[64];
	const char *file = NULL;

	return cgroup_find_limit(place, make_slice(slice, sizeof(slice)) - 1, &file) > 0 ? file
											 : NULL;
}

/* ---- systemd ----------------------------------------------------------------------------------- */

/* The user's own bus, also where the environment names another one or none. */
static int open_bus(sd_bus **ret)
{
	char address[64];
	struct stat st;
	int n = snprintf(address, sizeof(address), "unix:path=/run/user/%u/bus",
			 (unsigned)geteuid());
	int err;

	if (n < 0 || stat(address + strlen("unix:path="), &st) < 0 || st.st_uid != geteuid())
		return -ENOENT;
	err = sd_bus_new(ret);
	if (err >= 0)
		err = sd_bus_set_address(*ret, address);
	if (err >= 0)
		err = sd_bus_set_bus_client(*ret, 1);
	return err < 0 ? err : sd_bus_start(*ret);
}

static bool is_in(const char *unit)
{
	char text[8192];

	return smallfile_read("/proc/self/cgroup", text, sizeof(text)) > 0 && strstr(text, unit);
}

static int start_scope(sd_bus *bus, char *why, size_t size)
{
	char unit[64];
	/* Process 0 is who asks: our pid may be another's to systemd. */
	struct transient scope = {.manager = MANAGER, .unit = unit, .pid = 0};
	uint32_t random = 0;
	int err;

	(void)!getrandom(&random, sizeof(random), 0);
	snprintf(unit, sizeof(unit), "mstat-%d-%08x.scope", (int)getpid(), random);
	err = transient_start(bus, &scope, why, size);
	if (err == 0 && !is_in(unit)) {
		snprintf(why, size, "%s made a scope, and this process is not in it", MANAGER);
		err = -EIO;
	}
	return err;
}

int scope_enter(const struct cgroup_place *place, char *why, size_t size)
{
	const char *limit = find_limit(place);
	sd_bus *bus = NULL;
	pid_t keeper = 0;

	why[0] = '\0';
	if (limit)
		snprintf(why, size, "this session has a limit, %s, which would not hold in a scope",
			 limit);
	else if (open_bus(&bus) < 0)
		snprintf(why, size,
			 "no systemd of this user answers: loginctl enable-linger starts one");
	else if ((keeper = keeper_start()) < 0)
		snprintf(why, size, "nobody could be left in the session: %s", strerror(errno));
	else
		start_scope(bus, why, size);
	sd_bus_close(bus);
	sd_bus_unref(bus);
	if (why[0] == '\0')
		return 0;
	keeper_end(keeper);
	return -1;
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/privileges.h"

/*
 * AT_SECURE is also set where a security module says so, or where a privileged program of other ids runs
 * us: what we have then was not given by our file. Where the file cannot be looked at, it was.
 */
static bool is_gift(void)
{
	char caps[64];
	struct stat st;

	if (!getauxval(AT_SECURE))
		return false;
	return stat("/proc/self/exe", &st) < 0 || st.st_mode & (S_ISUID | S_ISGID) ||
	       getxattr("/proc/self/exe", "security.capability", caps, sizeof(caps)) > 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static bool is_dropped(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 && r == uid &&
	       e == uid && s == uid && rg == gid && eg == gid && sg == gid;
}

int privileges_drop(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int err = 0;

	if (!is_gift())
		return 0;
	/* The group first: without the user's privilege it could not be dropped. */
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	if (uid != 0)
		err = drop_capabilities();
	if (err == 0 && !is_dropped(uid, gid))
		err = -EPERM;
	/* Nothing secret was in our memory yet; without it our files in /proc would be root's. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return err < 0 ? err : 1;
}

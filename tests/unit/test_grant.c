/* SPDX-License-Identifier: ISC */
/*
 * A cgroup for another user's process: names and paths, what is swept and removed (in a temporary
 * directory that poses as a cgroup file system), and, as root, real ones below this process's own cgroup.
 *
 *   test_grant enter PID UID GID    grants, for scripts; prints the directory, or why not
 *   test_grant remove DIR
 */
#include "tests/unit/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/grant_internal.h"

#define NOBODY 65534

static void make_dir(const char *path)
{
	assert_int_equal(mkdir(at("%s", path), 0755), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(at("%s", path), "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static bool exists(const char *path)
{
	return access(at("%s", path), F_OK) == 0;
}

/* ---- names and paths --------------------------------------------------------------------------- */

static void names(void **state)
{
	static const char *const others[] = {"",
					     "mstatd-",
					     "mstatd-0",
					     "mstatd-0-0123456",
					     "mstatd-0-0",
					     "mstatd-0-01234567 ",
					     "mstatd--01234567",
					     "mstatd-x-01234567",
					     "mstatd",
					     "mstatd-0-0123456g",
					     "mstatd- 0-01234567",
					     "mstat-1-01234567",
					     "mstatd-4294967296-01234567",
					     "mstatd-0-01234567.leaf"};
	char name[CGROUP_NAME_SIZE];
	uid_t uid;

	(void)state;
	assert_int_equal(grant_dir_name(4294967294u, name, sizeof(name)), 0);
	assert_true(grant_dir_is_name(name, &uid));
	assert_int_equal(uid, 4294967294u);
	assert_true(grant_dir_is_name("mstatd-0-0123abcd", &uid));
	assert_int_equal(uid, 0);
	for (size_t i = 0; i < UNIT_COUNT(others); i++)
		if (grant_dir_is_name(others[i], &uid))
			fail_msg("%s", others[i]);
	/* A run's sweep leaves it alone. */
	assert_false(cgroup_dir_is_run("mstatd-0-0123abcd"));
}

struct unit_case {
	const char *own;
	bool is_systemds;
	const char *slice;
	size_t slice_len;
	const char *unit;
};

static const struct unit_case unit_cases[] = {
	{"/", true, "-.slice", 0, ""},
	{"/init.scope", true, "-.slice", 0, "init.scope"},
	{"/system.slice/cron.service", true, "system.slice", 13, "cron.service"},
	{"/user.slice/user-5.slice/session-2.scope", true, "user-5.slice", 24, "session-2.scope"},
	{"/user.slice/user-5.slice", true, "user-5.slice", 24, ""},
	{"/a.slice/a-b.slice/a-b-c.slice/_x.service/y", true, "a-b-c.slice", 30, "x.service"},
	/* The slices of a user's own systemd are none of the system's. */
	{"/user.slice/user-5.slice/user@5.service/app.slice/x.scope", true, "user-5.slice", 24,
	 "user@5.service"},
	/* Nor is what only looks like one. */
	{"/user.slice/app.slice/x.scope", false, "user.slice", 11, "app.slice"},
	{"/user.slice/user-5-6.slice/x.scope", false, "user.slice", 11, "user-5-6.slice"},
	{"/a-b.slice/x.scope", false, "-.slice", 0, "a-b.slice"},
	{"/userx.slice/user-5.slice/x.scope", false, "userx.slice", 12, "user-5.slice"},
	{"/docker/0123", false, "-.slice", 0, "docker"},
	{"/.slice", false, "-.slice", 0, ".slice"},
	{"/.service", false, "-.slice", 0, ".service"},
};

static void units(void **state)
{
	char longest[NAME_MAX + 8];
	struct grant_unit unit;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(unit_cases); i++) {
		const struct unit_case *c = &unit_cases[i];

		if (grant_unit_find(c->own, &unit) != c->is_systemds)
			fail_msg("%s: %s in %s", c->own, unit.unit, unit.slice);
		assert_string_equal(unit.slice, c->slice);
		assert_int_equal(unit.slice_len, c->slice_len);
		assert_string_equal(unit.unit, c->unit);
	}
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_false(grant_unit_find(longest, &unit));
}

static void in_run(void **state)
{
	(void)state;
	assert_true(cgroup_path_is_in_run("/mstat-1-0123abcd"));
	assert_true(cgroup_path_is_in_run("/a/mstat-1-0123abcd/b"));
	assert_false(cgroup_path_is_in_run("/"));
	assert_false(cgroup_path_is_in_run(""));
	assert_false(cgroup_path_is_in_run("/mstat-1-0123abcd.leaf"));
	assert_false(cgroup_path_is_in_run("/mstat-5-0123abcd.scope"));
}

static void limits(void **state)
{
	struct cgroup_place place = {.mode = CGROUP_V2, .own = "/s.slice/u.service/in"};
	size_t slice = strlen("/s.slice");
	const char *file;

	(void)state;
	make_dir("s.slice");
	make_dir("s.slice/u.service");
	make_dir("s.slice/u.service/in");
	snprintf(place.memory, sizeof(place.memory), "%s%s", tmp, place.own);
	/* That of the slice itself holds in both. */
	write_file("s.slice/memory.max", "4096\n");
	write_file("s.slice/u.service/memory.max", "max\n");
	write_file("s.slice/u.service/cpu.max", "max 100000\n");
	write_file("s.slice/u.service/cpuset.cpus", "\n");
	write_file("s.slice/u.service/io.max", "");
	assert_int_equal(cgroup_find_limit(&place, slice, &file), 0);
	write_file("s.slice/u.service/pids.max", "12\n");
	assert_int_equal(cgroup_find_limit(&place, slice, &file), 1);
	assert_string_equal(file, "pids.max");
	write_file("s.slice/u.service/in/cpu.max", "1000 100000\n");
	assert_int_equal(cgroup_find_limit(&place, slice, &file), 1);
	assert_string_equal(file, "cpu.max");
	assert_int_equal(cgroup_find_limit(&place, 0, &file), 1);
	/* In one's own slice there is nothing between. */
	strcpy(place.own, "/s.slice");
	snprintf(place.memory, sizeof(place.memory), "%s%s", tmp, place.own);
	assert_int_equal(cgroup_find_limit(&place, slice, &file), 0);
	/* A mount that begins further down shows no slice. */
	strcpy(place.own, "/x.slice/u.service/elsewhere");
	assert_int_equal(cgroup_find_limit(&place, slice, &file), -EXDEV);
	strcpy(place.own, "/");
	assert_int_equal(cgroup_find_limit(&place, 0, &file), 0);
}

static void found_of(void **state)
{
	struct cgroup_place place;

	(void)state;
	make_dir("proc");
	make_dir("proc/self");
	make_dir("proc/7");
	make_dir("c");
	make_dir("c/a");
	write_file("proc/self/mountinfo", "1 2 0:3 / /c rw - cgroup x rw,memory\n");
	write_file("proc/self/cgroup", "1:memory:/\n");
	write_file("proc/7/cgroup", "1:memory:/a\n");
	/* Its own mounts are its own affair. */
	write_file("proc/7/mountinfo", "1 2 0:3 / /evil rw - cgroup x rw,memory\n");
	write_file("c/cgroup.procs", "");
	write_file("c/a/cgroup.procs", "");
	assert_int_equal(cgroup_find_of(tmp, 0, &place), 0);
	assert_string_equal(place.memory, at("c"));
	assert_int_equal(cgroup_find_of(tmp, 7, &place), 0);
	assert_string_equal(place.memory, at("c/a"));
	assert_int_equal(cgroup_find_of(tmp, 8, &place), -ENOENT);
	write_file("proc/7/cgroup", "1:memory:/../b\n");
	assert_int_equal(cgroup_find_of(tmp, 7, &place), -EXDEV);
}

/* ---- directories that are not real ------------------------------------------------------------- */

static void swept(void **state)
{
	int fd;

	(void)state;
	make_dir("mstatd-5-00000001");
	make_dir("mstatd-5-00000002");
	make_dir("mstatd-5-00000002/mstat-1-01234567");
	make_dir("mstatd-5-00000003");
	write_file("mstatd-5-00000003/cgroup.procs", "1\n");
	make_dir("mstatd-6-00000001");
	make_dir("mstatd-6-00000002");
	make_dir("mstatd-6-00000002/deep");
	make_dir("mstatd-5-0000000");
	make_dir("other");
	make_dir("other/below");
	assert_int_equal(symlink("other", at("mstatd-5-00000004")), 0);
	fd = cgroup_dir_open(AT_FDCWD, tmp);
	grant_dir_sweep(fd, 5);
	close(fd);
	assert_false(exists("mstatd-5-00000001"));
	assert_false(exists("mstatd-5-00000002"));
	assert_true(exists("mstatd-5-00000003"));
	assert_false(exists("mstatd-6-00000001"));
	assert_true(exists("mstatd-6-00000002/deep"));
	assert_true(exists("mstatd-5-0000000"));
	assert_true(exists("mstatd-5-00000004/below"));
}

static void removed(void **state)
{
	(void)state;
	make_dir("p");
	make_dir("p/mstatd-5-00000001");
	make_dir("p/mstatd-5-00000001/mstat-1-01234567");
	make_dir("other");
	make_dir("other/mstatd-5-00000001");
	assert_int_equal(symlink("other", at("link")), 0);
	assert_int_equal(symlink("../other", at("p/mstatd-5-00000002")), 0);

	assert_int_equal(grant_remove("mstatd-5-00000001"), -EINVAL);
	assert_int_equal(grant_remove(""), -EINVAL);
	assert_int_equal(grant_remove("/"), -EINVAL);
	assert_int_equal(grant_remove(at("other")), -EINVAL);
	assert_int_equal(grant_remove(at("p/mstatd-5-00000001/mstat-1-01234567")), -EINVAL);
	/* No link is followed, in the middle or at the end. */
	assert_int_equal(grant_remove(at("link/mstatd-5-00000001")), -ELOOP);
	assert_int_equal(grant_remove(at("p/mstatd-5-00000002")), -ENOTDIR);
	assert_true(exists("other/mstatd-5-00000001"));

	write_file("p/mstatd-5-00000001/cgroup.procs", "1\n");
	assert_int_equal(grant_remove(at("p/mstatd-5-00000001")), -EBUSY);
	assert_int_equal(unlink(at("p/mstatd-5-00000001/cgroup.procs")), 0);
	assert_int_equal(grant_remove(at("p/mstatd-5-00000001")), 0);
	assert_false(exists("p/mstatd-5-00000001"));
	assert_int_equal(grant_remove(at("p/mstatd-5-00000001")), 0);
	assert_int_equal(grant_remove(at("q/mstatd-5-00000001")), 0);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void parents(void **state)
{
	struct grant_peer peer = {.pid = getpid(), .uid = geteuid(), .pidfd = -1};
	char why[256] = "";
	struct grant grant = {.peer = &peer, .why = why, .why_size = sizeof(why)};
	char procs[32];
	int fd;

	(void)state;
	need_root();
	grant.place.mode = CGROUP_V1;
	fd = cgroup_dir_open(AT_FDCWD, tmp);
	assert_int_equal(chmod(tmp, 0755), 0);
	assert_int_equal(grant_check_parent(&grant, fd), 0);
	write_file("memory.use_hierarchy", "1\n");
	assert_int_equal(grant_check_parent(&grant, fd), 0);
	write_file("memory.use_hierarchy", "0\n");
	assert_int_equal(grant_check_parent(&grant, fd), -EPERM);
	assert_non_null(strstr(why, "use_hierarchy"));
	write_file("release_agent", "");
	assert_int_equal(grant_check_parent(&grant, fd), 0);

	/* A user's own could be renamed below our hands. */
	assert_int_equal(chmod(tmp, 0757), 0);
	assert_int_equal(grant_check_parent(&grant, fd), -EPERM);
	assert_int_equal(chmod(tmp, 0755), 0);
	assert_int_equal(chown(tmp, NOBODY, 0), 0);
	assert_int_equal(grant_check_parent(&grant, fd), -EPERM);
	assert_int_equal(chown(tmp, 0, NOBODY), 0);
	assert_int_equal(grant_check_parent(&grant, fd), 0);
	assert_int_equal(chmod(tmp, 0775), 0);
	assert_int_equal(grant_check_parent(&grant, fd), -EPERM);
	assert_int_equal(chmod(tmp, 0755), 0);

	grant.place.mode = CGROUP_V2;
	write_file("cgroup.controllers", "cpu\n");
	assert_int_equal(grant_check_parent(&grant, fd), -ENOENT);
	write_file("cgroup.controllers", "cpu memory\n");
	assert_int_equal(grant_check_parent(&grant, fd), 0);
	write_file("cgroup.type", "domain\n");
	snprintf(procs, sizeof(procs), "%d\n", (int)getpid());
	write_file("cgroup.procs", procs);
	assert_int_equal(grant_check_parent(&grant, fd), 0);
	write_file("cgroup.procs", "");
	assert_int_equal(grant_check_parent(&grant, fd), -EBUSY);
	snprintf(procs, sizeof(procs), "%d\n0\n", (int)getpid());
	write_file("cgroup.procs", procs);
	assert_int_equal(grant_check_parent(&grant, fd), -EBUSY);
	close(fd);
}

/* ---- peers ------------------------------------------------------------------------------------- */

enum order { MAKE_RUN = 'm', UNSHARE = 'n', FORK = 'f' };

/* A process of another user, which does what it is told. */
struct actor {
	pid_t pid;
	int pidfd;
	int socket;
};

static pid_t begun[3]; /* those of a test that have not been ended */

static int make_run(void)
{
	struct cgroup_place place;
	const char *file;
	struct cgroup *cg;
	int err = cgroup_find("", &place);

	if (err == 0)
		err = cgroup_make(&place, &cg);
	if (err == 0)
		err = cgroup_limit(cg, 64 << 20, UINT64_MAX, &file);
	return err == 0 ? cgroup_enter(cg, false) : err;
}

/* A test that fails leaves nobody behind: who changes its user must ask for it again. */
static void end_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void act(int fd)
{
	int answer;
	char order;

	while (read(fd, &order, 1) == 1) {
		switch (order) {
		case MAKE_RUN:
			answer = make_run();
			break;
		case UNSHARE:
			answer = unshare(CLONE_NEWCGROUP);
			break;
		default:
			answer = (int)fork();
			if (answer == 0) {
				end_with_parent();
				for (;;)
					pause();
			}
		}
		if (write(fd, &answer, sizeof(answer)) < 0)
			break;
	}
	_exit(0);
}

static struct actor begin(uid_t uid)
{
	struct actor actor;
	int pair[2];
	char ready;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	actor.pid = fork();
	assert_true(actor.pid >= 0);
	if (actor.pid == 0) {
		close(pair[0]);
		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(1);
		end_with_parent();
		if (write(pair[1], "", 1) != 1)
			_exit(1);
		act(pair[1]);
	}
	begun[begun[0] ? 1 : 0] = actor.pid;
	close(pair[1]);
	actor.socket = pair[0];
	actor.pidfd = pidfd_open(actor.pid, 0);
	assert_true(actor.pidfd >= 0);
	assert_int_equal(read(actor.socket, &ready, 1), 1);
	return actor;
}

static int tell(const struct actor *actor, enum order order)
{
	char byte = (char)order;
	int answer = -EPIPE;

	assert_int_equal(write(actor->socket, &byte, 1), 1);
	assert_int_equal(read(actor->socket, &answer, sizeof(answer)), sizeof(answer));
	return answer;
}

/* It is dead, and its pid free; its descriptor stays. */
static void finish(struct actor *actor)
{
	close(actor->socket);
	kill(actor->pid, SIGKILL);
	waitpid(actor->pid, NULL, 0);
	begun[actor->pid == begun[0] ? 0 : 1] = 0;
}

static struct grant_peer peer_of(const struct actor *actor, uid_t uid)
{
	return (struct grant_peer){
		.pid = actor->pid, .uid = uid, .gid = uid, .pidfd = actor->pidfd};
}

static void checked(void **state)
{
	struct actor actor = begin(geteuid());
	struct grant_peer peer = peer_of(&actor, geteuid());
	struct grant_peer none = peer;

	(void)state;
	assert_int_equal(grant_check_peer(&peer), 0);
	none.pid = 0;
	assert_int_equal(grant_check_peer(&none), -ESRCH);
	none = peer;
	none.pidfd = -1;
	assert_int_equal(grant_check_peer(&none), -ESRCH);
	none = peer;
	none.uid++;
	assert_int_equal(grant_check_peer(&none), -EPERM);
	finish(&actor);
	assert_int_equal(grant_check_peer(&peer), -ESRCH);
	/* Its pid is another's now. */
	peer.pid = getpid();
	assert_int_equal(grant_check_peer(&peer), -ESRCH);
	close(actor.pidfd);
}

/* ---- real ones --------------------------------------------------------------------------------- */

static struct cgroup_place own;
static char granted[CGROUP_PATH_SIZE];
static char reason[256];

/* As root, where no systemd has the cgroups, and ours may have others. */
static void need_real(void)
{
	need_root();
	if (cgroup_find("", &own) < 0 || access(own.memory, W_OK) < 0)
		skip();
	if (own.mode == CGROUP_V2 && (access("/run/systemd/system", F_OK) == 0 || own.own[1]))
		skip();
}

static int ask(const struct grant_peer *peer)
{
	return grant_enter(peer, granted, sizeof(granted), reason, sizeof(reason));
}

/* In our own cgroup; two of them live at a time. */
static const char *in_own(const char *name)
{
	static char buf[2][CGROUP_PATH_SIZE + 64];
	static unsigned n;
	char *ret = buf[n++ % 2];

	snprintf(ret, sizeof(buf[0]), "%s/%s", own.memory, name);
	return ret;
}

static int count_granted(void)
{
	DIR *dir = opendir(own.memory);
	struct dirent *entry;
	int count = 0;
	uid_t uid;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += grant_dir_is_name(entry->d_name, &uid);
	closedir(dir);
	return count;
}

static void assert_owner(const char *dir, const char *file, uid_t uid)
{
	char path[CGROUP_PATH_SIZE + 64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (stat(path, &st) < 0 && errno == ENOENT)
		return;
	if (st.st_uid != uid || st.st_gid != uid)
		fail_msg("%s is of %u:%u", path, st.st_uid, st.st_gid);
}

static void assert_place(pid_t pid, const char *dir)
{
	struct cgroup_place place;

	assert_int_equal(cgroup_find_of("", pid, &place), 0);
	assert_string_equal(place.memory, dir);
}

static void put(pid_t pid, const char *dir)
{
	int fd = cgroup_dir_open(AT_FDCWD, dir);
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_true(fd >= 0);
	assert_int_equal(cgroup_file_write(fd, "cgroup.procs", text), 0);
	close(fd);
}

/* What a test that failed left. */
static int clean(void **state)
{
	static const char *const left[] = {
		"grant-test/mstatd-65534-00000001", "grant-test", "mstatd-65533-00000001",
		"mstatd-65534-00000001/mstat-1-01234567", "mstatd-65534-00000001"};

	for (size_t i = 0; i < UNIT_COUNT(begun); i++) {
		if (begun[i] > 0) {
			kill(begun[i], SIGKILL);
			waitpid(begun[i], NULL, 0);
		}
		begun[i] = 0;
	}
	if (*granted)
		grant_remove(granted);
	*granted = '\0';
	for (size_t i = 0; *own.memory && i < UNIT_COUNT(left); i++)
		for (int k = 0; k < 50 && rmdir(in_own(left[i])) < 0 && errno == EBUSY; k++)
			cgroup_sleep_ms(2);
	return folder_teardown(state);
}

static void real_granted(void **state)
{
	struct actor actor;
	struct grant_peer peer;
	char dir[sizeof(granted)];

	(void)state;
	need_real();
	actor = begin(NOBODY);
	peer = peer_of(&actor, NOBODY);
	if (ask(&peer) != 0)
		fail_msg("%s", reason);
	strcpy(dir, granted);
	assert_string_equal(reason, "");
	assert_place(actor.pid, dir);
	assert_owner(dir, ".", NOBODY);
	assert_owner(dir, "cgroup.procs", NOBODY);
	assert_owner(dir, "memory.limit_in_bytes", NOBODY);
	assert_owner(dir, "memory.max", NOBODY);
	assert_owner(dir, "cgroup.subtree_control", NOBODY);
	assert_owner(dir, "memory.oom_control", 0);
	assert_owner(dir, "memory.low", 0);
	assert_owner(dir, "cgroup.max.depth", 0);
	assert_owner(dir, "cgroup.kill", 0);
	assert_int_equal(tell(&actor, MAKE_RUN), 0);
	assert_int_equal(grant_remove(dir), -EBUSY);
	/* It has one by now. */
	assert_int_equal(ask(&peer), -EPERM);
	assert_string_equal(granted, "");
	finish(&actor);
	close(actor.pidfd);
	assert_int_equal(grant_remove(dir), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(grant_remove(dir), 0);
}

static void real_refused(void **state)
{
	struct actor actor;
	struct grant_peer peer;
	int before;

	(void)state;
	need_real();
	before = count_granted();
	actor = begin(NOBODY);
	peer = peer_of(&actor, NOBODY - 1);
	assert_int_equal(ask(&peer), -EPERM);
	peer = peer_of(&actor, NOBODY);
	assert_int_equal(grant_enter(&peer, granted, 8, reason, sizeof(reason)), -ENAMETOOLONG);
	finish(&actor);
	assert_int_equal(ask(&peer), -ESRCH);
	assert_string_equal(reason, "the process that asked is gone");
	close(actor.pidfd);

	actor = begin(0);
	peer = peer_of(&actor, 0);
	assert_int_equal(tell(&actor, UNSHARE), 0);
	assert_int_equal(ask(&peer), -EXDEV);
	assert_place(actor.pid, own.memory);
	finish(&actor);
	close(actor.pidfd);
	assert_int_equal(count_granted(), before);
}

static void real_recycled(void **state)
{
	struct actor gone, victim;
	struct grant_peer peer;
	struct cgroup_dir dir;
	struct stat st;
	pid_t child;
	int sub;

	(void)state;
	need_real();
	gone = begin(NOBODY);
	finish(&gone);
	victim = begin(NOBODY);
	child = tell(&victim, FORK);
	begun[2] = child;
	/* Not where the directory is, but where the parent of who was moved is. */
	rmdir(in_own("grant-test"));
	assert_int_equal(mkdir(in_own("grant-test"), 0755), 0);
	sub = cgroup_dir_open(AT_FDCWD, in_own("grant-test"));
	assert_int_equal(cgroup_dir_make(sub, "mstatd-65534-00000001", &dir), 0);
	put(child, in_own("grant-test/mstatd-65534-00000001"));
	peer = peer_of(&victim, NOBODY);
	peer.pidfd = gone.pidfd;
	assert_int_equal(grant_dir_move(&dir, &peer), -ESRCH);
	assert_place(victim.pid, own.memory);
	assert_place(child, own.memory);
	assert_int_equal(fstat(dir.fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	/* One of another user is sent back as well. */
	peer = peer_of(&victim, NOBODY - 1);
	assert_int_equal(grant_dir_move(&dir, &peer), -EPERM);
	assert_place(victim.pid, own.memory);
	assert_int_equal(cgroup_dir_remove(&dir), 0);
	kill(child, SIGKILL);
	begun[2] = 0;
	finish(&victim);
	close(victim.pidfd);
	close(gone.pidfd);
	close(sub);
	assert_int_equal(rmdir(in_own("grant-test")), 0);
}

static void real_swept(void **state)
{
	struct actor actor;
	struct grant_peer peer;

	(void)state;
	need_real();
	assert_int_equal(mkdir(in_own("mstatd-65534-00000001"), 0755), 0);
	assert_int_equal(mkdir(in_own("mstatd-65534-00000001/mstat-1-01234567"), 0755), 0);
	assert_int_equal(mkdir(in_own("mstatd-65533-00000001"), 0755), 0);
	actor = begin(NOBODY);
	peer = peer_of(&actor, NOBODY);
	assert_int_equal(ask(&peer), 0);
	assert_int_equal(access(in_own("mstatd-65534-00000001"), F_OK), -1);
	assert_int_equal(access(in_own("mstatd-65533-00000001"), F_OK), -1);
	finish(&actor);
	close(actor.pidfd);
	assert_int_equal(grant_remove(granted), 0);
}

/* A v2 cgroup that is not the root: only who is alone in it can be moved below. */
static void real_alone(void **state)
{
	struct actor actor, other;
	struct grant_peer peer;
	int sub;

	(void)state;
	need_real();
	if (own.mode != CGROUP_V2)
		skip();
	assert_int_equal(mkdir(in_own("grant-test"), 0755), 0);
	sub = cgroup_dir_open(AT_FDCWD, in_own("grant-test"));
	actor = begin(NOBODY);
	other = begin(NOBODY);
	put(actor.pid, in_own("grant-test"));
	put(other.pid, in_own("grant-test"));
	peer = peer_of(&actor, NOBODY);
	assert_int_equal(ask(&peer), -EBUSY);
	assert_place(actor.pid, in_own("grant-test"));
	put(other.pid, own.memory);
	if (ask(&peer) != 0)
		fail_msg("%s", reason);
	assert_true(cgroup_file_has_word(sub, "cgroup.subtree_control", "memory"));
	assert_int_equal(tell(&actor, MAKE_RUN), 0);
	finish(&actor);
	finish(&other);
	close(actor.pidfd);
	close(other.pidfd);
	assert_int_equal(grant_remove(granted), 0);
	assert_false(cgroup_file_has_word(sub, "cgroup.subtree_control", "memory"));
	close(sub);
	assert_int_equal(rmdir(in_own("grant-test")), 0);
}

/* ---- for scripts ------------------------------------------------------------------------------- */

static int enter(char **argv)
{
	struct grant_peer peer = {
		.pid = atoi(argv[0]), .uid = (uid_t)atoi(argv[1]), .gid = (gid_t)atoi(argv[2])};
	int err;

	peer.pidfd = pidfd_open(peer.pid, 0);
	err = grant_enter(&peer, granted, sizeof(granted), reason, sizeof(reason));
	printf("%d %s%s\n", err, granted, reason);
	return err < 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

#define REAL(name) cmocka_unit_test_setup_teardown(name, folder_setup, clean)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(names),	  TEST(units),	      TEST(in_run),	  TEST(limits),
		TEST(found_of),	  TEST(swept),	      TEST(removed),	  TEST(parents),
		REAL(checked),	  REAL(real_granted), REAL(real_refused), REAL(real_recycled),
		REAL(real_swept), REAL(real_alone),
	};

	if (argc == 5 && strcmp(argv[1], "enter") == 0)
		return enter(argv + 2);
	if (argc == 3 && strcmp(argv[1], "remove") == 0)
		return grant_remove(argv[2]) < 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

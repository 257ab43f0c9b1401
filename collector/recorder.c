/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/control.h"
#include "collector/recorder.h"
#include "collector/worker.h"

/* What is written before the size is looked at again. */
#define SLACK ((rlim_t)64 << 20)

static int make_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

static void close_pair(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* Where it expects them: WORKER_ASKS, WORKER_OUT, 2, WORKER_GIVEN. All of ours is above those. */
__attribute__((noreturn)) static void become(int asks, int out, int given, uint64_t file_max,
					     const struct ucred *user)
{
	char file_text[24], uid_text[12], gid_text[12];
	char *argv[] = {WORKER_NAME, file_text, uid_text, gid_text, NULL};
	int high[] = {fcntl(asks, F_DUPFD, 10), fcntl(out, F_DUPFD, 10), fcntl(given, F_DUPFD, 10)};
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	self = fcntl(self, F_DUPFD_CLOEXEC, 20);
	snprintf(file_text, sizeof(file_text), "%llu", (unsigned long long)file_max);
	snprintf(uid_text, sizeof(uid_text), "%u", (unsigned)user->uid);
	snprintf(gid_text, sizeof(gid_text), "%u", (unsigned)user->gid);
	dup2(high[0], WORKER_ASKS);
	dup2(high[1], WORKER_OUT);
	dup2(high[2], WORKER_GIVEN);
	close_range(WORKER_GIVEN + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	if (file_max)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_max + SLACK, file_max + SLACK});
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fexecve(self, argv, (char *[]){NULL});
	_exit(127);
}

int recorder_start(int out_fd, uint64_t file_max, const struct ucred *root, struct recorder *ret)
{
	int asks[2], given[2];
	int err = make_pair(asks);

	if (err < 0)
		return err;
	err = make_pair(given);
	if (err < 0) {
		close_pair(asks);
		return err;
	}
	ret->pid = fork();
	if (ret->pid == 0)
		become(asks[1], out_fd, given[1], file_max, root);
	err = ret->pid < 0 ? -errno : 0;
	close(asks[1]);
	close(given[1]);
	ret->asks_fd = asks[0];
	ret->to_fd = given[0];
	ret->root = root->pid;
	if (err < 0) {
		close(ret->asks_fd);
		close(ret->to_fd);
		return err;
	}
	fcntl(ret->to_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

int recorder_give(const struct recorder *recorder, int fd, const uint8_t *message, size_t len)
{
	struct control_message given = {CONTROL_GIVEN, (uint64_t)recorder->root, message, len};

	return control_send(recorder->to_fd, &given, fd);
}

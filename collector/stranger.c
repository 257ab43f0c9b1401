/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/stranger.h"

#ifndef SO_PASSRIGHTS /* Linux 6.16; include/uapi/asm-generic/socket.h */
#define SO_PASSRIGHTS 83
#endif

void stranger_guard(int listen_fd)
{
	setsockopt(listen_fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){0}, sizeof(int));
}

bool stranger_is_guarded(int fd)
{
	int passes = 1;
	socklen_t len = sizeof(passes);

	return getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &passes, &len) == 0 && !passes;
}

static ssize_t peek_once(int fd, bool *ret_more)
{
	struct msghdr msg = {0};
	ssize_t n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);

	*ret_more = n >= 0 && (msg.msg_flags & MSG_CTRUNC);
	return n;
}

/*
 * The next message, which stays. Returns its length as recvmsg(2) does, and whether there is something beside it. The
 * kernel looks for a message first and for the end then (net/unix/af_unix.c, unix_dgram_recvmsg()): both may have
 * come in between, but nothing comes after the end.
 */
static ssize_t peek(int fd, bool *ret_more)
{
	ssize_t n = peek_once(fd, ret_more);

	return n == 0 && !*ret_more ? peek_once(fd, ret_more) : n;
}

ssize_t stranger_receive(int fd, bool is_guarded, void *buf, size_t size)
{
	bool has_rights = false;

	if (!is_guarded && peek(fd, &has_rights) < 0)
		return -1;
	if (!has_rights)
		return recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
	errno = EPERM;
	return -1;
}

/* An empty message looks like the end, but its sender is told with it if one asks for him. */
static bool is_read_to_its_end(int fd)
{
	bool is_message;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0 &&
	       peek(fd, &is_message) == 0 && !is_message;
}

static bool make_room(struct stranger_grave *grave)
{
	size_t room = grave->room ? 2 * grave->room : 64;
	int *fds;

	if (grave->count < grave->room)
		return true;
	fds = reallocarray(grave->fds, room, sizeof(*fds));
	if (!fds)
		return false;
	grave->fds = fds;
	grave->room = room;
	return true;
}

void stranger_let_go(struct stranger_grave *grave, int fd, bool is_guarded)
{
	if (is_guarded || !make_room(grave)) {
		close(fd);
		return;
	}
	grave->fds[grave->count++] = fd;
	if (grave->count == STRANGER_GRAVE_FULL)
		stranger_tend(grave);
}

void stranger_close(struct stranger_grave *grave, int fd, bool is_guarded)
{
	if (!is_guarded && !is_read_to_its_end(fd)) {
		shutdown(fd, SHUT_RDWR);
		stranger_let_go(grave, fd, false);
		return;
	}
	close(fd);
}

/* Where the next one is put; NULL: there are as many as may be. */
static pid_t *find_closer(struct stranger_grave *grave)
{
	pid_t *found = NULL;

	for (size_t i = 0; i < STRANGER_CLOSERS_MAX; i++) {
		pid_t *pid = &grave->closers[i];

		if (*pid && waitpid(*pid, NULL, __WCLONE | WNOHANG) != 0)
			*pid = 0;
		if (!*pid)
			found = pid;
	}
	return found;
}

/* All that we have open it has open, too, until it exits: when it is killed, after we have closed ours. */
__attribute__((noreturn)) static void wait_for_end(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

void stranger_tend(struct stranger_grave *grave)
{
	pid_t *closer = find_closer(grave);
	pid_t self = getpid();
	long pid;

	if (grave->count == 0 || !closer)
		return;
	/* fork() would send a signal when it ends. Nothing here needs a descriptor: there may be none. */
	pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		wait_for_end(self);
	if (pid < 0)
		return;
	for (size_t i = 0; i < grave->count; i++)
		close(grave->fds[i]);
	kill((pid_t)pid, SIGKILL);
	grave->count = 0;
	*closer = (pid_t)pid;
}

void stranger_done(struct stranger_grave *grave)
{
	stranger_tend(grave);
	free(grave->fds);
	*grave = (struct stranger_grave){0};
}

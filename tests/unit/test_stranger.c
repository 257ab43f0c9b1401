/* SPDX-License-Identifier: ISC */
/*
 * Messages with descriptors: a TCP connection that lingers for an hour when it is closed comes along. Whoever waits
 * for that is ended by the alarm.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/stranger.h"

#define HOUR_S 3600

static struct stranger_grave grave;
static int ends[2]; /* the stranger's, ours */

static int setup(void **state)
{
	(void)state;
	alarm(60);
	grave = (struct stranger_grave){0};
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **state)
{
	(void)state;
	stranger_done(&grave);
	alarm(0);
	return 0;
}

static int listen_to(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	return fd;
}

/* Nobody reads what is written to it; the other end stays open. */
static int make_lingering(void)
{
	static char zeros[65536];
	struct linger linger = {1, HOUR_S};
	struct sockaddr_in addr;
	int listener = listen_to(&addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(accept(listener, NULL, NULL) >= 0);
	close(listener);
	while (send(fd, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

/* Sends a message of so many bytes; fd goes along with it, and is closed here; -1: none. Returns 0 or an errno. */
static int send_with(int socket, size_t len, int fd)
{
	struct iovec iov = {"message", len};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} rights = {.space = {0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int err;

	if (fd >= 0) {
		rights.head.cmsg_level = SOL_SOCKET;
		rights.head.cmsg_type = SCM_RIGHTS;
		rights.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&rights.head), &fd, sizeof(int));
		msg.msg_control = &rights;
		msg.msg_controllen = sizeof(rights);
	}
	err = sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? errno : 0;
	if (fd >= 0 && err == 0)
		close(fd);
	return err;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool all_closed(void)
{
	for (size_t i = 0; i < STRANGER_CLOSERS_MAX; i++)
		if (grave.closers[i] && waitpid(grave.closers[i], NULL, __WCLONE) < 0)
			return false;
	return grave.count == 0;
}

static void received(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(send_with(ends[0], 3, -1), 0);
	assert_int_equal(send_with(ends[0], 7, -1), 0);
	assert_int_equal(stranger_receive(ends[1], false, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "mes", 3);
	/* A longer one is told as long as it is. */
	assert_int_equal(stranger_receive(ends[1], true, buf, sizeof(buf)), 7);
	assert_int_equal(stranger_receive(ends[1], false, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	close(ends[0]);
	assert_int_equal(stranger_receive(ends[1], false, buf, sizeof(buf)), 0);
	stranger_close(&grave, ends[1], false);
	assert_int_equal(grave.count, 0);
	assert_false(is_open(ends[1]));
}

static void with_descriptors(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(send_with(ends[0], 7, make_lingering()), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stranger_receive(ends[1], false, buf, sizeof(buf)), -1);
		assert_int_equal(errno, EPERM);
	}
	stranger_close(&grave, ends[1], false);
	assert_int_equal(grave.count, 1);
	/* He is told at once. */
	assert_int_equal(recv(ends[0], buf, sizeof(buf), 0), 0);
	stranger_tend(&grave);
	assert_false(is_open(ends[1]));
	assert_true(all_closed());
	close(ends[0]);
}

/* Empty messages look like the end. */
static void behind_empty_ones(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(send_with(ends[0], 0, -1), 0);
	assert_int_equal(send_with(ends[0], 0, -1), 0);
	assert_int_equal(send_with(ends[0], 7, make_lingering()), 0);
	close(ends[0]);
	assert_int_equal(stranger_receive(ends[1], false, buf, sizeof(buf)), 0);
	stranger_close(&grave, ends[1], false);
	assert_int_equal(grave.count, 1);
	stranger_tend(&grave);
	assert_true(all_closed());
}

/* The other holder's end is not ours. */
static void let_go(void **state)
{
	int other = dup(ends[1]);
	char buf[16];

	(void)state;
	stranger_let_go(&grave, ends[1], false);
	stranger_tend(&grave);
	assert_false(is_open(ends[1]));
	assert_true(all_closed());
	assert_int_equal(send_with(ends[0], 7, -1), 0);
	assert_int_equal(recv(other, buf, sizeof(buf), 0), 7);
	close(other);
	close(ends[0]);
}

static void many(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * STRANGER_GRAVE_FULL; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		stranger_close(&grave, pair[0], false);
		close(pair[1]);
	}
	assert_true(grave.count < STRANGER_GRAVE_FULL);
	stranger_tend(&grave);
	assert_true(all_closed());
	close(ends[0]);
	close(ends[1]);
}

static void guarded(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int stranger = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(addr);
	int fd;

	(void)state;
	stranger_guard(listener);
	/* A name of the kernel's choice. */
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(stranger, (struct sockaddr *)&addr, len), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	if (stranger_is_guarded(fd)) {
		int lingering = make_lingering();
		struct linger none = {0};

		assert_int_equal(send_with(stranger, 7, lingering), EPERM);
		setsockopt(lingering, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(lingering);
	} else {
		assert_int_equal(send_with(stranger, 7, dup(stranger)), 0);
	}
	stranger_close(&grave, fd, stranger_is_guarded(fd));
	stranger_tend(&grave);
	assert_true(all_closed());
	close(stranger);
	close(listener);
	close(ends[0]);
	close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(received), TEST(with_descriptors), TEST(behind_empty_ones), TEST(let_go),
		TEST(many),	TEST(guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * A program that is particular about its descriptors.
 *   guest_files numbers      which are open, which number the next one gets
 *   guest_files close HOW    closes all (closefrom, range, loop), uses the numbers again
 *   guest_files eof          closes descriptors 1 and 3, then waits for the file "go"
 *   guest_files locks        fcntl locks of before and after
 *   guest_files held         executes itself with files that it then closes: nobody else may hold them
 *   guest_files child        which descriptors a child has, by fork and by exec
 */
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "guest_look.h"

static void list(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
}

static int numbers(void)
{
	look_ticks(2);
	printf("open");
	list();
	printf(" next %d\n", open("/dev/null", O_RDONLY));
	return 0;
}

static void close_all(const char *how)
{
	if (!strcmp(how, "closefrom"))
		closefrom(3);
	else if (!strcmp(how, "range"))
		close_range(3, ~0U, 0);
	else
		for (int fd = 3; fd < 65536; fd++)
			close(fd);
}

/* Were the sampler's socket one of those numbers, it would now write into our file. */
static int close_them(const char *how)
{
	look_ticks(2);
	close_all(how);
	for (int i = 0; i < 40; i++)
		open("used", O_CREAT | O_RDWR, 0666);
	look_ticks(5);
	printf("written %ld\n", (long)lseek(3, 0, SEEK_END));
	return 0;
}

static int eof(void)
{
	look_ticks(2);
	close(1);
	close(3);
	look_for("go");
	return 0;
}

/* Whether another process finds byte i of the file locked. */
static int is_locked(int fd, int i)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fcntl(fd, F_GETLK, &lock);
		_exit(lock.l_type != F_UNLCK);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int lock_byte(int fd, int i)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};

	return fcntl(fd, F_SETLK, &lock);
}

static int locks(void)
{
	int fd = open("locks", O_CREAT | O_RDWR | O_CLOEXEC, 0666);

	lock_byte(fd, 0);
	look_ticks(2);
	lock_byte(fd, 1);
	look_ticks(2);
	printf("held %d %d\n", is_locked(fd, 0), is_locked(fd, 1));
	/* POSIX: any close of the file drops the process's locks. */
	close(open("locks", O_RDONLY));
	printf("dropped %d %d\n", is_locked(fd, 0), is_locked(fd, 1));
	return 0;
}

/* Descriptors 10 to 14, open already when the sampler begins. */
static int hold(const char *me)
{
	int file = open("flock", O_CREAT | O_RDWR, 0666);
	int pipe_[2], pair[2];

	if (file < 0 || pipe(pipe_) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	flock(file, LOCK_EX);
	dup2(file, 10);
	dup2(pipe_[0], 11);
	dup2(pipe_[1], 12);
	dup2(pair[0], 13);
	dup2(pair[1], 14);
	close_range(3, 9, 0);
	execl("/proc/self/exe", me, "held", "now", (char *)NULL);
	return 1;
}

static const char *is_flocked(void)
{
	int fd = open("flock", O_RDWR | O_CLOEXEC);
	int ret = flock(fd, LOCK_EX | LOCK_NB);

	close(fd);
	return ret < 0 ? "held" : "free";
}

/* The last holder of each lets go: the others must be told so at once. */
static int held(void)
{
	char byte;

	look_ticks(2);
	printf("flock %s", is_flocked());
	close(10);
	printf(" then %s\n", is_flocked());
	signal(SIGPIPE, SIG_IGN);
	close(11);
	printf("pipe without a reader %s\n",
	       write(12, "x", 1) < 0 && errno == EPIPE ? "EPIPE" : "?");
	close(14);
	fcntl(13, F_SETFL, O_NONBLOCK);
	printf("socket without a peer %d\n", (int)read(13, &byte, 1));
	return 0;
}

static int inherited(const char *how)
{
	look_ticks(2);
	printf("%s", how);
	list();
	puts("");
	return 0;
}

static int child(const char *me)
{
	pid_t pid;

	look_ticks(2);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		inherited("forked");
		fflush(stdout);
		execl("/proc/self/exe", me, "inherited", (char *)NULL);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	switch (argv[1][0]) {
	case 'h':
		return argc > 2 ? held() : hold(argv[0]);
	case 'i':
		return inherited("executed");
	case 'n':
		return numbers();
	case 'c':
		return argc > 2 ? close_them(argv[2]) : child(argv[0]);
	case 'e':
		return eof();
	default:
		return locks();
	}
}

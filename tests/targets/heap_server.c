/* SPDX-License-Identifier: ISC */
/*
 * A server on a Unix socket, one of whose handlers leaks. SIGTERM ends it.
 *   heap_server SOCKET
 * A connection has a thread. A request is a line of a word and a number, the answer a number.
 *   upload N    N bytes come after it; the answer is their sum. The buffer is never freed.
 *   report N    is put together from N pieces; the answer is its length
 *   login N     a session of N bytes, in place of the oldest when there are many
 *   ping N      N
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "heap_look.h"

enum { SESSIONS = 16 };

struct upload {
	struct upload *next;
	size_t len;
	unsigned char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct upload *uploads;
static char *sessions[SESSIONS];

HEAP_FRAME static unsigned long handle_upload(FILE *from, unsigned long n)
{
	struct upload *upload = heap_use(malloc(sizeof(*upload) + n));
	unsigned long sum = 0;

	HEAP_CHECK(upload && fread(upload->bytes, 1, n, from) == n);
	upload->len = n;
	for (size_t i = 0; i < n; i++)
		sum += upload->bytes[i];
	pthread_mutex_lock(&lock);
	upload->next = uploads;
	uploads = upload;
	pthread_mutex_unlock(&lock);
	return sum;
}

HEAP_FRAME static unsigned long handle_report(unsigned long n)
{
	char **pieces = calloc(n, sizeof(*pieces)), *text;
	size_t len = 0;

	HEAP_CHECK(pieces);
	for (size_t i = 0; i < n; i++) {
		HEAP_CHECK(asprintf(&pieces[i], "%zu: of %lu\n", i, n) > 0);
		len += strlen(pieces[i]);
	}
	text = heap_use(calloc(1, len + 1));
	HEAP_CHECK(text);
	for (size_t i = 0, at = 0; i < n; i++) {
		at += (size_t)(stpcpy(text + at, pieces[i]) - (text + at));
		free(pieces[i]);
	}
	free(pieces);
	len = strlen(text);
	free(text);
	return len;
}

HEAP_FRAME static unsigned long handle_login(unsigned long n)
{
	static unsigned next;
	char *session = heap_use(malloc(n)), *old;

	HEAP_CHECK(session);
	memset(session, 's', n);
	pthread_mutex_lock(&lock);
	old = sessions[next % SESSIONS];
	sessions[next++ % SESSIONS] = session;
	pthread_mutex_unlock(&lock);
	free(old);
	return n;
}

HEAP_FRAME static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *from = fdopen(fd, "r");
	unsigned long n, answer;
	char line[64], what[16];

	HEAP_CHECK(from);
	while (fgets(line, sizeof(line), from)) {
		HEAP_CHECK(sscanf(line, "%15s %lu", what, &n) == 2);
		if (!strcmp(what, "upload"))
			answer = handle_upload(from, n);
		else if (!strcmp(what, "report"))
			answer = handle_report(n);
		else if (!strcmp(what, "login"))
			answer = handle_login(n);
		else
			answer = n;
		HEAP_CHECK(dprintf(fd, "%lu\n", answer) > 0);
	}
	fclose(from);
	return NULL;
}

static void leave(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct sigaction action = {.sa_handler = leave};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	sigset_t term;
	pthread_t thread;

	if (argc != 2)
		return 2;
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", argv[1]);
	HEAP_CHECK(!bind(listener, (struct sockaddr *)&name, sizeof(name)) &&
		   !listen(listener, 16));
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		/* The signal is the main thread's, which waits in accept4(). */
		pthread_sigmask(SIG_BLOCK, &term, NULL);
		HEAP_CHECK(!pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd));
		pthread_detach(thread);
		pthread_sigmask(SIG_UNBLOCK, &term, NULL);
	}
	HEAP_CHECK(errno == EINTR);
	for (int i = 0; i < SESSIONS; i++)
		free(sessions[i]);
	return heap_ok();
}

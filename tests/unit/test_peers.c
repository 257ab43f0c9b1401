/* SPDX-License-Identifier: ISC */
/* Connections by real sockets, of peers that lie, flood, are silent, go, or never read. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zstd.h>

#include "collector/peers.h"
#include "collector/process.h"
#include "core/heapwire.h"

#define SECOND 1000000000ull

/* What the sink was told. */
static struct {
	bool admit;
	struct process process;
	unsigned admitted, hellos, samples, gone, refused;
	uint64_t ticks; /* sum */
	char why[64];
	struct record last;
	struct wire_hello hello;
	bool refuse_sample;
	unsigned heaps[WIRE_HEAP + 1]; /* by kind */
	uint64_t heap_peer;	       /* the number of the connection, of the newest */
	size_t heap_bytes;	       /* of bodies */
	bool refuse_heap;
} told;

static struct peers *peers;
static int listener, page;
static struct sockaddr_un addr;
static socklen_t addr_len;

static bool on_admit(void *arg, struct peer *peer, const char **ret_why)
{
	(void)arg;
	assert_int_equal(peer->pid, getpid());
	assert_int_equal(peer->uid, getuid());
	told.admitted++;
	*ret_why = "not wanted";
	return told.admit;
}

static struct process *on_hello(void *arg, const struct peer *peer, const struct wire_hello *hello)
{
	(void)arg;
	assert_int_equal(peer->pid, getpid());
	told.hello = *hello;
	told.hellos++;
	return hello->freq == 10 ? &told.process : NULL;
}

static bool on_sample(void *arg, struct process *process, const struct record *rec)
{
	(void)arg;
	assert_ptr_equal(process, &told.process);
	told.samples++;
	told.ticks += rec->tick;
	told.last = *rec;
	return !told.refuse_sample;
}

static bool on_heap(void *arg, const struct peer *peer, enum wire_kind kind, const uint8_t *body,
		    size_t len)
{
	(void)arg;
	assert_ptr_equal(peer->process, &told.process);
	assert_true(kind >= WIRE_MODULES && kind <= WIRE_HEAP);
	assert_true(heapwire_is_sound(kind, (struct bytes_in){body, body + len, false}));
	told.heaps[kind]++;
	told.heap_peer = peer->number;
	told.heap_bytes += len;
	return !told.refuse_heap;
}

static void on_gone(void *arg, struct process *process)
{
	(void)arg;
	assert_ptr_equal(process, &told.process);
	told.gone++;
}

static void on_refused(void *arg, pid_t pid, const char *why)
{
	(void)arg;
	(void)pid;
	told.refused++;
	snprintf(told.why, sizeof(told.why), "%s", why);
}

static int setup(void **state)
{
	struct peers_sink sink = {on_admit, on_hello,	on_sample, on_heap,
				  on_gone,  on_refused, NULL};

	(void)state;
	memset(&told, 0, sizeof(told));
	told.admit = true;
	page = memfd_create("page", MFD_CLOEXEC);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The kernel finds a free abstract name: unix(7). */
	addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	addr_len = sizeof(addr);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &addr_len), 0);
	assert_int_equal(listen(listener, 4096), 0);
	assert_int_equal(peers_new(&sink, page, &peers), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peers_free(peers);
	close(listener);
	close(page);
	return 0;
}

static int connect_one(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, addr_len), 0);
	return fd;
}

static int join(void)
{
	int fd = connect_one();

	assert_int_equal(peers_accept(peers, listener, 0), 0);
	return fd;
}

static bool drain(void)
{
	return peers_drain(peers, 0, 10 * SECOND);
}

static ssize_t put(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static size_t make_hello(uint8_t *buf, size_t size, uint32_t freq)
{
	struct bytes_out out = {buf, buf + size, false};
	struct wire_hello hello = {.version = WIRE_VERSION,
				   .pid = 1,
				   .freq = freq,
				   .start_ticks = 7,
				   .comm = "comm",
				   .comm_len = 4,
				   .exe = "/exe",
				   .exe_len = 4,
				   .argv = "a\0b",
				   .argv_len = 4};

	bytes_put_u8(&out, WIRE_HELLO);
	wire_pack_hello(&out, &hello);
	assert_false(out.full);
	return (size_t)(out.p - buf);
}

static void say_hello(int fd)
{
	uint8_t buf[256];

	assert_true(put(fd, buf, make_hello(buf, sizeof(buf), 10)) > 0);
}

/* A full sample of that tick with one field. */
static size_t make_sample(uint8_t *buf, size_t size, uint64_t tick)
{
	struct bytes_out out = {buf, buf + size, false};
	struct record now, last;

	record_init(&now);
	wire_reset(&last);
	now.tick = tick;
	now.reason[SOURCE_STATUS] = REASON_OK;
	record_set(&now, FIELD_RSS, 1234);
	bytes_put_u8(&out, WIRE_FULL);
	wire_pack_sample(&out, &now, &last);
	assert_false(out.full);
	return (size_t)(out.p - buf);
}

static ssize_t say_sample(int fd, uint64_t tick)
{
	uint8_t buf[256];

	return put(fd, buf, make_sample(buf, sizeof(buf), tick));
}

static bool is_closed(int fd)
{
	char byte[16];

	/* The first message is the page's. */
	while (recv(fd, byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
	return recv(fd, byte, sizeof(byte), MSG_DONTWAIT) == 0 || errno != EAGAIN;
}

static void the_usual_way(void **state)
{
	int fd = join();
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte[8];
	struct iovec iov = {byte, sizeof(byte)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	(void)state;
	assert_int_equal(peers_count(peers), 1);
	assert_int_equal(recvmsg(fd, &msg, MSG_DONTWAIT), 1);
	assert_int_equal(byte[0], 0);
	assert_int_equal(control.head.cmsg_type, SCM_RIGHTS);
	close(*(int *)(void *)CMSG_DATA(&control.head));
	say_hello(fd);
	say_sample(fd, 5);
	say_sample(fd, 6);
	assert_true(drain());
	assert_int_equal(told.hellos, 1);
	assert_int_equal(told.samples, 2);
	assert_int_equal(told.ticks, 11);
	assert_int_equal(told.last.value[FIELD_RSS], 1234);
	/* What was sent before the end is read before the end is told. */
	say_sample(fd, 7);
	close(fd);
	assert_true(drain());
	assert_int_equal(told.samples, 3);
	assert_int_equal(told.gone, 1);
	assert_int_equal(told.refused, 0);
	assert_int_equal(peers_count(peers), 0);
}

/* One that ends with our message unread resets the connection: what it had sent is there still. */
static void dies_at_once(void **state)
{
	int fd = join();

	(void)state;
	say_hello(fd);
	say_sample(fd, 5);
	close(fd);
	assert_true(drain());
	assert_int_equal(told.hellos, 1);
	assert_int_equal(told.samples, 1);
	assert_int_equal(told.gone, 1);
	assert_int_equal(told.refused, 0);
	/* And so before it was accepted. */
	fd = connect_one();
	say_hello(fd);
	close(fd);
	assert_int_equal(peers_accept(peers, listener, 0), 0);
	assert_true(drain());
	assert_int_equal(told.hellos, 2);
	assert_int_equal(told.gone, 2);
}

static void not_admitted(void **state)
{
	int fd;

	(void)state;
	told.admit = false;
	fd = join();
	assert_int_equal(told.refused, 1);
	assert_string_equal(told.why, "not wanted");
	assert_int_equal(peers_count(peers), 0);
	assert_true(is_closed(fd));
	close(fd);
}

/* A message, after a hello or not: it ends the connection, and harms no other. */
static void expect_end(bool after_hello, const void *bytes, size_t len)
{
	int fd = join();
	unsigned refused = told.refused;

	if (after_hello)
		say_hello(fd);
	assert_int_equal(put(fd, bytes, len), len);
	assert_true(drain());
	if (!is_closed(fd) || told.refused != refused + (len != 0))
		fail_msg("a bad message of %zu bytes was taken (first %02x)", len,
			 len ? *(const uint8_t *)bytes : 0);
	close(fd);
	assert_true(drain());
}

static void bad_messages(void **state)
{
	static uint8_t big[WIRE_MESSAGE_MAX + 100];
	uint8_t buf[512];
	size_t len;

	(void)state;
	expect_end(true, "", 0);
	expect_end(false, "\0", 1);
	expect_end(false, "\x7f", 1);
	expect_end(false, "\x01", 1);
	expect_end(false, "\x81", 1);
	expect_end(false, "\x81garbage that is no frame", 25);
	/* A sample before the hello; the hello twice; one of another frequency, or too long. */
	expect_end(false, buf, make_sample(buf, sizeof(buf), 5));
	expect_end(true, buf, make_hello(buf, sizeof(buf), 10));
	expect_end(false, buf, make_hello(buf, sizeof(buf), 11));
	len = make_hello(buf, sizeof(buf), 10);
	for (size_t cut = 1; cut < len - 1; cut++) /* the last byte's absence is an older one's */
		expect_end(false, buf, cut);
	big[0] = WIRE_HELLO;
	expect_end(false, big, sizeof(big));
	expect_end(false, big, WIRE_MESSAGE_MAX + 1);
	len = make_sample(buf, sizeof(buf), 5);
	expect_end(true, buf, len - 1);
	assert_int_equal(told.samples, 0);
}

/* What holds more than a message may. */
static void bombs(void **state)
{
	static uint8_t plain[1 << 20], packed[1 << 16];
	size_t n;

	(void)state;
	packed[0] = WIRE_HELLO | WIRE_ZSTD;
	n = ZSTD_compress(packed + 1, sizeof(packed) - 1, plain, sizeof(plain), 3);
	assert_true(!ZSTD_isError(n) && n < 4096);
	expect_end(false, packed, n + 1);
	n = ZSTD_compress(packed + 1, sizeof(packed) - 1, plain, WIRE_MESSAGE_MAX + 1, 3);
	expect_end(false, packed, n + 1);
	assert_int_equal(told.hellos, 0);
}

static void compressed_hello(void **state)
{
	uint8_t plain[256], packed[512] = {WIRE_HELLO | WIRE_ZSTD};
	size_t len = make_hello(plain, sizeof(plain), 10);
	size_t n = ZSTD_compress(packed + 1, sizeof(packed) - 1, plain + 1, len - 1, 1);
	int fd = join();

	(void)state;
	assert_int_equal(put(fd, packed, n + 1), n + 1);
	assert_true(drain());
	assert_int_equal(told.hellos, 1);
	close(fd);
}

static void backwards(void **state)
{
	int fd = join();

	(void)state;
	say_hello(fd);
	say_sample(fd, 100);
	say_sample(fd, 99);
	drain();
	assert_int_equal(told.samples, 1);
	assert_int_equal(told.refused, 1);
	assert_true(is_closed(fd));
	close(fd);
	/* The same tick once more is the last sample before an exit; without end it is none. */
	fd = join();
	say_hello(fd);
	for (int i = 0; i < 1000 && say_sample(fd, 100) > 0; i++)
		drain();
	assert_true(told.samples > 1 && told.samples < 100);
	assert_int_equal(told.refused, 2);
	close(fd);
}

/* A sample that the run does not believe ends the connection. */
static void not_believed(void **state)
{
	int fd = join();

	(void)state;
	told.refuse_sample = true;
	say_hello(fd);
	say_sample(fd, 100);
	say_sample(fd, 101);
	drain();
	assert_int_equal(told.samples, 1);
	assert_int_equal(told.gone, 1);
	assert_true(is_closed(fd));
	close(fd);
}

/* A message of each kind, of as many entries as fit into so many bytes. */
static size_t make_heap(uint8_t *buf, size_t size, enum wire_kind kind)
{
	static const struct heapwire_modules head = {HEAPWIRE_RESTART, 524288};
	struct heapwire_module module = {.start = 4096, .end = 8192, .path = "/x", .path_len = 2};
	static const struct heapwire_stack stack = {.count = 3, .frame = {5000, 6000, 7000}};
	static const struct heapwire_sums sums = {256, 100, 256, 100, 1};
	struct bytes_out out = {buf, buf + size, false};
	struct heapwire_out to;

	if (kind == WIRE_STACKS)
		heapwire_begin_stacks(&to, &out, 0);
	else if (kind == WIRE_HEAP)
		heapwire_begin_heap(&to, &out, 5, 0);
	else
		heapwire_begin_modules(&to, &out, kind, &head);
	for (bool fits = true; fits;) {
		if (kind == WIRE_STACKS)
			fits = heapwire_put_stack(&to, &stack);
		else if (kind == WIRE_HEAP)
			fits = heapwire_put_sums(&to, 0, &sums);
		else
			fits = heapwire_put_module(&to, &module);
		module.start += 8192;
		module.end += 8192;
	}
	assert_false(out.full);
	return (size_t)(out.p - buf);
}

/* What tells where the memory came from: from one that has said hello, packed or not. */
static void heaps(void **state)
{
	uint8_t plain[WIRE_MESSAGE_MAX], packed[WIRE_MESSAGE_MAX];
	unsigned refused = 0;
	size_t len, n;
	int fd = join();

	(void)state;
	say_hello(fd);
	for (enum wire_kind kind = WIRE_MODULES; kind <= WIRE_HEAP; kind++) {
		len = make_heap(plain, sizeof(plain), kind);
		assert_int_equal(put(fd, plain, len), len);
		packed[0] = (uint8_t)(kind | WIRE_ZSTD);
		n = ZSTD_compress(packed + 1, sizeof(packed) - 1, plain + 1, len - 1, 1);
		assert_true(!ZSTD_isError(n) && n + 1 < len);
		assert_int_equal(put(fd, packed, n + 1), n + 1);
		assert_true(drain());
		assert_int_equal(told.heaps[kind], 2);
	}
	assert_true(told.heap_bytes > 4 * WIRE_MESSAGE_MAX);
	assert_false(is_closed(fd));
	n = told.heap_peer;
	close(fd);
	/* None before the hello, none that is cut, none of another kind. */
	for (enum wire_kind kind = WIRE_MODULES; kind <= WIRE_HEAP; kind++) {
		len = make_heap(plain, 64, kind);
		expect_end(false, plain, len);
		expect_end(true, plain, len - 1);
		refused += 2;
	}
	plain[0] = WIRE_HEAP + 1;
	expect_end(true, plain, len);
	assert_int_equal(told.refused, refused + 1);
	assert_int_equal(told.heaps[WIRE_HEAP], 2);
	/* One that is not believed; later connections have greater numbers. */
	told.refuse_heap = true;
	expect_end(true, plain, make_heap(plain, 64, WIRE_HEAP));
	assert_int_equal(told.heaps[WIRE_HEAP], 3);
	assert_true(told.heap_peer > n);
}

/* In one drain so much of it, whatever lies there; the rest comes with the next ones. */
static void heap_flood(void **state)
{
	uint8_t plain[WIRE_MESSAGE_MAX], packed[WIRE_MESSAGE_MAX] = {WIRE_HEAP | WIRE_ZSTD};
	size_t len = make_heap(plain, sizeof(plain), WIRE_HEAP);
	size_t n = ZSTD_compress(packed + 1, sizeof(packed) - 1, plain + 1, len - 1, 1);
	int loud = join();
	int other = join();
	int room = 1 << 30;
	unsigned sent = 0;

	(void)state;
	assert_true(n < 200);
	setsockopt(loud, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	say_hello(loud);
	while (sent < 400 && put(loud, packed, n + 1) > 0)
		sent++;
	say_hello(other);
	say_sample(other, 7);
	if (sent < 400)
		skip();
	assert_false(drain());
	assert_true(told.heap_bytes >= PEERS_HEAP_TURN);
	assert_true(told.heap_bytes < PEERS_HEAP_TURN + WIRE_MESSAGE_MAX);
	assert_int_equal(told.samples, 1);
	for (int i = 0; i < 10 && !drain(); i++)
		;
	assert_int_equal(told.heaps[WIRE_HEAP], sent);
	close(loud);
	close(other);
}

/* Who says nothing does not stay; who has said hello may be silent for ever. */
static void silent(void **state)
{
	int mute = join();
	int quiet = join();

	(void)state;
	say_hello(quiet);
	assert_true(peers_drain(peers, 1 * SECOND, SECOND));
	assert_int_equal(peers_count(peers), 2);
	assert_true(peers_drain(peers, 100 * SECOND, SECOND));
	assert_int_equal(peers_count(peers), 1);
	assert_int_equal(told.refused, 1);
	assert_string_equal(told.why, "said nothing");
	assert_int_equal(told.gone, 0);
	assert_true(is_closed(mute));
	assert_false(is_closed(quiet));
	close(mute);
	close(quiet);
}

/* One that always has more to say gets its turn and no more; the others get theirs. */
static void flood(void **state)
{
	int loud[4], last;
	uint64_t tick = 1;
	unsigned before;
	int room = 1 << 30;

	(void)state;
	for (int i = 0; i < 4; i++) {
		loud[i] = join();
		/* As root it may lie further than SO_SNDBUF's limit. */
		setsockopt(loud[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
		say_hello(loud[i]);
		tick = 1;
		while (tick < 3000 && say_sample(loud[i], tick) > 0)
			tick++;
	}
	last = join();
	say_hello(last);
	say_sample(last, 1000000);
	before = told.samples;
	if (tick == 3000)
		assert_false(drain());
	else
		drain();
	assert_true(told.samples - before <= 4 * 1024 + 1);
	assert_int_equal(told.hellos, 5);
	assert_true(told.ticks >= 1000000);
	/* All of it comes in the end. */
	for (int i = 0; i < 10 && !drain(); i++)
		;
	assert_int_equal(told.samples, 4 * (tick - 1) + 1);
	/* No time at all: nothing is read, and that is said. */
	say_sample(last, 1000001);
	assert_false(peers_drain(peers, 0, 0));
	for (int i = 0; i < 4; i++)
		close(loud[i]);
	close(last);
}

static void many(void **state)
{
	enum { MANY = 5000 };
	static int fd[MANY];
	struct rlimit files;
	int n = MANY;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * MANY + 100)
		n = (int)(files.rlim_cur / 2) - 50;
	for (int i = 0; i < n; i++) {
		/* A backlog of 4096 may be cut by net.core.somaxconn. */
		fd[i] = join();
		say_hello(fd[i]);
		say_sample(fd[i], 1);
	}
	assert_int_equal(peers_count(peers), n);
	assert_true(drain());
	assert_int_equal(told.hellos, n);
	assert_int_equal(told.samples, n);
	for (int i = 0; i < n; i++)
		close(fd[i]);
	assert_true(drain());
	assert_int_equal(told.gone, n);
	assert_int_equal(peers_count(peers), 0);
}

/* Without descriptors they wait, and come in when there are some again. */
static void no_descriptors(void **state)
{
	struct rlimit files, none;
	int a = connect_one();
	int b = connect_one();
	int lowest = dup(0);

	(void)state;
	assert_true(lowest >= 0);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &files);
	none = files;
	none.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(peers_accept(peers, listener, 0), -EMFILE);
	assert_int_equal(peers_count(peers), 0);
	say_hello(a);
	setrlimit(RLIMIT_NOFILE, &files);
	assert_int_equal(peers_accept(peers, listener, 0), 0);
	assert_int_equal(peers_count(peers), 2);
	drain();
	assert_int_equal(told.hellos, 1);
	close(a);
	close(b);
}

/* One turn of accepting is bounded. */
static void many_wait(void **state)
{
	int fd[1200];
	int n = 0;
	int ret;

	(void)state;
	for (; n < 1200; n++) {
		fd[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd[n] < 0 || connect(fd[n], (struct sockaddr *)&addr, addr_len) < 0)
			break;
	}
	do {
		size_t before = peers_count(peers);

		ret = peers_accept(peers, listener, 0);
		assert_true(peers_count(peers) - before <= 100);
	} while (ret == 1);
	assert_int_equal(ret, 0);
	assert_int_equal(peers_count(peers), n);
	for (int i = 0; i < n; i++)
		close(fd[i]);
}

/* Any bytes: no message of a random peer does harm, and none of the others is lost. */
static void garbage(void **state)
{
	uint8_t buf[512];
	int good = join();
	unsigned sent = 0;

	(void)state;
	say_hello(good);
	for (int round = 0; round < 3000; round++) {
		int fd = join();

		if (unit_below(4))
			say_hello(fd);
		for (int i = 0; i < 4; i++) {
			size_t len = make_sample(buf, sizeof(buf), 1 + unit_below(5));

			for (uint64_t n = unit_below(4); n > 0; n--)
				buf[unit_below(len)] = (uint8_t)unit_random();
			if (unit_below(4) == 0)
				len = unit_below(sizeof(buf));
			put(fd, buf, len);
		}
		sent += say_sample(good, (uint64_t)round + 1) > 0;
		drain();
		close(fd);
	}
	drain();
	assert_int_equal(sent, 3000);
	assert_int_equal(peers_count(peers), 1);
	assert_false(is_closed(good));
	assert_true(told.samples >= sent);
	close(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_usual_way, setup, teardown),
		cmocka_unit_test_setup_teardown(dies_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(not_admitted, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(bombs, setup, teardown),
		cmocka_unit_test_setup_teardown(compressed_hello, setup, teardown),
		cmocka_unit_test_setup_teardown(backwards, setup, teardown),
		cmocka_unit_test_setup_teardown(not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(heaps, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(silent, setup, teardown),
		cmocka_unit_test_setup_teardown(flood, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(many_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage, setup, teardown),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

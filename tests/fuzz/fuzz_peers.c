/* SPDX-License-Identifier: ISC */
/*
 * Samplers' connections: two real sockets, on which a hostile peer says anything. A message comes after
 * its length in two bytes and a byte of flags; the first one of a connection is read by somebody else,
 * who gives it away. What the sink is told must be plausible, and in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/peers.h"
#include "collector/process.h"
#include "collector/stranger.h"
#include "core/heapwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PEERS	  2
#define BUDGET_NS 1000000000u
#define NOW_NS	  1000000000u

enum flag {
	SECOND_PEER = 1,
	AS_FRAME =
		2, /* the body is packed into a zstd frame: a fuzzer finds its magic number rarely */
	AND_DRAIN = 4,
	HANGS_UP = 8,
};

static struct {
	struct peers *peers;
	int fd[PEERS]; /* the hostile ends; -1: not connected */
	struct process process[PEERS];
	bool is_there[PEERS];
	uint64_t tick[PEERS];
	unsigned admitted;
} state;

static bool on_admit(void *arg, struct peer *peer, const char **ret_why)
{
	(void)arg;
	(void)peer;
	*ret_why = "";
	state.admitted++;
	return true;
}

static void sum(const char *text, size_t len, size_t max)
{
	unsigned all = 0;

	if (len > max)
		__builtin_trap();
	for (size_t i = 0; i < len; i++)
		all += (unsigned char)text[i];
	__asm__ volatile("" : : "r"(all));
}

static struct process *on_hello(void *arg, const struct peer *peer, const struct wire_hello *hello)
{
	int i = 0;

	(void)arg;
	if (peer->process)
		__builtin_trap();
	sum(hello->comm, hello->comm_len, WIRE_COMM_MAX);
	sum(hello->exe, hello->exe_len, WIRE_EXE_MAX);
	sum(hello->argv, hello->argv_len, WIRE_ARGV_MAX);
	while (i < PEERS && state.is_there[i])
		i++;
	/* As many as there are connections; and some hello is refused. */
	if (i == PEERS)
		__builtin_trap();
	if (hello->freq == 0)
		return NULL;
	state.is_there[i] = true;
	state.tick[i] = 0;
	return &state.process[i];
}

static size_t number_of(const struct process *process)
{
	size_t i = (size_t)(process - state.process);

	if (i >= PEERS || !state.is_there[i])
		__builtin_trap();
	return i;
}

static bool on_sample(void *arg, struct process *process, const struct record *rec)
{
	size_t i = number_of(process);

	(void)arg;
	if (rec->tick < state.tick[i])
		__builtin_trap();
	state.tick[i] = rec->tick;
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (rec->reason[s] >= REASON_MAX)
			__builtin_trap();
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (record_has(rec, f) &&
		    (!field_table[f].known ||
		     source_table[field_table[f].source].scope != SCOPE_PROCESS ||
		     rec->reason[field_table[f].source] != REASON_OK))
			__builtin_trap();
	return rec->late_us != 77;
}

static bool on_heap(void *arg, const struct peer *peer, enum wire_kind kind, const uint8_t *body,
		    size_t len)
{
	(void)arg;
	number_of(peer->process);
	if (!heapwire_is_sound(kind, (struct bytes_in){body, body + len, false}))
		__builtin_trap();
	return len != 77;
}

static void on_gone(void *arg, struct process *process)
{
	(void)arg;
	state.is_there[number_of(process)] = false;
}

static void on_refused(void *arg, pid_t pid, const char *why)
{
	(void)arg;
	(void)pid;
	(void)why;
}

static void setup(void)
{
	struct peers_sink sink = {on_admit, on_hello,	on_sample, on_heap,
				  on_gone,  on_refused, NULL};

	state.fd[0] = state.fd[1] = -1;
	if (peers_new(&sink, memfd_create("page", MFD_CLOEXEC), &state.peers))
		abort();
}

/* RFC 8878: one segment, its size in two bytes, one block that is raw. */
static size_t make_frame(uint8_t *to, const uint8_t *body, size_t len)
{
	struct bytes_out out = {to, to + len + 10, false};

	bytes_put_u32(&out, 0xfd2fb528);
	bytes_put_u8(&out, len < 256 ? 0x20 : 0x60);
	bytes_put_u8(&out, (uint8_t)(len < 256 ? len : len - 256));
	if (len >= 256)
		bytes_put_u8(&out, (uint8_t)((len - 256) >> 8));
	for (int i = 0; i < 3; i++)
		bytes_put_u8(&out, (uint8_t)((len << 3 | 1) >> 8 * i));
	bytes_put_raw(&out, body, len);
	return (size_t)(out.p - to);
}

static void drain(void)
{
	peers_drain(state.peers, NOW_NS, BUDGET_NS);
}

static void hang_up(int i)
{
	if (state.fd[i] >= 0)
		close(state.fd[i]);
	state.fd[i] = -1;
	drain();
}

static void connect_with(int i, const uint8_t *message, size_t len)
{
	int ends[2];

	/* What is on its way there is read before, for the next message is read by somebody else. */
	drain();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		abort();
	/* Else what closes ours would have theirs, too, for a moment. */
	stranger_guard(ends[1]);
	state.fd[i] = ends[0];
	peers_adopt(state.peers, ends[1], message, len, NOW_NS);
}

static void say(int i, const uint8_t *message, size_t len)
{
	if (state.fd[i] < 0) {
		connect_with(i, message, len);
		return;
	}
	if (send(state.fd[i], message, len, MSG_NOSIGNAL) >= 0 || errno != EAGAIN)
		return;
	drain();
	send(state.fd[i], message, len, MSG_NOSIGNAL);
}

static void take_message(const uint8_t *data, size_t len, unsigned flags)
{
	static uint8_t message[UINT16_MAX + 16];
	int i = flags & SECOND_PEER ? 1 : 0;

	memcpy(message, data, len);
	if (flags & AS_FRAME) {
		message[0] |= WIRE_ZSTD;
		len = 1 + make_frame(message + 1, data + 1, len - 1);
	}
	say(i, message, len);
	if (flags & HANGS_UP)
		hang_up(i);
	else if (flags & AND_DRAIN)
		drain();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!state.peers)
		setup();
	while (size > 3) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;
		unsigned flags = data[2];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (len == 0)
			continue;
		take_message(data, len, flags);
		data += len;
		size -= len;
	}
	hang_up(0);
	hang_up(1);
	/* Before Linux 6.16 nothing is guarded. */
	for (int i = 0; i < 1000 && peers_count(state.peers); i++) {
		if (i > 2)
			usleep(1000);
		drain();
	}
	if (peers_count(state.peers) || state.is_there[0] || state.is_there[1])
		__builtin_trap();
	return 0;
}

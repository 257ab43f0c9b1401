/* SPDX-License-Identifier: ISC */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/control.h"
#include "collector/teller.h"

#define USER  12345u
#define OTHER 12346u

static struct teller teller;
static int ends[2];

/* What the other end has been told, the newest of each kind. */
static struct {
	unsigned forks, execs, exits, records;
	size_t record_len;
	bool has_name;
	uint64_t question;
	struct lifecycle_losses losses;
} told;

static int setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	teller = (struct teller){.uid = USER, .fd = ends[0]};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	teller_done(&teller);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void on_event(void *arg, const struct life_event *event)
{
	(void)arg;
	told.forks += event->kind == LIFE_FORK;
	told.execs += event->kind == LIFE_EXEC;
	told.exits += event->kind == LIFE_EXIT;
	told.records += event->kind == LIFE_RECORD;
	if (event->record)
		told.record_len = event->record->len;
	if (event->kind == LIFE_EXEC)
		told.has_name = event->name != NULL;
}

static void receive_all(void)
{
	static uint8_t buf[CONTROL_MAX];
	struct control_message message;

	while (control_receive(ends[1], buf, 0, &message, NULL) == 0) {
		if (message.kind == CONTROL_LIVES)
			assert_int_equal(
				lifequeue_unpack(message.bytes, message.len, on_event, NULL), 0);
		if (message.kind == CONTROL_SETTLED) {
			told.question = message.number;
			assert_int_equal(message.len, sizeof(told.losses));
			memcpy(&told.losses, message.bytes, message.len);
		}
	}
}

static void tell(enum life_kind kind, pid_t pid, uid_t uid)
{
	struct taskstats_exit record = {.uid = uid, .tgid = (uint32_t)pid, .len = 300};
	struct life_name name = {"c", "/exe", "argv", 1, 4, 5};
	struct life_event event = {.kind = kind, .pid = pid, .time_ns = 1};

	if (kind == LIFE_RECORD)
		event.record = &record;
	if (kind == LIFE_EXEC)
		event.name = &name;
	teller_tell(&teller, &event);
}

static void his_own_is_told_in_full(void **state)
{
	const struct lifecycle_losses none = {0};

	(void)state;
	/* We are of that user, then. */
	teller.uid = geteuid();
	tell(LIFE_FORK, getpid(), 0);
	tell(LIFE_EXEC, getpid(), 0);
	tell(LIFE_RECORD, getpid(), geteuid());
	tell(LIFE_EXIT, getpid(), 0);
	assert_int_equal(teller_send(&teller, &none), 0);
	receive_all();
	assert_int_equal(told.forks + told.execs + told.records + told.exits, 4);
	assert_int_equal(told.record_len, 300);
	assert_true(told.has_name);
}

static void what_was_missed_is_told(void **state)
{
	const struct lifecycle_losses some = {.events = 2};

	(void)state;
	teller.group.missed = 3;
	teller.question = 7;
	assert_int_equal(teller_send(&teller, &some), 0);
	receive_all();
	assert_int_equal(told.question, 7);
	assert_int_equal(told.losses.events, 5);
}

static void of_others_only_that_they_come_and_go(void **state)
{
	const struct lifecycle_losses none = {0};

	(void)state;
	tell(LIFE_EXEC, getpid(), 0);
	tell(LIFE_RECORD, getpid(), OTHER);
	assert_int_equal(teller_send(&teller, &none), 0);
	receive_all();
	assert_int_equal(told.execs, 1);
	assert_false(told.has_name);
	assert_int_equal(told.records, 1);
	assert_int_equal(told.record_len, 0);
	assert_false(teller_may_know(&teller, getpid()));
}

static void the_answer_comes_last(void **state)
{
	const struct lifecycle_losses losses = {.records = 3};

	(void)state;
	teller.question = 77;
	for (int i = 0; i < 20000; i++)
		tell(LIFE_RECORD, 1, USER);
	/* More than a socket holds. */
	while (teller_send(&teller, &losses) == 1) {
		assert_int_equal(told.question, 0);
		receive_all();
	}
	receive_all();
	assert_int_equal(told.question, 77);
	assert_int_equal(told.losses.records, 3);
	assert_int_equal(told.records + told.losses.queue, 20000);
	assert_int_equal(teller.queue.used, 0);
}

static void one_who_does_not_read_is_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++)
		tell(LIFE_RECORD, 1, USER);
	assert_true(teller.queue.used <= 2u << 20);
	assert_true(teller.lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(his_own_is_told_in_full, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_missed_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(of_others_only_that_they_come_and_go, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_answer_comes_last, setup, teardown),
		cmocka_unit_test_setup_teardown(one_who_does_not_read_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * Changes of user and group ids. glibc makes its own threads follow; ours would keep the old ids,
 * and with them root in a process that dropped it. So it is ended before, and a new one started
 * after with the ids that the program then has.
 */
#include <dlfcn.h>
#include <grp.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/wire.h"
#include "preload/aside.h"
#include "preload/guest.h"
#include "preload/sampler.h"
#include "preload/sys.h"

#define EXPORT __attribute__((visibility("default")))

/* CALL(return type, name, (parameters), (arguments)): what is passed on between two guests. */
#define CALLS(CALL)                                                    \
	CALL(int, setuid, (uid_t a), (a))                              \
	CALL(int, setgid, (gid_t a), (a))                              \
	CALL(int, seteuid, (uid_t a), (a))                             \
	CALL(int, setegid, (gid_t a), (a))                             \
	CALL(int, setreuid, (uid_t a, uid_t b), (a, b))                \
	CALL(int, setregid, (gid_t a, gid_t b), (a, b))                \
	CALL(int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c))   \
	CALL(int, setresgid, (gid_t a, gid_t b, gid_t c), (a, b, c))   \
	CALL(int, setgroups, (size_t n, const gid_t *list), (n, list)) \
	CALL(int, initgroups, (const char *user, gid_t a), (user, a))  \
	CALL(int, setfsuid, (uid_t a), (a))                            \
	CALL(int, setfsgid, (gid_t a), (a))

#define REAL(type, name, parameters, arguments) static type(*real_##name) parameters;
CALLS(REAL)
#undef REAL

static uint32_t lock; /* futex: 0 free, 1 held */
static uint32_t away; /* how many calls the guest is stepping aside for */

void aside_init(void)
{
#define FIND(type, name, parameters, arguments) \
	real_##name = (type(*) parameters)dlsym(RTLD_NEXT, #name);
	CALLS(FIND)
#undef FIND
}

void aside_forget(void)
{
	lock = 0;
	away = 0;
}

/* Signals are blocked while it is held: a handler may change ids, too. */
static void take_lock(uint64_t *ret_signals)
{
	uint64_t all = ~(uint64_t)0;

	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, ret_signals, sizeof(all));
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sys_4(SYS_futex, &lock, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, 0);
}

static void drop_lock(const uint64_t *signals)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	sys_3(SYS_futex, &lock, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, signals, 0, sizeof(*signals));
}

/* Says whether the guest went (a vfork child's process has none, and its memory is not its own). */
static bool step_aside(void)
{
	uint64_t signals;

	if (!guest_is_here())
		return false;
	take_lock(&signals);
	if (away++ == 0)
		guest_stop();
	drop_lock(&signals);
	return true;
}

static void come_back(void)
{
	uint64_t signals;

	take_lock(&signals);
	if (away > 0 && --away == 0)
		sampler_start(WIRE_HELLO_RESTART);
	drop_lock(&signals);
}

#define DEFINE(type, name, parameters, arguments)                                  \
	EXPORT type name parameters                                                \
	{                                                                          \
		bool went = step_aside();                                          \
		type ret;                                                          \
                                                                                   \
		if (!real_##name)                                                  \
			real_##name = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
		ret = real_##name arguments;                                       \
		if (went)                                                          \
			come_back();                                               \
		return ret;                                                        \
	}
CALLS(DEFINE)

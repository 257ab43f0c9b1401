/* SPDX-License-Identifier: ISC */
/*
 * The calls of libc that the guest steps aside for.
 *
 * - Changes of ids and capabilities. glibc makes its own threads follow; ours would keep the old ones,
 *   and with them root in a process that dropped it.
 * - setns() and unshare() of what a process with two threads may not change: user_namespaces(7).
 * - Seccomp filters. The guest would not be under one, or be killed by it and the process with it;
 *   none comes back, for a filter may kill for calls that the program itself never makes.
 *
 * - fork() of a program that counts its threads then: counts.h. It comes back before a wait().
 *
 * syscall(2) too: seccomp(2) has no function of its own. What calls the kernel by itself is noticed by
 * the guest at its next tick.
 */
#include <dlfcn.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "preload/aside.h"
#include "preload/interpose.h"
#include "preload/sys.h"

#define EXPORT __attribute__((visibility("default")))

/* CALL(return type, name, (parameters), (arguments)): passed on between two guests. */
#define CALLS(CALL)                                                         \
	CALL(int, setuid, (uid_t a), (a))                                   \
	CALL(int, setgid, (gid_t a), (a))                                   \
	CALL(int, seteuid, (uid_t a), (a))                                  \
	CALL(int, setegid, (gid_t a), (a))                                  \
	CALL(int, setreuid, (uid_t a, uid_t b), (a, b))                     \
	CALL(int, setregid, (gid_t a, gid_t b), (a, b))                     \
	CALL(int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c))        \
	CALL(int, setresgid, (gid_t a, gid_t b, gid_t c), (a, b, c))        \
	CALL(int, setgroups, (size_t n, const gid_t *list), (n, list))      \
	CALL(int, initgroups, (const char *user, gid_t a), (user, a))       \
	CALL(int, setfsuid, (uid_t a), (a))                                 \
	CALL(int, setfsgid, (gid_t a), (a))                                 \
	CALL(int, capset, (void *header, const void *data), (header, data)) \
	CALL(int, setns, (int fd, int type), (fd, type))

/* Waiting for a child, before which a guest comes back that left for a fork. */
#define WAITS(CALL)                                                                                \
	CALL(pid_t, wait, (int *status), (status))                                                 \
	CALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))        \
	CALL(int, waitid, (int type, id_t id, void *info, int options), (type, id, info, options)) \
	CALL(pid_t, wait3, (int *status, int options, void *usage), (status, options, usage))      \
	CALL(pid_t, wait4, (pid_t pid, int *status, int options, void *usage),                     \
	     (pid, status, options, usage))

/*
 * Likewise, but what becomes of the guest depends on the arguments. Two of them are variadic in C; the
 * registers hold as many as they may have. Of syscall(2) on x86-64 a seventh word is on the caller's
 * stack: it is passed on where it lies, and must not even be written back.
 */
#if defined(__x86_64__)
#define SYSCALL_PARAMETERS (long n, long a, long b, long c, long d, long e)
#define SYSCALL_ARGUMENTS  (n, a, b, c, d, e)
#else
#define SYSCALL_PARAMETERS (long n, long a, long b, long c, long d, long e, long f)
#define SYSCALL_ARGUMENTS  (n, a, b, c, d, e, f)
#endif
#define SOME(CALL)                                                                           \
	CALL(int, unshare, (int flags), (flags))                                             \
	CALL(int, prctl, (int option, long a, long b, long c, long d), (option, a, b, c, d)) \
	CALL(long, syscall, SYSCALL_PARAMETERS, SYSCALL_ARGUMENTS)

#define REAL(type, name, parameters, arguments)        \
	extern type name parameters;                   \
	static type(*real_##name) parameters;          \
	static void find_##name(void)                  \
	{                                              \
		real_##name = dlsym(RTLD_NEXT, #name); \
	}
CALLS(REAL)
WAITS(REAL)
SOME(REAL)
#undef REAL

void interpose_init(void)
{
#define FIND(type, name, parameters, arguments) find_##name();
	CALLS(FIND)
	WAITS(FIND)
	SOME(FIND)
#undef FIND
}

#define DEFINE(type, name, parameters, arguments) \
	EXPORT type name parameters               \
	{                                         \
		bool went = aside_step();         \
		type ret;                         \
                                                  \
		if (!real_##name)                 \
			find_##name();            \
		ret = real_##name arguments;      \
		if (went)                         \
			aside_back();             \
		return ret;                       \
	}
CALLS(DEFINE)

#define DEFINE_WAIT(type, name, parameters, arguments) \
	EXPORT type name parameters                    \
	{                                              \
		aside_return();                        \
		if (!real_##name)                      \
			find_##name();                 \
		return real_##name arguments;          \
	}
WAITS(DEFINE_WAIT)

enum effect {
	STAYS,	     /* the guest may stay */
	SPOILS,	     /* it steps aside */
	BARS,	     /* and does not come back where the call succeeds */
	BARS_THREAD, /* the guest stays, but the calling thread may do nothing for it any more */
};

static enum effect effect_of_unshare(long flags)
{
	return flags & (CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) ? SPOILS : STAYS;
}

/* A thread that restricts itself alone leaves the others as they are, and the guest with them. */
static enum effect effect_of_filter(bool all_threads)
{
	if (aside_is_barred())
		return STAYS; /* not one system call more */
	return all_threads || sys_0(SYS_gettid) == sys_0(SYS_getpid) ? BARS : BARS_THREAD;
}

static enum effect effect_of_prctl(int option)
{
	return option == PR_SET_SECCOMP ? effect_of_filter(false) : STAYS;
}

static enum effect effect_of_seccomp(long operation, long flags)
{
	if (operation != SECCOMP_SET_MODE_STRICT && operation != SECCOMP_SET_MODE_FILTER)
		return STAYS;
	return effect_of_filter(flags & SECCOMP_FILTER_FLAG_TSYNC);
}

/* Whether the system call may be one of those. */
static inline __attribute__((always_inline)) bool is_ours(long n)
{
	switch (n) {
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setgroups:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_capset:
	case SYS_setns:
	case SYS_unshare:
	case SYS_prctl:
	case SYS_seccomp:
		return true;
	default:
		return false;
	}
}

static enum effect effect_of_syscall(long n, long a, long b)
{
	switch (n) {
	case SYS_unshare:
		return effect_of_unshare(a);
	case SYS_prctl:
		return effect_of_prctl((int)a);
	case SYS_seccomp:
		return effect_of_seccomp(a, b);
	default:
		return is_ours(n) ? SPOILS : STAYS;
	}
}

static bool leave(enum effect effect)
{
	if (effect == BARS || effect == BARS_THREAD)
		return aside_bar(effect == BARS);
	return effect == SPOILS && aside_step();
}

/* After BARS and success not one system call is made: the filter is there. */
static void come_back(enum effect effect, bool refused)
{
	if (effect == SPOILS)
		aside_back();
	else if (refused)
		aside_unbar(effect == BARS);
}

EXPORT int unshare(int flags)
{
	enum effect effect = effect_of_unshare(flags);
	bool went = leave(effect);
	int ret;

	if (!real_unshare)
		find_unshare();
	ret = real_unshare(flags);
	if (went)
		come_back(effect, ret < 0);
	return ret;
}

EXPORT int prctl(int option, long a, long b, long c, long d)
{
	enum effect effect = effect_of_prctl(option);
	bool went = leave(effect);
	int ret;

	if (!real_prctl)
		find_prctl();
	ret = real_prctl(option, a, b, c, d);
	if (went)
		come_back(effect, ret < 0);
	return ret;
}

/* None of them has more arguments than there are registers. */
__attribute__((noinline)) static long call_aside SYSCALL_PARAMETERS
{
	enum effect effect = effect_of_syscall(n, a, b);
	bool went = leave(effect);
	long ret = real_syscall SYSCALL_ARGUMENTS;

	/* A filter for all threads is refused with the id of one that cannot follow: seccomp(2). */
	if (went)
		come_back(effect, ret < 0 || (ret > 0 && !(b & SECCOMP_FILTER_FLAG_NEW_LISTENER)));
	return ret;
}

__attribute__((noinline, cold)) static long call_early SYSCALL_PARAMETERS
{
	find_syscall();
	return syscall SYSCALL_ARGUMENTS;
}

/* Jumps, and no frame: the child of a vfork() by it returns first, and would spoil that. */
EXPORT long syscall SYSCALL_PARAMETERS
{
	if (!real_syscall)
		return call_early SYSCALL_ARGUMENTS;
	return is_ours(n) ? call_aside SYSCALL_ARGUMENTS : real_syscall SYSCALL_ARGUMENTS;
}

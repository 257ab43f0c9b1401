/* SPDX-License-Identifier: ISC */
/* Real processes read from /proc: what they hold, how they end, and why they have no sampler. */
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/outside.h"
#include "collector/outside_internal.h"
#include "core/parse.h"

#define MIB    (1 << 20)
#define HELD   (20 * MIB)
#define SECOND 1000000000ull
#define NOBODY 65534
#define COMM   "a ) b ("

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#endif

static const struct outside_limits freely = {SECOND, 1000000, 1};
static struct patience *patience;

/* ---- processes ----------------------------------------------------------------------------- */

static int ready;

static void hold(void)
{
	char *p = mmap(NULL, HELD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < HELD; i += 512)
		p[i] = 1;
}

static void tell_ready(void)
{
	if (write(ready, "x", 1) != 1)
		_exit(1);
}

static void hold_and_tell(void)
{
	prctl(PR_SET_NAME, COMM);
	hold();
	tell_ready();
}

static void *tell_and_wait(void *arg)
{
	tell_ready();
	for (;;)
		pause();
	return arg;
}

static void with_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, tell_and_wait, NULL);
}

static void end_thread(int sig)
{
	(void)sig;
	syscall(SYS_exit, 0);
}

/* Two threads, and no main thread any more. */
static void without_main(void)
{
	pthread_t thread;

	signal(SIGUSR1, end_thread);
	hold();
	pthread_create(&thread, NULL, tell_and_wait, NULL);
	pthread_create(&thread, NULL, tell_and_wait, NULL);
	syscall(SYS_exit, 0);
}

/* A child that does that, writes a byte, and waits to be killed. */
static pid_t child(void (*body)(void))
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ready = ends[1];
		body();
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static char state_of(pid_t pid)
{
	char path[64], text[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strrchr(text, ')') ? strrchr(text, ')')[2] : '\0';
}

static void wait_for_state(pid_t pid, char state)
{
	for (unsigned i = 0; i < 5000 && state_of(pid) != state; i++)
		usleep(1000);
	assert_int_equal(state_of(pid), state);
}

static struct outside *opened(pid_t pid)
{
	struct outside *o = NULL;

	assert_int_equal(outside_open(pid, patience, &o), 0);
	assert_non_null(o);
	return o;
}

static int sample(struct outside *o, bool slow, struct record *rec)
{
	static uint64_t now_ns;

	record_init(rec);
	return outside_sample(o, &freely, now_ns += SECOND, slow, rec);
}

static void between(const struct record *rec, unsigned field, int64_t least, int64_t most)
{
	if (!record_has(rec, field))
		fail_msg("%s is not there", field_table[field].column);
	if (record_scaled(rec, field) < least || record_scaled(rec, field) > most)
		fail_msg("%s is %ld, not between %ld and %ld", field_table[field].column,
			 record_scaled(rec, field), least, most);
}

/* ---- what it holds ------------------------------------------------------------------------- */

static void values(void **state)
{
	pid_t pid = child(hold_and_tell);
	struct outside *o = opened(pid);
	struct record rec;

	(void)state;
	assert_int_equal(sample(o, true, &rec), 0);
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		if (i == SOURCE_STATUS || i == SOURCE_ROLLUP || i == SOURCE_STAT ||
		    i == SOURCE_IO || i == SOURCE_SCHEDSTAT)
			assert_int_equal(rec.reason[i], REASON_OK);
	between(&rec, FIELD_RSS, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_HWM, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_PSS, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_PRIVATE_DIRTY, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_THREADS, 1, 1);
	between(&rec, FIELD_MINOR_FAULTS, 10, 1000000);
	between(&rec, FIELD_S_CPU, 500000, 60ll * 1000000000);
	between(&rec, FIELD_ROLLUP_COST, 1000, SECOND);
	assert_true(record_has(&rec, FIELD_S_USER) && record_has(&rec, FIELD_S_SYSTEM));
	assert_true(record_has(&rec, FIELD_WRITE_CHARS) && rec.value[FIELD_WRITE_CHARS] >= 1);
	assert_int_equal(rec.reason[SOURCE_SAMPLER], REASON_ABSENT);
	assert_int_equal(rec.reason[SOURCE_TASKSTATS_PID], REASON_DENIED);
	assert_int_equal(rec.reason[SOURCE_TASKSTATS_TGID], REASON_DENIED);
	outside_close(o);
	end(pid);
}

static void fast(void **state)
{
	static const uint8_t slow[] = {SOURCE_STAT, SOURCE_IO, SOURCE_SCHEDSTAT,
				       SOURCE_TASKSTATS_PID, SOURCE_TASKSTATS_TGID};
	pid_t pid = child(hold_and_tell);
	struct outside *o = opened(pid);
	struct record rec;

	(void)state;
	assert_int_equal(sample(o, false, &rec), 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_ROLLUP], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_SAMPLER], REASON_ABSENT);
	for (unsigned i = 0; i < UNIT_COUNT(slow); i++)
		assert_int_equal(rec.reason[slow[i]], REASON_NOT_DUE);
	assert_false(record_has(&rec, FIELD_S_CPU));
	outside_close(o);
	end(pid);
}

static void threads(void **state)
{
	pid_t pid = child(with_thread);
	struct outside *o = opened(pid);
	struct record rec;

	(void)state;
	assert_int_equal(sample(o, true, &rec), 0);
	between(&rec, FIELD_THREADS, 2, 2);
	assert_int_equal(rec.reason[SOURCE_SCHEDSTAT], REASON_THREADS);
	assert_false(record_has(&rec, FIELD_S_CPU));
	assert_int_equal(rec.reason[SOURCE_STAT], REASON_OK);
	outside_close(o);
	end(pid);
}

static void main_thread_ended(void **state)
{
	pid_t pid = child(without_main);
	struct outside *o = opened(pid);
	struct record rec;
	pid_t first;

	(void)state;
	wait_for_state(pid, 'Z');
	assert_int_equal(sample(o, true, &rec), 0);
	between(&rec, FIELD_RSS, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_PSS, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_THREADS, 3, 3);
	assert_int_equal(rec.reason[SOURCE_SCHEDSTAT], REASON_THREADS);
	assert_int_equal(rec.reason[SOURCE_STAT], REASON_OK);
	/* Some kernels let only root look at what is left of the main thread. */
	if (geteuid() == 0 || rec.reason[SOURCE_IO] != REASON_DENIED)
		assert_int_equal(rec.reason[SOURCE_IO], REASON_OK);

	/* What is missing because the thread has ended is not what this kernel does not have. */
	first = o->tid;
	o->tid = 1;
	assert_int_equal(outside_read(o, "smaps_rollup", true, &rec, sizeof(rec)), -ESRCH);
	assert_int_equal(outside_read(o, "no_such_file", false, &rec, sizeof(rec)), -ENOENT);
	o->tid = first;

	/* The one whose files served ends, and the other's do. */
	assert_int_equal(syscall(SYS_tgkill, pid, first, SIGUSR1), 0);
	for (unsigned i = 0; i < 5000 && o->tid == first; i++, usleep(1000))
		assert_int_equal(sample(o, false, &rec), 0);
	assert_int_not_equal(o->tid, first);
	between(&rec, FIELD_RSS, HELD, HELD + 200 * MIB);
	between(&rec, FIELD_PSS, HELD, HELD + 200 * MIB);

	assert_int_equal(syscall(SYS_tgkill, pid, o->tid, SIGUSR1), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sample(o, false, &rec), -ESRCH);
	outside_close(o);
}

/* ---- who it is ----------------------------------------------------------------------------- */

static uint64_t start_ticks(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	sscanf(strrchr(text, ')') + 2,
	       "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	       &ticks);
	return ticks;
}

static void describe(void **state)
{
	pid_t pid = child(hold_and_tell);
	struct outside *o = opened(pid);
	char exe[4096], argv[4096];
	ssize_t exe_len = readlink("/proc/self/exe", exe, sizeof(exe));
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t argv_len = read(fd, argv, sizeof(argv));
	struct wire_hello hello;
	struct record rec;

	(void)state;
	close(fd);
	assert_int_equal(outside_describe(o, &hello), 0);
	assert_int_equal(hello.version, WIRE_VERSION);
	assert_int_equal(hello.pid, pid);
	assert_int_equal(hello.ppid, getpid());
	assert_int_equal(hello.start_ticks, start_ticks(pid));
	assert_true(hello.start_ticks > 0);
	assert_int_equal(hello.uid, geteuid());
	assert_int_equal(hello.gid, getegid());
	assert_int_equal(hello.comm_len, strlen(COMM));
	assert_memory_equal(hello.comm, COMM, hello.comm_len);
	assert_int_equal(hello.exe_len, exe_len);
	assert_memory_equal(hello.exe, exe, hello.exe_len);
	assert_int_equal(hello.argv_len, argv_len);
	assert_memory_equal(hello.argv, argv, hello.argv_len);

	/* A zombie is still somebody; one that was waited for is nobody. */
	kill(pid, SIGKILL);
	wait_for_state(pid, 'Z');
	assert_int_equal(outside_describe(o, &hello), 0);
	assert_int_equal(hello.ppid, getpid());
	assert_int_equal(hello.exe_len, 0);
	assert_int_equal(hello.argv_len, 0);
	assert_int_equal(sample(o, true, &rec), -ESRCH);
	assert_string_equal(outside_why(o), "it has ended");
	end(pid);
	assert_int_equal(outside_describe(o, &hello), -ESRCH);
	assert_int_equal(sample(o, true, &rec), -ESRCH);
	outside_close(o);
	o = NULL;
	assert_int_equal(outside_open(pid, patience, &o), -ENOENT);
	assert_null(o);
	outside_close(NULL);
}

static int wait_for_end(void *arg)
{
	for (;;)
		pause();
	return arg != NULL;
}

static void shares_memory(void **state)
{
	static char stack[65536];
	pid_t other = child(hold_and_tell);
	pid_t pid = clone(wait_for_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	struct outside *o;

	(void)state;
	assert_true(pid > 0);
	o = opened(pid);
	assert_true(outside_shares_memory(o, getpid()));
	assert_false(outside_shares_memory(o, other));
	assert_false(outside_shares_memory(o, 0));
	outside_close(o);
	end(pid);
	o = opened(other);
	assert_false(outside_shares_memory(o, getpid()));
	outside_close(o);
	end(other);
}

static ssize_t answer_late(struct outside *o, const struct question *question, void *buf,
			   size_t size)
{
	char byte;

	(void)o;
	(void)buf;
	(void)size;
	return read(question->parent, &byte, 1);
}

/* Asked what it does not answer, it tells what needs no answer, and nothing else is asked. */
static void unanswered(void **state)
{
	pid_t pid = child(hold_and_tell);
	struct question question = {.answer = answer_late};
	struct patience *some;
	struct wire_hello hello;
	struct outside *o;
	struct record rec;
	uint64_t start;
	int ends[2];

	(void)state;
	assert_int_equal(patience_new(SECOND / 2, 2, &some), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	question.parent = ends[0];
	assert_int_equal(outside_open(pid, some, &o), 0);
	assert_int_equal(outside_ask(o, &question, NULL, 0), -ETIMEDOUT);
	assert_int_equal(outside_ask(o, &question, NULL, 0), -ETIMEDOUT);
	assert_int_equal(patience_out(some), 1);
	assert_int_equal(sample(o, true, &rec), 0);
	between(&rec, FIELD_RSS, HELD, HELD + 200 * MIB);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_SCHEDSTAT], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_ROLLUP], REASON_FAILED);
	assert_int_equal(rec.reason[SOURCE_STAT], REASON_FAILED);
	assert_int_equal(rec.reason[SOURCE_IO], REASON_FAILED);
	assert_int_equal(outside_describe(o, &hello), 0);
	assert_int_equal(hello.ppid, getpid());
	assert_int_equal(hello.start_ticks, 0);
	assert_int_equal(hello.comm_len, strlen(COMM));
	assert_memory_equal(hello.comm, COMM, hello.comm_len);
	assert_int_equal(hello.uid, geteuid());
	assert_int_equal(hello.exe_len + hello.argv_len, 0);
	assert_int_equal(outside_started(o, &start), 0);
	assert_int_equal(start, 0);
	assert_false(outside_shares_memory(o, getpid()));
	assert_string_equal(outside_why(o), "cannot be told: it does not answer");
	assert_false(outside_tells_more(o));

	/* It answers, and is left in peace for a while. */
	assert_int_equal(write(ends[1], "x", 1), 1);
	for (unsigned i = 0; i < 5000 && outside_settle(o) == -ETIMEDOUT; i++)
		usleep(1000);
	assert_true(outside_settle(o) == -EAGAIN || outside_settle(o) == 0);
	for (unsigned i = 0; i < 5000 && !outside_tells_more(o); i++)
		usleep(1000);
	assert_false(outside_tells_more(o));
	assert_int_equal(outside_describe(o, &hello), 0);
	assert_int_equal(hello.start_ticks, start_ticks(pid));
	assert_true(hello.exe_len > 0 && hello.argv_len > 0);
	assert_int_equal(sample(o, true, &rec), 0);
	assert_int_equal(rec.reason[SOURCE_ROLLUP], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_IO], REASON_OK);
	assert_false(outside_tells_more(o));

	/* What is out when it is closed comes back to nobody. */
	assert_int_equal(outside_ask(o, &question, NULL, 0), -ETIMEDOUT);
	outside_close(o);
	patience_free(some);
	assert_int_equal(write(ends[1], "x", 1), 1);
	end(pid);
}

static void no_descriptors(void **state)
{
	struct outside *before = opened(getpid()), *o;
	struct rlimit limit, none;
	struct record rec;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(outside_open(getpid(), patience, &o), -EMFILE);
	/* It has not ended, only cannot be read. */
	assert_int_equal(sample(before, true, &rec), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_FAILED);
	assert_int_equal(rec.reason[SOURCE_ROLLUP], REASON_FAILED);
	assert_int_equal(rec.reason[SOURCE_STAT], REASON_FAILED);
	assert_int_equal(sample(before, true, &rec), 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_OK);
	outside_close(before);
}

/* ---- the two limits ------------------------------------------------------------------------ */

static enum reason walk(struct outside *o, struct outside_limits limits, uint64_t now_ns,
			int64_t *ret_cost)
{
	struct record rec;

	record_init(&rec);
	assert_int_equal(outside_sample(o, &limits, now_ns, false, &rec), 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_OK);
	assert_int_equal(record_has(&rec, FIELD_PSS), rec.reason[SOURCE_ROLLUP] == REASON_OK);
	*ret_cost = record_has(&rec, FIELD_ROLLUP_COST) ? rec.value[FIELD_ROLLUP_COST] : 0;
	return rec.reason[SOURCE_ROLLUP];
}

static void limits(void **state)
{
	struct outside_limits some = {SECOND, 10000, 3000};
	pid_t pid = child(hold_and_tell);
	struct outside *o = opened(pid);
	int64_t cost, more;

	(void)state;
	assert_int_equal(walk(o, (struct outside_limits){0, 10000, 3}, 5, &cost), REASON_STALL);
	assert_int_equal(walk(o, (struct outside_limits){SECOND, 0, 3}, 5, &cost), REASON_NOT_DUE);
	assert_int_equal(walk(o, (struct outside_limits){SECOND, 10000, 0}, 5, &cost),
			 REASON_NOT_DUE);
	assert_int_equal(walk(o, some, 5, &cost), REASON_OK);
	assert_true(cost > 0);
	/* 3000 live and 1% is theirs: one walk in 300,000 times its cost, from its end on. */
	assert_int_equal(walk(o, some, 5 + 300001 * (uint64_t)cost - 1, &more), REASON_NOT_DUE);
	assert_int_equal(walk(o, some, 5 + 300001 * (uint64_t)cost, &more), REASON_OK);
	outside_close(o);
	end(pid);
}

static void denied(void **state)
{
	pid_t pid;
	struct outside *o;
	struct record rec;
	int ret;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = child(hold_and_tell);
	o = opened(pid);
	assert_int_equal(seteuid(NOBODY), 0);
	ret = sample(o, true, &rec);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(rec.reason[SOURCE_STATUS], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_ROLLUP], REASON_DENIED);
	assert_int_equal(rec.reason[SOURCE_IO], REASON_DENIED);
	assert_int_equal(rec.reason[SOURCE_STAT], REASON_OK);
	assert_false(record_has(&rec, FIELD_ROLLUP_COST));
	assert_int_equal(seteuid(NOBODY), 0);
	assert_string_equal(outside_why(o), "cannot be told: permission denied");
	assert_int_equal(seteuid(0), 0);
	outside_close(o);
	end(pid);
}

/* ---- why ----------------------------------------------------------------------------------- */

static char folder[64];

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const void *bytes, size_t len)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* A program of which not one instruction is ever run: it is stopped by then. */
static void put_program(const char *name, const char *loader)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr phdr[2];
		char loader[128];
	} file = {
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = OWN_MACHINE,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(Elf64_Ehdr),
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = loader ? 2 : 1},
		.phdr = {{.p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_filesz = sizeof(file),
			  .p_memsz = sizeof(file),
			  .p_align = 0x10000},
			 {.p_type = PT_INTERP,
			  .p_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr),
			  .p_filesz = loader ? strlen(loader) + 1 : 0}},
	};

	/* Loaded segments stand behind the loader's name, as the kernel has it; so it may not care. */
	snprintf(file.loader, sizeof(file.loader), "%s", loader ? loader : "");
	put(name, &file, sizeof(file));
}

static void put_foreign(void)
{
	struct {
		Elf32_Ehdr head;
		Elf32_Phdr phdr;
	} file = {
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
				     EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = OWN_MACHINE == EM_X86_64 ? EM_386 : EM_ARM,
			 .e_version = EV_CURRENT,
			 .e_flags = OWN_MACHINE == EM_X86_64 ? 0 : EF_ARM_EABI_VER5,
			 .e_phoff = sizeof(Elf32_Ehdr),
			 .e_ehsize = sizeof(Elf32_Ehdr),
			 .e_phentsize = sizeof(Elf32_Phdr),
			 .e_phnum = 1},
		.phdr = {.p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_filesz = sizeof(file),
			 .p_memsz = sizeof(file),
			 .p_align = 0x10000},
	};

	put("foreign", &file, sizeof(file));
}

/* Starts such a program, stopped; 0 where this kernel does not run it. */
static pid_t start_stopped(const char *name)
{
	char *argv[] = {(char *)name, NULL};
	char *envp[] = {NULL};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execve(in_folder(name), argv, envp);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSTOPPED(status) ? pid : 0;
}

static void why_of_program(const char *name, const char *want)
{
	pid_t pid = start_stopped(name);
	struct outside *o;

	if (!pid)
		skip();
	o = opened(pid);
	assert_string_equal(outside_why(o), want);
	outside_close(o);
	end(pid);
}

static void static_program(void **state)
{
	(void)state;
	put_program("still", NULL);
	why_of_program("still", "static program");
}

static void another_libc(void **state)
{
	char path[128];

	(void)state;
	put_program("ld-musl-own.so.1", NULL);
	snprintf(path, sizeof(path), "%s", in_folder("ld-musl-own.so.1"));
	put_program("musl", path);
	why_of_program("musl", "another C library (musl)");

	/* Whatever its name holds, nothing of it reaches a terminal. */
	put_program("own\033\tloader", NULL);
	snprintf(path, sizeof(path), "%s", in_folder("own\033\tloader"));
	put_program("own", path);
	snprintf(path, sizeof(path), "another loader: %.60s", in_folder("own??loader"));
	why_of_program("own", path);
}

static void another_architecture(void **state)
{
	(void)state;
	put_foreign();
	why_of_program("foreign", "other architecture");
}

/* Owned by these ids, and run with them. */
static void why_of_set_id(const char *name, uid_t uid, gid_t gid, mode_t mode, const char *want)
{
	struct wire_hello hello;
	struct outside *o;
	struct statvfs fs;
	pid_t pid;

	if (geteuid() != 0 || statvfs(folder, &fs) != 0 || fs.f_flag & ST_NOSUID)
		skip();
	put_program(name, NULL);
	assert_int_equal(chown(in_folder(name), uid, gid), 0);
	assert_int_equal(chmod(in_folder(name), mode), 0);
	pid = start_stopped(name);
	assert_true(pid > 0);
	o = opened(pid);
	assert_int_equal(outside_describe(o, &hello), 0);
	assert_int_equal(hello.uid, uid);
	assert_int_equal(hello.gid, gid);
	assert_string_equal(outside_why(o), want);
	outside_close(o);
	end(pid);
}

static void set_user_id(void **state)
{
	(void)state;
	why_of_set_id("set-user-id", NOBODY, getegid(), 04755, "set-user-ID program");
}

static void set_group_id(void **state)
{
	(void)state;
	why_of_set_id("set-group-id", geteuid(), NOBODY, 02755, "set-group-ID program");
}

static void filter(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &all};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(1);
}

static void other_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		_exit(1);
}

/* cat, with that in its environment; past its loader, for it has passed on a byte. 0: before() failed. */
static pid_t start_cat(const char *preload, void (*before)(void))
{
	char *argv[] = {"cat", NULL};
	char *envp[] = {(char *)preload, NULL};
	int in[2], out[2];
	char byte = 'x';
	pid_t pid;
	bool lives;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (before)
			before();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
		execve("/bin/cat", argv, envp);
		_exit(127);
	}
	close(out[1]);
	assert_int_equal(write(in[1], &byte, 1), 1);
	lives = read(out[0], &byte, 1) == 1;
	/* It gets the end of its input only when it is killed, for in[1] stays with us. */
	close(in[0]);
	close(out[0]);
	if (!lives)
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	return lives ? pid : 0;
}

static void why_of_cat(const char *preload, void (*before)(void), const char *want)
{
	pid_t pid = start_cat(preload, before);
	struct outside *o;

	if (!pid)
		skip();
	o = opened(pid);
	assert_string_equal(outside_why(o), want);
	/* Also the second time. */
	assert_string_equal(outside_why(o), want);
	outside_close(o);
	end(pid);
}

/* Any shared library serves: it is known by its name. */
static const char *put_library(void)
{
	static char preload[160];
	char buf[65536];
	Dl_info info;
	FILE *from, *to;
	size_t n;

	assert_true(dladdr((void *)_cmocka_run_group_tests, &info));
	from = fopen(info.dli_fname, "re");
	to = fopen(in_folder("libmstat.so"), "we");
	assert_true(from && to);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		assert_int_equal(fwrite(buf, 1, n, to), n);
	fclose(from);
	fclose(to);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", in_folder("libmstat.so"));
	return preload;
}

static void environment(void **state)
{
	(void)state;
	why_of_cat(NULL, NULL, "LD_PRELOAD is not in its environment");
	why_of_cat("LD_PRELOAD=/nowhere/libother.so", NULL, "LD_PRELOAD is not in its environment");
	why_of_cat("NO_LD_PRELOAD=libmstat.so", NULL, "LD_PRELOAD is not in its environment");
	why_of_cat("LD_PRELOAD=/nowhere/libmstat.so", NULL, "libmstat.so was not loaded");
}

static void loaded(void **state)
{
	(void)state;
	why_of_cat(put_library(), NULL, "sampler did not start");
}

static void filtered(void **state)
{
	(void)state;
	why_of_cat(put_library(), filter, "seccomp filter");
}

static void another_root(void **state)
{
	(void)state;
	why_of_cat("LD_PRELOAD=/nowhere/libmstat.so", other_mounts, "it has another root folder");
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/mo.XXXXXX", tmp ? tmp : "/tmp");
	if (patience_new(10 * SECOND, 1, &patience) < 0)
		return -1;
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"still",	   "ld-musl-own.so.1", "musl",
					    "own",	   "foreign",	       "own\033\tloader",
					    "set-user-id", "set-group-id",     "libmstat.so"};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		unlink(in_folder(names[i]));
	patience_free(patience);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(fast),
		cmocka_unit_test(threads),
		cmocka_unit_test(main_thread_ended),
		cmocka_unit_test(describe),
		cmocka_unit_test(shares_memory),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(limits),
		cmocka_unit_test(denied),
		cmocka_unit_test(static_program),
		cmocka_unit_test(another_libc),
		cmocka_unit_test(another_architecture),
		cmocka_unit_test(set_user_id),
		cmocka_unit_test(set_group_id),
		cmocka_unit_test(environment),
		cmocka_unit_test(loaded),
		cmocka_unit_test(filtered),
		cmocka_unit_test(another_root),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

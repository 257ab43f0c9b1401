/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tools/phaselist.h"
#include "tools/summary.h"

/* Processes that the peak is shared out to, of those that the record has. */
#define HOLDERS_SHOWN 5

const char *summary_bytes(int64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024 && bytes > -1024) {
		snprintf(buf, size, "%" PRId64 " B", bytes);
		return buf;
	}
	for (v /= 1024; (v >= 1024 || v <= -1024) && unit < 4; v /= 1024)
		unit++;
	snprintf(buf, size, "%.1f %s", v, units[unit]);
	return buf;
}

static double seconds(const struct record *run, unsigned field)
{
	return record_has(run, field) ? (double)run->value[field] / 1e9 : 0;
}

static int64_t number(const struct record *run, unsigned field)
{
	return record_has(run, field) ? run->value[field] : 0;
}

/* " TEXT BYTES", where the field is known. */
static void print_bytes(FILE *to, const struct record *run, unsigned field, const char *text)
{
	char bytes[32];

	if (record_has(run, field))
		fprintf(to, "%s%s", text,
			summary_bytes(record_scaled(run, field), bytes, sizeof(bytes)));
}

static void print_peak(FILE *to, const struct record *run)
{
	char text[32];

	fputs("  peak       ", to);
	if (record_has(run, FIELD_PEAK_EXACT))
		fprintf(to, "%s by the kernel, exact; ",
			summary_bytes(run->value[FIELD_PEAK_EXACT], text, sizeof(text)));
	if (!record_has(run, FIELD_PEAK_SAMPLED)) {
		fputs("the run ended before its first sample\n", to);
		return;
	}
	fprintf(to, "%s sampled, at %.3f s",
		summary_bytes(run->value[FIELD_PEAK_SAMPLED], text, sizeof(text)),
		seconds(run, FIELD_PEAK_TIME));
	print_bytes(to, run, FIELD_PEAK_NO_CACHE, "; without page cache ");
	fputc('\n', to);
	if (!record_has(run, FIELD_PEAK_LOOSE_ANON) && !record_has(run, FIELD_PEAK_RESIDUAL))
		return;
	fputs("  in it      ", to);
	print_bytes(to, run, FIELD_PEAK_LOOSE_ANON, "unattributed: anon ");
	print_bytes(to, run, FIELD_PEAK_LOOSE_SHMEM, ", shmem ");
	if (record_has(run, FIELD_PEAK_LOOSE_ANON))
		fputs("; ", to);
	print_bytes(to, run, FIELD_PEAK_RESIDUAL, "residual ");
	fputc('\n', to);
}

/* What of RSS the heap's parts and the files come to: all of it, but for what moved meanwhile. */
static void print_balance(FILE *to, const struct record *run)
{
	static const unsigned parts[] = {
		FIELD_PEAK_LIVE, FIELD_PEAK_INHERITED, FIELD_PEAK_SLACK,    FIELD_PEAK_STACKS,
		FIELD_PEAK_REST, FIELD_PEAK_RSS_FILE,  FIELD_PEAK_RSS_SHMEM};
	uint64_t sum = 0;
	char bytes[32];

	if (!record_has(run, FIELD_PEAK_SLACK) && !record_has(run, FIELD_PEAK_STACKS) &&
	    !record_has(run, FIELD_PEAK_REST)) {
		fputs("             slack, stacks, other anonymous: not known\n", to);
		return;
	}
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!record_has(run, parts[i]))
			return;
		sum += (uint64_t)record_scaled(run, parts[i]);
	}
	fprintf(to, "             in all %s", summary_bytes((int64_t)sum, bytes, sizeof(bytes)));
	print_bytes(to, run, FIELD_PEAK_RSS, " of RSS ");
	fputc('\n', to);
}

static void print_heap(FILE *to, const struct record *run)
{
	if (!record_has(run, FIELD_PEAK_LIVE))
		return;
	print_bytes(to, run, FIELD_PEAK_LIVE, "  heap       live ");
	print_bytes(to, run, FIELD_PEAK_LIVE_SE, " +- ");
	if (number(run, FIELD_PEAK_INHERITED))
		print_bytes(to, run, FIELD_PEAK_INHERITED, ", inherited by fork ");
	if (number(run, FIELD_PEAK_MAPPED))
		print_bytes(to, run, FIELD_PEAK_MAPPED, ", mapped by the programs ");
	print_bytes(to, run, FIELD_PEAK_SLACK, "; allocator's slack ");
	print_bytes(to, run, FIELD_PEAK_STACKS, ", stacks ");
	print_bytes(to, run, FIELD_PEAK_REST, ", other anonymous ");
	print_bytes(to, run, FIELD_PEAK_RSS_FILE, "; files ");
	print_bytes(to, run, FIELD_PEAK_RSS_SHMEM, ", shmem ");
	fputc('\n', to);
	print_balance(to, run);
}

/* Those that hold next to nothing beside the first are not worth a line. */
static bool is_worth_a_line(const struct rows_holder *first, const struct rows_holder *holder)
{
	return (holder->rss_anon + holder->rss_shmem) * 100 > first->rss_anon + first->rss_shmem;
}

static void print_holders(FILE *to, const struct summary_context *context)
{
	char anon[32], shmem[32], pss[32];

	for (size_t i = 0; i < context->holder_count && i < HOLDERS_SHOWN; i++) {
		const struct rows_holder *h = &context->holders[i];

		if (!is_worth_a_line(context->holders, h))
			break;
		fprintf(to, "  %-10s %.*s[%" PRIu64 "]: %s anon, %s shmem", i ? "" : "held by",
			(int)h->comm_len, h->comm, h->pid,
			summary_bytes(h->rss_anon * 1024, anon, sizeof(anon)),
			summary_bytes(h->rss_shmem * 1024, shmem, sizeof(shmem)));
		if (h->has_pss)
			fprintf(to, "; PSS %s, %.1f s old",
				summary_bytes(h->pss * 1024, pss, sizeof(pss)),
				(double)h->pss_age_ns / 1e9);
		fputs(i ? "\n" : " (pages that are shared count for each)\n", to);
	}
}

static void print_samples(FILE *to, const struct record *run, const struct summary_context *context)
{
	int64_t lost = number(run, FIELD_RECORDS_LOST);

	fprintf(to,
		"  processes  %" PRId64 " in all: %" PRId64 " inside, %" PRId64 " outside, %" PRId64
		" by exit record only",
		number(run, FIELD_RUN_PROCESSES), number(run, FIELD_RUN_INSIDE),
		number(run, FIELD_RUN_OUTSIDE), number(run, FIELD_RUN_BY_RECORD));
	if (record_has(run, FIELD_RECORDS_LOST))
		fprintf(to, "; %" PRId64 " exit records lost, %" PRId64 " fork events", lost,
			number(run, FIELD_FORKS_LOST));
	fputc('\n', to);
	if (context->unheard)
		fprintf(to, "             short lives may be missing: %s\n", context->unheard);
	fprintf(to,
		"  samples    %" PRId64 " of %" PRId64 " processes, %" PRId64
		" of the tree; %" PRId64 " dropped, %" PRId64 " ticks missed\n",
		number(run, FIELD_RUN_SAMPLES), number(run, FIELD_RUN_SAMPLED),
		number(run, FIELD_RUN_TICKS), number(run, FIELD_RUN_DROPPED),
		number(run, FIELD_MISSED_TICKS));
	if (number(run, FIELD_RUN_REFUSED))
		fprintf(to, "  refused    %" PRId64 " connections: see mstat-decode -what events\n",
			number(run, FIELD_RUN_REFUSED));
}

/* The kernel's verdict: how many it killed, and, by all signs, whom. */
static void print_oom(FILE *to, const struct record *run, const struct summary_context *context)
{
	char text[32];

	if (!number(run, FIELD_RUN_OOM_KILLS))
		return;
	fprintf(to, "  OOM kill   %" PRId64 " by the kernel", number(run, FIELD_RUN_OOM_KILLS));
	print_bytes(to, run, FIELD_LIMIT, "; the run's limit is ");
	fputc('\n', to);
	for (size_t i = 0; i < context->victim_count; i++) {
		const struct collector_victim *v = &context->victims[i];

		fprintf(to, "             %s[%d] at %.3f s", v->comm, (int)v->pid,
			(double)v->time_ns / 1e9);
		if (v->rss_bytes >= 0)
			fprintf(to, ", last seen with %s RSS",
				summary_bytes(v->rss_bytes, text, sizeof(text)));
		fputc('\n', to);
	}
}

static void print_end(FILE *to, const struct record *run)
{
	int status = (int)number(run, FIELD_EXIT_STATUS);

	if (WIFSIGNALED(status))
		fprintf(to, "ended by signal %d (%s)%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
	else
		fprintf(to, "exit status %d", WEXITSTATUS(status));
	fprintf(to, " after %.3f s\n", seconds(run, FIELD_DURATION));
}

void summary_print(FILE *to, const struct record *run, const struct summary_context *context)
{
	char text[32];

	fprintf(to, "mstat: %s: ", context->program);
	print_end(to, run);
	print_oom(to, run, context);
	print_peak(to, run);
	print_heap(to, run);
	print_holders(to, context);
	phaselist_print(to, &context->phases);
	print_samples(to, run, context);
	fprintf(to, "  mstat      CPU %.3f s in the program's processes, %.3f s beside them",
		seconds(run, FIELD_SAMPLER_CPU), seconds(run, FIELD_COLLECTOR_CPU));
	if (record_has(run, FIELD_PEAK_MSTAT))
		fprintf(to, "; %s of the peak",
			summary_bytes(run->value[FIELD_PEAK_MSTAT], text, sizeof(text)));
	fputc('\n', to);
	if (context->left)
		fprintf(to, "  left       %d processes still run, and are not recorded any more\n",
			context->left);
	if (context->out)
		fprintf(to, "  record     %s\n", context->out);
}

/* The terminal's width, less the last column, where some terminals wrap already. */
static size_t room_on(FILE *to, size_t size)
{
	struct winsize window;

	if (ioctl(fileno(to), TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
		return size - 1;
	return window.ws_col < size ? window.ws_col - 1u : size - 1;
}

void summary_live(FILE *to, const struct record *row, int64_t time_ns)
{
	static const unsigned usage[] = {FIELD_V2_USAGE, FIELD_V1_USAGE, FIELD_NO_CGROUP};
	static const unsigned anon[] = {FIELD_V2_ANON, FIELD_V1_ANON};
	char text[32];
	char line[256];
	FILE *out = fmemopen(line, sizeof(line), "w");

	if (!out)
		return;
	fprintf(out, "mstat %.1f s", (double)time_ns / 1e9);
	for (unsigned i = 0; i < 3; i++) {
		if (!record_has(row, usage[i]))
			continue;
		fprintf(out, "  memory %s",
			summary_bytes(record_scaled(row, usage[i]), text, sizeof(text)));
		break;
	}
	for (unsigned i = 0; i < 2; i++)
		if (record_has(row, anon[i]))
			fprintf(out, "  anon %s",
				summary_bytes(record_scaled(row, anon[i]), text, sizeof(text)));
	fprintf(out, "  processes %" PRId64, number(row, FIELD_PROCESSES));
	fclose(out);
	fprintf(to, "\r\033[K%.*s", (int)room_on(to, sizeof(line)), line);
	fflush(to);
}

/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tools/summary.h"

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

static void print_peak(FILE *to, const struct record *run)
{
	char text[32];

	fputs("  peak       ", to);
	if (record_has(run, FIELD_PEAK_EXACT))
		fprintf(to, "%s by the kernel, exact; ",
			summary_bytes(run->value[FIELD_PEAK_EXACT], text, sizeof(text)));
	if (record_has(run, FIELD_PEAK_SAMPLED))
		fprintf(to, "%s sampled, at %.3f s\n",
			summary_bytes(run->value[FIELD_PEAK_SAMPLED], text, sizeof(text)),
			seconds(run, FIELD_PEAK_TIME));
	else
		fputs("the run ended before its first sample\n", to);
}

static void print_samples(FILE *to, const struct record *run)
{
	fprintf(to, "  processes  %" PRId64 " heard of from inside, %" PRId64 " of them sampled\n",
		number(run, FIELD_RUN_PROCESSES), number(run, FIELD_RUN_SAMPLED));
	fprintf(to,
		"  samples    %" PRId64 " of processes, %" PRId64 " of the tree; %" PRId64
		" dropped, %" PRId64 " ticks missed\n",
		number(run, FIELD_RUN_SAMPLES), number(run, FIELD_RUN_TICKS),
		number(run, FIELD_RUN_DROPPED), number(run, FIELD_MISSED_TICKS));
	if (number(run, FIELD_RUN_REFUSED))
		fprintf(to, "  refused    %" PRId64 " connections: see mstat-decode -what events\n",
			number(run, FIELD_RUN_REFUSED));
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
	print_peak(to, run);
	print_samples(to, run);
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

/* SPDX-License-Identifier: ISC */
/*
 * Tables of a run file, thinned or not, as text or into a format that is none: the first byte
 * chooses, the rest is the content of a block behind a good header.
 */
#include <fcntl.h>

#include "tests/unit/runfile_make.h"
#include "tools/decode.h"
#include "tools/openmetrics.h"
#include "tools/perfetto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	AS_TEXT,
	AS_TICKS,
	AS_SAMPLES,
	AS_SUMMARY,
	AS_TRACE,
	AS_MANY,
};

/* Made once: the same for all. */
static void put_header(struct make *make)
{
	static struct make header;

	if (!header.len) {
		make_init(&header);
		make_header(&header);
	}
	make_raw(make, header.buf, header.len);
}

static void run_metrics(struct decode *decode, enum scope scope, enum decode_what what, int out)
{
	struct openmetrics *metrics;

	if (openmetrics_open(scope, decode_reader(decode), decode_table(decode, what), &metrics) <
	    0)
		abort();
	decode_run(decode);
	if (openmetrics_write(metrics, out) < 0)
		abort();
	openmetrics_close(metrics);
}

static void run_trace(struct decode *decode, const struct rowfilter *filter, int out)
{
	struct perfetto *perfetto;

	if (perfetto_open(out, filter, &perfetto) < 0)
		abort();
	perfetto_feed(perfetto, decode_table(decode, DECODE_TICKS),
		      decode_table(decode, DECODE_SAMPLES), decode_table(decode, DECODE_EVENTS),
		      decode_table(decode, DECODE_PROCESSES), decode_table(decode, DECODE_SUMMARY));
	decode_run(decode);
	if (perfetto_finish(perfetto) < 0)
		abort();
	perfetto_close(perfetto);
}

static void run_text(struct decode *decode, int out)
{
	for (unsigned what = 0; what < DECODE_TABLES; what++)
		if (decode_table(decode, what))
			table_aim(decode_table(decode, what), out);
	decode_run(decode);
	if (decode_flush(decode) < 0)
		abort();
}

/* The fewer, the faster. */
static unsigned tables_of(unsigned as)
{
	static const unsigned tables[AS_MANY] = {
		[AS_TEXT] = 1u << DECODE_TICKS | 1u << DECODE_PHASES | 1u << DECODE_PEAK,
		[AS_TICKS] = 1u << DECODE_TICKS,
		[AS_SAMPLES] = 1u << DECODE_SAMPLES,
		[AS_SUMMARY] = 1u << DECODE_SUMMARY,
		[AS_TRACE] = 1u << DECODE_TICKS | 1u << DECODE_SAMPLES | 1u << DECODE_EVENTS |
			     1u << DECODE_PROCESSES | 1u << DECODE_SUMMARY,
	};

	return tables[as];
}

static void run(struct decode *decode, unsigned as, const struct rowfilter *filter, int out)
{
	if (as == AS_TICKS)
		run_metrics(decode, SCOPE_TREE, DECODE_TICKS, out);
	else if (as == AS_SAMPLES)
		run_metrics(decode, SCOPE_PROCESS, DECODE_SAMPLES, out);
	else if (as == AS_SUMMARY)
		run_metrics(decode, SCOPE_RUN, DECODE_SUMMARY, out);
	else if (as == AS_TRACE)
		run_trace(decode, filter, out);
	else
		run_text(decode, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct make make; /* kept: to allocate it takes longer than all the rest */
	static const struct rowfilter none;
	static int out = -1;
	struct decode_wanted wanted = {.filter = &none};
	struct decode *decode;
	unsigned how = len ? *data : 0;
	int fd;

	if (!make.buf)
		make_init(&make);
	if (out < 0)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	make_restart(&make);
	put_header(&make);
	bytes_put_raw(&make.out, data + (len > 0), len - (len > 0));
	make_block(&make);
	make_index(&make);
	fd = make_fd(make.buf, make.len);
	wanted.tables = tables_of(how % AS_MANY);
	wanted.step_ns = how / AS_MANY % 2 ? 250000000 : 0;
	if (decode_open(fd, NULL, NULL, &wanted, &decode) == 0)
		run(decode, how % AS_MANY, &none, out);
	decode_close(decode);
	close(fd);
	return 0;
}

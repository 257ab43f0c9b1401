/* SPDX-License-Identifier: ISC */
/*
 * What a run file's blocks tell of the heap, and what is written of it: the first byte says up to when
 * and in which format; the rest is sections, taken as they are, or, of some, as a block of a whole file,
 * in which the instant is looked for.
 */
#include <fcntl.h>

#include "tests/unit/runfile_make.h"
#include "tools/heapdecode.h"
#include "tools/heapview.h"
#include "tools/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int out = -1;
static FILE *stream;

/* What counts is what there is of it. */
static void check(const struct heaprun *run)
{
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;

	while (heaprun_next(run, &cursor, &sample)) {
		unsigned depth = 0;

		if (!sample.process->is_counted || sample.node >= run->nodes.count ||
		    !(sample.live_square >= 0))
			__builtin_trap();
		for (uint32_t at = sample.node; at; at = heaprun_node_at(run, at)->parent) {
			const struct heaprun_frame *frame =
				heaprun_frame_at(run, heaprun_node_at(run, at)->frame);

			if (frame->module >= run->modules.count || ++depth > HEAPWIRE_FRAMES_MAX)
				__builtin_trap();
		}
	}
}

static void write_all(const struct heaprun *run, unsigned format)
{
	struct pprof_about about = {.comment = {"a\xff"}, .comment_len = {2}};
	struct heapview view;

	if (heapview_init(&view, run, 0) < 0)
		abort();
	if (format == HEAPDECODE_PPROF && pprof_write(&view, &about, out) < 0)
		abort();
	if (format == HEAPDECODE_FOLDED && heapview_put_folded(&view, stream) < 0)
		abort();
	if (format == HEAPDECODE_TEXT && heapview_put_text(&view, "now", stream) < 0)
		abort();
	heapview_done(&view);
}

static void take_sections(const uint8_t *data, size_t len, unsigned how)
{
	static const uint64_t ticks[] = {0, 1, 10, 1000, UINT64_MAX};
	uint64_t tick = ticks[how % 5];
	struct heaprun_instant until = {tick == UINT64_MAX, tick,
					tick == UINT64_MAX ? tick : tick * 1000};
	struct bytes_in in = {.p = data, .end = data + len};
	struct bytes_in section;
	struct heaprun run;
	uint64_t kind;
	int err = heaprun_init(&run, &until);

	while (err == 0 && rows_next_section(&in, &kind, &section))
		err = heaprun_take(&run, kind, section);
	if (heaprun_settle(&run) < 0)
		abort();
	check(&run);
	write_all(&run, how / 5 % 3);
	heaprun_done(&run);
}

static void read_file(const uint8_t *data, size_t len, unsigned how)
{
	static const char *const instants[] = {"peak", "end", "1", "load", "#2"};
	static struct make make; /* kept: to allocate it takes longer than all the rest */
	struct heapdecode *heap;
	char line[512];
	int fd;

	if (!make.content)
		make_init(&make);
	make_restart(&make);
	make_magic(&make, ROWS_FORMAT_VERSION);
	make_info(&make, "freq", "10");
	make_info(&make, "start_monotonic_ns", "1");
	make_skippable(&make);
	bytes_put_raw(&make.out, data, len);
	make_block(&make);
	make_index(&make);
	fd = make_fd(make.buf, make.len);
	heapdecode_open(fd, instants[how % 5], &heap);
	for (unsigned i = 0; heapdecode_remark(heap, i, line, sizeof(line)); i++)
		if (!*line)
			__builtin_trap();
	if (!heapdecode_nothing(heap) &&
	    heapdecode_write(heap, (enum heapdecode_format)(how / 5 % 3), out) < 0)
		__builtin_trap();
	heapdecode_close(heap);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (out < 0) {
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
		stream = fdopen(dup(out), "w");
	}
	if (!len || len > ROWS_HEADER_MAX / 2)
		return 0;
	if (*data & 0x80)
		read_file(data + 1, len - 1, *data & 0x7f);
	else
		take_sections(data + 1, len - 1, *data);
	return 0;
}

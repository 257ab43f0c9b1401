/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/phaselist.h"
#include "tools/plain.h"
#include "tools/summary.h"

const char *const phaselist_columns[PHASELIST_COLUMNS] = {
	"phase", "start_ns", "end_ns", "peak_bytes", "peak_kind", "peak_time_ns", "name"};

int phaselist_put(struct table *table, struct bytes_in *section)
{
	struct rows_phase phase;

	if (rows_unpack_phase(section, &phase) < 0)
		return -EBADMSG;
	table_put_uint(table, phase.number);
	table_put_uint(table, phase.start_ns);
	table_put_uint(table, phase.end_ns);
	if (phase.known & ROWS_PHASE_EXACT) {
		table_put_int(table, phase.peak_exact);
		table_put_text(table, "exact", 5);
	} else if (phase.known & ROWS_PHASE_SAMPLED) {
		table_put_int(table, phase.peak_sampled);
		table_put_text(table, "sampled", 7);
	} else {
		table_put_unknown(table);
		table_put_unknown(table);
	}
	if (phase.known & ROWS_PHASE_SAMPLED)
		table_put_uint(table, phase.peak_ns);
	else
		table_put_unknown(table);
	table_put_text(table, phase.name, phase.name_len);
	return 0;
}

static void print_phase(FILE *to, const struct rows_phase *phase)
{
	double start = (double)phase->start_ns / 1e9;
	double end = (double)phase->end_ns / 1e9;
	bool exact = phase->known & ROWS_PHASE_EXACT;
	char name[PLAIN_ROOM] = "(start)";
	char text[32];

	if (phase->number != 1)
		plain_text(name, phase->name, phase->name_len);
	fprintf(to, "  phase      %s", name);
	if (phase->known)
		fprintf(to, ": %s %s, %.3f s to %.3f s\n",
			summary_bytes(exact ? phase->peak_exact : phase->peak_sampled, text,
				      sizeof(text)),
			exact ? "exact" : "sampled", start, end);
	else if (phase->start_ns == phase->end_ns)
		fprintf(to, ": within one tick, at %.3f s\n", start);
	else
		fprintf(to, ": not sampled, %.3f s to %.3f s\n", start, end);
}

void phaselist_print(FILE *to, const struct collector_phases *phases)
{
	if (phases->all > 1) {
		for (size_t i = 0; i < phases->count; i++)
			print_phase(to, &phases->phase[i]);
		if (phases->all > phases->count)
			fprintf(to,
				"  phase      %" PRIu64 " more: see mstat-decode -what phases\n",
				phases->all - phases->count);
	}
	if (phases->untold)
		fprintf(to, "  marks      %" PRIu64 " were counted only: too many\n",
			phases->untold);
}

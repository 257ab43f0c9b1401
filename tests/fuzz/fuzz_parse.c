/* SPDX-License-Identifier: ISC */
/* The parsers of kernel text. The first byte chooses the source, the rest is its text. */
#include "core/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text;
	const char *line;
	struct record rec;
	size_t len;
	unsigned found = 0;
	unsigned source;

	if (size == 0)
		return 0;
	source = data[0] % SOURCE_MAX;
	text = (const char *)data + 1;
	size--;
	record_init(&rec);
	parse_source(source, text, size, &rec);
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		if (!record_has(&rec, f))
			continue;
		if (!field_table[f].known || field_table[f].source != source)
			__builtin_trap();
		if (source_table[source].format != FORMAT_TASKSTATS && rec.value[f] < 0)
			__builtin_trap();
		(void)record_scaled(&rec, f);
		found++;
	}
	if ((found > 0) != (rec.reason[source] == REASON_OK))
		__builtin_trap();
	line = parse_line(text, size, "Name", &len);
	if (line && (line < text || line + len > text + size))
		__builtin_trap();
	parse_line(text, size, "", &len);
	line = parse_comm(text, size, &len);
	if (line < text || line + len > text + size)
		__builtin_trap();
	for (unsigned n = 0; n < 60; n += 11)
		parse_word(text, size, n);
	parse_number(text, size, &len);
	if (len > size)
		__builtin_trap();
	parse_clock_offset(text, size);
	return 0;
}

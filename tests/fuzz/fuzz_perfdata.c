/* SPDX-License-Identifier: ISC */
/* A JVM's file of counters, which any program may write. */
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/jvm/perfdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perfdata counters;
	struct record rec;
	char text[40];

	if (perfdata_open(&counters, data, size) < 0)
		return 0;
	record_init(&rec);
	perfdata_fill(&counters, data, &rec);
	perfdata_version(&counters, data, text, sizeof(text));
	if (memchr(text, 0, sizeof(text)) == NULL)
		abort();
	return 0;
}

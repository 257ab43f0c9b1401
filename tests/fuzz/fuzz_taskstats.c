/* SPDX-License-Identifier: ISC */
/* Netlink answers: any bytes. */
#include "core/taskstats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record rec;

	taskstats_unpack_family(data, size);
	for (unsigned source = SOURCE_TASKSTATS_PID; source <= SOURCE_COLLECTOR_TGID; source++) {
		int err;

		record_init(&rec);
		err = taskstats_unpack(data, size, source, &rec);
		if ((err == 0) != (rec.reason[source] == REASON_OK) || err > 0)
			__builtin_trap();
	}
	return 0;
}
